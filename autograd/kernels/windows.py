"""Windows cut out of planes, and laid back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .kernel import kernel, part
from .moves import moves

HEIGHT, WIDTH, LINES, COLUMNS, DOWN, RIGHT, STEP_DOWN, STEP_RIGHT, FAR_DOWN, FAR_RIGHT = range(3, 13)
BEFORE_DOWN, BEFORE_RIGHT = 13, 14
"""Words of the blocks, behind three addresses: rows and columns of a plane; windows along both; entries of a window
along both; steps from window to window, and from entry to entry; how far the first windows reach over the edge."""


@kernel()
def patches(v: SimpleNamespace) -> Any:
    """y[plane, entry, window] = the entry of the window, 0 outside the plane.

    Block: addresses of x and y, 0; then the words above. One row of the call is a plane.
    """
    word, size, zero, fill, every, inside = v.word, v.size, v.zero, moves(v).fill, moves(v).every, _inside()

    def loop(block: int, start: int, stop: int) -> None:
        height, width = word(block, HEIGHT), word(block, WIDTH)
        lines, columns = word(block, LINES), word(block, COLUMNS)
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
                            fill(target, zero(), low)
                            here = source + size * (row * width + low * step + shift)
                            every(target + size * low, here, step, high - low)
                            fill(target + size * high, zero(), columns - high)
                        else:
                            fill(target, zero(), columns)
                        target += size * columns

    return loop


@kernel()
def overlap_add(v: SimpleNamespace) -> Any:
    """y[plane, place] = Σ of all entries of windows that lie there.

    Block: addresses of x and y, 0; then the words above, planes being those of y. One row of the call is a plane.
    """
    word, size, zero, fill, add, inside = v.word, v.size, v.zero, moves(v).fill, moves(v).add, _inside()

    def loop(block: int, start: int, stop: int) -> None:
        height, width = word(block, HEIGHT), word(block, WIDTH)
        lines, columns = word(block, LINES), word(block, COLUMNS)
        down, right, step = word(block, DOWN), word(block, RIGHT), word(block, STEP_RIGHT)
        source = word(block, 0) + size * start * down * right * lines * columns
        for plane in range(start, stop):
            target = word(block, 1) + size * plane * height * width
            fill(target, zero(), height * width)
            for a in range(down):
                for b in range(right):
                    shift = b * word(block, FAR_RIGHT) - word(block, BEFORE_RIGHT)
                    low, high = inside(width, columns, step, shift)
                    for i in range(lines):
                        row = i * word(block, STEP_DOWN) + a * word(block, FAR_DOWN) - word(block, BEFORE_DOWN)
                        if 0 <= row < height:
                            here = target + size * (row * width + low * step + shift)
                            add(here, source + size * low, step, high - low)
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
