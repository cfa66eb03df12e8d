"""Picking and adding back by kernels, against the numpy engine: dtypes, strides, negative and wrong numbers, parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.compiled.calls import Fallback
from nngraph.autograd.engines.compiled.lowering.indexing import LOWERINGS
from nngraph.autograd.engines.compiled.running.program import Program
from nngraph.autograd.errors import ShapeError

from .immediate import Immediate, array_of, filled
from .narrower import also_with_narrower_vectors

NUMBERS = ["float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool"]


def run(node: ng.Node, arrays: Sequence[np.ndarray], split: int = 0) -> tuple[np.ndarray, Immediate]:
    """What the kernels make of a node, its operands being these arrays as they lie in memory."""
    plan = Immediate(split)
    result = plan.new(node.shape, node.dtype)
    assert LOWERINGS[node.op.kernel](plan, node, [filled(array) for array in arrays], [result])
    return array_of(result), plan


def gathered(x: np.ndarray, positions: np.ndarray, split: int = 0) -> None:
    node = ng.gather(ng.constant(x), ng.constant(positions))
    found, plan = run(node, [x, positions], split)
    assert not plan.status[0]
    assert found.dtype == x.dtype
    np.testing.assert_array_equal(found, node.value)


def added(x: np.ndarray, positions: np.ndarray, shape: tuple[int, ...], split: int = 0) -> None:
    """Sums are made in the order in which numpy makes them, so that they are the same to the bit."""
    node = ng.scatter_add(ng.constant(x), ng.constant(positions), shape=shape)
    found, plan = run(node, [x, positions], split)
    assert not plan.status[0]
    assert found.dtype == x.dtype
    np.testing.assert_array_equal(found, node.value)


def some(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    if np.dtype(dtype).kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    high = 2 if dtype == "bool" else np.iinfo(dtype).max
    return rng.integers(0, high, shape, dtype="uint64", endpoint=True).astype(dtype)


def picks(
    rng: np.random.Generator, shape: tuple[int, ...], count: tuple[int, ...], axes: int, dtype: str = "int64"
) -> np.ndarray:
    """Positions on the first axes, half of them counted from the end if the dtype has a sign."""
    columns = [rng.integers(0 if dtype[0] == "u" else -size, size, count) for size in shape[:axes]]
    return np.stack(columns, axis=-1).astype(dtype)


SHAPES = [(7,), (5, 1), (5, 3), (5, 16), (4, 17), (3, 100), (4, 5, 6), (2, 3, 4, 5), (300, 40)]


@pytest.mark.parametrize("dtype", NUMBERS)
def test_every_shape_and_number_of_axes(dtype: str) -> None:
    rng = np.random.default_rng(1)
    for shape in SHAPES:
        for axes in range(1, len(shape) + 1):
            for count in ((), (1,), (9,), (3, 4)):
                positions = picks(rng, shape, count, axes)
                gathered(some(rng, shape, dtype), positions)
                added(some(rng, (*count, *shape[axes:]), dtype), positions, shape)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_positions_of_every_dtype(dtype: str) -> None:
    rng = np.random.default_rng(2)
    positions = picks(rng, (50, 20), (30,), 2, dtype)
    gathered(some(rng, (50, 20, 3), "float32"), positions)
    added(some(rng, (30, 3), "float32"), positions, (50, 20, 3))


def test_float16_is_picked_too_and_added_by_numpy() -> None:
    rng = np.random.default_rng(3)
    x, positions = some(rng, (6, 5), "float16"), picks(rng, (6,), (4,), 1)
    gathered(x, positions)
    node = ng.scatter_add(ng.constant(x[:4]), ng.constant(positions), shape=(6, 5))
    plan = Immediate()
    assert not LOWERINGS["scatter_add"](plan, node, [filled(x[:4]), filled(positions)], [plan.new((6, 5), "float16")])


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_operands_that_do_not_lie_side_by_side(dtype: str) -> None:
    rng = np.random.default_rng(4)
    wide = some(rng, (6, 7, 8, 9), dtype)
    repeated = np.broadcast_to(wide[0, 0, 0], (4, 9))
    for x in (wide[::2, ::-1], wide.transpose(3, 1, 0, 2), wide[:, :, 2:5, ::3], repeated, wide.T):
        for axes in range(1, x.ndim + 1):
            positions = picks(rng, x.shape, (5, 4), axes)
            gathered(x, positions)
            gathered(x, positions[::2, ::-1])
            gathered(x, positions.astype("int32").T.copy().T)
    x = some(rng, (8, 10, 6), dtype)
    added(x.transpose(1, 2, 0), picks(rng, (4, 3), (10,), 1), (4, 6, 8))
    added(np.broadcast_to(x[0, 0], (10, 6)), picks(rng, (4,), (10,), 1), (4, 6))


@pytest.mark.parametrize("split", [1, 2, 7])
def test_parts_give_the_same_to_the_bit(split: int) -> None:
    rng = np.random.default_rng(5)
    positions = picks(rng, (400, 3), (3000,), 1)
    for dtype in ("float32", "float64", "int16"):
        # Only arrays of some size are cut.
        added(some(rng, (3000, 70), dtype), positions, (400, 70), split)
        gathered(some(rng, (400, 70), dtype), positions, split)
    positions = picks(rng, (400, 30), (3000,), 2)
    added(some(rng, (3000, 50), "float32"), positions, (400, 30, 50), split)


def test_a_target_that_is_part_of_something_larger() -> None:
    rng = np.random.default_rng(6)
    x, positions = some(rng, (6, 5), "float32"), picks(rng, (6,), (4,), 1)
    for node, operands in (
        (ng.gather(ng.constant(x), ng.constant(positions)), [x, positions]),
        (ng.scatter_add(ng.constant(x[:4]), ng.constant(positions), shape=(9, 5)), [x[:4], positions]),
    ):
        wide = np.full((node.shape[0], 8), 7, np.float32)
        assert LOWERINGS[node.op.kernel](Immediate(), node, [filled(each) for each in operands], [filled(wide[:, 2:7])])
        np.testing.assert_array_equal(wide[:, 2:7], node.value)
        assert (wide[:, [0, 1, 7]] == 7).all()


@pytest.mark.parametrize("wrong", [(5, 0), (-6, 0), (0, 4), (0, -5), (2**40, 0), (-(2**62), 0)])
def test_a_wrong_number_is_noticed_before_it_is_used(wrong: tuple[int, int]) -> None:
    rng = np.random.default_rng(7)
    positions = picks(rng, (5, 4), (20,), 2)
    x, g = some(rng, (5, 4), "float32"), some(rng, (20,), "float32")
    nodes: list[tuple[Any, list[np.ndarray]]] = [
        (ng.gather(ng.input("x", x), ng.input("p", positions)), [x]),
        (ng.scatter_add(ng.input("g", g), ng.input("p", positions), shape=(5, 4)), [g]),
    ]
    for at in (0, 11, 19):
        bad = positions.copy()
        bad[at] = wrong
        for node, operands in nodes:
            _, plan = run_places(node, [*operands, bad])
            assert plan.status[0]


def run_places(node: ng.Node, arrays: Sequence[np.ndarray]) -> tuple[None, Immediate]:
    """Like a program: nothing runs after an instruction that has set the status."""
    plan = Immediate()
    call = plan.call

    def until_bad(*given: Any, **more: Any) -> None:
        if not plan.status[0]:
            call(*given, **more)

    plan.call = until_bad  # type: ignore[method-assign]
    LOWERINGS[node.op.kernel](plan, node, [filled(array) for array in arrays], [plan.new(node.shape, node.dtype)])
    assert plan.kernels == ["places"]
    return None, plan


def test_the_program_says_what_numpy_says_of_a_wrong_number() -> None:
    index = ng.input("index", np.array([0, 1, 2]))
    table = ng.parameter("table", np.arange(12.0).reshape(4, 3))
    program = Program([ng.embedding(table, index), *ng.gradient(ng.sum(ng.embedding(table, index)), table)])
    np.testing.assert_array_equal(program()[0], table.value[:3])
    for bad in (4, -5, 10**15):
        index.value = np.array([0, bad, 2])
        with pytest.raises(ShapeError, match="out of bounds"):
            program()
    index.value = np.array([-1, -4, -1])
    np.testing.assert_array_equal(program()[0], table.value[[3, 0, 3]])
    np.testing.assert_array_equal(program()[1], [[1, 1, 1], [0, 0, 0], [0, 0, 0], [2, 2, 2]])


def test_nothing_is_picked_from_nothing() -> None:
    x, positions = np.zeros((0, 3), np.float32), np.zeros((0, 1), np.int64)
    added(np.zeros((0, 3), np.float32), positions, (4, 3))
    picked = ng.gather(ng.input("x", x), ng.input("p", positions))
    program = Program([picked, ng.scatter_add(x, positions, shape=(2, 3))])
    empty, zeros = program()
    assert empty.shape == (0, 3)
    np.testing.assert_array_equal(zeros, np.zeros((2, 3)))
    program = Program([ng.gather(ng.input("x", x), ng.input("p", np.zeros((2, 1), np.int64)))])
    with pytest.raises(ShapeError, match="out of bounds"):
        program()


def test_what_is_not_a_number_is_moved_and_spreads() -> None:
    x = np.array([np.nan, np.inf, -np.inf, -0.0, 1.0], np.float32)
    gathered(x, np.array([[0], [1], [2], [3], [0]]))
    added(x, np.array([[0], [1], [1], [2], [0]]), (3,))
    bits = np.array([0x7FA00001, 0xFFC12345], np.uint32).view(np.float32)  # NaNs keep their bits
    found, _ = run(ng.gather(ng.input("x", bits), ng.constant(np.array([[1], [0]]))), [bits, np.array([[1], [0]])])
    np.testing.assert_array_equal(found.view(np.uint32), bits.view(np.uint32)[::-1])


def test_every_way_to_pick_needs_no_numpy() -> None:
    rng = np.random.default_rng(8)
    x, index = ng.input("x", rng.standard_normal((4, 5, 6))), ng.input("i", np.array([[3, -1], [0, 3]]))
    along = ng.input("along", rng.integers(0, 5, (4, 2, 6)))
    for y in (
        ng.take(x, index, axis=0), ng.take(x, index, axis=1), ng.take(x, index, axis=-1), ng.take(x, index),
        ng.take_along_axis(x, along, axis=1), x[index], x[:, index], x[1:, ..., index], x[index, 2, index],
    ):  # fmt: skip
        weights = ng.constant(rng.standard_normal(y.shape))
        outputs = [y, *ng.gradient(ng.sum(y * y * weights), x)]
        program = Program(outputs)
        assert not [call for call in program.plan.calls if isinstance(call.code, Fallback)]
        for found, output in zip(program(), outputs, strict=True):
            np.testing.assert_allclose(found, output.value, rtol=1e-12, atol=1e-15)


def test_whole_epochs_of_an_embedding() -> None:
    """A program of picks has nothing for Python to do, inside a loop too."""
    table, index = ng.parameter("t", np.arange(8.0).reshape(4, 2)), ng.input("i", np.array([1, 1, 3]))
    (gradient,) = ng.gradient(ng.sum(ng.embedding(table, index) ** 2), table)
    program = Program([], {table: table - 0.1 * gradient})
    program()
    assert program.is_native
    np.testing.assert_allclose(table.value, [[0, 1], [1.2, 1.8], [4, 5], [4.8, 5.6]])


test_narrower_vectors = also_with_narrower_vectors(
    test_every_shape_and_number_of_axes, test_operands_that_do_not_lie_side_by_side
)
