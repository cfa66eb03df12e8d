"""The interpreter: a flat program of kernel calls, run as often as asked. The whole engine is this loop.

An instruction is a kernel, its block, how many rows there are, and how many make a chunk. Chunks are the same for every
number of threads, and so are results; who runs a chunk is decided by who is free.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .atomic import atomics
from .kernel import kernel, part
from .layout import (
    ACTIVE,
    DONE,
    FINISHING,
    INSTRUCTION,
    JOB,
    MOVING,
    REPEAT_COUNT,
    REPEAT_MOVING,
    REPEAT_PROGRAM,
    REPEAT_STATUS,
    REPEAT_TABLE,
    REPEAT_TURNS,
    REPEAT_WORKERS,
    RUN_COUNT,
    RUN_PROGRAM,
    RUN_STATUS,
    RUN_STEP,
    RUN_WORKERS,
    TICKET,
)  # fmt: skip

_NUMBER = 1 << 32


def _chunks(v: SimpleNamespace) -> Any:
    """take(shared): chunks of the current job are run until none is left; how many were run."""
    word, call, both = v.word, v.call, atomics(v)
    look, swap, add = both.look, both.swap, both.add

    def take(shared: int) -> int:
        count = 0
        while True:
            ticket = look(shared + 8 * TICKET)
            kernel, block, rows = word(shared, JOB), word(shared, JOB + 1), word(shared, JOB + 2)
            chunk, chunks = word(shared, JOB + 3), word(shared, JOB + 4)
            at = ticket % _NUMBER
            if at >= chunks:
                return count
            # The job cannot have changed between the two looks at the ticket when the ticket has not.
            if swap(shared + 8 * TICKET, ticket, ticket + 1):
                call(kernel, block, at * chunk, min(rows, (at + 1) * chunk))
                add(shared + 8 * DONE, 1)
                count += 1

    return take


def _each(v: SimpleNamespace) -> Any:
    """each(program, count, status, shared): every instruction in turn; whether the status stayed 0."""
    word, set_word, call, both = v.word, v.set_word, v.call, atomics(v)
    take, look, publish, fence, pause = part(_chunks(v)), both.look, both.publish, both.fence, both.pause

    def each(program: int, count: int, status: int, shared: int) -> bool:
        for at in range(count):
            first = INSTRUCTION * at
            kernel, block = word(program, first), word(program, first + 1)
            rows, chunk = word(program, first + 2), word(program, first + 3)
            if rows <= chunk:
                call(kernel, block, 0, rows)
            elif shared == 0:
                begin = 0
                while begin < rows:
                    call(kernel, block, begin, min(rows, begin + chunk))
                    begin += chunk
            else:
                chunks = (rows + chunk - 1) // chunk
                # No chunk of the last job can be taken any more: a late worker must not meet half of the next one.
                publish(shared + 8 * TICKET, (look(shared + 8 * TICKET) // _NUMBER + 2) * _NUMBER - 1)
                # Else it could read the next job's words, and then win the old ticket, which ARM lets both be seen.
                fence()
                set_word(shared, DONE, 0)
                set_word(shared, JOB, kernel)
                set_word(shared, JOB + 1, block)
                set_word(shared, JOB + 2, rows)
                set_word(shared, JOB + 3, chunk)
                set_word(shared, JOB + 4, chunks)
                publish(shared + 8 * TICKET, (look(shared + 8 * TICKET) // _NUMBER + 1) * _NUMBER)
                take(shared)
                while look(shared + 8 * DONE) < chunks:
                    pause()
            if word(status, 0) != 0:
                return False
        return True

    return part(each)


@kernel("float64")
def run(v: SimpleNamespace) -> Any:
    """Every instruction in turn, for each step in [start, stop).

    Block: see `layout`. A kernel that meets bad data sets the status; the run ends after that instruction. The step counter
    tells kernels which mini-batch is the current one.
    """
    word, set_word, each, both = v.word, v.set_word, _each(v), atomics(v)
    flush, restore = both.flush, both.restore

    def loop(block: int, start: int, stop: int) -> None:
        program, count, status = word(block, RUN_PROGRAM), word(block, RUN_COUNT), word(block, RUN_STATUS)
        counter, shared = word(block, RUN_STEP), word(block, RUN_WORKERS)
        before = flush()
        for step in range(start, stop):
            set_word(counter, 0, step)
            if not each(program, count, status, shared):
                break
        restore(before)

    return loop


@kernel("float64")
def repeat(v: SimpleNamespace) -> Any:
    """A program run again and again, some of its words moved on after every turn: a loop inside a program. Block: see
    `layout`."""
    word, set_word, each = v.word, v.set_word, _each(v)

    def loop(block: int, start: int, stop: int) -> None:
        program, count, turns = word(block, REPEAT_PROGRAM), word(block, REPEAT_COUNT), word(block, REPEAT_TURNS)
        status, table, moving = word(block, REPEAT_STATUS), word(block, REPEAT_TABLE), word(block, REPEAT_MOVING)
        shared = word(word(block, REPEAT_WORKERS), 0)
        for at in range(moving):
            set_word(word(table, MOVING * at), 0, word(table, MOVING * at + 1))
        for _ in range(turns):
            if not each(program, count, status, shared):
                return
            for at in range(moving):
                place = word(table, MOVING * at)
                set_word(place, 0, word(place, 0) + word(table, MOVING * at + 2))

    return loop


@kernel("float64")
def work(v: SimpleNamespace) -> Any:
    """What a helping thread does: chunks of every job that is published, until no program has run for a while.

    Block: address of the shared words, how often it looks in vain before it gives its processor to others, how often
    before it goes to sleep when no program is running, its number: it takes part in a program for more helpers than that.
    """
    word, both, take = v.word, atomics(v), part(_chunks(v))
    look, pause, give_way, flush = both.look, both.pause, both.give_way, both.flush

    def loop(block: int, start: int, stop: int) -> None:
        shared, polite, sleepy, number = word(block, 0), word(block, 1), word(block, 2), word(block, 3)
        idle = 0
        flush()
        while True:
            takes_part = look(shared + 8 * ACTIVE) > number
            if takes_part and take(shared) > 0:
                idle = 0
                continue
            idle += 1
            pause()
            if idle > polite:
                give_way()
            if idle > sleepy and not takes_part:
                return

    return loop


@kernel("float64")
def finish(v: SimpleNamespace) -> Any:
    """Epilogues: nests run on rows that a kernel has just finished.

    Block: how many nests; for each its address, its block's and how many of its rows belong to one row of the kernel's.
    """
    word, call = v.word, v.call

    def loop(block: int, start: int, stop: int) -> None:
        for at in range(word(block, 0)):
            first = FINISHING * at + 1
            rows = word(block, first + 2)
            call(word(block, first), word(block, first + 1), start * rows, stop * rows)

    return loop
