"""exp, log and what is made of them, over `Lanes`: expm1, log1p, tanh, sigmoid, erf.

Method: x = n·ln 2 + r with ln 2 in two parts (Cody & Waite 1980), a polynomial in r, and 2^n put together from bits;
for log the other way round. Coefficients, highest power first: own fits in 80 digits, weighted least squares repeated
until the largest error is least (Lawson 1961), rounded to the type one after the other with the rest fitted again.

Largest error in units in the last place, over all float32 and over sampled float64: exp 0.91, 0.86; expm1 1.52, 1.93;
log 0.86, 0.83; log1p 1.44, 1.29; tanh 2.50, 2.53; sigmoid 2.49, 2.17; erf 1.82, 1.36; without fused multiply-add,
sampled, up to 0.3 more. Numbers with fewer digits than the type has (denormals) are computed like others, but a sigmoid
below the smallest number that has all digits may be 0, because e^−x is infinite there. While a program runs the
processor takes such numbers for 0, as operands and as results: what is said of them here is true of these functions
called by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan

from llvmlite import ir

from ..special import _RATIO
from .vector import FLOAT32, FLOAT64, INT32, INT64, Lanes, scales


@dataclass(frozen=True)
class Form:
    """What the functions know about a type: its bits, constants split for it, coefficients, and where results end.

    `digits`: binary digits behind the point; `bias`: of the exponent. `ln2`: high part (few digits, so that n·high is
    exact) and low part. `top`, `bottom`: e^x is infinite above and 0 below. `flat`: e^−flat is nothing beside 1.
    """

    whole: ir.Type
    digits: int
    bias: int
    ln2: tuple[float, float]
    top: float
    bottom: float
    flat: float
    exp: tuple[float, ...]
    log: tuple[float, ...]

    @property
    def one(self) -> int:
        """The bits of 1."""
        return self.bias << self.digits

    @property
    def magic(self) -> float:
        """A number so large that the last digit of its neighbors counts ones: adding it rounds to a whole number."""
        return 1.5 * 2.0**self.digits

    @property
    def smallest(self) -> float:
        """The smallest number with all its digits."""
        return 2.0 ** (1 - self.bias)


FORMS = {
    FLOAT32: Form(
        INT32, 23, 127, (0.693145751953125, 1.4286068e-06), 89, -104, 20,
        # (eʳ − 1 − r)/r² for |r| ≤ ½ ln 2; error of eʳ − 1 at most 1.4e-8 of it
        exp=(0.0013863707, 0.008366391, 0.04166751, 0.16666545, 0.49999997),
        # (ln(1+f) − f + f²/2)/f³ for √½ ≤ 1+f ≤ √2; error of ln(1+f) at most 5.9e-9 of it
        log=(-0.07634188, 0.1276226, -0.13160361, 0.14201544, -0.16623324, 0.20001245, -0.25000823, 0.3333333),
    ),
    FLOAT64: Form(
        INT64, 52, 1023, (0.6931471803691238, 1.9082149292705877e-10), 710, -746, 40,
        # the same; error at most 1.9e-17
        exp=(
            2.506209260533683e-08, 2.76262683030172e-07, 2.755738133721466e-06, 2.480150459060394e-05,
            0.0001984126974823256, 0.0013888888932266773, 0.008333333333376113, 0.041666666666573884,
            0.1666666666666661, 0.5000000000000006,
        ),
        # the same; error at most 9.1e-18
        log=(
            0.026142367245657487, -0.05980689410014277, 0.06503449100132057, -0.05678136670126336,
            0.05668464871566706, -0.061966279521139214, 0.06684571425713716, -0.07149443351549294,
            0.07691531520235008, -0.0833291337249878, 0.09090923840013124, -0.10000015210663828, 0.11111111150325713,
            -0.12499999691368975, 0.14285714280044362, -0.16666666669826752, 0.20000000000067003, -0.2499999999998797,
            0.3333333333333314,
        ),
    ),
}  # fmt: skip

# −ln(1 − erf x)/x − 1 for 0 ≤ x ≤ 4, error of erf at most 4.3e-9 of it; for float64 the quotient numpy's erf has, less
# 1
_ERF = (
    -9.3845665e-06, 0.00011883529, -0.00063728594, 0.0016755657, -0.0001694296, -0.019147841, 0.102776304, 0.63661957,
    0.12837917,
)  # fmt: skip
_ERF_ABOVE, _ERF_BELOW = tuple((_RATIO[:, 0] - _RATIO[:, 1]).tolist()), tuple(_RATIO[1:, 1].tolist())
_SQRT_HALF = {FLOAT32: 0x3F3504F3, FLOAT64: 0x3FE6A09E667F3BCD}
_LOG2_E = 1.4426950408889634


def polynomial(x: Lanes, coefficients: tuple[float, ...]) -> Lanes:
    """c₀·xⁿ + … + cₙ by Horner's scheme."""
    total = x.number(coefficients[0])
    for each in coefficients[1:]:
        total = total.fma(x, each)
    return total


def below(x: Lanes, limit: float) -> Lanes:
    """The smaller of x and the limit; NaN stays. One instruction."""
    return (x > limit).select(limit, x)


def above(x: Lanes, limit: float) -> Lanes:
    """The larger of x and the limit; NaN stays. One instruction."""
    return (x < limit).select(limit, x)


