"""Pooling: the largest number or the mean of every window of a plane, and both ways back.

A plane is an image of one channel, or a signal of one row. Windows are done in vectors along a row of windows. Where
they are several steps apart or reach over the edge, the plane is first copied into a frame in which the same entry of
neighboring windows lies side by side: each row is parted by what is left of the column number divided by the step.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .kernel import kernel, part
from .moves import moves

X, Y, ARRIVING, COUNTS = 0, 1, 2, 2
LINES, COLUMNS, STEP_DOWN, ENTRIES, PLACES = 3, 4, 5, 6, 7
FRAMED, BORDER, HEIGHT, WIDTH, BEFORE_DOWN, BEFORE_RIGHT, STEP_RIGHT, LENGTH, NUMBERS = range(8, 17)
SCRATCH, BYTES, CHUNK_ROWS, IN_QUARTERS = range(17, 21)
"""Words of the blocks. Addresses of what is read, of what is written, of a third array; rows and columns of windows;
steps from a row of windows to the next; entries of a window and the word at which their places stand, in bytes from
the place of the window; whether planes are put into a frame, the number around them, rows and columns of a plane,
entries before them, steps from window to window along a row, numbers of a parted row of the frame, numbers of a plane
in its frame or alone; working memory, its bytes, planes in a chunk; whether windows are 2x2, side by side, and need no
frame."""


@kernel()
def max_pool(v: SimpleNamespace) -> Any:
    """y[window] = the largest entry, NaN where there is one; what lies outside counts as −inf.

    Block: see the words above. One row of the call is a plane. Of windows of 2x2 side by side, even and odd columns are
    parted in registers.
    """
    word, size, lanes, load_some, store_some, maximum = v.word, v.size, v.lanes, v.load_some, v.store_some, v.maximum
    framed, evens, odds = _framed(v), moves(v).evens, moves(v).odds

    def loop(block: int, start: int, stop: int) -> None:
        columns, entries, places = word(block, COLUMNS), word(block, ENTRIES), block + 8 * word(block, PLACES)
        pitch = size * word(block, LENGTH)
        target = word(block, Y) + size * start * word(block, LINES) * columns
        for plane in range(start, stop):
            row = framed(block, plane, start)
            for _ in range(word(block, LINES)):
                for j in range(0, columns, lanes):
                    some = min(lanes, columns - j)
                    if word(block, IN_QUARTERS):
                        here, rest = row + 2 * size * j, 2 * some - lanes
                        one = maximum(load_some(here, 0, 2 * some), load_some(here + pitch, 0, 2 * some))
                        other = maximum(load_some(here, lanes, rest), load_some(here + pitch, lanes, rest))
                        store_some(target, j, maximum(evens(one, other), odds(one, other)), some)
                    else:
                        top = load_some(row, j, some)
                        for at in range(entries):
                            top = maximum(top, load_some(row + word(places, at), j, some))
                        store_some(target, j, top, some)
                row += word(block, STEP_DOWN) * word(block, STEP_RIGHT) * pitch
                target += size * columns

    return loop


@kernel()
def max_pool_back(v: SimpleNamespace) -> Any:
    """x̄[entry] = Σ over its windows of ḡ·(1 if it is the largest, else 0) / (how many are the largest).

    Block: see the words above; the third array is ḡ. One row of the call is a plane. Windows of 2x2 side by side are
    written at once, others are added up.
    """
    word, size, lanes, load_some, store_some, maximum = v.word, v.size, v.lanes, v.load_some, v.store_some, v.maximum
    framed, unframed, back_of, zero, move = _framed(v), _unframed(v), _back_of(v), v.zero, moves(v)
    evens, odds, low, high = move.evens, move.odds, move.low, move.high
    is_top = v.inline(v.V, v.V, v.V)(lambda x, top: x.equals(top).select(x.number(1), x.number(0)))
    # Where a window holds a NaN none is the largest: 0 · (1 / 0) is NaN, as 0 / 0 is in numpy.
    inverse = v.inline(v.V, v.V)(lambda x: 1 / x)

    def loop(block: int, start: int, stop: int) -> None:
        columns, entries, places = word(block, COLUMNS), word(block, ENTRIES), block + 8 * word(block, PLACES)
        pitch = size * word(block, LENGTH)
        step = word(block, STEP_DOWN) * word(block, STEP_RIGHT) * pitch
        arriving = word(block, ARRIVING) + size * start * word(block, LINES) * columns
        for plane in range(start, stop):
            row, back = framed(block, plane, start), back_of(block, plane, start)
            for _ in range(word(block, LINES)):
                for j in range(0, columns, lanes):
                    some = min(lanes, columns - j)
                    g = load_some(arriving, j, some)
                    if word(block, IN_QUARTERS):
                        here, there, rest = row + 2 * size * j, back + 2 * size * j, 2 * some - lanes
                        one, other = load_some(here, 0, 2 * some), load_some(here, lanes, rest)
                        a, b = evens(one, other), odds(one, other)
                        one, other = load_some(here + pitch, 0, 2 * some), load_some(here + pitch, lanes, rest)
                        c, d = evens(one, other), odds(one, other)
                        top = maximum(maximum(a, b), maximum(c, d))
                        a, b, c, d = is_top(a, top), is_top(b, top), is_top(c, top), is_top(d, top)
                        share = inverse((a + b) + (c + d))
                        a, b, c, d = g * (a * share), g * (b * share), g * (c * share), g * (d * share)
                        store_some(there, 0, low(a, b), 2 * some)
                        store_some(there + pitch, 0, low(c, d), 2 * some)
                        if rest > 0:
                            store_some(there, lanes, high(a, b), rest)
                            store_some(there + pitch, lanes, high(c, d), rest)
                    else:
                        top, count = load_some(row, j, some), zero()
                        for at in range(entries):
                            top = maximum(top, load_some(row + word(places, at), j, some))
                        for at in range(entries):
                            count = count + is_top(load_some(row + word(places, at), j, some), top)
                        share = inverse(count)
                        for at in range(entries):
                            mine = g * (is_top(load_some(row + word(places, at), j, some), top) * share)
                            there = back + word(places, at)
                            store_some(there, j, load_some(there, j, some) + mine, some)
                row += step
                back += step
                arriving += size * columns
            unframed(block, plane, start)

    return loop


@kernel()
def average_pool(v: SimpleNamespace) -> Any:
    """y[window] = sum of its entries / how many of them count.

    Block: see the words above; the third array holds for all rows of windows, then for all columns, how many entries
    count: the product does. One row of the call is a plane.
    """
    word, size, lanes, load_some, store_some = v.word, v.size, v.lanes, v.load_some, v.store_some
    framed, repeat, get, zero, evens, odds = _framed(v), v.repeat, v.get, v.zero, moves(v).evens, moves(v).odds

    def loop(block: int, start: int, stop: int) -> None:
        lines, columns, counts = word(block, LINES), word(block, COLUMNS), word(block, COUNTS)
        entries, places = word(block, ENTRIES), block + 8 * word(block, PLACES)
        pitch = size * word(block, LENGTH)
        step = word(block, STEP_DOWN) * word(block, STEP_RIGHT) * pitch
        target = word(block, Y) + size * start * lines * columns
        for plane in range(start, stop):
            row = framed(block, plane, start)
            for i in range(lines):
                held = repeat(get(counts, i))
                for j in range(0, columns, lanes):
                    some, total = min(lanes, columns - j), zero()
                    if word(block, IN_QUARTERS):
                        here, rest = row + 2 * size * j, 2 * some - lanes
                        one = load_some(here, 0, 2 * some) + load_some(here + pitch, 0, 2 * some)
                        other = load_some(here, lanes, rest) + load_some(here + pitch, lanes, rest)
                        total = evens(one, other) + odds(one, other)
                    else:
                        for at in range(entries):
                            total = total + load_some(row + word(places, at), j, some)
                    store_some(target, j, total / (held * load_some(counts, lines + j, some)), some)
                row += step
                target += size * columns

    return loop


@kernel()
def average_pool_back(v: SimpleNamespace) -> Any:
    """x̄[entry] = Σ over its windows of ḡ / how many of its entries count.

    Block: see the words above; ḡ is the first array, the third one as in `average_pool`. One row of the call is a
    plane.
    """
    word, size, lanes, load_some, store_some = v.word, v.size, v.lanes, v.load_some, v.store_some
    unframed, back_of, repeat, get, low, high = _unframed(v), _back_of(v), v.repeat, v.get, moves(v).low, moves(v).high

    def loop(block: int, start: int, stop: int) -> None:
        lines, columns, counts = word(block, LINES), word(block, COLUMNS), word(block, COUNTS)
        entries, places = word(block, ENTRIES), block + 8 * word(block, PLACES)
        pitch = size * word(block, LENGTH)
        step = word(block, STEP_DOWN) * word(block, STEP_RIGHT) * pitch
        arriving = word(block, X) + size * start * lines * columns
        for plane in range(start, stop):
            back = back_of(block, plane, start)
            for i in range(lines):
                held = repeat(get(counts, i))
                for j in range(0, columns, lanes):
                    some = min(lanes, columns - j)
                    part_of = load_some(arriving, j, some) / (held * load_some(counts, lines + j, some))
                    if word(block, IN_QUARTERS):
                        there, rest = back + 2 * size * j, 2 * some - lanes
                        for _ in range(2):
                            store_some(there, 0, low(part_of, part_of), 2 * some)
                            store_some(there, lanes, high(part_of, part_of), rest)
                            there += pitch
                    else:
                        for at in range(entries):
                            there = back + word(places, at)
                            store_some(there, j, load_some(there, j, some) + part_of, some)
                back += step
                arriving += size * columns
            unframed(block, plane, start)

    return loop


# Frames --------------------------------------------------------------------------------------------------------------
def _framed(v: SimpleNamespace) -> Any:
    """A function: where the first window of plane number `plane` begins; the plane is put into its frame, if there is
    one. The frame itself is drawn for the first plane of a chunk."""
    word, size, number, repeat, fill, every = v.word, v.size, v.number, v.repeat, moves(v).fill, moves(v).every

    @part
    def framed(block: int, plane: int, start: int) -> int:
        height, width = word(block, HEIGHT), word(block, WIDTH)
        source = word(block, X) + size * plane * height * width
        if not word(block, FRAMED):
            return source
        frame = word(block, SCRATCH) + word(block, BYTES) * (start // word(block, CHUNK_ROWS))
        if plane == start:
            fill(frame, repeat(number(block, BORDER)), word(block, NUMBERS))
        step, length, before = word(block, STEP_RIGHT), word(block, LENGTH), word(block, BEFORE_RIGHT)
        inner = frame + size * word(block, BEFORE_DOWN) * step * length
        for column in range(min(step, width)):
            target = inner + size * ((before + column) % step * length + (before + column) // step)
            here, count = source + size * column, (width - column + step - 1) // step
            for _ in range(height):
                every(target, here, step, count)
                target += size * step * length
                here += size * width
        return frame

    return framed


def _back_of(v: SimpleNamespace) -> Any:
    """A function: where what is sent back to plane number `plane` is added up; zeros, where it is not written at
    once."""
    word, size, zero, fill = v.word, v.size, v.zero, moves(v).fill

    @part
    def back_of(block: int, plane: int, start: int) -> int:
        numbers = word(block, NUMBERS)
        back = word(block, Y) + size * plane * numbers
        if word(block, FRAMED):
            back = word(block, SCRATCH) + word(block, BYTES) * (start // word(block, CHUNK_ROWS)) + size * numbers
        covered = word(block, LINES) * word(block, COLUMNS) * word(block, ENTRIES)
        if not word(block, IN_QUARTERS) or covered != numbers:
            fill(back, zero(), numbers)
        return back

    return back_of


def _unframed(v: SimpleNamespace) -> Any:
    """A function that takes what was sent back out of its frame."""
    word, size, move = v.word, v.size, moves(v)
    copy, zipped, spread = move.copy, move.zipped, move.spread

    @part
    def unframed(block: int, plane: int, start: int) -> None:
        if not word(block, FRAMED):
            return
        height, width = word(block, HEIGHT), word(block, WIDTH)
        step, length, before = word(block, STEP_RIGHT), word(block, LENGTH), word(block, BEFORE_RIGHT)
        target = word(block, Y) + size * plane * height * width
        row = word(block, SCRATCH) + word(block, BYTES) * (start // word(block, CHUNK_ROWS))
        row += size * (word(block, NUMBERS) + word(block, BEFORE_DOWN) * step * length)
        even = row + size * (before % step * length + before // step)
        odd = row + size * ((before + 1) % 2 * length + (before + 1) // 2)
        for column in range(min(step, width) if step > 2 else 1):
            place = row + size * ((before + column) % step * length + (before + column) // step)
            count = (width - column + step - 1) // step
            for line in range(height):
                far, here = size * line * step * length, target + size * line * width
                if step == 1:
                    copy(here, even + far, width)
                elif step == 2:
                    zipped(here, even + far, odd + far, width)
                else:
                    spread(here + size * column, place + far, step, count)

    return unframed
