"""Squares of numbers turned over in registers: rows become columns."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from . import vector as vec
from .moves import instruction
from .vector import INT64, Lanes


def turner(v: SimpleNamespace) -> Any:
    """An instruction: target[j, i] = source[i, j] for at most as many rows and columns as a vector has lanes.

    (source, its stride in bytes from row to row, target, its stride in bytes, rows of the source, columns of the
    source, both at least 1; more than lanes count as so many.)
    """
    I, lanes = v.I, v.lanes  # noqa: E741
    kind = vec.vector(vec.ELEMENTS[v.dtype], lanes)

    @instruction(v, v.none, I, I, I, I, I, I)
    def turn(builder: Any, source: Any, step: Any, target: Any, stride: Any, rows: Any, columns: Any) -> None:
        some, whole = vec.first(builder, columns, lanes), vec.first(builder, rows, lanes)
        square = []
        for row in range(lanes):
            is_there = builder.icmp_signed(">", rows, INT64(row))
            # No lane of a row that is not there is read; its address is that of the first.
            place = builder.select(is_there, builder.add(source, builder.mul(step, INT64(row))), source)
            mask = builder.select(is_there, some.value, vec.literal(some.kind, False))
            square.append(vec.load_some(builder, place, 0, kind, Lanes(builder, mask)))
        square = vec.turned(square)
        end = builder.append_basic_block("end")
        for row in range(lanes):
            place = builder.add(target, builder.mul(stride, INT64(row)))
            vec.store_some(builder, place, 0, square[row], whole)
            following = builder.append_basic_block(f"row{row}") if row + 1 < lanes else end
            builder.cbranch(builder.icmp_signed(">", columns, INT64(row + 1)), following, end)
            builder.position_at_end(following)

    return turn
