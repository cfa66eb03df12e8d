"""Helping threads: they sleep while no program runs, and take chunks of large instructions while one does.

Workers are threads of Python that spend their time in compiled code, without its lock. One program at a time has them; another
that runs meanwhile runs alone. They never decide what is computed: chunks, and so results, are the same without them.
"""

from __future__ import annotations

import atexit
import ctypes
import os
from collections.abc import Callable
from threading import Condition, Lock, RLock, Thread

import numpy as np

from ....errors import ParameterError
from ....kernels.interpreter import ACTIVE, SHARED
from .code import ENTRY, WORKERS, Code, address

POLITE, SLEEPY = 200, 20_000
"""After so many looks in vain a worker lets other threads go first; after so many it sleeps, once no program runs."""


def count() -> int:
    """How many threads a program may use: NNGRAPH_THREADS, else as many as there are processors for this process."""
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
    entry: Callable[[int, int, int], None], code: Code, state: memoryview, start: int, stop: int, threads: int
) -> None:
    """Run a program, `entry(code, start, stop)`, on so many threads, this one among them, when the workers are free. Where
    the words shared with them lie, or 0, is put into the program's state and into the last word of the code's block."""
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
        with pool.lock:
            pool.words[ACTIVE] = 1
            pool.wake.notify_all()
        code.block[-1] = state[WORKERS] = pool.address
        entry(code.address, start, stop)
    finally:
        pool.words[ACTIVE] = 0
        pool.free.release()
