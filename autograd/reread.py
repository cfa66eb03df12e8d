"""Results read in place of operands: what a gradient asks about an operand, where the result answers it as well.

For engines, not for display: ReLU′(x) is 1 where x > 0, as every book says; a program that asks whether ReLU(x) > 0
instead need not keep x.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .graph import order, rebuild
from .node import Node, on_behalf
from .op import Op
from .ops import elu, greater, leaky_relu, relu
from .simplify import number

SIGN_KEPT: dict[Op, Callable[[Mapping[str, Any]], bool]] = {
    relu: lambda params: True,
    leaky_relu: lambda params: params["slope"] >= 0,
    elu: lambda params: params["alpha"] >= 0,
}
"""Functions f with f(x) > 0 exactly where x > 0, and for which params that holds; nan is greater than nothing on both
sides."""


def reread(outputs: Sequence[Node]) -> list[Node]:
    """The outputs with x > 0 asked of f(x), where f keeps the sign and f(x) is computed anyway.

    >>> import nngraph as ng
    >>> x = ng.input("x", [-1.0, 2.0])
    >>> y = ng.relu(ng.exp(x) - 1.0)
    >>> (slope,) = ng.gradient(ng.sum(y), [x])
    >>> _, slope = reread([y, slope])
    >>> [node.inputs[0].op.name for node in slope.graph.nodes if node.op and node.op.name == "greater"]
    ['relu']
    """
    nodes = order(outputs)
    results: dict[Node, Node] = {}
    image: dict[Node, Node] = {}
    with on_behalf():
        for node in nodes:
            if node.is_leaf:
                continue
            inputs = tuple([image.get(source, source) for source in node.inputs])
            if node.op is greater and node.inputs[0] in results and number(node.inputs[1]) == 0:
                answer = results[node.inputs[0]]
                inputs = (image.get(answer, answer), inputs[1])
            elif node.op in SIGN_KEPT and SIGN_KEPT[node.op](node.params):
                results.setdefault(node.inputs[0], node)
            if any(new is not old for new, old in zip(inputs, node.inputs)):
                image[node] = rebuild(node, inputs)
    return [image.get(output, output) for output in outputs]


__all__ = ["SIGN_KEPT", "reread"]
