"""Feed-forward networks of any depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..autograd.errors import ParameterError
from ..autograd.node import Node
from ..autograd.ops import relu
from .initialize import Initializer, generator, he
from .linear import Linear
from .module import Module
from .rows import wholes


class MLP(Module):
    """Linear layers with an activation f between them, h ← f(h·W + b): (N, sizes[0]) → (N, sizes[-1]). The last layer has
    none, because losses such as ng.softmax_loss take scores, and amounts may be any numbers. Rosenblatt 1961; trained by
    backpropagation since Rumelhart, Hinton and Williams 1986.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> net = nets.MLP([64, 30, 10], rng=0)
    >>> net.count, net(ng.input("x", shape=(5, 64))).shape
    (2260, (5, 10))
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: Callable[[Node], Node] = relu,
        *,
        start: Initializer = he,
        rng: np.random.Generator | int | None = None,
        dtype: Any = "float32",
    ) -> None:
        sizes = wholes(sizes, "sizes", 2, of="MLP")
        if not callable(activation) or isinstance(activation, type):
            raise ParameterError(f"MLP(activation={activation!r}): it is a function of a node, such as ng.relu")
        rng = generator(rng)
        self.activation = activation
        self.layers = [Linear(a, b, start=start, rng=rng, dtype=dtype) for a, b in pairwise(sizes)]

    def forward(self, x: Node) -> Node:
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)
