"""A derivation laid out as a document: which blocks it has and in what order, the same for every format.

The formats differ only in how they print a block. What the detail leaves out, where a failed line stops the output and
which sentences are said, is decided here.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ..language import N_, translate
from ..op import OPS
from ..sizes import Size, size_text
from .convert import rank_of
from .derivation import BACKWARD, CHAIN, FORWARD, INSIDE, RESULT, Check, Derivation, Form, Sentence, Step
from .numbers import digits, error_digits
from .render import Printer, Style
from .precedence import has_axes
from .terms import Apply, Element, EntryPartial, Number, Partial, Product, Symbol, Term, children
from .differences import TOLERANCE as DIFFERENCE_TOLERANCE
from .verify import TOLERANCE

TITLES = {FORWARD: N_("FORWARD"), BACKWARD: N_("BACKWARD")}
SECOND = N_("{title}, second derivative")
BACKWARD_HINT = N_("gradient arriving × local derivative")
VALUE, ERROR = N_("value"), N_("error")
GIVEN, SIZES = N_("given"), N_("sizes")


class Given(NamedTuple):
    """One given value."""

    name: Symbol
    shape: tuple[int, ...]
    value: np.ndarray


class Row(NamedTuple):
    """One line of the forward or backward pass; `lead` is the same line entry by entry, which comes before it."""

    step: Step
    number: int | None
    lead: Step | None
    why: tuple[Sentence, ...]

    @property
    def symbolic(self) -> list[Form]:
        """The forms in names."""
        return [form for form in self.step.forms if not form.numbers]

    @property
    def numbers(self) -> Form | None:
        """The form in numbers, where it says more than the value does."""
        found = next((form for form in self.step.forms if form.numbers), None)
        return (
            None
            if found is None or isinstance(found.term, Number) or found.term in [form.term for form in self.symbolic]
            else found
        )


class Table(NamedTuple):
    """The forward or the backward pass."""

    section: str
    rows: tuple[Row, ...]
    second: bool = False

    @property
    def title(self) -> Sentence:
        """Its heading."""
        title = Sentence(TITLES[self.section])
        return Sentence(SECOND, {"title": title}) if self.second else title

    @property
    def hint(self) -> str:
        """What every line of the backward pass is made of, as a sentence; empty where lines are about arrays."""
        return BACKWARD_HINT if self.section == BACKWARD and self.scalar else ""

    @property
    def scalar(self) -> bool:
        """Whether every line is about single numbers."""
        return all(row.step.value is None or row.step.value.ndim == 0 for row in self.rows)


class Chain(NamedTuple):
    """The result for one variable: along which paths, then form under form."""

    step: Step
    why: tuple[Sentence, ...]


class Document(NamedTuple):
    """A derivation as blocks: title, givens, tables, chains, notes, and the line that failed, if one did."""

    derivation: Derivation
    wanted: tuple[Partial, ...]
    givens: tuple[Given, ...]
    sizes: tuple[tuple[str, int], ...]
    blocks: tuple[Table | Chain, ...]
    notes: tuple[Sentence, ...]
    failed: Step | None

    @property
    def seeded(self) -> Sentence | None:
        """Which of the givens were chosen for the user."""
        if not self.derivation.seeded:
            return None
        names = tuple(Symbol(name) for name in self.derivation.seeded)
        return Sentence(
            N_("no value was given for {names}; these were drawn with seed {seed}"),
            {"names": names, "seed": self.derivation.seed},
        )


def document(derivation: Derivation) -> Document:
    """The blocks of a derivation at its own detail, up to the first line that failed."""
    failed = derivation.failed
    steps = list(derivation.steps)
    if failed is not None:
        steps = steps[: steps.index(failed) + 1]
    general = {sentence for op in OPS.values() for sentence in (op.why, op.words)}
    full = derivation.detail == "full"
    said: set[object] = set()

    def sentences(step: Step) -> tuple[Sentence, ...]:
        """What is said below a line: in full every sentence, else those about this very line; none twice."""
        chosen = []
        for sentence in step.why:
            known = (sentence.template, repr(dict(sentence.fields)))
            if known not in said and (full or sentence.template not in general):
                said.add(known)
                chosen.append(sentence)
        return tuple(chosen)

    blocks: list[Table | Chain] = []
    run: list[Step] = []

    def close() -> None:
        """The lines of one pass that stand together, as a table."""
        if run:
            table = Table(_pass(run[0]), _rows(run, sentences), any(isinstance(block, Chain) for block in blocks))
            if derivation.detail != "brief" or failed in run:
                blocks.append(table)
            run.clear()

    for step in steps:
        if step.section in (CHAIN, RESULT):
            close()
            blocks.append(Chain(step, sentences(step)))
            continue
        if run and _pass(step) != _pass(run[0]):
            close()
        run.append(step)
    close()
    # Every wanted variable is named in the title, also when the output stops before its result.
    wanted = [
        Partial(derivation.output, gradient.by, gradient.value.ndim) for gradient in derivation.gradients.values()
    ]
    givens = tuple(
        Given(Symbol(name, np.ndim(value)), derivation.shapes.get(name, np.shape(value)), np.asarray(value))
        for name, value in derivation.givens.items()
    )
    return Document(
        derivation, tuple(wanted), givens, tuple(_sizes(derivation)), tuple(blocks),
        (*_conventions(derivation), *derivation.notes), failed,
    )  # fmt: skip


def _pass(step: Step) -> str:
    """The pass a line belongs to; a line inside an op goes where the op's own line stands."""
    if step.section != INSIDE:
        return step.section
    before = step.before.base if isinstance(step.before, Element) else step.before
    return BACKWARD if isinstance(before, (Partial, EntryPartial)) else FORWARD


