"""Transformers: words look at words by attention, then each is worked on alone. Vaswani et al. 2017, arXiv:1706.03762.

Every part adds to what passes by: x + f(x). Where the normalization stands is said by `norm`: "pre" is x + f(norm(x)),
with one more normalization at the end, which learns without a slow start (Xiong et al. 2020, arXiv:2002.04745); "post"
is norm(x + f(x)), as in the paper of 2017.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np

from ..autograd.errors import ParameterError, ShapeError
from ..autograd.leaves import as_node, constant
from ..autograd.node import Node
from ..autograd.ops import argmax, broadcast, concat, equal, expand_dims, logical_and, scan, swapaxes, take, where
from .attention import MultiHeadAttention, PositionalEncoding, causal, padding_mask
from .dropout import Dropout
from .feed_forward import MLP
from .initialize import Rng, generator, normal
from .linear import Embedding, Linear
from .module import Module
from .norms import LayerNorm
from .rows import number, whole
from .sequence_models import Translator, check_lengths, check_words, sequence_loss


class TransformerBlock(Module):
    """A block of a Transformer: attention to the own sequence, attention to a memory if there is one, and two linear
    layers with ReLU between them: x (N, T, width) → (N, T, width). `hidden` is the width between the two, 4·width
    unless said otherwise.

    `block(x, memory, seen, memory_seen)`; a block that was built with `memory=True` needs one, (N, S, width). `seen` is
    true where a word may see another of its own sequence, `memory_seen` where it may see one of the memory.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> nets.TransformerBlock(32, 4)(ng.input("x", shape=(5, 10, 32))).shape
    (5, 10, 32)
    """

    def __init__(
        self, width: int, heads: int, hidden: int | None = None, *, memory: bool = False, norm: str = "pre", dropout: float = 0.0,
        rng: Rng = None, dtype: Any = "float32",
    ) -> None:  # fmt: skip
        if norm not in ("pre", "post"):
            raise ParameterError(
                f"TransformerBlock: norm={norm!r} must be 'pre', x + f(norm(x)), or 'post', norm(x + f(x))"
            )
        rng = generator(rng)
        settings: dict[str, Any] = {"rng": rng, "dtype": dtype}
        self.norm = norm
        self.attention = MultiHeadAttention(width, heads, **settings)
        self.memory_attention = MultiHeadAttention(width, heads, **settings) if memory else None
        self.each = MLP([width, 4 * width if hidden is None else whole(hidden, "hidden", of="TransformerBlock"), width], **settings)
        self.norms = [LayerNorm(width, dtype=dtype) for _ in range(2 + memory)]
        self.dropout = Dropout(dropout)

    def forward(
        self, x: Node, memory: Node | None = None, seen: Node | None = None, memory_seen: Node | None = None
    ) -> Node:
        if (memory is None) != (self.memory_attention is None):
            raise ParameterError(
                f"TransformerBlock {self.label!r} was built {'with' if self.memory_attention else 'without'} attention to a memory"
            )
        parts: list[Callable[[Node], Node]] = [lambda x: self.attention(x, None, seen)]
        if self.memory_attention is not None:
            looks = self.memory_attention
            parts.append(lambda x: looks(x, memory, memory_seen))
        for part, norm in zip([*parts, self.each], self.norms, strict=True):
            x = x + self.dropout(part(norm(x))) if self.norm == "pre" else norm(x + self.dropout(part(x)))
        return x


class TransformerStack(Module):
    """Words to vectors: rows of a table times √width plus positions, through `depth` blocks: (N, T) → (N, T, width).
    With `causal=True` no word sees a later one. Of `lengths` (N,) words each the rest is padding, which no word sees;
    `memory_lengths` says the same of a memory.

    >>> import nngraph as ng, numpy as np
    >>> from nngraph import nets
    >>> nets.TransformerStack(20, 32, 4, 2)(ng.input("x", np.zeros((5, 10), int))).shape
    (5, 10, 32)
    """

    def __init__(
        self, words: int, width: int, heads: int = 4, depth: int = 2, *, causal: bool = False, memory: bool = False,
        norm: str = "pre", hidden: int | None = None, dropout: float = 0.0, rng: Rng = None, dtype: Any = "float32",
    ) -> None:  # fmt: skip
        rng = generator(rng)
        self.width, self.causal = width, causal
        self.embedding = Embedding(words, width, start=normal(width**-0.5), rng=rng, dtype=dtype)
        self.positions = PositionalEncoding()
        self.dropout = Dropout(dropout)
        settings: dict[str, Any] = {"memory": memory, "norm": norm, "dropout": dropout, "rng": rng, "dtype": dtype}
        self.blocks = [TransformerBlock(width, heads, hidden, **settings) for _ in range(whole(depth, "depth", of="TransformerStack"))]
        self.last = LayerNorm(width, dtype=dtype) if norm == "pre" else None

    def forward(
        self, words: Node, memory: Node | None = None, lengths: Node | None = None, memory_lengths: Node | None = None
    ) -> Node:
        if len(words.shape) != 2:
            raise ShapeError(
                f"TransformerStack {self.label!r} takes word numbers (batch, time); it was given shape {tuple(map(int, words.shape))}"
            )
        x = self.dropout(self.positions(self.embedding(words) * sqrt(self.width)))
        seen = causal(words.shape[1]) if self.causal else None
        if lengths is not None:
            own = _for_all_queries(lengths, words)
            seen = own if seen is None else logical_and(seen, own)
        memory_seen = None if memory is None or memory_lengths is None else _for_all_queries(memory_lengths, memory)
        for block in self.blocks:
            x = block(x, memory, seen, memory_seen)
        return x if self.last is None else self.last(x)


def _for_all_queries(lengths: Node, keys: Node) -> Node:
    """Which keys may be seen, (N, 1, 1, S), by every query of every head."""
    return expand_dims(expand_dims(padding_mask(lengths, keys.shape[1]), 1), 1)


class TransformerEncoder(Module):
    """A Transformer that reads: scores at every word that know the whole sequence: words (N, T) → scores (N, T,
    outputs). Devlin et al. 2018, arXiv:1810.04805. `net(x, lengths)` reads the first `lengths` (N,) words of each.

    >>> import nngraph as ng, numpy as np
    >>> from nngraph import nets
    >>> nets.TransformerEncoder(20, 3, width=32)(ng.input("x", np.zeros((5, 10), int))).shape
    (5, 10, 3)
    """

    def __init__(
        self, words: int, outputs: int, *, width: int = 32, rng: Rng = None, dtype: Any = "float32", **settings: Any
    ) -> None:
        rng = generator(rng)
        self.stack = TransformerStack(words, width, rng=rng, dtype=dtype, **settings)
        self.top = Linear(width, outputs, rng=rng, dtype=dtype)

    def forward(self, words: Node, lengths: Node | None = None) -> Node:
        return self.top(self.stack(words, None, lengths))

    def check_data(self, *arrays: np.ndarray) -> None:
        check_lengths(arrays)
        check_words(arrays[0], int(self.stack.embedding.E.shape[0]), "x")


class CausalTransformer(TransformerEncoder):
    """A language model: words (N, T) → scores (N, T, words) of the word that comes next, each from those before it and
    itself. Radford et al. 2018 (GPT). It learns from sequences alone: `objective` asks at every word for the next.

    >>> import nngraph as ng, numpy as np
    >>> from nngraph import nets
    >>> net = nets.CausalTransformer(20, width=16)
    >>> net.continued([[3, 1, 4]], 5).shape
    (1, 8)
    """

    def __init__(self, words: int, *, width: int = 32, **settings: Any) -> None:
        super().__init__(words, words, width=width, causal=True, **settings)

    def objective(self, x: Node) -> Node:
        """What it learns to make small: the cross-entropy of every next word."""
        return sequence_loss(self(x[:, :-1]), x[:, 1:])

    def continued(
        self, words: Node, length: int, *, temperature: float = 0.0, rng: Rng = None
    ) -> Node:
        """The words and `length` more, (N, T + length): always the likeliest next, or with a temperature τ each next
        word drawn with probability softmax(scores/τ), where the words of a call with the same `rng` are the same."""
        temperature, length = number(temperature, "temperature", least=0, of="continued"), whole(length, "length", 0, of="continued")
        words = as_node(words)
        if not temperature:
            return _written(self, words, length)[0]
        # The place of the largest of scores/τ + noise of Gumbel's distribution is such a draw.
        shape = (length, int(words.shape[0]), int(self.top.W.shape[1]))
        noise = constant(temperature * generator(rng).gumbel(size=shape).astype(self.top.W.dtype))
        return _written(self, words, length, noise)[0]


class Transformer(Translator):
    """The Transformer: an encoder reads and a causal decoder writes, looking at it by attention: words (N, S) → scores
    (N, length, words). Vaswani et al. 2017, arXiv:1706.03762.

    `net(x, t)` has the decoder read the right words t (N, T) before each, to learn (`objective`); `net(x)` has it write
    `length` words by itself, always the likeliest. Of x only the first `lengths` (N,) words are read, where these are
    given; data to learn from are then (X, lengths, t).

    >>> import nngraph as ng, numpy as np
    >>> from nngraph import nets
    >>> net = nets.Transformer(10, 12, length=7, width=16, depth=1)
    >>> net(ng.input("x", np.zeros((5, 8), int))).shape
    (5, 7, 12)
    """

    def __init__(
        self, words_in: int, words: int, length: int, *, width: int = 32, heads: int = 4, depth: int = 2,
        rng: Rng = None, dtype: Any = "float32", **settings: Any,
    ) -> None:  # fmt: skip
        rng = generator(rng)
        settings = {**settings, "rng": rng, "dtype": dtype}
        self.words_in, self.words, self.length = words_in, words, whole(length, "length", of="Transformer")
        self.encoder = TransformerStack(words_in, width, heads, depth, **settings)
        # One row more for the sign that begins.
        self.decoder = TransformerStack(words + 1, width, heads, depth, causal=True, memory=True, **settings)
        self.top = Linear(width, words, rng=rng, dtype=dtype)

    def forward(self, x: Node, t: Node | None = None, lengths: Node | None = None) -> Node:
        memory = self.encoder(x, None, lengths)
        sign = broadcast(constant(np.int64(self.words)), shape=(x.shape[0], 1))
        if t is None:
            return _written(lambda words: self.top(self.decoder(words, memory, None, lengths)), sign, self.length)[1]
        return self.top(self.decoder(concat([sign, t[:, :-1]], axis=1), memory, None, lengths))


def _written(score: Callable[[Node], Node], words: Node, length: int, noise: Node | None = None) -> tuple[Node, Node]:
    """Words (N, T) with `length` more behind them, (N, T + length), and the scores (N, length, …) they were chosen by.

    One loop over a sequence of full length: what comes later cannot be seen, so that it may hold anything. `noise`
    (length, N, …) is added to the scores where a word is chosen.
    """
    count, given = words.shape[0], int(words.shape[1])
    rest = broadcast(constant(np.zeros((), words.dtype)), shape=(count, length))
    places = constant(np.arange(given + length))

    def step(carry: tuple[Node, Node], shaken: Node | None) -> tuple[tuple[Node, Node], Node]:
        written, at = carry
        said = take(score(written), at, axis=1)
        chosen = expand_dims(argmax(said if shaken is None else said + shaken, axis=1), 1)
        return (where(equal(places, at + 1), chosen, written), at + 1), said

    start = concat([words, rest], axis=1), constant(np.int64(given - 1))
    (written, _), scores = scan(step, start, noise, length=None if noise is not None else length)
    return written, swapaxes(scores, 0, 1)
