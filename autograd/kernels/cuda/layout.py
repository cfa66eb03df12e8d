"""How the threads of a block lie over the loops of a nest, and in which ways they can.

A block is rows of threads: `across` of them side by side over the turns of one loop, `lines` of those over the turns of a loop
around it. Loop 0 is cut into chunks, one for each block, and one more loop can be cut among blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...kept import kept
from ..loop_passes import Nest, Row
from ..loops import Fold

WARP = 32
"""Threads that run in step and can read each other's registers."""
NONE = -1
"""No loop."""


@dataclass(frozen=True)
class Layout:
    """`abreast`: the loop dealt out to the threads of a line; `down`: the one dealt out to lines; `split`: the one cut among
    blocks, in pieces of one turn for every thread; `slots`: turns that a thread does at once, by 128 bits; `single`: loops of
    which no thread has more than one turn (of `slots`). `warp` is smaller on the simulator. `fours`: how many times `slots` turns a
    thread has under way at once, where there are many."""

    abreast: int = 0
    across: int = 1
    down: int = NONE
    lines: int = 1
    split: int = NONE
    slots: int = 1
    single: frozenset[int] = frozenset()
    warp: int = WARP
    fours: int = 1

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return self.across * self.lines

    @property
    def tile(self) -> int:
        """Turns of the loop `split` that a block has."""
        return self.across * self.slots if self.split == self.abreast else self.lines if self.split == self.down else 1


ALONE = Layout()
"""One thread for everything."""


class Lie:
    """A layout over a nest: what of it stays in the registers of threads, and whether it is right at all."""

    def __init__(self, nest: Nest, layout: Layout) -> None:
        self.nest, self.layout, self.loops = nest, layout, nest.loops

    @kept
    def held(self) -> frozenset[int]:
        """Rows of folds of which every thread has one place at most (or `slots`), in a register."""
        single = self.layout.single
        return frozenset(
            at for at, row in enumerate(self.nest.rows) if all(each in single for each in row.kept if each > row.first)
        )

    @kept
    def late(self) -> frozenset[int]:
        """Folds whose threads' shares go into a row as they are, and are put together when the row is."""
        first = len(self.loops.reads) + len(self.loops.steps)
        return frozenset(self.nest.rows[at].operand for at in self.held if self.nest.rows[at].operand >= first)

    @kept
    def remembered(self) -> frozenset[int]:
        """Kept values that every thread still has in a register when a later pass wants them."""
        return frozenset(at for at, loops in self.nest.kept.items() if self.layout.single.issuperset(loops))

    @property
    def apart(self) -> list[int]:
        """Kept values that go through working memory of their own."""
        return [at for at in self.nest.kept if at not in self.nest.reloaded and at not in self.remembered]

    def owners(self, at: int) -> list[tuple[str, int]]:
        """Who has places of their own for a kept value, and how many they are: every `line`, every thread `x` of a line. They
        do not wait for each other, and may be at different turns of the loops that the value varies over."""
        layout, nest = self.layout, self.nest
        if set(nest.kept[at]) == set(nest.varies[at]):
            return []  # All put the same number into the same place.
        dealt = (("line", layout.down, layout.lines), ("x", layout.abreast, layout.across))
        return [
            (name, count)
            for name, loop, count in dealt
            if count > 1 and loop < nest.depths[at] and loop not in nest.kept[at]
        ]

    def over(self, row: Row) -> set[int]:
        """All loops that a row of folds is folded over."""
        operand = self.nest.values[row.operand]
        return {*row.over, *(operand.over if isinstance(operand, Fold) and row.operand in self.late else ())}

    @property
    def is_right(self) -> bool:
        """Whether every number comes out as it should: who adds to a place owns it, and nobody waits for others in a place
        that not all of them reach."""
        layout = self.layout
        return (
            (layout.across == 1 or self._deals(layout.abreast))
            and (layout.lines == 1 or (layout.down < layout.abreast and self._deals(layout.down) and self._meets()))
            and (layout.split == NONE or self._splits())
        )

    def _deals(self, loop: int) -> bool:
        """Whether a loop can be dealt out to threads: no row of folds in memory is added to by more than one of them."""
        rows = [row for at, row in enumerate(self.nest.rows) if at not in self.held]
        return all(loop in row.kept or loop > row.kept[-1] for row in rows)

    def _meets(self) -> bool:
        """Whether lines, which have different numbers of turns, need not wait for each other in the middle of one: lines of
        one warp wait by themselves."""
        layout, nest = self.layout, self.nest
        if layout.across <= layout.warp:
            return True
        narrow = [
            at for at in range(len(nest.values)) if layout.abreast not in nest.varies[at] and nest.depths[at] > layout.down
        ]
        alone = any(layout.abreast in self.over(nest.rows[at]) and nest.rows[at].first > layout.down for at in self.held)
        return not alone and not any(
            at in nest.kept
            or (isinstance(value := nest.values[at], Fold) and layout.abreast in value.over and at not in self.late)
            or any(write.value == at and write.buffer in self.loops.reads for write in self.loops.writes)
            for at in narrow
        )

    def _splits(self) -> bool:
        """Whether blocks can each have some turns of a loop: nothing is folded over it, nothing written without it."""
        split, nest = self.layout.split, self.nest
        return (
            split > 0
            and not self.apart
            and all(split in nest.varies[write.value] for write in self.loops.writes)
            and not any(isinstance(value, Fold) and split in value.over for value in nest.values)
            and not any(split in row.over for row in nest.rows)
        )


def singles(layout: Layout, sizes: Sequence[int]) -> frozenset[int]:
    """The loops of which no thread has more than one turn."""
    found = {layout.split} - {NONE}
    if layout.abreast and sizes and sizes[layout.abreast] <= layout.across * layout.slots:
        found.add(layout.abreast)
    if layout.down > 0 and sizes[layout.down] <= layout.lines:
        found.add(layout.down)
    ragged = layout.slots > 1 and sizes[layout.abreast] % layout.slots
    return frozenset(found - ({layout.abreast} if ragged else set()))
