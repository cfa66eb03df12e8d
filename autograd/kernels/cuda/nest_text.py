"""A nest of loops as Python for numba.cuda: blocks of threads for chunks of rows, and how the threads lie over the loops.

One loop is dealt out to the threads of a line, as the processor's code deals it out to the lanes of vectors, and one around it
to lines; all other loops are run by every thread (see `layout.py`). What is folded across threads is put together in one order
(`nest_folds.py`). What does not vary over a loop that is dealt out is known to every thread and written by the first one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..loop_passes import Add, Body, Get, Item, Keep, Pass, Pour, Put, Reload, Row
from ..loops import Buffer, Fold, identity
from . import random
from .layout import NONE
from .nest_folds import folded, joined, literal, masks, over_lines
from .nest_numbers import Numbers, cast


def text(code: Any) -> str:
    """The kernel `kernel(…)` of a CudaNest."""
    lines = ["thread = uint32(cuda.threadIdx.x)", "part = uint32(cuda.blockIdx.x)", "piece = uint32(cuda.blockIdx.y)"]
    known = lines if code.layout.split != NONE else lines[:2]
    return f"def kernel({', '.join(code.names())}):\n" + "".join(f"    {line}\n" for line in [*known, *inside(code)])


def inside(code: Any) -> list[str]:
    """What a block does that knows its `thread`, its `part` of the rows and its `piece` of the loop that is cut besides."""
    return _Writer(code).written()


def opening(code: Any) -> list[str]:
    """The lines that stand before all loops of a nest."""
    return [line for at in code.draws for line in random.opening(f"r{at}")]


def once(code: Any, given: dict[int, str], slots: int = 1) -> list[str]:
    """The lines of one turn of all loops of a nest that folds nothing, or of four turns of the innermost loop. `given`: reads
    whose numbers are at hand; four of them are called the same with _0 to _3 behind."""
    writer = _Writer(code, given)
    writer.around = set(range(writer.depth))
    if slots > 1:
        writer.slots, writer.abreast = slots, writer.depth - 1
    for item in code.nest.body.everything():
        if not isinstance(item, Pass):
            writer._do(item)
    return writer.lines


class _Writer(Numbers):
    def __init__(self, code: Any, given: dict[int, str] | None = None) -> None:
        super().__init__(code, given or {})
        self.lines: list[str] = []
        self.indent = 0
        self.around: set[int] = set()
        """The loops that stand around what is being written."""
        self.cells: dict[str, int] = {}
        """Shared memory: dtype -> so many numbers."""
        self.known: set[int] = set()
        """Values that every thread still has from an earlier pass."""
        self.read: set[tuple[Buffer, int]] = set()
        """What several threads have read, and so many loops around, since they last waited for each other."""

    def written(self) -> list[str]:
        """All lines of a block of threads, once it is known which it is."""
        layout = self.layout
        self._body(self.nest.body)
        lines, self.lines = self.lines, []
        if layout.lines > 1:
            self.say(f"x = uint32(thread & uint32({layout.across - 1}))")
            self.say(f"line = uint32(thread >> uint32({layout.across.bit_length() - 1}))")
        else:
            self.say("x = thread")
        if layout.threads > 1:
            for line in masks(layout):
                self.say(line)
        for dtype, count in sorted(self.cells.items()):
            self.say(f"cells_{dtype} = cuda.shared.array({count}, {dtype})")
        for line in opening(self.code):
            self.say(line)
        if self.depth:
            self.say("start = uint32(part * chunk)")
            self.say("stop = uint32(min(uint32(start + chunk), n0))")
        if layout.split != NONE:
            self.say(f"begin = uint32(piece * uint32({layout.tile}))")
            self.say(f"end = uint32(min(uint32(begin + uint32({layout.tile})), n{layout.split}))")
        return self.lines + lines

    def say(self, line: str) -> None:
        """One more line."""
        self.lines.append("    " * self.indent + line)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Lines under a head."""
        self.say(head)
        self.indent += 1
        yield
        self.indent -= 1

    # Loops ------------------------------------------------------------------------------------------------------------
    def _body(self, body: Body) -> None:
        """Everything is got before anything is written, so that a buffer can be both read and written."""
        for item in body.items:
            if isinstance(item, Pass):
                self._pass(item)
            elif not self._has(item):
                self._do(item)

    def _pass(self, run: Pass) -> None:
        for at in run.folds:
            fold = self.nest.values[at]
            self.say(f"v{at} = {literal(fold.dtype, identity(fold.word, fold.dtype))}")
        for at in run.rows:
            self._begin(at)
        self._turns(run.loop, lambda: self._body(run.body))
        for at in run.folds:
            if at not in self.lie.late:
                self._fold(f"v{at}", self.nest.values[at], set(self.nest.values[at].over))
        for at in run.rows:
            self._end(at)
        if self._keeps_for_all(run):
            self._wait()

    def _turns(self, loop: int, body: Callable[[], None]) -> None:
        """Every turn of a loop that this thread has; of the one abreast four at a time as long as there are four."""
        layout = self.layout
        first, end = ("start", "stop") if loop == 0 else ("begin", "end") if loop == layout.split else ("uint32(0)", f"n{loop}")
        self.around.add(loop)
        slots = layout.slots if loop == self.abreast else 1
        offset, step = self._dealt(loop)
        if loop in layout.single:
            self.slots = slots
            self.say(f"i{loop} = uint32({first}{offset})")
            with self.block(f"if i{loop} < {end}:"):
                body()
        else:
            if slots > 1 and layout.fours > 1:
                many = layout.across * slots * layout.fours
                self.say(f"many = uint32({end} - (uint32({end} - {first}) & uint32({many - 1})))")
                self.slots = slots * layout.fours
                self._while(loop, f"uint32({first}{offset})", "many", f"uint32({many})", body)
                first = "many"
            if slots > 1:
                self.say(f"whole = uint32({end} - (uint32({end} - {first}) & uint32({slots - 1})))")
                self.slots = slots
                self._while(loop, f"uint32({first}{offset})", "whole", step, body)
                self.slots, first = 1, "whole"
                offset, step = self._dealt(loop, 1)
            self._while(loop, f"uint32({first}{offset})", end, step, body)
        if loop == self.abreast:
            self.slots = 1
        self.around.discard(loop)

    def _dealt(self, loop: int, slots: int = 0) -> tuple[str, str]:
        """Which turn of a loop is this thread's first, and how far it is to the next."""
        layout = self.layout
        if loop == self.abreast and layout.across > 1:
            slots = slots or layout.slots
            return f" + x * uint32({slots})" if slots > 1 else " + x", f"uint32({layout.across * slots})"
        if loop == layout.down and layout.lines > 1:
            return " + line", f"uint32({layout.lines})"
        return "", f"uint32({(slots or layout.slots) if loop == self.abreast else 1})"

    def _while(self, loop: int, first: str, end: str, step: str, body: Callable[[], None]) -> None:
        known = set(self.known)
        self.say(f"i{loop} = {first}")
        with self.block(f"while i{loop} < {end}:"):
            body()
            self.say(f"i{loop} = uint32(i{loop} + {step})")
        self.known = known

    def _has(self, item: Item) -> bool:
        """Whether every thread that wants a value has it in a register from an earlier pass."""
        if isinstance(item, Keep | Reload) and item.value in self.lie.remembered:
            return True
        if not isinstance(item, Get | Reload) or item.value in self.known:
            return isinstance(item, Get | Reload)
        self.known.add(item.value)
        return False

    # Rows of folds ----------------------------------------------------------------------------------------------------
    def _sums(self, at: int) -> list[str]:
        """The registers in which a thread has its place of a row, or its places."""
        wide = self.layout.slots > 1 and self.abreast in self.nest.rows[at].kept
        return [f"a{at}_{slot}" for slot in range(self.layout.slots)] if wide else [f"a{at}"]

    def _begin(self, at: int) -> None:
        """A row of folds begins with the number that changes nothing."""
        row = self.nest.rows[at]
        number = literal(row.dtype, identity(row.word, row.dtype))
        if at not in self.lie.held:
            self._along(row, lambda slot: number)
        else:
            for name in self._sums(at):
                self.say(f"{name} = {number}")

    def _end(self, at: int) -> None:
        """A row of folds that was held in registers is put together and written."""
        if at not in self.lie.held:
            return
        row, names = self.nest.rows[at], self._sums(at)
        over = self.lie.over(row)
        if self.abreast not in row.kept:
            self._fold(names[0], row, over)
        elif self.layout.lines > 1 and self.layout.down in over:
            for line in over_lines(self.layout, names, row.word, row.dtype, self._cells):
                self.say(line)
        self._along(row, lambda slot: names[slot % len(names)])

    def _along(self, row: Row, number: Callable[[int], str], loop: int | None = None) -> None:
        """A number into every place in a row of folds, by the thread that adds to it."""
        loop = row.first if loop is None else loop
        if loop == row.depth:
            for slot in range(self.slots):
                self._once(f"{self._row_place(row, slot)} = {number(slot)}")
        elif loop not in row.kept:
            self._along(row, number, loop + 1)
        else:
            self._turns(loop, lambda: self._along(row, number, loop + 1))

    # Threads ----------------------------------------------------------------------------------------------------------
    def _alone(self) -> list[str]:
        """What must hold for the one thread that writes: it is the first, along each loop that is not around."""
        layout, found = self.layout, []
        if layout.across > 1 and self.abreast not in self.around:
            found.append("x == 0")
        if layout.lines > 1 and layout.down not in self.around:
            found.append("line == 0")
        return found

    def _once(self, line: str) -> None:
        """A line that one thread must say."""
        alone = self._alone()
        if not alone:
            self.say(line)
            return
        with self.block(f"if {' and '.join(alone)}:"):
            self.say(line)

    def _wait(self) -> None:
        """All threads that are here wait for each other: those of the line, inside the loop that lines are dealt."""
        if self.layout.lines > 1 and self.layout.down in self.around:
            if self.layout.across > 1:
                self.say("wait(members)")
        elif self.layout.threads > 1:
            self.say("cuda.syncthreads()")

    def _wait_to_put(self, buffer: Buffer) -> None:
        """One thread is about to write where the others may still have to read: a buffer that lies alike may be the same."""
        depth = len(self.around)
        if (buffer, depth) in self.read:
            self._wait()
            self.read = {each for each in self.read if each[1] != depth}

    def _cells(self, dtype: str, count: int) -> str:
        self.cells[dtype] = max(self.cells.get(dtype, 0), count)
        return f"cells_{dtype}"

    def _fold(self, name: str, fold: Fold | Row, over: set[int]) -> None:
        """A variable of all threads among which the loops are dealt out that it is folded over."""
        x = self.abreast in over and self.layout.across > 1
        y = self.layout.down in over and self.layout.lines > 1
        for line in folded(self.layout, name, fold.word, fold.dtype, x, y, self._cells):
            self.say(line)

    def _keeps_for_all(self, run: Pass) -> bool:
        """Whether one thread has put aside what others take in a later pass."""
        if self.abreast in self.around or run.loop == self.abreast:
            return False
        kept = {at for at in self.nest.kept if at not in self.lie.remembered and self.abreast not in self.nest.varies[at]}
        values = [write.value for write in self.loops.writes]
        return any(
            (isinstance(item, Keep) and item.value in kept) or (isinstance(item, Put) and values[item.write] in kept)
            for item in run.body.everything()
        )

    # One item ---------------------------------------------------------------------------------------------------------
    def _do(self, item: Item) -> None:
        if isinstance(item, Get) and item.value < len(self.loops.reads) and self._alone():
            self.read.add((self.loops.reads[item.value], len(self.around)))
        if isinstance(item, Put) and self._alone():
            self._wait_to_put(self.loops.writes[item.write].buffer)
        if isinstance(item, Get) and item.value in self.code.draws:
            self._draw(item.value)
        elif isinstance(item, Get) and self._moves_by_four("r", item.value):
            for first in range(0, self.slots, 4):
                four = ", ".join(self._name(item.value, slot) for slot in range(first, first + 4))
                self.say(f"{four} = ld4(r{item.value}, {self._index('r', item.value, first)})")
        elif isinstance(item, Put) and self._moves_by_four("w", item.write):
            value = self.loops.writes[item.write].value
            for first in range(0, self.slots, 4):
                four = ", ".join(self._name(value, slot) for slot in range(first, first + 4))
                self.say(f"st4(w{item.write}, {self._index('w', item.write, first)}, {four})")
        else:
            for slot in range(self.slots if self._is_wide(item) else 1):
                self._do_one(item, slot)

    def _draw(self, at: int) -> None:
        """Random numbers that nobody has written: those of one counter at once, where they are four in a row."""
        kind, dtype = self.code.draws[at], self.loops.reads[at].dtype
        wide = self.slots > 1 and self.abreast in self.nest.varies[at]
        names = [self._name(at, slot) for slot in range(self.slots if wide else 1)]
        if self._moves_by_four("r", at):
            lines = [
                line
                for first in range(0, self.slots, 4)
                for line in random.four(kind, dtype, f"r{at}", self._index("r", at, first), names[first : first + 4])
            ]
        else:
            numbers = [(name, self._index("r", at, slot)) for slot, name in enumerate(names)]
            lines = [line for name, place in numbers for line in random.one(kind, dtype, f"r{at}", place, name)]
        for line in lines:
            self.say(line)

    def _do_one(self, item: Item, slot: int) -> None:
        nest = self.nest
        if isinstance(item, Get):
            self.say(f"{self._name(item.value, slot)} = {self._value(item.value, slot)}")
        elif isinstance(item, Reload):
            self.say(f"{self._name(item.value, slot)} = {self._kept(item.value, slot)}")
        elif isinstance(item, Keep):
            self._once(f"{self._kept(item.value, slot)} = {self._name(item.value, slot)}")
        elif isinstance(item, Put):
            put = self.loops.writes[item.write]
            number = cast(self._name(put.value, slot), nest.dtype(put.value), put.buffer.dtype)
            self._once(f"w{item.write}[{self._index('w', item.write, slot)}] = {number}")
        elif isinstance(item, Add):
            fold = nest.values[item.fold]
            number = cast(self._name(fold.operand, slot), nest.dtype(fold.operand), fold.dtype)
            self.say(f"v{item.fold} = {joined(fold.word, fold.dtype, f'v{item.fold}', number)}")
        elif isinstance(item, Pour):
            row, held = nest.rows[item.row], item.row in self.lie.held
            number = cast(self._name(row.operand, slot), nest.dtype(row.operand), row.dtype)
            names = self._sums(item.row)
            place = names[slot % len(names)] if held else self._row_place(row, slot)
            line = f"{place} = {joined(row.word, row.dtype, place, number)}"
            self.say(line) if held else self._once(line)
