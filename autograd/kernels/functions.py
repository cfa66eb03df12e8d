"""What every word of the vocabulary computes, over `Lanes`: numbers and vectors, float32 and float64, and whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from .vector import BIT, BYTE, FLOAT32, INT32, Lanes, declared


def _library(name: str) -> Callable[[Lanes], Lanes]:
    def function(x: Lanes) -> Lanes:
        scalar = declared(x.builder.module, name + ("f" if x.element is FLOAT32 else ""), x.element, [x.element])
        numbers = [x.builder.call(scalar, [x.lane(lane).value]) for lane in range(x.lanes)]
        return _together(x, numbers)

    return function


def _together(like: Lanes, numbers: list[ir.Value]) -> Lanes:
    if like.lanes == 1:
        return Lanes(like.builder, numbers[0])
    value = ir.Constant(like.kind, ir.Undefined)
    for lane, number in enumerate(numbers):
        value = like.builder.insert_element(value, number, INT32(lane))
    return Lanes(like.builder, value)


def _pair(x: Any, y: Any) -> tuple[Lanes, Lanes]:
    """Both as Lanes of one type; truth values as bytes, so that true is more than false."""
    if not isinstance(x, Lanes) or isinstance(y, Lanes) and y.lanes > x.lanes:
        x = y.like(x)
    y = x.like(y)
    return (x.cast(BYTE), y.cast(BYTE)) if x.element == BIT else (x, y)


def power(x: Any, y: Any) -> Lanes:
    x, y = _pair(x, y)
    name = "powf" if x.element is FLOAT32 else "pow"
    scalar = declared(x.builder.module, name, x.element, [x.element, x.element])
    calls = [x.builder.call(scalar, [x.lane(lane).value, y.lane(lane).value]) for lane in range(x.lanes)]
    return _together(x, calls)


def sign(x: Lanes) -> Lanes:
    """−1, 0 or 1; NaN stays."""
    signs = (x > 0).select(x.number(1), (x < 0).select(x.number(-1), x.number(0)))
    return x.is_nan().select(x, signs) if x.is_float else signs


def where(condition: Lanes, yes: Any, no: Any) -> Lanes:
    """`yes` where the condition is not 0, else `no`."""
    return condition.cast(BIT).select(yes, no)


exp, expm1, log, log1p = _library("exp"), _library("expm1"), _library("log"), _library("log1p")
sin, cos, tan, tanh, erf = _library("sin"), _library("cos"), _library("tan"), _library("tanh"), _library("erf")


def sigmoid(x: Lanes) -> Lanes:
    """1 / (1 + e^(−x))."""
    return 1 / (exp(-x) + 1)


def _between(function: Callable[[Lanes, Lanes], Lanes]) -> Callable[[Any, Any], Lanes]:
    return lambda x, y: function(*_pair(x, y))


SPOKEN: dict[str, Callable[..., Lanes]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "**": power,
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
