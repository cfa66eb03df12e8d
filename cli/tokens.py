"""Expression text -> tokens: numbers, names in any script, operators; every slip that shows in the tokens is said here.

Each token knows where it stands in the text the user typed. Nothing here knows what a name means.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn

from ..autograd.language import N_, translate
from .errors import ExpressionError

LONGEST_TEXT = 2000
DEEPEST_BRACKETS = 50
LARGEST_NUMBER = 1e12

NUMBER, NAME, STRING, OPERATOR = "number", "name", "string", "operator"

NUMBER_PATTERN = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
OPERATOR_PATTERN = re.compile(r"\*\*|==|!=|<=|>=|//|[-+*/@<>=()\[\],.:]")
PRIMES = "'′’"
CLOSING = {"(": ")", "[": "]"}
SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))
SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉"

# One character each for one character, so that every position stays the same: what a Chinese keyboard types, and what a slide shows.
SAME = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    | {"\u3000": " ", "\u00a0": " ", "、": ",", "−": "-", "–": "-", "×": "*", "·": "*", "⋅": "*", "∙": "*", "÷": "/"}
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text: its kind, the characters, where they stand, and how many primes follow (f′)."""

    kind: str
    text: str
    start: int
    end: int
    primes: int = 0

    @property
    def ends_operand(self) -> bool:
        """Whether a value may end here."""
        return self.kind != OPERATOR or self.text in (")", "]")

    @property
    def starts_operand(self) -> bool:
        """Whether a value may start here."""
        return self.kind != OPERATOR or self.text in ("(", "[")


def fail(text: str, start: int, end: int, message: str, hint: str | None = None, /, **fields: Any) -> NoReturn:
    """Raise ExpressionError for a marked sentence and a marked hint that share their fields."""
    said = {name: str(value) for name, value in fields.items()}
    raise ExpressionError(
        translate(message, None, **said), start, end, None if hint is None else translate(hint, None, **said), text
    )


def tokenize(text: str) -> list[Token]:
    """The tokens of an expression, checked for everything that can be seen without a grammar; ExpressionError otherwise.

    >>> [token.text for token in tokenize("權重*x**2")]
    ['權重', '*', 'x', '**', '2']
    """
    if len(text) > LONGEST_TEXT:
        fail(text, LONGEST_TEXT, len(text), N_("the expression is longer than {limit} characters"), limit=LONGEST_TEXT)
    tokens = list(_pieces(text, text.translate(SAME)))
    if not tokens:
        fail(text, 0, 1, N_("there is no expression"), N_("write for example sigmoid(w*x+b)"))
    _check_brackets(text, tokens)
    for before, after in zip(tokens, tokens[1:], strict=False):
        _check_neighbors(text, before, after)
    _check_ends(text, tokens)
    return tokens


def is_name(text: str) -> bool:
    """Whether the whole text can be a variable's name; Python's keywords can."""
    return bool(text) and _name_end(text, 0) == len(text)


def _pieces(text: str, plain: str) -> Any:
    at = 0
    while at < len(plain):
        character = plain[at]
        if character.isspace():
            at += 1
        elif number := NUMBER_PATTERN.match(plain, at):
            if abs(float(number[0])) > LARGEST_NUMBER:
                fail(text, at, number.end(), N_("the number {number} is larger than 1e12"), number=number[0])
            yield Token(NUMBER, number[0], at, number.end())
            at = number.end()
        elif (end := _name_end(plain, at)) > at:
            primes = end
            while primes < len(plain) and plain[primes] in PRIMES:
                primes += 1
            yield Token(NAME, plain[at:end], at, primes, primes - end)
            at = primes
        elif character in "'\"":
            end = plain.find(character, at + 1)
            if end < 0:
                fail(text, at, len(text), N_("this quotation is not closed"))
            yield Token(STRING, text[at + 1 : end], at, end + 1)
            at = end + 1
        elif operator := OPERATOR_PATTERN.match(plain, at):
            yield Token(OPERATOR, operator[0], at, operator.end())
            at = operator.end()
        else:
            _refuse(text, plain, at)


def _name_end(text: str, start: int) -> int:
    end = start
    if end < len(text) and text[end].isidentifier():
        end += 1
        while end < len(text) and (("a" + text[end]).isidentifier() or text[end] in SUBSCRIPTS):
            end += 1
    return end


