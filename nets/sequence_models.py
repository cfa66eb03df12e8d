"""Models of sequences, made of recurrent layers: deep and both ways, one to many, many to one, many to many,
encoder–decoder. (The names of the three are those of Karpathy 2015, The Unreasonable Effectiveness of Recurrent Neural
Networks.)"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..autograd.errors import ParameterError, ShapeError
from ..autograd.leaves import constant
from ..autograd.node import Node
from ..autograd.ops import (
    argmax,
    broadcast,
    cast,
    concat,
    expand_dims,
    one_hot,
    reshape,
    scan,
    softmax_loss,
    swapaxes,
    tanh,
)
from ..autograd.ops import sum as total
from .attention import AdditiveAttention, padding_mask
from .dropout import Dropout
from .initialize import Rng, generator
from .linear import Embedding, Linear
from .module import Module
from .recurrent import GRU, LSTM, Recurrent, State
from .rows import DataError, whole, wholes

Cell = type[Recurrent]


def sequence_loss(scores: Node, words: Node, lengths: Node | None = None) -> Node:
    """The cross-entropy of scores (N, T, words) and word numbers (N, T), its mean over all words of all sequences. With
    `lengths` (N,) only the first so many words of each count. (ng.softmax_loss adds up the words of a sequence.)

    >>> import nngraph as ng, numpy as np
    >>> from nngraph import nets
    >>> scores, words = ng.constant(np.zeros((2, 3, 4))), ng.constant(np.zeros((2, 3), int))
    >>> round(float(nets.sequence_loss(scores, words, lengths=[1, 2]).value), 4)  # ln 4: all words alike
    1.3863
    """
    if len(scores.shape) != 3 or len(words.shape) != 2 or scores.shape[:2] != words.shape:
        raise ShapeError(
            "sequence_loss takes scores (batch, time, words) and word numbers (batch, time); it was given shapes"
            f" {tuple(map(int, scores.shape))} and {tuple(map(int, words.shape))}"
        )
    count = scores.shape[0] * scores.shape[1]
    table = reshape(scores, shape=(count, scores.shape[2]))
    if lengths is None:
        return softmax_loss(table, reshape(words, shape=(count,)))
    belongs = cast(reshape(padding_mask(lengths, scores.shape[1]), shape=(count, 1)), dtype=scores.dtype.name)
    labels = one_hot(reshape(words, shape=(count,)), classes=scores.shape[2], dtype=scores.dtype.name)
    return softmax_loss(table, labels * belongs) * (count / total(belongs))


def check_lengths(arrays: Sequence[np.ndarray]) -> None:
    """DataError where the second of three arrays, the lengths of the sequences in the first, has one that cannot be."""
    if len(arrays) != 3:
        return
    x, lengths, _ = arrays
    if lengths.ndim == 1 and lengths.dtype.kind in "iu":
        for at in np.flatnonzero((lengths < 1) | (lengths > x.shape[1]))[:1]:
            raise DataError(
                f"row {at} has length {lengths[at]}, and its sequence {x.shape[1]} places; 1 to {x.shape[1]} fit"
            )


def check_words(words: np.ndarray, count: int, name: str) -> None:
    """DataError where an array of word numbers holds one that is not among `count` words."""
    wrong = (words < 0) | (words >= count)
    if wrong.any():
        row, *place = map(int, np.argwhere(wrong)[0])
        raise DataError(
            f"{name} has word {words[(row, *place)]} in row {row}; there are {count} words, numbered 0 to {count - 1}"
        )


def check_cell(cell: Any, of: str) -> None:
    """ParameterError for what makes no recurrent layer."""
    if not callable(cell) or (isinstance(cell, type) and not issubclass(cell, Recurrent)):
        raise ParameterError(f"{of}(cell={cell!r}): it is the class of a recurrent layer, such as nets.LSTM")


class DeepRNN(Module):
    """A deep recurrent net: layers one above the other, each reads what the one below says: (N, T, sizes[0]) → (N, T,
    sizes[-1]). Schmidhuber 1992; El Hihi and Bengio 1995. Starts and states are tuples, one for each layer; `dropout`
    acts between layers.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> net = nets.DeepRNN([3, 16, 8], cell=nets.GRU)
    >>> net(ng.input("x", shape=(5, 20, 3))).shape
    (5, 20, 8)
    """

    def __init__(
        self, sizes: Sequence[int], cell: Cell = LSTM, *, dropout: float = 0.0, rng: Rng = None, **settings: Any
    ) -> None:
        sizes, rng = wholes(sizes, "sizes", 2, of="DeepRNN"), generator(rng)
        check_cell(cell, "DeepRNN")
        self.layers = [cell(a, b, rng=rng, **settings) for a, b in pairwise(sizes)]
        self.width = sizes[-1]
        self.dropout = Dropout(dropout) if dropout else None

    def forward(
        self, x: Node, start: tuple[State, ...] | None = None, *, with_state: bool = False, lengths: Node | None = None
    ) -> Any:
        states = []
        for at, layer in enumerate(self.layers):
            if at and self.dropout is not None:
                x = self.dropout(x)
            x, state = layer(x, None if start is None else start[at], with_state=True, lengths=lengths)
            states.append(state)
        return (x, tuple(states)) if with_state else x

    def output(self, state: tuple[State, ...]) -> Node:
        """What the top layer says, (N, sizes[-1])."""
        return self.layers[-1].output(state[-1])


class Bidirectional(Module):
    """A bidirectional recurrent layer: one reads forward and one backward, side by side: (N, T, inputs) → (N, T,
    2·width). Every output knows what was and what will be. Schuster and Paliwal 1997. The last state is that of both,
    forward's first.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> nets.Bidirectional(3, 8)(ng.input("x", shape=(5, 20, 3))).shape
    (5, 20, 16)
    """

    def __init__(self, inputs: int, width: int, cell: Cell = LSTM, *, rng: Rng = None, **settings: Any) -> None:
        check_cell(cell, "Bidirectional")
        rng = generator(rng)
        self.ahead = cell(inputs, width, rng=rng, **settings)
        self.back = cell(inputs, width, rng=rng, reverse=True, **settings)
        self.width = 2 * width

    def forward(
        self, x: Node, start: tuple[State, State] | None = None, *, with_state: bool = False,
        lengths: Node | None = None,
    ) -> Any:  # fmt: skip
        if len(x.shape) != 3:
            raise ShapeError(
                f"Bidirectional {self.label!r} reads whole sequences (batch, time, inputs); it was given shape"
                f" {tuple(map(int, x.shape))}"
            )
        first, second = (None, None) if start is None else start
        one, end = self.ahead(x, first, with_state=True, lengths=lengths)
        other, begin = self.back(x, second, with_state=True, lengths=lengths)
        both = concat([one, other], axis=2)
        return (both, (end, begin)) if with_state else both

    def output(self, state: tuple[State, State]) -> Node:
        """What both say when each has read all, (N, 2·width)."""
        return concat([self.ahead.output(state[0]), self.back.output(state[1])], axis=1)


class ManyToMany(Module):
    """Many to many, an answer at every time: (N, T, inputs) → (N, T, outputs), y(t) = h(t)·W + b with h(t) of a
    recurrent layer (or DeepRNN, or Bidirectional). Elman 1990, Finding Structure in Time.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> nets.ManyToMany(nets.RNN(3, 8), 2)(ng.input("x", shape=(5, 20, 3))).shape
    (5, 20, 2)
    """

    def __init__(self, reader: Module, outputs: int, *, rng: Rng = None, dtype: Any = "float32") -> None:
        self.reader = reader
        self.top = Linear(_width(reader), outputs, rng=rng, dtype=dtype)

    def forward(self, x: Node, start: State = None, *, with_state: bool = False, lengths: Node | None = None) -> Any:
        h, state = self.reader(x, start, with_state=True, lengths=lengths)
        return (self.top(h), state) if with_state else self.top(h)


class ManyToOne(Module):
    """Many to one, an answer when all was read: (N, T, inputs) → (N, outputs), y = h·W + b with h of a recurrent layer
    (or DeepRNN, or Bidirectional) at its end. That of a layer that reads backward is at time 0. Hochreiter and
    Schmidhuber 1997 ask so of a sequence's two marked numbers.

    `net(x, lengths)` reads of each sequence only the first `lengths` (N,) times; data to learn from are then (X, lengths,
    t), with X and lengths from `nets.data.padded`.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> nets.ManyToOne(nets.LSTM(3, 8), 2)(ng.input("x", shape=(5, 20, 3))).shape
    (5, 2)
    """

    def __init__(self, reader: Module, outputs: int, *, rng: Rng = None, dtype: Any = "float32") -> None:
        self.reader = reader
        self.top = Linear(_width(reader), outputs, rng=rng, dtype=dtype)

    def forward(self, x: Node, lengths: Node | None = None) -> Node:
        _, state = self.reader(x, with_state=True, lengths=lengths)
        return self.top(self.reader.output(state))

    def check_data(self, *arrays: np.ndarray) -> None:
        check_lengths(arrays)


def _width(reader: Module) -> int:
    width = getattr(reader, "width", None)
    if width is None:
        raise ParameterError(f"{reader!r} is no recurrent layer: it has no width")
    return width


class Decoder(Module):
    """A decoder, which writes words, one after the other: from a vector (N, inputs) that starts its state to scores (N,
    T, words). What it wrote is what it reads next; the first it reads is a sign for "begin". Sutskever et al. 2014,
    arXiv:1409.3215.

    `decoder(x, t)` has it read the right words t (N, T) instead of its own (teacher forcing), to learn; `decoder(x)`
    has it write `length` words by itself, always the likeliest. With `memory` (N, S, memory_width) it looks at that by
    attention before every word, where `seen` (N, S) is true; `with_weights=True` then gives (scores, alignment (N, T,
    S)).

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> net = nets.Decoder(4, words=27, width=16, length=6, memory_width=5)
    >>> scores, alignment = net(ng.input("x", shape=(3, 4)), None, ng.input("m", shape=(3, 8, 5)), with_weights=True)
    >>> scores.shape, alignment.shape
    ((3, 6, 27), (3, 6, 8))
    """

    def __init__(
        self, inputs: int, words: int, width: int, length: int, cell: Cell = GRU, *, memory_width: int | None = None,
        embedding: int | None = None, rng: Rng = None, dtype: Any = "float32",
    ) -> None:  # fmt: skip
        check_cell(cell, "Decoder")
        rng, embedding = generator(rng), width if embedding is None else embedding
        settings: dict[str, Any] = {"rng": rng, "dtype": dtype}
        self.words, self.length = whole(words, "words", of="Decoder"), whole(length, "length", of="Decoder")
        self.begin = Linear(inputs, width, **settings)
        self.embedding = Embedding(words + 1, embedding, **settings)
        self.attention = None if memory_width is None else AdditiveAttention(width, memory_width, width, **settings)
        self.cell = cell(embedding + (memory_width or 0), width, **settings)
        self.top = Linear(width + (memory_width or 0), words, **settings)

    def forward(
        self, x: Node, t: Node | None = None, memory: Node | None = None, seen: Node | None = None, *,
        with_weights: bool = False,
    ) -> Any:  # fmt: skip
        if (memory is None) != (self.attention is None):
            raise ParameterError(
                f"Decoder {self.label!r} was built {'with' if self.attention else 'without'} attention to a memory"
            )
        if t is not None and (len(t.shape) != 2 or t.shape[0] != x.shape[0]):
            raise ShapeError(
                f"Decoder {self.label!r} reads the right words as (batch, time), batch {int(x.shape[0])}; it was given"
                f" shape {tuple(map(int, t.shape))}"
            )
        state = self.cell.from_output(tanh(self.begin(x)))
        sign = broadcast(constant(np.int64(self.words)), shape=(x.shape[0],))

        def step(state: State, word: Node) -> tuple[State, tuple[Node, Node | None]]:
            row, context, weights = self.embedding(word), None, None
            if memory is not None:
                context, weights = self.attention(self.cell.output(state), memory, seen)
            h, state = self.cell(_beside(row, context), state, with_state=True)
            return state, (self.top(_beside(h, context)), weights)

        def free(carry: tuple[State, Node], _: None) -> tuple[tuple[State, Node], Any]:
            state, said = step(*carry)
            return (state, argmax(said[0], axis=1)), said

        if t is None:
            _, (scores, weights) = scan(free, (state, sign), length=self.length)
        else:
            read = concat([expand_dims(sign, 0), swapaxes(t, 0, 1)[:-1]], axis=0)
            _, (scores, weights) = scan(step, state, read)
        scores = swapaxes(scores, 0, 1)
        return (scores, None if weights is None else swapaxes(weights, 0, 1)) if with_weights else scores

    def objective(self, x: Node, t: Node) -> Node:
        """What it learns to make small: the cross-entropy of the right words, having read those before."""
        return sequence_loss(self(x, t), t)

    def check_data(self, *arrays: np.ndarray) -> None:
        check_words(arrays[-1], self.words, "t")


def _beside(one: Node, other: Node | None) -> Node:
    return one if other is None else concat([one, other], axis=1)


class OneToMany(Decoder):
    """One to many, words from a vector: (N, inputs) → scores (N, length, words), such as a caption or a name of a kind.
    Vinyals et al. 2014, arXiv:1411.4555. It learns with the right words before it, and writes with its own.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> net = nets.OneToMany(4, words=27, width=16, length=6)
    >>> net(ng.input("x", shape=(5, 4))).shape
    (5, 6, 27)
    """


class Translator(Module):
    """What networks that read words and write words have in common: they learn from (x, t) or (x, lengths, t), and are
    called with (x, t, lengths)."""

    words_in: int
    words: int

    def objective(self, x: Node, *lengths_and_t: Node) -> Node:
        """What it learns to make small: the cross-entropy of the right words t, having read those before. (x, t) or (x,
        lengths, t)."""
        *lengths, t = lengths_and_t
        return sequence_loss(self(x, t, *lengths), t)

    def answer(self, x: Node, *lengths_and_t: Node) -> Node:
        """What it writes by itself, for the metrics of a training: the scores for (x, t) or (x, lengths, t)."""
        *lengths, _t = lengths_and_t
        return self(x, None, *lengths)

    def check_data(self, *arrays: np.ndarray) -> None:
        check_lengths(arrays)
        check_words(arrays[0], self.words_in, "x")
        check_words(arrays[-1], self.words, "t")


class EncoderDecoder(Translator):
    """Encoder–decoder: one recurrent layer reads, another writes: words (N, S) → scores (N, length, words). Sutskever
    et al. 2014, arXiv:1409.3215; Cho et al. 2014, arXiv:1406.1078.

    Without attention all that was read is in the last state. With `attention=True` the reader goes both ways, and
    before every word the writer looks at all that was read (Bahdanau et al. 2014, arXiv:1409.0473). `net(x, t)` writes
    with the right words t before it, `net(x)` with its own; `with_weights=True` gives (scores, alignment (N, T, S))
    with attention. Of x only the first `lengths` (N,) words are read, where these are given; data to learn from are
    then (X, lengths, t).

    >>> import nngraph as ng, numpy as np
    >>> from nngraph import nets
    >>> net = nets.EncoderDecoder(10, 12, width=16, length=7, attention=True)
    >>> scores, alignment = net(ng.input("x", np.zeros((5, 8), int)), with_weights=True)
    >>> scores.shape, alignment.shape
    ((5, 7, 12), (5, 7, 8))
    """

    def __init__(
        self, words_in: int, words: int, width: int, length: int, *, attention: bool = False, cell: Cell = GRU,
        rng: Rng = None, dtype: Any = "float32",
    ) -> None:  # fmt: skip
        check_cell(cell, "EncoderDecoder")
        rng = generator(rng)
        settings: dict[str, Any] = {"rng": rng, "dtype": dtype}
        self.words_in, self.words = words_in, words
        self.embedding = Embedding(words_in, width, **settings)
        self.encoder = (Bidirectional if attention else cell)(width, width, *[cell] * attention, **settings)
        self.decoder = Decoder(
            self.encoder.width,
            words,
            width,
            length,
            cell,
            memory_width=self.encoder.width if attention else None,
            **settings,
        )

    def forward(
        self, x: Node, t: Node | None = None, lengths: Node | None = None, *, with_weights: bool = False
    ) -> Any:
        if len(x.shape) != 2:
            raise ShapeError(
                f"EncoderDecoder {self.label!r} takes word numbers (batch, time); it was given shape {tuple(map(int, x.shape))}"
            )
        h, state = self.encoder(self.embedding(x), with_state=True, lengths=lengths)
        memory = None if self.decoder.attention is None else h
        seen = None if lengths is None or memory is None else padding_mask(lengths, x.shape[1])
        return self.decoder(self.encoder.output(state), t, memory, seen, with_weights=with_weights)
