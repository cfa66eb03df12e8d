"""sin, cos and tan of float32 numbers without float64, which a GPU has little of and its library asks for.

x = q·π/2 + r with |r| ≤ π/4, then the processor's polynomials in r² (`trigonometric.py`). Up to 2¹⁵ the quarter turns are taken
off in three parts with one rounding each (Cody & Waite 1980); larger numbers go through whole-number arithmetic with the bits
of 2/π that count for them (Payne & Hanek 1983).
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import pi
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np

from ..trigonometric import COSINE, SINE, two_over_pi
from ..vector import FLOAT32

ANGLES = ("sin", "cos", "tan")
_LIMIT = 2.0**15
_SHIFT = 1.5 * 2**23
"""Added to a number below 2²² and taken off again it leaves the nearest whole number."""
_WORDS = 9
"""Words of 32 bits that the largest float32 asks for, one of zeros in front."""


def _parts() -> list[float]:
    """−π/2 as three float32 numbers."""
    digits = 32 * (_WORDS - 1)
    rest = -(1 << 2 * digits) // sum(word << 32 * at for at, word in enumerate(reversed(_table())))
    found = []
    for _ in range(3):
        found.append(float(np.float32(rest / 2**digits)))
        rest -= int(Fraction(found[-1]) * 2**digits)
    return found


@cache
def _table() -> tuple[int, ...]:
    """2/π in words of 32 bits, one of zeros in front."""
    words = [part for word in two_over_pi() for part in (word >> 32, word & 0xFFFFFFFF)]
    return tuple(words[1 : 1 + _WORDS])


def _reduced(x: Any) -> Any:
    """r and q; only the last two bits of q count."""
    size = float32(abs(x))
    if size > limit:
        return _large(x)
    q = float32(float32(float32(x * two_over) + shift) - shift)
    if q == zero:
        return x, int32(0)  # −0 stays −0
    r = float32(fma(q, part0, x))
    r = float32(fma(q, part1, r))
    return float32(fma(q, part2, r)), int32(q)


def _large(x: Any) -> Any:
    """x = M·2^e with a whole number M. Of 2/π·2^e the bits that give multiples of four quarter turns are left out; the next 96
    times M give the quarter turns, and 62 bits of what is left."""
    words = cuda.const.array_like(table)
    bits = uint32(bits_of(x))
    exponent = int32((bits >> uint32(23)) & uint32(255))
    if exponent == 255:
        return float32(x - x), int32(0)
    mantissa = uint64((bits & uint32(0x7FFFFF)) | uint32(0x800000))
    start = uint32(exponent - 150 + 30)
    first, by = uint32(start >> uint32(5)), uint64(start & uint32(31))
    w0, w1 = uint64(words[first]), uint64(words[first + uint32(1)])
    w2, w3 = uint64(words[first + uint32(2)]), uint64(words[first + uint32(3)])
    low = uint64(0xFFFFFFFF)
    w0 = uint64(uint64(uint64(uint64(w0 << uint64(32)) | w1) << by) >> uint64(32))
    w1 = uint64(uint64(uint64(uint64(w1 << uint64(32)) | w2) << by) >> uint64(32)) & low
    w2 = uint64(uint64(uint64(uint64(w2 << uint64(32)) | w3) << by) >> uint64(32)) & low
    turns = uint64(uint64(uint64(mantissa * w0) << uint64(32)) + uint64(mantissa * w1))
    turns = uint64(turns + uint64(uint64(mantissa * w2) >> uint64(32)))
    left = int64(uint64(turns << uint64(2)))
    q = int32(turns >> uint64(62)) + (int32(1) if left < int64(0) else int32(0))
    r = float32(float32(left) * unit)
    return (float32(-r), int32(-q)) if x < zero else (r, int32(q))


def _sine(r: Any) -> Any:
    square = float32(r * r)
    p = float32(fma(square, sine0, sine1))
    p = float32(fma(square, p, sine2))
    return float32(r * float32(fma(square, p, one)))


def _cosine(r: Any) -> Any:
    square = float32(r * r)
    p = float32(fma(square, cosine0, cosine1))
    p = float32(fma(square, p, cosine2))
    p = float32(fma(square, p, minus_half))
    return float32(fma(square, p, one))


def _sin(x: Any) -> Any:
    r, q = _reduced(x)
    y = _cosine(r) if q & int32(1) else _sine(r)
    return float32(-y) if q & int32(2) else y


def _cos(x: Any) -> Any:
    r, q = _reduced(x)
    y = _sine(r) if q & int32(1) else _cosine(r)
    return float32(-y) if (q + int32(1)) & int32(2) else y


def _tan(x: Any) -> Any:
    r, q = _reduced(x)
    s, c = _sine(r), _cosine(r)
    return float32(float32(-c) / s) if q & int32(1) else float32(s / c)


@cache
def functions(cuda: Any, simulated: bool) -> dict[str, Any]:
    """`sin_float32` and the others, as what the text of a kernel may call."""
    known: dict[str, Any] = {kind.__name__: kind for kind in (np.float32, np.int32, np.uint32, np.int64, np.uint64)}
    numbers = {
        "limit": _LIMIT, "two_over": 2 / pi, "shift": _SHIFT, "unit": pi / 2 * 2.0**-64, "zero": 0.0, "one": 1.0,
        "minus_half": -0.5, **{f"part{at}": part for at, part in enumerate(_parts())},
        **{f"sine{at}": number for at, number in enumerate(SINE[FLOAT32])},
        **{f"cosine{at}": number for at, number in enumerate(COSINE[FLOAT32])},
    }  # fmt: skip
    known |= {name: np.float32(number) for name, number in numbers.items()}
    known |= {"table": np.array(_table(), np.uint32), "abs": abs}
    if simulated:
        known |= {"fma": _fma, "bits_of": _bits_of, "cuda": _TWIN}
    else:
        from numba.cuda import libdevice

        known |= {"fma": libdevice.fmaf, "bits_of": libdevice.float_as_int, "cuda": cuda}
    for each in (_large, _reduced, _sine, _cosine, _sin, _cos, _tan):
        # Its globals are these names and the functions before it.
        made = FunctionType(each.__code__, known, each.__name__)
        known[each.__name__] = made if simulated else _compiled(made)
    return {f"{name}_float32": known[f"_{name}"] for name in ANGLES}


def _compiled(function: FunctionType) -> Any:
    """A function of one float32 that is compiled once for every kernel that calls it; a device function would ask for a
    device."""
    from numba.cuda import types
    from numba.cuda.extending import intrinsic

    single, pair = types.float32, types.Tuple((types.float32, types.int32))
    result = pair if function.__name__ in ("_reduced", "_large") else single

    def call(typing: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return context.compile_internal(builder, function, signature, values)

        return result(single), generate

    return intrinsic(call)


_TWIN = SimpleNamespace(const=SimpleNamespace(array_like=lambda numbers: numbers))


def _fma(a: Any, b: Any, c: Any) -> Any:
    return np.float32(np.float64(a) * np.float64(b) + np.float64(c))


def _bits_of(x: Any) -> Any:
    return np.float32(x).view(np.uint32)
