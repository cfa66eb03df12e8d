"""Running sums and places of extremes by kernels, against the numpy engine: axes, ties, NaN, dtypes, strides, parts."""

from __future__ import annotations

from itertools import product
from typing import Any

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.compiled.calls import Fallback
from nngraph.autograd.engines.compiled.lowering.running import LOWERINGS
from nngraph.autograd.engines.compiled.running.program import Program

from .immediate import Immediate, array_of, filled
from .narrower import also_with_narrower_vectors

NUMBERS = ["float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool"]
SHAPES = [(1,), (7,), (1000,), (9000,), (3, 5), (40, 17), (5, 33, 3), (2, 70, 33), (3, 2100), (2, 4, 3, 5)]


def check(op: Any, x: np.ndarray, split: int = 0, **params: Any) -> None:
    """The kernels' result is the numpy engine's to the bit: sums are made in numpy's order."""
    node = op(ng.constant(x), **params)
    plan = Immediate(split)
    result = plan.new(node.shape, node.dtype)
    assert LOWERINGS[node.op.kernel](plan, node, [filled(x)], [result])
    found, wanted = array_of(result), np.asarray(node.value)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted, err_msg=str((x.shape, params)))
    real = wanted == wanted  # the sign of a NaN is anybody's
    np.testing.assert_array_equal(np.signbit(found[real].astype("f8")), np.signbit(wanted[real].astype("f8")))


def some(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Numbers of which many are equal, and some at the ends of what the dtype holds."""
    if np.dtype(dtype).kind == "f":
        return rng.integers(-9, 9, shape).astype(dtype) / 7
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    ends = np.iinfo(dtype)
    return rng.choice(np.array([ends.min, ends.max, 0, 1, 2, ends.max - 1], dtype), shape)


@pytest.mark.parametrize("dtype", NUMBERS)
def test_places_of_extremes(dtype: str) -> None:
    rng = np.random.default_rng(1)
    for shape, op, split in product(SHAPES, (ng.argmax, ng.argmin), (0, 1, 3)):
        x = some(rng, shape, dtype)
        for axis in (None, *range(len(shape))):
            check(op, x, split, axis=axis, keepdims=bool(split))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_first_nan_wins_and_zeros_are_equal(dtype: str) -> None:
    rng = np.random.default_rng(2)
    for shape in ((7,), (70,), (9000,), (40, 20), (20, 300)):
        for special in (np.nan, np.inf, -np.inf, 0.0):
            for count in (1, 3):
                x = rng.standard_normal(shape).astype(dtype)
                x.flat[rng.integers(0, x.size, count)] = special
                for op, axis in product((ng.argmax, ng.argmin), (None, *range(len(shape)))):
                    check(op, x, axis=axis)
    for x in (np.full((5, 20), np.nan, dtype), np.full((5, 20), -np.inf, dtype), np.full((5, 20), np.inf, dtype),
              np.array([[-0.0, 0.0], [0.0, -0.0]], dtype)):  # fmt: skip
        for op, axis in product((ng.argmax, ng.argmin), (0, 1, None)):
            check(op, x, axis=axis)


def test_extremes_in_every_place() -> None:
    for length in (1, 5, 16, 17, 64, 100, 4096, 4097, 8200):
        x = np.zeros(length, np.float32)
        for place in {0, 1 % length, length // 3, length // 2, length - 2, length - 1} - {-1}:
            x[place] = 5
            check(ng.argmax, x)
            x[place] = -5
            check(ng.argmin, x)
            x[place] = np.nan
            check(ng.argmin, x)
            x[place] = 0


@pytest.mark.parametrize("dtype", NUMBERS)
def test_running_sums(dtype: str) -> None:
    rng = np.random.default_rng(3)
    for shape, exclusive, reverse, split in product(SHAPES, (False, True), (False, True), (0, 1)):
        x = some(rng, shape, dtype)
        for axis in range(len(shape)):
            check(ng.cumsum, x, split, axis=axis, exclusive=exclusive, reverse=reverse)


def test_running_sums_of_what_is_not_a_number() -> None:
    x = np.array([[-0.0, -0.0, 1, np.inf, 2, -np.inf, 3, np.nan, 4]], np.float32)
    with np.errstate(invalid="ignore"):
        for axis, exclusive, reverse in product((0, 1), (False, True), (False, True)):
            check(ng.cumsum, x, axis=axis, exclusive=exclusive, reverse=reverse)
            check(ng.cumsum, np.repeat(x.T, 3, axis=1), axis=axis, exclusive=exclusive, reverse=reverse)


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_operands_and_results_that_do_not_lie_side_by_side(dtype: str) -> None:
    rng = np.random.default_rng(4)
    wide = some(rng, (6, 7, 8), dtype)
    for x in (wide[::2, ::-1], wide.transpose(2, 0, 1), wide[:, :, 1:6:2], np.broadcast_to(wide[0, 0], (4, 8))):
        for axis in range(x.ndim):
            check(ng.argmax, x, axis=axis)
            check(ng.cumsum, x, axis=axis, reverse=True)
    x = some(rng, (6, 5), "float64")
    for node in (ng.cumsum(ng.constant(x), axis=1), ng.argmin(ng.constant(x), axis=1, keepdims=True)):
        room = np.full((6, 9), 7, node.dtype)
        part = room[:, 2 : 2 + node.shape[1]]
        assert LOWERINGS[node.op.kernel](Immediate(), node, [filled(x)], [filled(part)])
        np.testing.assert_array_equal(part, node.value)
        assert (np.delete(room, range(2, 2 + node.shape[1]), axis=1) == 7).all()


def test_in_programs_and_of_nothing() -> None:
    rng = np.random.default_rng(5)
    x = ng.input("x", rng.standard_normal((6, 5)))
    total = ng.cumsum(x, axis=0)
    (slope,) = ng.gradient(ng.sum(total * total), x)
    outputs = [ng.argmax(x, axis=1), total, slope, ng.cumprod(x, axis=1), ng.mean(ng.equal(ng.argmin(x, axis=0), 2))]
    program = Program(outputs)
    assert not [call for call in program.plan.calls if isinstance(call.code, Fallback)]
    for found, output in zip(program(), outputs, strict=True):
        np.testing.assert_allclose(found, output.value, rtol=1e-12)
    empty = Program([ng.cumsum(ng.input("x", np.zeros(shape)), axis=0) for shape in ((0, 3), (3, 0))])
    assert [result.shape for result in empty()] == [(0, 3), (3, 0)]
    half = ng.input("x", np.array([[1, 3, 3], [2, 0, -1]], np.float16))
    left_to_numpy = Program([ng.argmax(half, axis=1), ng.cumsum(half, axis=1)])
    np.testing.assert_array_equal(left_to_numpy()[0], [1, 0])
    np.testing.assert_array_equal(left_to_numpy()[1], [[1, 4, 7], [2, 2, 1]])


test_narrower_vectors = also_with_narrower_vectors(
    test_the_first_nan_wins_and_zeros_are_equal, test_extremes_in_every_place, test_running_sums
)
