"""Data that a kernel must not meet: checked before it is used, so that no kernel reads outside its buffers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .kernel import kernel


@kernel("float64")
def check_range(v: SimpleNamespace) -> Any:
    """Whether all of `count` int64 numbers, `stride` apart, lie in [low, high); else the status becomes 1.

    Block: numbers, count, stride, low, high, status.
    """
    word, set_word = v.word, v.set_word

    def run(block: int, start: int, stop: int) -> None:
        numbers, count, stride = word(block, 0), word(block, 1), word(block, 2)
        low, high = word(block, 3), word(block, 4)
        for at in range(count):
            number = word(numbers, at * stride)
            if number < low or number >= high:
                set_word(word(block, 5), 0, 1)
                return

    return run
