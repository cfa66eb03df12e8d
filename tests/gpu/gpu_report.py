"""What a run on a GPU gave, as Markdown and as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench_cases import CASES, COPY, EAGER, GRAPHS

NOTHING = "–"


def written(record: Mapping[str, Any], folder: Path, name: str) -> Path:
    """Both files, each whole or as it was before."""
    for suffix, text in ((".json", json.dumps(record, indent=1) + "\n"), (".md", markdown(record))):
        beside = folder / f".{name}{suffix}.new"
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, folder / f"{name}{suffix}")
    return folder / f"{name}.md"


def markdown(record: Mapping[str, Any]) -> str:
    """The whole report."""
    lines = [f"# The GPU engine on {record['device'] or 'a GPU: not yet'}, {record['date']}", "", *_head(record), ""]
    if record.get("never"):
        lines += ["## Kernels that have never run on hardware", "", *_wrapped(record["never"]), ""]
    lines += ["## Tests", "", *_tests(record), "", "## Times", "", *table(record), ""]
    return "\n".join(lines)


def _head(record: Mapping[str, Any]) -> list[str]:
    if not record["device"]:
        return [
            f"Nothing was measured: {record['reason']}. Figures are empty on purpose; no estimate stands in for a measurement.",
            "On a machine with an NVIDIA GPU `python tests/gpu/run.py` runs the tests, the checks of memory and races and the rows below, and writes a file like this one.",
        ]
    versions = record.get("versions", {})
    packages = ", ".join(f"{name} {version}" for name, version in versions.get("packages", {}).items())
    lines = [
        f"{versions.get('nvidia-smi', '')}. Python {versions.get('python')}, {packages}. Commit {versions.get('commit')}."
    ]
    if record.get("unfinished"):
        lines.append(f"The run is not finished; still to come: {', '.join(record['unfinished'])}.")
    return lines


def _wrapped(names: list[str]) -> list[str]:
    return [", ".join(f"`{name}`" for name in names) + "."]


def _tests(record: Mapping[str, Any]) -> list[str]:
    found = record.get("tests")
    lines = [f"Tests marked gpu: {found['closing'] if found else 'not run'}", ""]
    lines += [f"- {line}" for line in (found or {}).get("failed", [])]
    for tool in ("memcheck", "racecheck"):
        said = record.get(tool)
        verdict = "not run" if not said else said.get("skipped") or f"exit code {said['code']}, {said['seconds']} s"
        lines.append(f"- compute-sanitizer {tool}: {verdict}")
        lines += [f"    {line}" for line in (said or {}).get("said", [])[-8:] if (said or {}).get("code")]
    return lines


def table(record: Mapping[str, Any]) -> list[str]:
    """Every row beside its peers: medians of one step in milliseconds, by the device's own clock."""
    lines = [
        f"| case | floor | nngraph | {EAGER} | {GRAPHS} | ratio | demand | met |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows = {row["name"]: row for row in record.get("rows", [])}
    for name, case in CASES.items():
        row = rows.get(name, {})
        ratios, demands, met = [], [], []
        for peer, most in case.demands.items():
            ratio = _ratio(row, peer)
            ratios.append(f"{ratio:.2f} of {peer}" if ratio is not None else NOTHING)
            demands.append(f"at most {most:.2f} of {peer}" if most else "none")
            met.append(NOTHING if ratio is None or not most else "yes" if ratio <= most else "no")
        floor = case.floor
        if _has(row, COPY):
            floor = f"{_milliseconds(row, COPY)} at the {row[COPY]['gigabytes_per_second']:.0f} GB/s of a copy"
        times = [_milliseconds(row, peer) for peer in ("ours", EAGER, GRAPHS)]
        cells = [case.words, floor or NOTHING, *times, "; ".join(ratios), "; ".join(demands), ", ".join(met)]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _has(row: Mapping[str, Any], peer: str) -> bool:
    return "ms" in row.get(peer, {})


def _milliseconds(row: Mapping[str, Any], peer: str) -> str:
    if _has(row, peer):
        return f"{row[peer]['ms']:.4g} ms"
    return row.get(peer, {}).get("failed", NOTHING).replace("|", "/")


def _ratio(row: Mapping[str, Any], peer: str) -> float | None:
    """How many times a peer's time nngraph takes; None where one of them is not there or their results differ."""
    if not _has(row, "ours") or not _has(row, peer) or differ(row, peer):
        return None
    return row["ours"]["ms"] / row[peer]["ms"]


def differ(row: Mapping[str, Any], peer: str) -> bool:
    """Whether nngraph and a peer did not compute the same, so that their times say nothing."""
    one, other = row.get("ours", {}).get("number"), row.get(peer, {}).get("number")
    if one is None or other is None:
        return False
    return not abs(one - other) <= CASES[row["name"]].tolerance * max(abs(one), abs(other))
