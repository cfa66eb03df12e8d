"""Kernels of the processor that have a twin for a GPU, which is given the same words."""

from __future__ import annotations

from .elementwise import CHECK_RANGE, GATHER, PLACES, Twin
from .random import NORMAL, UNIFORM

TWINS: dict[str, Twin] = {
    "check_range": CHECK_RANGE, "places": PLACES, "gather": GATHER, "uniform": UNIFORM, "normal": NORMAL,
}  # fmt: skip
"""Name of a processor's kernel -> what does the same on a GPU."""
