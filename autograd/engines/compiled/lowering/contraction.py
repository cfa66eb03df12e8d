"""Contractions of two operands, as matrix products over a stack.

Every label of an index form belongs to one of four groups: batch (in both operands and the output), rows (in the first
and the output), columns (in the second and the output), depth (summed). Labels of a group whose strides fit become one
loop; the kernels run over rows, columns and depth, two loops of batch and a second one of depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ....index import IndexForm
from ..calls import View
from .products import ONCE, Loop, Product


def lower(plan: Any, form: IndexForm, inputs: Sequence[View], output: View, accumulate: bool = False) -> bool:
    """Add the calls that compute a contraction of two operands, or add it to what the output holds; False when it is no
    matrix product, or cannot be added in place.

    No products are: whole numbers, labels that stand twice in the output, forms that sum nothing and share every label,
    and those that sum along labels of each operand alone and along shared ones too.
    """
    if len(inputs) != 2 or not inputs[0].dtype == inputs[1].dtype == output.dtype or output.dtype.kind != "f":
        return False
    if len(set(form.output)) != len(form.output):
        return False
    if output.size == 0:
        return True
    if accumulate and 0 in (form.sizes[label] for label in form.summed):
        return True
    known = set(form.operands[0] + form.operands[1])
    if not form.summed and (
        set(form.operands[0]) <= set(form.operands[1]) or set(form.operands[1]) <= set(form.operands[0])
    ):
        return False
    alone = [label for label in form.output if label not in known and form.sizes[label] > 1]
    if alone and accumulate:
        return False
    if alone:
        kept = "".join(label for label in form.output if label in known)
        once = plan.new([int(form.sizes[label]) for label in kept], output.dtype)
        if not lower(plan, IndexForm(form.operands, kept, form.sizes), inputs, once):
            return False
        stride = dict(zip(kept, once.strides))
        strides = tuple(stride.get(label, 0) for label in form.output)
        plan.copy(View(once.buffer, once.dtype, output.shape, strides, once.offset), output)
        return True
    return _lower(plan, form, inputs, output, accumulate, arranged=False)


def _lower(plan: Any, form: IndexForm, inputs: Sequence[View], output: View, accumulate: bool, arranged: bool) -> bool:
    a, b = inputs
    if plan.target.product(plan, _product(form, inputs, output), a, b, output, accumulate):
        return True
    return not arranged and _arranged(plan, form, inputs, output, accumulate)


def _arranged(plan: Any, form: IndexForm, inputs: Sequence[View], output: View, accumulate: bool) -> bool:
    """The contraction on copies whose labels stand in the order of their groups."""
    first, second = form.operands
    batch = "".join(label for label in form.output if label in first and label in second)
    rows = "".join(label for label in form.output if label in first and label not in second)
    columns = "".join(label for label in form.output if label in second and label not in first)
    shared = "".join(label for label in form.summed if label in first and label in second)
    only_first = "".join(label for label in form.summed if label not in second)
    only_second = "".join(label for label in form.summed if label not in first)
    orders = batch + rows + only_first + shared, batch + only_second + shared + columns
    copies = [plan.dense(_seen(view, labels, order)) for view, labels, order in zip(inputs, form.operands, orders)]
    order = batch + rows + columns
    target = _seen(output, form.output, order)
    if accumulate and not target.dense:
        return False
    result = target if target.dense else plan.new(target.shape, target.dtype)
    if not _lower(plan, IndexForm(orders, order, form.sizes), copies, result, accumulate, arranged=True):
        return False
    if result is not target:
        plan.copy(result, target)
    return True


def _seen(view: View, labels: str, order: str) -> View:
    """A view with its axes in another order; an axis whose label stands twice becomes a diagonal."""
    strides, sizes = _strides(labels, view), dict(zip(labels, view.shape))
    shape = tuple(sizes[label] for label in order)
    return View(view.buffer, view.dtype, shape, tuple(strides[label] for label in order), view.offset)


def _strides(labels: str, view: View) -> dict[str, int]:
    found: dict[str, int] = {}
    for label, stride in zip(labels, view.strides):
        found[label] = found.get(label, 0) + stride
    return found


# Reading a form -------------------------------------------------------------------------------------------------------
def _product(form: IndexForm, inputs: Sequence[View], output: View) -> Product:
    """The form as a product of stacked matrices, with as few loops as the strides allow."""
    first, second = form.operands
    a, b, c = (_strides(labels, view) for labels, view in zip((first, second, form.output), (*inputs, output)))
    groups: dict[str, list[Loop]] = {"stack": [], "rows": [], "columns": [], "depth": []}
    for label in dict.fromkeys(first + second):
        size = int(form.sizes[label])
        if size == 1:
            continue
        if label not in c:
            group = "depth"
        elif label in a and label in b:
            group = "stack"
        else:
            group = "rows" if label in a else "columns"
        groups[group].append(Loop(size, a.get(label, 0), b.get(label, 0), c.get(label, 0)))
    if any(loop.size == 0 for loop in groups["depth"]):
        groups["depth"] = [Loop(0)]
    stack, rows, columns = (_merged(groups[name], lambda loop: loop.c) for name in ("stack", "rows", "columns"))
    depth = _merged(groups["depth"], lambda loop: (loop.a, loop.b))
    row, rows = _main(rows, lambda loop: loop.size)
    column, columns = _main(columns, lambda loop: (loop.c == 1, loop.size))
    deep, depth = _main(depth, lambda loop: (loop.a == 1 or loop.b == 1, loop.size))
    others = sorted([*stack, *rows, *columns], key=lambda loop: loop.c, reverse=True)
    return Product(row, column, deep, tuple(others), tuple(depth))


def _merged(loops: list[Loop], far: Any) -> list[Loop]:
    """Loops from the farthest to the nearest, neighbors that make one loop put together."""
    found: list[Loop] = []
    for loop in sorted(loops, key=far, reverse=True):
        above = found[-1] if found else None
        if above is not None and (above.a, above.b, above.c) == (
            loop.a * loop.size,
            loop.b * loop.size,
            loop.c * loop.size,
        ):
            found[-1] = replace(loop, size=above.size * loop.size)
        else:
            found.append(loop)
    return found


def _main(loops: list[Loop], worth: Any) -> tuple[Loop, list[Loop]]:
    """The loop for the kernel's heart, and the others."""
    if not loops:
        return ONCE, []
    best = max(loops, key=worth)
    return best, [loop for loop in loops if loop is not best]
