"""What matrix products are made of: tiles of C held in registers, and panels of B copied so that they are read well."""

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

WIDE = 8
"""Vectors of columns in a wide tile. Few rows are done with them: B is read once only, in pieces as long as can be."""


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


def few() -> int:
    """Rows of the tallest wide tile."""
    return 3 if machine().registers >= 32 else 1


def units(v: SimpleNamespace) -> Any:
    """A part of kernels that finds a unit of rows from its number: where its rows of A, its B and its rows of C begin,
    the number of its first row, counted through the stack, and how many rows it has."""
    word, size = v.word, v.size

    @part
    def unit(block: int, each: int) -> tuple[int, int, int, int, int]:
        rows, most, parts = word(block, 5), word(block, 8), word(block, 22)
        first, matrix, near, far = each * most, 0, 0, 0
        # A division takes as long as a small product.
        if each >= parts:
            matrix = each // parts
            first -= matrix * parts * most
            far = matrix // word(block, 10)
            near = matrix - far * word(block, 10)
        a = word(block, 0) + size * (near * word(block, 11) + far * word(block, 14) + first * word(block, 20))
        b = word(block, 1) + size * (near * word(block, 12) + far * word(block, 15))
        c = word(block, 2) + size * (near * word(block, 13) + far * word(block, 16) + first * word(block, 21))
        return a, b, c, matrix * rows + first, min(most, rows - first)

    return unit


def tiles(v: SimpleNamespace, heights: Sequence[int], wide: int = 0) -> Any:
    """An instruction that computes one tile: (rows, A, B, C, strides in bytes of A along rows and depth, of B along
    depth, of C along rows, depth, columns, whether to add).

    Tiles have one of the heights and at most a panel's columns, or up to `wide` rows and WIDE vectors of columns.
    """
    I, lanes, masks = v.I, v.lanes, machine().vector_bytes == 64  # noqa: E741
    half = lanes // 2
    # Halves of vectors of columns -> lanes of its vectors. Half a vector of 64 bytes takes some processors half the time.
    short = half if masks else lanes
    across = {1: (short,), 2: (lanes,), 3: (lanes, short), 4: (lanes, lanes)}
    shapes = [(halves, tall, across[halves]) for halves in across for tall in heights]
    shapes += [(2 * WIDE, tall, (lanes,) * WIDE) for tall in range(1, wide + 1)]

    @v.inline(v.none, I, I, I, I, I, I, I, I, I, I, I)
    def tile(
        builder: Any, rows: Lanes, a: Lanes, b: Lanes, c: Lanes, a_row: Lanes, a_depth: Lanes, b_depth: Lanes,
        c_row: Lanes, depth: Lanes, columns: Lanes, add: Lanes,
    ) -> None:  # fmt: skip
        operands = [each.value for each in (a, b, c, a_row, a_depth, b_depth, c_row, depth, columns, add)]
        halves = (columns + (half - 1)) >> (half.bit_length() - 1)
        which = (halves << 5) + (rows << 1) + (columns & (lanes - 1)).equals(0).cast(INT64)
        done = builder.append_basic_block("tile.done")
        nowhere = builder.append_basic_block("tile.none")
        switch = builder.switch(which.value, nowhere)
        blocks: dict[Any, ir.Block] = {}
        for count, tall, vectors in shapes:
            for whole in (False, True):
                shape = (tall, vectors, len(vectors) > 1 or (whole and not masks))
                if shape not in blocks:
                    blocks[shape] = builder.append_basic_block(f"tile.{tall}")
                    with builder.goto_block(blocks[shape]):
                        builder.call(_tile(builder.module, v.dtype, *shape), operands)
                        builder.branch(done)
                switch.add_case(INT64((count << 5) + (tall << 1) + whole), blocks[shape])
        builder.position_at_end(nowhere)
        builder.branch(done)
        builder.position_at_end(done)

    return tile


