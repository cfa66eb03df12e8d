"""`nngraph lectures`: the lectures that run, in the order of the course."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Annotated

import typer

from ...autograd.language import translate as _
from ..options import Color, ColorOption, LanguageOption

NAME = "lectures"
EXAMPLES = ("nngraph lectures", "nngraph lectures 6 --lang zh-TW", "nngraph lectures --folder examples/lectures")


def HELP() -> str:
    return _("List the lectures that come with nngraph, in the order of the course, or print what one of them says.")


def run(
    number: Annotated[
        int | None, typer.Argument(metavar="NUMBER", help=_("One of them; without it all are listed."), show_default=False)
    ] = None,
    folder: Annotated[
        str | None,
        typer.Option(
            "--folder", help=_("Where they lie; examples/lectures of the repository unless given."), show_default=False
        ),
    ] = None,
    lang: LanguageOption = None,
    color: ColorOption = Color.auto,
) -> int:
    """Print one line for each lecture, the file to run and its title, and where the files lie; or the text of one."""
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
    # The numbers in the file names are the order of the course.
    lectures = [path for path in sorted(found.glob("*.py")) if not path.name.startswith("_")]
    if number is None:
        rows = [[path.name, _(paragraphs(path)[0])] for path in lectures]
        show.out(show.table([_("lecture"), _("what it shows")], rows, show.wants_color(color.value)))
        show.out(_("One of them is run with {command}", command=f"python {found / _('FILE')}"))
        return 0
    asked = next((path for path in lectures if path.name.partition("_")[0].lstrip("0") == str(number)), None)
    if asked is None:
        raise CommandError(_("there is no lecture {number}", number=number), _("`nngraph lectures` lists them"))
    from ...autograd.symbolic.cells import wrapped

    told = [_(each) if is_formula(each) else "\n".join(wrapped(_(each), show.width())) for each in paragraphs(asked)]
    show.out("\n\n".join([*told, f"python {asked}"]))
    return 0


WORD = re.compile(r"(?<![\w.·_′/])(?!(?:mean|softmax|tanh|relu|sigmoid|loss|class)\b)[a-z]{4,}\b(?![_(])")
"""A word that is no name in a formula."""


def paragraphs(path: Path) -> list[str]:
    """The docstring of a file: its title, then each paragraph on one line, formulas as they stand."""
    parts = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")
    return [part.rstrip() if is_formula(part) else " ".join(part.split()) for part in parts]


def is_formula(paragraph: str) -> bool:
    """Whether a paragraph stands indented: formulas, whose lines are left as they are."""
    return paragraph.startswith("    ")


def has_words(paragraph: str) -> bool:
    """Whether a paragraph says something in words; formulas without them are the same in every language."""
    return not is_formula(paragraph) or WORD.search(paragraph) is not None
