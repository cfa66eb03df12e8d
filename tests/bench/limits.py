"""What limits the rows: counted operations and bytes against what the machine reached in the same rounds."""

from __future__ import annotations

import statistics
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from units import seconds, significant

if TYPE_CHECKING:
    from report import Line

CAUSES = Path(__file__).with_name("limits.toml")
SMALL = 5e-6
"""Instructions that take less than this on average are mostly the cost of having an instruction."""
NEAR = 0.1
"""A share of the ceiling below which the ceiling is not what limits the row."""
Record = dict[str, Any]


def read_causes(path: Path = CAUSES) -> dict[str, str]:
    """Row -> why it stays below its ceiling, in words without figures."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def work(record: Record) -> tuple[float, str] | None:
    """What one step must do, and its unit: operations or bytes."""
    for what, unit in (("traffic", "B"), ("operations", "FLOP")):
        if record.get(what) and record.get("ceilings"):
            return record[what], unit
    return None


def share(record: Record, ours: Record) -> float | None:
    """How much of the ceiling a record reaches; nngraph's own round by round."""
    found = work(ours)
    if found is None or record["error"] or ours["error"]:
        return None
    if record is ours:
        return statistics.median(found[0] / sample / most for sample, most in zip(ours["samples"], ours["ceilings"]))
    return found[0] / statistics.median(record["samples"]) / statistics.median(ours["ceilings"])


def ceiling(record: Record, name: str = "ceilings") -> str:
    """118 GFLOP/s, or 36.1 GB/s."""
    found = work(record)
    assert found is not None
    return rate(record[name], found[1])


def rate(values: Sequence[float], unit: str) -> str:
    value = statistics.median(values) / 1e9
    return f"{value:.0f} GFLOP/s" if unit == "FLOP" else f"{value:.1f} GB/s"


def said(lines: Sequence[Line], causes: Mapping[str, str], all_rows: bool = True) -> Iterator[str]:
    """A point for every row of which something is known, or only for those that miss a demand."""
    rows: dict[str, list[Line]] = {}
    for line in lines:
        rows.setdefault(line.workload.name, []).append(line)
    for name, of in rows.items():
        ours = of[0].ours
        if ours["error"] or not (all_rows or any(line.met == "no" for line in of)):
            continue
        words = [*_bound(of), *_inside(ours)]
        if words or name in causes:
            yield f"- **{name}**: " + " ".join([*words, *([causes[name]] if name in causes else [])])


def _bound(of: Sequence[Line]) -> Iterator[str]:
    """Against the ceiling: what it would take, what is taken, and which demands lie beyond."""
    ours, workload = of[0].ours, of[0].workload
    found = work(ours)
    if found is None:
        return
    amount, unit = found
    least = amount / statistics.median(ours["ceilings"])
    what = (
        f"{_count(amount)} multiplications and additions" if unit == "FLOP" else f"{amount / 1e6:.0f} MB must be moved"
    )
    by_numpy = f" (numpy: {ceiling(ours, 'numpy')})" if ours.get("numpy") else ""
    mine = share(ours, ours)
    assert mine is not None
    head = f"{what}, {seconds(least)} at the {ceiling(ours)}{by_numpy} measured in the same rounds"
    if mine < NEAR:
        yield f"{head}, which is not the limit."
        return
    yield f"{head}; nngraph takes {seconds(statistics.median(ours['samples']))}, **{mine:.0%}** of that rate."
    if workload.share is not None:
        yield f"At least {workload.share:.0%} is wanted: {'yes' if mine >= workload.share else 'no'}."
    peers = [line for line in of if line.theirs is not None and line.ratio is not None]
    if not peers or mine > 1:
        # Who does with fewer operations than were counted is not bound by them.
        return
    bounds = {line.peer: statistics.median(line.theirs["samples"]) / least for line in peers if line.theirs}
    listed = ", ".join(f"{significant(bound)}x {peer}" for peer, bound in bounds.items())
    yield f"Nothing else done, that rate would give {listed}."
    beyond = [
        f"{words} {wanted:.3g}x {line.peer}"
        for line in peers
        for words, wanted in (("at least", line.least), ("the aim", line.aim))
        if wanted is not None and wanted > bounds[line.peer]
    ]
    if beyond:
        yield f"Beyond that: {', '.join(beyond)}."


def _inside(ours: Record) -> Iterator[str]:
    """Of nngraph itself: many small instructions, or the parts of its time."""
    count, middle = ours.get("instructions"), statistics.median(ours["samples"])
    if count and middle / count < SMALL:
        yield f"{count} instruction{'s' * (count != 1)}, {seconds(middle / count)} each."
    if ours.get("parts"):
        yield "Once: " + ", ".join(f"{what} {seconds(took)}" for what, took in ours["parts"].items()) + "."


def _count(amount: float) -> str:
    for size, word in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if amount >= size:
            return f"{amount / size:.3g} {word}"
    return f"{amount:.0f}"
