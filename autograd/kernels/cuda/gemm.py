"""Products as a library of BLAS computes them: C := op(A)·op(B) + β·C of matrices that lie column by column, one every so many
numbers for a stack of them.

Ours lie row by row, which is the same as their transposes column by column: Cᵀ = Bᵀ·Aᵀ. So the library's A is our B.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .arguments import first_of

MOST = 1 << 31
"""The library counts with signed numbers of 32 bits."""
FUNCTIONS = {"float32": "cublasSgemmStridedBatched", "float64": "cublasDgemmStridedBatched"}


@dataclass(frozen=True, slots=True)
class Operand:
    """How a matrix lies. `turned`: it is the transpose that lies column by column; `leading`: how far two of its columns are
    apart, `step`: two matrices of a stack."""

    turned: bool
    leading: int
    step: int


@dataclass(frozen=True, slots=True)
class Form:
    """One call of the library, in its own words: C has `m` rows and `n` columns, the depth is `k`, and there are `count`
    products. `add`: to what C holds."""

    dtype: str
    m: int
    n: int
    k: int
    a: Operand
    b: Operand
    c: Operand
    count: int
    add: bool


@dataclass(frozen=True)
class Gemm:
    """The code of a product that the library computes; a call of it is given A, B and C."""

    form: Form
    is_ready = True
    name = "cublas"

    def text(self) -> str:
        """The call as it is in C."""
        form = self.form
        turned = ", ".join("CUBLAS_OP_T" if each.turned else "CUBLAS_OP_N" for each in (form.a, form.b))
        arrays = (("A", form.a), ("B", form.b), ("&beta, C", form.c))
        said = ", ".join(f"{name}, {each.leading}, {each.step}" for name, each in arrays)
        beta = f"beta = {1 if form.add else 0}"
        return (
            f"/* column by column; alpha = 1, {beta} */\n"
            f"{FUNCTIONS[form.dtype]}(handle, {turned}, {form.m}, {form.n}, {form.k}, &alpha, {said}, {form.count});\n"
        )


def gemm_of(way: Any, a: Any, b: Any, c: Any, add: bool) -> tuple[Gemm, tuple[Any, Any]] | None:
    """The call for a product (see Product of compiled/lowering/products.py) of two views into a third, and the views that are
    the library's A and B; None where the library cannot do it: two loops of the depth, or of the stack, that are not one,
    numbers that lie apart along both axes, or that are read more than once."""
    stack = _one_loop(way.stack)
    if way.depths or stack is None or c.dtype.name not in FUNCTIONS or any(first_of(view).value for view in (a, b, c)):
        return None
    swapped = way.swapped
    # Along the rows of the library's C our C lies side by side.
    for each, last, steps, arrays in ((way, stack, (stack.b, stack.a), (b, a)), (swapped, stack, (stack.a, stack.b), (a, b))):
        rows, columns, depth = each.columns, each.rows, each.depth
        found = (
            _lies((rows.size, rows.b), (depth.size, depth.b), steps[0]),
            _lies((depth.size, depth.a), (columns.size, columns.a), steps[1]),
            _lies((rows.size, rows.c), (columns.size, columns.c), last.c),
        )
        left, right, result = found
        sizes = rows.size, columns.size, depth.size
        if left and right and result and not result.turned and all(0 < size < MOST for size in (*sizes, last.size)):
            return Gemm(Form(c.dtype.name, *sizes, left, right, result, last.size, add)), arrays
    return None


def _one_loop(stack: Sequence[Any]) -> Any | None:
    """The loops of a stack as one; None where they are not one, or where some matrix of C is written more than once."""
    loops = [loop for loop in stack if loop.size != 1]
    if not loops:
        return Once()
    last = loops[-1]
    for loop in loops[-2::-1]:
        if any(getattr(loop, name) != last.size * getattr(last, name) for name in "abc"):
            return None
        last = replace(last, size=loop.size * last.size)
    return last if last.c > 0 and last.a >= 0 and last.b >= 0 else None


@dataclass(frozen=True, slots=True)
class Once:
    """A stack of one matrix."""

    size: int = 1
    a: int = 0
    b: int = 0
    c: int = 0


def _lies(down: tuple[int, int], across: tuple[int, int], step: int) -> Operand | None:
    """How a matrix lies, of whose rows and columns there are so many, so far apart; None where the library cannot read it."""
    for turned, (count, near), (others, far) in ((False, down, across), (True, across, down)):
        leading = far if others > 1 else count
        if (near == 1 or count == 1) and count <= leading < MOST:
            return Operand(turned, leading, step)
    return None
