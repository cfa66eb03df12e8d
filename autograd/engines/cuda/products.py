"""Products of stacked matrices as calls of a GPU's kernels, and which tile they are computed with."""

from __future__ import annotations

from typing import Any

from ...kernels.cuda.product import CudaProduct, block, form_of
from ...kernels.cuda.product_tiles import LARGE, MIDDLE, SMALL, Tile
from ..compiled.calls import View
from ..compiled.lowering.products import ONCE, Product


def emit(plan: Any, way: Product, a: View, b: View, c: View, accumulate: bool, simulated: bool) -> bool:
    """Add the calls that compute a product; False when no kernel fits its loops."""
    if not way.fits or c.dtype.name not in ("float32", "float64"):
        return False
    near, far = (*way.stack[::-1], ONCE, ONCE)[:2]
    second = way.depths[0] if way.depths else ONCE
    matrices = near.size * far.size
    tile = SMALL if simulated else tile_of(way.rows.size, way.columns.size, matrices, c.dtype.itemsize)
    code = CudaProduct(form_of(way, (a, b, c), near, far, second, accumulate, tile))
    grid = (-(-way.columns.size // tile.width), -(-way.rows.size // tile.height), matrices)
    made = plan.call(
        code, block(way, a, b, c, near, far, second), [a, b, c] if accumulate else [a, b], [c],
        rows=grid[0] * grid[1] * grid[2], flops=2 * way.multiplications, finish=way.rows_in_order,
    )  # fmt: skip
    made.grid = grid
    return True


def tile_of(rows: int, columns: int, matrices: int, size: int) -> Tile:
    """The tile for matrices of these sizes, of numbers of `size` bytes."""
    if size == 4 and -(-rows // 128) * -(-columns // 128) * matrices >= 132:
        return LARGE
    return MIDDLE
