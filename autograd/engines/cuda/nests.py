"""How nests are laid over a GPU: which loop goes to threads, which to lines of threads, which to blocks, and how many rows make
a chunk. Every way that is right is given a cost in rough cycles; these are a guess until a GPU is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from ...kernels.cuda.arguments import in_fours
from ...kernels.cuda.layout import ALONE, NONE, Layout, Lie, singles
from ...kernels.cuda.nest import passes_of
from ...kernels.loop_passes import Get, Nest
from ...kernels.loops import FAR, NEXT, Buffer, Fold, Loops
from ..compiled.calls import View

LONG = 16
"""A loop of at least so many turns is gone through four at a time."""
MANY, FEW, FOURS = 1 << 21, 4, 2
"""From so many numbers on, of so few reads, a thread has two reads of each under way before it computes."""
MOST_PIECES = 65535
"""Pieces of a loop that is cut among blocks besides the first: a GPU's limit."""
APART, STAYS = 8.0, 0.25
"""What it costs to reach numbers that lie apart, or one number for all, where side by side is 1."""
TURN, MEETING, MOVED, BEGUN, AGAIN = 600, 80, 5, 40, 3000
"""Cycles: until a number comes from memory, for a barrier with what stands around it, for what 32 threads move in one access,
for a block to begin, and for another kernel, which puts partial results together."""
WIDE = 0.85
"""What is left of the cycles where four numbers are moved at once."""
EACH = 16
"""Numbers read for every partial result, at least."""


@dataclass(frozen=True)
class Chip:
    """What is to be kept busy: so many processors, each with room for so many threads; threads of a block, at most."""

    processors: int = 132
    room: int = 2048
    most: int = 256
    warp: int = 32
    simulated: bool = False


GPU, SIMULATED = Chip(), Chip(1, 8, 8, 4, True)


def laid(loops: Loops, sizes: Sequence[int], places: Sequence[tuple[View, Sequence[int]]], chip: Chip) -> Layout:
    """The layout that costs least."""
    fours = bool(sizes) and sizes[-1] >= LONG and all(map(_by_four, buffers(loops), places))
    return _laid(Loops(loops.depth, loops.reads, loops.steps, loops.writes), tuple(sizes), fours, chip)


@lru_cache(4096)
def _laid(loops: Loops, sizes: tuple[int, ...], fours: bool, chip: Chip) -> Layout:
    nest = passes_of(loops)
    costs = ((_cycles(nest, layout, sizes, chip), at, layout) for at, layout in enumerate(_ways(nest, sizes, fours, chip)))
    layout = min(costs, default=(0.0, 0, ALONE))[-1]
    many = chip.most * FOURS if chip.simulated else MANY
    if loops.depth == 1 and layout.slots > 1 and sizes[0] >= many and len(loops.reads) <= FEW:
        return replace(layout, fours=FOURS)
    return layout


