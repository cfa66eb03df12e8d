"""The results as Markdown: one line for each row and peer, what was demanded, whether it is met, and what limits it."""

from __future__ import annotations

import json
import statistics
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workloads import OURS, Workload, all_workloads, peer_of

LIMITS = Path(__file__).with_name("limits.toml")
BUSY = 0.9
"""A single thread that got less of a processor than this had to share it."""
Results = dict[str, Any]
Record = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """nngraph against one peer's best variant in one row, or against a fixed limit when `peer` is empty."""

    workload: Workload
    threads: int
    peer: str
    ours: Record
    theirs: Record | None
    ratio: float | None
    """Ratio of medians, theirs to ours: above 1 nngraph is better."""
    paired: float | None
    """Median over the rounds of the same ratio within a round."""
    used: float | None
    """Ratio of medians of the processor's time, which tells less of what else ran on the machine; for one thread."""
    least: float | None
    aim: float | None

    @property
    def met(self) -> str:
        if self.ours["error"]:
            return "error"
        if not self.peer:
            assert self.workload.most is not None
            return "yes" if middle(self.ours) <= self.workload.most else "no"
        if self.theirs is None or self.theirs["error"]:
            return "error"
        if self.least is None or self.ratio is None:
            return ""
        if self.aim is not None and self.ratio >= self.aim:
            return "aim"
        return "yes" if self.ratio >= self.least else "no"


def middle(record: Record) -> float:
    return statistics.median(record["samples"])


def processor_time(record: Record) -> float:
    """Seconds that the processor worked for one step."""
    return statistics.median(
        value * share for value, share in zip(record["samples"], record["processors"], strict=True)
    )


def best(records: Sequence[Record]) -> Record | None:
    """The variant of a peer that counts: the one with the least median; one with an error only if all have errors."""
    good = [record for record in records if not record["error"] and record["samples"]]
    return min(good, key=middle) if good else next(iter(records), None)


def lines(results: Results, threads: int) -> Iterator[Line]:
    """Every row against every peer, in the order of the table."""
    for name, workload in all_workloads().items():
        records = [
            record for record in results["records"] if record["workload"] == name and record["threads"] == threads
        ]
        by_peer: dict[str, list[Record]] = {}
        for record in records:
            by_peer.setdefault(peer_of(record["variant"]), []).append(record)
        ours = best(by_peer.pop(OURS, []))
        if ours is None:
            continue
        if workload.most is not None:
            yield Line(workload, threads, "", ours, None, None, None, None, None, None)
        for peer, theirs in by_peer.items():
            chosen = best(theirs)
            assert chosen is not None
            ratio = paired = used = None
            if not ours["error"] and not chosen["error"]:
                ratio = middle(chosen) / middle(ours)
                paired = statistics.median(b / a for a, b in zip(ours["samples"], chosen["samples"]))
                if threads == 1 and workload.kind == "time":
                    used = processor_time(chosen) / processor_time(ours)
            # With two threads the issue is only that nngraph is at least as good.
            least = workload.least.get(peer) if threads == 1 else 1.0 if peer in workload.least else None
            aim = workload.aim.get(peer) if threads == 1 else None
            yield Line(workload, threads, peer, ours, chosen, ratio, paired, used, least, aim)


def markdown(results: Results, picture: str | None = None, limits: dict[str, str] | None = None) -> str:
    """The whole report."""
    limits = read_limits() if limits is None else limits
    parts = ["# nngraph beside its peers", "", *_head(results), ""]
    if picture:
        parts += [f"![How many times better nngraph is, row by row, on a logarithmic scale]({picture})", ""]
    for threads in sorted({record["threads"] for record in results["records"]}):
        table = list(lines(results, threads))
        parts += [f"## {'One thread' if threads == 1 else f'{threads} threads'}", "", *_table(table), ""]
        parts += [*_notes(table, results, threads), ""]
    named = dict.fromkeys(record["workload"] for record in results["records"])
    explained = [f"- **{name}**: {limits[name]}" for name in named if name in limits]
    if explained:
        parts += ["## What limits the rows", "", *explained, ""]
    parts += [*_variants(results)]
    return "\n".join(parts).rstrip() + "\n"


def read_limits(path: Path = LIMITS) -> dict[str, str]:
    """Row -> what limits it, in words kept beside the program so that they outlive a new measurement."""
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _head(results: Results) -> list[str]:
    machine = results["machine"]
    where = ", ".join(
        str(part)
        for part in (machine["processor"], f"{machine['cores']} cores", machine["vectors"], machine["memory"], machine["system"])
        if part
    )  # fmt: skip
    speeds = []
    for threads, speed in results["speeds"].items():
        if speed.get("bandwidth") and speed.get("product"):
            speeds.append(
                f"{threads} thread{'s' * (threads != '1')}: numpy moves {speed['bandwidth'] / 1e9:.1f} GB/s and its matrix"
                f" product of 1024 rows does {speed['product'] / 1e9:.0f} GFLOP/s"
            )
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return [
        f"Measured on {machine['date']}: {where}. Python {machine['python']}, {versions}."
        + (f" {'; '.join(speeds)}." if speeds else ""),
        "",
        f"Written by `python tests/bench/run.py`; {results['rounds']} rounds. Every peer has its own process, the first"
        " weights and the data are the same, the losses after 1 and after 10 steps agree within 1e-4 (else there is an"
        " error and no time), the rounds go from peer to peer. A time is that of one training step, forward, backward"
        " and update, unless the row says otherwise: the median over the rounds, in brackets the least. *ratio* is peer"
        " over nngraph, of the medians: above 1 nngraph is better; *paired* is the median of the ratios within a round;"
        " *processor* is the ratio of the processor's time, which other work on the machine disturbs least."
        " Where a peer can be written in several ways the best counts; all are listed at the end.",
    ]


