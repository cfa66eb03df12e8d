"""Sequences: a wave to go on with, sums to remember, signals to repeat, symbols to turn round, a text to spell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...autograd.errors import ParameterError
from ..rows import DataError, whole
from .dataset import Dataset


def sine(rows: int = 200, length: int = 30, noise: float = 0.0, seed: int = 0) -> Dataset:
    """Waves of random phase with 10 to 30 steps to a period, X (rows, length, 1), and each one step later, t of the
    same shape."""
    _sizes(rows=rows, length=length)
    rng = np.random.default_rng(whole(seed, "seed", 0))
    phase, period = rng.uniform(0, 2 * np.pi, (rows, 1)), rng.uniform(10, 30, (rows, 1))
    wave = np.sin(phase + 2 * np.pi * np.arange(length + 1) / period) + rng.normal(0, noise, (rows, length + 1))
    return Dataset("sine", wave[:, :-1, None], wave[:, 1:, None], ("value",), (), "generated")


def adding_problem(rows: int = 1000, length: int = 50, seed: int = 0) -> Dataset:
    """Numbers from [0, 1) and marks, X (rows, length, 2); one number in each half is marked 1, and t (rows, 1) is the
    sum of the two. Always saying 1 has the squared error 1/6. Hochreiter and Schmidhuber 1997, Long Short-Term Memory.

    >>> from nngraph.nets import data
    >>> one = data.adding_problem(1, 10)
    >>> bool(one.X[0, :, 0] @ one.X[0, :, 1] == one.t[0, 0]), one.X[0, :, 1].sum()
    (True, np.float64(2.0))
    """
    _sizes(rows=rows, length=length)
    if length < 2:
        raise ParameterError(f"adding_problem(length={length}): two numbers are marked, so at least 2 are needed")
    rng = np.random.default_rng(whole(seed, "seed", 0))
    numbers, marks, every = rng.uniform(size=(rows, length)), np.zeros((rows, length)), np.arange(rows)
    first, second = rng.integers(0, length // 2, rows), rng.integers(length // 2, length, rows)
    marks[every, first] = marks[every, second] = 1
    t = numbers[every, first] + numbers[every, second]
    source = "generated, after Hochreiter and Schmidhuber 1997"
    return Dataset("adding_problem", np.stack([numbers, marks], 2), t[:, None], ("number", "mark"), (), source)


def echo(rows: int = 1000, length: int = 20, delay: int = 3, seed: int = 0) -> Dataset:
    """Random bits, X (rows, length, 1), and the same `delay` steps later, t (rows, length); before that t is 0."""
    _sizes(rows=rows, length=length)
    if not 0 <= delay < length:
        raise ParameterError(f"echo(length={length}, delay={delay}): the delay is at least 0 and less than the length")
    bits = np.random.default_rng(whole(seed, "seed", 0)).integers(0, 2, (rows, length))
    t = np.concatenate([np.zeros((rows, delay), np.int64), bits[:, : length - delay]], 1)
    return Dataset("echo", bits[:, :, None].astype(np.float64), t, ("bit",), (), "generated")


def reversal(rows: int = 1000, length: int = 10, symbols: int = 10, seed: int = 0) -> Dataset:
    """Random symbols as whole numbers below `symbols`, X (rows, length), and the same from back to front, t of that
    shape."""
    _sizes(rows=rows, length=length, symbols=symbols)
    X = np.random.default_rng(whole(seed, "seed", 0)).integers(0, symbols, (rows, length))
    return Dataset("reversal", X, np.ascontiguousarray(X[:, ::-1]), (), (), "generated")


def padded(sequences: Sequence[Sequence[float]], fill: float = 0) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of different lengths as one table (rows, longest, …), `fill` put behind the shorter ones, and their
    lengths (rows,). Recurrent layers and Transformers take both: `net(X, lengths)`.

    >>> from nngraph.nets import data
    >>> X, lengths = data.padded([[3, 1], [4, 1, 5]])
    >>> X.tolist(), lengths.tolist()
    ([[3, 1, 0], [4, 1, 5]], [2, 3])
    """
    rows = [np.asarray(each) for each in sequences]
    if not rows:
        raise DataError("there are no sequences to put into a table")
    for at, row in enumerate(rows):
        if row.ndim < 1 or not len(row) or row.shape[1:] != rows[0].shape[1:]:
            raise DataError(
                f"sequence {at} has shape {row.shape}; each holds at least one time, and the same numbers at every time"
            )
    lengths = np.array([len(row) for row in rows])
    X = np.full((len(rows), lengths.max(), *rows[0].shape[1:]), fill, np.result_type(*rows))
    for at, row in enumerate(rows):
        X[at, : len(row)] = row
    return X, lengths


def _sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        whole(size, name)


JABBERWOCKY = """\
’Twas brillig, and the slithy toves
Did gyre and gimble in the wabe:
All mimsy were the borogoves,
And the mome raths outgrabe.

“Beware the Jabberwock, my son!
The jaws that bite, the claws that catch!
Beware the Jubjub bird, and shun
The frumious Bandersnatch!”
"""
"""Lewis Carroll, Through the Looking-Glass, 1871."""

QUIET_NIGHT = """\
床前明月光，
疑是地上霜。
舉頭望明月，
低頭思故鄉。
"""
"""Li Bai, 8th century."""


@dataclass(frozen=True, eq=False)
class Text:
    """A text as numbers: the place of each character in the vocabulary, which is all its characters in order.

    >>> from nngraph.nets import data
    >>> text = data.Text("abba")
    >>> text.vocabulary, text.codes.tolist(), text.decode([1, 0])
    (('a', 'b'), [0, 1, 1, 0], 'ba')
    """

    text: str = JABBERWOCKY

    def __post_init__(self) -> None:
        if not self.text:
            raise DataError("the text is empty; there is nothing to learn from")

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """All characters of the text, each once."""
        return tuple(sorted(set(self.text)))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {character: at for at, character in enumerate(self.vocabulary)}

    @property
    def codes(self) -> np.ndarray:
        """The text as whole numbers (characters,)."""
        return self.encode(self.text)

    def encode(self, text: str) -> np.ndarray:
        """Another text in the same numbers; DataError naming the first character that is in none of them."""
        for at, character in enumerate(text):
            if character not in self._places:
                raise DataError(f"character {at}, {character!r}, is not in the vocabulary {''.join(self.vocabulary)!r}")
        return np.array([self._places[character] for character in text], np.int64)

    def decode(self, codes: np.ndarray | list[int]) -> str:
        """The characters that the numbers stand for."""
        vocabulary = self.vocabulary
        return "".join(vocabulary[int(code)] for code in np.asarray(codes).ravel())

    def windows(self, length: int = 20) -> Dataset:
        """Every piece of this length, X (pieces, length), and the same one character later, t of that shape."""
        codes = self.codes
        if not 1 <= length < len(codes):
            raise ParameterError(
                f"windows({length}): the text has {len(codes)} characters, so 1 to {len(codes) - 1} fit"
            )
        pieces = np.lib.stride_tricks.sliding_window_view(codes, length + 1).copy()
        return Dataset("text", pieces[:, :-1], pieces[:, 1:], (), self.vocabulary, "")
