"""The operand that ends or begins at a place in a text: what a hint quotes when the text cannot be read there."""

from __future__ import annotations

import re

from .functions import function_table

OPENING = {")": "(", "]": "["}
CLOSING = {"(": ")", "[": "]"}
BARS = "|‖"
RAISED = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹ᵀ"
LONGEST = 40

_WORD_BEFORE = re.compile(r"(?:[^\W\d]\w*['′’]*|[\d.]+)$")
_WORD_AFTER = re.compile(r"[^\W\d]\w*['′’]*|[\d.]+")


def operand_before(plain: str, end: int) -> str:
    """The operand that ends at a place, brackets and the name of a function included.

    >>> operand_before("2*sigmoid(w*x)^2", 14), operand_before("(w+b)^2", 5)
    ('sigmoid(w*x)', '(w+b)')
    """
    stop = len(plain[:end].rstrip())
    at = stop
    while at and plain[at - 1] in RAISED:
        at -= 1
    if at and plain[at - 1] in BARS:
        opened = plain.rfind(plain[at - 1], 0, at - 1)
        return _shortened(plain[max(opened, 0) : stop])
    while at and plain[at - 1] in OPENING:
        opened = _matching(plain, at - 1, -1)
        if opened is None:
            return "(…)"
        at = opened
    if (at == stop or plain[at] in CLOSING) and (word := _WORD_BEFORE.search(plain[:at])):
        at = word.start()
    return _shortened(plain[at:stop].strip()) or "x"


def operand_after(plain: str, start: int) -> str:
    """The operand that begins at a place, with its sign, its brackets and what is raised behind it; nothing for none.

    >>> operand_after("e^(-x)/2", 2), operand_after("2 sin(x)cos(x)", 2), operand_after("e^-x²", 2)
    ('(-x)', 'sin(x)', '-x²')
    """
    start += len(plain[start:]) - len(plain[start:].lstrip())
    at = start
    while at < len(plain) and plain[at] in "+- ":
        at += 1
    if at < len(plain) and plain[at] in BARS:
        return _shortened(plain[start : plain.find(plain[at], at + 1) + 1]) or plain[at]
    word = _WORD_AFTER.match(plain, at)
    at = word.end() if word else at
    name = word is not None and not word[0][0].isdigit() and word[0][0] != "."
    # A bracket belongs to a function's name before it, or stands alone.
    if at < len(plain) and plain[at] == "(" and (not word or (name and word[0] in function_table())):
        closed = _matching(plain, at, 1)
        if closed is None:
            return "(…)"
        at = closed + 1
    while at < len(plain) and plain[at] in RAISED:
        at += 1
    return _shortened(plain[start:at].strip())


def without_brackets(operand: str) -> str:
    """An operand without a pair of brackets around all of it.

    >>> without_brackets("(-x)"), without_brackets("(a)*(b)")
    ('-x', '(a)*(b)')
    """
    if operand.startswith("(") and _matching(operand, 0, 1) == len(operand) - 1:
        return operand[1:-1].strip()
    return operand


def _matching(plain: str, at: int, step: int) -> int | None:
    """Where the bracket that belongs to the one at a place stands."""
    depth = 0
    while 0 <= at < len(plain):
        depth += (plain[at] in CLOSING) - (plain[at] in OPENING)
        if depth == 0:
            return at
        at += step
    return None


def _shortened(operand: str) -> str:
    return operand if len(operand) <= LONGEST else "(…)"
