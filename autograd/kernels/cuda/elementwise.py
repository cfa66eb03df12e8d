"""Kernels in which every thread has one place to itself: what they share, and those that need no page of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from .arguments import Argument, first_of, of_view, whole_number

THREADS = 128
"""Threads of a block."""


@dataclass(frozen=True)
class Elementwise:
    """The code of a call on a GPU. `lines`: what a thread does at place `at`, where `at` is below `count`, the last of the
    arguments `given`."""

    name: str
    given: tuple[str, ...]
    lines: tuple[str, ...]
    is_ready = True

    def names(self) -> tuple[str, ...]:
        """The kernel's arguments."""
        return self.given

    def text(self) -> str:
        """The kernel as Python for numba.cuda."""
        head = (
            f"def kernel({', '.join(self.given)}):\n"
            "    at = uint32(cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x)\n"
            "    if at < count:\n"
        )
        return head + "".join(f"        {line}\n" for line in self.lines)

    def threads(self) -> int:
        """Threads of a block."""
        return THREADS


@dataclass(frozen=True)
class Twin:
    """What computes on a GPU what a kernel of the processor computes, from the same words: `code(call)` and `words(call)`,
    of which the last is how many threads there are."""

    code: Callable[[Any], Elementwise]
    words: Callable[[Any], list[Any]]


def array(view: Any) -> list[Argument]:
    """The two arguments of a view."""
    return [of_view(view), first_of(view)]


def _check_range(call: Any) -> list[Any]:
    numbers, count, by, low, high, status = call.words
    bounds = [Argument("int64", low), Argument("int64", high)]
    return [*array(numbers), Argument("int32", by), *bounds, status, whole_number(count)]


CHECK_RANGE = Twin(
    lambda call: Elementwise(
        "check_range",
        ("x", "x_first", "by", "low", "high", "status", "count"),
        (
            "number = x[uint32(x_first + at * by)]",
            "if number < low or number >= high:",
            "    status[0] = int32(1)",
        ),
    ),
    _check_range,
)


def _places(call: Any) -> Elementwise:
    axes = call.words[3]
    lines = ["place = int64(0)"]
    for axis in range(axes):
        lines += [
            f"number = int64(picks[uint32(picks_first + at * uint32({axes}) + uint32({axis}))])",
            f"if number < 0: number = int64(number + size{axis})",
            f"if number < 0 or number >= size{axis}:",
            "    status[0] = int32(1)",
            "    number = int64(0)",
            f"place = int64(place + number * by{axis})",
        ]
    table = [f"{word}{axis}" for axis in range(axes) for word in ("size", "by")]
    names = ("places", "places_first", "picks", "picks_first", "status", *table, "count")
    return Elementwise("places", names, (*lines, "places[uint32(places_first + at)] = place"))


def _places_words(call: Any) -> list[Any]:
    target, picks, status, _, _, *table = call.words
    numbers = [Argument("int64", word) for word in table]
    return [*array(target), *array(picks), status, *numbers, whole_number(call.rows)]


PLACES = Twin(_places, _places_words)

GATHER = Twin(
    lambda call: Elementwise(
        "gather",
        ("x", "x_first", "y", "y_first", "places", "places_first", "pitch", "numbers", "step", "row", "shift", "count"),
        (
            "at_row = uint32(at // row)",
            "rest = uint32(at - at_row * row)",
            "line = uint32(rest // numbers)",
            "k = uint32(rest - line * numbers)",
            "place = int64(places[uint32(places_first + at_row)] >> shift)",
            "y[uint32(y_first + at)] = x[uint32(x_first + place + line * pitch + k * step)]",
        ),
    ),
    lambda call: _gather_words(*call.words, rows=call.rows),
)


