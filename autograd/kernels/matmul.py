"""Matrix products: C[i, j] (+)= Σ_k A[i, k]·B[k, j], for any strides of A and any stack of matrices.

Everything rests on the tile: some rows times two vectors of columns of C, held in registers while k runs. B comes as
panels of two vectors of columns, either packed ones (`packing.py`) or the matrix itself when its rows lie side by side.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from llvmlite import ir

from . import vector as vec
from .kernel import kernel
from .machine import machine
from .vector import INT64, Lanes

PANEL = 2
"""Vectors of columns in a panel."""


def panel_width(dtype: Any) -> int:
    """Columns in a panel."""
    return PANEL * machine().lanes(dtype)


def tallest() -> int:
    """Rows of the tallest tile: two vectors for each, two for B and one for A fit into the registers."""
    return 8 if machine().registers >= 32 else 6


EPILOGUE = 3
"""Where in the blocks of `product` and `dots` the address of code to call after every unit stands, and after it the
address of its block."""


@kernel()
def product(v: SimpleNamespace) -> Any:
    """C[i, j] (+)= Σ_k A[i, k]·B[k, j] for a stack of matrices. One row of the call is a unit: `unit` rows of one C.

    Block: addresses of A, B, C; addresses of code to call when a unit is done and of its block, or 0 and 0 (it is called
    with the range of rows of C, counted through the stack); rows, columns, depth; rows per unit; 1 to add to what C
    holds, 0 to overwrite it; the stack: number of matrices of its inner loop, strides of A, B, C along the inner and
    along the outer loop; a second loop over the depth: how often, strides of A and B; then strides of A along rows and
    depth, of B along depth and from one panel of columns to the next, of C along rows (its columns lie side by side);
    how much of the depth is done at once.

    Order: unit, slice of the depth, panel, tile. A slice of a panel stays in the first-level cache while the tiles of
    the unit pass over it.
    """
    word, call = v.word, v.call
    tile, size, height, width = _tiles(v), v.size, tallest(), panel_width(v.dtype)

    def loop(block: int, start: int, stop: int) -> None:
        rows, columns, depth = word(block, 5), word(block, 6), word(block, 7)
        a_row, a_depth, b_depth = size * word(block, 20), size * word(block, 21), size * word(block, 22)
        b_panel, c_row = size * word(block, 23), size * word(block, 24)
        unit, slice_, inner, depths = word(block, 8), word(block, 25), word(block, 10), word(block, 17)
        parts = (rows + unit - 1) // unit
        for each in range(start, stop):
            matrix = each // parts
            first = (each - matrix * parts) * unit
            many = min(unit, rows - first)
            far = matrix // inner
            near = matrix - far * inner
            a = word(block, 0) + size * (near * word(block, 11) + far * word(block, 14)) + first * a_row
            b = word(block, 1) + size * (near * word(block, 12) + far * word(block, 15))
            c = word(block, 2) + size * (near * word(block, 13) + far * word(block, 16)) + first * c_row
            tiles = (many + height - 1) // height
            low = many // tiles
            taller = many - low * tiles
            add = word(block, 9)
            for second in range(depths):
                k = 0
                while True:
                    deep = min(slice_, depth - k)
                    a_from = a + second * size * word(block, 18) + k * a_depth
                    b_from = b + second * size * word(block, 19) + k * b_depth
                    j = 0
                    while j < columns:
                        a_tile, c_tile = a_from, c + j * size
                        for t in range(tiles):
                            tall = low + 1 if t < taller else low
                            tile(tall, a_tile, b_from, c_tile, a_row, a_depth, b_depth, c_row, deep, columns - j, add)
                            a_tile += tall * a_row
                            c_tile += tall * c_row
                        j += width
                        b_from += b_panel
                    add = 1
                    k += slice_
                    if k >= depth:
                        break
            if word(block, 3) != 0:
                call(word(block, 3), word(block, 4), matrix * rows + first, matrix * rows + first + many)

    return loop


def _tiles(v: SimpleNamespace) -> Any:
    """An instruction that computes one tile: (rows, A, B, C, strides in bytes of A along rows and depth, of B along
    depth, of C along rows, depth, columns left, whether to add)."""
    I, height = v.I, tallest()  # noqa: E741

    @v.inline(v.none, I, I, I, I, I, I, I, I, I, I, I)
    def tile(
        builder: Any, rows: Lanes, a: Lanes, b: Lanes, c: Lanes, a_row: Lanes, a_depth: Lanes, b_depth: Lanes,
        c_row: Lanes, depth: Lanes, columns: Lanes, add: Lanes,
    ) -> None:  # fmt: skip
        operands = [each.value for each in (a, b, c, a_row, a_depth, b_depth, c_row, depth, columns, add)]
        wide = builder.zext((columns > v.lanes).value, INT64)
        which = builder.add(builder.mul(wide, INT64(height)), rows.value)
        done = builder.append_basic_block("tile.done")
        nowhere = builder.append_basic_block("tile.none")
        switch = builder.switch(which, nowhere)
        for vectors in range(1, PANEL + 1):
            for tall in range(1, height + 1):
                block = builder.append_basic_block(f"tile.{tall}x{vectors}")
                switch.add_case(INT64((vectors - 1) * height + tall), block)
                builder.position_at_end(block)
                builder.call(_tile(builder.module, v.dtype, tall, vectors), operands)
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
    kind, size = vec.vector(element, lanes), 8 if dtype == "float64" else 4
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
    assert size
    return function
