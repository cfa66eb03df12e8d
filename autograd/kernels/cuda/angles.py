"""sin, cos and tan of float32 numbers without float64, which a GPU has little of and its library asks for.

x = q·π/2 + r with |r| ≤ π/4, then the processor's polynomials in r² (`trigonometric.py`). Up to 2¹⁵ the quarter turns are taken
off in three parts with one rounding each (Cody & Waite 1980); larger numbers go through whole-number arithmetic with the bits
of 2/π that count for them (Payne & Hanek 1983).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from math import pi
from types import SimpleNamespace
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


def _table() -> list[int]:
    words = [part for word in two_over_pi() for part in (word >> 32, word & 0xFFFFFFFF)]
    return words[1 : 1 + _WORDS]


TABLE = np.array(_table(), np.uint32)
"""2/π in words of 32 bits, one of zeros in front."""


def _parts() -> list[float]:
    """−π/2 as three float32 numbers."""
    digits = 32 * (_WORDS - 1)
    rest = -(1 << 2 * digits) // sum(word << 32 * at for at, word in enumerate(reversed(_table())))
    found = []
    for _ in range(3):
        found.append(float(np.float32(rest / 2**digits)))
        rest -= int(Fraction(found[-1]) * 2**digits)
    return found


Function = Callable[[Any], Any]
float32, int32, uint32, int64, uint64 = np.float32, np.int32, np.uint32, np.int64, np.uint64


def _reduction(d: SimpleNamespace) -> Function:
    """r and q of x; only the last two bits of q count."""
    fma, large, zero = d.fma, _large(d), float32(0)
    limit, quarters, shift = float32(_LIMIT), float32(2 / pi), float32(_SHIFT)
    high, middle, low = map(float32, _parts())

    def reduced(x: Any) -> Any:
        if float32(abs(x)) > limit:
            return large(x)
        q = float32(float32(float32(x * quarters) + shift) - shift)
        if q == zero:
            return x, int32(0)  # −0 stays −0
        r = float32(fma(q, high, x))
        r = float32(fma(q, middle, r))
        return float32(fma(q, low, r)), int32(q)

    return d.compiled(reduced, True)


def _large(d: SimpleNamespace) -> Function:
    """x = M·2^e with a whole number M. Of 2/π·2^e the bits that give multiples of four quarter turns are left out; the next 96
    times M give the quarter turns, and 62 bits of what is left."""
    cuda, bits_of = d.cuda, d.bits_of
    unit, zero = float32(pi / 2 * 2.0**-64), float32(0)

    def large(x: Any) -> Any:
        words = cuda.const.array_like(TABLE)
        bits = uint32(bits_of(x))
        exponent = int32((bits >> uint32(23)) & uint32(255))
        if exponent == 255:
            return float32(x - x), int32(0)
        mantissa = uint64((bits & uint32(0x7FFFFF)) | uint32(0x800000))
        start = uint32(exponent - 150 + 30)
        first, by = uint32(start >> uint32(5)), uint64(start & uint32(31))
        w0, w1 = uint64(words[first]), uint64(words[first + uint32(1)])
        w2, w3 = uint64(words[first + uint32(2)]), uint64(words[first + uint32(3)])
        ones = uint64(0xFFFFFFFF)
        w0 = uint64(uint64(uint64(uint64(w0 << uint64(32)) | w1) << by) >> uint64(32))
        w1 = uint64(uint64(uint64(uint64(w1 << uint64(32)) | w2) << by) >> uint64(32)) & ones
        w2 = uint64(uint64(uint64(uint64(w2 << uint64(32)) | w3) << by) >> uint64(32)) & ones
        turns = uint64(uint64(uint64(mantissa * w0) << uint64(32)) + uint64(mantissa * w1))
        turns = uint64(turns + uint64(uint64(mantissa * w2) >> uint64(32)))
        left = int64(uint64(turns << uint64(2)))
        q = int32(turns >> uint64(62)) + (int32(1) if left < int64(0) else int32(0))
        r = float32(float32(left) * unit)
        return (float32(-r), int32(-q)) if x < zero else (r, int32(q))

    return d.compiled(large, True)


def _curves(d: SimpleNamespace) -> tuple[Function, Function]:
    """sin r and cos r."""
    fma, one, half = d.fma, float32(1), float32(-0.5)
    s0, s1, s2 = map(float32, SINE[FLOAT32])
    c0, c1, c2 = map(float32, COSINE[FLOAT32])

    def sine(r: Any) -> Any:
        square = float32(r * r)
        p = float32(fma(square, float32(fma(square, s0, s1)), s2))
        return float32(r * float32(fma(square, p, one)))

    def cosine(r: Any) -> Any:
        square = float32(r * r)
        p = float32(fma(square, float32(fma(square, c0, c1)), c2))
        return float32(fma(square, float32(fma(square, p, half)), one))

    return d.compiled(sine, False), d.compiled(cosine, False)


@cache
def functions(cuda: Any, simulated: bool) -> dict[str, Function]:
    """`sin_float32` and the others, as what the text of a kernel may call."""
    if simulated:
        d = SimpleNamespace(fma=_fma, bits_of=_bits_of, cuda=_TWIN, compiled=lambda function, pair: function)
    else:
        from numba.cuda import libdevice

        d = SimpleNamespace(fma=libdevice.fmaf, bits_of=libdevice.float_as_int, cuda=cuda, compiled=_compiled)
    reduced, (sine, cosine) = _reduction(d), _curves(d)

    def sin(x: Any) -> Any:
        r, q = reduced(x)
        y = cosine(r) if q & int32(1) else sine(r)
        return float32(-y) if q & int32(2) else y

    def cos(x: Any) -> Any:
        r, q = reduced(x)
        y = sine(r) if q & int32(1) else cosine(r)
        return float32(-y) if (q + int32(1)) & int32(2) else y

    def tan(x: Any) -> Any:
        r, q = reduced(x)
        s, c = sine(r), cosine(r)
        return float32(float32(-c) / s) if q & int32(1) else float32(s / c)

    return {f"{each.__name__}_float32": d.compiled(each, False) for each in (sin, cos, tan)}


def _compiled(function: Function, pair: bool) -> Any:
    """A function of one float32 that is compiled once for every kernel that calls it; a device function would ask for a
    device."""
    from numba.cuda import types
    from numba.cuda.extending import intrinsic

    result = types.Tuple((types.float32, types.int32)) if pair else types.float32

    def call(typing: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return context.compile_internal(builder, function, signature, values)

        return result(types.float32), generate

    return intrinsic(call)


_TWIN = SimpleNamespace(const=SimpleNamespace(array_like=lambda numbers: numbers))


def _fma(a: Any, b: Any, c: Any) -> Any:
    return np.float32(np.float64(a) * np.float64(b) + np.float64(c))


def _bits_of(x: Any) -> Any:
    return np.float32(x).view(np.uint32)
