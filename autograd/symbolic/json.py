"""A derivation as JSON, after `derivation.schema.json`: the same steps as data, numbers in full precision."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .derivation import Check, Derivation, Step
from .document import why_failed
from .numbers import nested
from .render import Style
from .spoken import TextSpeaker
from .terms import Term
from .tex import LatexPrinter

VERSION = 1
SCHEMA = Path(__file__).with_name("derivation.schema.json")


def derivation_json(derivation: Derivation, *, language: str | None = None) -> str:
    """The derivation as a JSON text; the steps end at the first line that failed its check."""
    return json.dumps(record(derivation, language), ensure_ascii=False, indent=2, allow_nan=False)


def record(derivation: Derivation, language: str | None = None) -> dict[str, Any]:
    """The derivation as plain dicts, lists, numbers and texts."""
    style = Style.of(derivation)
    text, latex = TextSpeaker(style, language), LatexPrinter(style)

    def both(term: Term) -> dict[str, str]:
        return {"text": text.formulas.plain(term), "latex": latex.plain(term)}

    steps = list(derivation.steps)
    if derivation.failed is not None:
        steps = steps[: steps.index(derivation.failed) + 1]
    gradients = {
        key: {
            "value": nested(gradient.value),
            "formula": text.formulas.plain(gradient.formula),
            "latex": latex.plain(gradient.formula),
        }
        for key, gradient in derivation.gradients.items()
    }
    return {
        "version": VERSION,
        "expression": text.formulas.plain(derivation.expression),
        "output": derivation.output,
        "value": nested(derivation.value),
        "given": {name: nested(value) for name, value in derivation.givens.items()},
        "seeded": list(derivation.seeded),
        "seed": derivation.seed,
        # A derivation that failed has no result to give.
        "gradients": gradients if derivation.ok else {},
        "steps": [_step(step, text, both) for step in steps],
        "notes": [text.sentence(note) for note in derivation.notes],
        "ok": derivation.ok,
    }


def _step(step: Step, text: TextSpeaker, both: Any) -> dict[str, Any]:
    forms = []
    for form in step.forms:
        forms.append({
            **both(form.term),
            "note": text.sentence(form.note) if form.note is not None else None,
            "where": text.sentence(form.where) if form.where is not None else None,
            "numbers": form.numbers,
            "shapes": [[int(size) for size in shape] for shape in form.shapes],
        })  # fmt: skip
    return {
        "id": step.id,
        "section": step.section,
        "number": step.number,
        "node": step.node,
        "rule": text.sentence(step.rule) if step.rule is not None else None,
        "before": both(step.before),
        "after": both(step.after),
        "forms": forms,
        "why": " ".join(text.sentence(sentence) for sentence in step.why),
        "shape": [int(size) for size in step.shape],
        "value": None if step.value is None else nested(step.value),
        **_check(step.check, text),
    }


def _check(check: Check, text: TextSpeaker) -> dict[str, Any]:
    return {
        "checked": check.passed,
        "error": None if check.error is None else nested(check.error),
        "difference": None if check.difference is None else nested(check.difference),
        "points": check.points,
        "reason": text.checks(check)[0][1]
        if check.passed is None
        else text.sentence(why_failed(check))
        if check.passed is False
        else None,
    }
