"""What a user can do wrong on the command line: an error that knows the text, the place in it, and a way out."""

from __future__ import annotations

from typing import Any

from ..autograd.errors import NngraphError
from ..autograd.language import cell_width, translate

LINE = 76
"""Columns of a line that is quoted in an error."""
LONGEST_MESSAGE = 1000


class CommandError(NngraphError):
    """The command cannot be carried out as given (exit code 2); `hint` says what to do instead."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def record(self) -> dict[str, Any]:
        """The error as `--json` prints it."""
        return {"message": self.message, "start": None, "end": None, "hint": self.hint}

    def lines(self) -> list[str]:
        """The error as the terminal shows it, without its first line's `error:`."""
        hint = [] if self.hint is None else ["  " + translate("hint: {hint}", hint=self.hint)]
        return [shortened(self.message, LONGEST_MESSAGE), *hint]


class TrainingFailed(CommandError):
    """The input was understood and the training came to nothing (exit code 1)."""


class ExpressionError(CommandError):
    """Text that cannot be understood at characters `start` to `end` of `text`.

    >>> print("\\n".join(ExpressionError("unknown function 'sgmoid'", 5, 11, "did you mean sigmoid?", "权重*x+sgmoid(x)").lines()))
    unknown function 'sgmoid'
      权重*x+sgmoid(x)
             ^^^^^^
      hint: did you mean sigmoid?
    """

    def __init__(self, message: str, start: int, end: int, hint: str | None = None, text: str = "") -> None:
        super().__init__(message, hint)
        self.start = start
        self.end = max(end, start + 1)
        self.text = text

    def record(self) -> dict[str, Any]:
        return {"message": self.message, "start": self.start, "end": self.end, "hint": self.hint}

    def lines(self) -> list[str]:
        message, *hint = super().lines()
        line_start = self.text.rfind("\n", 0, self.start) + 1
        line = self.text[line_start:].partition("\n")[0].replace("\t", " ")
        start, end = self.start - line_start, self.end - line_start
        before, behind = line[:start], line[start:]
        if cell_width(line[: LINE + 1]) > LINE:
            # A long line is shown around the place only, in a piece that fits any terminal.
            kept = last_cells(before, LINE // 2)
            before = kept if kept == before else "…" + kept
            kept = first_cells(behind, LINE - cell_width(before))
            behind = kept if kept == behind else kept + "…"
        carets = "^" * max(1, cell_width(behind[: end - start].rstrip("…")))
        return [
            message,
            "  " + before + behind,
            "  " + " " * cell_width(before) + carets,
            *hint,
        ]


def shortened(text: str, limit: int = 200) -> str:
    """The text, or its beginning and its end where it is long.

    >>> shortened("a" * 1000, 10)
    'aaaaa…aaaa'
    """
    return text if len(text) <= limit else text[: limit // 2] + "…" + text[1 + limit // 2 - limit :]


def first_cells(text: str, room: int) -> str:
    """As much of the beginning as fits into so many columns.

    >>> first_cells("權重w", 4)
    '權重'
    """
    for at in range(min(len(text), room), -1, -1):
        if cell_width(text[:at]) <= room:
            return text[:at]
    return ""


def last_cells(text: str, room: int) -> str:
    """As much of the end as fits into so many columns."""
    for at in range(max(len(text) - room, 0), len(text)):
        if cell_width(text[at:]) <= room:
            return text[at:]
    return ""
