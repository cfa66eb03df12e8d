"""How a program comes by the values of its leaves: some are given with the call, some are read, some live with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import ref

import numpy as np

from ....errors import ShapeError
from ....node import Leaf, describe
from ....storage import Clock, at_one_moment
from ..calls import Buffer
from .code import Place, address

PLAIN = 0x101
"""Flags of numpy's arrays: dense, row by row, and every number where the processor expects it."""


def plain(leaf: Leaf, value: Any, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """A value as kernels want it: of the shape and dtype they were made for, dense, each number where the processor
    expects it."""
    # Asking whether two dtypes are one object takes less time than asking whether they are equal.
    if (
        type(value) is not np.ndarray
        or (value.dtype is not dtype and value.dtype != dtype)
        or value.flags.num & PLAIN != PLAIN
    ):
        value = np.array(value, dtype, order="C")
    if value.shape != shape:
        raise ShapeError(f"{describe(leaf)} has a value of shape {value.shape}; was its array changed in place?")
    return value


class Given:
    """A leaf whose numbers lie where the caller, or the leaf itself, has them."""

    __slots__ = ("address", "array", "buffer", "dtype", "leaf", "place", "shape", "stamp")

    def __init__(self, leaf: Leaf, buffer: Buffer, place: Place) -> None:
        self.leaf, self.buffer, self.place = leaf, buffer, place
        self.shape, self.dtype = tuple(map(int, leaf.shape)), leaf.dtype
        self.array: Callable[[], np.ndarray | None] = lambda: None
        """The leaf's array, while it is alive, where it is read; one that had to be made plain is kept."""
        self.stamp, self.address = -1, 0

    def read(self, value: np.ndarray, stamp: int) -> None:
        """This is the leaf's value of that moment."""
        array = plain(self.leaf, value, self.shape, self.dtype)
        # A Ctrl-C may come between two lines: the moment is the last to be known.
        self.stamp = -1
        # An array that is referred to weakly cannot be resized, not even by force: it stays where it is.
        self.array = ref(array) if array is value else lambda: array
        self.address = address(array)
        self.stamp = stamp


class Leaves:
    """The leaves of a program in calls that give some of them: what has changed since the last call is read again."""

    def __init__(self, inputs: tuple[Leaf, ...], given: Sequence[Given], stamps: dict[Leaf, int]) -> None:
        self.inputs = inputs
        position = {leaf: at for at, leaf in enumerate(inputs)}
        self.given = [(position[each.leaf], each) for each in given if each.leaf in position]
        self.reads = [each for each in given if each.leaf not in position]
        self.stamps = stamps
        """The moments of the values that the program has of leaves that live with it."""
        self.moment = -1
        """A moment of the clock at which all of this was as the leaves say."""

    def held(self) -> list[np.ndarray] | None:
        """The arrays of all leaves that are read, alive as long as this list; None when any leaf has changed."""
        # In this order: what was taken before the clock is looked at is not newer than the clock says.
        arrays = [each.array() for each in self.reads]
        now = Clock.now
        if now != self.moment:
            for leaf, stamp in self.stamps.items():
                if leaf._stamp != stamp:
                    return None
            for each in self.reads:
                if each.leaf._stamp != each.stamp:
                    return None
            self.moment = now
        for array in arrays:
            if array is None:
                return None
        return arrays  # type: ignore[return-value]

    def news(self) -> dict[Leaf, tuple[np.ndarray | None, int]]:
        """The values of leaves that have changed, all of one moment, and when each was set. Not to be asked for while
        the program's lock is held, because a leaf may live with another program that is running."""
        wanted = [leaf for leaf, stamp in self.stamps.items() if leaf._stamp != stamp]
        wanted += [each.leaf for each in self.reads if each.leaf._stamp != each.stamp or each.array() is None]
        return at_one_moment(wanted, lambda: {leaf: (leaf._value, leaf._stamp) for leaf in wanted})

    def accept(
        self, news: Mapping[Leaf, tuple[np.ndarray | None, int]], move_in: Callable[[Leaf, Any, int], None]
    ) -> None:
        """Take over what was read. `move_in` has leaves live with the program."""
        for leaf in self.stamps:
            # What was read before another thread ran this program must not take the place of what it put there.
            if leaf in news and news[leaf][1] == leaf._stamp:
                move_in(leaf, *news[leaf])
        for each in self.reads:
            if each.leaf in news:
                self._read(each, *news[each.leaf])

    def _read(self, each: Given, value: Any, moment: int) -> None:
        each.read(value, moment)

    def moved(self, moment: int) -> None:
        """What lives with the program is as it will be of this moment on."""
        self.stamps.update(dict.fromkeys(self.stamps, moment))
        if moment == self.moment + 1:
            self.moment = moment
