"""Running sums and places of extremes as calls."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ....kernels import running
from ....kernels.machine import machine
from ....kernels.vector import ELEMENTS
from ....node import Node
from ..calls import View
from .dense import Lowering, written_densely

GRAIN = 1 << 15
"""So many numbers make a chunk worth a thread."""
SIGN = -(1 << 63)
"""The bit of a sign, as a word."""


def as_dtype(plan: Any, view: View, dtype: Any) -> View:
    """The numbers side by side in a dtype."""
    if view.dtype == dtype:
        return plan.dense(view)  # type: ignore[no-any-return]
    changed = plan.new(view.shape, dtype)
    plan.copy(view, changed)
    return changed  # type: ignore[no-any-return]


def _grain(numbers: int) -> int:
    return -(-GRAIN // max(numbers, 1))


def cumsum(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """Sums of all numbers so far."""
    (target,) = outputs
    if target.dtype.name not in ("float32", "float64", "int64", "uint64") or inputs[0].dtype.name not in ELEMENTS:
        return False
    x = as_dtype(plan, inputs[0], target.dtype)
    axis, late = node.params["axis"], int(node.params["exclusive"])
    length, inner = x.shape[axis], prod(x.shape[axis + 1 :])
    step, first = (-inner, (length - 1) * inner) if node.params["reverse"] else (inner, 0)
    is_float = target.dtype.kind == "f"
    code = running.cumsum(target.dtype.name) if is_float else running.cumsum_whole("float64")
    strips = -(-inner // running.STRIP) if is_float else inner
    rows = prod(x.shape[:axis]) * strips
    begin_x, begin_y = (View(view.buffer, view.dtype, (), (), view.offset + first) for view in (x, target))
    words = [begin_x, begin_y, length - late, step, length * inner, inner, late]
    plan.call(code, words, [x], [target], rows=rows, grain=_grain(x.size // rows), flops=x.size)
    return True


def _extreme(sign: int) -> Lowering:
    def lower(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
        dtype = inputs[0].dtype
        if dtype.name not in ELEMENTS:
            return False
        (target,) = outputs
        is_float = dtype.kind == "f"
        x = as_dtype(plan, inputs[0], dtype if is_float or dtype == np.uint64 else np.int64)
        axis = node.params["axis"]
        length, inner = (x.size, 1) if axis is None else (x.shape[axis], prod(x.shape[axis + 1 :]))
        outer = x.size // (length * inner)
        code: Any = running.argmax(dtype.name) if is_float else running.argmax_whole("float64")
        how: float | int = float(sign)
        if not is_float:
            how = (-1 if sign < 0 else 0) ^ (SIGN if dtype == np.uint64 else 0)
        rows = outer * (-(-inner // machine().lanes(dtype)) if is_float else inner)
        plan.call(
            code, [x, target, length, inner, how], [x], [target], rows=rows, grain=_grain(x.size // rows), flops=x.size
        )  # fmt: skip
        return True

    return lower


LOWERINGS = written_densely(cumsum=cumsum, argmax=_extreme(1), argmin=_extreme(-1))
