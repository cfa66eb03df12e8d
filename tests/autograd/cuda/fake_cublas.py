"""A cuBLAS that is not there: called through C with the same types, it multiplies on the processor in memory of the fake driver,
matrices column by column as BLAS defines it, and holds every call against the manual."""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, c_int
from typing import Any

import numpy as np
from nngraph.autograd.kernels.cuda.cublas import SIGNATURES

from .fake_driver import FakeDriver, Launched, Refused


class FakeCublas:
    """`functions` takes the place of the library's; the rest is for tests to look at."""

    def __init__(self, driver: FakeDriver, failing: int = 0) -> None:
        self.driver, self.failing = driver, failing
        self.streams: dict[int, int] = {}
        self.workspaces: dict[int, tuple[int, int]] = {}
        self.modes: dict[int, int] = {}
        self.done = 0
        kinds = {"cublasSgemmStridedBatched": ctypes.c_float, "cublasDgemmStridedBatched": ctypes.c_double}

        def of(name: str) -> Any:
            if name in kinds:
                return lambda *arguments: self._answer(lambda: self._multiply(kinds[name], *arguments))
            return lambda *arguments: self._answer(lambda: getattr(self, name.removesuffix("_v2"))(*arguments))

        self._kept = {name: CFUNCTYPE(c_int, *types)(of(name)) for name, types in SIGNATURES.items()}

    def functions(self, name: str) -> Any:
        return self._kept[name]

    def _answer(self, run: Any) -> int:
        try:
            self.driver._in_context()
            run()
            return self.failing
        except (Refused, AssertionError):
            return 7

    def cublasCreate(self, found: Any) -> None:
        assert not self.driver.capturing, "a handle has memory"
        found[0] = self.driver._new()
        self.streams[found[0]] = 0

    def cublasSetStream(self, handle: int, stream: int) -> None:
        self.streams[handle] = self.driver._stream(stream)
        self.workspaces.pop(handle, None)

    def cublasSetWorkspace(self, handle: int, address: int, size: int) -> None:
        assert self.streams[handle]
        assert address % 256 == 0
        self.driver._within(address, size)
        self.workspaces[handle] = address, size

    def cublasSetMathMode(self, handle: int, mode: int) -> None:
        assert handle in self.streams
        self.modes[handle] = mode

    def _multiply(
        self, kind: Any, handle: int, turn_a: int, turn_b: int, m: int, n: int, k: int, alpha: int, a: int, lda: int,
        step_a: int, b: int, ldb: int, step_b: int, beta: int, c: int, ldc: int, step_c: int, count: int,
    ) -> None:  # fmt: skip
        assert handle in self.workspaces, "memory would be had within a capture"
        # Read when the function is called, not when the product is done.
        by, keep = (kind.from_address(each).value for each in (alpha, beta))

        def run(launched: Launched) -> None:
            for each in range(count):
                left = self._matrix(kind, a, each * step_a, lda, (m, k), turn_a)
                right = self._matrix(kind, b, each * step_b, ldb, (k, n), turn_b)
                result = self._matrix(kind, c, each * step_c, ldc, (m, n), 0)
                # What is not kept is not read.
                result[...] = by * (left @ right) + (keep * result if keep else 0)
            self.done += 1

        assert ldc >= m
        assert lda >= (k if turn_a else m)
        assert ldb >= (n if turn_b else k)
        self.driver._ask(Launched("gemm", (1, 1, 1), 1, 0, (a, b, c), self.streams[handle]), run)

    def _matrix(self, kind: Any, address: int, first: int, leading: int, shape: tuple[int, int], turned: int) -> np.ndarray:
        """The numbers of a matrix, element (i, j) of the stored one at i + j·leading."""
        rows, columns = shape[::-1] if turned else shape
        size, last = ctypes.sizeof(kind), rows - 1 + (columns - 1) * leading
        self.driver._within(address + first * size, (last + 1) * size)
        numbers = np.ctypeslib.as_array((kind * (last + 1)).from_address(address + first * size))
        stored = np.lib.stride_tricks.as_strided(numbers, (rows, columns), (size, leading * size))
        return stored.T if turned else stored
