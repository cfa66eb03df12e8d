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


@dataclass(frozen=True, slots=True)
class Epilogue:
    """A nest that is run on every number of C as soon as it is known; `results`: which of its reads are C; `turns`: the turn of
    each of its loops, in the words of Places.counted; `draws`: which reads it makes itself."""

    loops: Loops
    results: frozenset[int]
    turns: tuple[str, ...]
    draws: tuple[Draw, ...] = ()

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
        """Lines that say, which number of the whole result that is."""


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
        return ["in_all = uint32(uint32(cuda.blockIdx.z) * rows + in_row)", f"in_one = {column}"]


def store(
    lines: Lines, tile: Tile, places: Places, *, add: bool, keeps: bool, epilogues: Sequence[Epilogue]
) -> None:  # fmt: skip
    """A thread's sums into C, or added to it; not into C itself when only the epilogues take them."""
    say = lines.say
    for number, epilogue in enumerate(epilogues):
        say(*(renamed(line, number) for line in opening(epilogue.code)))
    for down, beside, i, j in tile.squares():
        with lines.under("for i in range(4):"):
            say(f"in_row = uint32(row + mine_i + uint32({down}) + uint32(i))")
            with lines.under("if in_row < rows:"):
                places.of_row(lines)
                say(f"in_column = uint32(column + mine_j + uint32({beside}))")
                at = f"(i + {i}) * {tile.wide} + {j}"
                if places.four and not epilogues:
                    with lines.under("if in_column < columns:"):
                        _four(lines, places, at, add)
                    continue
                with lines.under("for j in range(4):"), lines.under("if in_column + uint32(j) < columns:"):
                    say(f"place = {places.place('uint32(in_column + uint32(j))')}")
                    say(f"result = {'c[place] + ' if add else ''}sums[{at} + j]")
                    if keeps:
                        say("c[place] = result")
                    if epilogues:
                        say(*places.counted("uint32(in_column + uint32(j))"))
                    for number, epilogue in enumerate(epilogues):
                        say(*_finishing(epilogue, number))


def _four(lines: Lines, places: Places, at: str, add: bool) -> None:
    lines.say(f"place = {places.place('in_column')}")
    sums = [f"sums[{at} + {each}]" for each in range(4)]
    if add:
        lines.say("c0, c1, c2, c3 = ld4(c, place)")
        sums = [f"c{each} + {sum_}" for each, sum_ in enumerate(sums)]
    lines.say(f"st4(c, place, {together(sums)})")


def _finishing(epilogue: Epilogue, number: int) -> list[str]:
    """What an epilogue does with `result`, one number of C."""
    turns = [f"i{loop} = uint32({turn})" for loop, turn in enumerate(epilogue.turns)]
    done = once(epilogue.code, dict.fromkeys(epilogue.results, "result"))
    return [renamed(line, number) for line in [*turns, *done]]


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
