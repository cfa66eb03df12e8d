"""sin, cos and tan over `Lanes`: x = q·π/2 + r with |r| ≤ π/4, then polynomials in r², chosen by q.

Up to 2²⁰ the quarter turns q·π/2 are taken off in three parts, always in float64 (Cody & Waite 1980); larger numbers,
which are rare, go one by one through whole-number arithmetic with 1200 bits of 2/π (Payne & Hanek 1983).
Coefficients as in `exponential.py`. Largest error sampled, in units in the last place, float32 and float64: sin 1.95,
1.9; cos 1.98, 1.9; tan 3.2, 3.4.
"""

from __future__ import annotations

from functools import cache
from math import pi

from llvmlite import ir

from .exponential import FORMS, polynomial
from .vector import FLOAT32, FLOAT64, INT64, Lanes

_QUARTER = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21)
"""π/2 in three parts, the first two of 33 binary digits: their products with q < 2²⁰ are exact."""
_QUARTER_LOST = 6.123233995736766e-17
"""What π/2 as a float64 lacks."""
_LIMIT = 2.0**20
# (sin r / r − 1)/r² and (cos r − 1 + r²/2)/r⁴ in powers of r²; error at most 4e-9 and 1.1e-10, 3.8e-18 and 4.8e-20
SINE = {
    FLOAT32: (-0.00019518286, 0.008332189, -0.16666655),
    FLOAT64: (
        1.5895928964828552e-10, -2.5050742048585738e-08, 2.755731358044348e-06, -0.00019841269829453339,
        0.008333333333321914, -0.1666666666666663,
    ),
}  # fmt: skip
COSINE = {
    FLOAT32: (2.4431762e-05, -0.0013887306, 0.041666646),
    FLOAT64: (
        -1.135993485168699e-11, 2.087572931447504e-09, -2.7557314401408854e-07, 2.4801587289673106e-05,
        -0.0013888888888874476, 0.0416666666666666,
    ),
}  # fmt: skip


def sin(x: Lanes) -> Lanes:
    """The sine of an angle in radians."""
    r, turns = _reduced(x)
    return _chosen(_sine(r), _cosine(r), turns)


def cos(x: Lanes) -> Lanes:
    """The cosine of an angle in radians."""
    r, turns = _reduced(x)
    return _chosen(_sine(r), _cosine(r), turns + 1)


def sine_and_cosine(r: Lanes, turns: Lanes) -> tuple[Lanes, Lanes]:
    """Both for an angle of so many quarter turns and r radians, |r| ≤ π/4."""
    sine, cosine = _sine(r), _cosine(r)
    return _chosen(sine, cosine, turns), _chosen(sine, cosine, turns + 1)


def tan(x: Lanes) -> Lanes:
    """The tangent of an angle in radians: sine over cosine, or −cosine over sine after an odd number of quarter
    turns."""
    r, turns = _reduced(x)
    sine, cosine = _sine(r), _cosine(r)
    odd = (turns & 1).differs(0)
    return odd.select(-cosine, sine) / odd.select(sine, cosine)


def _sine(r: Lanes) -> Lanes:
    square = r * r
    return r * square.fma(polynomial(square, SINE[r.element]), 1)


def _cosine(r: Lanes) -> Lanes:
    square = r * r
    return square.fma(square.fma(polynomial(square, COSINE[r.element]), -0.5), 1)


def _chosen(sine: Lanes, cosine: Lanes, turns: Lanes) -> Lanes:
    """The sine of r + turns·π/2."""
    value = (turns & 1).differs(0).select(cosine, sine)
    form = FORMS[value.element]
    flip = (turns >> 1) << (form.whole.width - 1)
    return (value.bits(form.whole) ^ flip).bits(value.element)


def _reduced(x: Lanes) -> tuple[Lanes, Lanes]:
    """r in [−π/4, π/4] and q with x = q·π/2 + r; only the last two bits of q count."""
    build, wide = x.builder, x.cast(FLOAT64)
    magic = FORMS[FLOAT64].magic
    counted = wide.fma(2 / pi, magic)
    q = counted - magic
    first = q.fma(-_QUARTER[0], wide)
    part = q * _QUARTER[1]
    r = first - part
    r = r - q.fma(_QUARTER[2], part - (first - r))  # what the rounding of r took away comes back; −0 stays −0
    turns = counted.bits(INT64)
    large = wide.abs() > _LIMIT
    before = build.block
    with build.if_then(large.any(), likely=False):
        slow_r, slow_turns = _one_by_one(wide, r, turns)
        after = build.block
    r, turns = (_either(build, now, before, slow, after) for now, slow in ((r, slow_r), (turns, slow_turns)))
    return r.cast(x.element), turns.cast(FORMS[x.element].whole)


