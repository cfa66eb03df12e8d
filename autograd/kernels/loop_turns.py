"""Rows turned into columns and back, for nests whose rows are done side by side in lanes but lie one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from llvmlite import ir

from . import vector as vec
from .loop_memory import Key, Memory, size_of
from .vector import ELEMENTS, INT64, Lanes, literal, vector

Counting = Callable[[ir.Value, ir.Value, int], AbstractContextManager[ir.Value]]


class _Square(NamedTuple):
    """As many rows as columns: the rows' addresses and which of their numbers there are; the columns' addresses."""

    rows: list[tuple[ir.Value, Lanes]]
    columns: list[ir.Value]
    kind: ir.Type


class Turns:
    """As many rows as there are lanes, between a buffer and the scratch, where they lie as columns: a vector of them
    for every turn of the innermost loop."""

    def __init__(self, memory: Memory, counting: Counting, variable: Callable[..., ir.Value]) -> None:
        self.memory, self.builder, self.counting, self.variable = memory, memory.builder, counting, variable
        self.lanes = memory.layout.lanes

    def fill(self, read: int, at: ir.Value, limit: ir.Value) -> None:
        """Take the rows from turn `at` on, those below the limit."""
        with self._squares(("read", read), at, limit) as square:
            rows = [vec.load_some(self.builder, place, 0, square.kind, some) for place, some in square.rows]
            for place, column in zip(square.columns, vec.turned(rows)):
                vec.store(self.builder, place, 0, column)

    def drain(self, write: int, at: ir.Value, limit: ir.Value) -> None:
        """Put the rows from turn `at` on, those below the limit."""
        with self._squares(("write", write), at, limit) as square:
            columns = [vec.load(self.builder, place, 0, square.kind) for place in square.columns]
            for (place, some), row in zip(square.rows, vec.turned(columns)):
                vec.store_some(self.builder, place, 0, row, some)

    @contextmanager
    def _squares(self, key: Key, at: ir.Value, limit: ir.Value) -> Iterator[_Square]:
        """For every square: where its rows begin and which of their numbers there are, and where its columns lie."""
        memory, build, lanes = self.memory, self.builder, self.lanes
        layout = memory.layout
        dtype = memory.dtype(key)
        inner, size = layout.nest.loops.depth - 1, INT64(size_of(dtype))
        stride = memory.strides[key][layout.abreast]
        step = build.mul(stride, size)
        begin = build.add(memory.places[key], build.mul(at, step))
        scratch = memory.places[f"{key[0]} turned", key[1]]
        extent = memory.extents[inner]
        with self.counting(self.variable(INT64, INT64(0)), extent, lanes) as column:
            some = vec.first(build, build.sub(extent, column), lanes)
            first = build.add(begin, build.mul(column, size))
            rows = []
            for row in range(lanes):
                is_there = build.icmp_signed("<", build.add(at, INT64(row)), limit)
                # Nothing is read or written of a row that is not there; its address is that of the first.
                place = build.select(is_there, build.add(first, build.mul(step, INT64(row))), first)
                rows.append((place, Lanes(build, build.select(is_there, some.value, literal(some.kind, False)))))
            column_size = INT64(lanes * size_of(dtype))
            top = build.add(scratch, build.mul(column, column_size))
            columns = [build.add(top, build.mul(INT64(row), column_size)) for row in range(lanes)]
            yield _Square(rows, columns, vector(ELEMENTS[dtype], lanes))
