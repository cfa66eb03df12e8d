"""Small matrices in a picture: a text whose rows are lines and whose cells are divided by tabs stands in brackets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..autograd.errors import MissingValue
from ..autograd.node import Node
from .labels_of import equation, number
from .measure import typeset, width

if TYPE_CHECKING:
    from .shapes import Shape

MOST = 4  # rows and columns of a matrix that is written out
GAP, BRACKET, ROOM = 9.0, 3.5, 4.0  # pixels: between columns, the bracket's ends, from the bracket to the numbers
ROW = 1.2  # height of a row in em


def with_table(name: str, node: Node) -> str:
    """`name =` and under it the rows of a matrix of at most 4×4; for all else `name = value`.

    >>> import nngraph as ng
    >>> with_table("W", ng.input("W", [[1.0, 2.0], [3.0, 4.0]]))
    'W =\\n1\\t2\\n3\\t4'
    """
    if not isinstance(node.shape, tuple) or len(node.shape) != 2:
        return equation(name, node)
    try:
        value = np.asarray(node.value)
    except MissingValue:
        return equation(name, node)
    if not value.size or max(value.shape) > MOST or value.dtype.kind not in "fiub":
        return equation(name, node)
    rows = ["\t".join(map(number, row)) for row in value]
    return "\n".join([f"{name} =", *rows] if name else rows)


def parts(text: str) -> tuple[str, list[list[str]]]:
    """The line over a table and its cells; no cells in a plain text.

    >>> parts("W =\\n1\\t2\\n3\\t4"), parts("b = 1")
    (('W =', [['1', '2'], ['3', '4']]), ('b = 1', []))
    """
    lines = text.split("\n")
    if len(lines) == 1 and "\t" not in text:
        return text, []
    head = "" if "\t" in lines[0] else lines.pop(0)
    return head, [line.split("\t") for line in lines]


def columns(cells: list[list[str]], size: float) -> list[float]:
    """How wide each column is."""
    many = max((len(row) for row in cells), default=0)
    return [max(width(typeset(row[k]), size) for row in cells if k < len(row)) for k in range(many)]


def room(text: str, size: float) -> tuple[float, float]:
    """Width and height of a text with its table, in pixels."""
    head, cells = parts(text)
    wide = sum(columns(cells, size)) + GAP * (len(columns(cells, size)) - 1) + 2 * (ROOM + BRACKET) if cells else 0.0
    return max(wide, width(typeset(head), size)), size * ROW * (len(cells) + bool(head))


def written(text: str, x: float, top: float, size: float, color: str, paper: str) -> tuple[Shape, ...]:
    """The shapes of a text: centered at `x`, from `top` down, on a plate of paper, numbers right-aligned in brackets."""
    from .curves import straight
    from .shapes import Line, Rect, Text

    head, cells = parts(text)
    wide, high = room(text, size)
    shapes: list[Shape] = [Rect(_r(x - wide / 2 - 2), _r(top), _r(wide + 4), _r(high), 3, paper)]
    if head:
        shapes.append(Text(_r(x), _r(top + size * 0.92), typeset(head), size, color))
        top += size * ROW
    if not cells:
        return tuple(shapes)
    widths = columns(cells, size)
    across = sum(widths) + GAP * (len(widths) - 1)
    for k, row in enumerate(cells):
        right = x - across / 2
        for cell, column in zip(row, widths, strict=False):
            right += column
            said = typeset(cell)
            shapes.append(Text(_r(right - width(said, size)), _r(top + size * (ROW * k + 0.92)), said, size, color, "start"))
            right += GAP
    foot = top + size * ROW * len(cells)
    for side in (-1, 1):
        edge = x + side * (across / 2 + ROOM + BRACKET)
        inner = edge - side * BRACKET
        corners = ((inner, top + 1), (edge, top + 1), (edge, foot - 1), (inner, foot - 1))
        shapes.append(Line(straight(*((_r(a), _r(b)) for a, b in corners)), color, 1.0))
    return tuple(shapes)


def _r(value: float) -> float:
    return round(value, 1)