def _tile(module: ir.Module, dtype: str, rows: int, vectors: Sequence[int], whole: bool) -> ir.Function:
    """A function for one shape of tile: how many lanes its vectors of columns have. Every number of it is a sum that
    stays in a register while k runs.

    Without `whole` only the first columns of its one vector are used. Of two vectors the last always ends with the last
    column: what it shares with the first is computed twice, because a load under a mask in the loop costs 3 %.
    """
    element = vec.ELEMENTS[dtype]
    kinds = [vec.vector(element, lanes) for lanes in vectors]
    name = f"tile.{rows}x{'.'.join(map(str, vectors))}{'' if whole else '.part'}"
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [INT64] * 10), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    a, b, c, a_row, a_depth, b_depth, c_row, depth, columns, add = function.args
    entry, loop, after, accumulate, out = (
        function.append_basic_block(name) for name in ("entry", "loop", "after", "accumulate", "out")
    )
    builder = ir.IRBuilder(entry)
    mask = vec.first(builder, columns, vectors[0])
    places: list[Any] = [at * vectors[0] for at in range(len(vectors))]
    if len(vectors) == PANEL:
        places[-1] = builder.sub(columns, INT64(vectors[-1]))
    cells = [(row, at) for row in range(rows) for at in range(len(vectors))]
    a_rows = [builder.mul(a_row, INT64(row)) for row in range(rows)]
    c_rows = [builder.add(c, builder.mul(c_row, INT64(row))) for row in range(rows)]
    builder.cbranch(builder.icmp_signed(">", depth, INT64(0)), loop, after)

    builder.position_at_end(loop)
    left, a_at, b_at = (builder.phi(INT64) for _ in range(3))
    sums = {(row, at): builder.phi(kinds[at]) for row, at in cells}
    # Without masks in hardware a masked load is a row of branches. There B is packed whenever a vector is not whole
    # (see lowering/products.py), and can be read beyond its columns.
    readable = whole or machine().vector_bytes == 16
    panel = [
        vec.load(builder, b_at, place, kind) if readable else vec.load_some(builder, b_at, place, kind, mask)
        for place, kind in zip(places, kinds)
    ]  # fmt: skip
    following = {}
    for row in range(rows):
        number = vec.load(builder, builder.add(a_at, a_rows[row]), 0, element)
        for at, lanes in enumerate(vectors):
            following[row, at] = number.repeat(lanes).fma(panel[at], Lanes(builder, sums[row, at])).value
    fewer = builder.sub(left, INT64(1))
    a_next, b_next = builder.add(a_at, a_depth), builder.add(b_at, b_depth)
    for value, first, later in ((left, depth, fewer), (a_at, a, a_next), (b_at, b, b_next)):
        value.add_incoming(first, entry)
        value.add_incoming(later, loop)
    _as_it_is(builder.cbranch(builder.icmp_signed(">", fewer, INT64(0)), loop, after))

    builder.position_at_end(after)
    found = {(row, at): builder.phi(kinds[at]) for row, at in cells}
    for cell in cells:
        for phi in (sums[cell], found[cell]):
            phi.add_incoming(vec.literal(kinds[cell[1]], 0), entry)
            phi.add_incoming(following[cell], loop)
    builder.cbranch(builder.icmp_signed("==", add, INT64(0)), out, accumulate)

    builder.position_at_end(accumulate)
    added = {}
    for row, at in cells:
        there = (
            vec.load(builder, c_rows[row], places[at], kinds[at]) if whole
            else vec.load_some(builder, c_rows[row], places[at], kinds[at], mask)
        )  # fmt: skip
        added[row, at] = (there + Lanes(builder, found[row, at])).value
    builder.branch(out)

    builder.position_at_end(out)
    results = {(row, at): builder.phi(kinds[at]) for row, at in cells}
    for cell in cells:
        results[cell].add_incoming(found[cell], after)
        results[cell].add_incoming(added[cell], accumulate)
    for row, at in cells:
        if whole:
            vec.store(builder, c_rows[row], places[at], Lanes(builder, results[row, at]))
        elif machine().vector_bytes == 64:
            vec.store_some(builder, c_rows[row], places[at], Lanes(builder, results[row, at]), mask)
    if not whole and machine().vector_bytes < 64:
        _store_first(builder, c_rows, 0, [Lanes(builder, results[row, 0]) for row in range(rows)], columns)
    builder.ret_void()
    return function


def _as_it_is(branch: ir.Instruction) -> None:
    """Keep LLVM from unrolling the loop that this branch closes: it is long enough, and would be twice as much code."""
    module = branch.module
    disable = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    name = module.add_metadata([ir.MetaDataString(module, branch.function.name), disable])
    # What names a loop refers to itself.
    name.operands = (name, disable)
    branch.set_metadata("llvm.loop", name)


def _store_first(builder: ir.IRBuilder, places: list[ir.Value], index: int, rows: list[Lanes], count: ir.Value) -> None:
    """Put the first `count` numbers of each row into memory, in pieces of half the lanes, a quarter, … down to one.

    For processors without masks, where a masked store takes dozens of cycles.
    """
    at: ir.Value = INT64(index)
    while rows[0].lanes > 1:
        half = rows[0].lanes // 2
        lower = [row.shuffle(row, list(range(half))) if half > 1 else row.lane(0) for row in rows]
        upper = [row.shuffle(row, list(range(half, 2 * half))) if half > 1 else row.lane(1) for row in rows]
        some = builder.icmp_signed("!=", builder.and_(count, INT64(half)), INT64(0))
        here = builder.block
        put, after = builder.append_basic_block("put"), builder.append_basic_block("after")
        builder.cbranch(some, put, after)
        builder.position_at_end(put)
        for place, part_ in zip(places, lower):
            vec.store(builder, place, at, part_)
        beyond = builder.add(at, INT64(half))
        builder.branch(after)
        builder.position_at_end(after)
        rest = []
        for low, high in zip(lower, upper):
            phi = builder.phi(low.kind)
            phi.add_incoming(low.value, here)
            phi.add_incoming(high.value, put)
            rest.append(Lanes(builder, phi))
        moved = builder.phi(INT64)
        moved.add_incoming(at, here)
        moved.add_incoming(beyond, put)
        rows, at = rest, moved


