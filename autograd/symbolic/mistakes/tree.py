"""Places in a term: visiting every part, and putting another part in its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...ops.arithmetic import add, sub
from ..derivation import Sentence
from ..terms import Apply, AxisSum, Element, Filled, IndexSum, Prime, Product, Pullback, Term, children

Place = tuple[int, ...]

Found = tuple[Place, Term, str, Sentence, float, tuple[Sentence, ...]]
"""One slip: where, what is put there, its kind, its words, how far-fetched it is, and why the right form is right."""
Slipped = tuple[Term, str, Sentence, float, tuple[Sentence, ...]]
"""The same at a place that is understood."""


def places(term: Term) -> Iterator[tuple[Place, Term]]:
    """Every part of a term with its place, outermost first."""
    waiting: list[tuple[Place, Term]] = [((), term)]
    while waiting:
        place, each = waiting.pop(0)
        yield place, each
        if not isinstance(each, Element):
            waiting.extend(((*place, at), child) for at, child in enumerate(children(each)))


def put(term: Term, place: Place, new: Term) -> Term:
    """The term with the part at `place` exchanged."""
    if not place:
        return new
    inner = list(children(term))
    inner[place[0]] = put(inner[place[0]], place[1:], new)
    return with_children(term, inner)


def with_children(term: Term, inner: Sequence[Term]) -> Term:
    """The same term around other parts."""
    match term:
        case Apply(op, _, params, rank):
            return Apply(op, tuple(inner), params, rank)
        case Prime(op, _, params):
            return Prime(op, inner[0], params)
        case Pullback(factors, style, op, _, rank):
            return Pullback((factors[0], inner[0]), style, op, tuple(inner), rank)
        case Product(_, style):
            return Product(tuple(inner), style)
        case IndexSum(labels, _):
            return IndexSum(labels, inner[0])
        case AxisSum(axes, labels, _, kept):
            return AxisSum(axes, labels, inner[0], kept)
        case Filled(_, shape):
            return Filled(inner[0], shape)
    return term


def addends(term: Term) -> list[Place]:
    """The places of the addends of a sum, in the order in which they are written; of anything else its own place."""
    found: list[Place] = []
    waiting: list[tuple[Place, Term]] = [((), term)]
    while waiting:
        place, each = waiting.pop(0)
        if isinstance(each, Apply) and each.op in (add, sub):
            waiting[:0] = [((*place, 0), each.args[0]), ((*place, 1), each.args[1])]
        else:
            found.append(place)
    return found


def without_addend(term: Term, place: Place) -> Term | None:
    """The sum with one addend left out; None when that leaves nothing or only a turned sign."""
    if not place:
        return None
    parent, at = place[:-1], place[-1]
    holder = part(term, parent)
    if not isinstance(holder, Apply) or (holder.op is sub and at == 0):
        return None
    return put(term, parent, holder.args[1 - at])


def part(term: Term, place: Place) -> Term:
    """What stands at a place."""
    for at in place:
        term = children(term)[at]
    return term


__all__ = ["Found", "Place", "Slipped", "addends", "part", "places", "put", "with_children", "without_addend"]
