"""Sentences and formulas as plain text, in Unicode or in ASCII."""

from __future__ import annotations

from .document import Speaker
from .precedence import Style
from .terms import Term
from .unicode import UnicodePrinter, ascii_text


class TextSpeaker(Speaker):
    """Sentences as plain text; `ascii`: without any other sign."""

    def __init__(self, style: Style, language: str | None, ascii: bool = False) -> None:
        super().__init__(UnicodePrinter(style, ascii), language)
        self.ascii = ascii

    def escaped(self, text: str) -> str:
        return ascii_text(text) if self.ascii else text

    inline = escaped

    def math(self, term: Term, loose: bool = False) -> str:
        """A term with its break marks."""
        return self.escaped(self.formulas.term(term, loose))

    def number(self, text: str) -> str:
        """A number from its ASCII digits."""
        return self.escaped(self.formulas.number(text))
