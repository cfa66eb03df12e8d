"""Numbers in an expression: which parts of its tree are plain numbers, and what arrays and inputs are made of them."""

from __future__ import annotations

import ast
from typing import Any


def as_inputs(function: Any, values: list[Any]) -> list[Any]:
    """Lists of numbers as arrays, and numbers that meet no node as floats; whole numbers only where an op indexes with them."""
    from ..autograd.node import Node

    counts = set().union(*(example.integers for example in getattr(function, "examples", ())))
    inputs = len(getattr(function, "inputs", values))
    alone = not any(isinstance(value, (Node, list)) for value in values[:inputs])
    ready = []
    for position, value in enumerate(values):
        if isinstance(value, list):
            value = _array(value, whole=position in counts) if is_numbers(value) else value
        elif alone and position < inputs and isinstance(value, (int, float)) and position not in counts:
            value = float(value)
        ready.append(value)
    return ready


def is_product(left: Any, right: Any) -> bool:
    """Whether two values fit as a matrix product, or two vectors as an inner product."""
    one, other = getattr(left, "shape", ()), getattr(right, "shape", ())
    return bool(one) and bool(other) and one[-1] == other[-2:][0]


def is_numbers(value: Any) -> bool:
    """Whether a value is a number, or a list of numbers however deep."""
    if isinstance(value, list):
        return bool(value) and all(is_numbers(part) for part in value)
    return isinstance(value, (int, float))


def floats(value: Any) -> Any:
    """A number or a list of numbers as floating-point numbers."""
    return _array(value, whole=False) if isinstance(value, list) else float(value)


def _array(value: list[Any], whole: bool) -> Any:
    import numpy as np

    array = np.asarray(value)
    return array if whole and array.dtype.kind == "i" else array.astype(np.float64)


def literal_number(node: ast.expr) -> float | None:
    """The number that a part of the tree is, signs included; None for anything else."""
    sign = 1
    while isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        sign, node = (-sign if isinstance(node.op, ast.USub) else sign), node.operand
    return sign * node.value if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) else None


def is_literal(node: ast.expr) -> bool:
    """Whether a part of the tree holds numbers only: no name, no function."""
    return not any(isinstance(part, (ast.Name, ast.Call)) for part in ast.walk(node))
