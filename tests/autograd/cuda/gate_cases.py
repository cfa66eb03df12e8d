"""Kernels of a GPU as PTX and machine code, one line of JSON for each: python tests/autograd/cuda/gate_cases.py

    --record    write what is seen into KERNELS.md, which later runs are compared with

A program of its own, because numba.cuda is a GPU's or the simulator's for the whole of a process.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from gate_plans import kernels
from nngraph.autograd.kernels.cuda.gate import assembled, compiled_for
from recorder import Kernel

TABLE = Path(__file__).with_name("KERNELS.md")
ARCHS = ("90", "80", "75")
TOGETHER = 12
"""Kernels that are assembled at once."""
MANY = ("nest", "nests", "product", "convolution", "product_parts")
"""Kernels that are written anew for every graph."""
LONG = 4000
"""Characters of a text that takes seconds to compile."""
LEAST = {
    "product NN large": 0.82, "product NT large": 0.82, "product TN large": 0.82, "convolution of many channels": 0.65,
}  # fmt: skip
"""Plan whose kernels are all looked at -> the least share of FFMA in the loop that has most of them."""
COLUMNS = {
    "registers": "registers", "registers_80": "sm_80", "registers_75": "sm_75", "shared": "shared bytes",
    "instructions": "instructions", "wide_loads": "128-bit loads", "wide_stores": "stores", "multiply_adds": "FFMA",
    "matrix": "HMMA",
}  # fmt: skip


def chosen(every: Iterable[Kernel]) -> list[Kernel]:
    """The kernels that have a line that none before had, those whose text is no nest's, a product's or a convolution's, and
    those of which a share of FFMA is demanded."""
    known: set[str] = set()
    found = []
    for kernel in every:
        new = _lines(kernel.text) - known
        known |= new
        if new or kernel.name not in MANY or kernel.plan in LEAST:
            found.append(kernel)
    return found


def _lines(text: str) -> set[str]:
    """The lines of a text, whatever its values are called; how large shared memory is counts."""
    lines = {line.strip() for line in text.splitlines()[1:]}
    return {line if "cuda.shared" in line else re.sub(r"(?<!float)(?<!int)(?<!\d)\d+", "#", line) for line in lines}


def looked_at(batch: Sequence[Kernel]) -> list[dict[str, Any]]:
    """What is seen of some kernels, or why one of them could not be compiled."""
    try:
        return _looked_at(batch)
    except Exception as error:
        if len(batch) > 1:
            return [row for kernel in batch for row in looked_at([kernel])]
        return [{"plan": batch[0].plan, "name": batch[0].name, "source": batch[0].text, "failed": str(error)[-800:]}]


def _looked_at(batch: Sequence[Kernel]) -> list[dict[str, Any]]:
    # Tensor cores multiply TF32 from sm_80 on.
    archs = [arch for arch in ARCHS if arch >= "80" or not any("mma(" in kernel.text for kernel in batch)]
    written = [compiled_for(kernel.text, kernel.kinds, archs, kernel.threads or None) for kernel in batch]
    first, *others = (
        assembled([ptx[at] for ptx in written], arch, listed=not at) for at, arch in enumerate(archs)
    )  # fmt: skip
    found = []
    for kernel, seen, *older in zip(batch, first, *others):
        row = asdict(seen)
        del row["ptx"], row["sass"]
        row |= {f"{what}_{arch}": 0 for what in ("registers", "spilled") for arch in ARCHS[1:]}
        for arch, each in zip(archs[1:], older):
            row |= {f"registers_{arch}": each.registers, f"spilled_{arch}": each.spilled + each.stack}
        found.append({"plan": kernel.plan, "name": kernel.name, "single": kernel.single, "source": kernel.text, **row})
    return found


def batches(found: Sequence[Kernel]) -> list[list[Kernel]]:
    """Kernels to be assembled together, those that take longest in front."""
    ordered = sorted(found, key=lambda kernel: -len(kernel.text))
    long = [kernel for kernel in ordered if len(kernel.text) >= LONG or "mma(" in kernel.text]
    rest = [kernel for kernel in ordered if kernel not in long]
    return [[kernel] for kernel in long] + [rest[at : at + TOGETHER] for at in range(0, len(rest), TOGETHER)]


def table(rows: Sequence[dict[str, Any]]) -> str:
    """What is recorded: of every plan's kernels of one name the most of everything, of FFMA the least."""
    most: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if "failed" in row:
            continue
        kept = most.setdefault((row["plan"], row["name"]), dict(row))
        for column in COLUMNS:
            kept[column] = (min if column == "multiply_adds" else max)(kept[column], row[column])
    lines = [
        "# Kernels of the GPU engine, as they were compiled",
        "",
        "Written by `python tests/autograd/cuda/gate_cases.py --record`, without a GPU, for sm_90; the columns sm_80 and sm_75 are registers as well.",
        "`test_gate.py` allows a few registers more than this. A row holds a plan's kernels of one name: the most of each, the least share of FFMA.",
        "",
        "| plan | kernel | " + " | ".join(COLUMNS.values()) + " |",
        "|---|---|" + "---|" * len(COLUMNS),
    ]
    for (plan, name), row in sorted(most.items()):
        cells = [f"{row[key]:.2f}" if key == "multiply_adds" else str(row[key]) for key in COLUMNS]
        lines.append(f"| {plan} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    every = kernels()
    some = chosen(every)
    names = sorted({(kernel.plan, kernel.name) for kernel in every})
    print(json.dumps({"every": names, "least": LEAST}), flush=True)
    rows = []
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for batch in pool.map(looked_at, batches(some)):
            rows += batch
            for row in batch:
                print(json.dumps(row), flush=True)
    if "--record" in sys.argv[1:]:
        TABLE.write_text(table(rows), encoding="utf-8")
