"""The transforms of Winograd's trick, F(4x4, 3x3) and F(4x4, 2x2), as instructions over squares of vectors.

Along one axis, 4 results of 3 (or 2) taps each need 6 (or 5) products of Bᵀ d, of entries, with G w, of weights; Aᵀ
makes the results of them (Lavin and Gray, arXiv:1509.09308). The points are 0, 1, −1, 2, −2 and ∞ (without −2 for two
taps).
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from . import vector as vec
from .moves import Loop, instruction
from .vector import INT64, Lanes

Along = Callable[[list[Lanes]], list[Lanes]]


def plus(x: Lanes, y: Lanes, factor: float) -> Lanes:
    """x + factor·y."""
    return y.fma(factor, x)


def entries_3(d: list[Lanes]) -> list[Lanes]:
    """Bᵀ for three taps."""
    near, far = plus(d[4], d[2], -4), plus(d[3], d[1], -4)
    other, twice = d[4] - d[2], d[3] - d[1]
    return [
        plus(plus(d[4], d[2], -5), d[0], 4), near + far, near - far, plus(other, twice, 2), plus(other, twice, -2),
        plus(plus(d[5], d[3], -5), d[1], 4),
    ]  # fmt: skip


def results_3(m: list[Lanes]) -> list[Lanes]:
    """Aᵀ for three taps."""
    one, less, two, fewer = m[1] + m[2], m[1] - m[2], m[3] + m[4], m[3] - m[4]
    return [m[0] + one + two, plus(less, fewer, 2), plus(one, two, 4), plus(less, fewer, 8) + m[5]]


def arriving_3(y: list[Lanes]) -> list[Lanes]:
    """A for three taps."""
    even, odd = y[0] + y[2], y[1] + y[3]
    wide, far = plus(y[0], y[2], 4), plus(y[1] * 2, y[3], 8)
    return [y[0], even + odd, even - odd, wide + far, wide - far, y[3]]


def weights_3(w: list[Lanes]) -> list[Lanes]:
    """G for three taps."""
    outer, middle = (w[0] + w[2]) * (-1 / 6), w[1] * (1 / 6)
    far, near = plus(w[0] * (1 / 24), w[2], 1 / 6), w[1] * (1 / 12)
    return [w[0] * (1 / 4), outer - middle, outer + middle, far + near, far - near, w[2]]


def sent_3(u: list[Lanes]) -> list[Lanes]:
    """Gᵀ for three taps."""
    one, less, two, fewer = u[1] + u[2], u[2] - u[1], u[3] + u[4], u[3] - u[4]
    return [
        plus(plus(u[0] * (1 / 4), one, -1 / 6), two, 1 / 24), plus(less * (1 / 6), fewer, 1 / 12),
        plus(plus(u[5], one, -1 / 6), two, 1 / 6),
    ]  # fmt: skip


def entries_2(d: list[Lanes]) -> list[Lanes]:
    """Bᵀ for two taps."""
    odd = d[3] - d[1]
    return [
        plus(odd, d[0] - d[2], 2), plus(d[3] - d[2], d[1], -2), plus(plus(d[3], d[2], -3), d[1], 2), odd,
        plus(d[4] - d[2], odd, -2),
    ]  # fmt: skip


def results_2(m: list[Lanes]) -> list[Lanes]:
    """Aᵀ for two taps."""
    one, less = m[1] + m[2], m[1] - m[2]
    return [m[0] + one + m[3], plus(less, m[3], 2), plus(one, m[3], 4), plus(less, m[3], 8) + m[4]]


def arriving_2(y: list[Lanes]) -> list[Lanes]:
    """A for two taps."""
    even, odd = y[0] + y[2], y[1] + y[3]
    return [y[0], even + odd, even - odd, plus(y[0], y[2], 4) + plus(y[1] * 2, y[3], 8), y[3]]


def weights_2(w: list[Lanes]) -> list[Lanes]:
    """G for two taps."""
    return [
        w[0] * (1 / 2), (w[0] + w[1]) * (-1 / 2), (w[1] - w[0]) * (1 / 6), plus(w[0] * (1 / 6), w[1], 1 / 3), w[1],
    ]  # fmt: skip


def sent_2(u: list[Lanes]) -> list[Lanes]:
    """Gᵀ for two taps."""
    sixth = (u[3] - u[2]) * (1 / 6)
    return [plus(sixth, u[0] - u[1], 1 / 2), plus(plus(plus(u[4], u[1], -1 / 2), u[2], 1 / 6), u[3], 1 / 3)]


def transforms(v: SimpleNamespace, taps: int) -> SimpleNamespace:
    """`entries`, `results`, `arriving`, `weights` and `sent` for so many taps, each an instruction: see `_sandwich`."""
    size = 3 + taps
    steps = (entries_3, results_3, arriving_3, weights_3, sent_3) if taps == 3 else (
        entries_2, results_2, arriving_2, weights_2, sent_2)  # fmt: skip
    shapes = ((size, size), (size, 4), (4, size), (taps, size), (size, taps))
    names = ("entries", "results", "arriving", "weights", "sent")
    return SimpleNamespace(
        **{name: _sandwich(v, *shape, along) for name, shape, along in zip(names, shapes, steps, strict=True)}
    )


def _sandwich(v: SimpleNamespace, before: int, after: int, along: Along) -> Any:
    """An instruction that transforms squares of vectors along both axes: `before` by `before` to `after` by `after`.

    (source, its strides in bytes from row to row, column to column, square to square; target, its strides; how many
    squares; where to add 0 times every result, if there are fewer results than entries: 0 when all are finite.)
    """
    I = v.I  # noqa: E741
    kind = vec.vector(vec.ELEMENTS[v.dtype], v.lanes)

    def transform(
        builder: Any, source: Any, row: Any, column: Any, square: Any, target: Any, target_row: Any, target_column: Any,
        target_square: Any, count: Any, flag: Any,
    ) -> None:  # fmt: skip
        loop = Loop(builder, count, [source, target, vec.literal(kind, 0)])
        here, there, found = loop.values
        checked = Lanes(builder, found)
        columns = []
        for j in range(before):
            at = builder.add(here, builder.mul(column, INT64(j)))
            places = [builder.add(at, builder.mul(row, INT64(i))) for i in range(before)]
            columns.append(along([vec.load(builder, place, 0, kind) for place in places]))
        for i in range(after):
            at = builder.add(there, builder.mul(target_row, INT64(i)))
            for j, result in enumerate(along([each[i] for each in columns])):
                vec.store(builder, builder.add(at, builder.mul(target_column, INT64(j))), 0, result)
                if after < before:
                    checked = result.fma(0, checked)
        loop.close([builder.add(here, square), builder.add(there, target_square), checked.value])
        if after < before:
            vec.store(builder, flag, 0, vec.load(builder, flag, 0, kind) + checked)

    transform.__name__ = along.__name__
    return instruction(v, v.none, *[I] * 10)(transform)
