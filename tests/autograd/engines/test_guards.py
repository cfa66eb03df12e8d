"""Random programs whose buffers lie apart in the arena, with guards between them: nothing is written to a byte that belongs
to no buffer, and nothing that lies there is read.

Apart means that no memory is used twice, also not in loops. How it is used twice is held to numpy in the other tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.compiled.calls import Buffer, Call, Scratch
from nngraph.autograd.engines.compiled.planning import memory
from nngraph.autograd.engines.compiled.running import program as running
from nngraph.autograd.engines.compiled.running.program import Program

from .random_graphs import random_case, values_of

AROUND = 256
"""Bytes between buffers: four of the largest vectors."""


def apart(calls: Sequence[Call], owner: object) -> tuple[dict[Buffer, int], dict[tuple[int, int], int], int]:
    """As `arranged`, every buffer and every piece of scratch in a place of its own."""
    offsets: dict[Buffer, int] = {}
    scratch: dict[tuple[int, int], int] = {}
    end = AROUND
    for at, call in enumerate(calls):
        for part in call.parts:
            for view in (*part.reads, *part.writes):
                if view.buffer.role == "arena" and view.buffer.owner is owner and view.buffer not in offsets:
                    offsets[view.buffer] = end
                    end = _next(end + view.buffer.bytes)
        for position, word in enumerate(call.words):
            if isinstance(word, Scratch):
                scratch[at, position] = end
                end = _next(end + _size(call, word))
    return offsets, scratch, end


def _size(call: Call, word: Scratch) -> int:
    return -(-word.bytes // 64) * 64 * max(-(-call.rows // call.chunk) if call.chunk else 1, 1)


def _next(end: int) -> int:
    return -(-end // 64) * 64 + AROUND


def taken(calls: Sequence[Call], offsets: dict[Buffer, int], scratch: dict[tuple[int, int], int], size: int) -> np.ndarray:
    """Which bytes of an arena belong to a buffer or are scratch, also those in the arenas of loops, which are scratch."""
    found = np.zeros(size, bool)
    for buffer, offset in offsets.items():
        found[offset : offset + buffer.bytes] = True
    for (at, position), offset in scratch.items():
        call = calls[at]
        count = _size(call, call.words[position])
        found[offset : offset + count] = (
            True if call.body is None else taken(call.body.calls, call.body.offsets, call.body.scratch, count)
        )
    return found


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Program, np.ndarray]]:
    """The programs that are made, each with its guards: the bytes that nothing may touch."""
    found: list[tuple[Program, np.ndarray]] = []
    monkeypatch.setattr(memory, "arranged", apart)
    bind = Program._bind

    def bound(self: Program) -> None:
        placed: list[Any] = []

        def noted(calls: Sequence[Call], owner: object) -> Any:
            placed.append(apart(calls, owner))
            return placed[-1]

        monkeypatch.setattr(running, "arranged", noted)
        bind(self)
        ((offsets, scratch, size),) = placed
        first = self.base - self.memory.ctypes.data
        # Not a number in any float, and an index that no array has.
        self.memory.fill(0xFF)
        mine = np.zeros(self.memory.size, bool)
        mine[first : first + size] = taken(self.plan.calls, offsets, scratch, size)
        found.append((self, ~mine))

    monkeypatch.setattr(Program, "_bind", bound)
    return found


@pytest.mark.filterwarnings("ignore:.*draws the same numbers in every call:UserWarning")
@pytest.mark.parametrize(("dtype", "seed"), [(np.float64, seed) for seed in range(200, 212)] + [(np.float32, seed) for seed in range(300, 306)])
def test_nothing_is_written_between_buffers_nor_read(dtype, seed, programs, monkeypatch):
    case = random_case(seed, dtype)
    found = values_of(case, "numba")
    assert programs
    for program, guards in programs:
        assert guards.any()
        assert (program.memory[guards] == 0xFF).all()
    monkeypatch.undo()
    for a, b in zip(found, values_of(case, "numba"), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("steps", [1, 5])
def test_nothing_is_written_between_buffers_of_loops(steps, programs, rng):
    x, w = ng.input("x", shape=(steps, 3, 5)), ng.parameter("w", rng.standard_normal((5, 7)))
    u = ng.parameter("u", rng.standard_normal((7, 7)))
    last, rows = ng.scan(lambda h, row: (ng.tanh(row @ w + h @ u), ng.softmax(h)), ng.constant(np.zeros((3, 7))), x)
    loss = ng.sum(ng.square(last)) + ng.sum(rows * rows)
    outputs = [loss, *ng.gradient(loss, [w, u])]
    value = rng.standard_normal((steps, 3, 5))
    wanted = ng.compile(outputs, [x], engine="numpy")(value)
    for a, b in zip(ng.compile(outputs, [x], engine="numba")(value), wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)
    ((program, guards),) = programs
    assert sum(call.body is not None for call in program.plan.calls) == 2
    assert (program.memory[guards] == 0xFF).all()
