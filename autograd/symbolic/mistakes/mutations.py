"""The usual slips, made on purpose: every way in which one part of a correct formula is commonly written wrong.

Each slip is one small function of a part of a term; none knows any particular formula or op.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...differentiate import backward
from ...language import N_
from ...leaves import constant
from ...node import Leaf
from ...op import ACTIVATION, FUNCTION, OPS, Op
from ...ops.arithmetic import add, div, mul, neg, sub
from ...ops.linear import transpose
from ..convert import rank_of, to_term, turned
from ..derivation import Sentence
from ..local import local_derivative
from ..spelling import spelling
from ..terms import Apply, AxisSum, Number, Prime, Product, Symbol, Term, replaced, symbols
from .scene import Base, Scene
from .tree import Place, addends, part, places, put, without_addend


@dataclass(frozen=True)
class Change:
    """A formula with one slip, what the slip is called, and how far-fetched it is (`cost`; small is simple).

    `parts`: what was put where, so that two slips in different places can be made at once.
    """

    term: Term
    kind: str
    said: Sentence
    cost: float
    why: tuple[Sentence, ...] = ()
    parts: tuple[tuple[Place, Term], ...] = ()


Found = tuple[Place, Term, str, Sentence, float, tuple[Sentence, ...]]

Slipped = tuple[Term, str, Sentence, float, tuple[Sentence, ...]]


def mutations(scene: Scene, base: Base) -> list[Change]:
    """All formulas that differ from a correct one by one slip: at one place, at all places alike, or as a whole."""
    paths = _paths(base)
    found = [each for place, part_ in places(base.term) for each in _local(scene, base.term, place, part_)]
    changes = [_change(base.term, each, paths) for each in found]
    changes.extend(_everywhere(base.term, found))
    changes.extend(_missing_addends(scene, base, paths))
    changes.extend(_whole(scene, base, paths))
    return changes


def combined(base: Base, one: Change, other: Change) -> Term | None:
    """Both slips in one formula; None when they touch the same place."""
    for place, _ in one.parts:
        for second, _ in other.parts:
            if place[: len(second)] == second or second[: len(place)] == place:
                return None
    if not one.parts or not other.parts:
        return None
    term = base.term
    for place, new in (*one.parts, *other.parts):
        term = put(term, place, new)
    return term


def _change(term: Term, found: Found, paths: dict[Place, str]) -> Change:
    place, new, kind, said, cost, why = found
    path = next((name for start, name in paths.items() if place[: len(start)] == start), None)
    if path is not None:
        said = Sentence(N_("in the path {path}: {slip}"), {"path": path, "slip": said})
    return Change(put(term, place, new), kind, said, cost, why, ((place, new),))


def _everywhere(term: Term, found: list[Found]) -> Iterator[Change]:
    """The same slip wherever the same part occurs; and every slope of an activation left out at once."""
    alike: dict[tuple[Term, Term], list[Found]] = {}
    for each in found:
        alike.setdefault((part(term, each[0]), each[1]), []).append(each)
    for group in alike.values():
        if len(group) > 1:
            _, _, kind, said, cost, why = group[0]
            yield _at_once(term, group, kind, said, cost, why)
    slopes = [each for each in found if each[2] == "activation-derivative" and isinstance(part(term, each[0]), Prime) and _is_one(each[1])]
    distinct = {part(term, each[0]) for each in slopes}
    if len(distinct) > 1:
        names = tuple(dict.fromkeys(each[3].fields["prime"] for each in slopes))
        said = Sentence(N_("the derivatives of the activations are missing: {first} and {second}"), {"first": names[0], "second": names[1]})
        if len(names) > 2:
            said = Sentence(N_("the derivatives of all {count} activations are missing"), {"count": len(names)})
        yield _at_once(term, slopes, "activation-derivative", said, 1.3, ())


def _at_once(term: Term, group: list[Found], kind: str, said: Sentence, cost: float, why: tuple[Sentence, ...]) -> Change:
    new = term
    for each in group:
        new = put(new, each[0], each[1])
    return Change(new, kind, said, cost, why, tuple((each[0], each[1]) for each in group))


def _paths(base: Base) -> dict[Place, str]:
    """Where each path's addend stands, when there are several and they can be told apart."""
    found = addends(base.term)
    if len(base.paths) < 2 or len(found) != len(base.paths):
        return {}
    return dict(zip(found, base.paths))


