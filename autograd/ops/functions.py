"""The functions of a first course in analysis: exponentials, logarithms, roots, waves."""

from __future__ import annotations

import numpy as np

from ..notation import ATOM, EXPONENTIAL, PRODUCT, ROOT, Notation, call, fence
from ..op import ACTIVATION, FUNCTION, elementwise, example
from .arithmetic import ratio, square
from .comparison import where

__all__ = [
    "abs",
    "cos",
    "erf",
    "exp",
    "expm1",
    "floor",
    "log",
    "log1p",
    "log2",
    "log_positive",
    "sign",
    "sin",
    "sqrt",
    "tan",
    "tanh",
    "xlogy",
]

LN2 = 0.6931471805599453
TWO_OVER_ROOT_PI = 1.1283791670955126

exp = elementwise(
    "exp", "exp(x)", kind=FUNCTION, notation=EXPONENTIAL, symbol="exp", letter="e",
    words="raise e to the power {x}",
    why="the exponential is its own derivative, so the slope is the value itself",
    pitfalls=("above 709 (88 in float32) the result is infinite",),
    gradient=lambda g, y, x: (g * y,),
    example=example((3, 4)),
)  # fmt: skip

expm1 = elementwise(
    "expm1", "expm1(x)", kind=FUNCTION, notation=call("expm1"), letter="e",
    words="e to the power {x}, less 1",
    why="subtracting 1 does not change the slope of the exponential, which is e^x = y + 1",
    pitfalls=("near 0, exp(x) − 1 loses its digits; this form keeps them",),
    gradient=lambda g, y, x: (g * (y + 1),),
    example=example((3, 4)),
)  # fmt: skip

log = elementwise(
    "log", "log(x)", kind=FUNCTION, notation=call("ln", r"\ln"), letter="l",
    words="take the natural logarithm of {x}",
    why="the logarithm undoes the exponential, so its slope is one over the input",
    pitfalls=("ln 0 is −inf and the logarithm of a negative number is nan",),
    gradient=lambda g, y, x: (g / x,),
    example=example((3, 4), domain=(0.5, 3.0)),
)  # fmt: skip

log1p = elementwise(
    "log1p", "log1p(x)", kind=FUNCTION, notation=call("log1p"), letter="l",
    words="take the natural logarithm of 1 plus {x}",
    why="the slope of a logarithm is one over what it is taken of, here 1 + x",
    pitfalls=("near 0, ln(1 + x) loses its digits; this form keeps them",),
    gradient=lambda g, y, x: (g / (1 + x),),
    example=example((3, 4), domain=(-0.5, 3.0)),
)  # fmt: skip

log2 = elementwise(
    "log2", f"log(x) / {LN2}", kind=FUNCTION, notation=call("log₂", r"\log_2"), letter="l", numpy=np.log2,
    words="take the logarithm of {x} to base 2",
    why="it is the natural logarithm divided by ln 2, so the slope is 1 over x·ln 2",
    gradient=lambda g, y, x: (g / (LN2 * x),),
    example=example((3, 4), domain=(0.5, 3.0)),
)  # fmt: skip

log_positive = elementwise(
    "log_positive", "log(where(x > 0, x, 1))", kind=FUNCTION, notation=call("ln", r"\ln"), letter="l",
    words="take the natural logarithm of {x} where it is positive, else 0",
    why="the slope of the logarithm is one over its input; where 0 was put in its place nothing is sent back",
    pitfalls=("where the input is not positive there is no logarithm, and the 0 is a choice",),
    gradient=lambda g, y, x: (where(x > 0, g, 0) / where(x > 0, x, 1),),
    example=[example((3, 4), domain=(0.5, 3.0)), example((3, 4), avoid=(0.0,))],
)  # fmt: skip

sqrt = elementwise(
    "sqrt", "sqrt(x)", kind=FUNCTION, notation=ROOT, symbol="√", letter="r",
    words="take the square root of {x}",
    why="from y² = x follows 2y·dy = dx, so the slope is one over twice the root",
    pitfalls=("the slope at 0 is infinite; add a small number under the root, or use ng.norm for a length",),
    gradient=lambda g, y, x: (g / (2 * y),),
    example=example((3, 4), domain=(0.5, 3.0)),
)  # fmt: skip

