"""Random numbers on a GPU: Philox4x32-10, the processor's bits; every thread draws from one counter, four numbers."""

from __future__ import annotations

from math import pi
from typing import Any

from ...philox import LOW, MULTIPLIERS, ROUNDS, WEYL
from .arguments import Argument, whole_number
from .elementwise import Elementwise, Twin, array

NAMES = ("y", "y_first", "key", "key_first", "key_by", "step", "step_first", "size", "count")


def _words(call: Any) -> list[Any]:
    target, size, key, _, step, *_ = call.words
    by = Argument("int32", key.strides[0] if key.shape else 1)
    return [*array(target), *array(key), by, *array(step), whole_number(size), whole_number(-(-size // 4))]


def _philox() -> list[str]:
    """Four words of 32 bits, c0 to c3, of the counter (at, draw, step, 0) under the key (seed, path)."""
    lines = [
        f"k0 = uint64(key[key_first]) & uint64({LOW})",
        f"k1 = uint64(key[uint32(key_first + key_by)]) & uint64({LOW})",
        "c0 = uint64(at)",
        f"c1 = uint64(key[uint32(key_first + key_by + key_by)]) & uint64({LOW})",
        f"c2 = uint64(step[step_first]) & uint64({LOW})",
        "c3 = uint64(0)",
    ]
    for turn in range(ROUNDS):
        lines += [
            f"left, right = uint64(uint64({MULTIPLIERS[0]}) * c0), uint64(uint64({MULTIPLIERS[1]}) * c2)",
            f"c0, c1 = (right >> uint64(32)) ^ c1 ^ ((k0 + uint64({turn * WEYL[0]})) & uint64({LOW})), right & uint64({LOW})",
            f"c2, c3 = (left >> uint64(32)) ^ c3 ^ ((k1 + uint64({turn * WEYL[1]})) & uint64({LOW})), left & uint64({LOW})",
        ]
        # The new words 0 and 2 are made from the old 1 and 3.
        old = lines[-2:]
        lines[-2:] = [
            old[0].replace("c0, c1 =", "a0, a1 ="),
            old[1].replace("c2, c3 =", "c2, c3 ="),
            "c0, c1 = a0, a1",
        ]
    return lines


def _put(numbers: list[str]) -> list[str]:
    lines = ["at4 = uint32(at * uint32(4))"]
    for each, number in enumerate(numbers):
        lines += [f"if at4 + uint32({each}) < size:", f"    y[uint32(y_first + at4 + uint32({each}))] = {number}"]
    return lines


def _uniform(call: Any) -> Elementwise:
    if call.code.dtype == "float32":
        numbers = [f"float32(float32(uint32(c{each} >> uint64(8))) * float32({2.0**-24!r}))" for each in range(4)]
    else:
        numbers = [f"float64(float64(uint32(c{each})) * float64({2.0**-32!r}))" for each in range(4)]
    return Elementwise("uniform", NAMES, (*_philox(), *_put(numbers)))


def _normal(call: Any) -> Elementwise:
    """Box and Muller; whole quarter turns are taken off the angle in whole numbers, so that nothing is lost."""
    kind, lines = call.code.dtype, _philox()
    for pair, (radius, angle) in enumerate((("c0", "c1"), ("c2", "c3"))):
        if kind == "float32":
            # Below 1 many more digits count than float32 has: what rounding takes away is added to the logarithm.
            lines += [
                f"high = float32(float32(uint32({radius} >> uint64(8))) * float32({2.0**-24!r}))",
                f"low = float32((float32(uint32({radius} & uint64(255))) + float32(0.5)) * float32({2.0**-32!r}))",
                "total = float32(high + low)",
                "logarithm = float32(float32(log(total)) + float32(low - float32(total - high)))",
            ]
        else:
            lines.append(f"logarithm = float64(log(float64(uint32({radius})) * {2.0**-32!r} + {2.0**-33!r}))")
        lines += [
            f"radius = {kind}(sqrt({kind}(logarithm * {kind}(-2))))",
            f"turns = uint32((({angle} + uint64({2**29})) >> uint64(30)) & uint64(3))",
            f"rest = int32(int64(({angle} + uint64({2**29})) & uint64({2**30 - 1})) - int64({2**29}))",
            f"angle = {kind}({kind}(rest) * {kind}({2 * pi * 2.0**-32!r}) + {kind}({pi * 2.0**-32!r}))",
            f"s, c = {kind}(sin(angle)), {kind}(cos(angle))",
            "s, c = (c, -s) if turns & uint32(1) else (s, c)",
            "s, c = (-s, -c) if turns & uint32(2) else (s, c)",
            f"n{2 * pair}, n{2 * pair + 1} = {kind}(radius * c), {kind}(radius * s)",
        ]
    return Elementwise("normal", NAMES, (*lines, *_put(["n0", "n1", "n2", "n3"])))


UNIFORM, NORMAL = Twin(_uniform, _words), Twin(_normal, _words)
