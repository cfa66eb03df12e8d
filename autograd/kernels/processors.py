"""How many processors there are for this process, and how many threads its programs are to use."""

from __future__ import annotations

import os

from ..errors import ParameterError


def processors() -> int:
    """How many processors this process may use: a container or taskset may leave fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int:
    """How many threads a program that is made now may use: NNGRAPH_THREADS, else as many as there are processors."""
    asked = os.environ.get("NNGRAPH_THREADS")
    if asked:
        if not asked.isdecimal() or int(asked) < 1:
            raise ParameterError(f"NNGRAPH_THREADS={asked!r} must be a whole number from 1 up")
        return int(asked)
    return processors()
