"""Kernels as PTX, which a driver turns into machine code: written by numba.cuda in a second or two, and kept on disk.

Several are written at once, by processes of their own, because numba writes one at a time.
"""

from __future__ import annotations

import json
import re
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Thread
from typing import Any

from .. import code_cache
from ..machine_code import key_of
from ..processors import processors
from .device import numba_cuda
from .words import function, names

FEW = 2
"""So many kernels are written sooner than another process has started."""
PATIENCE = 120.0
"""Seconds that a process is waited for when nothing else is left to do."""
_PAGES = ("angles", "powers", "prims", "ptx", "tensor", "warps", "words")
"""Pages of this folder that decide what a kernel's text becomes."""
_WIDTHS = {"8": 1, "16": 2, "32": 4, "64": 8}


@dataclass(frozen=True)
class Source:
    """A kernel before it is machine code. `kinds`: what its arguments are, "float32*", "uint32" …; `arch`: the compute
    capability, as in "90"; `threads`: how many threads a block of it has at most, 0 where that is not known."""

    text: str
    kinds: tuple[str, ...]
    arch: str
    threads: int = 0

    @cached_property
    def key(self) -> str:
        """What the PTX is made from."""
        return key_of("cuda", self.text, *self.kinds, self.arch, str(self.threads), *_writer())

    def ptx(self) -> bytes:
        """What is on disk, else written now."""
        found = code_cache.read(self.key)
        return self.write() if found is None else found

    def write(self) -> bytes:
        """Write it anew, also over what is on disk."""
        found = compiled(self.text, self.kinds, self.arch, self.threads or None).encode()
        code_cache.write(self.key, found)
        return found


def compiled(text: str, kinds: Sequence[str], arch: str, threads: int | None = None) -> str:
    """A kernel in PTX. `kinds`, `arch`, `threads`: see Source."""
    cuda = numba_cuda()
    # Two blocks of 256 threads share a processor, or as many of others: a thread has at most 128 registers.
    options = {"launch_bounds": (threads, max(1, 512 // threads))} if threads else {}
    python = function(text, names(cuda, False))
    ptx, _ = cuda.compile_ptx(python, tuple(map(_kind, kinds)), cc=capability(arch), **options)
    return ptx


def capability(arch: str) -> tuple[int, int]:
    """A compute capability as numba writes it."""
    return int(arch[:-1]), int(arch[-1])


def _kind(name: str) -> Any:
    """A type of numba."""
    from numba.cuda import types

    if name.endswith("*"):
        # A bare address: one word of the kernel's parameters, where an array would be seven. numba cannot write its
        # booleans, which have one bit, through an address.
        return types.CPointer(getattr(types, {"bool": "uint8"}.get(name[:-1], name[:-1])))
    return getattr(types, name)


@cache
def _writer() -> tuple[str | bytes, ...]:
    """What writes PTX: pages of this folder and packages. A toolkit that pip has not installed has no version here; what it
    writes says of itself which PTX it is, and a driver that does not know that PTX has it written again."""
    versions = []
    for package in ("numba-cuda", "nvidia-nvvm"):
        try:
            versions.append(version(package))
        except PackageNotFoundError:
            versions.append("")
    return *versions, *(Path(__file__).with_name(f"{page}.py").read_bytes() for page in _PAGES)


def name_of(ptx: bytes) -> str:
    """What the kernel of a PTX text is called."""
    (name,) = re.findall(rb"\.entry ([\w$]+)", ptx)
    return str(name.decode())


def widths(ptx: bytes) -> list[int]:
    """Bytes of every argument of a kernel, as its PTX declares them."""
    declared = re.search(rb"\.entry [\w$]+\(([^)]*)\)", ptx)
    found = re.findall(r"\.param[^,]*?\.[a-z](\d+) ", declared.group(1).decode()) if declared else []
    return [_WIDTHS[width] for width in found]


def ptx_version(ptx: bytes) -> str:
    """Which PTX a text is, as in "9.0"."""
    found = re.search(rb"\.version (\S+)", ptx)
    return found.group(1).decode() if found else "?"


# Many at once ---------------------------------------------------------------------------------------------------------
def write_all(sources: Iterable[Source]) -> None:
    """Have the PTX of all these on disk, with the help of other processes where there are processors and a folder to keep it
    in. A process that fails costs nothing but its time: what it has not written is written when it is asked for."""
    from ..cache_folders import code_folders
    from ..compile_ahead import python

    missing = [source for source in dict.fromkeys(sources) if code_cache.read(source.key) is None]
    if not missing or not any(folder.writable for folder in code_folders()):
        return
    waiting = deque(sorted(missing, key=lambda source: len(source.text), reverse=True))
    helpers: list[_Helper] = []
    try:
        if len(waiting) > FEW and python():
            for _ in range(min(processors(), len(waiting)) - 1):
                # No process or no thread may be left to be had.
                with suppress(OSError, ValueError, RuntimeError):
                    helpers.append(_Helper(waiting))
        while (source := _next(waiting)) is not None:
            source.write()
        for helper in helpers:
            helper.join(PATIENCE)
    finally:
        for helper in helpers:
            helper.end()


def _next(waiting: deque[Source]) -> Source | None:
    try:
        return waiting.popleft()
    except IndexError:
        return None


class _Helper(Thread):
    """A process that writes PTX, and the thread that tells it which."""

    def __init__(self, waiting: deque[Source]) -> None:
        from ..compile_ahead import serving

        super().__init__(name="nngraph-ptx", daemon=True)
        self.waiting = waiting
        self.process = serving(__name__)
        try:
            self.start()
        except BaseException:
            self.end()
            raise

    def run(self) -> None:
        process: Any = self.process
        while (source := _next(self.waiting)) is not None:
            asked = [source.text, source.kinds, source.arch, source.threads]
            try:
                print(json.dumps(asked), file=process.stdin, flush=True)
                done = process.stdout.readline() == f"{source.key}\n"
            except (OSError, ValueError):
                done = False
            if not done:
                # Written by whoever asks for it.
                return

    def end(self) -> None:
        """Have the process end, whatever it is doing."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        if self.is_alive():
            self.join()


def serve() -> None:
    """Write what is asked for, line by line; its key says that it is on disk."""
    for line in sys.stdin:
        text, kinds, arch, threads = json.loads(line)
        source = Source(text, tuple(kinds), arch, threads)
        source.ptx()
        print(source.key, flush=True)

