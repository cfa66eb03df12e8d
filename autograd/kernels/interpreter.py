"""The interpreter: a flat program of kernel calls, run as often as asked. The whole engine is this loop."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .kernel import kernel

WORDS = 4
"""Words per instruction: address of the kernel, address of its block, first row, row after the last."""


@kernel("float64")
def run(v: SimpleNamespace) -> Any:
    """Every instruction in turn, for each step in [start, stop).

    Block: address of the program, number of instructions, address of the status word, address of the step counter. A
    kernel that meets bad data sets the status; the run ends after that instruction. The step counter tells kernels which
    mini-batch is the current one.
    """
    word, set_word, call = v.word, v.set_word, v.call

    def loop(block: int, start: int, stop: int) -> None:
        program, count = word(block, 0), word(block, 1)
        status, counter = word(block, 2), word(block, 3)
        for step in range(start, stop):
            set_word(counter, 0, step)
            for at in range(count):
                call(word(program, 4 * at), word(program, 4 * at + 1), word(program, 4 * at + 2), word(program, 4 * at + 3))
                if word(status, 0) != 0:
                    return

    return loop


@kernel("float64")
def repeat(v: SimpleNamespace) -> Any:
    """A program run again and again, some of its words moved on after every turn: a loop inside a program.

    Block: address of the program, number of instructions, how many turns, address of the status word, address of the
    table, its length. A row of the table: address of a word, what it is at the first turn, what is added for the next.
    """
    word, set_word, call = v.word, v.set_word, v.call

    def loop(block: int, start: int, stop: int) -> None:
        program, count, turns = word(block, 0), word(block, 1), word(block, 2)
        status, table, moving = word(block, 3), word(block, 4), word(block, 5)
        for at in range(moving):
            set_word(word(table, 3 * at), 0, word(table, 3 * at + 1))
        for _ in range(turns):
            for at in range(count):
                call(word(program, 4 * at), word(program, 4 * at + 1), word(program, 4 * at + 2), word(program, 4 * at + 3))
                if word(status, 0) != 0:
                    return
            for at in range(moving):
                place = word(table, 3 * at)
                set_word(place, 0, word(place, 0) + word(table, 3 * at + 2))

    return loop
