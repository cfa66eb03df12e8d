"""`nngraph lectures`: the lectures that run, in the order of the course."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Annotated

import typer

from ...autograd.language import translate as _
from ..options import Color, ColorOption, LanguageOption

NAME = "lectures"
EXAMPLES = ("nngraph lectures", "nngraph lectures --folder examples/lectures")


def HELP() -> str:
    return _("List the lectures that come with nngraph, in the order of the course.")


def run(
    folder: Annotated[
        str | None,
        typer.Option(
            "--folder", help=_("Where they lie; examples/lectures of the repository unless given."), show_default=False
        ),
    ] = None,
    lang: LanguageOption = None,
    color: ColorOption = Color.auto,
) -> int:
    """Print one line for each lecture: the file to run, and its first sentence."""
    from .. import show
    from ..errors import CommandError

    places = (
        [Path(folder)] if folder else [Path("examples/lectures"), Path(__file__).parents[2] / "examples" / "lectures"]
    )
    found = next((place for place in places if any(place.glob("*.py"))), None)
    if found is None:
        raise CommandError(
            _("there are no lectures in {path}", path=places[0]),
            _("run this in a clone of the repository, or give --folder"),
        )
    rows = [[str(path), first_sentence(path)] for path in sorted(found.glob("*.py")) if not path.name.startswith("_")]
    show.out(show.table([_("lecture"), _("what it shows")], rows, show.wants_color(color.value)))
    return 0


def first_sentence(path: Path) -> str:
    """The first line of a file's docstring; the numbers in the file names are the order of the course."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