def _local(scene: Scene, whole: Term, place: Place, each: Term) -> Iterator[Found]:
    """The slips at one place, as (place, what is put there, kind, words, cost, why)."""
    match each:
        case Product():
            yield from _factors(place, each)
            if each.style == "matrix":
                yield from _order_and_turns(place, each)
            return
        case Prime():
            slips = _prime(scene, each)
        case Symbol():
            slips = _other_symbol(scene, each, whole, place)
        case AxisSum():
            slips = _axis_sum(each)
        case Apply():
            slips = _applied(each)
        case _:
            return
    for new, kind, said, cost, why in slips:
        yield place, new, kind, said, cost, why


# Factors -------------------------------------------------------------------------------------------------------------
def _factors(place: Place, product: Product) -> Iterator[Found]:
    """A factor left out: a 1 stands in its place, so that other slips can be made beside it."""
    for at, factor in enumerate(product.factors):
        if not _is_one(factor):
            yield (*place, at), ONE, *_missing(factor)
        if isinstance(factor, Number) and factor.value and not _is_one(factor):
            said = Sentence(N_("divided by {number} where it is multiplied by {number}"), {"number": factor})
            yield (*place, at), Number(1 / factor.value), "factor", said, 1.6, ()


def _missing(factor: Term) -> tuple[str, Sentence, float, tuple[Sentence, ...]]:
    if isinstance(factor, Prime):
        return (
            "activation-derivative",
            Sentence(N_("the derivative of the activation, {prime}, is missing"), {"prime": factor}), 1.2,
            (Sentence(N_("{function} lies on the way, so the chain rule multiplies by its slope {prime}."), {"function": Apply(factor.op, (factor.argument,), factor.params), "prime": factor}),),
        )  # fmt: skip
    if isinstance(factor, Number):
        return "factor", Sentence(N_("the factor {factor} is missing"), {"factor": factor}), 1.1, ()
    return "missing-factor", Sentence(N_("the factor {factor} is missing"), {"factor": factor}), 1.9, ()


ONE = Number(1.0)


def _is_one(term: Term) -> bool:
    return isinstance(term, Number) and term.value == 1


# Matrix products -----------------------------------------------------------------------------------------------------
def _order_and_turns(place: Place, product: Product) -> Iterator[Found]:
    why = (Sentence(N_("A matrix product sums the last axis of the left factor with the first axis of the right one; what is summed over must stand there.")),)
    for at, factor in enumerate(product.factors):
        if rank_of(factor) != 2:
            continue
        new = turned(factor)
        if isinstance(factor, Apply) and factor.op is transpose:
            said = Sentence(N_("a transpose is missing: {wrong} stands where {right} belongs"), {"wrong": new, "right": factor})
        else:
            said = Sentence(N_("a transpose too many: {wrong} stands where {right} belongs"), {"wrong": new, "right": factor})
        yield (*place, at), new, "transpose", said, 1.2, why
    if len(product.factors) == 2:
        left, right = product.factors
        swapped = Product((right, left), "matrix")
        said = Sentence(N_("the factors of a matrix product are exchanged: {wrong} stands where {right} belongs"), {"wrong": swapped, "right": product})
        yield place, swapped, "order", said, 1.4, why
        said = Sentence(N_("an entry-by-entry product stands where the matrix product {right} belongs"), {"right": product})
        yield place, Product((left, right), "hadamard"), "elementwise-product", said, 1.5, why


# f′ ------------------------------------------------------------------------------------------------------------------
def _prime(scene: Scene, prime: Prime) -> Iterator[Slipped]:
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
            for other in _alike(scene, result):
                mixed = replaced(local, lambda each, other=other: other if each == result else None)
                yield mixed, "argument", Sentence(N_("{wrong} stands where {right} belongs"), {"wrong": mixed, "right": local}), 1.7, ()
            parts = local.factors if isinstance(local, Product) else ()
            for at, factor in enumerate(parts):
                rest = parts[:at] + parts[at + 1 :]
                half = rest[0] if len(rest) == 1 else Product(rest, local.style)
                yield half, "activation-derivative", Sentence(N_("{wrong} stands where {right} belongs"), {"wrong": half, "right": local}), 1.6, ()
    for other, slope in _other_slopes(op, argument, result or value):
        fields = {"wrong": slope, "function": Apply(other, (argument,)), "right": prime}
        yield slope, "other-derivative", Sentence(N_("{wrong}, the derivative of {function}, stands where {right} belongs"), fields), 1.65, ()
    if isinstance(argument, Symbol):
        for other in _alike(scene, argument):
            yield (
                Prime(op, other, params), "argument",
                Sentence(N_("{wrong} stands where {right} belongs: f′ is taken at the wrong argument"), {"wrong": Prime(op, other, params), "right": prime}), 1.5, (),
            )  # fmt: skip


