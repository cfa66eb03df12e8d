"""How a GPU runs programs: graphs, random bits, memory, what lies beside each other, what is too much."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import NngraphError, OutOfDeviceMemory

pytestmark = pytest.mark.gpu
ENGINE = "cuda"
LONG = 10**8
LONGER = 6 * 10**8
"""Numbers of more than 2³¹ bytes."""


def step_of(engine, dropped=False):
    """A training step of a net of two layers, and its weights."""
    rng = np.random.default_rng(3)
    weights = [
        ng.parameter(name, (0.1 * rng.standard_normal(shape)).astype(np.float32))
        for name, shape in (("W1", (64, 128)), ("b1", (128,)), ("W2", (128, 10)), ("b2", (10,)))
    ]
    w1, b1, w2, b2 = weights
    x, t = ng.input("x", shape=(96, 64), dtype=np.float32), ng.input("t", shape=(96,), dtype=np.int64)
    h, step = ng.relu(x @ w1 + b1), ng.state("step", np.int64(0))
    h = (
        h * ng.bernoulli(ng.constant(np.full((96, 128), 0.5, np.float32)), step=step, name="drop", draw=0)
        if dropped
        else h
    )
    loss = ng.softmax_loss(h @ w2 + b2, t)
    updates = {w: w - 0.3 * g for w, g in zip(weights, ng.gradient(loss, weights))}
    updates |= {step: step + 1} if dropped else {}
    data = rng.standard_normal((96, 64)).astype(np.float32), rng.integers(0, 10, 96)
    return ng.compile(loss, [x, t], updates, engine), data, weights


def test_a_graph_computes_what_single_launches_do():
    losses = {}
    for engine in ("numba", ENGINE):
        step, data, _ = step_of(engine)
        losses[engine] = [float(step(*data)) for _ in range(8)]
    np.testing.assert_allclose(losses[ENGINE], losses["numba"], rtol=1e-5)


def test_epochs_give_what_calls_give():
    (one, data, weights), (other, _, others) = step_of(ENGINE), step_of(ENGINE)
    called = [float(one(*data)) for _ in range(6)]
    told = [float(loss) for record in other.epochs(list(data), batch=96, epochs=6) for loss in record.outputs[0]]
    assert called == told
    for left, right in zip(weights, others):
        np.testing.assert_array_equal(left.value, right.value)


def test_two_runs_have_the_same_bits():
    found = []
    for _ in range(2):
        step, data, weights = step_of(ENGINE, dropped=True)
        losses = [float(step(*data)) for _ in range(5)]
        found.append((losses, [leaf.value for leaf in weights]))
    assert found[0][0] == found[1][0]
    for left, right in zip(found[0][1], found[1][1]):
        np.testing.assert_array_equal(left, right)


def test_uniform_numbers_are_the_processors_bits():
    for dtype in (np.float32, np.float64):
        step = ng.state("step", np.int64(5))
        drawn = ng.uniform((1001, 37), step=step, dtype=dtype)
        found, right = (ng.compile(drawn, engine=engine)() for engine in (ENGINE, "numba"))
        np.testing.assert_array_equal(found, right)


def test_refused_data_change_nothing():
    step, (rows, classes), weights = step_of(ENGINE)
    for _ in range(3):
        before = [leaf.value for leaf in weights]
        with pytest.raises(NngraphError, match="10"):
            step(rows, np.where(classes == classes[0], 10, classes))
        for leaf, value in zip(weights, before):
            np.testing.assert_array_equal(leaf.value, value)
        assert np.isfinite(step(rows, classes))


def test_what_is_not_finite_stays_so():
    x = np.array([[np.nan, 1.0, -1.0], [np.inf, -np.inf, 0.0]], np.float32)
    leaf = ng.input("x", x)
    nodes = [ng.max(leaf, axis=1), ng.sum(leaf), ng.maximum(leaf, 0.0), leaf / 0.0, ng.relu(leaf), ng.exp(leaf)]
    with np.errstate(all="ignore"):
        right = ng.compile(nodes, engine="numpy")()
    for found, true in zip(ng.compile(nodes, engine=ENGINE)(), right):
        np.testing.assert_allclose(found, true, rtol=1e-6)


def test_leaves_are_shared_with_a_plan_of_the_processor():
    w = ng.parameter("w", np.ones((50, 3), np.float32))
    here, there = (ng.compile(ng.sum(w), updates={w: w * 2.0}, engine=engine) for engine in ("numba", ENGINE))
    assert [float(each()) for each in (here, there, there, here, there)] == [150.0, 300.0, 600.0, 1200.0, 2400.0]
    w.value = np.zeros((50, 3), np.float32)
    assert float(there()) == 0.0


@pytest.mark.parametrize("count", [LONG, LONGER])
def test_long_arrays(count):
    x = ng.input("x", shape=(count,), dtype=np.float32)
    found, total = ng.compile([x * 2.0 + 1.0, ng.sum(x)], x, engine=ENGINE)(np.arange(count) % 1024 == 1023)
    assert found.shape == (count,)
    assert found[-1] == 1.0 + 2.0 * ((count - 1) % 1024 == 1023)
    np.testing.assert_array_equal(found[1023::1024], 3.0)
    assert float(found[:1023].max()) == 1.0
    # Partial sums are whole numbers, and so exact.
    assert float(total) == count // 1024


def test_too_little_memory_is_told():
    x = ng.input("x", shape=(1 << 20, 1 << 11), dtype=np.float32)
    wide = [ng.exp(x * float(at)) for at in range(40)]
    with pytest.raises(OutOfDeviceMemory, match="memory") as error:
        ng.compile(wide, x, engine=ENGINE)
    assert error.value.asked > error.value.free > 0
