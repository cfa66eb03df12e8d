"""Terms as LaTeX mathematics that LaTeX, MathJax and KaTeX all read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from .numbers import ELLIPSIS, digits, table
from .render import Printer
from .spelling import GREEK, GREEK_WORDS, entry_name, spelling
from .terms import Partial

ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': "''", "`": "'",
}  # fmt: skip
MATH_SIGNS = {
    "∂": r"\partial ", "·": r"\cdot ", "×": r"\times ", "⊙": r"\odot ", "⊗": r"\otimes ", "−": "-", "÷": r"\div ", "′": "'", "″": "''",
    "→": r"\to ", "←": r"\leftarrow ", "⟹": r"\Longrightarrow ", "⇒": r"\Rightarrow ", "∑": r"\sum ", "∏": r"\prod ",
    "√": r"\surd ", "∞": r"\infty ", "∈": r"\in ", "≈": r"\approx ", "≠": r"\ne ", "≤": r"\le ", "≥": r"\ge ", "∧": r"\land ",
    "∨": r"\lor ", "½": r"\tfrac12 ", "¼": r"\tfrac14 ", "✓": r"\checkmark ", "✗": r"\times ", "ᵀ": r"^{\top}", "‖": r"\Vert ",
    "⌊": r"\lfloor ", "⌋": r"\rfloor ", "•": r"\bullet ", "∇": r"\nabla ", "∘": r"\circ ", "↔": r"\leftrightarrow ", "ˣ": "^x",
    "ℓ": r"\ell ", "ᵢ": "_i", "ⱼ": "_j", "≡": r"\equiv ", "∫": r"\int ", "±": r"\pm ", "∝": r"\propto ", "⊤": r"\top ",
    **{raised: "^" + digit for raised, digit in zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True)}, "⁻": "^-",
    **{lowered: "_" + digit for lowered, digit in zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True)},
}  # fmt: skip
OMICRON = {"ο": "o", "Α": "A", "Β": "B", "Ε": "E"}


def latex_text(text: str) -> str:
    """Running text: special characters escaped, signs of mathematics set as mathematics.

    >>> latex_text("50% of x_1: σ′ → 0")
    "50\\\\% of x\\\\_1: $\\\\sigma$$'$ $\\\\to$ 0"
    """
    text = re.sub(r'"([^"]*)"', "``\\1''".replace("`", "\ue010"), text)
    return "".join(_text_character(character) for character in text).replace("\ue010", "`")


def _text_character(character: str) -> str:
    if character == "\ue010" or (character.isascii() and character not in ESCAPES):
        return character
    if character in ESCAPES:
        return ESCAPES[character]
    if character in GREEK_WORDS:
        return rf"$\{GREEK_WORDS[character]}$"
    if character in MATH_SIGNS:
        sign = MATH_SIGNS[character].strip()
        return f"${{}}{sign}$" if sign[0] in "^_" else f"${sign}$"
    return {"–": "--", "—": "---", "’": "'", "‘": "`", "“": "``", "”": "''", "…": r"\dots{}", "\u00a0": "~"}.get(
        character, _letter(character)
    )


def _letter(character: str) -> str:
    if (
        character == "\u3000"
        or "\u4e00" <= character <= "\u9fff"
        or "\u3000" <= character <= "\u30ff"
        or "\uff00" <= character <= "\uffef"
    ):
        return character
    if "\u00c0" <= character <= "\u017f":  # Latin letters with accents, which every LaTeX reads
        return character
    return rf"\texttt{{U+{ord(character):04X}}}"


class LatexPrinter(Printer):
    r"""\sigma(w_{5} f_{1}), \frac{\partial E}{\partial w}: terms in math mode."""

    def number(self, text: str) -> str:
        special = {"nan": r"\text{NaN}", "inf": r"\infty", "-inf": r"-\infty"}.get(text)
        if special:
            return special
        mantissa, mark, exponent = text.partition("e")
        return rf"{mantissa} \times 10^{{{exponent}}}" if mark else text

    def size(self, expression: str) -> str:
        above, slash, below = expression.partition("/")
        if slash and below.isalnum() and above.lstrip("−-").isalnum():
            sign = "-" if above[0] in "−-" else ""
            return rf"{sign}\frac{{{self.size(above.lstrip('−-'))}}}{{{self.size(below)}}}"
        parts = re.split(r"([+−·/()])", expression.replace("//", "/"))
        signs = {"−": "-", "·": r" \cdot "}
        return "".join(
            signs.get(part, part)
            if len(part) == 1 and not part.isalnum()
            else self.name(part)
            if part and not part.isdigit()
            else part
            for part in parts
        )

    def name(self, name: str) -> str:
        return self._spelled(name, ())

    def _spelled(self, name: str, labels: Sequence[str], bar: bool = False) -> str:
        parts = spelling(name)
        stem = _stem(parts.stem)
        if parts.accent:
            stem = rf"\{parts.accent}{{{stem}}}"
        if bar:
            stem = rf"\bar{{{stem}}}"
        below = [_below(part) for part in parts.below.split(",")] if parts.below else []
        joined = ",".join([*below, *([_joined(labels)] if labels else [])])
        path = rf"\text{{{latex_text(parts.path.replace('/', '.'))}.}}" if parts.path else ""
        return path + stem + (f"_{{{joined}}}" if joined else "") + "'" * parts.primes

    def entry(self, name: str, rank: int, labels: Sequence[str]) -> str:
        return self._spelled(entry_name(name, rank), labels)

    def partial(self, partial: Partial, labels: Sequence[str]) -> str:
        below: dict[str, int] = {}
        for name in partial.by:
            below[name] = below.get(name, 0) + 1
        order = len(partial.by)
        denominator = r" \, ".join(
            rf"\partial {self.entry(name, partial.rank, labels) if labels else self.name(name)}"
            + (f"^{{{times}}}" if times > 1 else "")
            for name, times in below.items()
        )
        return rf"\frac{{\partial{f'^{{{order}}}' if order > 1 else ''} {self.name(partial.of)}}}{{{denominator}}}"

    def ratio(self, of: str, by: str) -> str:
        return rf"\frac{{\partial {of}}}{{\partial {by}}}"

    def adjoint(self, partial: Partial, labels: Sequence[str]) -> str:
        (by,) = partial.by
        name = entry_name(by, partial.rank) if labels else by
        if self.style.derivative == "bar":
            return self._spelled(name, labels, bar=True)
        return rf"\delta_{{{self._spelled(name, labels)}}}"

    def kronecker(self, left: str, right: str) -> str:
        return rf"\delta_{{{_joined((left, right))}}}"

    def brackets(self, inner: str) -> str:
        return rf"\left({inner}\right)" if is_tall(inner) else f"({inner})"

    def sign(self, text: str, latex: str) -> str:
        return f" {latex.strip()} "

    def tight_sign(self, text: str, latex: str) -> str:
        return latex

    def word(self, word: str) -> str:
        return rf"\{word} "

    def dot(self, style: str, loose: bool) -> str:
        return {"hadamard": r" \odot ", "matrix": r" \, "}.get(style, r" \cdot ")

    def beside(self, style: str) -> str:
        return " "

    def fraction(self, above: str, below: str) -> str:
        return rf"\frac{{{above}}}{{{below}}}"

    def power(self, base: str, exponent: str) -> str:
        twice = ("^" in base or "'" in base) and not base.endswith(")")  # LaTeX refuses a second exponent
        return f"{{{base}}}^{{{exponent}}}" if twice else f"{base}^{{{exponent}}}"

    def exponential(self, exponent: str, simple: bool) -> str:
        return f"e^{{{exponent}}}"

    def root(self, inner: str, simple: bool) -> str:
        return rf"\sqrt{{{inner}}}"

    def fence(self, left: str, right: str, latex: str, inner: str) -> str:
        opening, _, closing = latex.partition(" ")
        bars = {
            r"\left|": r"\left\lvert ",
            r"\right|": r"\right\rvert ",
        }  # a bare | would end a cell of a Markdown table
        return bars.get(opening, opening + " ") + inner + " " + bars.get(closing, closing + " ").strip()

    def postfix(self, base: str, text: str, latex: str) -> str:
        return f"{{{base}}}{latex}" if "^" in base else base + latex

    def call(self, sign: str, latex: str, primes: int, arguments: Sequence[str]) -> str:
        return latex.strip() + "'" * primes + self.brackets(", ".join(arguments))

    def picked(self, base: str, index: str) -> str:
        return f"{base}[{index}]"

    def total(self, labels: Sequence[str], body: str) -> str:
        return " ".join([rf"\sum_{{{label}}}" for label in labels] or [r"\sum"]) + " " + body

    def tensor(self, values: Any) -> str:
        return self.array(np.asarray(values))

    def array(self, array: np.ndarray) -> str:
        """An array of numbers: a row or a matrix in round brackets; more axes as a row of matrices."""
        if array.ndim == 0:
            return self.number(digits(array[()]))
        if array.ndim > 2:
            shown = list(array) if len(array) <= 3 else [*array[:2], None, array[-1]]
            return (
                r"\left["
                + r",\; ".join(r"\dots" if each is None else self.array(np.asarray(each)) for each in shown)
                + r"\right]"
            )
        rows = table(array if array.ndim == 2 else array[None])
        written = [" & ".join(r"\cdots" if entry == ELLIPSIS else self.number(entry) for entry in row) for row in rows]
        return r"\begin{pmatrix} " + r" \\ ".join(written) + r" \end{pmatrix}"


def is_tall(latex: str) -> bool:
    """Whether brackets around this must grow."""
    return any(mark in latex for mark in (r"\frac", r"\sum", r"\begin", r"\prod"))


def _stem(stem: str) -> str:
    if stem in GREEK:
        return "\\" + stem
    if stem in GREEK_WORDS:
        return "\\" + GREEK_WORDS[stem]
    if stem in OMICRON:
        return OMICRON[stem]
    if stem in ("…", ELLIPSIS):
        return r"\dots"
    if len(stem) == 1 and stem.isascii() and stem.isalpha():
        return stem
    if stem.isascii() and stem.isalnum():
        return rf"\mathit{{{stem}}}"
    return rf"\text{{{latex_text(stem)}}}"


def _below(part: str) -> str:
    if part.isdigit() or (len(part) == 1 and part.isascii()):
        return part
    return _stem(part) if part in GREEK or part in GREEK_WORDS else rf"\text{{{latex_text(part)}}}"


def _joined(labels: Sequence[str]) -> str:
    return ("" if all(len(label) == 1 for label in labels) else ",").join(labels)
