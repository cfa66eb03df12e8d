"""Kernel families that a GPU computes in another way than the processor: from zeros, or with other words."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ...kernels.cuda import elementwise, running, windows
from ...kernels.vector import ELEMENTS
from ...node import Node
from ..compiled.calls import View
from ..compiled.lowering.dense import Lowering, written_densely
from ..compiled.lowering.indexing import places_of
from ..compiled.lowering.pooling import counts_of, pair, refused
from ..compiled.lowering.running import as_dtype
from . import convolution

IN_ORDER = 1 << 14
"""Rows up to which those with one place find each other by all looking at all."""


def scatter_add(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """Zeros to which rows are added: floats in the order of the rows, as long as these are not very many; else by many threads at
    once, so that the order, and with it the rounding of floats, may differ from run to run."""
    (target,), positions = outputs, inputs[1]
    if target.dtype.name not in ("float32", "float64", "int32", "int64"):
        return False
    x = plan.dense(inputs[0])
    plan.fill(target, 0)
    places = places_of(plan, positions, target)
    numbers = prod(target.shape[positions.shape[-1] :])
    if not x.size:
        return True
    if target.dtype.kind != "f" or places.size > IN_ORDER:
        code, words = elementwise.scatter_add(x, target, places, numbers)
        reads = [x, places, target]
    else:
        after = plan.new((places.size,), np.uint32)
        code, words = elementwise.alike(places, after)
        plan.call(code, words, [places], [after], rows=places.size).grid = elementwise.blocks(words, code.threads())
        code, words = elementwise.scatter_in_order(x, target, places, after, numbers)
        reads = [x, places, after, target]
    plan.call(code, words, reads, [target], rows=x.size, flops=x.size).grid = elementwise.blocks(words, code.threads())
    return True


# Windows --------------------------------------------------------------------------------------------------------------
def _geometry(node: Node, lengths: Sequence[int], counts: Sequence[int], size: Sequence[int]) -> list[windows.Pair]:
    """What a kernel of windows is told, in pairs."""
    params = node.params
    before = [first for first, _ in params["padding"]]
    return [
        pair(lengths, 1), pair(counts, 1), pair(size, 1), pair(params["stride"], 1),
        pair(params.get("dilation", (1,)), 1), pair(before, 0),
    ]  # fmt: skip


def _call(
    plan: Any, code: Any, views: Sequence[View], reads: Sequence[View], target: View, geometry: Any, count: int
) -> None:
    words = windows.words(views, geometry, count)
    made = plan.call(code, words, list(reads), [target], rows=count, flops=count * prod(geometry[2]))
    made.grid = elementwise.blocks(words, code.threads())


def _pooling(make: Any, *, back: bool = False, means: bool = False) -> Lowering:
    """A pooling, or its way back: a thread for every number that is written, windows or entries."""

    def lower(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
        axes, (target,) = len(node.params["size"]), outputs
        if refused(node, axes, (*inputs, *outputs)):
            return False
        reads = [plan.dense(view) for view in inputs]
        image, windows_ = (target, reads[0]) if back else (reads[0], target)
        lengths, counts = image.shape[-axes:], windows_.shape[-axes:]
        geometry = _geometry(node, lengths, counts, node.params["size"])
        if means:
            reads = [*reads, counts_of(plan, node, lengths, counts, target.dtype)]
        elif back:
            reads.reverse()
        _call(plan, make(target.dtype.name), [*reads, target], reads, target, geometry, target.size)
        return True

    return lower


def patches(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """All windows, cut out."""
    axes, (target,) = len(node.params["size"]), outputs
    if refused(node, axes, (*inputs, *outputs)):
        return False
    x = plan.dense(inputs[0])
    lead = len(x.shape) - axes
    geometry = _geometry(node, x.shape[lead:], target.shape[lead + axes :], node.params["size"])
    _call(plan, windows.patches(target.dtype.name), [x, target], [x], target, geometry, target.size)
    return True


def overlap_add(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """Windows laid back and added up."""
    axes, (target,) = len(node.params["shape"]), outputs
    if refused(node, axes, (*inputs, *outputs)):
        return False
    x = plan.dense(inputs[0])
    lead = len(x.shape) - 2 * axes
    geometry = _geometry(node, target.shape[lead:], x.shape[lead + axes :], x.shape[lead : lead + axes])
    _call(plan, windows.overlap_add(target.dtype.name), [x, target], [x], target, geometry, target.size)
    return True


# Along an axis ---------------------------------------------------------------------------------------------------------
def cumsum(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """Sums of all numbers so far."""
    (target,), axis = outputs, node.params["axis"]
    if target.dtype.name not in ("float32", "float64", "int64", "uint64") or inputs[0].dtype.name not in ELEMENTS:
        return False
    x = as_dtype(plan, inputs[0], target.dtype)
    inner = prod(x.shape[axis + 1 :])
    code = running.cumsum(target.dtype.name)
    by = -inner if node.params["reverse"] else inner
    words = running.cumsum_words(x, target, x.shape[axis], inner, by, node.params["exclusive"])
    plan.call(code, words, [x], [target], rows=words[-1].value, flops=x.size).grid = elementwise.blocks(
        words, code.threads()
    )
    return True


def _extreme(largest: bool) -> Lowering:
    def lower(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
        (target,), axis = outputs, node.params["axis"]
        if inputs[0].dtype.name not in ELEMENTS:
            return False
        x = plan.dense(inputs[0])
        length, inner = (x.size, 1) if axis is None else (x.shape[axis], prod(x.shape[axis + 1 :]))
        code, words = running.argmax(x.dtype.name, largest), running.argmax_words(x, target, length, inner)
        made = plan.call(code, words, [x], [target], rows=words[-1].value, flops=x.size)
        made.grid = elementwise.blocks(words, code.threads())
        return True

    return lower


LOWERINGS: dict[str, Lowering] = convolution.LOWERINGS | written_densely(
    scatter_add=scatter_add, max_pool=_pooling(windows.max_pool), max_pool_back=_pooling(windows.max_pool_back, back=True),
    average_pool=_pooling(windows.average_pool, means=True),
    average_pool_back=_pooling(windows.average_pool_back, back=True, means=True),
    patches=patches, overlap_add=overlap_add, cumsum=cumsum, argmax=_extreme(True), argmin=_extreme(False),
)  # fmt: skip
