"""Simplification: arithmetic identities, each named by what it proves. Identities of shapes stand in
`shape_identities`.

An identity may change rounding in the last digit, or move the point at which a product of huge and tiny numbers
overflows. Those that turn nan or infinity into something else, such as 0·x = 0, are marked `finite` and applied only
when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np

from .leaves import constant
from .node import Node
from .op import RANDOM, Op
from .ops import broadcast, cast
from .ops.arithmetic import add, div, mul, neg, pow, square, sub
from .ops.linear import sum as sum_of
from .rewrite import Change, Rule, rewrite
from .sizes import Size

Alone = Callable[[Node], bool]
RULES: list[Rule] = []
"""Every identity, in the order in which they are tried."""

_FOLDED_SIZE = 64
"""A result of at most this many numbers is computed at once when all its operands are constants."""


def identity(name: str, *ops: Op, finite: bool = False) -> Callable[[Callable[[Node, Alone], Node | None]], Rule]:
    """Declare a rule; the docstring of the function is its proof."""

    def declared(function: Callable[[Node, Alone], Node | None]) -> Rule:
        rule = Rule(name, " ".join((function.__doc__ or "").split()), ops, function, finite)
        RULES.append(rule)
        return rule

    return declared


@overload
def simplify(outputs: Node, finite: bool = False, changes: list[Change] | None = None) -> Node: ...
@overload
def simplify(
    outputs: Sequence[Node], finite: bool = False, changes: list[Change] | None = None
) -> tuple[Node, ...]: ...
def simplify(outputs: Any, finite: bool = False, changes: list[Change] | None = None) -> Any:
    """A smaller graph with the same values: a node for a node, a tuple for several.

    Values agree up to rounding, also where they are nan or infinite. `finite=True` promises that no value is, and lets
    x·0 become 0 and x − x become 0. `changes` collects which identity was applied where. The graph that was given
    stays.

    >>> import nngraph as ng
    >>> x = ng.input("x", 3.0)
    >>> ng.simplify(1 * x + 0 * x, finite=True) is x
    True
    """
    single = isinstance(outputs, Node)
    rules = [rule for rule in RULES if finite or not rule.finite]
    result = rewrite([outputs] if single else list(outputs), rules, (add, mul), changes)
    return result[0] if single else tuple(result)


# What rules look at ---------------------------------------------------------------------------------------------
def number(node: Node) -> float | None:
    """The number that a constant holds everywhere; None for anything else, and for what has a name or stands for a
    size."""
    while node.op is broadcast:
        (node,) = node.inputs
    if not anonymous(node):
        return None
    value: Any = node._value
    if value.ndim == 0:
        return float(value)
    if not 0 < value.size <= _FOLDED_SIZE:
        return None
    first = value.flat[0]
    return float(first) if (value == first).all() else None


def anonymous(node: Node) -> bool:
    """Whether a node is a constant that is only its value: it has no name, and is no size that may be another number
    tomorrow."""
    return node.role == "constant" and node._name is None and not node.params


def usable(factor: float, like: Node) -> bool:
    """Whether a factor is neither 0 nor infinite in the dtype of `like`, so that products may be regrouped around
    it."""
    with np.errstate(over="ignore", under="ignore"):
        factor = float(like.dtype.type(factor))
    return factor != 0 and np.isfinite(factor)


def fitted(node: Node, like: Node) -> Node:
    """`node` in the shape and the dtype of `like`."""
    if node.dtype != like.dtype:
        node = cast(node, dtype=like.dtype.name)
    return node if node.shape == like.shape else broadcast(node, shape=like.shape)


def everywhere(value: float, like: Node) -> Node:
    """A constant in the shape and the dtype of `like`."""
    scalar = constant(np.asarray(value, like.dtype))
    return broadcast(scalar, shape=like.shape) if like.shape else scalar


def scaled(factor: float, node: Node) -> Node:
    """factor · node, with the factor first, as one writes it."""
    return mul(constant(np.asarray(factor, node.dtype)), node)


def coefficient(node: Node) -> tuple[float, Node]:
    """A node as number · rest: −x is −1·x, 3·x is 3·x, any other x is 1·x."""
    if node.op is neg:
        return -1.0, node.inputs[0]
    if node.op is mul:
        for at in (0, 1):
            factor, rest = number(node.inputs[at]), node.inputs[1 - at]
            if factor is not None and rest.shape == node.shape and rest.dtype == node.dtype:
                return factor, rest
    if node.op is div:
        divisor, rest = number(node.inputs[1]), node.inputs[0]
        if divisor and rest.shape == node.shape and rest.dtype == node.dtype:
            return 1.0 / divisor, rest
    return 1.0, node


def operand_with(node: Node, wanted: float) -> Node | None:
    """The other operand of a two-operand node one of whose operands is the constant `wanted`."""
    a, b = node.inputs
    if number(b) == wanted:
        return a
    return b if number(a) == wanted else None


def floating(node: Node) -> bool:
    """Whether ordinary arithmetic holds: not for whole numbers that wrap around, nor for true and false."""
    return node.dtype.kind == "f"


# Neutral elements -----------------------------------------------------------------------------------------------
@identity("f(constants) = constant")
def folded(node: Node, alone: Alone) -> Node | None:
    """What depends on constants only is a constant. A size that has a name, a repeat, a random draw and what is not
    finite stay."""
    if node.op is broadcast or node.op.kind == RANDOM or not isinstance(node.shape, tuple) or not node.inputs:
        return None
    if not all(anonymous(source) for source in node.inputs):
        return None
    if any(isinstance(size, Size) for size in node.shape) or node.size > _FOLDED_SIZE:
        return None
    value = node.value
    return constant(np.array(value)) if value.dtype == node.dtype and np.isfinite(value).all() else None


@identity("x·1 = x", mul)
def product_with_one(node: Node, alone: Alone) -> Node | None:
    """One is neutral for products. Exact."""
    other = operand_with(node, 1.0)
    return fitted(other, node) if other is not None else None


@identity("x·(−1) = −x", mul)
def product_with_minus_one(node: Node, alone: Alone) -> Node | None:
    """The product with −1 turns the sign. Exact."""
    other = operand_with(node, -1.0) if floating(node) else None
    return neg(fitted(other, node)) if other is not None else None


@identity("x·0 = 0", mul, finite=True)
def product_with_zero(node: Node, alone: Alone) -> Node | None:
    """Zero takes everything, as long as it is finite: 0·∞ is nan."""
    return everywhere(0.0, node) if operand_with(node, 0.0) is not None else None


@identity("x + 0 = x", add)
def sum_with_zero(node: Node, alone: Alone) -> Node | None:
    """Zero is neutral for sums. Exact (−0 + 0 is 0, which equals −0)."""
    other = operand_with(node, 0.0)
    return fitted(other, node) if other is not None else None


@identity("x − 0 = x", sub)
def difference_with_zero(node: Node, alone: Alone) -> Node | None:
    """Taking nothing away changes nothing. Exact."""
    a, b = node.inputs
    return fitted(a, node) if number(b) == 0 else None


@identity("0 − x = −x", sub)
def difference_from_zero(node: Node, alone: Alone) -> Node | None:
    """What is taken from nothing is the opposite. Exact."""
    a, b = node.inputs
    return neg(fitted(b, node)) if number(a) == 0 and floating(node) else None


@identity("x/1 = x", div)
def quotient_by_one(node: Node, alone: Alone) -> Node | None:
    """One is neutral for quotients. Exact."""
    a, b = node.inputs
    return fitted(a, node) if number(b) == 1 else None


@identity("x/(−1) = −x", div)
def quotient_by_minus_one(node: Node, alone: Alone) -> Node | None:
    """The quotient by −1 turns the sign. Exact."""
    a, b = node.inputs
    return neg(fitted(a, node)) if number(b) == -1 and floating(node) else None


# Powers -----------------------------------------------------------------------------------------------------------
@identity("x¹ = x", pow)
def first_power(node: Node, alone: Alone) -> Node | None:
    """The first power is the number itself. Exact."""
    x, exponent = node.inputs
    return fitted(x, node) if number(exponent) == 1 else None


@identity("x⁰ = 1", pow)
def zeroth_power(node: Node, alone: Alone) -> Node | None:
    """The empty product is one; numpy agrees, also for 0⁰, ∞⁰ and nan⁰. Exact."""
    return everywhere(1.0, node) if number(node.inputs[1]) == 0 else None


@identity("x^2 = x²", pow)
def second_power(node: Node, alone: Alone) -> Node | None:
    """The second power is the square, which has a rule of its own. Exact."""
    x, exponent = node.inputs
    return square(fitted(x, node)) if number(exponent) == 2 and floating(node) else None


@identity("x·x = x²", mul)
def product_with_itself(node: Node, alone: Alone) -> Node | None:
    """A number times itself is its square. Exact."""
    a, b = node.inputs
    return square(a) if a is b and floating(node) else None


@identity("(−x)² = x²", square)
def square_of_negative(node: Node, alone: Alone) -> Node | None:
    """The square does not see the sign. Exact."""
    (x,) = node.inputs
    return square(x.inputs[0]) if x.op is neg else None


# Signs ------------------------------------------------------------------------------------------------------------
@identity("−(−x) = x", neg)
def twice_negative(node: Node, alone: Alone) -> Node | None:
    """Turning the sign twice changes nothing. Exact."""
    (x,) = node.inputs
    return x.inputs[0] if x.op is neg else None


@identity("−(a − b) = b − a", neg)
def negative_difference(node: Node, alone: Alone) -> Node | None:
    """A difference turns its sign when its terms change places. Exact."""
    (x,) = node.inputs
    return sub(x.inputs[1], x.inputs[0]) if x.op is sub and alone(x) else None


@identity("a + (−b) = a − b", add)
def sum_with_negative(node: Node, alone: Alone) -> Node | None:
    """Adding the opposite is taking away. Exact."""
    a, b = node.inputs
    if b.op is neg:
        return sub(a, b.inputs[0])
    return sub(b, a.inputs[0]) if a.op is neg else None


@identity("a − (−b) = a + b", sub)
def difference_with_negative(node: Node, alone: Alone) -> Node | None:
    """Taking away the opposite is adding. Exact."""
    a, b = node.inputs
    return add(a, b.inputs[0]) if b.op is neg else None


@identity("(−a) − b = −(a + b)", sub)
def difference_of_negative(node: Node, alone: Alone) -> Node | None:
    """A common sign comes out of a sum. Exact."""
    a, b = node.inputs
    return neg(add(a.inputs[0], b)) if a.op is neg and alone(a) and floating(node) else None


@identity("(−a)·b = −(a·b), (−a)/b = −(a/b)", mul, div)
def sign_of_product(node: Node, alone: Alone) -> Node | None:
    """A sign comes out of a product and out of a quotient; two signs cancel. Exact."""
    a, b = node.inputs
    if a.op is neg and b.op is neg:
        return node.op(a.inputs[0], b.inputs[0])
    if a.op is neg and alone(a):
        return neg(node.op(a.inputs[0], b))
    if b.op is neg and alone(b):
        return neg(node.op(a, b.inputs[0]))
    return None


# Scalar factors -----------------------------------------------------------------------------------------------------
@identity("c·(d·x) = (c·d)·x, −(c·x) = (−c)·x, (c·x)/d = (c/d)·x", mul, div, neg)
def factors_gathered(node: Node, alone: Alone) -> Node | None:
    """Products may be grouped at will. Rounds in another order."""
    if not floating(node):
        return None
    outer, inside = coefficient(node)
    if inside is node or inside.op not in (mul, div):
        return None
    inner, rest = coefficient(inside)
    return scaled(outer * inner, rest) if rest is not inside and usable(outer * inner, node) else None


@identity("(c·x)·(d·y) = (c·d)·(x·y)", mul)
def factors_of_both(node: Node, alone: Alone) -> Node | None:
    """Products may be grouped at will. Rounds in another order."""
    if not floating(node):
        return None
    (c, x), (d, y) = coefficient(node.inputs[0]), coefficient(node.inputs[1])
    a, b = node.inputs
    if x is a or y is b or not (alone(a) and alone(b)) or number(x) is not None or number(y) is not None:
        return None
    return scaled(c * d, mul(x, y)) if usable(c * d, node) else None


@identity("(c·x)·y = c·(x·y)", mul)
def factor_first(node: Node, alone: Alone) -> Node | None:
    """A number comes to the front of a product, where it meets others. Rounds in another order."""
    if not floating(node):
        return None
    for at in (0, 1):
        operand, other = node.inputs[at], node.inputs[1 - at]
        if operand.op is not mul or not alone(operand) or number(other) is not None:
            continue
        factor, rest = coefficient(operand)
        if rest is not operand and usable(factor, node):
            return scaled(factor, mul(rest, other) if at == 0 else mul(other, rest))
    return None


def counted(node: Node) -> tuple[float, float, Node] | None:
    """(c, ±d, x) of c·x + d·x or c·x − d·x; None when the terms are not alike."""
    if not floating(node):
        return None
    (c, x), (d, y) = coefficient(node.inputs[0]), coefficient(node.inputs[1])
    if x is not y or x.shape != node.shape or x.dtype != node.dtype:
        return None
    return c, d if node.op is add else -d, x


@identity("c·x + d·x = (c + d)·x", add, sub)
def like_terms(node: Node, alone: Alone) -> Node | None:
    """Equal terms are counted, so x + x is 2·x. Rounds in another order, except for x + x; the signs of c and d must
    agree, because ∞ − ∞ is nan."""
    found = counted(node)
    if found is None or found[0] * found[1] <= 0 or not usable(found[0] + found[1], node):
        return None
    return scaled(found[0] + found[1], found[2])


@identity("c·x − d·x = (c − d)·x", add, sub, finite=True)
def unlike_signs(node: Node, alone: Alone) -> Node | None:
    """Equal terms are counted; where they cancel nothing is left, as long as x is finite. Rounds in another order."""
    found = counted(node)
    if found is None or found[0] * found[1] >= 0:
        return None
    total = found[0] + found[1]
    return scaled(total, found[2]) if total else everywhere(0.0, node)


@identity("Σ(c·x) = c·Σx, Σ(−x) = −Σx", sum_of)
def factor_out_of_sum(node: Node, alone: Alone) -> Node | None:
    """A sum is linear. Rounds in another order; saves a product per term."""
    (x,) = node.inputs
    if not floating(node) or not alone(x) or x.size <= node.size:
        return None
    factor, rest = coefficient(x)
    if rest is x or not usable(factor, node):
        return None
    total = sum_of(rest, **node.params)
    return neg(total) if x.op is neg else scaled(factor, total)


from . import piece_identities, shape_identities  # noqa: F401  (they add their rules to RULES and need what stands above)
