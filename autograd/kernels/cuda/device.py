"""Where CUDA kernels run: on a GPU, or in numba's simulator, which runs every thread of theirs as a thread of Python.

numba.cuda is one or the other for the whole of a process, and it is decided when it is first imported. So nothing here
imports it before an engine is asked for.
"""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ...errors import NngraphError, NoDevice, OutOfDeviceMemory
from ...language import N_
from ...reason import Reason
from ...remedies import NO_NUMBA, NOT_INSTALLED, WITHOUT_A_GPU, lacking

if TYPE_CHECKING:
    from .gemm import Form

Launch = Callable[[Sequence[int], int, Sequence[Any]], None]
"""(blocks, threads, arguments) -> the kernel is run."""

Replay = Callable[..., None]
"""() or (times) -> what was captured is done, once or so many times."""

MOST_THREADS = 1024
"""Threads in a block, on every GPU."""
TF32_FROM = 80
"""The compute capability from which on tensor cores multiply TF32."""
MOST_BLOCKS = (2**31 - 1, 65535, 65535)
MOST_SHARED = 48 << 10
"""Bytes of shared memory that a block may have."""


@dataclass(frozen=True)
class Asked:
    """A kernel as it is asked for. `kinds`: what its arguments are, "float32*", "uint32" …; `threads`: how many threads a
    block of it has at most, 0 where that is not known."""

    text: str
    kinds: tuple[str, ...]
    threads: int = 0


class Device(Protocol):
    """A place where kernels run, and its memory: blocks of bytes, of which a kernel is given flat parts. What is asked of it
    is done in the order in which it is asked for; only what comes back to the processor is waited for."""

    simulated: bool
    lock: Any
    """Held while something is asked of the device, so that what two threads ask for does not get mixed up. A program that
    runs has a lock of its own, and holds this one only for what must not be interrupted: a run of launches, a capture."""

    def memory(self, size: int) -> Any:
        """So many bytes, free again when nobody has them any more; OutOfDeviceMemory where there are not so many."""

    def free(self) -> int | None:
        """How many bytes can be had; None where there is no end of them."""

    def part(self, memory: Any, dtype: Any, first: int, count: int) -> Any:
        """Numbers of a memory, as a kernel is given them: `count` of them from number `first` on."""

    def send(self, memory: Any, start: int, numbers: np.ndarray) -> None:
        """Numbers that lie side by side into a memory, from byte `start` on. They must not change before `wait`."""

    def fetch(self, memory: Any, start: int, size: int) -> np.ndarray:
        """Bytes of a memory, on the processor."""

    def fetch_all(self, parts: Sequence[tuple[Any, int]]) -> list[np.ndarray]:
        """The first bytes of several memories, so many of each, on the processor; waited for once."""

    def move(self, target: Any, source: Any, size: int) -> None:
        """The first bytes of one memory into another."""

    def clear(self, memory: Any, size: int) -> None:
        """Zeros into the first bytes of a memory."""

    def wait(self) -> None:
        """Until all that was asked for is done."""

    def prepare(self, kernels: Iterable[Asked]) -> None:
        """Have all these kernels compiled, several at once."""

    def kernel(self, text: str, kinds: Sequence[str], threads: int = 0) -> Launch:
        """What launches a kernel; see Asked."""

    def library(self) -> None:
        """Have cuBLAS ready to multiply; NoDevice where there is none."""

    def gemm(self, form: Form) -> Callable[[Any, Any, Any], None]:
        """What has cuBLAS do a product, given its A, B and C."""

    def run(self, launches: Sequence[Callable[[], None]]) -> None:
        """All these, one by one; a Ctrl-C in between waits until the last is asked for."""

    def captured(self, launches: Sequence[Callable[[], None]]) -> Replay:
        """All these launches as one, which can be launched many times in a row."""

    def elapsed(self, run: Callable[[], None], times: int) -> float:
        """Milliseconds that the device itself takes for `run` so many times, one after the other."""


@cache
def simulator() -> Device:
    """numba's simulator; NoDevice where this process works with a GPU already."""
    if "numba.cuda" not in sys.modules:
        import numba

        # Not by the environment, which programs that this one starts would inherit.
        numba.config.ENABLE_CUDASIM = 1
    cuda = numba_cuda()
    if not is_simulator():
        raise NoDevice(
            N_(
                "numba.cuda was loaded for a GPU in this process, and cannot simulate one there any more; begin anew"
                " (restart the notebook, or run the program again) and ask for engine cuda-simulator first"
            )
        )
    from .simulator import Simulator

    return Simulator(cuda)


