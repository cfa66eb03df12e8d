"""Kernel families that a GPU computes in another way than the processor: from zeros, or with other words."""

from __future__ import annotations

from math import prod
from typing import Any

from ...kernels.cuda import elementwise
from ...node import Node
from ..compiled.calls import View
from ..compiled.lowering.dense import Lowering, written_densely
from ..compiled.lowering.indexing import _places


def scatter_add(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """Zeros to which rows are added, by many threads at once: their order, and so the rounding, may differ from run to run."""
    (target,), positions = outputs, inputs[1]
    if target.dtype.name not in ("float32", "float64", "int32", "int64"):
        return False
    x = plan.dense(inputs[0])
    plan.fill(target, 0)
    places = _places(plan, positions, target)
    code, words = elementwise.scatter_add(x, target, places, prod(target.shape[positions.shape[-1] :]))
    if x.size:
        made = plan.call(code, words, [x, places, target], [target], rows=x.size, flops=x.size)
        made.grid = elementwise.blocks(words, code.threads())
    return True


LOWERINGS: dict[str, Lowering] = written_densely(scatter_add=scatter_add)
