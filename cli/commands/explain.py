"""`nngraph explain`: the derivation of an expression, a function or an op, every line checked."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from ...autograd.language import current_language
from ...autograd.language import translate as _
from ..complete import complete_names, complete_operation
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

NAME = "explain"
EXAMPLES = (
    'nngraph explain "sigmoid(w*x+b)" --at w=2,x=-1,b=0.5 --wrt w',
    'nngraph explain "softmax_loss(X@W+b, T)" --shape X=N,3 --shape W=3,2 --shape b=2 --shape T=N,2 --wrt W,b',
    "nngraph explain lecture.py:loss --wrt W1 -o derivation.tex",
    'nngraph explain "sigmoid(w*x+b)" --wrt w --format latex --checks hidden > slide.tex',
    "nngraph explain --op softmax_loss --lang zh-TW",
)


def HELP() -> str:
    return "\n\n".join(
        (
            _(
                "Derive the gradient of an expression or a Python function: forward and backward pass, symbols, then numbers, every line checked."
            ),
            _(
                "-o x.tex writes a LaTeX document that compiles as it is; --format latex without -o prints a fragment for a slide (Beamer), which needs amsmath only."
            ),
        )
    )


class Checks(StrEnum):
    """Whether checks are printed."""

    shown = "shown"
    hidden = "hidden"


class Format(StrEnum):
    """Forms of a derivation."""

    text = "text"
    latex = "latex"
    markdown = "markdown"
    html = "html"
    json = "json"


class Detail(StrEnum):
    """How much is said."""

    brief = "brief"
    normal = "normal"
    full = "full"


class Notation(StrEnum):
    """How a gradient is written."""

    partial = "partial"
    delta = "delta"
    bar = "bar"


class Data(StrEnum):
    """How a sample lies in a matrix."""

    rows = "rows"
    columns = "columns"


class Layout(StrEnum):
    """How a Jacobian is laid out."""

    numerator = "numerator"
    denominator = "denominator"


class Verify(StrEnum):
    """Further checks."""

    sympy = "sympy"


def run(
    expression: ExpressionArgument = None,
    at: At = None,
    shape: Shape = None,
    wrt: WithRespectTo = None,
    order: Annotated[int, typer.Option("--order", min=1, max=2, help=_("Which derivative: 2 is the second."))] = 1,
    let: Let = None,
    op: Annotated[
        str | None,
        typer.Option(
            "--op",
            metavar="NAME",
            help=_("Tell the story of one op instead: formula, gradient, why, pitfalls."),
            autocompletion=complete_operation,
            show_default=False,
        ),
    ] = None,
    detail: Annotated[Detail, typer.Option("--detail", help=_("How much is said."))] = Detail.normal,
    expand: Annotated[
        list[str] | None,
        typer.Option(
            "--expand",
            metavar="NAME,…",
            help=_("Intermediates to write out instead of naming them."),
            autocompletion=complete_names,
        ),
    ] = None,
    notation: Annotated[
        Notation, typer.Option("--notation", help=_("How a gradient is written: ∂E/∂a, δ or a bar."))
    ] = Notation.partial,
    data: Annotated[
        Data,
        typer.Option("--data", help=_("Whether samples are the rows (X·W) or the columns (W·x).")),
    ] = Data.rows,
    layout: Annotated[Layout, typer.Option("--layout", help=_("How a Jacobian is laid out."))] = Layout.denominator,
    simplify: Annotated[bool, typer.Option("--simplify", help=_("Simplify the result with SymPy."))] = False,
    verify: Annotated[
        Verify | None, typer.Option("--verify", help=_("Check against SymPy as well."), show_default=False)
    ] = None,
    checks: Annotated[
        Checks,
        typer.Option(
            "--checks",
            help=_(
                "Whether the check beside every line is printed. Hidden, it is made all the same, and a line that fails is shown and ends with exit code 1."
            ),
        ),
    ] = Checks.shown,
    seed: Seed = 0,
    draw: Annotated[
        str | None,
        typer.Option(
            "--draw",
            metavar="FILE",
            help=_("Draw the same graph, forward and backward, into this file."),
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help=_("The form of the output; text unless -o says otherwise."), show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=_("The same as --format json."))] = False,
    output: Output = None,
    lang: LanguageOption = None,
    color: ColorOption = Color.auto,
) -> int:
    """The exit code: 0 when every line passed its check, else 1."""
    from .. import show
    from ..errors import CommandError
    from ..problem import load
    from ..values import parse_names

    kind = "json" if as_json else form.value if form else _kind_of(output)
    if op is not None:
        if expression is not None:
            raise CommandError(_("give either an expression or --op"))
        from ..story import story

        problem, heading = story(op, seed, at or (), shape or ())
    else:
        problem, heading = load(expression, at or (), shape or (), seed, wrt or (), let or ()), ""
    if problem is None:
        # A comparison, a count or a loop has no derivation of its own; its story ends with what it says.
        show.write_result(heading, output)
        return 0
    problem.add_up()
    by = problem.wrt(wrt or ())
    settings: dict[str, Any] = {
        name: value for name, value in {"simplify": simplify, "verify": verify and verify.value}.items() if value
    }
    # Only now, so that a mistake in the input is said before anything heavy is loaded.
    from ...autograd.symbolic import explain

    derivation = explain(
        problem.output,
        by,
        order=order,
        detail=detail.value,
        expand=tuple(parse_names(expand or ())),
        notation=notation.value,
        data=data.value,
        layout=layout.value,
        seed=seed,
        **settings,
    )
    # A file holds derivations that passed; one that failed is shown, and whatever the file held stays.
    target = output if derivation.ok else None
    if not derivation.ok and not (as_json or form):
        kind = "text"
    to_file = target not in (None, "-")
    shown = checks is Checks.shown
    content = {
        "text": lambda: derivation.text(
            width=show.PLAIN_WIDTH if to_file else show.width(),
            color=show.wants_color(color.value) and not to_file,
            # A Chinese code page lacks a few of the signs only; those are replaced one by one when they are printed.
            ascii=not to_file and not show.can_print("∂σ·−′✓") and not show.can_print("中"),
            checks=shown,
        ),
        "latex": lambda: derivation.latex(standalone=to_file, checks=shown),
        "markdown": lambda: derivation.markdown(checks=shown),
        "html": lambda: derivation.html(checks=shown),
        "json": derivation.json,
    }[kind]()
    if heading and kind == "text":
        content = f"{heading}\n\n{content}"
    show.write_result(content, target)
    if not derivation.ok:
        for path in (output, draw):
            if path not in (None, "-"):
                show.note(_("{path} is not written: a line failed its check", path=path))
        return 1
    if draw is not None:
        from ...viz import draw as draw_graph

        for name, leaf in problem.leaves.items():
            if leaf._value is None and name in derivation.givens:
                leaf.value = derivation.givens[name]
        problem.fill()
        draw_graph(problem.output, view="mirror", wrt=by, language=current_language()).save(draw)
        show.note(_("picture: {path}", path=draw))
    return 0


def _kind_of(output: str | None) -> str:
    if output is None or output == "-":
        return "text"
    from ...autograd.files import is_device
    from ...autograd.symbolic.saving import form_of

    return "text" if is_device(output) else form_of(output)
