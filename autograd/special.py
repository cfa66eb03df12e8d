"""Functions of mathematics that numpy does not have."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_erf = np.frompyfunc(math.erf, 1, 1)


def erf(x: Any) -> Any:
    """The error function, 2/√π ∫₀ˣ e^(−t²) dt, elementwise.

    >>> float(erf(0.5))
    0.5204998778130465
    """
    array = np.asarray(x)
    dtype = array.dtype if array.dtype.kind == "f" else np.dtype(np.float64)
    return np.asarray(_erf(array), dtype=dtype)
