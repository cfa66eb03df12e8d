"""Instructions that convolutions are made of: tiles of sums, held in registers while products are added to them."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from llvmlite import ir

from . import vector as vec
from .machine import machine
from .moves import Loop, function_in
from .vector import INT64, Lanes

WIDTH = 3
"""Vectors of pixels in a wide tile of `gather_tile`."""


def tallest() -> int:
    """Rows of the tallest tile: what fits into the registers beside the vectors that are multiplied."""
    return 8 if machine().registers >= 32 else 4


def heights() -> list[int]:
    """Rows that tiles have: the tallest, and its halves for what is left over."""
    return [tallest() >> step for step in range(tallest().bit_length())]


def tallest_outer() -> int:
    """Rows of the tallest tile of `outer_tile`: the nine taps of a window of 3x3, where they fit."""
    return max(tallest(), 9 if machine().registers >= 32 else 0)


def gather_tile(v: SimpleNamespace) -> Any:
    """sums[k, p] = Σ_c Σ_t weights[c, t, k]·source[c, p + offset[t]] for a few k and one or three vectors of p.

    (rows, vectors, source, its stride in bytes from channel to channel, channels, offsets in bytes, how many, weights,
    target, its stride in bytes from row to row, lanes used of the last vector.)
    """
    I = v.I  # noqa: E741

    @v.inline(v.none, I, I, I, I, I, I, I, I, I, I, I)
    def tile(
        builder: Any, rows: Lanes, vectors: Lanes, source: Lanes, pitch: Lanes, channels: Lanes, offsets: Lanes,
        taps: Lanes, weights: Lanes, target: Lanes, stride: Lanes, count: Lanes,
    ) -> None:  # fmt: skip
        operands = [each.value for each in (source, pitch, channels, offsets, taps, weights, target, stride, count)]
        which = builder.add(builder.mul(vectors.value, INT64(64)), rows.value)
        shapes = {wide * 64 + tall: (tall, wide) for wide in (1, WIDTH) for tall in heights()}
        _choose(builder, which, {at: _gather(builder.module, v.dtype, *shape) for at, shape in shapes.items()}, operands)

    return tile


def outer_tile(v: SimpleNamespace) -> Any:
    """sums[i, j] += Σ_p a_i[p]·b[p, j] for a few rows a_i, each with an offset of its own, and one or two vectors of j.

    (rows, vectors, a, offsets of its rows in bytes, step of a in bytes from p to p, b, its stride in bytes from p to p,
    how many p, sums, their stride in bytes from row to row, 1 to add to what is there or 0 to overwrite it.)
    """
    I = v.I  # noqa: E741

    @v.inline(v.none, I, I, I, I, I, I, I, I, I, I, I)
    def tile(
        builder: Any, rows: Lanes, vectors: Lanes, a: Lanes, offsets: Lanes, step: Lanes, b: Lanes, b_stride: Lanes,
        depth: Lanes, sums: Lanes, stride: Lanes, add: Lanes,
    ) -> None:  # fmt: skip
        operands = [each.value for each in (a, offsets, step, b, b_stride, depth, sums, stride, add)]
        which = builder.add(builder.mul(vectors.value, INT64(64)), rows.value)
        shapes = {wide * 64 + tall: (tall, wide) for wide in (1, 2) for tall in {*heights(), tallest_outer()}}
        _choose(builder, which, {at: _outer(builder.module, v.dtype, *shape) for at, shape in shapes.items()}, operands)

    return tile


def _choose(builder: ir.IRBuilder, which: ir.Value, functions: dict[int, ir.Function], operands: list[ir.Value]) -> None:
    """Call the function of that number; nothing when there is none."""
    done = builder.append_basic_block("done")
    switch = builder.switch(which, done)
    for at, function in functions.items():
        block = builder.append_basic_block(function.name)
        switch.add_case(INT64(at), block)
        builder.position_at_end(block)
        builder.call(function, operands)
        builder.branch(done)
    builder.position_at_end(done)


def _gather(module: ir.Module, dtype: str, rows: int, vectors: int) -> ir.Function:
    """One shape of `gather_tile`. Each turn loads `vectors` of pixels once and multiplies them by `rows` weights."""
    element, lanes = vec.ELEMENTS[dtype], machine().lanes(dtype)
    kind, size = vec.vector(element, lanes), machine().vector_bytes // machine().lanes(dtype)

    def write(
        builder: Any, source: Any, pitch: Any, channels: Any, offsets: Any, taps: Any, weights: Any, target: Any,
        stride: Any, count: Any,
    ) -> None:  # fmt: skip
        outer = Loop(builder, channels, [source, weights] + [vec.literal(kind, 0)] * (rows * vectors))
        here, weights_here, *sums = outer.values
        inner = Loop(builder, taps, [offsets, weights_here, *sums])
        offset_at, weight_at, *sums = inner.values
        pixels = builder.add(here, vec.load(builder, offset_at, 0, INT64).value)
        columns = [vec.load(builder, pixels, at * lanes, kind) for at in range(vectors)]
        sums = _added(builder, [vec.load(builder, weight_at, row, element) for row in range(rows)], columns, sums)
        weight_next = builder.add(weight_at, INT64(rows * size))
        inner.close([builder.add(offset_at, INT64(8)), weight_next, *sums])
        outer.close([builder.add(here, pitch), weight_next, *sums])
        mask = vec.first(builder, count, lanes)
        for row in range(rows):
            for at in range(vectors):
                value = Lanes(builder, sums[row * vectors + at])
                if at == vectors - 1:
                    vec.store_some(builder, target, at * lanes, value, mask)
                else:
                    vec.store(builder, target, at * lanes, value)
            target = builder.add(target, stride)

    return function_in(module, f"gather.{rows}x{vectors}", ir.VoidType(), [INT64] * 9, write)


def _outer(module: ir.Module, dtype: str, rows: int, vectors: int) -> ir.Function:
    """One shape of `outer_tile`. Each turn loads `vectors` of b once and multiplies them by one number of each row."""
    element, lanes = vec.ELEMENTS[dtype], machine().lanes(dtype)
    kind = vec.vector(element, lanes)

    def write(
        builder: Any, a: Any, offsets: Any, step: Any, b: Any, b_stride: Any, depth: Any, target: Any, stride: Any, add: Any
    ) -> None:
        bases = [builder.add(a, vec.load(builder, offsets, row, INT64).value) for row in range(rows)]
        loop = Loop(builder, depth, [INT64(0), b] + [vec.literal(kind, 0)] * (rows * vectors))
        moved, b_at, *sums = loop.values
        columns = [vec.load(builder, b_at, at * lanes, kind) for at in range(vectors)]
        sums = _added(builder, [vec.load(builder, builder.add(base, moved), 0, element) for base in bases], columns, sums)
        loop.close([builder.add(moved, step), builder.add(b_at, b_stride), *sums])
        overwrite, accumulate = (builder.append_basic_block(name) for name in ("overwrite", "accumulate"))
        done = builder.append_basic_block("done")
        builder.cbranch(builder.icmp_signed("==", add, INT64(0)), overwrite, accumulate)
        for block in (overwrite, accumulate):
            builder.position_at_end(block)
            place = target
            for row in range(rows):
                for at in range(vectors):
                    value = Lanes(builder, sums[row * vectors + at])
                    if block is accumulate:
                        value = vec.load(builder, place, at * lanes, kind) + value
                    vec.store(builder, place, at * lanes, value)
                place = builder.add(place, stride)
            builder.branch(done)
        builder.position_at_end(done)

    return function_in(module, f"outer.{rows}x{vectors}", ir.VoidType(), [INT64] * 9, write)


def _added(builder: Any, numbers: list[Lanes], columns: list[Lanes], sums: Sequence[ir.Value]) -> list[ir.Value]:
    """The sums of a tile after one more product each: row by row, a number times every vector of columns."""
    found, at = [], 0
    for number in numbers:
        for column in columns:
            found.append(column.fma(number, Lanes(builder, sums[at])).value)
            at += 1
    return found
