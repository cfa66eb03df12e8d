"""The gradient check finds wrong rules, names the entry and the slip, and is not fooled by kinks."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.check import GradientCheck
from nngraph.autograd.check_float64 import in_float64
from nngraph.autograd.check_slips import slip_of
from nngraph.autograd.errors import CheckFailed, DtypeError, GradientError, ShapeError
from nngraph.autograd.op import FUNCTION, OPS, elementwise, example


@pytest.fixture
def declare():
    """Declares an op on (3,) with a given gradient for one test."""
    names = []

    def declared(text, gradient, **more):
        name = f"tried_{len(names)}"
        names.append(name)
        return elementwise(name, text, kind=FUNCTION, words="try {x}", why="tried", gradient=gradient, example=example((3,)), **more)

    yield declared
    for name in names:
        del OPS[name]


def test_a_right_gradient_gives_a_record():
    record = ng.check_gradient(lambda x, w: ng.tanh(x @ w), np.ones((3, 2)), np.full((2, 4), 0.3))
    assert isinstance(record, GradientCheck) and [each.order for each in record.orders] == [1, 2]
    assert all(each.error < 1e-9 for each in record.orders) and record.moved == 0
    assert record.orders[0].reverse == pytest.approx(record.orders[0].difference, rel=1e-9)
    assert str(record).startswith("order 1: agrees to")


def test_a_node_is_checked_at_its_leaves():
    x, w = ng.input("x", [1.0, 2.0]), ng.parameter("w", np.float32([0.5, 0.25]))
    assert ng.check_gradient(ng.sum(ng.exp(x * w))).orders[0].error < 1e-9
    assert ng.check_gradient(ng.exp(x * w), w, order=3).orders[2].error < 1e-8


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (lambda g, y, x: (g * x,), r"wrong at index \(\d,\): reverse mode gives [-\d.]+, finite differences [-\d.]+; it is 2 times too small"),
        (lambda g, y, x: (4.0 * g * x,), "it is 2 times too large"),
        (lambda g, y, x: (-2.0 * g * x,), "its sign is turned round"),
        (lambda g, y, x: (None,), "it is zero: is there a stop_gradient"),
        (lambda g, y, x: (2.0 * g * x + ng.where(x > 2.5, 1.0, 0.0),), "1 of 3 entries are wrong"),
        (lambda g, y, x: (2.0 * g * x / ng.where(x > 2.5, 0.0, 1.0),), "not finite although the function is smooth"),
    ],
)
def test_a_wrong_rule_is_caught_and_its_slip_named(declare, rule, said):
    square = declare("x * x", rule)
    with pytest.raises(CheckFailed, match=said) as caught:
        ng.check_gradient(square, np.array([1.0, 2.0, 3.0]))
    assert caught.value.record["order"] == 1 and caught.value.record["variable"] == "x"


def test_a_wrong_second_order_is_caught(declare):
    # The first gradient has the right value, but its rule hides from the second that it depends on x.
    square = declare("x * x", lambda g, y, x: (2.0 * g * ng.stop_gradient(x),))
    assert ng.check_gradient(square, np.array([1.0, 2.0, 3.0]), order=1).orders[0].error < 1e-9
    with pytest.raises(CheckFailed, match="derivative of order 2 with respect to input 'x'"):
        ng.check_gradient(square, np.array([1.0, 2.0, 3.0]))


def test_one_wrong_entry_among_many_is_found(declare):
    rule = lambda g, y, x: (g * ng.cos(x) + ng.where(ng.equal(x, 0.25), 1e-3, 0.0),)  # noqa: E731
    wrong = declare("sin(x)", rule)
    x = np.linspace(-1.0, 1.0, 202)
    x[77] = 0.25
    with pytest.raises(CheckFailed, match=r"wrong at index \(77,\)"):
        ng.check_gradient(wrong, x)


def test_a_kink_is_stepped_away_from():
    record = ng.check_gradient(ng.abs, np.array([0.0, 1.0]))
    assert record.moved >= 1 and "away from a kink" in str(record)
    assert ng.check_gradient(lambda x: ng.maximum(x, 0.0), np.linspace(-1.0, 1.0, 100)).orders[0].error < 1e-8


def test_a_kink_does_not_excuse_a_wrong_rule(declare):
    relu = declare("where(x > 0, x, 0)", lambda g, y, x: (ng.where(x > 0, 2.0 * g, 0.0),))
    with pytest.raises(CheckFailed, match="2 times too large"):
        ng.check_gradient(relu, np.array([0.0, 1.0, 2.0]))


@pytest.mark.parametrize("seed", range(4))
def test_many_kinks_close_by_are_told_from_mistakes(seed):
    rng = np.random.default_rng(seed)
    x, t = ng.input("x", rng.random((100, 16))), ng.input("t", rng.integers(0, 5, 100))
    first, second = (
        ng.parameter("W1", rng.normal(0, 0.3, (16, 30))),
        ng.parameter("W2", rng.normal(0, 0.3, (30, 5))),
    )
    loss = ng.softmax_loss(ng.relu(x @ first) @ second, t)
    assert ng.check_gradient(loss, first, second, order=1, seed=seed).orders[0].error < 1e-7


def test_pooled_convolutions_are_checked_between_their_kinks():
    rng = np.random.default_rng(0)
    x, kernel = ng.input("x", rng.random((10, 1, 8, 8))), ng.parameter("K", rng.normal(0, 0.5, (4, 1, 3, 3)))
    hidden = ng.max_pool2d(ng.relu(ng.conv2d(x, kernel, padding=1)), 2)
    record = ng.check_gradient(ng.mean(ng.tanh(hidden)), kernel, order=1)
    assert record.orders[0].error < 1e-7 and record.moved == 0


def test_the_two_slopes_of_a_kink_are_said():
    record = ng.check_gradient(ng.abs, np.zeros(1), order=1)
    left, right = record.sides
    assert left == pytest.approx(-right) and "on one side and" in str(record)


def float32_graphs():
    rng = np.random.default_rng(0)
    x = ng.input("x", np.float32(rng.normal(size=(20, 10))))
    w = ng.parameter("W", np.float32(rng.normal(size=(10, 5))))
    hidden = ng.tanh(x @ w)
    half = ng.broadcast(ng.constant(np.float32(0.5)), (20, 5))
    yield "dropout", ng.mean(ng.dropout(hidden, 0.3)), w
    yield "coins", ng.mean(ng.bernoulli(half) * hidden), w
    yield "cast", ng.mean(ng.cast(hidden, "float16")), w
    yield "classes", ng.softmax_loss(hidden, ng.input("t", rng.integers(0, 5, 20))), w
    yield "loop", ng.mean(ng.scan(lambda c, i: (ng.cast(ng.tanh(c @ w[:5]), "float32"), None), x[:, :5], length=3)[0]), w  # fmt: skip


@pytest.mark.parametrize(("graph", "leaf"), [pytest.param(y, w, id=name) for name, y, w in float32_graphs()])
def test_graphs_of_float32_are_checked_in_float64_throughout(graph, leaf):
    assert ng.check_gradient(graph, leaf, order=1, tolerance=1e-9).orders[0].error < 1e-10


def test_random_numbers_stay_the_same_in_float64():
    x = ng.input("x", np.ones(1000, np.float32))
    for y in (ng.dropout(x, 0.3), ng.uniform(1000, dtype="float32") * x, ng.bernoulli(x / 3)):
        (wide,), _ = in_float64([y])
        assert wide.dtype == np.float64
        np.testing.assert_allclose(wide.value, y.value, rtol=1e-6)


def test_the_tolerance_is_what_agrees(declare):
    def slightly(part):
        return declare("exp(x)", lambda g, y, x: (g * y * (1.0 + part),))

    point = np.array([1.0, 2.0, 3.0])
    with pytest.raises(CheckFailed, match="they differ by 1.0e-05 of the largest entry"):
        ng.check_gradient(slightly(1e-5), point, order=1)
    assert ng.check_gradient(slightly(1e-5), point, order=1, tolerance=1e-4).orders[0].error == pytest.approx(1e-5, rel=0.01)  # fmt: skip
    with pytest.raises(CheckFailed, match="is wrong"):
        ng.check_gradient(slightly(1e-8), point, order=1, tolerance=1e-9)


def test_a_tolerance_finer_than_differences_is_not_ticked():
    with pytest.raises(CheckFailed, match=r"not checked to 1e-14: rounding .* Ask for tolerance=1e-\d+ or more"):
        ng.check_gradient(ng.sin, np.array([1.0, 2.0]), order=1, tolerance=1e-14)


def test_a_gradient_of_zero_is_right():
    x = ng.input("x", [1.0, 2.0])
    assert ng.check_gradient(ng.sum(x - x), x, order=2).orders[1].error == 0
    assert ng.check_gradient(ng.sum(ng.softmax(x)), x, order=1).orders[0].error < 1e-9


def test_where_nothing_is_smooth_nothing_is_ticked():
    with pytest.raises(CheckFailed, match="not checked: after 20 tries"):
        ng.check_gradient(lambda x: ng.log(-ng.exp(x)), np.array([1.0]))


def test_steep_and_flat_functions_are_checked_alike():
    assert ng.check_gradient(lambda x: 1.0 / x, np.array([0.01, 100.0])).orders[0].error < 1e-6
    assert ng.check_gradient(lambda x: 1e-8 * ng.sin(x), np.array([0.5, 1.0])).orders[0].error < 1e-6
    assert ng.check_gradient(lambda x: 1e8 * ng.sin(x), np.array([0.5, 1.0])).orders[0].error < 1e-6


def test_whole_numbers_are_refused_or_passed_through():
    with pytest.raises(DtypeError, match=r"nothing to vary among int64; give it floats, such as 1\.0"):
        ng.check_gradient(lambda x: x * 2.0, np.array([1, 2]))
    assert ng.check_gradient(lambda x, k: ng.sum(x * k), np.array([1.0, 2.0]), np.array([1, 2])).orders[0].error < 1e-9
    with pytest.raises(DtypeError, match="int64, which cannot move by a small step"):
        ng.finite_difference(lambda x: x**2, np.array([1, 2]), [1, 0])
    with pytest.raises(GradientError, match="varies leaves"):
        x = ng.input("x", 1.0)
        ng.check_gradient(x * x, x * 2.0)


def test_finite_differences_of_plain_functions():
    assert float(ng.finite_difference(lambda x: x**2, 3.0, 1.0, step=1e-4)) == pytest.approx(6.0, abs=1e-9)
    matrix = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_allclose(ng.finite_difference(lambda x: matrix @ x, np.array([1.0, 2.0])), matrix, rtol=1e-10)
    assert ng.finite_difference(lambda x: x.sum(), np.ones((2, 3))).shape == (2, 3)
    with pytest.raises(ShapeError, match=r"v has shape \(2,\), but x has \(\)"):
        ng.finite_difference(lambda x: x, 1.0, [1.0, 2.0])


def test_slips_are_told_apart():
    right = np.array([[1.0, 2.0], [3.0, 4.5]])
    assert slip_of(right.T, right) == "it is the transpose of the right one"
    assert slip_of(right / 3, right) == "it is 3 times too small"
    assert slip_of(right + 1, right) == ""
    assert slip_of(right * 1.00001, right) == "they differ by 1.0e-05 of the largest entry"
