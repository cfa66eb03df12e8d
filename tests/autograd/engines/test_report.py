"""executable.plan: what it says is what is run; it fits a terminal; measuring changes nothing."""

from __future__ import annotations

import json

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.compiled.planning.plan import Plan
from nngraph.autograd.engines.compiled.report import report
from nngraph.autograd.errors import NngraphError, ParameterError
from nngraph.autograd.executable import report_of
from nngraph.autograd.graph import order
from nngraph.autograd.language import cell_width
from nngraph.autograd.op import OPS, SHAPE, example, structural
from nngraph.autograd.report import PlanReport


def parameter(name, *shape):
    return ng.parameter(name, np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32))


def planned(outputs, updates=None):
    """The report of a plan for which nothing is compiled."""
    return report(Plan(outputs, updates))


@pytest.fixture
def layer():
    """One dense layer with a nonlinearity, its loss and the steps down its gradients."""
    x = ng.input("x", np.full((6, 4), 0.5, np.float32))
    w, b = parameter("w", 4, 3), parameter("b", 3)
    with ng.scope("layer"):
        h = ng.tanh(x @ w + b)
    loss = ng.mean(h * h)
    updates = {p: p - 0.5 * g for p, g in zip((w, b), ng.gradient(loss, [w, b]))}
    return x, loss, updates


@pytest.fixture
def loop():
    """A running product through a loop of 5 steps."""
    xs = ng.input("xs", np.linspace(0.5, 1.5, 10, dtype=np.float32).reshape(5, 2))
    _, ys = ng.scan(lambda carry, x: (carry * x + 0.5, ng.exp(carry)), ng.constant(np.ones(2, np.float32)), xs)
    return xs, ys


def test_instructions_tell_nodes_arrays_bytes_and_flops(layer):
    _, loss, _ = layer
    plan = planned([loss])
    product, nest = plan[1], plan[2]
    assert (product.kernel, nest.kernel) == ("product", "fused loop")
    assert [each.op for each in product.operations] == ["matmul"]
    assert [each.op for each in nest.operations][:2] == ["add", "tanh"]
    assert nest.operations[1].name == "h"
    assert nest.scopes[0] == "layer"
    assert [(array.name, array.shape, array.role) for array in product.reads] == [
        ("x", (6, 4), "input"),
        ("w", (4, 3), "parameter"),
    ]
    assert product.flops == 2 * 6 * 4 * 3
    assert (product.bytes_read, product.bytes_written) == (4 * (6 * 4 + 4 * 3), 4 * 6 * 3)
    # What one instruction writes the next one reads, by the same number.
    assert product.writes[0].buffer in {array.buffer for array in nest.reads}
    (result,) = [array for each in plan for array in each.writes if array.role == "result"]
    assert (result.name, result.shape) == ("loss", ())
    assert "fused" in nest.why


def test_every_computed_node_is_told_once(layer):
    _, loss, updates = layer
    found = [op.op for each in planned([loss], updates).all() for op in each.operations]
    assert found.count("tanh") == found.count("matmul") == 1
    assert {node.op.name for node in order(loss) if not node.is_leaf} - {"mean"} <= set(found)


def test_updates_in_place_and_apart():
    a, b = ng.state("a", np.ones(8)), ng.state("b", np.zeros(8))
    (one,) = planned([], {a: a * 0.5 + 1.0}).updates
    assert (one.leaf, one.instruction, one.in_place) == ("a", "1", True)
    swapped = planned([], {a: b * 2.0, b: a * 3.0})
    assert sorted(each.in_place for each in swapped.updates) == [False, True]
    assert "computed apart and then stored" in str(swapped)
    nest = planned([], {a: a * 0.5 + 1.0})[1]
    assert [(array.name, array.over) for array in nest.in_place] == [("a", "a")]


def test_memory_is_used_again():
    x, w = ng.input("x", np.ones((8, 8), np.float32)), parameter("w", 8, 8)
    h = x
    for _ in range(6):
        h = h @ w
    plan = planned([h])
    assert len(plan) == 6
    assert plan.values == 6 * 8 * 8 * 4
    assert plan.memory == 2 * 8 * 8 * 4


