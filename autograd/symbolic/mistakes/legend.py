"""What our own names stand for: a verdict that speaks of d or P says d = y − z, P = softmax(Z)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..derivation import INSIDE, Sentence
from ..terms import Element, Prime, Symbol, Term, walk
from .scene import Scene
from .verdict import Verdict

WORD = re.compile(r"[^\W\d]\w*")


def with_legend(scene: Scene, verdict: Verdict) -> Verdict:
    """The verdict with the definitions of the names in it that are ours: lines of the derivation that the user gave no name."""
    ours: dict[str, Term] = {line.symbol.name: line.definition for line in scene.board.lines if line.node.name is None}
    for step in scene.derivation.steps if scene.derivation is not None else ():
        if step.section == INSIDE and isinstance(step.before, Symbol) and not isinstance(step.after, Element):
            known = any(line.symbol == step.before for line in scene.board.lines) or step.before.name in scene.names
            if not known:
                ours.setdefault(step.before.name, step.after)
    # The output is what everything is about; its line is repeated only where a formula is written in it, as in 1 − y².
    in_formulas = set(_names(verdict.correct)) | (set(_names(verdict.slip.said)) if verdict.slip is not None else set())
    spoken = set(in_formulas)
    for sentence in (verdict.slip.said, *verdict.slip.why) if verdict.slip is not None else ():
        spoken |= set(_names(sentence))
    if verdict.holds is not None:
        spoken |= set(_names(verdict.holds))
    output = scene.board.lines[-1].symbol.name if scene.board.lines else ""
    if output not in in_formulas or isinstance(verdict.of, Symbol):
        ours.pop(output, None)
    waiting, used = list(spoken), set[str]()
    while waiting:
        name = waiting.pop()
        if name in ours and name not in used:
            used.add(name)
            waiting += _names(ours[name])
    return replace(verdict, legend={name: term for name, term in ours.items() if name in used}) if used else verdict


def _names(spoken: Any) -> Iterator[str]:
    """Every name in a term or in a sentence with all its fields."""
    if isinstance(spoken, Sentence):
        for value in spoken.fields.values():
            yield from _names(value)
    elif isinstance(spoken, str) and "←" not in spoken:
        yield from WORD.findall(spoken)
    elif isinstance(spoken, str):  # a path ends at the output
        yield from WORD.findall(spoken.partition("←")[2])
    elif isinstance(spoken, Term):
        for part in walk(spoken):
            if isinstance(part, Symbol):
                yield part.name
            elif isinstance(part, Prime):
                yield from _names(part.argument)
