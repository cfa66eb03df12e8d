"""`nngraph ops`: every function an expression can call, computed from the op table."""

from __future__ import annotations

from typing import Annotated

import typer

from ...autograd.language import N_
from ...autograd.language import translate as _
from ..complete import complete_operation
from ..options import Color, ColorOption, LanguageOption

NAME = "ops"
EXAMPLES = (
    "nngraph ops",
    "nngraph ops softmax",
    "nngraph ops --kind loss --lang zh-CN",
    "nngraph ops sigmoid --show-source",
    "nngraph explain --op softmax_loss",
)


def HELP() -> str:
    return _("List the functions that expressions can call.")


def run(
    part: Annotated[
        str | None,
        typer.Argument(
            help=_("Only ops whose name contains this."), autocompletion=complete_operation, show_default=False
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option("--kind", help=_("Only ops of this kind, such as loss or activation."), show_default=False),
    ] = None,
    show_source: Annotated[
        bool,
        typer.Option("--show-source", help=_("Show how every engine computes them: numpy's code, and the compiled loops.")),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help=_("As JSON."))] = False,
    lang: LanguageOption = None,
    color: ColorOption = Color.auto,
) -> int:
    """Print the table."""
    from ...autograd import ops as _declared  # noqa: F401  (importing it fills the table)
    from ...autograd.op import KINDS, OPS, signature
    from .. import show
    from ..errors import CommandError

    if kind is not None and kind not in KINDS:
        raise CommandError(
            _("there is no kind {kind}", kind=repr(kind)), _("there are {known}", known=", ".join(KINDS))
        )
    chosen = [op for op in OPS.values() if (part or "") in op.name and kind in (None, op.kind)]
    if show_source and part in OPS and kind in (None, OPS[part].kind):
        chosen = [OPS[part]]  # who names an op wants its code, not that of all whose names begin alike
    if not chosen:
        raise CommandError(_("no op fits {name}", name=repr(part or "")), _("nngraph ops lists the functions"))
    if as_json:
        import json

        records = [
            {"name": op.name, "call": signature(op), "kind": op.kind, "words": _(op.words), "why": _(op.why)}
            | ({"python": python} if (python := _in_python(op)) else {})
            for op in chosen
        ]
        if show_source:
            from ..sources import sources

            records = [{**record, "source": sources(op)} for record, op in zip(records, chosen, strict=True)]
        show.out(json.dumps(records, ensure_ascii=not show.can_print("中文∂"), indent=2))
        return 0
    if show_source:
        from ..sources import shown
        from ..story import heading

        show.out("\n\n".join(f"{heading(op)}\n\n{shown(op)}" for op in chosen))
        return 0
    rows = [[op.name, signature(op), _kind(op.kind), _(op.words, None, **_own_names(op)) + _python_too(op)] for op in chosen]
    show.out(show.table([_("op"), _("call"), _("kind"), _("what it does")], rows, show.wants_color(color.value)))
    return 0


KIND_WORDS = (N_("arithmetic"), N_("function"), N_("activation"), N_("comparison"), N_("reduction"), N_("shape"), N_("linear"), N_("loss"), N_("random"), N_("control"))  # fmt: skip


def _kind(name: str) -> str:
    """A kind in the reader's language, and as --kind takes it."""
    said = _(name)
    return name if said == name else f"{said} {name}"


def _own_names(op: object) -> dict[str, str]:
    """The fields of an op's sentence, filled with the names of its inputs and settings themselves."""
    return {name: name for name in (*op.inputs, *op.params)}  # type: ignore[attr-defined]


def _in_python(op: object) -> str:
    """How a Python program calls an op that has a function of its own there, which makes some of the inputs itself."""
    import inspect

    from ...autograd import ops

    function = getattr(ops, op.name, None)  # type: ignore[attr-defined]
    if function is op or not inspect.isfunction(function):
        return ""
    signature = inspect.signature(function)
    parameters = [each.replace(annotation=inspect.Parameter.empty) for each in signature.parameters.values()]
    return f"ng.{function.__name__}{signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)}"


def _python_too(op: object) -> str:
    call = _in_python(op)
    return "; " + _("in Python {call}", call=call) if call else ""
