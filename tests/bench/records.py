"""What was measured, as a file: written whole after every row, read again, several files put together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Results = dict[str, Any]
"""`machine`: what machine.py says; `records`: one for each row, thread count and variant, see measure.Record."""


def write(results: Results, path: Path) -> None:
    """Whole or not at all: who is stopped while writing leaves the file as it was."""
    from nngraph.autograd.files import write_whole

    write_whole(path, as_json(results).encode())


def combined(paths: Sequence[Path]) -> Results:
    """The records of all files; where two have the same row, threads and variant the later file counts.

    SystemExit when they come from different processors or versions, whose times say nothing about each other.
    """
    found = [(path, json.loads(path.read_text(encoding="utf-8"))) for path in paths]
    path, last = found[-1]
    for other, results in found[:-1]:
        for what in ("processor", "cores", "python", "versions"):
            if results["machine"][what] != last["machine"][what]:
                raise SystemExit(
                    f"run.py: {other} and {path} cannot be combined: {what} is {results['machine'][what]!r} in the one"
                    f" and {last['machine'][what]!r} in the other"
                )
    rows = {
        (record["threads"], record["workload"], record["variant"]): record
        for _, results in found
        for record in results["records"]
    }
    # A row that was measured again stays in its place.
    return {**last, "records": list(rows.values())}


def as_json(results: Results) -> str:
    """One record a line, numbers short enough to read."""

    def short(value: Any) -> Any:
        if isinstance(value, float):
            return float(f"{value:.6g}")
        if isinstance(value, dict):
            return {key: short(inner) for key, inner in value.items()}
        return [short(inner) for inner in value] if isinstance(value, list) else value

    head = json.dumps({**results, "records": []}, indent=1, ensure_ascii=False).removesuffix('"records": []\n}')
    lines = ",\n  ".join(json.dumps(short(record), ensure_ascii=False) for record in results["records"])
    return f'{head}"records": [\n  {lines}\n ]\n}}\n'
