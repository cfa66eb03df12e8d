"""A GPU, reached through cuda.core: kernels are PTX that numba.cuda has written, arguments are bare addresses and numbers.

Nothing on this page has run on a GPU yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from .. import code_cache
from ..machine_code import key_of
from .device import Launch, within_limits
from .gate import compiled


def ptx_of(text: str, kinds: Sequence[str], arch: str) -> bytes:
    """PTX of a kernel, kept on disk: it takes a second or two to be written."""
    versions = [version(name) for name in ("numba-cuda", "nvidia-nvvm")]
    instructions = Path(__file__).with_name("prims.py").read_bytes()
    key = key_of("cuda", text, *kinds, arch, instructions, *versions)
    found = code_cache.read(key)
    if found is None:
        found = compiled(text, kinds, arch).encode()
        code_cache.write(key, found)
    return found


class Hardware:
    """See Device."""

    simulated = False

    def __init__(self) -> None:
        from cuda.bindings import driver
        from cuda.core import Device, LaunchConfig, ObjectCode, launch

        self._core = Device()
        self._core.set_current()
        self._stream = self._core.create_stream()
        self._onto: Any = self._stream
        """Where launches go: the stream, or a graph that is being built."""
        self._driver, self._config, self._code, self._launch = driver, LaunchConfig, ObjectCode, launch
        self._arch = "".join(map(str, self._core.compute_capability))
        self._kernels: dict[tuple[str, tuple[str, ...]], Any] = {}

    def memory(self, size: int) -> Any:
        """See Device."""
        return self._core.allocate(size, stream=self._stream)

    def part(self, memory: Any, dtype: Any, first: int, count: int) -> int:
        """See Device."""
        return int(memory.handle) + first * np.dtype(dtype).itemsize

    def send(self, memory: Any, start: int, numbers: np.ndarray) -> None:
        """See Device."""
        handle = self._stream.handle
        self._done(
            self._driver.cuMemcpyHtoDAsync(int(memory.handle) + start, numbers.ctypes.data, numbers.nbytes, handle)
        )
        # The processor's memory is the caller's again.
        self._stream.sync()

    def fetch(self, memory: Any, start: int, size: int) -> np.ndarray:
        """See Device."""
        found = np.empty(size, np.uint8)
        self._done(
            self._driver.cuMemcpyDtoHAsync(found.ctypes.data, int(memory.handle) + start, size, self._stream.handle)
        )
        self._stream.sync()
        return found

    def move(self, target: Any, source: Any, size: int) -> None:
        """See Device."""
        self._done(self._driver.cuMemcpyDtoDAsync(int(target.handle), int(source.handle), size, self._stream.handle))

    def kernel(self, text: str, kinds: Sequence[str]) -> Launch:
        """See Device."""
        key = text, tuple(kinds)
        found = self._kernels.get(key)
        if found is None:
            ptx = ptx_of(text, kinds, self._arch)
            (name,) = re.findall(rb"\.entry (\w+)", ptx)
            found = self._kernels[key] = self._code.from_ptx(ptx).get_kernel(name.decode())
        return partial(self._run, found)

    def _run(self, kernel: Any, blocks: Sequence[int], threads: int, arguments: Sequence[Any]) -> None:
        within_limits(blocks, threads)
        self._launch(self._onto, self._config(grid=tuple(blocks), block=threads), kernel, *arguments)

    def captured(self, launches: Sequence[Callable[[], None]]) -> Callable[[], None]:
        """See Device."""
        self._onto = builder = self._stream.create_graph_builder()
        builder.begin_building()
        try:
            for launch in launches:
                launch()
        finally:
            builder.end_building()
            self._onto = self._stream
        graph = builder.complete()
        graph.upload(self._stream)
        return partial(graph.launch, self._stream)

    @staticmethod
    def _done(result: tuple[Any, ...]) -> None:
        if int(result[0]):
            raise RuntimeError(f"the driver of the GPU says {result[0]!r}")
