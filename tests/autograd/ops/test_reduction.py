"""Reductions: against numpy, at ties, zeros and empty axes."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import ParameterError, ShapeError
from nngraph.autograd.sizes import Size

AXES = [None, 0, -1, (0, 2), (1, 2)]


def slope(y, x):
    return ng.gradient(ng.sum(y), [x])[0].value


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", ["prod", "mean", "var", "std", "max", "min"])
def test_as_numpy(rng, name, axis, keepdims):
    a = rng.normal(size=(2, 3, 4))
    np.testing.assert_allclose(getattr(ng, name)(a, axis=axis, keepdims=keepdims).value, getattr(np, name)(a, axis=axis, keepdims=keepdims), rtol=1e-13)


def test_a_product_with_zeros_has_the_right_slopes():
    assert slope(ng.prod(x := ng.input("x", [2.0, 0.0, 3.0])), x).tolist() == [0, 6, 0]
    assert slope(ng.prod(x := ng.input("x", [0.0, 5.0, 0.0])), x).tolist() == [0, 0, 0]
    x = ng.input("x", [2.0, 0.0, 3.0])
    (first,) = ng.gradient(ng.prod(x), [x])
    rows = [ng.gradient(first[k], [x])[0].value.tolist() for k in range(3)]
    assert rows == [[0, 3, 0], [3, 0, 2], [0, 2, 0]]


def test_a_product_over_several_axes_with_zeros(gradients_agree, rng):
    a = rng.normal(size=(2, 3, 2))
    a[0, 1, 0] = a[1, 1, 1] = 0
    gradients_agree(lambda x: ng.prod(x, axis=(0, 2)), a)


def test_running_products_with_zeros(gradients_agree):
    for params in [{}, {"exclusive": True}, {"reverse": True}, {"exclusive": True, "reverse": True}]:
        gradients_agree(lambda x, params=params: ng.cumprod(x, **params), np.array([2.0, 0.0, -1.0, 0.0, 3.0]))


def test_running_totals():
    x = ng.input("x", [1.0, 2.0, 3.0])
    assert ng.cumsum(x).value.tolist() == [1, 3, 6]
    assert ng.cumsum(x, exclusive=True).value.tolist() == [0, 1, 3]
    assert ng.cumsum(x, reverse=True).value.tolist() == [6, 5, 3]
    assert ng.cumprod(x, exclusive=True, reverse=True).value.tolist() == [6, 3, 1]
    assert slope(ng.cumsum(x), x).tolist() == [3, 2, 1]
    with pytest.raises(ParameterError, match="an axis is needed"):
        ng.cumsum(np.ones((2, 2)))


def test_equal_extremes_share():
    x = ng.input("x", [[1.0, 5.0, 5.0], [2.0, 2.0, 2.0]])
    np.testing.assert_allclose(slope(ng.max(x, axis=1), x), [[0, 0.5, 0.5], [1 / 3, 1 / 3, 1 / 3]])
    np.testing.assert_allclose(slope(ng.min(x), x), [[1, 0, 0], [0, 0, 0]])


def test_places_of_extremes():
    x = ng.input("x", [[1.0, 5.0, 5.0], [7.0, 2.0, 2.0]])
    assert ng.argmax(x).value == 3
    assert ng.argmax(x, axis=1).value.tolist() == [1, 0]
    assert ng.argmin(x, axis=0).value.tolist() == [0, 1, 1]
    assert ng.argmax(x, axis=1, keepdims=True).shape == (2, 1)
    assert ng.count(x > 2, axis=0).value.tolist() == [1, 1, 1]


@pytest.mark.parametrize("op", [ng.max, ng.min, ng.argmax, ng.argmin])
def test_no_extreme_of_nothing(op):
    with pytest.raises(ShapeError, match="no numbers"):
        op(np.ones((0,)))


def test_spreads_divide_by_what_they_say():
    x = ng.input("x", [1.0, 2.0, 6.0])
    assert float(ng.var(x).value) == pytest.approx(14 / 3)
    assert float(ng.var(x, ddof=1).value) == pytest.approx(7)
    np.testing.assert_allclose(slope(ng.var(x, ddof=1), x), [-2, -1, 3])
    with pytest.raises(ParameterError, match="would divide by 0"):
        ng.var([1.0], ddof=1)
    with pytest.raises(ParameterError, match="ddof"):
        ng.std(x, ddof=0.5)


def test_slopes_at_the_kinks_are_zero():
    x = ng.input("x", [2.0, 2.0, 2.0])
    assert slope(ng.std(x), x).tolist() == [0, 0, 0]
    zero = ng.input("x", [0.0, 0.0])
    for order in (1, 2, np.inf):
        assert slope(ng.norm(zero, ord=order), zero).tolist() == [0, 0]


def test_norms():
    x = ng.input("x", [[3.0, -4.0], [0.0, 5.0]])
    np.testing.assert_allclose(ng.norm(x, axis=1).value, [5, 5])
    np.testing.assert_allclose(ng.norm(x, 1, axis=1).value, [7, 5])
    np.testing.assert_allclose(ng.norm(x, np.inf, axis=1).value, [4, 5])
    np.testing.assert_allclose(slope(ng.norm(x, axis=1), x), [[0.6, -0.8], [0, 1]])
    with pytest.raises(ParameterError, match="ord=3 is not known"):
        ng.norm(x, 3)


def test_logsumexp_far_out():
    assert float(ng.logsumexp([1000.0, 1000.0]).value) == pytest.approx(1000 + np.log(2))
    assert float(ng.logsumexp([-1000.0, -1000.0]).value) == pytest.approx(-1000 + np.log(2))
    assert float(ng.logsumexp([-np.inf, -np.inf]).value) == -np.inf
    x = ng.input("x", [1000.0, 999.0])
    np.testing.assert_allclose(slope(ng.logsumexp(x), x), ng.softmax(x).value, rtol=1e-12)


def test_a_mean_keeps_the_name_of_its_size():
    from nngraph.autograd.op import inside

    y = ng.mean(ng.input("x", shape=(Size("N", 4), 3)), axis=0)
    constants = [node for node in inside(y.op, y.inputs, y.params).nodes if node.role == "constant"]
    assert [constant.params["size"].text for constant in constants] == ["N"]
    assert constants[0].dtype == np.float64


def test_reductions_are_methods_too():
    x = ng.input("x", [[1.0, 2.0], [3.0, 4.0]])
    assert x.mean(axis=0).value.tolist() == [2, 3]
    assert float(x.max().value) == 4
    assert x.cumsum(axis=1).value.tolist() == [[1, 3], [3, 7]]


def test_symbols_have_a_largest_one_too():
    import sympy

    a, b = sympy.symbols("a b", real=True)
    assert ng.max.numpy(np.array([[a, b]]), axis=(1,), keepdims=False).tolist() == [sympy.Max(a, b)]