def _gather_words(
    x: Any, y: Any, places: Any, lines: int, pitch: int, numbers: int, step: int, size: int, *, rows: int
) -> list[Any]:  # fmt: skip
    far = [Argument("int32", pitch // size), whole_number(numbers), Argument("int32", step // size)]
    row = lines * numbers
    shift = Argument("int64", size.bit_length() - 1)
    return [*array(x), *array(y), *array(places), *far, whole_number(row), shift, whole_number(rows * row)]


def scatter_add(x: Any, y: Any, places: Any, numbers: int) -> tuple[Elementwise, list[Any]]:
    """The row of y at each place += a row of x, in whatever order threads come; y holds zeros before."""
    lines = (
        "at_row = uint32(at // numbers)",
        "k = uint32(at - at_row * numbers)",
        "place = int64(places[uint32(places_first + at_row)] >> shift)",
        "add_to(y, uint32(y_first + place + k), x[uint32(x_first + at)])",
    )
    names = ("x", "x_first", "y", "y_first", "places", "places_first", "numbers", "shift", "count")
    shift = Argument("int64", y.dtype.itemsize.bit_length() - 1)
    words = [*array(x), *array(y), *array(places), whole_number(numbers), shift, whole_number(prod(x.shape))]
    return Elementwise("scatter_add", names, lines), words


AT_ONCE = 4
"""Places that a thread of `alike` reads before it looks at the first."""


def alike(places: Any, after: Any) -> tuple[Elementwise, list[Any]]:
    """after[i] = 2·(the next row that has the same place as row i, or how many rows there are) + (1 if no row before has it).
    Every thread looks at all rows."""
    look = [
        "if {p} == mine and j{at} != at:",
        "    if j{at} < at:",
        "        first = uint32(0)",
        "    elif j{at} < found:",
        "        found = j{at}",
    ]
    lines = ["mine = places[uint32(places_first + at)]", "first, found = uint32(1), count", "j = uint32(0)"]
    # Behind the last row the last is looked at again.
    lines.append("while j < count:")
    for each in range(AT_ONCE):
        lines += [
            f"    j{each} = uint32(min(uint32(j + uint32({each})), uint32(count - uint32(1))))",
            f"    p{each} = places[uint32(places_first + j{each})]",
        ]
    lines += [f"    {line.format(p=f'p{each}', at=each)}" for each in range(AT_ONCE) for line in look]
    lines += [f"    j = uint32(j + uint32({AT_ONCE}))", "after[uint32(after_first + at)] = uint32(found * uint32(2) + first)"]
    names = ("places", "places_first", "after", "after_first", "count")
    return Elementwise("alike", names, tuple(lines)), [*array(places), *array(after), whole_number(places.size)]


def scatter_in_order(x: Any, y: Any, places: Any, after: Any, numbers: int) -> tuple[Elementwise, list[Any]]:
    """What scatter_add does, in the order of the rows: the thread of the first row that has a place goes through all."""
    dtype = y.dtype.name
    lines = (
        "row = uint32(at // numbers)",
        "k = uint32(at - row * numbers)",
        "link = after[uint32(after_first + row)]",
        "if link & uint32(1):",
        "    place = int64(places[uint32(places_first + row)] >> shift)",
        "    total = x[uint32(x_first + at)]",
        "    row = uint32(link >> uint32(1))",
        "    while row < rows:",
        "        link = after[uint32(after_first + row)]",
        f"        total = {dtype}(total + x[uint32(x_first + row * numbers + k)])",
        "        row = uint32(link >> uint32(1))",
        "    y[uint32(y_first + place + k)] = total",
    )
    names = (
        "x", "x_first", "y", "y_first", "places", "places_first", "after", "after_first", "numbers", "shift", "rows", "count",
    )  # fmt: skip
    shift = Argument("int64", y.dtype.itemsize.bit_length() - 1)
    numbers_ = [whole_number(numbers), shift, whole_number(places.size), whole_number(prod(x.shape))]
    return Elementwise("scatter_in_order", names, lines), [*array(x), *array(y), *array(places), *array(after), *numbers_]


def blocks(words: Sequence[Any], threads: int) -> tuple[int, int, int]:
    """How many blocks a kernel of this page is launched with; the last word is how many threads it needs."""
    return max(1, -(-words[-1].value // threads)), 1, 1
