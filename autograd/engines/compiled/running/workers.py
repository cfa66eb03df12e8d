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

from ....errors import ParameterError
from ....kernels.interpreter import ACTIVE, SHARED
from .code import ENTRY, WORKERS, Code, address

POLITE, SLEEPY = 200, 20_000
"""After so many looks in vain a worker lets other threads go first; after so many it sleeps, once no program runs."""
WORTH = 32
"""So many chunks are worth waking the workers: what one thread needs 0.3 ms for."""
RECENT = 5e-3
"""Runs that are fewer seconds apart than this count together. It is less than a worker needs to fall asleep."""


def count() -> int:
    """How many threads a program that is made now may use: NNGRAPH_THREADS, else as many as there are processors for this
    process."""
    asked = os.environ.get("NNGRAPH_THREADS")
    if asked:
        if not asked.isdecimal() or int(asked) < 1:
            raise ParameterError(f"NNGRAPH_THREADS={asked!r} must be a whole number from 1 up")
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Pool:
    """The helping threads of this process."""

    def __init__(self, helpers: int) -> None:
        from ....kernels.interpreter import work

        words = _forever(np.zeros(SHARED + 8, np.int64))
        self.words, self.address = memoryview(words), address(words)
        self.block = address(_forever(np.array([self.address, POLITE, SLEEPY], np.int64)))
        self.entry = ENTRY(work("float64").address)
        # Held by plain `with` statements: a Ctrl-C inside a condition's own lines would leave its lock locked.
        self.lock = RLock()
        self.wake = Condition(self.lock)
        self.free = RLock()
        self.due, self.last = 0, 0.0
        """How many chunks there have been in runs close to each other, and when the last run ended."""
        self.over = False
        self.threads: list[Thread] = []
        for number in range(helpers):
            thread = Thread(target=self._help, name=f"nngraph-{number}", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                # No more threads are to be had, because of a limit or because the process is ending: fewer help, or none.
                break
            self.threads.append(thread)

    def _help(self) -> None:
        while True:
            with self.lock:
                while not self.words[ACTIVE] and not self.over:
                    self.wake.wait()
                if self.over:
                    return
            self.entry(self.block, 0, 1)

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
    state and into the last word of the code's block."""
    global _pool
    pool = _pool
    if pool is None and threads > 1:
        with _making:
            pool = _pool = _pool or _Pool(threads - 1)
    if pool is None or threads < 2 or not pool.free.acquire(blocking=False):
        code.block[-1] = state[WORKERS] = 0
        entry(code.address, start, stop)
        return
    try:
        shared = 0
        if pool.is_worth_it(chunks * (stop - start)):
            with pool.lock:
                pool.words[ACTIVE] = 1
                pool.wake.notify_all()
            shared = pool.address
        code.block[-1] = state[WORKERS] = shared
        entry(code.address, start, stop)
    finally:
        pool.words[ACTIVE] = 0
        pool.last = perf_counter()
        pool.free.release()
