"""Comparisons, choices, bounds."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import ParameterError

A, B = [1.0, 2.0, 3.0], [3.0, 2.0, 1.0]


def test_signs_and_names_agree_with_numpy():
    a, b = ng.input("a", A), ng.input("b", B)
    for node, expected in [
        (a < b, np.less), (a <= b, np.less_equal), (a > b, np.greater), (a >= b, np.greater_equal), (ng.equal(a, b), np.equal),
        (ng.not_equal(a, b), np.not_equal),
    ]:  # fmt: skip
        assert node.dtype == bool
        np.testing.assert_array_equal(node.value, expected(A, B))


def test_two_equals_signs_ask_for_identity():
    a = ng.input("a", A)
    assert a == a  # noqa: PLR0124
    assert not (a == ng.input("a", A))


def test_truth_tables():
    a, b = ng.input("a", [False, False, True, True]), ng.input("b", [False, True, False, True])
    assert ng.logical_and(a, b).value.tolist() == [False, False, False, True]
    assert ng.logical_or(a, b).value.tolist() == [False, True, True, True]
    assert ng.logical_not(a).value.tolist() == [True, True, False, False]


def test_what_is_finite_and_what_is_nan():
    x = ng.input("x", [1.0, np.inf, -np.inf, np.nan])
    assert ng.isfinite(x).value.tolist() == [True, False, False, False]
    assert ng.isnan(x).value.tolist() == [False, False, False, True]


def test_equal_operands_share_the_gradient():
    a, b = ng.input("a", A), ng.input("b", B)
    for op, to_a in [(ng.maximum, [0, 0.5, 1]), (ng.minimum, [1, 0.5, 0])]:
        slopes = ng.gradient(ng.sum(op(a, b)), [a, b])
        np.testing.assert_array_equal(slopes[0].value, to_a)
        np.testing.assert_array_equal(slopes[1].value, 1 - np.array(to_a))


def test_nan_is_not_hidden():
    x = ng.input("x", [np.nan])
    assert np.isnan(ng.maximum(x, 0).value).all()
    assert np.isnan(ng.clip(x, 0, 1).value).all()
    assert np.isnan(ng.relu(x).value).all()


def test_where_sends_the_gradient_to_what_was_taken():
    a, b = ng.input("a", A), ng.input("b", 5.0)
    y = ng.where(a > 1.5, a, b)
    np.testing.assert_array_equal(y.value, [5, 2, 3])
    to_a, to_b = ng.gradient(ng.sum(y), [a, b])
    np.testing.assert_array_equal(to_a.value, [0, 1, 1])
    assert float(to_b.value) == 1.0


@pytest.mark.parametrize(("low", "high", "value", "slope"), [(0, 1, [0, 0.5, 1], [0, 1, 0]), (None, 1, [-1, 0.5, 1], [1, 1, 0]), (0, None, [0, 0.5, 2], [0, 1, 1])])
def test_clip(low, high, value, slope):
    x = ng.input("x", [-1.0, 0.5, 2.0])
    y = ng.clip(x, low, high)
    np.testing.assert_array_equal(y.value, value)
    np.testing.assert_array_equal(ng.gradient(ng.sum(y), [x])[0].value, slope)


def test_clip_keeps_whole_numbers_whole():
    assert ng.clip(ng.input("n", [-3, 5]), low=0.0).dtype.kind == "f", "and another bound changes nothing about this one"
    y = ng.clip(ng.input("n", [-3, 5]), low=0)
    assert y.dtype.kind == "i"
    assert y.value.tolist() == [0, 5]


def test_clip_says_what_it_cannot_do():
    with pytest.raises(ParameterError, match="low=2 is above high=1"):
        ng.clip(ng.input("x", A), 2, 1)
    with pytest.raises(ParameterError, match=r"ng\.minimum"):
        ng.clip(ng.input("x", A), high=ng.input("h", 1.0))
