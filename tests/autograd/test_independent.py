"""Whole models against an autodiff that shares no line with ours, and the cases other tools get wrong.

Every function is written once; `m` is nngraph or the other one's numpy.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.numpy import Program, evaluate_all
from nngraph.autograd.symbolic.lower import verify


def _sigmoid(m: Any, x: Any) -> Any:
    return 1 / (1 + m.exp(-x))


def _softmax(m: Any, z: Any) -> Any:
    e = m.exp(z - 3.0)
    return e / m.sum(e, axis=-1, keepdims=True)


def two_layers(m: Any, x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    return m.sum(m.square(_sigmoid(m, x @ w1 + b1) @ w2 + b2 - 0.3)) / 4


def log_sum_exp(m: Any, w: Any, h: Any) -> Any:
    return m.log(m.sum(m.exp(w @ h)))


def softmax_cross_entropy(m: Any, x: Any, w: Any, b: Any) -> Any:
    target = np.eye(3)[[0, 2, 1, 1]]
    return -m.sum(target * m.log(_softmax(m, x @ w + b))) / 4


def recurrent(m: Any, x: Any, u: Any, w: Any, s: Any) -> Any:
    loss = 0.0
    for step in range(4):
        s = m.tanh(x[step] @ u + s @ w)
        loss = loss + m.sum(m.square(s)) * (step + 1)
    return loss


def gated(m: Any, x: Any, wi: Any, wf: Any, wo: Any, wc: Any) -> Any:
    h = c = 0.1 * m.tanh(x @ wc)
    for _ in range(3):
        both = m.concatenate([x, h], axis=1) if m is not ng else ng.concat([x, h], axis=1)
        i, f, o = (_sigmoid(m, both @ w) for w in (wi, wf, wo))
        c = f * c + i * m.tanh(x @ wc)
        h = o * m.tanh(c)
    return m.sum(h * c)


def attention(m: Any, x: Any, q: Any, k: Any, v: Any) -> Any:
    scores = _softmax(m, (x @ q) @ (x @ k).T / np.sqrt(2.0))
    return m.sum(m.square(scores @ (x @ v)))


def normalized(m: Any, x: Any, scale: Any, shift: Any) -> Any:
    centered = x - m.mean(x, axis=0)
    return m.sum(m.tanh(centered / m.sqrt(m.mean(m.square(centered), axis=0) + 1e-5) * scale + shift) ** 3)


def stacked_products(m: Any, a: Any, b: Any) -> Any:
    return m.sum(m.sin(m.matmul(a, b)) * m.exp(-m.mean(a)))


def picked(m: Any, x: Any) -> Any:
    return m.sum(x[np.array([0, 2, 2, 1])] * x[::-1, 1:2][[0, 1, 2, 0]]) + m.sum(x[1:, None, :] * x[:2])


def powers(m: Any, x: Any, y: Any) -> Any:
    return m.sum(m.abs(x) ** y + y**x / (1 + x**2))


def corners(m: Any, x: Any, y: Any) -> Any:
    return (
        m.sum(m.maximum(x, y) * m.where(x > 0, x, 0.01 * x))
        + m.max(m.square(x))
        - m.min(y, axis=None)
        + m.sum(m.abs(x - y))
    )


def moments(m: Any, x: Any) -> Any:
    return m.sum(m.var(x, axis=1) * m.mean(x, axis=1)) + m.prod(x[0]) + m.sum(m.cumsum(x, axis=1) ** 2)


MODELS: dict[Callable[..., Any], list[tuple[int, ...]]] = {
    two_layers: [(4, 3), (3, 5), (5,), (5, 2), (2,)],
    log_sum_exp: [(3, 4), (4,)],
    softmax_cross_entropy: [(4, 2), (2, 3), (3,)],
    recurrent: [(4, 2), (2, 3), (3, 3), (3,)],
    gated: [(2, 3), (5, 2), (5, 2), (5, 2), (3, 2)],
    attention: [(4, 3), (3, 2), (3, 2), (3, 3)],
    normalized: [(5, 3), (3,), (3,)],
    stacked_products: [(2, 1, 3, 4), (5, 4, 2)],
    picked: [(3, 4)],
    powers: [(3, 4), (4,)],
    corners: [(3, 4), (3, 1)],
    moments: [(3, 4)],
}


def _point(model: Callable[..., Any], rng: np.random.Generator) -> list[np.ndarray]:
    low = 0.5 if model is powers else -1.0
    return [rng.uniform(low, 1.5, shape) for shape in MODELS[model]]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_gradient_and_hessian_product(
    model: Callable[..., Any], independent: SimpleNamespace, rng: np.random.Generator
) -> None:
    point = _point(model, rng)
    directions = [rng.uniform(-1, 1, array.shape) for array in point]
    leaves = [ng.input(f"x{at}", array) for at, array in enumerate(point)]
    anp = independent.numpy

    def theirs(arrays: Any) -> Any:
        return model(anp, *arrays)

    def theirs_along(arrays: Any) -> Any:
        return sum(anp.sum(g * v) for g, v in zip(independent.gradient(theirs)(arrays), directions, strict=True))

    loss = model(ng, *leaves)
    np.testing.assert_allclose(loss.value, theirs(point), rtol=1e-12)
    gradients = ng.gradient(loss, leaves)
    for mine, other in zip(evaluate_all(gradients), independent.gradient(theirs)(point), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-10, atol=1e-11)
    along = sum((ng.sum(g * v) for g, v in zip(gradients, directions, strict=True)), start=ng.constant(0.0))
    for mine, other in zip(
        evaluate_all(ng.gradient(along, leaves)), independent.gradient(theirs_along)(point), strict=True
    ):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-10)


def _central(output: ng.Node, leaf: Any, step: float = 1e-5) -> np.ndarray:
    """Every entry of the gradient by central differences, one entry at a time."""
    program = Program([output])
    slopes = np.zeros(leaf.shape)
    for index in np.ndindex(leaf.shape):
        move = np.zeros(leaf.shape)
        move[index] = step
        slopes[index] = (program({leaf: leaf.value + move})[0] - program({leaf: leaf.value - move})[0]) / (2 * step)
    return slopes


def test_log_sum_exp_of_a_matrix_product_is_not_zero() -> None:
    """SymPy 1.14 differentiates log(sum(exp(W h))), as a matrix expression, by W to a silent 0."""
    w = ng.parameter("W", [[0.2, -0.4], [0.5, 0.3]])
    h = ng.input("h", [[1.0], [2.0]])
    loss = ng.log(ng.sum(ng.exp(w @ h)))
    (slope,) = ng.gradient(loss, [w])
    weight = np.exp(w.value @ h.value) / np.sum(np.exp(w.value @ h.value))
    np.testing.assert_allclose(slope.value, weight @ h.value.T, rtol=1e-14)
    np.testing.assert_allclose(slope.value, _central(loss, w), rtol=1e-8)
    assert np.all(np.abs(slope.value) > 0.1)
    assert verify(loss, [w, h]).ok


@pytest.mark.parametrize("form", ["inner product", "trace"])
def test_squared_error_of_two_layers_in_both_spellings(form: str) -> None:
    """rᵀr and tr(rᵀr), r = W2 σ(W1 x + b) − y: SymPy 1.14's trace form is silently wrong in b and raises for W1."""
    rng = np.random.default_rng(5)
    w1, b, w2 = (
        ng.parameter(name, rng.normal(size=shape)) for name, shape in (("W1", (3, 2)), ("b", (3, 1)), ("W2", (2, 3)))
    )
    x, y = ng.input("x", rng.normal(size=(2, 1))), ng.input("y", rng.normal(size=(2, 1)))
    h = ng.sigmoid(w1 @ x + b)
    r = w2 @ h - y
    loss = ng.sum(r.T @ r) if form == "inner product" else ng.trace(r.T @ r)
    slopes = dict(zip("1b2", evaluate_all(ng.gradient(loss, [w1, b, w2])), strict=True))
    delta = (w2.value.T @ (2 * r.value)) * h.value * (1 - h.value)
    np.testing.assert_allclose(slopes["1"], delta @ x.value.T, rtol=1e-12)
    np.testing.assert_allclose(slopes["b"], delta, rtol=1e-12)
    np.testing.assert_allclose(slopes["2"], 2 * r.value @ h.value.T, rtol=1e-12)
    for leaf, slope in zip((w1, b, w2), slopes.values(), strict=True):
        np.testing.assert_allclose(slope, _central(loss, leaf), rtol=1e-6, atol=1e-8)
    assert verify(loss, [w1, b, w2], simplify=False).ok


