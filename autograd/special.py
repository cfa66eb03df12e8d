"""Functions of arrays that numpy does not have, or not in a form that survives large numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# ln(1 − erf x) = −x·R(x), and R is so smooth that one quotient of polynomials serves from 0 to 6, where erf has become
# 1. The coefficients (numerator and denominator side by side, highest power first) are a least-squares fit in 50 digits
# to −ln(erfc x)/x, weighed by what an error of R does to erf: 2e-18. All are positive, so no digits cancel.
_RATIO = np.array([
    (0.00011825617772516358, 0.0), (0.0033665074701895474, 0.00011827721391292155),
    (0.03495541671454778, 0.0033640668873069876),
    (0.19980164877076706, 0.03439662961285574), (0.7201604108201024, 0.18868510556242937),
    (1.7139405321651164, 0.6323904052097138),
    (2.6695011943566906, 1.3315436593340972), (2.522940429143745, 1.6717081560727662), (1.1283791670955126, 1.0),
])  # fmt: skip
_BLOCK = 4096
"""Numbers at a time, so that what a block needs stays in the fastest cache."""

_erf_of_objects = np.frompyfunc(math.erf, 1, 1)


def erf(x: Any) -> Any:
    """The error function, 2/√π ∫₀ˣ e^(−t²) dt, elementwise, to 4 units in the last place; float32 stays float32.

    >>> float(erf(0.5))
    0.5204998778130465
    """
    array = np.asarray(x)
    if array.dtype == object:
        return _erf_of_objects(array)
    dtype = array.dtype if array.dtype.kind == "f" else np.dtype(np.float64)
    flat = np.ravel(array)
    result = np.empty(flat.shape, dtype)
    for start in range(0, flat.size, _BLOCK):
        part = flat[start : start + _BLOCK].astype(np.float64)
        result[start : start + _BLOCK] = np.copysign(_erf_of_sizes(np.minimum(np.abs(part), 6.0)), part)
    return result.reshape(array.shape)[()]


def _erf_of_sizes(size: np.ndarray) -> np.ndarray:
    """erf of a row of numbers from 0 to 6: numerator and denominator run through Horner's scheme together."""
    both = np.empty((2, size.size))
    both[...] = _RATIO[0, :, None]
    for coefficients in _RATIO[1:]:
        both *= size
        both += coefficients[:, None]
    exponent = np.divide(both[0], both[1], out=both[0])
    exponent *= size
    np.negative(exponent, out=exponent)
    np.expm1(exponent, out=exponent)
    return np.negative(exponent, out=exponent)


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
    shares = np.exp(x - _largest(x, axis))
    shares /= np.sum(shares, axis=axis, keepdims=True)
    return shares


def log_softmax(x: Any, axis: int | tuple[int, ...] | None) -> Any:
    """The logarithm of the softmax along `axis`, finite where the softmax itself has become 0.

    >>> log_softmax(np.array([1000.0, 0.0]), 0)
    array([    0., -1000.])
    """
    shifted = x - _largest(x, axis)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def logsumexp(x: Any, axis: int | tuple[int, ...] | None, keepdims: bool = False) -> Any:
    """ln Σe^x along `axis`, with the largest x taken out of the sum first; −inf for no numbers.

    >>> float(logsumexp(np.array([1000.0, 1000.0]), 0))
    1000.6931471805599
    """
    top = _largest(x, axis)
    top = np.where(np.isfinite(top), top, 0)  # of −inf alone the sum is 0 and its logarithm −inf, not nan
    with np.errstate(divide="ignore"):
        value = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return value if keepdims else np.squeeze(value, axis=axis)


def _largest(x: Any, axis: Any) -> Any:
    x = np.asarray(x)
    # Whole numbers become floats of the dtype that exponentials of them have; left as they are, x − top could wrap around.
    x = x if x.dtype.kind == "f" else x.astype(np.exp(np.empty(0, x.dtype)).dtype)
    return np.max(x, axis=axis, keepdims=True, initial=-np.inf)
