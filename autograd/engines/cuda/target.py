"""What plans are made for: a GPU. Nests become kernels of their own, products tiles of shared memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from ...kernels.cuda.nest import CudaNest, nest
from ...kernels.loops import NEXT, Buffer, Fit, Fold, Loops
from ...node import Node
from ..compiled.calls import Call, View
from ..compiled.lowering.dense import Lowering
from .epilogues import attach
from .products import emit
from .sampling import draw_inside

FALLBACKS: dict[str, str] = {}
"""Kernel families that have no kernel for a GPU, and why: numpy computes these ops, in the middle of the program."""

BLOCKS = 1056
"""About so many blocks keep a large GPU busy: eight for each of its 132 processors."""
LONG = 16
"""A loop of at least so many turns is gone through four at a time."""
SHORT = 32
"""A loop with fewer turns than a warp has threads is not dealt out where the one around it has more."""


@dataclass(frozen=True)
class Gpu:
    """A GPU, or the simulator, where few fat blocks are run soonest."""

    simulated: bool = False

    def nest(self, loops: Loops, sizes: Sequence[int], places: Sequence[tuple[View, Sequence[int]]]) -> CudaNest:
        """See Target."""
        along = abreast(loops, sizes)
        fours = along == -1 and bool(sizes) and sizes[-1] >= LONG and all(map(_by_four, buffers(loops), places))
        return nest(replace(loops, fit=Fit(along, 4 if fours else 1)))

    def chunk(self, code: CudaNest, sizes: Sequence[int]) -> int:
        """See Target."""
        rows = sizes[0] if sizes else 1
        if code.whole or rows < 2:
            return rows
        # Of the loop that is dealt out a block takes some turns for each of its threads.
        least = 4 * code.threads(sizes, rows) if code.abreast == 0 else max(1, 2048 // max(1, prod(sizes[1:])))
        chunk = -(-rows // 2) if self.simulated else max(least, -(-rows // BLOCKS))
        return min(rows, -(-chunk // 4) * 4 if code.abreast == 0 else chunk)

    def lowering(self, family: str) -> Lowering | None:
        """See Target."""
        from ..compiled.lowering.table import table
        from .lowering import LOWERINGS

        return None if family in FALLBACKS else LOWERINGS.get(family) or table().get(family)

    def keeps(self, node: Node) -> bool:
        """See Target."""
        return self.lowering(node.op.kernel) is not None and node.dtype.kind == "f"

    def product(self, plan: Any, way: Any, a: View, b: View, c: View, accumulate: bool) -> bool:
        """See Target."""
        return emit(plan, way, a, b, c, accumulate, self.simulated)

    def attach(self, calls: list[Call]) -> None:
        """See Target."""
        draw_inside(calls)
        attach(calls)


def buffers(loops: Loops) -> list[Buffer]:
    """Everything a nest reads and writes."""
    return [*loops.reads, *(write.buffer for write in loops.writes)]


def _by_four(buffer: Buffer, place: tuple[View, Sequence[int]]) -> bool:
    """Whether a buffer's numbers can be moved by 128 bits, where they are moved along the innermost loop at all."""
    view, far = place
    if buffer.dtype != "float32" or buffer.moves[-1] != NEXT:
        return True
    return view.offset % 4 == 0 and all(each % 4 == 0 and each >= 0 for each in far)


def abreast(loops: Loops, sizes: Sequence[int]) -> int:
    """The loop of a nest that is dealt out to threads: the innermost, or the one around it where that is short."""
    if loops.depth < 2 or sizes[-1] >= SHORT or sizes[-2] <= sizes[-1]:
        return -1
    # A fold over the loop around that keeps the innermost would be added to by several threads.
    levels = loops.levels()
    for value, step in enumerate(loops.steps, len(loops.reads)):
        if isinstance(step, Fold) and loops.depth - 2 in step.over and loops.depth - 1 in levels[value]:
            return -1
    return loops.depth - 2
