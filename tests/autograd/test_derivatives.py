"""Products with Jacobians and Hessians, the matrices, gradients of plain functions, backward()."""

import gc
import weakref

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.check import finite_difference
from nngraph.autograd.errors import GradientError, ParameterError, ShapeError


def net(x, w):
    return ng.tanh(x @ w) * ng.sin(x)


@pytest.fixture
def leaves(rng):
    return ng.input("x", rng.standard_normal((3, 2))), ng.input("w", rng.standard_normal((2, 2)))


def test_jvp_is_the_slope_along_a_direction(leaves, rng):
    x, w = leaves
    vx, vw = rng.standard_normal((3, 2)), rng.standard_normal((2, 2))
    moved = ng.jvp(net(x, w), [x, w], [vx, vw])
    assert moved.shape == (3, 2)
    along_x = finite_difference(lambda a: net(ng.constant(a), w), x, vx)
    along_w = finite_difference(lambda a: net(x, ng.constant(a)), w, vw)
    np.testing.assert_allclose(moved.value, along_x + along_w, rtol=1e-8, atol=1e-9)


def test_jvp_takes_nodes_as_directions_and_is_differentiable(leaves):
    x, w = leaves
    total = ng.sum(ng.jvp(net(x, w), x, ng.exp(x)))
    ng.check_gradient(total, x, w, order=1)


def test_jvp_of_what_does_not_depend_is_zero(leaves):
    x, w = leaves
    assert not ng.jvp(ng.exp(x), [w], [np.ones((2, 2))]).value.any()


def test_hvp_is_the_hessian_times_a_vector(leaves, rng):
    x, w = leaves
    loss = ng.sum(net(x, w))
    v = rng.standard_normal((2, 2))
    (product,) = ng.hvp(loss, w, v)
    np.testing.assert_allclose(product.value, np.tensordot(ng.hessian(loss, w).value, v, 2), rtol=1e-12)
    one, two = ng.hvp(loss, [x, w], [np.zeros((3, 2)), v])
    np.testing.assert_allclose(two.value, product.value, rtol=1e-12)
    assert one.shape == (3, 2)


def test_jacobian_has_one_row_per_number(leaves):
    x, w = leaves
    jacobian = ng.jacobian(net(x, w), w)
    assert jacobian.shape == (3, 2, 2, 2)
    expected = finite_difference(lambda a: net(x, ng.constant(a)), w)
    np.testing.assert_allclose(jacobian.value, expected, rtol=1e-8, atol=1e-9)
    x.value = x.value * 0.5
    expected = finite_difference(lambda a: net(x, ng.constant(a)), w)
    np.testing.assert_allclose(jacobian.value, expected, rtol=1e-8, atol=1e-9)


def test_jacobian_of_nothing_and_of_a_number():
    x = ng.input("x", [1.0, 2.0])
    assert ng.jacobian(ng.sum(x * x), x).shape == (2,)
    assert ng.jacobian(x[:0], x).shape == (0, 2)


def test_softmax_has_the_jacobian_of_the_textbook():
    z = ng.input("z", [1.0, 2.0, 0.5])
    p = ng.softmax(z)
    np.testing.assert_allclose(ng.jacobian(p, z).value, np.diag(p.value) - np.outer(p.value, p.value), atol=1e-15)


def test_hessian_is_symmetric(leaves):
    x, w = leaves
    hessian = ng.hessian(ng.sum(net(x, w)), w).value
    np.testing.assert_allclose(hessian, hessian.transpose(2, 3, 0, 1), atol=1e-13)


def test_grad_of_a_plain_function_nests():
    f = ng.grad(lambda x: ng.exp(2.0 * x))
    assert float(f(0.0)) == 2.0
    for order in range(2, 5):
        f = ng.grad(f)
        assert float(f(0.0)) == 2.0**order
    assert isinstance(f(0.0), np.ndarray)


def test_grad_keeps_inner_and_outer_variables_apart():
    # d/dx of x·(d/dy x·y at y=x) = d/dx x² = 2x; counting the inner x twice would give 4x.
    assert float(ng.grad(lambda x: x * ng.grad(lambda y: x * y)(x))(3.0)) == 6.0


def test_grad_takes_several_arguments():
    f = lambda x, w, scale: scale * ng.sum(x @ w)  # noqa: E731
    x, w = np.ones((2, 3)), np.full((3, 1), 2.0)
    both = ng.grad(f, argnums=(0, 1))(x, w, scale=3.0)
    np.testing.assert_array_equal(both[0], np.full((2, 3), 6.0))
    np.testing.assert_array_equal(both[1], np.full((3, 1), 6.0))
    np.testing.assert_array_equal(ng.grad(f, argnums=-2)(x, w, 3.0), both[1])
    value, slope = ng.value_and_grad(f, 1)(x, w, 3.0)
    assert float(value) == 36.0 and slope.shape == (3, 1)
    assert ng.grad(np.sum).__name__ == "sum"


def test_grad_of_plain_numpy_and_of_constants():
    np.testing.assert_allclose(ng.grad(lambda x: np.sum(np.sin(x) ** 2))([0.5, 1.0]), np.sin([1.0, 2.0]))
    assert float(ng.grad(lambda x: 4.0)(1.0)) == 0.0


@pytest.mark.parametrize(
    ("ask", "error", "said"),
    [
        (lambda x: ng.grad(lambda t: t * t)(3), GradientError, r"argument 0 holds int64; a slope needs floats, such as 3\.0"),
        (lambda x: ng.grad(lambda t: t * t, argnums=1)(3.0), ParameterError, "no positional argument 1"),
        (lambda x: ng.grad(lambda t: t * t)([1.0, 2.0]), GradientError, "a gradient belongs to one"),
        (lambda x: ng.jvp(x * x, [x], []), ShapeError, "1 variables need as many directions; 0 were given"),
        (lambda x: ng.jvp(x * x, x, [1.0]), ShapeError, r"a direction for input 'x' .* must have its shape, not \(1,\)"),
        (lambda x: ng.hvp(x * x, x, [1.0, 1.0]), GradientError, "a gradient belongs to one"),
        (lambda x: ng.jacobian(x * x, [1.0]), GradientError, "takes two nodes"),
        (lambda x: ng.sum(x).backward(), GradientError, r"depends on no parameter; use ng\.parameter"),
    ],
)
def test_what_cannot_be_asked(ask, error, said):
    with pytest.raises(error, match=said):
        ask(ng.input("x", [1.0, 2.0]))


def test_backward_overwrites_and_does_not_add_up():
    x, w = ng.input("x", [1.0, 2.0]), ng.parameter("w", [3.0, 4.0])
    loss = ng.sum(w * w * x)
    assert w.grad is None
    loss.backward()
    loss.backward()
    np.testing.assert_array_equal(w.grad, [6.0, 16.0])
    with pytest.raises(ValueError, match="read-only"):
        w.grad[0] = 0.0
    w.value = [1.0, 1.0]
    loss.backward()
    np.testing.assert_array_equal(w.grad, [2.0, 4.0])
    assert x.grad is None


def test_backward_keeps_no_graph_alive():
    w = ng.parameter("w", 2.0)
    loss = w * w
    loss.backward()
    w.backward()
    watched = weakref.ref(loss)
    del loss
    gc.collect()
    assert watched() is None and float(w.grad) == 1.0
