"""Reverse mode: closed forms, fan-out, broadcasting, higher orders, and what has no gradient."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.differentiate import backward
from nngraph.autograd.errors import GradientError
from nngraph.autograd.graph import order


def test_a_closed_form_to_the_fourth_order():
    x = ng.input("x", 0.7)
    y, expected = ng.sin(x) * x, [
        lambda t: np.cos(t) * t + np.sin(t),
        lambda t: 2 * np.cos(t) - np.sin(t) * t,
        lambda t: -3 * np.sin(t) - np.cos(t) * t,
        lambda t: -4 * np.cos(t) + np.sin(t) * t,
    ]  # fmt: skip
    for formula in expected:
        (y,) = ng.gradient(y, [x])
        assert float(y.value) == pytest.approx(formula(0.7), abs=1e-12)


def test_contributions_of_several_users_are_added():
    x = ng.input("x", 3.0)
    assert float(ng.gradient(x * x + x / 2.0 + ng.exp(0.0 * x), [x])[0].value) == 6.5


@pytest.mark.parametrize("shape", [(), (4,), (1, 4), (3, 1), (1, 1), (3, 4), (2, 3, 4)])
def test_a_broadcast_operand_gets_its_own_shape_back(shape, rng):
    a, b = ng.input("a", rng.standard_normal((3, 4))), ng.input("b", rng.standard_normal(shape))
    weights = rng.standard_normal(np.broadcast_shapes((3, 4), shape))
    da, db = ng.gradient(ng.sum(a * b * weights), [a, b])
    assert da.shape == (3, 4) and db.shape == shape
    whole = np.broadcast_to(a.value, weights.shape) * weights
    axes = tuple(range(whole.ndim - len(shape)))
    reduced = whole.sum(axes)
    for axis, size in enumerate(shape):
        if size == 1:
            reduced = reduced.sum(axis, keepdims=True)
    np.testing.assert_allclose(db.value, reduced, rtol=1e-12)


def test_what_the_output_does_not_depend_on_gets_zeros():
    x, other = ng.input("x", 1.0), ng.input("other", np.ones((2, 3), np.float32))
    (zero,) = ng.gradient(x * x, [other])
    assert zero.shape == (2, 3) and zero.dtype == np.float32 and not zero.value.any()


def test_a_gradient_with_respect_to_a_node_inside():
    x = ng.input("x", 2.0)
    hidden = x * x
    assert float(ng.gradient(ng.exp(hidden) + x, [hidden])[0].value) == pytest.approx(np.exp(4.0))
    assert float(ng.gradient(hidden, [hidden])[0].value) == 1.0


def test_float32_stays_float32(rng):
    x, w = ng.input("x", rng.standard_normal((3, 2)).astype(np.float32)), ng.parameter("w", np.ones((2, 2), np.float32))
    loss = ng.mean(ng.square(ng.tanh(2.0 * (x @ w)) - 0.5))
    for slope in ng.gradient(loss, [x, w]):
        assert slope.dtype == np.float32 and slope.value.dtype == np.float32
        assert all(node.dtype != np.float64 for node in order(slope))


def test_mixed_dtypes_send_each_its_own():
    narrow, wide = ng.input("n", np.float32([1.0, 2.0])), ng.input("w", [3.0, 4.0])
    dn, dw = ng.gradient(ng.sum(narrow * wide), [narrow, wide])
    assert dn.dtype == np.float32 and dw.dtype == np.float64


def test_stop_gradient_and_integers_send_nothing():
    x, k = ng.input("x", [1.0, 2.0]), ng.input("k", [1, 2])
    assert not ng.gradient(ng.sum(ng.stop_gradient(x) * 2.0), [x])[0].value.any()
    np.testing.assert_array_equal(ng.gradient(ng.sum(x * k), [x])[0].value, [1.0, 2.0])


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda x: ng.gradient(x * 2.0, [x]), r"mul .*\(2, float64\) has 2 numbers; a gradient belongs to one\. Sum it first, ng\.sum\(y\), or ask for ng\.jacobian"),
        (lambda x: ng.gradient(ng.sum(x), [2.0]), r"it is not a node; pass the node itself"),
        (lambda x: ng.gradient(3.0, [x]), "is not a node of a graph"),
        (lambda x: ng.gradient(ng.sum(ng.input("k", [1, 2])), [x]), "does not vary smoothly"),
        (lambda x: ng.gradient(ng.sum(x * ng.input("k", [1, 2])), [ng.input("k", [1, 2])]), r"makes no sense; give it floats, such as 1\.0"),
        (lambda x: ng.gradient(ng.sum(x), [ng.constant(1.0)]), r"never changes; use ng\.input or ng\.parameter"),
    ],
)
def test_what_has_no_gradient_is_refused_with_a_remedy(ask, said):
    with pytest.raises(GradientError, match=said):
        ask(ng.input("x", [1.0, 2.0]))


def test_the_record_names_every_contribution():
    x = ng.input("x", 3.0)
    square, double = x * x, x + x
    record = backward(square * double, [x])
    assert record.order[0] is record.output and set(record.order) == {record.output, square, double}
    assert set(record.contributions) == {(node, position) for node in record.order for position in (0, 1)}
    assert float(record.adjoints[square].value) == 6.0 and float(record.adjoints[x].value) == 54.0
    origin = record.origin
    assert origin[record.seed] is record.output
    assert all(origin[sent] in record.order for sent in record.contributions.values() if not sent.is_leaf and sent in origin)
    assert ng.gradient(record.output, [x])[0].shape == ()


def test_one_number_may_have_axes():
    x, w = ng.input("x", [[1.0, 2.0]]), ng.parameter("w", [[0.5], [0.25]])
    (slope,) = ng.gradient(x @ w, [w])
    np.testing.assert_array_equal(slope.value, [[1.0], [2.0]])


def test_a_seed_weighs_a_tensor():
    x, g = ng.input("x", [1.0, 2.0]), ng.input("g", [10.0, 1.0])
    adjoint = backward(x * x, [x], seed=g).adjoints[x]
    np.testing.assert_array_equal(adjoint.value, [20.0, 4.0])
