"""Poolings and windows as calls, plane by plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ....kernels import pooling, windows
from ....node import Node
from ..calls import CHUNK, Scratch, View
from .dense import written_densely

GRAIN = 1 << 16
"""So many numbers make a chunk worth a thread."""

Pair = tuple[int, int]


def pair(numbers: Sequence[int], missing: int) -> Pair:
    """Numbers for two axes, of one that may be missing in front."""
    first, second = ([missing] + [int(number) for number in numbers])[-2:]
    return first, second


def refused(node: Node, axes: int, views: Sequence[View]) -> bool:
    """Whether the kernels of windows are not for these numbers."""
    return axes > 2 or len({view.dtype for view in views}) > 1 or views[0].dtype.name not in ("float32", "float64")


def _slide(
    plan: Any, code: Any, addresses: Sequence[Any], reads: Sequence[View], target: View, planes: int,
    lengths: Pair, counts: Pair, size: Pair, stride: Pair, dilation: Pair, before: Pair,
) -> None:  # fmt: skip
    """One kernel of kernels/windows.py over all planes."""
    work = prod(counts) * prod(size)
    plan.call(
        code, [*addresses, *lengths, *counts, *size, *stride, *dilation, *before], list(reads), [target], rows=planes,
        grain=-(-GRAIN // max(work, 1)), flops=planes * work,
    )  # fmt: skip


def _pooled(
    plan: Any, node: Node, code: Callable[[Any], Any], image: View, results: View, addresses: Sequence[Any],
    reads: Sequence[View], target: View, border: float,
) -> None:  # fmt: skip
    """One kernel of kernels/pooling.py over all planes; `border`: the number around a plane."""
    params, itemsize = node.params, target.dtype.itemsize
    axes = len(params["size"])
    lead = len(image.shape) - axes
    lengths, counts = pair(image.shape[lead:], 1), pair(results.shape[lead:], 1)
    size, stride = pair(params["size"], 1), pair(params["stride"], 1)
    before = pair([first for first, _ in params["padding"]], 0)
    reach = [(count - 1) * step + window for count, step, window in zip(counts, stride, size)]
    inside = before == (0, 0) and all(far <= length for far, length in zip(reach, lengths))
    in_quarters = inside and size == stride == (2, 2)
    framed = not in_quarters and (not inside or stride[1] > 1)
    apart = stride[1] if framed else 1
    height = max(reach[0], before[0] + lengths[0])
    length = -(-max(reach[1], before[1] + lengths[1]) // apart)
    places = [
        itemsize * ((row * apart + column % apart) * length + column // apart)
        for row in range(size[0]) for column in range(size[1])
    ]  # fmt: skip
    numbers = height * apart * length
    scratch = Scratch(-(-2 * itemsize * numbers // 64) * 64 if framed else 64)
    planes, work = prod(image.shape[:lead]), prod(counts) * prod(size)
    words = [
        *addresses, *counts, stride[0], len(places), 21, int(framed), float(border), *lengths, *before, apart, length,
        numbers, scratch, scratch.bytes, CHUNK, int(in_quarters), *places,
    ]  # fmt: skip
    grain = -(-GRAIN // max(work, 1))
    plan.call(code(target.dtype), words, list(reads), [target], rows=planes, grain=grain, flops=planes * work)


def counts_of(plan: Any, node: Node, lengths: Sequence[int], counts: Sequence[int], dtype: Any) -> View:
    """How many entries of each row of windows count, then of each column of windows."""
    params = node.params
    found = []
    for length, count, window, step, (before, after) in zip(
        lengths, counts, params["size"], params["stride"], params["padding"]
    ):
        low, high = (-before, length + after) if params["count_padding"] else (0, length)
        starts = np.arange(count) * step - before
        found.append(np.minimum(starts + window, high) - np.maximum(starts, low))
    if len(found) == 1:
        found.insert(0, np.ones(1))
    return plan.fixed(np.concatenate(found).astype(dtype))


def max_pool(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """The largest number of every window."""
    if refused(node, len(node.params["size"]), (*inputs, *outputs)):
        return False
    x, y = plan.dense(inputs[0]), outputs[0]
    _pooled(plan, node, pooling.max_pool, x, y, [x, y, 0], [x], y, -np.inf)
    return True


def max_pool_back(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """What arrives, handed to the largest numbers."""
    if refused(node, len(node.params["size"]), (*inputs, *outputs)):
        return False
    g, x = map(plan.dense, inputs)
    back = outputs[0]
    _pooled(plan, node, pooling.max_pool_back, x, g, [x, back, g], [x, g], back, -np.inf)
    return True


def average_pool(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """The mean of every window."""
    axes = len(node.params["size"])
    if refused(node, axes, (*inputs, *outputs)):
        return False
    x, y = plan.dense(inputs[0]), outputs[0]
    counts = counts_of(plan, node, x.shape[-axes:], y.shape[-axes:], y.dtype)
    _pooled(plan, node, pooling.average_pool, x, y, [x, y, counts], [x, counts], y, 0.0)
    return True


def average_pool_back(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """What arrives, handed to all entries in equal parts."""
    axes = len(node.params["size"])
    if refused(node, axes, (*inputs, *outputs)):
        return False
    g, back = plan.dense(inputs[0]), outputs[0]
    counts = counts_of(plan, node, back.shape[-axes:], g.shape[-axes:], back.dtype)
    _pooled(plan, node, pooling.average_pool_back, back, g, [g, back, counts], [g, counts], back, 0.0)
    return True


def patches(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """All windows, cut out."""
    params = node.params
    axes = len(params["size"])
    if refused(node, axes, (*inputs, *outputs)):
        return False
    x, y = plan.dense(inputs[0]), outputs[0]
    lead = len(x.shape) - axes
    _slide(
        plan, windows.patches(y.dtype), [x, y, 0], [x], y, prod(x.shape[:lead]), pair(x.shape[lead:], 1),
        pair(y.shape[lead + axes :], 1), pair(params["size"], 1), pair(params["stride"], 1),
        pair(params["dilation"], 1), pair([first for first, _ in params["padding"]], 0),
    )  # fmt: skip
    return True


def overlap_add(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """Windows laid back and added up."""
    params = node.params
    axes = len(params["shape"])
    if refused(node, axes, (*inputs, *outputs)):
        return False
    x, y = plan.dense(inputs[0]), outputs[0]
    lead = len(x.shape) - 2 * axes
    _slide(
        plan, windows.overlap_add(y.dtype), [x, y, 0], [x], y, prod(x.shape[:lead]), pair(y.shape[lead:], 1),
        pair(x.shape[lead + axes :], 1), pair(x.shape[lead : lead + axes], 1), pair(params["stride"], 1),
        pair(params["dilation"], 1), pair([first for first, _ in params["padding"]], 0),
    )  # fmt: skip
    return True


LOWERINGS = written_densely(
    max_pool=max_pool, max_pool_back=max_pool_back, average_pool=average_pool, average_pool_back=average_pool_back,
    patches=patches, overlap_add=overlap_add,
)  # fmt: skip
