"""Where CUDA kernels run: on a GPU, or in numba's simulator, which runs every thread of theirs as a thread of Python.

numba.cuda is one or the other for the whole of a process, and it is decided when it is first imported. So nothing here
imports it before an engine is asked for.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

from ...errors import NoDevice
from ...language import N_

MOST_THREADS = 1024
"""Threads in a block, on every GPU."""
MOST_SHARED = 48 << 10
"""Bytes of shared memory that a block may have without being asked for specially."""


@dataclass(frozen=True)
class Device:
    """numba.cuda, and whether it is the simulator."""

    cuda: Any
    simulated: bool


@cache
def simulator() -> Device:
    """numba's simulator; NoDevice where this process works with a GPU already."""
    if "numba.cuda" not in sys.modules:
        import numba

        # Not by the environment, which programs that this one starts would inherit.
        numba.config.ENABLE_CUDASIM = 1
    cuda = _imported()
    if not is_simulator():
        raise NoDevice(
            N_(
                "numba.cuda was loaded without its simulator; run this in a process of its own, or with NUMBA_ENABLE_CUDASIM=1"
            )
        )
    from . import simulator as twin

    twin.prepare()
    return Device(cuda, True)


@cache
def gpu() -> Device:
    """The GPU of this machine; NoDevice where there is none."""
    cuda = _imported()
    if is_simulator():
        raise NoDevice(N_('engine "cuda" needs a GPU, and this process simulates one (NUMBA_ENABLE_CUDASIM is set)'))
    if not cuda.is_available():
        raise NoDevice(
            N_(
                'engine "cuda" needs an NVIDIA GPU and its driver, and there is none here; engine "numba" computes on the processor'
            )
        )
    return Device(cuda, False)


def is_simulator() -> bool:
    """Whether numba.cuda, which has been imported, simulates."""
    import numba

    return bool(numba.config.ENABLE_CUDASIM)


def _imported() -> Any:
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