def _rows(run: list[Step], sentences: Callable[[Step], tuple[Sentence, ...]]) -> tuple[Row, ...]:
    rows: list[Row] = []
    lead: Step | None = None
    last = 0
    for at, step in enumerate(run):
        follower = run[at + 1] if at + 1 < len(run) else None
        if step.section != INSIDE and _is_entry_form(step) and follower is not None and follower.node == step.node:
            lead = step
            continue
        rows.append(Row(step, step.number if step.number != last else None, lead, sentences(step)))
        last, lead = step.number, None
    return tuple(rows)


def _is_entry_form(step: Step) -> bool:
    return isinstance(step.before, Element) and step.value is None


def _sizes(derivation: Derivation) -> Iterator[tuple[str, int]]:
    seen = set()
    for shape in derivation.shapes.values():
        for size in shape:
            if isinstance(size, Size) and size.text.isidentifier() and size.text not in seen:
                seen.add(size.text)
                yield size.text, int(size)


def _samples(derivation: Derivation) -> Symbol | None:
    """The given matrix whose rows are multiplied by another matrix, X in X·W; None when samples are not rows of anything."""
    for step in derivation.steps:
        stack = [step.forms[0].term] if step.section == FORWARD else []
        while stack:
            term = stack.pop()
            if isinstance(term, Product) and term.style == "matrix":
                left, right = term.factors[:2]
                if isinstance(left, Symbol) and left.name in derivation.givens and left.name not in derivation.gradients and left.rank == rank_of(right) == 2:
                    return left
            stack.extend(children(term))
    return None


def _division(derivation: Derivation) -> Term | None:
    """The first division by an array on a line."""
    for step in derivation.steps:
        stack = [form.term for form in step.forms]
        while stack:
            term = stack.pop()
            if isinstance(term, Apply) and term.op.notation.style == "fraction" and has_axes(term.args[1]):
                return term
            stack.extend(children(term))
    return None


def _conventions(derivation: Derivation) -> Iterator[Sentence]:
    """The notation, where a reader might meet another one elsewhere."""
    notation = derivation.notation
    if notation.data == "rows" and (samples := _samples(derivation)) is not None:
        yield Sentence(N_("Samples are the rows of {name}."), {"name": samples})
    if (division := _division(derivation)) is not None:
        yield Sentence(N_("Arrays are divided entry by entry, as in {division}."), {"division": division})
    if notation.derivative != "partial":
        inner = [
            step.before
            for step in derivation.steps
            if step.section == BACKWARD
            and isinstance(step.before, Partial)
            and Style.of(derivation).is_adjoint(step.before)
        ]
        if inner:
            yield Sentence(N_("{short} stands for {long}."), {"short": inner[-1], "long": Long(inner[-1])})


class Long(NamedTuple):
    """A derivative to be written with ∂ whatever the notation, where a shorter sign is explained."""

    partial: Partial


class Written(str):
    """A text that is already in the format."""


FIELD = re.compile(r"\{([A-Za-z_][A-Za-z_0-9]*)\}")


