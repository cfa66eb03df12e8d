"""`nngraph lectures`: the lectures that run, in the order of the course."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ...autograd.language import translate as _
from ..options import Color, ColorOption, LanguageOption

NAME = "lectures"
EXAMPLES = ("nngraph lectures", "nngraph lectures 6 --lang zh-TW", "nngraph lectures kernel", "nngraph lectures --folder examples/lectures")


def HELP() -> str:
    return _("List the lectures that come with nngraph, in the order of the course, print what one of them says, or list those with a word in the title.")


def run(
    which: Annotated[
        str | None,
        typer.Argument(
            metavar="NUMBER|WORD",
            help=_("One of them, or a word of titles and file names; without it all are listed."),
            show_default=False,
        ),
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
    asked = None if which is None else _numbered(lectures, which)
    if asked is None:
        rows = [[path.name, _(paragraphs(path)[0])] for path in lectures]
        if which is not None:
            rows = _about(which, rows)
        show.out(show.table([_("lecture"), _("what it shows")], rows, show.wants_color(color.value)))
        show.out(_("One of them is run with {command}", command=f"python {found / _('FILE')}"))
        return 0
    from ...autograd.symbolic.cells import wrapped

    told = [_(each) if is_formula(each) else "\n".join(wrapped(_(each), show.width())) for each in paragraphs(asked)]
    show.out("\n\n".join([*told, f"python {asked}"]))
    return 0


def _numbered(lectures: Sequence[Path], which: str) -> Path | None:
    """The lecture of this number; None where it is a word that was given. CommandError for a number that none has."""
    from ..errors import CommandError

    if not (which.isascii() and which.isdigit()):
        return None
    for path in lectures:
        if path.name.partition("_")[0].lstrip("0") == which.lstrip("0"):
            return path
    raise CommandError(_("there is no lecture {number}", number=which), _("`nngraph lectures` lists them"))


def _about(word: str, rows: Sequence[list[str]]) -> list[list[str]]:
    """The rows in which all these words stand, in the file's name or its title; CommandError where there is none."""
    from ..errors import CommandError

    wanted = word.casefold().split()
    chosen = [row for row in rows if all(each in " ".join(row).casefold() for each in wanted)]
    if not chosen or not wanted:
        raise CommandError(_("there is no lecture about {word}", word=word), _("`nngraph lectures` lists them"))
    return chosen


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
