"""Everything that only a GPU can say: python tests/gpu/run.py [--quick] [--out FOLDER]

Versions, the tests marked gpu, compute-sanitizer's memcheck and racecheck, then the benchmarks beside PyTorch. After every
part the results are written to RESULTS-<date>-<device>.md and .json, so that a run that is cut off keeps what it had. The
exit code is 1 when there is no GPU or something failed.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from time import monotonic
from typing import Any

import gpu_parts as parts
import gpu_report as report
from bench_cases import CASES

HERE = Path(__file__).parent
MOST = 530.0
"""Seconds that everything takes at most."""
LIMITS = {"tests": 230.0, "memcheck": 60.0, "racecheck": 60.0}
ROW = 40.0
"""Seconds of a row of the benchmarks."""
QUICK = "test_program or test_products"
"""The tests of a quick run."""


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="run.py", description="Tests, checks and benchmarks on the GPU of this machine."
    )
    parser.add_argument("--quick", action="store_true", help="some tests, no racecheck, three rows")
    parser.add_argument("--out", type=Path, default=HERE, metavar="FOLDER", help="where the results are written")
    parser.add_argument(
        "--without-gpu", metavar="REASON", help="write RESULTS.md, which says that nothing was measured, and why"
    )
    parser.add_argument("--row", action="append", choices=CASES, help="only these rows of the benchmarks")
    return parser.parse_args(given)


def no_gpu() -> str | None:
    """Why nothing can run on a GPU here, in one sentence."""
    from nngraph.autograd.errors import NoDevice
    from nngraph.autograd.kernels.cuda.device import gpu

    try:
        gpu()
    except NoDevice as error:
        return str(error)
    return None


def device_name() -> str:
    """What the GPU calls itself."""
    from nngraph.autograd.kernels.cuda.device import gpu

    return str(getattr(gpu(), "name", "GPU"))


def every_kernel() -> list[str]:
    """What kernels call themselves, out of the table that the compile gate has written."""
    lines = (HERE.parent / "autograd" / "cuda" / "KERNELS.md").read_text(encoding="utf-8").splitlines()
    return sorted({line.split("|")[2].strip() for line in lines if line.startswith("|")} - {"kernel", "---"})


def without(reason: str, folder: Path) -> Path:
    """The file that says that nothing was measured."""
    record = {"device": "", "date": date.today().isoformat(), "reason": reason, "never": every_kernel(), "rows": []}
    return report.written(record, folder, "RESULTS")


def main(given: Sequence[str] | None = None) -> int:
    options = arguments(given)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.without_gpu:
        print(without(options.without_gpu, options.out))
        return 0
    reason = no_gpu()
    if reason:
        print(reason, file=sys.stderr)
        return 1
    began, device = monotonic(), device_name()
    record: dict[str, Any] = {"device": device, "date": date.today().isoformat(), "rows": []}
    name = f"RESULTS-{record['date']}-{re.sub(r'[^A-Za-z0-9]+', '-', device).strip('-')}"
    rows = options.row or (["mlp", "chain", "product"] if options.quick else list(CASES))
    todo: list[tuple[str, float, Callable[[float], Any]]] = [
        ("versions", 30.0, parts.versions),
        ("tests", LIMITS["tests"], lambda seconds: parts.tests(seconds, QUICK if options.quick else "")),
        ("memcheck", LIMITS["memcheck"], lambda seconds: parts.sanitizer("memcheck", seconds)),
    ]
    if not options.quick:
        todo.append(("racecheck", LIMITS["racecheck"], lambda seconds: parts.sanitizer("racecheck", seconds)))
    todo += [(row, ROW, lambda seconds, row=row: parts.benchmark(row, seconds)) for row in rows]
    for at, (part, limit, run) in enumerate(todo):
        left = MOST - (monotonic() - began)
        if left > 2:
            found = run(min(limit, left))
            if part in CASES:
                record["rows"].append(found)
            else:
                record[part] = found
            print(f"{part}: {summary(part, found)}", flush=True)
            record["unfinished"] = [each for each, _, _ in todo[at + 1 :]]
        report.written(record, options.out, name)
    print("\n".join(report.table(record)))
    return int(failed(record))


def summary(part: str, found: Any) -> str:
    """A line about a part that is done."""
    if part == "versions":
        return found["nvidia-smi"]
    if part in CASES:
        return ", ".join(
            f"{who} {said.get('failed') or format(said['ms'], '.4g') + ' ms'}"
            for who, said in found.items()
            if who != "name"
        )
    return found.get("skipped") or found.get("closing") or f"exit code {found['code']}"


def failed(record: dict[str, Any]) -> bool:
    """Whether a test failed, compute-sanitizer complained, or a row gave something else than PyTorch."""
    codes = [record.get(part, {}).get("code", 0) for part in ("tests", "memcheck", "racecheck")]
    return any(codes) or any(report.differ(row, peer) for row in record["rows"] for peer in row if peer != "name")


if __name__ == "__main__":
    sys.exit(main())
