"""Text in terminal cells: cutting, padding and wrapping where a Chinese character takes two cells."""

from __future__ import annotations

from ..language import cell_width
from .render import BREAK_FACTOR, BREAK_INNER, BREAK_SUM, unbroken
from .spelling import is_full_width

NOT_FIRST = "，。、；：？！）」』》】,.;:?!)"
"""Signs that do not begin a line."""


def left(text: str, width: int) -> str:
    """The text with spaces behind it up to a width in cells.

    >>> left("權重", 6) + "|"
    '權重  |'
    """
    return text + " " * max(0, width - cell_width(text))


def right(text: str, width: int) -> str:
    """The text with spaces before it up to a width in cells."""
    return " " * max(0, width - cell_width(text)) + text


def center(text: str, width: int) -> str:
    """The text in the middle of a width in cells."""
    room = max(0, width - cell_width(text))
    return " " * (room // 2) + text + " " * (room - room // 2)


def wrapped(text: str, width: int) -> list[str]:
    """Running text in lines of at most `width` cells, broken at spaces and between Chinese characters.

    >>> wrapped("the sum runs over n", 10)
    ['the sum', 'runs over', 'n']
    >>> wrapped("加總是對第一軸進行，", 8)
    ['加總是對', '第一軸進', '行，']
    """
    lines: list[str] = []
    line = ""
    for piece in _pieces(text):
        if line and cell_width(line) + cell_width(piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
            piece = piece.lstrip()
        line += piece
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _pieces(text: str) -> list[str]:
    """Words with the space behind them; a Chinese character is a word with the sign that may not begin a line."""
    pieces: list[str] = []
    word = ""
    for character in text:
        if character in NOT_FIRST and not word and pieces:
            pieces[-1] += character
        elif is_full_width(character) and character not in NOT_FIRST:
            if word:
                pieces.append(word)
                word = ""
            pieces.append(character)
        else:
            word += character
            if character == " ":
                pieces.append(word)
                word = ""
    return [*pieces, word] if word else pieces


def broken(formula: str, width: int, rest: int | None = None) -> list[str]:
    """A formula with break marks in lines: `width` cells for the first, `rest` for the others.

    A break before + or − is better than one between factors, as long as the line is not left half empty; one inside
    brackets is the last resort.
    """
    rest = width if rest is None else rest
    lines: list[str] = []
    while cell_width(unbroken(formula)) > (width if not lines else rest):
        room = width if not lines else rest
        cuts: dict[str, int] = {}
        for at, character in enumerate(formula):
            if character in (BREAK_SUM, BREAK_FACTOR, BREAK_INNER):
                if cell_width(unbroken(formula[:at])) > room:
                    break
                if unbroken(formula[:at]).strip():
                    cuts[character] = at
        if not cuts:  # nothing fits: break at the first chance there is
            cut = next(
                (
                    at
                    for at, character in enumerate(formula)
                    if character in (BREAK_SUM, BREAK_FACTOR, BREAK_INNER) and at > 0 and unbroken(formula[:at]).strip()
                ),
                None,
            )
            if cut is None:
                break
        else:
            cut = max((at for sign, at in cuts.items() if sign != BREAK_INNER), default=-1)
            if cut < 0 or (BREAK_INNER in cuts and cell_width(unbroken(formula[:cut])) < room // 4):
                cut = max(cuts.values())
            if BREAK_SUM in cuts and cell_width(unbroken(formula[: cuts[BREAK_SUM]])) >= room // 3:
                cut = cuts[BREAK_SUM]
        lines.append(unbroken(formula[:cut]).rstrip())
        formula = formula[cut + 1 :].lstrip()
    return [*lines, unbroken(formula)]
