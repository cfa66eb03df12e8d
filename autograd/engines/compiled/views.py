"""Which ops move no numbers: found by trying an op's own numpy meaning on an array and looking where the result lies.

A transpose, a slice, a reshape, a broadcast, windows without padding: numpy answers these with the same memory seen with other
strides. So no list of such ops is needed here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ...node import Node
from .calls import View, row_major

_LARGEST = 1 << 28
"""Arrays of more numbers are not tried on a stand-in; the op is run as what it is."""


def viewed(node: Node, source: View) -> View | None:
    """The result of a node with one operand as a view of that operand's memory; None where numbers must move."""
    found = _found(_Asked(node), source.shape, source.strides)
    if found is None:
        return None
    shape, strides, offset = found
    return View(source.buffer, source.dtype, shape, strides, source.offset + offset)


def moves_nothing(node: Node) -> bool:
    """Whether the result of a node with one operand is that operand's memory, seen otherwise."""
    if len(node.inputs) != 1 or (node.op.numpy is None and node.op.index is None) or node.op.formula is not None:
        return False
    (source,) = node.inputs
    if source.dtype != node.dtype or node.op.scalar is not None:
        return False
    shape = tuple(map(int, source.shape))
    return _found(_Asked(node), shape, row_major(shape)) is not None


def axes_kept(node: Node) -> tuple[int | None, ...] | None:
    """For each axis of the result, which axis of the operand it runs along (None: it has one number, or repeats);
    None when the result is not the whole operand axis by axis."""
    (source,) = node.inputs
    shape = tuple(map(int, source.shape))
    found = _found(_Asked(node), shape, row_major(shape))
    if found is None or found[2] != 0:
        return None
    axes: list[int | None] = []
    by_stride = {stride: at for at, (size, stride) in enumerate(zip(shape, row_major(shape))) if size > 1}
    for size, stride in zip(found[0], found[1]):
        if size == 1 or stride == 0:
            axes.append(None)
            continue
        at = by_stride.get(stride)
        if at is None or shape[at] != size or at in axes:
            return None
        axes.append(at)
    if any(at not in axes for at in by_stride.values()):
        return None
    return tuple(axes)


class _Asked:
    """A node as a question: op and params, equal to another of the same op and params."""

    __slots__ = ("hash", "node", "text")

    def __init__(self, node: Node) -> None:
        self.node = node
        self.text = (node.op.name, repr(sorted((k, _plain(v)) for k, v in node.params.items())), tuple(map(int, node.shape)))
        self.hash = hash(self.text)

    def __hash__(self) -> int:
        return self.hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self.text == other.text


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype.str, value.tobytes())
    if isinstance(value, (tuple, list)):
        return tuple(_plain(each) for each in value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


@lru_cache(maxsize=4096)
def _found(asked: _Asked, shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[Any, Any, int] | None:
    node = asked.node
    if any(size == 0 for size in shape) or not isinstance(node.shape, tuple) or 0 in node.shape:
        return None
    low = sum(min(0, (size - 1) * stride) for size, stride in zip(shape, strides))
    high = sum(max(0, (size - 1) * stride) for size, stride in zip(shape, strides))
    if high - low >= _LARGEST:
        return None
    # One byte for a number: strides in bytes are then strides in numbers. The memory is never touched.
    memory = np.empty(high - low + 1, np.int8)
    stand_in = np.ndarray(shape, np.int8, memory, -low, strides)
    stand_in.flags.writeable = False
    function = node.op.numpy if node.op.numpy is not None else node.op.index(*node.inputs, **node.params)
    params = node.params if node.op.numpy is not None else {}
    try:
        result = function(stand_in, **params)
    except Exception:  # an op that refuses bytes moves them, and its own run will say what is wrong
        return None
    start, end = memory.ctypes.data, memory.ctypes.data + memory.nbytes
    if not isinstance(result, np.ndarray) or result.dtype != np.int8 or not start <= result.ctypes.data < end:
        return None
    if result.shape != tuple(map(int, node.shape)):
        return None
    return result.shape, result.strides, result.ctypes.data - stand_in.ctypes.data
