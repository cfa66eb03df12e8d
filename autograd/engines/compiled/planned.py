"""The plan of this engine for any outputs and updates: a tape of single numbers, or calls over arrays. It is not bound to
memory, and its loops are not compiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...node import Leaf, Node
from .planning.plan import Plan
from .planning.whole import Whole
from .running.verified import verify
from .scalars.tape import tape_plan
from .target import PROCESSOR, Target


def planned(
    outputs: Sequence[Node], updates: Mapping[Leaf, Node] | None = None, target: Target = PROCESSOR
) -> Whole:
    """The plan; NngraphError where a node is not what it was built as."""
    # A tape asks no node for its shape: all of them hold one number.
    tape = tape_plan(outputs, updates) if target is PROCESSOR else None
    if tape is not None:
        return tape
    verify([*outputs, *(updates or {}).values()])
    return Plan(outputs, updates, target=target)
