"""Arrays put together from others: joined, bordered, or put back into zeros where they were cut out. Every piece is a
strided copy."""

from __future__ import annotations

from typing import Any

from ....node import Node
from ..calls import View


def window(view: View, start: tuple[int, ...], shape: tuple[int, ...], step: tuple[int, ...] | None = None) -> View:
    """The part of a view that begins at `start` and has `shape`, every `step`-th number along each axis."""
    step = step or (1,) * len(shape)
    return View(
        view.buffer, view.dtype, shape, tuple(stride * by for stride, by in zip(view.strides, step)),
        view.offset + sum(at * stride for at, stride in zip(start, view.strides)),
    )  # fmt: skip


Piece = tuple[tuple[int, ...], tuple[int, ...]]


def joined(node: Node) -> list[Piece]:
    """Start and shape of every operand, one behind the other."""
    axis, at, found = node.params["axis"], 0, []
    for source in node.inputs:
        shape = tuple(map(int, source.shape))
        found.append((tuple(at if each == axis else 0 for each in range(len(shape))), shape))
        at += shape[axis]
    return found


def concat(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """Each operand copied behind the one before it, unless it was computed there."""
    for source, (start, shape) in zip(inputs, joined(node)):
        target = window(outputs[0], start, shape)
        if source.buffer is not target.buffer or source.offset != target.offset or source.strides != target.strides:
            plan.copy(source, target)
    return True


def pad(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """The border filled, then the operand copied into the middle."""
    (source,), (target,) = inputs, outputs
    plan.fill(target, node.params["value"])
    plan.copy(source, window(target, tuple(before for before, _ in node.params["width"]), source.shape))
    return True


def unslice(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """Zeros, then the operand copied to where it was cut out."""
    (source,), (target,) = inputs, outputs
    index = node.params["index"]
    if any(len(part) != 3 for part in index if isinstance(part, tuple)) or len(index) != len(target.shape):
        return False
    plan.fill(target, 0)
    start, shape, step = [], [], []
    left = list(source.shape)
    for part in index:
        if isinstance(part, tuple):
            start.append(int(part[0]))
            step.append(int(part[2]))
            shape.append(left.pop(0))
        else:
            start.append(int(part))
            step.append(1)
            shape.append(1)
    part_of = window(target, tuple(start), tuple(shape), tuple(step))
    kept = [at for at, part in enumerate(index) if isinstance(part, tuple)]
    plan.copy(source, View(part_of.buffer, part_of.dtype, source.shape,
                           tuple(part_of.strides[at] for at in kept), part_of.offset))  # fmt: skip
    return True


LOWERINGS = {"concat": concat, "pad": pad, "unslice": unslice}

PIECES = {"concat": joined}
"""Kernel families that only join their operands -> where each ends up."""
