"""Loops: what a fused loop computes, as data. `loop_code.py` turns it into machine code, a plan fills in the addresses.

A nest of loops d0, d1, … runs over rows of numbers; the innermost loop is done in vectors. In it, values are read,
words of the vocabulary applied, results folded (summed, largest of …) and written. A value belongs to the loops it
varies over: a bias varies over the columns only, the largest score of a row over the rows only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..vocabulary import COMPARISONS

STILL, NEXT, FAR = "0", "1", "n"
"""How far a buffer moves with one step of a loop: not at all, to the next number, or by a stride given in the block."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """A buffer as the loops see it: dtype of its numbers, and STILL, NEXT or FAR for each loop, outermost first."""

    dtype: str
    moves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A constant that stands in an op's scalar text."""

    value: float | int | bool


@dataclass(frozen=True, slots=True)
class Apply:
    """One word applied to values (their positions) or numbers; `dtype` is that of the result.

    Operands are converted to the dtype the word computes in, as numpy promotes them; `cast` is the word that only
    converts. The result varies over the loops that its operands vary over, and over those in `over`, along which it
    repeats.
    """

    word: str
    operands: tuple[int | Number, ...]
    dtype: str
    over: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Fold:
    """A value folded over some loops by a word: "+", "*", "max" or "min"; NaN spreads as in numpy.

    Folds over the innermost loops give a value that later steps may use. A fold over an outer loop that keeps an inner
    one is only written, never used inside.
    """

    word: str
    operand: int
    over: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Write:
    """A value put into a buffer, which moves with exactly the loops that the value varies over."""

    value: int
    buffer: Buffer


@dataclass(frozen=True, slots=True)
class Fit:
    """How a nest is computed, chosen for the sizes it is run with (see loop_fit.py); results are the same but for
    rounding.

    `abreast`: the loop whose turns are done side by side, in the lanes of vectors; −1 is the innermost. Where the
    innermost is short and folded, as over the classes of a softmax, the loop around it serves better. `vectors`: how
    many of them one turn of that loop does; 0 leaves it to what they cost. `stream`: writes go past the caches, for
    results that are larger.
    """

    abreast: int = -1
    vectors: int = 0
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Loops:
    """A nest of `depth` loops. Values are numbered: first what is read, then one per step.

    >>> row = Buffer("float32", (NEXT,))
    >>> relu = Loops(1, (row,), (Apply("max", (0, Number(0)), "float32"),), (Write(1, row),))
    >>> relu.varies(1)
    (0,)
    """

    depth: int
    reads: tuple[Buffer, ...]
    steps: tuple[Apply | Fold, ...]
    writes: tuple[Write, ...]
    fit: Fit = Fit()

    def varies(self, value: int) -> tuple[int, ...]:
        """The loops a value varies over."""
        return self.levels()[value]

    def levels(self) -> list[tuple[int, ...]]:
        """For every value, the loops it varies over."""
        found: list[tuple[int, ...]] = [
            tuple(loop for loop, move in enumerate(buffer.moves) if move != STILL) for buffer in self.reads
        ]
        for step in self.steps:
            if isinstance(step, Fold):
                found.append(tuple(loop for loop in found[step.operand] if loop not in step.over))
            else:
                parts = [found[operand] for operand in step.operands if not isinstance(operand, Number)]
                found.append(tuple(sorted(set(step.over).union(*parts))))
        return found

    def dtype(self, value: int) -> str:
        """The dtype of a value."""
        reads = len(self.reads)
        return self.reads[value].dtype if value < reads else self.steps[value - reads].dtype


def identity(word: str, dtype: str) -> float | int | bool:
    """What a fold starts from."""
    if word in "+*":
        return word == "*" if dtype == "bool" else int(word == "*")
    if dtype == "bool":
        return word == "min"
    if dtype.startswith("float"):
        return -np.inf if word == "max" else np.inf
    limits = np.iinfo(dtype)
    return int(limits.min if word == "max" else limits.max)


def computed_in(value: Apply, dtypes: list[str | None]) -> list[str]:
    """The dtypes in which a word takes its operands, whose own dtypes are given; None for a number."""
    if value.word == "where":
        return ["bool", value.dtype, value.dtype]
    if value.word in COMPARISONS:
        common = np.result_type(*[each for each in dtypes if each is not None]).name
        return [common] * len(dtypes)
    if value.word == "cast":
        return [dtypes[0] or value.dtype]
    return [value.dtype] * len(dtypes)
