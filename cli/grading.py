"""The verdict on what a student's function computed: as gradients, as a value, on whole numbers, and its manners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..autograd.language import N_, translate
from .errors import CommandError
from .parse import nearest
from .students import Answer
from .values import parse_assignments, parse_names

if TYPE_CHECKING:
    import numpy as np

    from ..autograd.symbolic.mistakes.points import Point
    from ..autograd.symbolic.mistakes.student import PassVerdict
    from .homework import Homework

PASS = "backward"
"""The function that is looked for when none is named; its local variables count when it returns no dict."""


def judged(
    work: Homework, tried: list[Point], answers: list[Answer], wrt: Sequence[str], mapping: Sequence[str], seed: int
) -> PassVerdict:
    from ..autograd.symbolic.derivation import Sentence
    from ..autograd.symbolic.mistakes.student import NUMERICAL, PassVerdict, check_arrays, check_value
    from ..autograd.symbolic.mistakes.verdict import Slip

    whole_at = next((at for at, point in enumerate(tried) if point.kind == "whole"), None)
    if answers[0].error:
        return PassVerdict(False, (), slips=(Slip("crash", Sentence("{error}", {"error": answers[0].error})),))
    kept = [at for at, answer in enumerate(answers) if at != whole_at and not answer.error]
    points, good = [tried[at] for at in kept], [answers[at] for at in kept]
    tolerance = NUMERICAL if work.function else None
    variables = _wanted(work, wrt)
    arrays = _as_gradients(work, good, variables)
    mapped = _mapping(work, mapping)

    def verdict(some: Sequence[int], at: Sequence[Point]) -> PassVerdict:
        if arrays is not None:
            return check_arrays(work.output, [arrays[each] for each in some], at, mapping=mapped, tolerance=tolerance)
        return check_value(work.output, None, [good[each].returned[""] for each in some], at, work.name, tolerance)

    if arrays is None and (
        good[0].form != "array"
        or (
            work.output.shape != good[0].returned[""].shape and not good[0].returned[""].shape and not work.output.shape
        )
    ):
        raise CommandError(
            translate(N_("{function} returns no array and no dict of arrays"), function=f"{work.path}:{work.name}")
        )
    result = verdict(range(len(good)), points)
    if not result.rows:
        raise CommandError(
            translate(N_("none of {names} speaks of a node"), names=", ".join(result.unmatched) or "…"),
            translate(N_("write --map NAME=NODE; the nodes are {known}"), known=", ".join(_nodes(work))),
        )
    slips, notes = _manners(good), []
    slips += [
        Slip("crash", Sentence(N_("it fails at some values: {error}"), {"error": answer.error}))
        for at, answer in enumerate(answers)
        if answer.error and at != whole_at
    ][:1]
    if result.first is None and whole_at is not None:
        found = _whole_numbers(work, tried[whole_at], answers[whole_at], good, variables, mapped, tolerance)
        slips += [found] if found is not None and work.whole else []
        notes += [found.said] if found is not None and not work.whole else []
    if work.renamed:
        notes.append(
            Sentence(
                N_("called with {names}"),
                {"names": ", ".join(f"{parameter} = {leaf}" for parameter, leaf in work.renamed.items())},
            )
        )
    listed = (
        result.unmatched
        if good[0].form == "dict"
        else tuple(name for name in result.unmatched if name.startswith(("d", "grad", "delta")))
    )
    return replace(
        result, right=result.right and not slips, slips=tuple(slips), notes=(*result.notes, *notes), unmatched=listed
    )


def _as_gradients(
    work: Homework, answers: Sequence[Answer], variables: Sequence[str]
) -> list[dict[str, np.ndarray]] | None:
    """The arrays by the names they are matched by; None when a single array is the value of the expression."""
    first = answers[0]
    if first.form == "dict":
        return [dict(answer.returned) for answer in answers]
    if (first.form == "array" and len(variables) == 1) or (
        first.form == "tuple" and len(variables) == len(first.returned)
    ):
        return [
            {f"d{name}": array for name, array in zip(variables, answer.returned.values(), strict=False)}
            for answer in answers
        ]
    if first.form == "array" and work.function and len(work.problem.leaves) == 1:
        return [{f"d{name}": answer.returned[""] for name in work.problem.leaves} for answer in answers]
    if first.form == "array" and not work.upstream and work.name != PASS:
        return None
    return [dict(answer.local) for answer in answers]


def _wanted(work: Homework, wrt: Sequence[str]) -> list[str]:
    names = parse_names(wrt)
    for name in names:
        if name not in _nodes(work):
            raise CommandError(translate(N_("--wrt {name}: there is no variable of that name"), name=name))
    return names


def _nodes(work: Homework) -> list[str]:
    from ..autograd.symbolic.local import board

    return [symbol.name for symbol in board(work.output).symbols.values()]


def _mapping(work: Homework, mapping: Sequence[str]) -> dict[str, str]:
    """--map dz1=a1, with names that exist."""
    found = parse_assignments(mapping, "--map")
    known = _nodes(work)
    for name, node in found.items():
        if node not in known:
            meant = nearest(node, known)
            raise CommandError(
                translate(N_("--map {name}={node}: there is no node of that name"), name=name, node=node),
                translate(N_("did you mean {meant}?"), meant=meant)
                if meant
                else translate(N_("the nodes are {known}"), known=", ".join(known)),
            )
    return found


def _manners(answers: Sequence[Answer]) -> list[Any]:
    """Arguments that were overwritten."""
    from ..autograd.symbolic.derivation import Sentence
    from ..autograd.symbolic.mistakes.verdict import Slip

    bad = next((answer for answer in answers if answer.overwritten), None)
    if bad is None:
        return []
    names = ", ".join(bad.overwritten)
    why = [Sentence("{place}", {"place": bad.place})] if bad.place else []
    why.append(
        Sentence(
            N_(
                "An array that is passed in belongs to the caller, who may need it again; work on a copy: {name}.copy()"
            ),
            {"name": bad.overwritten[0]},
        )
    )
    return [Slip("overwritten", Sentence(N_("it overwrites its argument {names}"), {"names": names}), tuple(why))]


def _whole_numbers(
    work: Homework,
    point: Point,
    answer: Answer,
    good: Sequence[Answer],
    variables: Sequence[str],
    mapped: Mapping[str, str],
    tolerance: float | None,
) -> Any:
    """The slip of a function that is right on floats and wrong on whole numbers; None when it is right on both."""
    import numpy as np

    from ..autograd.symbolic.derivation import Sentence
    from ..autograd.symbolic.mistakes.points import Point
    from ..autograd.symbolic.mistakes.student import check_arrays, check_value
    from ..autograd.symbolic.mistakes.verdict import Slip

    why = (
        Sentence(
            N_(
                "A whole-number array loses every fraction that is written into it; make it one of floats first: x = np.array(x, dtype=float)"
            )
        ),
    )
    if answer.error:
        return Slip(
            "integer-array", Sentence(N_("on whole-number arrays it fails: {error}"), {"error": answer.error}), why
        )
    floats = Point(
        {
            leaf: np.asarray(value, dtype=np.float64) if leaf.dtype.kind == "f" else value
            for leaf, value in point.values.items()
        },
        "given",
    )
    arrays = _as_gradients(work, [answer], variables)
    if arrays is not None:
        result = check_arrays(work.output, arrays, [floats], mapping=mapped, tolerance=tolerance)
    elif answer.form != "array":
        return None
    else:
        result = check_value(work.output, None, [answer.returned[""]], [floats], work.name, tolerance)
    if result.right or not result.rows:
        return None
    names = ", ".join(row.name for row in result.rows if row.state == "wrong")
    del good
    return Slip(
        "integer-array",
        Sentence(N_("right on floats, but wrong on whole-number arrays: {names}"), {"names": names}),
        why,
    )
