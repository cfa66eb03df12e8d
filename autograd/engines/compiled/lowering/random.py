"""Random numbers as calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....kernels import random
from ....node import Node
from ..calls import CHUNK, Scratch, View
from .dense import Lowering, written_densely

GRAIN = {"uniform": 16, "normal": 4}
"""So many rows make a chunk worth a thread."""


def _low_words(plan: Any, view: View) -> tuple[View, int]:
    """Whole numbers whose low 32 bits can be read in place, and how many times 32 bits they lie apart."""
    if view.dtype.itemsize < 4:
        wide = plan.new(view.shape, np.int32)
        plan.copy(view, wide)
        view = wide
    return view, (view.strides[0] if view.shape else 1) * view.dtype.itemsize // 4


def _drawn(name: str, code: Callable[[Any], Any]) -> Lowering:
    def lower(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
        (target,) = outputs
        if target.dtype.name not in ("float32", "float64"):
            return False
        (key, apart), (step, _) = (_low_words(plan, view) for view in inputs)
        words = [target, target.size, key, apart, step, Scratch(random.TURN_BYTES), CHUNK]
        rows = -(-target.size // random.ROW)
        plan.call(
            code(target.dtype.name), words, [key, step], [target], rows=rows, grain=GRAIN[name], flops=target.size
        )  # fmt: skip
        return True

    return lower


LOWERINGS = written_densely(uniform=_drawn("uniform", random.uniform), normal=_drawn("normal", random.normal))
