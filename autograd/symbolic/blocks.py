"""Arrays as rows of numbers under each other, for terminals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..language import cell_width
from .cells import right
from .numbers import ELLIPSIS, LARGEST_COUNT, lined_up, table

MOST_BLOCKS = 3


def matrix_lines(array: np.ndarray, width: int, number: Callable[[str], str]) -> list[str]:
    """A vector on one line, a matrix row by row with its columns lined up, more axes as numbered matrices.

    >>> matrix_lines(np.array([[1.0, -0.5], [10.0, 2.25]]), 80, str)
    ['[  1  -0.5  ]', '[ 10   2.25 ]']
    """
    if array.ndim > 2:
        return _numbered(array, (), width, number) or ["[]"]
    if array.ndim == 1:
        (entries,) = table(array[None]) if array.size else ([],)
        text = "[" + ", ".join(entry if entry == ELLIPSIS else number(entry) for entry in entries) + "]"
        return [text]
    if array.size == 0:
        return ["[" + "[], " * (len(array) - 1) + "[]]" if len(array) else "[]"]
    rows = table(array)
    columns = []
    for column in zip(*rows, strict=True):
        numbers = [entry for entry in column if entry != ELLIPSIS]
        aligned = iter(lined_up([number(entry) for entry in numbers]))
        cells = [ELLIPSIS if entry == ELLIPSIS else next(aligned) for entry in column]
        size = max(cell_width(cell) for cell in cells)
        columns.append([right(cell, size) for cell in cells])
    lines = ["[ " + "  ".join(cells) + " ]" for cells in zip(*columns, strict=True)]
    if max(map(cell_width, lines)) <= width or len(rows[0]) <= 2:
        return lines
    # Too wide for the page: fewer columns, the last one kept.
    fewer = max(3, int(len(columns) * width / max(map(cell_width, lines))) - 1)
    kept = [*columns[: fewer - 1], [ELLIPSIS] * len(rows), columns[-1]]
    return ["[ " + "  ".join(cells) + " ]" for cells in zip(*kept, strict=True)]


def _numbered(array: np.ndarray, place: tuple[int, ...], width: int, number: Callable[[str], str]) -> list[str]:
    """The matrices of an array with more axes, each behind its place, written as one would pick it: [0, 1, :, :]."""
    if array.ndim == 2:
        title = "[" + ", ".join([*map(str, place), ":", ":"]) + "]  "
        return [
            (title if row == 0 else " " * len(title)) + line
            for row, line in enumerate(matrix_lines(array, width - len(title), number))
        ]
    lines: list[str] = []
    shown = list(range(len(array))) if len(array) <= MOST_BLOCKS else [0, 1, len(array) - 1]
    for before, at in zip([-1, *shown], shown, strict=False):
        if at > before + 1:
            lines.append(ELLIPSIS)
        lines += _numbered(array[at], (*place, at), width, number)
    return lines


__all__ = ["LARGEST_COUNT", "matrix_lines"]
