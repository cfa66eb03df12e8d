"""Where the values of leaves are kept: a clock that counts changes, and homes of values that a compiled program works on.

A program that updates a leaf keeps its numbers in memory of its own and changes them in place. The leaf then only knows
where its value lives, and takes a copy when somebody asks, so that arrays handed out earlier never change.

Several threads may read and change leaves, a Ctrl-C may come at any line, and a process may fork: a leaf has its old value
or its new one, all leaves that change together do so at one moment, and no step of a program is lost.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from threading import RLock
from typing import Any, TypeVar
from weakref import WeakSet

import numpy as np

Result = TypeVar("Result")


class Clock:
    """Counts every change of any leaf, so that a cached value knows whether anything has changed since."""

    now = 0
    lock = RLock()
    """Held while leaves change and while a program reads them, so that a thread sees all of one change or none of
    it. A signal handler may read leaves too, on a thread that holds it already."""


class Home:
    """The numbers of a leaf as a program has them: an array that changes, and the lock that is held while it does. It
    knows neither the leaf nor the program, so that no references go in a circle."""

    __slots__ = ("array", "lock")

    def __init__(self, array: np.ndarray, lock: RLock) -> None:  # type: ignore[valid-type]
        self.array, self.lock = array, lock


def store(values: Mapping[Any, np.ndarray], since: Mapping[Any, int] | None = None) -> bool:
    """Put arrays that nobody else may write to into leaves, all at one moment; False, and nothing is stored, when one of
    the leaves has changed `since` the moment given for it."""
    with Clock.lock:
        if since is not None and any(leaf._stamp != moment for leaf, moment in since.items()):
            return False
        moment = Clock.now + 1
        try:
            _put(values, moment)
        except KeyboardInterrupt:
            # Half of a change is none: it is completed before the interrupt goes on.
            _put(values, moment)
            raise
        return True


def moments(leaves: Iterable[Any]) -> dict[Any, int]:
    """When each of some leaves last changed, for `store(…, since=…)`."""
    with Clock.lock:
        return {leaf: leaf._stamp for leaf in leaves}


def _put(values: Mapping[Any, np.ndarray], moment: int) -> None:
    for leaf, array in values.items():
        array.flags.writeable = False
        leaf._value = array
        leaf._home = None
        leaf._stamp = moment
    # Last: whoever sees the new moment must find the stamps that belong to it.
    Clock.now = moment


def claim(homes: Mapping[Any, Home], since: Mapping[Any, int], before: int) -> int | None:
    """Have leaves live in these homes, which hold their values of the moments `since`; None when one of them has changed.
    None had, `before` this moment of the clock.

    Whoever holds the homes' lock then changes the numbers there, and nobody sees them before the lock is free. The moment
    that is returned is that of the new values, so that nothing remains to be done after the change, which a Ctrl-C might
    prevent.
    """
    with Clock.lock:
        if Clock.now != before:
            for leaf in homes:
                if leaf._stamp != since[leaf]:
                    return None
        return _settle(homes)


def settle(homes: Mapping[Any, Home], since: int) -> int | None:
    """After the change: leaves that were read meanwhile, by a signal handler on the same thread, live in their homes
    again, unless they have changed since they were claimed. The new moment; None where nothing was to be done."""
    for leaf, home in homes.items():
        if leaf._home is not home:
            break
    else:
        return None
    with Clock.lock:
        return _settle({leaf: home for leaf, home in homes.items() if leaf._stamp == since})


def _settle(homes: Mapping[Any, Home]) -> int:
    moment = Clock.now + 1
    for leaf, home in homes.items():
        leaf._home = home
        leaf._stamp = moment
    Clock.now = moment
    return moment


def at_one_moment(
    leaves: Collection[Any], do: Callable[[], Result], stays: Callable[[Home], bool] = lambda home: False,
    others: Sequence[Any] = (),
) -> Result:  # fmt: skip
    """What `do` gives; while it runs no leaf changes, and every one of these has its value at hand, but for those whose home
    `stays`: they are there, and nobody changes them. These `others` are locks that are held too.

    Locks of homes are taken before the clock's and in one order, here as everywhere, so that two threads never wait for
    each other.
    """
    while True:
        homes = [home for leaf in leaves if (home := leaf._home) is not None]
        locks = {id(lock): lock for lock in (*others, *(home.lock for home in homes))}
        found, result = _under([lock for _, lock in sorted(locks.items())], 0, lambda: _read(leaves, locks, do, stays))
        if found:
            return result  # type: ignore[return-value]


def _read(
    leaves: Collection[Any], locks: Mapping[int, Any], do: Callable[[], Result], stays: Callable[[Home], bool]
) -> tuple[bool, Result | None]:
    with Clock.lock:
        if not all((home := leaf._home) is None or id(home.lock) in locks for leaf in leaves):
            return False, None
        for leaf in leaves:
            home = leaf._home
            if home is not None and not stays(home):
                value = home.array.copy()
                value.flags.writeable = False
                # In this order: a leaf without a home has its value.
                leaf._value = value
                leaf._home = None
        return True, do()


def _under(locks: Sequence[Any], first: int, do: Callable[[], Result]) -> Result:
    """What `do` gives while all these locks are held.

    Locks are held by plain `with` statements only, here as everywhere: a Ctrl-C between two lines of a context manager
    that is written in Python would leave them locked for ever.
    """
    if first == len(locks):
        return do()
    with locks[first]:
        return _under(locks, first + 1, do)


# Forks ------------------------------------------------------------------------------------------------------------------
_locks: WeakSet[Any] = WeakSet()
"""The locks of all programs."""


def new_lock() -> RLock:  # type: ignore[valid-type]
    """A lock for a program, which is free again in a forked child."""
    lock = RLock()
    with Clock.lock:
        _locks.add(lock)
    return lock


_at_fork: list[Any] = []


def _before_fork() -> None:
    # A child has none of the other threads: a program that one of them was running would never come to an end there, and
    # what it updates would stay half done. So all come to an end first.
    with Clock.lock:
        locks = sorted(_locks, key=id)
    for lock in locks:
        lock.acquire()
    Clock.lock.acquire()
    _at_fork.append(locks)


def _after_fork() -> None:
    Clock.lock.release()
    for lock in _at_fork.pop():
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