def test_loops_show_their_body(loop):
    _, ys = loop
    plan = planned([ys])
    (repeat,) = [each for each in plan if each.body]
    assert repeat.times == 5
    assert [each.number for each in repeat.body] == [f"{repeat.number}.{at}" for at in range(1, len(repeat.body) + 1)]
    assert repeat.flops == 5 * sum(each.flops for each in repeat.body)
    inner = {op.op for each in repeat.body for op in each.operations}
    assert {"mul", "exp"} <= inner
    assert any(array.moves for each in repeat.body for array in each.reads)
    assert plan[repeat.body[0].number] is repeat.body[0]
    with pytest.raises(ParameterError, match="numbered from 1"):
        plan[0]


def test_composite_ops_are_named_where_they_were_opened():
    z, t = ng.input("z", np.ones((4, 3))), ng.input("t", np.eye(4, 3))
    with ng.scope("head"):
        loss = ng.softmax_loss(z, t)
    scopes = {scope for each in planned([loss]) for scope in each.scopes}
    assert "head/softmax_loss" in scopes


def test_what_numpy_computes_is_said():
    try:
        turned = structural(
            "turned_over_for_a_test", lambda x: np.ascontiguousarray(x[::-1]) + 0, inputs=("x",), shape=lambda x: x.shape,
            kind=SHAPE, words="turn {x} over", why="", example=example((3,)), gradient=lambda g, y, x: (turned(g),),
        )  # fmt: skip
        x = ng.input("x", np.arange(3.0))
        plan = planned([ng.exp(turned(x))])
    finally:
        OPS.pop("turned_over_for_a_test", None)
    assert [each.fallback for each in plan] == [True, False]
    assert plan.fallbacks == (plan[1],)
    assert plan[1].kernel == "numpy"
    assert "computed by numpy: turned_over_for_a_test" in str(plan)
    assert "[::-1]" in plan.source(1)


@pytest.mark.parametrize("width", [60, 100])
def test_text_fits_the_columns(layer, loop, width):
    _, loss, updates = layer
    with ng.scope("編碼器/第一層"):
        w = ng.parameter("很長的權重名稱" * 12, np.ones((6, 6), np.float32))
        權重和 = ng.sum(ng.exp(w @ w) * w)
    named = ng.state("x" * 200, np.ones(3, np.float32))
    for plan in (planned([loss, 權重和], updates), planned([loop[1]]), planned([], {named: named * 2.0})):
        text = plan.explain(width=width)
        assert max(map(cell_width, text.split("\n"))) <= width
        assert text.count("\n") >= 2 * len(list(plan.all()))
    text = planned([權重和]).explain()
    assert "編碼器/第一層" in text
    assert "權重和" in text


def test_plan_as_data(layer, loop):
    _, loss, updates = layer
    plan = planned([loss], updates)
    assert isinstance(plan, PlanReport)
    whole = json.loads(plan.json())
    assert whole["engine"] == "numba"
    assert [each["number"] for each in whole["instructions"]] == [str(at) for at in range(1, len(plan) + 1)]
    assert whole["flops"] == plan.flops == sum(each["flops"] for each in plan.records())
    assert json.loads(planned([loop[1]]).json())["instructions"][-1].keys() >= {"body", "times", "bytes_read"}
    with pytest.raises(AttributeError):
        plan.memory = 0
    assert planned([loss], updates) == plan


def test_source_of_instructions(layer):
    _, loss, _ = layer
    plan = planned([loss])
    nest = plan.source(2)
    assert "tanh(" in nest
    assert "for i" in nest
    assert nest.startswith("# read0: 6×3 float32")
    assert "C[i, j]" in plan.source("1")
    assert "define void" in plan.source(2, "llvm")
    assert "nngraph_" in plan.source(2, "assembly")
    assert "tanh(" in plan.explain(source=True)
    with pytest.raises(ParameterError, match="'llvm'"):
        plan.source(1, "pascal")
    with pytest.raises(NngraphError, match="without its engine"):
        PlanReport("none", plan.instructions).source(1)


