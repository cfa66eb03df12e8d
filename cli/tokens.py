"""Expression text -> tokens: numbers, names in any script, operators; every slip that shows in the tokens is said here.

Each token knows where it stands in the text the user typed. What a name means is asked only to word a hint.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, NoReturn

from ..autograd.language import N_, translate
from .errors import ExpressionError, shortened
from .functions import LIBRARIES, function_table
from .operands import BARS, operand_after, operand_before, without_brackets

LONGEST_TEXT = 2000
DEEPEST_BRACKETS = 50
LARGEST_NUMBER = 1e12

NUMBER, NAME, STRING, OPERATOR = "number", "name", "string", "operator"

NUMBER_PATTERN = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
OPERATOR_PATTERN = re.compile(r"\*\*|==|!=|<=|>=|//|[-+*/@<>=()\[\],.:]")
PRIMES = "'′’"
RAISED_PATTERN = re.compile("(⁻?)([⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
FRACTIONS = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
CLOSING = {"(": ")", "[": "]"}
SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))
SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉"

DOTS = "·⋅∙"
"""Read as *, or between a matrix and what fits it as @: our own output, like most books, writes the matrix product so."""

# One character each for one character, so that every position stays the same: what a Chinese keyboard types, and what a slide shows.
SAME = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    | {"\u3000": " ", "\u00a0": " ", "、": ",", "−": "-", "–": "-", "×": "*", "⊙": "*", "÷": "/", **dict.fromkeys(DOTS, "*")}
    | {"【": "[", "】": "]", "{": "(", "}": ")", "｛": "(", "｝": ")", "｜": "|", "∣": "|", "∥": "‖"}
)  # fmt: skip


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
    said = {name: shortened(str(value)) for name, value in fields.items()}
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
    plain = text.translate(SAME)
    tokens = _pieces(text, plain)
    if not tokens:
        fail(text, 0, 1, N_("there is no expression"), N_("write for example sigmoid(w*x+b)"))
    _check_brackets(text, tokens)
    for at in range(len(tokens) - 1):
        _check_neighbors(text, plain, tokens, at)
    _check_ends(text, tokens)
    return tokens


def is_name(text: str) -> bool:
    """Whether the whole text can be a variable's name; Python's keywords can."""
    return bool(text) and _name_end(text, 0) == len(text)


def _pieces(text: str, plain: str) -> list[Token]:
    """The tokens, unchecked. What a slide writes with one sign becomes the tokens that mean it: ᵀ is .T, ² is **2, |x| is abs(x)."""
    tokens: list[Token] = []
    bars: list[tuple[str, int]] = []
    depth = at = 0

    def add(kind: str, said: str, end: int, primes: int = 0) -> None:
        tokens.append(Token(kind, said, at, end, primes))

    while at < len(plain):
        character, end = plain[at], at + 1
        after_operand = bool(tokens) and tokens[-1].ends_operand
        if character.isspace():
            pass
        elif number := NUMBER_PATTERN.match(plain, at):
            end = number.end()
            if abs(float(number[0])) > LARGEST_NUMBER:
                fail(text, at, end, N_("the number {number} is larger than 1e12"), number=number[0])
            add(NUMBER, number[0], end)
        elif character in FRACTIONS:
            add(NUMBER, repr(unicodedata.numeric(character)), end)
        elif (end := _name_end(plain, at)) > at:
            said = plain[at:end]
            while end < len(plain) and plain[end] in PRIMES:
                end += 1
            add(NAME, said, end, end - at - len(said))
        elif character in "'\"":
            end = plain.find(character, at + 1) + 1
            if not end:
                fail(text, at, len(text), N_("this quotation is not closed"))
            add(STRING, text[at + 1 : end - 1], end)
        elif (raised := RAISED_PATTERN.match(plain, at)) and after_operand:
            end = raised.end()
            add(OPERATOR, "**", end)
            if raised[1]:
                add(OPERATOR, "-", end)
            add(NUMBER, "".join(SUPERSCRIPTS[digit] for digit in raised[2]), end)
        elif character == "ᵀ" and after_operand:
            end = at + 1
            add(OPERATOR, ".", end)
            add(NAME, "T", end)
        elif character in "|‖":
            # Two bars are a norm, unless the first of them closes a single one that stands open here: |a||b|.
            bar = bars[-1][0] if bars and bars[-1][1] == depth and after_operand else ""
            double = character == "‖" or (plain.startswith("||", at) and bar != "|")
            end = at + 2 if double and character == "|" else at + 1
            if bar == ("‖" if double else "|"):
                bars.pop()
                add(OPERATOR, ")", end)
            else:
                bars.append(("‖" if double else "|", depth))
                add(NAME, "norm" if double else "abs", end)
                add(OPERATOR, "(", end)
        elif operator := OPERATOR_PATTERN.match(plain, at):
            end = operator.end()
            depth += (character in CLOSING) - (character in ")]")
            add(OPERATOR, operator[0], end)
        else:
            _refuse(text, plain, at)
        at = max(end, at + 1)
    return tokens


def _name_end(text: str, start: int) -> int:
    end = start
    if end < len(text) and text[end].isidentifier() and text[end] != "ᵀ":
        end += 1
        while end < len(text) and text[end] != "ᵀ" and (("a" + text[end]).isidentifier() or text[end] in SUBSCRIPTS):
            end += 1
    return end


def _refuse(text: str, plain: str, at: int) -> NoReturn:
    """Say what a character that cannot be read was meant for, if that can be told."""
    character = plain[at]
    before, after = operand_before(plain, at), operand_after(plain, at + 1)
    if character == "^":
        if before == "e":
            form = f"exp({without_brackets(after)})"
        else:
            form = f"{before}.T" if after in ("T", "(T)") else f"{before}**{after or 2}"
        fail(text, at, at + 1, N_("'^' is not a power here"), N_("write {form}"), form=form)
    if character in "√∑Σ∏":
        name = {"√": "sqrt", "∏": "prod"}.get(character, "sum")
        form = f"{name}({without_brackets(after)})" if plain[at + 1 :].strip() else f"{name}(…)"
        fail(text, at, at + 1, N_("the sign {character} is not read"), N_("write {form}"), character=character, form=form)  # fmt: skip
    if "\udc80" <= text[at] <= "\udcff":
        # How Python keeps a byte that it could not read as a character.
        fail(text, at, at + 1, N_("the byte {byte} is no text in this terminal's encoding"), byte=hex(ord(text[at]) - 0xDC00))  # fmt: skip
    fail(text, at, at + 1, N_("the character {character} has no meaning in an expression"), character=repr(text[at]))


def _missing_sign(text: str, plain: str, tokens: list[Token], at: int) -> NoReturn:
    """Two values side by side: a product without its sign, or a function without its brackets."""
    before, after = tokens[at], tokens[at + 1]
    left, right = operand_before(plain, before.end), operand_after(plain, after.start)
    raised = at > 1 and before.kind == NUMBER and text[before.start] in SUPERSCRIPTS
    function = tokens[at - 2] if raised else before
    if function.kind == NAME and not function.primes and function.text in function_table():
        form = f"{function.text}({without_brackets(right)})" + (f"**{before.text}" if raised else "")
        fail(text, function.start, after.end, N_("{name} is a function"), N_("write {form}"), name=function.text, form=form)  # fmt: skip
    fail(text, before.start, after.end, N_("missing * between {left} and {right}"), N_("write {form}"), left=left, right=right, form=f"{left}*{right}")  # fmt: skip


def _strange_attribute(text: str, plain: str, tokens: list[Token], at: int) -> NoReturn:
    """`np.exp(x)` and `x.sum()`: only .T and .mT follow a value."""
    before, after = tokens[at], tokens[at + 1]
    library = tokens[at - 1] if at else before
    if after.kind == NAME and library.kind == NAME and library.text in LIBRARIES:
        while at + 3 < len(tokens) and tokens[at + 2].text == "." and tokens[at + 3].kind == NAME:
            at += 2
        name = tokens[at + 1]
        fail(text, library.start, name.end, N_("functions are written without {name}"), N_("write {form}"), name=plain[library.start : name.start], form=operand_after(plain, name.start))  # fmt: skip
    hint = N_("write {name}(x), not x.{name}()") if after.kind == NAME else None
    fail(text, before.start, after.end, N_("only .T and .mT can follow a value"), hint, name=after.text)


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
                fail(text, token.start, token.end, N_("this {bracket} was never opened"), bracket=text[token.start])
            opened = open_brackets.pop()
            if CLOSING[opened.text] != token.text:
                fail(text, token.start, token.end, N_("{wanted} is expected here, not {bracket}"), wanted=CLOSING[opened.text], bracket=token.text)  # fmt: skip
    if open_brackets:
        opened = open_brackets[-1]
        said = text[opened.start : opened.end].translate(SAME)
        said = opened.text if said in "{【" else said
        fail(text, opened.start, opened.end, N_("this {bracket} is never closed"), N_("add {wanted}"), bracket=said, wanted=said if said in BARS else CLOSING[opened.text])  # fmt: skip


def _check_neighbors(text: str, plain: str, tokens: list[Token], at: int) -> None:
    before, after = tokens[at], tokens[at + 1]
    calls = before.kind == NAME and after.text == "(" and after.kind == OPERATOR
    subscripts = before.kind in (NAME, OPERATOR) and after.text == "["
    if before.ends_operand and after.starts_operand and not calls and not subscripts:
        _missing_sign(text, plain, tokens, at)
    if before.kind == OPERATOR and before.text == "." and after.text not in ("T", "mT"):
        _strange_attribute(text, plain, tokens, at)
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
