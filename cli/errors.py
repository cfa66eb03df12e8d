"""What a user can do wrong on the command line: an error that knows the text, the place in it, and a way out."""

from __future__ import annotations

from typing import Any

from ..autograd.errors import NngraphError
from ..autograd.language import cell_width, translate


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
        return [self.message, *hint]


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
        before, pointed = line[: self.start - line_start], line[self.start - line_start : self.end - line_start]
        # A long line is shown around the place only; 60 cells fit any terminal beside the indent.
        while cell_width(before) > 60:
            before, line = before[1:], line[1:]
        carets = "^" * max(1, cell_width(pointed))
        return [
            message,
            "  " + line[: len(before) + max(60, len(pointed))],
            "  " + " " * cell_width(before) + carets,
            *hint,
        ]