abs = elementwise(
    "abs", "abs(x)", kind=FUNCTION, notation=fence("|", "|", r"\left|", r"\right|"), symbol="| |", letter="m",
    words="the size of {x} without its sign",
    why="to the right of 0 the slope is 1, to the left −1: it is the sign of the input",
    pitfalls=("there is a kink at 0, where the slope 0 is chosen",),
    gradient=lambda g, y, x: (g * sign(x),),
    example=example((3, 4), avoid=(0.0,)),
)  # fmt: skip

sign = elementwise(
    "sign", "sign(x)", kind=FUNCTION, notation=call("sign", r"\operatorname{sign}"), differentiable=False,
    words="the sign of {x}: −1, 0 or 1",
    why="the result is constant except for a jump at 0, so no gradient is sent back",
    pitfalls=("a net that ends in sign cannot be trained by its gradient, which is 0",),
    example=example((3, 4), avoid=(0.0,)),
)  # fmt: skip

floor = elementwise(
    "floor", "floor(x)", kind=FUNCTION, notation=fence("⌊", "⌋", r"\lfloor", r"\rfloor"), symbol="⌊ ⌋",
    differentiable=False,
    words="round {x} down to a whole number",
    why="the result is constant between whole numbers, so no gradient is sent back",
    example=example((3, 4), avoid=(-2.0, -1.0, 0.0, 1.0, 2.0)),
)  # fmt: skip

sin = elementwise(
    "sin", "sin(x)", kind=FUNCTION, notation=call("sin", r"\sin"), letter="s",
    words="take the sine of {x}, in radians",
    why="the slope of the sine is the cosine",
    gradient=lambda g, y, x: (g * cos(x),),
    example=example((3, 4)),
)  # fmt: skip

cos = elementwise(
    "cos", "cos(x)", kind=FUNCTION, notation=call("cos", r"\cos"), letter="c",
    words="take the cosine of {x}, in radians",
    why="the slope of the cosine is the sine with its sign turned",
    gradient=lambda g, y, x: (-g * sin(x),),
    example=example((3, 4)),
)  # fmt: skip

tan = elementwise(
    "tan", "tan(x)", kind=FUNCTION, notation=call("tan", r"\tan"), letter="t",
    words="take the tangent of {x}, in radians",
    why="the quotient rule on sin/cos gives 1 + tan²",
    pitfalls=("it has poles at ±π/2, ±3π/2, …",),
    gradient=lambda g, y, x: (g * (1 + square(y)),),
    example=example((3, 4), domain=(-1.2, 1.2)),
)  # fmt: skip

tanh = elementwise(
    "tanh", "tanh(x)", kind=ACTIVATION, notation=call("tanh", r"\tanh"), letter="f",
    words="squash {x} between −1 and 1 by the hyperbolic tangent",
    why="the quotient rule on (eˣ − e⁻ˣ)/(eˣ + e⁻ˣ) gives 1 − tanh²",
    pitfalls=("far from 0 the curve is flat and the gradient vanishes",),
    gradient=lambda g, y, x: (g * (1 - square(y)),),
    example=example((3, 4)),
)  # fmt: skip

erf = elementwise(
    "erf", "erf(x)", kind=FUNCTION, notation=call("erf", r"\operatorname{erf}"), letter="f",
    words="the error function of {x}: the area under the bell curve 2/√π·e^(−t²) from 0",
    why="the slope of an area is the height of the curve, 2/√π·e^(−x²)",
    gradient=lambda g, y, x: (g * (TWO_OVER_ROOT_PI * exp(-square(x))),),
    example=example((3, 4)),
)  # fmt: skip

xlogy = elementwise(
    "xlogy", "where(x == 0, 0, x * log(y))", kind=FUNCTION,
    notation=Notation("infix", "·ln ", r"\ln ", PRODUCT, (PRODUCT, ATOM)),
    symbol="·ln", letter="m",
    words="multiply {x} by the natural logarithm of {y}, where 0·ln 0 counts as 0",
    why="a product: the first factor receives ln y, and through the logarithm the second receives x/y",
    pitfalls=("x·ln y goes to 0 with x, however fast y falls; written out, 0·ln 0 would be nan",),
    gradient=lambda g, product, x, y: (g * log(y), g * ratio(x, y)),
    example=[example((3, 4), (3, 4), domain=((-2, 2), (0.5, 3))), example((3, 4), (4,), domain=((-2, 2), (0.5, 3)))],
)  # fmt: skip
