"""What reaches the terminal: color or none, signs that the terminal can print, files written whole, errors as text or JSON."""

from __future__ import annotations

import codecs
import os
import re
import sys
from typing import TextIO

from ..autograd.errors import NngraphError
from ..autograd.language import N_, translate
from .errors import CommandError
from .streams import StreamError, cannot_write, drop, flush, stand_in_for_closed

PLAIN_WIDTH = 100
"""Columns when nobody looks at a terminal: a pipe, a file."""

# What a terminal shows that knows only ASCII (or lacks one of these signs).
PLAIN_SIGNS = {
    "∂": "d", "∇": "grad ", "σ": "sigmoid", "δ": "delta", "Δ": "Delta", "θ": "theta", "Σ": "sum", "∑": "sum", "∏": "prod",
    "·": "*", "×": "x", "⊙": "*", "∘": "o", "−": "-", "–": "-", "—": "-", "÷": "/", "′": "'", "″": "''", "’": "'", "…": "...",
    "→": "->", "←": "<-", "↔": "<->", "⟹": "=>", "⇒": "=>", "↑": "^", "↓": "v", "√": "sqrt", "∞": "inf", "∈": " in ", "π": "pi",
    "≈": "~", "≠": "!=", "≤": "<=", "≥": ">=", "½": "1/2", "¼": "1/4", "✓": "ok", "✗": "WRONG", "•": "*", "ᵀ": ".T", "μ": "mu", "α": "alpha",
    "β": "beta", "γ": "gamma", "ε": "eps", "λ": "lambda", "η": "eta", "ρ": "rho", "φ": "phi", "ŷ": "y^", "\u0302": "^", "\u0304": "_", "‖": "||",
    **{raised: "^" + digit for raised, digit in zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True)},
    **{lowered: digit for lowered, digit in zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True)},
    **dict.fromkeys("─━═", "-"), **dict.fromkeys("│┃║", "|"), **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯╞╡╪", "+"),
}  # fmt: skip


def prepare_streams() -> None:
    """From here on a sign the terminal cannot print comes out as its plain form, never as an exception, and a closed
    stream is an error of its own kind when it is used."""
    stand_in_for_closed()
    codecs.register_error("nngraph-plain", _plain_error)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="nngraph-plain")


def can_print(text: str, stream: TextIO | None = None) -> bool:
    """Whether every character of the text exists in the stream's encoding."""
    encoding = getattr(stream or sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def printable(text: str, encoding: str) -> str:
    """The text in signs that the encoding has; a longer sign takes its room from the gap behind it, so columns stay.

    >>> printable("∂E/∂w  = f₁·(1−f₁)   ✓", "ascii")
    'dE/dw  = f1*(1-f1)   ok'
    """
    try:
        text.encode(encoding)
        return text
    except UnicodeEncodeError:
        return "\n".join(_printable_line(line, encoding) for line in text.split("\n"))


def wants_color(choice: str, stream: TextIO | None = None) -> bool:
    """Whether to color: what --color says; "auto" means a terminal that is not dumb, and NO_COLOR unset or empty."""
    if choice != "auto":
        return choice == "always"
    stream = stream or sys.stdout
    return (
        bool(getattr(stream, "isatty", lambda: False)())
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


def width() -> int:
    """The columns to fill: the terminal's, or a fixed number where there is none, so that files are the same everywhere."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS"):
        import shutil

        return max(40, shutil.get_terminal_size((PLAIN_WIDTH, 40)).columns)
    return PLAIN_WIDTH


def out(text: str) -> None:
    """A result, to stdout; StreamError when it cannot be written."""
    try:
        sys.stdout.write(printable(text, sys.stdout.encoding or "utf-8") + "\n")
    except BrokenPipeError:
        raise
    except OSError as error:
        raise cannot_write(error.strerror or error) from None


def note(text: str) -> None:
    """A message that is no result, to stderr; nobody can be told when that does not work."""
    try:
        sys.stderr.write(printable(text, sys.stderr.encoding or "utf-8") + "\n")
        sys.stderr.flush()
    except OSError:
        drop(sys.stderr)


def write_result(content: str | bytes, path: str | None) -> None:
    """A result to a file, whole or not at all; to stdout for None and `-`."""
    if path in (None, "-"):
        if isinstance(content, bytes):
            flush()
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        else:
            out(content.rstrip("\n"))
        return
    from ..autograd.files import write_whole

    try:
        write_whole(str(path), content if isinstance(content, bytes) else (content.rstrip("\n") + "\n").encode())
    except OSError as error:
        raise CommandError(
            translate(N_("cannot write {path}: {reason}"), path=path, reason=error.strerror or error)
        ) from None


def show_error(error: BaseException, as_json: bool, color: bool) -> None:
    """An error as the user should see it: JSON on stdout for a program, else a few lines on stderr."""
    described = describe(error)
    if as_json and not isinstance(error, StreamError):
        import json

        out(json.dumps({"error": described.record()}, ensure_ascii=not can_print("中文∂"), indent=2))
        return
    first, *rest = described.lines()
    label = translate(N_("error:"))
    gap = "" if label.endswith("：") else " "
    note("\n".join([f"\x1b[1;31m{label}\x1b[0m{gap}{first}" if color else f"{label}{gap}{first}", *rest]))


def describe(error: BaseException) -> CommandError:
    """Any error that is the user's affair, as a CommandError."""
    if isinstance(error, CommandError):
        return error
    if isinstance(error, NngraphError):
        return CommandError(str(error))
    if isinstance(error, MemoryError):
        return CommandError(translate(N_("there is not enough memory for this")))
    if isinstance(error, OSError):
        return CommandError(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    from .misuse import misuse

    said = error.format_message() if hasattr(error, "format_message") else getattr(error, "message", None) or error
    return misuse(str(said) or type(error).__name__)


def table(columns: list[str], rows: list[list[str]], color: bool) -> str:
    """Rows under titles, aligned also where characters are two cells wide; cells wrap to fit the terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold" if color else "")
    for number, title in enumerate(columns):
        # The first cell is what one copies, so it stays in one piece unless that would leave nothing for the rest.
        longest = max((len(row[number]) for row in rows), default=0)
        grid.add_column(title, no_wrap=number == 0 and longest <= width() // 2, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(cell, style="cyan" if color and number == 0 else "") for number, cell in enumerate(row)))
    console = Console(width=width(), color_system="standard" if color else None, force_terminal=color, highlight=False)
    with console.capture() as captured:
        console.print(grid)
    return "\n".join(line.rstrip() for line in captured.get().strip("\n").split("\n"))


def _plain_error(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN_SIGNS.get(character, "?") for character in error.object[error.start : error.end]), error.end


def _printable_line(line: str, encoding: str) -> str:
    pieces, owed = [], 0
    for piece in re.split(r"( {2,})", line):
        if piece.startswith("  "):
            taken = min(owed, len(piece) - 1) if owed > 0 else owed
            pieces.append(" " * (len(piece) - taken))
            owed -= taken
            continue
        plain = "".join(_printable_character(character, encoding) for character in piece)
        owed += len(plain) - len(piece)
        pieces.append(plain)
    return "".join(pieces)


def _printable_character(character: str, encoding: str) -> str:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return PLAIN_SIGNS.get(character, "?")
    return character
