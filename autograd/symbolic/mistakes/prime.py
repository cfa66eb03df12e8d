"""f′ as a node: what a claim means by it, and at which argument when none is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ...differentiate import backward
from ...errors import GradientError
from ...graph import order, substitute
from ...language import N_
from ...leaves import constant
from ...node import Leaf, Node
from ...op import Op
from ..convert import to_term
from ..derivation import Sentence
from ..terms import Prime, Symbol, Term


class Primes:
    """The derivatives f′(a) of a claim: built as nodes, and remembered so that they are written as f′(a)."""

    def __init__(self) -> None:
        self.made: dict[Node, tuple[Op, Node]] = {}
        self.notes: list[Sentence] = []
        self.strangers: list[Sentence] = []
        """What to say of arguments that are no name of the problem: f4′(e) where f4′(e4) belongs."""

    def derivative(self, op: Op, times: int, argument: Node) -> Node:
        """The node f′(a), f″(a), …, entry by entry; GradientError for an op that is not a curve."""
        hole = Leaf("input", "x", None, argument.shape, np.dtype(np.float64))
        if len(op.inputs) != 1 or op.variadic:
            raise GradientError(
                f"{op.name}′ is not defined: {op.name} has {len(op.inputs)} inputs; f′ is for functions of one"
            )
        curve = op(hole)
        if curve.shape != argument.shape or any(
            not each.is_leaf and each.op.scalar is None for each in order(_opened(curve))
        ):
            raise GradientError(f"{op.name}′ is a whole Jacobian; f′ is for functions that act entry by entry")
        for _ in range(times):
            curve = backward(curve, [hole], seed=constant(np.ones(tuple(map(int, argument.shape))))).adjoints[hole]
        (found,) = substitute([curve], {hole: argument})
        if found.is_leaf:  # a slope that does not depend on the argument: still a node of its own
            found = found + 0.0
        if times == 1:
            self.made[found] = (op, argument)
        return found

    def strange(self, function: str, written: str, belongs: str) -> None:
        """Remember that f′ was written at a name that does not exist; it was read at the argument that belongs there."""
        fields = {"function": function, "wrong": written, "right": belongs}
        self.strangers.append(
            Sentence(
                N_("{function}′({wrong}) stands where {function}′({right}) belongs; nothing here is called {wrong}"),
                fields,
            )
        )

    def terms(self, atoms: Mapping[Node, Term]) -> dict[Node, Term]:
        """The atoms and, for every derivative made, f′(a) as it is written."""
        known = dict(atoms)
        for node, (op, argument) in self.made.items():
            known[node] = Prime(op, to_term(argument, known))
        return known


def _opened(node: Node) -> Node:
    """The graph of an op's formula where it has one: gelu acts entry by entry although it is made of simpler ops."""
    from ...op import inside

    op = node.op
    return inside(op, node.inputs, node.params).outputs[0] if op is not None and op.formula is not None else node


def obvious_argument(
    function: str, op: Op | None, names: Mapping[str, Node], on_path: Iterable[Node]
) -> tuple[Op, str, Node] | None:
    """(op, name, node) at which f′ without an argument is taken; None when several come into question.

    The function's own name decides first: f1 the result of σ(a1), then f6 with the 6 of e6. Else the only application of the
    op on the way from the output to the variable.
    """
    by_node = {node: name for name, node in reversed(list(names.items()))}
    result = names.get(function)
    if result is not None and not result.is_leaf and len(result.inputs) == 1 and (op is None or result.op is op):
        return result.op, by_node.get(result.inputs[0], "…"), result.inputs[0]
    if op is None:
        return None
    everywhere = {node.inputs[0]: node for node in _applications(op, list(names.values()))}
    digits = _index(function)
    if digits:
        fitting = [
            at
            for at, node in everywhere.items()
            if digits in (_index(by_node.get(at, "")), _index(by_node.get(node, "")))
        ]
        if len(fitting) == 1:
            return op, by_node.get(fitting[0], "…"), fitting[0]
    for applied in (_applications(op, list(on_path)), list(everywhere.values())):
        arguments = list(dict.fromkeys(node.inputs[0] for node in applied))
        if len(arguments) == 1:
            return op, by_node.get(arguments[0], "…"), arguments[0]
        if len(arguments) > 1:
            return None
    return None


def taken_at(name: str, argument: str, rank: int) -> Sentence:
    """The note that says where f′ was taken."""
    return Sentence(N_("{function}′ is taken at {argument}"), {"function": name, "argument": Symbol(argument, rank)})


def _applications(op: Op, nodes: Sequence[Node]) -> list[Node]:
    return [node for node in nodes if not node.is_leaf and node.op is op]


def _index(name: str) -> str:
    """The digits at the end of a name."""
    return name[len(name.rstrip("0123456789")) :]
