"""A plan with addresses: the flat program that the interpreter runs, and the memory it runs in."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TypeVar

import numpy as np

from ....errors import NngraphError, ShapeError
from ....node import Leaf, Node, describe
from ....storage import Home, at_one_moment, claim, new_lock, settle
from ...numpy import evaluate_all, no_value
from ..calls import STATUS, Buffer, Call, Fallback, View
from ..planning.memory import ALIGNMENT, arranged
from ..planning.plan import Plan
from ..scalars.tape import tape_plan
from . import workers
from .binding import Words
from .verified import verify

Result = TypeVar("Result")
_ENTRY = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
STRETCH = 0.1
"""Seconds after which a run of many steps comes back to Python, for progress bars and Ctrl-C."""


ZERO, KEPT, ONE = 3, 4, 5
"""Words behind status, step and the workers' address: 0; whether leaves have been kept aside in this run; 1."""


class BadData(Exception):
    """A kernel has set the status: it met data that it must not work with."""


@dataclass(eq=False, slots=True)
class Code:
    """A stretch of instructions for the interpreter: (kernel, block, rows, rows per chunk) for each."""

    words: np.ndarray
    block: np.ndarray

    @classmethod
    def of(cls, instructions: Sequence[int], status: np.ndarray) -> Code:
        """The stretch, with the block that tells the interpreter about it."""
        words = np.array(instructions, np.int64)
        here = status.ctypes.data
        return cls(words, np.array([words.ctypes.data, len(words) // 4, here, here + 8, 0], np.int64))

    @property
    def address(self) -> int:
        """Where its block lies."""
        return self.block.ctypes.data


@dataclass(eq=False, slots=True)
class Steps:
    """What a run of many steps needs beside the program: a batch, what a step gives, and the code around the program."""

    batch: list[np.ndarray]
    outputs: list[np.ndarray]
    blocks: list[np.ndarray] = field(default_factory=list)
    code: Code | None = None
    seconds: float = 0.0
    """How long one step took the last time."""

    def point(
        self, data: Sequence[np.ndarray], batch: int, order: np.ndarray | None, records: Sequence[np.ndarray], first: int
    ) -> None:
        """Say where the data lie, in which order their rows are taken, and where what steps give is recorded from step
        `first` on."""
        for block, array in zip(self.blocks, data):
            block[0] = array.ctypes.data
            block[3], block[6] = batch, len(array) // batch
            block[4] = 0 if order is None else order.ctypes.data
        for block, record in zip(self.blocks[len(data) :], records):
            block[1], block[4] = record.ctypes.data, first


class Program:
    """Calls bound to memory. Calling it with leaf values runs them once, stores the updates and gives the outputs."""

    def __init__(self, outputs: Sequence[Node], updates: Mapping[Leaf, Node] | None = None) -> None:
        # A tape asks no node for its shape: all of them hold one number.
        self.plan = tape_plan(outputs, updates)
        if self.plan is None:
            verify([*outputs, *(updates or {}).values()])
            self.plan = Plan(outputs, updates)
        self.lock, self._running = new_lock(), False
        self.homes = {
            leaf: Home(np.zeros(tuple(map(int, leaf.shape)), leaf.dtype), self.lock) for leaf in updates or ()
        }
        """Where the leaves that it updates live while it does."""
        self._varying = [leaf for leaf in self.plan.leaves if leaf.role != "constant"]
        self._given = [
            (leaf, self.plan.leaves[leaf], tuple(map(int, leaf.shape)), leaf.dtype)
            for leaf in self._varying
            if leaf not in self.homes
        ]
        read = {view.buffer for call in self.plan.calls for part in call.parts for view in part.reads}
        self._only_written = {leaf for leaf in self.homes if self.plan.leaves[leaf] not in read}
        self._stamps = dict.fromkeys(self.homes, -1)
        self._steps: Steps | None = None
        self._spare: list[Any] = [None] * len(self.plan.results)
        self._bind()

    # Binding --------------------------------------------------------------------------------------------------------
    def _bind(self) -> None:
        """Give every buffer its place, every word its number, and cut the calls where Python has to do something."""
        calls = self.plan.calls
        _check(calls)
        self.offsets, scratch, self.arena_bytes = arranged(calls, self.plan.mark)
        self.memory = np.empty(self.arena_bytes + ALIGNMENT, np.uint8)
        self.base = -(-self.memory.ctypes.data // ALIGNMENT) * ALIGNMENT
        self.status = np.array([0, 0, 0, 0, 0, 1], np.int64)
        self._split = any(_is_split(call) for call in calls)
        self.arrays: dict[Buffer, np.ndarray] = {}
        for leaf, buffer in self.plan.leaves.items():
            if leaf.role == "constant":
                self.arrays[buffer] = np.ascontiguousarray(leaf._value).reshape(leaf._value.shape)
            elif leaf in self.homes:
                self.arrays[buffer] = self.homes[leaf].array
        written = Words(self._address, self.status.ctypes.data)
        blocks = [written.block(call, number, scratch, self.base) for number, call in enumerate(calls)]
        self.words, self._patches = written.array(), written.patches
        here = self.words.ctypes.data
        self.pieces: list[Code | Call] = []
        run: list[int] = []
        for call, block in zip(calls, blocks):
            if isinstance(call.code, Fallback):
                if run:
                    self.pieces.append(Code.of(run, self.status))
                self.pieces.append(call)
                run = []
            else:
                kernel, first_word, rows, chunk = written.instruction(call, block)
                run += [kernel, here + 8 * first_word, rows, chunk]
        if run:
            self.pieces.append(Code.of(run, self.status))
        from ....kernels.interpreter import run as interpreter

        self._entry = _ENTRY(interpreter("float64").address)
        self._bind_keeping()
        if self._split:
            workers.prepare()

    def _bind_keeping(self) -> None:
        """Leaves that are changed before the last call that may stop the program are kept aside first, to be put back."""
        calls = self.plan.calls
        last = max((at for at, call in enumerate(calls) if _may_stop(call)), default=-1)
        changed = {view.buffer for call in calls[: last + 1] for part in call.parts for view in part.writes}
        self._kept = {
            leaf: np.empty_like(home.array) for leaf, home in self.homes.items() if self.plan.leaves[leaf] in changed
        }
        self._keeping, self._keeping_blocks = None, []
        if not self._kept:
            return
        from ....kernels.rows import record_row

        here, code = self.status.ctypes.data, []
        copies = [(self.homes[leaf].array, array.ctypes.data) for leaf, array in self._kept.items()]
        for source, target in [*copies, (self.status[ONE:], here + 8 * KEPT)]:
            block = np.array([source.ctypes.data, target, source.nbytes, here + 8 * ZERO, 0], np.int64)
            self._keeping_blocks.append(block)
            code += [record_row("float64").address, block.ctypes.data, 1, 1]
        self._keeping = Code.of(code, self.status)

    def _address(self, buffer: Buffer) -> int | None:
        """Where a buffer lies; None when that is known only when the program is called."""
        if buffer in self.offsets:
            return self.base + self.offsets[buffer]
        if buffer.role == "constant" and isinstance(buffer.owner, np.ndarray):
            return int(buffer.owner.ctypes.data)
        return int(self.arrays[buffer].ctypes.data) if buffer in self.arrays else None

    # Running once -----------------------------------------------------------------------------------------------------
    def __call__(self, values: Mapping[Leaf, Any] | None = None) -> list[Any]:
        """The outputs' values for these values of leaves; the updates are stored."""
        values = values or {}
        try:
            return self.with_leaves(values, self._run_once)
        except BadData:
            # Outside the lock, because the numpy engine waits for programs that other leaves live with.
            raise self._complaint(values) from None

    def _run_once(self, given: Mapping[Buffer, np.ndarray]) -> list[np.ndarray] | None:
        results = self._fresh()
        self._point({**given, **{view.buffer: array for view, array in zip(self.plan.results, results)}})
        return results if self._changes(self._run_pieces) else None

    def _fresh(self) -> list[np.ndarray]:
        """Arrays for the outputs: those of an earlier call that nobody holds any more, because fresh memory is slow the
        first time it is touched."""
        spare = self._spare
        for at, view in enumerate(self.plan.results):
            if spare[at] is None or sys.getrefcount(spare[at]) > 2:
                spare[at] = np.empty(view.shape, view.dtype)
        return list(spare)

    def _complaint(self, values: Mapping[Leaf, Any]) -> NngraphError:
        """What the numpy engine says of data that a kernel refused: it names the op and what is wrong."""
        try:
            evaluate_all([*self.plan.asked, *self.plan.asked_updates], values)
        except NngraphError as error:
            return error
        return NngraphError("a kernel refused data that the numpy engine works with; this is a mistake in nngraph")

    def _run_pieces(self) -> None:
        if self._keeping is not None:
            self._entry(self._keeping.address, 0, 1)
        for piece in self.pieces:
            if isinstance(piece, Code):
                self._native(piece, 0, 1)
            else:
                self._fall_back(piece)

    def _native(self, code: Code, start: int, stop: int) -> None:
        if self._split:
            workers.run(self._entry, code.block, self.status[:3], start, stop)
        else:
            self._entry(code.address, start, stop)
        if self.status[0]:
            raise BadData

    def _point(self, arrays: Mapping[Buffer, np.ndarray]) -> None:
        """Put the addresses of these arrays wherever the program speaks of their buffers."""
        self.given = arrays
        for buffer, places in self._patches.items():
            data = arrays[buffer].ctypes.data
            for at, extra in places:
                self.words[at] = data + extra

    def with_leaves(
        self, values: Mapping[Leaf, Any], run: Callable[[Mapping[Buffer, np.ndarray]], Result | None]
    ) -> Result:
        """What `run` gives, called with the arrays of all leaves that live elsewhere, while the program's lock is held and
        what it owns is as the leaves say. Called again when it gives None, because a leaf has changed meanwhile.

        Values are read before the lock is taken, because a leaf may live with another program that is running.
        """
        while True:
            stamps = self._stamps
            wanted = [leaf for leaf in self._varying if leaf not in values and leaf._stamp != stamps.get(leaf)]
            read = at_one_moment(wanted, lambda: {leaf: (leaf._value, leaf._stamp) for leaf in wanted})  # noqa: B023
            missing = [leaf for leaf, (array, _) in read.items() if array is None and leaf not in self._only_written]
            if missing:
                raise no_value(missing)
            with self.lock:
                if self._running:
                    raise NngraphError(
                        "a compiled graph was called while it was running on the same thread, by a signal handler or a"
                        " finalizer; let that only note what is to be done, and do it after the call"
                    )
                late = [leaf for leaf in self.homes if leaf._stamp != self._stamps[leaf]]
                # What was read before another thread ran this program must not take the place of what it put there.
                if any(leaf not in read or read[leaf][1] != leaf._stamp for leaf in late):
                    continue
                try:
                    self._running = True
                    for leaf in late:
                        self._move_in(leaf, *read[leaf])
                    result = run({
                        buffer: _plain(leaf, values[leaf] if leaf in values else read[leaf][0], shape, dtype)
                        for leaf, buffer, shape, dtype in self._given
                    })  # fmt: skip
                    if result is not None:
                        return result
                finally:
                    # The caller's arrays are the caller's again.
                    self._running, self.given = False, {}

    def _move_in(self, leaf: Leaf, array: np.ndarray | None, moment: int) -> None:
        """Have the home of a leaf hold its value of that moment."""
        if array is not None:
            home = self.homes[leaf].array
            home[...] = _plain(leaf, array, home.shape, home.dtype)
        self._stamps[leaf] = moment

    def _changes(self, run: Callable[[], None]) -> bool:
        """Run what changes the leaves that live here, all of them or, when it fails, none; False, and nothing is run,
        where one of them has changed since it was read."""
        self.status[0] = self.status[KEPT] = 0
        if not self.homes:
            run()
            return True
        moment = claim(self.homes, self._stamps)
        if moment is None:
            return False
        self._stamps = dict.fromkeys(self.homes, moment)
        try:
            run()
        except BaseException:
            if self.status[KEPT]:
                for leaf, array in self._kept.items():
                    self.homes[leaf].array[...] = array
            raise
        later = settle(self.homes, moment)
        if later is not None:
            self._stamps = dict.fromkeys(self.homes, later)
        return True

    # What numpy does in between -------------------------------------------------------------------------------------------
    def _fall_back(self, call: Call) -> None:
        with np.errstate(all="ignore"):
            result = call.code.function(*[self.array(view) for view in call.reads])
        for view, value in zip(call.writes, result if isinstance(result, tuple) else (result,)):
            self.array(view)[...] = value

    def array(self, view: View) -> np.ndarray:
        """The numbers of a view as an array over the program's memory."""
        size, start = view.dtype.itemsize, view.offset * view.dtype.itemsize
        if view.buffer in self.offsets:
            memory = self.memory
            start += self.base - memory.ctypes.data + self.offsets[view.buffer]
        else:
            memory = self.arrays[view.buffer] if view.buffer in self.arrays else self.given[view.buffer]
            if not memory.nbytes:
                return np.empty(view.shape, view.dtype)
            memory = memory.reshape(-1).view(np.uint8)
        return np.ndarray(view.shape, view.dtype, memory, start, [stride * size for stride in view.strides])

    # Running many steps -----------------------------------------------------------------------------------------------------
    @property
    def is_native(self) -> bool:
        """Whether nothing in it has to be done by Python."""
        return all(isinstance(piece, Code) for piece in self.pieces)

    def steps(
        self, inputs: Sequence[Leaf], arrays: Sequence[np.ndarray], batch: int, order: np.ndarray | None, count: int
    ) -> Iterator[tuple[int, tuple[np.ndarray, ...], float]]:
        """`count` steps on mini-batches of a data set, in stretches: how many, what they gave, stacked, and the seconds.

        `arrays`: (rows, …) for each input. `order`: row numbers, `batch` of them for each step; None takes the batches as they
        lie, over and over.
        """
        state = self._steps = self._steps or self._around(inputs, arrays, batch)
        done = 0
        while done < count:
            now = 1 if not state.seconds else max(1, min(count - done, int(STRETCH / state.seconds), 1 << 16))
            records = [np.empty((now, *view.shape), view.dtype) for view in self.plan.results]
            values: dict[Leaf, Any] = dict(zip(inputs, state.batch))

            def stretch(given: Mapping[Buffer, np.ndarray]) -> float | None:
                self._point({**given, **{view.buffer: out for view, out in zip(self.plan.results, state.outputs)}})
                state.point(arrays, batch, order, records, done)  # noqa: B023
                began = perf_counter()
                ran = self._changes(lambda: self._native(state.code, done, done + now))  # noqa: B023
                return perf_counter() - began if ran else None

            try:
                seconds = self.with_leaves(values, stretch)
            except BadData:
                raise self._complaint(values) from None
            state.seconds = seconds / now
            done += now
            yield now, tuple(records), seconds

    def _around(self, inputs: Sequence[Leaf], arrays: Sequence[np.ndarray], batch: int) -> Steps:
        """The program between instructions that take a batch out of the data and record what a step gives."""
        from ....kernels.rows import record_row, take_rows

        state = Steps(
            [np.empty((batch, *array.shape[1:]), array.dtype) for array in arrays],
            [np.empty(view.shape, view.dtype) for view in self.plan.results],
        )
        counter = self.status.ctypes.data + 8
        code: list[int] = [] if self._keeping is None else self._keeping.words.tolist()
        for target, array in zip(state.batch, arrays):
            block = np.array([0, target.ctypes.data, array[:1].nbytes, batch, 0, counter, 1], np.int64)
            state.blocks.append(block)
            code += [take_rows("float64").address, block.ctypes.data, 1, 1]
        for piece in self.pieces:
            assert isinstance(piece, Code)
            code += piece.words.tolist()
        for output in state.outputs:
            block = np.array([output.ctypes.data, 0, output.nbytes, counter, 0], np.int64)
            state.blocks.append(block)
            code += [record_row("float64").address, block.ctypes.data, 1, 1]
        state.code = Code.of(code, self.status)
        return state


def _plain(leaf: Leaf, value: Any, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """A value as kernels want it: of the shape and dtype they were made for, dense, each number where the processor
    expects it."""
    if type(value) is not np.ndarray or value.dtype != dtype or not (value.flags.c_contiguous and value.flags.aligned):
        value = np.array(value, dtype, order="C")
    if value.shape != shape:
        raise ShapeError(f"{describe(leaf)} has a value of shape {value.shape}; was its array changed in place?")
    return value


def _may_stop(call: Call) -> bool:
    """Whether the program may end at this call."""
    inner = call.body.calls if call.body is not None else ()
    return isinstance(call.code, Fallback) or any(word is STATUS for word in call.words) or any(map(_may_stop, inner))


def _check(calls: Sequence[Call]) -> None:
    """NngraphError when a call, also one inside loops, would reach outside a buffer, at the first step or at the last."""
    waiting = [(call, 1) for call in calls]
    while waiting:
        call, turns = waiting.pop()
        for view in [each for part in call.parts for each in (*part.reads, *part.writes)]:
            view.check()
            if view.buffer.role == "moving":
                _, stride = view.buffer.owner
                last = view.offset + (turns - 1) * stride // view.dtype.itemsize
                View(view.buffer, view.dtype, view.shape, view.strides, last).check()
        if call.body is not None:
            waiting += [(inner, call.body.length) for inner in call.body.calls]


def _is_split(call: Call) -> bool:
    inner = call.body.calls if call.body is not None else ()
    return call.rows > call.chunk or any(_is_split(each) for each in inner)
