"""Helping threads: they sleep while no program runs, and take chunks of large instructions while one does.

Workers are threads of Python that spend their time in compiled code, without its lock. One program at a time has them; another
that runs meanwhile runs alone. They never decide what is computed: chunks, and so results, are the same without them.

Two thresholds keep two threads from being slower than one. A plan splits an instruction only into chunks of 10 µs or
more, the kernel's `grain`, because handing one over takes about 1 µs. And helpers are woken, which takes 20 µs and more,
only for runs that have enough chunks for them, or that follow so closely on others that together they have.
"""

from __future__ import annotations

import atexit
import ctypes
import os
from collections.abc import Callable
from threading import Condition, Lock, RLock, Thread
from time import perf_counter

import numpy as np

from ....kernels.layout import ACTIVE, RUN_WORKERS, SHARED, WORKERS_WORD
from .code import ENTRY, Code, address

POLITE, SLEEPY = 200, 20_000
"""After so many looks in vain a worker lets other threads go first; after so many it sleeps, once no program runs."""
WORTH = 32
"""So many chunks are worth waking the workers: what one thread needs 0.3 ms for."""
RECENT = 5e-3
"""Runs that are fewer seconds apart than this count together. It is less than a worker needs to fall asleep."""


class _Pool:
    """The helping threads of this process: as many as the program that asked for most, of which each has the first ones."""

    def __init__(self) -> None:
        from ....kernels.interpreter import work

        words = _forever(np.zeros(SHARED + 8, np.int64))
        self.words, self.address = memoryview(words), address(words)
        self.entry = ENTRY(work("float64").address)
        # Held by plain `with` statements: a Ctrl-C inside a condition's own lines would leave its lock locked.
        self.lock = RLock()
        self.wake = Condition(self.lock)
        self.free = RLock()
        self.due, self.last = 0, 0.0
        """How many chunks there have been in runs close to each other, and when the last run ended."""
        self.over = False
        self.asked = 0
        """How many helpers have been asked for."""
        self.threads: list[Thread] = []

    def grow(self, helpers: int) -> None:
        """Have so many helpers, if the system gives as many threads."""
        self.asked = helpers
        for number in range(len(self.threads), helpers):
            thread = Thread(target=self._help, args=(number,), name=f"nngraph-{number}", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                # No more threads are to be had, because of a limit or because the process is ending: fewer help, or none.
                break
            self.threads.append(thread)

    def _help(self, number: int) -> None:
        block = address(_forever(np.array([self.address, POLITE, SLEEPY, number], np.int64)))
        while True:
            with self.lock:
                while self.words[ACTIVE] <= number and not self.over:
                    self.wake.wait()
                if self.over:
                    return
            self.entry(block, 0, 1)

    def is_worth_it(self, chunks: int) -> bool:
        """Whether a run of so many chunks should have help."""
        self.due = chunks if perf_counter() - self.last > RECENT else self.due + chunks
        return self.due >= WORTH

    def end(self) -> None:
        """Have the helping threads end, unless a program is running, on a thread that nobody waits for."""
        with self.lock:
            self.over = True
            self.wake.notify_all()
        if self.free.acquire(blocking=False):
            try:
                for thread in self.threads:
                    thread.join(timeout=1.0)
            finally:
                self.free.release()


def _forever(array: np.ndarray) -> np.ndarray:
    """An array that is never freed: a thread may be in compiled code, and look there, when the process ends."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(array))
    return array


_pool: _Pool | None = None
_making = Lock()


def _forget() -> None:
    # Threads do not survive a fork: the child makes its own when it needs them.
    global _pool, _making
    _pool, _making = None, Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@atexit.register
def _end() -> None:
    if _pool is not None:
        _pool.end()


def prepare() -> None:
    """Have the code of helping threads ready, so that a running program need not wait for it."""
    from ....kernels.interpreter import work

    _ = work("float64").address


def run(
    entry: Callable[[int, int, int], None],
    code: Code,
    state: memoryview,
    start: int,
    stop: int,
    threads: int,
    chunks: int,
) -> None:
    """Run a program, `entry(code, start, stop)`, on so many threads, this one among them, when the workers are free and its
    chunks of split instructions are worth it. Where the words shared with them lie, or 0, is put into the program's
    state and into the code's block."""
    global _pool
    pool = _pool
    if pool is None and threads > 1:
        with _making:
            pool = _pool = _pool or _Pool()
    if pool is None or threads < 2 or not pool.free.acquire(blocking=False):
        code.block[RUN_WORKERS] = state[WORKERS_WORD] = 0
        entry(code.address, start, stop)
        return
    try:
        if pool.asked < threads - 1:
            pool.grow(threads - 1)
        shared = 0
        if pool.is_worth_it(chunks * (stop - start)):
            with pool.lock:
                pool.words[ACTIVE] = threads - 1
                pool.wake.notify_all()
            shared = pool.address
        code.block[RUN_WORKERS] = state[WORKERS_WORD] = shared
        entry(code.address, start, stop)
    finally:
        pool.words[ACTIVE] = 0
        pool.last = perf_counter()
        pool.free.release()
