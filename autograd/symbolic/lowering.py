"""How a graph is said in SymPy, number by number.

Every node becomes an array of SymPy expressions in the entries of the leaves. Nothing is said here about single ops: a
scalar text is spoken in SymPy, a formula is lowered node by node, an index form is run on arrays of symbols, and so is
the numpy function of a structural op. SymPy is imported only inside functions, because most users never need it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from ..engines.numpy import evaluate_all, node_function
from ..errors import NngraphError
from ..graph import Graph, order
from ..node import Leaf, Node, describe
from ..op import inside
from ..vocabulary import WORDS, spoken
from .entries import Entry, Undecided, number


class LoweringError(NngraphError, ValueError):
    """A graph that cannot be said in SymPy, and why."""


@dataclass
class Lowering:
    """One translation of one or several nodes; `symbols` and `assumptions` fill up as it goes.

    `assumptions`: (condition, holds) for every comparison that was decided by the leaves' present values. The
    expressions are right wherever all of them come out the same way.
    """

    given: Mapping[Leaf, Any] | None = None
    symbols: dict[Leaf, np.ndarray] = field(default_factory=dict)
    assumptions: list[tuple[Any, bool]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def arrays(self, outputs: Sequence[Node]) -> list[Any]:
        """The outputs as arrays of expressions; whole-number and logical results may stay arrays of numbers."""
        leaves = [node for node in order(outputs) if isinstance(node, Leaf)]
        return self.graph(outputs, {leaf: self.leaf(leaf) for leaf in leaves}, {})

    def leaf(self, leaf: Leaf) -> np.ndarray:
        """The entries of a leaf: its symbols, or its numbers when it is a constant or holds whole numbers."""
        import sympy

        if leaf in self.symbols:
            return self.symbols[leaf]
        if self.given is not None and leaf in self.given:
            entries = expressions(np.asarray(self.given[leaf], dtype=object).reshape(tuple(map(int, leaf.shape))))
            self.symbols[leaf] = entries
            return entries
        if leaf.role == "constant" or leaf.dtype.kind != "f":
            if leaf._value is None:
                raise LoweringError(
                    f"{describe(leaf)} needs a value: whole numbers choose and count, they are no symbols"
                )
            return leaf._value if leaf.dtype.kind != "f" else expressions(leaf._value)
        stem = leaf._name or "x"
        entries = np.empty(tuple(map(int, leaf.shape)), dtype=object)
        for index in np.ndindex(entries.shape):
            name = "_".join([stem, *[str(position + 1) for position in index]])
            while name in self.names:
                name += "'"
            self.names.add(name)
            entries[index] = sympy.Symbol(name, real=True)
        self.symbols[leaf] = entries
        return entries

    def graph(self, outputs: Sequence[Node], memory: dict[Node, Any], points: Mapping[Leaf, Any]) -> list[Any]:
        """The outputs, from the leaves' entries in `memory`; `points`: values of leaves that have none themselves."""
        nodes = order(outputs)
        values: dict[Node, Any] = {}

        def value(node: Node) -> Any:
            """The value of a node at the present point; None where a leaf under it has none."""
            if not values:
                for each in nodes:
                    known = (
                        each in points or each._value is not None
                        if isinstance(each, Leaf)
                        else all(source in values for source in each.inputs)
                    )
                    if known:
                        values[each] = None
                values.update(zip(list(values), evaluate_all(list(values), points)))
            return values.get(node)

        for node in nodes:
            if node not in memory:
                memory[node] = self.leaf(node) if isinstance(node, Leaf) else self.node(node, memory, value)
        return [memory[output] for output in outputs]

    def node(self, node: Node, memory: Mapping[Node, Any], value: Callable[[Node], Any]) -> Any:
        """One node from the entries of its operands."""
        op = node.op
        operands = [memory[source] for source in node.inputs]
        if any(isinstance(param, Graph) for param in node.params.values()):
            return self.loop(node, operands, value)
        symbolic = any(
            isinstance(part, np.ndarray) and part.dtype == object for each in operands for part in parts(each)
        )
        if not symbolic and (op.scalar is None or node.dtype.kind != "f"):
            return counted(node_function(node)(*operands), node)
        if op.scalar is not None:
            function = np.frompyfunc(
                scalar_function(op.scalar, tuple(op.inputs), tuple(node.params.items())), len(operands), 1
            )
            return counted(function(*operands), node)
        if op.index is not None:
            return counted(op.index(*node.inputs, **node.params)(*operands), node)
        if op.formula is not None:
            inner = inside(op, node.inputs, node.params)
            points = {
                hole: value(source) for hole, source in zip(inner.inputs, node.inputs) if value(source) is not None
            }
            return self.graph(inner.outputs, dict(zip(inner.inputs, operands)), points)[0]
        return counted(self.structural(node, operands, value), node)

    def loop(self, node: Node, operands: Sequence[Any], value: Callable[[Node], Any]) -> tuple[Any, ...]:
        """All results of a loop, said step by step."""
        from ..ops import unroll

        holes = tuple(Leaf("input", source._name, None, source.shape, source.dtype) for source in node.inputs)
        results = unroll(node.op.apply(holes, node.params))
        points = {hole: value(source) for hole, source in zip(holes, node.inputs) if value(source) is not None}
        return tuple(self.graph(results, dict(zip(holes, operands)), points))

    def structural(self, node: Node, operands: Sequence[Any], value: Callable[[Node], Any]) -> Any:
        """What the numpy function of a node does to arrays of entries that know their value."""
        known = [entries(operand, value(source), self.assumptions) for operand, source in zip(operands, node.inputs)]
        try:
            return node_function(node)(*known)
        except Undecided:
            raise LoweringError(
                f"{describe(node)} compares its entries to know what to do; give every input a value, so that it can"
            ) from None
        except (TypeError, AttributeError, ValueError) as error:
            raise LoweringError(
                f"{describe(node)} cannot be said in SymPy: its numpy function fails on symbols ({error})"
            ) from error


