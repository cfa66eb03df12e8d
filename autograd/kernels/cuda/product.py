"""Matrix products on a GPU: C[i, j] (+)= Σ_k A[i, k]·B[k, j], for any strides and any stack of matrices.

A block of threads computes one tile of C. It brings a slice of A and one of B into shared memory, A with its rows side by
side, and every thread adds up its own squares of 4×4 numbers in registers. Where numbers lie four by four in memory they are
moved four at a time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ..loops import Loops
from .arguments import Argument, first_of, of_view, whole_number
from .nest import CudaNest, Draw, nest
from .nest_text import once, opening

NAMES = (
    "a", "a_first", "b", "b_first", "c", "c_first", "rows", "columns", "depth", "a_row", "a_depth", "b_depth", "b_column",
    "c_row", "c_column", "near", "a_near", "b_near", "c_near", "a_far", "b_far", "c_far", "turns", "a_turn", "b_turn",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tile:
    """The part of C that a block computes, and how: `height` × `width` numbers, of which a thread has `tall` × `wide` (both
    multiples of 4), in slices of `deep` numbers of the depth, `unrolled` of them without a jump."""

    height: int
    width: int
    deep: int
    tall: int = 4
    wide: int = 4
    unrolled: int = 16

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return self.height // self.tall * (self.width // self.wide)


SMALL, MIDDLE, LARGE = Tile(16, 16, 16, unrolled=4), Tile(64, 64, 16), Tile(128, 128, 16, 8, 8)


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


@dataclass(frozen=True, slots=True)
class Form:
    """What a product's kernel is made for. `a` and `b`: along which loop their numbers lie side by side, "depth" or "rows"
    (of b, "columns"), and with a 4 behind it where all of it goes four by four. `c_four`: the same of c, along its columns.
    `add`: to what C holds. `keeps`: C is written, as others than the epilogues read it."""

    tile: Tile
    dtype: str
    a: str
    b: str
    c_four: bool
    add: bool
    keeps: bool = True
    epilogues: tuple[Epilogue, ...] = ()


@dataclass(frozen=True)
class CudaProduct:
    """The code of a product on a GPU."""

    form: Form
    is_ready = True
    name = "product"

    def text(self) -> str:
        """The kernel as Python for numba.cuda."""
        return text(self.form)

    def names(self) -> Sequence[str]:
        """The kernel's arguments, then those of the epilogues."""
        return names_of(self.form)

    def threads(self) -> int:
        """Threads of a block."""
        return self.form.tile.threads


def block(way: Any, a: Any, b: Any, c: Any, near: Any, far: Any, second: Any) -> list[Argument]:
    """The kernel's arguments; see NAMES."""
    strides = [way.rows.a, way.depth.a, way.depth.b, way.columns.b, way.rows.c, way.columns.c]
    stack = [near.a, near.b, near.c, far.a, far.b, far.c]
    words = [each for view in (a, b, c) for each in (of_view(view), first_of(view))]
    words += [whole_number(loop.size) for loop in (way.rows, way.columns, way.depth)]
    words += [Argument("int32", stride) for stride in strides]
    words.append(whole_number(near.size))
    words += [Argument("int32", stride) for stride in stack]
    return [*words, whole_number(second.size), Argument("int32", second.a), Argument("int32", second.b)]


def names_of(form: Form) -> list[str]:
    """The arguments of a form's kernel."""
    more = [renamed(name, at) for at, each in enumerate(form.epilogues) for name in each.code.names()]
    return [*NAMES, *more]


@cache
def text(form: Form) -> str:
    """The kernel of a form."""
    tile, number = form.tile, form.dtype
    across, threads = tile.width // tile.wide, tile.threads
    lines = _Lines()
    say = lines.say
    say(f"def kernel({', '.join(names_of(form))}):")
    lines.indent = 1
    say(f"slice_a = cuda.shared.array({tile.deep * tile.height}, {number})")
    say(f"slice_b = cuda.shared.array({tile.deep * tile.width}, {number})")
    say(f"sums = cuda.local.array({tile.tall * tile.wide}, {number})")
    say(f"x = cuda.local.array({tile.tall}, {number})")
    say(f"y = cuda.local.array({tile.wide}, {number})")
    say("thread = uint32(cuda.threadIdx.x)")
    say(f"mine_i = uint32(uint32(thread // uint32({across})) * uint32(4))")
    say(f"mine_j = uint32(uint32(thread % uint32({across})) * uint32(4))")
    say(f"row = uint32(cuda.blockIdx.y * {tile.height})")
    say(f"column = uint32(cuda.blockIdx.x * {tile.width})")
    say("far = uint32(uint32(cuda.blockIdx.z) // near)")
    say("within = uint32(uint32(cuda.blockIdx.z) - far * near)")
    for each in "abc":
        say(f"{each}_here = uint32({each}_first + within * {each}_near + far * {each}_far)")
    with lines.under(f"for each in range({tile.tall * tile.wide}):"):
        say(f"sums[each] = {number}(0)")
    say("turn = uint32(0)")
    with lines.under("while turn < turns:"):
        _prepare(lines, "a", form.a, tile.height, "row", "rows", "a_row", tile.deep, threads)
        _prepare(lines, "b", form.b, tile.width, "column", "columns", "b_column", tile.deep, threads)
        say("k = uint32(0)")
        with lines.under("while k < depth:"):
            _fetch(lines, "a", form.a, tile.height, tile.deep, threads, number)
            _fetch(lines, "b", form.b, tile.width, tile.deep, threads, number)
            say("cuda.syncthreads()")
            _multiply(lines, tile, number)
            say("cuda.syncthreads()")
            say(f"k = uint32(k + uint32({tile.deep}))")
        say("a_here = uint32(a_here + a_turn)")
        say("b_here = uint32(b_here + b_turn)")
        say("turn = uint32(turn + uint32(1))")
    _store(lines, form)
    return "\n".join(lines.lines) + "\n"