def _refuse(text: str, plain: str, at: int) -> NoReturn:
    character = text[at]
    left = re.search(r"([^\W\d][\w]*|[\d.]+|[)\]])\s*$", plain[:at])
    before = left[1] if left else "x"
    if character == "^" or plain[at] == "^":
        right = re.match(r"\s*(-?[\w.]+)", plain[at + 1 :])
        base = before if before not in ")]" else "(…)"
        fail(
            text,
            at,
            at + 1,
            N_("'^' is not a power here"),
            N_("write {base}**{exponent}"),
            base=base,
            exponent=right[1] if right else "2",
        )
    if character in SUPERSCRIPTS:
        end = at
        while end < len(text) and text[end] in SUPERSCRIPTS:
            end += 1
        base = before if before not in ")]" else "(…)"
        exponent = "".join(SUPERSCRIPTS[digit] for digit in text[at:end])
        fail(text, at, end, N_("a raised {digits} is not read as a power"), N_("write {base}**{exponent}"), digits=text[at:end], base=base, exponent=exponent)  # fmt: skip
    if character == "ᵀ":
        fail(text, at, at + 1, N_("a raised T is not read as a transpose"), N_("write {base}.T"), base=before)
    if character in "√∑Σ∏":
        name = {"√": "sqrt", "∑": "sum", "∏": "prod"}.get(character, "sum")
        fail(
            text,
            at,
            at + 1,
            N_("the sign {character} is not read"),
            N_("write {name}(…)"),
            character=character,
            name=name,
        )
    fail(text, at, at + 1, N_("the character {character} has no meaning in an expression"), character=repr(character))


def _check_brackets(text: str, tokens: list[Token]) -> None:
    open_brackets: list[Token] = []
    for token in tokens:
        if token.kind == OPERATOR and token.text in CLOSING:
            open_brackets.append(token)
            if len(open_brackets) > DEEPEST_BRACKETS:
                fail(
                    text,
                    token.start,
                    token.end,
                    N_("brackets are nested more than {limit} deep"),
                    limit=DEEPEST_BRACKETS,
                )
        elif token.kind == OPERATOR and token.text in (")", "]"):
            if not open_brackets:
                fail(text, token.start, token.end, N_("this {bracket} was never opened"), bracket=token.text)
            opened = open_brackets.pop()
            if CLOSING[opened.text] != token.text:
                fail(text, token.start, token.end, N_("{wanted} is expected here, not {bracket}"), wanted=CLOSING[opened.text], bracket=token.text)  # fmt: skip
    if open_brackets:
        opened = open_brackets[-1]
        fail(text, opened.start, opened.end, N_("this {bracket} is never closed"), N_("add {wanted}"), bracket=opened.text, wanted=CLOSING[opened.text])  # fmt: skip


def _check_neighbors(text: str, before: Token, after: Token) -> None:
    calls = before.kind == NAME and after.text == "("
    subscripts = before.kind in (NAME, OPERATOR) and after.text == "["
    if before.ends_operand and after.starts_operand and not calls and not subscripts:
        left = text[before.start : before.end] if before.kind != OPERATOR else before.text
        fail(text, before.start, after.end, N_("missing * between {left} and {right}"), N_("write {left}*{right}"), left=left, right="(…)" if after.text == "(" else text[after.start : after.end])  # fmt: skip
    if before.kind == OPERATOR and before.text == "." and after.text not in ("T", "mT"):
        hint = N_("write {name}(x), not x.{name}()") if after.kind == NAME else None
        fail(text, before.start, after.end, N_("only .T and .mT can follow a value"), hint, name=after.text)
    if before.text == "*" and after.text == "*" and before.kind == after.kind == OPERATOR:
        fail(text, before.start, after.end, N_("a power is written ** without a space"))
    if before.kind == OPERATOR and after.kind == OPERATOR and not before.ends_operand and not after.starts_operand:
        between_slices = (
            after.text in (":", "]") and before.text in (":", "[", ",") or after.text == "," and before.text == ":"
        )
        empty = (before.text, after.text) in (("(", ")"), (",", ")"), (",", "]"))
        sign = after.text in ("-", "+")
        if not (between_slices or empty or sign):
            fail(
                text,
                before.start,
                after.end,
                N_("a value is missing between {left} and {right}"),
                left=before.text,
                right=after.text,
            )
    if before.text == "//" and before.kind == OPERATOR:
        fail(
            text,
            before.start,
            before.end,
            N_("{sign} is not an operation on a graph"),
            N_("write floor(a/b)"),
            sign="//",
        )


def _check_ends(text: str, tokens: list[Token]) -> None:
    first, last = tokens[0], tokens[-1]
    if not first.starts_operand and first.text not in ("-", "+"):
        fail(text, first.start, first.end, N_("an expression cannot start with {sign}"), sign=first.text)
    if not last.ends_operand:
        fail(text, last.start, last.end, N_("a value is missing after {sign}"), sign=last.text)
