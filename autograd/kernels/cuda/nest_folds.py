"""Text that puts the shares of threads together: within a warp register by register, across warps through shared memory, and
always in the same order, so that a result is the same from run to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .layout import WARP, Layout
from .words import spoken

Cells = Callable[[str, int], str]
"""(dtype, count) -> the shared array that has at least so many numbers."""


def masks(layout: Layout) -> list[str]:
    """The lines that say who a thread meets: `members`, the part of its line that is in its warp, and `everyone`."""
    found = [("members", min(layout.across, layout.warp)), ("everyone", min(layout.threads, layout.warp))]
    return [
        f"{name} = uint32(uint32({2**width - 1}) << uint32(thread & uint32({(WARP - width) % WARP})))"
        for name, width in found
    ]


def folded(layout: Layout, name: str, word: str, dtype: str, x: bool, y: bool, cells: Cells) -> list[str]:
    """The variable `name` of all threads of a line (x), of all lines (y) or of both made one, which all of them know."""
    inside = min(layout.across, layout.warp)
    strides = [1 << bit for bit in range(inside.bit_length() - 1)] if x else []
    if y and layout.across < layout.warp:
        together = min(layout.threads, layout.warp)
        strides += [1 << bit for bit in range(inside.bit_length() - 1, together.bit_length() - 1)]
    members = "everyone" if y else "members"
    lines = [line for stride in strides for line in _shuffled(name, word, dtype, members, stride)]
    crosses = (x and layout.across > layout.warp) or (y and layout.threads > layout.warp)
    if not crosses:
        if strides and word in ("max", "min") and np.dtype(dtype).kind == "f":
            # Both zeros are as large as each other: all take the one that the first has found.
            first = f"int32(thread & uint32({WARP - 1 - sum(strides)}))"
            lines.append(f"{name} = shfl({members}, {name}, {first})")
        return lines
    unit = layout.warp if x or layout.across <= layout.warp else layout.across
    count = layout.threads // unit
    shared = cells(dtype, count)
    lines += [
        f"if thread & uint32({unit - 1}) == 0:",
        f"    {shared}[uint32(thread >> uint32({unit.bit_length() - 1}))] = {name}",
        "cuda.syncthreads()",
        f"{name} = {shared}[0]",
        *(f"{name} = {joined(word, dtype, name, f'{shared}[{each}]')}" for each in range(1, count)),
        "cuda.syncthreads()",
    ]
    return lines


def over_lines(layout: Layout, names: list[str], word: str, dtype: str, cells: Cells) -> list[str]:
    """Variables of the threads of all lines that stand one under the other made one, which the first line knows."""
    shared = cells(dtype, layout.threads * len(names))
    lines = [
        f"{shared}[uint32(thread + uint32({at * layout.threads}))] = {name}" for at, name in enumerate(names)
    ]
    lines += ["cuda.syncthreads()", "if line == 0:"]
    for at, name in enumerate(names):
        for other in range(1, layout.lines):
            place = f"{shared}[uint32(x + uint32({at * layout.threads + other * layout.across}))]"
            lines.append(f"    {name} = {joined(word, dtype, name, place)}")
    return [*lines, "cuda.syncthreads()"]


def _shuffled(name: str, word: str, dtype: str, members: str, stride: int) -> list[str]:
    carried = _carried(dtype)
    mine = name if carried == dtype else f"{carried}({name})"
    other = f"shfl_xor({members}, {mine}, {stride})"
    if dtype == "bool":
        other = f"({other} != 0)"
    elif carried != dtype:
        other = f"{dtype}({other})"
    return [f"other_{dtype} = {other}", f"{name} = {joined(word, dtype, name, f'other_{dtype}')}"]


def _carried(dtype: str) -> str:
    """As what a number goes from register to register."""
    if dtype in ("float32", "float64", "int32", "int64"):
        return dtype
    return "int64" if dtype in ("uint32", "uint64") else "int32"


def joined(word: str, dtype: str, left: str, right: str) -> str:
    """Two numbers folded into one."""
    if dtype == "bool":
        return f"({left} | {right})" if word in ("+", "max") else f"({left} & {right})"
    return spoken(word, dtype, [left, right])


def literal(dtype: str, value: Any) -> str:
    """A number of a dtype as text."""
    return str(bool(value)) if dtype == "bool" else f"{dtype}({value!r})"
