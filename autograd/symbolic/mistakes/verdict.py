"""A verdict: right or wrong, a point that shows it, the slip and where it was made. Plain data; text and JSON are written from it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...language import N_, cell_width, translate
from ..derivation import Sentence
from ..numbers import nested
from ..terms import Term
from .say import said, written

RED, GREEN, DIM, PLAIN = "\x1b[1;31m", "\x1b[1;32m", "\x1b[2m", "\x1b[0m"
MOST_GIVENS = 12
WIDEST = 100
NEAR, LARGEST_EXACT = 5e-3, 16
"""Values of at most so many entries that differ by less than this part are printed with more digits."""


@dataclass(frozen=True)
class Slip:
    """A mistake by name. `kind` is for programs, `said` for people; `why` says what belongs there and for what reason.

    `term`: a formula with this very slip, which gives the same numbers as the claim.
    """

    kind: str
    said: Sentence
    why: tuple[Sentence, ...] = ()
    term: Term | None = None


@dataclass(frozen=True, eq=False)
class Verdict:
    """What became of a claim.

    `point`: leaf (and shorthand) values at which the two sides differ, or None when the claim is right. `holds`: on which
    part of its domain a wrong claim is right. `tested`: at how many points the two were compared.
    """

    right: bool
    of: Term | str
    yours: Term | str
    correct: Term | None = None
    point: Mapping[str, np.ndarray] | None = None
    yours_value: np.ndarray | None = None
    correct_value: np.ndarray | None = None
    slip: Slip | None = None
    holds: Sentence | None = None
    notes: tuple[Sentence, ...] = ()
    tested: int = 0
    said: Sentence | None = None
    """What to say of a right claim, where it is not right at every point tried."""
    legend: Mapping[str, Term] = field(default_factory=dict)
    """What the names in it that are ours stand for."""

    def headline(self) -> Sentence:
        """The verdict in one sentence."""
        if self.right:
            return self.said or Sentence(
                N_("right: {of} agrees at all {count} points tried"), {"of": self.of, "count": self.tested}
            )
        return (
            self.slip.said if self.slip is not None else Sentence(N_("wrong: {of} is something else"), {"of": self.of})
        )

    def text(self, *, color: bool = False, language: str | None = None) -> str:
        """The verdict for a terminal."""
        mark = "✓" if self.right else "✗"
        mark = f"{GREEN if self.right else RED}{mark}{PLAIN}" if color else mark
        lines = [f"{mark} {said(self.headline(), language)}"]
        rows: list[tuple[str, str, str]] = []
        near = _near(self.yours_value, self.correct_value)
        if not self.right:
            rows.append((translate(N_("yours"), language), _text(self.yours), _value(self.yours_value, near)))
            if self.correct is not None or self.correct_value is not None:
                rows.append(
                    (
                        translate(N_("correct"), language),
                        _text(self.correct if self.correct is not None else self.of),
                        _value(self.correct_value, near),
                    )
                )
        elif self.correct is not None:
            rows.append((translate(N_("yours"), language), _text(self.yours), ""))
            rows.append((translate(N_("derived"), language), _text(self.correct), ""))
        margin = [translate(N_("where"), language), *([translate(N_("with"), language)] if self.legend else [])]
        label = max([cell_width(row[0]) for row in rows] + [cell_width(each) for each in margin], default=0)
        wide = max((cell_width(formula) for _, formula, value in rows if value), default=0)
        at = _point_text(self.point) if self.point else ""
        for number, (name, formula, value) in enumerate(rows):
            line = f"  {_padded(name, label)}  {_padded(formula, wide if wide <= 60 else 0) if value else formula}"
            rest = _wrapped(f"= {value}", WIDEST - label - 6) if value else []
            if rest and cell_width(line) + cell_width(rest[0]) + 2 <= WIDEST and len(rest) == 1:
                line += f"  {rest.pop()}"
            if value and not rest and at and number == 0 and cell_width(line) + cell_width(at) < WIDEST - 4:
                line += "   " + translate(N_("at {point}"), language, point=at)
                at = ""
            lines += [line.rstrip(), *(f"  {' ' * label}    {piece}" for piece in rest)]
        if at and not self.right:
            lines += [
                f"  {' ' * label}  {piece}"
                for piece in _wrapped(translate(N_("at {point}"), language, point=at), WIDEST - label - 4)
            ]
        named = [f"{name} = {_text(term)}" for name, term in self.legend.items()][:MOST_GIVENS]
        for row, piece in enumerate(_rows(named, WIDEST - label - 4)):
            lines.append(f"  {_padded(margin[-1] if row == 0 else '', label)}  {piece}")
        why = [*([self.holds] if self.holds is not None else []), *(self.slip.why if self.slip is not None else ())]
        for number, sentence in enumerate(why):
            name = margin[0] if number == 0 else ""
            for row, piece in enumerate(_wrapped(said(sentence, language), WIDEST - label - 4)):
                lines.append(f"  {_padded(name if row == 0 else '', label)}  {piece}")
        for sentence in self.notes:
            for piece in _wrapped(said(sentence, language), WIDEST - 2):
                lines.append(f"  {DIM}{piece}{PLAIN}" if color else f"  {piece}")
        return "\n".join(lines)

    def record(self, language: str | None = None) -> dict[str, Any]:
        """The verdict as JSON holds it, numbers in full precision."""
        return {
            "version": 1,
            "right": self.right,
            "of": _text(self.of),
            "yours": {"formula": _text(self.yours), "value": None if self.yours_value is None else nested(self.yours_value)},
            "correct": {
                "formula": None if self.correct is None else _text(self.correct),
                "value": None if self.correct_value is None else nested(self.correct_value),
            },
            "point": None if self.point is None else {name: nested(value) for name, value in self.point.items()},
            "slip": None
            if self.slip is None
            else {
                "kind": self.slip.kind,
                "said": said(self.slip.said, language),
                "why": [said(each, language) for each in self.slip.why],
                "formula": None if self.slip.term is None else _text(self.slip.term),
            },
            "holds": None if self.holds is None else said(self.holds, language),
            "notes": [said(each, language) for each in self.notes],
            "names": {name: _text(term) for name, term in self.legend.items()},
            "tested": self.tested,
            "said": said(self.headline(), language),
        }  # fmt: skip

    def json(self, language: str | None = None) -> str:
        """The record as JSON text."""
        return json.dumps(self.record(language), ensure_ascii=False, indent=2)

    def __str__(self) -> str:
        return self.text()


def _text(value: Term | str | None) -> str:
    return "" if value is None else written(value)


def _value(value: np.ndarray | None, near: bool = False) -> str:
    if value is None:
        return ""
    value = np.asarray(value)
    if not near or value.size > LARGEST_EXACT:
        return written(value)
    return np.array2string(
        value, separator=", ", max_line_width=10_000, formatter={"float_kind": lambda each: f"{each:.8g}"}
    ).replace("-", "−")


def _near(yours: np.ndarray | None, correct: np.ndarray | None) -> bool:
    """Whether two values differ by so little that the usual digits would hide it."""
    if yours is None or correct is None or np.shape(yours) != np.shape(correct) or not np.size(correct):
        return False
    with np.errstate(all="ignore"):
        return bool(np.max(np.abs(yours - correct)) < NEAR * np.max(np.abs(correct)))


def _rows(pieces: list[str], width: int) -> list[str]:
    """Definitions side by side, as many as fit on a line."""
    lines: list[str] = []
    for piece in pieces:
        if lines and cell_width(lines[-1]) + 3 + cell_width(piece) <= width:
            lines[-1] += "   " + piece
        else:
            lines.append(piece)
    return lines


def _point_text(point: Mapping[str, np.ndarray]) -> str:
    shown = list(point.items())[:MOST_GIVENS]
    parts = [f"{name}={written(np.asarray(value))}" for name, value in shown]
    return " ".join(parts) + (" …" if len(point) > MOST_GIVENS else "")


def _wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells, broken at blanks; between full-width characters anywhere."""
    lines, line = [], ""
    for piece in re.findall(r"[^\s\u3000-\u9fff\uff00-\uffef]+\s*|.", text):
        if line and cell_width(line) + cell_width(piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _padded(text: str, width: int) -> str:
    return text + " " * max(0, width - cell_width(text))
