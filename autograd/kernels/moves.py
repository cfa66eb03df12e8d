"""Rows of numbers moved: copied, filled, parted, put apart, added up. Instructions for kernels over images.

They are written over Lanes, not as numba functions, because numba takes a tenth of a second for each.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from llvmlite import ir

from . import vector as vec
from .vector import INT64, Lanes


class Loop:
    """A counted loop being written, with values carried from turn to turn; it runs at least once."""

    def __init__(self, builder: ir.IRBuilder, count: ir.Value, carried: list[ir.Value]) -> None:
        self.builder, entry = builder, builder.block
        self.body = builder.append_basic_block("loop")
        builder.branch(self.body)
        builder.position_at_end(self.body)
        self.left = builder.phi(INT64)
        self.left.add_incoming(count, entry)
        self.values = [builder.phi(value.type) for value in carried]
        for phi, value in zip(self.values, carried):
            phi.add_incoming(value, entry)

    def close(self, following: list[ir.Value], step: int = 1, least: int = 1) -> None:
        """Go round again while at least `least` are left after a step; what follows comes after the loop."""
        builder = self.builder
        fewer = builder.sub(self.left, INT64(step))
        self.left.add_incoming(fewer, builder.block)
        for phi, value in zip(self.values, following):
            phi.add_incoming(value, builder.block)
        after = builder.append_basic_block("after")
        builder.cbranch(builder.icmp_signed(">=", fewer, INT64(least)), self.body, after)
        builder.position_at_end(after)


def function_in(
    module: ir.Module, name: str, result: ir.Type, operands: list[ir.Type], write: Callable[..., ir.Value | None]
) -> ir.Function:
    """A function of the module, written when it is asked for first: write(builder, *operands) gives its result."""
    if name in module.globals:
        return module.globals[name]
    function = ir.Function(module, ir.FunctionType(result, operands), name)
    # Parts of a kernel bring copies of it, which become one.
    function.linkage = "linkonce_odr"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    value = write(builder, *function.args)
    if value is None:
        builder.ret_void()
    else:
        builder.ret(value)
    return function


def instruction(v: SimpleNamespace, result: Any, *operands: Any) -> Callable[[Callable[..., Any]], Any]:
    """A function for kernels from write(builder, *operands), which stands in every kernel that uses it once."""
    kind = vec.vector(vec.ELEMENTS[v.dtype], v.lanes)
    kinds = {id(v.V): kind, id(v.I): INT64, id(v.none): ir.VoidType()}

    def made(write: Callable[..., ir.Value | None]) -> Any:
        def call(builder: Any, *given: Lanes) -> Lanes | None:
            function = function_in(
                builder.module, write.__name__, kinds[id(result)], [kinds[id(each)] for each in operands], write
            )
            value = builder.call(function, [each.value for each in given])
            return None if result is v.none else Lanes(builder, value)

        return v.inline(result, *operands)(_with_builder(call, len(operands)))

    return made


def _with_builder(call: Callable[..., Any], count: int) -> Callable[..., Any]:
    """`call`, as `inline` wants it: a function whose first parameter is called builder."""

    def spread(builder: Any, *given: Lanes) -> Any:
        assert len(given) == count
        return call(builder, *given)

    return spread


def in_vectors(
    builder: ir.IRBuilder, count: ir.Value, lanes: int, do: Callable[[ir.Value, Lanes | None], None]
) -> None:
    """do(at, None) for every whole vector of `count` numbers, then do(at, bits) for what is left."""
    whole, rest, some, done = (builder.append_basic_block(name) for name in ("whole", "rest", "some", "done"))
    entry = builder.block
    builder.cbranch(builder.icmp_signed(">=", count, INT64(lanes)), whole, rest)
    builder.position_at_end(whole)
    at = builder.phi(INT64)
    at.add_incoming(INT64(0), entry)
    do(at, None)
    following = builder.add(at, INT64(lanes))
    at.add_incoming(following, builder.block)
    again = builder.icmp_signed("<=", builder.add(following, INT64(lanes)), count)
    last = builder.block
    builder.cbranch(again, whole, rest)
    builder.position_at_end(rest)
    begun = builder.phi(INT64)
    begun.add_incoming(INT64(0), entry)
    begun.add_incoming(following, last)
    builder.cbranch(builder.icmp_signed("<", begun, count), some, done)
    builder.position_at_end(some)
    do(begun, vec.first(builder, builder.sub(count, begun), lanes))
    builder.branch(done)
    builder.position_at_end(done)


def moves(v: SimpleNamespace) -> SimpleNamespace:
    """`fill(target, vector, count)`, `copy(target, source, count)`; `every(target, source, step, count)` takes every
    step-th number, `spread(target, source, step, count)` puts them step apart; `zipped(target, even, odd, count)` puts
    the numbers of two rows alternately, `count` in all; `add(target, source, step, count)` adds numbers to others that
    lie step apart; `finite(source, count)`: 1 if all are finite, else 0.

    `evens(x, y)` and `odds(x, y)` part the numbers of two vectors that lie side by side; `low(x, y)` and `high(x, y)`
    put them together again.
    """
    lanes, V, I, none = v.lanes, v.V, v.I, v.none  # noqa: E741
    element = vec.ELEMENTS[v.dtype]
    kind = vec.vector(element, lanes)

    def take(builder: Any, source: Any, at: Any, some: Lanes | None) -> Lanes:
        if some is None:
            return vec.load(builder, source, at, kind)
        return vec.load_some(builder, source, at, kind, some)

    def put(builder: Any, target: Any, at: Any, x: Lanes, some: Lanes | None) -> None:
        if some is None:
            vec.store(builder, target, at, x)
        else:
            vec.store_some(builder, target, at, x, some)

    def evens(x: Lanes, y: Lanes) -> Lanes:
        return x.shuffle(y, [2 * at for at in range(lanes)])

    def odds(x: Lanes, y: Lanes) -> Lanes:
        return x.shuffle(y, [2 * at + 1 for at in range(lanes)])

    def low(x: Lanes, y: Lanes) -> Lanes:
        return x.shuffle(y, [at // 2 + lanes * (at % 2) for at in range(lanes)])

    def high(x: Lanes, y: Lanes) -> Lanes:
        return x.shuffle(y, [(at + lanes) // 2 + lanes * (at % 2) for at in range(lanes)])

    def one_by_one(builder: Any, count: Any, do: Callable[[Any], None]) -> None:
        body, after = builder.append_basic_block("one"), builder.append_basic_block("after")
        entry = builder.block
        builder.cbranch(builder.icmp_signed(">", count, INT64(0)), body, after)
        builder.position_at_end(body)
        at = builder.phi(INT64)
        at.add_incoming(INT64(0), entry)
        do(at)
        following = builder.add(at, INT64(1))
        at.add_incoming(following, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, count), body, after)
        builder.position_at_end(after)

    def by_step(builder: Any, step: Any, *ways: Callable[[], None]) -> None:
        """What is to be done when numbers lie one apart, two apart, or farther."""
        done = builder.append_basic_block("done")
        blocks = [builder.append_basic_block(name) for name in ("step1", "step2", "far")]
        switch = builder.switch(step, blocks[2])
        switch.add_case(INT64(1), blocks[0])
        switch.add_case(INT64(2), blocks[1])
        for block, way in zip(blocks, ways):
            builder.position_at_end(block)
            way()
            builder.branch(done)
        builder.position_at_end(done)

    def twice(builder: Any, at: Any) -> Any:
        return builder.shl(at, INT64(1))

    def two_rows(builder: Any, count: Any, at: Any) -> tuple[Lanes, Lanes]:
        """Bits for two vectors that lie side by side and hold every second of `count` numbers from `at` on."""
        reach = builder.sub(twice(builder, builder.sub(count, at)), INT64(1))
        return vec.first(builder, reach, lanes), vec.first(builder, builder.sub(reach, INT64(lanes)), lanes)

    @instruction(v, none, I, V, I)
    def fill(builder: Any, target: Any, number: Any, count: Any) -> None:
        in_vectors(builder, count, lanes, lambda at, some: put(builder, target, at, Lanes(builder, number), some))

    @instruction(v, none, I, I, I)
    def copy(builder: Any, target: Any, source: Any, count: Any) -> None:
        in_vectors(
            builder, count, lanes, lambda at, some: put(builder, target, at, take(builder, source, at, some), some)
        )

    @instruction(v, none, I, I, I, I)
    def every(builder: Any, target: Any, source: Any, step: Any, count: Any) -> None:
        def dense(at: Any, some: Lanes | None) -> None:
            put(builder, target, at, take(builder, source, at, some), some)

        def parted(at: Any, some: Lanes | None) -> None:
            here, (one, other) = twice(builder, at), two_rows(builder, count, at)
            left = take(builder, source, here, one)
            right = take(builder, source, builder.add(here, INT64(lanes)), other)
            put(builder, target, at, evens(left, right), some)

        def alone(at: Any) -> None:
            vec.store(builder, target, at, vec.load(builder, source, builder.mul(at, step), element))

        by_step(
            builder, step,
            lambda: in_vectors(builder, count, lanes, dense),
            lambda: in_vectors(builder, count, lanes, parted), lambda: one_by_one(builder, count, alone),
        )  # fmt: skip

    @instruction(v, none, I, I, I, I)
    def spread(builder: Any, target: Any, source: Any, step: Any, count: Any) -> None:
        one_by_one(builder, count, lambda at: vec.store(
            builder, target, builder.mul(at, step), vec.load(builder, source, at, element)))  # fmt: skip

    @instruction(v, none, I, I, I, I)
    def zipped(builder: Any, target: Any, even: Any, odd: Any, count: Any) -> None:
        def both(at: Any, some: Lanes | None) -> None:
            # `at` counts pairs; a lone last number is half a pair.
            left = builder.sub(count, twice(builder, at))
            x, y = take(builder, even, at, some), take(builder, odd, at, some)
            put(builder, target, twice(builder, at), low(x, y), vec.first(builder, left, lanes))
            rest = vec.first(builder, builder.sub(left, INT64(lanes)), lanes)
            put(builder, target, builder.add(twice(builder, at), INT64(lanes)), high(x, y), rest)

        in_vectors(builder, builder.ashr(builder.add(count, INT64(1)), INT64(1)), lanes, both)

    @instruction(v, none, I, I, I, I)
    def add(builder: Any, target: Any, source: Any, step: Any, count: Any) -> None:
        def dense(at: Any, some: Lanes | None) -> None:
            put(builder, target, at, take(builder, target, at, some) + take(builder, source, at, some), some)

        def parted(at: Any, some: Lanes | None) -> None:
            x, (one, other) = take(builder, source, at, some), two_rows(builder, count, at)
            here = twice(builder, at)
            there = builder.add(here, INT64(lanes))
            zero = x.number(0)
            put(builder, target, here, take(builder, target, here, one) + low(x, zero), one)
            put(builder, target, there, take(builder, target, there, other) + high(x, zero), other)

        def alone(at: Any) -> None:
            place = builder.mul(at, step)
            vec.store(
                builder,
                target,
                place,
                vec.load(builder, target, place, element) + vec.load(builder, source, at, element),
            )

        by_step(
            builder, step, lambda: in_vectors(builder, count, lanes, dense),
            lambda: in_vectors(builder, count, lanes, parted), lambda: one_by_one(builder, count, alone),
        )  # fmt: skip

    @instruction(v, I, I, I)
    def finite(builder: Any, source: Any, count: Any) -> Any:
        place = builder.alloca(kind)
        builder.store(vec.literal(kind, 0), place)

        def look(at: Any, some: Lanes | None) -> None:
            found = take(builder, source, at, some).fma(0, Lanes(builder, builder.load(place)))
            builder.store(found.value, place)

        in_vectors(builder, count, lanes, look)
        total = Lanes(builder, builder.load(place)).folded(lambda x, y: x + y)
        return builder.zext(total.equals(0).value, INT64)

    return SimpleNamespace(
        fill=fill, copy=copy, every=every, spread=spread, zipped=zipped, add=add, finite=finite,
        evens=v.inline(V, V, V)(evens), odds=v.inline(V, V, V)(odds), low=v.inline(V, V, V)(low),
        high=v.inline(V, V, V)(high),
    )  # fmt: skip
