"""A GPU that is none: it writes down every kernel that it is asked for, and computes nothing. So whatever a program would
launch on a GPU can be compiled without one, and no kernel has to be listed by hand."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from threading import RLock
from typing import Any

import numpy as np
from nngraph.autograd.engines.cuda import program
from nngraph.autograd.kernels import cuda


@dataclass(slots=True)
class Kernel:
    """What numba.cuda is given. `plan`: what asked for it; `name`: what its code calls itself."""

    plan: str
    name: str
    text: str
    kinds: tuple[str, ...]
    threads: int = 0

    @property
    def single(self) -> bool:
        """Whether nothing in it is asked to be of float64."""
        return "float64" not in self.text and not any(kind.startswith("float64") for kind in self.kinds)


class Recorder:
    """See Device. Its memory is nowhere: what is fetched is zeros."""

    simulated, arch, processors = False, "90", 132

    def __init__(self) -> None:
        self.lock = RLock()
        self.kernels: dict[tuple[str, tuple[str, ...]], Kernel] = {}
        self.names: dict[str, str] = {}
        """Text of a kernel -> what its code calls itself."""
        self.plan = ""

    def memory(self, size: int) -> Any:
        return size

    def part(self, memory: Any, dtype: Any, first: int, count: int) -> int:
        return 0

    def send(self, memory: Any, start: int, numbers: np.ndarray) -> None:
        pass

    def fetch(self, memory: Any, start: int, size: int) -> np.ndarray:
        return np.zeros(size, np.uint8)

    def fetch_all(self, parts: Sequence[tuple[Any, int]]) -> list[np.ndarray]:
        return [np.zeros(size, np.uint8) for _, size in parts]

    def move(self, target: Any, source: Any, size: int) -> None:
        pass

    def kernel(self, text: str, kinds: Sequence[str], threads: int = 0, shared: int = 0) -> Callable[..., None]:
        key = text, tuple(kinds)
        found = self.kernels.setdefault(key, Kernel(self.plan, self.names[text], *key))
        found.threads = max(found.threads, threads)
        return lambda blocks, threads, arguments: None

    def captured(self, launches: Sequence[Callable[[], None]]) -> Callable[..., None]:
        return lambda *times: None

    def elapsed(self, run: Callable[[], None], times: int) -> float:
        return 0.0

    def __getattr__(self, name: str) -> Any:
        # Of everything else a device can do, only that it is done matters here.
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *given, **named: None


def codes() -> list[type]:
    """Every class whose objects write kernels."""
    modules = [import_module(f"{cuda.__name__}.{each.name}") for each in pkgutil.iter_modules(cuda.__path__)]
    found = {each for module in modules for each in vars(module).values() if isinstance(each, type)}
    return sorted(
        (each for each in found if hasattr(each, "text") and hasattr(each, "names")), key=lambda each: each.__name__
    )


@contextmanager
def recording() -> Iterator[Recorder]:
    """Inside, the engine "cuda" works with a recorder as its GPU."""
    recorder, gpu, texts = Recorder(), program.gpu, {each: each.text for each in codes()}

    def noting(text: Callable[[Any], str]) -> Callable[[Any], str]:
        def noted(code: Any) -> str:
            found = text(code)
            recorder.names[found] = code.name
            return found

        return noted

    program.gpu = lambda: recorder
    for each, text in texts.items():
        each.text = noting(text)
    try:
        yield recorder
    finally:
        program.gpu = gpu
        for each, text in texts.items():
            each.text = text
