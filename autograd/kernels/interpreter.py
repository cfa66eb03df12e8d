"""The interpreter: a flat program of kernel calls, run as often as asked. The whole engine is this loop.

An instruction is four words: the address of a kernel, the address of its block, how many rows there are, and how many
make a chunk. Chunks are the same for every number of threads, and so are results; who runs a chunk is decided by who is
free.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .atomic import atomics
from .kernel import kernel, part

WORDS = 4
"""Words per instruction."""

TICKET, JOB, DONE, ACTIVE, SHARED = 0, 8, 16, 24, 32
"""Where the shared words of the workers stand, each on a cache line of its own: the ticket (number of the job · 2³², plus
the next chunk), the job (kernel, block, rows, chunk, chunks), chunks done, whether a program is running; and how many words
there are."""
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
    take, look, publish, pause = part(_chunks(v)), both.look, both.publish, both.pause

    def each(program: int, count: int, status: int, shared: int) -> bool:
        for at in range(count):
            kernel, block = word(program, 4 * at), word(program, 4 * at + 1)
            rows, chunk = word(program, 4 * at + 2), word(program, 4 * at + 3)
            if rows <= chunk:
                call(kernel, block, 0, rows)
            elif shared == 0:
                first = 0
                while first < rows:
                    call(kernel, block, first, min(rows, first + chunk))
                    first += chunk
            else:
                chunks = (rows + chunk - 1) // chunk
                # No chunk of the last job can be taken any more: a late worker must not meet half of the next one.
                publish(shared + 8 * TICKET, (look(shared + 8 * TICKET) // _NUMBER + 2) * _NUMBER - 1)
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

    Block: address of the program, number of instructions, address of the status word, address of the step counter, address
    of the words shared with the workers (0: there are none). A kernel that meets bad data sets the status; the run ends
    after that instruction. The step counter tells kernels which mini-batch is the current one.
    """
    word, set_word, each, both = v.word, v.set_word, _each(v), atomics(v)
    flush, restore = both.flush, both.restore

    def loop(block: int, start: int, stop: int) -> None:
        program, count, status = word(block, 0), word(block, 1), word(block, 2)
        counter, shared = word(block, 3), word(block, 4)
        before = flush()
        for step in range(start, stop):
            set_word(counter, 0, step)
            if not each(program, count, status, shared):
                break
        restore(before)

    return loop


@kernel("float64")
def repeat(v: SimpleNamespace) -> Any:
    """A program run again and again, some of its words moved on after every turn: a loop inside a program.

    Block: address of the program, number of instructions, how many turns, address of the status word, address of the
    table, its length, address of the word that holds where the shared words of the workers are. A row of the table:
    address of a word, what it is at the first turn, what is added for the next.
    """
    word, set_word, each = v.word, v.set_word, _each(v)

    def loop(block: int, start: int, stop: int) -> None:
        program, count, turns = word(block, 0), word(block, 1), word(block, 2)
        status, table, moving = word(block, 3), word(block, 4), word(block, 5)
        shared = word(word(block, 6), 0)
        for at in range(moving):
            set_word(word(table, 3 * at), 0, word(table, 3 * at + 1))
        for _ in range(turns):
            if not each(program, count, status, shared):
                return
            for at in range(moving):
                place = word(table, 3 * at)
                set_word(place, 0, word(place, 0) + word(table, 3 * at + 2))

    return loop


@kernel("float64")
def work(v: SimpleNamespace) -> Any:
    """What a helping thread does: chunks of every job that is published, until no program has run for a while.

    Block: address of the shared words, how often it looks in vain before it gives its processor to others, how often
    before it goes to sleep when no program is running.
    """
    word, both, take = v.word, atomics(v), part(_chunks(v))
    look, pause, give_way, flush = both.look, both.pause, both.give_way, both.flush

    def loop(block: int, start: int, stop: int) -> None:
        shared, polite, sleepy = word(block, 0), word(block, 1), word(block, 2)
        idle = 0
        flush()
        while True:
            if take(shared) > 0:
                idle = 0
                continue
            idle += 1
            pause()
            if idle > polite:
                give_way()
            if idle > sleepy and look(shared + 8 * ACTIVE) == 0:
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
            rows = word(block, 3 * at + 3)
            call(word(block, 3 * at + 1), word(block, 3 * at + 2), start * rows, stop * rows)

    return loop
