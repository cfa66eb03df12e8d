"""Matrix products: C[i, j] (+)= Σ_k A[i, k]·B[k, j], for any strides of A and any stack of matrices.

Everything rests on the tiles of `matmul_tiles.py`. B comes as panels of two vectors of columns: copied ones, which are
read from front to end, or the matrix itself where its columns lie side by side.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .kernel import kernel
from .matmul_tiles import WIDE, few, pack_panels, panel_width, short, tallest, tiles, units

EPILOGUE = 3
"""Where in the blocks of `product`, `large_product` and `dots` the address of code to call after every unit stands, and
after it the address of its block."""

SLICE = 1024
"""Numbers of the depth that `large_product` copies at once."""


@kernel()
def product(v: SimpleNamespace) -> Any:
    """C[i, j] (+)= Σ_k A[i, k]·B[k, j] for a stack of matrices. One row of the call is a unit: some rows of one C.

    Block: addresses of A, B, C; addresses of code to call when a unit is done and of its block, or 0 and 0 (it is
    called with the range of rows of C, counted through the stack); rows, columns, depth; rows per unit; 1 to add to
    what C holds, 0 to overwrite it; the stack: number of matrices of its inner loop, strides of A, B, C along the inner and
    along the outer loop; a second loop over the depth: how often, strides of A and B; strides of A and C along rows;
    units per matrix; then strides of A along the depth, of B along the depth and from one panel of columns to the next;
    tiles of a full unit, and rows of the lower ones.

    Order: unit, panel, tile. A panel stays in the first-level cache, or the second, while the tiles of the unit pass
    over it. Rows are dealt out evenly: 30 rows are tiles of 8, 8, 7 and 7 rows.
    """
    word, call = v.word, v.call
    height, width, wide, size, unit = tallest(), panel_width(v.dtype), WIDE * v.lanes, v.size, units(v)
    most_wide = few()
    tile = tiles(v, range(1, height + 1), most_wide)

    def loop(block: int, start: int, stop: int) -> None:
        columns, depth, a_row, c_row = word(block, 6), word(block, 7), size * word(block, 20), size * word(block, 21)
        a_depth, b_depth, b_panel = size * word(block, 23), size * word(block, 24), size * word(block, 25)
        for each in range(start, stop):
            a, b, c, row, rows = unit(block, each)
            count, low = word(block, 26), word(block, 27)
            if rows < word(block, 8):
                count = (rows + height - 1) // height
                low = rows // count
            taller = rows - low * count
            is_wide = rows <= most_wide and b_panel == size * width
            add = word(block, 9)
            for second in range(word(block, 17)):
                panel = b + second * size * word(block, 19)
                j = 0
                while j < columns:
                    across = wide if is_wide and columns - j >= wide else width
                    a_tile, c_tile = a + second * size * word(block, 18), c + j * size
                    for t in range(count):
                        tall = low + 1 if t < taller else low
                        tile(
                            tall,
                            a_tile,
                            panel,
                            c_tile,
                            a_row,
                            a_depth,
                            b_depth,
                            c_row,
                            depth,
                            min(columns - j, across),
                            add,
                        )
                        a_tile += tall * a_row
                        c_tile += tall * c_row
                    j += across
                    panel += across // width * b_panel
                add = 1
            if word(block, 3) != 0:
                call(word(block, 3), word(block, 4), row, row + rows)

    return loop


@kernel()
def large_product(v: SimpleNamespace) -> Any:
    """The same for matrices that the caches do not hold; any strides of B.

    Block: as for `product` up to the units per matrix; then strides of A along the depth, of B along the depth and
    along columns; how far it is from one panel of B to the next where B is packed already, else 0; how much of the
    depth is done at once; memory for one unit's copies; its bytes; rows of the call that have such memory for themselves.

    Order: unit, slice of the depth, panel, tile. A slice of the unit's A is copied as panels of rows, into the
    second-level cache, and a slice of every panel of B before its turn, into the first: rows that lie a power of two
    apart would push each other out of a cache, and a matrix on many pages would fill the processor's table of pages.
    """
    word, call = v.word, v.call
    unit, copy, size, lanes, width, height = (
        units(v),
        pack_panels(v),
        v.size,
        v.lanes,
        panel_width(v.dtype),
        short(v.lanes),
    )
    tile = tiles(v, [height >> halved for halved in range(height.bit_length())])

    def loop(block: int, start: int, stop: int) -> None:
        columns, depth, c_row, slice_ = word(block, 6), word(block, 7), size * word(block, 21), word(block, 27)
        a_row, a_depth, b_depth, b_column = word(block, 20), word(block, 23), word(block, 24), word(block, 25)
        memory = word(block, 28) + word(block, 29) * (start // word(block, 30))
        b_panel, heap = word(block, 26), memory + slice_ * width * size
        for each in range(start, stop):
            a, b, c, row, rows = unit(block, each)
            add = word(block, 9)
            for second in range(word(block, 17)):
                for k in range(0, depth, slice_):
                    deep = min(slice_, depth - k)
                    a_from = a + size * (second * word(block, 18) + k * a_depth)
                    for i in range(0, rows, lanes):
                        copy(
                            a_from + size * i * a_row,
                            a_row,
                            a_depth,
                            heap + size * i * deep,
                            min(rows - i, lanes),
                            deep,
                            lanes,
                        )
                    for j in range(0, columns, width):
                        many = min(columns - j, width)
                        panel = b + size * (second * word(block, 19) + k * b_depth)
                        if b_panel != 0:
                            panel += size * (j // width) * b_panel
                        else:
                            copy(panel + size * j * b_column, b_column, b_depth, memory, many, deep, width)
                            panel = memory
                        i, tall = 0, height
                        while i < rows:
                            while tall > rows - i:
                                tall //= 2
                            a_tile = heap + size * (i // lanes * lanes * deep + i % lanes)
                            c_tile = c + i * c_row + j * size
                            tile(tall, a_tile, panel, c_tile, size, lanes * size, width * size, c_row, deep, many, add)
                            i += tall
                    add = 1
            if word(block, 3) != 0:
                call(word(block, 3), word(block, 4), row, row + rows)

    return loop


@kernel()
def pack(v: SimpleNamespace) -> Any:
    """Panels T[panel, k, j] = B[k, panel·width + j] for a stack of matrices B; columns past the last are zeros.

    Block: addresses of B and T; columns, depth, strides of B along columns and depth; width of a panel (vectors times
    lanes); number of matrices of the innermost and of the middle loop of the stack; strides of B along the three loops,
    innermost first. One row of the call is one panel; the panels of one matrix follow each other.
    """
    word, size, copy = v.word, v.size, pack_panels(v)

    def loop(block: int, start: int, stop: int) -> None:
        columns, depth, b_column, b_depth = word(block, 2), word(block, 3), word(block, 4), word(block, 5)
        width, inner, middle = word(block, 6), word(block, 7), word(block, 8)
        panels = (columns + width - 1) // width
        for each in range(start, stop):
            first, steps = each * width, 0
            if each >= panels:
                matrix = each // panels
                first -= matrix * panels * width
                other = matrix // inner
                far = other // middle
                steps = (
                    (matrix - other * inner) * word(block, 9)
                    + (other - far * middle) * word(block, 10)
                    + far * word(block, 11)
                )
            source = word(block, 0) + size * (steps + first * b_column)
            target = word(block, 1) + size * each * depth * width
            copy(source, b_column, b_depth, target, min(columns - first, width), depth, width)

    return loop