def parts(operand: Any) -> Iterable[Any]:
    """The arrays of an operand: several when a node holds several values."""
    return operand if isinstance(operand, tuple) else (operand,)


def entries(operand: Any, value: Any, assumptions: list[tuple[Any, bool]]) -> Any:
    """An array of expressions as an array of Entry, with their values at the present point; other arrays as they are."""
    if isinstance(operand, tuple):
        return tuple(
            entries(each, value[at] if value is not None else None, assumptions) for at, each in enumerate(operand)
        )
    if operand.dtype != object:
        return operand
    result = np.empty(operand.shape, dtype=object)
    for index in np.ndindex(operand.shape):
        result[index] = Entry(operand[index], None if value is None else np.asarray(value)[index], assumptions)
    return result


def counted(result: Any, node: Node) -> Any:
    """A result as an array of expressions, in the node's shape; where it holds numbers, conditions become 1 and 0."""
    if isinstance(result, tuple):
        return tuple(
            expressions(np.asarray(each)) if np.asarray(each).dtype.kind in "fO" else np.asarray(each)
            for each in result
        )
    array = as_array(result)
    if array.dtype.kind in "fO":
        array = expressions(array, numeric=node.dtype.kind != "b")
    if array.shape != tuple(map(int, node.shape)):
        raise LoweringError(f"{describe(node)} comes out of SymPy with shape {array.shape}")
    return array


def as_array(result: Any) -> np.ndarray:
    """The array itself; an expression that stands alone becomes an array without axes."""
    if isinstance(result, (np.ndarray, np.generic)):
        return np.asarray(result)
    array = np.empty((), dtype=object)
    array[()] = result
    return array


def expressions(array: np.ndarray, numeric: bool = False) -> np.ndarray:
    """An object array whose entries are all SymPy's."""
    import sympy

    result = np.empty(array.shape, dtype=object)
    for index in np.ndindex(array.shape):
        entry = number(array[index])
        if numeric and isinstance(entry, sympy.logic.boolalg.Boolean) and not isinstance(entry, sympy.Symbol):
            entry = sympy.Piecewise((1, entry), (0, True))
        result[index] = entry
    return result


@cache
def scalar_function(text: str, names: tuple[str, ...], params: tuple[tuple[str, Any], ...]) -> Callable[..., Any]:
    """A scalar text as a function of SymPy expressions."""
    function = spoken(text, names, word)
    fixed = dict(params)
    return lambda *values: function(*values, **fixed)


@cache
def word(name: str) -> Callable[..., Any]:
    """One word of the vocabulary as SymPy says it; operands may still be Python's or numpy's numbers."""
    import sympy

    said = WORDS[name].sympy
    function = _SPOKEN[said] if said.startswith("_") else getattr(sympy, said)
    return lambda *operands: function(*[number(operand) for operand in operands])


def _where(condition: Any, yes: Any, no: Any) -> Any:
    import sympy

    if isinstance(condition, sympy.Expr):
        condition = sympy.Ne(condition, 0)
    return sympy.Piecewise((yes, condition), (no, True))


def _exp(x: Any) -> Any:
    import sympy

    return sympy.exp(x)


def _log(x: Any) -> Any:
    import sympy

    return sympy.log(x)


_SPOKEN: dict[str, Callable[..., Any]] = {
    "_sub": lambda a, b: a - b,
    "_div": lambda a, b: a / b,
    "_neg": lambda a: -a,
    "_expm1": lambda x: _exp(x) - 1,
    "_log1p": lambda x: _log(1 + x),
    "_where": _where,
}
"""What the vocabulary's SymPy names with an underscore mean: words that SymPy has only in parts."""
