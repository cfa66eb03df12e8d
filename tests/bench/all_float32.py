"""How wrong a compiled function of one number is, at worst, over every float32 there is: 2^32 numbers, two to four minutes each.

    python tests/bench/all_float32.py exp log tanh sigmoid

Compared with numpy in float64. Numbers too small to be normal count as 0, as they do in compiled programs; NaN, infinities and
signs must be numpy's. The error is in units in the last place of the right number (a correctly rounded result has at most ½).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

os.environ.setdefault("NNGRAPH_THREADS", "1")

import nngraph as ng
import numpy as np

PIECE = 1 << 16
TINY = np.finfo(np.float32).tiny
FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "tanh": np.tanh, "sin": np.sin, "cos": np.cos,
    "sqrt": np.sqrt, "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}  # fmt: skip


def units(got: np.ndarray, right: np.ndarray) -> np.ndarray:
    """By how many units in the last place each float32 is wrong; infinite where NaN, an infinity, a sign or a 0 is."""
    rounded = right.astype(np.float32)
    size = np.abs(rounded)
    if size.min() >= TINY and size.max() < np.inf:  # False where there is NaN
        unit = (rounded.view(np.uint32) & np.uint32(0x7F800000)).view(np.float32) * np.float64(2.0**-23)
        return np.nan_to_num(np.abs(got - right) / unit, nan=np.inf)
    wrong = np.full(got.shape, np.inf)
    normal = (size >= TINY) & (size < np.inf)
    if normal.any():
        wrong[normal] = units(got[normal], right[normal])
    # The number below the least normal one may have been rounded up to it, or be 0.
    small = (size < TINY) & (np.abs(got) <= TINY) & (np.signbit(got) == np.signbit(right))
    wrong[small | (got == rounded) & np.isinf(rounded) | np.isnan(got) & np.isnan(rounded)] = 0
    return wrong


def worst(name: str) -> tuple[float, np.float32, np.float32]:
    """The largest error of a function, where it is, and what was computed there."""
    x = ng.input("x", shape=(PIECE,), dtype=np.float32)
    run, reference = ng.compile(getattr(ng, name)(x), [x], engine="numba"), FUNCTIONS[name]
    offsets, found = np.arange(PIECE, dtype=np.uint32), (-1.0, np.float32(0), np.float32(0))
    for first in range(0, 1 << 32, PIECE):
        numbers = (offsets + np.uint32(first)).view(np.float32)
        got = run(numbers)
        wrong = units(got, reference(np.where(np.abs(numbers) < TINY, numbers * np.float32(0), numbers).astype(np.float64)))
        at = int(wrong.argmax())
        if wrong[at] > found[0]:
            found = float(wrong[at]), numbers[at], got[at]
    return found


if __name__ == "__main__":
    with np.errstate(all="ignore"):
        for each in sys.argv[1:] or FUNCTIONS:
            began = time.perf_counter()
            error, where, got = worst(each)
            seconds = time.perf_counter() - began
            print(f"{each:8} {error:.3f} units at {where!r}, which gives {got!r}  ({seconds:.0f} s)", flush=True)
