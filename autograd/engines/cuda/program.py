"""A plan on a GPU: its arrays live in the GPU's memory, and a run of it is a run of launches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...kernels.cuda.device import Device, Replay, free_for, gpu, out_of_memory, simulator, with_cublas, with_tensor_cores
from ...node import Leaf, Node
from ..compiled.calls import Buffer, Call
from ..compiled.planned import planned
from ..compiled.planning.memory import arranged
from ..compiled.planning.whole import Whole
from ..compiled.running.code import Place as Word
from ..compiled.running.leaves import Given, Leaves, plain
from ..compiled.running.program import BadData, Program
from ..compiled.running.steps import Stretch
from .binding import Binding, Launch
from .epochs import Steps
from .leaves import DeviceLeaves
from .memory import DeviceArray, constant, may_stop, room
from .target import Gpu

if TYPE_CHECKING:
    from ...report import PlanReport


def on_gpu(outputs: Sequence[Node], updates: Mapping[Leaf, Node]) -> CudaProgram:
    """The program for the GPU of this machine."""
    return CudaProgram(outputs, updates, gpu())


def on_tensor_cores(outputs: Sequence[Node], updates: Mapping[Leaf, Node]) -> CudaProgram:
    """The same, whose float32 products round what they multiply to TF32."""
    return CudaProgram(outputs, updates, with_tensor_cores(gpu()), Gpu(tf32=True))


def on_cublas(outputs: Sequence[Node], updates: Mapping[Leaf, Node]) -> CudaProgram:
    """The same, whose products NVIDIA's library computes."""
    return CudaProgram(outputs, updates, with_cublas(gpu()), Gpu(cublas=True))


def on_simulator(outputs: Sequence[Node], updates: Mapping[Leaf, Node]) -> CudaProgram:
    """The program for numba's simulator."""
    return CudaProgram(outputs, updates, simulator())


