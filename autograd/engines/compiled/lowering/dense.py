"""Kernels that write their numbers side by side only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....node import Node
from ..calls import View

Lowering = Callable[[Any, Node, list[View], list[View]], bool]
"""(plan, node, operands, results) -> whether calls were added that compute the results."""


def written_densely(**lowerings: Lowering) -> dict[str, Lowering]:
    """The same lowerings for results of any strides: those with gaps are written elsewhere first, then copied."""
    return {family: _copied(lowering) for family, lowering in lowerings.items()}


def _copied(lowering: Lowering) -> Lowering:
    def lower(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
        targets = [output if output.dense else plan.new(output.shape, output.dtype) for output in outputs]
        if not lowering(plan, node, inputs, targets):
            return False
        for target, output in zip(targets, outputs):
            if target is not output:
                plan.copy(target, output)
        return True

    return lower
