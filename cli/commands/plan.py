"""`nngraph plan`: what an engine does to compute an expression and its gradient, instruction by instruction."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

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
)

NAME = "plan"
EXAMPLES = (
    'nngraph plan "softmax_loss(X@W+b, T)" --shape X=200,64 --shape W=64,10 --shape b=10 --shape T=200,10 --wrt W,b',
    'nngraph plan "sum(tanh(w*x+b))" --shape x=1000 --wrt w,b --show-source',
    'nngraph plan "sum(tanh(X@W)**2)" --shape X=256,784 --shape W=784,128 --wrt W --profile -o plan.svg',
)


def HELP() -> str:
    return _(
        "Show what an engine does to compute an expression or a Python function, and its gradient: the instructions, what was fused, and the memory they need."
    )


class Engine(StrEnum):
    """Engines."""

    numba = "numba"
    numpy = "numpy"


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
    engine: Annotated[Engine, typer.Option("--engine", help=_("Which engine."))] = Engine.numba,
    show_source: Annotated[
        bool, typer.Option("--show-source", help=_("Show the code of every instruction as a person would write it."))
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help=_("Measure how long every instruction takes on this machine."))
    ] = False,
    seed: Seed = 0,
    output: Output = None,
    as_json: Annotated[bool, typer.Option("--json", help=_("As JSON."))] = False,
    lang: LanguageOption = None,
    color: ColorOption = Color.auto,
) -> int:
    """Print the plan; -o draws it."""
    from ...autograd.differentiate import gradient
    from ...autograd.executable import engines, report_of
    from .. import show
    from ..problem import load

    problem = load(expression, at or (), shape or (), seed, wrt or (), let or ())
    by = problem.wrt(wrt) if wrt else []
    asked = [problem.output, *gradient(problem.output, by)] if by else [problem.output]
    names = ["y", *(f"∂y/∂{node.name}" for node in by)]
    leaves = tuple(problem.leaves.values())
    if engine is Engine.numpy:
        report = report_of(engines["numpy"](asked, {}), leaves, names)
    else:
        # Nothing need be compiled to be shown.
        from ...autograd.engines.compiled.planning.plan import Plan
        from ...autograd.engines.compiled.report import report as compiled

        report = compiled(Plan(asked), leaves, names)
    measured = report.profile() if profile else None
    if output not in (None, "-"):
        from ...viz import draw

        draw(report, language=current_language()).save(str(output))
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
