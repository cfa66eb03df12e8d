"""A claim in a form of its own, with one part set right: a sign, a name, a number, the argument of a function."""

from __future__ import annotations

from collections.abc import Iterator

from ...graph import order
from ...language import N_
from ...op import Op
from ...ops.arithmetic import add, div, neg, sub
from ..convert import to_term
from ..derivation import Sentence
from ..terms import Apply, AxisSum, Number, Prime, Product, Symbol, Term, children
from .mutations import Change
from .scene import Scene
from .tree import places, put


def repaired(scene: Scene, yours: Term) -> list[Change]:
    """Every formula that comes from the claim by one repair."""
    inside = [each for _, each in places(yours) if not isinstance(each, Number) and each != yours]
    changes = []
    for place, each in places(yours):
        for new, kind, cost in _better(scene, each, inside):
            said = Sentence(N_("{wrong} stands where {right} belongs"), {"wrong": each, "right": new})
            if kind == "extra-term" and isinstance(each, Apply):
                gone = next((part for part in each.args if part != new and Apply(neg, (part,)) != new), each)
                said = Sentence(N_("{term} is one term too many"), {"term": gone})
                if each.op is sub and new == each.args[0]:
                    said = Sentence(N_("{term} is one term too many"), {"term": Apply(neg, (each.args[1],))})
            elif kind == "brackets":
                said = Sentence(
                    N_("brackets are missing: {wrong} stands where {right} belongs"), {"wrong": each, "right": new}
                )
            elif kind == "argument":
                said = Sentence(
                    N_("wrong argument: {wrong} stands where {right} belongs"), {"wrong": each, "right": new}
                )
            elif kind == "sign":
                said = Sentence(N_("wrong sign: {wrong} stands where {right} belongs"), {"wrong": each, "right": new})
            changes.append(Change(put(yours, place, new), kind, said, cost))
    return changes


def arguments(scene: Scene, op: Op) -> list[Term]:
    """At which arguments the expression itself takes a function, written out in its own names."""
    own = {node: symbol for node, symbol in scene.symbols.items() if node.is_leaf or node.name is not None}
    return list(
        dict.fromkeys(
            to_term(node.inputs[0], own)
            for node in order(scene.output)
            if not node.is_leaf and node.op is op and len(node.inputs) == 1
        )
    )


def _better(scene: Scene, each: Term, inside: list[Term]) -> Iterator[tuple[Term, str, float]]:
    match each:
        case Symbol(name=name, rank=rank) if name in scene.env:
            shape = scene.shape_of(name)
            for other in scene.env:
                if isinstance(other, str) and other != name and scene.shape_of(other) == shape:
                    yield Symbol(other, rank), "index", 1.6
        case Number(value=value):
            for part in dict.fromkeys(inside):
                if not any(isinstance(inner, Number) and inner == each for inner in children(part)):
                    yield part, "term", 1.8
            for other in (2.0 * value, value / 2, -value):
                yield Number(other), "factor", 1.5
        case Apply(op=op, args=(left, right)) if op is sub:
            yield Apply(sub, (right, left)), "sign", 1.2
            yield Apply(add, (left, right)), "sign", 1.2
            yield left, "extra-term", 1.3
            yield Apply(neg, (right,)), "extra-term", 1.3
            if isinstance(left, Product) and left.style != "matrix":
                yield Product((*left.factors[:-1], Apply(sub, (left.factors[-1], right))), left.style), "brackets", 1.35
        case Apply(op=op, args=(left, right)) if op is add:
            yield Apply(sub, (left, right)), "sign", 1.2
            yield left, "extra-term", 1.3
            yield right, "extra-term", 1.3
            if isinstance(left, Product) and left.style != "matrix":
                yield Product((*left.factors[:-1], Apply(add, (left.factors[-1], right))), left.style), "brackets", 1.35
        case Apply(op=op, args=(inner,)) if op is neg:
            yield inner, "sign", 1.2
        case Apply(op=op, args=(above, below)) if op is div:
            yield Apply(div, (below, above)), "upside-down", 1.5
        case Apply(op=op, args=(inner,), params=params) if op.scalar is not None:
            yield Apply(op, (Apply(neg, (inner,)),), params), "sign", 1.4
            yield Prime(op, inner, params), "activation-derivative", 1.6
            for right in arguments(scene, op):
                if right != inner:
                    yield Apply(op, (right,), params), "argument", 1.5
        case AxisSum(body=body, kept=kept):
            from ..convert import rank_of

            for axis in range(rank_of(body)):
                yield AxisSum((axis,), (), body, True), "axis", 1.4
                yield AxisSum((axis,), (), body, kept), "axis", 1.4
        case Product(factors=factors, style=style):
            for at in range(len(factors)):
                rest = factors[:at] + factors[at + 1 :]
                if rest:
                    yield rest[0] if len(rest) == 1 else Product(rest, style), "extra-factor", 1.9
