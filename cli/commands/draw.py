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
    'nngraph draw "softmax_loss(X@W+b, T)" --shape X=8,3 --shape W=3,2 --shape b=2 --shape T=8,2 --open softmax_loss -o open.svg',
)


def HELP() -> str:
    return _("Draw the graph of an expression or a Python function, or the plan of a compiled step of a Python file.")


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
    print = "print"


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
    tex = "tex"
    txt = "txt"


def run(
    expression: ExpressionArgument = None,
    view: Annotated[
        View,
        typer.Option(
            "--view",
            help=_(
                "What is drawn: forward, backward, mirror (forward above, backward below), both (the mirror with every operation of the gradient), values (numbers at every box), or neurons (circles and weights)."
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
            help=_("Mark every path from these variables to the output, and the way of their gradient back."),
            autocompletion=complete_names,
        ),
    ] = None,
    inside: Annotated[
        list[str] | None,
        typer.Option(
            "--open",
            metavar="NAME,…",
            help=_("Show the inside of these: a variable, or a function such as softmax_loss or scan."),
        ),
    ] = None,
    steps: Annotated[
        str | None,
        typer.Option(
            "--steps", metavar="1..3,T", help=_("Unroll loops and show these steps; T is the last."), show_default=False
        ),
    ] = None,
    between: Annotated[
        str | None,
        typer.Option(
            "--between", metavar="A,B", help=_("Only what lies on a way from A to B."), show_default=False
        ),
    ] = None,
    hide: Annotated[
        list[str] | None,
        typer.Option("--hide", metavar="WHAT,…", help=_("Leave out const, input, parameter, saved, shapes, values or legend.")),
    ] = None,
    show: Annotated[
        list[str] | None,
        typer.Option(
            "--show", metavar="WHAT,…", help=_("Show saved (all that backward needs) or bytes (how much memory that is).")
        ),
    ] = None,
    theme: Annotated[Theme, typer.Option("--theme", help=_("Light, dark, or black on white for printing."))] = Theme.light,
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

    from ...autograd.files import is_device
    from .. import show as output_of
    from ..errors import CommandError
    from ..problem import load
    from ..values import parse_names

    problem = load(expression, at or (), shape or (), seed, wrt or (), let or ())
    if output is None and form is None and sys.stdout.isatty():
        raise CommandError(_("say where the picture goes"), _("add for example {example}", example="-o net.svg"))
    if view in (View.backward, View.both, View.mirror):
        problem.add_up()
    step = problem.compiled
    invented = problem.fill() if step is None else []
    by = problem.wrt(wrt) if wrt else None  # the picture knows which leaves are parameters
    ends = parse_names([between]) if between else []
    if between and len(ends) != 2:
        raise CommandError(_("--between takes two names"), _("write for example {example}", example="--between x,h"))
    from ...viz import draw

    picture = draw(
        problem.output if step is None else step,
        view=view.value,
        wrt=by,
        fold=fold,
        theme=theme.value,
        language=current_language(),
        size=size.value,
        title=title,
        highlight=[problem.node(name, "--highlight") for name in parse_names(highlight or ())],
        open=parse_names(inside or ()),
        steps=steps,
        between=(ends[0], ends[1]) if ends else None,
        hide=[*parse_names(hide or ()), *(["values"] if invented and view is View.neurons else [])],
        show=parse_names(show or ()),
    )
    if output in (None, "-"):
        output_of.write_result(_rendered(picture, form.value if form else "svg"), None)
        return 0
    if form is None and not is_device(output):
        picture.save(output)
    else:
        output_of.write_result(_rendered(picture, form.value if form else "svg"), output)
    output_of.note(_("picture: {path}", path=output))
    return 0


def _rendered(picture: Any, form: str) -> str | bytes:
    """The picture in a form, through a file of that ending: the ending is what decides."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"picture.{form}"
        picture.save(path)
        return path.read_bytes()
