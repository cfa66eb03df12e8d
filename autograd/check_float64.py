"""A graph as it would be in float64 throughout: leaves, constants, casts and the bodies of loops. Differences and other
engines are compared with it, because float32 rounds away what they look for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .graph import Graph, order
from .node import Leaf, Node
from .op import RANDOM
from .ops.identity import cast

__all__ = ["in_float64"]

WIDE = np.dtype(np.float64)


def in_float64(
    outputs: Sequence[Node], given: Mapping[Node, Node] | None = None
) -> tuple[list[Node], dict[Leaf, Leaf]]:
    """The outputs with every float32 and float16 in them replaced by float64, and what stands for each leaf.

    Random numbers stay the very ones that the graph draws. `given` says what stands for some leaves already.

    >>> import nngraph as ng
    >>> x = ng.input("x", np.float32([0.1, 0.2]))
    >>> (y,), leaves = in_float64([ng.cast(x * x, "float16")])
    >>> y.dtype, leaves[x].dtype
    (dtype('float64'), dtype('float64'))
    """
    image: dict[Node, Node] = dict(given or {})
    for node in order(outputs):
        if node not in image:
            image[node] = _leaf(node) if isinstance(node, Leaf) else _computed(node, image)
    leaves = {
        node: new
        for node, new in image.items()
        if isinstance(node, Leaf) and isinstance(new, Leaf) and node.role != "constant"
    }
    return [image[output] for output in outputs], leaves


def _narrow(dtype: np.dtype | None) -> bool:
    return dtype is not None and dtype.kind == "f" and dtype.itemsize < WIDE.itemsize


def _leaf(leaf: Leaf) -> Leaf:
    if not _narrow(leaf.dtype):
        return leaf
    new = Leaf(leaf.role, leaf._name, leaf._value, leaf.shape, WIDE)
    new.params = leaf.params
    return new


def _computed(node: Node, image: Mapping[Node, Node]) -> Node:
    inputs = tuple([image[source] for source in node.inputs])
    if node.op.kind == RANDOM and not node.op.differentiable:
        # Drawn from the same bits as before, then widened: other bits would be other numbers.
        kept = [
            cast(new, dtype=old.dtype.name) if new.dtype != old.dtype else new for new, old in zip(inputs, node.inputs)
        ]
        drawn = _like(node, tuple(kept), node.params)
        return cast(drawn, dtype=WIDE.name) if _narrow(drawn.dtype) else drawn
    return _like(node, inputs, {name: _param(name, value) for name, value in node.params.items()})


def _like(node: Node, inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Node:
    if all(new is old for new, old in zip(inputs, node.inputs)) and all(
        params[name] is value for name, value in node.params.items()
    ):
        return node
    copy = node.op.apply(inputs, params)
    copy._name, copy.scope, copy.site = node._name, node.scope, node.site
    return copy


def _param(name: str, value: Any) -> Any:
    if isinstance(value, Graph):
        return _body(value)
    if name == "dtype" and isinstance(value, str) and _narrow(np.dtype(value)):
        return WIDE.name
    return value


def _body(body: Graph) -> Graph:
    """The graph of a loop in float64; graphs are nested only as deep as loops are."""
    holes = {
        hole: Leaf(hole.role, hole._name, None, hole.shape, WIDE) if _narrow(hole.dtype) else hole
        for hole in body.inputs
    }
    outputs, _ = in_float64(body.outputs, holes)
    if all(new is old for new, old in zip(outputs, body.outputs)):
        return body
    return Graph(tuple(holes[hole] for hole in body.inputs), tuple(outputs))
