"""Folds inside a nest of loops: sums that stay exact, products, extrema that let NaN through; and numbers changing
type."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from llvmlite import ir

from .loops import identity
from .vector import BIT, ELEMENTS, FLOAT32, FLOAT64, Lanes, literal, vector


def register(dtype: str) -> ir.Type:
    """The type of a number in a register: truth values are bits there."""
    return BIT if dtype == "bool" else ELEMENTS[dtype]


def convert(numbers: Lanes, source: str, target: str) -> Lanes:
    """Numbers of one dtype as another, as numpy converts them."""
    if source == target:
        return numbers
    return numbers.cast(register(target), unsigned=(target if source.startswith("float") else source).startswith("u"))


def joined(word: str, dtype: str, left: Lanes, right: Lanes) -> Lanes:
    """Two numbers, or vectors of them, folded into one."""
    if dtype == "bool":
        return left | right if word in ("+", "max") else left & right
    if word in "+*":
        return left + right if word == "+" else left * right
    if dtype.startswith("u"):
        # Vectors compare with a sign; with the highest bit turned over that gives the order without one.
        high = 1 << 8 * np.dtype(dtype).itemsize - 1
        return joined(word, dtype[1:], left ^ high, right ^ high) ^ high
    return left.maximum(right) if word == "max" else left.minimum(right)


class Accumulator:
    """One fold on its way. The total of a sum of float32 is held in float64, that of a sum of float64 in two numbers,
    so that ten million numbers are summed as exactly as by halves. In the loop that is done in lanes, a strip of turns
    is first summed in the fold's own dtype, by several vectors at once. `across`: the lanes are folded too, in the end.
    """

    def __init__(
        self, builder: ir.IRBuilder, variable: Callable[[ir.Type], ir.Value], word: str, dtype: str, lanes: int,
        across: bool, in_strips: bool,
    ) -> None:  # fmt: skip
        self.builder, self.variable = builder, variable
        self.word, self.dtype, self.lanes, self.across, self.in_strips = word, dtype, lanes, across, in_strips
        self.kind = vector(register(dtype), lanes)
        self.exact = word == "+" and dtype in ("float32", "float64")
        self.needs_strips = self.exact and in_strips
        total = FLOAT64 if self.exact else register(dtype)
        self.identity = literal(self.kind, identity(word, dtype))
        self.total = variable(vector(total, lanes))
        builder.store(literal(vector(total, lanes), identity(word, dtype)), self.total)
        self.rest = None
        if self.exact and dtype == "float64":
            self.rest = variable(self.kind)
            builder.store(literal(self.kind, 0), self.rest)
        self.sums: list[ir.Value] = []

    # In a strip of the innermost loop
    # ------------------------------------------------------------------------------------
    def begin(self, abreast: int) -> None:
        """Before a strip in which turns of `abreast` vectors come first."""
        self.sums = [self.variable(self.kind) for _ in range(abreast)]
        self.builder.store(self.identity, self.sums[0])

    def begin_others(self) -> None:
        """Before turns of several vectors."""
        for each in self.sums[1:]:
            self.builder.store(self.identity, each)

    def join_others(self) -> None:
        """After turns of several vectors."""
        left = [self._of(each) for each in self.sums]
        while len(left) > 1:
            left = [joined(self.word, self.dtype, *left[at : at + 2]) for at in range(0, len(left), 2)]
        self.builder.store(left[0].value, self.sums[0])

    def add(self, numbers: Lanes, slot: int, mask: Lanes | None) -> None:
        """Join numbers; where lanes are folded, those that the mask does not set are left out."""
        if not self.in_strips:
            if mask is not None and self.across:
                numbers = mask.select(numbers, Lanes(self.builder, self.identity))
            self._add_to_total(numbers)
            return
        before = self._of(self.sums[slot])
        after = joined(self.word, self.dtype, before, numbers)
        self.builder.store((mask.select(after, before) if mask is not None else after).value, self.sums[slot])

    def flush(self) -> None:
        """After a strip."""
        self._add_to_total(self._of(self.sums[0]))

    # The total
    # ---------------------------------------------------------------------------------------------------------
    def _of(self, variable: ir.Value) -> Lanes:
        return Lanes(self.builder, self.builder.load(variable))

    def _add_to_total(self, numbers: Lanes) -> None:
        before = self._of(self.total)
        if not self.exact:
            after = joined(self.word, self.dtype, before, numbers)
        elif self.rest is None:
            after = before + numbers.cast(FLOAT64)
        else:
            # What rounding takes from the sum is itself a number, and is summed beside it.
            after = before + numbers
            added = after - before
            lost = (before - (after - added)) + (numbers - added)
            self.builder.store((self._of(self.rest) + lost).value, self.rest)
        self.builder.store(after.value, self.total)

    def finished(self) -> Lanes:
        """The folded number, or a vector of them."""
        total = self._of(self.total)
        rest = None if self.rest is None else self._of(self.rest)
        if self.across:
            total = total.folded(lambda left, right: joined(self.word, self.dtype, left, right))
            rest = None if rest is None else rest.folded(lambda left, right: left + right)
        if rest is not None:
            exact = total + rest
            # Beyond the largest number what was lost means nothing.
            total = (total.abs() < float("inf")).select(exact, total)
        return total.cast(FLOAT32) if self.dtype == "float32" and self.exact else total
