"""Memory of a GPU: one arena for what a program computes, an array for every leaf, constant and result."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.cuda.arguments import highest, lowest
from ...kernels.cuda.device import Device
from ..compiled.calls import View

ALIGNMENT = 256
"""Bytes to which every buffer is aligned."""


class DeviceArray:
    """An array of the GPU as storage knows it: it can be copied to the processor and written as a whole."""

    def __init__(self, device: Device, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self.nbytes = int(np.prod(shape, dtype=np.int64)) * self.dtype.itemsize
        self.bytes = device.cuda.device_array(max(self.nbytes, 16), np.uint8)
        self.simulated = device.simulated

    def flat(self, dtype: Any, first: int, count: int) -> Any:
        """Numbers side by side, as a flat array of the GPU."""
        size = np.dtype(dtype).itemsize
        return self.bytes[first * size : (first + count) * size].view(np.dtype(dtype))

    def copy(self) -> np.ndarray:
        """The numbers, on the processor."""
        host = self.bytes.copy_to_host() if not self.simulated else np.array(self.bytes.copy_to_host())
        return host[: self.nbytes].view(self.dtype).reshape(self.shape).copy()

    def __setitem__(self, _: Any, value: Any) -> None:
        host = np.ascontiguousarray(np.broadcast_to(np.asarray(value, self.dtype), self.shape))
        if self.nbytes:
            self.bytes[: self.nbytes].copy_to_device(host.reshape(-1).view(np.uint8))


def of_view(array: DeviceArray, view: View, start: int = 0) -> Any:
    """The numbers between a view's lowest and highest as a flat array; `start`: bytes in front of the view's buffer."""
    first, last = lowest(view), highest(view)
    return array.flat(view.dtype, start // view.dtype.itemsize + first, last - first + 1)