def _ways(nest: Nest, sizes: tuple[int, ...], fours: bool, chip: Chip) -> Iterator[Layout]:
    """Layouts that are right and not idle."""
    depth = nest.loops.depth
    for abreast in {at for at in range(depth) if at == depth - 1 or any(each.moves[at] == NEXT for each in buffers(nest.loops))}:
        for slots in (4, 1) if fours and abreast == depth - 1 else (1,):
            needed = _power(-(-sizes[abreast] // slots))
            for across in {min(needed, width) for width in (chip.warp, 2 * chip.warp, 4 * chip.warp, chip.most) if width <= chip.most}:
                for split in range(depth):
                    yield from _lines(nest, sizes, Layout(abreast, across, split=split or NONE, slots=slots, warp=chip.warp), chip)


def _lines(nest: Nest, sizes: tuple[int, ...], layout: Layout, chip: Chip) -> Iterator[Layout]:
    """A layout with as many lines of threads as may serve."""
    ways = [layout]
    for down in range(layout.abreast):
        most = min(chip.most // layout.across, _power(sizes[down]))
        counts = {min(most, max(1, threads // layout.across)) for threads in (64, 128, chip.most)} - {1}
        ways += [replace(layout, down=down, lines=count) for count in counts]
    for way in ways:
        made = replace(way, single=singles(way, sizes))
        pieces = _pieces(made, sizes)
        if pieces <= MOST_PIECES and Lie(nest, made).is_right:
            yield made


def _power(number: int) -> int:
    """The next power of two."""
    return 1 << max(0, number - 1).bit_length()


def _pieces(layout: Layout, sizes: Sequence[int]) -> int:
    return 1 if layout.split == NONE else -(-sizes[layout.split] // layout.tile)


def rows_of(nest: Nest, layout: Layout, sizes: Sequence[int], chip: Chip) -> int:
    """How many rows a block has."""
    rows = sizes[0] if sizes else 1
    if nest.whole or rows < 2:
        return rows
    unit = layout.across * layout.slots * layout.fours if layout.abreast == 0 else layout.lines if layout.down == 0 else 1
    if chip.simulated:
        return min(rows, -(-rows // 2 // unit) * unit)
    blocks = chip.processors * chip.room // max(layout.threads, 64)
    least = 1
    if nest.partial:
        kept = max(prod(sizes[at] for at in nest.varies[nest.loops.writes[each].value]) for each in nest.partial)
        least = -(-EACH * kept // max(1, prod(sizes[1:])))
    else:
        blocks *= 4  # of many, none is late for long
    units = max(-(-least // unit), -(-rows * _pieces(layout, sizes) // (unit * blocks)))
    return min(rows, max(1, units) * unit)


def _cycles(nest: Nest, layout: Layout, sizes: tuple[int, ...], chip: Chip) -> float:
    """About how many cycles a nest takes, laid so."""
    lie, rows = Lie(nest, layout), rows_of(nest, layout, sizes, chip)
    chunks = -(-sizes[0] // rows)
    blocks = chunks * _pieces(layout, sizes)
    turns, lines_turns = 1, 1
    for loop in range(nest.loops.depth):
        count = 1 if loop == layout.split else rows if loop == 0 else sizes[loop]
        dealt = layout.across * layout.slots if loop == layout.abreast else layout.lines if loop == layout.down else 1
        count = -(-count // dealt) if loop != layout.split else 1
        turns *= count
        lines_turns *= 1 if loop >= layout.abreast else count
    moved = turns * layout.slots * _accesses(nest, layout, lie) * MOVED * (WIDE if layout.slots > 1 else 1)
    busy = -(-blocks // chip.processors) * (-(-layout.threads // chip.warp) * moved + BEGUN)
    waves = -(-blocks * max(layout.threads, 2 * chip.warp) // (chip.processors * chip.room))
    meets = layout.across > layout.warp and any(
        isinstance(value, Fold) and layout.abreast in value.over and at not in lie.late for at, value in enumerate(nest.values)
    )
    late = waves * (turns * TURN + (lines_turns * MEETING if meets else 0))
    if chip.simulated:
        # Every thread is one of Python, which is slow to begin and to wait.
        return blocks * layout.threads * (1 + turns / 8) + 20.0 * blocks * lines_turns * meets
    return max(busy, late) + 0.1 * min(busy, late) + (AGAIN + 20.0 * chunks if nest.partial and chunks > 1 else 0)


def _accesses(nest: Nest, layout: Layout, lie: Lie) -> float:
    """What is read and written in a turn of all loops."""
    gets = [item.value for item in nest.body.everything() if isinstance(item, Get) and item.value < len(nest.loops.reads)]
    if layout.abreast in layout.single:
        gets = list(dict.fromkeys(gets))
    moved = [nest.loops.reads[at] for at in gets] + [write.buffer for write in nest.loops.writes]
    total = sum(_access(buffer, layout) for buffer in moved)
    return total + 2 * len(lie.apart) + 16 * (len(nest.rows) - len(lie.held)) + 0.5


def _access(buffer: Buffer, layout: Layout) -> float:
    move = buffer.moves[layout.abreast]
    return (1 if move == NEXT else APART if move == FAR else STAYS) * np.dtype(buffer.dtype).itemsize / 4


def buffers(loops: Loops) -> list[Buffer]:
    """Everything a nest reads and writes."""
    return [*loops.reads, *(write.buffer for write in loops.writes)]


def _by_four(buffer: Buffer, place: tuple[Any, Sequence[int]]) -> bool:
    """Whether a buffer's numbers can be moved by 128 bits, where they are moved along the innermost loop at all."""
    view, far = place
    if buffer.dtype != "float32" or buffer.moves[-1] != NEXT:
        return True
    return in_fours(view) and all(each % 4 == 0 and each >= 0 for each in far)
