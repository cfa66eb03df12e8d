"""A plan on a GPU: its arrays in the GPU's memory, its calls as launches of kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import NngraphError
from ...kernels.cuda.arguments import Argument
from ...kernels.cuda.device import Device, gpu, simulator
from ...node import Leaf, Node
from ..compiled.calls import STATUS, Buffer, Call, Fallback, Scratch, View
from ..compiled.planned import planned
from ..compiled.planning.memory import arranged
from ..compiled.planning.whole import Whole
from ..compiled.running.code import Place as Word
from ..compiled.running.leaves import Given, Leaves, plain
from ..compiled.running.program import BadData, Program
from .launch import launched
from .memory import DeviceArray, Place
from .target import Gpu

if TYPE_CHECKING:
    from ...report import PlanReport


def on_gpu(outputs: Sequence[Node], updates: Mapping[Leaf, Node]) -> CudaProgram:
    """The program for the GPU of this machine."""
    return CudaProgram(outputs, updates, gpu())


def on_simulator(outputs: Sequence[Node], updates: Mapping[Leaf, Node]) -> CudaProgram:
    """The program for numba's simulator."""
    return CudaProgram(outputs, updates, simulator())


class CudaProgram(Program):
    """See Program. Leaves are sent to the GPU when they have changed; those that it updates live there."""

    def __init__(self, outputs: Sequence[Node], updates: Mapping[Leaf, Node], device: Device) -> None:
        self.device = device
        super().__init__(outputs, updates)

    def _planned(self, outputs: Sequence[Node], updates: Mapping[Leaf, Node] | None) -> Whole:
        return planned(outputs, updates, Gpu(self.device.simulated))

    def _memory_of(self, leaf: Leaf) -> Any:
        home = self._new(tuple(map(int, leaf.shape)), leaf.dtype)
        home[...] = 0
        return home

    def _new(self, shape: tuple[int, ...], dtype: Any) -> DeviceArray:
        return DeviceArray(self.device, shape, dtype)

    # Binding --------------------------------------------------------------------------------------------------------
    def _bind(self) -> None:
        """Give every buffer its place on the GPU, every call its kernel and its arguments."""
        calls = self.plan.calls
        self.offsets, self._scratch, self.arena_bytes = arranged(calls, self.plan.mark)
        self.memory = self._new((self.arena_bytes,), np.dtype(np.uint8))
        self.status = np.zeros(6, np.int64)
        self._state = memoryview(self.status)
        self._status = self._new((1,), np.dtype(np.int32))
        self.arrays: dict[Buffer, Any] = {}
        for leaf, buffer in self.plan.leaves.items():
            self.arrays[buffer] = self._of_leaf(leaf)
        for view in self.plan.results:
            self.arrays[view.buffer] = self._new(view.shape, view.dtype)
        self.given = [
            Given(leaf, buffer, Word(memoryview(self.status), ()))
            for leaf, buffer in self.plan.leaves.items()
            if leaf.role != "constant" and leaf not in self.homes
        ]
        self._leaves = Leaves((), self.given, self._stamps)
        self._sent: dict[Leaf, int] = {}
        """The moment of the value of each leaf that the GPU has."""
        self._kept, self.keeping = {}, None
        stops = any(STATUS in call.words for call in calls if not isinstance(call.code, Fallback))
        self._aside = {
            leaf: self._new(home.array.shape, home.array.dtype) for leaf, home in self.homes.items() if stops
        }
        self._around: list[tuple[Mapping[Buffer, int], int]] = []
        """Arenas of the loops around the call that is being bound: where their buffers lie, and where the arena begins."""
        self._turns: dict[Buffer, int] = {}
        self.launches = self._launches(calls, self._scratch, 0)
        self.is_native = False
        self._captured: Callable[[], None] | None = None
        self._calls = 0

    def _of_leaf(self, leaf: Leaf) -> DeviceArray:
        if leaf in self.homes:
            return self.homes[leaf].array  # type: ignore[return-value]
        array = self._new(tuple(map(int, leaf.shape)), leaf.dtype)
        if leaf.role == "constant":
            array[...] = leaf._value
        return array

    def _launches(
        self, calls: Sequence[Call], scratch: Mapping[tuple[int, int], int], base: int
    ) -> list[Callable[[], None]]:
        """What runs the calls, in order; those inside a loop once for every turn of it."""
        found: list[Callable[[], None]] = []
        for number, call in enumerate(calls):
            if isinstance(call.code, Fallback):
                found.append(partial(self.fall_back, call))
            elif call.body is None:
                working = [
                    base + scratch[number, at] for at, word in enumerate(call.words) if isinstance(word, Scratch)
                ]
                found.append(self._launch(call, *working))
            else:
                inner = base + scratch[number, 0]
                self._around.append((call.body.offsets, inner))
                for turn in range(call.body.length):
                    self._turns |= dict.fromkeys(call.body.moving, turn)
                    found += self._launches(call.body.calls, call.body.scratch, inner)
                self._around.pop()
        return found

    def _launch(self, call: Call, working: int = 0) -> Callable[[], None]:
        """What runs one call. `working`: where its working memory begins."""
        how = launched(call, self.device.simulated)
        arguments = [self._argument(word, working) for word in how.words]
        kernel = self.device.kernel(how.code.text(), [kind_of(word) for word in how.words])
        run = partial(kernel, how.grid, how.threads, arguments)
        if not self.device.simulated:
            return run
        poisoned = self._poisoned(call)

        def launch() -> None:
            for array in poisoned:
                _poison(array)
            run()

        return launch

    def _argument(self, word: Any, working: int) -> Any:
        if word is STATUS:
            return self._status.flat(np.int32, 0, 1)
        if not isinstance(word, Argument):
            raise NngraphError(f"a kernel of a GPU cannot be given {word!r}")
        if not word.is_array:
            return np.dtype(word.dtype).type(word.value)
        if word.working:
            size = np.dtype(word.dtype).itemsize
            first = (working + word.value) // size
            return self.memory.flat(word.dtype, first, max(self.arena_bytes // size - first, 0))
        return self._place(word.value).argument

    def _place(self, view: View) -> Place:
        """Where the numbers of a view lie."""
        while view.buffer.role == "moving":
            outer, stride = view.buffer.owner
            moved = view.offset + self._turns[view.buffer] * (stride // view.dtype.itemsize)
            view = View(outer.buffer, view.dtype, view.shape, view.strides, moved)
        for offsets, base in [*reversed(self._around), (self.offsets, 0)]:
            if view.buffer in offsets:
                return Place(self.memory, view, base + offsets[view.buffer])
        if (
            view.buffer.role == "constant"
            and isinstance(view.buffer.owner, np.ndarray)
            and view.buffer not in self.arrays
        ):
            host = view.buffer.owner
            self.arrays[view.buffer] = self._new(host.shape, host.dtype)
            self.arrays[view.buffer][...] = host
        return Place(self.arrays[view.buffer], view)

    def _poisoned(self, call: Call) -> list[np.ndarray]:
        """On the simulator: what a call writes and does not read."""
        made = {
            view.buffer
            for part in call.parts
            for view in part.writes
            if all(view.buffer is not other.buffer for other in part.reads)
        }
        read = [self._seen(view) for part in call.parts for view in part.reads if view.buffer not in made]
        written = [self._seen(view) for part in call.parts for view in part.writes]
        return [array for array in written if not any(np.may_share_memory(array, each) for each in read)]

    def _seen(self, view: View) -> np.ndarray:
        """The numbers of a view over the simulator's memory."""
        place = self._place(view)
        return place.seen(np.asarray(getattr(place.argument, "_ary", place.argument)))

    # Running ----------------------------------------------------------------------------------------------------------
    def _run_once(self) -> list[np.ndarray] | None:
        if not self.changes(self._run_pieces):
            return None
        outputs = [self.arrays[view.buffer].copy() for view in self.plan.results]
        for output in outputs:
            output.flags.writeable = False
        return outputs

    def _run_pieces(self) -> None:
        if self._aside:
            self._status[...] = 0
            for leaf, array in self._aside.items():
                array.take(self.homes[leaf].array)
        self._run()
        if self._aside and self._status.copy()[0]:
            for leaf, array in self._aside.items():
                self.homes[leaf].array.take(array)
            raise BadData

    def _run(self) -> None:
        """All launches: one by one the first time, which has everything compiled, then as one."""
        self._calls += 1
        if self._calls > 1 and not any(isinstance(call.code, Fallback) for call in self.plan.calls):
            self._captured = self._captured or self.device.captured(self.launches)
            self._captured()
            return
        for launch in self.launches:
            launch()

    def _take(self, leaves: Leaves, held: list[np.ndarray], arrays: Sequence[Any]) -> None:
        """Send what has changed to the GPU."""
        for each, array in zip(leaves.reads, held):
            if self._sent.get(each.leaf) != each.stamp:
                self.arrays[each.buffer][...] = array
                self._sent[each.leaf] = each.stamp
        for at, each in leaves.given:
            self._sent.pop(each.leaf, None)
            self.arrays[each.buffer][...] = plain(each.leaf, arrays[at], each.shape, each.dtype)

    def fall_back(self, call: Call) -> None:
        """Have numpy do a call on the processor."""
        places = [self._place(view) for view in call.reads]
        with np.errstate(all="ignore"):
            result = call.code.function(*[place.seen(place.fetched()) for place in places])
        for view, value in zip(call.writes, result if isinstance(result, tuple) else (result,)):
            if view.size:
                place = self._place(view)
                flat = place.fetched()
                place.seen(flat)[...] = value
                place.send(flat)

    def many_steps(self, inputs: tuple[Leaf, ...], arrays: Sequence[np.ndarray], batch: int) -> None:
        """None: steps are called one by one."""

    def report(self, inputs: Sequence[Leaf], names: Sequence[str | None]) -> PlanReport:
        """What the program does, to be read; `names` are those of the outputs."""
        from dataclasses import replace

        return replace(super().report(inputs, names), engine="cuda-simulator" if self.device.simulated else "cuda")


def _poison(array: np.ndarray) -> None:
    from ...kernels.cuda.simulator import poison

    poison(array)


def kind_of(word: Any) -> str:
    """What an argument is: the dtype of a number, or of a flat array with a star behind it."""
    return word.dtype + "*" * word.is_array if isinstance(word, Argument) else "int32*"
