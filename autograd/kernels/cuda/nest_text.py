"""A nest of loops as Python for numba.cuda: one block of threads for every chunk of rows.

The loop `abreast` is dealt out to the threads of the block, as the processor's code deals it out to the lanes of vectors; all
other loops are run by every thread. What is folded across threads is put together in shared memory, always in the same order.
What does not vary over the loop abreast is known to every thread and written by the first one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..loop_passes import Add, Body, Get, Item, Keep, Pass, Pour, Put, Reload, Row
from ..loops import FAR, NEXT, Apply, Buffer, Fold, Number, computed_in, identity
from . import random
from .words import spoken

MOST_THREADS = 256
"""Threads that a nest is launched with at most."""


def text(code: Any) -> str:
    """The kernel `kernel(…)` of a CudaNest."""
    return _Writer(code).written()


def opening(code: Any) -> list[str]:
    """The lines that stand before all loops of a nest."""
    return [line for at in code.draws for line in random.opening(f"r{at}")]


def once(code: Any, given: dict[int, str]) -> list[str]:
    """The lines of one turn of all loops of a nest that folds nothing. `given`: reads whose numbers are at hand."""
    writer = _Writer(code, given)
    writer.indent, writer.dealt = 0, True
    for item in code.nest.body.everything():
        if not isinstance(item, Pass):
            writer._do(item)
    return writer.lines


class _Writer:
    def __init__(self, code: Any, given: dict[int, str] | None = None) -> None:
        self.given = given or {}
        self.code, self.nest, self.loops = code, code.nest, code.loops
        self.depth, self.abreast = self.loops.depth, code.abreast
        self.lines: list[str] = []
        self.indent = 1
        self.dealt = False
        """Whether the loop abreast stands around what is being written."""
        self.slots = 1
        """How many turns of it at once: four, where numbers can be moved by 128 bits."""

    def written(self) -> str:
        """The whole function."""
        self.say("threads = uint32(cuda.blockDim.x)")
        self.say("thread = uint32(cuda.threadIdx.x)")
        self.say("part = uint32(cuda.blockIdx.x)")
        for dtype in sorted(self._shared()):
            self.say(f"shared_{dtype} = cuda.shared.array({MOST_THREADS}, {dtype})")
        for line in opening(self.code):
            self.say(line)
        if self.depth:
            self.say("start = uint32(part * chunk)")
            self.say("stop = uint32(min(start + chunk, n0))")
        self._body(self.nest.body)
        if not self.lines:
            self.say("pass")
        return f"def kernel({', '.join(self.code.names())}):\n" + "\n".join(self.lines) + "\n"

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
        for at, item in enumerate(body.items):
            if isinstance(item, Pass):
                self._pass(item)
            else:
                if self._must_wait(item, body.items[:at]):
                    self.say("cuda.syncthreads()")
                self._do(item)

    def _pass(self, run: Pass) -> None:
        for at in run.folds:
            fold = self.nest.values[at]
            self.say(f"v{at} = {_literal(fold.dtype, identity(fold.word, fold.dtype))}")
        for at in run.rows:
            row = self.nest.rows[at]
            self._along(row, _literal(row.dtype, identity(row.word, row.dtype)))
        self._turns(run.loop, lambda: self._body(run.body))
        for at in run.folds:
            if self.abreast in self.nest.values[at].over:
                self._fold_threads(at)
        if self._keeps_for_all(run):
            self.say("cuda.syncthreads()")

    def _turns(self, loop: int, body: Callable[[], None]) -> None:
        """Every turn of a loop; of the one abreast those of this thread, four at a time as long as there are four."""
        first, end = ("start", "stop") if loop == 0 else ("uint32(0)", f"n{loop}")
        if loop != self.abreast:
            self._while(loop, first, end, "uint32(1)", body)
            return
        self.dealt = True
        if self.code.fours:
            self.say(f"whole = uint32({end} - (({end} - {first}) & uint32(3)))")
            self.slots = 4
            self._while(loop, f"uint32({first} + thread * uint32(4))", "whole", "threads * uint32(4)", body)
            self.slots, first = 1, "whole"
        self._while(loop, f"uint32({first} + thread)", end, "threads", body)
        self.dealt = False

    def _while(self, loop: int, first: str, end: str, step: str, body: Callable[[], None]) -> None:
        self.say(f"i{loop} = {first}")
        with self.block(f"while i{loop} < {end}:"):
            body()
            self.say(f"i{loop} = uint32(i{loop} + {step})")

    def _along(self, row: Row, number: str, loop: int | None = None) -> None:
        """A number into every place in a row of folds, by the thread that adds to it."""
        loop = row.first if loop is None else loop
        if loop == row.depth:
            for slot in range(self.slots):
                self._once(f"{self._row_place(row, slot)} = {number}")
        elif loop not in row.kept:
            self._along(row, number, loop + 1)
        else:
            self._turns(loop, lambda: self._along(row, number, loop + 1))

    def _once(self, line: str) -> None:
        """A line that one thread must say: whoever has this turn, or the first."""
        if self.dealt or not self.depth:
            self.say(line)
            return
        with self.block("if thread == 0:"):
            self.say(line)

    # Threads ----------------------------------------------------------------------------------------------------------
    def _shared(self) -> set[str]:
        """The dtypes of what is folded across threads."""
        return {each.dtype for each in self.nest.values if isinstance(each, Fold) and self.abreast in each.over}

    def _fold_threads(self, at: int) -> None:
        """The folds of all threads put together, by halves."""
        fold = self.nest.values[at]
        shared = f"shared_{fold.dtype}"
        self.say(f"{shared}[thread] = v{at}")
        self.say("cuda.syncthreads()")
        self.say("half = uint32(threads >> uint32(1))")
        with self.block("while half > 0:"):
            with self.block("if thread < half:"):
                self.say(f"mine = {shared}[thread]")
                self.say(f"other = {shared}[thread + half]")
                self.say(f"{shared}[thread] = {_joined(fold.word, fold.dtype, 'mine', 'other')}")
            self.say("cuda.syncthreads()")
            self.say("half = uint32(half >> uint32(1))")
        self.say(f"v{at} = {shared}[0]")
        self.say("cuda.syncthreads()")

    def _must_wait(self, item: Item, before: tuple[Item, ...]) -> bool:
        """Whether the first thread is about to write where the others may still have to read."""
        if self.dealt or not self.depth or not isinstance(item, Put):
            return False
        if any(isinstance(each, Put) for each in before[-1:]):
            return False  # the one before has waited
        got = [each.value for each in before if isinstance(each, Get) and each.value < len(self.loops.reads)]
        return any(self.loops.reads[each] == self.loops.writes[item.write].buffer for each in got)

    def _keeps_for_all(self, run: Pass) -> bool:
        """Whether the first thread has put aside what all threads take in a later pass."""
        if self.dealt or run.loop == self.abreast:
            return False
        kept_by_write = set(self.nest.reloaded.values())
        return any(
            (isinstance(item, Keep) and self.abreast not in self.nest.varies[item.value])
            or (isinstance(item, Put) and item.write in kept_by_write)
            for item in run.body.everything()
        )

    # One item ---------------------------------------------------------------------------------------------------------
    def _do(self, item: Item) -> None:
        if isinstance(item, Get) and item.value in self.code.draws:
            self._draw(item.value)
        elif isinstance(item, Get) and self._moves_by_four("r", item.value):
            four = ", ".join(self._name(item.value, slot) for slot in range(4))
            self.say(f"{four} = ld4(r{item.value}, {self._index('r', item.value)})")
        elif isinstance(item, Put) and self._moves_by_four("w", item.write):
            value = self.loops.writes[item.write].value
            four = ", ".join(self._name(value, slot) for slot in range(4))
            self.say(f"st4(w{item.write}, {self._index('w', item.write)}, {four})")
        else:
            for slot in range(self.slots if self._is_wide(item) else 1):
                self._do_one(item, slot)

    def _draw(self, at: int) -> None:
        """Random numbers that nobody has written: those of one counter at once, where they are four in a row."""
        kind, dtype = self.code.draws[at], self.loops.reads[at].dtype
        wide = self.slots > 1 and self.abreast in self.nest.varies[at]
        names = [self._name(at, slot) for slot in range(self.slots if wide else 1)]
        if self._moves_by_four("r", at):
            lines = random.four(kind, dtype, f"r{at}", self._index("r", at), names)
        else:
            numbers = [(name, self._index("r", at, slot)) for slot, name in enumerate(names)]
            lines = [line for name, place in numbers for line in random.one(kind, dtype, f"r{at}", place, name)]
        for line in lines:
            self.say(line)

    def _is_wide(self, item: Item) -> bool:
        """Whether something is done for every turn of the loop abreast."""
        nest = self.nest
        if isinstance(item, Get | Reload | Keep):
            return self.abreast in nest.varies[item.value]
        if isinstance(item, Put):
            return self.abreast in nest.varies[self.loops.writes[item.write].value]
        if isinstance(item, Pour):
            return self.abreast in nest.varies[nest.rows[item.row].operand]
        return isinstance(item, Add) and self.abreast in nest.values[item.fold].over

    def _moves_by_four(self, kind: str, at: int) -> bool:
        if self.slots == 1 or (kind == "r" and at >= len(self.loops.reads)):
            return False
        buffer = self.loops.reads[at] if kind == "r" else self.loops.writes[at].buffer
        same = kind == "r" or self.nest.dtype(self.loops.writes[at].value) == "float32"
        return same and buffer.dtype == "float32" and buffer.moves[self.abreast] == NEXT

    def _name(self, value: int, slot: int) -> str:
        """A value's variable; one for each slot where it varies over the loop abreast."""
        wide = self.slots > 1 and self.abreast in self.nest.varies[value]
        return f"v{value}_{slot}" if wide else f"v{value}"

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
            number = _cast(self._name(put.value, slot), nest.dtype(put.value), put.buffer.dtype)
            self._once(f"w{item.write}[{self._index('w', item.write, slot)}] = {number}")
        elif isinstance(item, Add):
            fold = nest.values[item.fold]
            number = _cast(self._name(fold.operand, slot), nest.dtype(fold.operand), fold.dtype)
            self.say(f"v{item.fold} = {_joined(fold.word, fold.dtype, f'v{item.fold}', number)}")
        elif isinstance(item, Pour):
            row = nest.rows[item.row]
            number = _cast(self._name(row.operand, slot), nest.dtype(row.operand), row.dtype)
            place = self._row_place(row, slot)
            self._once(f"{place} = {_joined(row.word, row.dtype, place, number)}")

    def _value(self, at: int, slot: int) -> str:
        value = self.nest.values[at]
        if at in self.given:
            return self.given[at]
        if isinstance(value, Buffer):
            return f"r{at}[{self._index('r', at, slot)}]"
        assert isinstance(value, Apply)
        dtypes = [None if isinstance(each, Number) else self.nest.dtype(each) for each in value.operands]
        operands = [
            _literal(wanted, each.value)
            if isinstance(each, Number)
            else _cast(self._name(each, slot), own or wanted, wanted)
            for each, own, wanted in zip(value.operands, dtypes, computed_in(value, dtypes))
        ]
        if value.word == "cast":
            return _cast(operands[0], dtypes[0] or value.dtype, value.dtype)
        return spoken(value.word, value.dtype, operands)

    # Places -----------------------------------------------------------------------------------------------------------
    def _index(self, kind: str, at: int, slot: int = 0) -> str:
        """Where in a read or a write the number of this turn is."""
        buffer = self.loops.reads[at] if kind == "r" else self.loops.writes[at].buffer
        terms = [f"{kind}{at}_first"]
        for loop, move in enumerate(buffer.moves):
            turn = f"(i{loop} + uint32({slot}))" if slot and loop == self.abreast else f"i{loop}"
            if move == NEXT:
                terms.append(turn)
            elif move == FAR:
                terms.append(f"{turn} * {kind}{at}_by{loop}")
        if kind == "w" and at in self.code.partial:
            terms.append(f"part * w{at}_part")
        return f"uint32({' + '.join(terms)})"

    def _row_place(self, row: Row, slot: int) -> str:
        return f"w{row.write}[{self._index('w', row.write, slot)}]"

    def _kept(self, at: int, slot: int) -> str:
        write = self.nest.reloaded.get(at)
        if write is not None:
            return f"w{write}[{self._index('w', write, slot)}]"
        place = "0"
        for loop in self.nest.kept[at]:
            turn = f"i{loop}" if loop else "i0 - start"
            turn += f" + uint32({slot})" if slot and loop == self.abreast else ""
            place = f"({place}) * n{loop} + {turn}"
        return f"k{at}[uint32(part * k{at}_part + {place})]"


def _literal(dtype: str, value: Any) -> str:
    """A number of a dtype as text."""
    if dtype == "bool":
        return str(bool(value))
    return f"{dtype}({value!r})"


def _cast(number: str, source: str, target: str) -> str:
    """A number of one dtype as another."""
    if source == target:
        return number
    if target == "bool":
        return f"({number} != 0)"
    return f"{target}({number})"


def _joined(word: str, dtype: str, left: str, right: str) -> str:
    """Two numbers folded into one."""
    if dtype == "bool":
        return f"({left} | {right})" if word in ("+", "max") else f"({left} & {right})"
    return spoken(word, dtype, [left, right])


def is_floating(dtype: str) -> bool:
    """Whether numbers of a dtype have fractions."""
    return np.dtype(dtype).kind == "f"
