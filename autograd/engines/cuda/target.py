"""What plans are made for: a GPU. Nests become kernels of their own, products tiles of shared memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import ParameterError
from ...kernels.cuda.nest import CudaNest, nest
from ...kernels.cuda.product_tiles import SMALL
from ...kernels.loops import Loops
from ...node import Node
from ..compiled.calls import Call, View
from ..compiled.lowering.dense import Lowering
from .ahead import run_ahead
from .bundles import bundle
from .epilogues import attach
from .nests import GPU, SIMULATED, Chip, laid, rows_of
from .products import ask_library, emit
from .sampling import draw_inside

FALLBACKS: dict[str, str] = {}
"""Kernel families that have no kernel for a GPU, and why: numpy computes these ops, in the middle of the program."""


@dataclass(frozen=True)
class Gpu:
    """A GPU, or the simulator, where few fat blocks are run soonest."""

    simulated: bool = False
    tf32: bool = False
    """Whether float32 products may be done by tensor cores, which round what is multiplied to 10 bits of fraction."""

    cublas: bool = False
    """Whether NVIDIA's library computes products, as far as it can."""

    @property
    def engine(self) -> str:
        """The engine that plans for it."""
        if self.simulated:
            return "cuda-simulator"
        return "cuda-tf32" if self.tf32 else "cuda-cublas" if self.cublas else "cuda"

    def nest(self, loops: Loops, sizes: Sequence[int], places: Sequence[tuple[View, Sequence[int]]]) -> CudaNest:
        """See Target."""
        return nest(loops, laid(loops, sizes, places, self.chip))

    def chunk(self, code: CudaNest, sizes: Sequence[int]) -> int:
        """See Target."""
        return rows_of(code.nest, code.layout, sizes, self.chip)

    @property
    def chip(self) -> Chip:
        """What nests are laid over."""
        return SIMULATED if self.simulated else GPU

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
        if self.cublas and ask_library(plan, way, a, b, c, accumulate):
            return True
        return emit(plan, way, a, b, c, accumulate, SMALL if self.simulated else None, tf32=self.tf32)

    def attach(self, calls: list[Call]) -> None:
        """See Target."""
        draw_inside(calls)
        attach(calls)
        bundle(calls)
        for call in calls:
            if call.body is not None:
                run_ahead(call.body)


def target_of(engine: str) -> Gpu:
    """What an engine for GPUs plans for; ParameterError for one that is none."""
    if engine not in TARGETS:
        raise ParameterError(
            f"the engine {engine!r} makes no kernels for a GPU; there is {', '.join(map(repr, TARGETS))}"
        )
    return TARGETS[engine]


TARGETS = {each.engine: each for each in (Gpu(), Gpu(tf32=True), Gpu(cublas=True), Gpu(simulated=True))}
"""Engine -> what it plans for."""
