"""Images side by side: samples, filters, feature maps, and what an autoencoder makes of its input."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from typing import Any

import numpy as np

from ...autograd.language import N_
from .plot import Look, Plot, PlotError


def image_grid(
    images: Any, titles: Sequence[str] = (), *, columns: int | None = None, signed: bool = False, **look: Any
) -> Plot:
    """Images (n, height, width), (n, 1 or 3, height, width) or (n, height, width, 3), 0 paper and 1 ink where there is no
    color. With `signed`, as for filters, 0 is the background, and all have one scale.

    >>> import numpy as np
    >>> image_grid(np.zeros((6, 8, 8)), columns=3)
    <Plot: light, natural>
    """
    pictures = _pictures(images, "image_grid")
    count = len(pictures)
    across = columns or min(count, max(ceil(sqrt(count * 1.6)), 1))
    down = -(-count // across)
    most = float(np.abs(pictures).max()) or 1.0

    def paint(figure: Any, look: Look) -> None:
        panels = figure.subplots(down, across, squeeze=False)
        for at, panel in enumerate(panels.ravel()):
            if at >= count:
                panel.set_axis_off()
                continue
            _bare(panel, signed)
            _show(panel, pictures[at], look, most if signed else None)
            if at < len(titles):
                panel.set_title(str(titles[at]), fontsize=look.points * 0.85, pad=2)

    inch = 0.95 if len(titles) else 0.75
    return Plot(paint, (max(2.0, inch * across), max(1.2, inch * down)), **look)


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
        panels = figure.subplots(len(lines), count, squeeze=False)
        for panel_line, (name, pictures) in zip(panels, lines):
            for panel, picture in zip(panel_line, pictures):
                _show(panel, picture, look)
                _bare(panel, False)
            panel_line[0].set_ylabel(look.say(name), rotation=0, ha="right", va="center")

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


def _bare(panel: Any, framed: bool) -> None:
    panel.set_xticks([])
    panel.set_yticks([])
    panel.spines[:].set_visible(framed)


def _show(panel: Any, picture: np.ndarray, look: Look, most: float | None = None) -> None:
    if picture.ndim == 3:
        panel.imshow(picture.clip(0, 1), interpolation="nearest")
    elif most is not None:
        panel.imshow(picture, cmap=look.colors.signed, vmin=-most, vmax=most, interpolation="nearest")
    else:
        panel.imshow(picture, cmap=look.colors.ink, vmin=0, vmax=1, interpolation="nearest")
