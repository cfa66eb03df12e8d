"""Where the values of leaves are kept: a clock that counts changes, and homes of values that a compiled program works on.

A program that updates a leaf keeps its numbers in memory of its own and changes them in place. The leaf then only knows
where its value lives, and takes a copy when somebody asks, so that arrays handed out earlier never change.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from threading import Lock, RLock
from typing import Any

import numpy as np


class Clock:
    """Counts every change of any leaf, so that a cached value knows whether anything has changed since."""

    now = 0
    lock = Lock()
    """Held while leaves change and while a program reads them, so that a thread sees all of one change or none of
    it."""


class Home:
    """The numbers of a leaf as a program has them: an array that changes, and the lock that is held while it does. It
    knows neither the leaf nor the program, so that no references go in a circle."""

    __slots__ = ("array", "lock")

    def __init__(self, array: np.ndarray, lock: RLock) -> None:  # type: ignore[valid-type]
        self.array, self.lock = array, lock


def store(values: Mapping[Any, np.ndarray]) -> None:
    """Put arrays that nobody else may write to into leaves, all at one moment."""
    with Clock.lock:
        moment = Clock.now + 1
        for leaf, array in values.items():
            array.flags.writeable = False
            leaf._home = None
            leaf._value = array
            leaf._stamp = moment
        # Last: whoever sees the new moment must find the stamps that belong to it.
        Clock.now = moment


def settle(homes: Mapping[Any, Home]) -> int:
    """Say that leaves have new values, which live in these homes; the moment at which they changed."""
    with Clock.lock:
        moment = Clock.now + 1
        for leaf, home in homes.items():
            leaf._home = home
            leaf._stamp = moment
        Clock.now = moment
    return moment


@contextlib.contextmanager
def at_one_moment(leaves: Collection[Any]) -> Iterator[None]:
    """No leaf changes inside, and every one of these has its value at hand.

    Locks of homes are taken before the clock's, here as everywhere, so that two threads never wait for each other.
    """
    while True:
        homes = {id(leaf._home): leaf._home for leaf in leaves if leaf._home is not None}
        with contextlib.ExitStack() as held:
            for _, home in sorted(homes.items()):
                held.enter_context(home.lock)
            with Clock.lock:
                if all(leaf._home is None or id(leaf._home) in homes for leaf in leaves):
                    for leaf in leaves:
                        home = leaf._home
                        if home is not None:
                            value = home.array.copy()
                            value.flags.writeable = False
                            leaf._home = None
                            leaf._value = value
                    yield
                    return
