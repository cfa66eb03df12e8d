"""Convolution on graphs: every node becomes a weighted sum of itself and its neighbors, times a matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..autograd.errors import ParameterError, ShapeError
from ..autograd.leaves import constant
from ..autograd.node import Node
from ..autograd.ops import relu, take
from .dropout import Dropout
from .initialize import Initializer, Rng, generator, xavier
from .module import Module, new_parameter
from .rows import DataError


def normalized_adjacency(adjacency: Any) -> np.ndarray:
    """D^(−½)·(A + I)·D^(−½) of a graph's adjacency A (nodes, nodes), D the degrees of A + I on the diagonal: every node
    its own neighbor too, and no node louder for having many. Kipf and Welling 2017. ShapeError or ParameterError where
    A is not square, not symmetric or has entries below 0.

    >>> from nngraph import nets
    >>> nets.normalized_adjacency([[0, 1], [1, 0]])
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    A = np.asarray(adjacency, np.float64)
    if A.ndim != 2 or A.shape[0] != A.shape[1] or not A.size:
        raise ShapeError(
            f"an adjacency has a row and a column for every node, (nodes, nodes); this has shape {A.shape}"
        )
    if not np.isfinite(A).all() or (A < 0).any() or (A != A.T).any():
        raise ParameterError(
            "an adjacency is symmetric, with entries from 0 up: A[i, j] is the weight of the edge between i and j"
        )
    A = A + np.eye(len(A))
    scale = A.sum(axis=1) ** -0.5
    return scale[:, None] * A * scale


class GraphConvolution(Module):
    """Graph convolution, Â·X·W + b: what every node holds, times W, then a weighted sum over its neighborhood: (…, nodes,
    inputs) → (…, nodes, outputs), Â from `normalized_adjacency`. Kipf and Welling 2017, arXiv:1609.02907.

    >>> import nngraph as ng, numpy as np
    >>> from nngraph import nets
    >>> nets.GraphConvolution(np.ones((4, 4)) - np.eye(4), 3, 2)(ng.input("x", shape=(4, 3))).shape
    (4, 2)
    """

    def __init__(
        self, adjacency: Any, inputs: int, outputs: int, *, bias: bool = True, start: Initializer = xavier,
        rng: Rng = None, dtype: Any = "float32",
    ) -> None:  # fmt: skip
        self.mixing = constant(normalized_adjacency(adjacency), "A", dtype)
        self.W = new_parameter("W", (inputs, outputs), start, rng, dtype)
        self.b = new_parameter("b", (outputs,), dtype=dtype) if bias else None

    def forward(self, x: Node) -> Node:
        wanted = (int(self.mixing.shape[0]), int(self.W.shape[0]))
        if tuple(x.shape[-2:]) != wanted:
            raise ShapeError(
                f"GraphConvolution {self.label!r} takes (…, {wanted[0]}, {wanted[1]}), a row for every node; it was given shape"
                f" {tuple(map(int, x.shape))}"
            )
        y = self.mixing @ (x @ self.W)
        return y if self.b is None else y + self.b


class GCN(Module):
    """Classes of the nodes of one graph, when few of them are known: node numbers (K,) → scores (K, sizes[-1]). Graph
    convolutions with ReLU and dropout between them, on what is known of every node, `features` (nodes, inputs); without
    features every node is told from the others by a row of the identity matrix. Kipf and Welling 2017,
    arXiv:1609.02907.

    It learns from the known nodes and their classes: `nets.train(net, ng.softmax_loss, (nodes, classes))`; through the
    edges it says classes for all: `net(range(nodes))`. `net.hidden(k)` is what the nodes hold after k layers.

    >>> from nngraph import nets
    >>> A, club = nets.karate_club()
    >>> net = nets.GCN(A, [16, 2])
    >>> net([0, 33]).shape
    (2, 2)
    """

    def __init__(
        self, adjacency: Any, sizes: Sequence[int], features: Any = None, *, activation: Callable[[Node], Node] = relu,
        dropout: float = 0.0, rng: Rng = None, dtype: Any = "float32",
    ) -> None:  # fmt: skip
        rng, count = generator(rng), len(np.asarray(adjacency))
        given = np.eye(count) if features is None else np.asarray(features)
        if given.ndim != 2 or len(given) != count:
            raise ShapeError(f"GCN: features of shape {given.shape} for {count} nodes; they have a row for every node")
        self.activation = activation
        self.features = constant(given, "X", dtype)
        widths = [given.shape[1], *sizes]
        self.layers = [GraphConvolution(adjacency, a, b, rng=rng, dtype=dtype) for a, b in pairwise(widths)]
        self.dropout = Dropout(dropout)

    def forward(self, nodes: Node) -> Node:
        return take(self.hidden(len(self.layers)), nodes, axis=0)

    def check_data(self, *arrays: np.ndarray) -> None:
        count = int(self.features.shape[0])
        for row in np.flatnonzero((arrays[0] < 0) | (arrays[0] >= count))[:1]:
            raise DataError(f"row {row} names node {arrays[0][row]}; there are {count} nodes, numbered 0 to {count - 1}")

    def hidden(self, layers: int) -> Node:
        """What all nodes hold after so many layers, (nodes, width): scores after the last."""
        x: Node = self.features
        for at, layer in enumerate(self.layers[:layers]):
            x = layer(self.dropout(self.activation(x)) if at else x)
        return x


def karate_club() -> tuple[np.ndarray, np.ndarray]:
    """Who was friends with whom in a karate club of 34, (34, 34), and which side each took when it split: 0 that of the
    teacher, node 0, and 1 that of the president, node 33. Zachary 1977; from networkx.

    >>> from nngraph import nets
    >>> A, side = nets.karate_club()
    >>> int(A.sum()) // 2, int(side.sum())
    (78, 17)
    """
    import networkx

    club = networkx.karate_club_graph()
    sides = [club.nodes[node]["club"] != "Mr. Hi" for node in club]
    return networkx.to_numpy_array(club, weight=None), np.array(sides, int)
