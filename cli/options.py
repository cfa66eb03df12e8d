"""Options that several commands share, said once. Their help is translated when this module is imported, so the language comes first."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from ..autograd.language import LANGUAGES
from ..autograd.language import translate as _
from .complete import complete_expression, complete_names


class Language(StrEnum):
    """The languages that can be asked for."""

    en = "en"
    zh_TW = "zh-TW"
    zh_CN = "zh-CN"


class Color(StrEnum):
    """When to color."""

    auto = "auto"
    always = "always"
    never = "never"


assert tuple(language.value for language in Language) == LANGUAGES

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
    Language | None,
    typer.Option(
        "--lang", help=_("The language of the output. Also NNGRAPH_LANG; else the locale decides."), show_default=False
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
