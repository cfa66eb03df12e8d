"""A convolution or a pooling as a table: for each place the window, its products with the kernel, and their sum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...autograd.language import N_
from .plot import Look, Plot, PlotError


class End(NamedTuple):
    """What becomes of the numbers of a window: a function of them, and what stands over it."""

    of: Callable[[np.ndarray], Any]
    title: str


ENDS = dict(
    sum=End(np.sum, N_("sum")), mean=End(np.mean, N_("mean")), max=End(np.max, N_("largest")), l2=End(np.linalg.norm, "√Σx²")
)  # fmt: skip
GAP, SIGN, HEAD = 0.8, 1.3, 0.9  # in cells: between rows, between tables with a sign in the middle, above the first row
INCH = 0.3  # the side of a cell


@dataclass(frozen=True)
class Place:
    """One stop of the window: its place in the map, its upper left corner in the (padded) image, and what was computed."""

    row: int
    column: int
    corner: tuple[int, int]
    window: np.ndarray
    products: np.ndarray
    result: float


def places_of(
    image: Any, kernel: Any = None, *, size: Any = None, stride: int = 1, padding: int = 0, end: str = "sum"
) -> list[Place]:
    """Every stop of a window over an image (height, width), line by line: cross-correlation with `kernel`, or without one a
    pooling of windows of `size`. `end` says what becomes of the products: "sum", "mean", "max" or "l2".

    >>> for stop in places_of([[1, 2, 3], [4, 5, 6]], [[1, 0], [0, 1]]):
    ...     print((stop.row, stop.column), stop.products.tolist(), stop.result)
    (0, 0) [[1.0, 0.0], [0.0, 5.0]] 6.0
    (0, 1) [[2.0, 0.0], [0.0, 6.0]] 8.0
    """
    pixels = np.pad(np.asarray(image, float), padding) if np.ndim(image) == 2 else np.empty(0)
    weights = None if kernel is None else np.asarray(kernel, float)
    if pixels.ndim != 2 or not pixels.size:
        raise PlotError(f"windows: an image of shape {np.shape(image)}; it is (height, width)")
    if end not in ENDS:
        raise PlotError(f"windows: no end {end!r}; there are {', '.join(ENDS)}")
    if (weights is None) == (size is None):
        raise PlotError("windows: give the kernel of a convolution or the size of a pooling's windows, one of them")
    high, wide = weights.shape if weights is not None and weights.ndim == 2 else np.broadcast_to(size or 0, 2).tolist()
    if not (1 <= high <= pixels.shape[0] and 1 <= wide <= pixels.shape[1]):
        raise PlotError(f"windows: a window of {high}×{wide} does not fit into an image of {pixels.shape[0]}×{pixels.shape[1]}")
    found = []
    for row, top in enumerate(range(0, pixels.shape[0] - high + 1, stride)):
        for column, left in enumerate(range(0, pixels.shape[1] - wide + 1, stride)):
            window = pixels[top : top + high, left : left + wide]
            products = window if weights is None else window * weights
            found.append(Place(row, column, (top, left), window, products, float(ENDS[end].of(products))))
    return found


def windows(
    image: Any,
    kernel: Any = None,
    *,
    size: Any = None,
    stride: int = 1,
    padding: int = 0,
    end: str = "sum",
    at: Sequence[tuple[int, int]] = (),
    **look: Any,
) -> Plot:
    """A convolution (cross-correlation) or pooling place by place, a line each: the image with the window marked, the window,
    its products with the kernel, their sum (or another `end`: "mean", "max", "l2"), and the map as far as it is known. `at`
    picks places of the map.

    >>> windows([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, 0], [0, 1]])
    <Plot: light, natural>
    >>> windows([[1, 2], [3, 4]], size=2, end="max")
    <Plot: light, natural>
    """
    stops = places_of(image, kernel, size=size, stride=stride, padding=padding, end=end)
    shape = stops[-1].row + 1, stops[-1].column + 1
    wanted = [tuple(place) for place in at] or [(stop.row, stop.column) for stop in stops]
    shown = [(number, stop) for place in wanted for number, stop in enumerate(stops) if (stop.row, stop.column) == place]
    if len(shown) != len(wanted):
        raise PlotError(f"windows: the map has {shape[0]}×{shape[1]} places; {wanted} are not all among them")
    pixels = np.pad(np.asarray(image, float), padding)
    weights = None if kernel is None else np.asarray(kernel, float)
    results = np.array([stop.result for stop in stops])
    most = {
        "image": _most(pixels), "kernel": _most(weights), "map": _most(results),
        "products": max(_most(stop.products) for stop in stops),
    }  # fmt: skip
    side = stops[0].window.shape
    # What stands from left to right: a heading, the sign before it, how many columns and rows it has.
    tables = [(N_("image"), "", pixels.shape), (N_("window"), "→", side)]
    if weights is not None:
        tables += [(N_("{size} kernel"), "·", side), (N_("products"), "=", side)]
    tables += [(ENDS[end].title, "→", (1, 1)), (N_("map"), "→", shape)]
    lefts, across = [], 0.0
    for _name, sign, (_, columns) in tables:
        across += SIGN if sign else 0
        lefts.append(across)
        across += columns
    step = max(rows for *_, (rows, _) in tables) + GAP
    down = step * len(shown) - GAP

    def paint(figure: Any, look: Look) -> None:
        panel = figure.subplots()
        panel.set_xlim(-0.2, across + 0.2)
        panel.set_ylim(down + 0.2, -HEAD)
        panel.set_aspect("equal")
        panel.set_axis_off()
        sheet = _Sheet(panel, look)
        for (name, _, (_, columns)), left in zip(tables, lefts, strict=True):
            sheet.say(look.say(name, size=f"{side[0]}×{side[1]}"), left + columns / 2, -0.35, look.colors.theme.muted)
        for line, (number, stop) in enumerate(shown):
            top, middle = line * step, line * step + (step - GAP) / 2
            known = np.full(shape, np.nan)
            known.flat[: number + 1] = results[: number + 1]
            values = [(pixels, "image"), (stop.window, "image")]
            if weights is not None:
                values += [(weights, "kernel"), (stop.products, "products")]
            values += [(np.array([[stop.result]]), "map"), (known, "map")]
            tops = []
            for (table, scale), left in zip(values, lefts, strict=True):
                tops.append(top + (step - GAP - len(table)) / 2)
                sheet.table(table, left, tops[-1], most[scale])
            for (_, sign, _), left in zip(tables, lefts, strict=True):
                sheet.say(sign, left - SIGN / 2, middle, look.colors.theme.muted, 1.2)
            sheet.mark(lefts[0] + stop.corner[1], tops[0] + stop.corner[0], side)
            sheet.mark(lefts[-1] + stop.column, tops[-1] + stop.row, (1, 1))
            if end == "max":
                for row, column in zip(*np.nonzero(stop.products == stop.result), strict=True):
                    sheet.mark(lefts[-3] + column, tops[-3] + row, (1, 1))
        sheet.finish()

    return Plot(paint, (INCH * (across + 1), INCH * (down + HEAD + 0.6)), **look)


class _Sheet:
    """Cells that are collected and painted at once, which is much faster than one after another."""

    def __init__(self, panel: Any, look: Look) -> None:
        self.panel, self.look = panel, look
        self.cells: list[tuple[float, float]] = []
        self.fills: list[Any] = []

    def table(self, values: np.ndarray, left: float, top: float, most: float) -> None:
        signed = self.look.colors.signed
        for (row, column), value in np.ndenumerate(values):
            self.cells.append((left + column, top + row))
            if np.isnan(value):
                self.fills.append(self.look.colors.theme.background)
                continue
            # Half strength, so that the number can be read on it.
            fill = self.look.colors.theme.background if self.look.colors.gray else signed(0.5 + 0.25 * value / most)
            self.fills.append(fill)
            text = _written(value)
            self.say(text, left + column + 0.5, top + row + 0.5, self.look.colors.theme.text, min(1.0, 3.4 / len(text)))

    def say(self, text: str, x: float, y: float, color: str, large: float = 1.0) -> None:
        size = self.look.points * 0.85 * large
        self.panel.text(x, y, text, ha="center", va="center", fontsize=size, color=color)

    def mark(self, left: float, top: float, side: tuple[int, int]) -> None:
        from matplotlib.patches import Rectangle

        frame = Rectangle((left, top), side[1], side[0], fill=False, edgecolor=self.look.colors.theme.highlight, zorder=3)
        frame.set_linewidth(self.look.line * 1.2)
        self.panel.add_patch(frame)

    def finish(self) -> None:
        from matplotlib.collections import PatchCollection
        from matplotlib.patches import Rectangle

        cells = PatchCollection(
            [Rectangle(corner, 1, 1) for corner in self.cells], facecolors=self.fills, edgecolors=self.look.colors.theme.muted,
            linewidths=self.look.line / 4, zorder=0,
        )  # fmt: skip
        self.panel.add_collection(cells, autolim=False)


def _most(values: np.ndarray | None) -> float:
    return 1.0 if values is None else float(np.abs(values).max()) or 1.0


def _written(value: float) -> str:
    """A number that fits into a cell.

    >>> _written(-1 / 9), _written(0.5), _written(34.0)
    ('−0.11', '0.5', '34')
    """
    return f"{round(value, 2) + 0.0:.4g}".replace("-", "−")
