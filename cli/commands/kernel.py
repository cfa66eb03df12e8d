"""`nngraph kernel`: what a GPU is given for an expression, beside its formula, NumPy and the loop of a processor."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...autograd.executable import OFFERED
from ...autograd.language import current_language
from ...autograd.language import translate as _
from ..complete import complete_names
from ..options import At, Color, ColorOption, ExpressionArgument, LanguageOption, Let, Output, Seed, Shape
from .draw import Size, Theme

if TYPE_CHECKING:
    from ...autograd.kernel_views import Kernels
    from ...autograd.node import Node

NAME = "kernel"
EXAMPLES = (
    'nngraph kernel "relu(X@W+b)" --shape X=200,64 --shape W=64,100 --shape b=100',
    'nngraph kernel "sum(tanh(w*x+b))" --shape x=1000 --wrt w -o threads.svg',
    'nngraph kernel "softmax_loss(X@W+b, T)" --shape X=200,64 --shape W=64,10 --shape b=10 --shape T=200,10 --wrt W,b --node matmul',
    "nngraph kernel training.py:step -o kernels.html",
)
PAGES = (".html", ".json", ".txt")


def HELP() -> str:
    return _(
        "Show the kernels that a GPU is given for an expression, a Python function or a compiled step: formula, NumPy, loop of the processor, CUDA, and how threads and blocks lie over an array. It needs no GPU."
    )


GpuEngine = StrEnum("GpuEngine", {name: name for name in OFFERED if name.startswith("cuda")})  # type: ignore[misc]


class Number(StrEnum):
    """Kinds of numbers."""

    float32 = "float32"
    float64 = "float64"


class Form(StrEnum):
    """Forms of what is shown."""

    text = "text"
    html = "html"
    json = "json"
    svg = "svg"
    png = "png"
    pdf = "pdf"
    tex = "tex"


def run(
    expression: ExpressionArgument = None,
    at: At = None,
    shape: Shape = None,
    wrt: Annotated[
        list[str] | None,
        typer.Option(
            "--wrt",
            metavar="NAME,…",
            help=_("The variables whose gradients are computed too. Without it: only the value."),
            autocompletion=complete_names,
        ),
    ] = None,
    let: Let = None,
    node: Annotated[
        str | None,
        typer.Option(
            "--node",
            metavar="NAME",
            help=_("Only the kernels that compute this: a result, a named node, a function such as matmul, or the number of a kernel."),
            show_default=False,
        ),
    ] = None,
    engine: Annotated[GpuEngine, typer.Option("--engine", help=_("Which engine."))] = GpuEngine("cuda"),
    dtype: Annotated[Number, typer.Option("--dtype", help=_("Which numbers an expression is computed with."))] = Number.float32,
    exact: Annotated[
        bool, typer.Option("--exact", help=_("The text of kernels as it is compiled, with casts and written-out loops."))
    ] = False,
    form: Annotated[
        Form | None,
        typer.Option(
            "--format",
            help=_("Text, a page or JSON with all of it; or the picture of threads and blocks. The ending of -o unless this says otherwise."),
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=_("As JSON."))] = False,
    theme: Annotated[Theme, typer.Option("--theme", help=_("Light, dark, or black on white for printing."))] = Theme.light,
    size: Annotated[
        Size, typer.Option("--size", help=_("As large as it is, or to fill a slide or a page."))
    ] = Size.natural,
    title: Annotated[str, typer.Option("--title", help=_("A title above the picture."), show_default=False)] = "",
    seed: Seed = 0,
    output: Output = None,
    lang: LanguageOption = None,
    color: ColorOption = Color.auto,
) -> int:
    """Print the kernels; -o writes them, or draws their threads."""
    from .. import show

    found = _kernels(expression, at, shape, wrt, let, seed, engine.value, dtype.value == "float32")
    if node is not None:
        found = _only(found, node)
    wanted = "json" if as_json else form.value if form is not None else _by_ending(output)
    show.write_result(_written(found, wanted, exact, theme.value, size.value, title), output)
    if wanted not in ("text", "html", "json"):
        show.note(_("picture: {path}", path=output))
    elif output not in (None, "-"):
        show.note(_("written: {path}", path=output))
    return 0


def _by_ending(output: str | None) -> str:
    from ..errors import CommandError

    ending = Path(output or "").suffix.lower().removeprefix(".")
    if output in (None, "-"):
        return "text"
    if ending == "txt":
        return "text"
    if ending not in Form.__members__:
        known = ", ".join(f".{each}" for each in (*Form.__members__, "txt") if each != "text")
        raise CommandError(_("{path} has an ending that no form has; use {known}", path=output, known=known))
    return ending


def _written(found: Kernels, form: str, exact: bool, theme: str, size: str, title: str) -> str | bytes:
    from .. import show

    if form == "text":
        return found.text(show.width(), exact)
    if form == "html":
        return found.html(exact)
    if form == "json":
        return found.json()
    from ...viz import draw

    picture = draw(found, theme=theme, size=size, title=title, language=current_language())
    writers: dict[str, Callable[[], str | bytes]] = {
        "svg": picture.svg, "png": picture.png, "pdf": picture.pdf, "tex": picture.latex
    }  # fmt: skip
    return writers[form]()


def _only(found: Kernels, name: str) -> Kernels:
    from ...autograd.errors import ParameterError
    from ..errors import CommandError

    try:
        return found.of(name)
    except ParameterError:
        raise CommandError(
            _("--node {name}: no kernel computes that", name=name), _("there are {known}", known=", ".join(found.names()))
        ) from None


def _kernels(
    expression: str | None, at: list[str] | None, shape: list[str] | None, wrt: list[str] | None, let: list[str] | None,
    seed: int, engine: str, single: bool,
) -> Kernels:  # fmt: skip
    """The kernels of an expression and its gradient, or of a compiled step with its updates."""
    from ...autograd.differentiate import gradient
    from ...autograd.kernel_views import kernels
    from ...autograd.kernel_views.single import in_single
    from ...autograd.naming import names as named
    from ..errors import CommandError
    from ..problem import load

    problem = load(expression, at or (), shape or (), seed, wrt or (), let or ())
    if (step := problem.compiled) is not None:
        if wrt:
            raise CommandError(_("--wrt: {target} is compiled already, with all that it computes", target=problem.text))
        return kernels(step, engine=engine)
    by = problem.wrt(wrt) if wrt else []
    if by:
        problem.add_up()
    asked: list[Node] = [problem.output, *gradient(problem.output, by)] if by else [problem.output]
    symbol = named(problem.output).get(problem.output) or "y"
    names: list[str | None] = [symbol, *(f"∂{symbol}/∂{node.name}" for node in by)]
    return kernels(in_single(asked) if single else asked, engine=engine, names=names)
