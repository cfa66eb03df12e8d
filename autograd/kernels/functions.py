"""What every word of the vocabulary computes, over `Lanes`: numbers and vectors, float32 and float64, and whole
numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .exponential import erf, exp, expm1, log, log1p, sigmoid, tanh
from .powers import power
from .trigonometric import cos, sin, tan
from .vector import BIT, Lanes

__all__ = ["SPOKEN", "erf", "exp", "expm1", "log", "log1p", "power", "sigmoid", "sign", "tanh", "where"]


def _pair(x: Any, y: Any) -> tuple[Lanes, Lanes]:
    """Both as Lanes of one type."""
    if not isinstance(x, Lanes) or (isinstance(y, Lanes) and y.lanes > x.lanes):
        x = y.like(x)
    return x, x.like(y)


def sign(x: Lanes) -> Lanes:
    """−1, 0 or 1; NaN stays."""
    signs = (x > 0).select(x.number(1), (x < 0).select(x.number(-1), x.number(0)))
    return x.is_nan().select(x, signs) if x.is_float else signs


def where(condition: Lanes, yes: Any, no: Any) -> Lanes:
    """`yes` where the condition is not 0, else `no`."""
    return condition.cast(BIT).select(yes, no)


def _between(function: Callable[[Lanes, Lanes], Lanes]) -> Callable[[Any, Any], Lanes]:
    return lambda x, y: function(*_pair(x, y))


SPOKEN: dict[str, Callable[..., Lanes]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "**": _between(power),
    "neg": lambda x: -x,
    "<": _between(lambda x, y: x < y),
    "<=": _between(lambda x, y: x <= y),
    ">": _between(lambda x, y: x > y),
    ">=": _between(lambda x, y: x >= y),
    "==": _between(Lanes.equals),
    "!=": _between(Lanes.differs),
    "exp": exp, "expm1": expm1, "log": log, "log1p": log1p, "sqrt": Lanes.sqrt,
    "sin": sin, "cos": cos, "tan": tan, "tanh": tanh, "erf": erf,
    "abs": Lanes.abs, "sign": sign, "floor": lambda x: x.floor() if x.is_float else x,
    "max": _between(Lanes.maximum), "min": _between(Lanes.minimum), "where": where,
}  # fmt: skip
"""Word of the vocabulary -> what a loop writes for it."""
