"""A nest of loops as Python for numba.cuda: one block of threads for every chunk of rows.

The loop `abreast` is dealt out to the threads of the block, as the processor's code deals it out to the lanes of vectors; all
other loops are run by every thread. What is folded across threads is put together in shared memory, always in the same order.
What does not vary over the loop abreast is known to every thread and written by the first one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..loop_passes import Add, Body, Get, Item, Keep, Pass, Pour, Put, Reload, Row
from ..loops import FAR, NEXT, STILL, Apply, Buffer, Fold, Number, computed_in, identity
from .words import spoken

MOST_THREADS = 256
"""Threads that a nest is launched with at most."""


def text(code: Any) -> str:
    """The kernel `kernel(…)` of a CudaNest."""
    return _Writer(code).written()


class _Writer:
    def __init__(self, code: Any) -> None:
        self.code, self.nest, self.loops = code, code.nest, code.loops
        self.depth, self.abreast = self.loops.depth, code.abreast
        self.lines: list[str] = []
        self.indent = 1
        self.dealt = False
        """Whether the loop abreast stands around what is being written."""

    def written(self) -> str:
        """The whole function."""
        self.say("threads = uint32(cuda.blockDim.x)")
        self.say("thread = uint32(cuda.threadIdx.x)")
        self.say("part = uint32(cuda.blockIdx.x)")
        for dtype in sorted(self._shared()):
            self.say(f"shared_{dtype} = cuda.shared.array({MOST_THREADS}, {dtype})")
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
            self._along(row, f"{self._row_place(row)} = {_literal(row.dtype, identity(row.word, row.dtype))}")
        with self.turns(run.loop):
            self._body(run.body)
        for at in run.folds:
            if self.abreast in self.nest.values[at].over:
                self._fold_threads(at)
        if self._keeps_for_all(run):
            self.say("cuda.syncthreads()")

    @contextmanager
    def turns(self, loop: int) -> Iterator[None]:
        """Every turn of a loop; of the one abreast those of this thread."""
        mine = loop == self.abreast
        first, end = ("start", "stop") if loop == 0 else ("uint32(0)", f"n{loop}")
        first = first if not mine else "thread" if loop else "uint32(start + thread)"
        self.say(f"i{loop} = {first}")
        self.dealt |= mine
        with self.block(f"while i{loop} < {end}:"):
            yield
            self.say(f"i{loop} = uint32(i{loop} + {'threads' if mine else 'uint32(1)'})")
        self.dealt &= not mine

    def _along(self, row: Row, line: str, loop: int | None = None) -> None:
        """A line for every place in a row of folds, said by the thread that adds to it."""
        loop = row.first if loop is None else loop
        if loop == row.depth:
            self._once(line)
        elif loop not in row.kept:
            self._along(row, line, loop + 1)
        else:
            with self.turns(loop):
                self._along(row, line, loop + 1)

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
        buffers = [self.loops.reads[each.value] for each in before if isinstance(each, Get) and self._is_read(each.value)]
        return any(each == self.loops.writes[item.write].buffer for each in buffers)

    def _is_read(self, value: int) -> bool:
        return value < len(self.loops.reads)

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
        nest = self.nest
        if isinstance(item, Get):
            self.say(f"v{item.value} = {self._value(item.value)}")
        elif isinstance(item, Reload):
            self.say(f"v{item.value} = {self._kept(item.value)}")
        elif isinstance(item, Keep):
            self._once(f"{self._kept(item.value)} = v{item.value}")
        elif isinstance(item, Put):
            put = self.loops.writes[item.write]
            number = _cast(f"v{put.value}", nest.dtype(put.value), put.buffer.dtype)
            self._once(f"{self._place('w', item.write, put.buffer)} = {number}")
        elif isinstance(item, Add):
            fold = nest.values[item.fold]
            number = _cast(f"v{fold.operand}", nest.dtype(fold.operand), fold.dtype)
            self.say(f"v{item.fold} = {_joined(fold.word, fold.dtype, f'v{item.fold}', number)}")
        elif isinstance(item, Pour):
            row = nest.rows[item.row]
            number = _cast(f"v{row.operand}", nest.dtype(row.operand), row.dtype)
            place = self._row_place(row)
            self._once(f"{place} = {_joined(row.word, row.dtype, place, number)}")

    def _value(self, at: int) -> str:
        value = self.nest.values[at]
        if isinstance(value, Buffer):
            return self._place("r", at, value)
        assert isinstance(value, Apply)
        dtypes = [None if isinstance(each, Number) else self.nest.dtype(each) for each in value.operands]
        operands = [
            _literal(wanted, each.value) if isinstance(each, Number) else _cast(f"v{each}", own or wanted, wanted)
            for each, own, wanted in zip(value.operands, dtypes, computed_in(value, dtypes))
        ]
        if value.word == "cast":
            return _cast(operands[0], dtypes[0] or value.dtype, value.dtype)
        return spoken(value.word, value.dtype, operands)

    # Places -----------------------------------------------------------------------------------------------------------
    def _place(self, kind: str, at: int, buffer: Buffer) -> str:
        terms = [f"{kind}{at}_first"]
        for loop, move in enumerate(buffer.moves):
            if move == NEXT:
                terms.append(f"i{loop}")
            elif move == FAR:
                terms.append(f"i{loop} * {kind}{at}_by{loop}")
            else:
                assert move == STILL
        if kind == "w" and at in self.code.partial:
            terms.append(f"part * w{at}_part")
        return f"{kind}{at}[uint32({' + '.join(terms)})]"

    def _row_place(self, row: Row) -> str:
        return self._place("w", row.write, self.loops.writes[row.write].buffer)

    def _kept(self, at: int) -> str:
        write = self.nest.reloaded.get(at)
        if write is not None:
            return self._place("w", write, self.loops.writes[write].buffer)
        place = "0"
        for loop in self.nest.kept[at]:
            place = f"({place}) * n{loop} + " + (f"i{loop}" if loop else "i0 - start")
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
