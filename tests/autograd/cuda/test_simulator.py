"""The engine for GPUs on numba's simulator: what kernels mean, not how fast they are, and no proof that they do not race."""

import subprocess
import sys

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.cuda.program import on_simulator
from nngraph.autograd.engines.cuda.target import FALLBACKS, Gpu
from nngraph.autograd.errors import NngraphError
from nngraph.autograd.kernels.cuda.twins import TWINS
from nngraph.autograd.kernels.kernel import all_kernels

pytest.importorskip("numba_cuda", reason="the extra cuda is not installed")
from nngraph.autograd.kernels.cuda.device import simulator

SIMULATED = "cuda-simulator"


@pytest.fixture(scope="module", autouse=True)
def simulated():
    return simulator()


def step_of(engine, rng, classes):
    """A training step of a 64-8-10 net, and its data."""
    weights = [
        ng.parameter(name, (0.2 * rng.standard_normal(shape)).astype(np.float32))
        for name, shape in (("W1", (64, 8)), ("b1", (8,)), ("W2", (8, 10)), ("b2", (10,)))
    ]
    w1, b1, w2, b2 = weights
    x = ng.input("x", shape=(8, 64), dtype=np.float32)
    t = ng.input("t", shape=(8,), dtype=np.int64) if classes else ng.input("t", shape=(8, 10), dtype=np.float32)
    loss = ng.softmax_loss(ng.tanh(x @ w1 + b1) @ w2 + b2, t)
    updates = {w: w - 0.5 * g for w, g in zip(weights, ng.gradient(loss, weights))}
    rows, labels = rng.standard_normal((8, 64)).astype(np.float32), rng.integers(0, 10, 8)
    return (
        ng.compile(loss, [x, t], updates, engine),
        (rows, labels if classes else np.eye(10, dtype=np.float32)[labels]),
        weights,
    )


@pytest.mark.parametrize("classes", [False, True])
def test_three_steps_of_a_net_give_the_processors_losses(classes):
    losses, weights = {}, {}
    for engine in ("numba", SIMULATED):
        step, data, leaves = step_of(engine, np.random.default_rng(1), classes)
        losses[engine] = [float(step(*data)) for _ in range(3)]
        weights[engine] = [leaf.value for leaf in leaves]
    np.testing.assert_allclose(losses[SIMULATED], losses["numba"], rtol=1e-6)
    for one, other in zip(weights[SIMULATED], weights["numba"]):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_refused_data_change_nothing():
    step, (rows, labels), weights = step_of(SIMULATED, np.random.default_rng(1), True)
    before = [leaf.value for leaf in weights]
    with pytest.raises(NngraphError, match="10"):
        step(rows, np.where(labels == labels[0], 10, labels))
    for leaf, value in zip(weights, before):
        np.testing.assert_array_equal(leaf.value, value)
    assert np.isfinite(step(rows, labels))


@pytest.mark.parametrize("turned", ["", "a", "b", "ab"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (17, 5, 3), (16, 20, 16), (3, 33, 18)])
def test_products_of_awkward_shapes(turned, shape, rng):
    rows, depth, columns = shape
    a = ng.constant(rng.standard_normal((depth, rows) if "a" in turned else (rows, depth)).astype(np.float32))
    b = ng.constant(rng.standard_normal((columns, depth) if "b" in turned else (depth, columns)).astype(np.float32))
    x, y = ng.input("x", shape=a.shape, dtype=np.float32), ng.input("y", shape=b.shape, dtype=np.float32)
    node = (x.T if "a" in turned else x) @ (y.T if "b" in turned else y)
    found = ng.compile(node, [x, y], engine=SIMULATED)(a.value, b.value)
    np.testing.assert_allclose(found, ng.compile(node, [x, y], engine="numpy")(a.value, b.value), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(37,), (150,), (3, 22), (5, 64), (4, 20)])
def test_rows_go_four_by_four_where_they_can(shape, rng):
    x = ng.parameter("x", rng.standard_normal(shape).astype(np.float32))
    b = ng.parameter("b", rng.standard_normal(shape[-1]).astype(np.float32))
    y = ng.tanh(x * b + 1.5)
    total = ng.sum(ng.softmax(y) * x)
    nodes = [y, total, *ng.gradient(total, [x, b])]
    program = on_simulator(nodes, {})
    texts = [call.code.text() for call in program.plan.calls if call.loops is not None]
    assert any("ld4(" in text and "st4(" in text for text in texts) == (shape[-1] != 22)
    for found, right in zip(program({}), ng.compile(nodes, engine="numpy")()):
        np.testing.assert_allclose(found, right, rtol=1e-5, atol=1e-6)


def test_every_kernel_has_a_twin_or_a_declared_fallback():
    from nngraph.autograd.engines.compiled.lowering.table import table

    target = Gpu()
    missing = [
        family
        for family in table()
        if target.lowering(family) is None and family not in FALLBACKS
    ]
    assert not missing
    assert set(FALLBACKS) <= set(table())
    assert set(TWINS) <= {kernel.name for kernel in all_kernels().values()}


def test_without_a_gpu_there_is_one_sentence_and_no_run():
    from numba import cuda

    if cuda.is_available() and not simulator().simulated:
        pytest.skip("this is what is said without a GPU, and this machine has one")
    command = [sys.executable, "-m", "nngraph", "plan", "sum(tanh(x))", "--at", "x=[1,2]", "--engine", "cuda", "--profile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "needs an NVIDIA GPU" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("rows", [1, 3, 14, 33])
def test_the_gradient_of_picks_is_added_in_the_order_of_the_rows(rows, rng):
    """Of large and small numbers the sum is another in another order."""
    table = ng.parameter("table", rng.standard_normal((5, 3)).astype(np.float32))
    places = rng.integers(-5, 5, (rows, 1)).astype(np.int64)
    weights = (10.0 ** rng.integers(-3, 8, (rows, 3)) * rng.standard_normal((rows, 3))).astype(np.float32)
    weighed = ng.gather(table, places) * ng.parameter("weights", weights)
    (gradient,) = ng.gradient(ng.sum(weighed), [table])
    right = np.zeros((5, 3), np.float32)
    for place, row in zip(places[:, 0], weights):
        right[place] += row
    np.testing.assert_array_equal(ng.compile(gradient, [], engine=SIMULATED)(), right)
