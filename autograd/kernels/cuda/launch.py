"""Launching kernels: compiled when first launched, within the limits of a block."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from ...errors import NngraphError
from .device import MOST_THREADS, Device
from .words import function, names

MOST_BLOCKS = (2**31 - 1, 65535, 65535)


class Kernel:
    """A kernel of one device, ready to be launched."""

    def __init__(self, device: Device, python: Callable[..., Any], text: str = "") -> None:
        self.device, self.python, self.text = device, python, text
        self.dispatcher = device.cuda.jit(python)

    def launch(self, blocks: Sequence[int], threads: int, arguments: Sequence[Any]) -> None:
        """Run it on so many blocks (x, y, z) of so many threads."""
        if not 1 <= threads <= MOST_THREADS:
            raise NngraphError(
                f"a kernel was to be launched with {threads} threads in a block; 1 to {MOST_THREADS} can be"
            )
        if any(not 1 <= count <= most for count, most in zip(blocks, MOST_BLOCKS)):
            raise NngraphError(f"a kernel was to be launched with {tuple(blocks)} blocks; at most {MOST_BLOCKS} can be")
        with warnings.catch_warnings():
            # A GPU divides by zero without a word, and warns of a grid that leaves it idle.
            warnings.simplefilter("ignore")
            self.dispatcher[tuple(blocks), threads](*arguments)


@cache
def of_text(device: Device, text: str) -> Kernel:
    """The kernel of a text."""
    return Kernel(device, function(text, names(device)), text)