def test_numpy_engine_reports_too(layer):
    x, loss, updates = layer
    step = ng.compile(loss, inputs=[x], updates=updates, engine="numpy")
    plan = step.plan
    assert plan.engine == "numpy"
    assert [each.operations[0].op for each in plan][:3] == ["matmul", "add", "tanh"]
    assert plan[1].flops == 2 * 6 * 4 * 3
    assert {each.in_place for each in plan.updates} == {False}
    assert 0 < plan.memory < plan.values
    assert "tanh" in plan.source(3)
    assert max(map(cell_width, str(plan).split("\n"))) <= 100


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_profile_measures_everything_and_changes_nothing(layer, loop, engine):
    x, loss, updates = layer
    xs, ys = loop
    total = ng.state("total", np.zeros(2, np.float32))
    step = ng.compile([loss, ys], inputs=[x, xs], updates={**updates, total: total + ng.sum(ys, axis=0)}, engine=engine)
    step(x.value, xs.value)
    before = {leaf: leaf.value for leaf in step.updates}
    profile = step.plan.profile(x.value, xs.value, repeat=3)
    for leaf, value in before.items():
        np.testing.assert_array_equal(leaf.value, value)
    assert [row.instruction.number for row in profile.rows] == [each.number for each in step.plan.all()]
    assert all(row.seconds > 0 for row in profile.rows)
    assert profile.total == sum(profile.seconds[each.number] for each in step.plan)
    assert sum(each["share"] or 0 for each in profile.records()) == pytest.approx(1)
    assert max(map(cell_width, str(profile).split("\n"))) <= 100
    after = step(x.value, xs.value)
    for leaf, value in before.items():
        leaf.value = value
    np.testing.assert_array_equal(step(x.value, xs.value)[1], after[1])


def test_profile_invents_what_is_missing_and_refuses_what_does_not_fit():
    x, k = ng.input("x", shape=(4, 3)), ng.input("k", shape=(4,), dtype=np.int64)
    step = ng.compile(ng.softmax_loss(x, k), inputs=[x, k], engine="numba")
    assert step.plan.profile(repeat=1).total > 0
    with pytest.raises(ParameterError, match="shape"):
        step.plan.profile(np.ones((5, 3)), repeat=1)
    with pytest.raises(ParameterError, match="2 inputs"):
        step.plan.profile(1, 2, 3)


def test_the_whys_are_told_in_every_language(layer):
    _, loss, updates = layer
    plan = planned([loss], updates)
    told = plan.explain(language="zh-TW")
    assert "融合" in told
    assert "fused:" not in told
    assert "融合" not in plan.explain()
    assert plan.explain(language="en") == plan.explain()
    assert json.loads(plan.json())["instructions"][0]["why"] == plan[1].why


def test_checking_class_numbers_computes_none_of_the_loss():
    X, W = ng.input("X", np.ones((5, 3), np.float32)), ng.parameter("W", np.ones((3, 4), np.float32))
    t = ng.input("t", np.array([0, 1, 2, 3, 0]))
    plan = planned([ng.softmax_loss(X @ W, t)], {})
    (check,) = [each for each in plan if each.kernel == "check_range"]
    assert check.operations == ()
    assert check.why == "class numbers checked"
    assert any(array.name == "[0, 1, …, 3]" for each in plan for array in each.reads)


def test_a_number_is_told_from_a_shape(layer):
    x = ng.input("x", np.ones(4))
    assert "number 3" in planned([ng.sum(x * 3.0 + 1.0)], {}).explain()


def _layer_and_slopes():
    x, w, b = ng.parameter("x", np.ones((8, 5))), ng.parameter("w", np.ones((5, 3))), ng.parameter("b", np.zeros(3))
    loss = ng.sum(ng.tanh(x @ w + b) ** 2)
    return [loss, *ng.gradient(loss, [w, b])], None


def _cast():
    return [ng.cast(ng.parameter("x", np.ones((8, 5), np.float32)), dtype="float64") * 2.0], 40


def _one_row_with_all():
    x, row = ng.parameter("x", np.ones((8, 5))), ng.parameter("row", np.ones(5))
    return [x * ng.exp(row), ng.sum(x * x, axis=1), ng.sum(x, axis=0)], 5 + 40 + 2 * 40 + 40


def _formulas():
    x = ng.parameter("x", np.ones((8, 5)))
    return [ng.softmax(x), ng.mean(x), ng.var(x), ng.relu(x)], None


def _loop():
    xs, w = ng.parameter("xs", np.ones((7, 3))), ng.parameter("w", np.ones(3))
    return list(ng.scan(lambda h, x: ((new := ng.tanh(w * h + x)), new * 2.0), ng.constant(np.zeros(3)), xs)), None


@pytest.mark.parametrize("make", [_layer_and_slopes, _cast, _one_row_with_all, _formulas, _loop])
def test_both_engines_count_the_same_words(make):
    outputs, wanted = make()
    numpy, numba = (report_of(engine, outputs, {}, (), [None] * len(outputs)).flops for engine in ("numpy", "numba"))
    assert numba == numpy
    if wanted is not None:
        assert numpy == wanted
