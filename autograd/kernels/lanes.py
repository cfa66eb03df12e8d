"""`Lanes`: a number or a vector of numbers under construction, as LLVM instructions written with Python's operators.

A function written over it serves numbers and vectors alike: `exponential.py`, `trigonometric.py` and `powers.py`, the
fused nests that `loop_text.py` writes, and the kernels. No fast-math flag is set: + − × ÷ and √ round as in numpy, NaN
and infinity behave as in numpy, and a product is fused with a sum only where `fma` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite import ir

from .machine import machine
from .number_types import BIT, FLOAT32, FLOAT64, INT32, INT64, SUFFIX, element_of, lanes_of, literal, vector


@cache
def fuses() -> bool:
    """Whether the processor multiplies and adds in one step with one rounding."""
    here = machine()
    return not here.triple.startswith(("x86", "i386", "i686")) or "+fma" in here.features.split(",")


def scales(element: ir.Type, lanes: int) -> bool:
    """Whether one instruction multiplies a vector with powers of two, whatever their exponents."""
    here = machine()
    width = lanes * (4 if element is FLOAT32 else 8)
    return here.triple.startswith("x86") and "+avx512f" in here.features.split(",") and width == here.vector_bytes == 64


class Lanes:
    """A number, or a vector of numbers, under construction. Operators between two of them, or with a Python number."""

    __slots__ = ("builder", "value")

    def __init__(self, builder: ir.IRBuilder, value: ir.Value) -> None:
        self.builder, self.value = builder, value

    # What it is -------------------------------------------------------------------------------------------------
    @property
    def kind(self) -> ir.Type:
        """Its LLVM type."""
        return self.value.type

    @property
    def element(self) -> ir.Type:
        """The type of one lane."""
        return element_of(self.value.type)

    @property
    def lanes(self) -> int:
        """How many numbers it holds."""
        return lanes_of(self.value.type)

    @property
    def is_float(self) -> bool:
        """Whether the lanes are floating-point numbers."""
        return self.element in (FLOAT32, FLOAT64)

    def number(self, value: float | int | bool) -> Lanes:
        """A constant like this one."""
        return Lanes(self.builder, literal(self.kind, value))

    def like(self, other: Any) -> Lanes:
        """`other` as Lanes of this type: constants are converted, single numbers are repeated."""
        if not isinstance(other, Lanes):
            return self.number(other)
        if other.lanes == 1 and self.lanes > 1:
            return other.repeat(self.lanes)
        return other

    def _pair(self, other: Any) -> tuple[Lanes, Lanes]:
        if isinstance(other, Lanes) and other.lanes > self.lanes:
            return other.like(self), other
        return self, self.like(other)

    # Arithmetic -------------------------------------------------------------------------------------------------
    def _binary(self, other: Any, real: str, whole: str, swap: bool = False) -> Lanes:
        left, right = self._pair(other)
        if swap:
            left, right = right, left
        build = getattr(self.builder, real if left.is_float else whole)
        return Lanes(self.builder, build(left.value, right.value))

    def __add__(self, other: Any) -> Lanes:
        return self._binary(other, "fadd", "add")

    def __radd__(self, other: Any) -> Lanes:
        return self._binary(other, "fadd", "add", swap=True)

    def __sub__(self, other: Any) -> Lanes:
        return self._binary(other, "fsub", "sub")

    def __rsub__(self, other: Any) -> Lanes:
        return self._binary(other, "fsub", "sub", swap=True)

    def __mul__(self, other: Any) -> Lanes:
        return self._binary(other, "fmul", "mul")

    def __rmul__(self, other: Any) -> Lanes:
        return self._binary(other, "fmul", "mul", swap=True)

    def __truediv__(self, other: Any) -> Lanes:
        return self._binary(other, "fdiv", "sdiv")

    def __rtruediv__(self, other: Any) -> Lanes:
        return self._binary(other, "fdiv", "sdiv", swap=True)

    def __neg__(self) -> Lanes:
        return Lanes(self.builder, self.builder.fneg(self.value) if self.is_float else self.builder.neg(self.value))

    def __and__(self, other: Any) -> Lanes:
        return self._binary(other, "and_", "and_")

    def __or__(self, other: Any) -> Lanes:
        return self._binary(other, "or_", "or_")

    def __xor__(self, other: Any) -> Lanes:
        return self._binary(other, "xor", "xor")

    def __invert__(self) -> Lanes:
        return Lanes(self.builder, self.builder.not_(self.value))

    def __lshift__(self, other: Any) -> Lanes:
        return self._binary(other, "shl", "shl")

    def __rshift__(self, other: Any) -> Lanes:
        """Shifted right, filled with zeros."""
        return self._binary(other, "lshr", "lshr")

    def shift_signed(self, other: Any) -> Lanes:
        """Shifted right, filled with copies of the sign."""
        return self._binary(other, "ashr", "ashr")

    def fma(self, factor: Any, term: Any) -> Lanes:
        """self·factor + term, rounded once where the processor can, else after each step."""
        if not fuses():  # LLVM would call a library function for every single number
            return self * factor + term
        widest = max((each for each in (self, factor, term) if isinstance(each, Lanes)), key=lambda each: each.lanes)
        return widest._call("llvm.fma", widest.like(self), widest.like(factor), widest.like(term))

    def product(self, other: Any) -> tuple[Lanes, Lanes]:
        """self·other as an exact sum of two floats: the rounded product, and what rounding took away (Dekker 1971)."""
        left, right = self._pair(other)
        whole = left * right
        if fuses():
            return whole, left.fma(right, -whole)
        (a, b), (c, d) = left._halves(), right._halves()
        return whole, ((a * c - whole) + a * d + b * c) + b * d

    def _halves(self) -> tuple[Lanes, Lanes]:
        big = self * (2.0**12 + 1 if self.element is FLOAT32 else 2.0**27 + 1)
        high = big - (big - self)
        return high, self - high

    # Comparison: bits, false where a NaN is met, except != --------------------------------------------------------
    def _compare(self, sign: str, other: Any) -> Lanes:
        left, right = self._pair(other)
        if left.is_float:
            ordered = self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered
            return Lanes(self.builder, ordered(sign, left.value, right.value))
        # A bit read as a signed number is 0 or −1; as in numpy, true is more than false.
        compare = self.builder.icmp_unsigned if left.element == BIT else self.builder.icmp_signed
        return Lanes(self.builder, compare(sign, left.value, right.value))

    def __lt__(self, other: Any) -> Lanes:
        return self._compare("<", other)

    def __le__(self, other: Any) -> Lanes:
        return self._compare("<=", other)

    def __gt__(self, other: Any) -> Lanes:
        return self._compare(">", other)

    def __ge__(self, other: Any) -> Lanes:
        return self._compare(">=", other)

    def equals(self, other: Any) -> Lanes:
        """Bits: where both are equal."""
        return self._compare("==", other)

    def differs(self, other: Any) -> Lanes:
        """Bits: where they are not equal; a NaN differs from everything."""
        return self._compare("!=", other)

    def is_nan(self) -> Lanes:
        """Bits: where it is not a number."""
        return Lanes(self.builder, self.builder.fcmp_unordered("uno", self.value, self.value))

    def select(self, yes: Any, no: Any) -> Lanes:
        """`yes` where this bit is set, else `no`; at least one of the two is Lanes."""
        like = yes if isinstance(yes, Lanes) else no
        yes, no = like.like(yes), like.like(no)
        if self.lanes > like.lanes:
            yes, no = yes.repeat(self.lanes), no.repeat(self.lanes)
        condition = self if self.lanes >= yes.lanes else self.repeat(yes.lanes)
        return Lanes(self.builder, self.builder.select(condition.value, yes.value, no.value))

    # What the processor computes ----------------------------------------------------------------------------------
    def _call(self, name: str, *operands: Lanes) -> Lanes:
        kind = operands[0].kind
        lanes = lanes_of(kind)
        full = f"{name}.{f'v{lanes}' if lanes > 1 else ''}{SUFFIX[element_of(kind)]}"
        function = declared(self.builder.module, full, kind, [each.kind for each in operands])
        return Lanes(self.builder, self.builder.call(function, [each.value for each in operands]))

    def abs(self) -> Lanes:
        """Without its sign."""
        if self.is_float:
            return self._call("llvm.fabs", self)
        return (self < 0).select(-self, self)

    def sqrt(self) -> Lanes:
        """The square root, correctly rounded."""
        return self._call("llvm.sqrt", self)

    def floor(self) -> Lanes:
        """The largest whole number not above it."""
        return self._call("llvm.floor", self)

    def scaled(self, exponent: Lanes) -> Lanes:
        """self·2^exponent, rounded once, for whole exponents in floats; where `scales` says so."""
        name = f"llvm.x86.avx512.mask.scalef.{'ps' if self.element is FLOAT32 else 'pd'}.512"
        mask, nearest = ir.IntType(self.lanes), 4
        function = declared(self.builder.module, name, self.kind, [self.kind, self.kind, self.kind, mask, INT32])
        operands = [self.value, exponent.value, self.value, ir.Constant(mask, -1), INT32(nearest)]
        return Lanes(self.builder, self.builder.call(function, operands))

    def copysign(self, sign: Any) -> Lanes:
        """Its size with the sign of another."""
        return self._call("llvm.copysign", self, self.like(sign))

    def maximum(self, other: Any) -> Lanes:
        """The larger; NaN where either is NaN, as np.maximum."""
        left, right = self._pair(other)
        larger = (left > right).select(left, right)
        return left.is_nan().select(left, larger) if left.is_float else larger

    def minimum(self, other: Any) -> Lanes:
        """The smaller; NaN where either is NaN, as np.minimum."""
        left, right = self._pair(other)
        smaller = (left < right).select(left, right)
        return left.is_nan().select(left, smaller) if left.is_float else smaller

    # Conversion -----------------------------------------------------------------------------------------------------
    def repeat(self, lanes: int) -> Lanes:
        """A single number in every lane."""
        if lanes == 1 or self.lanes == lanes:
            return self
        kind = vector(self.element, lanes)
        if isinstance(self.value, ir.Constant):
            return Lanes(self.builder, ir.Constant(kind, [self.value] * lanes))
        one = self.builder.insert_element(ir.Constant(kind, ir.Undefined), self.value, INT32(0))
        mask = ir.Constant(ir.VectorType(INT32, lanes), [0] * lanes)
        return Lanes(self.builder, self.builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), mask))

    def bits(self, element: ir.Type) -> Lanes:
        """The same bits read as another type of the same size."""
        return Lanes(self.builder, self.builder.bitcast(self.value, vector(element, self.lanes)))

    def cast(self, element: ir.Type, unsigned: bool = False) -> Lanes:
        """The numbers in another type: whole numbers are cut toward 0, bits become 0 and 1, anything but 0 becomes
        true."""
        if element == self.element:
            return self
        kind, build = vector(element, self.lanes), self.builder
        reals = (FLOAT32, FLOAT64)
        if element is BIT or element == BIT:
            return self.differs(0)
        if self.is_float and element in reals:
            cast = build.fptrunc if element is FLOAT32 else build.fpext
        elif self.is_float and unsigned:
            return self._to_unsigned(element)
        elif self.is_float:
            cast = build.fptosi
        elif element in reals:
            cast = build.uitofp if self.element == BIT or unsigned else build.sitofp
        elif element.width < self.element.width:
            cast = build.trunc
        else:
            cast = build.zext if self.element == BIT or unsigned else build.sext
        return Lanes(build, cast(self.value, kind))

    def _to_unsigned(self, element: ir.Type) -> Lanes:
        """Whole numbers without a sign; negative ones wrap around, as the processor's own conversion does in numpy."""
        wide, build = vector(INT64, self.lanes), self.builder
        whole = Lanes(build, build.fptosi(self.value, wide))
        if element.width < 64:
            return Lanes(build, build.trunc(whole.value, vector(element, self.lanes)))
        high = Lanes(build, build.fptosi((self - 2.0**63).value, wide)) ^ -(1 << 63)
        return (self >= 2.0**63).select(high, whole)

    # One number out of many
    # ---------------------------------------------------------------------------------------------
    def lane(self, index: int | ir.Value) -> Lanes:
        """One of its numbers."""
        if self.lanes == 1:
            return self
        place = INT32(index) if isinstance(index, int) else index
        return Lanes(self.builder, self.builder.extract_element(self.value, place))

    def shuffle(self, other: Lanes, order: list[int]) -> Lanes:
        """Numbers picked from self (0 …) and other (lanes …)."""
        mask = ir.Constant(ir.VectorType(INT32, len(order)), order)
        return Lanes(self.builder, self.builder.shuffle_vector(self.value, other.value, mask))

    def folded(self, join: Callable[[Lanes, Lanes], Lanes]) -> Lanes:
        """All lanes joined in halves: log₂(lanes) steps, always in the same order."""
        rest = self
        while rest.lanes > 1:
            half = rest.lanes // 2
            rest = join(rest.shuffle(rest, list(range(half))), rest.shuffle(rest, list(range(half, 2 * half))))
            if half == 1:
                return rest.lane(0) if rest.lanes > 1 else Lanes(self.builder, _only(self.builder, rest.value))
        return rest

    def any(self) -> ir.Value:
        """One bit, for a branch: whether any of these bits is set."""
        if self.lanes == 1:
            return self.value
        together = self.builder.bitcast(self.value, ir.IntType(self.lanes))
        return self.builder.icmp_unsigned("!=", together, ir.Constant(together.type, 0))

    def with_lane(self, index: ir.Value, number: Lanes) -> Lanes:
        """The same with another number in one lane."""
        if self.lanes == 1:
            return number
        return Lanes(self.builder, self.builder.insert_element(self.value, number.value, index))


def turned(rows: list[Lanes]) -> list[Lanes]:
    """As many vectors as each has lanes, rows as columns: log₂(lanes) rounds exchange numbers between rows 1, 2, 4, …
    apart."""
    square, lanes, reach = list(rows), len(rows), 1
    while reach < lanes:
        for row in range(lanes):
            if row & reach == 0:
                upper, lower = square[row], square[row + reach]
                first = [at + lanes - reach if at & reach else at for at in range(lanes)]
                second = [at + lanes if at & reach else at + reach for at in range(lanes)]
                square[row], square[row + reach] = upper.shuffle(lower, first), upper.shuffle(lower, second)
        reach *= 2
    return square


def _only(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    return builder.extract_element(value, INT32(0)) if isinstance(value.type, ir.VectorType) else value


def declared(module: ir.Module, name: str, result: ir.Type, operands: list[ir.Type]) -> ir.Function:
    """The function of that name in the module, declared once."""
    try:
        return module.get_global(name)
    except KeyError:
        return ir.Function(module, ir.FunctionType(result, operands), name)
