"""Rows moved on the GPU between a data set and the buffers of a step: the twins of `kernels/rows.py`. They are the first and
the last launches of a step, which is counted there as well, so that many steps run without the processor.

What they share are four numbers: which step this is, from which step on results are recorded, how many batches there are where
rows are taken as they lie (0: there is an order), and the first step whose data a kernel has refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .elementwise import THREADS, Elementwise

STEP, FIRST, TURNS, REFUSED = range(4)
NONE = 0xFFFFFFFF
"""No step."""
SMALL = 1024
"""So many numbers of a result are recorded by the kernel that counts the step."""


def unit(size: int) -> tuple[str, int]:
    """What rows of so many bytes are moved by: a dtype that any numbers may be taken for, and how many of them at once."""
    if size % 16 == 0:
        return "float32", 4
    for dtype, bytes_of in (("uint64", 8), ("uint32", 4), ("uint16", 2)):
        if size % bytes_of == 0:
            return dtype, 1
    return "uint8", 1


def take_rows(at_once: int) -> Elementwise:
    """Row i of the batch is row order[step · batch + i] of the data, or of the rows as they lie, which come round again.
    `width`: how many units a row has."""
    lines = (
        "row = uint32(at // width)",
        "k = uint32(at - uint32(row * width))",
        "step = uint32(control[0])",
        "turns = uint32(control[2])",
        "source = uint32(0)",
        "if turns == uint32(0):",
        "    source = uint32(order[uint32(uint32(step * batch) + row)])",
        "else:",
        "    source = uint32(uint32(uint32(step % turns) * batch) + row)",
        # A data set may have more numbers than 32 bits count.
        "place = uint64(uint64(source) * uint64(width) + uint64(k))",
    )
    return Elementwise(
        "take_rows", ("data", "target", "order", "control", "batch", "width", "count"),
        (*lines, *_copied("target", "at", "data", "place", at_once)),
    )  # fmt: skip


def record_row(at_once: int) -> Elementwise:
    """A result becomes row `step − first` of a record."""
    lines = (
        "row = uint32(uint32(control[0]) - uint32(control[1]))",
        "place = uint64(uint64(row) * uint64(count) + uint64(at))",
    )
    return Elementwise(
        "record_row", ("source", "record", "control", "count"),
        (*lines, *_copied("record", "place", "source", "at", at_once)),
    )  # fmt: skip


def _copied(target: str, to: str, source: str, at: str, at_once: int) -> tuple[str, ...]:
    if at_once == 1:
        return (f"{target}[{to}] = {source}[{at}]",)
    kind = {"at": "uint32", "place": "uint64"}
    return (
        f"n0, n1, n2, n3 = ld4({source}, {kind[at]}({at} * {kind[at]}(4)))",
        f"st4({target}, {kind[to]}({to} * {kind[to]}(4)), n0, n1, n2, n3)",
    )


@dataclass(frozen=True)
class EndOfStep:
    """One block that records small results, notes the first step whose data were refused, and counts the step."""

    results: int
    name = "end_of_step"

    def names(self) -> tuple[str, ...]:
        """The kernel's arguments."""
        each = [f"{word}{at}" for at in range(self.results) for word in ("source", "record", "count")]
        return ("control", "status", *each)

    def text(self) -> str:
        """The kernel as Python for numba.cuda."""
        lines = [
            f"def kernel({', '.join(self.names())}):",
            "    thread = uint32(cuda.threadIdx.x)",
            "    threads = uint32(cuda.blockDim.x)",
            "    step = uint32(control[0])",
            "    row = uint32(step - uint32(control[1]))",
        ]
        for at in range(self.results):
            lines += [
                "    at = thread",
                f"    while at < count{at}:",
                f"        record{at}[uint32(uint32(row * count{at}) + at)] = source{at}[at]",
                "        at = uint32(at + threads)",
            ]
        lines += [
            "    cuda.syncthreads()",
            "    if thread == uint32(0):",
            "        if status[0] != int32(0):",
            f"            if control[3] == uint32({NONE}):",
            "                control[3] = step",
            "        control[0] = uint32(step + uint32(1))",
        ]
        return "\n".join(lines) + "\n"

    def threads(self) -> int:
        """Threads of the block."""
        return THREADS

    def kinds(self, dtypes: list[str]) -> list[str]:
        """What the arguments are, for results of these dtypes."""
        return ["uint32*", "int32*", *(kind for dtype in dtypes for kind in (f"{dtype}*", f"{dtype}*", "uint32"))]


TAKE_KINDS = ("uint32*", "uint32*", "uint32", "uint32", "uint32")
"""Of what take_rows is given behind the data and the batch."""


def kinds_of(kernel: Elementwise, dtype: str) -> list[str]:
    """What the arguments of take_rows and record_row are."""
    rest: dict[str, Any] = {"take_rows": TAKE_KINDS, "record_row": ("uint32*", "uint32")}
    return [f"{dtype}*", f"{dtype}*", *rest[kernel.name]]
