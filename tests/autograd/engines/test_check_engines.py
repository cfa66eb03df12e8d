"""ng.check_engines: engines that agree, engines that do not, and where it begins."""

from __future__ import annotations

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.check_engines import EnginesDiffer, compared
from nngraph.autograd.engines.numpy_plan import NumpyPlan
from nngraph.autograd.errors import CheckFailed, MissingValue, ParameterError, ShapeError
from nngraph.autograd.executable import engines
from nngraph.autograd.graph import order, rebuild


def wrong_engine(op, factor=1.01, only=lambda outputs: True):
    """An engine that multiplies the values of an op by a factor."""

    def make(outputs, updates):
        image = {}
        for node in order([*outputs, *updates.values()]):
            if not node.is_leaf:
                inputs = tuple(image.get(source, source) for source in node.inputs)
                image[node] = rebuild(node, inputs)
                if node.op.name == op and only(outputs):
                    image[node] = image[node] * factor
        return NumpyPlan(
            [image.get(each, each) for each in outputs], {leaf: image.get(new, new) for leaf, new in updates.items()}
        )

    return make


@pytest.fixture
def wrong(monkeypatch):
    """Adds an engine called wrong."""
    return lambda *args, **kwargs: monkeypatch.setitem(engines, "wrong", wrong_engine(*args, **kwargs))


@pytest.fixture
def layer():
    x, w = ng.input("x", np.linspace(-1, 1, 12).reshape(4, 3)), ng.parameter("w", np.linspace(-1, 2, 6).reshape(3, 2))
    with ng.scope("layer"):
        h = ng.tanh(x @ w)
    loss = ng.mean(ng.exp(h) * h)
    return x, w, loss


def test_what_agrees_is_recorded(layer):
    x, w, loss = layer
    check = ng.check_engines(loss)
    assert check.engines == ("numpy", "numba")
    (value,) = check.values
    assert (value.name, value.engine, value.agrees) == ("loss", "numba", True)
    assert value.relative < 1e-13
    assert "numba agrees with numpy on 1 value" in str(check)
    assert len(ng.check_engines([loss, x @ w], {x: np.ones((4, 3))}).values) == 2
    assert ng.check_engines(lambda a, b: (a + b, ng.max(a * b)), np.ones(3), [1.0, 2.0, 3.0]).values[1].value == 3.0


def test_steps_are_checked_with_their_updates_and_leaves_stay(layer):
    x, w, loss = layer
    (slope,) = ng.gradient(loss, [w])
    step = ng.compile(loss, inputs=[x], updates={w: w - 0.1 * slope}, engine="numba")
    before = w.value
    check = ng.check_engines(step, np.full((4, 3), 0.25))
    assert [value.name for value in check.values] == ["loss", "new w"]
    np.testing.assert_array_equal(w.value, before)
    step(np.full((4, 3), 0.25))
    assert w.value.ravel()[check.values[1].index[0] * 2 + check.values[1].index[1]] == check.values[1].value


def test_the_first_wrong_node_and_its_instruction_are_named(layer, wrong):
    x, w, loss = layer
    wrong("tanh")
    with pytest.raises(EnginesDiffer, match="it begins at tanh 'h' in layer") as caught:
        ng.check_engines(loss, engines=("numpy", "wrong"))
    assert isinstance(caught.value, CheckFailed)
    difference = caught.value.difference
    assert difference.node.op.name == "tanh"
    assert difference.alone
    assert difference.instruction.operations[0].op in ("tanh", "mul")
    assert difference.value.name == "loss"
    text = str(caught.value)
    assert "test_check_engines.py:" in text
    assert "wrong and numpy differ: loss is" in text
    step = ng.compile(loss, inputs=[x], updates={w: w - ng.gradient(loss, [w])[0]}, engine="numba")
    with pytest.raises(EnginesDiffer, match="begins at tanh"):
        ng.check_engines(step, x.value, engines=("numba", "wrong"))


def test_an_error_only_where_things_are_fused(layer, wrong):
    _, _, loss = layer
    wrong("exp", only=lambda outputs: len(outputs) == 1)
    with pytest.raises(EnginesDiffer, match="where it is fused with others") as caught:
        ng.check_engines(loss, engines=("numpy", "wrong"))
    assert caught.value.difference.node.op.name == "exp"
    assert not caught.value.difference.alone


def test_tolerance_and_what_must_be_exact(layer, wrong):
    _, _, loss = layer
    wrong("tanh", 1 + 1e-6)
    with pytest.raises(EnginesDiffer):
        ng.check_engines(loss, engines=("numpy", "wrong"))
    assert ng.check_engines(loss, engines=("numpy", "wrong"), tolerance=1e-4).values[0].relative < 1e-5
    ints = np.arange(4)
    assert not compared("k", "e", ints, ints + (ints == 2), None).agrees
    nan = np.array([np.nan, np.inf, 1.0])
    assert compared("k", "e", nan, nan.copy(), None).agrees
    for other in ([0.0, np.inf, 1.0], [np.nan, -np.inf, 1.0], [np.nan, np.inf, np.nan]):
        assert not compared("k", "e", nan, np.array(other), None).agrees
    assert not compared("k", "e", nan, nan.astype(np.float32), None).agrees
    assert compared("k", "e", np.zeros((0, 2)), np.zeros((0, 2)), None).agrees


def test_rounding_that_numpy_has_too_is_no_mistake():
    x = np.float32(1e4) + np.linspace(0, 1, 1000, dtype=np.float32)
    shifted = ng.input("x", x)
    # What is left of a sum of numbers around 0 is rounding only, and each engine adds in its own order.
    check = ng.check_engines(ng.sum(shifted - ng.mean(shifted)))
    assert check.values[0].agrees


def test_what_cannot_be_checked_is_said(layer):
    x, _, loss = layer
    with pytest.raises(ParameterError, match="no engine 'cobol'"):
        ng.check_engines(loss, engines=("numpy", "cobol"))
    with pytest.raises(ParameterError, match="needs two"):
        ng.check_engines(loss, engines=("numpy",))
    with pytest.raises(ParameterError, match="one mapping"):
        ng.check_engines(loss, np.ones((4, 3)))
    with pytest.raises(ParameterError, match="takes 1 values"):
        ng.check_engines(ng.compile(loss, inputs=[x]), 1, 2)
    with pytest.raises(MissingValue, match="'y'"):
        ng.check_engines(ng.input("y", shape=(2,)) * 2.0)


def test_another_batch_size_is_checked_like_the_one_it_was_built_for():
    v = ng.input("v", shape=(ng.Size("N", 100), 6))
    w = ng.parameter("W", np.random.default_rng(0).normal(size=(6, 4)))

    def gibbs(v, i):
        h = ng.bernoulli(ng.sigmoid(v @ w), step=i, seed=7)
        again = ng.bernoulli(ng.sigmoid(h @ w.T), step=i, seed=8)
        return again, ng.mean(again)

    last, means = ng.scan(gibbs, v, np.arange(3))
    rows = np.random.default_rng(1).integers(0, 2, (100, 6)).astype(float)
    for program in (
        ng.compile(ng.tanh(v @ w), [v]),
        ng.compile([last, means], [v]),
        ng.compile(ng.mean(v @ w), [v], updates={w: w + 0.1 * v.T @ (v @ w)}),
    ):
        for count in (100, 10):
            assert ng.check_engines(program, rows[:count]).engines == ("numpy", "numba")
    with pytest.raises(ShapeError, match="axis 1 is 5, the graph was built for 6"):
        ng.check_engines(program, rows[:, :5])
