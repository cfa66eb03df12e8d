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

WIDE = 4
"""Columns of the largest tile."""
NEAR = 28 << 10
"""Bytes of a tile's rows and columns that a first-level cache holds: deeper ones are done a slice at a time, which takes a
sixth less time for a depth of 4000 numbers."""


def tall() -> int:
    """Rows of the largest tile: as many as leave room in the registers for what is multiplied."""
    return 4 if machine().registers >= 32 else 2


@kernel()
def dots(v: SimpleNamespace) -> Any:
    """C[i, j] (+)= Σ_k A[i, k]·B[j, k] for a stack of matrices. One row of the call is a unit: some rows of one C.

    Block: as for `product` up to the units per matrix; then strides of B and C along columns. Along the depth the
    strides are 1.

    Order: unit, slice of the depth, tile of rows, tile of columns, depth. A tile is `tall()` rows or 1 times 4, 2 or 1 columns, each a
    vector of partial sums along the depth; all vectors of a tile are added up together.
    """
    word, call, size, lanes = v.word, v.call, v.size, v.lanes
    tile, unit, most = _tiles(v), units(v), tall()
    deepest = NEAR // (size * (most + WIDE)) // (4 * v.lanes) * 4 * v.lanes

    def loop(block: int, start: int, stop: int) -> None:
        columns, depth, a_row, c_row = word(block, 6), word(block, 7), size * word(block, 20), size * word(block, 21)
        b_column, c_column = size * word(block, 23), size * word(block, 24)
        for each in range(start, stop):
            a, b, c, row, rows = unit(block, each)
            add = word(block, 9)
            for second in range(word(block, 17)):
                k = 0
                while k < depth:
                    a_from = a + size * (second * word(block, 18) + k)
                    b_from = b + size * (second * word(block, 19) + k)
                    deep = depth - k
                    # What is left is one slice, or two of about the same depth, or more.
                    if deep > 2 * deepest:
                        deep = deepest
                    elif deep > deepest:
                        deep = (deep + 2 * lanes - 1) // (2 * lanes) * lanes
                    i = 0
                    while i < rows:
                        high = most if i + most <= rows else 1
                        j = 0
                        while j < columns:
                            wide = WIDE
                            while wide > columns - j:
                                wide //= 2
                            tile(
                                high,
                                wide,
                                a_from + i * a_row,
                                b_from + j * b_column,
                                c + i * c_row + j * c_column,
                                a_row,
                                b_column,
                                c_row,
                                c_column,
                                deep,
                                add,
                            )
                            j += wide
                        i += high
                    k += deep
                    add = 1
            if word(block, 3) != 0:
                call(word(block, 3), word(block, 4), row, row + rows)

    return loop