def pack_panels(v: SimpleNamespace) -> Any:
    """A part of kernels that copies a panel: (source, strides of columns and depth, target, columns, depth, width).

    Where columns lie side by side numbers are copied; where the depth does, squares of lanes times lanes are turned in
    registers; else, or when they are very few, they are fetched one by one. The width is whole vectors, or any where
    numbers are turned.
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
            elif b_depth == 1 and (many * depth > 3 * lanes or width % lanes != 0):
                for k in range(0, depth, lanes):
                    turn(
                        here + size * k,
                        size * b_column,
                        target + size * (k * width + j),
                        size * width,
                        many,
                        depth - k,
                        width - j,
                    )
            else:
                for k in range(depth):
                    store(target, k * width + j, zero())
                    for at in range(many):
                        put(target, k * width + j + at, get(here, k * b_depth + at * b_column))

    return pack_panel


def _turn(v: SimpleNamespace) -> Any:
    """An instruction that turns a square: (source, its stride in bytes from row to row, target, its stride, rows of the
    source, its columns, columns of the target), of which at most as many as a vector has lanes are used. Columns of the
    target beyond the rows of the source become zeros."""
    I = v.I  # noqa: E741

    @v.inline(v.none, I, I, I, I, I, I, I)
    def turn(
        builder: Any,
        source: Lanes,
        step: Lanes,
        target: Lanes,
        stride: Lanes,
        rows: Lanes,
        columns: Lanes,
        across: Lanes,
    ) -> None:
        operands = [each.value for each in (source, step, target, stride, rows, columns, across)]
        builder.call(_square(builder.module, v.dtype), operands)

    return turn


def _square(module: ir.Module, dtype: str) -> ir.Function:
    """The function that turns a square in registers. A whole one takes no masks and no branches, and 0.3 cycles a number
    instead of 0.5."""
    element, lanes = vec.ELEMENTS[dtype], machine().lanes(dtype)
    kind = vec.vector(element, lanes)
    try:
        return module.get_global("square")
    except KeyError:
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [INT64] * 7), "square")
    function.linkage = "internal"
    function.attributes.add("noinline")
    source, step, target, stride, rows, columns, across = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    is_whole = ir.Constant(ir.IntType(1), 1)
    for count in (rows, columns, across):
        is_whole = builder.and_(is_whole, builder.icmp_signed(">=", count, INT64(lanes)))
    with builder.if_then(is_whole):
        places = [builder.add(source, builder.mul(INT64(row), step)) for row in range(lanes)]
        square = _turned([vec.load(builder, place, 0, kind) for place in places])
        for row in range(lanes):
            vec.store(builder, builder.add(target, builder.mul(stride, INT64(row))), 0, square[row])
        builder.ret_void()
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
    square = _turned(square)
    # Rows are stored from the last that exists to the first: the switch jumps into the middle of the sequence.
    blocks = [function.append_basic_block(f"row{row}") for row in range(lanes)]
    done = function.append_basic_block("done")
    switch = builder.switch(columns, blocks[-1])
    for row, block in enumerate(blocks):
        switch.add_case(INT64(row + 1), block)
        builder.position_at_end(block)
        place = builder.add(target, builder.mul(stride, INT64(row)))
        with builder.if_else(builder.icmp_signed(">=", across, INT64(lanes))) as (whole, some):
            with whole:
                vec.store(builder, place, 0, square[row])
            with some:
                if machine().vector_bytes == 64:
                    vec.store_some(builder, place, 0, square[row], vec.first(builder, across, lanes))
                else:
                    _store_first(builder, [place], 0, [square[row]], across)
        builder.branch(blocks[row - 1] if row else done)
    builder.position_at_end(done)
    builder.ret_void()
    return function


def _turned(square: list[Lanes]) -> list[Lanes]:
    """Rows as columns, in log₂(lanes) rounds of exchanges."""
    lanes, reach, square = len(square), 1, list(square)
    while reach < lanes:
        for row in range(lanes):
            if not row & reach:
                one, other = square[row], square[row + reach]
                square[row] = one.shuffle(other, [at + lanes - reach if at & reach else at for at in range(lanes)])
                square[row + reach] = one.shuffle(
                    other, [at + lanes if at & reach else at + reach for at in range(lanes)]
                )
        reach *= 2
    return square
