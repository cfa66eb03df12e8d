"""Functions of arrays that numpy does not have, or not in a form that survives large numbers."""

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


def sigmoid(x: Any) -> Any:
    """1 / (1 + e^(−x)), elementwise, with no exponential that overflows.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    small = np.exp(-np.abs(x))
    return np.where(np.less(x, 0), small, 1) / (1 + small)


def softmax(x: Any, axis: int | tuple[int, ...] | None) -> Any:
    """Shares e^x / Σe^x along `axis`, with the largest x subtracted first.

    >>> softmax(np.array([1000.0, 1000.0]), 0)
    array([0.5, 0.5])
    """
    shares = np.exp(x - np.max(x, axis=axis, keepdims=True))
    shares /= np.sum(shares, axis=axis, keepdims=True)
    return shares


def log_softmax(x: Any, axis: int | tuple[int, ...] | None) -> Any:
    """The logarithm of the softmax along `axis`, finite where the softmax itself has become 0.

    >>> log_softmax(np.array([1000.0, 0.0]), 0)
    array([    0., -1000.])
    """
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
