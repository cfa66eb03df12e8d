"""Loops in graphs: the body is a plan of its own, run again and again; what moves from step to step is told by strides."""

from __future__ import annotations

from typing import Any

from ...node import Leaf, Node
from ...ops.arithmetic import add
from ...ops.control import Layout
from .calls import Buffer, Fallback, View


def moving(view: View, reverse: bool) -> View:
    """One piece of a stacked array, which is another at every step."""
    first = view.shape[0] - 1 if reverse else 0
    stride = view.strides[0] * view.dtype.itemsize
    buffer = Buffer(view.buffer.bytes, "moving", (view, -stride if reverse else stride))
    return View(buffer, view.dtype, view.shape[1:], view.strides[1:], view.offset + first * view.strides[0])


def lower(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """A loop as one call that runs the program of its body `length` times; False where a step needs Python."""
    from .plan import Plan

    body, form = node.params["body"], Layout(*node.params["layout"])
    length, reverse = int(node.params["length"]), bool(node.params["reverse"])
    split = form.carries + form.stacked
    for source, target in zip(inputs, outputs[: form.carries]):
        plan.copy(source, target)
    for target in outputs[split:]:
        plan.fill(target, 0)
    if length == 0:
        return True
    place: dict[Leaf, View] = {}
    for at, hole in enumerate(body.inputs):
        if at < form.carries:
            place[hole] = outputs[at]
        elif at < form.carries + form.elements:
            place[hole] = moving(inputs[at], reverse)
        else:
            place[hole] = inputs[at]
    updates = dict(zip(body.inputs, body.outputs[: form.carries]))
    for target, more in zip(outputs[split:], body.outputs[split:]):
        total = Leaf("state", None, None, more.shape, more.dtype)
        place[total] = target
        updates[total] = add(total, more)
    # A carry that is handed on as it is needs no update.
    updates = {leaf: new for leaf, new in updates.items() if new is not leaf}
    rows = [moving(target, reverse) for target in outputs[form.carries : split]]
    buffers = [view.buffer for view in (*place.values(), *rows) if view.buffer.role == "moving"]
    inner = Plan(body.outputs[form.carries : split], updates, inside=plan, place=place, results=rows)
    if any(isinstance(call.code, Fallback) for call in inner.calls):
        return False
    plan.loop(inner, length, buffers)
    return True


LOWERINGS = {"scan": lower}