def _other_slopes(op: Op, argument: Term, result: Term) -> Iterator[tuple[Op, Term]]:
    """The rules of other curves, in the value of this one: f(1 − f) taken for the derivative of tanh."""
    seen: set[Term] = set()
    for other in list(OPS.values()):
        if other is op or other.scalar is None or len(other.inputs) != 1 or other.params or other.kind not in (ACTIVATION, FUNCTION) or not other.differentiable:
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
        if line.node.op is prime.op and isinstance(prime.argument, Symbol) and [scene.symbols.get(source) for source in line.node.inputs] == [prime.argument]:
            return line.symbol
    return None


def _local_in_result(scene: Scene, prime: Prime) -> Term | None:
    for line in scene.board.lines:
        if line.symbol == _result_of(scene, prime):
            return local_derivative(scene.board, line, line.atoms[0])
    return None


# Names ---------------------------------------------------------------------------------------------------------------
def _other_symbol(scene: Scene, symbol: Symbol, whole: Term, place: Place) -> Iterator[Slipped]:
    holder = part(whole, place[:-1]) if place else None
    if isinstance(holder, Prime):
        return  # the argument of f′ has slips of its own
    for other in _alike(scene, symbol):
        kind, said, cost = _relation(scene, symbol, other)
        why = (Sentence(N_("No difference shows where {wrong} = {right}."), {"wrong": other, "right": symbol}),) if kind == "index" else ()
        yield other, kind, said, cost, why


def _alike(scene: Scene, symbol: Symbol) -> list[Symbol]:
    """Every other name with the same shape."""
    if symbol.name not in scene.env:
        return []
    shape = scene.shape_of(symbol.name)
    return [Symbol(name, len(shape)) for name in scene.env if isinstance(name, str) and name != symbol.name and scene.shape_of(name) == shape]


def _relation(scene: Scene, right: Symbol, wrong: Symbol) -> tuple[str, Sentence, float]:
    fields = {"wrong": wrong, "right": right}
    if _activates(scene, right, wrong):
        return "pre-activation", Sentence(N_("{wrong}, the value before the activation, stands where {right}, the value after it, belongs"), fields), 1.5
    if _activates(scene, wrong, right):
        return "post-activation", Sentence(N_("{wrong}, the value after the activation, stands where {right}, the value before it, belongs"), fields), 1.5
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


# Sums ----------------------------------------------------------------------------------------------------------------
def _axis_sum(total: AxisSum) -> Iterator[Slipped]:
    rank = rank_of(total.body)
    letters = ", ".join(total.labels)
    why = (Sentence(N_("What acts in every {letter} collects the gradients of all of them."), {"letter": letters}),) if letters else ()
    yield total.body, "batch-sum", Sentence(N_("the sum over {letter} is missing"), {"letter": letters or "n"}), 1.2, why
    everything = tuple(range(rank))
    if total.axes != everything:
        why_not = (Sentence(N_("Only the axis {letter} is summed over; the others stay."), {"letter": letters}),) if letters else ()
        for kept in {False, total.kept}:
            yield AxisSum(everything, (), total.body, kept), "too-much-summed", Sentence(N_("summed over too much: over every axis instead of {letter} alone"), {"letter": letters or "n"}), 1.2, why_not  # fmt: skip
    for axis in range(rank):
        if total.axes != (axis,):
            yield AxisSum((axis,), (), total.body, total.kept), "axis", Sentence(N_("summed over axis {axis} instead of {letter}"), {"axis": str(axis), "letter": letters or "n"}), 1.4, ()  # fmt: skip


