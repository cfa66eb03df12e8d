"""A derivation as data: sections of steps, each an equation chain with its reason and its check. Renderers print it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ParameterError
from .terms import Term

FORWARD, INSIDE, BACKWARD, CHAIN, RESULT = "forward", "inside", "backward", "chain", "result"
NOTATIONS = {
    "derivative": ("partial", "delta", "bar"),
    "data": ("rows", "columns"),
    "layout": ("denominator", "numerator"),
}
"""The conventions there are to choose from."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A gettext template with named fields; fields are texts, numbers, terms, shapes (tuples of sizes) or sentences again."""

    template: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """What became of a line's check. `passed` is None when it could not be made; `reason` then says why, never a tick.

    `error`: the largest |a−b|/(1+|a|) against reverse mode over `points` points. `difference`: the same against finite
    differences, when they were taken.
    """

    passed: bool | None
    error: float | None = None
    points: int = 0
    difference: float | None = None
    reason: Sentence | None = None

    def worse(self, other: Check) -> Check:
        """The check that failed, else the one that could not be made, else this one with the larger error of both, and the
        fewer points of those that were made at several."""
        for passed in (False, None):
            if passed in (self.passed, other.passed):
                return self if self.passed is passed else other
        counts = [check.points for check in (self, other) if check.points > 1] or [self.points]
        error = self.error if (self.error or 0) >= (other.error or 0) else other.error
        return replace(self, error=error, points=min(counts))


@dataclass(frozen=True, slots=True)
class Form:
    """One way of writing the right-hand side, and the short reason that leads from the form before it to this one.

    `shapes`: the shape under every factor of a matrix form, in the order of the factors. `numbers`: names replaced by
    values. `where`: the case in which this form holds (i = j).
    """

    term: Term
    note: Sentence | None = None
    shapes: tuple[tuple[int, ...], ...] = ()
    numbers: bool = False
    where: Sentence | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One line (or chain of equal forms) of a derivation: `before` = forms[0] = forms[1] = … = `value`.

    `number`: the forward line it belongs to; the same number is used forward, backward and in the picture.
    `rule`: the name of what was used, short. `why`: sentences that explain it. `section`: forward, inside, backward,
    chain or result.
    """

    id: str
    section: str
    number: int
    node: str
    before: Term
    forms: tuple[Form, ...]
    rule: Sentence | None
    why: tuple[Sentence, ...]
    shape: tuple[int, ...]
    value: np.ndarray | None
    check: Check

    @property
    def after(self) -> Term:
        """The last form: what the line arrives at."""
        return self.forms[-1].term


@dataclass(frozen=True, slots=True)
class Gradient:
    """The result for one variable (or, at second order, one pair): value, formula, and the path text of the chain."""

    by: tuple[str, ...]
    value: np.ndarray
    formula: Term


@dataclass(frozen=True, slots=True)
class Notation:
    """How derivatives and data are written: stated in the output.

    `derivative`: "partial" ∂E/∂w, "delta" δ_a, "bar" w̄. `data`: "rows" x@W or "columns" W·x. `layout`: "denominator"
    (a gradient is shaped like its variable) or "numerator" (its transpose).
    """

    derivative: str = "partial"
    data: str = "rows"
    layout: str = "denominator"

    def __post_init__(self) -> None:
        for name, known in NOTATIONS.items():
            if (value := getattr(self, name)) not in known:
                raise ParameterError(f"{name}={value!r} is not known; there are {', '.join(known)}")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Derivation:
    """Everything `nngraph explain` knows about one expression, as data."""

    expression: Term
    output: str
    value: np.ndarray
    givens: Mapping[str, np.ndarray]
    """Leaf values, in order of appearance."""
    shapes: Mapping[str, tuple[int, ...]]
    """Shapes of all names on lines, sizes with their letters."""
    seeded: tuple[str, ...]
    """Which givens were chosen by us, from `seed`."""
    seed: int
    steps: tuple[Step, ...]
    gradients: Mapping[str, Gradient]
    """By "w" or, at second order, "w,w"."""
    notes: tuple[Sentence, ...]
    """What holds for the whole: conventions, chosen slopes at kinks, why the adjoint form was used."""
    notation: Notation
    detail: str

    @property
    def failed(self) -> Step | None:
        """The first line whose check failed."""
        return next((step for step in self.steps if step.check.passed is False), None)

    @property
    def ok(self) -> bool:
        """Whether no line failed its check."""
        return self.failed is None

    def text(
        self,
        *,
        width: int = 100,
        color: bool = False,
        language: str | None = None,
        ascii: bool = False,
        checks: bool = True,
    ) -> str:
        """The derivation for a terminal, at most `width` cells wide. Without `checks`, only a check that failed is shown."""
        from .text import derivation_text

        return derivation_text(self, width=width, color=color, language=language, ascii=ascii, checks=checks)

    def latex(self, *, standalone: bool = True, language: str | None = None, checks: bool = True) -> str:
        """A LaTeX document that compiles as it is; or, not `standalone`, `aligned` blocks for a slide (Beamer, MathJax)."""
        from .latex import derivation_latex

        return derivation_latex(self, standalone=standalone, language=language, checks=checks)

    def markdown(self, *, language: str | None = None, checks: bool = True) -> str:
        """Markdown with $$ blocks."""
        from .markdown import derivation_markdown

        return derivation_markdown(self, language=language, checks=checks)

    def html(self, *, standalone: bool = True, language: str | None = None, checks: bool = True) -> str:
        """One self-contained page with MathML that makes no network request; or, not `standalone`, a part for another page."""
        from .html import derivation_html

        return derivation_html(self, standalone=standalone, language=language, checks=checks)

    def json(self, *, language: str | None = None) -> str:
        """The derivation as JSON after the shipped schema, numbers in full precision."""
        from .json import derivation_json

        return derivation_json(self, language=language)

    def save(self, path: str | Path, language: str | None = None, *, checks: bool = True) -> Path:
        """Write a file, whole or not at all, in the form of its ending: .txt .tex .md .html .json; the path comes back.

        `language`: "en", "zh-TW" or "zh-CN"; the current one unless given. ParameterError for another ending.

        >>> import tempfile, nngraph as ng
        >>> w = ng.input("w", 3.0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     ng.explain(w * w, wrt=[w]).save(f"{folder}/square.tex", language="zh-TW").name
        'square.tex'
        """
        from .saving import save

        return save(self, path, language, checks)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        wanted = ", ".join(_written_out(self.output, gradient.by) for gradient in self.gradients.values())
        if self.failed is not None:
            state = f"the check of {self.failed.id} failed"
        elif unchecked := sum(step.check.passed is None for step in self.steps):
            state = f"{unchecked} not checked"
        else:
            state = "all checked"
        return f"<Derivation of {wanted}: {len(self.steps)} lines, {state}>"

    def _repr_html_(self) -> str:
        return self.html(standalone=False)

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def _repr_latex_(self) -> str:
        # MathJax breaks nothing into pages, and would show the command that allows it.
        return self.latex(standalone=False).removeprefix("\\allowdisplaybreaks\n")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {
            "text/plain": self.text(),
            "text/html": self._repr_html_(),
            "text/markdown": self._repr_markdown_(),
            "text/latex": self._repr_latex_(),
        }


def _written_out(of: str, by: tuple[str, ...]) -> str:
    """∂E/∂w, ∂²E/∂w∂x."""
    return f"∂{'²' if len(by) == 2 else f'^{len(by)}' if len(by) > 2 else ''}{of}/" + "".join(f"∂{name}" for name in by)
