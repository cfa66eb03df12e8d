"""Random numbers by kernels: the numpy engine's, at every length, from every part, under every key."""

from __future__ import annotations

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.compiled.lowering.random import LOWERINGS
from nngraph.autograd.engines.compiled.running.program import Program
from nngraph.autograd.ops.random import _normal_op, _uniform_op

from .immediate import Immediate, array_of, filled
from .narrower import also_with_narrower_vectors

OPS = {"uniform": _uniform_op, "normal": _normal_op}
CLOSE = {"float32": 1e-6, "float64": 1e-12}


def drawn(
    name: str, key: np.ndarray, step: np.ndarray, shape: tuple[int, ...], dtype: str, split: int = 0
) -> np.ndarray:
    """What the kernel draws, compared with the numpy engine: even numbers bit for bit."""
    node = OPS[name](ng.constant(key), ng.constant(step), shape=shape, dtype=dtype)
    plan = Immediate(split)
    result = plan.new(shape, dtype)
    assert LOWERINGS[name](plan, node, [filled(key), filled(step)], [result])
    found, wanted = array_of(result), node.value
    assert found.dtype == wanted.dtype
    if name == "uniform":
        np.testing.assert_array_equal(found, wanted)
    else:
        np.testing.assert_allclose(found, wanted, rtol=0, atol=CLOSE[dtype])
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["uniform", "normal"])
def test_every_length_and_part(name: str, dtype: str) -> None:
    key, step = np.array([7, 0xDEADBEEF, 3], np.uint32), np.array(9)
    whole = drawn(name, key, step, (20000,), dtype)
    for count in (1, 2, 3, 4, 5, 7, 8, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 1000, 4095, 4096, 4097, 8191):
        np.testing.assert_array_equal(drawn(name, key, step, (count,), dtype), whole[:count])
    for split in (1, 2, 3):
        np.testing.assert_array_equal(drawn(name, key, step, (20000,), dtype, split), whole)
    np.testing.assert_array_equal(drawn(name, key, step, (5, 3, 7), dtype).ravel(), whole[:105])
    drawn(name, key, step, (), dtype)


@pytest.mark.parametrize("dtype", ["uint32", "int64", "uint64", "int32", "uint8", "int16"])
def test_keys_and_steps_of_every_dtype(dtype: str) -> None:
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    for parts in ((0, 0, 0), (1, 2, 3), (high, high - 1, low), (low, high // 3, high)):
        for step in (0, 5, high, low):
            drawn("uniform", np.array(parts, dtype), np.array(step, dtype), (70,), "float32")


def test_a_key_that_lies_apart() -> None:
    key, step = np.array([[5, 6], [7, 8], [9, 10]], np.uint32)[:, 1], np.array(2)
    drawn("uniform", key, step, (50,), "float64")
    drawn("uniform", np.array([5, 6, 7], np.int16)[::-1], step, (50,), "float64")


def test_the_bell_curve_has_its_moments_and_its_ends() -> None:
    found = drawn("normal", np.array([1, 2, 3], np.uint32), np.array(4), (400_000,), "float32").astype("f8")
    assert abs(found.mean()) < 0.006
    assert abs(found.std() - 1) < 0.005
    assert abs((found**4).mean() - 3) < 0.06
    assert np.isfinite(found).all()
    # Radii near 0 come from words near 2³², where float32 has lost the digits that count.
    small = np.hypot(found[::2], found[1::2])
    assert 0 < small.min() < 0.01


def test_a_part_of_something_larger_is_drawn_into() -> None:
    """Numbers that go to columns of a wider array."""
    key, step = np.array([1, 2, 3], np.uint32), np.array(0)
    node = _uniform_op(ng.constant(key), ng.constant(step), shape=(6, 5), dtype="float32")
    wide = np.zeros((6, 9), np.float32)
    plan = Immediate()
    assert LOWERINGS["uniform"](plan, node, [filled(key), filled(step)], [filled(wide[:, 2:7])])
    np.testing.assert_array_equal(wide[:, 2:7], node.value)
    assert not wide[:, :2].any()
    assert not wide[:, 7:].any()


def test_float16_is_left_to_numpy() -> None:
    key, step = np.array([1, 2, 3], np.uint32), np.array(0)
    node = _uniform_op(ng.constant(key), ng.constant(step), shape=(6,), dtype="float16")
    plan = Immediate()
    assert not LOWERINGS["uniform"](plan, node, [filled(key), filled(step)], [plan.new((6,), "float16")])
    np.testing.assert_array_equal(Program([node])()[0], node.value)


def test_a_step_that_is_counted_up_inside_a_program() -> None:
    step, total = ng.state("step", 0), ng.state("total", np.zeros(5))
    noise = ng.normal(5, step=step)
    program = Program([noise], {step: step + 1, total: total + noise})
    wanted = []
    for turn in range(3):
        step.value = turn
        wanted.append(noise.value)
    step.value = 0
    for expected in wanted:
        np.testing.assert_allclose(program()[0], expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(total.value, np.sum(wanted, axis=0), atol=1e-11)
    assert program.is_native


def test_dropout_is_one_draw_and_one_nest() -> None:
    x, step = ng.input("x", np.linspace(-1, 1, 600, dtype="f4").reshape(20, 30)), ng.state("step", 3)
    program = Program([ng.dropout(x, 0.3, step=step)])
    assert len(program.plan.calls) == 2
    np.testing.assert_allclose(program()[0], program.plan.asked[0].value, rtol=1e-6)
    p = ng.input("p", np.full((20, 30), 0.25))
    flips = Program([ng.bernoulli(p, step=step)])
    assert len(flips.plan.calls) == 2
    np.testing.assert_array_equal(flips()[0], flips.plan.asked[0].value)


test_narrower_vectors = also_with_narrower_vectors(
    test_every_length_and_part, test_the_bell_curve_has_its_moments_and_its_ends
)
