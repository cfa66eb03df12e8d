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
    """A nest that is run on every number of C as soon as it is known; `results`: which of its reads are C; `draws`: which
    it makes itself."""

    loops: Loops
    results: frozenset[int]
    draws: tuple[Draw, ...] = ()

    @property
    def code(self) -> CudaNest:
        """The nest's code."""
        return nest(self.loops, self.draws)


class Places(Protocol):
    """Where the numbers of C lie. Another product, say a convolution, gives places of its own."""

    four: bool
    """Whether four columns lie side by side, and where they begin is a multiple of four, so that they move by 128 bits."""

    def of_row(self, lines: Lines) -> None:
        """What is known of row `in_row` of C."""

    def place(self, column: str) -> str:
        """The index in `c` of the number in this column of row `in_row`."""


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
    """What an epilogue does with `result`, the number of C in row `in_row` and column `in_column + j`."""
    lines = ["in_all = uint32(uint32(cuda.blockIdx.z) * rows + in_row)"]
    turns = ["i0 = in_all", "i1 = uint32(in_column + uint32(j))"]
    if epilogue.loops.depth == 1:
        turns = ["i0 = uint32(in_all * columns + in_column + uint32(j))"]
    done = once(epilogue.code, dict.fromkeys(epilogue.results, "result"))
    return lines + [renamed(line, number) for line in [*turns, *done]]


def names_of(epilogues: Sequence[Epilogue]) -> list[str]:
    """The arguments of epilogues."""
    return [renamed(name, at) for at, each in enumerate(epilogues) for name in each.code.names()]


def renamed(text: str, number: int) -> str:
    """A text of a nest whose names are those of one of several epilogues."""
    return re.sub(r"\b([rwnvi]\d+\w*|chunk)\b", rf"e{number}_\1", text)
