"""Products of stacked matrices as calls of a GPU's kernels."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from ...kernels.cuda import product_parts
from ...kernels.cuda.arguments import Argument, in_fours, of_view, whole_number
from ...kernels.cuda.device import MOST_BLOCKS
from ...kernels.cuda.gemm import gemm_of
from ...kernels.cuda.product import CudaProduct, block, form_of
from ...kernels.cuda.product_parts import CudaGathering, Gathering
from ...kernels.cuda.product_tiles import SMALL, Tile
from ...kernels.cuda.tensor import TensorTile
from ...language import N_
from ..compiled.calls import View
from ..compiled.lowering.products import ONCE, Product
from .tiles import chosen, span, tensor_tile, tiles_for


def emit(
    plan: Any, way: Product, a: View, b: View, c: View, accumulate: bool, tile: Tile | TensorTile | None = None,
    parts: int = 1, tf32: bool = False,
) -> bool:  # fmt: skip
    """Add the calls that compute a product; False when no kernel fits its loops. `tile` and `parts` are chosen where no
    tile is given; of tensor cores for float32 where `tf32` will do."""
    if not way.fits or c.dtype.name not in ("float32", "float64"):
        return False
    near, far = (*way.stack[::-1], ONCE, ONCE)[:2]
    second = way.depths[0] if way.depths else ONCE
    matrices = near.size * far.size
    form = form_of(way, (a, b, c), near, far, second, accumulate, tile or SMALL)
    if tile is None:
        regular = form.a.endswith("4") and form.b.endswith("4") and form.c_four and second.size == 1
        sizes = way.rows.size, way.columns.size
        if tf32 and c.dtype.name == "float32":
            tile, parts = tensor_tile(*sizes, way.depth.size, matrices)
        else:
            tile, parts = chosen(*sizes, way.depth.size, matrices, tiles_for(*sizes, c.dtype.name, regular))
        form = replace(form, tile=tile)
    if parts > 1:
        # Whole slices may fill fewer parts.
        parts = -(-way.depth.size // span(way.depth.size, parts, tile))
    across, down = -(-way.columns.size // tile.width), -(-way.rows.size // tile.height)
    grid = across, down, matrices * parts
    if any(count > most for count, most in zip(grid, MOST_BLOCKS)):
        form, grid = replace(form, flat=True), (prod(grid), 1, 1)
    if parts == 1:
        words = block(way, a, b, c, near, far, second)
        made = plan.call(
            CudaProduct(form), words, [a, b, c] if accumulate else [a, b], [c],
            rows=prod(grid), flops=2 * way.multiplications, finish=way.rows_in_order,
        )  # fmt: skip
    else:
        made = _in_parts(plan, way, a, b, c, near, far, second, form, parts, prod(grid))
    made.grid = grid
    return True


def ask_library(plan: Any, way: Product, a: View, b: View, c: View, accumulate: bool) -> bool:
    """Have cuBLAS do a product; False where it cannot."""
    found = gemm_of(way, a, b, c, accumulate)
    if found is None:
        return False
    code, (left, right) = found
    words = [of_view(each) for each in (left, right, c)]
    plan.call(
        code, words, [left, right, c] if accumulate else [left, right], [c], flops=2 * way.multiplications,
        why=N_("a product that NVIDIA's library cuBLAS computes"),
    )  # fmt: skip
    return True


def _in_parts(
    plan: Any, way: Product, a: View, b: View, c: View, near: Any, far: Any, second: Any, form: Any, parts: int, blocks: int
) -> Any:  # fmt: skip
    """The product with its depth cut, and what adds up the parts; the first call."""
    rows, columns = way.rows.size, way.columns.size
    sizes = rows, columns, near.size, far.size
    numbers = prod(sizes)
    sums = plan.new((parts, numbers), c.dtype)
    dense = replace(way, rows=replace(way.rows, c=columns), columns=replace(way.columns, c=1))
    inside = replace(near, c=rows * columns), replace(far, c=rows * columns * near.size)
    words = block(dense, a, b, sums, *inside, second)
    words += [
        whole_number(near.size * far.size),
        whole_number(span(way.depth.size, parts, form.tile)),
        Argument("int32", numbers),
    ]
    single, add = c.dtype.name == "float32", form.add
    first = plan.call(
        CudaProduct(replace(form, c_four=single and columns % 4 == 0 and in_fours(sums), add=False, parts=True)), words, [a, b], [sums],
        rows=blocks, flops=2 * way.multiplications,
        why=N_("the depth is cut into parts, so that every processor of the GPU has work"),
    )  # fmt: skip
    code = CudaGathering(Gathering(c.dtype.name, form.c_four and in_fours(sums), add))
    strides = way.rows.c, way.columns.c, near.c, far.c
    last = plan.call(
        code, product_parts.block(sums, parts, c, sizes, strides), [sums, c] if add else [sums], [c], rows=numbers,
        flops=parts * numbers, finish=way.rows_in_order, why=N_("the parts of a product are added up, always in the same order"),
    )  # fmt: skip
    last.grid = (code.blocks(numbers), 1, 1)
    return first
