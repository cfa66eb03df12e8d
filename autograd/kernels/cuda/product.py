"""Matrix products on a GPU: C[i, j] (+)= Σ_k A[i, k]·B[k, j], for any strides and any stack of matrices.

A block of threads computes one tile of C (product_text.py). It brings slices of A and B into shared memory, A with its rows
side by side (product_sources.py); every thread adds up its own squares of 4×4 numbers in registers (product_tiles.py), and
writes them (product_store.py). Where numbers lie four by four in memory they are moved four at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from .arguments import Argument, first_of, in_fours, of_view, whole_number
from .lines import Lines
from .product_sources import Matrix
from .product_store import Counts, Epilogue, Strided, names_of, store
from .product_text import Stages, written
from .product_tiles import Tile
from .tensor import TensorTile

NAMES = (
    "a", "a_first", "b", "b_first", "c", "c_first", "rows", "columns", "depth", "a_row", "a_depth", "b_depth", "b_column",
    "c_row", "c_column", "near", "a_near", "b_near", "c_near", "a_far", "b_far", "c_far",
)  # fmt: skip
TURNS = ("turns", "a_turn", "b_turn")
"""Further arguments where there is a second loop of the depth."""
PARTS = ("matrices", "span", "c_part")
"""Further arguments where the depth is cut into parts: how many matrices there are, how deep a part is, how far apart the
sums of two parts are."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a product's kernel is made for. `a` and `b`: along which loop their numbers lie side by side, "depth" or "rows"
    (of b, "columns"), and with a 4 behind it where all of it goes four by four. `c_four`: the same of c, along its columns.
    `add`: to what C holds. `turns`: there is a second loop of the depth. `parts`: every block does a part of the depth, and
    C has room for the sums of all parts. `flat`: blocks are counted by one number. `keeps`: C is written, as others than the epilogues read it."""

    tile: Tile | TensorTile
    dtype: str
    a: str
    b: str
    c_four: bool
    add: bool
    turns: bool = False
    parts: bool = False
    flat: bool = False
    keeps: bool = True
    epilogues: tuple[Epilogue, ...] = ()


@dataclass(frozen=True)
class CudaProduct:
    """The code of a product on a GPU."""

    form: Form
    is_ready = True
    name = "product"

    def text(self) -> str:
        """The kernel as Python for numba.cuda."""
        return text(self.form)

    def names(self) -> Sequence[str]:
        """The kernel's arguments, then those of the epilogues."""
        return names(self.form)

    def threads(self) -> int:
        """Threads of a block."""
        return self.form.tile.threads

    def counts(self, rows: int, result: Any) -> Counts:
        """How the result is counted."""
        return (rows, "in_all", "rows"), (result.size // rows, "in_one", "columns")

    def finishing(self, epilogues: tuple[Epilogue, ...], keeps: bool) -> CudaProduct:
        """The same with epilogues; `keeps`: whether others read the result."""
        return CudaProduct(replace(self.form, keeps=keeps, epilogues=epilogues))


def block(way: Any, a: Any, b: Any, c: Any, near: Any, far: Any, second: Any) -> list[Argument]:
    """The kernel's arguments; see NAMES."""
    strides = [way.rows.a, way.depth.a, way.depth.b, way.columns.b, way.rows.c, way.columns.c]
    stack = [near.a, near.b, near.c, far.a, far.b, far.c]
    words = [each for view in (a, b, c) for each in (of_view(view), first_of(view))]
    words += [whole_number(loop.size) for loop in (way.rows, way.columns, way.depth)]
    words += [Argument("int32", stride) for stride in strides]
    words.append(whole_number(near.size))
    words += [Argument("int32", stride) for stride in stack]
    if second.size != 1:
        words += [whole_number(second.size), Argument("int32", second.a), Argument("int32", second.b)]
    return words


def names(form: Form) -> list[str]:
    """The arguments of a form's kernel."""
    return [*NAMES, *TURNS * form.turns, *PARTS * form.parts, *names_of(form.epilogues)]


@cache
def text(form: Form) -> str:
    """The kernel of a form."""
    tile, number = form.tile, form.dtype
    turned = ["a_here, b_here = uint32(a_here + a_turn), uint32(b_here + b_turn)"] if form.turns else None
    begin = [*(_flat if form.flat else _solid)(tile), "begin, end, c_more = uint32(0), uint32(depth), uint32(0)"]
    if form.parts:
        begin += [
            "part = uint32(matrix // matrices)",
            "matrix = uint32(matrix - part * matrices)",
            "begin, c_more = uint32(part * span), uint32(part * c_part)",
            "end = min(uint32(begin + span), depth)",
        ]
    begin += [
        "far = uint32(matrix // near)",
        "within = uint32(matrix - far * near)",
        *(f"{each}_here = uint32({each}_first + within * {each}_near + far * {each}_far)" for each in "abc"),
        "c_here = uint32(c_here + c_more)",
    ]
    a = Matrix("a", form.a, tile.height, tile.deep, tile.threads, number, "row", "rows", "a_row")
    b = Matrix("b", form.b, tile.width, tile.deep, tile.threads, number, "column", "columns", "b_column")

    def stored(lines: Lines) -> None:
        store(lines, tile, Strided(form.c_four), add=form.add, keeps=form.keeps, epilogues=form.epilogues)

    return written(Stages(names(form), tile, number, a, b, begin, turned, stored))


def _solid(tile: Tile | TensorTile) -> list[str]:
    """Which tile and which matrix a block does: three numbers of its own."""
    return [
        "matrix = uint32(cuda.blockIdx.z)",
        f"row = uint32(cuda.blockIdx.y * {tile.height})",
        f"column = uint32(cuda.blockIdx.x * {tile.width})",
    ]


def _flat(tile: Tile | TensorTile) -> list[str]:
    """The same from one number, when there are more of them than a grid has along y or z."""
    return [
        f"across = uint32(uint32(columns + uint32({tile.width - 1})) // uint32({tile.width}))",
        f"down = uint32(uint32(rows + uint32({tile.height - 1})) // uint32({tile.height}))",
        "tile = uint32(cuda.blockIdx.x)",
        "matrix = uint32(tile // uint32(across * down))",
        "tile = uint32(tile - matrix * across * down)",
        f"row = uint32(uint32(tile // across) * uint32({tile.height}))",
        f"column = uint32(uint32(tile % across) * uint32({tile.width}))",
    ]


def form_of(
    way: Any, views: Sequence[Any], near: Any, far: Any, second: Any, add: bool, tile: Tile | TensorTile
) -> Form:
    """The kernel for a product: how its operands lie."""
    a, b, c = views
    single = c.dtype == np.float32

    def fours(view: Any, size: int, strides: Sequence[int]) -> bool:
        return single and size % 4 == 0 and in_fours(view) and all(each % 4 == 0 for each in strides)

    def lies(view: Any, along: str, sides: Sequence[tuple[int, int]], stack: Sequence[int], alone: bool) -> str:
        """`sides`: stride and size of the loop `along`, then of the depth."""
        (side, count), (deep, depth) = sides
        by_depth = deep == 1 and (side != 1 or alone)
        near_, size, far_ = (deep, depth, side) if by_depth else (side, count, deep)
        return ("depth" if by_depth else along) + "4" * (near_ == 1 and fours(view, size, [far_, *stack]))

    depth = way.depth
    a_stack, b_stack = [near.a, far.a, second.a], [near.b, far.b, second.b]
    a_lies = lies(a, "rows", [(way.rows.a, way.rows.size), (depth.a, depth.size)], a_stack, True)
    b_lies = lies(b, "columns", [(way.columns.b, way.columns.size), (depth.b, depth.size)], b_stack, False)
    c_four = way.columns.c == 1 and fours(c, way.columns.size, [way.rows.c, near.c, far.c])
    return Form(tile, c.dtype.name, a_lies, b_lies, c_four, add, second.size != 1)
