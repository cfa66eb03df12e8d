"""Plots that move: ways on a surface, or one plot after another; as GIF, or a page with a player that needs no network."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from ...autograd.files import write_whole
from ...autograd.language import N_, current_language, translate
from ..themes import THEMES
from .colors import SERIES, Colors
from .plot import Look, Plot, PlotError, painted
from .surface import Surface, contours, drawn, paths

FORMATS = ("gif", "html")


@dataclass(frozen=True)
class Animation:
    """A plot whose frames come one after another: `.save("descent.gif")`, or .html. `still` is its last frame as a plot.

    `stages(figure, look)` paints what there is and gives a function that shows a frame by its number. Where that function says
    which parts it moved, only those are painted again.
    """

    still: Plot
    frames: int
    seconds: float
    stages: Any

    def __repr__(self) -> str:
        return f"<Animation: {self.frames} frames in {self.seconds:g} s>"

    def images(self, dpi: float = 100) -> list[Any]:
        """The frames as images of Pillow with one palette, that of the last, which shows everything: else colors flicker."""
        try:
            from PIL import Image
        except ImportError:
            raise PlotError('frames are put together with Pillow: pip install "nngraph[learn]"') from None
        moving: list[Any] = []

        def paint(figure: Any, look: Look) -> None:
            moving.append(self.stages(figure, look))

        images = []
        with painted(self.still.with_(paint=paint)) as figure:
            from matplotlib.backends.backend_agg import FigureCanvasAgg

            figure.set_dpi(dpi)
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            figure.set_layout_engine("none")  # what is laid out once stays where it is
            parts = sorted(moving[0](0) or (), key=lambda part: part.get_zorder())
            for part in parts:
                part.set_animated(True)
            canvas.draw()
            still = canvas.copy_from_bbox(figure.bbox)
            for frame in range(self.frames):
                moving[0](frame)
                self.still.punctuate(figure)
                if parts:
                    canvas.restore_region(still)
                    for part in parts:
                        figure.draw_artist(part)
                else:
                    canvas.draw()
                images.append(Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy()))
        palette = _with_colors(images[-1], Colors(THEMES[self.still.theme])).quantize(256)
        return [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]

    def gif(self) -> bytes:
        """The animation as GIF bytes, repeated for ever, the last frame held for a second."""
        first, *rest = self.images()
        each = max(20, round(1000 * self.seconds / self.frames))
        buffer = BytesIO()
        first.save(buffer, "GIF", save_all=True, append_images=rest, duration=[each] * len(rest) + [each + 1000], loop=0)
        return buffer.getvalue()

    def html(self) -> str:
        """The animation as a page: frames inside, a slider, and a button that plays."""
        language = self.still.language or current_language()
        frames = "".join(f'<img alt="" src="data:image/png;base64,{_base64(image)}">' for image in self.images())
        words = {"play": translate(N_("Play"), language), "step": translate(N_("step"), language)}
        return PAGE.format(
            language=language, title=escape(self.still.title or words["step"]), frames=frames, last=self.frames - 1,
            milliseconds=max(20, round(1000 * self.seconds / self.frames)), **{key: escape(word) for key, word in words.items()},
        )  # fmt: skip

    def save(self, path: str | Path) -> None:
        """Write the animation, whole or not at all: .gif or .html."""
        form = Path(path).suffix.lower().removeprefix(".")
        if form not in FORMATS:
            raise PlotError(f"{path}: an animation is saved as {', '.join('.' + each for each in FORMATS)}; `still` is a plot")
        write_whole(path, self.gif() if form == "gif" else self.html().encode())

    def _repr_html_(self) -> str:
        return f'<iframe srcdoc="{escape(self.html(), quote=True)}" width="680" height="620" style="border:0"></iframe>'


def animated_trajectories(
    f: Surface,
    x: tuple[float, float],
    y: tuple[float, float],
    trajectories: Mapping[str, Any],
    *,
    minimum: tuple[float, float] | None = None,
    labels: tuple[str, str] = ("x", "y"),
    frames: int = 40,
    seconds: float = 5.0,
    levels: int = 18,
    **look: Any,
) -> Animation:
    """The ways of several optimizers on f(x, y), all running at once; each trajectory is (steps, 2)."""
    ways = paths(trajectories)
    if not ways:
        raise PlotError("animated_trajectories: there are no trajectories")
    longest = max(map(len, ways.values()))
    frames = max(2, min(frames, longest))

    def stages(figure: Any, look: Look) -> Any:
        panel = figure.subplots()
        star = contours(panel, f, x, y, look, levels, minimum)
        parts = [drawn(panel, way, name, number, look) for number, (name, way) in enumerate(ways.items())]
        panel.set_xlabel(labels[0])
        panel.set_ylabel(labels[1])
        said = panel.set_title(look.say(N_("step {step}"), step=longest - 1), loc="left")
        figure.legend(loc="outside lower center", ncols=min(len(ways) + (minimum is not None), 5))

        moved = [*(part for pair in parts for part in pair), *star, said]

        def show(frame: int) -> list[Any]:
            step = round(frame / (frames - 1) * (longest - 1))
            for (line, end), way in zip(parts, ways.values(), strict=True):
                so_far = way[: step + 1]
                line.set_data(*so_far.T)
                end.set_data(*so_far[-1:].T)
            said.set_text(look.say(N_("step {step}"), step=step))
            return moved

        return show

    def last(figure: Any, look: Look) -> None:
        stages(figure, look)(frames - 1)

    return Animation(Plot(last, (6.0, 5.0), **look), frames, seconds, stages)


def film(plots: Sequence[Plot], *, seconds: float = 5.0) -> Animation:
    """Plots of one size shown one after another, such as what a network makes after each epoch. Theme, size and language are those
    of the last.

    >>> from nngraph.viz.plots import heat_map
    >>> film([heat_map([[0.1 * step, 1.0]]) for step in range(3)], seconds=1.0)
    <Animation: 3 frames in 1 s>
    """
    plots = list(plots)
    if len({plot.inches for plot in plots}) != 1:
        raise PlotError("film: " + ("the plots have different sizes" if plots else "there are no plots"))

    def stages(figure: Any, look: Look) -> Any:
        plots[-1].paint(figure, look)

        def show(frame: int) -> None:
            figure.clear()
            figure.set_layout_engine("constrained")
            plots[frame].paint(figure, look)
            plots[frame].entitle(figure)

        return show

    return Animation(plots[-1], len(plots), seconds, stages)


def _with_colors(image: Any, colors: Colors) -> Any:
    """A picture with a stripe of every series' color below, so that a palette made of it has those of thin lines, too."""
    from PIL import Image

    high = max(4, image.height // 40)
    stripes = [*(colors.series(number) for number in range(len(SERIES))), colors.theme.text, colors.theme.gradient]
    taller = Image.new("RGB", (image.width, image.height + high * len(stripes)))
    taller.paste(image)
    for number, color in enumerate(stripes):
        taller.paste(color, (0, image.height + high * number, image.width, image.height + high * (number + 1)))
    return taller


def _base64(image: Any) -> str:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return b64encode(buffer.getvalue()).decode()


PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}</title>
<style>body{{font-family:sans-serif;margin:1em;max-width:640px}}img{{display:none;width:100%}}img.on{{display:block}}input{{width:70%}}</style>
</head><body>
<div id="frames">{frames}</div>
<button id="play">▶ {play}</button> <input id="at" type="range" min="0" max="{last}" value="{last}" aria-label="{step}">
<script>
const frames = document.querySelectorAll("#frames img"), at = document.getElementById("at");
let timer = null;
function show() {{ frames.forEach((frame, k) => frame.classList.toggle("on", k === +at.value)); }}
function stop() {{ clearInterval(timer); timer = null; }}
at.oninput = () => {{ stop(); show(); }};
document.getElementById("play").onclick = () => {{
  if (timer) return stop();
  if (+at.value === frames.length - 1) at.value = 0;
  timer = setInterval(() => {{ if (+at.value === frames.length - 1) return stop(); at.value = +at.value + 1; show(); }}, {milliseconds});
}};
show();
</script></body></html>
"""
