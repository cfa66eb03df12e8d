"""Many steps of a program without the processor: the data lie on the GPU, batches are taken there, what every step gives is
recorded there, and the steps are counted there. A step is one launch, and a stretch of them is waited for once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from math import prod
from time import perf_counter
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from ...epochs import STRETCH
from ...errors import NngraphError, OutOfDeviceMemory
from ...kernels.cuda import rows
from ...kernels.cuda.arguments import MOST as MOST_NUMBERS
from ...kernels.cuda.arguments import whole_number
from ...kernels.cuda.device import Replay
from ...kernels.cuda.elementwise import blocks
from ...node import Leaf
from ..compiled.running.program import BadData
from ..compiled.running.steps import MOST, Stretch
from .binding import Launch
from .memory import DeviceArray, data_too_large, resident

if TYPE_CHECKING:
    from .program import CudaProgram

RECORDED = 1 << 22
"""Bytes of results that are recorded at most before they are brought to the processor."""
FEW = 8
"""Threads of a block on the simulator."""


class Steps:
    """What a run of many steps needs beside the program: where it counts them, where it records what they give, and the
    launches around those of the program. Only one stretch of them runs at a time, under the program's lock."""

    def __init__(
        self, program: CudaProgram, inputs: Sequence[Leaf], arrays: Sequence[np.ndarray], batch: int
    ) -> None:
        self.program, self.device, self.inputs, self.rows = program, program.device, tuple(inputs), batch
        self.batch = [np.empty((batch, *array.shape[1:]), array.dtype) for array in arrays]
        """Where the numpy engine finds the batch that a kernel has refused."""
        self.targets = [program.arrays.get(program.plan.leaves.get(leaf)) for leaf in self.inputs]  # type: ignore[arg-type]
        self.results: list[DeviceArray] = [program.arrays[view.buffer] for view in program.plan.results]
        most = max((result.nbytes for result in self.results), default=1)
        self.capacity = max(1, min(MOST, RECORDED // max(most, 1)))
        self.records = [DeviceArray(self.device, (self.capacity, *each.shape), each.dtype) for each in self.results]
        self.control = DeviceArray(self.device, (4,), np.uint32)
        self.no_order = self.order = DeviceArray(self.device, (1,), np.uint32)
        self.seconds = 0.0
        """How long one step took the last time."""
        self._sent: np.ndarray | None = None
        """The order that the GPU has."""
        self._data: list[ref[DeviceArray]] = []
        """Weakly: data go when nobody has them on the processor any more."""
        self._launches: list[Launch] = []
        self._captured: Replay | None = None
        self._end = self._end_of_step()

    # Launches ---------------------------------------------------------------------------------------------------------
    def _bind(self, data: list[DeviceArray], order: DeviceArray) -> None:
        """Launches for data and an order that lie there; those of before serve where they have not moved."""
        if self._launches and order is self.order and all(map(_is, data, self._data)):
            return
        self.order, self._data, self._captured = order, [ref(each) for each in data], None
        takes = [
            self._take(source, target)
            for source, target in zip(data, self.targets)
            if target is not None and target.nbytes
        ]
        inner = [launch for piece in self.program.binding.pieces for launch in piece]  # type: ignore[union-attr]
        self._launches = [*takes, *inner, *self._end]

    def _take(self, source: DeviceArray, target: DeviceArray) -> Launch:
        size = target.nbytes // self.rows
        dtype, at_once = rows.unit(size)
        width = size // (np.dtype(dtype).itemsize * at_once)
        kernel = rows.take_rows(at_once)
        given = [
            source.flat(dtype, 0, source.nbytes // np.dtype(dtype).itemsize),
            target.flat(dtype, 0, target.nbytes // np.dtype(dtype).itemsize),
            self.order.flat(np.uint32, 0, self.order.shape[0]), self.control.flat(np.uint32, 0, 4),
        ]  # fmt: skip
        return self._launch(kernel, dtype, given, [self.rows, width, self.rows * width])

    def _end_of_step(self) -> list[Launch]:
        """What records results and counts the step."""
        found, small = [], []
        for result, record in zip(self.results, self.records):
            count = prod(result.shape)
            if 0 < count <= rows.SMALL:
                small.append((result, record, count))
            elif count:
                dtype, at_once = rows.unit(result.nbytes)
                size = np.dtype(dtype).itemsize
                given = [
                    result.flat(dtype, 0, result.nbytes // size), record.flat(dtype, 0, record.nbytes // size),
                    self.control.flat(np.uint32, 0, 4),
                ]  # fmt: skip
                found.append(self._launch(rows.record_row(at_once), dtype, given, [result.nbytes // size // at_once]))
        code = rows.EndOfStep(len(small))
        arguments = [self.control.flat(np.uint32, 0, 4), self.program.refused.flat(np.int32, 0, 1)]
        for result, record, count in small:
            arguments += [
                result.flat(result.dtype, 0, count), record.flat(record.dtype, 0, count * self.capacity),
                np.uint32(count),
            ]  # fmt: skip
        kinds = code.kinds([result.dtype.name for result, _, _ in small])
        kernel = self.device.kernel(code.text(), kinds, code.threads())
        threads = FEW if self.device.simulated else code.threads()
        return [*found, partial(kernel, (1, 1, 1), threads, arguments)]

    def _launch(self, code: Any, dtype: str, arrays: list[Any], numbers: list[int]) -> Launch:
        words = [whole_number(number) for number in numbers]
        kernel = self.device.kernel(code.text(), rows.kinds_of(code, dtype), code.threads())
        threads = FEW if self.device.simulated else code.threads()
        return partial(kernel, blocks(words, threads), threads, [*arrays, *(np.uint32(word.value) for word in words)])

    # Running ----------------------------------------------------------------------------------------------------------
    def run(self, arrays: Sequence[np.ndarray], order: np.ndarray | None, count: int) -> Iterator[Stretch]:
        """`count` steps, a stretch at a time.

        `arrays`: (rows, …) for each input. `order`: row numbers, `batch` of them for each step; None takes the batches as
        they lie, over and over.
        """
        if max(len(arrays[0]), count, 0 if order is None else len(order)) >= MOST_NUMBERS:
            raise NngraphError(f"{MOST_NUMBERS} rows or steps are more than a GPU kernel of this engine counts")
        done = 0
        while done < count:
            most = min(count - done, MOST, self.capacity)
            now = 1 if not self.seconds else max(1, min(most, int(STRETCH / self.seconds)))

            def stretch() -> tuple[float, tuple[np.ndarray, ...]] | None:
                self._prepare(arrays, order)
                began = perf_counter()
                try:
                    ran = self.program.changes(partial(self._go, done, now))  # noqa: B023
                except _Refused as error:
                    self._fetch(arrays, order, error.step)
                    raise BadData from None
                if not ran:
                    return None
                return perf_counter() - began, self._recorded(now)  # noqa: B023

            seconds, records = self.program.guarded(self.inputs, self.batch, stretch)
            self.seconds = seconds / now
            done += now
            yield now, records, seconds

    def _prepare(self, arrays: Sequence[np.ndarray], order: np.ndarray | None) -> None:
        """Have the data and the order on the GPU, and the launches made for where they lie."""
        try:
            data = [resident(self.device, array) for array in arrays]
        except OutOfDeviceMemory as error:
            raise data_too_large(sum(array.nbytes for array in arrays), error) from None
        place = self.no_order
        if order is not None:
            place = self.order
            if place is self.no_order or place.shape[0] < len(order):
                place = DeviceArray(self.device, (len(order),), np.uint32)
            if self._sent is not order or place is not self.order:
                place.begin(order.astype(np.uint32))
                self._sent = order
        self._turns = len(arrays[0]) // self.rows if order is None else 0
        self._bind(data, place)

    def _go(self, first: int, count: int) -> None:
        """So many steps from step `first` on. Where data are refused, the steps before are the last that were done."""
        program = self.program
        if program.stops:
            program.keep()
        refused = None
        try:
            self._steps(first, count)
        finally:
            # Also after a Ctrl-C: what was asked for until then is done.
            refused = self._refused()
            if refused is not None:
                program.put_back()
                self._steps(first, refused - first)
                self.device.wait()
        if refused is not None:
            raise _Refused(refused)

    def _steps(self, first: int, count: int) -> None:
        device, program = self.device, self.program
        self.control[...] = np.array([first, first, self._turns, rows.NONE], np.uint32)
        device.clear(program.refused.memory, program.refused.nbytes)
        if count and not program.is_warm:
            device.run(self._launches)
            program.is_warm, count = True, count - 1
        if count:
            self._captured = self._captured or device.captured(self._launches)
            self._captured(count)

    def _refused(self) -> int | None:
        """When all is done that was asked for: the first step whose data were refused."""
        if not self.program.stops:
            self.device.wait()
            return None
        step = int(self.control.copy()[rows.REFUSED])
        return None if step == rows.NONE else step

    def _recorded(self, count: int) -> tuple[np.ndarray, ...]:
        """What so many steps gave."""
        found = self.device.fetch_all([(each.memory, each.nbytes // self.capacity * count) for each in self.records])
        return tuple(
            one.view(each.dtype).reshape(count, *each.shape[1:]) for one, each in zip(found, self.records)
        )

    def _fetch(self, data: Sequence[np.ndarray], order: np.ndarray | None, step: int) -> None:
        """Put the batch that a kernel has refused where the numpy engine is going to look at it."""
        first = step * self.rows
        for target, array in zip(self.batch, data):
            if order is None:
                start = step % (len(array) // self.rows) * self.rows
                target[...] = array[start : start + self.rows]
            else:
                target[...] = array[order[first : first + self.rows]]


class _Refused(Exception):
    """A kernel has refused the data of a step."""

    def __init__(self, step: int) -> None:
        super().__init__(step)
        self.step = step


def _is(data: DeviceArray, known: ref[DeviceArray]) -> bool:
    return known() is data
