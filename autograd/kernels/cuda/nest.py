"""A nest of loops as a CUDA kernel: its argument list, and its text for numba.cuda.

The text is written from the same passes as the processor's machine code (`loop_text.py`). A block of threads does one chunk
of rows; how its threads lie over the loops is said by a Layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import prod
from typing import Any

import numpy as np

from ...errors import NngraphError
from ...kept import kept
from ..loop_code import Place, compiled
from ..loop_passes import Nest
from ..loops import FAR, Loops
from .arguments import Argument, first_of, of_view, whole_number
from .layout import ALONE, NONE, Layout, Lie
from .random import STATE

Draw = tuple[int, str]
"""A read, and which random numbers it is: see KINDS of random.py."""


class CudaNest:
    """The code of a nest on a GPU; it answers what a plan asks of a nest's code (see LoopCode)."""

    def __init__(self, loops: Loops, layout: Layout = ALONE, draws: tuple[Draw, ...] = ()) -> None:
        self.loops, self.layout, self.draws = loops, layout, dict(draws)

    @kept
    def nest(self) -> Nest:
        """Which passes it takes."""
        return passes_of(self.loops)

    @kept
    def lie(self) -> Lie:
        """How the threads lie over it."""
        lie = Lie(self.nest, self.layout)
        if not lie.is_right:
            raise NngraphError(f"threads cannot lie over {self.loops} as {self.layout}")
        return lie

    @property
    def name(self) -> str:
        """What it is called in reports."""
        return "nest"

    is_ready = True

    def overreaches(self, words: Sequence[Any]) -> bool:
        """Nothing is written behind the end of a row."""
        return False

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
        return self.lie.apart

    def scratch_bytes(self, extents: Sequence[int]) -> int:
        """How much working memory every chunk needs, in bytes: the values that are kept, one after the other."""
        return sum(self._kept_bytes(at, extents) for at in self.apart)

    def _kept_bytes(self, at: int, extents: Sequence[int]) -> int:
        count = prod(extents[loop] for loop in self.nest.kept[at]) * prod(each for _, each in self.lie.owners(at))
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
        parts = self.grid(extents, chunk)[0]
        for number in [*(writes[at].partial for at in self.partial), total]:
            whole_number(parts * number)
        for at in self.apart:
            dtype = np.dtype(self.nest.dtype(at))
            words += [Argument(dtype.name, start, working=True), whole_number(total // dtype.itemsize)]
            start += self._kept_bytes(at, one)
        return [*words, scratch]

    # How it is launched ----------------------------------------------------------------------------------------------
    def threads(self) -> int:
        """Threads of a block."""
        return self.layout.threads

    def grid(self, extents: Sequence[int], chunk: int) -> tuple[int, int, int]:
        """Its blocks: chunks of rows, and pieces of the loop that is cut besides."""
        split = self.layout.split
        chunks = -(-extents[0] // max(chunk, 1)) if extents else 1
        return max(1, chunks), 1 if split == NONE else -(-extents[split] // self.layout.tile), 1


@cache
def nest(loops: Loops, layout: Layout = ALONE, draws: tuple[Draw, ...] = ()) -> CudaNest:
    """The code of a nest of loops, which makes some of the numbers that it reads itself: they are random."""
    return CudaNest(loops, layout, draws)


def passes_of(loops: Loops) -> Nest:
    """Which passes a nest takes, however it is computed."""
    return compiled(Loops(loops.depth, loops.reads, loops.steps, loops.writes)).nest
