"""Products that convolutions are made of, as instructions: sums stay in registers while products are added to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from llvmlite import ir

from . import vector as vec
from .machine import machine
from .moves import Loop, function_in
from .vector import INT64, Lanes

WIDTH = 3
"""Vectors of pixels in a wide tile of `gatherer`."""


def tallest() -> int:
    """Rows of the tallest tile: what fits into the registers beside the vectors that are multiplied."""
    return 8 if machine().registers >= 32 else 4


def tallest_of_nine() -> int:
    """The same for rows that come in nines, as the taps of a window of 3x3 do, where nine fit."""
    return 9 if machine().registers >= 32 else 4


def gatherer(v: SimpleNamespace, inside: bool = False) -> Any:
    """sums[k, p] = Σ_c Σ_t weights[c, t, k]·source[c, p + offset[t]] for all rows k and one or three vectors of p.

    (rows, vectors, source, its stride in bytes from channel to channel, channels, offsets in bytes, how many, weights,
    target, its stride in bytes from row to row, lanes used of the last vector.) Weights lie in the order in which they
    are read: for as many rows as a tile has, c by c and t by t.

    `inside`: behind every offset stand the first lane that takes part and the one behind the last; one vector of p.
    """
    I = v.I  # noqa: E741

    @v.inline(v.none, I, I, I, I, I, I, I, I, I, I, I)
    def gather(
        builder: Any, rows: Lanes, vectors: Lanes, source: Lanes, pitch: Lanes, channels: Lanes, offsets: Lanes,
        taps: Lanes, weights: Lanes, target: Lanes, stride: Lanes, count: Lanes,
    ) -> None:  # fmt: skip
        operands = [rows, source, pitch, channels, offsets, taps, weights, target, stride, count]
        widths = (1,) if inside else (1, WIDTH)
        _choose(
            builder, vectors.value, {wide: _gather(builder.module, v.dtype, wide, inside) for wide in widths}, operands
        )

    return gather


def multiplier(v: SimpleNamespace, most: int) -> Any:
    """sums[i, j] (+)= Σ_p a_i[p]·b[p, j] for all rows a_i, each with an offset of its own, and one or two vectors of j.

    (rows, vectors, a, offsets of its rows in bytes, step of a in bytes from p to p, b, its stride in bytes from p to
    p, how many p, sums, their stride in bytes from row to row, 1 to add to what is there or 0 to overwrite it.)
    `most`: rows of the tallest tile.
    """
    I = v.I  # noqa: E741

    @v.inline(v.none, I, I, I, I, I, I, I, I, I, I, I)
    def multiply(
        builder: Any, rows: Lanes, vectors: Lanes, a: Lanes, offsets: Lanes, step: Lanes, b: Lanes, b_stride: Lanes,
        depth: Lanes, sums: Lanes, stride: Lanes, add: Lanes,
    ) -> None:  # fmt: skip
        operands = [rows, a, offsets, step, b, b_stride, depth, sums, stride, add]
        _choose(
            builder, vectors.value, {wide: _multiply(builder.module, v.dtype, wide, most) for wide in (1, 2)}, operands
        )

    return multiply


def _choose(builder: ir.IRBuilder, which: ir.Value, functions: dict[int, ir.Function], operands: list[Lanes]) -> None:
    """Call the function of that number; nothing when there is none."""
    done = builder.append_basic_block("done")
    switch = builder.switch(which, done)
    for at, function in functions.items():
        block = builder.append_basic_block(function.name)
        switch.add_case(INT64(at), block)
        builder.position_at_end(block)
        builder.call(function, [each.value for each in operands])
        builder.branch(done)
    builder.position_at_end(done)


Values = list[ir.Value]


def heights(most: int) -> list[int]:
    """Rows of tiles: the most, and smaller powers of two for rows left over."""
    return [most, *[1 << power for power in reversed(range(4)) if 1 << power < most]]


def in_tiles(
    builder: ir.IRBuilder, rows: ir.Value, heights: list[int], carried: Values, tile: Callable[[int, Values], Values]
) -> None:
    """All rows, in tiles of the first height, then of the others for what is left. `tile(height, carried)` writes one
    and gives what the next one carries on."""
    values = [rows, *carried]
    for height in heights:
        entry, head, body, after = (
            builder.block, *[builder.append_basic_block(f"{name}{height}") for name in ("head", "tile", "after")]
        )  # fmt: skip
        builder.branch(head)
        builder.position_at_end(head)
        phis = [builder.phi(value.type) for value in values]
        for phi, value in zip(phis, values, strict=True):
            phi.add_incoming(value, entry)
        builder.cbranch(builder.icmp_signed(">=", phis[0], INT64(height)), body, after)
        builder.position_at_end(body)
        following = [builder.sub(phis[0], INT64(height)), *tile(height, phis[1:])]
        for phi, value in zip(phis, following, strict=True):
            phi.add_incoming(value, builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        values = list(phis)


def _gather(module: ir.Module, dtype: str, vectors: int, inside: bool) -> ir.Function:
    """`gatherer` for so many vectors. Each turn loads them once and multiplies them by one weight for each row."""
    element, lanes = vec.ELEMENTS[dtype], machine().lanes(dtype)
    kind, size = vec.vector(element, lanes), machine().vector_bytes // machine().lanes(dtype)

    def write(
        builder: Any, rows: Any, source: Any, pitch: Any, channels: Any, offsets: Any, taps: Any, weights: Any,
        target: Any, stride: Any, count: Any,
    ) -> None:  # fmt: skip
        mask = vec.first(builder, count, lanes)

        def tile(height: int, carried: Values) -> Values:
            weights, target = carried
            outer = Loop(builder, channels, [source, weights] + [vec.literal(kind, 0)] * (height * vectors))
            here, weights_here, *sums = outer.values
            inner = Loop(builder, taps, [offsets, weights_here, *sums])
            offset_at, weight_at, *sums = inner.values
            pixels = builder.add(here, vec.load(builder, offset_at, 0, INT64).value)
            columns = [vec.load(builder, pixels, at * lanes, kind) for at in range(vectors)]
            before = sums
            sums = _added(builder, [vec.load(builder, weight_at, row, element) for row in range(height)], columns, sums)
            if inside:
                begin, end = (
                    vec.first(builder, vec.load(builder, offset_at, at, INT64).value, lanes) for at in (1, 2)
                )
                taking = end & ~begin
                sums = [
                    taking.select(Lanes(builder, more), Lanes(builder, sum_)).value
                    for more, sum_ in zip(sums, before, strict=True)
                ]
            weight_next = builder.add(weight_at, INT64(height * size))
            inner.close([builder.add(offset_at, INT64(24 if inside else 8)), weight_next, *sums])
            outer.close([builder.add(here, pitch), weight_next, *sums])
            for row in range(height):
                for at in range(vectors):
                    value = Lanes(builder, sums[row * vectors + at])
                    if at == vectors - 1:
                        vec.store_some(builder, target, at * lanes, value, mask)
                    else:
                        vec.store(builder, target, at * lanes, value)
                target = builder.add(target, stride)
            return [weight_next, target]

        in_tiles(builder, rows, heights(tallest()), [weights, target], tile)

    return function_in(module, f"gather.{vectors}{'.inside' * inside}", ir.VoidType(), [INT64] * 10, write)


def _multiply(module: ir.Module, dtype: str, vectors: int, most: int) -> ir.Function:
    """`multiplier` for so many vectors. Each turn loads them once and multiplies them by one number of each row."""
    element, lanes = vec.ELEMENTS[dtype], machine().lanes(dtype)
    kind = vec.vector(element, lanes)

    def write(
        builder: Any, rows: Any, a: Any, offsets: Any, step: Any, b: Any, b_stride: Any, depth: Any, target: Any,
        stride: Any, add: Any,
    ) -> None:  # fmt: skip
        overwrites = builder.icmp_signed("==", add, INT64(0))

        def tile(height: int, carried: Values) -> Values:
            offsets, target = carried
            bases = [builder.add(a, vec.load(builder, offsets, row, INT64).value) for row in range(height)]
            loop = Loop(builder, depth, [INT64(0), b] + [vec.literal(kind, 0)] * (height * vectors))
            moved, b_at, *sums = loop.values
            columns = [vec.load(builder, b_at, at * lanes, kind) for at in range(vectors)]
            sums = _added(
                builder, [vec.load(builder, builder.add(base, moved), 0, element) for base in bases], columns, sums
            )
            loop.close([builder.add(moved, step), builder.add(b_at, b_stride), *sums])
            overwrite, accumulate, done = (
                builder.append_basic_block(name) for name in ("overwrite", "accumulate", "done")
            )
            builder.cbranch(overwrites, overwrite, accumulate)
            for block in (overwrite, accumulate):
                builder.position_at_end(block)
                place = target
                for row in range(height):
                    for at in range(vectors):
                        value = Lanes(builder, sums[row * vectors + at])
                        if block is accumulate:
                            value = vec.load(builder, place, at * lanes, kind) + value
                        vec.store(builder, place, at * lanes, value)
                    place = builder.add(place, stride)
                builder.branch(done)
            builder.position_at_end(done)
            next_target = builder.add(target, builder.mul(stride, INT64(height)))
            return [builder.add(offsets, INT64(8 * height)), next_target]

        in_tiles(builder, rows, heights(most), [offsets, target], tile)

    return function_in(module, f"multiply.{most}x{vectors}", ir.VoidType(), [INT64] * 10, write)


def _added(builder: Any, numbers: list[Lanes], columns: list[Lanes], sums: Sequence[ir.Value]) -> list[ir.Value]:
    """The sums of a tile after one more product each: row by row, a number times every vector of columns."""
    found, at = [], 0
    for number in numbers:
        for column in columns:
            found.append(column.fma(number, Lanes(builder, sums[at])).value)
            at += 1
    return found
