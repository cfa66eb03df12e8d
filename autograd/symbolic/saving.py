"""A derivation as a file: the ending of its name says which form, and it is written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ParameterError
from ..files import write_whole
from ..language import N_, translate

if TYPE_CHECKING:
    from .derivation import Derivation

FORMS = {".txt": "text", ".tex": "latex", ".md": "markdown", ".html": "html", ".htm": "html", ".json": "json"}
"""The form of a derivation by the ending of a file's name."""
ENDINGS = " ".join(ending for ending in FORMS if ending != ".htm")


def form_of(path: str | Path) -> str:
    """The form that a file's ending asks for; ParameterError, naming the endings there are, for any other.

    >>> form_of("slides/lecture 3.TEX")
    'latex'
    """
    form = FORMS.get(Path(path).suffix.lower())
    if form is None:
        raise ParameterError(
            translate(N_("{path} has an ending that no form has; use {endings}"), path=path, endings=ENDINGS)
        )
    return form


def save(derivation: Derivation, path: str | Path, language: str | None, checks: bool) -> Path:
    """Write the derivation in the form that the path's ending asks for."""
    target = Path(path)
    forms: dict[str, Callable[[], str]] = {
        "text": lambda: derivation.text(language=language, checks=checks),
        "latex": lambda: derivation.latex(language=language, checks=checks),
        "markdown": lambda: derivation.markdown(language=language, checks=checks),
        "html": lambda: derivation.html(language=language, checks=checks),
        "json": lambda: derivation.json(language=language),
    }
    content = forms[form_of(target)]().rstrip("\n") + "\n"
    write_whole(target, content.encode())
    return target
