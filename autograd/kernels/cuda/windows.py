"""Windows of planes on a GPU: poolings, patches and the ways back. Every thread has one number of the result.

A plane is an image of one channel, or a signal of one row; sizes, strides and padding come in pairs, for rows and columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .arguments import REACHED, Argument, whole_number
from .elementwise import Elementwise, array

Pair = tuple[int, int]
PAIRS = ("length", "counts", "size", "stride", "dilation", "before")
GEOMETRY = tuple(f"{name}_{axis}" for name in PAIRS for axis in ("down", "right"))

_WINDOW = (
    "plane = uint32(at // uint32(counts_down * counts_right))",
    "rest = uint32(at - plane * counts_down * counts_right)",
    "i = uint32(rest // counts_right)",
    "j = uint32(rest - i * counts_right)",
)
"""Which window a thread has."""

_ENTRIES = (
    "{of}down = int32(0)",
    "while {of}down < size_down:",
    "    {of}row = int32(int64(i) * stride_down + {of}down * dilation_down - before_down)",
    "    {of}right = int32(0)",
    "    while {of}right < size_right:",
    "        {of}column = int32(int64(j) * stride_right + {of}right * dilation_right - before_right)",
    "        if {of}row >= 0 and {of}row < length_down and {of}column >= 0 and {of}column < length_right:",
    "            place = uint32((int64(plane) * length_down + {of}row) * length_right + {of}column)",
    "            {inside}",
    "        {of}right = int32({of}right + 1)",
    "    {of}down = int32({of}down + 1)",
)
"""All entries of a window that lie in its plane."""


def _entries(*inside: str, of: str = "") -> list[str]:
    """Lines for every entry; `of` begins the names of what says which one it is."""
    found = []
    for line in _ENTRIES:
        gap = line[: len(line) - len(line.lstrip())]
        found += [gap + each for each in inside] if line.endswith("{inside}") else [line.format(of=of)]
    return found


def max_pool(dtype: str) -> Elementwise:
    """y[window] = the largest entry, NaN where there is one; what lies outside counts as −inf."""
    larger = "top = x[uint32(x_first + place)] if x[uint32(x_first + place)] > top or x[uint32(x_first + place)] != x[uint32(x_first + place)] else top"
    lines = [*_WINDOW, f"top = {dtype}(-inf)", *_entries(larger), "y[uint32(y_first + at)] = top"]
    return Elementwise("max_pool", ("x", "x_first", "y", "y_first", *GEOMETRY, "count"), tuple(lines))


def average_pool(dtype: str) -> Elementwise:
    """y[window] = the sum of its entries / how many count: a number for each row of windows, then one for each column."""
    lines = [
        *_WINDOW, f"total = {dtype}(0)", *_entries(f"total = {dtype}(total + x[uint32(x_first + place)])"),
        "many = many_of[uint32(many_of_first + i)] * many_of[uint32(many_of_first + counts_down + j)]",
        f"y[uint32(y_first + at)] = {dtype}(total / many)",
    ]  # fmt: skip
    names = ("x", "x_first", "many_of", "many_of_first", "y", "y_first", *GEOMETRY, "count")
    return Elementwise("average_pool", names, tuple(lines))


_ENTRY = (
    "plane = uint32(at // uint32(length_down * length_right))",
    "rest = uint32(at - plane * uint32(length_down * length_right))",
    "row = int32(rest // uint32(length_right))",
    "column = int32(rest - row * length_right)",
)
"""Which entry of a plane a thread has."""

# What lies in front of a plane is far behind it where numbers have no signs, and is left out by its sign.
_WINDOWS = (
    "down = int32(0)",
    "while down < size_down:",
    "    far = int32(row + before_down - down * dilation_down)",
    "    i = int32(uint32(far) // uint32(stride_down))",
    "    right = int32(0)",
    "    while right < size_right:",
    "        wide = int32(column + before_right - right * dilation_right)",
    "        j = int32(uint32(wide) // uint32(stride_right))",
    "        is_row = far >= 0 and i * stride_down == far and i < int32(counts_down)",
    "        is_column = wide >= 0 and j * stride_right == wide and j < int32(counts_right)",
    "        if is_row and is_column:",
    "            {inside}",
    "        right = int32(right + 1)",
    "    down = int32(down + 1)",
)
"""All windows that an entry is in, and as which entry of theirs."""


def _windows(*inside: str) -> list[str]:
    """Lines for every window."""
    gap = " " * 12
    return [each for line in _WINDOWS for each in ([gap + one for one in inside] if "{inside}" in line else [line])]


def max_pool_back(dtype: str) -> Elementwise:
    """x̄[entry] = Σ over its windows, always in one order, of ḡ·(1 if it is the largest there, else 0) / (how many are the
    largest); NaN where a window holds one."""
    largest = _entries(
        "other = x[uint32(x_first + place)]",
        "if other > top or other != other:",
        "    top = other",
        # Of NaN there is no largest, and what is shared by nobody is NaN.
        f"    many = {dtype}(1) if other == other else {dtype}(0)",
        "elif other == top:",
        f"    many = {dtype}(many + {dtype}(1))",
        of="of_",
    )
    place = "uint32(g_first + (int64(plane) * counts_down + i) * counts_right + j)"
    lines = [
        *_ENTRY,
        f"total = {dtype}(0)",
        "mine = x[uint32(x_first + at)]",
        *_windows(
            f"top = {dtype}(-inf)", f"many = {dtype}(0)", *largest,
            # Where all are −inf, what lies outside the plane is as large.
            f"many = {dtype}(size_down * size_right) if top == -inf else many",
            f"share = {dtype}(g[{place}] * {dtype}({dtype}(1) / many))",
            f"total = {dtype}(total + {dtype}(share * ({dtype}(1) if mine == top else {dtype}(0))))",
        ),
        "y[uint32(y_first + at)] = total",
    ]  # fmt: skip
    names = ("x", "x_first", "g", "g_first", "y", "y_first", *GEOMETRY, "count")
    return Elementwise("max_pool_back", names, tuple(lines))


def average_pool_back(dtype: str) -> Elementwise:
    """x̄[entry] = Σ over its windows of ḡ / how many count there."""
    many = "(many_of[uint32(many_of_first + i)] * many_of[uint32(many_of_first + counts_down + j)])"
    place = "uint32(g_first + (int64(plane) * counts_down + i) * counts_right + j)"
    inside = f"total = {dtype}(total + {dtype}(g[{place}] / {many}))"
    lines = [
        *_ENTRY,
        f"total = {dtype}(0)",
        *_windows(inside),
        "y[uint32(y_first + at)] = total",
    ]
    names = ("g", "g_first", "many_of", "many_of_first", "y", "y_first", *GEOMETRY, "count")
    return Elementwise("average_pool_back", names, tuple(lines))


def patches(dtype: str) -> Elementwise:
    """y[plane, entry, window] = that entry of that window; 0 outside the plane."""
    lines = (
        "windows = uint32(counts_down * counts_right)",
        "j = uint32(at % counts_right)",
        "rest = uint32(at // counts_right)",
        "i = uint32(rest % counts_down)",
        "rest = uint32(rest // counts_down)",
        "right = uint32(rest % uint32(size_right))",
        "rest = uint32(rest // uint32(size_right))",
        "down = uint32(rest % uint32(size_down))",
        "plane = uint32(rest // uint32(size_down))",
        "row = int32(int64(i) * stride_down + int64(down) * dilation_down - before_down)",
        "column = int32(int64(j) * stride_right + int64(right) * dilation_right - before_right)",
        f"number = {dtype}(0)",
        "if row >= 0 and row < length_down and column >= 0 and column < length_right:",
        "    number = x[uint32(x_first + (int64(plane) * length_down + row) * length_right + column)]",
        "y[uint32(y_first + at)] = number",
    )
    return Elementwise("patches", ("x", "x_first", "y", "y_first", *GEOMETRY, "count"), lines)


def overlap_add(dtype: str) -> Elementwise:
    """y[entry of a plane] = Σ over the windows that it is in of x[plane, entry, window]."""
    place = "(((int64(plane) * size_down + down) * size_right + right) * counts_down + i) * counts_right + j"
    inside = f"total = {dtype}(total + x[uint32(x_first + {place})])"
    lines = [
        *_ENTRY,
        f"total = {dtype}(0)",
        *_windows(inside),
        "y[uint32(y_first + at)] = total",
    ]
    return Elementwise("overlap_add", ("x", "x_first", "y", "y_first", *GEOMETRY, "count"), tuple(lines))


def words(views: Sequence[Any], geometry: Sequence[Pair], count: int) -> list[Any]:
    """The arguments: arrays, the pairs in the order of PAIRS, and how many threads."""
    whole_number(geometry[0][0] * geometry[0][1], REACHED)
    numbers = [
        whole_number(number) if name == "counts" else Argument("int32", int(number))
        for name, pair in zip(PAIRS, geometry) for number in pair
    ]  # fmt: skip
    return [*(each for view in views for each in array(view)), *numbers, whole_number(count)]
