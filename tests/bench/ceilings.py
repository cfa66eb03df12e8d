"""What this machine can do at most, measured with loops of machine code that do nothing else.

A row that is bound by arithmetic or by memory is held against these; numpy's own product and copy stay below them.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np

SUMS = 12
"""Sums in turn, each in a register of its own: more than a processor has multiply-adds under way at a time."""
NUMBERS = 10_000_000
"""Of each array that is moved: far more than any cache holds."""
ARRAYS = 3
"""Read, and as many written."""
AT_ONCE = 4
"""Vectors of each array that one round of the loop moves."""
TRIES = 5


# The loops ------------------------------------------------------------------------------------------------------------
def multiply_adds_text(name: str, lanes: int, fused: bool) -> str:
    """`name(rounds, to)`: in each round s ← s/2 + 1 for all sums; they end at 2, so that nothing grows or vanishes."""
    vector, both = f"<{lanes} x float>", range(SUMS)

    def every(value: float) -> str:
        return "<" + ", ".join([f"float {value}"] * lanes) + ">"

    lines = [
        f"declare {vector} @llvm.fma.v{lanes}f32({vector}, {vector}, {vector})",
        f"define void @{name}(i64 %rounds, ptr %to) {{", "entry:", "  br label %loop", "loop:",
        "  %i = phi i64 [0, %entry], [%next, %loop]",
        *(f"  %s{at} = phi {vector} [{every(float(at))}, %entry], [%n{at}, %loop]" for at in both),
    ]  # fmt: skip
    for at in both:
        if fused:
            lines.append(
                f"  %n{at} = call {vector} @llvm.fma.v{lanes}f32({vector} %s{at}, {vector} {every(0.5)}, {vector} {every(1.0)})"
            )
        else:
            lines += [
                f"  %h{at} = fmul {vector} %s{at}, {every(0.5)}",
                f"  %n{at} = fadd {vector} %h{at}, {every(1.0)}",
            ]
    lines += ["  %next = add i64 %i, 1", "  %more = icmp slt i64 %next, %rounds", "  br i1 %more, label %loop, label %out", "out:"]  # fmt: skip
    # The sums are used, else there would be nothing to compute.
    lines += [f"  %t{at} = fadd {vector} %{'n0' if at == 1 else f't{at - 1}'}, %n{at}" for at in both[1:]]
    return "\n".join([*lines, f"  store {vector} %t{SUMS - 1}, ptr %to, align 4", "  ret void", "}"])


def moves_text(name: str, lanes: int) -> str:
    """`name(numbers, from…, to…)`: copies, past the caches; what is stored the usual way is read first."""
    vector, arrays = f"<{lanes} x float>", range(ARRAYS)
    given = ", ".join(f"ptr %{way}{at}" for way in ("from", "to") for at in arrays)
    lines = [
        f"define void @{name}(i64 %numbers, {given}) {{", "entry:", "  br label %loop", "loop:",
        "  %i = phi i64 [0, %entry], [%next, %loop]",
    ]  # fmt: skip
    for part in range(AT_ONCE):
        lines.append(f"  %i{part} = add i64 %i, {part * lanes}")
        for at in arrays:
            here = f"{part}_{at}"
            lines += [
                f"  %r{here} = getelementptr float, ptr %from{at}, i64 %i{part}",
                f"  %w{here} = getelementptr float, ptr %to{at}, i64 %i{part}",
                f"  %v{here} = load {vector}, ptr %r{here}, align {4 * lanes}",
                f"  store {vector} %v{here}, ptr %w{here}, align {4 * lanes}, !nontemporal !0",
            ]
    return "\n".join(
        [
            *lines, f"  %next = add i64 %i, {AT_ONCE * lanes}", "  %more = icmp slt i64 %next, %numbers",
            "  br i1 %more, label %loop, label %out", "out:", "  ret void", "}", "!0 = !{i32 1}",
        ]
    )  # fmt: skip


@cache
def _function(text_of: Callable[..., str], *settings: Any) -> Callable[..., None]:
    from nngraph.autograd.kernels import machine_code

    key = machine_code.key_of("ceiling", text_of("it", *settings))
    address = machine_code.address_of(
        key, lambda: machine_code.object_code(text_of(machine_code.symbol(key), *settings))
    )
    return ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * (1 if text_of is multiply_adds_text else 2 * ARRAYS))(address)  # fmt: skip


def _machine() -> tuple[int, bool]:
    """Numbers in a vector; whether a product and a sum are one instruction."""
    from nngraph.autograd.kernels.machine import machine

    here = machine()
    return here.lanes(np.float32), "+fma" in here.features.split(",") or here.triple.startswith(("aarch64", "arm64"))


# Measured -------------------------------------------------------------------------------------------------------------
def multiply_adds(threads: int, rounds: int = 0) -> float:
    """float32 operations a second, a product and a sum being two; the best of a few tries.

    A try on one thread is so short that one of them is left alone on a busy machine too; several threads must be started,
    which takes its time.
    """
    rounds = rounds or (400_000 if threads == 1 else 4_000_000)
    lanes, fused = _machine()
    function, to = _function(multiply_adds_text, lanes, fused), np.zeros((threads, lanes), np.float32)
    seconds = _quickest([lambda row=row: function(rounds, row.ctypes.data) for row in to])
    return 2.0 * lanes * SUMS * rounds * threads / seconds


class Moves:
    """Arrays to move and how fast they are moved, in bytes a second read and written."""

    def __init__(self, threads: int, numbers: int = NUMBERS) -> None:
        self.threads, self.lanes = threads, _machine()[0]
        part = AT_ONCE * self.lanes
        self.numbers = numbers // part // threads * part
        self.arrays = [_aligned(self.numbers * threads) for _ in range(2 * ARRAYS)]
        self.function = _function(moves_text, self.lanes)

    def copied(self) -> float:
        """Copying three arrays past the caches."""

        def piece(at: int) -> None:
            self.function(self.numbers, *(array[at * self.numbers :].ctypes.data for array in self.arrays))

        seconds = _quickest([lambda at=at: piece(at) for at in range(self.threads)])
        return 4.0 * 2 * ARRAYS * self.numbers * self.threads / seconds

    def numpy(self) -> float:
        """What numpy reaches: the better of a copy and a sum."""
        parts = [[array[at * self.numbers : (at + 1) * self.numbers] for array in self.arrays[:3]] for at in range(self.threads)]  # fmt: skip
        copied = _quickest([lambda a=a, b=b: np.copyto(a, b) for a, b, _ in parts])
        added = _quickest([lambda a=a, b=b, c=c: np.add(a, b, out=c) for a, b, c in parts])
        return 4.0 * self.numbers * self.threads * max(2 / copied, 3 / added)


def _aligned(numbers: int) -> np.ndarray:
    """Ones whose first lies where a vector may begin."""
    raw = np.ones(numbers + 16, np.float32)
    start = -raw.ctypes.data % 64 // 4
    return raw[start : start + numbers]


def _quickest(pieces: list[Callable[[], Any]]) -> float:
    """Seconds until all pieces, a thread for each, are done; the least of a few tries."""

    def seconds(run: Callable[[], Any]) -> float:
        before = time.perf_counter()
        run()
        return time.perf_counter() - before

    if len(pieces) == 1:
        return min(seconds(pieces[0]) for _ in range(4 * TRIES))
    with ThreadPoolExecutor(len(pieces)) as pool:
        return min(seconds(lambda: [job.result() for job in [pool.submit(piece) for piece in pieces]]) for _ in range(TRIES))  # fmt: skip