# Signs and other applications ----------------------------------------------------------------------------------------
def _applied(each: Apply) -> Iterator[Slipped]:
    op, args = each.op, each.args
    if op is neg:
        yield args[0], "sign", Sentence(N_("the minus sign before {term} is missing"), {"term": args[0]}), 1.2, ()
    elif op is sub:
        left, right = args
        plus, turned_round = Apply(add, (left, right)), Apply(sub, (right, left))
        yield plus, "sign", Sentence(N_("wrong sign: {wrong} stands where {right} belongs"), {"wrong": plus, "right": each}), 1.3, ()
        yield turned_round, "sign", Sentence(N_("the difference is turned round: {wrong} stands where {right} belongs"), {"wrong": turned_round, "right": each}), 1.25, ()  # fmt: skip
        yield left, "missing-addend", Sentence(N_("{term} is missing in {right}"), {"term": right, "right": each}), 1.8, ()
    elif op is add:
        left, right = args
        minus = Apply(sub, (left, right))
        yield minus, "sign", Sentence(N_("wrong sign: {wrong} stands where {right} belongs"), {"wrong": minus, "right": each}), 1.3, ()
    elif op is div:
        above, below = args
        yield above, "factor" if isinstance(below, Number) else "missing-factor", Sentence(N_("the division by {term} is missing"), {"term": below}), 1.3, ()
        yield Apply(mul, args), "factor", Sentence(N_("multiplied by {term} instead of divided by it"), {"term": below}), 1.6, ()
        yield Apply(div, (below, above)), "upside-down", Sentence(N_("the fraction {right} stands upside down"), {"right": each}), 1.7, ()
    elif op is transpose and rank_of(args[0]) == 2:
        yield args[0], "transpose", Sentence(N_("a transpose is missing: {wrong} stands where {right} belongs"), {"wrong": args[0], "right": each}), 1.2, ()
    elif op.scalar is not None and len(args) == 1:
        minus = args[0].args[0] if isinstance(args[0], Apply) and args[0].op is neg else Apply(neg, (args[0],))
        wrong = Apply(op, (minus,), each.params)
        yield wrong, "sign", Sentence(N_("wrong sign: {wrong} stands where {right} belongs"), {"wrong": wrong, "right": each}), 1.5, ()
        yield args[0], "missing-function", Sentence(N_("{wrong} stands where {right} belongs"), {"wrong": args[0], "right": each}), 1.8, ()
    elif isinstance(each.params.get("axis"), int) and op.scalar is None:
        rank = rank_of(args[0])
        for axis in range(rank):
            if axis != each.params["axis"] % max(rank, 1):
                wrong = Apply(op, args, {**each.params, "axis": axis})
                yield wrong, "axis", Sentence(N_("{right} is taken along axis {wrong} instead of axis {axis}"), {"right": each, "wrong": str(axis), "axis": str(each.params["axis"] % rank)}), 1.4, ()  # fmt: skip


# The whole formula ---------------------------------------------------------------------------------------------------
def _missing_addends(scene: Scene, base: Base, paths: dict[Place, str]) -> Iterator[Change]:
    found = addends(base.term)
    if len(found) < 2:
        return
    for at in found:
        rest = without_addend(base.term, at)
        if rest is None:
            continue
        if paths:
            said = Sentence(N_("the path {path} is missing: what several paths bring is added up (+=), not replaced (=)"), {"path": paths[at]})
        else:
            said = Sentence(N_("{term} is missing: contributions are added up (+=), not replaced (=)"), {"term": part(base.term, at)})
        yield Change(rest, "contribution", said, 1.5, ())


def _whole(scene: Scene, base: Base, paths: dict[Place, str]) -> Iterator[Change]:
    term, rank = base.term, rank_of(base.term)
    if rank == 2:
        yield Change(turned(term), "transpose", Sentence(N_("the result is transposed")), 1.1)
    if rank and not isinstance(term, AxisSum):
        yield Change(
            AxisSum(tuple(range(rank)), (), term), "too-much-summed", Sentence(N_("summed over too much: the result is added up to one number")), 1.3
        )  # fmt: skip
        for axis in range(rank if rank > 1 else 0):
            yield Change(AxisSum((axis,), (), term), "too-much-summed", Sentence(N_("summed over too much: over axis {axis}, which stays"), {"axis": str(axis)}), 1.4)  # fmt: skip
    for name, value in scene.env.items():
        if not isinstance(name, str) or value.rank:
            continue
        factor = Symbol(name)
        yield Change(Product((term, factor)), "extra-factor", Sentence(N_("the factor {factor} is one too many"), {"factor": factor}), 2.1)
        for place, path in paths.items():
            said = Sentence(N_("in the path {path}: {slip}"), {"path": path, "slip": Sentence(N_("the factor {factor} is one too many"), {"factor": factor})})
            yield Change(put(term, place, Product((part(term, place), factor))), "extra-factor", said, 2.3)
    for line in scene.board.lines:
        if line.node.op.kind == ACTIVATION and line.node.op.scalar is not None and len(line.atoms) == 1 and line.node.inputs == line.atoms:
            prime = Prime(line.node.op, scene.symbols[line.atoms[0]], dict(line.node.params))
            style = "hadamard" if rank and rank_of(prime) else "scalar"
            yield Change(Product((term, prime), style), "extra-factor", Sentence(N_("the factor {factor} is one too many"), {"factor": prime}), 2.0)
