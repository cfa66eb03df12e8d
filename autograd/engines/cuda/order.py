"""Which calls of a plan may change places: those of which none writes what the other reads or writes.

This is asked before buffers have places in the arena, so only what the graph says counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..compiled.calls import Buffer, Call, View


@dataclass(frozen=True, slots=True)
class Touched:
    """The buffers that a call and its epilogues read, and those they write."""

    reads: frozenset[Buffer]
    writes: frozenset[Buffer]

    def conflicts(self, other: Touched) -> bool:
        """Whether one of two calls must stay behind the other."""
        return bool(self.writes & other.reads or self.writes & other.writes or self.reads & other.writes)


def touched(call: Call) -> Touched:
    """What a call and its epilogues touch."""
    parts = call.parts
    return Touched(
        _roots([v for part in parts for v in part.reads]), _roots([v for part in parts for v in part.writes])
    )


def _roots(views: Sequence[View]) -> frozenset[Buffer]:
    """The buffers themselves, where some are pieces that move through others."""
    found = set()
    for view in views:
        buffer = view.buffer
        while buffer.role == "moving":
            buffer = buffer.owner[0].buffer
        found.add(buffer)
    return frozenset(found)
