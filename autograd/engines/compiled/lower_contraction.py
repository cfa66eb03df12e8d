"""Contractions of two operands, as matrix products over a stack.

Every label of an index form belongs to one of four groups: batch (in both operands and the output), rows (in the first
and the output), columns (in the second and the output), depth (summed). Labels of a group whose strides fit become one
loop; the kernels run over rows, columns and depth, two loops of batch and a second one of depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from ...index import IndexForm
from ...kernels.dots import dots
from ...kernels.machine import machine
from ...kernels.matmul import SLICE, large_product, pack, product
from ...kernels.matmul_tiles import panel_width, tallest
from .calls import CHUNK, Scratch, View

WORK = 1 << 17
"""A unit of rows does at least about so many multiplications."""
GRAIN = 1 << 19
"""So many multiplications make a chunk worth a thread."""
LARGE = 1 << 21
"""Bytes of a matrix B that does not stay in the caches while all rows pass over it; then it is copied slice by slice."""
MANY = 512
"""With so many rows a large B is packed once for all of them, and a unit has a quarter of them; with fewer a unit has up
to half of them and copies B on its way. Measured; units of 64 rows are a fifth slower."""



@dataclass(frozen=True, slots=True)
class Loop:
    """A loop: how often, and how far it moves in the two operands and the output."""

    size: int
    a: int = 0
    b: int = 0
    c: int = 0

    @property
    def swapped(self) -> Loop:
        """The same for the operands exchanged."""
        return Loop(self.size, self.b, self.a, self.c)


ONCE = Loop(1)


@dataclass(frozen=True, slots=True)
class Product:
    """A stack of matrix products: C[i, j] = Σ_k A[i, k]·B[k, j]."""

    rows: Loop
    columns: Loop
    depth: Loop
    stack: tuple[Loop, ...]
    depths: tuple[Loop, ...]
    is_swapped: bool = False

    @property
    def fits(self) -> bool:
        """Whether the kernels have enough loops."""
        return len(self.stack) <= 2 and len(self.depths) <= 1

    @property
    def multiplications(self) -> int:
        """How many, all in all."""
        loops = (self.rows, self.columns, self.depth, *self.stack, *self.depths)
        return prod(loop.size for loop in loops)


def lower(plan: Any, form: IndexForm, inputs: Sequence[View], output: View) -> bool:
    """Add the calls that compute a contraction of two operands; False when it is none for a matrix product.

    That is: whole numbers, labels that stand twice in the output, forms that sum nothing and share every label, and
    those that sum along labels of each operand alone and along shared ones too.
    """
    if len(inputs) != 2 or not inputs[0].dtype == inputs[1].dtype == output.dtype or output.dtype.kind != "f":
        return False
    if len(set(form.output)) != len(form.output):
        return False
    if output.size == 0:
        return True
    known = set(form.operands[0] + form.operands[1])
    if not form.summed and (set(form.operands[0]) <= set(form.operands[1]) or set(form.operands[1]) <= set(form.operands[0])):
        return False
    alone = [label for label in form.output if label not in known]
    if alone:
        kept = "".join(label for label in form.output if label in known)
        once = plan.new([int(form.sizes[label]) for label in kept], output.dtype)
        if not lower(plan, IndexForm(form.operands, kept, form.sizes), inputs, once):
            return False
        stride = dict(zip(kept, once.strides))
        strides = tuple(stride.get(label, 0) for label in form.output)
        plan.copy(View(once.buffer, once.dtype, output.shape, strides, once.offset), output)
        return True
    return _lower(plan, form, inputs, output, arranged=False)


def _lower(plan: Any, form: IndexForm, inputs: Sequence[View], output: View, arranged: bool) -> bool:
    straight = _product(form, inputs, output)
    ways = [way for way in (straight, _swapped(straight)) if way.fits]
    choices = [choice for way in ways for choice in (_Tiles(way, output.dtype), _Dots(way, output.dtype)) if choice.possible]
    if not choices:
        return not arranged and _arranged(plan, form, inputs, output)
    best = min(choices, key=lambda choice: choice.cost)
    a, b = reversed(inputs) if best.way.is_swapped else inputs
    best.emit(plan, a, b, output)
    return True


def _arranged(plan: Any, form: IndexForm, inputs: Sequence[View], output: View) -> bool:
    """The contraction on copies whose labels stand in the order of their groups."""
    first, second = form.operands
    batch = "".join(label for label in form.output if label in first and label in second)
    rows = "".join(label for label in form.output if label in first and label not in second)
    columns = "".join(label for label in form.output if label not in first)
    shared = "".join(label for label in form.summed if label in first and label in second)
    only_first = "".join(label for label in form.summed if label not in second)
    only_second = "".join(label for label in form.summed if label not in first)
    orders = batch + rows + only_first + shared, batch + only_second + shared + columns
    copies = [plan.dense(_seen(view, labels, order)) for view, labels, order in zip(inputs, form.operands, orders)]
    order = batch + rows + columns
    target = _seen(output, form.output, order)
    result = target if target.dense else plan.new(target.shape, target.dtype)
    if not _lower(plan, IndexForm(orders, order, form.sizes), copies, result, arranged=True):
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


# Reading a form ---------------------------------------------------------------------------------------------------------
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
    return Product(row, column, deep, (*stack, *rows, *columns), tuple(depth))


def _merged(loops: list[Loop], far: Any) -> list[Loop]:
    """Loops from the farthest to the nearest, neighbors that make one loop put together."""
    found: list[Loop] = []
    for loop in sorted(loops, key=far, reverse=True):
        above = found[-1] if found else None
        if above is not None and (above.a, above.b, above.c) == (loop.a * loop.size, loop.b * loop.size, loop.c * loop.size):
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


def _swapped(way: Product) -> Product:
    """Cᵀ = Bᵀ·Aᵀ."""
    return Product(
        way.columns.swapped, way.rows.swapped, way.depth.swapped, tuple(loop.swapped for loop in way.stack),
        tuple(loop.swapped for loop in way.depths), True,
    )  # fmt: skip


# Two ways to compute it -------------------------------------------------------------------------------------------------
class _Way:
    """What both ways share: units of rows and the first words of the block."""

    def __init__(self, way: Product, dtype: np.dtype) -> None:
        self.way, self.size, self.lanes = way, dtype.itemsize, machine().lanes(dtype)
        self.inner, self.outer = (*way.stack[::-1], ONCE, ONCE)[:2]
        self.second = way.depths[0] if way.depths else ONCE
        self.matrices = self.inner.size * self.outer.size

    def units(self, least: int = 1) -> tuple[int, int, int]:
        """Rows per unit (at least `least` where there are as many), number of units, units that make a chunk."""
        way, high = self.way, tallest()
        per_row = max(way.columns.size * way.depth.size * self.second.size, 1)
        # Several tiles share what they read of B, when there are rows enough.
        least = max(least, min(4 * high, way.rows.size // 4))
        unit = min(way.rows.size, -(-max(WORK // per_row, least) // high) * high)
        count = -(-way.rows.size // unit) * self.matrices
        return unit, count, max(1, GRAIN // (unit * per_row))

    def head(self, a: View, b: View, c: View, unit: int, b_stack: tuple[int, int], b_depths: int) -> list[Any]:
        """The words that all products have in common."""
        way, near, far = self.way, self.inner, self.outer
        return [
            a, b, c, 0, 0, way.rows.size, way.columns.size, way.depth.size, unit, 0, near.size, near.a, b_stack[0], near.c,
            far.a, b_stack[1], far.c, self.second.size, self.second.a, b_depths, way.rows.a, way.rows.c,
        ]  # fmt: skip

    def packed(self, plan: Any, b: View, width: int) -> tuple[View, tuple[int, int], int]:
        """B as panels of columns; how far the panels of the next matrix of the stack and of the next depth are."""
        way, here = self.way, self.way.columns
        panels = -(-here.size // width)
        one = panels * width * way.depth.size
        loops = [self.second, self.inner, self.outer]
        sizes = [loop.size if loop.b else 1 for loop in loops]
        total = prod(sizes)
        target = plan.new((total * one,), b.dtype)
        plan.call(
            pack(b.dtype), [b, target, here.size, way.depth.size, here.b, way.depth.b, width, *sizes[:2], *(loop.b for loop in loops)],
            [b], [target], rows=total * panels, grain=max(1, 1 + (1 << 16) // max(way.depth.size * width, 1)),
            why="packed for a matrix product",
        )  # fmt: skip
        steps = [one, one * sizes[0], one * sizes[0] * sizes[1]]
        deep, near, far = (step if loop.b else 0 for step, loop in zip(steps, loops))
        return target, (near, far), deep


class _Tiles(_Way):
    """Tiles of rows times two vectors of columns; columns of B and C lie side by side."""

    @property
    def possible(self) -> bool:
        """Whether C can be written in whole vectors."""
        return self.way.columns.c == 1 or self.way.columns.size == 1

    @property
    def packs(self) -> bool:
        """Whether B is rewritten as panels."""
        columns = self.way.columns
        # Without masks in hardware the last columns are read whole, so they must be there.
        ragged = machine().vector_bytes == 16 and columns.size % self.lanes != 0
        return ragged or columns.size > 1 and columns.b != 1

    @property
    def cost(self) -> float:
        """About how many cycles."""
        way, lanes = self.way, self.lanes
        vectors = -(-way.columns.size // lanes)
        passes = self.matrices * self.second.size
        cost = passes * way.rows.size * vectors * (way.depth.size + 4.0)
        if self.packs:
            each = 1 if way.columns.b == 1 else 6 if way.depth.b == 1 else 3 * lanes
            cost += 60 + passes * vectors * way.depth.size * each
        return cost

    @property
    def is_large(self) -> bool:
        """Whether B is copied in slices by the product itself."""
        way = self.way
        return way.columns.size * way.depth.size * self.size >= LARGE and way.rows.size >= 2 * tallest()

    def emit(self, plan: Any, a: View, b: View, c: View) -> None:
        """Add the calls."""
        way, width, reads = self.way, panel_width(c.dtype), [a, b]
        stack, deep = (self.inner.b, self.outer.b), self.second.b
        if self.is_large:
            code, slice_ = large_product(c.dtype), min(way.depth.size, SLICE)
            is_many = way.rows.size >= MANY
            unit, units, grain = self.units(MANY // 4 if is_many else MANY // 2)
            memory = Scratch(-(-slice_ * (width + unit + self.lanes) * self.size // 64) * 64)
            last = [way.depth.a, way.depth.b, way.columns.b, 0, slice_, memory, memory.bytes, CHUNK]
            if is_many:
                b, stack, deep = self.packed(plan, b, width)
                reads, last[1:4] = [a, b], [width, 0, width * way.depth.size]
        else:
            code = product(c.dtype)
            unit, units, grain = self.units()
            last = [way.depth.a, way.depth.b, width]
            if self.packs:
                b, stack, deep = self.packed(plan, b, width)
                reads, last = [a, b], [way.depth.a, width, width * way.depth.size]
        words = [*self.head(a, b, c, unit, stack, deep), *last]
        plan.call(code, words, reads, [c], rows=units, grain=grain, flops=2 * way.multiplications)


class _Dots(_Way):
    """Rows with rows, the depth side by side in both."""

    @property
    def possible(self) -> bool:
        """Whether rows of A lie side by side along the depth."""
        return self.way.depth.a == 1 and self.way.depth.size >= 4

    @property
    def cost(self) -> float:
        """About how many cycles."""
        way = self.way
        steps = -(-way.depth.size // self.lanes) + 9
        cost = 10.0 + self.matrices * self.second.size * way.rows.size * way.columns.size * steps
        if way.depth.b != 1:
            cost += 60 + self.matrices * self.second.size * way.columns.size * way.depth.size * 3
        return cost

    def emit(self, plan: Any, a: View, b: View, c: View) -> None:
        """Add the calls."""
        way = self.way
        unit, units, grain = self.units()
        stack, deep, column = (self.inner.b, self.outer.b), self.second.b, way.columns.b
        if way.depth.b != 1:
            loops = [loop for loop in (self.outer, self.inner, self.second, way.columns) if loop.b and loop.size > 1]
            shape = (*(loop.size for loop in loops), way.depth.size)
            b = plan.dense(View(b.buffer, b.dtype, shape, (*(loop.b for loop in loops), way.depth.b), b.offset))
            at = dict(zip(map(id, loops), b.strides))
            stack = at.get(id(self.inner), 0), at.get(id(self.outer), 0)
            deep, column = at.get(id(self.second), 0), at.get(id(way.columns), 0)
        words = [*self.head(a, b, c, unit, stack, deep), column, way.columns.c]
        plan.call(dots(c.dtype), words, [a, b], [c], rows=units, grain=grain, flops=2 * way.multiplications)
