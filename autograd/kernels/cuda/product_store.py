"""The last stage of a product: a thread's sums into C, and through the epilogues that are run while they are in registers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..loops import Loops
from .lines import Lines, together
from .nest import CudaNest, Draw, nest
from .nest_text import once, opening
from .product_tiles import Tile
from .tensor import TensorTile


@dataclass(frozen=True, slots=True)
class Epilogue:
    """A nest that is run on every number of C as soon as it is known; `results`: which of its reads are C; `turns`: the turn of
    each of its loops, in the words of Places.counted; `draws`: which reads it makes itself; `four`: what it moves side by side
    lies so that four numbers move at once."""

    loops: Loops
    results: frozenset[int]
    turns: tuple[str, ...]
    draws: tuple[Draw, ...] = ()
    four: bool = False

    @property
    def code(self) -> CudaNest:
        """The nest's code."""
        return nest(self.loops, draws=self.draws)


class Places(Protocol):
    """Where the numbers of C lie. Another product, say a convolution, gives places of its own."""

    @property
    def four(self) -> bool:
        """Whether four columns lie side by side, and where they begin is a multiple of four, so that they move by 128 bits."""

    def of_row(self, lines: Lines) -> None:
        """What is known of row `in_row` of C."""

    def place(self, column: str) -> str:
        """The index in `c` of the number in this column of row `in_row`."""

    def counted(self, column: str) -> list[str]:
        """Lines that say which number of the whole result that is."""


@dataclass(frozen=True, slots=True)
class Strided:
    """Places by strides; see Places."""

    four: bool

    def of_row(self, lines: Lines) -> None:
        """See Places."""
        lines.say("of_row = uint32(c_here + in_row * c_row)")

    def place(self, column: str) -> str:
        """See Places."""
        return f"uint32(of_row + {column})" if self.four else f"uint32(of_row + ({column}) * c_column)"

    def counted(self, column: str) -> list[str]:
        """See Places. Rows are counted through the stack."""
        return ["in_all = uint32(matrix * rows + in_row)", f"in_one = {column}"]


@dataclass(frozen=True, slots=True)
class Store:
    """What is done with numbers of C when they are known. `add`: they are added to what C holds; `keeps`: they are written
    to C, as others than the epilogues read it."""

    places: Places
    add: bool = False
    keeps: bool = True
    epilogues: Sequence[Epilogue] = ()

    def opening(self, lines: Lines) -> None:
        """What is known before any number is."""
        for number, epilogue in enumerate(self.epilogues):
            lines.say(*(renamed(line, number) for line in opening(epilogue.code)))

    def four(self, lines: Lines, sums: Sequence[str]) -> None:
        """Four numbers, those of row `in_row` from column `in_column` on, which is a multiple of four; nothing happens
        outside of C."""
        if not self.places.four or not all(each.four for each in self.epilogues):
            for beside, number in enumerate(sums):
                self.one(lines, number, f"uint32(in_column + uint32({beside}))")
            return
        with lines.under("if in_column < columns:"):
            results = [f"result_{each}" for each in range(4)]
            lines.say(f"place = {self.places.place('in_column')}")
            if self.add:
                lines.say("c0, c1, c2, c3 = ld4(c, place)")
                sums = [f"c{each} + {number}" for each, number in enumerate(sums)]
            lines.say(*(f"{result} = {number}" for result, number in zip(results, sums, strict=True)))
            if self.keeps:
                lines.say(f"st4(c, place, {together(results)})")
            self._epilogues(lines, "in_column", 4)

    def one(self, lines: Lines, number: str, column: str) -> None:
        """One number, that of row `in_row` in a column."""
        lines.say(f"at_column = {column}")
        with lines.under("if at_column < columns:"):
            lines.say(f"place = {self.places.place('at_column')}")
            lines.say(f"result = {'c[place] + ' if self.add else ''}{number}")
            if self.keeps:
                lines.say("c[place] = result")
            self._epilogues(lines, "at_column", 1)

    def _epilogues(self, lines: Lines, column: str, slots: int) -> None:
        """What the epilogues do with `result`, or with four of them."""
        if self.epilogues:
            lines.say(*self.places.counted(column))
        for number, epilogue in enumerate(self.epilogues):
            turns = [f"i{loop} = uint32({turn})" for loop, turn in enumerate(epilogue.turns)]
            done = once(epilogue.code, dict.fromkeys(epilogue.results, "result"), slots)
            lines.say(*(renamed(line, number) for line in [*turns, *done]))


def store(
    lines: Lines, tile: Tile | TensorTile, places: Places, *, add: bool, keeps: bool, epilogues: Sequence[Epilogue]
) -> None:  # fmt: skip
    """All sums of a thread, as Store says."""
    made = Store(places, add, keeps, epilogues)
    made.opening(lines)
    for down, i in tile.squares_down:
        with lines.under(f"for i in range({tile.run}):"):
            lines.say(f"in_row = uint32(row + mine_i + uint32({down}) + uint32(i))")
            with lines.under("if in_row < rows:"):
                places.of_row(lines)
                for beside, j in tile.squares_across:
                    lines.say(f"in_column = uint32(column + mine_j + uint32({beside}))")
                    made.four(lines, [f"sums[(i + {i}) * {tile.wide} + {j + each}]" for each in range(4)])


Counts = Sequence[tuple[int, str, str]]
"""How a result is counted: so many of these, in each so many of those … Of each how many, which one (a word of
Places.counted), and the argument that says how many."""


def turns(counts: Counts, sizes: Sequence[int]) -> tuple[str, ...] | None:
    """The turns of a nest's loops over a result; None where a loop does not go through some of its counts and nothing else."""
    found, rest = list[str](), list(counts)
    for size in sizes:
        done, turn = 1, "0"
        while rest and done < size:
            count, name, many = rest.pop(0)
            done, turn = done * count, name if done == 1 else f"uint32({turn} * {many} + {name})"
        if done != size:
            return None
        found.append(turn)
    return tuple(found) if all(count == 1 for count, _, _ in rest) else None


def names_of(epilogues: Sequence[Epilogue]) -> list[str]:
    """The arguments of epilogues."""
    return [renamed(name, at) for at, each in enumerate(epilogues) for name in each.code.names()]


def renamed(text: str, number: int) -> str:
    """A text of a nest whose names are those of one of several epilogues."""
    return re.sub(r"\b([rwnvi]\d+\w*|chunk)\b", rf"e{number}_\1", text)
