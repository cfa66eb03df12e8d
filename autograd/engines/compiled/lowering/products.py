"""Products of stacked matrices as kernel calls: three ways to compute one, and what each costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from ....kernels.dots import dots, tall
from ....kernels.machine import machine
from ....kernels.matmul import SLICE, large_product, pack, product
from ....kernels.matmul_tiles import PANEL, panel_width, tallest
from ....language import N_
from ..calls import CHUNK, Scratch, View

WORK = 1 << 17
"""A unit of rows does at least about so many multiplications."""
GRAIN = 1 << 19
"""So many multiplications make a chunk worth a thread."""
PAGE = 4096
"""Bytes after which the sets of a first-level cache come round again."""
CALL = 150
"""About how many cycles another call takes."""
LARGE = 1 << 21
"""Bytes of a matrix B that does not stay in the caches while all rows pass over it: it is copied slice by slice."""
MANY = 512
"""With so many rows a large B is packed once for all of them, and a unit has a quarter of so many; with fewer a unit has
up to half of so many and copies B on its way. Measured: units of 64 rows are a fifth slower."""


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

    @property
    def swapped(self) -> Product:
        """Cᵀ = Bᵀ·Aᵀ."""
        return Product(
            self.columns.swapped, self.rows.swapped, self.depth.swapped, tuple(loop.swapped for loop in self.stack),
            tuple(loop.swapped for loop in self.depths),
        )  # fmt: skip

    @property
    def fits(self) -> bool:
        """Whether the kernels have enough loops."""
        return len(self.stack) <= 2 and len(self.depths) <= 1

    @property
    def rows_in_order(self) -> int:
        """How many rows C has, counted through the stack, when they are written in the order of memory without gaps; 0
        when not."""
        size, even = self.columns.size, self.columns.c == 1 or self.columns.size == 1
        for loop in (self.rows, *self.stack[::-1]):
            even &= loop.size == 1 or loop.c == size
            size *= loop.size
        return self.rows.size * prod(loop.size for loop in self.stack) if even else 0

    @property
    def multiplications(self) -> int:
        """How many, all in all."""
        loops = (self.rows, self.columns, self.depth, *self.stack, *self.depths)
        return prod(loop.size for loop in loops)


def emit(plan: Any, straight: Product, a: View, b: View, c: View, accumulate: bool = False) -> bool:
    """Add the calls that compute a product in the cheapest way; False when no kernel fits its strides and loops."""
    choices = [
        (kind(way, c.dtype, accumulate), operands)
        for way, operands in ((straight, (a, b)), (straight.swapped, (b, a))) if way.fits
        for kind in (Tiles, Dots, Turned)
    ]  # fmt: skip
    possible = [choice for choice in choices if choice[0].possible]
    if not possible:
        return False
    best, operands = min(possible, key=lambda choice: choice[0].cost)
    best.emit(plan, *operands, c)
    return True


class Way:
    """What the ways share: units of rows and the first words of the block."""

    def __init__(self, way: Product, dtype: np.dtype, accumulate: bool = False) -> None:
        self.way, self.accumulate, self.size, self.lanes = way, accumulate, dtype.itemsize, machine().lanes(dtype)
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
            a, b, c, 0, 0, way.rows.size, way.columns.size, way.depth.size, unit, int(self.accumulate),
            near.size, near.a, b_stack[0], near.c, far.a, b_stack[1], far.c,
            self.second.size, self.second.a, b_depths, way.rows.a, way.rows.c, -(-way.rows.size // unit),
        ]  # fmt: skip

    def call(self, plan: Any, code: Any, words: list[Any], reads: list[View], c: View, units: int, grain: int) -> None:
        """Add the call of a product."""
        plan.call(
            code, words, [*reads, c] if self.accumulate else reads, [c], rows=units, grain=grain,
            flops=2 * self.way.multiplications, finish=self.way.rows_in_order,
        )  # fmt: skip

    def packed(self, plan: Any, b: View, columns: Loop, depth: Loop, width: int) -> tuple[View, tuple[int, int], int]:
        """B as panels of columns; how far the panels of the next matrix of the stack and of the next depth are."""
        panels = -(-columns.size // width)
        one = panels * width * depth.size
        loops = [self.second, self.inner, self.outer]
        sizes = [loop.size if loop.b else 1 for loop in loops]
        total = prod(sizes)
        target = plan.new((total * one,), b.dtype)
        _pack(plan, b, target, columns, depth, width, (*sizes[:2], *(loop.b for loop in loops)), total * panels)
        steps = [one, one * sizes[0], one * sizes[0] * sizes[1]]
        deep, near, far = (step if loop.b else 0 for step, loop in zip(steps, loops))
        return target, (near, far), deep


def _pack(
    plan: Any, source: View, target: View, columns: Loop, depth: Loop, width: int, stack: Sequence[int], panels: int,
    why: str = N_("packed for a matrix product"),
) -> None:  # fmt: skip
    grain = 1 + GRAIN // (8 * max(depth.size * width, 1))
    words = [source, target, columns.size, depth.size, columns.b, depth.b, width, *stack]
    plan.call(pack(source.dtype.name), words, [source], [target], rows=panels, grain=grain, why=why)


class Tiles(Way):
    """Tiles of rows times two vectors of columns; columns of B and C lie side by side."""

    @property
    def possible(self) -> bool:
        """Whether C can be written in whole vectors."""
        return self.way.columns.c == 1 or self.way.columns.size == 1

    @property
    def packs(self) -> bool:
        """Whether B is rewritten as panels."""
        columns = self.way.columns
        # Without masks in hardware a vector is read whole, so its columns must be there.
        ragged = machine().vector_bytes == 16 and 0 < columns.size % (PANEL * self.lanes) < self.lanes
        # Many rows pay for a copy that is read from front to end. Narrow panels take less than is fetched with them.
        pays = 1 << 19 if machine().vector_bytes == 64 else 1 << 17
        often = self.way.rows.size >= 16 * tallest() and columns.size * self.way.depth.size * self.size >= pays
        return ragged or often or (columns.size > 1 and columns.b != 1)

    @property
    def cost(self) -> float:
        """About how many cycles."""
        way, lanes, high = self.way, self.lanes, tallest()
        vectors = -(-way.columns.size // lanes)
        passes = self.matrices * self.second.size
        # A tile of few sums waits for itself.
        rows = max(way.rows.size, min(4, way.rows.size * 2) / min(vectors, 2))
        halves = -(-2 * way.columns.size // lanes) if machine().vector_bytes == 64 else 2 * vectors
        # Half a vector takes more than half the time, and a tile a few cycles to begin and to end.
        across = halves / 2 + 0.15 * (halves % 2)
        cost = passes * (across * rows * way.depth.size + vectors * 16.0 * -(-way.rows.size // high))
        if self.packs:
            cost += CALL + passes * way.columns.size * way.depth.size * _copied(way.columns, way.depth)
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
            code, slice_ = large_product(c.dtype.name), min(way.depth.size, SLICE)
            is_many = way.rows.size >= MANY
            unit, units, grain = self.units(MANY // 4 if is_many else MANY // 2)
            memory = Scratch(-(-slice_ * (width + unit + self.lanes) * self.size // 64) * 64)
            last = [way.depth.a, way.depth.b, way.columns.b, 0, slice_, memory, memory.bytes, CHUNK]
            if is_many:
                b, stack, deep = self.packed(plan, b, way.columns, way.depth, width)
                reads, last[1:4] = [a, b], [width, 0, width * way.depth.size]
        else:
            code = product(c.dtype.name)
            unit, units, grain = self.units()
            last = [way.depth.a, way.depth.b, width]
            if self.packs:
                b, stack, deep = self.packed(plan, b, way.columns, way.depth, width)
                reads, last = [a, b], [way.depth.a, width, width * way.depth.size]
            tiles = -(-unit // tallest())
            last += [tiles, unit // tiles]
        self.call(plan, code, [*self.head(a, b, c, unit, stack, deep), *last], reads, c, units, grain)


class Dots(Way):
    """Rows with rows, the depth side by side in both."""

    @property
    def possible(self) -> bool:
        """Whether rows of A lie side by side along the depth."""
        return self.way.depth.a == 1 and self.way.depth.size >= 4

    @property
    def cost(self) -> float:
        """About how many cycles."""
        way = self.way
        steps = -(-way.depth.size // self.lanes)
        columns, each, high = way.columns.size, 0.0, tall()
        # About every second load of 32 or 64 bytes reaches into another line of the cache.
        load = 1.5 if machine().vector_bytes > 16 else 1
        # Rows that lie pages apart push each other out of the first-level cache.
        crowded = 1.15 if way.rows.a * self.size % PAGE == 0 and way.columns.b * self.size % PAGE == 0 else 1
        ends = 20 + 20 * (way.depth.size % self.lanes != 0)
        for wide in (4, 2, 1):
            each += columns // wide * (max(high * wide, load * (high + wide)) * crowded * steps + ends)
            columns %= wide
        passes = self.matrices * self.second.size
        cost = passes * (way.rows.size // high + way.rows.size % high / 2) * each
        if way.depth.b != 1:
            cost += CALL + passes * way.columns.size * way.depth.size * _copied(way.depth, way.columns)
        return cost

    def emit(self, plan: Any, a: View, b: View, c: View) -> None:
        """Add the calls."""
        way = self.way
        unit, units, grain = self.units()
        stack, deep, column = (self.inner.b, self.outer.b), self.second.b, way.columns.b
        if way.depth.b != 1:
            column = -(-way.depth.size // self.lanes) * self.lanes
            b, stack, deep = self.packed(plan, b, way.depth, way.columns, column)
        words = [*self.head(a, b, c, unit, stack, deep), column, way.columns.c]
        self.call(plan, dots(c.dtype.name), words, [a, b], c, units, grain)


class Turned(Tiles):
    """Tiles for Cᵀ, which is then turned: for few columns and a depth that lies side by side in neither operand."""

    @property
    def possible(self) -> bool:
        """Whether C is one dense matrix that lies the other way."""
        rows, columns = self.way.rows, self.way.columns
        return (
            not self.accumulate
            and self.matrices == 1
            and rows.c == 1
            and columns.c == rows.size
            and min(rows.size, columns.size) > 1
        )

    @property
    def cost(self) -> float:
        """About how many cycles; nothing can be done with its rows while they are in the cache."""
        return super().cost + CALL + 2 * self.way.rows.size * self.way.columns.size

    def emit(self, plan: Any, a: View, b: View, c: View) -> None:
        """Add the calls."""
        rows, columns = self.way.rows, self.way.columns
        turned = plan.new((rows.size, columns.size), c.dtype)
        self.way = replace(self.way, rows=replace(rows, c=columns.size), columns=replace(columns, c=1))
        super().emit(plan, a, b, turned)
        across, down = Loop(rows.size, b=columns.size), Loop(columns.size, b=1)
        _pack(plan, turned, c, across, down, rows.size, (1, 1, 0, 0, 0), 1, N_("turned: its transpose was computed"))


def _copied(along: Loop, other: Loop) -> float:
    """About how many cycles it takes to copy a number of B so that it lies side by side along a loop."""
    return 0.1 if along.b == 1 else 0.4 if other.b == 1 else 3.0
