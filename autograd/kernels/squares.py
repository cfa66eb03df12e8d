"""Squares of numbers turned over in registers: rows become columns."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from llvmlite import ir

from . import vector as vec
from .machine import machine
from .vector import INT64, Lanes


def turner(v: SimpleNamespace) -> Any:
    """An instruction: target[j, i] = source[i, j] for at most as many rows and columns as a vector has lanes.

    (source, its stride in bytes from row to row, target, its stride in bytes, rows of the source, columns of the source,
    both at least 1; more than lanes count as so many.)
    """
    I = v.I  # noqa: E741

    @v.inline(v.none, I, I, I, I, I, I)
    def turn(builder: Any, source: Lanes, step: Lanes, target: Lanes, stride: Lanes, rows: Lanes, columns: Lanes) -> None:
        operands = [each.value for each in (source, step, target, stride, rows, columns)]
        builder.call(_turn(builder.module, v.dtype), operands)

    return turn


def _turn(module: ir.Module, dtype: str) -> ir.Function:
    """The function, once in a module. log₂(lanes) rounds exchange numbers between rows 1, 2, 4, … apart."""
    name = "turn"
    if name in module.globals:
        return module.globals[name]
    element, lanes = vec.ELEMENTS[dtype], machine().lanes(dtype)
    kind = vec.vector(element, lanes)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [INT64] * 6), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    source, step, target, stride, rows, columns = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    some = vec.first(builder, columns, lanes)
    square = []
    for row in range(lanes):
        is_there = builder.icmp_signed(">", rows, INT64(row))
        # No lane of a row that is not there is read; its address is that of the first.
        place = builder.select(is_there, builder.add(source, builder.mul(step, INT64(row))), source)
        mask = builder.select(is_there, some.value, vec.literal(some.kind, False))
        square.append(vec.load_some(builder, place, 0, kind, Lanes(builder, mask)))
    reach = 1
    while reach < lanes:
        for row in range(lanes):
            if row & reach == 0:
                upper, lower = square[row], square[row + reach]
                square[row] = upper.shuffle(lower, [at + lanes - reach if at & reach else at for at in range(lanes)])
                square[row + reach] = upper.shuffle(lower, [at + lanes if at & reach else at + reach for at in range(lanes)])
        reach *= 2
    ends, whole = function.append_basic_block("end"), vec.first(builder, rows, lanes)
    for row in range(lanes):
        vec.store_some(builder, builder.add(target, builder.mul(stride, INT64(row))), 0, square[row], whole)
        following = function.append_basic_block(f"row{row}") if row + 1 < lanes else ends
        builder.cbranch(builder.icmp_signed(">", columns, INT64(row + 1)), following, ends)
        builder.position_at_end(following)
    builder.ret_void()
    return function
