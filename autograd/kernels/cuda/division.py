"""Whole numbers divided by one that is known when a kernel is launched: a multiplication and a shift, where a GPU would need
some twenty instructions."""

from __future__ import annotations

from .arguments import MOST, Argument, whole_number

LARGEST = MOST >> 1
"""What is divided is smaller."""


def divisor(number: int) -> list[Argument]:
    """The two arguments of a divisor, "{name}_by" and "{name}_shift"."""
    shift = (number - 1).bit_length()
    # ⌈2^(31 + shift) / number⌉ is too large by less than number / 2^(31 + shift) of it, which no dividend below 2³¹ sees.
    return [whole_number(-(-(1 << (31 + shift)) // number)), whole_number(shift)]


def divided(number: str, name: str) -> str:
    """The text of number // (the divisor of this name)."""
    high = f"uint32(uint64(uint64(uint32({number}) << uint32(1)) * uint64({name}_by)) >> uint64(32))"
    return f"uint32({high} >> {name}_shift)"
