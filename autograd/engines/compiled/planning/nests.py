"""A fused group as a nest of loops: which buffers it reads and how they move, its members as steps, what is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....kernels.loops import Apply, Fold, Number
from ....language import N_
from ....node import Node
from ....reason import Reason
from ..calls import STATUS, View
from ..words import Steps
from . import elementwise
from .fusible import is_elementwise, operand_axes, reduction
from .groups import Group


def emit(plan: Any, group: Group) -> None:
    """Add the nest of a group to a plan: what it reads, the steps of its members in order, what of them it writes."""
    nodes = tuple(group.nodes)
    plan.about = (nodes, "")
    count = len(group.sizes)
    reads: list[tuple[View, tuple[int, ...]]] = []
    places: dict[Any, int] = {}
    operands: dict[tuple[Node, int], Any] = {}
    for member in nodes:
        fold = None if is_elementwise(member) else reduction(member)
        lies = [tuple(range(len(member.inputs[0].shape)))] if fold else operand_axes(member)
        work = group.work[member]
        for position, (source, along) in enumerate(zip(member.inputs, lies)):
            base, _ = plan.fusion.base(source)
            if base in group.axes and base not in group.closed:
                operands[member, position] = base
                continue
            view = plan.view_of(source)
            strides = [0] * count
            for at, axis in enumerate(along):
                loop = None if axis is None else work[axis]
                if loop is not None and view.shape[at] > 1:
                    strides[loop] = view.strides[at]
            key = (id(view.buffer), view.offset, view.dtype, tuple(strides))
            if key not in places:
                places[key] = len(reads)
                reads.append((view, tuple(strides)))
            operands[member, position] = places[key]
        if not elementwise.is_placed(member):
            continue
        _check(plan, member, elementwise.limit(member))
        for position, (array, axis) in enumerate(elementwise.places(member), len(member.inputs)):
            loop = work[axis]
            operands[member, position] = len(reads)
            reads.append((plan.fixed(array), tuple(int(loop == at) for at in range(count))))
    steps = Steps()
    for view, _ in reads:
        steps.read(view.dtype.name)
    value: dict[Node, int] = {}
    given_of: dict[Node, list[Any]] = {}
    for (member, _), operand in operands.items():
        given_of.setdefault(member, []).append(operand)
    for member in nodes:
        given = [value[each] if isinstance(each, Node) else each for each in given_of[member]]
        value[member] = _step(member, given, group, steps)
    writes = []
    for member in nodes:
        if member in plan.wanted:
            view = plan.view_of(member)
            strides = [0] * count
            for at, loop in enumerate(group.axes[member]):
                if loop is not None and view.shape[at] > 1:
                    strides[loop] = view.strides[at]
            writes.append((value[member], view, tuple(strides), member in group.closed))
    plan.nest(group.sizes, reads, steps, writes, _reason(nodes))


def _check(plan: Any, node: Node, limit: int | None) -> None:
    """Have whole numbers checked before they are used as places."""
    if limit is None:
        return
    from ....kernels.checks import check_range

    view = plan.view_of(node.inputs[0])
    if view.dtype != np.int64:
        wide = plan.new(view.shape, np.int64)
        plan.copy(view, wide)
        view = wide
    view = plan.dense(view)
    words = [view, view.size, 1, 0, limit, STATUS]
    about, plan.about = plan.about, ((), "")  # it computes none of the operations that come after it
    plan.call(check_range("float64"), words, [view], [], why=N_("class numbers checked"))
    plan.about = about


def _step(member: Node, given: list[Any], group: Group, steps: Steps) -> int:
    dtype = member.dtype.name
    if is_elementwise(member):
        if member.op.scalar is not None:
            scope = dict(zip(member.op.inputs, given))
            scope |= {name: Number(number) for name, number in member.params.items()}
            result = steps.text(member.op.scalar, scope)
        elif elementwise.is_placed(member):
            result = elementwise.step(member, steps, given)
        else:
            result = steps.apply("*", given)
        result = steps.cast(result, dtype)
        if not isinstance(result, int):
            result = steps.add(Apply("cast", (result,), dtype))
        return result
    fold = reduction(member)
    assert fold is not None
    over = tuple(sorted({loop for at in fold.axes if (loop := group.work[member][at]) is not None}))
    operand = steps.cast(given[0], dtype)
    if not over:
        return operand  # type: ignore[return-value]
    return steps.add(Fold(fold.word, operand, over, dtype))  # type: ignore[arg-type]


def _reason(nodes: Sequence[Node]) -> str:
    return "" if len(nodes) == 1 else Reason(N_("{count} ops fused: they run over the same numbers"), count=len(nodes))
