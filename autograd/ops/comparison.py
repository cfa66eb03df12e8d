"""Comparing and choosing: results that are true or false, and values taken from one operand or the other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import ParameterError
from ..node import Node, add_method
from ..notation import COMPARE, SUM, call, infix
from ..op import COMPARISON, elementwise, example

__all__ = [
    "clip", "equal", "greater", "greater_equal", "isfinite", "isnan", "less", "less_equal", "logical_and",
    "logical_not",
    "logical_or", "maximum", "minimum", "not_equal", "where",
]  # fmt: skip

_FLAT = "true or false does not vary smoothly, so no gradient is sent back"
_PAIR = [example((3, 4), (3, 4), distinct=True), example((3, 4), (4,))]
_TRUTHS = [example((3, 4), (3, 4), booleans=(0, 1))]

less = elementwise(
    "less", "a < b", sign="<", kind=COMPARISON, notation=infix("<", COMPARE, right=SUM), differentiable=False,
    words="whether {a} is less than {b}", why=_FLAT, example=_PAIR,
)  # fmt: skip

less_equal = elementwise(
    "less_equal", "a <= b", sign="<=", kind=COMPARISON, notation=infix("≤", COMPARE, r"\le ", right=SUM),
    differentiable=False,
    words="whether {a} is at most {b}", why=_FLAT, example=_PAIR,
)  # fmt: skip

greater = elementwise(
    "greater", "a > b", sign=">", kind=COMPARISON, notation=infix(">", COMPARE, right=SUM), differentiable=False,
    words="whether {a} is greater than {b}", why=_FLAT, example=_PAIR,
)  # fmt: skip

greater_equal = elementwise(
    "greater_equal", "a >= b", sign=">=", kind=COMPARISON, notation=infix("≥", COMPARE, r"\ge ", right=SUM),
    differentiable=False,
    words="whether {a} is at least {b}", why=_FLAT, example=_PAIR,
)  # fmt: skip

equal = elementwise(
    "equal", "a == b", kind=COMPARISON, notation=infix("=", COMPARE, right=SUM), differentiable=False,
    words="whether {a} equals {b}", why=_FLAT,
    pitfalls=("between nodes the sign == asks whether they are the same node; write ng.equal to compare values",),
    example=[example((3, 4), (3, 4), integers={0: 3, 1: 3}), example((3, 4), (4,))],
)  # fmt: skip

not_equal = elementwise(
    "not_equal", "a != b", kind=COMPARISON, notation=infix("≠", COMPARE, r"\ne ", right=SUM), differentiable=False,
    words="whether {a} differs from {b}", why=_FLAT,
    example=[example((3, 4), (3, 4), integers={0: 3, 1: 3}), example((3, 4), (4,))],
)  # fmt: skip

logical_and = elementwise(
    "logical_and", "where(a != 0, b != 0, a != 0)", kind=COMPARISON, notation=infix("∧", COMPARE, r"\land ", right=SUM),
    differentiable=False, numpy=np.logical_and,
    words="whether both {a} and {b} are true", why=_FLAT, example=_TRUTHS,
)  # fmt: skip

logical_or = elementwise(
    "logical_or", "where(a != 0, a != 0, b != 0)", kind=COMPARISON, notation=infix("∨", COMPARE, r"\lor ", right=SUM),
    differentiable=False, numpy=np.logical_or,
    words="whether {a} or {b} or both are true", why=_FLAT, example=_TRUTHS,
)  # fmt: skip

logical_not = elementwise(
    "logical_not", "a == 0", kind=COMPARISON, notation=call("¬", r"\lnot "), differentiable=False, numpy=np.logical_not,
    words="whether {a} is false", why=_FLAT, example=example((3, 4), booleans=(0,)),
)  # fmt: skip

isnan = elementwise(
    "isnan", "x != x", kind=COMPARISON, differentiable=False, numpy=np.isnan,
    words="whether {x} is not a number", why=_FLAT, example=example((3, 4)),
)  # fmt: skip

isfinite = elementwise(
    "isfinite", "x - x == 0", kind=COMPARISON, differentiable=False, numpy=np.isfinite,
    words="whether {x} is an ordinary number, neither infinite nor nan", why=_FLAT, example=example((3, 4)),
)  # fmt: skip

where = elementwise(
    "where", "where(condition, a, b)", kind=COMPARISON, notation=call("where"), symbol="?", letter="c",
    words="{a} where {condition} holds, else {b}",
    why="the operand that was taken receives the gradient, the other one nothing",
    pitfalls=("both operands are computed: an infinite slope in the one not taken becomes nan; make its input safe"
              " first",),
    gradient=lambda g, y, condition, a, b: (None, where(condition, g, 0), where(condition, 0, g)),
    example=[example((3, 4), (3, 4), (3, 4), booleans=(0,)), example((3, 1), (3, 4), (), booleans=(0,))],
)  # fmt: skip

maximum = elementwise(
    "maximum", "max(a, b)", kind=COMPARISON, notation=call("max", r"\max"), letter="m",
    words="the larger of {a} and {b}",
    why="only the larger operand moves the result, so it alone receives the gradient; equal ones share it half and"
    " half",
    pitfalls=("there is a kink where both are equal: each then receives half",),
    gradient=lambda g, y, a, b: (
        where(a > b, g, where(equal(a, b), g / 2, 0)), where(a < b, g, where(equal(a, b), g / 2, 0))
    ),
    example=[example((3, 4), (3, 4), domain=((-2, 2), (-2.1, 1.9)), distinct=True),
             example((3, 4), (), domain=((0.2, 2), (-1, 0)))],
)  # fmt: skip

minimum = elementwise(
    "minimum", "min(a, b)", kind=COMPARISON, notation=call("min", r"\min"), letter="m",
    words="the smaller of {a} and {b}",
    why="only the smaller operand moves the result, so it alone receives the gradient; equal ones share it half and"
    " half",
    pitfalls=("there is a kink where both are equal: each then receives half",),
    gradient=lambda g, y, a, b: (
        where(a < b, g, where(equal(a, b), g / 2, 0)), where(a > b, g, where(equal(a, b), g / 2, 0))
    ),
    example=[example((3, 4), (3, 4), domain=((-2, 2), (-2.1, 1.9)), distinct=True),
             example((3, 4), (), domain=((0.2, 2), (-1, 0)))],
)  # fmt: skip


def _bounds(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Both bounds as numbers: a missing one becomes the least or greatest number of the dtype."""
    (x,) = inputs
    whole = x.dtype.kind in "iu"
    ends = (np.iinfo(x.dtype).min, np.iinfo(x.dtype).max) if whole else (-math.inf, math.inf)
    bounds = []
    for value, end in zip((params["low"], params["high"]), ends):
        if value is None:
            value = end
        if not isinstance(value, (int, float, np.integer, np.floating)):
            raise ParameterError(
                "clip takes numbers as bounds; for bounds that vary write ng.minimum(ng.maximum(x, low), high), not"
                f" {value!r}"
            )
        bounds.append(value.item() if isinstance(value, np.generic) else value)
    low, high = bounds
    if not low <= high:
        raise ParameterError(f"clip: low={low} is above high={high}, so nothing fits between them")
    return {"low": low, "high": high}


clip = elementwise(
    "clip", "min(max(x, low), high)", kind=COMPARISON, params={"low": None, "high": None}, normalize=_bounds,
    letter="c",
    words="keep {x} between {low} and {high}",
    why="between the bounds the result moves with the input; beyond them it stays put and nothing is sent back",
    pitfalls=("outside the bounds the gradient is 0, so a parameter that has strayed there does not come back",
              "on a bound the slope 1 is chosen"),
    gradient=lambda g, y, x, low, high: (where(equal(x, y), g, 0),),
    example=[example((3, 4), params={"low": -1.0, "high": 1.0}, avoid=(-1.0, 1.0)),
             example((3, 4), params={"low": 0.0}, avoid=(0.0,)),
             example((3, 4), params={"high": 0.5}, avoid=(0.5,))],
)  # fmt: skip

add_method("clip", clip)
