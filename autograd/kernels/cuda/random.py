"""Random numbers on a GPU: Philox4x32-10, the processor's bits. Number e of a draw is made from word e % 4 of the counter
(e // 4, draw, step, 0), so whoever needs a number makes it from its place: a kernel of its own, or a nest that reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial, pi
from typing import Any

from ...philox import LOW
from .arguments import Argument, first_of, of_view, whole_number
from .elementwise import Elementwise, Twin

KINDS = ("uniform", "normal")
"""Kernels whose numbers a nest can make itself."""

STATE = ("key", "key_first", "key_by", "step", "step_first")
"""Arguments that say which numbers are drawn."""
_WORDS = ("seed", "path", "draw", "turn")


def state(key: Any, step: Any) -> list[Argument]:
    """The arguments STATE for a key of three whole numbers and a step."""
    by = Argument("int32", key.strides[0] if key.shape else 1)
    return [of_view(key), first_of(key), by, of_view(step), first_of(step)]


def opening(name: str) -> list[str]:
    """What is done once, before numbers of the draw `name` are made."""
    key = [f"{name}_key[uint32({' + '.join([f'{name}_key_first'] + [f'{name}_key_by'] * each)})]" for each in range(3)]
    words = zip(_WORDS, (*key, f"{name}_step[{name}_step_first]"))
    return [f"{name}_{word} = uint32(uint64({number}) & uint64({LOW}))" for word, number in words]


def one(kind: str, dtype: str, name: str, place: str, target: str) -> list[str]:
    """`target` = number `place` of a draw."""
    w = [f"{name}_w{each}" for each in range(4)]
    lines = [
        f"{name}_at = {place}",
        _philox(name, f"uint32({name}_at >> uint32(2))"),
        f"{name}_lane = uint32({name}_at & uint32(3))",
    ]
    upper, odd = f"{name}_lane > uint32(1)", f"{name}_lane & uint32(1)"
    if kind == "uniform":
        pairs = [f"({w[2 + each]} if {upper} else {w[each]})" for each in range(2)]
        return [
            *lines,
            f"{name}_word = {pairs[1]} if {odd} else {pairs[0]}",
            f"{target} = {_even(dtype, f'{name}_word')}",
        ]
    lines += [f"{name}_u = {w[2]} if {upper} else {w[0]}", f"{name}_a = {w[3]} if {upper} else {w[1]}"]
    lines += _bell(dtype, name, f"{name}_u", f"{name}_a", f"{name}_n0", f"{name}_n1")
    return [*lines, f"{target} = {name}_n1 if {odd} else {name}_n0"]


def four(kind: str, dtype: str, name: str, place: str, targets: Sequence[str]) -> list[str]:
    """Four targets = the numbers of a draw from `place` on, which is a multiple of four."""
    lines = [_philox(name, f"uint32({place} >> uint32(2))")]
    w = [f"{name}_w{each}" for each in range(4)]
    if kind == "uniform":
        return [*lines, *(f"{target} = {_even(dtype, word)}" for target, word in zip(targets, w))]
    return lines + _bell(dtype, name, *w[:2], *targets[:2]) + _bell(dtype, name, *w[2:], *targets[2:])


def _philox(name: str, counter: str) -> str:
    w = ", ".join(f"{name}_w{each}" for each in range(4))
    return f"{w} = philox({counter}, {name}_draw, {name}_turn, {name}_seed, {name}_path)"


def _even(dtype: str, word: str) -> str:
    """A word as a number from 0 up to 1."""
    if dtype == "float32":
        return f"float32(float32(uint32({word} >> uint32(8))) * float32({2.0**-24!r}))"
    return f"float64(float64({word}) * float64({2.0**-32!r}))"


def _bell(dtype: str, name: str, radius: str, angle: str, first: str, second: str) -> list[str]:
    """Box and Muller; whole quarter turns are taken off the angle in whole numbers, so that nothing is lost."""
    high, low, total, log_, far, x, z, s, c, turns = (
        f"{name}_{each}" for each in ("high", "low", "total", "log", "far", "x", "z", "s", "c", "turns")
    )
    if dtype == "float32":
        # Below 1 many more digits count than float32 has: what rounding takes away is added to the logarithm.
        lines = [
            f"{high} = float32(float32(uint32({radius} >> uint32(8))) * float32({2.0**-24!r}))",
            f"{low} = float32((float32(uint32({radius} & uint32(255))) + float32(0.5)) * float32({2.0**-32!r}))",
            f"{total} = float32({high} + {low})",
            f"{log_} = float32(float32(log({total})) + float32({low} - float32({total} - {high})))",
        ]
    else:
        lines = [f"{log_} = float64(log(float64({radius}) * {2.0**-32!r} + {2.0**-33!r}))"]
    return [
        *lines,
        f"{far} = {dtype}(sqrt({dtype}({log_} * {dtype}(-2))))",
        f"{turns} = uint32(uint64(uint64({angle}) + uint64({2**29})) >> uint64(30)) & uint32(3)",
        f"{x} = int32(int64(uint64(uint64({angle}) + uint64({2**29})) & uint64({2**30 - 1})) - int64({2**29}))",
        f"{x}_ = {dtype}({dtype}({x}) * {dtype}({2 * pi * 2.0**-32!r}) + {dtype}({pi * 2.0**-32!r}))",
        *_sine_and_cosine(dtype, f"{x}_", z, s, c),
        f"{high}_ = {c} if {turns} & uint32(1) else {s}",
        f"{low}_ = {dtype}(-{s}) if {turns} & uint32(1) else {c}",
        f"{first} = {dtype}({far} * ({dtype}(-{low}_) if {turns} & uint32(2) else {low}_))",
        f"{second} = {dtype}({far} * ({dtype}(-{high}_) if {turns} & uint32(2) else {high}_))",
    ]


def _sine_and_cosine(dtype: str, x: str, z: str, s: str, c: str) -> list[str]:
    """Of x between −π/4 and π/4. The library's functions would look after angles that are never met, which takes memory
    and, for float32, float64."""

    def series(first: int) -> str:
        terms = [(-1) ** at / factorial(first + 2 * at) for at in range(5 if dtype == "float32" else 9)]
        text = f"{dtype}({terms.pop()!r})"
        for term in reversed(terms):
            text = f"{dtype}({text} * {z} + {dtype}({term!r}))"
        return text

    return [f"{z} = {dtype}({x} * {x})", f"{s} = {dtype}({x} * {series(1)})", f"{c} = {series(0)}"]


# Kernels of their own ----------------------------------------------------------------------------------------------------
def _words(call: Any) -> list[Any]:
    target, size, key, _, step, *_ = call.words
    size, groups = whole_number(size), whole_number(-(-size // 4))
    return [of_view(target), first_of(target), *state(key, step), size, groups]


def _drawn(kind: str) -> Any:
    def code(call: Any) -> Elementwise:
        numbers = [f"n{each}" for each in range(4)]
        lines = [*opening("x"), "at4 = uint32(at * uint32(4))", *four(kind, call.code.dtype, "x", "at4", numbers)]
        for each, number in enumerate(numbers):
            lines += [f"if at4 + uint32({each}) < size:", f"    y[uint32(y_first + at4 + uint32({each}))] = {number}"]
        return Elementwise(kind, ("y", "y_first", *(f"x_{each}" for each in STATE), "size", "count"), tuple(lines))

    return code


UNIFORM, NORMAL = (Twin(_drawn(kind), _words) for kind in KINDS)
