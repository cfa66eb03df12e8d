"""`nngraph bench`: nngraph beside PyTorch, JAX, scikit-learn and micrograd, on this machine. Runs tests/bench of a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...autograd.language import translate as _
from ..options import LanguageOption

NAME = "bench"
EXAMPLES = (
    "nngraph bench --list",
    "nngraph bench --workload iris --workload digits --rounds 5",
    "nngraph bench --threads 1 --threads 2 --json bench.json --markdown bench.md --plot bench.svg",
)
PROGRAM = Path(__file__).resolve().parents[2] / "tests" / "bench" / "run.py"


def HELP() -> str:
    return _(
        "How fast is it beside PyTorch, JAX, scikit-learn and micrograd? Needs a checkout of the repository, and the peers: {command}",
        command='pip install -e ".[bench]"',
    )


def run(
    workload: Annotated[
        list[str] | None,
        typer.Option("--workload", metavar="NAME", help=_("A workload, or how its name begins. Repeatable.")),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option("--rounds", metavar="N", min=1, help=_("How often every peer is timed."))
    ] = None,
    threads: Annotated[
        list[int] | None,
        typer.Option("--threads", metavar="1|2", min=1, max=2, help=_("Threads for everybody. Repeatable.")),
    ] = None,
    peer: Annotated[
        list[str] | None,
        typer.Option(
            "--peer", metavar="NAME", help=_("A peer to measure; without it all that are installed. Repeatable.")
        ),
    ] = None,
    json: Annotated[str | None, typer.Option("--json", metavar="FILE", help=_("Write what was measured."))] = None,
    markdown: Annotated[
        str | None, typer.Option("--markdown", metavar="FILE", help=_("Write the report; without it it is printed."))
    ] = None,
    plot: Annotated[
        str | None, typer.Option("--plot", metavar="FILE", help=_("Write a picture of the ratios."))
    ] = None,
    names: Annotated[bool, typer.Option("--list", help=_("Only name the workloads."))] = False,
    lang: LanguageOption = None,
) -> int:
    """What the program of the checkout returns."""
    import subprocess
    import sys

    from ..errors import CommandError

    if not PROGRAM.exists():
        raise CommandError(
            _("bench needs a checkout of the repository: the workloads are in tests/bench/, which is not installed")
        )
    given = {
        "--workload": workload or (), "--threads": threads or (), "--peer": peer or (),
        "--rounds": () if rounds is None else (rounds,),
        **{option: (file,) for option, file in (("--json", json), ("--markdown", markdown), ("--plot", plot)) if file},
    }  # fmt: skip
    arguments = [str(part) for option, values in given.items() for value in values for part in (option, value)]
    return subprocess.call([sys.executable, str(PROGRAM), *arguments, *(["--list"] if names else [])])
