"""A graph of very many single numbers as a plan of three calls: leaves onto a tape, its run, results off it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ....graph import order
from ....kernels.tape import tape
from ....kernels.tape_ends import tape_in, tape_out
from ....language import N_
from ....node import Leaf, Node
from ....reason import Reason
from ..calls import Buffer, View, row_major
from ..planning.whole import Whole
from .plan import ScalarPlan, plan_of


def tape_plan(outputs: Sequence[Node], updates: Mapping[Leaf, Node] | None) -> TapePlan | None:
    """The plan, or None where the graph is not one of very many single numbers of one dtype."""
    asked = [*outputs, *(updates or {}).values()]
    scalars = plan_of(asked) if asked else None
    if scalars is None or any(node.dtype != scalars.dtype for node in (*asked, *(updates or {}), *scalars.varying)):
        return None
    return TapePlan(outputs, updates or {}, scalars)


class TapePlan(Whole):
    """See tape_plan. The nodes are not opened, simplified or fused by groups: what the tape does with them is enough."""

    def __init__(self, outputs: Sequence[Node], updates: Mapping[Leaf, Node], scalars: ScalarPlan) -> None:
        super().__init__(outputs, updates)
        self.results = [self._single(node, Buffer(node.dtype.itemsize, "result")) for node in outputs]
        numbers = self.new((scalars.length,), scalars.dtype)
        code, fixed, where = (_constant(array) for array in (scalars.code, scalars.fixed, scalars.results))
        leaves = [self.leaf(leaf) for leaf in scalars.varying]
        targets = [*self.results, *(self.leaf(leaf) for leaf in updates)]
        dtype, words = scalars.dtype.name, scalars.length - scalars.base
        self.call(
            tape_in(dtype), [numbers, len(leaves), fixed.size, fixed, *leaves], [*leaves, fixed], [numbers],
            why=N_("leaves and constants, side by side"),
        )  # fmt: skip
        self.call(
            tape(dtype), [code, numbers, scalars.base], [numbers, code], [numbers], flops=words,
            why=Reason(N_("{count} words on single numbers, one after another"), count=words),
        )  # fmt: skip
        self.call(
            tape_out(dtype), [numbers, len(targets), where, *targets], [numbers, where], targets,
            why=N_("results, each to its own place"),
        )  # fmt: skip

    def all_values(self) -> int:
        """See Whole.all_values."""
        nodes = order([*self.asked, *self.asked_updates])
        return sum(node.dtype.itemsize for node in nodes if not node.is_leaf and node.shape == ())

    @staticmethod
    def _single(node: Node, buffer: Buffer) -> View:
        return View(buffer, node.dtype, (), ())


def _constant(array: np.ndarray) -> View:
    """An array as a view; unlike Builder.fixed it is not compared with others, because it is long."""
    return View(Buffer(max(array.nbytes, 1), "constant", array), array.dtype, array.shape, row_major(array.shape))
