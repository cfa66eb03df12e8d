"""x ** y over `Lanes`: known small exponents by products, whole numbers by squaring, all else as e^(y·ln x).

In float32 the logarithm is taken in float64; in float64 it has two parts (66 digits), for an error of ln x grows by the
factor y·ln x, up to 709, in the power. Largest error sampled: 0.5 and 1.3 units in the last place.
"""

from __future__ import annotations

from math import inf, nan
from typing import Any

from llvmlite import ir

from . import exponential
from .exponential import FORMS, polynomial, split
from .vector import FLOAT32, FLOAT64, Lanes

# (ln((1+s)/(1−s)) − 2s − ⅔s³)/s⁵ in powers of s², |s| ≤ 0.1717; error of the logarithm at most 2.3e-20 of it
_LOG = (
    0.13198652779234124, 0.13256572025093388, 0.15386767679723456, 0.18181784146907823, 0.22222222522389679,
    0.28571428570086027, 0.40000000000002284,
)  # fmt: skip
_TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)
_LARGEST = 8
"""Exponents known to be whole and at most this large are products; beyond, their roundings would add up to over 4
units."""


def power(x: Lanes, y: Lanes) -> Lanes:
    """x to the power y, both of one type; 0, infinity and NaN as numpy's power has them."""
    known = _known(y)
    if not x.is_float:
        return _whole_power(x, y) if known is None else _product(x, int(known))
    if known is not None:
        if known == 0.5:
            return x.sqrt()
        if known == -0.5:
            return x.equals(-inf).select(0, 1 / (x + 0).sqrt())
        if known == int(known) and abs(known) <= _LARGEST:
            product = _product(x, abs(int(known)))
            return product if known >= 0 else 1 / product
    # Squares are exact products also where nobody knew the exponent beforehand.
    build, square = x.builder, x * x
    before = build.block
    with build.if_then(y.differs(2).any()):
        slow = y.equals(2).select(square, _with_sign(x, y, _size(x.abs(), y)))
        after = build.block
    value = build.phi(x.kind)
    value.add_incoming(square.value, before)
    value.add_incoming(slow.value, after)
    return Lanes(build, value)


def _known(y: Lanes) -> float | None:
    """The exponent, when it is a constant and the same in every lane."""
    value: Any = y.value
    if not isinstance(value, ir.Constant):
        return None
    first, *others = [each.constant for each in value.constant] if y.lanes > 1 else [value.constant]
    return first if abs(first) < inf and all(each == first for each in others) else None


def _product(x: Lanes, times: int) -> Lanes:
    """x multiplied with itself, by squaring."""
    if times < 1:
        return x.number(1)
    if times % 2:
        return x if times == 1 else _product(x, times - 1) * x
    half = _product(x, times // 2)
    return half * half


def _whole_power(x: Lanes, y: Lanes) -> Lanes:
    """x to powers that are whole and not negative, of whole numbers."""
    build, start = x.builder, x.builder.block
    loop, done = build.append_basic_block("squaring"), build.append_basic_block("squared")
    build.branch(loop)
    build.position_at_end(loop)
    phis = [build.phi(x.kind) for _ in range(3)]
    total, square, left = (Lanes(build, each) for each in phis)
    later = ((left & 1).differs(0).select(total * square, total), square * square, left >> 1)
    for phi, first, each in zip(phis, (x.number(1), x, y), later, strict=True):
        phi.add_incoming(first.value, start)
        phi.add_incoming(each.value, loop)
    build.cbranch(later[2].differs(0).any(), loop, done)
    build.position_at_end(done)
    return later[0]


def _size(size: Lanes, y: Lanes) -> Lanes:
    """|x| to the power y."""
    if size.element is FLOAT32:
        logarithm = exponential.log(size.cast(FLOAT64))
        return exponential.exp(y.cast(FLOAT64) * logarithm).cast(FLOAT32)
    high, low = _logarithm(size)
    exponent, rest = y.product(high)
    return exponential.exp(exponent, (exponent.abs() < 1000).select(y.fma(low, rest), 0))


def _logarithm(x: Lanes) -> tuple[Lanes, Lanes]:
    """ln x of a float64 as a sum of two: 2s + ⅔s³ + … with s = f/(2 + f), and n·ln 2."""
    form = FORMS[x.element]
    f, n = split(x)
    whole = f + 2
    s = f / whole
    top, lost = s.product(whole)
    s_low = ((f - top) - lost - s * (f - (whole - 2))) / whole
    square, square_low = s.product(s)
    cube, cube_low = square.product(s)
    cube_low = cube_low + square_low * s + 3 * (square * s_low)
    third, third_low = cube.product(_TWO_THIRDS[0])
    third_low = third_low + cube * _TWO_THIRDS[1] + cube_low * _TWO_THIRDS[0]
    low = cube * square * polynomial(square, _LOG) + third_low + 2 * s_low + n * form.ln2[1]
    high = n * form.ln2[0]
    for part in (2 * s, third):  # each is smaller than what it is added to, or that is 0: what rounding takes is known
        total = high + part
        high, low = total, low + (part - (total - high))
    total = high + low
    high, low = total, low - (total - high)
    ends = (x < inf) & (x > 0)
    return ends.select(high, x.equals(0).select(x.number(-inf), x)), ends.select(low, 0)


def _with_sign(x: Lanes, y: Lanes, size: Lanes) -> Lanes:
    """The power from that of |x|: its sign, and where it does not depend on one of the two."""
    whole, half = y.floor().equals(y), y * 0.5
    odd = whole & half.floor().differs(half)
    # The sign of x, also of −0, goes over with odd exponents; other numbers below 0 have powers with whole exponents
    # only.
    negative = (x.bits(FORMS[x.element].whole) < 0) & odd
    value = negative.select(-size, size)
    value = ((x < 0) & (x > -inf) & ~whole).select(nan, value)
    sure = y.equals(0) | x.equals(1) | (x.equals(-1) & y.abs().equals(inf))
    return sure.select(1, value)
