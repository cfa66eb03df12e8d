"""Sentences in three languages: standard gettext catalogs, named fields, and how wide the result prints.

`N_("…")` marks a sentence where it is written; `translate` looks it up and fills its fields where it is printed.
"""

from __future__ import annotations

import os
import re
import unicodedata
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from .errors import ParameterError

LANGUAGES = ("en", "zh-TW", "zh-CN")
LOCALE_FOLDER = Path(__file__).with_name("locale")

FIELD = re.compile(r"\{([A-Za-z_][A-Za-z_0-9]*)\}")
current: ContextVar[str | None] = ContextVar("nngraph_language", default=None)


def N_(sentence: str) -> str:
    """The sentence itself: marks it for the catalogs where it stands as data, to be translated where it is printed."""
    return sentence


def translate(sentence: str, language: str | None = None, /, **fields: Any) -> str:
    """The sentence in a language (by default the current one), its `{fields}` filled; in English where no translation
    exists.

    Braces around anything but a name stay as they are. Without fields the template itself comes back translated.
    KeyError if some fields are given and one that the sentence needs is missing.

    >>> translate("multiply {a} by {b}", a="w", b="x")
    'multiply w by x'
    """
    text = _catalog(current_language() if language is None else known_language(language)).get(sentence, sentence)
    if not fields:
        return text
    return FIELD.sub(lambda match: str(fields[match[1]]), text)


def current_language() -> str:
    """The language `translate` uses when it is not told one: the one that was set, else NNGRAPH_LANG's, else English."""
    return current.get() or _from_environment(os.environ.get("NNGRAPH_LANG", ""))


@cache
def _from_environment(name: str) -> str:
    """The language of NNGRAPH_LANG; one that we do not speak is said once."""
    found = _spoken(name)
    if name and found is None:
        warnings.warn(
            f"NNGRAPH_LANG={name!r} is not a language of nngraph; there are {', '.join(LANGUAGES)}", stacklevel=2
        )
    return found or "en"


@contextmanager
def language(name: str) -> Iterator[str]:
    """Everything translated inside the `with` block comes out in this language; ParameterError for one we do not speak.

    >>> with language("zh-TW"):
    ...     current_language()
    'zh-TW'
    """
    token = current.set(known_language(name))
    try:
        yield current_language()
    finally:
        current.reset(token)


def set_language(name: str) -> None:
    """Speak this language from here on, as a program does once at its start; ParameterError for one we do not speak."""
    current.set(known_language(name))


def known_language(name: str) -> str:
    """Our name of a language, from any usual spelling; ParameterError, naming the ones we speak, when there is none.

    >>> known_language("zh_Hant"), known_language("zh"), known_language("EN")
    ('zh-TW', 'zh-CN', 'en')
    """
    found = _spoken(name)
    if found is None:
        raise ParameterError(f"no language {name!r}; there are {', '.join(LANGUAGES)}")
    return found


def language_from_environment(environment: Mapping[str, str] | None = None) -> str:
    """The language a user's environment asks for: NNGRAPH_LANG, else the locale, else English.

    >>> language_from_environment({"LANG": "zh_TW.UTF-8"}), language_from_environment({"LANG": "de_DE.UTF-8"})
    ('zh-TW', 'en')
    """
    environment = os.environ if environment is None else environment
    # LANGUAGE is gettext's list of preferences and counts only when the locale is not the plain C one.
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    preferences = (
        environment.get("LANGUAGE", "").split(":") if locale.partition(".")[0] not in ("", "C", "POSIX") else []
    )
    for wish in (environment.get("NNGRAPH_LANG", ""), *preferences, locale):
        if wish:
            return _spoken(wish) or "en"
    return "en"


def cell_width(text: str) -> int:
    """How many terminal cells a text takes: two for each full-width character, none for combining marks.

    >>> cell_width("權重*x"), cell_width("ŷ"), cell_width("y\\u0302")
    (6, 1, 1)
    """
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) or unicodedata.category(character) == "Cf"
        else 2 if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )  # fmt: skip


def _spoken(name: str) -> str | None:
    parts = re.split(r"[-_]", name.partition(".")[0].partition("@")[0].strip().lower())
    if parts[0] == "zh":
        return "zh-TW" if {"tw", "hk", "mo", "hant"}.intersection(parts) else "zh-CN"
    return "en" if parts[0] in ("en", "c", "posix") else None


@cache
def _catalog(name: str) -> dict[str, str]:
    if name == "en":
        return {}
    import gettext

    with open(LOCALE_FOLDER / name.replace("-", "_") / "LC_MESSAGES" / "nngraph.mo", "rb") as file:
        translations: dict[str, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    return translations
