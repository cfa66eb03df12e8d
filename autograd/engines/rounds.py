"""How often an instruction is run to be timed."""

from __future__ import annotations

from collections.abc import Callable

MOST_SECONDS = 0.5
"""Seconds for all rounds of one instruction, unless a single round takes longer."""


def least(lap: Callable[[], float], repeat: int) -> float:
    """The least of the seconds that so many rounds take, or fewer where they take long."""
    best, spent, left = float("inf"), 0.0, repeat
    while left and spent < MOST_SECONDS:
        taken = lap()
        best, spent, left = min(best, taken), spent + taken, left - 1
    return best
