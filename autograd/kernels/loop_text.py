"""LLVM instructions for a nest of loops. One loop is done abreast: its turns are the lanes of vectors, as a rule the
innermost.

That loop runs over several vectors at once while there are enough turns, and ends with vectors of which some lanes are
masked. Outer loops are plain, and so are loops inside it, whose values are vectors too where they vary over it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np
from llvmlite import ir

from ..vocabulary import COMPARISONS
from . import vector as vec
from .functions import SPOKEN
from .loop_code import Block
from .loop_folds import Accumulator, convert, joined, register
from .loop_memory import Memory
from .loop_passes import Add, Body, Get, Item, Keep, Nest, Pass, Pour, Put, Reload, Row
from .loop_turns import Turns
from .loops import NEXT, Apply, Buffer, Fold, Number, computed_in, identity
from .machine import machine
from .vector import INT64, Lanes, literal, vector


def text(nest: Nest, name: str) -> str:
    """The function `name` as LLVM assembly."""
    module = ir.Module(name)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [INT64, INT64, INT64]), name)
    _Writer(function, nest).write()
    return str(module)


@dataclass
class Slot:
    """One vector of turns under way: its first turn, which lanes count (None: all), and the values known in it."""

    known: dict[int, Lanes]
    index: ir.Value | None = None
    mask: Lanes | None = None


class _Writer:
    def __init__(self, function: ir.Function, nest: Nest) -> None:
        self.nest, self.layout = nest, Block(nest)
        self.depth, self.abreast, self.lanes = nest.loops.depth, self.layout.abreast, self.layout.lanes
        block, self.start, self.stop = function.args
        self.entry = ir.IRBuilder(function.append_basic_block("entry"))
        self.begin = function.append_basic_block("begin")
        self.builder = ir.IRBuilder(self.begin)
        self.memory = Memory(self.builder, self.layout, block, self.start)
        self.squares = Turns(self.memory, self.counting, self.variable)
        self.accumulators: dict[int, list[Accumulator]] = {}

    def write(self) -> None:
        """The whole function."""
        self._body(self.nest.body, [Slot({})])
        self.builder.ret_void()
        self.entry.branch(self.begin)

    # Control
    # -----------------------------------------------------------------------------------------------------------
    def variable(self, kind: ir.Type, first: ir.Value | None = None) -> ir.Value:
        """A variable of the function; LLVM turns it into registers."""
        made = self.entry.alloca(kind)
        if first is not None:
            self.builder.store(first, made)
        return made

    @contextmanager
    def counting(self, counter: ir.Value, limit: ir.Value, step: int, room: int = 1) -> Iterator[ir.Value]:
        """While counter + room ≤ limit, in steps; asked before the first turn and at the end of each."""
        build = self.builder
        inside, after = build.append_basic_block("turn"), build.append_basic_block("done")

        def ask() -> None:
            end = build.add(build.load(counter), INT64(room))
            build.cbranch(build.icmp_signed("<=", end, limit), inside, after)

        ask()
        build.position_at_end(inside)
        at = build.load(counter)
        yield at
        build.store(build.add(at, INT64(step)), counter)
        ask()
        build.position_at_end(after)

    @contextmanager
    def turns(self, loop: int) -> Iterator[None]:
        """Every turn of a plain loop; of the outermost only the rows asked for."""
        first, limit = self._range(loop)
        with self.counting(self.variable(INT64, first), limit, 1) as index, self.memory.turn(loop, index):
            yield

    def _range(self, loop: int) -> tuple[ir.Value, ir.Value]:
        return (self.start, self.stop) if loop == 0 else (INT64(0), self.memory.extents[loop])

    # Bodies and passes
    # ---------------------------------------------------------------------------------------------------
    def _body(self, body: Body, slots: list[Slot]) -> None:
        """Everything is got before anything is written, so that a buffer can be both read and written."""
        for item in body.items:
            if isinstance(item, Pass):
                self._pass(item, slots)
                continue
            for number, slot in enumerate(slots if self._is_wide(item) else slots[:1]):
                self._do(item, slot, number)
            if isinstance(item, Get | Reload) and not self._is_wide(item):
                for slot in slots[1:]:
                    slot.known[item.value] = slots[0].known[item.value]

    def _is_wide(self, item: Item) -> bool:
        """Whether something is done for every lane."""
        nest, abreast = self.nest, self.abreast
        if isinstance(item, Get | Reload | Keep):
            return abreast in nest.varies[item.value]
        if isinstance(item, Put):
            return abreast in nest.varies[nest.loops.writes[item.write].value]
        if isinstance(item, Pour):
            return abreast in nest.varies[nest.rows[item.row].operand]
        return isinstance(item, Add) and self._folds_wide(item.fold)

    def _folds_wide(self, at: int) -> bool:
        fold = self.nest.values[at]
        return self.abreast in (*self.nest.varies[fold.operand], *fold.over)  # type: ignore[union-attr]

    def _pass(self, run: Pass, slots: list[Slot]) -> None:
        for at in run.folds:
            fold = self.nest.values[at]
            wide = self._folds_wide(at)
            across = self.abreast in fold.over  # type: ignore[union-attr]
            self.accumulators[at] = [
                Accumulator(
                    self.builder, self.variable,
                    fold.word, fold.dtype, self.lanes if wide else 1, across,  # type: ignore[union-attr]
                    in_strips=across and self.nest.fold_depth(at) == self.abreast + 1,
                )
                for _ in (slots if wide else slots[:1])
            ]  # fmt: skip
        for at in run.rows:
            self._along(self.nest.rows[at], slots[0], partial(self._fill, at))
        if run.loop == self.abreast:
            self._vectors(run, slots[0])
        else:
            with self.turns(run.loop):
                self._body(run.body, slots)
        for at in run.folds:
            found = [each.finished() for each in self.accumulators[at]]
            for number, slot in enumerate(slots):
                slot.known[at] = found[min(number, len(found) - 1)]
        for at in run.rows:
            self._along(self.nest.rows[at], slots[0], partial(self._drain, at))

    # The loop in lanes
    # ---------------------------------------------------------------------------------------------------
    def _vectors(self, run: Pass, slot: Slot) -> None:
        streamed = [item.write for item in run.body.items if isinstance(item, Put) and self._may_stream(item.write)]
        if not streamed:
            self._strips(run, slot)
            return
        # The processor writes past its caches in whole aligned vectors only.
        first, build = self._range(run.loop)[0], self.builder
        aligned = [self.memory.aligned(("write", at), first) for at in streamed]
        with build.if_else(reduce(build.and_, aligned)) as (yes, no):
            with yes:
                self.memory.streaming = True
                self._strips(run, slot)
                self.memory.streaming = False
                build.fence("seq_cst")
            with no:
                self._strips(run, slot)

    def _may_stream(self, write: int) -> bool:
        buffer = self.nest.loops.writes[write].buffer
        inner = self.abreast == self.depth - 1 and buffer.moves[self.abreast] == NEXT
        return self.nest.loops.fit.stream and inner and write not in self.nest.reloaded.values()

    def _strips(self, run: Pass, slot: Slot) -> None:
        adds = [
            self.accumulators[item.fold][0] for item in run.body.items if isinstance(item, Add) and self._is_wide(item)
        ]
        slots = self._slots(run.body) if self.abreast == self.depth - 1 else 1
        first, limit = self._range(run.loop)
        counter = self.variable(INT64, first)
        if not any(each.needs_strips for each in adds):
            self._strip(run.body, slot, counter, limit, slots, adds)
            return
        # Sums are carried over to more exact ones before their rounding errors add up.
        length = 64 * slots * self.lanes
        with self.counting(counter, limit, length) as at:
            end = self.builder.add(at, INT64(length))
            end = self.builder.select(self.builder.icmp_signed("<", end, limit), end, limit)
            self._strip(run.body, slot, self.variable(INT64, at), end, slots, adds)

    def _strip(
        self, body: Body, outer: Slot, counter: ir.Value, limit: ir.Value, slots: int, adds: list[Accumulator]
    ) -> None:
        build, lanes = self.builder, self.lanes
        items = list(body.everything())
        reads = [at for at in self.layout.turned[0] if Get(at) in items]
        writes = [at for at in self.layout.turned[1] if Put(at) in items]

        def turn(at: ir.Value, count: int, mask: Lanes | None) -> None:
            starts = [build.add(at, INT64(lanes * slot)) if slot else at for slot in range(count)]
            for read in reads:
                self.squares.fill(read, at, limit)
            self._body(body, [Slot(dict(outer.known), start, mask) for start in starts])
            for write in writes:
                self.squares.drain(write, at, limit)

        for each in adds:
            each.begin(slots)
        if slots > 1:
            # Short rows never come here, so the further sums are begun and joined inside.
            with build.if_then(build.icmp_signed("<=", build.add(build.load(counter), INT64(slots * lanes)), limit)):
                for each in adds:
                    each.begin_others()
                with self.counting(counter, limit, slots * lanes, slots * lanes) as at:
                    turn(at, slots, None)
                for each in adds:
                    each.join_others()
        if (slots == 1 and self.abreast == self.depth - 1) or machine().vector_bytes < 64:
            with self.counting(counter, limit, lanes, lanes) as at:
                turn(at, 1, None)
        # Where masks cost little, vectors that are too few for a turn of several have one, and no code of their own.
        with self.counting(counter, limit, lanes) as at:
            turn(at, 1, vec.first(build, build.sub(limit, at), lanes))
        for each in adds:
            each.flush()

    def _slots(self, body: Body) -> int:
        """How many vectors a turn does: several where little is computed, because each step waits for the one
        before."""
        cost = sum(map(self.nest.cost, body.items))
        return self.nest.loops.fit.vectors or (4 if cost <= 10 else 2 if cost <= 24 else 1)

    # Rows of folds
    # -------------------------------------------------------------------------------------------------------
    def _along(self, row: Row, slot: Slot, each: Callable[[Slot], None], loop: int | None = None) -> None:
        """Do something for every place in a row of folds."""
        loop = row.first if loop is None else loop
        if loop == row.depth:
            each(slot)
        elif loop not in row.kept:
            self._along(row, slot, each, loop + 1)
        elif loop == self.abreast:
            limit = self.memory.extents[loop]
            with self.counting(self.variable(INT64, INT64(0)), limit, self.lanes) as at:
                mask = vec.first(self.builder, self.builder.sub(limit, at), self.lanes)
                self._along(row, Slot({}, at, mask), each, loop + 1)
        else:
            with self.turns(loop):
                self._along(row, slot, each, loop + 1)

    def _row_lanes(self, row: Row) -> int:
        return self.lanes if self.abreast in self.nest.varies[row.operand] else 1

    def _fill(self, at: int, slot: Slot) -> None:
        row = self.nest.rows[at]
        numbers = literal(vector(register(row.dtype), self._row_lanes(row)), identity(row.word, row.dtype))
        self.memory.store(("row", at), row.dtype, Lanes(self.builder, numbers), slot.index, None)

    def _drain(self, at: int, slot: Slot) -> None:
        row = self.nest.rows[at]
        dtype = self.nest.loops.writes[row.write].buffer.dtype
        numbers = self.memory.load(("row", at), row.dtype, self._row_lanes(row), slot.index, None)
        if self.abreast in row.over:
            numbers = numbers.folded(lambda left, right: joined(row.word, row.dtype, left, right))
        self.memory.store(("write", row.write), dtype, convert(numbers, row.dtype, dtype), slot.index, slot.mask)

    # One item, in numbers or in vectors
    # ------------------------------------------------------------------------------------
    def _do(self, item: Item, slot: Slot, number: int) -> None:
        nest, memory, known = self.nest, self.memory, slot.known
        lanes = self.lanes if self._is_wide(item) else 1
        if isinstance(item, Get):
            value = nest.values[item.value]
            if isinstance(value, Buffer):
                known[item.value] = memory.load(("read", item.value), value.dtype, lanes, slot.index, slot.mask)
            else:
                assert isinstance(value, Apply)
                known[item.value] = self._applied(value, known, lanes)
        elif isinstance(item, Reload):
            write = nest.reloaded.get(item.value)
            key = ("kept", item.value) if write is None else ("write", write)
            known[item.value] = memory.load(key, nest.dtype(item.value), lanes, slot.index, slot.mask)
        elif isinstance(item, Keep):
            memory.store(("kept", item.value), nest.dtype(item.value), known[item.value], slot.index, None)
        elif isinstance(item, Put):
            put = nest.loops.writes[item.write]
            numbers = convert(known[put.value], nest.dtype(put.value), put.buffer.dtype)
            memory.store(("write", item.write), put.buffer.dtype, numbers, slot.index, slot.mask)
        elif isinstance(item, Add):
            fold = nest.values[item.fold]
            assert isinstance(fold, Fold)
            numbers = convert(known[fold.operand], nest.dtype(fold.operand), fold.dtype).repeat(lanes)
            sums = self.accumulators[item.fold]
            sums[min(number, len(sums) - 1)].add(numbers, number, slot.mask)
        elif isinstance(item, Pour):
            row, place = nest.rows[item.row], ("row", item.row)
            numbers = convert(known[row.operand], nest.dtype(row.operand), row.dtype)
            before = memory.load(place, row.dtype, lanes, slot.index, None)
            after = joined(row.word, row.dtype, before, numbers)
            if self.abreast in row.over and slot.mask is not None:
                after = slot.mask.select(after, before)
            memory.store(place, row.dtype, after, slot.index, None)

    def _applied(self, value: Apply, known: dict[int, Lanes], lanes: int) -> Lanes:
        dtypes = [None if isinstance(each, Number) else self.nest.dtype(each) for each in value.operands]
        wanted = computed_in(value, dtypes)
        operands = []
        for operand, own, dtype in zip(value.operands, dtypes, wanted):
            if isinstance(operand, Number):
                operands.append(Lanes(self.builder, literal(vector(register(dtype), lanes), operand.value)))
            else:
                operands.append(convert(known[operand], own or dtype, dtype).repeat(lanes))
        return spoken(value, operands, wanted[-1])


def spoken(value: Apply, operands: list[Lanes], dtype: str) -> Lanes:
    """A word applied to operands that are all of one dtype (but for a condition)."""
    word = value.word
    if word == "cast":
        return convert(operands[0], dtype, value.dtype)
    if dtype == "bool" and word in "+*":
        return joined(word, dtype, *operands)
    if dtype.startswith("u") and word in ("abs", "sign"):
        (x,) = operands
        return x if word == "abs" else x.differs(0).cast(register(dtype))
    if dtype.startswith("u") and (word in COMPARISONS or word in ("max", "min")):
        # Whole numbers are compared with a sign; with the highest bit turned over that is the order without one.
        high = 1 << 8 * np.dtype(dtype).itemsize - 1
        result = SPOKEN[word](*[each ^ high for each in operands])
        return result if word in COMPARISONS else result ^ high
    return SPOKEN[word](*operands).cast(register(value.dtype))
