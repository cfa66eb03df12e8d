"""Calls: kernels applied to views of buffers, as data, before anything has an address.

A plan is a list of calls. What a kernel is given stands in `words`, in the order of its block; what it reads and writes
is said beside it, so that buffers can be reused, order can be checked, and no call reaches outside its buffers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from ...errors import NngraphError
from ...kernels.loops import Loops
from ...node import Node


@dataclass(eq=False, slots=True)
class Buffer:
    """Memory for one array. `role`: "arena" (reused by liveness), "leaf", "constant", "result", or "moving" (a piece of
    a stacked array, another one at every step of a loop)."""

    bytes: int
    role: str = "arena"
    owner: Any = None
    """The mark of the plan that made it; of a leaf's the leaf; of a constant's its array; of a moving one the view it
    starts at and the bytes it moves by."""


@dataclass(frozen=True, eq=False, slots=True)
class View:
    """Numbers in a buffer as an array sees them: strides and offset are counted in numbers, not bytes."""

    buffer: Buffer
    dtype: np.dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0

    @property
    def size(self) -> int:
        """How many numbers."""
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        """How many bytes its numbers take."""
        return self.size * self.dtype.itemsize

    @property
    def dense(self) -> bool:
        """Whether the numbers lie side by side in row-major order."""
        wanted = row_major(self.shape)
        return all(size == 1 or stride == want for size, stride, want in zip(self.shape, self.strides, wanted))

    def check(self) -> None:
        """NngraphError when a number of it would lie outside its buffer."""
        if self.size == 0:
            return
        low = high = self.offset
        for size, stride in zip(self.shape, self.strides):
            low += min(0, (size - 1) * stride)
            high += max(0, (size - 1) * stride)
        if low < 0 or (high + 1) * self.dtype.itemsize > self.buffer.bytes:
            raise NngraphError(
                f"a plan would reach numbers {low} to {high} of a buffer of {self.buffer.bytes // self.dtype.itemsize}"
            )


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides of a dense array, counted in numbers."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


@dataclass(frozen=True, slots=True)
class Scratch:
    """Working memory of one call: so many bytes for every chunk of rows, aligned to 64. The word is the address of the
    first; a kernel that is split uses the part number start // chunk."""

    bytes: int


CHUNK = object()
"""The word that says how many rows one chunk has; rows or more when the call is not split."""

STATUS = object()
"""The word that is the address of the status: a kernel that meets bad data stores anything but 0 there, and the numpy
engine then says what is wrong."""

STEP = object()
"""The word that is the address of the step counter: which mini-batch this is."""


@dataclass(eq=False, slots=True)
class Call:
    """One instruction. `code` has `.address` and `.is_ready`: a Kernel or the code of a fused loop.

    `rows`: how many units of independent work. `grain`: how many at least make a chunk worth a thread; None when the
    call cannot be split. `nodes` and `why` are for people: what it computes and why it was fused so. `loops`: what a
    fused loop computes, when it is one.
    """

    code: Any
    words: list[Any]
    reads: list[View]
    writes: list[View]
    rows: int = 1
    grain: int | None = None
    flops: int = 0
    nodes: tuple[Node, ...] = ()
    why: str = ""
    loops: Loops | None = None
    chunk: int = 0
    body: Body | None = None
    """What is repeated, when the call is a loop."""
    finish: int = 0
    """How many rows the kernel counts when it calls an epilogue on those that are done; 0 when it calls none. The
    fourth and the fifth word are for the epilogue, and the result is what it writes first, dense, row after row."""
    finishing: list[Call] = field(default_factory=list)
    """Nests that are run as epilogues."""
    paces: tuple[int, ...] = ()
    """Of a nest: how far every read and every write moves with one step of the outermost loop."""
    working: int = 0
    """Of a nest: bytes of working memory."""
    grid: tuple[int, int, int] | None = None
    """On a GPU: how many blocks of threads, where that is not one for every chunk of rows."""

    @property
    def parts(self) -> list[Call]:
        """The call and its epilogues, in the order in which they do a row."""
        return [self, *self.finishing]

    @property
    def bytes(self) -> int:
        """Bytes read and written, each view counted once."""
        return sum(view.bytes for view in {id(view): view for view in (*self.reads, *self.writes)}.values())


class Fallback:
    """The code of a call without a kernel: the node's numpy function, run from Python between two native stretches."""

    name = "numpy"
    is_ready = True

    def __init__(self, node: Node) -> None:
        from ..numpy import node_function

        self.node, self.function = node, node_function(node)


@dataclass(eq=False, slots=True)
class Body:
    """What a loop repeats: calls over memory of their own, and the buffers that are elsewhere at every step."""

    calls: list[Call]
    length: int
    moving: list[Buffer]
    offsets: dict[Buffer, int]
    scratch: dict[tuple[int, int], int]
    ahead: Call | None = None
    """On a GPU: the last call with the first call of the next turn as its epilogue, in all turns but the last."""


def every_call(calls: Sequence[Call]) -> Iterator[tuple[str, Call]]:
    """Calls with their numbers, those inside loops behind the loop."""
    waiting = [(str(at), call) for at, call in reversed(list(enumerate(calls, 1)))]
    while waiting:
        number, call = waiting.pop()
        yield number, call
        if call.body is not None:
            waiting += [(f"{number}.{at}", each) for at, each in reversed(list(enumerate(call.body.calls, 1)))]
