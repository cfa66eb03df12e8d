"""The commands, one module each. These modules import only the terminal library; what a command needs is imported when it runs."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from ...autograd.language import translate as _
from ..options import Color, ColorOption, LanguageOption, expression_last


class _Translated:
    """Help in the user's language, where the terminal library has English only."""

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.help = _("Show this message and exit.")
        return option

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), _("Usage: "))  # type: ignore[attr-defined]


class Command(_Translated, TyperCommand):
    """One command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, expression_last(self.get_params(ctx), args))


class Group(_Translated, TyperGroup):
    """The program with all its commands."""


def program() -> typer.Typer:
    """The whole program; build it after the language has been set, because its help is translated here."""
    from . import bench, check, doctor, draw, explain, kernel, lectures, nets, ops, plan, train, warmup

    app = typer.Typer(
        cls=Group,
        help=_(
            "A computational graph that explains itself: derivations checked line by line, and pictures of forward and backward."
        ),
        epilog=_examples(
            'nngraph explain "sigmoid(w*x+b)" --at w=2,x=-1,b=0.5 --wrt w',
            'nngraph draw "sigmoid(w*x+b)" -o net.svg',
            "nngraph COMMAND --help",
        ),
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(_root)
    for module in (explain, draw, check, ops, train, nets, lectures, plan, kernel, warmup, bench, doctor):
        app.command(module.NAME, cls=Command, help=module.HELP(), epilog=_examples(*module.EXAMPLES))(module.run)
    return app


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help=_("Print the version and exit."), callback=lambda wanted: _version(wanted), is_eager=True
        ),
    ] = False,
    lang: LanguageOption = None,
    color: ColorOption = Color.auto,
) -> None:
    """Options of the program itself."""


def _version(wanted: bool) -> None:
    if wanted:
        from ... import __version__

        typer.echo(f"nngraph {__version__}")
        raise typer.Exit


def _examples(*lines: str) -> str:
    """The end of a help page: lines to copy, kept as they are."""
    return "\b\n" + "\n".join([_("Examples:"), *("  " + line for line in lines)])
