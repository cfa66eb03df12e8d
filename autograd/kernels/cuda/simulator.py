"""What is added to numba's simulator: shared memory that holds NaN before it is written, and the limits of a GPU."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ...errors import NngraphError
from .device import MOST_SHARED


def poison(array: Any) -> None:
    """Numbers that nobody should read: NaN, or whole numbers far away."""
    kind = array.dtype.kind
    array[...] = np.nan if kind == "f" else True if kind == "b" else np.iinfo(array.dtype).max - 13


@cache
def prepare() -> None:
    """Have shared memory of the simulator begin as NaN, and refuse more of it than a block has."""
    from numba.cuda.simulator import kernelapi

    shared = kernelapi.FakeCUDAShared
    given = shared.array

    def array(self: Any, shape: Any, dtype: Any, alignment: Any = None) -> Any:
        before = len(self._allocations)
        # Two arrays of one line would be one array: every line of a kernel has one at most.
        found = _from_caller(self, given, shape, dtype)
        if len(self._allocations) > before:
            poison(found)
            taken = sum(each.nbytes for each in self._allocations.values())
            if taken > MOST_SHARED:
                raise NngraphError(f"a kernel asks for {taken} bytes of shared memory; a block has {MOST_SHARED}")
        return found

    shared.array = array


def _from_caller(shared: Any, given: Any, shape: Any, dtype: Any) -> Any:
    """What the simulator gives, which tells arrays apart by the line of the kernel that asks for them."""
    import sys

    from numba.cuda.np import numpy_support

    frame = sys._getframe(2)
    key = (frame.f_code.co_filename, frame.f_lineno)
    found = shared._allocations.get(key)
    if found is None:
        kind = dtype if isinstance(dtype, type) or isinstance(dtype, np.dtype) else numpy_support.as_dtype(dtype)
        found = shared._allocations.setdefault(key, np.empty(shape, kind))
    return found
