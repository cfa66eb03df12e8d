"""What is added to numba's simulator: shared memory that holds NaN before it is written, and the limits of a GPU."""

from __future__ import annotations

import sys
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
    from numba.cuda.np import numpy_support
    from numba.cuda.simulator import kernelapi

    def array(self: Any, shape: Any, dtype: Any, alignment: Any = None) -> Any:
        # The simulator tells arrays apart by the line of the kernel that asks for them: one on every line.
        frame = sys._getframe(1)
        line = frame.f_code.co_filename, frame.f_lineno
        found = self._allocations.get(line)
        if found is None:
            made = np.empty(shape, dtype if isinstance(dtype, type) else numpy_support.as_dtype(dtype))
            poison(made)
            found = self._allocations.setdefault(line, made)
            taken = sum(each.nbytes for each in self._allocations.values())
            if taken > MOST_SHARED:
                raise NngraphError(f"a kernel asks for {taken} bytes of shared memory; a block has {MOST_SHARED}")
        return found

    kernelapi.FakeCUDAShared.array = array
