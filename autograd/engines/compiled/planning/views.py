"""Which ops move no numbers: found by trying an op's own numpy meaning on an array and looking where the result lies.

A transpose, a slice, a reshape, a broadcast, windows without padding: numpy answers these with the same memory seen
with other strides. So no list of such ops is needed here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ....node import Node
from ..calls import View, row_major
from ..lowering import table as lowerings

_LARGEST = 1 << 32
"""Arrays of more numbers are not tried on a stand-in; the op is run as what it is."""
_MOST, _UNKNOWN = 4096, object()
_known: dict[Any, Any] = {}
"""What was found before; forgotten when it grows too large."""


def viewed(node: Node, source: View) -> View | None:
    """The result of a node with one operand as a view of that operand's memory; None where numbers must move."""
    found = _found(node, source.shape, source.strides)
    if found is None:
        return None
    shape, strides, offset = found
    return View(source.buffer, source.dtype, shape, strides, source.offset + offset)


def moves_nothing(node: Node) -> bool:
    """Whether the result of a node with one operand is that operand's memory, seen otherwise."""
    if len(node.inputs) != 1 or (node.op.numpy is None and node.op.index is None) or node.op.formula is not None:
        return False
    (source,) = node.inputs
    if source.dtype != node.dtype or node.op.scalar is not None or node.op.kernel in lowerings.table():
        return False
    shape = tuple(map(int, source.shape))
    return _found(node, shape, row_major(shape)) is not None


def axes_kept(node: Node) -> tuple[int | None, ...] | None:
    """For each axis of the result, which axis of the operand it runs along (None: it has one number, or repeats);
    None when the result is not the whole operand axis by axis."""
    (source,) = node.inputs
    shape = tuple(map(int, source.shape))
    found = _found(node, shape, row_major(shape))
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


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype.str, value.tobytes())
    if isinstance(value, (tuple, list)):
        return tuple(_plain(each) for each in value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _found(node: Node, shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[Any, Any, int] | None:
    """Shape, strides and offset of the result when the operand has these; None where numbers must move."""
    # The key holds no node: a graph must not live on because it was looked at once.
    params = repr(sorted((name, _plain(value)) for name, value in node.params.items()))
    key = (node.op, params, tuple(map(int, node.shape)), shape, strides)
    found = _known.get(key, _UNKNOWN)
    if found is _UNKNOWN:
        if len(_known) >= _MOST:
            _known.clear()
        found = _known[key] = _tried(node, shape, strides)
    return found


def _tried(node: Node, shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[Any, Any, int] | None:
    if any(size == 0 for size in shape) or not isinstance(node.shape, tuple) or 0 in node.shape:
        return None
    low = sum(min(0, (size - 1) * stride) for size, stride in zip(shape, strides))
    high = sum(max(0, (size - 1) * stride) for size, stride in zip(shape, strides))
    if high - low >= _LARGEST:
        return None
    # One byte for a number: strides in bytes are then strides in numbers. The memory is never touched.
    try:
        memory = np.empty(high - low + 1, np.int8)
    except MemoryError:
        return None
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
