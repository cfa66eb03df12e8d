"""Index forms as kernel calls: contractions of two operands by matrix products, everything else by a nest of loops."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ....index import IndexForm
from ....kernels.loops import Fold
from ....kernels.vector import ELEMENTS
from ....node import Node
from ..calls import View
from ..words import Steps
from . import contraction

MOST_TURNS = 1 << 16
"""A nest of loops with more turns than this is made shorter first, where labels or operands can be done one by one."""


def lower(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """Add the calls that compute an index form; False for numbers that no kernel knows."""
    form, (target,) = node.op.index(*node.inputs, **node.params), outputs  # type: ignore[misc]
    if any(view.dtype.name not in ELEMENTS for view in (*inputs, target)):
        return False
    if any(view.size == 0 for view in inputs):
        plan.fill(target, 0)
        return True
    unique = "".join(dict.fromkeys(form.output))
    if unique == form.output:
        _form(plan, form, inputs, target)
        return True
    # A label that stands twice in the output: numbers on a diagonal, among zeros.
    once = IndexForm(form.operands, unique, form.sizes)
    values = plan.new(once.shape, target.dtype)
    _form(plan, once, inputs, values)
    plan.fill(target, 0)
    strides = tuple(sum(by for each, by in zip(form.output, target.strides) if each == label) for label in unique)
    plan.copy(values, View(target.buffer, target.dtype, values.shape, strides, target.offset))
    return True


def _form(plan: Any, form: IndexForm, inputs: Sequence[View], target: View) -> None:
    """Calls for a form whose output has every label once."""
    if _turns(form) > MOST_TURNS and len(inputs) > 2:
        _two_by_two(plan, form, inputs, target)
        return
    if len(inputs) == 2 and target.dtype.kind == "f":
        if _turns(form) > MOST_TURNS and form.summed:
            form, inputs = _summed_alone(plan, form, inputs, target.dtype)
        same = all(view.dtype == target.dtype for view in inputs)
        if same and contraction.lower(plan, form, inputs, target):
            return
    _nest(plan, form, inputs, target)


def _turns(form: IndexForm) -> int:
    return prod(int(form.sizes[label]) for label in {*"".join(form.operands), *form.output})


def _summed_alone(plan: Any, form: IndexForm, inputs: Sequence[View], dtype: Any) -> tuple[IndexForm, list[View]]:
    """A form of two operands, with each summed over labels that only it has, and in the dtype of the result."""
    texts, views = [], []
    for text, other, view in zip(form.operands, reversed(form.operands), inputs):
        kept = "".join(label for label in dict.fromkeys(text) if label in other or label in form.output)
        if view.dtype != dtype or len(kept) < len(text):
            alone, whole = IndexForm((text,), kept, form.sizes), view
            view = plan.new(alone.shape, dtype)
            _nest(plan, alone, [whole], view)
            text = kept
        texts.append(text)
        views.append(view)
    return IndexForm(tuple(texts), form.output, form.sizes), views


def _two_by_two(plan: Any, form: IndexForm, inputs: Sequence[View], target: View) -> None:
    """Many operands: always two make one, in an order with few multiplications."""
    known = "".join(label for label in form.output if any(label in text for text in form.operands))
    sizes = [np.broadcast_to(np.int8(0), view.shape) for view in inputs]
    path, _ = np.einsum_path(",".join(form.operands) + "->" + known, *sizes, optimize="greedy")
    left = list(zip(form.operands, inputs))
    for positions in path[1:]:
        picked = [left.pop(at) for at in sorted(positions, reverse=True)]
        while len(picked) > 1:
            (one, x), (other, y) = picked.pop(), picked.pop()
            rest = [*left, *picked]
            later = form.output + "".join(text for text, _ in rest)
            kept = "".join(label for label in dict.fromkeys(one + other) if label in later) if rest else form.output
            pair = IndexForm((one, other), kept, form.sizes)
            view = plan.new(pair.shape, target.dtype) if rest else target
            _form(plan, pair, [x, y], view)
            picked.append((kept, view))
        left += picked


def _nest(plan: Any, form: IndexForm, inputs: Sequence[View], target: View) -> None:
    """All labels as loops: the output's first, the summed ones inside."""
    labels = [label for label in (*form.output, *form.summed) if form.sizes[label] > 1]
    sizes = tuple(int(form.sizes[label]) for label in labels)
    steps, reads = Steps(), []
    for text, view in zip(form.operands, inputs):
        # A label that stands twice moves along both axes at once: a diagonal.
        strides = [sum(by for each, by in zip(text, view.strides) if each == label) for label in labels]
        reads.append((view, tuple(strides)))
        steps.read(view.dtype.name)
    dtype = target.dtype.name
    value = steps.cast(0, dtype)
    for at in range(1, len(inputs)):
        value = steps.apply("*", (value, steps.cast(at, dtype)))
    over = tuple(at for at, label in enumerate(labels) if label not in form.output)
    if over:
        value = steps.add(Fold("+", value, over, dtype))  # type: ignore[arg-type]
    places = {label: at for at, label in enumerate(form.output)}
    strides = tuple(target.strides[places[label]] if label in places else 0 for label in labels)
    plan.nest(sizes, reads, steps, [(value, target, strides, bool(over) and 0 in over)], "")
