"""Measured times of a plan's instructions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import ParameterError
from .node import Leaf, describe, fitted

if TYPE_CHECKING:
    from .report import Instruction, PlanReport


@dataclass(frozen=True, slots=True)
class Timed:
    """An instruction and its least time in seconds; inside a loop that of one turn."""

    instruction: Instruction
    seconds: float

    @property
    def flops_per_second(self) -> float:
        """How many flops it does in a second."""
        return self.instruction.flops / self.seconds if self.seconds else 0.0

    @property
    def bytes_per_second(self) -> float:
        """How many bytes it reads and writes in a second."""
        each = self.instruction
        return (each.bytes_read + each.bytes_written) / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Profile:
    """A plan with the time of every instruction; `print` shows it as a table."""

    plan: PlanReport
    seconds: Mapping[str, float] = field(repr=False)
    """Number of an instruction -> its time."""

    @property
    def rows(self) -> tuple[Timed, ...]:
        """Every instruction with its time, those inside loops behind the loop."""
        return tuple(Timed(each, self.seconds[each.number]) for each in self.plan.all())

    @property
    def total(self) -> float:
        """Seconds of one run: the instructions together, one after the other."""
        return sum(self.seconds[each.number] for each in self.plan)

    def __str__(self) -> str:
        from .report_text import profiled

        return profiled(self)

    def records(self) -> list[dict[str, Any]]:
        """One plain dictionary per instruction: number, kernel, seconds, share of the whole, rates."""
        total = self.total
        outermost = {each.number for each in self.plan}
        return [
            {
                "number": row.instruction.number, "kernel": row.instruction.kernel, "seconds": row.seconds,
                "share": row.seconds / total if total and row.instruction.number in outermost else None,
                "flops_per_second": row.flops_per_second, "bytes_per_second": row.bytes_per_second,
            }
            for row in self.rows
        ]  # fmt: skip


def given_values(leaves: Sequence[Leaf], values: Sequence[Any]) -> dict[Leaf, np.ndarray]:
    """Values for leaves in order; a leaf without one keeps its own, or gets numbers when it has none."""
    if len(values) > len(leaves):
        raise ParameterError(f"profile: {len(values)} values were given for {len(leaves)} inputs")
    found = {leaf: fitted(np.asarray(value), leaf.dtype, leaf) for leaf, value in zip(leaves, values)}
    rng = np.random.default_rng(0)
    for leaf in leaves[len(values) :]:
        if leaf._value is None:
            shape = tuple(map(int, leaf.shape))
            drawn = rng.random(shape) if leaf.dtype.kind == "f" else np.zeros(shape)
            found[leaf] = drawn.astype(leaf.dtype)
    for leaf, array in found.items():
        if array.shape != tuple(map(int, leaf.shape)):
            raise ParameterError(f"profile: {describe(leaf)} was given shape {array.shape}")
    return found
