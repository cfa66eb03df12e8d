"""Whole numbers to the power of whole numbers, by squaring: the library's power goes through float64, which has 53 bits."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

int64, uint64 = np.int64, np.uint64


def whole_power(base: Any, exponent: Any) -> Any:
    """base to an exponent that is not negative; both and the result int64, which wraps around as NumPy's does."""
    # Bits of a product do not depend on signs, and unsigned numbers wrap without a word.
    total, square, left = uint64(1), uint64(int64(base)), uint64(int64(exponent))
    while left:
        if left & uint64(1):
            total = uint64(total * square)
        square = uint64(square * square)
        left = uint64(left >> uint64(1))
    return int64(total)


@cache
def functions(simulated: bool) -> dict[str, Any]:
    """`whole_power` as what the text of a kernel may call."""
    return {"whole_power": whole_power if simulated else _compiled()}


def _compiled() -> Any:
    """The function, compiled once for every kernel that calls it; a device function would ask for a device."""
    from numba.cuda import types
    from numba.cuda.extending import intrinsic

    def call(typing: Any, base: Any, exponent: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return context.compile_internal(builder, whole_power, signature, values)

        return types.int64(types.int64, types.int64), generate

    return intrinsic(call)