def test_a_node_used_twice_is_paid_twice() -> None:
    """b = a + 1 reaches the result on roads of different length: a walk that goes down from each use on its own errs."""
    a = ng.input("a", 3.0)
    b = a + 1
    c = b * b
    loss = c * b + c
    (slope,) = ng.gradient(loss, [a])
    assert float(slope.value) == 3 * 4.0**2 + 2 * 4.0
    (again,) = ng.gradient(a * a, [a])
    assert float(again.value) == 6.0


def test_asking_twice_does_not_add_up() -> None:
    x = ng.parameter("x", 3.0)
    loss = ng.square(x)
    assert [float(ng.gradient(loss, [x])[0].value) for _ in range(2)] == [6.0, 6.0]
    loss.backward()
    loss.backward()
    assert float(x.grad) == 6.0


def test_a_class_of_huge_logits_stays_finite(independent: SimpleNamespace) -> None:
    """The fused loss at logits of 1000 gives p − t; the naive formula overflows."""
    z = ng.input("z", [[1000.0, 0.0, -1000.0], [3.0, 1000.0, 1000.0]])
    t = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    loss = ng.softmax_loss(z, t)
    (slope,) = ng.gradient(loss, [z])
    np.testing.assert_allclose(loss.value, (1000.0 + np.log(2)) / 2, rtol=1e-12)
    np.testing.assert_allclose(slope.value, (np.array([[1.0, 0, 0], [0, 0.5, 0.5]]) - t) / 2, atol=1e-12)
