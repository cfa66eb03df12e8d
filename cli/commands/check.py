"""`nngraph check`: where is my mistake? A claimed formula, or a hand-written backward pass, against the graph."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ...autograd.language import current_language
from ...autograd.language import translate as _
from ..options import At, Color, ColorOption, ExpressionArgument, LanguageOption, Let, Seed, Shape, WithRespectTo

NAME = "check"
EXAMPLES = (
    'nngraph check "(y-z)**2" --wrt y --claim "2*(y-z)"',
    'nngraph check "(sigmoid(w5*f1+w6*f2)-z)**2" --wrt w5 --let a3=w5*f1+w6*f2 --let f=sigmoid --claim "2*(f(a3)-z)*f\'(a3)*f1"',
    'nngraph check "tanh(x)" --claim "(exp(x)-exp(-x))/(exp(x)+exp(-x))"',
    'nngraph check "sigmoid(w*x+b)" --at w=2,x=-1,b=0.5 --wrt w --claim "-0.149"',
    "nngraph check examples/mistakes/student_two_layers.py --against examples/mistakes/lecture.py:loss --shape X=5,3 --shape T=5,2 --shape W1=3,4 --shape b1=4 --shape W2=4,2 --shape b2=2",
    'nngraph check examples/mistakes/softmax.py:softmax --against "softmax(x)" --shape x=4,3',
)


def HELP() -> str:
    return "\n\n".join(
        (
            _(
                "Where is my mistake? Compare a claimed derivative, or a hand-written backward pass, with the graph and name the slip."
            ),
            _(
                "A claim that is a plain number is about the given values: it is right if it is their value, rounded to the digits that were written (at least two)."
            ),
            _(
                "A student's file has a function named backward (or FILE.py:NAME). Its arguments are called like the leaves of the loss: def backward(X, W, b). What it returns counts: a dict, {'dW': dW} or {'W': dW}, by name, a tuple in the order of --wrt or of the arguments; if it returns nothing, its local variables at the end are matched by name: d<node>, grad_<node>, delta<number>."
            ),
            _(
                "A name without --shape or --at is a single number: give every array a --shape. The examples are files of the project's repository."
            ),
        )
    )


def run(
    expression: ExpressionArgument = None,
    claim: Annotated[
        str | None,
        typer.Option(
            "--claim",
            metavar="EXPRESSION",
            help=_(
                "The formula you found: of the derivative by --wrt, or without --wrt of the value. f'(a) is the derivative of f at a."
            ),
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="EXPRESSION|FILE.py:NAME",
            help=_("What a student's file is compared with: the loss, or a function."),
            show_default=False,
        ),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="NAME=NODE,…", help=_("Which node a student's variable is the gradient of: dz1=a1.")
        ),
    ] = None,
    at: At = None,
    shape: Shape = None,
    wrt: WithRespectTo = None,
    let: Let = None,
    seed: Seed = 0,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.1, help=_("How many seconds a student's file may run."))
    ] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help=_("As JSON."))] = False,
    lang: LanguageOption = None,
    color: ColorOption = Color.auto,
) -> int:
    """0 right, 1 wrong."""
    from .. import show
    from ..errors import CommandError

    if (claim is None) == (against is None):
        raise CommandError(_("give either --claim or --against"), EXAMPLES[0])
    if claim is not None:
        from ..claims import check_expression

        verdict: Any = check_expression(expression, claim, at or (), shape or (), wrt or (), let or (), seed)
    else:
        from ..homework import check_file

        verdict = check_file(
            expression or "", str(against), at or (), shape or (), wrt or (), let or (), mapping or (), seed, timeout
        )
    if as_json:
        import json

        show.out(json.dumps(verdict.record(current_language()), ensure_ascii=not show.can_print("中文∂"), indent=2))
    else:
        show.out(verdict.text(color=show.wants_color(color.value), language=current_language()))
    return 0 if verdict.right else 1
