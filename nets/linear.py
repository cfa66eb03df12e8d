"""Linear and Embedding: products with a matrix, and rows picked out of one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.errors import ShapeError
from ..autograd.node import Node
from ..autograd.ops import cast, embedding
from .initialize import Initializer, normal, xavier
from .module import Module, new_parameter


class Linear(Module):
    """A dense layer, x·W + b: (…, inputs) → (…, outputs), with W (inputs, outputs) and b (outputs,). Rosenblatt 1958.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> layer = nets.Linear(784, 100)
    >>> layer.count
    78500
    >>> layer(ng.input("x", shape=(32, 784))).shape
    (32, 100)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        bias: bool = True,
        start: Initializer = xavier,
        rng: np.random.Generator | int | None = None,
        dtype: Any = "float32",
    ) -> None:
        self.W = new_parameter("W", (inputs, outputs), start, rng, dtype)
        self.b = new_parameter("b", (outputs,), dtype=dtype) if bias else None

    def forward(self, x: Node) -> Node:
        inputs = int(self.W.shape[0])
        if not x.shape or x.shape[-1] != inputs:
            raise ShapeError(
                f"Linear {self.label!r} takes (…, {inputs}); it was given shape {tuple(map(int, x.shape))}"
            )
        if x.dtype.kind != "f":
            x = cast(x, dtype=self.W.dtype.name)  # counts and pixels as whole numbers
        product = x @ self.W
        return product if self.b is None else product + self.b


class Embedding(Module):
    """A row of learned numbers for each of `count` words, E[word]. Whole numbers (…) → (…, width); E is (count, width). The
    same as one-hot words times E. Bengio et al. 2003.

    >>> from nngraph import nets
    >>> words = nets.Embedding(1000, 16)
    >>> words.count, words([[3, 14, 15], [9, 2, 6]]).shape
    (16000, (2, 3, 16))
    """

    def __init__(
        self,
        count: int,
        width: int,
        *,
        start: Initializer = normal(1.0),
        rng: np.random.Generator | int | None = None,
        dtype: Any = "float32",
    ) -> None:
        self.E = new_parameter("E", (count, width), start, rng, dtype)

    def forward(self, words: Node) -> Node:
        return embedding(self.E, words)
