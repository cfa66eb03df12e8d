"""Second derivatives: the gradient is a graph again, so it is explained again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import GradientError
from ..language import N_
from ..node import Node, describe
from .derivation import Derivation, Gradient, Sentence, Step
from .local import board
from .terms import Partial, Symbol

if TYPE_CHECKING:
    from .explanation import Explanation


def with_second_derivatives(
    first: Explanation, derivation: Derivation, pairs: Sequence[tuple[Node, Node]]
) -> Derivation:
    """The derivation continued: for every pair (u, v), g = ∂E/∂u as an expression, then ∂g/∂v = ∂²E/∂u∂v."""
    from .explanation import Explanation

    steps, gradients, shapes = list(derivation.steps), dict(derivation.gradients), dict(derivation.shapes)
    notes = list(derivation.notes)
    for one in dict.fromkeys(one for one, _ in pairs):
        others = [other for first_of, other in pairs if first_of is one]
        for node in (one, *others):
            if node.shape:
                raise GradientError(
                    f"second derivatives are derived for single numbers; {describe(node)} has {node.size}. For arrays"
                    " use ng.hessian"
                )
        written = first.board
        graph = first.adjoints[one]
        name = _fresh(f"g_{written.name(one)}", {*shapes})
        if graph.is_leaf or not _depends(graph, others):
            for other in others:
                notes.append(
                    Sentence(
                        N_("{partial} does not depend on {other}: the second derivative is 0"),
                        {"partial": Partial(first.of, (written.name(one),)), "other": Symbol(written.name(other))},
                    )
                )
            continue
        known = {node: symbol.name for node, symbol in written.symbols.items()}
        known[graph] = name
        second_board = board(graph, known=known, taken=list(shapes))
        second = Explanation(
            second_board,
            [other for other in others if other in second_board.symbols],
            first.detail,
            first.notation,
            first.seed,
        )
        second.points = [{leaf: point[leaf] for leaf in second_board.leaves} for point in first.checker.points]
        second.at_user = first.checker.at_user
        inner = second.derivation()
        prefix = f"{written.name(one)}."
        for step in inner.steps:
            if step.section == "forward" and step.node in shapes and step.node != name:
                continue  # said already in the first pass
            steps.append(_retitled(step, prefix, name, first, one))
        shapes.update(inner.shapes)
        notes += inner.notes
        for by, gradient in inner.gradients.items():
            pair = (written.name(one), by)
            gradients[",".join(pair)] = Gradient(pair, gradient.value, gradient.formula)
    return replace(derivation, steps=tuple(steps), gradients=gradients, shapes=shapes, notes=tuple(notes))


def _retitled(step: Step, prefix: str, name: str, first: Explanation, one: Node) -> Step:
    """The step under a number of its own; the result line says which second derivative it is."""
    before = step.before
    why = step.why
    if step.section == "result" and isinstance(before, Partial):
        before = Partial(first.of, (first.board.name(one), before.by[0]))
    if step.node == name and step.section == "forward":
        why = (
            Sentence(
                N_("{name} stands for {partial}"),
                {"name": Symbol(name), "partial": Partial(first.of, (first.board.name(one),))},
            ),
            *why,
        )
    return replace(step, id=prefix + step.id, before=before, why=why)


def _depends(graph: Node, others: Sequence[Node]) -> bool:
    from ..graph import order

    found = set(order(graph))
    return any(other in found for other in others)


def _fresh(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name
