"""Several kernels compiled at once. numba compiles one at a time and takes a second for a large kernel, so on a machine that
is new to nngraph every further processor is given a process of its own, which leaves what it has compiled in the cache.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Thread
from types import CodeType
from typing import Any

from . import code_cache
from .cache_folders import code_folders
from .kernel import KERNELS, Kernel
from .machine_code import Compiled, address_of
from .processors import processors

FEW = 3
"""So many kernels are compiled sooner than another process has started."""
PATIENCE = 60.0
"""Seconds that a process is waited for when nothing else is left to do; what it has not made by then is compiled here."""


def compile_ahead(pieces: Iterable[Compiled], tell: Callable[[Compiled], None] = lambda piece: None) -> None:
    """Have the machine code of all these pieces ready, with the help of other processes where there are processors and a folder to
    keep code in; `tell` is called with each piece that is taken up. A process that fails costs nothing but its time: what it has
    not made is compiled here."""
    missing = [piece for piece in dict.fromkeys(pieces) if not _loaded(piece)]
    waiting = deque(sorted(missing, key=_length, reverse=True))
    apart = sum(isinstance(piece, Kernel) for piece in waiting)
    helpers: list[_Helper] = []
    try:
        if apart > FEW and python() and any(folder.writable for folder in code_folders()):
            for _ in range(min(processors(), apart) - 1):
                # No process or no thread may be left to be had; the folder that this one works in may be gone.
                with suppress(OSError, ValueError, RuntimeError):
                    helpers.append(_Helper(waiting, tell))
        while True:
            try:
                piece = waiting.popleft()
            except IndexError:
                break
            tell(piece)
            piece.address  # noqa: B018  (asking for it compiles it)
        for helper in helpers:
            helper.join(PATIENCE)
    finally:
        for helper in helpers:
            helper.end()


class _Missing(Exception):
    """Machine code is neither in memory nor on disk."""


def _loaded(piece: Compiled) -> bool:
    """Load what is on disk; whether the piece is in memory now. Asking first whether it is there would read it twice."""

    def build() -> bytes:
        raise _Missing

    try:
        address_of(piece.key, build)
    except _Missing:
        return False
    return True


def python() -> str:
    """The program that runs Python; empty where that is an application with Python inside, which must not be started a
    second time."""
    path = "" if getattr(sys, "frozen", False) else sys.executable or ""
    return path if Path(path).name.lower().startswith(("python", "pypy")) else ""


def serving(module: str) -> subprocess.Popen[str]:
    """A process in which `serve` of a module does what it is told, line by line."""
    # -P: a file of the user's that is called like a module of Python's must not be imported in its place.
    return subprocess.Popen(
        [python(), "-P", "-c", f"from {module} import serve; serve()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment(),
    )  # fmt: skip


def _length(piece: Compiled) -> int:
    """How long a kernel's code is, which is about how long it takes to compile; the longest are begun first."""
    if not isinstance(piece, Kernel):
        return 0
    length, inside = 0, [piece.make.__code__]
    while inside:
        code = inside.pop()
        length += len(code.co_code)
        inside += [each for each in code.co_consts if isinstance(each, CodeType)]
    return length


class _Helper(Thread):
    """A process that compiles kernels, and the thread that tells it which."""

    def __init__(self, waiting: deque[Compiled], tell: Callable[[Compiled], None]) -> None:
        super().__init__(name="nngraph-compile", daemon=True)
        self.waiting, self.tell = waiting, tell
        self.process = serving(__name__)
        try:
            self.start()
        except BaseException:
            self._end_process()
            raise

    def run(self) -> None:
        process: Any = self.process
        while self.waiting:
            piece = next((each for each in list(self.waiting) if isinstance(each, Kernel)), None)
            if piece is None:
                return
            try:
                self.waiting.remove(piece)
            except ValueError:  # taken up by another meanwhile
                continue
            self.tell(piece)
            try:
                page = Path(piece.make.__code__.co_filename).stem
                print(page, f"{piece.name}.{piece.dtype}", piece.key, file=process.stdin, flush=True)
                done = process.stdout.readline() == f"{piece.key}\n"
            except (OSError, ValueError):
                done = False
            if not done:
                # Compiled by whoever asks for its address.
                return

    def end(self) -> None:
        """Have the process end, whatever it is doing."""
        self._end_process()
        self.join()

    def _end_process(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]


def environment() -> dict[str, str]:
    """What the process is started with: it finds modules where this one does, in the working directory last, and keeps
    code in the same folder."""
    paths = [os.fspath(path) for path in sys.path if path]
    if len(paths) < len(sys.path):
        paths.append(os.getcwd())
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def serve() -> None:
    """Compile what is asked for, line by line, `page kernel key`; the key again says that it is in the cache."""
    for line in sys.stdin:
        page, name, key = line.split()
        import_module(f"{__package__}.{page}")
        piece = KERNELS[name]
        if piece.key != key:
            return
        if code_cache.read(key) is None:
            code_cache.write(key, piece.build())
        print(key, flush=True)
