"""Options that several commands share, said once. Their help is translated when this module is imported, so the language comes first."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

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


def _output(path: str | None) -> str | None:
    """- for standard output by any of its names: it is a stream, not a file that could be written whole."""
    return "-" if path in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1") else path


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
        callback=_output,
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


def expression_last(parameters: list[Any], arguments: list[str]) -> list[str]:
    """The arguments, with an expression that starts with a minus put behind `--`, where it is not taken for an option.

    What starts with one minus and is no known option is the expression, as long as there is no other.
    """
    options = {name: parameter for parameter in parameters for name in (*parameter.opts, *parameter.secondary_opts)}
    positional = sum(not name.startswith("-") for name in options)
    free, found, at = positional, None, 0
    while at < len(arguments):
        argument = arguments[at]
        name = argument.partition("=")[0] if argument.startswith("--") else argument[:2]
        option = options.get(name) if argument.startswith("-") else None
        if argument == "--":
            return arguments
        if option is not None and (argument == name or not getattr(option, "is_flag", False)):
            takes_next = argument == name and not getattr(option, "is_flag", False)
            at += 1 + takes_next
            continue
        if not argument.startswith("-") or argument == "-":
            free -= 1
        elif not (argument[:2] == "--" and argument[2:3].isalpha()) and found is None:
            found, free = at, free - 1
        at += 1
    if found is None or free < 0:
        return arguments
    return [*arguments[:found], *arguments[found + 1 :], "--", arguments[found]]