def _either(build: ir.IRBuilder, one: Lanes, before: ir.Block, other: Lanes, after: ir.Block) -> Lanes:
    value = build.phi(one.kind)
    value.add_incoming(one.value, before)
    value.add_incoming(other.value, after)
    return Lanes(build, value)


def _one_by_one(x: Lanes, r: Lanes, turns: Lanes) -> tuple[Lanes, Lanes]:
    """r and q of the large numbers among x; the others keep theirs."""
    build, start = x.builder, x.builder.block
    loop, done = build.append_basic_block("lane"), build.append_basic_block("lanes.done")
    build.branch(loop)
    build.position_at_end(loop)
    lane, so_far = build.phi(INT64), [build.phi(r.kind), build.phi(turns.kind)]
    results = [Lanes(build, each) for each in so_far]
    one = x.lane(lane)
    large = (one.abs() > _LIMIT) & (one.abs() < float("inf"))
    pair = build.call(_payne_hanek(build.module), [large.select(one, one.number(0)).value])
    results = [
        each.with_lane(lane, large.select(Lanes(build, build.extract_value(pair, k)), each.lane(lane)))
        for k, each in enumerate(results)
    ]
    following = build.add(lane, INT64(1))
    lane.add_incoming(INT64(0), start)
    lane.add_incoming(following, loop)
    for phi, first, later in zip(so_far, (r, turns), results, strict=True):
        phi.add_incoming(first.value, start)
        phi.add_incoming(later.value, loop)
    build.cbranch(build.icmp_unsigned("<", following, INT64(x.lanes)), loop, done)
    build.position_at_end(done)
    return results[0], results[1]


_WORDS = 20
"""Words of 64 bits with 2/π, 64 zeros in front: as many as the largest float64 asks for."""


@cache
def two_over_pi() -> list[int]:
    """2/π in words of 64 bits, the first of them zeros."""
    bits = 64 * (_WORDS - 1)
    unit = 1 << (bits + 64)  # π by Machin's formula, 64 digits more than wanted

    def arctangent_of_one_over(number: int) -> int:
        total, power, count = 0, unit // number, 0
        while power:
            total += (-1) ** count * (power // (2 * count + 1))
            power //= number * number
            count += 1
        return total

    pi_units = 4 * (4 * arctangent_of_one_over(5) - arctangent_of_one_over(239))
    digits = (2 * unit << bits) // pi_units
    return [(digits >> (64 * (_WORDS - 1 - word))) & (2**64 - 1) for word in range(_WORDS)]


def _payne_hanek(module: ir.Module) -> ir.Function:
    """The function that reduces one finite float64 of any size above 2⁻⁹: x -> r, q.

    x = M·2^E with a whole number M. Of 2/π·2^E all bits that give multiples of 4 quarter turns are left out; the next
    192 times M give the quarter turns and 126 bits of what is left, enough for any float64.
    """
    try:
        return module.get_global("nngraph.payne_hanek")
    except KeyError:
        pass
    result = ir.LiteralStructType([FLOAT64, INT64])
    function = ir.Function(module, ir.FunctionType(result, [FLOAT64]), "nngraph.payne_hanek")
    function.linkage = "internal"
    kind = ir.ArrayType(INT64, _WORDS)
    table = ir.GlobalVariable(module, kind, "nngraph.two_over_pi")
    table.linkage, table.global_constant = "internal", True
    table.initializer = ir.Constant(kind, [INT64(word) for word in two_over_pi()])
    build = ir.IRBuilder(function.append_basic_block())
    x = Lanes(build, function.args[0])
    bits = x.bits(INT64)
    mantissa = (bits & (2**52 - 1)) | 2**52
    exponent = ((bits >> 52) & 0x7FF) - 1075
    start = exponent + (64 - 2)
    start = (start < 0).select(0, start)
    long = ir.IntType(128)

    def word(index: Lanes) -> Lanes:
        return Lanes(build, build.load(build.gep(table, [INT64(0), index.value])))

    words = [word((start >> 6) + k) for k in range(4)]
    shift = start & 63
    window = [words[k]._call("llvm.fshl", words[k], words[k + 1], shift).cast(long, unsigned=True) for k in range(3)]
    factor = mantissa.cast(long, unsigned=True)
    turns = ((factor * window[0]) << 64) + factor * window[1] + ((factor * window[2]) >> 64)
    left = turns << 2
    q = (turns >> 126).cast(INT64) + (left < 0).cast(INT64)
    high = left.shift_signed(75).cast(INT64).cast(FLOAT64) * 2.0**-53
    low = ((left << 53) >> 64).cast(INT64).cast(FLOAT64, unsigned=True) * 2.0**-117
    r, lost = high.product(pi / 2)
    r = r + (lost + high * _QUARTER_LOST + low * (pi / 2))
    negative = x < 0
    pair = build.insert_value(ir.Constant(result, ir.Undefined), negative.select(-r, r).value, 0)
    build.ret(build.insert_value(pair, negative.select(-q, q).value, 1))
    return function
