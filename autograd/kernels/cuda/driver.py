"""The driver of an NVIDIA GPU: the C functions that it has had since CUDA 12, and what its errors are called.

They are called by ctypes and by no package, because a driver keeps its C functions for ever, and because here every argument
has the width that the driver expects. tests/autograd/cuda compares this page with NVIDIA's own header.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from ctypes import POINTER, byref, c_char_p, c_float, c_int, c_size_t, c_ubyte, c_uint, c_uint64, c_void_p
from functools import cache
from typing import TYPE_CHECKING, Any

from ...errors import NngraphError, OutOfDeviceMemory
from ...language import N_

SIGNATURES: dict[str, tuple[Any, ...]] = {
    "cuInit": (c_uint,),
    "cuDriverGetVersion": (POINTER(c_int),),
    "cuGetErrorName": (c_int, POINTER(c_char_p)),
    "cuGetErrorString": (c_int, POINTER(c_char_p)),
    "cuDeviceGetCount": (POINTER(c_int),),
    "cuDeviceGet": (POINTER(c_int), c_int),
    "cuDeviceGetName": (c_char_p, c_int, c_int),
    "cuDeviceGetAttribute": (POINTER(c_int), c_int, c_int),
    "cuDevicePrimaryCtxRetain": (POINTER(c_void_p), c_int),
    "cuCtxPushCurrent_v2": (c_void_p,),
    "cuCtxPopCurrent_v2": (POINTER(c_void_p),),
    "cuMemGetInfo_v2": (POINTER(c_size_t), POINTER(c_size_t)),
    "cuMemAlloc_v2": (POINTER(c_uint64), c_size_t),
    "cuMemFree_v2": (c_uint64,),
    "cuMemHostAlloc": (POINTER(c_void_p), c_size_t, c_uint),
    "cuMemcpyHtoDAsync_v2": (c_uint64, c_void_p, c_size_t, c_void_p),
    "cuMemcpyDtoHAsync_v2": (c_void_p, c_uint64, c_size_t, c_void_p),
    "cuMemcpyDtoDAsync_v2": (c_uint64, c_uint64, c_size_t, c_void_p),
    "cuMemsetD8Async": (c_uint64, c_ubyte, c_size_t, c_void_p),
    "cuModuleLoadDataEx": (POINTER(c_void_p), c_void_p, c_uint, POINTER(c_int), POINTER(c_void_p)),
    "cuModuleGetFunction": (POINTER(c_void_p), c_void_p, c_char_p),
    "cuFuncGetAttribute": (POINTER(c_int), c_int, c_void_p),
    "cuLaunchKernel": (c_void_p, *[c_uint] * 7, c_void_p, POINTER(c_void_p), POINTER(c_void_p)),
    "cuStreamCreate": (POINTER(c_void_p), c_uint),
    "cuStreamSynchronize": (c_void_p,),
    "cuStreamBeginCapture_v2": (c_void_p, c_int),
    "cuStreamEndCapture": (c_void_p, POINTER(c_void_p)),
    "cuGraphInstantiateWithFlags": (POINTER(c_void_p), c_void_p, c_uint64),
    "cuGraphUpload": (c_void_p, c_void_p),
    "cuGraphLaunch": (c_void_p, c_void_p),
    "cuGraphDestroy": (c_void_p,),
    "cuGraphExecDestroy": (c_void_p,),
    "cuEventCreate": (POINTER(c_void_p), c_uint),
    "cuEventRecord": (c_void_p, c_void_p),
    "cuEventSynchronize": (c_void_p,),
    "cuEventElapsedTime": (POINTER(c_float), c_void_p, c_void_p),
    "cuEventDestroy_v2": (c_void_p,),
}
"""Name in the library -> the types of the arguments; all give back an error number. An enumeration is an int."""

OUT_OF_MEMORY, DEINITIALIZED, INVALID_PTX, UNSUPPORTED_PTX = 2, 4, 218, 222
LOG_BUFFER, LOG_BYTES = 5, 6
"""Options of the driver's compiler: where it puts its complaints, and how many bytes there are."""
LOG = 4096
MOST_THREADS = 0
"""An attribute of a function: threads that a block of it may have."""
MAJOR, MINOR, PROCESSORS = 75, 76, 16
"""Attributes of a device."""
NON_BLOCKING, RELAXED = 1, 2
"""A stream that does not wait for those of others; a capture during which other threads may do what they like."""


class DriverError(NngraphError, RuntimeError):
    """The driver of the GPU has refused something."""

    @property
    def number(self) -> int:
        """The number of the error."""
        return int(self.fields["number"])


class Driver:
    """The functions of the driver by their names: `driver.cuInit(0)`. An error number becomes a DriverError."""

    def __init__(self, function: Callable[[str], Any]) -> None:
        """`function` gives the C function of a name, AttributeError where there is none."""
        for name, types in SIGNATURES.items():
            found = function(name)
            found.restype, found.argtypes = c_int, types
            if not name.startswith("cuGetError"):
                found.errcheck = self._checking(name)
            setattr(self, name, found)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def _checking(self, name: str) -> Callable[..., int]:
        """What ctypes does with the error number that a function gives back."""

        def check(number: int, function: Any, arguments: Any) -> int:
            if number:
                raise self.error(number, name)
            return number

        return check

    def error(self, number: int, function: str) -> NngraphError:
        """What is raised for an error number."""
        if number == OUT_OF_MEMORY:
            return OutOfDeviceMemory(N_("the GPU has no more memory: {function} was refused"), function=function)
        sentence = N_("the driver of the GPU refuses {function}: {what} ({name}, error {number})")
        return DriverError(
            sentence, number=number, function=function, what=self._text(self.cuGetErrorString, number),
            name=self._text(self.cuGetErrorName, number),
        )  # fmt: skip

    def _text(self, function: Any, number: int) -> str:
        found = c_char_p()
        return found.value.decode() if function(number, byref(found)) == 0 and found.value else "unknown"

    def number(self, function: Any, *arguments: Any, of: Any = c_int) -> Any:
        """The number that a function puts into its first argument."""
        found = of()
        function(byref(found), *arguments)
        return found.value


@cache
def library() -> Any:
    """The driver's library; OSError where there is none."""
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    return ctypes.CDLL(name)


@cache
def driver() -> Driver | None:
    """The driver of this machine; None where there is no driver or no GPU, whatever the reason."""
    try:
        found = Driver(lambda name: getattr(library(), name))
        found.cuInit(0)
        return found if found.number(found.cuDeviceGetCount) else None
    except (OSError, AttributeError, NngraphError):
        return None
