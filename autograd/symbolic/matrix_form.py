"""The matrix form of a gradient: its entry formula, the shape under every factor, and how samples lie in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..language import N_
from ..node import Node
from .convert import has_outer, has_sum
from .derivation import BACKWARD, Form, Sentence, Step
from .elements import NotByEntry, entry
from .local import Board, Line
from .terms import Apply, Element, Partial, Product, Pullback, Symbol, Term, children, walk

if TYPE_CHECKING:
    from .explanation import Explanation


def index_steps(explanation: Explanation, line: Line, term: Term, before: Partial) -> Iterator[Step]:
    """∂L/∂w_dk = Σ_n x_nd · ∂L/∂z_nk, where the matrix form hides a sum."""
    if before.rank == 0 or not (has_sum(term) or has_outer(term)):
        return
    labels = explanation.board.letters[before.by[-1]]
    if explanation.notation.layout == "numerator":
        labels = labels[::-1]
    if len(set(labels)) != len(labels):
        return
    try:
        ones = explanation.ones()
        forward = Element(line.symbol, explanation.board.letters[line.symbol.name]) if line.symbol.rank else line.symbol
        definition = entry(
            line.definition, explanation.board.letters[line.symbol.name], explanation.board.letters, ones
        )
        gradient = entry(term, labels, explanation.board.letters, ones)
    except NotByEntry:
        return
    name = (explanation.of, (before.by[-1],))
    check = explanation.with_difference(explanation.checker.compare(gradient, name, labels), before.by[-1])
    yield Step(
        f"i{line.number}.{before.by[-1]}", BACKWARD, line.number, before.by[-1], Element(before, labels), (Form(gradient),),
        Sentence(N_("entry by entry")), (Sentence(N_("{entry} = {definition}"), {"entry": forward, "definition": definition}),),
        (), None, check,
    )  # fmt: skip


def factor_shapes(explanation: Explanation, term: Term) -> tuple[tuple[int, ...], ...]:
    """The shape under every factor of a matrix product, when the term is one."""
    body = term.args[0] if isinstance(term, Apply) and term.op.notation.style == "prefix" else term
    if not (isinstance(body, Product) and body.style == "matrix") or isinstance(body, Pullback):
        return ()
    return tuple(shape_of(explanation, factor) for factor in body.factors)


def shape_of(explanation: Explanation, term: Term) -> tuple[int, ...]:
    """The shape of a factor, with the letters its sizes were given."""
    shapes = explanation.board.shapes()
    match term:
        case Symbol(name=name):
            return shapes.get(name, ())
        case Partial(by=by, rank=rank):
            shape = shapes.get(by[-1], ())
            return shape[::-1] if explanation.notation.layout == "numerator" and rank == 2 else shape
        case Apply(op=op, args=args) if op.notation.style == "postfix":
            return shape_of(explanation, args[0])[::-1]
        case Product(factors=factors, style="matrix"):
            return shape_of(explanation, factors[0])[:-1] + shape_of(explanation, factors[-1])[1:]
    return max((shape_of(explanation, child) for child in children(term)), key=len, default=())


def in_columns_already(board: Board, wrt: Sequence[Node]) -> bool:
    """Whether the expression is written for samples in columns: the first matrix product has its weights on the left."""
    weights = {board.name(w) for w in wrt if w in board.symbols} | {
        board.name(leaf) for leaf in board.leaves if leaf.role == "parameter"
    }
    for line in board.lines:
        for term in walk(line.plain):
            if isinstance(term, Product) and term.style == "matrix" and isinstance(term.factors[0], Symbol):
                left, right = (
                    term.factors[0].name in weights,
                    {each.name for each in walk(term.factors[1]) if isinstance(each, Symbol)} <= weights,
                )
                if left != right:
                    return left
    return False
