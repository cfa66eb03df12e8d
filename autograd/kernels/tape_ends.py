"""The two ends of a tape: what goes onto its row of numbers before a run, what is taken off after it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .kernel import kernel


@kernel()
def tape_in(v: SimpleNamespace) -> Any:
    """Leaves, then constants, to the front of a row of numbers.

    Block: address of the row, how many leaves, how many constants, address of the constants, addresses of the leaves.
    Rows are ignored.
    """
    word, get, put = v.word, v.get, v.put

    def run(block: int, start: int, stop: int) -> None:
        row, leaves, constants, source = word(block, 0), word(block, 1), word(block, 2), word(block, 3)
        for k in range(leaves):
            put(row, k, get(word(block, 4 + k), 0))
        for k in range(constants):
            put(row, leaves + k, get(source, k))

    return run


@kernel()
def tape_out(v: SimpleNamespace) -> Any:
    """Results, each to its own place. Block: address of the row, how many results, address of where they lie in the row
    (int32), addresses of their places. Rows are ignored."""
    word, get, put, get32 = v.word, v.get, v.put, v.get32

    def run(block: int, start: int, stop: int) -> None:
        row, results, where = word(block, 0), word(block, 1), word(block, 2)
        for k in range(results):
            put(word(block, 3 + k), 0, get(row, get32(where, k)))

    return run
