"""A sentence that is made where something is decided and told later, in the language of whoever asks."""

from __future__ import annotations

from typing import Any

from .language import translate


class Reason(str):
    """English text that keeps its template and its fields, so that it can be said in another language.

    A field may be a reason itself, or a plain sentence of the catalogs.

    >>> from nngraph.autograd.language import N_
    >>> why = Reason(N_("{count} ops fused: they run over the same numbers"), count=3)
    >>> why, said(why, "zh-TW")
    ('3 ops fused: they run over the same numbers', '融合 3 個運算：它們走過相同的數')
    """

    template: str
    fields: dict[str, Any]

    def __new__(cls, template: str, **fields: Any) -> Reason:
        made = super().__new__(cls, translate(template, "en", **fields))
        made.template, made.fields = template, fields
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.template, self.fields)


def _again(template: str, fields: dict[str, Any]) -> Reason:
    return Reason(template, **fields)


def said(sentence: str, language: str | None = None) -> str:
    """A reason, or a sentence of the catalogs without fields, in a language (by default the current one).

    >>> said("pears")
    'pears'
    """
    if not isinstance(sentence, Reason):
        return translate(sentence, language) if sentence else ""
    told = {name: said(field, language) if isinstance(field, str) else field for name, field in sentence.fields.items()}
    return translate(sentence.template, language, **told)
