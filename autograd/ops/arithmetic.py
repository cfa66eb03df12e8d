"""Addition, subtraction, multiplication, division, negation and powers: what the operators mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import DtypeError
from ..leaves import constant
from ..node import Leaf, Node
from ..node import infix as signs
from ..notation import FRACTION, NEGATIVE, POWER_OF, PRODUCT, SUM, infix, superscript
from ..op import ARITHMETIC, elementwise, example

__all__ = ["add", "div", "mul", "neg", "pow", "ratio", "square", "sub"]

add = elementwise(
    "add", "a + b", sign="+", kind=ARITHMETIC, notation=infix("+", SUM), letter="a",
    words="add {a} and {b}",
    why="a sum moves exactly as much as each of its terms, so each term receives the gradient unchanged",
    gradient=lambda g, y, a, b: (g, g),
    example=[example((3, 4), (3, 4)), example((3, 4), (4,)), example((2, 1), (1, 3)), example((), ())],
)  # fmt: skip

sub = elementwise(
    "sub", "a - b", sign="-", kind=ARITHMETIC, notation=infix("−", SUM, "-", right=PRODUCT), letter="d",
    words="subtract {b} from {a}",
    why="a difference follows its first term and moves against its second, so the second receives the gradient with its"
    " sign turned",
    gradient=lambda g, y, a, b: (g, -g),
    example=[example((3, 4), (3, 4)), example((3, 4), (3, 1))],
)  # fmt: skip

mul = elementwise(
    "mul", "a * b", sign="*", kind=ARITHMETIC, notation=infix("·", PRODUCT, r"\cdot "), symbol="×", letter="m",
    words="multiply {a} by {b}",
    why="in a product each factor is the slope of the other, so each receives the gradient times the other factor",
    gradient=lambda g, y, a, b: (g * b, g * a),
    example=[example((3, 4), (3, 4)), example((3, 4), (4,)), example((), (3,))],
)  # fmt: skip

div = elementwise(
    "div", "a / b", sign="/", kind=ARITHMETIC, notation=FRACTION, symbol="÷", letter="q",
    words="divide {a} by {b}",
    why="the numerator is scaled by 1/b; the denominator acts through −a/b², which is −y/b",
    pitfalls=("dividing by a number near zero makes both the value and its gradient huge",),
    gradient=lambda g, y, a, b: (g / b, -g * y / b),
    example=[example((3, 4), (3, 4), domain=((-2, 2), (0.5, 2))), example((3, 4), (4,), domain=((-2, 2), (0.5, 2)))],
)  # fmt: skip

neg = elementwise(
    "neg", "-a", sign="neg", kind=ARITHMETIC, notation=NEGATIVE, linear=True,
    words="turn the sign of {a}",
    why="turning the sign of the input turns the sign of the output, so the gradient turns its sign too",
    gradient=lambda g, y, a: (-g,),
    example=example((3, 4)),
)  # fmt: skip

square = elementwise(
    "square", "x * x", kind=ARITHMETIC, notation=superscript("2"), symbol="( )²", letter="s",
    words="square {x}",
    why="the power rule: the exponent 2 comes down as a factor, so the slope is 2x",
    gradient=lambda g, y, x: (g * (2 * x),),
    example=example((3, 4)),
)  # fmt: skip

ratio = elementwise(
    "ratio", "where(abs(a) + abs(b) == 0, 0, a / b)", kind=ARITHMETIC, notation=FRACTION, symbol="÷", letter="q",
    words="divide {a} by {b}, where 0/0 counts as 0",
    why="a quotient: the numerator is scaled by 1/b and the denominator acts through −a/b²; where 0/0 was set to 0"
    " nothing is sent back",
    pitfalls=("only 0/0 is set to 0: a number other than zero divided by zero is still infinite",),
    gradient=lambda g, y, a, b: (ratio(g, b), -ratio(g * y, b)),
    example=[example((3, 4), (3, 4), domain=((-2, 2), (0.5, 2))), example((3, 4), (3, 1), domain=((-2, 2), (0.5, 2)))],
)  # fmt: skip


def _whole_powers(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    a, b = inputs
    if a.dtype.kind in "iu" and b.dtype.kind == "i" and _is_constant(b) and np.any(b.value < 0):
        raise DtypeError(
            "pow: whole numbers have no negative powers that are whole; write 2.0 instead of 2, or convert with"
            " ng.cast(x, 'float64')"
        )
    return params


def _is_constant(node: Node) -> bool:
    return isinstance(node, Leaf) and node.role == "constant"


def _pow_gradient(g: Node, y: Node, a: Node, b: Node) -> tuple[Node | None, Node | None]:
    return _to_base(g, a, b), _to_exponent(g, y, a, b) if b.dtype.kind == "f" and not _is_constant(b) else None


def _to_base(g: Node, a: Node, b: Node) -> Node | None:
    """g · b · a^(b−1). A known exponent is lowered now, so that x² gives 2·x, a constant gives nothing, and 0·0⁻¹ never
    occurs."""
    if not _is_constant(b):
        if b.dtype.kind == "f":
            return g * (b * a ** (b - 1))
        return g * (b * a ** signs["where"](signs["=="](b, 0), 1, b - 1))
    exponent = b.params.get("size", b.value)
    if not np.any(exponent):
        return None
    if np.all(exponent == 1):
        return g
    if np.all(exponent == 2):
        return g * (2 * a)
    lowered = exponent - 1 if np.all(exponent) else np.where(exponent == 0, 1, exponent - 1)
    return g * (b * a ** constant(lowered, dtype=b.dtype))


def _to_exponent(g: Node, y: Node, a: Node, b: Node) -> Node:
    """g · y · ln a; a base of zero or below has no logarithm, and 0 stands in its place."""
    from .functions import log, log_positive  # the page above this one

    return g * (y * (log if _is_constant(a) and np.all(a.value > 0) else log_positive)(a))


pow = elementwise(
    "pow", "a ** b", sign="**", kind=ARITHMETIC, notation=POWER_OF, letter="p", normalize=_whole_powers,
    words="raise {a} to the power {b}",
    why="for the base the exponent comes down as a factor and is lowered by one, b·a^(b−1); for the exponent the growth"
    " is proportional to the value itself, y·ln a",
    pitfalls=(
        "a negative base has a power only for whole exponents; otherwise the value is nan",
        "the exponent receives a gradient only where the base is positive, for only there does ln a exist; elsewhere it"
        " receives 0",
        "below 1 a positive exponent makes the slope at 0 infinite, as for the square root",
    ),
    gradient=_pow_gradient,
    example=[example((3, 4), (3, 4), domain=((0.5, 2), (-2, 2))), example((3, 4), (), domain=((0.5, 2), (-2, 2)))],
)  # fmt: skip
