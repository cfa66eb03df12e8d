"""Products whose depth was cut into parts: the sums of all parts, put together always in the same order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from .arguments import Argument, first_of, of_view, whole_number
from .lines import Lines, together
from .product_store import Counts, Epilogue, Store, Strided, names_of

NAMES = (
    "sums", "sums_first", "parts", "c", "c_first", "rows", "columns", "c_row", "c_column", "near", "c_near", "c_far",
    "numbers",
)  # fmt: skip
THREADS = 128


@dataclass(frozen=True, slots=True)
class Gathering:
    """What the kernel is made for; see Form of product.py. `four`: the columns can be counted by fours, and those of C lie so."""

    dtype: str
    four: bool
    add: bool
    keeps: bool = True
    epilogues: tuple[Epilogue, ...] = ()


@dataclass(frozen=True)
class CudaGathering:
    """The code that adds up the parts of a product."""

    form: Gathering
    is_ready = True
    name = "product_parts"

    def text(self) -> str:
        """The kernel as Python for numba.cuda."""
        return text(self.form)

    def names(self) -> Sequence[str]:
        """The kernel's arguments, then those of the epilogues."""
        return [*NAMES, *names_of(self.form.epilogues)]

    def threads(self) -> int:
        """Threads of a block."""
        return THREADS

    def blocks(self, numbers: int) -> int:
        """How many blocks do all numbers of C."""
        return max(1, -(-numbers // (THREADS * (4 if self.form.four else 1))))

    def counts(self, rows: int, result: Any) -> Counts:
        """How the result is counted."""
        return (rows, "in_all", "rows"), (result.size // rows, "in_one", "columns")

    def finishing(self, epilogues: tuple[Epilogue, ...], keeps: bool) -> CudaGathering:
        """The same with epilogues; `keeps`: whether others read the result."""
        return CudaGathering(replace(self.form, keeps=keeps, epilogues=epilogues))


@cache
def text(form: Gathering) -> str:
    """The kernel: a thread does one number of C, or four."""
    lines, step, number = Lines(), 4 if form.four else 1, form.dtype
    say = lines.say
    made = Store(Strided(form.four), form.add, form.keeps, form.epilogues)
    totals = [f"total{each}" for each in range(step)]
    with lines.under(f"def kernel({together([*NAMES, *names_of(form.epilogues)])}):"):
        say(f"at = uint32(uint32(cuda.blockIdx.x * {THREADS} + cuda.threadIdx.x) * uint32({step}))")
        with lines.under("if at < numbers:"):
            say(f"{together(totals)} = {together([f'{number}(0)'] * step)}", "part = uint32(0)")
            with lines.under("while part < parts:"):
                say("place = uint32(sums_first + part * numbers + at)")
                if form.four:
                    say("s0, s1, s2, s3 = ld4(sums, place)")
                    say(*(f"{total} += s{each}" for each, total in enumerate(totals)))
                else:
                    say("total0 += sums[place]")
                say("part = uint32(part + uint32(1))")
            say(
                "in_stack = uint32(at // columns)",
                "in_column = uint32(at - in_stack * columns)",
                "matrix = uint32(in_stack // rows)",
                "in_row = uint32(in_stack - matrix * rows)",
                "far = uint32(matrix // near)",
                "c_here = uint32(c_first + uint32(matrix - far * near) * c_near + far * c_far)",
            )
            made.opening(lines)
            made.places.of_row(lines)
            if form.four:
                made.four(lines, totals)
            else:
                made.one(lines, "total0", "in_column")
    return lines.text


def block(sums: Any, parts: int, c: Any, sizes: Sequence[int], strides: Sequence[int]) -> list[Argument]:
    """The kernel's arguments. `sizes`: of the rows, the columns, the near and the far stack of C; `strides`: of the same."""
    rows, columns, near, far = map(whole_number, sizes)
    c_row, c_column, c_near, c_far = (Argument("int32", stride) for stride in strides)
    numbers = whole_number(sizes[0] * sizes[1] * sizes[2] * sizes[3])
    return [
        of_view(sums), first_of(sums), whole_number(parts), of_view(c), first_of(c), rows, columns, c_row, c_column,
        near, c_near, c_far, numbers,
    ]  # fmt: skip