@cache
def gpu() -> Device:
    """The GPU of this machine; NoDevice where there is none."""
    numba_cuda()
    if is_simulator():
        raise NoDevice(N_(
                'engine "cuda" needs a GPU, and this process simulates one: by NUMBA_ENABLE_CUDASIM, or because engine'
                " cuda-simulator was asked for before; restart the notebook, or run the program again"
            ))
    from .driver import driver
    from .hardware import Hardware

    found = driver()
    if found is None:
        needed = N_(
            'engine "cuda" needs an NVIDIA GPU and its driver, and there is none here; engine "numba" computes on the processor;'
            " {instead}"
        )
        raise NoDevice(Reason(needed, instead=WITHOUT_A_GPU))
    return Hardware(found)


def with_tensor_cores(device: Any) -> Device:
    """The GPU, if it has tensor cores that multiply TF32; NoDevice where it has none."""
    if int(device.arch) < TF32_FROM:
        raise NoDevice(
            N_(
                'engine "cuda-tf32" needs a GPU of compute capability 8.0 or more, and this one has {capability}; engine'
                ' "cuda" computes on it, in float32'
            ),
            capability=f"{device.arch[:-1]}.{device.arch[-1]}",
        )
    return device  # type: ignore[no-any-return]


def with_cublas(device: Any) -> Device:
    """The GPU with NVIDIA's library of products ready; NoDevice where there is none."""
    device.library()
    return device  # type: ignore[no-any-return]


def is_simulator() -> bool:
    """Whether numba.cuda, which has been imported, simulates."""
    import numba

    return bool(numba.config.ENABLE_CUDASIM)


def numba_cuda() -> Any:
    """numba.cuda of the package numba-cuda; numba has an older one of its own, which does not serve."""
    if not hasattr(np, "row_stack"):
        # numba-cuda names it when it compiles its first kernel; numpy 2.5 has it no more under this, its second name.
        np.row_stack = np.vstack  # type: ignore[attr-defined]
    if find_spec("numba") is None:
        raise NoDevice(lacking(NO_NUMBA, "[cuda]"))
    if find_spec("numba_cuda") is None:
        raise NoDevice(lacking(NOT_INSTALLED, "[cuda]"))
    try:
        from numba import cuda
    except ImportError as error:
        why = Reason(N_("numba.cuda cannot be imported ({error})"), error=str(error))
        raise NoDevice(lacking(why, "[cuda]")) from None
    if "numba_cuda" not in str(cuda.__file__):
        # numba-cuda takes the place of numba's own by a file that Python reads only in its own folders.
        raise NoDevice(
            lacking(N_("numba-cuda was found in a folder where it cannot take the place of numba's own numba.cuda"), "[cuda]")
        )
    return cuda


def within_limits(blocks: Sequence[int], threads: int) -> None:
    """NngraphError where a GPU could not launch so many."""
    if not 1 <= threads <= MOST_THREADS:
        raise NngraphError(f"a kernel was to be launched with {threads} threads in a block; 1 to {MOST_THREADS} can be")
    if any(not 1 <= count <= most for count, most in zip(blocks, MOST_BLOCKS)):
        raise NngraphError(f"a kernel was to be launched with {tuple(blocks)} blocks; at most {MOST_BLOCKS} can be")


def free_for(device: Device, needed: int) -> int | None:
    """What `device.free` says when so many bytes are needed. Programs are parts of cycles: the memory of those that nobody has
    any more comes back when Python looks for such."""
    found = device.free()
    if found is not None and found < needed:
        gc.collect()
        found = device.free()
    return found


def out_of_memory(asked: int, free: int) -> OutOfDeviceMemory:
    """The error that says what was asked for and what there is."""
    from ...report_text import short

    error = OutOfDeviceMemory(
        N_("{asked} of the GPU's memory are needed, and {free} are free"),
        asked=short(asked, "B"),
        free=short(free, "B"),
    )
    error.asked, error.free = asked, free
    return error


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """A Ctrl-C within comes at the end: half of a step is never left."""
    before = signal.getsignal(signal.SIGINT)
    # None: a handler that Python has not set, and so cannot set again.
    if current_thread() is not main_thread() or before is None:
        yield
        return
    came: list[Any] = []
    try:
        signal.signal(signal.SIGINT, lambda *what: came.append(what))
    except ValueError:  # an interpreter inside another has no signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came and callable(before):
            before(*came[0])
