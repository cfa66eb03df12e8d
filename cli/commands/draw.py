"""`nngraph draw`: the picture of an expression or a function, forward, backward, or both as mirror images."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from ...autograd.language import current_language
from ...autograd.language import translate as _
from ..complete import complete_names
from ..options import (
    At,
    Color,
    ColorOption,
    ExpressionArgument,
    LanguageOption,
    Let,
    Output,
    Seed,
    Shape,
    WithRespectTo,
)

NAME = "draw"
EXAMPLES = (
    'nngraph draw "sigmoid(w*x+b)" --at w=2,x=-1,b=0.5 -o net.svg',
    'nngraph draw "(sigmoid(w5*sigmoid(w1*x1+w3*x2)+w6*sigmoid(w2*x1+w4*x2))-z)**2" --view neurons -o net.png',
    "nngraph draw lecture.py:loss --view mirror --fold 1 -o slides.pdf",
)


def HELP() -> str:
    return _("Draw the graph of an expression or a Python function.")


class View(StrEnum):
    """Ways to look at a graph."""

    forward = "forward"
    backward = "backward"
    both = "both"
    mirror = "mirror"
    values = "values"
    neurons = "neurons"


class Theme(StrEnum):
    """Colors of a picture."""

    light = "light"
    dark = "dark"


class Size(StrEnum):
    """Sizes of a picture."""

    natural = "natural"
    slide = "slide"
    a4 = "a4"


class PictureFormat(StrEnum):
    """Forms of a picture."""

    svg = "svg"
    png = "png"
    pdf = "pdf"
    html = "html"
    dot = "dot"
    json = "json"


def run(
    expression: ExpressionArgument = None,
    view: Annotated[
        View,
        typer.Option(
            "--view",
            help=_(
                "What is drawn: the forward pass, the backward pass, both, the mirror picture, the values, or circles and weights."
            ),
        ),
    ] = View.mirror,
    fold: Annotated[
        str | None,
        typer.Option(
            "--fold",
            metavar="DEPTH|GLOB",
            help=_("Close modules below this depth, or those whose path fits."),
            show_default=False,
        ),
    ] = None,
    highlight: Annotated[
        list[str] | None,
        typer.Option(
            "--highlight",
            metavar="NAME,…",
            help=_("Mark every path from these variables to the output."),
            autocompletion=complete_names,
        ),
    ] = None,
    theme: Annotated[Theme, typer.Option("--theme", help=_("Light or dark."))] = Theme.light,
    size: Annotated[
        Size, typer.Option("--size", help=_("As large as it is, or to fill a slide or a page."))
    ] = Size.natural,
    title: Annotated[str, typer.Option("--title", help=_("A title above the picture."), show_default=False)] = "",
    at: At = None,
    shape: Shape = None,
    wrt: WithRespectTo = None,
    let: Let = None,
    seed: Seed = 0,
    output: Output = None,
    form: Annotated[
        PictureFormat | None,
        typer.Option(
            "--format",
            help=_("The form of the picture; the ending of -o unless this says otherwise."),
            show_default=False,
        ),
    ] = None,
    lang: LanguageOption = None,
    color: ColorOption = Color.auto,
) -> int:
    """Write the picture."""
    import sys

    from .. import show
    from ..errors import CommandError
    from ..problem import load

    problem = load(expression, at or (), shape or (), seed, wrt or (), let or ())
    if output is None and form is None and sys.stdout.isatty():
        raise CommandError(_("say where the picture goes"), _("add for example {example}", example="-o net.svg"))
    problem.fill()
    by = problem.wrt(wrt or ())
    from ...viz import draw

    picture = draw(
        problem.output,
        view=view.value,
        wrt=by,
        fold=fold,
        theme=theme.value,
        language=current_language(),
        size=size.value,
        title=title,
        highlight=problem.wrt(highlight) if highlight else None,
    )
    if output in (None, "-"):
        show.write_result(_rendered(picture, form.value if form else "svg"), None)
        return 0
    picture.save(output) if form is None else show.write_result(_rendered(picture, form.value), output)
    show.note(_("picture: {path}", path=output))
    return 0


def _rendered(picture: Any, form: str) -> str | bytes:
    """The picture in a form, through a file of that ending: the ending is what decides."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"picture.{form}"
        picture.save(path)
        return path.read_bytes()
