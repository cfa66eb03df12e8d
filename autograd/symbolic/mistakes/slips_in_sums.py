"""Slips in sums, signs and functions: a sum left out or over too much, a sign turned, a fraction upside down, a wrong axis."""

from __future__ import annotations

from collections.abc import Iterator

from ...language import N_
from ...ops.arithmetic import add, div, mul, neg, square, sub
from ...ops.linear import transpose
from ..convert import rank_of
from ..derivation import Sentence
from ..terms import Apply, AxisSum, Number
from .tree import Slipped


def sum_slips(total: AxisSum) -> Iterator[Slipped]:
    rank = rank_of(total.body)
    letters = ", ".join(total.labels)
    why = (
        (Sentence(N_("What acts in every {letter} collects the gradients of all of them."), {"letter": letters}),)
        if letters
        else ()
    )
    yield (
        total.body,
        "batch-sum",
        Sentence(N_("the sum over {letter} is missing"), {"letter": letters or "n"}),
        1.2,
        why,
    )
    everything = tuple(range(rank))
    if total.axes != everything:
        why_not = (
            (Sentence(N_("Only the axis {letter} is summed over; the others stay."), {"letter": letters}),)
            if letters
            else ()
        )
        for kept in {False, total.kept}:
            yield AxisSum(everything, (), total.body, kept), "too-much-summed", Sentence(N_("summed over too much: over every axis instead of {letter} alone"), {"letter": letters or "n"}), 1.2, why_not  # fmt: skip
    why_axis = (
        (Sentence(N_("Only the axis {letter} is summed over; the others stay."), {"letter": letters}),)
        if letters
        else ()
    )
    for axis in range(rank):
        if total.axes != (axis,):
            fields = {"axis": str(axis), "right": ", ".join(map(str, total.axes))}
            yield AxisSum((axis,), (), total.body, total.kept), "axis", Sentence(N_("summed over axis {axis} instead of axis {right}"), fields), 1.15, why_axis  # fmt: skip


def sign_slips(each: Apply) -> Iterator[Slipped]:
    op, args = each.op, each.args
    if op is neg:
        yield args[0], "sign", Sentence(N_("the minus sign before {term} is missing"), {"term": args[0]}), 1.2, ()
    elif op is sub:
        left, right = args
        plus, turned_round = Apply(add, (left, right)), Apply(sub, (right, left))
        yield (
            plus,
            "sign",
            Sentence(N_("wrong sign: {wrong} stands where {right} belongs"), {"wrong": plus, "right": each}),
            1.3,
            (),
        )
        yield turned_round, "sign", Sentence(N_("the difference is turned round: {wrong} stands where {right} belongs"), {"wrong": turned_round, "right": each}), 1.25, ()  # fmt: skip
        yield (
            left,
            "missing-addend",
            Sentence(N_("{term} is missing in {right}"), {"term": right, "right": each}),
            1.8,
            (),
        )
    elif op is add:
        left, right = args
        minus = Apply(sub, (left, right))
        yield (
            minus,
            "sign",
            Sentence(N_("wrong sign: {wrong} stands where {right} belongs"), {"wrong": minus, "right": each}),
            1.3,
            (),
        )
    elif op is div:
        above, below = args
        yield (
            above,
            "factor" if isinstance(below, Number) else "missing-factor",
            Sentence(N_("the division by {term} is missing"), {"term": below}),
            1.3,
            (),
        )
        yield (
            Apply(mul, args),
            "factor",
            Sentence(N_("multiplied by {term} instead of divided by it"), {"term": below}),
            1.6,
            (),
        )
        yield (
            Apply(div, (below, above)),
            "upside-down",
            Sentence(N_("the fraction {right} stands upside down"), {"right": each}),
            1.7,
            (),
        )
    elif op is transpose and rank_of(args[0]) == 2:
        yield (
            args[0],
            "transpose",
            Sentence(
                N_("a transpose is missing: {wrong} stands where {right} belongs"), {"wrong": args[0], "right": each}
            ),
            1.2,
            (),
        )
    elif op.scalar is not None and len(args) == 1:
        minus = args[0].args[0] if isinstance(args[0], Apply) and args[0].op is neg else Apply(neg, (args[0],))
        wrong = Apply(op, (minus,), each.params)
        yield (
            wrong,
            "sign",
            Sentence(N_("wrong sign: {wrong} stands where {right} belongs"), {"wrong": wrong, "right": each}),
            1.5,
            (),
        )
        fields = {"wrong": args[0], "right": each}
        if op is square:
            said = Sentence(N_("the square is missing: {wrong} stands where {right} belongs"), fields)
            yield args[0], "missing-function", said, 1.4, ()
        else:
            said = Sentence(N_("{wrong} stands where {right} belongs"), fields)
            yield args[0], "missing-function", said, 1.8, ()
    elif isinstance(each.params.get("axis"), int) and op.scalar is None:
        rank = rank_of(args[0])
        for axis in range(rank):
            if axis != each.params["axis"] % max(rank, 1):
                wrong = Apply(op, args, {**each.params, "axis": axis})
                yield wrong, "axis", Sentence(N_("{right} is taken along axis {wrong} instead of axis {axis}"), {"right": each, "wrong": str(axis), "axis": str(each.params["axis"] % rank)}), 1.4, ()  # fmt: skip
