"""Instructions that convolutions are made of: tiles held in registers, and rows moved to and from working memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from llvmlite import ir

from . import vector as vec
from .kernel import part
from .machine import machine
from .vector import INT64, Lanes

WIDTH = 3
"""Vectors of pixels in a wide tile of `gather_tile`."""


def tallest() -> int:
    """Rows of the tallest tile: what fits into the registers beside the vectors that are multiplied."""
    return 8 if machine().registers >= 32 else 4


def heights() -> list[int]:
    """Rows that tiles have: the tallest, and its halves for what is left over."""
    return [tallest() >> step for step in range(tallest().bit_length())]


def gather_tile(v: SimpleNamespace) -> Any:
    """sums[k, p] = Σ_c Σ_t weights[c, t, k]·source[c, p + offset[t]] for a few k and one or three vectors of p.

    (rows, vectors, source, its stride in bytes from channel to channel, channels, offsets in bytes, how many, weights,
    target, its stride in bytes from row to row, lanes used of the last vector.)
    """
    I = v.I  # noqa: E741

    @v.inline(v.none, I, I, I, I, I, I, I, I, I, I, I)
    def tile(
        builder: Any, rows: Lanes, vectors: Lanes, source: Lanes, pitch: Lanes, channels: Lanes, offsets: Lanes,
        taps: Lanes, weights: Lanes, target: Lanes, stride: Lanes, count: Lanes,
    ) -> None:  # fmt: skip
        operands = [each.value for each in (source, pitch, channels, offsets, taps, weights, target, stride, count)]
        which = builder.add(builder.mul(vectors.value, INT64(64)), rows.value)
        shapes = {wide * 64 + tall: (tall, wide) for wide in (1, WIDTH) for tall in heights()}
        _choose(builder, which, {at: _gather(builder.module, v.dtype, *shape) for at, shape in shapes.items()}, operands)

    return tile


def outer_tile(v: SimpleNamespace) -> Any:
    """sums[i, j] += Σ_p a_i[p]·b[p, j] for a few rows a_i, each with an offset of its own, and one or two vectors of j.

    (rows, vectors, a, offsets of its rows in bytes, step of a in bytes from p to p, b, its stride in bytes from p to p,
    how many p, sums, their stride in bytes from row to row, 1 to add to what is there or 0 to overwrite it.)
    """
    I = v.I  # noqa: E741

    @v.inline(v.none, I, I, I, I, I, I, I, I, I, I, I)
    def tile(
        builder: Any, rows: Lanes, vectors: Lanes, a: Lanes, offsets: Lanes, step: Lanes, b: Lanes, b_stride: Lanes,
        depth: Lanes, sums: Lanes, stride: Lanes, add: Lanes,
    ) -> None:  # fmt: skip
        operands = [each.value for each in (a, offsets, step, b, b_stride, depth, sums, stride, add)]
        which = builder.add(builder.mul(vectors.value, INT64(64)), rows.value)
        shapes = {wide * 64 + tall: (tall, wide) for wide in (1, 2) for tall in heights()}
        _choose(builder, which, {at: _outer(builder.module, v.dtype, *shape) for at, shape in shapes.items()}, operands)

    return tile


def _choose(builder: ir.IRBuilder, which: ir.Value, functions: dict[int, ir.Function], operands: list[ir.Value]) -> None:
    """Call the function of that number; nothing when there is none."""
    done = builder.append_basic_block("done")
    switch = builder.switch(which, done)
    for at, function in functions.items():
        block = builder.append_basic_block(function.name)
        switch.add_case(INT64(at), block)
        builder.position_at_end(block)
        builder.call(function, operands)
        builder.branch(done)
    builder.position_at_end(done)


def _function(module: ir.Module, name: str, operands: int) -> tuple[ir.Function, bool]:
    """The function of that name, and whether it is new and has to be written."""
    try:
        return module.get_global(name), False
    except KeyError:
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [INT64] * operands), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    return function, True


def multiply_add(builder: ir.IRBuilder, x: ir.Value, y: ir.Value, total: ir.Value) -> ir.Value:
    """x·y + total, rounded once where the processor can."""
    kind = x.type
    lanes = vec.lanes_of(kind)
    name = f"llvm.fmuladd.{f'v{lanes}' if lanes > 1 else ''}{vec.SUFFIX[vec.element_of(kind)]}"
    return builder.call(vec.declared(builder.module, name, kind, [kind] * 3), [x, y, total])


class Loop:
    """A counted loop being written, with values carried from turn to turn; it runs at least once."""

    def __init__(self, builder: ir.IRBuilder, count: ir.Value, carried: list[ir.Value]) -> None:
        self.builder, self.entry = builder, builder.block
        self.body = builder.append_basic_block("loop")
        builder.branch(self.body)
        builder.position_at_end(self.body)
        self.left = builder.phi(INT64)
        self.left.add_incoming(count, self.entry)
        self.values = [builder.phi(value.type) for value in carried]
        for phi, value in zip(self.values, carried):
            phi.add_incoming(value, self.entry)

    def close(self, following: list[ir.Value]) -> None:
        """Go round again while turns are left; what follows comes after the loop."""
        builder = self.builder
        fewer = builder.sub(self.left, INT64(1))
        self.left.add_incoming(fewer, builder.block)
        for phi, value in zip(self.values, following):
            phi.add_incoming(value, builder.block)
        after = builder.append_basic_block("after")
        builder.cbranch(builder.icmp_signed(">", fewer, INT64(0)), self.body, after)
        builder.position_at_end(after)


def _gather(module: ir.Module, dtype: str, rows: int, vectors: int) -> ir.Function:
    """One shape of `gather_tile`. Each turn loads `vectors` of pixels once and multiplies them by `rows` weights."""
    function, new = _function(module, f"gather.{rows}x{vectors}", 9)
    if not new:
        return function
    element, lanes = vec.ELEMENTS[dtype], machine().lanes(dtype)
    kind, size = vec.vector(element, lanes), machine().vector_bytes // machine().lanes(dtype)
    source, pitch, channels, offsets, taps, weights, target, stride, count = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    zero = vec.literal(kind, 0)
    outer = Loop(builder, channels, [source, weights] + [zero] * (rows * vectors))
    here, weights_here, *sums = outer.values
    inner = Loop(builder, taps, [offsets, weights_here, *sums])
    offset_at, weight_at, *sums = inner.values
    pixels = builder.add(here, vec.load(builder, offset_at, 0, INT64).value)
    columns = [vec.load(builder, pixels, at * lanes, kind).value for at in range(vectors)]
    sums = list(sums)
    for row in range(rows):
        number = vec.load(builder, weight_at, row, element).repeat(lanes).value
        for at in range(vectors):
            sums[row * vectors + at] = multiply_add(builder, number, columns[at], sums[row * vectors + at])
    weight_next = builder.add(weight_at, INT64(rows * size))
    inner.close([builder.add(offset_at, INT64(8)), weight_next, *sums])
    outer.close([builder.add(here, pitch), weight_next, *sums])
    mask = vec.first(builder, count, lanes)
    for row in range(rows):
        for at in range(vectors):
            value = Lanes(builder, sums[row * vectors + at])
            if at == vectors - 1:
                vec.store_some(builder, target, at * lanes, value, mask)
            else:
                vec.store(builder, target, at * lanes, value)
        target = builder.add(target, stride)
    builder.ret_void()
    return function


def _outer(module: ir.Module, dtype: str, rows: int, vectors: int) -> ir.Function:
    """One shape of `outer_tile`. Each turn loads `vectors` of b once and multiplies them by one number of each row."""
    function, new = _function(module, f"outer.{rows}x{vectors}", 9)
    if not new:
        return function
    element, lanes = vec.ELEMENTS[dtype], machine().lanes(dtype)
    kind = vec.vector(element, lanes)
    a, offsets, step, b, b_stride, depth, sums_at, stride, add = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    zero = vec.literal(kind, 0)
    bases = [builder.add(a, vec.load(builder, offsets, row, INT64).value) for row in range(rows)]
    loop = Loop(builder, depth, [INT64(0), b] + [zero] * (rows * vectors))
    moved, b_at, *sums = loop.values
    columns = [vec.load(builder, b_at, at * lanes, kind).value for at in range(vectors)]
    sums = list(sums)
    for row in range(rows):
        number = vec.load(builder, builder.add(bases[row], moved), 0, element).repeat(lanes).value
        for at in range(vectors):
            sums[row * vectors + at] = multiply_add(builder, number, columns[at], sums[row * vectors + at])
    loop.close([builder.add(moved, step), builder.add(b_at, b_stride), *sums])
    overwrite, accumulate = (builder.append_basic_block(name) for name in ("overwrite", "accumulate"))
    builder.cbranch(builder.icmp_signed("==", add, INT64(0)), overwrite, accumulate)
    for block in (overwrite, accumulate):
        builder.position_at_end(block)
        place = sums_at
        for row in range(rows):
            for at in range(vectors):
                value = Lanes(builder, sums[row * vectors + at])
                if block is accumulate:
                    value = vec.load(builder, place, at * lanes, kind) + value
                vec.store(builder, place, at * lanes, value)
            place = builder.add(place, stride)
        builder.ret_void()
    return function


def finite(v: SimpleNamespace) -> Any:
    """A function: whether `count` numbers are all finite: 0 times their sum is 0."""
    lanes, load, load_some, fma, zero, total = v.lanes, v.load, v.load_some, v.fma, v.zero, v.sum

    @part
    def is_finite(source: int, count: int) -> bool:
        found = zero()
        at = 0
        while at + lanes <= count:
            found = fma(load(source, at), zero(), found)
            at += lanes
        return total(fma(load_some(source, at, count - at), zero(), found)) == 0

    return is_finite


# Rows of numbers moved -----------------------------------------------------------------------------------------------
def movers(v: SimpleNamespace) -> SimpleNamespace:
    """Functions that move rows of numbers: `fill(target, vector, count)`, `zeros(target, count)`, `copy(target, source,
    count)`, `every(target, source, step, count)` takes every step-th number, `spread(target, source, step, count)` puts
    them step apart, `zipped(target, even, odd, count)` puts the numbers of two rows alternately, `count` in all.

    `evens(x, y)` and `odds(x, y)` part the numbers of two vectors that lie side by side; `low(x, y)` and `high(x, y)`
    put them together again.
    """
    lanes, V = v.lanes, v.V
    load, store, load_some, store_some, get, put, zero = (
        v.load, v.store, v.load_some, v.store_some, v.get, v.put, v.zero
    )  # fmt: skip
    evens = v.inline(V, V, V)(lambda x, y: x.shuffle(y, [2 * at for at in range(lanes)]))
    odds = v.inline(V, V, V)(lambda x, y: x.shuffle(y, [2 * at + 1 for at in range(lanes)]))
    low = v.inline(V, V, V)(lambda x, y: x.shuffle(y, [at // 2 + lanes * (at % 2) for at in range(lanes)]))
    high = v.inline(V, V, V)(lambda x, y: x.shuffle(y, [(at + lanes) // 2 + lanes * (at % 2) for at in range(lanes)]))

    @part
    def fill(target: int, number: Any, count: int) -> None:
        at = 0
        while at + lanes <= count:
            store(target, at, number)
            at += lanes
        if at < count:
            store_some(target, at, number, count - at)

    @part
    def zeros(target: int, count: int) -> None:
        fill(target, zero(), count)

    @part
    def copy(target: int, source: int, count: int) -> None:
        at = 0
        while at + lanes <= count:
            store(target, at, load(source, at))
            at += lanes
        if at < count:
            store_some(target, at, load_some(source, at, count - at), count - at)

    @part
    def every(target: int, source: int, step: int, count: int) -> None:
        if step == 1:
            copy(target, source, count)
        elif step == 2:
            at = 0
            while at < count:
                reach = 2 * (count - at) - 1
                one, other = load_some(source, 2 * at, reach), load_some(source, 2 * at + lanes, reach - lanes)
                store_some(target, at, evens(one, other), count - at)
                at += lanes
        else:
            for at in range(count):
                put(target, at, get(source, at * step))

    @part
    def spread(target: int, source: int, step: int, count: int) -> None:
        for at in range(count):
            put(target, at * step, get(source, at))

    @part
    def zipped(target: int, even: int, odd: int, count: int) -> None:
        at = 0
        while at < count:
            here, some = at // 2, count - at
            one, other = load_some(even, here, (some + 1) // 2), load_some(odd, here, some // 2)
            store_some(target, at, low(one, other), some)
            if some > lanes:
                store_some(target, at + lanes, high(one, other), some - lanes)
            at += 2 * lanes

    return SimpleNamespace(
        fill=fill, zeros=zeros, copy=copy, every=every, spread=spread, zipped=zipped, evens=evens, odds=odds, low=low,
        high=high,
    )  # fmt: skip
