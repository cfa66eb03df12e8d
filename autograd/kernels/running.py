"""Along an axis, in order: running sums, and the places of the largest and smallest numbers.

An array is seen as outer · length · inner numbers, the axis in the middle. Where inner is 1 the axis lies side by side;
else what is done is done for a vector of inner numbers at once.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from llvmlite import ir

from . import vector as vec
from .kernel import kernel, part
from .vector import INT32, INT64, Lanes

STRIP = 1024
"""Inner numbers that are summed together: few enough for what was just written to stay in the nearest cache."""
BLOCK = 4096
"""Numbers among which the largest is looked for before it is compared with the largest so far."""


@kernel()
def cumsum(v: SimpleNamespace) -> Any:
    """y[0] = x[0], y[i] = y[i − 1] + x[i]: added one after the other, as numpy does.

    Block: addresses of x and y; how many turns; numbers from turn to turn, below 0 from the end; numbers from one outer
    array to the next; inner; 1 to write the sum of turn i to place i + 1, and 0 to the first place. One row of the call
    is a strip of an outer array.
    """
    word, size, lanes, get, put, zero = v.word, v.size, v.lanes, v.get, v.put, v.zero
    load_some, store_some = v.load_some, v.store_some

    def run(block: int, start: int, stop: int) -> None:
        turns, inner, late = word(block, 2), word(block, 5), word(block, 6)
        step, strips = word(block, 3) * size, (inner + STRIP - 1) // STRIP
        for row in range(start, stop):
            skip = size * (row // strips * word(block, 4) + row % strips * STRIP)
            source, target = word(block, 0) + skip, word(block, 1) + skip
            width = min(STRIP, inner - row % strips * STRIP)
            if late:
                for k in range(0, width, lanes):
                    store_some(target, k, zero(), min(lanes, width - k))
                target += step
            if inner == 1:
                if turns:
                    total = get(source, 0)
                    put(target, 0, total)
                for at in range(1, turns):
                    total += get(source + at * step, 0)
                    put(target + at * step, 0, total)
                continue
            for at in range(turns):
                for k in range(0, width, lanes):
                    some = min(lanes, width - k)
                    x = load_some(source, k, some)
                    store_some(target, k, load_some(target - step, k, some) + x if at else x, some)
                source += step
                target += step

    return run


@kernel("float64")
def cumsum_whole(v: SimpleNamespace) -> Any:
    """`cumsum` of int64 numbers, which wrap around. One row of the call is one inner number of an outer array."""
    word, set_word = v.word, v.set_word

    def run(block: int, start: int, stop: int) -> None:
        turns, step, inner, late = word(block, 2), 8 * word(block, 3), word(block, 5), word(block, 6)
        for row in range(start, stop):
            skip = 8 * (row // inner * word(block, 4) + row % inner)
            source, target = word(block, 0) + skip, word(block, 1) + skip
            if late:
                set_word(target, 0, 0)
                target += step
            total = 0
            for at in range(turns):
                total += word(source + at * step, 0)
                set_word(target + at * step, 0, total)

    return run


@kernel()
def argmax(v: SimpleNamespace) -> Any:
    """y = the first place of the largest number, or of the first NaN, an int64.

    Block: addresses of x and y; length; inner; 1.0, or −1.0 for the smallest. One row of the call is an outer array, or
    of it as many inner numbers as there are lanes. Side by side, the largest number of each block is looked for, then
    its place in one block; else the places so far stand in the bits of a vector.
    """
    word, set_word, number, repeat, get, size, lanes = v.word, v.set_word, v.number, v.repeat, v.get, v.size, v.lanes
    largest, maximum, load, load_some, zero = v.largest, v.maximum, v.load, v.load_some, v.zero
    element, whole = vec.ELEMENTS[v.dtype], INT32 if v.size == 4 else INT64

    @v.inline(v.V, v.I, v.I, v.I, v.V)
    def load_or_least(builder: Any, address: Lanes, index: Lanes, count: Lanes, sign: Lanes) -> Lanes:
        mask = vec.first(builder, count.value, lanes)
        x = vec.load_some(builder, address.value, index.value, sign.kind, mask)
        return mask.select(x * sign, float("-inf"))

    @v.inline(v.I, v.V, v.T)
    def place_of(builder: Any, x: Lanes, top: Lanes) -> Lanes:
        found = x.equals(top) | x.is_nan()  # where there is a NaN, the largest number is one
        bits = builder.zext(builder.bitcast(found.value, ir.IntType(lanes)), INT64)
        count = vec.declared(builder.module, "llvm.cttz.i64", INT64, [INT64, vec.BIT])
        return Lanes(builder, builder.call(count, [bits, vec.BIT(0)]))

    @v.inline(v.V, v.V, v.I, v.V, v.V)
    def placed(index: Lanes, at: Lanes, x: Lanes, best: Lanes) -> Lanes:
        better = (x > best) | (x.is_nan() & ~best.is_nan())
        return better.select(at.cast(whole).repeat(lanes), index.bits(whole)).bits(element)

    @v.inline(v.none, v.I, v.V, v.I)
    def store_places(builder: Any, target: Lanes, index: Lanes, count: Lanes) -> None:
        mask = vec.first(builder, count.value, lanes)
        vec.store_some(builder, target.value, 0, index.bits(whole).cast(INT64), mask)

    @part
    def side_by_side(source: int, length: int, sign: Any) -> int:
        first, top = 0, get(source, 0)
        for begin in range(0, length, BLOCK):
            end = min(begin + BLOCK, length)
            best, at = load_or_least(source, begin, end - begin, sign), begin
            while at + 4 * lanes <= end:  # pairs first: each turn has to wait for one of the four only
                low = maximum(load(source, at) * sign, load(source, at + lanes) * sign)
                high = maximum(load(source, at + 2 * lanes) * sign, load(source, at + 3 * lanes) * sign)
                best, at = maximum(best, maximum(low, high)), at + 4 * lanes
            while at < end:
                best, at = maximum(best, load_or_least(source, at, end - at, sign)), at + lanes
            here = largest(best)
            if begin == 0 or here > top or (here != here and top == top):
                first, top = begin, here
        for at in range(first, length, lanes):
            place = place_of(load_or_least(source, at, length - at, sign), top)
            if place < lanes:
                return at + place
        return 0

    @part
    def one_above_another(source: int, length: int, inner: int, target: int, some: int, sign: Any) -> None:
        best, index = load_some(source, 0, some) * sign, zero()
        for at in range(1, length):
            x = load_some(source, at * inner, some) * sign
            index, best = placed(index, at, x, best), maximum(best, x)
        store_places(target, index, some)

    def run(block: int, start: int, stop: int) -> None:
        x, y, length, inner = word(block, 0), word(block, 1), word(block, 2), word(block, 3)
        sign, strips = repeat(number(block, 4)), (inner + lanes - 1) // lanes
        for row in range(start, stop):
            outer, column = row // strips, row % strips * lanes
            source = x + size * (outer * length * inner + column)
            if inner == 1:
                set_word(y, row, side_by_side(source, length, sign))
            else:
                target = y + 8 * (outer * inner + column)
                one_above_another(source, length, inner, target, min(lanes, inner - column), sign)

    return run


@kernel("float64")
def argmax_whole(v: SimpleNamespace) -> Any:
    """`argmax` of int64 numbers, compared after bits of theirs are turned round.

    Block: addresses of x and y; length; inner; the bits: −1 for the smallest, the sign for numbers without one. One row
    of the call is one inner number of an outer array.
    """
    word, set_word = v.word, v.set_word

    def run(block: int, start: int, stop: int) -> None:
        length, inner, turned = word(block, 2), word(block, 3), word(block, 4)
        for row in range(start, stop):
            source = word(block, 0) + 8 * (row // inner * length * inner + row % inner)
            top, place = word(source, 0) ^ turned, 0
            for at in range(1, length):
                here = word(source, at * inner) ^ turned
                if here > top:
                    top, place = here, at
            set_word(word(block, 1), row, place)

    return run
