"""Random numbers: Philox4x32-10 on many counters at once, made into numbers between 0 and 1 or of the bell curve.

Element e is word e % 4 of the counter (e // 4, draw, step, 0) under the key (seed, path), so every stretch of an array
is drawn on its own and every engine draws the same: see philox.py of autograd.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from types import SimpleNamespace
from typing import Any

from llvmlite import ir

from ..philox import LOW, MULTIPLIERS, ROUNDS, WEYL
from . import vector as vec
from .exponential import log
from .kernel import kernel
from .trigonometric import sine_and_cosine
from .vector import FLOAT32, FLOAT64, INT32, INT64, Lanes

TOGETHER = 4
"""Vectors of counters that are worked on at once: the ten rounds of one alone wait for each other, and a number took
1.8 cycles instead of 1.3."""
ROW = 4096
"""Numbers in one row of a call."""
TURN_BYTES = 1024
"""Working memory of a chunk: what one turn of the loop draws, in the widest vectors."""


@kernel()
def uniform(v: SimpleNamespace) -> Any:
    """y[e] = word e · 2⁻³², in float32 its first 24 bits · 2⁻²⁴: the numpy engine's numbers, bit for bit.

    Block: address of y, how many numbers, address of the key (three numbers of 32 bits or more, of which the low 32
    count), how many times 32 bits they lie apart, address of the step (as the key), working memory, rows in a chunk.
    One row of the call is 4096 numbers. A turn of the loop draws from one counter in every 64-bit lane of four vectors.
    """
    return _loop(v, _even)


@kernel()
def normal(v: SimpleNamespace) -> Any:
    """Box and Muller 1958: each pair of words is a radius √(−2 ln u₀) and an angle 2π·u₁, with u = (word + ½)·2⁻³², and
    gives two numbers, radius · cosine and radius · sine.

    Block and rows as for `uniform`. Quarter turns are taken off the angle in whole numbers, so that nothing is lost.
    """
    return _loop(v, _bell)


def _loop(v: SimpleNamespace, numbers: Callable[[Lanes, Lanes, ir.Type], list[Lanes]]) -> Any:
    word, get32, get, put, size = v.word, v.get32, v.get, v.put, v.size
    counters, element = TOGETHER * v.lanes * v.size // 8, vec.ELEMENTS[v.dtype]
    together = 4 * counters

    @v.inline(v.none, v.I, v.I, v.I, v.I, v.I, v.I)
    def draw(builder: Any, target: Lanes, first: Lanes, number: Lanes, step: Lanes, seed: Lanes, path: Lanes) -> None:
        words = _philox(builder, counters, first, number, step, seed, path)
        for at, each in enumerate(numbers(*words, element)):
            vec.store(builder, target.value, at * each.lanes, each)

    def run(block: int, start: int, stop: int) -> None:
        target, count, key, apart = word(block, 0), word(block, 1), word(block, 2), word(block, 3)
        seed, path, number = get32(key, 0), get32(key, apart), get32(key, 2 * apart)
        step = get32(word(block, 4), 0)
        first, last = start * ROW, min(stop * ROW, count)
        whole = last - last % together
        for at in range(first, whole, together):
            draw(target + size * at, at // 4, number, step, seed, path)
        if whole < last:
            spare = word(block, 5) + TURN_BYTES * (start // word(block, 6))
            draw(spare, whole // 4, number, step, seed, path)
            for at in range(last - whole):
                put(target, whole + at, get(spare, at))

    return run


def _philox(builder: Any, counters: int, first: Lanes, *words: Lanes) -> tuple[Lanes, Lanes]:
    """The words 0 and 2 of all counters from `first` on, in turn, and the words 1 and 3.

    `words`: draw, step, seed, path. Every word has a lane of 64 bits, because products need them. The upper half of a
    lane may hold anything: only the lower one is multiplied.
    """
    steps = Lanes(builder, ir.Constant(vec.vector(INT64, counters), list(range(counters))))
    draw, step, seed, path = (each.repeat(counters) for each in words)
    c0, c1, c2, c3 = steps + first, draw, step, steps.number(0)
    for turn in range(ROUNDS):
        left, right = (c0 & LOW) * MULTIPLIERS[0], (c2 & LOW) * MULTIPLIERS[1]
        k0, k1 = seed + turn * WEYL[0], path + turn * WEYL[1]
        c0, c1, c2, c3 = (right >> 32) ^ c1 ^ k0, right, (left >> 32) ^ c3 ^ k1, left
    narrow = vec.vector(INT32, 2 * counters)
    low = [Lanes(builder, builder.bitcast(each.value, narrow)) for each in (c0, c1, c2, c3)]
    order = [at + place for at in range(0, 2 * counters, 2) for place in (0, 2 * counters)]
    return low[0].shuffle(low[2], order), low[1].shuffle(low[3], order)


def _even(one: Lanes, other: Lanes, element: ir.Type) -> list[Lanes]:
    """Numbers from 0 up to 1."""
    if element is FLOAT32:
        return [(each >> 8).cast(FLOAT32) * 2.0**-24 for each in _woven(one, other)]
    return [_fraction(half, 0) for each in _woven(one, other) for half in _halves(each)]


def _bell(one: Lanes, other: Lanes, element: ir.Type) -> list[Lanes]:
    """Numbers of the bell curve."""
    pairs = [(one, other)] if element is FLOAT32 else zip(_halves(one), _halves(other))
    found = []
    for radius_word, angle_word in pairs:
        radius = (_log_of_fraction(radius_word, element) * -2).sqrt()
        # angle_word = turns · 2³⁰ + rest, with the rest from −2²⁹ up to 2²⁹.
        turns, rest = (angle_word + 2**29) >> 30, (angle_word << 2).shift_signed(2)
        if element is FLOAT64:
            turns = turns.cast(INT64)
        angle = rest.cast(element).fma(2 * pi * 2.0**-32, pi * 2.0**-32)
        sine, cosine = sine_and_cosine(angle, turns)
        found += _woven(radius * cosine, radius * sine)
    return found


def _log_of_fraction(word: Lanes, element: ir.Type) -> Lanes:
    """ln((word + ½)·2⁻³²)."""
    if element is FLOAT64:
        return log(_fraction(word, 2.0**-33))
    # Below 1 many more digits count than float32 has: what rounding takes away is added to the logarithm, whose slope
    # is 1 there. Elsewhere it is nothing.
    high, low = (word >> 8).cast(FLOAT32) * 2.0**-24, ((word & 255).cast(FLOAT32) + 0.5) * 2.0**-32
    total = high + low
    return log(total) + (low - (total - high))


def _fraction(word: Lanes, more: float) -> Lanes:
    """word · 2⁻³² + more as float64: the word as the last digits of a number from 2²⁰ on, less 2²⁰."""
    digits = word.cast(INT64, unsigned=True) | (0x413 << 52)
    return digits.bits(FLOAT64) - (2.0**20 - more)


def _woven(one: Lanes, other: Lanes) -> list[Lanes]:
    """Numbers of both in turn, as two vectors."""
    order = [each for at in range(one.lanes) for each in (at, one.lanes + at)]
    return [one.shuffle(other, order[: one.lanes]), one.shuffle(other, order[one.lanes :])]


def _halves(one: Lanes) -> list[Lanes]:
    """Its first and its second half."""
    half = one.lanes // 2
    return [one.shuffle(one, list(range(half))), one.shuffle(one, list(range(half, one.lanes)))]
