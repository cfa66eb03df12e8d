"""Addition, subtraction, multiplication, division, negation and powers: what the operators mean."""

from __future__ import annotations

from ..notation import FRACTION, NEGATIVE, POWER_OF, PRODUCT, SUM, infix, superscript
from ..op import ARITHMETIC, elementwise, example

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
    why="a difference follows its first term and moves against its second, so the second receives the gradient with its sign turned",
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
    "neg", "-a", sign="neg", kind=ARITHMETIC, notation=NEGATIVE,
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
