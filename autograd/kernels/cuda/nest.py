"""A nest of loops as a CUDA kernel: its argument list, and its text for numba.cuda.

The text is written from the same passes as the processor's machine code (`loop_text.py`). A block of threads does one chunk
of rows, and the loop that the processor does in the lanes of its vectors is dealt out to the threads of the block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from math import prod
from typing import Any

import numpy as np

from ...kept import kept
from ..loop_code import Place, compiled
from ..loop_passes import Nest, Pass
from ..loops import FAR, STILL, Fold, Loops
from .arguments import Argument, first_of, of_view, whole_number
from .random import STATE

Draw = tuple[int, str]
"""A read, and which random numbers it is: see KINDS of random.py."""


class CudaNest:
    """The code of a nest on a GPU; it answers what a plan asks of a nest's code (see LoopCode)."""

    def __init__(self, loops: Loops, draws: tuple[Draw, ...] = ()) -> None:
        self.loops, self.draws = loops, dict(draws)

    @kept
    def nest(self) -> Nest:
        """Which passes it takes."""
        nest = compiled(Loops(self.loops.depth, self.loops.reads, self.loops.steps, self.loops.writes)).nest
        return nest

    @property
    def name(self) -> str:
        """What it is called in reports."""
        return "nest"

    is_ready = True

    def overreaches(self, words: Sequence[Any]) -> bool:
        """Nothing is written behind the end of a row."""
        return False

    @kept
    def abreast(self) -> int:
        """The loop whose turns are dealt out to threads."""
        return self.loops.fit.abreast % self.loops.depth if self.loops.depth else 0

    @kept
    def fours(self) -> bool:
        """Whether a thread does four turns of the innermost loop at once, moving float32 numbers by 128 bits."""
        return self.loops.fit.vectors == 4 and self.abreast == self.loops.depth - 1

    def may_share(self, read: int, write: int) -> bool:
        """Whether a write may go into the very numbers that a read takes (same address, same strides)."""
        # Of a draw it reads the key, and behind all reads the step.
        return read < len(self.loops.reads) and read not in self.draws and self.nest.may_share(read, write)

    @property
    def partial(self) -> tuple[int, ...]:
        """The writes that give one result for every chunk of rows, to be combined by the fold's word."""
        return self.nest.partial

    @property
    def whole(self) -> bool:
        """Whether the rows must all be done by one block."""
        return self.nest.whole

    @property
    def apart(self) -> list[int]:
        """Values that a later pass reloads from working memory of their own."""
        return [at for at in self.nest.kept if at not in self.nest.reloaded]

    def scratch_bytes(self, extents: Sequence[int]) -> int:
        """How much working memory every chunk needs, in bytes: the values that are kept, one after the other."""
        return sum(self._kept_bytes(at, extents) for at in self.apart)

    def _kept_bytes(self, at: int, extents: Sequence[int]) -> int:
        count = prod(extents[loop] for loop in self.nest.kept[at])
        return -(-max(count, 1) * np.dtype(self.nest.dtype(at)).itemsize // 64) * 64

    def text(self) -> str:
        """The kernel as Python for numba.cuda."""
        from .nest_text import text

        return text(self)

    def names(self) -> list[str]:
        """The kernel's arguments, in the order of `block`."""
        loops = self.loops
        found = [f"n{loop}" for loop in range(loops.depth)]
        for kind, buffers in (("r", loops.reads), ("w", [write.buffer for write in loops.writes])):
            for at, buffer in enumerate(buffers):
                drawn = kind == "r" and at in self.draws
                found += [f"{kind}{at}_{word}" for word in STATE] if drawn else [f"{kind}{at}"]
                found.append(f"{kind}{at}_first")
                found += [f"{kind}{at}_by{loop}" for loop, move in enumerate(buffer.moves) if move == FAR]
        found.append("chunk")
        found += [f"w{at}_part" for at in self.partial]
        for at in self.apart:
            found += [f"k{at}", f"k{at}_part"]
        return found

    def block(
        self, extents: Sequence[int], reads: Sequence[Place], writes: Sequence[Place], chunk: int, scratch: Any = 0
    ) -> list[Any]:
        """The kernel's arguments, views and working memory not yet bound to memory; and last the working memory."""
        words: list[Any] = [whole_number(size) for size in extents]
        for place in (*reads, *writes):
            words += [of_view(place.address), first_of(place.address)]
            words += [Argument("int32", int(stride)) for stride in place.strides]
        words.append(whole_number(chunk))
        words += [whole_number(writes[at].partial) for at in self.partial]
        one = (min(chunk, extents[0]), *extents[1:]) if extents else ()
        start, total = 0, self.scratch_bytes(one)
        for at in self.apart:
            dtype = np.dtype(self.nest.dtype(at))
            words += [Argument(dtype.name, start, working=True), whole_number(total // dtype.itemsize)]
            start += self._kept_bytes(at, one)
        return [*words, scratch]

    # How it is launched ----------------------------------------------------------------------------------------------
    def threads(self, extents: Sequence[int], chunk: int) -> int:
        """Threads of a block: a power of two, one warp or more where the loop has as many turns."""
        if not self.loops.depth or not self.may_deal():
            return 1
        turns = min(chunk, extents[0]) if self.abreast == 0 else extents[self.abreast]
        threads = 32
        while threads < 256 and threads < turns:
            threads *= 2
        return threads

    def may_deal(self) -> bool:
        """Whether several threads may do it: no row of folds is added to by more than one of them."""
        return all(self.abreast in row.kept or self.abreast > row.kept[-1] for row in self.nest.rows)


@cache
def nest(loops: Loops, draws: tuple[Draw, ...] = ()) -> CudaNest:
    """The code of a nest of loops, which makes some of the numbers that it reads itself: they are random."""
    return CudaNest(loops, draws)


def passes(nest: Nest) -> Iterator[Pass]:
    """All passes of a nest."""
    return (item for item in nest.body.everything() if isinstance(item, Pass))


def folds_across(nest: Nest, at: int, loop: int) -> bool:
    """Whether the turns of a loop are folded into value `at`."""
    value = nest.values[at]
    return isinstance(value, Fold) and loop in value.over


def moves(buffer: Any) -> bool:
    """Whether a buffer moves at all."""
    return any(move != STILL for move in buffer.moves)
