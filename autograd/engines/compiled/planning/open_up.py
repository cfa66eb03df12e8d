"""Opening: composite ops are replaced by what they are made of, until only ops are left that a kernel computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ....graph import order, rebuild, without_collector
from ....node import Node, next_serial, on_behalf
from ....simplify import simplify


def opened(outputs: Sequence[Node], keeps: Callable[[Node], bool]) -> list[Node]:
    """The outputs over ops that are not made of simpler ones, or that `keeps` says a kernel computes as they are.

    An op's `expansion` is preferred to its formula: the same mathematics, arranged so that nothing overflows.
    """
    outputs = list(outputs)
    with without_collector(), on_behalf():
        while True:
            image: dict[Node, Node] = {}
            changed = False
            for node in order(outputs):
                if node.is_leaf:
                    continue
                inputs = tuple([image.get(source, source) for source in node.inputs])
                op = node.op
                if op.formula is not None and not keeps(node):
                    since = next_serial()
                    image[node] = made = (op.expansion or op.formula)(*inputs, **node.params)
                    _say_where(made, node, since)
                    changed = True
                elif any(new is not old for new, old in zip(inputs, node.inputs)):
                    image[node] = rebuild(node, inputs)
            outputs = [image.get(output, output) for output in outputs]
            if not changed:
                return list(simplify(outputs))


def _say_where(made: Node, node: Node, since: int) -> None:
    """Give what a composite op was opened into a scope of its own: that of the op, and the op's name."""
    scope = "/".join(filter(None, (node.scope, node.op.name)))
    waiting = [made]
    while waiting:
        each = waiting.pop()
        if each.serial > since and not each.is_leaf and not each.scope:
            each.scope = scope
            waiting += each.inputs
