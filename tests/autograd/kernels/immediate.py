"""Kernels run at once on numpy arrays: what a lowering asks of a plan, answered without one, for tests of kernels.

Every call works on copies with guards around them: a kernel that writes to a byte outside the views that it is said to write
is found there, and one that reads outside finds NaN.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from nngraph.autograd.engines.compiled.calls import CHUNK, STATUS, STEP, Buffer, Scratch, View, row_major
from nngraph.autograd.engines.compiled.target import PROCESSOR

AROUND = 256
"""Bytes before and behind every buffer: four of the largest vectors."""
GUARDS = (np.uint32(0xFFF00000) + np.arange((AROUND + 64) // 4, dtype=np.uint32)).view(np.uint8)
"""NaN in every float, and another one at every place, so that a NaN handed on from there shows, too."""
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


class Guarded:
    """A copy of a buffer's bytes that lies in memory as the buffer does, with guards before and behind."""

    def __init__(self, owner: np.ndarray) -> None:
        self.owner, size = owner, owner.nbytes
        self.before, self.bytes, self.behind = _guarded(size, owner.ctypes.data % 64)
        self.bytes[...] = _bytes(owner)
        self.address = self.bytes.ctypes.data

    def check(self, written: Sequence[View], name: str) -> None:
        """Guards, and what is in no view that is written, must be as they were; the rest goes back to the buffer."""
        assert _untouched(self.before), f"{name} writes before a buffer"
        assert _untouched(self.behind), f"{name} writes behind a buffer"
        mine = np.zeros(len(self.bytes), bool)
        for view in written:
            strides = [stride * view.dtype.itemsize for stride in view.strides]
            # An axis more, for the bytes of a number.
            offset, shape = view.offset * view.dtype.itemsize, (*view.shape, view.dtype.itemsize)
            if view.size:
                np.ndarray(shape, bool, mine, offset, [*strides, 1])[...] = True
        old = _bytes(self.owner)
        assert (self.bytes == old)[~mine].all(), f"{name} writes to what is in no view that it writes"
        if written:
            old[...] = self.bytes


def _guarded(size: int, after: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """So many bytes, `after` a multiple of 64, and the guards before and behind them."""
    memory = np.empty(size + 2 * AROUND + 64, np.uint8)
    first = AROUND + (after - memory.ctypes.data) % 64
    before, behind = memory[:first], memory[first + size :]
    for each in (before, behind):
        each[...] = GUARDS[: each.size]
    return before, memory[first : first + size], behind


def _untouched(guards: np.ndarray) -> bool:
    return bool((guards == GUARDS[: guards.size]).all())


def _bytes(array: np.ndarray) -> np.ndarray:
    """The bytes of an array that owns its memory, in the order in which they lie."""
    if not array.nbytes:
        return np.empty(0, np.uint8)
    return np.frombuffer((ctypes.c_uint8 * array.nbytes).from_address(array.ctypes.data), np.uint8)


class Immediate:
    """`new`, `dense` and `call` of a plan, done at once. `split` cuts every call that has a grain into chunks of so
    many rows, run last chunk first, because chunks may run in any order."""

    def __init__(self, split: int = 0) -> None:
        self.split, self.status = split, np.zeros(2, np.int64)
        self.threads, self.target = 2, PROCESSOR
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
        copies: dict[Buffer, Guarded] = {}
        for view in (*reads, *writes):
            if view.buffer not in copies:
                copies[view.buffer] = Guarded(view.buffer.owner)
        kept, block = [], []
        for word in words:
            if isinstance(word, View):
                assert word.buffer in copies, "a word is a view that is neither read nor written"
                block.append(copies[word.buffer].address + word.offset * word.dtype.itemsize)
            elif isinstance(word, Scratch):
                # As much as a program has: what is behind it must stay as it is, like what is around buffers.
                size = -(-word.bytes // 64) * 64 * max(parts, 1)
                before, memory, behind = _guarded(size)
                memory.fill(0xFF)
                kept += [before, behind]
                block.append(memory.ctypes.data)
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
        name = self.kernels[-1]
        assert all(map(_untouched, kept)), f"{name} writes outside its working memory"
        for buffer, copy in copies.items():
            copy.check([view for view in writes if view.buffer is buffer], name)
