"""Picking by whole numbers, and the sums that lead back, as calls."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ....kernels import indexing
from ....kernels.vector import ELEMENTS
from ....language import N_
from ....node import Node
from ..calls import STATUS, View
from .dense import written_densely

GRAIN = 1 << 16
"""So many numbers make a chunk worth a thread."""
PARTS = 16
"""Into at most so many parts is an array cut to which rows are added: each part looks at all places."""


def places_of(plan: Any, positions: View, array: View) -> View:
    """Where the rows that are picked begin, in bytes."""
    if positions.dtype.name not in ("int32", "int64"):
        wide = plan.new(positions.shape, np.int64)
        plan.copy(positions, wide)
        positions = wide
    positions = plan.dense(positions)
    *shape, axes = positions.shape
    found = plan.new((prod(shape),), np.int64)
    size = array.dtype.itemsize
    table = [word for at in range(axes) for word in (array.shape[at], array.strides[at] * size)]
    plan.call(
        indexing.places("float64"), [found, positions, STATUS, axes, int(positions.dtype == np.int32), *table],
        [positions], [found], rows=found.size, grain=GRAIN, why=N_("places looked up"),
    )  # fmt: skip
    return found


def _row(view: View, axes: int) -> tuple[int, int, int, int] | None:
    """What lies behind the first axes: lines, how far apart, numbers in a line, how far apart; None when it takes more
    than two loops to run through it."""
    loops: list[tuple[int, int]] = []
    for size, stride in zip(view.shape[axes:], view.strides[axes:]):
        if loops and loops[-1][1] == stride * size:
            loops[-1] = (loops[-1][0] * size, stride)
        elif size != 1:
            loops.append((size, stride))
    loops = [(1, 0)] * (2 - len(loops)) + loops
    return (*loops[0], *loops[1]) if len(loops) == 2 else None


def gather(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """Rows picked out."""
    (x, positions), size = inputs, inputs[0].dtype.itemsize
    if size not in (1, 2, 4, 8):
        return False
    axes = positions.shape[-1]
    if _row(x, axes) is None:
        x = plan.dense(x)
    lines, pitch, numbers, step = _row(x, axes)  # type: ignore[misc]
    (target,) = outputs
    places = places_of(plan, positions, x)
    plan.call(
        indexing.gather("float32"), [x, target, places, lines, pitch * size, numbers, step * size, size], [x, places],
        [target], rows=places.size, grain=-(-GRAIN // max(lines * numbers, 1)),
    )  # fmt: skip
    return True


def scatter_add(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """Zeros to which rows are added."""
    x, positions = plan.dense(inputs[0]), inputs[1]
    (target,) = outputs
    if target.dtype.name not in ELEMENTS:
        return False
    places = places_of(plan, positions, target)
    step = target.strides[0] * target.dtype.itemsize
    words = [x, target, places, places.size, prod(target.shape[positions.shape[-1] :]), step]
    if target.dtype.kind == "f":
        code = indexing.scatter_add(target.dtype.name)
    else:
        code = indexing.scatter_add_whole("float64")
        words += [target.dtype.itemsize, int(target.dtype == np.bool_)]
    rows, parts = target.shape[0], min(PARTS, (target.size + x.size) // GRAIN)
    plan.call(
        code, words, [x, places], [target], rows=rows, grain=-(-rows // parts) if parts > 1 else None, flops=x.size
    )  # fmt: skip
    return True


LOWERINGS = written_densely(gather=gather, scatter_add=scatter_add)
