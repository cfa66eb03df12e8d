"""Which calls of a plan may change places: those of which none writes what the other reads or writes.

This is asked before buffers have places in the arena, so only what the graph says counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..compiled.calls import Buffer, Call, View


def touched(call: Call) -> tuple[set[Buffer], set[Buffer]]:
    """The buffers that a call and its epilogues read, and those they write."""
    parts = call.parts
    return _roots([view for part in parts for view in part.reads]), _roots([v for part in parts for v in part.writes])


def conflict(one: Call, other: Call) -> bool:
    """Whether one of two calls must stay behind the other."""
    (reads, writes), (theirs, written) = touched(one), touched(other)
    return bool(writes & theirs or writes & written or reads & written)


def _roots(views: Sequence[View]) -> set[Buffer]:
    """The buffers themselves, where some are pieces that move through others."""
    found = set()
    for view in views:
        buffer = view.buffer
        while buffer.role == "moving":
            buffer = buffer.owner[0].buffer
        found.add(buffer)
    return found
