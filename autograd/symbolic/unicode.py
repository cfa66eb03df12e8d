"""Terms as Unicode text for terminals, and the plain ASCII that stands in where a terminal cannot print it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..language import cell_width
from .numbers import ELLIPSIS, LARGEST_COUNT, digits
from .render import BREAK_FACTOR, BREAK_INNER, BREAK_SUM, Printer, Style, unbroken
from .spelling import GREEK_WORDS, SUPERSCRIPTS, entry_name
from .terms import Partial

LARGEST_INSIDE = 6
"""An array with more entries than this is cut short inside a formula."""
ASCII = {
    "∂": "d", "∇": "grad ", "·": "*", "×": "x", "⊙": "*", "⊗": "(x)", "∘": "o", "−": "-", "–": "-", "—": "-", "÷": "/",
    "′": "'", "’": "'", "‘": "'", "“": '"', "”": '"', "…": "...", "→": "->", "←": "<-", "↔": "<->", "⟹": "=>", "⇒": "=>",
    "Σ": "sum", "∑": "sum", "∏": "prod", "√": "sqrt", "∞": "inf", "∈": " in ", "≈": "~", "≠": "!=", "≤": "<=", "≥": ">=",
    "∧": " and ", "∨": " or ", "¬": "not ", "½": "1/2", "¼": "1/4", "✓": "ok", "✗": "WRONG", "•": "*", "ᵀ": ".T",
    "‖": "||", "⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")", "σ": "sigmoid", "\u0302": "^", "\u0304": "_bar",
    "，": ", ", "。": ". ", "：": ": ", "；": "; ", "（": "(", "）": ")", "、": ", ", "\u3000": "  ", "\u00a0": " ", "─": "-",
    **{letter: word for letter, word in GREEK_WORDS.items() if letter not in "σΣ"},
    **{raised: "^" + digit for raised, digit in zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True)}, "⁻": "^-",
    **dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True)),
}  # fmt: skip
"""What stands for a sign on a terminal that knows only ASCII."""


def ascii_text(text: str) -> str:
    """The text in ASCII: signs as usual in programs, accents dropped, any other character as its number.

    >>> ascii_text("∂E/∂w = 2(y−z)·σ′(a)"), ascii_text("é权")
    ("dE/dw = 2(y-z)*sigmoid'(a)", 'e<6743>')
    """
    if text.isascii():
        return text
    pieces = []
    for character in unicodedata.normalize("NFC", text):
        if character in (BREAK_SUM, BREAK_FACTOR, BREAK_INNER):
            pieces.append(character)
            continue
        plain = ASCII.get(character, character)
        if not plain.isascii():
            apart = "".join(ASCII.get(part, part) for part in unicodedata.normalize("NFD", character))
            kept = "".join(part for part in apart if part.isascii())
            plain = kept or f"<{ord(character):X}>"
        pieces.append(plain)
    return "".join(pieces)


class UnicodePrinter(Printer):
    """σ(w5·f1), ∂E/∂w, x_nd: terms on one line. `ascii`: every product is told by its sign, as in a program."""

    stacked = False
    breaks_inside = True

    def __init__(self, style: Style | None = None, ascii: bool = False) -> None:
        super().__init__(style)
        self.ascii = ascii

    def number(self, text: str) -> str:
        return {"nan": "NaN", "inf": "∞", "-inf": "−∞"}.get(text) or text.replace("-", "−")

    def size(self, expression: str) -> str:
        return expression

    def name(self, name: str) -> str:
        # A slash would read as a division.
        return name.replace("/", ".")

    def entry(self, name: str, rank: int, labels: Sequence[str]) -> str:
        own = self.name(entry_name(name, rank))
        joined = _joined(labels)
        return f"{own}[{joined}]" if "_" in own else f"{own}_{joined}"

    def partial(self, partial: Partial, labels: Sequence[str]) -> str:
        below: dict[str, int] = {}
        for name in partial.by:
            below[name] = below.get(name, 0) + 1
        order = len(partial.by)
        return f"∂{_raised(order)}{self.name(partial.of)}/" + "".join(
            f"∂{self.entry(name, partial.rank, labels) if labels else self.name(name)}{_raised(times)}"
            for name, times in below.items()
        )

    def ratio(self, of: str, by: str) -> str:
        return f"∂{of}/∂{by}"

    def adjoint(self, partial: Partial, labels: Sequence[str]) -> str:
        (by,) = partial.by
        name = self.entry(by, partial.rank, labels) if labels else self.name(by)
        return f"δ_{name}" if self.style.derivative == "delta" else name[:1] + "\u0304" + name[1:]

    def kronecker(self, left: str, right: str) -> str:
        return "δ_" + _joined((left, right))

    def brackets(self, inner: str) -> str:
        return f"({inner})"

    def sign(self, text: str, latex: str) -> str:
        return f" {text} "

    def tight_sign(self, text: str, latex: str) -> str:
        return text

    def word(self, word: str) -> str:
        return f"{word} "

    def dot(self, style: str, loose: bool) -> str:
        if self.ascii and style == "matrix":
            return " @ "
        return " ⊙ " if style == "hadamard" else " · " if loose else "·"

    def beside(self, style: str) -> str:
        return "" if not self.ascii else " @ " if style == "matrix" else "*"

    def fraction(self, above: str, below: str) -> str:
        return f"{above} / {below}" if len(unbroken(above + below)) > 16 else f"{above}/{below}"

    def power(self, base: str, exponent: str) -> str:
        if re.fullmatch(r"[−-]?[0-9]+", exponent):
            return base + exponent.translate(SUPERSCRIPTS)
        return f"{base}^{exponent}" if exponent.isalnum() else f"{base}^({exponent})"

    def exponential(self, exponent: str, simple: bool) -> str:
        return f"e^{exponent}" if simple and exponent.isalnum() else f"e^({exponent})"

    def root(self, inner: str, simple: bool) -> str:
        return f"√{inner}" if simple else f"√({inner})"

    def fence(self, left: str, right: str, latex: str, inner: str) -> str:
        return left + inner + right

    def postfix(self, base: str, text: str, latex: str) -> str:
        return base + text

    def call(self, sign: str, latex: str, primes: int, arguments: Sequence[str]) -> str:
        return f"{sign}{'′' * primes}({', '.join(arguments)})"

    def picked(self, base: str, index: str) -> str:
        return f"{base}[{index}]"

    def total(self, labels: Sequence[str], body: str) -> str:
        return " ".join([f"Σ_{label}" for label in labels] or ["Σ"]) + " " + body

    def tensor(self, values: Any) -> str:
        array = np.asarray(values)
        return self.inline(array) if array.size <= LARGEST_INSIDE else self.short(array, 30)

    def short(self, array: np.ndarray, width: int) -> str:
        """An array on one line of at most `width` cells, as far as leaving out entries can help."""
        text = self.inline(array, 24)
        for most in (3, 2, 1):
            if cell_width(text) <= width:
                break
            text = self._cut(array, most)
        return text

    def _cut(self, array: np.ndarray, most: int) -> str:
        """The first `most` entries along every axis, and an ellipsis for the others."""
        if array.ndim == 0:
            return self.number(digits(array[()]))
        parts = [self._cut(np.asarray(entry), most) for entry in array[:most]]
        return "[" + ", ".join([*parts, *([ELLIPSIS] if len(array) > most else [])]) + "]"

    def inline(self, array: np.ndarray, most: int = LARGEST_COUNT * LARGEST_COUNT) -> str:
        """An array on one line, [[1, 2], [3, 4]]; what does not fit is an ellipsis."""
        if array.ndim == 0:
            return self.number(digits(array[()]))
        entries = (
            list(array)
            if len(array) <= LARGEST_COUNT and array.size <= most
            else [*array[:3], None, array[-1]]
            if len(array) > 4
            else list(array)
        )
        return (
            "["
            + ", ".join(ELLIPSIS if entry is None else self.inline(np.asarray(entry), most) for entry in entries)
            + "]"
        )


def _joined(labels: Sequence[str]) -> str:
    return ("" if all(len(label) == 1 for label in labels) else ",").join(labels)


def _raised(order: int) -> str:
    return "" if order == 1 else str(order).translate(SUPERSCRIPTS)