def _tiles(v: SimpleNamespace) -> Any:
    I = v.I  # noqa: E741

    @v.inline(v.none, I, I, I, I, I, I, I, I, I, I, I)
    def tile(
        builder: Any, high: Lanes, wide: Lanes, a: Lanes, b: Lanes, c: Lanes, a_row: Lanes, b_column: Lanes,
        c_row: Lanes, c_column: Lanes, depth: Lanes, add: Lanes,
    ) -> None:  # fmt: skip
        operands = [each.value for each in (a, b, c, a_row, b_column, c_row, c_column, depth, add)]
        which = builder.add(builder.mul(high.value, INT64(8)), wide.value)
        done = builder.append_basic_block("tile.done")
        nowhere = builder.append_basic_block("tile.none")
        switch = builder.switch(which, nowhere)
        for rows in (1, tall()):
            for columns in (1, 2, WIDE):
                block = builder.append_basic_block(f"tile.{rows}x{columns}")
                switch.add_case(INT64(rows * 8 + columns), block)
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
    zero = vec.literal(kind, 0)
    a_from = [builder.add(a, builder.mul(a_row, INT64(row))) for row in range(rows)]
    b_from = [builder.add(b, builder.mul(b_column, INT64(column))) for column in range(columns)]
    cells = [(row, column) for row in range(rows) for column in range(columns)]
    builder.cbranch(builder.icmp_signed(">=", depth, INT64(step)), loop, rest)

    builder.position_at_end(loop)
    k = builder.phi(INT64)
    sums = {(*cell, chain): builder.phi(kind) for chain in range(chains) for cell in cells}
    following: dict[tuple[int, int, int], ir.Value] = {}
    for chain in range(chains):
        at = builder.add(k, INT64(chain * lanes))
        left = [vec.load(builder, start, at, kind) for start in a_from]
        right = [vec.load(builder, start, at, kind) for start in b_from]
        for row, column in cells:
            following[row, column, chain] = left[row].fma(right[column], Lanes(builder, sums[row, column, chain])).value
    k_next = builder.add(k, INT64(step))
    builder.cbranch(builder.icmp_signed("<=", builder.add(k_next, INT64(step)), depth), loop, rest)

    # What is left is less than a step: vector by vector, each masked.
    builder.position_at_end(rest)
    k_rest = builder.phi(INT64)
    for value, start, later in ((k, INT64(0), k_next), *((sums[key], zero, following[key]) for key in sums)):
        value.add_incoming(start, entry)
        value.add_incoming(later, loop)
    k_rest.add_incoming(INT64(0), entry)
    k_rest.add_incoming(k_next, loop)
    whole = {}
    for key in sums:
        whole[key] = builder.phi(kind)
        whole[key].add_incoming(zero, entry)
        whole[key].add_incoming(following[key], loop)
    joined = {}
    for cell in cells:
        joined[cell] = Lanes(builder, whole[*cell, 0])
        for chain in range(1, chains):
            joined[cell] = joined[cell] + Lanes(builder, whole[*cell, chain])
    builder.cbranch(builder.icmp_signed("<", k_rest, depth), tail, after)

    builder.position_at_end(tail)
    k_tail = builder.phi(INT64)
    partial = {cell: builder.phi(kind) for cell in cells}
    left_over = builder.sub(depth, k_tail)
    some = builder.select(builder.icmp_signed("<", left_over, INT64(lanes)), left_over, INT64(lanes))
    mask = vec.first(builder, some, lanes)
    left = [vec.load_some(builder, start, k_tail, kind, mask) for start in a_from]
    right = [vec.load_some(builder, start, k_tail, kind, mask) for start in b_from]
    ended = {
        (row, column): left[row].fma(right[column], Lanes(builder, partial[row, column])).value for row, column in cells
    }
    k_more = builder.add(k_tail, INT64(lanes))
    builder.cbranch(builder.icmp_signed("<", k_more, depth), tail, after)
    for value, start, later in (
        (k_tail, k_rest, k_more),
        *((partial[cell], joined[cell].value, ended[cell]) for cell in cells),
    ):
        value.add_incoming(start, rest)
        value.add_incoming(later, tail)

    builder.position_at_end(after)
    finals = []
    for cell in cells:
        phi = builder.phi(kind)
        phi.add_incoming(joined[cell].value, rest)
        phi.add_incoming(ended[cell], tail)
        finals.append(Lanes(builder, phi))
    joined_up = _added_up(finals)
    # Sums of a row that lie side by side leave in one piece where C is dense: each alone is a shuffle and a store.
    together = min(columns, lanes)
    apart, dense, done = (function.append_basic_block(name) for name in ("apart", "dense", "done"))
    side_by_side = builder.icmp_signed("==", c_column, INT64(machine().vector_bytes // lanes))
    builder.cbranch(side_by_side if together > 1 else ir.Constant(ir.IntType(1), 0), dense, apart)
    for block, width in ((dense, together), (apart, 1)):
        builder.position_at_end(block)
        pieces = [_piece(joined_up, at, width) for at in range(0, len(cells), width)]
        places = [
            builder.add(c, builder.add(builder.mul(c_row, INT64(row)), builder.mul(c_column, INT64(column))))
            for row, column in cells[::width]
        ]
        with builder.if_else(builder.icmp_signed("!=", add, INT64(0))) as (there, fresh):
            with there:
                for place, piece in zip(places, pieces):
                    vec.store(builder, place, 0, vec.load(builder, place, 0, piece.kind) + piece)
            with fresh:
                for place, piece in zip(places, pieces):
                    vec.store(builder, place, 0, piece)
        builder.branch(done)
    builder.position_at_end(done)
    builder.ret_void()
    return function


def _piece(vectors: list[Lanes], at: int, width: int) -> Lanes:
    """Some numbers of vectors that follow each other, from number `at` on; they all lie in one vector."""
    vector, first = vectors[at // vectors[0].lanes], at % vectors[0].lanes
    return vector.lane(first) if width == 1 else vector.shuffle(vector, list(range(first, first + width)))


def _added_up(vectors: list[Lanes]) -> list[Lanes]:
    """The sums of the lanes of each vector, one after the other, in as few vectors as hold them. Two vectors are halved
    together into one, and so on: 15 additions for 16 vectors of 16 lanes, where each alone would take 4."""
    lanes = vectors[0].lanes
    segment = lanes
    while segment > 1:
        half = segment // 2
        lower = [at for start in range(0, lanes, segment) for at in range(start, start + half)]
        joined = []
        for at in range(0, len(vectors), 2):
            # An odd one is joined with itself; nobody asks for the second copy.
            one, other = vectors[at], vectors[min(at + 1, len(vectors) - 1)]
            order = [*lower, *(lanes + place for place in lower)]
            joined.append(one.shuffle(other, order) + one.shuffle(other, [place + half for place in order]))
        vectors, segment = joined, half
    return vectors
