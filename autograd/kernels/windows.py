"""Windows cut out of planes and laid back, and the geometry that all kernels over windows share."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .convolution_tiles import movers
from .kernel import kernel, part

HEIGHT, WIDTH, LINES, COLUMNS, DOWN, RIGHT, STEP_DOWN, STEP_RIGHT, FAR_DOWN, FAR_RIGHT = range(3, 13)
BEFORE_DOWN, BEFORE_RIGHT, SCRATCH, BYTES, CHUNK_ROWS = range(13, 18)
"""The geometry, words of the block behind three addresses: rows and columns of a plane; windows along both; entries of a
window along both; steps from window to window, and from entry to entry; how far the first windows reach over the edge;
working memory, its bytes, planes in a chunk."""


@kernel()
def patches(v: SimpleNamespace) -> Any:
    """y[plane, entry, window] = the entry of the window, 0 outside the plane.

    Block: addresses of x and y, 0; the geometry. One row of the call is a plane.
    """
    word, size, move = v.word, v.size, movers(v)
    zeros, every, inside = move.zeros, move.every, _inside()

    def loop(block: int, start: int, stop: int) -> None:
        height, width, lines, columns = word(block, HEIGHT), word(block, WIDTH), word(block, LINES), word(block, COLUMNS)
        down, right, step = word(block, DOWN), word(block, RIGHT), word(block, STEP_RIGHT)
        target = word(block, 1) + size * start * down * right * lines * columns
        for plane in range(start, stop):
            source = word(block, 0) + size * plane * height * width
            for a in range(down):
                for b in range(right):
                    shift = b * word(block, FAR_RIGHT) - word(block, BEFORE_RIGHT)
                    low, high = inside(width, columns, step, shift)
                    for i in range(lines):
                        row = i * word(block, STEP_DOWN) + a * word(block, FAR_DOWN) - word(block, BEFORE_DOWN)
                        if 0 <= row < height and low < high:
                            zeros(target, low)
                            here = source + size * (row * width + low * step + shift)
                            every(target + size * low, here, step, high - low)
                            zeros(target + size * high, columns - high)
                        else:
                            zeros(target, columns)
                        target += size * columns

    return loop


@kernel()
def overlap_add(v: SimpleNamespace) -> Any:
    """y[plane, place] = Σ of all entries of windows that lie there.

    Block: addresses of x and y, 0; the geometry, its planes being those of y. One row of the call is a plane.
    """
    word, size, lanes, load_some = v.word, v.size, v.lanes, v.load_some
    zeros, add, inside, memory = movers(v).zeros, adder(v), _inside(), working_memory(v)

    def loop(block: int, start: int, stop: int) -> None:
        height, width, lines, columns = word(block, HEIGHT), word(block, WIDTH), word(block, LINES), word(block, COLUMNS)
        down, right, step = word(block, DOWN), word(block, RIGHT), word(block, STEP_RIGHT)
        spare = memory(block, start)
        source = word(block, 0) + size * start * down * right * lines * columns
        for plane in range(start, stop):
            target = word(block, 1) + size * plane * height * width
            zeros(target, height * width)
            for a in range(down):
                for b in range(right):
                    shift = b * word(block, FAR_RIGHT) - word(block, BEFORE_RIGHT)
                    low, high = inside(width, columns, step, shift)
                    for i in range(lines):
                        row = i * word(block, STEP_DOWN) + a * word(block, FAR_DOWN) - word(block, BEFORE_DOWN)
                        if 0 <= row < height:
                            for j in range(low, high, lanes):
                                some = min(lanes, high - j)
                                here = target + size * (row * width + j * step + shift)
                                add(here, step, load_some(source, j, some), some, spare)
                        source += size * columns

    return loop


def _inside() -> Any:
    """A function: of `count` windows, `step` apart, the first and the end of those whose entry at `shift` lies in
    [0, length)."""

    @part
    def inside(length: int, count: int, step: int, shift: int) -> tuple[int, int]:
        low = 0 if shift >= 0 else (step - 1 - shift) // step
        high = 0 if shift >= length else min(count, (length - 1 - shift) // step + 1)
        return min(low, high), high

    return inside


def working_memory(v: SimpleNamespace) -> Any:
    """A function: where the working memory of the chunk that begins with row `start` lies."""
    word = v.word

    @part
    def memory(block: int, start: int) -> int:
        return word(block, SCRATCH) + word(block, BYTES) * (start // word(block, CHUNK_ROWS))

    return memory


def strided(v: SimpleNamespace) -> Any:
    """A function: the first `count` of the numbers that lie `step` apart, as a vector; `spare` is room for one."""
    load, load_some, get, put, lanes, evens = v.load, v.load_some, v.get, v.put, v.lanes, movers(v).evens

    @part
    def take(source: int, step: int, count: int, spare: int) -> Any:
        if step == 1:
            return load_some(source, 0, count)
        if step == 2:
            reach = 2 * count - 1
            return evens(load_some(source, 0, reach), load_some(source, lanes, reach - lanes))
        for at in range(count):
            put(spare, at, get(source, at * step))
        return load(spare, 0)

    return take


def adder(v: SimpleNamespace) -> Any:
    """A function that adds the first `count` numbers of a vector to numbers that lie `step` apart; `spare` is room for a
    vector."""
    load_some, store_some, store, get, put, lanes = v.load_some, v.store_some, v.store, v.get, v.put, v.lanes
    low, high, zero = movers(v).low, movers(v).high, v.zero

    @part
    def add(target: int, step: int, x: Any, count: int, spare: int) -> None:
        if step == 1:
            store_some(target, 0, load_some(target, 0, count) + x, count)
        elif step == 2:
            reach = 2 * count - 1
            here, there = load_some(target, 0, reach), load_some(target, lanes, reach - lanes)
            store_some(target, 0, here + low(x, zero()), reach)
            store_some(target, lanes, there + high(x, zero()), reach - lanes)
        else:
            store(spare, 0, x)
            for at in range(count):
                put(target, at * step, get(target, at * step) + get(spare, at))

    return add
