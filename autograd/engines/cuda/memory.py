"""Memory of a GPU: one arena for what a program computes, an array for every leaf, constant and result."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ...kernels.cuda.arguments import highest, lowest
from ...kernels.cuda.device import Device
from ..compiled.calls import View

LEAST = 256
"""Bytes of the smallest memory, so that every one has an address."""


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