class CudaProgram(Program):
    """See Program. Leaves are sent to the GPU when they have changed; those that it updates live there."""

    def __init__(
        self, outputs: Sequence[Node], updates: Mapping[Leaf, Node], device: Device, target: Gpu | None = None
    ) -> None:
        self.device, self.target = device, target or Gpu(device.simulated)
        self._stepping: Steps | None = None
        super().__init__(outputs, updates)

    def _planned(self, outputs: Sequence[Node], updates: Mapping[Leaf, Node] | None) -> Whole:
        plan = planned(outputs, updates, self.target)
        self._arranged = arranged(plan.calls, plan.mark)
        self.stops = may_stop(plan)
        needed = room(plan, self._arranged[2], updates or (), self.stops)
        free = free_for(self.device, needed)
        if free is not None and needed > free:
            raise out_of_memory(needed, free)
        return plan

    def _memory_of(self, leaf: Leaf) -> Any:
        home = self._new(tuple(map(int, leaf.shape)), leaf.dtype)
        home[...] = 0
        return home

    def _new(self, shape: tuple[int, ...], dtype: Any) -> DeviceArray:
        return DeviceArray(self.device, shape, dtype)

    # Binding --------------------------------------------------------------------------------------------------------
    def _bind(self) -> None:
        """Give every buffer its place on the GPU, every call its kernel and its arguments."""
        self.status = np.zeros(6, np.int64)
        self._state = memoryview(self.status)
        self.refused = self._new((1,), np.dtype(np.int32))
        """Not 0 when a kernel has met data that it must not work with."""
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
        self._leaves = self._leaves_for(())
        self.sent: dict[Leaf, int] = {}
        """The moment of the value of each leaf that the GPU has."""
        self._lasting: dict[Leaf, np.ndarray] = {}
        """Of leaves that are given: the array that the GPU has, where nobody can change it."""
        self._kept, self.keeping = {}, None
        self._aside = self._copies() if self.stops else []
        """Leaves that it updates, and where their values are kept until it is known that no data are refused."""
        self.binding = Binding(self.plan, self.device, self._arranged, self.arrays, self.refused)
        self.pieces: list[list[Launch] | Call] = list(self.binding.pieces)  # type: ignore[assignment]
        if self.stops:
            begin: list[Launch] = [self._begin]
            joined = self.pieces and isinstance(self.pieces[0], list)
            self.pieces[: int(bool(joined))] = [[*begin, *self.pieces[0]] if joined else begin]  # type: ignore[misc]
        self.is_native = all(isinstance(piece, list) for piece in self.pieces)
        self.is_warm = False
        """Whether everything has been launched once by itself; from then on it is captured and launched as one."""
        self._captured: dict[int, Replay] = {}

    def _copies(self) -> list[tuple[Any, DeviceArray]]:
        """The homes of what it updates, and room for a copy of each."""
        return [(home.array, self._new(home.array.shape, home.array.dtype)) for home in self.homes.values()]

    def _of_leaf(self, leaf: Leaf) -> DeviceArray:
        if leaf in self.homes:
            return self.homes[leaf].array  # type: ignore[return-value]
        array = self._new(tuple(map(int, leaf.shape)), leaf.dtype)
        if leaf.role == "constant":
            array[...] = leaf._value
        return array

    # Running ----------------------------------------------------------------------------------------------------------
    def _run_once(self) -> list[np.ndarray] | None:
        outputs: list[np.ndarray] = []
        if not self.changes(lambda: outputs.extend(self._run_pieces())):
            return None
        for output in outputs:
            output.flags.writeable = False
        return outputs

    def _run_pieces(self) -> list[np.ndarray]:  # type: ignore[override]
        """All launches, and what they gave. What was sent is the caller's again when this has been waited for."""
        for at, piece in enumerate(self.pieces):
            if isinstance(piece, Call):
                self.fall_back(piece)
            elif self.is_warm:
                if at not in self._captured:
                    self._captured[at] = self.device.captured(piece)
                self._captured[at]()
            else:
                self.device.run(piece)
        self.is_warm = True
        results = [self.arrays[view.buffer] for view in self.plan.results]
        refused, *found = self.device.fetch_all([(each.memory, each.nbytes) for each in (self.refused, *results)])
        if self.stops and refused.view(np.int32)[0]:
            self.put_back()
            raise BadData
        return [one.view(each.dtype).reshape(each.shape) for one, each in zip(found, results)]

    def _begin(self) -> None:
        """What is launched before a step whose data may be refused."""
        self.device.clear(self.refused.memory, self.refused.nbytes)
        self.keep()

    def keep(self) -> None:
        """Keep what it updates aside."""
        for home, aside in self._aside:
            aside.take(home)

    def put_back(self) -> None:
        """Have what it updates as it was when it was kept aside."""
        for home, aside in self._aside:
            home.take(aside)

    def fall_back(self, call: Call) -> None:
        """Have numpy do a call on the processor."""
        self.binding.fall_back(call)

    def _leaves_for(self, inputs: tuple[Leaf, ...]) -> Leaves:
        return DeviceLeaves(self, inputs, self.given)

    def arrived(self, leaf: Leaf, moment: int) -> None:
        """The value that a leaf has of that moment on is on the GPU."""
        self._lasting.pop(leaf, None)
        self.sent[leaf] = moment

    def _take(self, leaves: Leaves, held: list[np.ndarray], arrays: Sequence[Any]) -> None:
        """Send what is given to the GPU."""
        taken = self._stepping is not None and arrays is self._stepping.batch
        for at, each in leaves.given:
            self.sent.pop(each.leaf, None)
            known = self._lasting.pop(each.leaf, None)
            # Batches are taken on the GPU, out of data that are there.
            if not taken:
                array = plain(each.leaf, arrays[at], each.shape, each.dtype)
                if known is None or not _same(known, array):
                    self.arrays[each.buffer][...] = array
                if constant(array) is not None:
                    self._lasting[each.leaf] = array

    def many_steps(
        self, inputs: tuple[Leaf, ...], arrays: Sequence[np.ndarray], batch: int
    ) -> Callable[[np.ndarray | None, int], Iterator[Stretch]] | None:
        """See Program.many_steps. The data are sent when the first step is asked for, and are on the GPU until the last."""
        if not self.is_native:
            return None

        def many(order: np.ndarray | None, count: int) -> Iterator[Stretch]:
            self._stepping = self._stepping or Steps(self, inputs, arrays, batch)
            return self._stepping.run(arrays, order, count)

        return many

    # Told -------------------------------------------------------------------------------------------------------------
    def elapsed(self, times: int) -> float:
        """Milliseconds that the GPU itself takes for so many runs on the values that it has; what they update is put back.
        To be asked for after a first call, which brings the values."""
        aside = self._copies()
        with self.lock:
            for home, kept in aside:
                kept.take(home)
            launches = [each for piece in self.pieces if isinstance(piece, list) for each in piece]
            run = self.device.captured(launches)
            try:
                return self.device.elapsed(run, times)
            finally:
                for home, kept in aside:
                    home.take(kept)
                self.device.wait()

    def report(self, inputs: Sequence[Leaf], names: Sequence[str | None]) -> PlanReport:
        """What the program does, to be read; `names` are those of the outputs."""
        from .report import report

        return report(self.plan, inputs, names, self.device)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays are the same numbers in the same memory."""
    return one.ctypes.data == other.ctypes.data and one.shape == other.shape and one.dtype == other.dtype
