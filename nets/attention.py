"""Attention: a mean of values whose weights say how well each key answers a query; and positions as waves.

Axes: N sequences, T queries, S keys and values, `width` numbers each. Weights are (N, …, T, S) and sum to 1 over the
last axis.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from ..autograd.errors import ParameterError, ShapeError
from ..autograd.leaves import as_node, constant
from ..autograd.node import Node
from ..autograd.ops import expand_dims, less, reshape, softmax, squeeze, swapaxes, tanh, where
from .initialize import Initializer, generator, xavier
from .linear import Linear
from .module import Module, new_parameter
from .rows import whole


def scaled_dot_product(q: Node, k: Node, v: Node, seen: Node | None = None) -> tuple[Node, Node]:
    """softmax(Q·Kᵀ/√d)·V and the weights: queries (…, T, d), keys (…, S, d), values (…, S, e) → (…, T, e) and (…, T,
    S). Vaswani et al. 2017, arXiv:1706.03762. `seen` is true where a query may see a key. Divided by √d, because a sum
    of d products of numbers of spread 1 has spread √d, and softmax of large numbers has no slope.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> q, k, v = ng.constant([[8.0, 0.0]]), ng.constant([[1.0, 0.0], [0.0, 1.0]]), ng.constant([[10.0], [20.0]])
    >>> y, weights = nets.scaled_dot_product(q, k, v)
    >>> y.value.round(2), weights.value.round(3)
    (array([[10.03]]), array([[0.997, 0.003]]))
    """
    scores = masked(q @ k.mT / sqrt(int(q.shape[-1])), seen)
    weights = softmax(scores, axis=-1)
    return weights @ v, weights


def masked(scores: Node, seen: Node | None) -> Node:
    """The scores, where a key may be seen; elsewhere the least number there is, whose weight is 0 beside any other. It is
    finite, so that a query that sees no key gets even weights and not NaN."""
    return scores if seen is None else where(seen, scores, np.finfo(scores.dtype).min)


def causal(length: int) -> Node:
    """The causal mask, by which no word sees a later one: (T, T), true on and below the diagonal.

    >>> from nngraph import nets
    >>> nets.causal(3).value.astype(int)
    array([[1, 0, 0],
           [1, 1, 0],
           [1, 1, 1]])
    """
    length = whole(length, "length", 0, of="causal")
    return constant(np.tril(np.ones((length, length), bool)))


def padding_mask(lengths: Node, times: int) -> Node:
    """What is part of a padded sequence, and what was put behind it to fill a table: (N,) lengths → (N, times), true
    before the end.

    >>> from nngraph import nets
    >>> nets.padding_mask([1, 3], 3).value.astype(int)
    array([[1, 0, 0],
           [1, 1, 1]])
    """
    lengths = as_node(lengths)
    if len(lengths.shape) != 1 or lengths.dtype.kind not in "iu":
        raise ShapeError(
            f"lengths are whole numbers (batch,), how many times of each sequence count; these are {lengths.dtype} of"
            f" shape {tuple(map(int, lengths.shape))}"
        )
    return less(constant(np.arange(whole(times, "times", 0, of="padding_mask"))), expand_dims(lengths, 1))


class MultiHeadAttention(Module):
    """Multi-head attention: `heads` parts of the width at once, then joined by a linear layer: x (N, T, width) → (N, T,
    width). Vaswani et al. 2017, arXiv:1706.03762.

    `layer(x, memory)` sees another sequence (N, S, width) instead of x itself. `seen` is true where a query may see a
    key, of a shape that broadcasts to (N, heads, T, S). `with_weights=True` gives (y, weights (N, heads, T, S)).

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> layer = nets.MultiHeadAttention(32, 4)
    >>> y, weights = layer(ng.input("x", shape=(5, 10, 32)), with_weights=True)
    >>> layer.count, y.shape, weights.shape
    (4224, (5, 10, 32), (5, 4, 10, 10))
    """

    def __init__(
        self, width: int, heads: int = 1, *, start: Initializer = xavier,
        rng: np.random.Generator | int | None = None, dtype: Any = "float32",
    ) -> None:  # fmt: skip
        width, heads = whole(width, "width", of="MultiHeadAttention"), whole(heads, "heads", of="MultiHeadAttention")
        if width % heads:
            raise ParameterError(
                f"MultiHeadAttention({width}, {heads}): {width} numbers do not split into {heads} heads"
            )
        rng = generator(rng)
        self.width, self.heads = width, heads
        self.query, self.key, self.value, self.joined = [
            Linear(width, width, start=start, rng=rng, dtype=dtype) for _ in range(4)
        ]

    def forward(
        self, x: Node, memory: Node | None = None, seen: Node | None = None, *, with_weights: bool = False
    ) -> Any:
        for sequence in (x,) if memory is None else (x, memory):
            if len(sequence.shape) != 3 or sequence.shape[-1] != self.width:
                raise ShapeError(
                    f"MultiHeadAttention {self.label!r} takes (batch, time, {self.width}); it was given shape"
                    f" {tuple(map(int, sequence.shape))}"
                )
        source = x if memory is None else memory
        q, k, v = self._split(self.query(x)), self._split(self.key(source)), self._split(self.value(source))
        heads, weights = scaled_dot_product(q, k, v, seen)
        y = self.joined(reshape(swapaxes(heads, 1, 2), shape=x.shape))
        return (y, weights) if with_weights else y

    def _split(self, x: Node) -> Node:
        """(N, T, width) → (N, heads, T, width/heads)."""
        return swapaxes(reshape(x, shape=(*x.shape[:2], self.heads, self.width // self.heads)), 1, 2)


class AdditiveAttention(Module):
    """Additive attention: a mean of the memory with weights softmax(v·tanh(s·Ws + m·Wm + b)): a state s (N, width) and
    a memory m (N, S, inputs) → (N, inputs) and the weights (N, S). Bahdanau, Cho and Bengio 2014, arXiv:1409.0473.
    `seen` (N, S) is true where the memory may be looked at.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> layer = nets.AdditiveAttention(4, 3, hidden=8)
    >>> y, weights = layer(ng.input("s", shape=(5, 4)), ng.input("m", shape=(5, 7, 3)))
    >>> y.shape, weights.shape
    ((5, 3), (5, 7))
    """

    def __init__(
        self, width: int, inputs: int, hidden: int, *, start: Initializer = xavier,
        rng: np.random.Generator | int | None = None, dtype: Any = "float32",
    ) -> None:  # fmt: skip
        sizes = {"width": width, "inputs": inputs, "hidden": hidden}
        width, inputs, hidden = (whole(size, name, of="AdditiveAttention") for name, size in sizes.items())
        rng = generator(rng)
        self.Ws = new_parameter("Ws", (width, hidden), start, rng, dtype)
        self.Wm = new_parameter("Wm", (inputs, hidden), start, rng, dtype)
        self.b = new_parameter("b", (hidden,), dtype=dtype)
        self.v = new_parameter("v", (hidden, 1), start, rng, dtype)

    def forward(self, state: Node, memory: Node, seen: Node | None = None) -> tuple[Node, Node]:
        # The memory's share is the same for every state, so that a loop over states takes it out.
        scores = squeeze(tanh(expand_dims(state @ self.Ws, 1) + (memory @ self.Wm + self.b)) @ self.v, axis=-1)
        scores = masked(scores, seen)
        weights = softmax(scores, axis=-1)
        return squeeze(expand_dims(weights, 1) @ memory, axis=1), weights


def positional_encoding(length: int, width: int) -> np.ndarray:
    """Every position as waves of growing length, (length, width): sin(t/10000^(2i/width)) in column 2i, its cosine
    beside it. A step in time turns every pair by a fixed angle. Vaswani et al. 2017, section 3.5.

    >>> from nngraph import nets
    >>> nets.positional_encoding(2, 4).round(4)
    array([[0.    , 1.    , 0.    , 1.    ],
           [0.8415, 0.5403, 0.01  , 1.    ]])
    """
    length, width = whole(length, "length", 0, of="positional_encoding"), whole(width, "width", of="positional_encoding")
    at = np.arange(width)
    angles = np.arange(length)[:, None] / 10000.0 ** ((at - at % 2) / width)
    return np.where(at % 2 == 0, np.sin(angles), np.cos(angles))


class PositionalEncoding(Module):
    """x + the waves of its positions: (N, T, width) → (N, T, width). It learns nothing. Vaswani et al. 2017, section
    3.5.

    >>> import nngraph as ng, numpy as np
    >>> from nngraph import nets
    >>> y = nets.PositionalEncoding()(ng.constant(np.zeros((1, 3, 8))))
    >>> bool((y.value[0] == nets.positional_encoding(3, 8)).all())
    True
    """

    def forward(self, x: Node) -> Node:
        if len(x.shape) != 3:
            raise ShapeError(
                f"PositionalEncoding {self.label!r} takes (batch, time, width); it was given shape {tuple(map(int, x.shape))}"
            )
        return x + constant(positional_encoding(*map(int, x.shape[1:])).astype(x.dtype))
