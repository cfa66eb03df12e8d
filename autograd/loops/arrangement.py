"""An identity of arrangement for programs, whose products over steps and examples have one axis for both."""

from __future__ import annotations

from collections.abc import Callable

from ..node import Node
from ..ops import reshape
from ..rewrite import Rule


def _arranged_last(node: Node, alone: Callable[[Node], bool]) -> Node | None:
    """Numbers are computed one by one, so they may be arranged afterwards: a product of joined axes and what is added
    to it stay together. Exact."""
    if node.op.scalar is None:
        return None
    first = next((x for x in node.inputs if _parted(x) and x.shape == node.shape and alone(x)), None)
    if first is None:
        return None
    inner = first.inputs[0].shape
    operands = []
    for x in node.inputs:
        if _parted(x) and x.shape == first.shape and x.inputs[0].shape == inner:
            operands.append(x.inputs[0])
        elif len(x.shape) < len(inner):
            operands.append(x)
        else:
            return None
    return reshape(node.op.apply(tuple(operands), node.params), shape=node.shape)


def _parted(x: Node) -> bool:
    """Whether a node only parts the first axis of its operand into two."""
    return x.op is reshape and len(x.shape) > 1 and x.inputs[0].shape == (x.shape[0] * x.shape[1], *x.shape[2:])


ARRANGED_LAST = Rule(
    "f(x arranged, y) = f(x, y) arranged", " ".join((_arranged_last.__doc__ or "").split()), (), _arranged_last
)
