"""LoopCode: a fused loop as machine code, made when first asked for and kept on disk; and the argument block it reads.

The code depends on the structure of the nest only, not on sizes, addresses or constants in buffers, so one piece serves
every size and is found again by every later model that computes the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..errors import NngraphError
from ..kept import kept
from . import machine_code
from .loop_passes import Nest
from .loops import FAR, NEXT, Buffer, Fit, Loops
from .machine import machine


@cache
def compiled(loops: Loops) -> LoopCode:
    """The code of a nest of loops; nothing is compiled before its address is asked for."""
    return LoopCode(loops)


class Place(NamedTuple):
    """Where a buffer lies: the word for its address, a stride in numbers for every FAR move, and for a partial result
    how many numbers further the one of the next chunk lies."""

    address: Any
    strides: Sequence[Any] = ()
    partial: Any = 0


class Kept(NamedTuple):
    """Numbers put aside for the time of a call: one for every turn of `loops`, or a vector of them when `wide`.

    In `squares`: for so many turns of the last loop as whole squares of vectors have.
    """

    key: tuple[str, int]
    dtype: str
    loops: tuple[int, ...]
    wide: bool
    squares: bool = False


class Block:
    """The order of the words in an argument block: the extents of all loops; the address of every read; the strides of
    the reads' FAR moves; for every write its address and the strides of its FAR moves; the rows of one chunk; for
    every partial write the distance between two chunks' results; the address of the scratch."""

    def __init__(self, nest: Nest) -> None:
        self.nest, loops = nest, nest.loops
        self.abreast = loops.fit.abreast % loops.depth if loops.depth else 0
        """The loop that is done in the lanes of vectors."""
        self.lanes = _lanes(nest, machine().vector_bytes)
        self.partial = nest.partial
        """The writes that give one result for every chunk of rows."""
        values = [Kept(("kept", at), nest.dtype(at), over, self.abreast in nest.varies[at])
                  for at, over in nest.kept.items() if at not in nest.reloaded]  # fmt: skip
        rows_kept = [
            Kept(("row", at), row.dtype, tuple(loop for loop in row.kept if loop > row.first),
                 self.abreast in nest.varies[row.operand])
            for at, row in enumerate(nest.rows)
        ]  # fmt: skip
        reads, writes = self.turned
        inner = (loops.depth - 1,)
        squares = [Kept(("read turned", at), loops.reads[at].dtype, inner, True, True) for at in reads]
        squares += [Kept(("write turned", at), loops.writes[at].buffer.dtype, inner, True, True) for at in writes]
        self.kept = (*values, *rows_kept, *squares)
        words = loops.depth + len(loops.reads) + sum(move == FAR for each in loops.reads for move in each.moves)
        words += sum(1 + sum(move == FAR for move in each.buffer.moves) for each in loops.writes)
        self.words = words + 1 + len(self.partial) + 1

    @property
    def turned(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The reads and the writes whose rows become columns on the way. Where the turns of a loop are done in lanes
        and those of the loop inside it lie side by side, numbers far apart would be met one by one; as many rows as
        there are lanes are turned over in registers instead, once for all passes over them."""
        nest, loops = self.nest, self.nest.loops
        if loops.depth < 2 or self.abreast != loops.depth - 2:
            return (), ()
        rows = {row.write for row in nest.rows}
        reads = tuple(at for at, read in enumerate(loops.reads) if self._turns(read))
        return reads, tuple(at for at, write in enumerate(loops.writes) if self._turns(write.buffer) and at not in rows)

    def _turns(self, buffer: Buffer) -> bool:
        fills = np.dtype(buffer.dtype).itemsize * self.lanes == machine().vector_bytes
        return buffer.moves[-2:] == (FAR, NEXT) and buffer.dtype != "bool" and fills

    def scratch_bytes(self, extents: Sequence[int]) -> int:
        """How much working memory every chunk needs, in bytes."""
        total = 0
        for _, dtype, loops, wide, squares in self.kept:
            count = prod(extents[loop] for loop in loops if loop != self.abreast)
            if squares:
                count = count + self.lanes - 1 & -self.lanes
            if self.abreast in loops:
                count *= extents[self.abreast] + 63 & -64
            elif wide:
                count *= self.lanes
            total += count * np.dtype(dtype).itemsize + 63 & -64
        return total


class LoopCode(machine_code.Compiled):
    """The machine code of a nest of loops, `kernel(block, start, stop)`: it does the rows [start, stop) of loop 0."""

    def __init__(self, loops: Loops) -> None:
        self.loops = loops

    @kept
    def nest(self) -> Nest:
        """Which passes it takes."""
        if self.loops.fit == Fit():
            return Nest(self.loops)
        # Passes do not depend on how the nest is fitted.
        nest = copy(compiled(replace(self.loops, fit=Fit())).nest)
        nest.loops = self.loops
        return nest

    @kept
    def layout(self) -> Block:
        """Where the words of the argument block stand."""
        return Block(self.nest)

    # Code ------------------------------------------------------------------------------------------------------------
    @kept
    def key(self) -> str:
        """What the machine code is made from."""
        return machine_code.key_of("loops", repr(self.loops), machine_code.text_of("loop_text"))

    def build(self) -> bytes:
        """Object code, through LLVM."""
        return machine_code.object_code_as_written(self.text())

    def text(self) -> str:
        """The nest as LLVM assembly, not optimized."""
        from .loop_text import text

        return text(self.nest, machine_code.symbol(self.key))

    def source(self) -> str:
        """The nest as a person would write it: loops, what is read, computed, folded and written in each, in order."""
        from .loop_source import source

        return source(self.nest)

    # What a plan asks
    # ----------------------------------------------------------------------------------------------------
    def may_share(self, read: int, write: int) -> bool:
        """Whether a write may go into the very numbers that a read takes (same address, same strides)."""
        return self.nest.may_share(read, write)

    @kept
    def whole(self) -> bool:
        """Whether the rows must all be done in one call: a fold over them is used, not only written."""
        return self.nest.whole

    @property
    def partial(self) -> tuple[int, ...]:
        """The writes that give one result for every chunk of rows, to be combined by the fold's word."""
        return self.layout.partial

    def overreaches(self, words: Sequence[Any]) -> bool:
        """Whether the last vector of a row, which is masked, reaches into the next row; `words` are those of `block`."""
        depth = self.loops.depth
        return depth > 1 and words[depth - 1] % self.layout.lanes != 0

    def scratch_bytes(self, extents: Sequence[int]) -> int:
        """How much working memory every chunk needs, in bytes; the scratch must be aligned to 64."""
        return self.layout.scratch_bytes(extents)

    def block(
        self, extents: Sequence[int], reads: Sequence[Place], writes: Sequence[Place], chunk: Any, scratch: Any = 0
    ) -> list[Any]:
        """The words of the argument block. `chunk`: rows per chunk, at least 1; as many as there are rows, or more,
        when the rows are not split. Addresses may be anything that stands for one.
        """
        words: list[Any] = [*extents, *(each.address for each in reads)]
        for place in reads:
            words += place.strides
        for place in writes:
            words += [place.address, *place.strides]
        words += [chunk, *(writes[at].partial for at in self.partial), scratch]
        if len(words) != self.layout.words:
            # The loop would read addresses behind its block.
            raise NngraphError(f"a fused loop reads {self.layout.words} words and is given {len(words)}: {self.loops}")
        return words


def _lanes(nest: Nest, vector_bytes: int) -> int:
    """How many numbers the innermost loop does at once: as many as a vector holds of the widest numbers computed
    with."""
    used = {np.dtype(nest.dtype(at)) for at in range(len(nest.values))}
    widths = [each.itemsize for each in used if each.kind == "f"] or [each.itemsize for each in used]
    return vector_bytes // max(4, *widths) if widths else vector_bytes // 4
