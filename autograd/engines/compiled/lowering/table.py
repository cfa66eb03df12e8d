"""Which kernel computes which op: by the op's `kernel` field and its `index` form, never by its name."""

from __future__ import annotations

from functools import cache
from typing import Any

from ....node import Node
from ..calls import View
from .dense import Lowering


@cache
def table() -> dict[str, Lowering]:
    """The lowering of every kernel family that an op may name."""
    from . import convolution, indexing, loop, pooling, random, running, structure

    pages = (structure, loop, convolution, pooling, indexing, random, running)
    return {family: lowering for page in pages for family, lowering in page.LOWERINGS.items()}


def lower(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """Add the calls that compute a node; False when there is no kernel for it."""
    lowering = plan.target.lowering(node.op.kernel)
    if lowering is not None:
        return lowering(plan, node, inputs, outputs)
    if node.op.index is not None:
        from . import index

        return index.lower(plan, node, inputs, outputs)
    return False


def pieces(node: Node) -> list[tuple[tuple[int, ...], tuple[int, ...]]] | None:
    """Where each operand of a node that only joins its operands ends up in the result: start and shape."""
    from . import structure

    found = structure.PIECES.get(node.op.kernel)
    return None if found is None else found(node)
