"""SymPy's opinion of a derivation: its own derivative beside ours, and the result simplified."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..language import N_
from ..node import Node
from .derivation import Check, Derivation, Sentence

if TYPE_CHECKING:
    from .explanation import Explanation
    from .lower import Verification


def with_sympy(explanation: Explanation, derivation: Derivation, *, simplify: bool, verify: str | None) -> Derivation:
    """The derivation with a note per variable: SymPy's simplified form, and whether SymPy's derivative agrees with the
    result."""
    from .lower import verify as sympy_verify

    notes, steps = list(derivation.notes), list(derivation.steps)
    if simplify and not explanation.scalar:
        notes.append(Sentence(N_("SymPy simplifies expressions of single numbers; this one has arrays")))
    for w in explanation.wrt:
        name = explanation.board.name(w)
        if simplify and explanation.scalar:
            notes.append(Sentence(
                N_("{partial} simplified by SymPy: {form}"),
                {"partial": f"∂{explanation.of}/∂{name}", "form": _simplified(explanation.adjoints[w])},
            ))  # fmt: skip
        if verify:
            verdict = sympy_verify(explanation.board.output, [w])
            notes.append(Sentence(_opinion(verdict), {"partial": f"∂{explanation.of}/∂{name}"}))
            if verdict.differs:
                at = next(index for index, step in enumerate(steps) if step.id == f"r.{name}")
                steps[at] = replace(steps[at], check=Check(False, float("inf"), steps[at].check.points))
    return replace(derivation, notes=tuple(notes), steps=tuple(steps))


def _opinion(verdict: Verification) -> str:
    if verdict.ok:
        return N_("SymPy's own derivative agrees with {partial}")
    if verdict.differs:
        return N_("SymPy's own derivative does not agree with {partial}")
    return N_("SymPy's own derivative could not be compared with {partial} at enough points")


def _simplified(node: Node) -> str:
    import sympy

    from .lower import lower

    return str(sympy.simplify(lower(node)))
