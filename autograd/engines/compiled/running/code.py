"""Stretches of instructions, and the words in them that change from call to call: where arrays lie."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....kernels.layout import (
    INSTRUCTION,
    RUN_COUNT,
    RUN_PROGRAM,
    RUN_STATUS,
    RUN_STEP,
    RUN_WORKERS,
    STATUS_WORD,
    STEP_WORD,
)  # fmt: skip
from ..calls import View

ENTRY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
"""How machine code is called: (block, start, stop). Numbers are passed as addresses, which ctypes does soonest."""

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
        here, block = status.ctypes.data, np.zeros(RUN_WORKERS + 1, np.int64)
        block[[RUN_PROGRAM, RUN_COUNT]] = words.ctypes.data, len(words) // INSTRUCTION
        block[[RUN_STATUS, RUN_STEP]] = here + 8 * STATUS_WORD, here + 8 * STEP_WORD
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


_references = getattr(sys, "getrefcount", lambda what: 0)

Made = tuple[np.ndarray, np.ndarray, int]
"""An array, a view of it that nobody can write to, and where its numbers lie."""


def _made(form: tuple[tuple[int, ...], np.dtype]) -> Made:
    array = np.empty(*form)
    locked = array.view()
    locked.flags.writeable = False
    return array, locked, address(array)


def _unheld() -> int:
    """How many references Python counts to an array of `Result` that nobody holds, as `Result` asks: its own, that of the
    locked view, and what the question itself adds, which differs from one Python to another. −1, which no count
    undercuts, where an array that is held is not told from one that is not."""
    now = _made(((2,), np.dtype(float)))
    counts = []
    for _ in range(2):
        counts.append(_references(now[0]))
        result = now[1].view()
        part = result[:1]
        counts.append(_references(now[0]))
        del result
        counts.append(_references(now[0]))
        del part
    free, both, one = counts[:3]
    return free if counts[3:] == counts[:3] and free < one < both else -1


class Result:
    """Arrays for an output: one of an earlier call that nobody holds any more, because fresh memory is slow the first
    time it is touched. There are two at most, so that who keeps each result until the next finds one, too."""

    __slots__ = ("_form", "_now", "_other", "place")

    _FREE = _unheld()
    """So many references has an array that nobody holds."""

    def __init__(self, view: View, place: Place) -> None:
        self._form, self.place = (view.shape, view.dtype), place
        self._now = _made(self._form)
        self._other: Made | None = None

    def fresh(self) -> np.ndarray:
        """A read-only view of an array that nobody holds, which the program then writes to."""
        now = self._now
        if _references(now[0]) > self._FREE:
            held, now = now, self._other  # type: ignore[assignment]
            if now is None or _references(now[0]) > self._FREE:
                now = _made(self._form)
            self._now, self._other = now, held
        self.place.point(now[2])
        # A view of a view has the array itself as its base, so that whoever holds any part of it is counted.
        return now[1].view()

    @property
    def array(self) -> np.ndarray:
        """The array that the program writes to."""
        return self._now[0]
