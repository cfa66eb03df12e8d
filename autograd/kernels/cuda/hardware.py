"""A GPU, reached through its driver's C functions: kernels are PTX that numba.cuda has written, arguments are bare addresses
and numbers of the width that the PTX declares.

Nothing on this page has run on a GPU yet; tests run it against a driver of theirs that checks what it is given.
"""

from __future__ import annotations

import ctypes
import gc
import os
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from ctypes import byref, c_char, c_float, c_int, c_size_t, c_uint64, c_void_p
from functools import partial
from itertools import accumulate
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import NngraphError, NoDevice, OutOfDeviceMemory
from ...language import N_
from . import driver as c
from .device import Asked, Launch, Replay, interrupts_wait, out_of_memory, within_limits
from .driver import Driver, DriverError
from .ptx import Source, name_of, ptx_version, widths, write_all

if TYPE_CHECKING:
    from .cublas import Cublas
    from .gemm import Form

WIDTHS: dict[str, Any] = {
    "float32": ctypes.c_float, "float64": ctypes.c_double, "bool": ctypes.c_uint8,
    **{f"{sign}int{bits}": getattr(ctypes, f"c_{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip
"""Kind of an argument that is a number -> how it lies in memory; every array is an address of 64 bits."""

STAGED = 1 << 20
"""Bytes that are fetched together through memory of the processor that stays where it is."""
HELD = 1 << 26
"""Bytes of the processor's memory that may wait for being sent, before they are waited for."""


class Memory:
    """Bytes of the GPU, from `address` on. They are free again when this object is gone."""

    __slots__ = ("__weakref__", "address", "size")

    def __init__(self, address: int, size: int) -> None:
        self.address, self.size = address, size


class Hardware:
    """See Device. Everything goes into one stream, in the context that numba, CuPy and PyTorch use too."""

    simulated = False

    def __init__(self, driver: Driver, number: int = 0) -> None:
        self.driver, self.lock, self._here = driver, RLock(), os.getpid()
        device = driver.number(driver.cuDeviceGet, number)
        self._context = c_void_p(driver.number(driver.cuDevicePrimaryCtxRetain, device, of=c_void_p))
        attribute = partial(driver.number, driver.cuDeviceGetAttribute)
        self.arch = f"{attribute(c.MAJOR, device)}{attribute(c.MINOR, device)}"
        self.processors = attribute(c.PROCESSORS, device)
        self.version = driver.number(driver.cuDriverGetVersion)
        name = ctypes.create_string_buffer(256)
        driver.cuDeviceGetName(name, len(name), device)
        self.name = name.value.decode(errors="replace")
        self._kernels: dict[Asked, Launch] = {}
        self._dying: deque[int] = deque()
        """Memory that nobody has any more, to be freed as soon as no capture would be hurt by that."""
        self._sent: list[np.ndarray] = []
        self._capturing = False
        self._staging: np.ndarray | None = None
        with self._current():
            self._stream = c_void_p(driver.number(driver.cuStreamCreate, c.NON_BLOCKING, of=c_void_p))
            self._aside = c_void_p(driver.number(driver.cuStreamCreate, c.NON_BLOCKING, of=c_void_p))
        self._cublas: Cublas | None = None
        self._onto = self._stream
        """Where launches go: the stream, or the one that is being captured."""

    @contextmanager
    def _current(self) -> Iterator[None]:
        """The GPU's context is the current one of this thread, and afterwards again the one that was."""
        if os.getpid() != self._here:
            raise NoDevice(
                N_(
                    "a GPU cannot be used by a process that was forked from one that uses it; start processes by"
                    ' multiprocessing.get_context("spawn")'
                )
            )
        with self.lock:
            self.driver.cuCtxPushCurrent_v2(self._context)
            try:
                yield
            finally:
                self.driver.cuCtxPopCurrent_v2(byref(c_void_p()))

    # Memory -----------------------------------------------------------------------------------------------------------
    def memory(self, size: int) -> Memory:
        """See Device."""
        address = self._had(size)
        if not address:
            # Programs that nobody has any more are cycles, whose memory comes back when Python looks for them.
            gc.collect()
            address = self._had(size)
        if not address:
            raise out_of_memory(size, self.free() or 0)
        found = Memory(address, size)
        weakref.finalize(found, self._gone, address).atexit = False
        return found

    def _had(self, size: int) -> int:
        """The address of so many bytes; 0 where there are not so many."""
        with self._current():
            self._bury()
            try:
                return int(self.driver.number(self.driver.cuMemAlloc_v2, size, of=c_uint64))
            except OutOfDeviceMemory:
                return 0

    def _gone(self, address: int) -> None:
        """Called when a memory is garbage, on whatever line that happens to be noticed."""
        self._dying.append(address)
        if os.getpid() == self._here and not self._capturing and self.lock.acquire(blocking=False):
            try:
                with suppress(DriverError), self._current():
                    self._bury()
            finally:
                self.lock.release()

    def _bury(self) -> None:
        if self._capturing or not self._dying:
            return
        # What was asked for may use it still.
        self.driver.cuStreamSynchronize(self._stream)
        while self._dying:
            self.driver.cuMemFree_v2(self._dying.popleft())

    def free(self) -> int | None:
        """See Device."""
        with self._current():
            self._bury()
            found, total = c_size_t(), c_size_t()
            self.driver.cuMemGetInfo_v2(byref(found), byref(total))
            return found.value

    def part(self, memory: Memory, dtype: Any, first: int, count: int) -> int:
        """See Device."""
        size = np.dtype(dtype).itemsize
        if (first + count) * size > memory.size:
            raise NngraphError(f"a kernel would be given {count} numbers from {first} on of {memory.size} bytes")
        return memory.address + first * size

    def send(self, memory: Memory, start: int, numbers: np.ndarray) -> None:
        """See Device."""
        if not numbers.nbytes:
            return
        with self._current():
            self.driver.cuMemcpyHtoDAsync_v2(memory.address + start, numbers.ctypes.data, numbers.nbytes, self._stream)
            # Alive until the copy is done, which may be after the next line of the caller.
            self._sent.append(numbers)
            if sum(each.nbytes for each in self._sent) > HELD:
                self.wait()

    def fetch(self, memory: Memory, start: int, size: int) -> np.ndarray:
        """See Device."""
        found = np.empty(size, np.uint8)
        with self._current():
            if size:
                self.driver.cuMemcpyDtoHAsync_v2(found.ctypes.data, memory.address + start, size, self._stream)
            self.wait()
        return found

    def fetch_all(self, parts: Sequence[tuple[Memory, int]]) -> list[np.ndarray]:
        """See Device. What is not much goes through memory that the driver need not wait for."""
        if sum(size for _, size in parts) > STAGED:
            return [self.fetch(memory, 0, size) for memory, size in parts]
        with self._current():
            if self._staging is None:
                place = self.driver.number(self.driver.cuMemHostAlloc, STAGED, 0, of=c_void_p)
                self._staging = np.ctypeslib.as_array((ctypes.c_uint8 * STAGED).from_address(place))
            starts = [0, *accumulate(size for _, size in parts)]
            for (memory, size), start in zip(parts, starts):
                if size:
                    target = self._staging.ctypes.data + start
                    self.driver.cuMemcpyDtoHAsync_v2(target, memory.address, size, self._stream)
            self.wait()
            return [self._staging[start : start + size].copy() for (_, size), start in zip(parts, starts)]

    def move(self, target: Memory, source: Memory, size: int) -> None:
        """See Device."""
        if size:
            with self._current():
                self.driver.cuMemcpyDtoDAsync_v2(target.address, source.address, size, self._onto)

    def clear(self, memory: Memory, size: int) -> None:
        """See Device."""
        with self._current():
            self.driver.cuMemsetD8Async(memory.address, 0, size, self._onto)

    def wait(self) -> None:
        """See Device."""
        with self._current():
            self.driver.cuStreamSynchronize(self._stream)
            self._sent.clear()

    # Kernels ----------------------------------------------------------------------------------------------------------
    def prepare(self, kernels: Iterable[Asked]) -> None:
        """See Device."""
        wanted = [each for each in dict.fromkeys(kernels) if each not in self._kernels]
        write_all(Source(each.text, each.kinds, self.arch, each.threads) for each in wanted)

    def kernel(self, text: str, kinds: Sequence[str], threads: int = 0) -> Launch:
        """See Device."""
        asked = Asked(text, tuple(kinds), threads)
        with self._current():
            found = self._kernels.get(asked)
            if found is None:
                found = self._kernels[asked] = self._loaded(asked)
            return found

    def _loaded(self, asked: Asked) -> Launch:
        """The kernel in the GPU's memory, ready to be launched: nothing of it is left to be done within a capture."""
        driver, source = self.driver, Source(asked.text, asked.kinds, self.arch, asked.threads)
        ptx = source.ptx()
        try:
            module = self._module(ptx)
        except DriverError as error:
            if error.number not in (c.INVALID_PTX, c.UNSUPPORTED_PTX):
                raise
            # Another toolkit may have written it.
            ptx = source.write()
            try:
                module = self._module(ptx)
            except DriverError as again:
                if again.number != c.UNSUPPORTED_PTX:
                    raise
                raise self._unknown_ptx(ptx) from None
        types = [ctypes.c_uint64 if kind.endswith("*") else WIDTHS[kind] for kind in asked.kinds]
        if [ctypes.sizeof(each) for each in types] != widths(ptx):
            raise NngraphError(f"a kernel of {asked.kinds} was compiled to take {widths(ptx)} bytes")
        function = c_void_p(driver.number(driver.cuModuleGetFunction, module, name_of(ptx).encode(), of=c_void_p))
        most = driver.number(driver.cuFuncGetAttribute, c.MOST_THREADS, function)
        return partial(self._launch, function, types, most)

    def _module(self, ptx: bytes) -> c_void_p:
        """The driver's compiler on a PTX text. What it complains about is part of the error."""
        log = (c_char * c.LOG)()
        options = (c_int * 2)(c.LOG_BUFFER, c.LOG_BYTES)
        values = (c_void_p * 2)(ctypes.addressof(log), c.LOG)
        module = c_void_p()
        try:
            self.driver.cuModuleLoadDataEx(byref(module), ptx + b"\0", 2, options, values)
        except DriverError as error:
            if log.value:
                error.fields["what"] = f"{error.fields['what']}; {log.value.decode(errors='replace').strip()}"
            raise
        return module

    def _unknown_ptx(self, ptx: bytes) -> NoDevice:
        major, rest = divmod(self.version, 1000)
        return NoDevice(
            N_(
                "numba.cuda writes PTX {version}, and the driver of this GPU, which is of CUDA {cuda}, does not know that;"
                " install a newer driver, or the compiler of its CUDA: pip install 'nvidia-nvvm=={cuda}.*'"
            ),
            version=ptx_version(ptx), cuda=f"{major}.{rest // 10}",
        )  # fmt: skip

    def _launch(
        self, function: c_void_p, types: Sequence[Any], most: int, blocks: Sequence[int], threads: int, arguments: Sequence[Any]
    ) -> None:
        within_limits(blocks, threads)
        if threads > most:
            raise NngraphError(f"a kernel was to be launched with {threads} threads in a block; its registers allow {most}")
        if len(arguments) != len(types):
            raise NngraphError(f"a kernel takes {len(types)} arguments and is given {len(arguments)}")
        values = [kind(value.item() if isinstance(value, np.generic) else value) for kind, value in zip(types, arguments)]
        places = (c_void_p * len(values))(*map(ctypes.addressof, values))
        x, y, z = (*blocks, 1, 1)[:3]
        with self._current():
            self.driver.cuLaunchKernel(function, x, y, z, threads, 1, 1, 0, self._onto, places, None)

    # Products by cuBLAS -----------------------------------------------------------------------------------------------
    def library(self) -> None:
        """See Device."""
        from . import cublas

        with self._current():
            if self._cublas is None:
                cublas.functions("cublasCreate_v2")
                size = cublas.workspace(self.arch)
                self._workspace = self.memory(size)
                streams = self._stream, self._aside
                self._cublas = cublas.Cublas(cublas.functions, streams, self._workspace.address, size)

    def gemm(self, form: Form) -> Callable[[int, int, int], None]:
        """See Device."""
        self.library()
        return partial(self._gemm, form)

    def _gemm(self, form: Form, a: int, b: int, c: int) -> None:
        with self._current():
            assert self._cublas is not None
            self._cublas.multiply(self._onto, form, a, b, c)

    # Many launches ----------------------------------------------------------------------------------------------------
    def run(self, launches: Sequence[Callable[[], None]]) -> None:
        """See Device."""
        with self._current(), interrupts_wait():
            for launch in launches:
                launch()

    def captured(self, launches: Sequence[Callable[[], None]]) -> Replay:
        """See Device. Kernels have been loaded before, and memory is neither had nor freed meanwhile."""
        driver, graph = self.driver, c_void_p()
        with self._current(), interrupts_wait():
            try:
                self._record(launches, graph)
                made = Graph(driver.number(driver.cuGraphInstantiateWithFlags, graph, 0, of=c_void_p))
            finally:
                if graph:
                    # What went wrong before says more than what goes wrong here.
                    with suppress(NngraphError):
                        driver.cuGraphDestroy(graph)
            weakref.finalize(made, self._graph_gone, made.address).atexit = False
            driver.cuGraphUpload(made.address, self._stream)
        return partial(self._replay, made)

    def _record(self, launches: Sequence[Callable[[], None]], graph: c_void_p) -> None:
        """The launches into a graph, also where one of them fails: a capture has to be ended."""
        driver = self.driver
        # Not on the stream itself: what other threads ask for must not become part of it.
        driver.cuStreamBeginCapture_v2(self._aside, c.RELAXED)
        self._onto, self._capturing = self._aside, True
        try:
            for launch in launches:
                launch()
        except BaseException:
            with suppress(NngraphError):
                driver.cuStreamEndCapture(self._aside, byref(graph))
            raise
        else:
            driver.cuStreamEndCapture(self._aside, byref(graph))
        finally:
            self._onto, self._capturing = self._stream, False

    def _replay(self, graph: Graph, times: int = 1) -> None:
        launch, address, stream = self.driver.cuGraphLaunch, graph.address, self._stream
        with self._current():
            for _ in range(times):
                launch(address, stream)

    def _graph_gone(self, address: int) -> None:
        if os.getpid() == self._here:
            # A graph that runs is taken away by the driver when it is done.
            with suppress(DriverError):
                self.driver.cuGraphExecDestroy(address)

    def elapsed(self, run: Callable[[], None], times: int) -> float:
        """See Device."""
        driver = self.driver
        with self._current():
            began, ended = (c_void_p(driver.number(driver.cuEventCreate, 0, of=c_void_p)) for _ in range(2))
            try:
                driver.cuEventRecord(began, self._stream)
                for _ in range(times):
                    run()
                driver.cuEventRecord(ended, self._stream)
                driver.cuEventSynchronize(ended)
                return float(driver.number(driver.cuEventElapsedTime, began, ended, of=c_float))
            finally:
                driver.cuEventDestroy_v2(began)
                driver.cuEventDestroy_v2(ended)


class Graph:
    """Launches that the driver replays as one."""

    __slots__ = ("__weakref__", "address")

    def __init__(self, address: int) -> None:
        self.address = address
