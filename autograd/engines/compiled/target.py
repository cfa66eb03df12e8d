"""What a plan is made for: a processor, or a GPU. The planner asks it for the code of nests and for what computes an op."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ...kernels.loops import Loops
from ...node import Node
from .calls import Call, View
from .lowering.dense import Lowering


class Target(Protocol):
    """A kind of machine."""

    def nest(self, loops: Loops, sizes: Sequence[int], places: Sequence[tuple[View, Sequence[int]]]) -> Any:
        """The code of a nest, fitted to these sizes and to where its reads and writes lie: their views, and how far they
        move with each loop along which they move far."""

    def chunk(self, code: Any, sizes: Sequence[int]) -> int:
        """How many rows of a nest make a chunk; all of them where it is not cut."""

    def lowering(self, family: str) -> Lowering | None:
        """What adds the calls for a kernel family; None where there is none, so that numpy computes such an op."""

    def product(self, plan: Any, way: Any, a: View, b: View, c: View, accumulate: bool) -> bool:
        """Add the calls of a product of stacked matrices; False when no kernel fits."""

    def keeps(self, node: Node) -> bool:
        """Whether a composite op is computed as it is."""

    def attach(self, calls: list[Call]) -> None:
        """Move nests into the kernels whose results they read."""


class Processor:
    """The processor that Python runs on."""

    def nest(self, loops: Loops, sizes: Sequence[int], places: Sequence[tuple[View, Sequence[int]]]) -> Any:
        """See Target."""
        from ...kernels.loop_code import compiled
        from ...kernels.loop_fit import fitted

        return compiled(fitted(loops, sizes))

    def chunk(self, code: Any, sizes: Sequence[int]) -> int:
        """See Target."""
        from math import prod

        from .planning.builder import CHUNK_NUMBERS, MOST_CHUNKS

        numbers, rows = prod(sizes), sizes[0] if sizes else 1
        if code.whole or numbers < 2 * CHUNK_NUMBERS or rows < 2:
            return rows
        chunks = min(MOST_CHUNKS, numbers // CHUNK_NUMBERS, rows)
        chunk = -(-rows // chunks)
        return -(-chunk // 64) * 64 if len(sizes) == 1 and chunks > 1 else chunk

    def lowering(self, family: str) -> Lowering | None:
        """See Target."""
        from .lowering.table import table

        return table().get(family)

    def product(self, plan: Any, way: Any, a: View, b: View, c: View, accumulate: bool) -> bool:
        """See Target."""
        from .lowering.products import emit

        return emit(plan, way, a, b, c, accumulate)

    def keeps(self, node: Node) -> bool:
        """See Target."""
        return self.lowering(node.op.kernel) is not None and node.dtype.kind == "f"

    def attach(self, calls: list[Call]) -> None:
        """See Target."""
        from .planning.epilogues import attach

        attach(calls)


PROCESSOR = Processor()
