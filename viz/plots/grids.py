"""Images side by side: samples, filters, feature maps, and what an autoencoder makes of its input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, sqrt
from typing import Any

import numpy as np

from ...autograd.language import N_, cell_width
from .plot import Look, Plot, PlotError


def image_grid(
    images: Any, titles: Sequence[str] = (), *, columns: int | None = None, signed: bool = False, light: bool = False,
    cells: bool = False, **look: Any
) -> Plot:
    """Images (n, height, width), (n, 1 or 3, height, width) or (n, height, width, 3), 0 paper and 1 ink where there is no
    color; 0 black and 1 white with `light`, as in photographs. With `signed`, as for filters, 0 is the background, and all
    have one scale. With `cells` there are lines between the pixels.

    >>> import numpy as np
    >>> image_grid(np.zeros((6, 8, 8)), columns=3)
    <Plot: light, natural>
    """
    pictures = _pictures(images, "image_grid")
    if len(titles) > len(pictures):
        raise PlotError(f"image_grid: {len(titles)} titles for {len(pictures)} images")
    if light and pictures.ndim == 3:
        pictures = np.repeat(pictures[..., None], 3, axis=-1)
    count, tall = len(pictures), pictures.shape[1] / pictures.shape[2]
    across = columns or min(count, max(ceil(sqrt(count * 1.6)), 1))
    down = -(-count // across)
    most = float(np.abs(pictures).max()) or 1.0

    def paint(figure: Any, look: Look) -> None:
        panel = _sheet(figure, down, across, pictures[0], 0.3 if len(titles) else 0.08)
        if pictures.ndim == 3 and not signed:
            _show_all(panel, pictures, across, look)
        for at, picture in enumerate(pictures):
            place = divmod(at, across)
            if pictures.ndim == 4 or signed:
                _show(panel, picture, place, look, most if signed else None)
            if cells:
                _lines(panel, picture, place, look)
            if at < len(titles):
                _say(panel, str(titles[at]), place, picture, look)

    # Words need room: a title longer than its image would run into the next one.
    inch = max(0.95 if len(titles) else 0.75, 0.085 * max((cell_width(str(title)) for title in titles), default=0))
    if max(pictures.shape[1:3]) > 40:
        inch = max(inch, 2.2)
    return Plot(paint, (max(2.0, inch * across), max(1.2, inch * tall * down)), **look)


def reconstructions(images: Any, again: Any, given: Any = None, **look: Any) -> Plot:
    """Images over what came out for them; between them what the network was given, where that was spoiled."""
    lines = [(N_("original"), _pictures(images, "reconstructions"))]
    if given is not None:
        lines.append((N_("input"), _pictures(given, "reconstructions")))
    lines.append((N_("reconstruction"), _pictures(again, "reconstructions")))
    if len({pictures.shape for _, pictures in lines}) > 1:
        raise PlotError(f"reconstructions: shapes {', '.join(str(pictures.shape) for _, pictures in lines)} are not alike")
    count = len(lines[0][1])

    def paint(figure: Any, look: Look) -> None:
        first = lines[0][1][0]
        panel = _sheet(figure, len(lines), count, first, 0.12)
        for row, (_name, pictures) in enumerate(lines):
            for at, picture in enumerate(pictures):
                _show(panel, picture, (row, at), look)
        high = first.shape[0]
        panel.set_anchor("W")  # else the words at the left are cut off where the images leave room beside them
        panel.set_yticks([row * panel.step[0] + high / 2 for row in range(len(lines))], [look.say(name) for name, _ in lines])
        panel.tick_params(length=0)

    return Plot(paint, (max(3.0, 0.75 * count + 1.2), 0.8 * len(lines)), **look)


def _pictures(images: Any, who: str) -> np.ndarray:
    array = np.asarray(images, np.float64)
    if array.ndim == 4 and array.shape[1] in (1, 3) and array.shape[-1] not in (1, 3):
        array = np.moveaxis(array, 1, -1)
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if not (array.ndim == 3 or (array.ndim == 4 and array.shape[-1] == 3)) or not array.size:
        raise PlotError(f"{who}: images of shape {np.shape(images)}; they are (n, height, width), or with 1 or 3 channels")
    return array


def _sheet(figure: Any, down: int, across: int, picture: np.ndarray, gap: float) -> Any:
    """One panel for all images, which is drawn much faster than a panel for each: a pixel is a unit, y runs down."""
    panel = figure.subplots()
    high, wide = picture.shape[:2]
    panel.step = high * (1 + gap), wide * 1.12
    panel.set_xlim(-0.04 * wide, (across - 1) * panel.step[1] + 1.04 * wide)
    panel.set_ylim((down - 1) * panel.step[0] + 1.04 * high, -(gap - 0.04) * high)
    panel.set_aspect("equal")
    panel.set_xticks([])
    panel.set_yticks([])
    panel.spines[:].set_visible(False)
    return panel


def _show(panel: Any, picture: np.ndarray, place: tuple[int, int], look: Look, most: float | None = None) -> None:
    """An image in its place (line, number in the line); with `most` as signed numbers in a frame."""
    top, left = place[0] * panel.step[0], place[1] * panel.step[1]
    high, wide = picture.shape[:2]
    how: dict[str, Any] = {"interpolation": "nearest", "extent": (left, left + wide, top + high, top), "aspect": "equal"}
    limits = panel.get_xlim(), panel.get_ylim()
    if picture.ndim == 3:
        panel.imshow(picture.clip(0, 1), **how)
    elif most is not None:
        panel.imshow(picture, cmap=look.colors.signed, vmin=-most, vmax=most, **how)
        corners = [(left, top), (left + wide, top), (left + wide, top + high), (left, top + high), (left, top)]
        panel.plot(*zip(*corners, strict=True), color=look.colors.theme.muted, linewidth=look.line / 3, clip_on=False)
    else:
        panel.imshow(picture, cmap=look.colors.ink, vmin=0, vmax=1, **how)
    panel.set_xlim(limits[0])
    panel.set_ylim(limits[1])


def _lines(panel: Any, picture: np.ndarray, place: tuple[int, int], look: Look) -> None:
    top, left = place[0] * panel.step[0], place[1] * panel.step[1]
    high, wide = picture.shape[:2]
    how = {"color": look.colors.theme.muted, "linewidth": look.line / 4, "clip_on": False}
    panel.hlines([top + row for row in range(high + 1)], left, left + wide, **how)
    panel.vlines([left + column for column in range(wide + 1)], top, top + high, **how)


def _show_all(panel: Any, pictures: np.ndarray, across: int, look: Look) -> None:
    """All images as one, with nothing between them: much faster than one after another."""
    count, high, wide = pictures.shape
    fine = max(1, ceil(50 / high))  # so many dots to a pixel, so that gaps are whole dots
    corners = [[round(fine * place * step) for place, step in zip(divmod(at, across), panel.step, strict=True)] for at in range(count)]
    bottom, right = np.max(corners, axis=0)
    sheet = np.full((bottom + fine * high, right + fine * wide), np.nan)
    for (top, left), picture in zip(corners, pictures, strict=True):
        sheet[top : top + fine * high, left : left + fine * wide] = picture.repeat(fine, 0).repeat(fine, 1)
    limits = panel.get_xlim(), panel.get_ylim()
    panel.imshow(
        sheet, cmap=look.colors.ink, vmin=0, vmax=1, interpolation="nearest", aspect="equal",
        extent=(0, sheet.shape[1] / fine, sheet.shape[0] / fine, 0),
    )  # fmt: skip
    panel.set_xlim(limits[0])
    panel.set_ylim(limits[1])


def _say(panel: Any, title: str, place: tuple[int, int], picture: np.ndarray, look: Look) -> None:
    top, left = place[0] * panel.step[0], place[1] * panel.step[1]
    panel.text(left + picture.shape[1] / 2, top - 0.04 * picture.shape[0], title, ha="center", va="bottom", fontsize=look.points * 0.85)


def regions(image: Any, frames: Mapping[str, tuple[Any, Any]], *, light: bool = False, signed: bool = False, **look: Any) -> Plot:
    """An image (height, width) with frames in it, by name: each a range of rows and a range of columns, such as what units of a
    network see of it. Pixels of a frame that lie outside, in the padding, are drawn too.

    >>> import numpy as np
    >>> regions(np.zeros((8, 8)), {"3×3": (range(0, 3), range(0, 3))})
    <Plot: light, natural>
    """
    pictures = _pictures(np.asarray(image)[None], "regions")
    if light and pictures.ndim == 3:
        pictures = np.repeat(pictures[..., None], 3, axis=-1)
    (picture,) = pictures
    for name, frame in frames.items():
        if len(frame) != 2 or not all(len(each) for each in frame):
            raise PlotError(f"regions: the frame {name!r} is a range of rows and a range of columns, and neither is empty")
    boxes = {name: (rows[0], columns[0], rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]) for name, (rows, columns) in frames.items()}
    high, wide = picture.shape[:2]
    over = max([0.6, *(max(-top, -left, top + h - high, left + w - wide) + 0.6 for top, left, h, w in boxes.values())])

    def paint(figure: Any, look: Look) -> None:
        from matplotlib.patches import Rectangle

        panel = _sheet(figure, 1, 1, picture, 0.1)
        _show(panel, picture, (0, 0), look, (float(np.abs(picture).max()) or 1.0) if signed else None)
        panel.add_patch(Rectangle((0, 0), wide, high, fill=False, edgecolor=look.colors.theme.muted, linewidth=look.line / 3))
        panel.set_xlim(-over, wide + over)
        panel.set_ylim(high + over, -over)
        for at, (name, (top, left, tall, broad)) in enumerate(boxes.items()):
            # A small frame stands on a large one.
            where = {"linewidth": look.line, "linestyle": look.colors.dash(at), "zorder": 3 - tall * broad / (high * wide)}
            panel.add_patch(Rectangle((left, top), broad, tall, fill=False, edgecolor=look.colors.series(at), label=name, **where))
        if boxes:
            figure.legend(loc="outside lower center", ncols=2 if max(map(cell_width, boxes)) > 14 else 3)

    return Plot(paint, (4.2, 4.2 * high / wide + 0.25 * -(-len(boxes) // 2)), **look)
