"""Scalar texts as steps of a loop: every word with the dtype numpy would compute it in."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from ...errors import NngraphError
from ...kernels.loops import Apply, Number
from ...kernels.vector import ELEMENTS
from ...vocabulary import COMPARISONS, WORDS, call_of, parsed

Operand = int | Number


@cache
def result_dtype(word: str, operands: tuple[Any, ...]) -> str:
    """What numpy gives for a word on these dtypes (names) and Python numbers, found by asking it on empty arrays."""
    values = [np.empty(0, each) if isinstance(each, str) else each.value for each in operands]
    with np.errstate(all="ignore"):
        return np.asarray(WORDS[word].numpy(*values)).dtype.name


@cache
def _common(operands: tuple[Any, ...]) -> str:
    values = [np.empty(0, each) if isinstance(each, str) else each.value for each in operands]
    return np.result_type(*values).name


class Steps:
    """Steps being collected: values are numbered, equal steps are found again."""

    def __init__(self) -> None:
        self.dtypes: list[str] = []
        self.steps: list[Any] = []
        self.known: dict[Any, int] = {}

    def read(self, dtype: str) -> int:
        """A value that is read; all reads come before the steps."""
        if self.steps:
            raise NngraphError("a value is read after steps have been numbered")
        self.dtypes.append(dtype)
        return len(self.dtypes) - 1

    def add(self, step: Any) -> int:
        """A step; its value's number."""
        found = self.known.get(step)
        if found is None:
            self.steps.append(step)
            self.dtypes.append(step.dtype)
            found = self.known[step] = len(self.dtypes) - 1
        return found

    def dtype(self, operand: Operand) -> Any:
        """The dtype of a value; a number stands for itself, because Python numbers are weak."""
        return operand if isinstance(operand, Number) else self.dtypes[operand]

    def cast(self, operand: Operand, dtype: str) -> Operand:
        """A value in another dtype."""
        if isinstance(operand, Number) or self.dtypes[operand] == dtype:
            return operand
        return self.add(Apply("cast", (operand,), dtype))

    def apply(self, word: str, operands: Sequence[Operand]) -> Operand:
        """One word, with its operands brought to the dtype it computes in."""
        if all(isinstance(each, Number) for each in operands):
            numbers = [each.value for each in operands if isinstance(each, Number)]
            return Number(np.asarray(WORDS[word].numpy(*numbers)).item())
        kinds = tuple(self.dtype(each) for each in operands)
        result = result_dtype(word, kinds)
        if word == "where":
            condition = self.cast(operands[0], "bool")
            return self.add(Apply(word, (condition, *[self.cast(each, result) for each in operands[1:]]), result))
        if word in COMPARISONS and "uint64" in kinds and any(str(kind).startswith("int") for kind in kinds):
            return self._compared(word, operands)
        inner = _common(kinds) if word in COMPARISONS else result
        return self.add(Apply(word, tuple(self.cast(each, inner) for each in operands), result))

    def _compared(self, word: str, operands: Sequence[Operand]) -> Operand:
        """A number with a sign beside a uint64, which no dtype holds both: exactly, as numpy compares them."""
        first = str(self.dtype(operands[0])).startswith("int")
        negative = self.apply("<", (operands[0] if first else operands[1], Number(0)))
        unsigned = [self.cast(each, "uint64") for each in operands]
        result = Number(bool(WORDS[word].numpy(*((-1, 0) if first else (0, -1)))))
        return self.apply("where", (negative, result, self.apply(word, unsigned)))

    def text(self, text: str, scope: Mapping[str, Operand]) -> Operand:
        """A whole scalar text; `scope` gives its names."""

        def built(tree: ast.expr) -> Operand:
            if isinstance(tree, ast.Name):
                return scope[tree.id]
            if isinstance(tree, ast.Constant):
                return Number(tree.value)
            word, operands = call_of(tree)  # type: ignore[misc]
            return self.apply(word, [built(operand) for operand in operands])

        return built(parsed(text))


@cache
def is_native(text: str, names: tuple[str, ...], dtypes: tuple[str, ...], params: tuple[tuple[str, Any], ...]) -> bool:
    """Whether a scalar text on operands of these dtypes needs only words and dtypes that loops have."""
    steps = Steps()
    scope: dict[str, Operand] = {name: steps.read(dtype) for name, dtype in zip(names, dtypes)}
    try:
        steps.text(text, scope | {name: Number(value) for name, value in params})
    except TypeError:  # numpy refuses the word for the dtype; an op that allows it has another way in numpy
        return False
    return all(dtype in ELEMENTS for dtype in steps.dtypes)


@cache
def exponents(text: str) -> tuple[str, ...]:
    """The names of a scalar text that stand as exponents."""
    powers = [each for each in ast.walk(parsed(text)) if isinstance(each, ast.BinOp) and isinstance(each.op, ast.Pow)]
    return tuple(each.right.id for each in powers if isinstance(each.right, ast.Name))
