"""nngraph beside PyTorch, JAX, scikit-learn and micrograd: python tests/bench/run.py [--workload NAME] … (--help)

Run by hand from a checkout, with the peers installed: pip install -e ".[bench]". Every peer has a process of its own; the
losses after 1 and 10 steps must agree before any time is taken; rounds go from peer to peer.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import machine
import records
import report
from measure import Peers, measure
from workloads import OURS, all_workloads, peer_of

MODULES = {"torch": "torch", "jax": "jax", "scikit-learn": "sklearn", "micrograd": "micrograd"}
ROUNDS = 15


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py", description="nngraph beside its peers, on this machine.")
    parser.add_argument(
        "--workload", action="append", metavar="NAME", help="a row, or the beginning of its name; all if not given"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"samples of every peer ({ROUNDS})")
    parser.add_argument(
        "--threads", type=int, action="append", choices=(1, 2), help="1 or 2; 1 if not given, may be given twice"
    )
    parser.add_argument(
        "--peer",
        action="append",
        metavar="NAME",
        help=f"one of {', '.join(MODULES)}; all that are installed if not given",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the records, after every row: what is stopped loses one row"
    )
    parser.add_argument(
        "--from-json",
        type=Path,
        action="append",
        metavar="FILE",
        help="measure nothing; report the records of this file, of several together if given again (the last one counts)",
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a picture of the ratios, SVG or PNG")
    parser.add_argument("--list", action="store_true", help="name the rows and stop")
    parser.add_argument("--tiny", action="store_true", help="toy sizes: does everything run? The times mean nothing")
    options = parser.parse_args(given)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    for peer in options.peer or ():
        if peer not in (*MODULES, OURS):
            parser.error(f"there is no peer {peer!r}; there is {', '.join(MODULES)}")
    return options


def chosen(names: Sequence[str] | None) -> list[str]:
    """The rows whose name is given or begins with what is given."""
    rows = list(all_workloads())
    if not names:
        return rows
    for name in names:
        if not any(row.startswith(name) for row in rows):
            raise SystemExit(f"run.py: there is no workload {name!r}; there is {', '.join(rows)}")
    # A full name means that row alone.
    return [row for row in rows if any(row == name or (name not in rows and row.startswith(name)) for name in names)]


def main(given: Sequence[str] | None = None) -> int:
    """0, 1 when nngraph has an error row, 130 when it was stopped."""
    options = arguments(given)
    if options.list:
        for name, workload in all_workloads().items():
            print(f"{name:20} {workload.words}")
        return 0
    try:
        results = records.combined(options.from_json) if options.from_json else measured(options)
    except KeyboardInterrupt:
        say("")
        return 130
    if options.json and options.from_json:
        records.write(results, options.json)
    text = report.markdown(results, options.plot.name if options.plot else None)
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    else:
        print(text)
    if options.plot:
        import plot

        plot.save(results, options.plot)
    return int(any(record["error"] for record in results["records"] if peer_of(record["variant"]) == OURS))


def measured(options: argparse.Namespace) -> dict[str, Any]:
    rows = all_workloads()
    installed = [peer for peer, module in MODULES.items() if importlib.util.find_spec(module)]
    wanted = [OURS, *(options.peer or installed)]
    for peer in set(wanted) - {OURS, *installed}:
        raise SystemExit(f'run.py: {peer} is not installed; pip install -e ".[bench]"')
    results: dict[str, Any] = {"machine": machine.describe(), "records": []}
    names, counts = chosen(options.workload), sorted(set(options.threads or [1]))
    for threads in counts:
        with Peers(threads, options.tiny) as peers:
            for name in names:
                if rows[name].alone and threads != min(counts):
                    continue
                if options.json:
                    # Now, too, so that a folder that cannot be written is no surprise at the end.
                    records.write(results, options.json)
                results["records"] += measure(rows[name], peers, wanted, options.rounds, say)
    if options.json:
        records.write(results, options.json)
    say("")
    return results


def say(text: str) -> None:
    """One line that is written over by the next, on a terminal; a line each elsewhere."""
    terminal = sys.stderr.isatty()
    print(f"\r\x1b[K{text}" if terminal else text, end="" if terminal else "\n", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
