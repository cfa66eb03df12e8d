"""Packing: a matrix rewritten as panels of columns, which a matrix product then reads from front to end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from llvmlite import ir

from . import vector as vec
from .kernel import kernel
from .machine import machine
from .vector import INT64, Lanes


@kernel()
def pack(v: SimpleNamespace) -> Any:
    """Panels T[panel, k, j] = B[k, panel·width + j] for a stack of matrices B; columns past the last are zeros.

    Block: addresses of B and T; columns, depth, strides of B along columns and depth; width of a panel (vectors times
    lanes); number of matrices of the innermost and of the middle loop of the stack; strides of B along the three loops,
    innermost first. One row of the call is one panel; the panels of one matrix follow each other.

    Where columns lie side by side numbers are copied; where the depth does, squares of lanes times lanes are turned in
    registers; else they are fetched one by one.
    """
    word, load_some, store, get, put = v.word, v.load_some, v.store, v.get, v.put
    turn, size, lanes = _turn(v), v.size, v.lanes

    def loop(block: int, start: int, stop: int) -> None:
        columns, depth, b_column, b_depth = word(block, 2), word(block, 3), word(block, 4), word(block, 5)
        width, inner, middle = word(block, 6), word(block, 7), word(block, 8)
        panels = (columns + width - 1) // width
        for each in range(start, stop):
            matrix = each // panels
            first = (each - matrix * panels) * width
            next_ = matrix // inner
            far = next_ // middle
            steps = (matrix - next_ * inner) * word(block, 9) + (next_ - far * middle) * word(block, 10)
            source = word(block, 0) + size * (steps + far * word(block, 11) + first * b_column)
            target = word(block, 1) + size * each * depth * width
            for j in range(0, width, lanes):
                many = max(min(columns - first - j, lanes), 0)
                here = source + size * j * b_column
                if b_column == 1 or many == 0:
                    for k in range(depth):
                        store(target, k * width + j, load_some(here, k * b_depth, many))
                elif b_depth == 1:
                    for k in range(0, depth, lanes):
                        turn(here + size * k, size * b_column, target + size * (k * width + j), size * width, many, depth - k)
                else:
                    for k in range(depth):
                        store(target, k * width + j, v_zero())
                        for at in range(many):
                            put(target, k * width + j + at, get(here, k * b_depth + at * b_column))

    v_zero = v.zero
    return loop


def _turn(v: SimpleNamespace) -> Any:
    """An instruction that turns a square: (source, its stride in bytes from row to row, target, its stride, rows of the
    source, columns of the source), of which at most as many as a vector has lanes are used."""
    I = v.I  # noqa: E741

    @v.inline(v.none, I, I, I, I, I, I)
    def turn(builder: Any, source: Lanes, step: Lanes, target: Lanes, stride: Lanes, rows: Lanes, columns: Lanes) -> None:
        operands = [each.value for each in (source, step, target, stride, rows, columns)]
        builder.call(_square(builder.module, v.dtype), operands)

    return turn


def _square(module: ir.Module, dtype: str) -> ir.Function:
    """The function that turns a square in registers, in log₂(lanes) rounds of exchanges."""
    element, lanes = vec.ELEMENTS[dtype], machine().lanes(dtype)
    kind = vec.vector(element, lanes)
    try:
        return module.get_global("square")
    except KeyError:
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [INT64] * 6), "square")
    function.linkage = "internal"
    function.attributes.add("noinline")
    source, step, target, stride, rows, columns = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    mask = vec.first(builder, columns, lanes)
    last = builder.sub(rows, INT64(1))
    square = []
    for row in range(lanes):
        inside = builder.icmp_signed("<", INT64(row), rows)
        # A row that is not there is read as the last one with no lane set.
        at = builder.select(inside, INT64(row), last)
        some = builder.select(inside, mask.value, vec.literal(mask.kind, False))
        place = builder.add(source, builder.mul(at, step))
        square.append(vec.load_some(builder, place, 0, kind, Lanes(builder, some)))
    reach = 1
    while reach < lanes:
        for row in range(lanes):
            if not row & reach:
                one, other = square[row], square[row + reach]
                square[row] = one.shuffle(other, [at + lanes - reach if at & reach else at for at in range(lanes)])
                square[row + reach] = one.shuffle(other, [at + lanes if at & reach else at + reach for at in range(lanes)])
        reach *= 2
    # Rows are stored from the last that exists to the first.
    blocks = [function.append_basic_block(f"row{row}") for row in range(lanes)]
    switch = builder.switch(columns, blocks[-1])
    for row, block in enumerate(blocks):
        switch.add_case(INT64(row + 1), block)
        builder.position_at_end(block)
        vec.store(builder, builder.add(target, builder.mul(stride, INT64(row))), 0, Lanes(builder, square[row].value))
        if row:
            builder.branch(blocks[row - 1])
        else:
            builder.ret_void()
    return function
