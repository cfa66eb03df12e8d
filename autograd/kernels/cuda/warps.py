"""What the threads of a warp do together: read each other's registers, and wait for each other.

`members` are bits: which lanes of the warp do it, all of them the same line of the kernel. On the simulator the threads of
Python meet in the same way, and it is asserted that those who meet are those who are meant.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

WARP = 32
PATIENCE = 30
"""Seconds after which threads of the simulator no longer wait for one that does not come."""
_LOCK = threading.Lock()


def instructions(cuda: Any, simulated: bool) -> dict[str, Callable[..., Any]]:
    """`shfl_xor(members, value, bits)`: the value of the lane whose number differs in these bits. `shfl(members, value,
    lane)`: that of one lane. `wait(members)`: until all are here, and see what the others have written."""
    if not simulated:
        return {"shfl_xor": cuda.shfl_xor_sync, "shfl": cuda.shfl_sync, "wait": cuda.syncwarp}
    return {"shfl_xor": _shfl_xor, "shfl": _shfl, "wait": _wait}


class _Meeting:
    """The threads of a block that meet, again and again."""

    def __init__(self, members: int) -> None:
        self.barrier = threading.Barrier(members.bit_count(), timeout=PATIENCE)
        self.values: dict[int, Any] = {}

    def exchanged(self, lane: int, value: Any, wanted: int) -> Any:
        """The value of the lane that is wanted."""
        self.values[lane] = value
        self._wait()
        found = self.values[wanted]
        self._wait()
        return found

    def gathered(self, lane: int, value: Any) -> dict[int, Any]:
        """The values of all lanes."""
        self.values[lane] = value
        self._wait()
        found = dict(self.values)
        self._wait()
        return found

    def _wait(self) -> None:
        try:
            self.barrier.wait()
        except threading.BrokenBarrierError:
            raise AssertionError("not all members of a warp reach an instruction that they do together") from None


def meeting_of(members: Any) -> tuple[_Meeting, int]:
    """Where these lanes of the thread's warp meet, and which of them it is."""
    thread: Any = threading.current_thread()
    warp, lane = divmod(thread.thread_id, WARP)
    assert int(members) >> lane & 1, f"lane {lane} is none of the members {int(members):b}"
    with _LOCK:
        meetings = vars(thread._manager).setdefault("meetings", {})
        key = warp, int(members)
        found = meetings[key] = meetings.get(key) or _Meeting(key[1])
    return found, lane


def _shfl_xor(members: Any, value: Any, bits: Any) -> Any:
    meeting, lane = meeting_of(members)
    assert isinstance(value, (np.float32, np.float64, np.int32, np.int64)), f"a shuffle of {type(value)}"
    assert int(members) >> (lane ^ int(bits)) & 1, "a lane is asked that is no member"
    return meeting.exchanged(lane, value, lane ^ int(bits))


def _shfl(members: Any, value: Any, wanted: Any) -> Any:
    meeting, lane = meeting_of(members)
    assert int(members) >> int(wanted) & 1, "a lane is asked that is no member"
    return meeting.exchanged(lane, value, int(wanted))


def _wait(members: Any) -> None:
    meeting, lane = meeting_of(members)
    meeting.exchanged(lane, None, lane)
