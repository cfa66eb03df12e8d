"""Slips at f′: the value for the slope, the wrong argument, before for after the activation, the rule of another curve."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...differentiate import backward
from ...language import N_
from ...leaves import constant
from ...node import Leaf
from ...op import ACTIVATION, FUNCTION, OPS, Op
from ..convert import to_term
from ..derivation import Sentence
from ..local import local_derivative
from ..terms import Apply, Prime, Product, Symbol, Term, replaced, symbols
from .scene import Scene
from .slips_in_names import alike
from .tree import Slipped


def slope_slips(scene: Scene, prime: Prime) -> Iterator[Slipped]:
    op, argument, params = prime.op, prime.argument, prime.params
    value = Apply(op, (argument,), params)
    result = _result_of(scene, prime)
    shown = result or value
    yield (
        value, "activation-derivative",
        Sentence(N_("the activation {value} stands where its derivative {prime} belongs"), {"value": value, "prime": prime}), 1.3, (),
    )  # fmt: skip
    yield (
        Prime(op, value, params), "post-activation",
        Sentence(N_("{wrong} stands where {right} belongs: f′ is taken before the activation, not after it"), {"wrong": Prime(op, shown, params), "right": prime}), 1.4, (),
    )  # fmt: skip
    if result is not None and isinstance(argument, Symbol):
        local = _local_in_result(scene, prime)
        if local is not None and result in symbols(local):
            wrong = replaced(local, lambda each: argument if each == result else None)
            yield (
                wrong, "pre-activation",
                Sentence(N_("{wrong} stands where {right} belongs: this form of the derivative takes the value after the activation, {result}, not {argument}"),
                         {"wrong": wrong, "right": local, "result": result, "argument": argument}), 1.4, (),
            )  # fmt: skip
            for other in alike(scene, result):
                mixed = replaced(local, lambda each, other=other: other if each == result else None)
                yield (
                    mixed,
                    "argument",
                    Sentence(N_("{wrong} stands where {right} belongs"), {"wrong": mixed, "right": local}),
                    1.7,
                    (),
                )
            parts = local.factors if isinstance(local, Product) else ()
            for at, _factor in enumerate(parts):
                rest = parts[:at] + parts[at + 1 :]
                half = rest[0] if len(rest) == 1 else Product(rest, local.style)
                yield (
                    half,
                    "activation-derivative",
                    Sentence(N_("{wrong} stands where {right} belongs"), {"wrong": half, "right": local}),
                    1.6,
                    (),
                )
    for other, slope in _other_slopes(op, argument, result or value):
        fields = {"wrong": slope, "function": Apply(other, (argument,)), "right": prime}
        yield (
            slope,
            "other-derivative",
            Sentence(N_("{wrong}, the derivative of {function}, stands where {right} belongs"), fields),
            1.65,
            (),
        )
    if isinstance(argument, Symbol):
        for other in alike(scene, argument):
            yield (
                Prime(op, other, params), "argument",
                Sentence(N_("{wrong} stands where {right} belongs: f′ is taken at the wrong argument"), {"wrong": Prime(op, other, params), "right": prime}), 1.5, (),
            )  # fmt: skip


def _other_slopes(op: Op, argument: Term, result: Term) -> Iterator[tuple[Op, Term]]:
    """The rules of other curves, in the value of this one: f(1 − f) taken for the derivative of tanh."""
    seen: set[Term] = set()
    for other in list(OPS.values()):
        if (
            other is op
            or other.scalar is None
            or len(other.inputs) != 1
            or other.params
            or other.kind not in (ACTIVATION, FUNCTION)
            or not other.differentiable
        ):
            continue
        hole = Leaf("input", "x", None, (), np.dtype(np.float64))
        curve = other(hole)
        slope = to_term(backward(curve, [hole], seed=constant(1.0)).adjoints[hole], {hole: argument, curve: result})
        if slope not in seen:
            seen.add(slope)
            yield other, slope


def _result_of(scene: Scene, prime: Prime) -> Symbol | None:
    """The name of f(a) for f′(a)."""
    for line in scene.board.lines:
        if (
            line.node.op is prime.op
            and isinstance(prime.argument, Symbol)
            and [scene.symbols.get(source) for source in line.node.inputs] == [prime.argument]
        ):
            return line.symbol
    return None


def _local_in_result(scene: Scene, prime: Prime) -> Term | None:
    for line in scene.board.lines:
        if line.symbol == _result_of(scene, prime):
            return local_derivative(scene.board, line, line.atoms[0])
    return None
