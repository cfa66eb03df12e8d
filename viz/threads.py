"""How blocks and threads of a kernel lie over an array: the array cut into blocks, and the corner of a block by threads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..autograd.kernel_views.sides import (
    block_table,
    blocks_title,
    corner_cut,
    corner_rows,
    corner_title,
    example,
    how_found,
    launch,
    title,
    together,
)  # fmt: skip
from ..autograd.language import N_, language, translate
from ..autograd.symbolic.cells import wrapped
from .drawing import Drawing, DrawingError
from .layout import MARGIN, PAPER, Placed
from .measure import punctuated, typeset, width
from .shapes import Piece, Rect, Shape, Text
from .themes import THEMES, Theme

if TYPE_CHECKING:
    from ..autograd.kernel_views import Kernel, Kernels
    from ..autograd.kernel_views.threads import Lay

HEAD, SAID, CELL = 16.0, 12.5, 11.5
"""Sizes of the text."""
LINE = 1.4
HIGH = 24.0
"""How high a number's cell is; a block's is higher."""
BLOCK = 40.0
GAP = 44.0
CHARACTERS, BESIDE = 104, 62
"""Cells of a sentence before it goes on in the next line; where tables stand beside it."""
KINDS = ("leaf-input", "leaf-parameter", "activation", "loss", "linear", "function", "reduction", "leaf-constant")
"""The colors of threads side by side, taken from those of a theme."""
FORMATS = (".svg", ".png", ".pdf", ".tex", ".html")


@dataclass(frozen=True)
class ThreadsDrawing(Drawing):
    """A drawing that brings its shapes along: threads over an array are no graph."""

    made: tuple[Piece, ...] = ()
    wide: float = 0.0
    high: float = 0.0
    kernels: Kernels | None = None

    def __repr__(self) -> str:
        return f"<Drawing: threads of {self.kernels!r}>"

    @cached_property
    def placed(self) -> Placed:
        """The size; there is nothing to lay out."""
        return Placed(self.wide, self.high, {}, ())

    @property
    def pieces(self) -> list[Piece]:
        """Everything to draw, back to front, in the colors of the theme."""
        assert self.kernels is not None
        return _Sheet(THEMES[self.theme], self.title, self.size).drawn(self.kernels, self.language)[0]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture; see Drawing."""
        if Path(path).suffix.lower() not in FORMATS:
            raise DrawingError(f"cannot save threads as {Path(path).suffix!r}: the file name must end in one of {' '.join(FORMATS)}")
        return super().save(path)


def threads_drawing(kernels: Kernels, theme: str, spoken: str, size: str, heading: str) -> ThreadsDrawing:
    """The picture of all kernels, one below the other."""
    if size == "slide" and len(kernels) > 1:
        known = ", ".join(each.number for each in kernels)
        raise DrawingError(f"a slide has room for one kernel, and these are {len(kernels)}; choose one: --node NUMBER, or kernels.of(NUMBER), which is one of {known}")
    _, wide, high = _Sheet(THEMES[theme], heading, size).drawn(kernels, spoken)
    return ThreadsDrawing((), title=heading, theme=theme, language=spoken, size=size, wide=wide, high=high, kernels=kernels)


