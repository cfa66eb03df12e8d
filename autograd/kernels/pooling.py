"""Pooling: the largest number or the mean of every window of a plane, and both ways back.

A plane is an image of one channel, or a signal of one row. Windows are done in vectors along a row of windows. Where
windows reach over the edge, the plane is first copied into a frame.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .convolution_tiles import movers
from .kernel import kernel, part
from .windows import BEFORE_DOWN, BEFORE_RIGHT, COLUMNS, DOWN, HEIGHT, LINES, RIGHT, STEP_DOWN, STEP_RIGHT, WIDTH
from .windows import adder, strided, working_memory

FRAMED, BORDER, FRAME_HEIGHT, FRAME_WIDTH = 18, 19, 20, 21
"""Words of the block behind the geometry: whether planes are put into a frame, the number around them, rows and columns
of the frame."""


@kernel()
def max_pool(v: SimpleNamespace) -> Any:
    """y[window] = the largest entry, NaN where there is one; what lies outside counts as −inf.

    Block: addresses of x and y, 0; the geometry (see windows.py) and the frame. One row of the call is a plane. Windows
    of 2x2 side by side are done with even and odd columns parted in registers.
    """
    word, size, lanes, load_some, store_some, maximum = v.word, v.size, v.lanes, v.load_some, v.store_some, v.maximum
    take, framed, memory, move = strided(v), _framed(v), working_memory(v), movers(v)
    evens, odds = move.evens, move.odds

    def loop(block: int, start: int, stop: int) -> None:
        lines, columns, down, right = word(block, LINES), word(block, COLUMNS), word(block, DOWN), word(block, RIGHT)
        step_down, step_right = word(block, STEP_DOWN), word(block, STEP_RIGHT)
        spare = memory(block, start)
        pitch = size * word(block, FRAME_WIDTH)
        quarters = down == 2 and right == 2 and step_right == 2
        for plane in range(start, stop):
            source = framed(block, plane, plane == start, spare)
            target = word(block, 1) + size * plane * lines * columns
            for i in range(lines):
                row = source + i * step_down * pitch
                for j in range(0, columns, lanes):
                    some, here = min(lanes, columns - j), row + size * j * step_right
                    if quarters:
                        rest = 2 * some - lanes
                        one = maximum(load_some(here, 0, 2 * some), load_some(here + pitch, 0, 2 * some))
                        other = maximum(load_some(here, lanes, rest), load_some(here + pitch, lanes, rest))
                        store_some(target, j, maximum(evens(one, other), odds(one, other)), some)
                    else:
                        top = take(here, step_right, some, spare)
                        for a in range(down):
                            for b in range(right):
                                top = maximum(top, take(here + a * pitch + size * b, step_right, some, spare))
                        store_some(target, j, top, some)
                target += size * columns

    return loop


@kernel()
def max_pool_back(v: SimpleNamespace) -> Any:
    """x̄[entry] = Σ over its windows of ḡ·(1 if it is the largest, else 0) / (how many are the largest).

    Block: addresses of x, x̄ and ḡ; the geometry (see windows.py) and the frame. One row of the call is a plane. Windows
    of 2x2 side by side are written at once, others are added up.
    """
    word, size, lanes, load_some, store_some, maximum = v.word, v.size, v.lanes, v.load_some, v.store_some, v.maximum
    take, framed, unframed, memory, add, zero = strided(v), _framed(v), _unframed(v), working_memory(v), adder(v), v.zero
    move = movers(v)
    evens, odds, low, high, zeros = move.evens, move.odds, move.low, move.high, move.zeros
    is_top = v.inline(v.V, v.V, v.V)(lambda x, top: x.equals(top).select(x.number(1), x.number(0)))

    def loop(block: int, start: int, stop: int) -> None:
        lines, columns, down, right = word(block, LINES), word(block, COLUMNS), word(block, DOWN), word(block, RIGHT)
        step_down, step_right = word(block, STEP_DOWN), word(block, STEP_RIGHT)
        spare = memory(block, start)
        numbers = word(block, FRAME_HEIGHT) * word(block, FRAME_WIDTH)
        pitch = size * word(block, FRAME_WIDTH)
        quarters = down == 2 and right == 2 and step_right == 2 and step_down == 2
        for plane in range(start, stop):
            source = framed(block, plane, plane == start, spare)
            back = word(block, 1) + size * plane * numbers
            if word(block, FRAMED):
                back = spare + 128 + size * numbers
            arriving = word(block, 2) + size * plane * lines * columns
            if not quarters or 4 * lines * columns != numbers:
                zeros(back, numbers)
            for i in range(lines):
                row, row_back = source + i * step_down * pitch, back + i * step_down * pitch
                for j in range(0, columns, lanes):
                    some, first = min(lanes, columns - j), size * j * step_right
                    g, here, there = load_some(arriving, j, some), row + first, row_back + first
                    if quarters:
                        rest = 2 * some - lanes
                        one, other = load_some(here, 0, 2 * some), load_some(here, lanes, rest)
                        a, b = evens(one, other), odds(one, other)
                        one, other = load_some(here + pitch, 0, 2 * some), load_some(here + pitch, lanes, rest)
                        c, d = evens(one, other), odds(one, other)
                        top = maximum(maximum(a, b), maximum(c, d))
                        a, b, c, d = is_top(a, top), is_top(b, top), is_top(c, top), is_top(d, top)
                        count = (a + b) + (c + d)
                        a, b, c, d = g * (a / count), g * (b / count), g * (c / count), g * (d / count)
                        store_some(there, 0, low(a, b), 2 * some)
                        store_some(there, lanes, high(a, b), rest)
                        store_some(there + pitch, 0, low(c, d), 2 * some)
                        store_some(there + pitch, lanes, high(c, d), rest)
                    else:
                        top = take(here, step_right, some, spare)
                        for at in range(down * right):
                            place = at // right * pitch + size * (at % right)
                            top = maximum(top, take(here + place, step_right, some, spare))
                        count = zero()
                        for at in range(down * right):
                            place = at // right * pitch + size * (at % right)
                            count = count + is_top(take(here + place, step_right, some, spare), top)
                        for at in range(down * right):
                            place = at // right * pitch + size * (at % right)
                            share = is_top(take(here + place, step_right, some, spare), top) / count
                            add(there + place, step_right, g * share, some, spare)
                arriving += size * columns
            if word(block, FRAMED):
                unframed(block, plane, back)

    return loop


@kernel()
def average_pool(v: SimpleNamespace) -> Any:
    """y[window] = sum of its entries / how many of them count.

    Block: addresses of x, y and of the counts: those of all rows of windows, then those of all columns, whose product
    counts; the geometry (see windows.py) and the frame. One row of the call is a plane.
    """
    word, size, lanes, load_some, store_some = v.word, v.size, v.lanes, v.load_some, v.store_some
    take, framed, memory, repeat, get, zero = strided(v), _framed(v), working_memory(v), v.repeat, v.get, v.zero

    def loop(block: int, start: int, stop: int) -> None:
        lines, columns, down, right = word(block, LINES), word(block, COLUMNS), word(block, DOWN), word(block, RIGHT)
        step_down, step_right = word(block, STEP_DOWN), word(block, STEP_RIGHT)
        spare, counts = memory(block, start), word(block, 2)
        pitch = size * word(block, FRAME_WIDTH)
        for plane in range(start, stop):
            source = framed(block, plane, plane == start, spare)
            target = word(block, 1) + size * plane * lines * columns
            for i in range(lines):
                row = source + i * step_down * pitch
                held = repeat(get(counts, i))
                for j in range(0, columns, lanes):
                    some, here = min(lanes, columns - j), row + size * j * step_right
                    total = zero()
                    for a in range(down):
                        for b in range(right):
                            total = total + take(here + a * pitch + size * b, step_right, some, spare)
                    store_some(target, j, total / (held * load_some(counts, lines + j, some)), some)
                target += size * columns

    return loop


@kernel()
def average_pool_back(v: SimpleNamespace) -> Any:
    """x̄[entry] = Σ over its windows of ḡ / how many of its entries count.

    Block: addresses of ḡ, x̄ and of the counts as in `average_pool`; the geometry (see windows.py) and the frame. One
    row of the call is a plane.
    """
    word, size, lanes, load_some = v.word, v.size, v.lanes, v.load_some
    repeat, get, add, zeros, unframed, memory = v.repeat, v.get, adder(v), movers(v).zeros, _unframed(v), working_memory(v)

    def loop(block: int, start: int, stop: int) -> None:
        lines, columns, down, right = word(block, LINES), word(block, COLUMNS), word(block, DOWN), word(block, RIGHT)
        step_down, step_right = word(block, STEP_DOWN), word(block, STEP_RIGHT)
        spare, counts = memory(block, start), word(block, 2)
        numbers = word(block, FRAME_HEIGHT) * word(block, FRAME_WIDTH)
        pitch = size * word(block, FRAME_WIDTH)
        for plane in range(start, stop):
            back = spare + 64 if word(block, FRAMED) else word(block, 1) + size * plane * numbers
            arriving = word(block, 0) + size * plane * lines * columns
            zeros(back, numbers)
            for i in range(lines):
                row = back + i * step_down * pitch
                held = repeat(get(counts, i))
                for j in range(0, columns, lanes):
                    some, here = min(lanes, columns - j), row + size * j * step_right
                    g = load_some(arriving, j, some) / (held * load_some(counts, lines + j, some))
                    for a in range(down):
                        for b in range(right):
                            add(here + a * pitch + size * b, step_right, g, some, spare)
                arriving += size * columns
            if word(block, FRAMED):
                unframed(block, plane, back)

    return loop


def _framed(v: SimpleNamespace) -> Any:
    """A function: where plane number `plane` begins, its frame included. The frame is drawn for the first plane."""
    word, size, copy, fill = v.word, v.size, movers(v).copy, movers(v).fill
    number, repeat = v.number, v.repeat

    @part
    def framed(block: int, plane: int, is_first: bool, spare: int) -> int:
        height, width = word(block, HEIGHT), word(block, WIDTH)
        source = word(block, 0) + size * plane * height * width
        if not word(block, FRAMED):
            return source
        frame, pitch = spare + 64, word(block, FRAME_WIDTH)
        if is_first:
            fill(frame, repeat(number(block, BORDER)), word(block, FRAME_HEIGHT) * pitch)
        inner = frame + size * (word(block, BEFORE_DOWN) * pitch + word(block, BEFORE_RIGHT))
        for row in range(height):
            copy(inner + size * row * pitch, source + size * row * width, width)
        return frame

    return framed


def _unframed(v: SimpleNamespace) -> Any:
    """A function that copies what lies inside a frame to plane number `plane` of the result."""
    word, size, copy = v.word, v.size, movers(v).copy

    @part
    def unframed(block: int, plane: int, frame: int) -> None:
        height, width, pitch = word(block, HEIGHT), word(block, WIDTH), word(block, FRAME_WIDTH)
        target = word(block, 1) + size * plane * height * width
        inner = frame + size * (word(block, BEFORE_DOWN) * pitch + word(block, BEFORE_RIGHT))
        for row in range(height):
            copy(target + size * row * width, inner + size * row * pitch, width)

    return unframed
