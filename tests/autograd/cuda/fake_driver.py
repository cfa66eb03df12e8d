"""A driver of a GPU that is not there. It is called as the real one is, through C and with the same types; it keeps memory, holds
every call against what the manual asks for, and does everything but run kernels: those it writes down."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from ctypes import CFUNCTYPE, c_int, c_uint8
from dataclasses import dataclass
from itertools import count
from typing import Any

from nngraph.autograd.kernels.cuda.driver import SIGNATURES, Driver
from nngraph.autograd.kernels.cuda.ptx import name_of, ptx_version, widths

CONTEXT = 0xC0
NUMBERS = {"CUDA_ERROR_INVALID_VALUE": 1, "CUDA_ERROR_OUT_OF_MEMORY": 2, "CUDA_ERROR_INVALID_CONTEXT": 201,
           "CUDA_ERROR_INVALID_PTX": 218, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION": 222,
           "CUDA_ERROR_INVALID_HANDLE": 400, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED": 900}  # fmt: skip
NAMES = {number: name for name, number in NUMBERS.items()}


class Refused(Exception):
    """What the driver answers with an error number."""


@dataclass
class Launched:
    """A launch as the driver has seen it; `values`: the bytes of every argument, as wide as the PTX says."""

    kernel: str
    blocks: tuple[int, int, int]
    threads: int
    shared: int
    values: tuple[int, ...]
    stream: int


class FakeDriver:
    """`driver` is what Hardware is given; the rest is for tests to look at."""

    def __init__(self, total: int = 1 << 30, newest_ptx: float = 9.0) -> None:
        self.total, self.newest_ptx, self.used = total, newest_ptx, 0
        self.live: dict[int, Any] = {}
        """Address -> memory that has not been freed."""
        self.contexts = threading.local()
        self.modules: dict[int, bytes] = {}
        self.functions: dict[int, bytes] = {}
        self.graphs: dict[int, list[Any]] = {}
        self.ready: dict[int, list[Any]] = {}
        self.capturing: dict[int, list[Any]] = {}
        self.streams: set[int] = set()
        self.events: dict[int, int] = {}
        self.launched: list[Launched] = []
        self.waits = self.sent = self.fetched = 0
        self.number = count(0x1000, 16)
        self.before: Callable[[Launched], None] = lambda launched: None
        """Called when a kernel would run."""
        self._kept = {name: CFUNCTYPE(c_int, *types)(self._answer(name)) for name, types in SIGNATURES.items()}
        self.driver = Driver(self._kept.__getitem__)

    def _answer(self, name: str) -> Callable[..., int]:
        what = getattr(self, name.removesuffix("_v2"))

        def answer(*arguments: Any) -> int:
            try:
                what(*arguments)
                return 0
            except Refused as error:
                return NUMBERS[str(error)]

        return answer

    def _in_context(self) -> None:
        if not getattr(self.contexts, "stack", []):
            raise Refused("CUDA_ERROR_INVALID_CONTEXT")

    def _new(self) -> int:
        return next(self.number)

    def _within(self, address: int, size: int) -> None:
        """Refused unless all these bytes lie in one memory that is alive."""
        if not any(start <= address and address + size <= start + len(memory) for start, memory in self.live.items()):
            raise Refused("CUDA_ERROR_INVALID_VALUE")

    def _stream(self, stream: int) -> int:
        self._in_context()
        if stream not in self.streams:
            raise Refused("CUDA_ERROR_INVALID_HANDLE")
        return stream

    def _not_capturing(self, stream: int) -> None:
        if self._stream(stream) in self.capturing:
            raise Refused("CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED")

    # The machine ------------------------------------------------------------------------------------------------------
    def cuInit(self, flags: int) -> None:
        assert flags == 0

    def cuDriverGetVersion(self, found: Any) -> None:
        found[0] = 13000

    def cuGetErrorName(self, number: int, found: Any) -> None:
        if number not in NAMES:
            raise Refused("CUDA_ERROR_INVALID_VALUE")
        found[0] = NAMES[number].encode()

    def cuGetErrorString(self, number: int, found: Any) -> None:
        found[0] = b"something is wrong"

    def cuDeviceGetCount(self, found: Any) -> None:
        found[0] = 1

    def cuDeviceGet(self, found: Any, number: int) -> None:
        found[0] = number

    def cuDeviceGetName(self, text: Any, size: int, device: int) -> None:
        assert size > 8

    def cuDeviceGetAttribute(self, found: Any, attribute: int, device: int) -> None:
        found[0] = {75: 9, 76: 0, 16: 132}[attribute]

    def cuDevicePrimaryCtxRetain(self, found: Any, device: int) -> None:
        found[0] = CONTEXT

    def cuCtxPushCurrent(self, context: int) -> None:
        assert context == CONTEXT
        self.contexts.stack = [*getattr(self.contexts, "stack", []), context]

    def cuCtxPopCurrent(self, found: Any) -> None:
        self._in_context()
        found[0] = self.contexts.stack.pop()

    # Memory -----------------------------------------------------------------------------------------------------------
    def cuMemGetInfo(self, free: Any, total: Any) -> None:
        self._in_context()
        free[0], total[0] = self.total - self.used, self.total

    def cuMemAlloc(self, found: Any, size: int) -> None:
        self._in_context()
        assert not self.capturing, "memory is had within a capture"
        if not size:
            raise Refused("CUDA_ERROR_INVALID_VALUE")
        if size > self.total - self.used:
            raise Refused("CUDA_ERROR_OUT_OF_MEMORY")
        block = (c_uint8 * (size + 256))()
        memory = (c_uint8 * size).from_buffer(block, -ctypes.addressof(block) % 256)
        ctypes.memset(memory, 0xFF, size)
        self.live[ctypes.addressof(memory)] = memory
        self.used += size
        found[0] = ctypes.addressof(memory)

    def cuMemHostAlloc(self, found: Any, size: int, flags: int) -> None:
        self._in_context()
        assert not self.capturing, "memory is had within a capture"
        self.host = (c_uint8 * size)()
        found[0] = ctypes.addressof(self.host)

    def cuMemFree(self, address: int) -> None:
        self._in_context()
        assert not self.capturing, "memory is freed within a capture"
        if address not in self.live:
            raise Refused("CUDA_ERROR_INVALID_VALUE")
        self.used -= len(self.live.pop(address))

    def cuMemcpyHtoDAsync(self, target: int, source: int, size: int, stream: int) -> None:
        self._not_capturing(stream)
        self._within(target, size)
        self.sent += size
        ctypes.memmove(target, source, size)

    def cuMemcpyDtoHAsync(self, target: int, source: int, size: int, stream: int) -> None:
        self._not_capturing(stream)
        self._within(source, size)
        self.fetched += size
        ctypes.memmove(target, source, size)

    def cuMemcpyDtoDAsync(self, target: int, source: int, size: int, stream: int) -> None:
        self._within(target, size)
        self._within(source, size)

        def copy(launched: Launched) -> None:
            ctypes.memmove(target, source, size)

        self._ask(Launched("copy", (1, 1, 1), 1, 0, (target, source, size), self._stream(stream)), copy)

    def cuMemsetD8Async(self, target: int, value: int, size: int, stream: int) -> None:
        self._within(target, size)

        def fill(launched: Launched) -> None:
            ctypes.memset(target, value, size)

        self._ask(Launched("fill", (1, 1, 1), 1, 0, (target, value, size), self._stream(stream)), fill)

    # Kernels ----------------------------------------------------------------------------------------------------------
    def cuModuleLoadDataEx(self, found: Any, image: int, count: int, options: Any, values: Any) -> None:
        self._in_context()
        assert not self.capturing, "a kernel is loaded within a capture"
        assert [options[at] for at in range(count)] == [5, 6]
        ptx = ctypes.string_at(image)
        if b".entry" not in ptx:
            ctypes.memmove(values[0], b"no entry\0", 9)
            raise Refused("CUDA_ERROR_INVALID_PTX")
        if float(ptx_version(ptx)) > self.newest_ptx:
            raise Refused("CUDA_ERROR_UNSUPPORTED_PTX_VERSION")
        found[0] = self._new()
        self.modules[found[0]] = ptx

    def cuModuleGetFunction(self, found: Any, module: int, name: bytes) -> None:
        self._in_context()
        assert name.decode() == name_of(self.modules[module])
        found[0] = self._new()
        self.functions[found[0]] = self.modules[module]

    def cuFuncGetAttribute(self, found: Any, attribute: int, function: int) -> None:
        assert function in self.functions
        found[0] = {0: 1024, 4: 32}[attribute]

    def cuLaunchKernel(
        self, function: int, x: int, y: int, z: int, threads: int, threads_y: int, threads_z: int, shared: int, stream: int,
        arguments: Any, extra: Any,
    ) -> None:  # fmt: skip
        assert threads_y == threads_z == 1
        assert not extra
        ptx = self.functions[function]
        sizes = widths(ptx)
        values = tuple(int.from_bytes(ctypes.string_at(arguments[at], size), "little") for at, size in enumerate(sizes))
        self._ask(Launched(name_of(ptx), (x, y, z), threads, shared, values, self._stream(stream)), self._arguments)

    def _arguments(self, launched: Launched) -> None:
        """An address that a kernel is given lies in memory that is alive when the kernel runs."""
        for value in launched.values:
            if 1 << 40 < value < 1 << 48:
                self._within(value, 1)
        self.launched.append(launched)
        self.before(launched)

    def _ask(self, launched: Launched, run: Callable[[Launched], None]) -> None:
        if launched.stream in self.capturing:
            self.capturing[launched.stream].append((launched, run))
        else:
            run(launched)

    # Streams, graphs, events ------------------------------------------------------------------------------------------
    def cuStreamCreate(self, found: Any, flags: int) -> None:
        self._in_context()
        assert flags == 1
        found[0] = self._new()
        self.streams.add(found[0])

    def cuStreamSynchronize(self, stream: int) -> None:
        self._not_capturing(stream)
        self.waits += 1

    def cuStreamBeginCapture(self, stream: int, mode: int) -> None:
        self._not_capturing(stream)
        assert mode == 2
        self.capturing[stream] = []

    def cuStreamEndCapture(self, stream: int, found: Any) -> None:
        self._stream(stream)
        found[0] = self._new()
        self.graphs[found[0]] = self.capturing.pop(stream)

    def cuGraphInstantiateWithFlags(self, found: Any, graph: int, flags: int) -> None:
        self._in_context()
        assert flags == 0
        found[0] = self._new()
        self.ready[found[0]] = self.graphs[graph]

    def cuGraphUpload(self, graph: int, stream: int) -> None:
        self._not_capturing(stream)
        assert graph in self.ready

    def cuGraphLaunch(self, graph: int, stream: int) -> None:
        self._not_capturing(stream)
        for launched, run in self.ready[graph]:
            run(launched)

    def cuGraphDestroy(self, graph: int) -> None:
        del self.graphs[graph]

    def cuGraphExecDestroy(self, graph: int) -> None:
        del self.ready[graph]

    def cuEventCreate(self, found: Any, flags: int) -> None:
        self._in_context()
        found[0] = self._new()
        self.events[found[0]] = 0

    def cuEventRecord(self, event: int, stream: int) -> None:
        self._not_capturing(stream)
        self.events[event] = len(self.launched)

    def cuEventSynchronize(self, event: int) -> None:
        assert event in self.events

    def cuEventElapsedTime(self, found: Any, first: int, last: int) -> None:
        found[0] = float(self.events[last] - self.events[first])

    def cuEventDestroy(self, event: int) -> None:
        del self.events[event]
