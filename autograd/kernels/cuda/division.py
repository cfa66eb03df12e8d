"""Whole numbers divided by one that is known when a kernel is launched: a multiplication and a shift, where a GPU would need
some twenty instructions."""

from __future__ import annotations

from .arguments import WORD, Argument, wrapped

LARGEST = WORD >> 1
"""What is divided is smaller."""


def divisor(number: int) -> list[Argument]:
    """The arguments of a divisor; see `names`."""
    if number == 1:
        return [wrapped(0), wrapped(0), wrapped(WORD - 1)]
    shift = (number - 1).bit_length() - 1
    # ⌈2^(32 + shift) / number⌉ is too large by less than number / 2^(32 + shift) of it, which no dividend below 2³¹ sees.
    return [wrapped(-(-(1 << (32 + shift)) // number)), wrapped(shift), wrapped(0)]


def names(name: str) -> tuple[str, str, str]:
    """The arguments of a divisor: what is multiplied by, how far the product's upper half is shifted, and the bits of the
    number that are kept, all of them where it is divided by 1."""
    return f"{name}_by", f"{name}_shift", f"{name}_kept"


def divided(number: str, name: str) -> str:
    """The text of number // (the divisor of this name)."""
    by, shift, kept = names(name)
    high = f"uint32(uint64(uint64(uint32({number})) * uint64({by})) >> uint64(32))"
    return f"uint32(uint32({high} | uint32(uint32({number}) & {kept})) >> {shift})"
