"""Kernels run at once on numpy arrays: what a lowering asks of a plan, answered without one, for tests of kernels."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from nngraph.autograd.engines.compiled.calls import CHUNK, STATUS, STEP, Buffer, Scratch, View, row_major

ENTRY = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)


def filled(array: np.ndarray) -> View:
    """A view of an array, with its strides."""
    base = array if array.base is None else array.base
    strides = tuple(stride // array.itemsize for stride in array.strides)
    offset = (array.ctypes.data - base.ctypes.data) // array.itemsize
    return View(Buffer(base.nbytes, "given", base), array.dtype, array.shape, strides, offset)


def array_of(view: View) -> np.ndarray:
    """The numbers of a view as an array."""
    flat = np.frombuffer(view.buffer.owner, np.uint8) if view.buffer.owner.nbytes else np.empty(0, np.uint8)
    return np.ndarray(
        view.shape, view.dtype, flat, view.offset * view.dtype.itemsize,
        [stride * view.dtype.itemsize for stride in view.strides],
    )  # fmt: skip


class Immediate:
    """`new`, `dense` and `call` of a plan, done at once. `split` cuts every call that has a grain into chunks of so
    many rows, run last chunk first, because chunks may run in any order."""

    def __init__(self, split: int = 0) -> None:
        self.split, self.status = split, np.zeros(2, np.int64)
        self.kernels: list[str] = []

    def new(self, shape: Sequence[int], dtype: Any) -> View:
        """A dense view of fresh memory, filled with NaN (or garbage) so that what is not written shows."""
        array = np.empty(shape, dtype)
        array.fill(np.nan if array.dtype.kind == "f" else 113)
        return View(Buffer(array.nbytes, "arena", array), array.dtype, tuple(shape), row_major(shape))

    def dense(self, view: View) -> View:
        """The same numbers side by side."""
        if view.dense:
            return view
        return filled(np.array(array_of(view), order="C"))

    def fixed(self, array: np.ndarray) -> View:
        """Numbers that never change."""
        return filled(np.array(array, order="C"))

    def copy(self, source: View, target: View) -> None:
        """Copy numbers between views of one shape, with any strides."""
        array_of(target)[...] = array_of(source)

    def call(
        self, code: Any, words: Sequence[Any], reads: Sequence[View], writes: Sequence[View], *, rows: int = 1,
        grain: int | None = None, flops: int = 0, why: str = "", finish: int = 0,
    ) -> None:  # fmt: skip
        """Run the kernel now."""
        for view in (*reads, *writes):
            view.check()
        chunk = self.split if self.split and grain is not None else max(rows, 1)
        parts = -(-rows // chunk) if rows else 0
        kept, block = [], []
        for word in words:
            if isinstance(word, View):
                block.append(word.buffer.owner.ctypes.data + word.offset * word.dtype.itemsize)
            elif isinstance(word, Scratch):
                memory = np.full((word.bytes + 64) * max(parts, 1) + 64, 0xFF, np.uint8)
                kept.append(memory)
                block.append((memory.ctypes.data + 63) // 64 * 64)
            elif word is CHUNK:
                block.append(chunk)
            elif word is STATUS:
                block.append(self.status.ctypes.data)
            elif word is STEP:
                block.append(self.status.ctypes.data + 8)
            elif isinstance(word, float):
                block.append(int(np.float64(word).view(np.int64)))
            else:
                block.append(int(word))
        arguments = np.array(block, np.int64)
        self.kernels.append(getattr(code, "name", "loops"))
        function = ENTRY(code.address)
        for part in reversed(range(parts)):
            function(arguments.ctypes.data, part * chunk, min(rows, (part + 1) * chunk))
