"""What a kernel is given, before it has an address: flat arrays of one dtype, and whole numbers of 32 bits.

Indices are unsigned and of 32 bits, because a GPU computes with those soonest; so no array may have 2³² numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...errors import NngraphError
from ...language import N_

WORD = 1 << 32
"""What whole numbers wrap around at."""
MOST = WORD - (1 << 24)
"""So many numbers are too many for an array: a place and a step from it on have to be of 32 bits as well."""
REACHED = 1 << 31
"""So many numbers of an array can be moved four by four."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument. `value`: a whole number of dtype "uint32" or "int32"; a view, for the flat array of all numbers between
    its lowest and its highest; or, when `working`, where in the call's working memory the array begins, in bytes."""

    dtype: str
    value: Any
    working: bool = False

    def __post_init__(self) -> None:
        if self.dtype == "int32" and not self.is_array and not -REACHED <= self.value < REACHED:
            sentence = N_(
                "numbers that are {distance} apart are too far for a GPU kernel of this engine, whose distances stay below"
                ' {most}; use smaller batches, cut the array into parts, or compute with engine="numba"'
            )
            raise NngraphError(sentence, distance=self.value, most=REACHED)

    @property
    def is_array(self) -> bool:
        """Whether the kernel is given an array."""
        return self.working or not isinstance(self.value, int)


def whole_number(value: int, most: int = MOST) -> Argument:
    """A size or a distance."""
    if not 0 <= value < most:
        sentence = N_(
            "{count} numbers are more than a GPU kernel of this engine counts, which stays below {most}; use smaller"
            ' batches, cut the array into parts, or compute with engine="numba"'
        )
        raise NngraphError(sentence, count=value, most=most)
    return wrapped(value)


def wrapped(value: int) -> Argument:
    """A number of which only the last 32 bits count."""
    return Argument("uint32", int(value) % WORD)


def of_view(view: Any) -> Argument:
    """The numbers of a view as a flat array; NngraphError where 32 bits do not count them."""
    if highest(view) - lowest(view) >= MOST:
        sentence = N_(
            "an array of shape {shape} reaches over {count} numbers, and a GPU kernel of this engine counts fewer than"
            ' {most}; use smaller batches, cut the array into parts, or compute with engine="numba"'
        )
        count = highest(view) - lowest(view) + 1
        raise NngraphError(sentence, shape=tuple(map(int, view.shape)), count=count, most=MOST)
    return Argument(view.dtype.name, view)


def first_of(view: Any) -> Argument:
    """Where in that array the view's first number is: elsewhere than in front where a stride is negative."""
    return Argument("uint32", view.offset - lowest(view))


def lowest(view: Any) -> int:
    """The lowest number of its buffer that a view reaches."""
    return view.offset + sum(min(0, (size - 1) * stride) for size, stride in zip(view.shape, view.strides))


def highest(view: Any) -> int:
    """The highest number of its buffer that a view reaches."""
    return view.offset + sum(max(0, (size - 1) * stride) for size, stride in zip(view.shape, view.strides))


def in_fours(view: Any) -> bool:
    """Whether a view of float32 numbers begins at a place of 128 bits, at every turn of the loops that it moves with, and has
    so few numbers that ld4 and st4 of prims.py reach them."""
    if highest(view) - lowest(view) >= REACHED:
        return False
    buffer = view.buffer
    while buffer.role == "moving":
        outer, step = buffer.owner
        if step % 16:
            return False
        buffer = outer.buffer
    return bool(view.offset % 4 == 0)