class _Sheet:
    def __init__(self, theme: Theme, heading: str, size: str = "natural") -> None:
        self.theme, self.heading, self.spoken, self.size = theme, heading, "en", size
        self.shapes: list[Shape] = []
        self.wide = 0.0

    def drawn(self, kernels: Kernels, spoken: str) -> tuple[list[Piece], float, float]:
        """Pieces, width and height."""
        y, self.spoken = MARGIN, spoken
        with language(spoken):
            if self.heading:
                y = self.say(self.heading, MARGIN, y, HEAD + 4) + 6
            for at, each in enumerate(kernels):
                y = self.kernel(each, y + 22 * bool(at))
            y = self.sentence(how_found(), MARGIN, y + 10, self.theme.muted)
        wide, high = round(self.wide + MARGIN, 1), round(y + MARGIN, 1)
        if self.size == "slide":
            across, down = PAPER["slide"]
            wide, high = round(max(wide, high * across / down), 1), round(max(high, wide * down / across), 1)
        background = Piece("background", "", (Rect(0, 0, wide, high, 0, self.theme.background),))
        return [background, Piece("text", "", tuple(self.shapes))], wide, high

    def say(self, text: str, x: float, y: float, size: float, color: str = "", anchor: str = "start") -> float:
        """One line of text with its top at y; where the next one begins."""
        said = punctuated(typeset(text), self.spoken)
        self.shapes.append(Text(round(x, 1), round(y + size, 1), said, size, color or self.theme.text, anchor))
        if anchor == "start":
            self.wide = max(self.wide, x + width(said, size))
        return y + size * LINE

    def sentence(self, text: str, x: float, y: float, color: str = "") -> float:
        """Running text."""
        for line in wrapped(text, BESIDE if self.size == "slide" else CHARACTERS):
            y = self.say(line, x, y, SAID, color)
        return y

    def kernel(self, kernel: Kernel, y: float) -> float:
        """One kernel: sentences, then blocks and threads beside each other."""
        y = top = self.say(title(kernel), MARGIN, y, HEAD) + 2
        for formula in kernel.formulas[:6]:
            y = self.say(formula, MARGIN + 14, y, SAID + 1, self.theme.value)
        said = [together(kernel), *(launch(kernel) if not kernel.fallback else [])]
        for text in filter(None, said):
            y = self.sentence(text, MARGIN, y + 2)
        if kernel.lay is None:
            return y
        for each in kernel.lay.examples:
            y = self.sentence(example(each, kernel.lay), MARGIN, y + 2, self.theme.muted)
        if self.size == "slide":
            # Tables stand beside the sentences, below each other.
            right, below = self.texts_end() + GAP, top
            if len(kernel.lay.starts) > 1:
                below = self.blocks(kernel.lay, right, below)[1] + 14
            return max(y, self.corner(kernel.lay, right, below)[1])
        y += 12
        right, bottom = MARGIN, y
        if len(kernel.lay.starts) > 1:
            right, bottom = self.blocks(kernel.lay, MARGIN, y)
            right += GAP
        _, other = self.corner(kernel.lay, right, y)
        return max(bottom, other)

    def texts_end(self) -> float:
        """Where the longest sentence ends."""
        return max((each.x + width(each.text, each.size) for each in self.shapes if isinstance(each, Text)), default=MARGIN)

    def blocks(self, lay: Lay, x: float, y: float) -> tuple[float, float]:
        """The array cut into blocks, each with the row and the column at which it begins."""
        rows, columns, names, below, beside = block_table(lay)
        start = x
        y = self.say(blocks_title(lay), x, y, SAID) + 4
        most = max(width(name, CELL) for name in names.values())
        room = max(54.0, most + 22, max(width(str(column), CELL) for column in columns) + 8)
        x += max(width(str(row), CELL) for row in rows) + 8
        style = self.theme.style("linear")
        for at, column in enumerate(columns):
            self.say(str(column), x + at * room + 3, y, CELL - 1, self.theme.muted)
        y += CELL * LINE
        for down, row in enumerate(rows):
            top = y + down * BLOCK
            self.say(str(row), start, top + 3, CELL - 1, self.theme.muted)
            for at, column in enumerate(columns):
                name = names.get((row, column), "")
                self.shapes.append(Rect(x + at * room, top, room, BLOCK, 0, style.fill if name else self.theme.background, style.stroke, 1.4))
                self.say(name, x + (at + 0.5) * room, top + BLOCK / 2 - CELL * 0.62, CELL, "", "middle")
        right, bottom = x + room * len(columns), y + BLOCK * len(rows)
        if beside:
            self.say("…", right + 6, y + BLOCK / 2 - CELL, CELL + 2, self.theme.muted)
            right += 18
        if below:
            bottom = self.say("…", x + room / 2, bottom + 1, CELL + 2, self.theme.muted)
        self.wide = max(self.wide, right)
        return max(right, start + width(typeset(blocks_title(lay)), SAID)), bottom

    def corner(self, lay: Lay, x: float, y: float) -> tuple[float, float]:
        """The first numbers of the array, each in the color of its thread; those of thread 0 stand in bold frames."""
        below, beside = corner_cut(lay)
        y = self.say(corner_title(lay), x, y, SAID) + 4
        count = len(lay.corner[0]) if lay.corner else 0
        cells = [str(thread) for row in lay.corner for thread in row if thread is not None]
        room = max([26.0, *(width(cell, CELL) + 8 for cell in cells)])
        labels = corner_rows(lay)
        x += max([width("00", CELL), *(width(each, CELL - 1.5) for each in labels)]) + 6
        for column in range(count):
            self.say(str(column), x + (column + 0.5) * room, y, CELL - 1.5, self.theme.muted, "middle")
        y += CELL * LINE
        framed: list[Shape] = []
        for at, row in enumerate(lay.corner):
            top = y + at * HIGH
            self.say(labels[at], x - width(labels[at], CELL - 1.5) - 6, top + 5, CELL - 1.5, self.theme.muted)
            for column, thread in enumerate(row):
                self.shapes.append(self.cell(thread, x + column * room, top, room))
                if thread == 0:
                    framed.append(Rect(x + column * room + 1, top + 1, room - 2, HIGH - 2, 0, self.fill(0), self.theme.highlight, 1.8))
        self.shapes += framed
        for at, row in enumerate(lay.corner):
            for column, thread in enumerate(row):
                said = "·" if thread is None else str(thread)
                self.say(said, x + (column + 0.5) * room, y + at * HIGH + HIGH / 2 - CELL * 0.62, CELL, "", "middle")
        right, bottom = x + room * count, y + HIGH * len(lay.corner)
        if beside:
            self.say("…", right + 6, y + 2, CELL + 2, self.theme.muted)
            right += 18
        if below:
            bottom = self.say("…", x + room / 2 - 4, bottom + 1, CELL + 2, self.theme.muted)
        self.wide = max(self.wide, right)
        said = translate(N_("In bold frames: what thread 0 has."))
        if any(thread is None for row in lay.corner for thread in row):
            said += "   " + translate(N_("·: another block"))
        return right, self.say(said, x, bottom + 4, CELL, self.theme.muted)

    def fill(self, thread: int | None) -> str:
        """The color of a thread."""
        return self.theme.background if thread is None else self.theme.style(KINDS[thread % len(KINDS)]).fill

    def cell(self, thread: int | None, x: float, y: float, wide: float) -> Rect:
        """The place of one number."""
        return Rect(round(x, 1), round(y, 1), round(wide, 1), HIGH, 0, self.fill(thread), self.theme.group_stroke("forward"), 0.8)
