"""Dot products of rows, for gradients of weights with few channels: sums in vectors along the rows, folded at the
end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from llvmlite import ir

from . import vector as vec
from .convolution_tiles import Values, heights, in_tiles
from .machine import machine
from .moves import function_in
from .vector import INT64, Lanes


def dotter(v: SimpleNamespace) -> Any:
    """sums[i, j] += Σ_p a_j[p]·b_i[p] for all rows a_j and all rows b_i, each of these with an offset of its own.

    (rows of a, their stride in bytes, a, rows of b, their offsets in bytes, b, how many p, sums, their stride in bytes
    from i to i.) A tile of eight rows of a and two of b is held in registers while p runs.
    """
    I = v.I  # noqa: E741

    @v.inline(v.none, I, I, I, I, I, I, I, I, I)
    def dots(
        builder: Any, rows: Lanes, pitch: Lanes, a: Lanes, others: Lanes, offsets: Lanes, b: Lanes, count: Lanes,
        sums: Lanes, stride: Lanes,
    ) -> None:  # fmt: skip
        operands = [rows, pitch, a, others, offsets, b, count, sums, stride]
        builder.call(_dots(builder.module, v.dtype), [each.value for each in operands])

    return dots


def _dots(module: ir.Module, dtype: str) -> ir.Function:
    element, lanes = vec.ELEMENTS[dtype], machine().lanes(dtype)
    kind, many = vec.vector(element, lanes), machine().registers >= 32

    def write(
        builder: Any,
        rows: Any,
        pitch: Any,
        a: Any,
        others: Any,
        offsets: Any,
        b: Any,
        count: Any,
        sums: Any,
        stride: Any,
    ) -> None:
        whole = builder.ashr(count, INT64(lanes.bit_length() - 1))
        rest = builder.shl(whole, INT64(lanes.bit_length() - 1))
        some = vec.first(builder, builder.sub(count, rest), lanes)

        def of_a(height: int, carried: Values) -> Values:
            a_at, sums_at = carried
            lines = [builder.add(a_at, builder.mul(pitch, INT64(row))) for row in range(height)]

            def of_b(width: int, carried: Values) -> Values:
                offset_at, target = carried
                columns = [builder.add(b, vec.load(builder, offset_at, at, INT64).value) for at in range(width)]
                one = [vec.load_some(builder, line, rest, kind, some) for line in lines]
                other = [vec.load_some(builder, column, rest, kind, some) for column in columns]
                found = _along(builder, kind, lines, columns, whole, [x * y for y in other for x in one])
                for at in range(width):
                    folded = _folded(found[at * height : (at + 1) * height])
                    here = vec.first(builder, INT64(height), lanes)
                    added = vec.load_some(builder, target, 0, kind, here) + folded
                    vec.store_some(builder, target, 0, added, here)
                    target = builder.add(target, stride)
                return [builder.add(offset_at, INT64(8 * width)), target]

            in_tiles(builder, others, [2, 1], [offsets, sums_at], of_b)
            size = machine().vector_bytes // lanes
            return [builder.add(lines[-1], pitch), builder.add(sums_at, INT64(size * height))]

        in_tiles(builder, rows, heights(min(lanes, 8 if many else 4)), [a, sums], of_a)

    return function_in(module, "dots", ir.VoidType(), [INT64] * 9, write)


def _along(
    builder: Any, kind: ir.Type, lines: Values, columns: Values, whole: ir.Value, begun: list[Lanes]
) -> list[Lanes]:
    """The sums of a tile after all whole vectors; `begun` holds what comes from the rest."""
    entry, body, after = builder.block, builder.append_basic_block("along"), builder.append_basic_block("done")
    builder.cbranch(builder.icmp_signed(">", whole, INT64(0)), body, after)
    builder.position_at_end(body)
    turn, sums = builder.phi(INT64), [builder.phi(kind) for _ in begun]
    at = builder.mul(turn, INT64(kind.count))
    one = [vec.load(builder, line, at, kind) for line in lines]
    other = [vec.load(builder, column, at, kind) for column in columns]
    products = [(x, y) for y in other for x in one]
    following = [x.fma(y, Lanes(builder, total)).value for (x, y), total in zip(products, sums, strict=True)]
    later = builder.add(turn, INT64(1))
    turn.add_incoming(INT64(0), entry)
    turn.add_incoming(later, body)
    builder.cbranch(builder.icmp_signed("<", later, whole), body, after)
    builder.position_at_end(after)
    found = []
    for phi, first, last in zip(sums, begun, following, strict=True):
        phi.add_incoming(first.value, entry)
        phi.add_incoming(last, body)
        result = builder.phi(kind)
        result.add_incoming(first.value, entry)
        result.add_incoming(last, body)
        found.append(Lanes(builder, result))
    return found


def _folded(sums: list[Lanes]) -> Lanes:
    """One vector whose first lanes are the sums of all lanes of each vector."""
    lanes = sums[0].lanes
    length = lanes
    while len(sums) > 1 or length > 1:
        half = length // 2
        joined = []
        for at in range(0, len(sums), 2):
            first, second = sums[at], sums[at + 1] if at + 1 < len(sums) else sums[at]
            # Pieces of `length` lanes belong to one vector; their halves are added up.
            starts = range(0, 2 * lanes, length)
            low = [start + lane for start in starts for lane in range(half)]
            high = [start + half + lane for start in starts for lane in range(half)]
            joined.append(first.shuffle(second, low) + first.shuffle(second, high))
        sums, length = joined, half
    return sums[0]
