"""NVIDIA's library of matrix products, cuBLAS, reached through its C functions as the driver is; it is asked for by the engine
"cuda-cublas" and by nothing else.

Nothing on this page has run on a GPU yet; tests run it against functions of theirs that multiply on the processor.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator, Sequence
from ctypes import POINTER, byref, c_char_p, c_int, c_longlong, c_size_t, c_void_p
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...errors import NngraphError, NoDevice, OutOfDeviceMemory
from ...language import N_
from ...remedies import lacking
from .gemm import FUNCTIONS, Form

_PRODUCT = (
    c_void_p, c_int, c_int, c_int, c_int, c_int, c_void_p, c_void_p, c_int, c_longlong, c_void_p, c_int, c_longlong,
    c_void_p, c_void_p, c_int, c_longlong, c_int,
)  # fmt: skip
"""Handle; what is turned; m, n, k; alpha; A, how far its columns and its matrices are apart; the same of B; beta; C; count."""
SIGNATURES: dict[str, tuple[Any, ...]] = {
    "cublasCreate_v2": (POINTER(c_void_p),),
    "cublasSetStream_v2": (c_void_p, c_void_p),
    "cublasSetWorkspace_v2": (c_void_p, c_void_p, c_size_t),
    "cublasSetMathMode": (c_void_p, c_int),
    **dict.fromkeys(FUNCTIONS.values(), _PRODUCT),
}
"""Name in the library -> the types of the arguments; all give back a status. An enumeration is an int."""
ALLOC_FAILED, PEDANTIC = 3, 2
"""A status; the mode in which products of float32 are made of float32, whatever the environment says."""
VERSIONS = (13, 12)
NUMBERS = {"float32": ctypes.c_float, "float64": ctypes.c_double}
HOPPER = 90


def workspace(arch: str) -> int:
    """Bytes that the manual recommends for the library to work in (see cublasSetWorkspace there)."""
    return (32 if int(arch) >= HOPPER else 4) << 20


class CublasError(NngraphError, RuntimeError):
    """cuBLAS has refused something."""


class Cublas:
    """The library with a handle for each of several streams, all of which work in the same memory: streams of which only one
    is ever at work."""

    def __init__(self, function: Callable[[str], Any], streams: Sequence[c_void_p], address: int, size: int) -> None:
        """`function` gives the C function of a name. The handles are made here, so that nothing has memory in a capture."""
        self._functions: dict[str, Any] = {}
        for name, types in SIGNATURES.items():
            found = self._functions[name] = function(name)
            found.restype, found.argtypes = c_int, types
        self._handles = {stream.value: self._handle(stream, address, size) for stream in streams}
        self._alone = {name: (kind(0), kind(1)) for name, kind in NUMBERS.items()}
        """The numbers 0 and 1, whose addresses are given."""

    def _handle(self, stream: c_void_p, address: int, size: int) -> c_void_p:
        handle = c_void_p()
        self._call("cublasCreate_v2", byref(handle))
        self._call("cublasSetStream_v2", handle, stream)
        # After the stream, which takes a workspace away.
        self._call("cublasSetWorkspace_v2", handle, address, size)
        self._call("cublasSetMathMode", handle, PEDANTIC)
        return handle

    def multiply(self, stream: c_void_p, form: Form, a: int, b: int, c: int) -> None:
        """C := A·B in a stream, or C := A·B + C."""
        zero, one = self._alone[form.dtype]
        self._call(
            FUNCTIONS[form.dtype], self._handles[stream.value], int(form.a.turned), int(form.b.turned), form.m, form.n, form.k,
            ctypes.addressof(one), a, form.a.leading, form.a.step, b, form.b.leading, form.b.step,
            ctypes.addressof(one if form.add else zero), c, form.c.leading, form.c.step, form.count,
        )  # fmt: skip

    def _call(self, name: str, *arguments: Any) -> None:
        status = self._functions[name](*arguments)
        if status == ALLOC_FAILED:
            raise OutOfDeviceMemory(N_("the GPU has no more memory: {function} was refused"), function=name)
        if status:
            raise CublasError(N_("cuBLAS refuses {function}: status {status}"), function=name, status=status)


@cache
def library() -> Any:
    """The library; NoDevice where there is none."""
    for path in _places():
        try:
            return ctypes.CDLL(path)
        except OSError:
            continue
    raise NoDevice(lacking(N_("the library cuBLAS is not found"), "[cublas]"))


def functions(name: str) -> Any:
    """A C function of the library; NoDevice where there is no library."""
    return getattr(library(), name)


def _places() -> Iterator[str]:
    """Where the library may be: in the packages nvidia-cublas, then where the system looks."""
    names = [f"cublas64_{each}.dll" if sys.platform == "win32" else f"libcublas.so.{each}" for each in VERSIONS]
    package = find_spec("nvidia")
    for folder in map(Path, package.submodule_search_locations or () if package else ()):
        for name in names:
            yield from map(str, sorted(folder.glob(f"*/lib/{name}")) + sorted(folder.glob(f"*/bin/**/{name}")))
    yield from names
