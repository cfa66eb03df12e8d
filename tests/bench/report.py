"""The results as Markdown: one line for each row and peer, what was demanded, whether it is met, and what limits it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import limits
from limits import Record
from records import Results
from units import seconds, significant, size
from workloads import OURS, Workload, all_workloads, peer_of

FORMS = {
    "jax fori_loop": "many steps in one call of a compiled loop",
    "jax donated": "the results of the step before are given away, so that the new ones need no fresh memory",
    "torch.compile": "the loss is compiled, the optimizer is not",
}
"""Peers that are another peer in another form, and what that is."""
BUSY = 0.9
"""A single thread that got less of a processor than this had to share it."""


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
            yield Line(workload, threads, "", ours, None, None, None, None, None)
        for peer, theirs in by_peer.items():
            chosen = best(theirs)
            assert chosen is not None
            ratio = paired = None
            if not ours["error"] and not chosen["error"]:
                ratio = middle(chosen) / middle(ours)
                paired = statistics.median(b / a for a, b in zip(ours["samples"], chosen["samples"]))
            # With two threads the issue is only that nngraph is at least as good.
            least = workload.least.get(peer) if threads == 1 else 1.0 if peer in workload.least else None
            aim = workload.aim.get(peer) if threads == 1 else None
            yield Line(workload, threads, peer, ours, chosen, ratio, paired, least, aim)


def markdown(results: Results, picture: str | None = None, causes: Mapping[str, str] | None = None) -> str:
    """The whole report; `causes`: words about rows, those of limits.toml when left out."""
    causes = limits.read_causes() if causes is None else causes
    parts = ["# nngraph beside its peers", "", *_head(results), ""]
    if picture:
        parts += [f"![How many times better nngraph is, row by row, on a logarithmic scale]({picture})", ""]
    for threads in sorted({record["threads"] for record in results["records"]}):
        table = list(lines(results, threads))
        parts += [f"## {'One thread' if threads == 1 else f'{threads} threads'}", "", *_table(table), ""]
        parts += [*_notes(table, results, threads), ""]
        explained = list(limits.said(table, causes, all_rows=threads == 1))
        if explained:
            parts += ["### What limits the rows" + (" that miss a demand" if threads > 1 else ""), "", *explained, ""]
    parts += [*_variants(results)]
    return "\n".join(parts).rstrip() + "\n"


def _head(results: Results) -> list[str]:
    machine = results["machine"]
    where = ", ".join(
        str(part)
        for part in (machine["processor"], f"{machine['cores']} cores", machine["vectors"], machine["memory"], machine["system"])
        if part
    )  # fmt: skip
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    counts = [len(record["samples"]) for record in results["records"] if record["samples"]]
    rounds = f"{min(counts)} to {max(counts)}" if counts and min(counts) < max(counts) else f"{max(counts, default=0)}"
    return [
        f"Measured on {machine['date']}: {where}. Python {machine['python']}, {versions}.",
        "",
        "Written by `python tests/bench/run.py`. Every peer has its own process, kept on as many cores as it has threads;"
        f" the rounds ({rounds}) go from peer to peer, each begun by another. The first weights and the data are the same,"
        " and the losses after 1 and after 10 steps agree within 1e-4 of their size between any two peers, else there is"
        " an error and no time. A time is that of one training step, forward, backward and update, unless the row says"
        " otherwise: the median over the rounds, in brackets the least. *ratio* is peer over nngraph, of the medians:"
        " above 1 nngraph is better; *paired* is the median of the ratios within a round. *of the ceiling* is the share"
        " of the machine's own speed, measured in the same rounds with loops of machine code that do nothing else:"
        " float32 multiply-adds in registers (a product and a sum are two operations), or the better of copies past the"
        " caches and of numpy's copy and sum; a convolution counts as the direct sum. Where a peer can be written in"
        " several ways the best counts; all are listed at the end.",
    ]


def _table(table: Sequence[Line]) -> list[str]:
    rows = [
        "| workload | who | value | of the ceiling | ratio | paired | at least | aim | met |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    shown: str | None = None
    for line in table:
        workload, ours, theirs = line.workload, line.ours, line.theirs
        if workload.name != shown:
            shown = workload.name
            reached = limits.share(ours, ours)
            demand = f"at most {quantity(workload.most, workload)}" if workload.most is not None else ""
            met = line.met if not line.peer else ""
            if workload.share is not None and reached is not None:
                demand, met = f"{workload.share:.0%} of the ceiling", "yes" if reached >= workload.share else "no"
            cells = [
                f"**{workload.name}**: {workload.words}", ours["variant"], _value(ours, workload),
                "" if reached is None else f"{reached:.0%} of {limits.ceiling(ours)}",
                "", "", demand, "", met,
            ]  # fmt: skip
            rows.append(_row(cells))
        if theirs is not None:
            reached = limits.share(theirs, ours)
            cells = [
                "", theirs["variant"] + (" [1]" if line.peer in workload.incomparable else ""), _value(theirs, workload),
                "" if reached is None else f"{reached:.0%}",
                _times(line.ratio), _times(line.paired), _times(line.least), _times(line.aim), line.met,
            ]  # fmt: skip
            rows.append(_row(cells))
    return rows


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _notes(table: Sequence[Line], results: Results, threads: int) -> list[str]:
    """Contention, and peers whose losses cannot be compared."""
    notes = []
    for line in table:
        why = line.workload.incomparable.get(line.peer)
        if why:
            notes.append(f"- [1] {line.workload.name}, {line.peer}: its losses cannot be compared, because {why}.")
    shown = {line.peer for line in table}
    notes += [f"- {peer}: {words}." for peer, words in FORMS.items() if peer in shown]
    if threads > 1:
        notes.append("- Rows of which nobody can do a part in a second thread are measured with one thread only.")
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
    """Every way of every peer, with its errors and its distance from the others' losses."""
    rows = [
        "## Every variant", "",
        "| workload | threads | variant | median | least | processor time | rounds | largest difference of a loss |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for record in results["records"]:
        workload = all_workloads()[record["workload"]]
        cells = [workload.name, str(record["threads"]), record["variant"]]
        if record["error"]:
            cells += ["error: " + record["error"], "", "", "", ""]
        else:
            gap = record.get("gap")
            cells += [
                quantity(middle(record), workload), quantity(min(record["samples"]), workload),
                quantity(processor_time(record), workload) if record["processors"] else "", str(len(record["samples"])),
                "" if gap is None or not record["losses"] else f"{gap:.0e}",
            ]  # fmt: skip
        rows.append(_row(cells))
    return rows


def _value(record: Record, workload: Workload) -> str:
    if record["error"]:
        return "error: " + record["error"]
    return f"{quantity(middle(record), workload)} ({quantity(min(record['samples']), workload)})"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{significant(ratio)}x"


def quantity(value: float, workload: Workload) -> str:
    """A time, or a size in bytes."""
    return seconds(value) if workload.unit == "s" else size(value)
