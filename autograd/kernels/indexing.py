"""Entries picked out of an array by numbers that are data, and added back to where they came from.

A pick is one number for each of the first axes of an array; what it picks, its row, is all that lies behind these
axes. First `places` looks at every number and turns picks into distances in bytes; only then is anything read or
written.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from llvmlite import ir

from . import vector as vec
from .kernel import kernel, part
from .vector import Lanes

TABLE = 5
"""The word of `places` from which on there are two for every number of a pick: how many entries its axis has, and how
many bytes it moves by."""


@kernel("float64")
def places(v: SimpleNamespace) -> Any:
    """place[i] = how many bytes behind the array's first number the row of pick i begins, an int64.

    Block: addresses of the places, of the picks and of the status; how many numbers a pick has; whether these are
    int32, not int64; the table. Negative numbers count from the end; where one lies outside its axis the status is set.
    One row of the call is a pick.
    """
    word, set_word, get32 = v.word, v.set_word, v.get32

    def run(block: int, start: int, stop: int) -> None:
        target, picks, axes, narrow = word(block, 0), word(block, 1), word(block, 3), word(block, 4)
        for axis in range(axes):
            size, step = word(block, TABLE + 2 * axis), word(block, TABLE + 2 * axis + 1)
            for at in range(start, stop):
                number = get32(picks, axes * at + axis) if narrow else word(picks, axes * at + axis)
                if number < 0:
                    number += size
                if number < 0 or number >= size:
                    set_word(word(block, 2), 0, 1)
                    return
                set_word(target, at, number * step + (word(target, at) if axis else 0))

    return run


@kernel("float32")
def gather(v: SimpleNamespace) -> Any:
    """y[i] = the row of x at place[i].

    Block: addresses of x, y and the places; the shape of a row: lines, bytes of x from line to line, numbers in a line,
    bytes of x from number to number, bytes of a number. One row of the call is a place. Lines that lie side by side are
    copied in vectors of four bytes, if they have as many; others number by number.
    """
    word, load, load_some, store, store_some = v.word, v.load, v.load_some, v.store, v.store_some
    lanes, move = v.lanes, _for_sizes(v, _move)

    def run(block: int, start: int, stop: int) -> None:
        x, places, lines, pitch = word(block, 0), word(block, 2), word(block, 3), word(block, 4)
        numbers, step, size = word(block, 5), word(block, 6), word(block, 7)
        target, one = word(block, 1) + start * lines * numbers * size, lines * numbers == 1
        width = numbers * size // 4
        whole, side_by_side = width - width % lanes, step == size and numbers * size == 4 * width
        for at in range(start, stop):
            source = x + word(places, at)
            if one:
                move(target, source, size)
                target += size
                continue
            for _ in range(lines):
                if side_by_side:
                    for k in range(0, whole, lanes):
                        store(target, k, load(source, k))
                    if whole < width:
                        store_some(target, whole, load_some(source, whole, width - whole), width - whole)
                else:
                    for k in range(numbers):
                        move(target + k * size, source + k * step, size)
                target += numbers * size
                source += pitch

    return run


@kernel()
def scatter_add(v: SimpleNamespace) -> Any:
    """y = 0, then the row of y at place[i] += row i of x, one after the other.

    Block: addresses of x, y and the places; how many places; the numbers in a row; bytes of y from entry to entry of
    its first axis. One row of the call is such an entry: every chunk goes through all places and adds what lands in its
    part, so that parts may be done side by side and the order of every sum stays.
    """
    word, load, load_some, store, store_some = v.word, v.load, v.load_some, v.store, v.store_some
    get, put, lanes, size, zero = v.get, v.put, v.lanes, v.size, v.zero

    def run(block: int, start: int, stop: int) -> None:
        source, y, places, count = word(block, 0), word(block, 1), word(block, 2), word(block, 3)
        numbers, low, high = word(block, 4), start * word(block, 5), stop * word(block, 5)
        whole, room = numbers - numbers % lanes, (high - low) // size
        rest = numbers - whole
        for k in range(0, room, lanes):
            store_some(y + low, k, zero(), min(lanes, room - k))
        for at in range(count):
            place = word(places, at)
            if low <= place < high:
                target = y + place
                if numbers == 1:
                    put(target, 0, get(target, 0) + get(source, 0))
                else:
                    for k in range(0, whole, lanes):
                        store(target, k, load(target, k) + load(source, k))
                    if rest:
                        store_some(target, whole, load_some(target, whole, rest) + load_some(source, whole, rest), rest)
            source += numbers * size

    return run


@kernel("float64")
def scatter_add_whole(v: SimpleNamespace) -> Any:
    """`scatter_add` for whole numbers, which wrap around, and for truth values, where true stays.

    Block: as there; bytes of a number; whether they are truth values.
    """
    word = v.word
    add, either, clear = (_for_sizes(v, act) for act in (_add, _either, _clear))

    def run(block: int, start: int, stop: int) -> None:
        source, y, places, count = word(block, 0), word(block, 1), word(block, 2), word(block, 3)
        numbers, low, high = word(block, 4), start * word(block, 5), stop * word(block, 5)
        size, truth = word(block, 6), word(block, 7)
        for k in range(low, high, size):
            clear(y + k, 0, size)
        for at in range(count):
            place = word(places, at)
            for k in range(numbers):
                if low <= place < high:
                    if truth:
                        either(y + place + k * size, source, size)
                    else:
                        add(y + place + k * size, source, size)
                source += size

    return run


def _for_sizes(v: SimpleNamespace, act: Callable[[Any, ir.Type, Lanes, Lanes], None]) -> Any:
    """A function (target, source, bytes) that does something with one number of 1, 2, 4 or 8 bytes."""

    def of(size: int) -> Any:
        @v.inline(v.none, v.I, v.I)
        def do(builder: Any, target: Lanes, source: Lanes) -> None:
            act(builder, ir.IntType(8 * size), target, source)

        return do

    one, two, four, eight = (of(size) for size in (1, 2, 4, 8))

    @part
    def choose(target: int, source: int, size: int) -> None:
        if size == 4:
            four(target, source)
        elif size == 8:
            eight(target, source)
        elif size == 1:
            one(target, source)
        else:
            two(target, source)

    return choose


def _move(builder: Any, element: ir.Type, target: Lanes, source: Lanes) -> None:
    vec.store(builder, target.value, 0, vec.load(builder, source.value, 0, element))


def _add(builder: Any, element: ir.Type, target: Lanes, source: Lanes) -> None:
    total = vec.load(builder, target.value, 0, element) + vec.load(builder, source.value, 0, element)
    vec.store(builder, target.value, 0, total)


def _either(builder: Any, element: ir.Type, target: Lanes, source: Lanes) -> None:
    both = vec.load(builder, target.value, 0, element) | vec.load(builder, source.value, 0, element)
    vec.store(builder, target.value, 0, both)


def _clear(builder: Any, element: ir.Type, target: Lanes, source: Lanes) -> None:
    vec.store(builder, target.value, 0, Lanes(builder, vec.literal(element, 0)))
