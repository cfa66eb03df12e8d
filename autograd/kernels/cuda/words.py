"""The words of the vocabulary as Python for numba.cuda, and the functions that such a text may call."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from ...vocabulary import COMPARISONS
from . import angles, powers, tensor
from .prims import primitives
from .warps import instructions

FUNCTIONS = ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "tanh", "erf")
"""Words that are functions of the device's own library; float32 numbers go through its float32 functions."""

_TEXTS: dict[str, str] = {
    "+": "{0} + {1}",
    "-": "{0} - {1}",
    "*": "{0} * {1}",
    "/": "{0} / {1}",
    "**": "power({0}, {1})",
    "neg": "-{0}",
    "abs": "abs({0})",
    "floor": "floor({0})",
    "sign": "sign({0})",
    "max": "larger({0}, {1})",
    "min": "smaller({0}, {1})",
    "where": "{1} if {0} else {2}",
}


def spoken(word: str, dtype: str, operands: Sequence[str]) -> str:
    """A word applied to operands that are of one dtype already; the result is of `dtype`."""
    if word in COMPARISONS:
        return f"({operands[0]} {word} {operands[1]})"
    if word in angles.ANGLES and dtype == "float32":
        return f"{word}_float32({operands[0]})"
    if word in FUNCTIONS:
        return f"{dtype}({word}({operands[0]}))"
    if word in ("max", "min"):
        # NaN is larger and smaller than everything, as in numpy.
        left, right, sign = operands[0], operands[1], ">" if word == "max" else "<"
        unequal = f" or {left} != {left}" if np.dtype(dtype).kind == "f" else ""
        return f"({left} if {left} {sign} {right}{unequal} else {right})"
    if word == "sign":
        (x,) = operands
        return f"({dtype}(1) if {x} > 0 else {dtype}(-1) if {x} < 0 else {x})"
    if word == "**" and np.dtype(dtype).kind in "iu":
        return f"{dtype}(whole_power(int64({operands[0]}), int64({operands[1]})))"
    text = _TEXTS[word].format(*operands)
    # Whole numbers grow to 64 bits in numba, and the simulator computes as numpy does.
    return f"({text})" if word == "where" else f"{dtype}({text})"


def names(cuda: Any, simulated: bool) -> dict[str, Any]:
    """What the text of a kernel may name."""
    kinds = ("bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64")
    found: dict[str, Any] = {kind: getattr(np, kind) for kind in kinds}
    found |= {"cuda": cuda, "bool": np.bool_, "inf": math.inf, "nan": math.nan, "abs": abs, "min": min}
    found |= vars(primitives(simulated)) | instructions(cuda, simulated)
    found |= angles.functions(cuda, simulated) | tensor.instructions(simulated) | powers.functions(simulated)
    if simulated:
        from ...special import erf

        found |= {word: getattr(np, word, erf) for word in FUNCTIONS}
        return found | {"floor": np.floor, "power": np.power}
    found |= {word: getattr(math, word) for word in FUNCTIONS}
    return found | {"floor": math.floor, "power": math.pow}


def function(text: str, known: dict[str, Any]) -> Callable[..., Any]:
    """The one function that a text defines. The text is made here from a plan, never by a user."""
    code = compile(text, f"<kernel {hash(text):x}>", "exec")
    (inner,) = [each for each in code.co_consts if hasattr(each, "co_code")]
    return FunctionType(inner, dict(known), "kernel")
