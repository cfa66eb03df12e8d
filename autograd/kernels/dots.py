"""Products of rows with rows, C[i, j] = Σ_k A[i, k]·B[j, k], where the depth lies side by side in both.

For few columns (a matrix times a vector, the last layer of a net): a tile of `matmul.py` would leave most lanes empty.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from llvmlite import ir

from . import vector as vec
from .kernel import kernel
from .machine import machine
from .matmul_tiles import units
from .vector import INT64, Lanes

TILE = 4
"""Rows, and columns, of a tile: 16 vectors of sums, or one at a time."""


@kernel()
def dots(v: SimpleNamespace) -> Any:
    """C[i, j] (+)= Σ_k A[i, k]·B[j, k] for a stack of matrices. One row of the call is a unit: some rows of one C.

    Block: as for `product` up to the strides along rows; then strides of B and C along columns. Along the depth the
    strides are 1.

    Order: unit, tile of rows, tile of columns, depth. A tile is 4x4, 4x1, 1x4 or 1x1 sums, each a vector of partial sums
    along the depth that is added up at the end.
    """
    word, call, size = v.word, v.call, v.size
    tile, unit = _tiles(v), units(v)

    def loop(block: int, start: int, stop: int) -> None:
        columns, depth, a_row, c_row = word(block, 6), word(block, 7), size * word(block, 20), size * word(block, 21)
        b_column, c_column = size * word(block, 22), size * word(block, 23)
        for each in range(start, stop):
            a, b, c, row, rows = unit(block, each)
            add = word(block, 9)
            for _ in range(word(block, 17)):
                i = 0
                while i < rows:
                    tall = TILE if i + TILE <= rows else 1
                    a_tile, c_tile = a + i * a_row, c + i * c_row
                    j = 0
                    while j < columns:
                        wide = TILE if j + TILE <= columns else 1
                        tile(tall, wide, a_tile, b + j * b_column, c_tile + j * c_column, a_row, b_column, c_row, c_column, depth, add)
                        j += wide
                    i += tall
                a += size * word(block, 18)
                b += size * word(block, 19)
                add = 1
            if word(block, 3) != 0:
                call(word(block, 3), word(block, 4), row, row + rows)

    return loop


def _tiles(v: SimpleNamespace) -> Any:
    I = v.I  # noqa: E741

    @v.inline(v.none, I, I, I, I, I, I, I, I, I, I, I)
    def tile(
        builder: Any, tall: Lanes, wide: Lanes, a: Lanes, b: Lanes, c: Lanes, a_row: Lanes, b_column: Lanes, c_row: Lanes,
        c_column: Lanes, depth: Lanes, add: Lanes,
    ) -> None:  # fmt: skip
        operands = [each.value for each in (a, b, c, a_row, b_column, c_row, c_column, depth, add)]
        which = builder.add(builder.mul(tall.value, INT64(TILE)), wide.value)
        done = builder.append_basic_block("tile.done")
        nowhere = builder.append_basic_block("tile.none")
        switch = builder.switch(which, nowhere)
        for rows in (1, TILE):
            for columns in (1, TILE):
                block = builder.append_basic_block(f"tile.{rows}x{columns}")
                switch.add_case(INT64(rows * TILE + columns), block)
                builder.position_at_end(block)
                builder.call(_tile(builder.module, v.dtype, rows, columns), operands)
                builder.branch(done)
        builder.position_at_end(nowhere)
        builder.branch(done)
        builder.position_at_end(done)

    return tile


def _tile(module: ir.Module, dtype: str, rows: int, columns: int) -> ir.Function:
    """A function for one shape of tile: whole vectors along the depth, then the rest under a mask, then the sums."""
    element, lanes = vec.ELEMENTS[dtype], machine().lanes(dtype)
    kind = vec.vector(element, lanes)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [INT64] * 9), f"dots.{rows}x{columns}")
    function.linkage = "internal"
    function.attributes.add("noinline")
    a, b, c, a_row, b_column, c_row, c_column, depth, add = function.args
    # One sum alone would wait for itself: it is split into as many as hide the wait.
    chains = max(1, 4 // (rows * columns))
    step = chains * lanes
    entry, loop, rest, tail, after = (
        function.append_basic_block(name) for name in ("entry", "loop", "rest", "tail", "after")
    )
    builder = ir.IRBuilder(entry)
    multiply_add = vec.declared(module, f"llvm.fmuladd.v{lanes}{vec.SUFFIX[element]}", kind, [kind] * 3)
    zero = vec.literal(kind, 0)
    a_from = [builder.add(a, builder.mul(a_row, INT64(row))) for row in range(rows)]
    b_from = [builder.add(b, builder.mul(b_column, INT64(column))) for column in range(columns)]
    cells = [(row, column, chain) for row in range(rows) for column in range(columns) for chain in range(chains)]
    builder.cbranch(builder.icmp_signed(">=", depth, INT64(step)), loop, rest)

    builder.position_at_end(loop)
    k = builder.phi(INT64)
    sums = {cell: builder.phi(kind) for cell in cells}
    after_this = {}
    for chain in range(chains):
        at = builder.add(k, INT64(chain * lanes))
        right = [vec.load(builder, start, at, kind).value for start in b_from]
        for row in range(rows):
            left = vec.load(builder, a_from[row], at, kind).value
            for column in range(columns):
                cell = (row, column, chain)
                after_this[cell] = builder.call(multiply_add, [left, right[column], sums[cell]])
    following = builder.add(k, INT64(step))
    k.add_incoming(INT64(0), entry)
    k.add_incoming(following, loop)
    for cell in cells:
        sums[cell].add_incoming(zero, entry)
        sums[cell].add_incoming(after_this[cell], loop)
    builder.cbranch(builder.icmp_signed("<=", builder.add(following, INT64(step)), depth), loop, rest)

    # What is left is less than a step: vector by vector, each masked.
    builder.position_at_end(rest)
    k_rest = builder.phi(INT64)
    k_rest.add_incoming(INT64(0), entry)
    k_rest.add_incoming(following, loop)
    totals = {}
    for cell in cells:
        totals[cell] = builder.phi(kind)
        totals[cell].add_incoming(zero, entry)
        totals[cell].add_incoming(after_this[cell], loop)
    joined = {}
    for row in range(rows):
        for column in range(columns):
            value = Lanes(builder, totals[row, column, 0])
            for chain in range(1, chains):
                value = value + Lanes(builder, totals[row, column, chain])
            joined[row, column] = value.value
    rest_end = builder.block
    builder.cbranch(builder.icmp_signed("<", k_rest, depth), tail, after)
    builder.position_at_end(tail)
    k_tail = builder.phi(INT64)
    partial = {cell: builder.phi(kind) for cell in joined}
    mask = vec.first(builder, _at_most(builder, builder.sub(depth, k_tail), lanes), lanes)
    right = [vec.load_some(builder, start, k_tail, kind, mask).value for start in b_from]
    tail_after = {}
    for row in range(rows):
        left = vec.load_some(builder, a_from[row], k_tail, kind, mask).value
        for column in range(columns):
            tail_after[row, column] = builder.call(multiply_add, [left, right[column], partial[row, column]])
    k_more = builder.add(k_tail, INT64(lanes))
    tail_end = builder.block
    builder.cbranch(builder.icmp_signed("<", k_more, depth), tail, after)
    k_tail.add_incoming(k_rest, rest_end)
    k_tail.add_incoming(k_more, tail_end)
    for cell, value in partial.items():
        value.add_incoming(joined[cell], rest_end)
        value.add_incoming(tail_after[cell], tail_end)

    builder.position_at_end(after)
    finals = {}
    for cell in joined:
        finals[cell] = builder.phi(kind)
        finals[cell].add_incoming(joined[cell], rest_end)
        finals[cell].add_incoming(tail_after[cell], tail_end)
    old = builder.icmp_signed("!=", add, INT64(0))
    for (row, column), value in finals.items():
        total = Lanes(builder, value).folded(lambda x, y: x + y)
        place = builder.add(c, builder.add(builder.mul(c_row, INT64(row)), builder.mul(c_column, INT64(column))))
        with builder.if_else(old) as (there, fresh):
            with there:
                vec.store(builder, place, 0, vec.load(builder, place, 0, element) + total)
            with fresh:
                vec.store(builder, place, 0, total)
    builder.ret_void()
    return function


def _at_most(builder: ir.IRBuilder, count: ir.Value, most: int) -> ir.Value:
    return builder.select(builder.icmp_signed("<", count, INT64(most)), count, INT64(most))
