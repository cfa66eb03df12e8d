"""A product's or a convolution's kernel in short: the same tiles and the same threads, number by number and slice after slice.

It is made from what the compiled text is made from: the tile, the loops of the sum, and the loops behind it. Left out is what only
makes it faster: that numbers are moved four at a time, and that the next slice is on its way while one is multiplied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from ..engines.compiled.calls import Call, View
from ..engines.cuda.launch import Launched
from ..kernels.cuda.convolution import CudaConvolution
from ..kernels.cuda.lines import Lines
from ..kernels.cuda.product import CudaProduct
from ..kernels.cuda.product_tiles import Tile
from ..language import N_, translate
from ..node import Node
from ..sizes import shape_text
from .behind import behind
from .named import Named, sum_in
from .sums import Sum, entry

LETTERS = "ijpquvxy"
"""For the sums of a thread: the first two that the sum does not use itself."""


class Short:
    """What the text is put together from. `rows`, `columns`, `depth`, `stack`: the letters of the sum that the tile's rows, its
    columns, its slices and the stack of results go through; `a`, `b`: the factors by rows and by columns."""

    def __init__(self, call: Call, how: Launched, total: Sum, named: Named) -> None:
        self.call, self.how, self.total, self.named = call, how, total, named
        self.code: Any = how.code
        self.form, self.tile = self.code.form, self.code.form.tile
        self.words = dict(zip(how.code.names(), how.words))
        self.a, self.b = total.factors
        self.rows, self.columns, self.depth, self.stack = self._split()
        self.i, self.j = [each for each in LETTERS if each not in total.sizes][:2]

    def _split(self) -> tuple[list[str], list[str], list[str], list[str]]:
        total, convolution = self.total, isinstance(self.code, CudaConvolution)
        if convolution and not self.form.down:
            self.a, self.b = self.b, self.a
            channel = total.output[1:2] if len(total.output) > 2 else ()
            return list(channel), [each for each in total.output if each not in channel], list(total.summed), []
        if convolution:
            self.a, self.b = self.b, self.a
            channel = ("o",) if "o" in total.output else ()
            return list(channel), [each for each in total.output if each not in channel], list(total.summed), []
        if not self._is("a", self.a[0]) or not self._is("b", self.b[0]):
            self.a, self.b = self.b, self.a
        left, right = set(self.a[1]), set(self.b[1])
        stack = [each for each in total.output if each in left and each in right]
        rows = [each for each in total.output if each in left and each not in right]
        columns = [each for each in total.output if each in right and each not in left]
        return rows, columns, list(total.summed), stack

    def _is(self, name: str, node: Node) -> bool:
        view = self.words[name].value
        place = getattr(self.named.plan, "place", {}).get(node)
        return bool(view.buffer.owner is node or (place is not None and place.buffer is view.buffer and place.offset == view.offset))

    @property
    def fits(self) -> bool:
        """Whether the kernel goes through the letters as it is shown."""
        value = {name: int(self.words[name].value) for name in ("rows", "columns", "depth")}
        counts = self.total.count
        if isinstance(self.code, CudaProduct):
            plain = not (self.form.turns or self.form.flat or (self.form.parts and self.stack))
            plain = plain and self._is("a", self.a[0]) and self._is("b", self.b[0])
        else:
            plain = self.total.node.params["groups"] == 1 and self.words["c"].value.size % self.total.node.size == 0
        return bool(
            plain
            and isinstance(self.tile, Tile)
            and value == {"rows": counts(self.rows), "columns": counts(self.columns), "depth": counts(self.depth)}
        )

    def ending(self) -> list[str] | None:
        """What happens to a sum; None where that cannot be said in the letters."""
        near = self.named.around(self.call)
        result = entry(self.named.array(self.words["c"].value, near), ["part"] * self.in_parts + list(self.total.output))
        value, lines = f"sums[{self.i}, {self.j}]", list[str]()
        if getattr(self.form, "add", False):
            lines, value = [f"total = {result} + {value}"], "total"
        if self.form.keeps:
            lines.append(f"{result} = {value}")
        for part, epilogue in zip(self.call.finishing, self.form.epilogues, strict=True):
            more = None if epilogue.draws else behind(part, epilogue.results, value, self.total, self.named, self.call)
            if more is None:
                return None
            lines += more
        return lines

    @property
    def in_parts(self) -> bool:
        """Whether every block does a part of the depth only."""
        if isinstance(self.code, CudaProduct):
            return bool(self.form.parts)
        return bool(self.form.down and self.how.grid[1] > 1)

    def arrays(self) -> list[tuple[str, str]]:
        """All arrays that the text may name, and what they are."""
        near, found = self.named.around(self.call), dict[str, str]()
        for node, _ in (self.a, self.b):
            found[self.named.node(node)] = _described(node.shape, str(node.dtype))
        for word in self.words.values():
            if word.is_array and isinstance(word.value, View) and word.value.buffer.role != "constant":
                found.setdefault(self.named.array(word.value, near), _described(word.value.shape, word.dtype))
        return list(found.items())


def _described(shape: Sequence[int], dtype: str) -> str:
    return f"{shape_text(tuple(map(int, shape)))} {dtype}" if shape else dtype


def short(call: Call, how: Launched, named: Named) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    """The text, and its arrays with what they are; None for other kernels, and where it would not be the same."""
    if not isinstance(how.code, CudaProduct | CudaConvolution):
        return None
    found = sum_in(call, named)
    if found is None or len(found.factors) != 2:
        return None
    made = Short(call, how, found, named)
    ending = made.ending() if made.fits else None
    if ending is None:
        return None
    text = _written(made, {node: named.node(node) for node, _ in (made.a, made.b)}, ending)
    spoken = tuple(each for each in made.arrays() if re.search(rf"(?<![\w.]){re.escape(each[0])}(?!\w)", text))
    return text.replace("(ARRAYS)", f"({', '.join(name for name, _ in spoken)})").rstrip("\n"), spoken


def _written(made: Short, names: dict[Node, str], ending: Sequence[str]) -> str:
    tile, total, number = made.tile, made.total, made.form.dtype
    first, second = (names[node] for node, _ in (made.a, made.b))
    same = first == second
    slices = (f"slice_{first}", f"slice_{second}{2 if same else ''}")
    i, j = made.i, made.j
    up, across = _mine("up", i, tile.tall, tile.height), _mine("across", j, tile.wide, tile.width)
    lines = Lines()
    say = lines.say
    with lines.under("def kernel(ARRAYS):"):
        for name, size in zip(slices, (tile.height, tile.width)):
            say(f"{name} = cuda.shared.array(({tile.deep}, {size}), {number})")
        say(f"sums = cuda.local.array(({tile.tall}, {tile.wide}), {number})")
        say(f"# {translate(N_('Where the tile of this block begins, and which of its sums this thread has.'))}")
        _begin(made, say)
        begin, end = ("0", str(total.count(made.depth))) if not made.in_parts else ("begin", "end")
        with lines.under(f"for first in range({begin}, {end}, {tile.deep}):"):
            say(f"# {translate(N_('All threads of the block bring a slice of both factors together; 0 stands outside.'))}")
            for (node, places), name, size, letters, corner in (
                (made.a, slices[0], tile.height, made.rows, "row"), (made.b, slices[1], tile.width, made.columns, "column"),
            ):  # fmt: skip
                _bring(made, lines, names[node], places, name, size, letters, corner, end)
            say("cuda.syncthreads()", f"# {translate(N_('Every thread multiplies what it needs of them.'))}")
            with lines.under(f"for at in range({tile.deep}):"), lines.under(f"for {i} in range({tile.tall}):"):
                with lines.under(f"for {j} in range({tile.wide}):"):
                    say(f"sums[{i}, {j}] += {slices[0]}[at, {up}] * {slices[1]}[at, {across}]")
            say("cuda.syncthreads()")
        say(f"# {translate(N_('The sums are known, and stand in registers.'))}")
        with lines.under(f"for {i} in range({tile.tall}):"), lines.under(f"for {j} in range({tile.wide}):"):
            say(*_turns(total, made.rows, f"row + {up}"), *_turns(total, made.columns, f"column + {across}"))
            with lines.under(f"if {' and '.join(_within(total, made.rows) + _within(total, made.columns)) or 'True'}:"):
                say(*ending)
    return lines.text


def _begin(made: Short, say: Callable[..., None]) -> None:
    tile, total = made.tile, made.total
    across, down = "cuda.blockIdx.x", "cuda.blockIdx.y"
    if isinstance(made.code, CudaConvolution):
        high = -(-total.count(made.rows) // tile.height)
        across, down = (f"cuda.blockIdx.x // {high}", f"cuda.blockIdx.x % {high}") if high > 1 else ("cuda.blockIdx.x", "0")
    say(f"row, column = {f'{down} * {tile.height}' if down != '0' else down}, {across} * {tile.width}")
    if made.stack:
        say(*_turns(total, made.stack, "cuda.blockIdx.z"))
    if made.in_parts:
        part = "cuda.blockIdx.z" if isinstance(made.code, CudaProduct) else "cuda.blockIdx.y"
        span = int(made.words["span"].value)
        say(f"part = {part}", f"begin = part * {span}", f"end = min(begin + {span}, {total.count(made.depth)})")
    say("thread = cuda.threadIdx.x")
    warps = tile.across // 8
    if tile.up % 4 == 0 and tile.across % 8 == 0 and warps > 1:
        say("warp, lane = thread // 32, thread % 32")
        say(f"up, across = warp // {warps} * 4 + lane // 8, warp % {warps} * 8 + lane % 8")
    else:
        say(f"up, across = thread // {tile.across}, thread % {tile.across}")
    say("sums[:, :] = 0")


def _bring(
    made: Short, lines: Lines, name: str, places: Sequence[str], to: str, size: int, letters: Sequence[str], corner: str, end: str
) -> None:  # fmt: skip
    tile, total = made.tile, made.total
    with lines.under(f"for at in range(thread, {tile.deep * size}, {tile.threads}):"):
        step, place = f"at // {size}", f"at % {size}"
        lines.say(*_turns(total, letters, f"{corner} + {place}"), *_turns(total, made.depth, f"first + {step}"))
        held = _within(total, letters) + _within(total, made.depth)
        if made.in_parts:
            held.append(f"first + {step} < {end}")
        if any(set(place.split()) & {"//", "%", "*", "+", "-"} for place in places):
            held += total.inside
        lines.say(f"{to}[{step}, {place}] = {entry(name, places)} if {' and '.join(held) or 'True'} else 0")


def _mine(own: str, letter: str, count: int, size: int) -> str:
    """Which row (or column) of the tile belongs to one of a thread's sums: squares of four that lie apart."""
    if count == 4:
        return f"{own} * 4 + {letter}"
    return f"{own} * 4 + {letter} % 4 + {letter} // 4 * {size // (count // 4)}"


def _turns(total: Sum, letters: Sequence[str], value: str) -> list[str]:
    """Lines that say which turns of some loops a number counts."""
    if not letters:
        return []
    if len(letters) == 1:
        return [f"{letters[0]} = {value}"]
    lines, rest = ["count = " + value], list(letters)
    said: list[str] = []
    while rest:
        letter = rest.pop(0)
        step = total.count(rest)
        text = f"count // {step}" if step > 1 else "count"
        said.append(text if len(said) == 0 else f"{text} % {total.sizes[letter]}")
    return [*lines, f"{', '.join(letters)} = {', '.join(said)}"]


def _within(total: Sum, letters: Sequence[str]) -> list[str]:
    """That a number is not behind the last one; of several loops only the outermost can be."""
    return [f"{letter} < {total.sizes[letter]}" for letter in letters[:1]]

