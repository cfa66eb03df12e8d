"""What became of a hand-written pass, array by array; text and JSON are written from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...language import N_, translate
from ..derivation import Sentence
from ..terms import Term
from .say import said, written
from .verdict import GREEN, PLAIN, RED, Slip, Verdict

RIGHT, WRONG, FOLLOWS = "right", "wrong", "follows"


@dataclass(frozen=True)
class Row:
    """One of the student's arrays: its name, what it was taken for, and what became of it.

    `state`: right, wrong, or follows (wrong only because what it was made from is wrong).
    """

    name: str
    of: Term
    state: str


@dataclass(frozen=True, eq=False)
class PassVerdict:
    """What became of a hand-written pass. `first` is the first wrong array in run order."""

    right: bool
    rows: tuple[Row, ...]
    first: Verdict | None = None
    slips: tuple[Slip, ...] = ()
    """What is wrong beside the numbers: arguments overwritten, whole numbers, an error."""
    unmatched: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    """Names that fit nothing, local variables among them."""
    notes: tuple[Sentence, ...] = field(default=())

    @property
    def slip(self) -> Slip | None:
        """The slip that comes first."""
        return self.first.slip if self.first is not None else self.slips[0] if self.slips else None

    def text(self, *, color: bool = False, language: str | None = None) -> str:
        """The verdict for a terminal."""
        lines = []
        if self.first is not None:
            name = next(row.name for row in self.rows if row.state == WRONG)
            text = self.first.text(color=color, language=language)
            mark, _, rest = text.partition(" ")
            lines.append(f"{mark} {name}: {rest}")
        for slip in self.slips:
            lines.append(f"{_colored('✗', RED, color)} {said(slip.said, language)}")
            lines += [f"  {said(why, language)}" for why in slip.why]
        if self.right:
            many = N_("right: {count} arrays agree with the graph")
            sentence = N_("right: {name} agrees with the graph") if len(self.rows) == 1 else many
            fields = {"name": self.rows[0].name} if len(self.rows) == 1 else {"count": len(self.rows)}
            lines.append(f"{_colored('✓', GREEN, color)} " + translate(sentence, language, **fields))
        for row in self.rows if len(self.rows) > 1 else ():
            mark = _colored("✓", GREEN, color) if row.state == RIGHT else _colored("✗", RED, color)
            note = "   " + translate(N_("follows from the one above"), language) if row.state == FOLLOWS else ""
            lines.append(
                f"  {mark} {row.name} = {written(row.of)}{note}"
                if row.name != written(row.of)
                else f"  {mark} {row.name}{note}"
            )
        for names, sentence in (
            (self.unmatched, N_("matched with nothing: {names} (--map NAME=NODE says what they are)")),
            (self.unchecked, N_("not computed: the gradient of {names}")),
        ):
            if names:
                lines.append("  " + translate(sentence, language, names=", ".join(names)))
        lines += [f"  {said(note, language)}" for note in self.notes]
        return "\n".join(lines)

    def record(self, language: str | None = None) -> dict[str, Any]:
        """The verdict as JSON holds it."""
        return {
            "version": 1,
            "right": self.right,
            "rows": [{"name": row.name, "of": written(row.of), "state": row.state} for row in self.rows],
            "first": None if self.first is None else self.first.record(language),
            "slips": [
                {"kind": slip.kind, "said": said(slip.said, language), "why": [said(why, language) for why in slip.why]}
                for slip in self.slips
            ],
            "unmatched": list(self.unmatched),
            "unchecked": list(self.unchecked),
            "notes": [said(note, language) for note in self.notes],
        }


def _colored(mark: str, code: str, color: bool) -> str:
    return f"{code}{mark}{PLAIN}" if color else mark
