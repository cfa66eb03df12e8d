"""What depends on constants only, computed once by the numpy engine before a program is planned.

For engines, not for display: a derivation wants to show 2·3, a program wants 6. Repeats stay repeats, so that a number
does not grow into an array, and large results stay nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .engines.numpy import node_function
from .graph import order, rebuild
from .leaves import constant
from .node import Node, on_behalf
from .op import CONTROL, RANDOM
from .ops.linear import broadcast
from .sizes import product

LARGEST = 1 << 16
"""A result of more numbers than this stays a node: the program is to stay small."""


def fold_constants(outputs: Sequence[Node], largest: int = LARGEST) -> list[Node]:
    """The outputs with every node that depends on constants only made a constant of at most `largest` numbers.

    One number that fills an array becomes that number, repeated. Random draws and loops stay. Constants that an op refuses
    (a label out of range) raise its error here.

    >>> import nngraph as ng
    >>> x = ng.input("x", 3.0)
    >>> (y,) = fold_constants([x * ng.exp(ng.constant(0.0))])
    >>> [node.is_leaf for node in y.inputs], float(y.inputs[1].value)
    ([True, True], 1.0)
    """
    known: dict[Node, np.ndarray] = {}
    image: dict[Node, Node] = {}
    with on_behalf(), np.errstate(all="ignore"):
        for node in order(outputs):
            if node.is_leaf:
                if node.role == "constant":
                    known[node] = node.value
                    if 1 < node.size <= largest:
                        image[node] = _leaf(node.value, node)
                continue
            value = _value(node, known, largest)
            if value is not None:
                known[node] = value
            if value is None or node.op is broadcast:
                inputs = tuple([image.get(source, source) for source in node.inputs])
                if any(new is not old for new, old in zip(inputs, node.inputs)):
                    image[node] = rebuild(node, inputs)
            else:
                image[node] = _leaf(value)
    return [image.get(output, output) for output in outputs]


def _value(node: Node, known: dict[Node, np.ndarray], largest: int) -> np.ndarray | None:
    """The value of a node whose operands are all known; None where it is to stay a node."""
    if node.op.kind in (RANDOM, CONTROL) or not node.inputs or any(source not in known for source in node.inputs):
        return None
    if product(node.shape) > largest:
        return None
    value = np.asarray(node_function(node)(*[known[source] for source in node.inputs]))
    return value if value.dtype == node.dtype else None


def _leaf(value: np.ndarray, leaf: Node | None = None) -> Node:
    """A constant (`leaf`, where there is one already), or one number repeated when all are the same, bit by bit."""
    if value.size > 1 and value.itemsize <= 8:
        bits: Any = np.ascontiguousarray(value).reshape(-1).view(f"u{value.itemsize}")
        if (bits == bits[0]).all():
            return broadcast(constant(value.reshape(-1)[0].copy()), shape=value.shape)
    return constant(np.array(value)) if leaf is None else leaf


__all__ = ["LARGEST", "fold_constants"]
