"""Kernels for a terminal: sides beside each other where there is room, else below each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..language import N_, cell_width, current_language, translate
from ..language import language as spoken
from ..symbolic.cells import center, left, right, wrapped
from .sides import (
    Side,
    arguments,
    block_table,
    blocks_title,
    broken,
    corner_cut,
    corner_rows,
    corner_title,
    example,
    how_found,
    launch,
    sides,
    title,
    together,
)  # fmt: skip

if TYPE_CHECKING:
    from . import Kernel, Kernels
    from .threads import Lay

BETWEEN = "   "


def kernels_text(kernels: Kernels, width: int, exact: bool, language: str | None) -> str:
    """All kernels, one below the other."""
    with spoken(current_language() if language is None else language):
        return "\n\n\n".join("\n".join(_kernel(each, width, exact)) for each in kernels)


def _kernel(kernel: Kernel, width: int, exact: bool) -> list[str]:
    head = wrapped(title(kernel), width)
    lines = [*head, "═" * min(width, max(map(cell_width, head)))]
    if sentence := together(kernel):
        lines += wrapped(sentence, width)
    shown = sides(kernel, exact)
    for at in range(len(shown) % 2, len(shown), 2):
        lines += ["", *_beside(shown[at], shown[at + 1], width)]
    if len(shown) % 2:
        lines += ["", *_side(shown[0], width)]
    if not kernel.fallback:
        lines += ["", *(line for said in arguments(kernel, exact) for line in _hanging(said, width))]
        lines += ["", translate(N_("Threads and blocks")), *(line for said in launch(kernel) for line in wrapped(said, width))]
        if kernel.lay is not None:
            lines += ["", *_lay(kernel.lay, width)]
    return [line.rstrip() for line in lines]


def _hanging(text: str, width: int) -> list[str]:
    first, *rest = wrapped(text, width - 2)
    return [first, *("  " + line for line in rest)]


def _beside(one: Side, other: Side, width: int) -> list[str]:
    """Two sides in columns, as long as no line of code would have to be broken; else the second below the first."""
    needed = [max([cell_width(line) for line in side.lines if not line.startswith("def kernel(")] or [0]) + 2 for side in (one, other)]
    half = (width - len(BETWEEN)) // 2
    if sum(needed) + len(BETWEEN) > width or half < 40:
        return [*_side(one, width), "", *_side(other, width)]
    room = max(half if needed[1] <= half else width - len(BETWEEN) - needed[1], needed[0])
    here, there = _side(one, room), _side(other, width - room - len(BETWEEN))
    count = max(len(here), len(there))
    here, there = [*here, *[""] * (count - len(here))], [*there, *[""] * (count - len(there))]
    return [f"{left(a, room)}{BETWEEN}{b}" for a, b in zip(here, there)]


def _side(side: Side, width: int) -> list[str]:
    return [side.title, *wrapped(side.sentence, width), *("  " + line for line in broken(side.lines, width - 2))]


# The lay ------------------------------------------------------------------------------------------------------------------
def _lay(lay: Lay, width: int) -> list[str]:
    lines = [line for each in lay.examples for line in _hanging(example(each, lay), width)]
    tables = [_blocks(lay), _corner(lay)] if len(lay.starts) > 1 else [_corner(lay)]
    return [*lines, "", *_tables(tables, width), "", *wrapped(how_found(), width)]


def _tables(tables: Sequence[list[str]], width: int) -> list[str]:
    wide = [max(map(cell_width, table)) for table in tables]
    if len(tables) == 1 or sum(wide) + 2 * len(BETWEEN) > width:
        return [line for at, table in enumerate(tables) for line in ([""] * bool(at) + table)]
    high = max(map(len, tables))
    rows = [[*table, *[""] * (high - len(table))] for table in tables]
    return [f"{left(a, wide[0])}{BETWEEN * 2}{b}" for a, b in zip(*rows)]


def _blocks(lay: Lay) -> list[str]:
    """Blocks as boxes, with the row and the column at which they begin."""
    rows, columns, names, below, beside = block_table(lay)
    label = max([len(str(row)) for row in rows])
    room = max([cell_width(name) for name in names.values()] + [len(str(column)) for column in columns]) + 2
    line = lambda start, middle, end: " " * (label + 2) + start + middle.join(["─" * room] * len(columns)) + end  # noqa: E731
    lines = [blocks_title(lay), " " * (label + 3) + " ".join(left(str(column), room) for column in columns), line("┌", "┬", "┐")]
    for at, row in enumerate(rows):
        cells = "│".join(center(names.get((row, column), ""), room) for column in columns)
        lines.append(f"{right(str(row), label)}  │{cells}│{' …' * beside}")
        lines.append(line("├", "┼", "┤") if at + 1 < len(rows) else line("└", "┴", "┘"))
    return [*lines, *[" " * (label + 3) + "…"] * below]


def _corner(lay: Lay) -> list[str]:
    """The first numbers of the array, and which thread has each."""
    below, beside = corner_cut(lay)
    columns = range(len(lay.corner[0])) if lay.corner else range(0)
    cells = [["·" if thread is None else str(thread) for thread in row] for row in lay.corner]
    room = max([len(cell) for row in cells for cell in row] + [len(str(column)) for column in columns] + [1])
    labels = corner_rows(lay)
    label = max([len(str(len(cells))), *map(len, labels)])
    lines = [corner_title(lay), " " * (label + 3) + " ".join(right(str(column), room) for column in columns)]
    lines.append(" " * (label + 1) + "┌" + "─" * ((room + 1) * len(columns)) + "─" * (2 * beside))
    for at, row in enumerate(cells):
        lines.append(f"{right(labels[at], label)} │ {' '.join(right(cell, room) for cell in row)}{' …' * beside}")
    lines += [" " * (label + 1) + "│ …"] * below
    return [*lines, *[translate(N_("·: another block"))] * any(thread is None for row in lay.corner for thread in row)]
