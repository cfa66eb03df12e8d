"""Several nests in one launch: blocks are divided among them.

Nests of the same code share one text, and a block takes the arguments of the nest it belongs to; nests of different code are
branches. A branch is taken by whole blocks, so that threads that wait for each other wait in the same one.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate, groupby
from math import prod

import numpy as np

from .arguments import Argument, whole_number
from .layout import NONE
from .nest import CudaNest
from .nest_text import inside

MOST_BYTES = 4000
"""Of a kernel's arguments; the driver takes 4096."""


class CudaBundle:
    """The code of several nests that are launched together; those of the same code stand next to each other."""

    is_ready = True
    name = "nests"

    def __init__(self, codes: Sequence[CudaNest]) -> None:
        self.codes = tuple(codes)

    def names(self) -> list[str]:
        """The kernel's arguments, in the order of `block`, then those of the nests."""
        firsts = [f"first{at}" for at in range(1, len(self.codes))]
        counts = [f"parts{at}" for at, code in enumerate(self.codes) if code.layout.split != NONE]
        return [*firsts, *counts, *(f"e{at}_{name}" for at, code in enumerate(self.codes) for name in code.names())]

    def block(self, grids: Sequence[tuple[int, int, int]]) -> list[Argument]:
        """The arguments before those of the nests: which block is the first of every nest but the first, and how many parts
        those have that are cut into pieces besides."""
        firsts = list(accumulate(prod(grid) for grid in grids))[:-1]
        counts = [grid[0] for grid, code in zip(grids, self.codes) if code.layout.split != NONE]
        return [whole_number(each) for each in (*firsts, *counts)]

    def threads(self) -> int:
        """Threads of a block; nests that need fewer leave some without work."""
        return max(code.threads() for code in self.codes)

    def text(self) -> str:
        """The kernel as Python for numba.cuda."""
        return _text(self.codes)


@cache
def _text(codes: tuple[CudaNest, ...]) -> str:
    bundle = CudaBundle(codes)
    threads = bundle.threads()
    lines = [
        f"def kernel({', '.join(bundle.names())}):",
        "    thread = uint32(cuda.threadIdx.x)",
        "    block = uint32(cuda.blockIdx.x)",
    ]
    first = 0
    for code, alike in groupby(codes):
        count = len(list(alike))
        lines += _branch(first, first + count, len(codes))
        if code.threads() < threads:
            # Whoever has returned is not waited for.
            lines += [f"        if thread >= uint32({code.threads()}):", "            return"]
        lines += [f"        {line}" for line in _taken(code, first, count)]
        lines += [f"        {line}" for line in _renamed(inside(code), code.names(), _prefix(first, count))]
        first += count
    return "\n".join(lines) + "\n"


def _branch(start: int, stop: int, count: int) -> Iterator[str]:
    """The head of what the blocks of some nests do."""
    if stop == count:
        yield "    else:" if start else "    if True:"
    else:
        yield f"    {'elif' if start else 'if'} block < first{stop}:"


def _taken(code: CudaNest, first: int, count: int) -> Iterator[str]:
    """Which of some nests of the same code this block belongs to: which part of it, and the arguments."""
    for at in range(first, first + count):
        if count > 1:
            last = at == first + count - 1
            yield "else:" if last else f"{'if' if at == first else 'elif'} block < first{at + 1}:"
        space = "    " * (count > 1)
        own = f"uint32(block - first{at})" if at else "block"
        if code.layout.split != NONE:
            yield f"{space}piece = uint32({own} // parts{at})"
            own = f"uint32({own} - uint32(piece * parts{at}))"
        yield f"{space}part = {own}"
        if count > 1:
            yield from (f"    {_prefix(first, count)}_{name} = e{at}_{name}" for name in code.names())


def _prefix(first: int, count: int) -> str:
    """What stands before the names of nests that share a text: the arguments themselves, where there is but one nest."""
    return f"g{first}" if count > 1 else f"e{first}"


def _renamed(lines: Sequence[str], given: Sequence[str], prefix: str) -> list[str]:
    """Lines whose variables are told apart from those of other nests."""
    tree = ast.parse("\n".join(lines))
    stored = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
    known = "|".join(sorted({*stored, *given}, key=len, reverse=True))
    return [re.sub(rf"\b({known})\b", rf"{prefix}_\1", line) for line in lines]


def shared_bytes(codes: Sequence[CudaNest]) -> int:
    """How many bytes of shared memory all branches together ask for."""
    asked = re.findall(r"cuda\.shared\.array\((\d+), (\w+)\)", _text(tuple(codes)))
    return sum(int(count) * np.dtype(dtype).itemsize for count, dtype in asked)
