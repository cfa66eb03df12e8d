"""How a nest of loops is computed best for the sizes it is run with: an estimate of cycles for each way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np

from .loop_code import Block, compiled
from .loop_passes import Add, Body, Get, Nest, Pass, Put
from .loops import FAR, NEXT, Buffer, Fit, Fold, Loops

APART, ACROSS, PASS, TURN, COSTLY = 25, 10, 2, 6, 12
"""Cycles for a vector of numbers that lie apart in memory, for folding the lanes of one, for entering a loop, for a
vector of a square that is turned over, and for a word that takes more than one instruction. Measured with 16 lanes:
softmax, norms and sums of rows of 3 to 1000."""
OVERLAP = 0.95
"""What is left of the time of short rows because the processor begins the next before the last is done."""
LARGE, LONG = 24 << 20, 1 << 16
"""Bytes from which on results go past the caches; numbers from which on longer code pays."""


def fitted(loops: Loops, extents: Sequence[int]) -> Loops:
    """The nest with the choices that suit these sizes. Results differ by rounding at most."""
    if not loops.depth or 0 in extents:
        return loops
    nest = compiled(loops).nest
    fit = Fit(stream=_bytes(loops, extents) >= LARGE)
    if loops.depth > 1 and any(isinstance(value, Fold) and loops.depth - 1 in value.over for value in nest.values):
        ways = [replace(fit, abreast=abreast) for abreast in (-1, loops.depth - 2)]
        innermost, around = (cycles(nest, extents, way) for way in ways)
        fit = ways[around < OVERLAP * innermost]
    lanes = compiled(loops).layout.lanes
    length = extents[fit.abreast]
    if length < 4 * lanes:
        fit = replace(fit, vectors=1)
    elif prod(extents) >= LONG:
        fit = replace(fit, vectors=4)
    return replace(loops, fit=fit)


def _bytes(loops: Loops, extents: Sequence[int]) -> int:
    buffers = [*loops.reads, *(write.buffer for write in loops.writes)]
    return sum(
        np.dtype(each.dtype).itemsize * prod(size for size, move in zip(extents, each.moves) if move in (NEXT, FAR))
        for each in buffers
    )


def cycles(nest: Nest, extents: Sequence[int], fit: Fit) -> float:
    """About how many cycles the nest takes one way."""
    layout = Block(nest)
    layout.abreast = fit.abreast % nest.loops.depth
    return _cycles(layout, extents, nest.body)


def _cycles(layout: Block, extents: Sequence[int], body: Body) -> float:
    nest, total = layout.nest, 0.0
    for item in body.items:
        if isinstance(item, Pass):
            turns = extents[item.loop]
            if item.loop == layout.abreast:
                turns = -(-turns // layout.lanes)
            across = sum(layout.abreast in nest.values[at].over for at in item.folds)  # type: ignore[union-attr]
            squares = _turned(layout, item.body) * -(-extents[-1] // layout.lanes) if item.loop == layout.abreast else 0
            turn = _cycles(layout, extents, item.body) + TURN * layout.lanes * squares
            total += PASS + ACROSS * across + turns * turn
        elif isinstance(item, Get) and isinstance(buffer := nest.values[item.value], Buffer):
            apart = buffer.moves[layout.abreast] == FAR and item.value not in layout.turned[0]
            total += APART if apart else 1
        elif isinstance(item, Put):
            apart = nest.loops.writes[item.write].buffer.moves[layout.abreast] == FAR
            total += APART if apart and item.write not in layout.turned[1] else 1
        else:
            total += min(nest.cost(item), COSTLY) + isinstance(item, Add)
    return total


def _turned(layout: Block, body: Body) -> int:
    """How many reads and writes of a body have their rows turned into columns."""
    items, (reads, writes) = list(body.everything()), layout.turned
    return sum(Get(at) in items for at in reads) + sum(Put(at) in items for at in writes)
