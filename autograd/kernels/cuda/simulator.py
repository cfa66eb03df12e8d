"""numba's simulator of a GPU, with shared memory that holds NaN before it is written, and with the limits of a GPU."""

from __future__ import annotations

import sys
import warnings
import weakref
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from threading import RLock
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import NngraphError, NoDevice
from ...language import N_
from .device import MOST_SHARED, Asked, Launch, Replay, free_for, interrupts_wait, out_of_memory, within_limits
from .words import function, names

if TYPE_CHECKING:
    from .gemm import Form


def poison(array: Any) -> None:
    """Numbers that nobody should read: NaN, or whole numbers far away."""
    kind = array.dtype.kind
    array[...] = np.nan if kind == "f" else True if kind == "b" else np.iinfo(array.dtype).max - 13


@cache
def prepare() -> None:
    """Have shared memory of the simulator begin as NaN, and refuse more of it than a block has."""
    from numba.cuda.np import numpy_support
    from numba.cuda.simulator import kernelapi

    def array(self: Any, shape: Any, dtype: Any, alignment: Any = None) -> Any:
        # The simulator tells arrays apart by the line of the kernel that asks for them: one on every line.
        frame = sys._getframe(1)
        line = frame.f_code.co_filename, frame.f_lineno
        found = self._allocations.get(line)
        if found is None:
            made = np.empty(shape, dtype if isinstance(dtype, type) else numpy_support.as_dtype(dtype))
            poison(made)
            found = self._allocations.setdefault(line, made)
            taken = sum(each.nbytes for each in self._allocations.values())
            if taken > MOST_SHARED:
                raise NngraphError(f"a kernel asks for {taken} bytes of shared memory; a block has {MOST_SHARED}")
        return found

    kernelapi.FakeCUDAShared.array = array


class Simulator:
    """See Device."""

    simulated = True
    limit: int | None = None
    """Bytes of memory that it pretends to have, for tests of what is said when there is not enough."""

    def __init__(self, cuda: Any) -> None:
        prepare()
        self.cuda, self.lock, self._kernels, self.used = cuda, RLock(), dict[str, Any](), 0

    def memory(self, size: int) -> Any:
        """See Device."""
        free = free_for(self, size)
        if free is not None and size > free:
            raise out_of_memory(size, free)
        self.used += size
        found = self.cuda.device_array(size, np.uint8)
        # NaN, or whole numbers far away: what nobody has written is not read.
        found._ary[...] = 255
        weakref.finalize(found, self._gone, size).atexit = False
        return found

    def _gone(self, size: int) -> None:
        self.used -= size

    def free(self) -> int | None:
        """See Device."""
        return None if self.limit is None else max(0, self.limit - self.used)

    def part(self, memory: Any, dtype: Any, first: int, count: int) -> Any:
        """See Device."""
        size = np.dtype(dtype).itemsize
        return memory[first * size : (first + count) * size].view(np.dtype(dtype))

    def send(self, memory: Any, start: int, numbers: np.ndarray) -> None:
        """See Device."""
        memory[start : start + numbers.nbytes].copy_to_device(numbers.reshape(-1).view(np.uint8))

    def fetch(self, memory: Any, start: int, size: int) -> np.ndarray:
        """See Device."""
        return np.array(memory[start : start + size].copy_to_host())

    def fetch_all(self, parts: Sequence[tuple[Any, int]]) -> list[np.ndarray]:
        """See Device."""
        return [self.fetch(memory, 0, size) for memory, size in parts]

    def move(self, target: Any, source: Any, size: int) -> None:
        """See Device."""
        self.send(target, 0, self.fetch(source, 0, size))

    def clear(self, memory: Any, size: int) -> None:
        """See Device."""
        self.send(memory, 0, np.zeros(size, np.uint8))

    def wait(self) -> None:
        """See Device."""

    def prepare(self, kernels: Iterable[Asked]) -> None:
        """See Device."""

    def kernel(self, text: str, kinds: Sequence[str], threads: int = 0) -> Launch:
        """See Device."""
        found = self._kernels.get(text)
        if found is None:
            found = self._kernels[text] = self.cuda.jit(function(text, names(self.cuda, True)))

        def launch(blocks: Sequence[int], threads: int, arguments: Sequence[Any]) -> None:
            within_limits(blocks, threads)
            with warnings.catch_warnings():
                # A GPU divides by zero without a word.
                warnings.simplefilter("ignore")
                found[tuple(blocks), threads](*arguments)

        return launch

    def library(self) -> None:
        """See Device."""
        raise NoDevice(N_("numba's simulator has no cuBLAS"))

    def gemm(self, form: Form) -> Callable[[Any, Any, Any], None]:
        """See Device."""
        raise NoDevice(N_("numba's simulator has no cuBLAS"))

    def run(self, launches: Sequence[Callable[[], None]]) -> None:
        """See Device."""
        with interrupts_wait():
            for launch in launches:
                launch()

    def captured(self, launches: Sequence[Callable[[], None]]) -> Replay:
        """See Device."""
        kept = tuple(launches)

        def replay(times: int = 1) -> None:
            for _ in range(times):
                self.run(kept)

        return replay

    def elapsed(self, run: Callable[[], None], times: int) -> float:
        """See Device: the time that the simulator takes, which says nothing of a GPU."""
        began = perf_counter()
        for _ in range(times):
            run()
        return 1e3 * (perf_counter() - began)
