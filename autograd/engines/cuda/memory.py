"""Memory of a GPU: one arena for what a program computes, an array for every leaf, constant and result."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from math import prod
from typing import Any

import numpy as np

from ...errors import OutOfDeviceMemory
from ...kernels.cuda.arguments import highest, lowest
from ...kernels.cuda.device import Device
from ...language import N_
from ...node import Leaf
from ..compiled.calls import STATUS, Buffer, Fallback, View, every_call
from ..compiled.planning.whole import Whole

LEAST = 256
"""Bytes of the smallest memory, so that every one has an address."""
PIECE = 512
"""A memory is had in multiples of so many bytes."""


class DeviceArray:
    """An array of the GPU as storage knows it: it can be copied to the processor and written as a whole."""

    def __init__(self, device: Device, shape: tuple[int, ...], dtype: Any) -> None:
        self.device, self.shape, self.dtype = device, shape, np.dtype(dtype)
        self.nbytes = prod(shape) * self.dtype.itemsize
        self.memory = device.memory(max(self.nbytes, LEAST))

    def flat(self, dtype: Any, first: int, count: int) -> Any:
        """Numbers side by side, as a kernel is given them."""
        return self.device.part(self.memory, dtype, first, count)

    def copy(self) -> np.ndarray:
        """The numbers, on the processor."""
        return self.device.fetch(self.memory, 0, self.nbytes).view(self.dtype).reshape(self.shape)

    def take(self, other: DeviceArray) -> None:
        """The numbers of another array of the same shape."""
        self.device.move(self.memory, other.memory, self.nbytes)

    def begin(self, numbers: np.ndarray) -> None:
        """These numbers at its beginning, side by side."""
        self.device.send(self.memory, 0, numbers)

    def __setitem__(self, _: Any, value: Any) -> None:
        if self.nbytes:
            numbers = np.broadcast_to(np.asarray(value, self.dtype), self.shape)
            self.device.send(self.memory, 0, np.ascontiguousarray(numbers))


class Place:
    """A view's numbers in an array of the GPU, from the lowest to the highest; `start`: bytes before the view's buffer."""

    def __init__(self, array: DeviceArray, view: View, start: int = 0) -> None:
        self.array, self.view = array, view
        self.first = start // view.dtype.itemsize + lowest(view)
        self.count = highest(view) - lowest(view) + 1 if view.size else 0

    @property
    def argument(self) -> Any:
        """What a kernel is given."""
        return self.array.flat(self.view.dtype, self.first, self.count)

    def seen(self, flat: np.ndarray) -> np.ndarray:
        """Numbers from the lowest to the highest as the view sees them."""
        size = self.view.dtype.itemsize
        first = (self.view.offset - lowest(self.view)) * size if self.count else 0
        return np.ndarray(self.view.shape, self.view.dtype, flat, first, [by * size for by in self.view.strides])

    def fetched(self) -> np.ndarray:
        """A copy on the processor, flat."""
        size = self.view.dtype.itemsize
        return self.array.device.fetch(self.array.memory, self.first * size, self.count * size).view(self.view.dtype)

    def send(self, flat: np.ndarray) -> None:
        """Numbers from the lowest to the highest to the GPU."""
        self.array.device.send(self.array.memory, self.first * self.view.dtype.itemsize, flat)


# How much --------------------------------------------------------------------------------------------------------------
def room(plan: Whole, arena: int, updated: Iterable[Leaf], twice: bool) -> int:
    """Bytes that a plan needs on the GPU. `twice`: whether what it updates is kept aside while it runs."""
    size = {leaf: prod(map(int, leaf.shape)) * leaf.dtype.itemsize for leaf in [*plan.leaves, *updated]}
    constants = {
        view.buffer: view.buffer.owner.nbytes
        for _, call in every_call(plan.calls)
        for part in call.parts
        for view in part.reads
        if isinstance(view.buffer, Buffer) and isinstance(view.buffer.owner, np.ndarray)
    }
    kept = [size[leaf] for leaf in updated] if twice else []
    sizes = [arena, *size.values(), *kept, *(view.bytes for view in plan.results), *constants.values(), LEAST]
    return sum(-(-max(each, LEAST) // PIECE) * PIECE for each in sizes)


def may_stop(plan: Whole) -> bool:
    """Whether a kernel of the plan may meet data that it must not work with."""
    calls = [call for _, call in every_call(plan.calls)]
    return any(any(word is STATUS for word in call.words) for call in calls if not isinstance(call.code, Fallback))


# Data sets ------------------------------------------------------------------------------------------------------------
_RESIDENT: dict[tuple[Any, ...], DeviceArray] = {}


def constant(array: np.ndarray) -> np.ndarray | None:
    """The array whose memory this one sees, where neither can be written to; else None."""
    owner: Any = array
    while isinstance(owner, np.ndarray) and not owner.flags.writeable:
        if owner.base is None:
            return owner
        owner = owner.base
    return None


def resident(device: Device, array: np.ndarray) -> DeviceArray:
    """An array on the GPU, where it stays as long as it does on the processor: sent once. What can be written to is sent once for
    every array object, so that a view that was made anew is looked at anew."""
    anchor = constant(array)
    anchor = array if anchor is None else anchor
    key = (id(device), id(anchor), array.ctypes.data, array.shape, array.dtype.str)
    found = _RESIDENT.get(key)
    if found is None:
        found = DeviceArray(device, array.shape, array.dtype)
        found[...] = array
        device.wait()
        _RESIDENT[key] = found
        weakref.finalize(anchor, _RESIDENT.pop, key, None).atexit = False
    return found


def data_too_large(size: int, error: OutOfDeviceMemory) -> OutOfDeviceMemory:
    """What is said of data of so many bytes where there is no memory for them."""
    from ...report_text import short

    sentence = N_(
        "the data set has {size}, all of which lies in the GPU's memory while epochs run, and there {free} are free; call epochs"
        " with one part of the rows after another, or the step itself batch by batch"
    )
    found = OutOfDeviceMemory(sentence, size=short(size, "B"), free=short(error.free or 0, "B"))
    found.asked, found.free = size, error.free
    return found
