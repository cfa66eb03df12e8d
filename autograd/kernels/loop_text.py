"""LLVM instructions for a nest of loops: numbers in the outer loops, vectors in the innermost one.

The innermost loop runs over several vectors at once while there are enough numbers, then over one, and ends with a vector
of which some lanes are masked. Outer loops are plain. Every fold has a sum of its own for each vector of a turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from llvmlite import ir

from . import vector as vec
from .functions import SPOKEN
from .loop_code import lanes_of
from .loop_folds import Accumulator, convert, identity, joined, register
from .loop_memory import Memory
from .loop_passes import CHEAP, Add, Body, Get, Item, Keep, Nest, Pass, Pour, Put, Reload, Row
from .loops import FAR, Apply, Buffer, Fold, Number
from .machine import machine
from .vector import INT64, Lanes, literal, vector

COMPARISONS = frozenset(("<", "<=", ">", ">=", "==", "!="))


def text(nest: Nest, name: str) -> str:
    """The function `name` as LLVM assembly."""
    module = ir.Module(name)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [INT64, INT64, INT64]), name)
    _Writer(function, nest).write()
    return str(module)


class _Writer:
    def __init__(self, function: ir.Function, nest: Nest) -> None:
        self.nest, self.depth = nest, nest.loops.depth
        block, self.start, self.stop = function.args
        self.entry = ir.IRBuilder(function.append_basic_block("entry"))
        self.begin = function.append_basic_block("begin")
        self.builder = ir.IRBuilder(self.begin)
        self.lanes = lanes_of(nest, machine().vector_bytes)
        self.memory = Memory(self.builder, nest, block, self.start)
        self.known: dict[int, Lanes] = {}
        """Numbers of the outer loops."""
        self.accumulators: dict[int, Accumulator] = {}

    def write(self) -> None:
        """The whole function."""
        self._numbers(self.nest.body)
        self.builder.ret_void()
        self.entry.branch(self.begin)

    # Control -----------------------------------------------------------------------------------------------------------
    def variable(self, kind: ir.Type, first: ir.Value | None = None) -> ir.Value:
        """A variable of the function; LLVM turns it into registers."""
        made = self.entry.alloca(kind)
        if first is not None:
            self.builder.store(first, made)
        return made

    @contextmanager
    def counting(self, counter: ir.Value, limit: ir.Value, step: int, room: int = 1) -> Iterator[ir.Value]:
        """While counter + room ≤ limit, in steps."""
        build = self.builder
        head, inside, after = (build.append_basic_block(each) for each in ("while", "do", "done"))
        build.branch(head)
        build.position_at_end(head)
        at = build.load(counter)
        build.cbranch(build.icmp_signed("<=", build.add(at, INT64(room)), limit), inside, after)
        build.position_at_end(inside)
        yield at
        build.store(build.add(at, INT64(step)), counter)
        build.branch(head)
        build.position_at_end(after)

    @contextmanager
    def turns(self, loop: int) -> Iterator[None]:
        """Every turn of an outer loop; of the outermost only the rows asked for."""
        first, limit = self._range(loop)
        with self.counting(self.variable(INT64, first), limit, 1) as index:
            self.memory.indices.append(index)
            yield
            self.memory.indices.pop()

    def _range(self, loop: int) -> tuple[ir.Value, ir.Value]:
        return (self.start, self.stop) if loop == 0 else (INT64(0), self.memory.extents[loop])

    # Numbers of the outer loops ----------------------------------------------------------------------------------------------
    def _numbers(self, body: Body) -> None:
        for item in body.items:
            if isinstance(item, Pass):
                self._pass(item)
            else:
                self._do(item, self.known)

    def _pass(self, run: Pass) -> None:
        for at in run.folds:
            fold = self.nest.values[at]
            lanes = self.lanes if self.nest.fold_depth(at) == self.depth else 1
            self.accumulators[at] = Accumulator(self.builder, self.variable, fold.word, fold.dtype, lanes)  # type: ignore[union-attr]
        for at in run.rows:
            row = self.nest.rows[at]
            self._along(row, lambda index, lanes, mask, at=at, row=row: self._fill(at, row, index, lanes))
        if run.loop == self.depth - 1:
            self._innermost(run)
        else:
            with self.turns(run.loop):
                self._numbers(run.body)
        for at in run.folds:
            self.known[at] = self.accumulators[at].finished()
        for at in run.rows:
            row = self.nest.rows[at]
            self._along(row, lambda index, lanes, mask, at=at, row=row: self._drain(at, row, index, lanes, mask))

    # Rows of folds -------------------------------------------------------------------------------------------------------
    def _along(self, row: Row, each: Callable[[ir.Value | None, int, Lanes | None], None], loop: int | None = None) -> None:
        """Do something for every place in a row of folds."""
        loop = row.first if loop is None else loop
        if loop == row.depth:
            each(None, 1, None)
        elif loop == self.depth - 1:
            limit = self.memory.extents[loop]
            counter = self.variable(INT64, INT64(0))
            with self.counting(counter, limit, self.lanes) as at:
                each(at, self.lanes, vec.first(self.builder, self.builder.sub(limit, at), self.lanes))
        elif loop in row.kept:
            with self.turns(loop):
                self._along(row, each, loop + 1)
        else:
            self.memory.indices.append(INT64(0))
            self._along(row, each, loop + 1)
            self.memory.indices.pop()

    def _fill(self, at: int, row: Row, index: ir.Value | None, lanes: int) -> None:
        numbers = literal(vector(register(row.dtype), lanes), identity(row.word, row.dtype))
        self.memory.store(("row", at), row.dtype, Lanes(self.builder, numbers), index)

    def _drain(self, at: int, row: Row, index: ir.Value | None, lanes: int, mask: Lanes | None) -> None:
        dtype = self.nest.loops.writes[row.write].buffer.dtype
        numbers = convert(self.memory.load(("row", at), row.dtype, lanes, index), row.dtype, dtype)
        self.memory.store(("write", row.write), dtype, numbers, index, mask)

    # The innermost loop ----------------------------------------------------------------------------------------------------
    def _innermost(self, run: Pass) -> None:
        adds = [self.accumulators[item.fold] for item in run.body.items if isinstance(item, Add)]
        abreast = self._abreast(run.body)
        first, limit = self._range(run.loop)
        wide = self._repeated(run.body)
        counter = self.variable(INT64, first)
        if not any(each.needs_strips for each in adds):
            self._strip(run.body, wide, counter, limit, abreast, adds)
            return
        # Sums are carried over to more exact ones before their rounding errors add up.
        length = 64 * abreast * self.lanes
        with self.counting(counter, limit, length) as at:
            end = self.builder.add(at, INT64(length))
            end = self.builder.select(self.builder.icmp_signed("<", end, limit), end, limit)
            self._strip(run.body, wide, self.variable(INT64, at), end, abreast, adds)

    def _strip(
        self, body: Body, wide: dict[int, Lanes], counter: ir.Value, limit: ir.Value, abreast: int, adds: list[Accumulator]
    ) -> None:
        build, lanes = self.builder, self.lanes
        for each in adds:
            each.begin(abreast)
        if abreast > 1:
            # Short rows never come here, so the further sums are begun and joined inside.
            many = build.icmp_signed("<=", build.add(build.load(counter), INT64(abreast * lanes)), limit)
            with build.if_then(many):
                for each in adds:
                    each.begin_others()
                with self.counting(counter, limit, abreast * lanes, abreast * lanes) as at:
                    self._vectors(body, wide, at, abreast, None)
                for each in adds:
                    each.join_others()
        with self.counting(counter, limit, lanes, lanes) as at:
            self._vectors(body, wide, at, 1, None)
        at = build.load(counter)
        with build.if_then(build.icmp_signed("<", at, limit)):
            self._vectors(body, wide, at, 1, vec.first(build, build.sub(limit, at), lanes))
        for each in adds:
            each.flush()

    def _vectors(self, body: Body, wide: dict[int, Lanes], at: ir.Value, abreast: int, mask: Lanes | None) -> None:
        """One turn. Everything is got before anything is written, so that a buffer can be both read and written."""
        indices = [self.builder.add(at, INT64(self.lanes * slot)) if slot else at for slot in range(abreast)]
        known = [dict(wide) for _ in indices]
        for item in body.items:
            for slot, index in enumerate(indices):
                self._do(item, known[slot], self.lanes, index, mask, slot)

    def _repeated(self, body: Body) -> dict[int, Lanes]:
        """Numbers of the outer loops that the innermost one uses, in every lane."""
        used: set[int] = set()
        for item in body.items:
            if isinstance(item, Get):
                value = self.nest.values[item.value]
                if isinstance(value, Apply):
                    used |= {each for each in value.operands if not isinstance(each, Number)}
            elif isinstance(item, Add):
                used.add(self.nest.values[item.fold].operand)  # type: ignore[union-attr]
            elif isinstance(item, Pour):
                used.add(self.nest.rows[item.row].operand)
            elif isinstance(item, Put):
                used.add(self.nest.loops.writes[item.write].value)
        used -= {item.value for item in body.items if isinstance(item, Get | Reload)}
        return {at: self.known[at].repeat(self.lanes) for at in sorted(used)}

    def _abreast(self, body: Body) -> int:
        """How many vectors a turn does: several where little is computed, because each step waits for the one before."""
        cost = sum(1 if not isinstance(item, Get) or self._is_cheap(self.nest.values[item.value]) else 20 for item in body.items)
        return 4 if cost <= 10 else 2 if cost <= 24 else 1

    def _is_cheap(self, value: Any) -> bool:
        return value.moves[-1] != FAR if isinstance(value, Buffer) else value.word in CHEAP

    # One item, in numbers or in vectors ------------------------------------------------------------------------------------
    def _do(
        self, item: Item, known: dict[int, Lanes], lanes: int = 1, index: ir.Value | None = None, mask: Lanes | None = None,
        slot: int = 0,
    ) -> None:  # fmt: skip
        nest, memory = self.nest, self.memory
        if isinstance(item, Get):
            value = nest.values[item.value]
            if isinstance(value, Buffer):
                known[item.value] = memory.load(("read", item.value), value.dtype, lanes, index, mask)
            else:
                assert isinstance(value, Apply)
                known[item.value] = self._applied(value, known, lanes)
        elif isinstance(item, Reload):
            write = nest.reloaded.get(item.value)
            key = ("kept", item.value) if write is None else ("write", write)
            known[item.value] = memory.load(key, nest.dtype(item.value), lanes, index, mask)
        elif isinstance(item, Keep):
            memory.store(("kept", item.value), nest.dtype(item.value), known[item.value], index)
        elif isinstance(item, Put):
            put = nest.loops.writes[item.write]
            numbers = convert(known[put.value], nest.dtype(put.value), put.buffer.dtype)
            memory.store(("write", item.write), put.buffer.dtype, numbers, index, mask)
        elif isinstance(item, Add):
            fold = nest.values[item.fold]
            assert isinstance(fold, Fold)
            numbers = convert(known[fold.operand], nest.dtype(fold.operand), fold.dtype)
            self.accumulators[item.fold].add(numbers, slot, mask)
        elif isinstance(item, Pour):
            row, place = nest.rows[item.row], ("row", item.row)
            numbers = convert(known[row.operand], nest.dtype(row.operand), row.dtype)
            before = memory.load(place, row.dtype, lanes, index)
            memory.store(place, row.dtype, joined(row.word, row.dtype, before, numbers), index)

    def _applied(self, value: Apply, known: dict[int, Lanes], lanes: int) -> Lanes:
        dtypes = [None if isinstance(each, Number) else self.nest.dtype(each) for each in value.operands]
        wanted = _computed_in(value, dtypes)
        operands = []
        for operand, own, dtype in zip(value.operands, dtypes, wanted):
            if isinstance(operand, Number):
                operands.append(Lanes(self.builder, literal(vector(register(dtype), lanes), operand.value)))
            else:
                operands.append(convert(known[operand], own or dtype, dtype))
        return spoken(value, operands, wanted[-1])


def _computed_in(value: Apply, dtypes: list[str | None]) -> list[str]:
    """The dtypes in which a word takes its operands, whose own dtypes are given; None for a number."""
    if value.word == "where":
        return ["bool", value.dtype, value.dtype]
    if value.word in COMPARISONS:
        common = np.result_type(*[each for each in dtypes if each is not None]).name
        return [common] * len(dtypes)
    if value.word == "cast":
        return [dtypes[0] or value.dtype]
    return [value.dtype] * len(dtypes)


def spoken(value: Apply, operands: list[Lanes], dtype: str) -> Lanes:
    """A word applied to operands that are all of one dtype (but for a condition)."""
    word = value.word
    if word == "cast":
        return convert(operands[0], dtype, value.dtype)
    if dtype == "bool" and word in "+*":
        return joined(word, dtype, *operands)
    if dtype.startswith("u") and (word in COMPARISONS or word in ("max", "min")):
        # Whole numbers are compared with a sign; with the highest bit turned over that is the order without one.
        high = 1 << 8 * np.dtype(dtype).itemsize - 1
        result = SPOKEN[word](*[each ^ high for each in operands])
        return result if word in COMPARISONS else result ^ high
    return SPOKEN[word](*operands).cast(register(value.dtype))
