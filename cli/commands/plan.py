"""`nngraph plan`: what an engine does to compute an expression and its gradient, instruction by instruction."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ...autograd.executable import engines
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
)
from .draw import Size, Theme

if TYPE_CHECKING:
    from ...autograd.report import PlanReport
    from ..problem import Problem

NAME = "plan"
EXAMPLES = (
    'nngraph plan "softmax_loss(X@W+b, T)" --shape X=200,64 --shape W=64,10 --shape b=10 --shape T=200,10 --wrt W,b',
    'nngraph plan "sum(tanh(w*x+b))" --shape x=1000 --wrt w,b --show-source',
    'nngraph plan "sum(tanh(X@W)**2)" --shape X=256,784 --shape W=784,128 --wrt W --profile -o plan.svg',
    "nngraph plan training.py:step --size slide -o plan.pdf",
)


def HELP() -> str:
    return _(
        "Show what an engine does to compute an expression or a Python function, and its gradient, or a compiled step of a Python file: the instructions, what was fused, and the memory they need."
    )


Engine = StrEnum("Engine", {name: name for name in engines})  # type: ignore[misc]


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
    engine: Annotated[
        Engine | None,
        typer.Option(
            "--engine",
            help=_("Which engine; that of NNGRAPH_ENGINE, or numba, unless given. No GPU is needed."),
            show_default=False,
        ),
    ] = None,
    show_source: Annotated[
        bool, typer.Option("--show-source", help=_("Show the code of every instruction: fused loops as a person would write them, and what makes a kernel."))
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help=_("Measure how long every instruction takes on this machine."))
    ] = False,
    fold: Annotated[
        str | None,
        typer.Option(
            "--fold",
            metavar="0|1|2|none",
            help=_("How much of the picture is put together: 0 phases, 1 layers, 2 what only moves numbers, none nothing."),
            show_default=False,
        ),
    ] = None,
    theme: Annotated[Theme, typer.Option("--theme", help=_("Light, dark, or black on white for printing."))] = Theme.light,
    size: Annotated[
        Size, typer.Option("--size", help=_("As large as it is, or to fill a slide or a page."))
    ] = Size.natural,
    title: Annotated[str, typer.Option("--title", help=_("A title above the picture."), show_default=False)] = "",
    seed: Seed = 0,
    output: Output = None,
    as_json: Annotated[bool, typer.Option("--json", help=_("As JSON."))] = False,
    lang: LanguageOption = None,
    color: ColorOption = Color.auto,
) -> int:
    """Print the plan; -o draws it."""
    from .. import show
    from ..problem import load

    report = _report(load(expression, at or (), shape or (), seed, wrt or (), let or ()), wrt, engine and engine.value)
    measured = report.profile() if profile else None
    if output not in (None, "-"):
        from ...viz import draw

        shown = measured if measured is not None else report
        picture = draw(
            shown, fold=fold, theme=theme.value, size=size.value, title=title, language=current_language()
        )
        picture.save(str(output))
        show.note(_("picture: {path}", path=output))
    if as_json:
        import json

        record = json.loads(report.json())
        if measured is not None:
            record["profile"] = measured.records()
        show.out(json.dumps(record, ensure_ascii=not show.can_print("中文∂"), indent=1))
    elif measured is not None:
        show.out("\n\n".join([report.explain(show_source, show.width()), str(measured)]))
    else:
        show.out(report.explain(show_source, show.width()))
    return 0


def _report(problem: Problem, wrt: list[str] | None, engine: str | None) -> PlanReport:
    """The plan of an expression and its gradient, or of a compiled step with its updates."""
    from ...autograd.differentiate import gradient
    from ...autograd.executable import chosen, report_of
    from ...autograd.naming import names as named
    from ..errors import CommandError

    if (step := problem.compiled) is not None:
        if wrt:
            raise CommandError(_("--wrt: {target} is compiled already, with all that it computes", target=problem.text))
        asked, updates, leaves = list(step.outputs), dict(step.updates), step.inputs
        engine = engine or step.engine
        names: list[str | None] = [node.name for node in asked]
    else:
        by = problem.wrt(wrt) if wrt else []
        asked = [problem.output, *gradient(problem.output, by)] if by else [problem.output]
        updates, leaves = {}, tuple(problem.leaves.values())
        symbol = named(problem.output).get(problem.output) or "y"
        names = [symbol, *(f"∂{symbol}/∂{node.name}" for node in by)]
    # Nothing need be compiled to be shown.
    return report_of(chosen(engine), asked, updates, leaves, names)
