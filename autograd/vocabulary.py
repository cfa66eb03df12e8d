"""The scalar words in which the smallest ops are written, spoken in several languages.

A scalar text such as `where(x > 0, x, slope * x)` is parsed once and then spoken: in numpy it becomes a function of
arrays, in the language of the graph a formula over nodes, in SymPy a symbolic expression. Texts come from op
declarations only, never from users.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from .special import erf

SIGNS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.USub: "neg",
}  # fmt: skip


COMPARISONS = frozenset(sign for kind, sign in SIGNS.items() if issubclass(kind, ast.cmpop))
"""The words that give true or false."""
MANY = 16
"""Cycles of a series of instructions, such as an exponential."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word: what numpy calls it, what SymPy calls it, how many operands it takes, what it costs.

    `analytic`: numpy computes it for complex numbers too, as the continuation of the same function, so that a step into
    the complex plane gives its slope. `cycles`: about how long a processor takes for a vector of them: 1 where it has
    an instruction, more where that is a slow one, MANY for a series of instructions.
    """

    numpy: Callable[..., Any]
    sympy: str
    arity: int
    analytic: bool = True
    cycles: int = MANY


WORDS: dict[str, Word] = {
    "+": Word(np.add, "Add", 2, cycles=1),
    "-": Word(np.subtract, "_sub", 2, cycles=1),
    "*": Word(np.multiply, "Mul", 2, cycles=1),
    "/": Word(np.true_divide, "_div", 2, cycles=6),
    "**": Word(np.power, "Pow", 2),
    "neg": Word(np.negative, "_neg", 1, cycles=1),
    "<": Word(np.less, "StrictLessThan", 2, cycles=1),
    "<=": Word(np.less_equal, "LessThan", 2, cycles=1),
    ">": Word(np.greater, "StrictGreaterThan", 2, cycles=1),
    ">=": Word(np.greater_equal, "GreaterThan", 2, cycles=1),
    "==": Word(np.equal, "Equality", 2, cycles=1),
    "!=": Word(np.not_equal, "Unequality", 2, cycles=1),
    "exp": Word(np.exp, "exp", 1),
    "expm1": Word(np.expm1, "_expm1", 1),
    "log": Word(np.log, "log", 1),
    "log1p": Word(np.log1p, "_log1p", 1),
    "sqrt": Word(np.sqrt, "sqrt", 1, cycles=10),
    "sin": Word(np.sin, "sin", 1),
    "cos": Word(np.cos, "cos", 1),
    "tan": Word(np.tan, "tan", 1),
    "tanh": Word(np.tanh, "tanh", 1),
    "erf": Word(erf, "erf", 1, analytic=False),
    "abs": Word(np.abs, "Abs", 1, analytic=False, cycles=1),
    "sign": Word(np.sign, "sign", 1, analytic=False, cycles=1),
    "floor": Word(np.floor, "floor", 1, analytic=False, cycles=1),
    "max": Word(np.maximum, "Max", 2, analytic=False, cycles=1),
    "min": Word(np.minimum, "Min", 2, analytic=False, cycles=1),
    "where": Word(np.where, "_where", 3, cycles=1),
}


@cache
def parsed(text: str) -> ast.expr:
    """The syntax tree of a scalar text."""
    return ast.parse(text, mode="eval").body


def call_of(tree: ast.expr) -> tuple[str, list[ast.expr]] | None:
    """The word and the operands of a tree, or None when it is a name or a number."""
    if isinstance(tree, ast.BinOp):
        return SIGNS[type(tree.op)], [tree.left, tree.right]
    if isinstance(tree, ast.UnaryOp):
        return SIGNS[type(tree.op)], [tree.operand]
    if isinstance(tree, ast.Compare):
        return SIGNS[type(tree.ops[0])], [tree.left, tree.comparators[0]]
    if isinstance(tree, ast.Call):
        assert isinstance(tree.func, ast.Name)
        return tree.func.id, list(tree.args)
    return None


def spoken(text: str, names: Sequence[str], language: Callable[[str], Callable[..., Any]]) -> Callable[..., Any]:
    """The text as a function of `names`, built from the functions that `language` gives for each word.

    A text that is one word applied to its names in order is that word itself: `a + b` in numpy *is* np.add.

    >>> numpy_language = lambda word: WORDS[word].numpy
    >>> spoken("a + b", ("a", "b"), numpy_language)
    <ufunc 'add'>
    >>> float(spoken("where(x > 0, x, slope * x)", ("x", "slope"), numpy_language)(-2.0, slope=0.5))
    -1.0
    """
    tree = parsed(text)
    found = call_of(tree)
    if found and [getattr(operand, "id", None) for operand in found[1]] == list(names):
        return language(found[0])
    body = _closure(tree, language)

    def function(*values: Any, **more: Any) -> Any:
        return body(dict(zip(names, values), **more))

    return function


def _closure(tree: ast.expr, language: Callable[[str], Callable[..., Any]]) -> Callable[[Mapping[str, Any]], Any]:
    if isinstance(tree, ast.Name):
        name = tree.id
        return lambda scope: scope[name]
    if isinstance(tree, ast.Constant):
        number = tree.value
        return lambda scope: number
    word, operands = call_of(tree)  # type: ignore[misc]
    function = language(word)
    parts = [_closure(operand, language) for operand in operands]
    if len(parts) == 1:
        (only,) = parts
        return lambda scope: function(only(scope))
    if len(parts) == 2:
        left, right = parts
        return lambda scope: function(left(scope), right(scope))
    return lambda scope: function(*[part(scope) for part in parts])