def _table(table: Sequence[Line]) -> list[str]:
    rows = [
        "| workload | nngraph | peer | its value | ratio | paired | processor | at least | aim | met |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    shown: str | None = None
    for line in table:
        first = line.workload.name != shown
        shown = line.workload.name
        cells = [
            f"**{line.workload.name}**: {line.workload.words}" if first else "",
            _value(line.ours, line.workload) if first else "",
        ]
        if line.peer:
            assert line.theirs is not None
            cells += [
                line.theirs["variant"] + (" [1]" if line.peer in line.workload.incomparable else ""),
                _value(line.theirs, line.workload),
                _times(line.ratio), _times(line.paired), _times(line.used), _times(line.least), _times(line.aim), line.met,
            ]  # fmt: skip
        else:
            assert line.workload.most is not None
            most = quantity(line.workload.most, line.workload)
            cells += ["(a limit)", "", "", "", "", f"at most {most}", "", line.met]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return rows


def _notes(table: Sequence[Line], results: Results, threads: int) -> list[str]:
    """Bandwidth, contention, and peers whose losses cannot be compared."""
    notes = []
    for line in {line.workload.name: line for line in table}.values():
        ours = line.ours
        if ours.get("traffic") and ours.get("bandwidths") and not ours["error"]:
            share = statistics.median(
                ours["traffic"] / sample / bandwidth for sample, bandwidth in zip(ours["samples"], ours["bandwidths"])
            )
            demand = line.workload.share
            notes.append(
                f"- {line.workload.name}: {ours['traffic'] / 1e6:.0f} MB must be moved, which nngraph does at"
                f" **{share:.0%}** of the {statistics.median(ours['bandwidths']) / 1e9:.1f} GB/s that numpy reached in the"
                " same rounds"
                + (f"; at least {demand:.0%} is wanted: {'yes' if share >= demand else 'no'}." if demand else ".")
            )
    for line in table:
        why = line.workload.incomparable.get(line.peer)
        if why:
            notes.append(f"- [1] {line.workload.name}, {line.peer}: its losses cannot be compared, because {why}.")
    records = [record for record in results["records"] if record["threads"] == threads]
    loads = [record["load"] for record in records]
    shares = [share for record in records for share in record["processors"]]
    if loads:
        text = f"- Processes that wanted to run meanwhile (load average): {min(loads):.1f} to {max(loads):.1f}."
        if threads == 1 and shares:
            low = sum(share < BUSY for share in shares) / len(shares)
            high = max(shares)
            text += f" {low:.0%} of the samples got less than {BUSY:.0%} of a processor;"
            text += f" the most that a peer used was {high:.2f} processors."
        notes.append(text)
    return notes


def _variants(results: Results) -> list[str]:
    """Every way of every peer, with its errors and its distance from the common loss."""
    rows = ["## Every variant", "", "| workload | threads | variant | median | least | largest difference of a loss |", "|---|---|---|---|---|---|"]  # fmt: skip
    for record in results["records"]:
        workload = all_workloads()[record["workload"]]
        if record["error"]:
            values = ["error: " + record["error"].replace("|", "\\|"), "", ""]
        else:
            gap = record.get("gap")
            values = [quantity(middle(record), workload), quantity(min(record["samples"]), workload), "" if gap is None else f"{gap:.0e}"]  # fmt: skip
        rows.append("| " + " | ".join([workload.name, str(record["threads"]), record["variant"], *values]) + " |")
    return rows


def _value(record: Record, workload: Workload) -> str:
    if record["error"]:
        return "error: " + record["error"]
    return f"{quantity(middle(record), workload)} ({quantity(min(record['samples']), workload)})"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{significant(ratio)}x"


def quantity(value: float, workload: Workload) -> str:
    """A time or a size with three digits and the unit that suits it."""
    units = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)) if workload.unit == "s" else (("MB", 1e6), ("kB", 1e3), ("bytes", 1.0))  # fmt: skip
    name, size = next(((name, size) for name, size in units if abs(value) >= size), units[-1])
    return f"{significant(value / size)} {name}"


def significant(value: float) -> str:
    """Three digits, without an exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def as_json(results: Results) -> str:
    """The records for a file, numbers short enough to read."""

    def short(value: Any) -> Any:
        if isinstance(value, float):
            return float(f"{value:.6g}")
        if isinstance(value, dict):
            return {key: short(inner) for key, inner in value.items()}
        return [short(inner) for inner in value] if isinstance(value, list) else value

    short_results = {**results, "records": []}
    head = json.dumps(short(short_results), indent=1, ensure_ascii=False).removesuffix('"records": []\n}')
    records = ",\n  ".join(json.dumps(short(record), ensure_ascii=False) for record in results["records"])
    return f'{head}"records": [\n  {records}\n ]\n}}\n'
