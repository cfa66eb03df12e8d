"""How long each call of a plan takes: a program of its own is run once, instruction by instruction, and each is timed
where it stands, on the numbers it has in a real run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from ....errors import NngraphError
from ....kernels.layout import INSTRUCTION, MOVING, REPEAT, REPEAT_COUNT, REPEAT_MOVING, REPEAT_PROGRAM, REPEAT_TABLE
from ....node import Leaf
from ...rounds import least
from ..calls import Call, Fallback
from ..planning.whole import Whole
from .code import Code
from .program import Program

ROUND = 2e-4
"""Seconds that one round takes at least: short instructions are repeated inside it."""


def seconds(plan: Whole, values: Mapping[Leaf, Any], repeat: int) -> dict[str, float]:
    """The least time of each call, by its number; inside loops that of the first turn.

    The program is another one of the same nodes, so that the leaves of the user stay as they are.
    """
    program = Program(plan.asked, dict(zip(plan.updates, plan.asked_updates)))
    return _Clock(program, repeat).all(values)


class _Clock:
    """A program being timed."""

    def __init__(self, program: Program, repeat: int) -> None:
        self.program, self.repeat = program, repeat
        self.found: dict[str, float] = {}

    def all(self, values: Mapping[Leaf, Any]) -> dict[str, float]:
        """The times, by number."""
        return self.program.guarded(tuple(values), list(values.values()), self._all)

    def _all(self) -> dict[str, float]:
        program = self.program
        _outputs = [result.fresh() for result in program.results]
        rows = (
            row for piece in program.pieces if isinstance(piece, Code) for row in piece.words.reshape(-1, INSTRUCTION)
        )
        for at, call in enumerate(program.plan.calls, 1):
            writes = [view for part in call.parts for view in part.writes]
            before = [(array, array.copy()) for view in writes if (array := program.array(view)).size]
            if isinstance(call.code, Fallback):
                self._fall_back(call, str(at), before)
            else:
                self._native(call, next(rows), str(at), before)
        return self.found

    def _native(
        self, call: Call, row: np.ndarray, number: str, before: Sequence[tuple[np.ndarray, np.ndarray]]
    ) -> None:
        """Time a call, and what is inside it; then do it once, on what was there before."""
        code = Code.of(row.tolist(), self.program.status)

        def run(count: int) -> float:
            began = perf_counter()
            self.program.native(code, 0, count)
            return perf_counter() - began

        count = max(1, min(1 << 16, int(ROUND / max(run(1), 1e-9))))
        self.found[number] = self._least(lambda: run(count), before) / count
        if call.body is not None:
            self._body(call, int(row[1]), number)
            _put_back(before)
        self.program.native(code, 0, 1)

    def _body(self, call: Call, block: int, number: str) -> None:
        """Time the calls of a loop in its first turn, where every moving word is what it is at the start."""
        words = self._words(block, REPEAT)
        rows = self._words(words[REPEAT_PROGRAM], INSTRUCTION * words[REPEAT_COUNT]).reshape(-1, INSTRUCTION)
        table = self._words(words[REPEAT_TABLE], MOVING * words[REPEAT_MOVING])
        for word, start, _ in table.reshape(-1, MOVING):
            self._words(word, 1)[0] = start
        assert call.body is not None
        for at, (each, row) in enumerate(zip(call.body.calls, rows), 1):
            # What a turn changes is put back when all of the loop is.
            self._native(each, row, f"{number}.{at}", ())

    def _words(self, address: int, count: int) -> np.ndarray:
        """Words of the program by their address."""
        first = (int(address) - self.program.words.ctypes.data) // 8
        if first not in range(len(self.program.words) - count + 1):
            raise NngraphError(
                f"words {first} to {first + count} of a program of {len(self.program.words)} were asked for"
            )
        return self.program.words[first : first + count]

    def _fall_back(self, call: Call, number: str, before: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
        def run() -> float:
            began = perf_counter()
            self.program.fall_back(call)
            return perf_counter() - began

        self.found[number] = self._least(run, before)
        self.program.fall_back(call)

    def _least(self, run: Any, before: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
        """The least time of several rounds, each on the same numbers."""

        def lap() -> float:
            _put_back(before)
            return run()

        best = least(lap, self.repeat)
        _put_back(before)
        return best


def _put_back(before: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
    for array, kept in before:
        array[...] = kept
