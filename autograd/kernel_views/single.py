"""A graph of float64 numbers as one of float32 numbers, which a GPU computes with much sooner."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..graph import order, substitute
from ..node import Leaf, Node


def in_single(nodes: Sequence[Node]) -> list[Node]:
    """The same nodes over leaves of float32.

    >>> import nngraph as ng
    >>> x = ng.input("x", shape=(3,))
    >>> [str(node.dtype) for node in (x * 2.0, *in_single([x * 2.0]))]
    ['float64', 'float32']
    """
    single = np.dtype(np.float32)
    leaves = [node for node in order(list(nodes)) if isinstance(node, Leaf) and node.dtype == np.float64]
    image: dict[Node, Node] = {}
    for leaf in leaves:
        value = None if leaf._value is None else np.asarray(leaf._value, single)
        image[leaf] = Leaf(leaf.role, leaf._name, value, leaf.shape, single)
    return substitute(list(nodes), image)
