"""Which tile a product is computed with, and into how many parts its depth is cut, so that every processor of a GPU has work.

The figures are counted from instructions; a GPU has not been asked.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...kernels.cuda.product_tiles import DOUBLE, FLAT, LARGE, LITTLE, LOW, MIDDLE, TALL, THIN, Tile
from ...kernels.cuda.tensor import BROAD, NARROW, TensorTile

PROCESSORS = 132
"""Of the GPU that the choice is made for."""
FMAS = 128
"""Multiplications and additions of float32 that a processor does in a cycle."""
WARPS = 8
"""With so many warps a processor always has one that need not wait."""
START, LAUNCH = 1000, 3000
"""Cycles until the first slice of a block is there, and until another kernel has begun."""
MOVED = 6
"""Numbers that a processor reads or writes in a cycle, its share of what the second-level cache moves."""
PARTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
DEEPEST = 4
"""A part of the depth is at least so many slices."""


def chosen(
    rows: int, columns: int, depth: int, matrices: int, tiles: Iterable[Tile], processors: int = PROCESSORS
) -> tuple[Tile, int]:
    """The tile and the number of parts that need the fewest cycles for a stack of products."""
    choices = [(tile, parts) for tile in tiles for parts in PARTS if parts == 1 or depth >= parts * DEEPEST * tile.deep]
    return min(choices, key=lambda how: cycles(how[0], how[1], rows, columns, depth, matrices, processors))


def cycles(
    tile: Tile, parts: int, rows: int, columns: int, depth: int, matrices: int, processors: int = PROCESSORS
) -> float:
    """About how many cycles products take: those of the processor that has the most blocks."""
    blocks = -(-rows // tile.height) * -(-columns // tile.width) * matrices * parts
    most = -(-blocks // processors)
    deep = -(-span(depth, parts, tile) // tile.deep) * tile.deep
    busy = min(1.0, most * tile.threads / 32 / WARPS)
    step = max(tile.height * tile.width / FMAS / share(tile) / busy, (tile.height + tile.width) / MOVED)
    # Blocks that are on a processor together wait together.
    total = most * deep * step + START
    if parts > 1:
        total += LAUNCH + (2 * parts + 1) * rows * columns * matrices / (MOVED * processors)
    return total


def share(tile: Tile) -> float:
    """Which share of the instructions multiplies and adds: sums of a thread against the numbers that it reads for them."""
    sums, read = tile.tall * tile.wide, (tile.tall + tile.wide) / 4
    return sums / (1.1 * sums + 2 * read)


def span(depth: int, parts: int, tile: Tile | TensorTile) -> int:
    """How deep one of the parts is: whole slices."""
    return -(-depth // (parts * tile.deep)) * tile.deep if parts > 1 else depth


def tiles_for(rows: int, columns: int, dtype: str, regular: bool) -> tuple[Tile, ...]:
    """The tiles that a product can have; `regular`: everything lies by fours, in one loop of the depth."""
    if dtype == "float64":
        return LITTLE, TALL, FLAT, DOUBLE
    few = (THIN,) * (columns <= THIN.width) + (LOW,) * (rows <= LOW.height)
    return (*few, LITTLE, TALL, FLAT, MIDDLE, *(LARGE,) * regular)


def tensor_tile(rows: int, columns: int, depth: int, matrices: int) -> tuple[TensorTile, int]:
    """The tile of tensor cores and the number of parts: large tiles where there are enough of them and more than half of them is
    filled, else as many parts as give every processor a block."""
    counts = {each: -(-rows // each.height) * -(-columns // each.width) * matrices for each in (BROAD, NARROW)}
    if counts[BROAD] >= PROCESSORS and rows > NARROW.height and columns > NARROW.width:
        return BROAD, 1
    return NARROW, max(1, min(PROCESSORS // max(counts[NARROW], 1), depth // (2 * DEEPEST * NARROW.deep)))
