"""Stretches of instructions, and the words in them that change from call to call: where arrays lie."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..calls import View

ENTRY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
"""How machine code is called: (block, start, stop). Numbers are passed as addresses, which ctypes does soonest."""

STATE = (0, 0, 0, 0, 0, 1)
STATUS, STEP, WORKERS, ZERO, KEPT, ONE = range(6)
"""The words of a program's state at first, and where they stand: whether data were refused, the step, where the words
shared with the workers lie, 0, whether leaves have been kept aside in this run, 1."""

_AFTER = object.__basicsize__
"""An array of numpy, as C sees it, begins like every object of Python; then comes the address of its numbers."""
_word = ctypes.c_ssize_t.from_address


def _is_after() -> bool:
    if sys.implementation.name != "cpython":
        return False
    array = np.empty(3)
    return _word(id(array) + _AFTER).value == array.ctypes.data


if _is_after():

    def address(array: np.ndarray) -> int:
        """Where an array's numbers lie; four times as soon as numpy says it."""
        return _word(id(array) + _AFTER).value
else:

    def address(array: np.ndarray) -> int:
        """Where an array's numbers lie."""
        return int(array.ctypes.data)


@dataclass(eq=False, slots=True)
class Code:
    """A stretch of instructions for the interpreter, (kernel, block, rows, rows per chunk) for each, and the block that
    tells it about them."""

    words: np.ndarray
    block: np.ndarray
    address: int
    """Where the block lies."""

    @classmethod
    def of(cls, instructions: Sequence[int], status: np.ndarray) -> Code:
        """The stretch of these instructions."""
        words = np.array(instructions, np.int64)
        here = status.ctypes.data
        block = np.array([words.ctypes.data, len(words) // 4, here + 8 * STATUS, here + 8 * STEP, 0], np.int64)
        return cls(words, block, block.ctypes.data)


class Place:
    """All the words of a program that speak of one buffer whose address changes."""

    __slots__ = ("_places", "_words", "address")

    def __init__(self, words: memoryview, places: Sequence[tuple[int, int]]) -> None:
        self._words, self._places = words, tuple(places)
        self.address: int | None = None

    def point(self, address: int) -> None:
        """Let the buffer lie there."""
        if self.address == address:
            return
        # A Ctrl-C may come between two words: then none counts as written.
        self.address = None
        words = self._words
        for at, extra in self._places:
            words[at] = address + extra
        self.address = address

    def left_to_the_program(self, words: int) -> list[int]:
        """For a program that moves the buffer itself: the address of every word, and how many bytes behind the buffer's
        first it points. `words`: where the words of the program begin."""
        return [number for at, extra in self._places for number in (words + 8 * at, extra)]

    def forget(self) -> None:
        """The program has moved the buffer, nobody knows where to."""
        self.address = None


class Result:
    """Arrays for an output: one of an earlier call that nobody holds any more, because fresh memory is slow the first
    time it is touched. There are two at most, so that who keeps each result until the next finds one, too."""

    __slots__ = ("_form", "_now", "_other", "place")

    _FREE = 3
    """References to an array that nobody holds: ours, that of the locked view, and the question itself."""

    def __init__(self, view: View, place: Place) -> None:
        self._form, self.place = (view.shape, view.dtype), place
        self._now = self._made()
        self._other: tuple[np.ndarray, np.ndarray, int] | None = None

    def fresh(self) -> np.ndarray:
        """A read-only view of an array that nobody holds, which the program then writes to."""
        now = self._now
        if sys.getrefcount(now[0]) > self._FREE:
            held, now = now, self._other  # type: ignore[assignment]
            if now is None or sys.getrefcount(now[0]) > self._FREE:
                now = self._made()
            self._now, self._other = now, held
        self.place.point(now[2])
        # A view of a view has the array itself as its base, so that whoever holds any part of it is counted.
        return now[1].view()

    @property
    def array(self) -> np.ndarray:
        """The array that the program writes to."""
        return self._now[0]

    def _made(self) -> tuple[np.ndarray, np.ndarray, int]:
        array = np.empty(*self._form)
        locked = array.view()
        locked.flags.writeable = False
        return array, locked, address(array)
