"""Where CUDA kernels run: on a GPU, or in numba's simulator, which runs every thread of theirs as a thread of Python.

numba.cuda is one or the other for the whole of a process, and it is decided when it is first imported. So nothing here
imports it before an engine is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol

import numpy as np

from ...errors import NngraphError, NoDevice
from ...language import N_

Launch = Callable[[Sequence[int], int, Sequence[Any]], None]
"""(blocks, threads, arguments) -> the kernel is run."""

MOST_THREADS = 1024
"""Threads in a block, on every GPU."""
MOST_BLOCKS = (2**31 - 1, 65535, 65535)
MOST_SHARED = 48 << 10
"""Bytes of shared memory that a block may have without being asked for specially."""


class Device(Protocol):
    """A place where kernels run, and its memory: blocks of bytes, of which a kernel is given flat parts."""

    simulated: bool

    def memory(self, size: int) -> Any:
        """So many bytes."""

    def part(self, memory: Any, dtype: Any, first: int, count: int) -> Any:
        """Numbers of a memory, as a kernel is given them: `count` of them from number `first` on."""

    def send(self, memory: Any, start: int, numbers: np.ndarray) -> None:
        """Numbers that lie side by side into a memory, from byte `start` on."""

    def fetch(self, memory: Any, start: int, size: int) -> np.ndarray:
        """Bytes of a memory, on the processor."""

    def move(self, target: Any, source: Any, size: int) -> None:
        """The first bytes of one memory into another."""

    def kernel(self, text: str, kinds: Sequence[str]) -> Launch:
        """What launches the kernel of a text, whose arguments are of these kinds: "float32*", "uint32" …"""

    def captured(self, launches: Sequence[Callable[[], None]]) -> Callable[[], None]:
        """All these launches as one."""


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
                "numba.cuda was loaded without its simulator; run this in a process of its own, or with"
                " NUMBA_ENABLE_CUDASIM=1"
            )
        )
    from .simulator import Simulator

    return Simulator(cuda)


@cache
def gpu() -> Device:
    """The GPU of this machine; NoDevice where there is none."""
    cuda = numba_cuda()
    if is_simulator():
        raise NoDevice(N_('engine "cuda" needs a GPU, and this process simulates one (NUMBA_ENABLE_CUDASIM is set)'))
    if not cuda.is_available():
        raise NoDevice(
            N_(
                'engine "cuda" needs an NVIDIA GPU and its driver, and there is none here; engine "numba" computes on the'
                " processor"
            )
        )
    from .hardware import Hardware

    return Hardware()


def is_simulator() -> bool:
    """Whether numba.cuda, which has been imported, simulates."""
    import numba

    return bool(numba.config.ENABLE_CUDASIM)


def numba_cuda() -> Any:
    """numba.cuda of the package numba-cuda; numba has an older one of its own, which does not serve."""
    try:
        from numba import cuda
    except ImportError as error:
        raise NoDevice(
            N_("numba.cuda cannot be imported ({error}); install it with: pip install 'nngraph[cuda]'"),
            error=str(error),
        ) from None
    if "numba_cuda" not in str(cuda.__file__):
        raise NoDevice(
            N_(
                "numba.cuda is that of numba itself, which is too old; install the other with: pip install 'nngraph[cuda]'"
            )
        )
    return cuda


def within_limits(blocks: Sequence[int], threads: int) -> None:
    """NngraphError where a GPU could not launch so many."""
    if not 1 <= threads <= MOST_THREADS:
        raise NngraphError(f"a kernel was to be launched with {threads} threads in a block; 1 to {MOST_THREADS} can be")
    if any(not 1 <= count <= most for count, most in zip(blocks, MOST_BLOCKS)):
        raise NngraphError(f"a kernel was to be launched with {tuple(blocks)} blocks; at most {MOST_BLOCKS} can be")