class _Lines:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.indent = 0

    def say(self, line: str) -> None:
        self.lines.append("    " * self.indent + line)

    def under(self, head: str) -> _Lines:
        self.say(head)
        return self

    def __enter__(self) -> None:
        self.indent += 1

    def __exit__(self, *_: object) -> None:
        self.indent -= 1


def _prepare(
    lines: _Lines, name: str, lies: str, size: int, first: str, limit: str, by: str, deep: int, threads: int
) -> None:  # fmt: skip
    """Which numbers of a slice a thread brings: where they lie at the beginning of the depth, where they go to."""
    say, step = lines.say, 4 if lies.endswith("4") else 1
    for load in range(size * deep // step // threads):
        say(f"at = uint32(thread + uint32({load * threads}))")
        if lies.startswith("depth"):
            say(f"e = uint32(at // uint32({deep // step}))")
            say(f"{name}_k{load} = uint32(at % uint32({deep // step}) * uint32({step}))")
        else:
            say(f"e = uint32(at % uint32({size // step}) * uint32({step}))")
            say(f"{name}_k{load} = uint32(at // uint32({size // step}))")
        say(f"{name}_at{load} = uint32({name}_here + ({first} + e) * {by} + {name}_k{load} * {name}_depth)")
        say(f"{name}_to{load} = uint32({name}_k{load} * uint32({size}) + e)")
        # Outside the matrix no number is in front of the end of the depth.
        say(f"{name}_end{load} = depth if {first} + e < {limit} else uint32(0)")


def _fetch(lines: _Lines, name: str, lies: str, size: int, deep: int, threads: int, number: str) -> None:
    """A slice of an operand into shared memory, `size` numbers for each of the depth; zeros outside the matrix."""
    say, four = lines.say, lies.endswith("4")
    step = 4 if four else 1
    for load in range(size * deep // step // threads):
        say(", ".join(f"{name}{each}" for each in range(step)) + " = " + ", ".join([f"{number}(0)"] * step))
        with lines.under(f"if uint32(k + {name}_k{load}) < {name}_end{load}:"):
            place = f"uint32({name}_at{load} + k * {name}_depth)"
            if four:
                say(f"{name}0, {name}1, {name}2, {name}3 = ld4({name}, {place})")
            else:
                say(f"{name}0 = {name}[{place}]")
        if not four:
            say(f"slice_{name}[{name}_to{load}] = {name}0")
        elif lies.startswith("depth"):
            for each in range(4):
                say(f"slice_{name}[uint32({name}_to{load} + uint32({each * size}))] = {name}{each}")
        else:
            say(f"st4(slice_{name}, {name}_to{load}, {name}0, {name}1, {name}2, {name}3)")


def _multiply(lines: _Lines, tile: Tile, number: str) -> None:
    """All products of one slice, some steps of the depth without a jump."""
    say = lines.say
    say("of_x, of_y = mine_i, mine_j")
    if tile.unrolled < tile.deep:
        say("kk = uint32(0)")
        with lines.under(f"while kk < uint32({tile.deep}):"):
            _steps(lines, tile, number)
            say(f"of_x = uint32(of_x + uint32({tile.unrolled * tile.height}))")
            say(f"of_y = uint32(of_y + uint32({tile.unrolled * tile.width}))")
            say(f"kk = uint32(kk + uint32({tile.unrolled}))")
    else:
        _steps(lines, tile, number)


def _steps(lines: _Lines, tile: Tile, number: str) -> None:
    for step in range(tile.unrolled):
        _fragment(lines, "x", "slice_a", "of_x", step, tile.height, tile.tall, number)
        _fragment(lines, "y", "slice_b", "of_y", step, tile.width, tile.wide, number)
        with lines.under(f"for i in range({tile.tall}):"), lines.under(f"for j in range({tile.wide}):"):
            lines.say(f"sums[i * {tile.wide} + j] += x[i] * y[j]")


def _fragment(
    lines: _Lines, to: str, source: str, first: str, step: int, size: int, count: int, number: str
) -> None:  # fmt: skip
    """A thread's numbers of one step of the depth: squares of four that lie apart, so that threads side by side read from
    all banks of the shared memory."""
    squares = count // 4
    for square in range(squares):
        place = f"uint32({first} + uint32({step * size + square * (size // squares)}))"
        numbers = ", ".join(f"{to}[{4 * square + each}]" for each in range(4))
        if number == "float32":
            lines.say(f"{numbers} = ld4({source}, {place})")
        else:
            for each in range(4):
                lines.say(f"{to}[{4 * square + each}] = {source}[uint32({place} + uint32({each}))]")


def _store(lines: _Lines, form: Form) -> None:
    """A thread's sums into C."""
    say, tile = lines.say, form.tile
    up, across = tile.tall // 4, tile.wide // 4
    for number_, epilogue in enumerate(form.epilogues):
        for line in opening(epilogue.code):
            say(renamed(line, number_))
    for square in range(up):
        with lines.under("for i in range(4):"):
            say(f"in_row = uint32(row + mine_i + uint32({square * (tile.height // up)}) + uint32(i))")
            with lines.under("if in_row < rows:"):
                for other in range(across):
                    say(f"in_column = uint32(column + mine_j + uint32({other * (tile.width // across)}))")
                    at = f"(i + {4 * square}) * {tile.wide} + {4 * other}"
                    if form.c_four and not form.epilogues:
                        with lines.under("if in_column < columns:"):
                            say("place = uint32(c_here + in_row * c_row + in_column)")
                            sums = [f"sums[{at} + {each}]" for each in range(4)]
                            if form.add:
                                say("c0, c1, c2, c3 = ld4(c, place)")
                                sums = [f"c{each} + {sum_}" for each, sum_ in enumerate(sums)]
                            say(f"st4(c, place, {', '.join(sums)})")
                        continue
                    with lines.under("for j in range(4):"), lines.under("if in_column + uint32(j) < columns:"):
                        say("place = uint32(c_here + in_row * c_row + (in_column + uint32(j)) * c_column)")
                        say(f"result = {'c[place] + ' if form.add else ''}sums[{at} + j]")
                        if form.keeps:
                            say("c[place] = result")
                        for number_, epilogue in enumerate(form.epilogues):
                            for line in _finishing(epilogue, number_):
                                say(line)


def _finishing(epilogue: Epilogue, number: int) -> list[str]:
    """What an epilogue does with `result`, the number of C in row `in_row` and column `in_column + j`."""
    lines = ["in_all = uint32(uint32(cuda.blockIdx.z) * rows + in_row)"]
    turns = ["i0 = in_all", "i1 = uint32(in_column + uint32(j))"]
    if epilogue.loops.depth == 1:
        turns = ["i0 = uint32(in_all * columns + in_column + uint32(j))"]
    return lines + [
        renamed(line, number)
        for line in [*turns, *once(epilogue.code, dict.fromkeys(epilogue.results, "result"))]
    ]


def renamed(text: str, number: int) -> str:
    """A text of a nest whose names are those of one of several epilogues."""
    return re.sub(r"\b([rwnvi]\d+\w*|chunk)\b", rf"e{number}_\1", text)


def form_of(way: Any, views: Sequence[Any], near: Any, far: Any, second: Any, add: bool, tile: Tile) -> Form:
    """The kernel for a product: how its operands lie."""
    a, b, c = views
    single = c.dtype == np.float32

    def fours(view: Any, size: int, strides: Sequence[int]) -> bool:
        return single and size % 4 == 0 and view.offset % 4 == 0 and all(each % 4 == 0 for each in strides)

    a_stack, b_stack = [near.a, far.a, second.a], [near.b, far.b, second.b]
    a_lies, b_lies = "rows", "columns"
    if way.depth.a == 1 or (way.rows.a != 1 and way.depth.size > 1 and way.rows.size == 1):
        a_lies = "depth"
    if way.depth.b == 1 and way.columns.b != 1:
        b_lies = "depth"
    a_far, b_far = (way.rows.a, way.depth.size) if a_lies == "depth" else (way.depth.a, way.rows.size), None
    if (way.depth.a if a_lies == "depth" else way.rows.a) == 1 and fours(a, a_far[1], [a_far[0], *a_stack]):
        a_lies += "4"
    b_far = (way.columns.b, way.depth.size) if b_lies == "depth" else (way.depth.b, way.columns.size)
    if (way.depth.b if b_lies == "depth" else way.columns.b) == 1 and fours(b, b_far[1], [b_far[0], *b_stack]):
        b_lies += "4"
    c_four = way.columns.c == 1 and fours(c, way.columns.size, [way.rows.c, near.c, far.c])
    return Form(tile, c.dtype.name, a_lies, b_lies, c_four, add)
