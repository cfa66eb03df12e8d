"""Along an axis, in order, on a GPU: running sums, and the places of the largest and smallest numbers.

An array is seen as outer · length · inner numbers, the axis in the middle; every thread goes along the axis once.
"""

from __future__ import annotations

from typing import Any

from .arguments import Argument, whole_number
from .elementwise import Elementwise, array

_START = ("outer = uint32(at // inner)", "first = uint32(outer * length * inner + (at - outer * inner))")


def cumsum(dtype: str) -> Elementwise:
    """y[0] = x[0], y[i] = y[i − 1] + x[i], one after the other; from the end where `by` is below 0. `late`: the sum of turn i
    stands in place i + 1, and 0 in the first."""
    lines = (
        *_START,
        "here = int32(int64(first) + (int64(length) - 1) * inner if by < 0 else int64(first))",
        f"total = {dtype}(0)",
        "turn = uint32(0)",
        "while turn < length:",
        "    if late:",
        "        y[uint32(y_first + here)] = total",
        f"    total = {dtype}(total + x[uint32(x_first + here)])",
        "    if not late:",
        "        y[uint32(y_first + here)] = total",
        "    here = int32(here + by)",
        "    turn = uint32(turn + uint32(1))",
    )
    return Elementwise("cumsum", ("x", "x_first", "y", "y_first", "length", "inner", "by", "late", "count"), lines)


def cumsum_words(x: Any, y: Any, length: int, inner: int, by: int, late: bool) -> list[Any]:
    """Its arguments."""
    numbers = [whole_number(length), whole_number(inner), Argument("int32", by), whole_number(int(late))]
    return [*array(x), *array(y), *numbers, whole_number(x.size // length)]


def argmax(dtype: str, largest: bool) -> Elementwise:
    """y = the first place of the largest number (or the smallest), or of the first NaN."""
    better = f"number {'>' if largest else '<'} top"
    if dtype.startswith("float"):
        better = f"({better} or number != number) and top == top"
    lines = (
        *_START,
        "top = x[uint32(x_first + first)]",
        "place = int64(0)",
        "turn = uint32(1)",
        "while turn < length:",
        "    number = x[uint32(x_first + first + turn * inner)]",
        f"    if {better}:",
        "        top = number",
        "        place = int64(turn)",
        "    turn = uint32(turn + uint32(1))",
        "y[uint32(y_first + at)] = place",
    )
    return Elementwise("argmax", ("x", "x_first", "y", "y_first", "length", "inner", "count"), lines)


def argmax_words(x: Any, y: Any, length: int, inner: int) -> list[Any]:
    """Its arguments."""
    return [*array(x), *array(y), whole_number(length), whole_number(inner), whole_number(x.size // length)]
