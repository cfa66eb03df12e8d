"""Where nan or infinity began: the first node, in run order, whose value is not finite, and what made it so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .engines.numpy import node_function
from .errors import MissingValue
from .graph import order
from .leaves import leaf_value
from .node import Leaf, Node, describe
from .op import inside
from .sites import source_line
from .vocabulary import WORDS, call_of, parsed

__all__ = ["NonFinite", "find_nonfinite"]


@dataclass(frozen=True, eq=False)
class NonFinite:
    """The first node that is not finite: where, from which operands, and why; its text says all of it."""

    node: Node
    value: np.ndarray
    index: tuple[int, ...]
    """The first entry of `value` that is not finite."""
    operands: Mapping[str, np.ndarray] = field(default_factory=dict)
    cause: str = ""
    count: int = 1
    """How many entries are not finite."""

    def __str__(self) -> str:
        file, line = source_line(self.node)
        at = f" at index {self.index}" if self.index else ""
        many = f" ({self.count} of {self.value.size} entries)" if self.count > 1 else ""
        lines = [
            f"{describe(self.node)} is {_text(self.value[self.index])}{at}{many}: {self.cause}",
            f"  built at {file}:{line}",
        ]
        lines += [f"  {name} = {_array_text(value)}" for name, value in self.operands.items()]
        return "\n".join(lines)


def find_nonfinite(y: Node | Sequence[Node], values: Mapping[Leaf, Any] | None = None) -> NonFinite | None:
    """The first node under y that holds nan or infinity, with its operands and the cause; None when all is finite.

    `values` gives leaves other values for this search only. MissingValue when a leaf has none.

    >>> import nngraph as ng
    >>> x = ng.input("x", [1.0, 0.0])
    >>> print(str(ng.find_nonfinite(ng.sum(ng.log(x) * x))).splitlines()[0])
    log (2, float64) is -inf at index (1,): log of 0
    """
    seen: dict[Node, Any] = {}
    for node in order(y):
        if isinstance(node, Leaf):
            given = values[node] if values is not None and node in values else None
            value = np.asarray(given, node.dtype) if given is not None else _leaf_value(node)
        else:
            with np.errstate(all="ignore"):
                value = node_function(node)(*[seen[source] for source in node.inputs])
        seen[node] = value
        for part in value if isinstance(value, tuple) else (value,):
            array = np.asarray(part)
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                return _record(node, array, [seen[source] for source in node.inputs])
    return None


def _leaf_value(leaf: Leaf) -> np.ndarray:
    try:
        return leaf_value(leaf)
    except MissingValue as error:
        raise MissingValue(f"find_nonfinite computes values: {error}") from None


def _record(node: Node, value: np.ndarray, operands: Sequence[Any]) -> NonFinite:
    bad = ~np.isfinite(value)
    index = tuple(int(axis) for axis in np.argwhere(bad)[0])
    if node.is_leaf:
        return NonFinite(node, value, index, {}, "this value was given", int(bad.sum()))
    names = [f"{node.op.inputs[0]}{i + 1}" for i in range(len(operands))] if node.op.variadic else list(node.op.inputs)
    named = {_name(name, source): np.asarray(array) for name, source, array in zip(names, node.inputs, operands)}
    return NonFinite(node, value, index, named, cause_of(node, value, index, operands), int(bad.sum()))


def _name(role: str, source: Node) -> str:
    return f"{role} ({source.name})" if source.name and source.name != role else role


# The cause ---------------------------------------------------------------------------------------------------------
def cause_of(node: Node, value: np.ndarray, index: tuple[int, ...], operands: Sequence[Any]) -> str:
    """Why a node with finite operands is not finite at `index`, in a few words: it goes into formulas down to one
    word."""
    while True:
        op = node.op
        if op.scalar is not None:
            at = [float(np.broadcast_to(np.asarray(each), value.shape)[index]) for each in operands]
            return _in_text(parsed(op.scalar), dict(zip(op.inputs, at), **node.params), value.dtype) or _overflow(
                value, index
            )
        if op.formula is None:
            return _overflow(value, index)
        graph = inside(op, node.inputs, node.params)
        seen: dict[Node, Any] = dict(zip(graph.inputs, operands))
        for inner in order(graph.outputs):
            if inner not in seen:
                with np.errstate(all="ignore"):
                    seen[inner] = (
                        leaf_value(inner)
                        if isinstance(inner, Leaf)
                        else node_function(inner)(*[seen[each] for each in inner.inputs])
                    )
            result = np.asarray(seen[inner])
            if result.dtype.kind == "f" and not np.isfinite(result).all():
                break
        else:
            return _overflow(value, index)  # the formula is finite; the faster form beside it is not
        if inner.is_leaf:
            return "it was given so"
        node, operands, value = inner, [seen[source] for source in inner.inputs], result
        index = tuple(int(axis) for axis in np.argwhere(~np.isfinite(value))[0])


def _in_text(tree: Any, scope: Mapping[str, Any], dtype: np.dtype) -> str:
    """The first word of a scalar text whose result is not finite, spoken; inner words come first."""
    causes: list[str] = []

    def speak(branch: Any) -> Any:
        found = call_of(branch)
        if found is None:
            return scope[branch.id] if hasattr(branch, "id") else branch.value
        word, parts = found
        if word == "where":
            return speak(parts[1] if speak(parts[0]) else parts[2])  # the branch not taken has no say
        numbers = [speak(part) for part in parts]
        if causes:
            return np.nan
        with np.errstate(all="ignore"):
            result = WORDS[word].numpy(
                *[np.asarray(number, dtype) if isinstance(number, float) else number for number in numbers]
            )
        if not np.isfinite(result):
            causes.append(_sentence(word, [float(number) for number in numbers], float(result)))
        return float(result) if np.asarray(result).dtype.kind == "f" else result

    speak(tree)
    return causes[0] if causes else ""


def _sentence(word: str, numbers: list[float], result: float) -> str:
    a = numbers[0]
    b = numbers[1] if len(numbers) > 1 else 0.0
    return _SENTENCES.get(word, _generic)(a, b, word, result)


def _generic(a: float, b: float, word: str, result: float) -> str:
    return f"{word} of {_text(a)} is {_text(result)}"


def _quotient(a: float, b: float, word: str, result: float) -> str:
    if b == 0:
        return "division 0/0" if a == 0 else f"division of {_text(a)} by 0"
    return f"overflow: {_text(a)} / {_text(b)}"


def _power(a: float, b: float, word: str, result: float) -> str:
    if a == 0:
        return f"0 to the negative power {_text(b)}"
    if a < 0 and np.isnan(result):
        return f"the negative number {_text(a)} to the fractional power {_text(b)}"
    return f"overflow: {_text(a)} to the power {_text(b)}"


def _logarithm(border: float) -> Callable[[float, float, str, float], str]:
    return lambda a, b, word, result: f"{word} of {_text(a)}" + (f", which is below {border:g}" if a < border else "")


_SENTENCES: dict[str, Callable[[float, float, str, float], str]] = {
    "exp": lambda a, b, word, result: f"overflow: exp of {_text(a)}",
    "expm1": lambda a, b, word, result: f"overflow: expm1 of {_text(a)}",
    "log": _logarithm(0.0),
    "log1p": _logarithm(-1.0),
    "sqrt": lambda a, b, word, result: f"sqrt of the negative number {_text(a)}",
    "/": _quotient,
    "**": _power,
    "+": lambda a, b, word, result: f"overflow: {_text(a)} + {_text(b)}",
    "-": lambda a, b, word, result: f"overflow: {_text(a)} − {_text(b)}",
    "*": lambda a, b, word, result: f"overflow: {_text(a)} · {_text(b)}",
}
"""Word of the vocabulary -> what to say of it when finite numbers make it not finite."""


def _overflow(value: np.ndarray, index: tuple[int, ...]) -> str:
    largest = float(np.finfo(value.dtype).max)
    if np.isnan(value[index]):
        return "an infinite intermediate result, such as ∞ − ∞ or 0·∞, although every operand is finite"
    return f"overflow: the result is beyond {largest:.2g}, the largest number of {value.dtype}"


def _text(number: Any) -> str:
    return f"{float(number):.6g}"


def _array_text(value: np.ndarray) -> str:
    if value.size <= 20:
        return np.array2string(value, precision=6, threshold=20).replace("\n", "\n    ")
    finite = value if value.dtype.kind != "f" else value[np.isfinite(value)]
    return f"array of shape {value.shape}, from {_text(finite.min())} to {_text(finite.max())}"
