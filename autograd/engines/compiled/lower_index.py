"""Index forms as kernel calls: contractions of two operands by matrix products, everything else by a nest of loops."""

from __future__ import annotations

from typing import Any

from ...index import IndexForm
from ...kernels.loops import Fold
from ...node import Node
from . import lower_contraction
from .calls import View
from .words import Steps

MOST_NUMBERS = 1 << 16
"""A nest that is run for an index form no product fits takes at most so many turns; beyond, numpy's own order is better."""


def lower(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """Add the calls that compute an index form; False where no kernel does."""
    form, (target,) = node.op.index(*node.inputs, **node.params), outputs  # type: ignore[misc]
    if len(set(form.output)) != len(form.output):
        return False
    same = all(view.dtype == target.dtype for view in inputs)
    if len(inputs) == 2 and same and target.dtype.kind == "f" and lower_contraction.lower(plan, form, inputs, target):
        return True
    return _nest(plan, form, inputs, target)


def _nest(plan: Any, form: IndexForm, inputs: list[View], target: View) -> bool:
    """All labels as loops: the output's first, the summed ones inside."""
    labels = [label for label in (*form.output, *form.summed) if form.sizes[label] > 1]
    sizes = tuple(int(form.sizes[label]) for label in labels)
    total = 1
    for size in sizes:
        total *= size
    if len(inputs) > 1 and total > MOST_NUMBERS:
        return False
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
    return True
