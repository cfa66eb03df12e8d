"""One row of the benchmarks, in a process of its own: python tests/gpu/bench_row.py ROW [--engine cuda] [--device cuda] [--tiny]

Prints one line of JSON: milliseconds of nngraph and of every peer, medians of several rounds after a warm-up. With
`--peers` or `--ours` only these are measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from bench_cases import CASES, COPY, Arrays, Case, arrays_of

ROUNDS = 9
LONG = 40.0
"""Milliseconds that a round takes at least, where steps are many."""
MOST = 4096
"""Steps of a round at most."""


def measured(run: Callable[[int], float], rounds: int = ROUNDS) -> dict[str, float]:
    """Milliseconds of a step: the median, the least and the most of some rounds, after two that do not count."""
    if rounds == 1:
        return {"ms": run(1), "steps": 1}
    run(1)
    once = run(2)
    times = max(1, min(MOST, int(LONG / max(once, 1e-4))))
    run(times)
    found = [run(times) for _ in range(rounds)]
    return {"ms": median(found), "least": min(found), "most": max(found), "steps": times}


def row(case: Case, engine: str, device: str, tiny: bool, ours: bool, peers: bool) -> dict[str, Any]:
    """Everything that is measured of a row; what could not be is said in its place."""
    arrays, sizes = arrays_of(case, tiny), case.tiny if tiny else case.sizes
    rounds = 1 if tiny else ROUNDS
    found: dict[str, Any] = {"name": case.name}
    if ours:
        found["ours"] = _tried(lambda: _ours(case, arrays, sizes, engine), rounds)
    if peers:
        for peer in case.demands:
            if peer == COPY:
                found[peer] = _copy(case, sizes, device)
            else:
                found[peer] = _tried(lambda peer=peer: _torch(case, arrays, sizes, peer, device), rounds)
    return found


def _ours(case: Case, arrays: Arrays, sizes: Any, engine: str) -> Any:
    import bench_ours

    return bench_ours.built(case, arrays, sizes.get("batch", 0), engine)


def _torch(case: Case, arrays: Arrays, sizes: Any, peer: str, device: str) -> Any:
    import bench_torch

    return bench_torch.built(case, arrays, sizes.get("batch", 0), peer, device)


def _copy(case: Case, sizes: Any, device: str) -> dict[str, Any]:
    """How long the row's bytes take at the bandwidth of a copy."""
    try:
        import bench_torch

        speed = bench_torch.copied(10**6 if device == "cpu" else 2 * 10**8, device)
    except Exception as error:
        return {"failed": _words(error)}
    assert case.traffic is not None
    return {"ms": case.traffic(sizes) / speed, "gigabytes_per_second": speed / 1e6}


def _tried(build: Callable[[], Any], rounds: int) -> dict[str, Any]:
    try:
        number, run = build()
        return {"number": number, **measured(run, rounds)}
    except Exception as error:
        return {"failed": _words(error)}


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0][:300] if str(error) else ''}"


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench_row.py", description="One row of the benchmarks.")
    parser.add_argument("name", choices=CASES)
    parser.add_argument("--engine", default="cuda")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="toy sizes: does it run? The times mean nothing")
    parser.add_argument("--ours", action="store_true", help="nngraph alone")
    parser.add_argument("--peers", action="store_true", help="the peers alone")
    options = parser.parse_args(given)
    both = options.ours == options.peers
    found = row(
        CASES[options.name], options.engine, options.device, options.tiny, both or options.ours, both or options.peers
    )
    print(json.dumps(found), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
