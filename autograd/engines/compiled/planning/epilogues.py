"""Epilogues: a fused nest that reads the result of a product or a convolution is run by its kernel, on every few rows
as soon as they are done, while they are in the cache: bias, activation, the slope of an activation."""

from __future__ import annotations

from collections.abc import Callable

from ..calls import Buffer, Call

Fits = Callable[[Call, Call], bool]
"""(kernel, nest) -> whether a target's kernel can run a nest that goes along with it."""


def attach(calls: list[Call], fits: Fits = lambda kernel, nest: True) -> None:
    """Move nests into the kernels whose results they read, where no other call is in between."""
    at = 0
    while at < len(calls):
        kernel = calls[at]
        while kernel.finish and (nest := _follower(calls, at, fits)) is not None:
            calls.remove(nest)
            kernel.finishing.append(nest)
        at += 1


def _follower(calls: list[Call], at: int, fits: Fits) -> Call | None:
    """The next nest that can be run together with a kernel; None when there is none."""
    kernel = calls[at]
    result = kernel.writes[0].buffer
    read: set[Buffer] = set()
    written: set[Buffer] = set()
    for later in calls[at + 1 :]:
        if any(view.buffer is result for view in later.reads) and goes_along(kernel, later) and fits(kernel, later):
            theirs = {view.buffer for view in later.reads}
            mine = {view.buffer for view in later.writes}
            if not theirs & written and not mine & (read | written):
                return later
        read |= {view.buffer for view in later.reads}
        written |= {view.buffer for view in later.writes}
        if result in written:
            return None
    return None


def goes_along(kernel: Call, nest: Call) -> bool:
    """Whether some rows of the nest need only the same rows of the kernel's result, and write rows of their own."""
    if nest.loops is None or not nest.loops.depth or nest.rows % kernel.finish or nest.rows == 0:
        return False
    code, result = nest.code, kernel.writes[0]
    if code.partial or code.whole or nest.working or not result.size:
        return False
    rows, each = nest.rows // kernel.finish, result.size // kernel.finish
    for view, pace in zip(nest.reads, nest.paces):
        whole = view.offset == result.offset and view.size == result.size and pace * rows == each
        if view.buffer is result.buffer and not whole:
            return False
    # What an earlier epilogue of the same kernel wrote is there, but only as far as its own rows are done.
    for done in kernel.finishing:
        for written, by in zip(done.writes, done.paces[len(done.reads) :]):
            for view, pace in zip(nest.reads, nest.paces):
                if view.buffer is written.buffer and (
                    pace * rows != by * (done.rows // kernel.finish) or view.offset != written.offset
                ):
                    return False
    # What an epilogue of this kernel reads for later rows must not be written over for earlier ones.
    if {view.buffer for done in kernel.finishing for view in done.reads} & {view.buffer for view in nest.writes}:
        return False
    # The kernel still reads its operands when the first rows are done.
    operands = {view.buffer for view in kernel.reads}
    return all(pace for pace in nest.paces[len(nest.reads) :]) and not operands & {view.buffer for view in nest.writes}
