"""`nngraph warmup`: everything the compiled engine usually needs, compiled before it is needed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from ...autograd.language import translate as _
from ..options import Color, ColorOption, LanguageOption

NAME = "warmup"
EXAMPLES = ("nngraph warmup", "nngraph warmup --json", "NNGRAPH_CACHE=/srv/nngraph nngraph warmup")


def HELP() -> str:
    return _(
        "Compile the kernels of the compiled engine now, and the loops of typical training steps, so that the first step of a net need not wait. What is compiled is kept on disk; Ctrl-C stops, and another run goes on."
    )


def run(
    as_json: Annotated[bool, typer.Option("--json", help=_("As JSON."))] = False,
    lang: LanguageOption = None,
    color: ColorOption = Color.auto,
) -> int:
    """0 when all is compiled, 130 when it was stopped."""
    from time import perf_counter

    from ...autograd.engines.compiled import pieces
    from ...autograd.kernels.compile_ahead import compile_ahead
    from ...nets.typical import steps
    from .. import show
    from ..errors import CommandError
    from .doctor import size_text

    began = perf_counter()
    found = pieces.pieces(steps())
    missing = {code: name for name, code in found.values() if not code.is_ready}
    if missing and not _kept():
        raise CommandError(
            _("nothing can be kept: {path} cannot be written", path=_folders()[0].path),
            _("NNGRAPH_CACHE names another folder"),
        )
    stopped = False
    try:
        with _progress(len(missing), color) as step:
            compile_ahead(missing, lambda code: step(missing[code]))
    except KeyboardInterrupt:
        stopped = True
    compiled = sum(code.is_ready for code in missing)
    kept = _kept() or _folders()[0]
    ready, seconds = len(found) - len(missing), perf_counter() - began
    if as_json:
        import json

        record = {
            "folder": str(kept.path), "pieces": len(found), "ready": ready, "compiled": compiled,
            "left": len(missing) - compiled, "seconds": round(seconds, 3), "bytes": kept.bytes,
        }  # fmt: skip
        show.out(json.dumps(record, ensure_ascii=not show.can_print("中文∂"), indent=2))
    else:
        fields = dict(
            ready=ready, compiled=compiled, seconds=f"{seconds:.0f}", path=kept.path, size=size_text(kept.bytes)
        )
        said = _(
            "{compiled} pieces of machine code compiled in {seconds} seconds, {ready} were ready; kept in {path} ({size})",
            **fields,
        )
        show.out(said)
        if stopped:
            show.note(_("stopped: {left} are left; run it again to go on", left=len(missing) - compiled))
    return 130 if stopped else 0


def _folders() -> list[Any]:
    from ...autograd.kernels.cache_folders import code_folders

    return code_folders()


def _kept() -> Any:
    """The folder that takes what is new; None when there is none."""
    return next((folder for folder in _folders() if folder.writable), None)


@contextmanager
def _progress(count: int, color: Color) -> Iterator[Any]:
    """A function to call before each piece; on a terminal it moves a bar on stderr."""
    from .. import show

    if not count or not sys.stderr.isatty():
        yield lambda name: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, no_color=not show.wants_color(color.value, sys.stderr), highlight=False)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=count)
        done = -1

        def step(name: str) -> None:
            nonlocal done
            done += 1
            bar.update(task, completed=done, description=name)

        yield step
        bar.update(task, completed=count)
