"""Options that several commands share, said once. Their help is translated when this module is imported, so the language comes first."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from ..autograd.errors import ParameterError
from ..autograd.language import LANGUAGES, known_language
from ..autograd.language import translate as _
from .complete import complete_expression, complete_names
from .errors import CommandError


class Color(StrEnum):
    """When to color."""

    auto = "auto"
    always = "always"
    never = "never"



def _language(name: str | None) -> str | None:
    """Our name of the language that was asked for, however it was spelled."""
    if name is None:
        return None
    try:
        return known_language(name)
    except ParameterError:
        raise CommandError(
            _("there is no language {name}", name=name), _("there are {known}", known=", ".join(LANGUAGES))
        ) from None


ExpressionArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="EXPRESSION|FILE.py:NAME",
        help=_(
            "An expression; or a function or node in a Python file; or - to read an expression from standard input."
        ),
        autocompletion=complete_expression,
        show_default=False,
    ),
]
At = Annotated[
    list[str] | None,
    typer.Option(
        "--at",
        metavar="NAME=VALUE,…",
        help=_(
            "Values: w=2,X=[[1,2],[3,4]],W=@w.npy,Y=@y.csv. Repeatable. Without them friendly values are drawn and printed."
        ),
        autocompletion=complete_names,
    ),
]
Shape = Annotated[
    list[str] | None,
    typer.Option(
        "--shape",
        metavar="NAME=SIZES",
        help=_("Shapes with numbers or letters: X=N,3. Repeatable."),
        autocompletion=complete_names,
    ),
]
WithRespectTo = Annotated[
    list[str] | None,
    typer.Option(
        "--wrt",
        metavar="NAME,…",
        help=_("The variables to differentiate by; w,w asks for the second derivative. Without it: all of them."),
        autocompletion=complete_names,
    ),
]
Seed = Annotated[int, typer.Option("--seed", help=_("The seed of the values that are drawn."))]
Output = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help=_("Write to this file; its ending decides the format. - is standard output."),
        show_default=False,
    ),
]
LanguageOption = Annotated[
    str | None,
    typer.Option(
        "--lang",
        metavar="|".join(LANGUAGES),
        help=_("The language of the output. Also NNGRAPH_LANG; else the locale decides."),
        callback=_language,
        autocompletion=lambda: list(LANGUAGES),
        show_default=False,
    ),
]
ColorOption = Annotated[Color, typer.Option("--color", help=_("When to color the output."))]
Let = Annotated[
    list[str] | None,
    typer.Option(
        "--let",
        metavar="NAME=EXPRESSION,…",
        help=_("Shorthands: a3=w5*f1+w6*f2 names a value, f=sigmoid names a function. Repeatable."),
    ),
]
