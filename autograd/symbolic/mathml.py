"""Terms as MathML, which every browser shows without a script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from .numbers import ELLIPSIS, digits, table
from .render import Printer
from .spelling import GREEK, entry_name, is_full_width, spelling
from .terms import Partial

SPACED = 'form="infix" lspace="0.2em" rspace="0.2em"'
ACCENT_SIGNS = {"hat": "^", "tilde": "~", "bar": "¯", "dot": "˙", "ddot": "¨", "vec": "→"}


def row(*parts: str) -> str:
    """Several parts as one."""
    return f"<mrow>{''.join(parts)}</mrow>"


def operator(sign: str, form: str = "") -> str:
    """An operator sign."""
    return f"<mo{f' {form}' if form else ''}>{escape(sign)}</mo>"


class MathmlPrinter(Printer):
    """Terms in presentation MathML."""

    def number(self, text: str) -> str:
        if text in ("nan", "inf", "-inf"):
            return {"nan": "<mtext>NaN</mtext>", "inf": "<mi>∞</mi>", "-inf": row("<mo>−</mo>", "<mi>∞</mi>")}[text]
        mantissa, mark, exponent = text.partition("e")
        plain = _signed(mantissa)
        return row(plain, operator("×"), f"<msup><mn>10</mn>{_signed(exponent)}</msup>") if mark else plain

    def size(self, expression: str) -> str:
        above, slash, below = expression.partition("/")
        if slash and below.isalnum() and above.isalnum():
            return f"<mfrac>{self.size(above)}{self.size(below)}</mfrac>"
        parts, word = [], ""
        for character in expression:
            if character.isalnum() or character == "_":
                word += character
                continue
            parts += [self._size_word(word), operator(character)]
            word = ""
        return row(*parts, self._size_word(word))

    def _size_word(self, word: str) -> str:
        return "" if not word else f"<mn>{word}</mn>" if word.isdigit() else self.name(word)

    def name(self, name: str) -> str:
        return self._spelled(name, "")

    def _spelled(self, name: str, labels: str, bar: bool = False) -> str:
        parts = spelling(name)
        stem = _identifier(GREEK.get(parts.stem, parts.stem))
        if parts.accent:
            stem = f'<mover accent="true">{stem}<mo>{ACCENT_SIGNS[parts.accent]}</mo></mover>'
        if bar:
            stem = f'<mover accent="true">{stem}<mo>¯</mo></mover>'
        below = [
            f"<mn>{part}</mn>" if part.isdigit() else _identifier(GREEK.get(part, part))
            for part in parts.below.split(",")
            if part
        ]
        below += [labels] if labels else []
        joined = operator(",").join(below)
        spelled = f"<msub>{stem}{row(joined)}</msub>" if below else stem
        if parts.primes:
            spelled = f"<msup>{spelled}<mo>{'′' * parts.primes}</mo></msup>"
        return row(f"<mtext>{escape(parts.path.replace('/', '.'))}.</mtext>", spelled) if parts.path else spelled

    def entry(self, name: str, rank: int, labels: Sequence[str]) -> str:
        return self._spelled(entry_name(name, rank), _letters(labels))

    def partial(self, partial: Partial, labels: Sequence[str]) -> str:
        below: dict[str, int] = {}
        for name in partial.by:
            below[name] = below.get(name, 0) + 1
        order = len(partial.by)
        parts = []
        for name, times in below.items():
            written = self.entry(name, partial.rank, labels) if labels else self.name(name)
            parts += ["<mi>∂</mi>", f"<msup>{written}<mn>{times}</mn></msup>" if times > 1 else written]
        top = f"<msup><mi>∂</mi><mn>{order}</mn></msup>" if order > 1 else "<mi>∂</mi>"
        return f"<mfrac>{row(top, self.name(partial.of))}{row(*parts)}</mfrac>"

    def ratio(self, of: str, by: str) -> str:
        return f"<mfrac>{row('<mi>∂</mi>', of)}{row('<mi>∂</mi>', by)}</mfrac>"

    def adjoint(self, partial: Partial, labels: Sequence[str]) -> str:
        (by,) = partial.by
        name = entry_name(by, partial.rank) if labels else by
        if self.style.derivative == "bar":
            return self._spelled(name, _letters(labels), bar=True)
        return f"<msub><mi>δ</mi>{self._spelled(name, _letters(labels))}</msub>"

    def kronecker(self, left: str, right: str) -> str:
        return f"<msub><mi>δ</mi>{row(_letters((left, right)))}</msub>"

    def brackets(self, inner: str) -> str:
        form = "" if is_tall(inner) else ' stretchy="false"'
        return row(f"<mo{form}>(</mo>", inner, f"<mo{form}>)</mo>")

    def sign(self, text: str, latex: str) -> str:
        # Said outright, because a browser gives no room to a sign that begins a piece of a broken line.
        room = "0.28em" if text in "=<>≤≥≠⟹←" else "0.22em"
        return operator(text, f'form="infix" lspace="{room}" rspace="{room}"')

    def tight_sign(self, text: str, latex: str) -> str:
        return operator(text)

    def word(self, word: str) -> str:
        return f'<mi mathvariant="normal">{escape(word)}</mi><mspace width="0.17em"/>'

    def dot(self, style: str, loose: bool) -> str:
        return {"hadamard": operator("⊙", SPACED), "matrix": '<mspace width="0.17em"/>'}.get(
            style, operator("·", SPACED)
        )

    def beside(self, style: str) -> str:
        return '<mspace width="0.12em"/>'

    def fraction(self, above: str, below: str) -> str:
        return f"<mfrac>{row(above)}{row(below)}</mfrac>"

    def power(self, base: str, exponent: str) -> str:
        return f"<msup>{row(base)}{row(exponent)}</msup>"

    def exponential(self, exponent: str, simple: bool) -> str:
        return f"<msup><mi>e</mi>{row(exponent)}</msup>"

    def root(self, inner: str, simple: bool) -> str:
        return f"<msqrt>{inner}</msqrt>"

    def fence(self, left: str, right: str, latex: str, inner: str) -> str:
        return row(operator(left, 'form="prefix"'), inner, operator(right, 'form="postfix"'))

    def postfix(self, base: str, text: str, latex: str) -> str:
        return f"<msup>{row(base)}<mo>{'⊤' if text == 'ᵀ' else escape(text)}</mo></msup>"

    def call(self, sign: str, latex: str, primes: int, arguments: Sequence[str]) -> str:
        function = _identifier(sign)
        if primes:
            function = f"<msup>{function}<mo>{'′' * primes}</mo></msup>"
        return row(function, self.brackets(operator(",").join(arguments)))

    def picked(self, base: str, index: str) -> str:
        return row(
            base, "<mo>[</mo>", index if index.startswith("<") else f"<mtext>{escape(index)}</mtext>", "<mo>]</mo>"
        )

    def total(self, labels: Sequence[str], body: str) -> str:
        sums = [f'<munder><mo movablelimits="false">∑</mo><mi>{escape(label)}</mi></munder>' for label in labels] or [
            "<mo>∑</mo>"
        ]
        return "".join(sums) + body

    def tensor(self, values: Any) -> str:
        return self.array(np.asarray(values))

    def array(self, array: np.ndarray) -> str:
        """An array of numbers: a row or a matrix in round brackets; more axes as a row of matrices."""
        if array.ndim == 0:
            return self.number(digits(array[()]))
        if array.ndim > 2:
            shown = list(array) if len(array) <= 3 else [*array[:2], None, array[-1]]
            parts = operator(",").join("<mo>…</mo>" if each is None else self.array(np.asarray(each)) for each in shown)
            return row("<mo>[</mo>", parts, "<mo>]</mo>")
        rows = table(array if array.ndim == 2 else array[None])
        cells = "".join(
            "<mtr>"
            + "".join(f"<mtd>{'<mo>⋯</mo>' if entry == ELLIPSIS else self.number(entry)}</mtd>" for entry in line)
            + "</mtr>"
            for line in rows
        )
        return row("<mo>(</mo>", f"<mtable>{cells}</mtable>", "<mo>)</mo>")


def is_tall(mathml: str) -> bool:
    """Whether brackets around this must grow."""
    return any(mark in mathml for mark in ("<mfrac", "<munder", "<mtable", "<msqrt"))


def _identifier(text: str) -> str:
    if len(text) == 1 and not is_full_width(text):
        return f"<mi>{escape(text)}</mi>"
    return f"<mtext>{escape(text)}</mtext>" if is_full_width(text) else f'<mi mathvariant="normal">{escape(text)}</mi>'


def _letters(labels: Sequence[str]) -> str:
    joiner = "" if all(len(label) == 1 for label in labels) else operator(",")
    return joiner.join(f"<mn>{label}</mn>" if label.isdigit() else f"<mi>{escape(label)}</mi>" for label in labels)


def _signed(text: str) -> str:
    return row("<mo>−</mo>", f"<mn>{text[1:]}</mn>") if text.startswith("-") else f"<mn>{text}</mn>"
