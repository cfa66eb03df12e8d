"""Many steps of a program in one call: batches are taken out of a data set, and what every step gives is recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from ....epochs import STRETCH
from ....kernels.layout import STATUS_WORD, STEP_WORD
from ....node import Leaf
from .code import Code, address

if TYPE_CHECKING:
    from .program import Program

MOST = 1 << 16
"""Steps of a stretch, however short they are."""

Stretch = tuple[int, tuple[np.ndarray, ...], float]
"""How many steps, what they gave, stacked, and the seconds they took."""


class Steps:
    """What a run of many steps needs beside the program: a batch, what a step gives, and the code around the program."""

    def __init__(self, program: Program, inputs: Sequence[Leaf], arrays: Sequence[np.ndarray], batch: int) -> None:
        from ....kernels.rows import record_row, take_rows

        self.inputs = tuple(inputs)
        self.batch = [np.empty((batch, *array.shape[1:]), array.dtype) for array in arrays]
        self.outputs = [np.empty(view.shape, view.dtype) for view in program.plan.results]
        self.blocks: list[np.ndarray] = []
        self.seconds = 0.0
        """How long one step took the last time."""
        counter = program.status.ctypes.data + 8 * STEP_WORD
        known = {each.leaf: each.place for each in program.given}
        places = [known.get(leaf) for leaf in self.inputs]
        self.places = [place for place in places if place is not None]
        code = list(program.keeping.words.tolist()) if program.keeping is not None else []
        for target, array, place in zip(self.batch, arrays, places):
            words = place.left_to_the_program(address(program.words)) if place is not None else []
            block = [0, address(target), array[:1].nbytes, batch, 0, counter, 1, len(words) // 2, *words]
            self.blocks.append(np.array(block, np.int64))
            code += [take_rows("float64").address, address(self.blocks[-1]), 1, 1]
        for piece in program.pieces:
            assert isinstance(piece, Code)
            code += piece.words.tolist()
        for output in self.outputs:
            self.blocks.append(np.array([address(output), 0, output.nbytes, counter, 0], np.int64))
            code += [record_row("float64").address, address(self.blocks[-1]), 1, 1]
        self.code = Code.of(code, program.status)

    def run(
        self, program: Program, arrays: Sequence[np.ndarray], batch: int, order: np.ndarray | None, count: int
    ) -> Iterator[Stretch]:
        """`count` steps, a stretch at a time.

        `arrays`: (rows, …) for each input. `order`: row numbers, `batch` of them for each step; None takes the batches as
        they lie, over and over.
        """
        done = 0
        while done < count:
            now = 1 if not self.seconds else max(1, min(count - done, int(STRETCH / self.seconds), MOST))
            records = [np.empty((now, *view.shape), view.dtype) for view in program.plan.results]

            def stretch() -> float | None:
                for result, output in zip(program.results, self.outputs):
                    result.place.point(address(output))
                self._point(arrays, batch, order, records, done)  # noqa: B023
                for place in self.places:
                    place.forget()
                began = perf_counter()
                try:
                    ran = program.changes(lambda: program.native(self.code, done, done + now))  # noqa: B023
                finally:
                    if program.status[STATUS_WORD]:
                        self._fetch(arrays, batch, order, int(program.status[STEP_WORD]))
                return perf_counter() - began if ran else None

            seconds = program.guarded(self.inputs, self.batch, stretch)
            self.seconds = seconds / now
            done += now
            yield now, tuple(records), seconds

    def _fetch(self, data: Sequence[np.ndarray], batch: int, order: np.ndarray | None, step: int) -> None:
        """Put the batch that a kernel has refused where the numpy engine is going to look at it."""
        if order is None:
            for target, array in zip(self.batch, data):
                first = step % (len(array) // batch) * batch
                target[...] = array[first : first + batch]

    def _point(
        self,
        data: Sequence[np.ndarray],
        batch: int,
        order: np.ndarray | None,
        records: Sequence[np.ndarray],
        first: int,
    ) -> None:
        """Say where the data lie, in which order their rows are taken, and where what steps give is recorded from step
        `first` on."""
        for block, array in zip(self.blocks, data):
            block[0] = address(array)
            block[3], block[6] = batch, len(array) // batch
            block[4] = 0 if order is None else address(order)
        for block, record in zip(self.blocks[len(data) :], records):
            block[1], block[4] = address(record), first
