"""The verdict on what a student's function computed: as gradients, as a value, on whole numbers, and its manners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..autograd.language import N_, translate
from .errors import CommandError
from .parse import nearest
from .returned import taken_for
from .students import Answer
from .values import parse_assignments, parse_names

if TYPE_CHECKING:
    import numpy as np

    from ..autograd.node import Node
    from ..autograd.symbolic.derivation import Sentence
    from ..autograd.symbolic.mistakes.pass_verdict import PassVerdict
    from ..autograd.symbolic.mistakes.points import Point
    from ..autograd.symbolic.mistakes.verdict import Slip
    from .homework import Homework

PASS = "backward"
"""The function that is looked for when none is named."""


def judged(
    work: Homework, tried: list[Point], answers: list[Answer], wrt: Sequence[str], mapping: Sequence[str], seed: int
) -> PassVerdict:
    """The verdict on all runs together."""
    from ..autograd.symbolic.derivation import Sentence
    from ..autograd.symbolic.mistakes.pass_verdict import PassVerdict
    from ..autograd.symbolic.mistakes.student import NUMERICAL, check_arrays, check_value

    whole_at = next((at for at, point in enumerate(tried) if point.kind == "whole"), None)
    if answers[0].error:
        return PassVerdict(False, (), slips=(_crash("{error}", answers[0]),))
    kept = [at for at, answer in enumerate(answers) if at != whole_at and not answer.error]
    points, good = [tried[at] for at in kept], [answers[at] for at in kept]
    tolerance = NUMERICAL if work.function else None
    variables = _wanted(work, wrt)
    taken = taken_for(work, good[0], variables)
    mapped = _mapping(work, mapping)

    def verdict(some: Sequence[Answer], at: Sequence[Point]) -> PassVerdict:
        if taken.value:
            return check_value(work.output, None, [answer.returned[""] for answer in some], at, work.name, tolerance)
        return check_arrays(
            work.output,
            [taken.named(answer) for answer in some],
            at,
            mapping=mapped,
            tolerance=tolerance,
            wanted=[_nodes(work)[name] for name in variables] or None,
            aside=[answer.local for answer in some],
        )

    result = verdict(good, points)
    if not result.rows and good[0].form != "nothing" and result.unused:
        raise CommandError(
            translate(N_("none of {names} speaks of a node"), names=", ".join(result.unused)),
            translate(N_("write --map NAME=NODE; the nodes are {known}"), known=", ".join(_nodes(work))),
        )
    slips, notes = _manners(good), []
    slips += [
        _crash(N_("it fails at some values: {error}"), answer)
        for at, answer in enumerate(answers)
        if answer.error and at != whole_at
    ][:1]
    if result.right and whole_at is not None:
        found = _whole_numbers(verdict, tried[whole_at], answers[whole_at], good[0])
        slips += [found] if found is not None and work.whole else []
        notes += [found.said] if found is not None and not work.whole else []
    notes += taken.notes
    notes += [note for value in good[0].beside[:1] if (note := _loss_beside(work, value, points[0])) is not None]
    if work.renamed:
        notes.append(
            Sentence(
                N_("called with {names}"),
                {"names": ", ".join(f"{parameter} = {leaf}" for parameter, leaf in work.renamed.items())},
            )
        )
    return replace(
        result, right=result.right and not slips, slips=(*result.slips, *slips), notes=(*result.notes, *notes)
    )


def _crash(template: str, answer: Answer) -> Slip:
    from ..autograd.symbolic.derivation import Sentence
    from ..autograd.symbolic.mistakes.verdict import Slip

    why = tuple(Sentence("{text}", {"text": text}) for text in answer.about)
    return Slip("crash", Sentence(template, {"error": answer.error}), why)


def _loss_beside(work: Homework, value: np.ndarray, point: Point) -> Sentence | None:
    """A word about a number that is returned beside the gradients, when it is not the loss."""
    import numpy as np

    from ..autograd.engines.numpy import Program
    from ..autograd.symbolic.derivation import Sentence

    if value.shape or work.output.shape or work.upstream:
        return None
    true = np.asarray(Program([work.output])(point.values)[0])
    if np.allclose(value, true, rtol=1e-6, atol=1e-12):
        return None
    return Sentence(
        N_("the number returned beside the gradients is {mine}, but the loss is {true}"), {"mine": value, "true": true}
    )


def _wanted(work: Homework, wrt: Sequence[str]) -> list[str]:
    names = parse_names(wrt)
    known = _nodes(work)
    for name in names:
        if name not in known:
            meant = nearest(name, known)
            raise CommandError(
                translate(N_("--wrt {name}: there is no variable of that name"), name=name),
                translate(N_("did you mean {meant}?"), meant=meant)
                if meant
                else translate(N_("the variables are {known}"), known=", ".join(known)),
            )
    return names


def _nodes(work: Homework) -> dict[str, Node]:
    from ..autograd.symbolic.local import board

    return {symbol.name: node for node, symbol in board(work.output).symbols.items()}


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
    verdict: Callable[[Sequence[Answer], Sequence[Point]], PassVerdict], point: Point, answer: Answer, right: Answer
) -> Slip | None:
    """The slip of a function that is right on floats and wrong on whole numbers; None when it is right on both."""
    import numpy as np

    from ..autograd.symbolic.derivation import Sentence
    from ..autograd.symbolic.mistakes.points import Point
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
    if answer.form != right.form:
        return None
    floats = Point(
        {
            leaf: np.asarray(value, dtype=np.float64) if leaf.dtype.kind == "f" else value
            for leaf, value in point.values.items()
        },
        "given",
    )
    result = verdict([answer], [floats])
    if result.right or not result.rows:
        return None
    names = ", ".join(row.name for row in result.rows if row.state == "wrong")
    return Slip(
        "integer-array",
        Sentence(N_("right on floats, but wrong on whole-number arrays: {names}"), {"names": names}),
        why,
    )
