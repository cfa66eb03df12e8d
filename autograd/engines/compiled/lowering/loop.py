"""Loops in graphs: the body is a plan of its own, run again and again; what moves from step to step is told by strides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....node import Leaf, Node
from ....ops.arithmetic import add
from ....ops.control import Layout
from ..calls import Buffer, Fallback, View
from .structure import window


def moving(view: View, reverse: bool) -> View:
    """One piece of a stacked array, which is another at every step."""
    first = view.shape[0] - 1 if reverse else 0
    stride = view.strides[0] * view.dtype.itemsize
    buffer = Buffer(view.buffer.bytes, "moving", (view, -stride if reverse else stride))
    return View(buffer, view.dtype, view.shape[1:], view.strides[1:], view.offset + first * view.strides[0])


def lower(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """A loop as one call that runs the program of its body `length` times; False where a step needs Python."""
    body, form = node.params["body"], Layout(*node.params["layout"])
    length, reverse = int(node.params["length"]), bool(node.params["reverse"])
    split = form.carries + form.stacked
    for target in outputs[split:]:
        plan.fill(target, 0)
    if length == 0:
        for source, target in zip(inputs, outputs[: form.carries]):
            plan.copy(source, target)
        return True
    place: dict[Leaf, View] = {}
    rows = [moving(target, reverse) for target in outputs[form.carries : split]]
    wanted = list(body.outputs[form.carries : split])
    updates: dict[Leaf, Node] = {}
    stacked, done = tuple(wanted), set[int]()
    for at, hole in enumerate(body.inputs):
        if at >= form.carries + form.elements:
            place[hole] = inputs[at]
        elif at >= form.carries:
            place[hole] = moving(inputs[at], reverse)
        elif any(row not in done and asked in (hole, body.outputs[at]) for row, asked in enumerate(stacked)):
            # What the carry was before or after every step is asked for, so that is where it lives: no step copies it.
            before, after = _trail(plan, node, inputs[at], at, length, reverse)
            place[hole] = moving(before, reverse)
            for row in [
                row for row, asked in enumerate(stacked) if asked in (hole, body.outputs[at]) and row not in done
            ]:
                plan.parts[node][form.carries + row] = before if wanted[row] is hole else after
                done.add(row)
            wanted.append(body.outputs[at])
            rows.append(moving(after, reverse))
        else:
            plan.copy(inputs[at], outputs[at])
            place[hole] = outputs[at]
            if body.outputs[at] is not hole:
                updates[hole] = body.outputs[at]
    _join(plan, node, stacked, rows, done, outputs[form.carries : split], form.carries)
    for target, more in zip(outputs[split:], body.outputs[split:]):
        total = Leaf("state", None, None, more.shape, more.dtype)
        place[total] = target
        updates[total] = add(total, more)
    wanted = [asked for row, asked in enumerate(wanted) if row not in done]
    rows = [row for at, row in enumerate(rows) if at not in done]
    # What already moves with a loop around this one stays where it is during this one.
    around = {view.buffer for view in inputs}
    moved = dict.fromkeys(view.buffer for view in (*place.values(), *rows) if view.buffer.role == "moving")
    buffers = [buffer for buffer in moved if buffer not in around]
    inner = plan.inner(wanted, updates, place, rows)
    if any(isinstance(call.code, Fallback) for call in inner.calls):
        return False
    _hoist(plan, inner)
    plan.loop(inner, length, buffers)
    return True


def _join(
    plan: Any,
    node: Node,
    stacked: Sequence[Node],
    rows: list[View],
    done: set[int],
    targets: Sequence[View],
    first: int,
) -> None:
    """What is asked for both by itself and joined to others is put into its piece of the whole, and seen there."""
    from .table import pieces

    for at, whole in enumerate(stacked):
        for source, (start, shape) in zip(whole.inputs, (pieces(whole) or ()) if at not in done else ()):
            row = next((row for row, asked in enumerate(stacked) if asked is source and row not in done), None)
            if row is not None and source.dtype == whole.dtype and not source.is_leaf:
                rows[row] = window(rows[at], start, shape)
                plan.parts[node][first + row] = window(targets[at], (0, *start), (targets[at].shape[0], *shape))


def _trail(plan: Any, node: Node, start: View, carry: int, length: int, reverse: bool) -> tuple[View, View]:
    """A carry as the trail of all its values, one more than there are steps: what it is before and after every step."""
    trail = plan.new((length + 1, *start.shape), start.dtype)
    first, last = (length, 0) if reverse else (0, length)
    low = 1 if reverse else 0
    plan.copy(start, _piece(trail, first))
    plan.parts[node][carry] = _piece(trail, last)
    return _part(trail, low, length), _part(trail, 1 - low, length)


def _piece(view: View, at: int) -> View:
    return View(view.buffer, view.dtype, view.shape[1:], view.strides[1:], view.offset + at * view.strides[0])


def _part(view: View, start: int, length: int) -> View:
    return View(view.buffer, view.dtype, (length, *view.shape[1:]), view.strides, view.offset + start * view.strides[0])


def _hoist(plan: Any, inner: Any) -> None:
    """Calls that do the same at every step are made once, before the loop: a weight packed for a product."""
    changing = {view.buffer for call in inner.calls for view in call.writes}
    while True:
        for call in inner.calls:
            still = all(view.buffer.role != "moving" and view.buffer not in changing for view in call.reads)
            own = all(view.buffer.owner is inner.mark for view in call.writes)
            once = all(
                sum(view.buffer in {each.buffer for each in other.writes} for other in inner.calls) == 1
                for view in call.writes
            )
            if still and own and once and call.body is None:
                break
        else:
            return
        inner.calls.remove(call)
        for view in call.writes:
            view.buffer.owner = plan.mark
            changing.discard(view.buffer)
        plan.calls.append(call)


LOWERINGS = {"scan": lower}