def _reduced(x: Lanes, form: Form, more: int) -> tuple[Lanes, Lanes, Lanes]:
    """r and n with x = n·ln 2 + r, |r| ≤ ½ ln 2, and a whole number whose last bits are those of n + more."""
    magic = form.magic + more
    counted = x.fma(_LOG2_E, magic)
    n = counted - magic
    r = n.fma(-form.ln2[1], n.fma(-form.ln2[0], x))
    return r, n, counted.bits(form.whole)


def exp(x: Lanes, rest: Lanes | None = None) -> Lanes:
    """e^x, or e^(x + rest) for a rest that is small beside 1."""
    form = FORMS[x.element]
    least = x if rest is not None else above(x, form.bottom)
    r, n, count = _reduced(below(least, form.top), form, 2 * form.bias)
    value = polynomial(r if rest is None else r + rest, (*form.exp, 1, 1))
    if scales(x.element, x.lanes):
        value = value.scaled(n)
    else:
        # 2^n is multiplied on in two halves, for n itself may be too large or too small for an exponent.
        half = count >> 1
        first, second = half << form.digits, (count - half) << form.digits
        value = value * first.bits(x.element) * second.bits(x.element)
    return value if rest is None else (x < form.bottom).select(0, value)


def _expm1(x: Lanes) -> Lanes:
    """e^x − 1 for x neither so large that 2^n overflows nor below −bias·ln 2."""
    form = FORMS[x.element]
    r, _, count = _reduced(x, form, form.bias)
    power = (count << form.digits).bits(x.element)
    return power.fma((r * r).fma(polynomial(r, form.exp), r), power - 1)


def expm1(x: Lanes) -> Lanes:
    """e^x − 1, with all digits where x is small."""
    form = FORMS[x.element]
    r, _, count = _reduced(above(below(x, form.top), -form.flat - 20), form, form.bias - 1)
    power = (count << form.digits).bits(x.element)
    # With 2^(n−1), which does not overflow, and doubled at the end.
    half = power.fma((r * r).fma(polynomial(r, form.exp), r), power - 0.5)
    return (half + half).copysign(x)


def tanh(x: Lanes) -> Lanes:
    """The hyperbolic tangent: −t/(t + 2) with t = e^(−2|x|) − 1."""
    form = FORMS[x.element]
    size = x.abs()
    t = _expm1(above(size * -2, -form.flat))
    return (t / (t + 2)).copysign(x)


def sigmoid(x: Lanes) -> Lanes:
    """1 / (1 + e^(−x))."""
    return 1 / (exp(-x) + 1)


def erf(x: Lanes) -> Lanes:
    """The error function 1 − e^(−w), w = −ln(1 − erf |x|), which is |x| times something smooth."""
    if x.element is FLOAT32:
        size = below(x.abs(), 4)
        more = polynomial(size, _ERF)
    else:
        size = below(x.abs(), 6)
        more = polynomial(size, _ERF_ABOVE) / polynomial(size, _ERF_BELOW)
    return _expm1(-more.fma(size, size)).copysign(x)


def split(x: Lanes) -> tuple[Lanes, Lanes]:
    """f and n with x = (1 + f)·2^n, √½ ≤ 1 + f < √2, for x above 0 and finite."""
    form = FORMS[x.element]
    # Numbers too small for all their digits are made larger first.
    tiny = x < form.smallest
    offset, mask = form.one - _SQRT_HALF[x.element], (1 << form.digits) - 1
    moved = tiny.select(x * 2.0 ** (form.digits + 1), x).bits(form.whole) + offset
    base = x.number(form.magic).bits(form.whole)
    magic = form.magic + form.bias
    n = ((moved >> form.digits) | base).bits(x.element) - tiny.select(x.number(magic + form.digits + 1), magic)
    f = ((moved & mask) + _SQRT_HALF[x.element]).bits(x.element) - 1
    return f, n


def _log_of_parts(f: Lanes, n: Lanes) -> Lanes:
    """ln((1 + f)·2^n)."""
    form = FORMS[f.element]
    square = f * f
    tail = n.fma(form.ln2[1], square * f * polynomial(f, form.log))
    return n.fma(form.ln2[0], f + square.fma(-0.5, tail))


def _log_ends(x: Lanes, value: Lanes) -> Lanes:
    """The logarithm where x is infinite, NaN, 0 or below."""
    value = (x < inf).select(value, x)
    return (x <= 0).select(x.equals(0).select(x.number(-inf), nan), value)


def log(x: Lanes) -> Lanes:
    """The natural logarithm."""
    return _log_ends(x, _log_of_parts(*split(x)))


def log1p(x: Lanes) -> Lanes:
    """ln(1 + x), with all digits where x is small."""
    form = FORMS[x.element]
    total = x + 1
    # The exponent is taken from the rounded sum 1 + x; f = x·2^−n + (2^−n − 1) does not suffer from that rounding.
    moved = total.bits(form.whole) + (form.one - _SQRT_HALF[x.element])
    shift = (moved & ~((1 << form.digits) - 1)) - form.one
    scale = form.one - shift
    scale = (scale < 0).select(scale.number(0), scale)
    f = (x.bits(form.whole) - shift).bits(x.element) + (scale.bits(x.element) - 1)
    base = x.number(form.magic).bits(form.whole)
    n = ((moved >> form.digits) | base).bits(x.element) - (form.magic + form.bias)
    return _log_ends(total, _log_of_parts(f, n)).copysign(x)
