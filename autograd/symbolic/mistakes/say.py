"""Sentences as text: fields that are formulas, numbers or shapes are written the way derivations write them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...language import translate
from ...sizes import Size, shape_text
from ..derivation import Sentence
from ..numbers import digits
from ..terms import Term
from ..unicode import UnicodePrinter

LARGEST_INLINE = 16


def said(sentence: Sentence, language: str | None = None) -> str:
    """The sentence in a language, its fields filled in."""
    fields = {name: written(value, language) for name, value in sentence.fields.items()}
    return translate(sentence.template, language, **fields) if fields else translate(sentence.template, language)


def written(value: Any, language: str | None = None) -> str:
    """A field as text: a term, a sentence, a shape, a number, an array, or words as they are."""
    if isinstance(value, Sentence):
        return said(value, language)
    if isinstance(value, Term):
        return UnicodePrinter().plain(value)
    if isinstance(value, tuple):
        return shape_text(value)
    if isinstance(value, Size):
        return value.text
    if isinstance(value, np.ndarray):
        return UnicodePrinter().inline(value, LARGEST_INLINE)
    if isinstance(value, (int, float)):
        return digits(value).replace("-", "−")
    return str(value)
