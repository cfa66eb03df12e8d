"""Outputs and updates as the numpy engine runs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..node import Leaf, Node, store
from ..simplify import simplify
from .numpy import Program

if TYPE_CHECKING:
    from ..report import PlanReport


class NumpyPlan:
    """Everything is computed from old values, then all updates are stored. See executable.Plan."""

    def __init__(self, outputs: Sequence[Node], updates: Mapping[Leaf, Node]) -> None:
        self.count, self.leaves = len(outputs), tuple(updates)
        self.nodes = simplify([*outputs, *updates.values()])
        self.program = Program(self.nodes)

    def __call__(self, given: Mapping[Leaf, Any]) -> list[Any]:
        while True:
            since = {leaf: leaf._stamp for leaf in self.leaves}
            results = self.program(given)
            new = {}
            for leaf, result in zip(self.leaves, results[self.count :]):
                array = np.asarray(result)
                # An array that the plan made and nobody else holds is taken as it is; the caller's own is copied.
                if array.dtype != leaf.dtype or array.base is not None or any(array is each for each in given.values()):
                    array = np.array(array, dtype=leaf.dtype)
                new[leaf] = array
            # Where another thread has changed one of them meanwhile, its step would be lost: this one is computed again.
            if not new or store(new, since):
                return results[: self.count]

    def run(self, inputs: tuple[Leaf, ...], arrays: Sequence[np.ndarray]) -> list[Any]:
        """See Plan.run."""
        return [_read_only(result, arrays) for result in self(dict(zip(inputs, arrays)))]

    def many_steps(self, inputs: tuple[Leaf, ...], arrays: Sequence[np.ndarray], batch: int) -> None:
        """See Plan.many_steps."""
        return None

    def report(self, inputs: Sequence[Leaf], names: Sequence[str | None]) -> PlanReport:
        """See Plan.report."""
        from .numpy_report import report

        return report(self.nodes[: self.count], dict(zip(self.leaves, self.nodes[self.count :])), inputs, names)


def _read_only(value: Any, arrays: Sequence[np.ndarray]) -> Any:
    """A result that nobody can write to: a copy where it is the caller's own array, or a part of it, under another
    name."""
    if isinstance(value, tuple):
        return tuple(_read_only(part, arrays) for part in value)
    if any(np.may_share_memory(value, given) for given in arrays):
        value = value.copy()
    view = value.view()
    view.flags.writeable = False
    return view
