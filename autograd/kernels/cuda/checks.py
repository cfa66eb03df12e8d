"""Data that a kernel must not meet, checked on the GPU; see checks.py of the processor's kernels."""

from __future__ import annotations

from .arguments import Argument, first_of, of_view, whole_number

NAMES = ("numbers", "numbers_first", "count", "by", "low", "high", "status")


class CheckRange:
    """Whether all numbers lie in [low, high); else the status becomes 1."""

    name = "check_range"

    def text(self) -> str:
        """The kernel as Python for numba.cuda."""
        return (
            f"def kernel({', '.join(NAMES)}):\n"
            "    at = uint32(cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x)\n"
            "    if at < count:\n"
            "        number = numbers[uint32(numbers_first + at * by)]\n"
            "        if number < low or number >= high:\n"
            "            status[0] = int32(1)\n"
        )

    def names(self) -> tuple[str, ...]:
        """The kernel's arguments."""
        return NAMES

    def block(self, words: list) -> list:
        """The arguments, from the words of the processor's kernel."""
        numbers, count, by, low, high, status = words
        given = [of_view(numbers), first_of(numbers), whole_number(count), Argument("int32", by)]
        return [*given, Argument("int64", low), Argument("int64", high), status]
