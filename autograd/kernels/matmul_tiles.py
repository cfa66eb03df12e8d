"""What matrix products are made of: tiles of C held in registers, and panels of B copied so that tiles read them well."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from llvmlite import ir

from . import vector as vec
from .kernel import part
from .machine import machine
from .vector import INT64, Lanes

PANEL = 2
"""Vectors of columns in a panel."""

FEW = 3
"""At most so many rows are done with wide tiles: there B is read once only, in pieces as long as can be."""

def panel_width(dtype: Any) -> int:
    """Columns in a panel."""
    return PANEL * machine().lanes(dtype)


def tallest() -> int:
    """Rows of the tallest tile: two vectors for each, two for B and one for A fit into the registers. 8 rows keep the
    multipliers as busy as 14 do (measured), and compile in half the time."""
    return 8 if machine().registers >= 32 else 6


def short(lanes: int) -> int:
    """Rows of the tallest tile that fits into a panel of `lanes` rows a whole number of times."""
    return max(tall for tall in (1, 2, 4, 8) if tall <= tallest() and lanes % tall == 0)


def widest() -> int:
    """Vectors of columns of a wide tile, which has up to FEW rows."""
    return 8 if machine().registers >= 32 else 4


def units(v: SimpleNamespace) -> Any:
    """A part of kernels that finds a unit of rows from its number: where its rows of A, its B and its rows of C begin,
    the number of its first row, counted through the stack, and how many rows it has."""
    word, size = v.word, v.size

    @part
    def unit(block: int, each: int) -> tuple[int, int, int, int, int]:
        rows, most, inner = word(block, 5), word(block, 8), word(block, 10)
        parts = (rows + most - 1) // most
        matrix = each // parts
        first = (each - matrix * parts) * most
        far = matrix // inner
        near = matrix - far * inner
        a = word(block, 0) + size * (near * word(block, 11) + far * word(block, 14) + first * word(block, 20))
        b = word(block, 1) + size * (near * word(block, 12) + far * word(block, 15))
        c = word(block, 2) + size * (near * word(block, 13) + far * word(block, 16) + first * word(block, 21))
        return a, b, c, matrix * rows + first, min(most, rows - first)

    return unit


def tiles(v: SimpleNamespace, heights: Sequence[int], few: int = 0) -> Any:
    """An instruction that computes one tile: (rows, A, B, C, strides in bytes of A along rows and depth, of B along
    depth, of C along rows, depth, columns, whether to add).

    Tiles have one of the heights and at most a panel's columns, or up to `few` rows and `widest()` vectors of columns.
    """
    I = v.I  # noqa: E741
    shapes = [(tall, across) for across in range(1, PANEL + 1) for tall in heights]
    shapes += [(tall, widest()) for tall in range(1, few + 1)]

    @v.inline(v.none, I, I, I, I, I, I, I, I, I, I, I)
    def tile(
        builder: Any, rows: Lanes, a: Lanes, b: Lanes, c: Lanes, a_row: Lanes, a_depth: Lanes, b_depth: Lanes,
        c_row: Lanes, depth: Lanes, columns: Lanes, add: Lanes,
    ) -> None:  # fmt: skip
        operands = [each.value for each in (a, b, c, a_row, a_depth, b_depth, c_row, depth, columns, add)]
        vectors = builder.sdiv(builder.add(columns.value, INT64(v.lanes - 1)), INT64(v.lanes))
        which = builder.add(builder.mul(vectors, INT64(16)), rows.value)
        done = builder.append_basic_block("tile.done")
        nowhere = builder.append_basic_block("tile.none")
        switch = builder.switch(which, nowhere)
        for tall, across in shapes:
            block = builder.append_basic_block(f"tile.{tall}x{across}")
            switch.add_case(INT64(16 * across + tall), block)
            builder.position_at_end(block)
            builder.call(_tile(builder.module, v.dtype, tall, across), operands)
            builder.branch(done)
        builder.position_at_end(nowhere)
        builder.branch(done)
        builder.position_at_end(done)

    return tile


def _tile(module: ir.Module, dtype: str, rows: int, vectors: int) -> ir.Function:
    """A function for one shape of tile. Every number of it is a sum that stays in a register while k runs.

    The last vector of columns is masked, so that a panel may end anywhere; the others are whole.
    """
    element, lanes = vec.ELEMENTS[dtype], machine().lanes(dtype)
    kind = vec.vector(element, lanes)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [INT64] * 10), f"tile.{rows}x{vectors}")
    function.linkage = "internal"
    function.attributes.add("noinline")
    a, b, c, a_row, a_depth, b_depth, c_row, depth, columns, add = function.args
    entry, loop, after, overwrite, accumulate = (
        function.append_basic_block(name) for name in ("entry", "loop", "after", "overwrite", "accumulate")
    )
    builder = ir.IRBuilder(entry)
    builder_after = ir.IRBuilder(after)
    mask = vec.first(builder, builder.sub(columns, INT64((vectors - 1) * lanes)), lanes)
    rows_from = [builder.mul(a_row, INT64(row)) for row in range(rows)]
    zero = vec.literal(kind, 0)
    builder.cbranch(builder.icmp_signed(">", depth, INT64(0)), loop, after)

    builder.position_at_end(loop)
    left, a_at, b_at = (builder.phi(INT64) for _ in range(3))
    sums = [[builder.phi(kind) for _ in range(vectors)] for _ in range(rows)]
    results = [[builder_after.phi(kind) for _ in range(vectors)] for _ in range(rows)]
    # Without masks in hardware a masked load is a row of branches; packed panels are whole, see lower_contraction.
    whole = machine().vector_bytes == 16
    panel = [
        vec.load(builder, b_at, at * lanes, kind) if whole or at < vectors - 1
        else vec.load_some(builder, b_at, at * lanes, kind, mask)
        for at in range(vectors)
    ]  # fmt: skip
    # Fused where the processor fuses, else a product and a sum.
    name = f"llvm.fmuladd.v{lanes}{vec.SUFFIX[element]}"
    multiply_add = vec.declared(module, name, kind, [kind] * 3)
    for row in range(rows):
        number = vec.load(builder, builder.add(a_at, rows_from[row]), 0, element).repeat(lanes)
        for at in range(vectors):
            after_this = builder.call(multiply_add, [number.value, panel[at].value, sums[row][at]])
            sums[row][at].add_incoming(zero, entry)
            sums[row][at].add_incoming(after_this, loop)
            results[row][at].add_incoming(zero, entry)
            results[row][at].add_incoming(after_this, loop)
    fewer = builder.sub(left, INT64(1))
    for value, first, following in (
        (left, depth, fewer), (a_at, a, builder.add(a_at, a_depth)), (b_at, b, builder.add(b_at, b_depth))
    ):  # fmt: skip
        value.add_incoming(first, entry)
        value.add_incoming(following, loop)
    builder.cbranch(builder.icmp_signed(">", fewer, INT64(0)), loop, after)

    builder_after.cbranch(builder_after.icmp_signed("==", add, INT64(0)), overwrite, accumulate)
    for block in (overwrite, accumulate):
        builder.position_at_end(block)
        place = c
        for row in range(rows):
            for at in range(vectors):
                value, last = Lanes(builder, results[row][at]), at == vectors - 1
                if block is accumulate:
                    here = vec.load_some(builder, place, at * lanes, kind, mask) if last else vec.load(builder, place, at * lanes, kind)
                    value = here + value
                if last:
                    vec.store_some(builder, place, at * lanes, value, mask)
                else:
                    vec.store(builder, place, at * lanes, value)
            place = builder.add(place, c_row)
        builder.ret_void()
    return function


def pack_panels(v: SimpleNamespace) -> Any:
    """A part of kernels that copies a panel: (source, strides of columns and depth, target, columns, depth, width).

    Where columns lie side by side numbers are copied; where the depth does, squares of lanes times lanes are turned in
    registers; else they are fetched one by one.
    """
    load_some, store, get, put, zero = v.load_some, v.store, v.get, v.put, v.zero
    turn, size, lanes = _turn(v), v.size, v.lanes

    @part
    def pack_panel(source: int, b_column: int, b_depth: int, target: int, columns: int, depth: int, width: int) -> None:
        for j in range(0, width, lanes):
            many = max(min(columns - j, lanes), 0)
            here = source + size * j * b_column
            if b_column == 1 or many == 0:
                for k in range(depth):
                    store(target, k * width + j, load_some(here, k * b_depth, many))
            elif b_depth == 1:
                for k in range(0, depth, lanes):
                    turn(here + size * k, size * b_column, target + size * (k * width + j), size * width, many, depth - k)
            else:
                for k in range(depth):
                    store(target, k * width + j, zero())
                    for at in range(many):
                        put(target, k * width + j + at, get(here, k * b_depth + at * b_column))

    return pack_panel


def _turn(v: SimpleNamespace) -> Any:
    """An instruction that turns a square: (source, its stride in bytes from row to row, target, its stride, rows of the
    source, columns of the source), of which at most as many as a vector has lanes are used."""
    I = v.I  # noqa: E741

    @v.inline(v.none, I, I, I, I, I, I)
    def turn(builder: Any, source: Lanes, step: Lanes, target: Lanes, stride: Lanes, rows: Lanes, columns: Lanes) -> None:
        operands = [each.value for each in (source, step, target, stride, rows, columns)]
        builder.call(_square(builder.module, v.dtype), operands)

    return turn


def _square(module: ir.Module, dtype: str) -> ir.Function:
    """The function that turns a square in registers, in log₂(lanes) rounds of exchanges."""
    element, lanes = vec.ELEMENTS[dtype], machine().lanes(dtype)
    kind = vec.vector(element, lanes)
    try:
        return module.get_global("square")
    except KeyError:
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [INT64] * 6), "square")
    function.linkage = "internal"
    function.attributes.add("noinline")
    source, step, target, stride, rows, columns = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    mask = vec.first(builder, columns, lanes)
    last = builder.sub(rows, INT64(1))
    square = []
    for row in range(lanes):
        inside = builder.icmp_signed("<", INT64(row), rows)
        # A row that is not there is read as the last one with no lane set.
        at = builder.select(inside, INT64(row), last)
        some = builder.select(inside, mask.value, vec.literal(mask.kind, False))
        place = builder.add(source, builder.mul(at, step))
        square.append(vec.load_some(builder, place, 0, kind, Lanes(builder, some)))
    reach = 1
    while reach < lanes:
        for row in range(lanes):
            if not row & reach:
                one, other = square[row], square[row + reach]
                square[row] = one.shuffle(other, [at + lanes - reach if at & reach else at for at in range(lanes)])
                square[row + reach] = one.shuffle(other, [at + lanes if at & reach else at + reach for at in range(lanes)])
        reach *= 2
    # Rows are stored from the last that exists to the first.
    blocks = [function.append_basic_block(f"row{row}") for row in range(lanes)]
    switch = builder.switch(columns, blocks[-1])
    for row, block in enumerate(blocks):
        switch.add_case(INT64(row + 1), block)
        builder.position_at_end(block)
        vec.store(builder, builder.add(target, builder.mul(stride, INT64(row))), 0, Lanes(builder, square[row].value))
        if row:
            builder.branch(blocks[row - 1])
        else:
            builder.ret_void()
    return function
