"""The gradient check finds wrong rules, names the entry and the slip, and is not fooled by kinks."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.check import GradientCheck, slip_of
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
