"""Slips with names: another index, the value before the activation for the one after it, any other name of the same shape."""

from __future__ import annotations

from collections.abc import Iterator

from ...language import N_
from ...op import ACTIVATION, FUNCTION
from ..derivation import Sentence
from ..spelling import spelling
from ..terms import Prime, Symbol, Term
from .scene import Scene
from .tree import Place, Slipped, part


def name_slips(scene: Scene, symbol: Symbol, whole: Term, place: Place) -> Iterator[Slipped]:
    holder = part(whole, place[:-1]) if place else None
    if isinstance(holder, Prime):
        return  # the argument of f′ has slips of its own
    for other in alike(scene, symbol):
        kind, said, cost = _relation(scene, symbol, other)
        why = (
            (Sentence(N_("No difference shows where {wrong} = {right}."), {"wrong": other, "right": symbol}),)
            if kind == "index"
            else ()
        )
        yield other, kind, said, cost, why


def alike(scene: Scene, symbol: Symbol) -> list[Symbol]:
    """Every other name with the same shape."""
    if symbol.name not in scene.env:
        return []
    shape = scene.shape_of(symbol.name)
    return [
        Symbol(name, len(shape))
        for name in scene.env
        if isinstance(name, str) and name != symbol.name and scene.shape_of(name) == shape
    ]


def _relation(scene: Scene, right: Symbol, wrong: Symbol) -> tuple[str, Sentence, float]:
    fields = {"wrong": wrong, "right": right}
    if _activates(scene, right, wrong):
        return (
            "pre-activation",
            Sentence(
                N_("{wrong}, the value before the activation, stands where {right}, the value after it, belongs"),
                fields,
            ),
            1.5,
        )
    if _activates(scene, wrong, right):
        return (
            "post-activation",
            Sentence(
                N_("{wrong}, the value after the activation, stands where {right}, the value before it, belongs"),
                fields,
            ),
            1.5,
        )
    one, other = spelling(right.name), spelling(wrong.name)
    if one.stem == other.stem:
        return "index", Sentence(N_("wrong index: {wrong} stands where {right} belongs"), fields), 1.6
    return "wrong-factor", Sentence(N_("{wrong} stands where {right} belongs"), fields), 2.4


def _activates(scene: Scene, result: Symbol, argument: Symbol) -> bool:
    """Whether `result` = f(`argument`) for a curve f."""
    node, source = scene.names.get(result.name), scene.names.get(argument.name)
    if node is None or source is None or node.is_leaf or node.op.kind not in (ACTIVATION, FUNCTION):
        return False
    symbols_of = scene.symbols
    return len(node.inputs) == 1 and symbols_of.get(node.inputs[0]) == symbols_of.get(source)
