"""Results read in place of operands: what is asked of an operand, or computed from it again, where a result has it.

For engines, not for display: ReLU′(x) is 1 where x > 0, as every book says; a program that asks whether ReLU(x) > 0
instead need not keep x.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from .graph import order, rebuild
from .node import Node, on_behalf
from .ops import greater, reshape
from .simplify import number


def reread(outputs: Sequence[Node]) -> list[Node]:
    """The outputs with x > 0 asked of f(x), where f keeps the sign and f(x) is there already; and with a reduction that
    is wanted both with its axes and without them computed once and arranged.

    >>> import nngraph as ng
    >>> x = ng.input("x", [-1.0, 2.0])
    >>> y = ng.relu(ng.exp(x) - 1.0)
    >>> (slope,) = ng.gradient(ng.sum(y), [x])
    >>> _, slope = reread([y, slope])
    >>> [node.inputs[0].op.name for node in slope.graph.nodes if node.op and node.op.name == "greater"]
    ['relu']
    """
    nodes = order(outputs)
    both_ways = _wanted_both_ways(nodes)
    results: dict[Node, Node] = {}
    image: dict[Node, Node] = {}
    with on_behalf():
        for node in nodes:
            if node.is_leaf:
                continue
            inputs = tuple([image.get(source, source) for source in node.inputs])
            if node.op is greater and node.inputs[0] in results and number(node.inputs[1]) == 0:
                inputs = (results[node.inputs[0]], inputs[1])
            key = _reduction(node)
            if key in both_ways:
                kept = both_ways[key]
                if kept is None:
                    kept = both_ways[key] = node.op(*inputs, axis=node.params["axis"], keepdims=True)
                image[node] = kept if node.params["keepdims"] else reshape(kept, shape=node.shape)
            elif any(new is not old for new, old in zip(inputs, node.inputs)):
                image[node] = rebuild(node, inputs)
            # nan is greater than nothing on both sides.
            if node.op.keeps_sign is not None and node.op.keeps_sign(node.params):
                results.setdefault(node.inputs[0], image.get(node, node))
    return [image.get(output, output) for output in outputs]


def _reduction(node: Node) -> Hashable:
    """What a reduction takes together, whether it keeps the axes or not; None for any other node."""
    return (node.op, node.inputs[0], node.params["axis"]) if node.op.fold else None


def _wanted_both_ways(nodes: Sequence[Node]) -> dict[Hashable, Node | None]:
    """The reductions that are wanted with their axes and without them."""
    ways: dict[Hashable, set[bool]] = {}
    for node in nodes:
        if not node.is_leaf and (key := _reduction(node)) is not None:
            ways.setdefault(key, set()).add(node.params["keepdims"])
    return {key: None for key, found in ways.items() if len(found) == 2}