class Speaker(ABC):
    """Says sentences, shapes and checks in one format and language."""

    formulas: Printer
    checks_shown = True
    """Whether checks are printed; a check that failed always is."""

    def __init__(self, formulas: Printer, language: str | None) -> None:
        self.formulas = formulas
        self.language = language

    def shows(self, check: Check) -> bool:
        """Whether something is to be said about a check."""
        return self.checks_shown or check.passed is False

    @abstractmethod
    def escaped(self, text: str) -> str:
        """Running text made safe for the format."""

    @abstractmethod
    def inline(self, formula: str) -> str:
        """A formula within running text."""

    def shape(self, shape: tuple[int, ...]) -> str:
        """(N×K), in the format."""
        return self.escaped(f"({'×'.join(size_text(size) for size in shape)})")

    def say(self, template: str, **fields: object) -> str:
        """A template in the language, its fields written in the format."""
        return self.sentence(Sentence(template, fields))

    def sentence(self, sentence: Sentence) -> str:
        """A sentence in the language, its fields written in the format."""
        text = translate(sentence.template, self.language)
        pieces, at = [], 0
        for match in FIELD.finditer(text):
            if match[1] in sentence.fields:
                pieces += [self.escaped(text[at : match.start()]), self._field(sentence.fields[match[1]])]
                at = match.end()
        return "".join([*pieces, self.escaped(text[at:])])

    def _field(self, value: object) -> str:
        match value:
            case Written():
                return str(value)
            case Sentence():
                return self.sentence(value)
            case Term():
                return self.inline(self.formulas.plain(value))
            case Long(partial=partial):
                return self.inline(self.formulas.partial(partial, ()))
            case bool():
                return self.escaped(translate(N_("yes") if value else N_("no"), self.language))
            case Size():
                return self.inline(self.formulas.size(value.text))
            case int() | np.integer():
                return self.escaped(str(int(value)).replace("-", "−"))
            case float() | np.floating():
                return self.inline(self.formulas.number(digits(value)))
            case tuple() if all(isinstance(each, int) for each in value):
                return self.shape(value)
            case tuple() | list():
                between = self.escaped(translate(N_(", "), self.language))
                return between.join(self._field(each) for each in value)
            case None:
                return self.escaped("–")
        text = str(value)
        if len(text) == 1 and text.isalpha():  # an index letter
            return self.inline(self.formulas.name(text))
        if " ← " in text:  # a path through the graph: names joined by arrows
            return self.inline(
                self.formulas.sign("←", r"\leftarrow").join(self.formulas.name(name) for name in text.split(" ← "))
            )
        return self.escaped(text)

    def checks(self, check: Check) -> list[tuple[bool | None, str]]:
        """What was checked, one (passed, text) for each road."""
        if not self.shows(check):
            return []
        if check.passed is None:
            reason = self.sentence(check.reason) if check.reason is not None else self.say(N_("no check applies here"))
            return [(None, self.say(N_("not checked: {reason}"), reason=Written(reason)))]
        found: list[tuple[bool | None, str]] = []
        reverse_ok = check.passed or not _too_large(check.error, TOLERANCE)
        if check.error is not None:
            error = error_digits(check.error)
            if check.points > 1:
                found.append(
                    (
                        reverse_ok,
                        self.say(N_("reverse mode at {points} points: {error}"), points=check.points, error=error),
                    )
                )
            else:
                found.append((reverse_ok, self.say(N_("reverse mode: {error}"), error=error)))
        if check.difference is not None:
            difference_ok = check.passed or not _too_large(check.difference, DIFFERENCE_TOLERANCE)
            found.append(
                (difference_ok, self.say(N_("finite differences: {error}"), error=error_digits(check.difference)))
            )
        return found or [(check.passed, self.say(N_("checked") if check.passed else N_("the check failed")))]

    def failure(self, step: Step) -> str:
        """The closing sentence when a line failed."""
        return self.say(
            N_("The line {line} does not survive its check: {reason}. The derivation stops here."),
            line=step.before,
            reason=why_failed(step.check),
        )


def why_failed(check: Check) -> Sentence:
    """By which of its measures a line failed, and by how much."""
    if _too_large(check.error, TOLERANCE):
        if not math.isfinite(check.error or 0.0):
            return Sentence(N_("it does not agree with the other way of computing it"))
        return Sentence(N_("reverse mode disagrees by {error}"), {"error": error_digits(check.error or 0.0)})
    if _too_large(check.difference, DIFFERENCE_TOLERANCE):
        return Sentence(N_("finite differences disagree by {error}"), {"error": error_digits(check.difference or 0.0)})
    return Sentence(N_("the numbers do not agree"))


def told(check: Check) -> float | None:
    """The error that stands beside a line's mark: reverse mode's, or the one by which the line failed."""
    if check.passed is False and not _too_large(check.error, TOLERANCE):
        return check.difference if check.difference is not None else check.error
    return check.error if check.error is not None else check.difference


def _too_large(error: float | None, tolerance: float) -> bool:
    return error is not None and not error <= tolerance  # so that NaN counts as too large
