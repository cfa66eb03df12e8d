"""Expressions that once stopped a right derivation or crashed it: length-one axes, flat ways, corners, stacks of matrices, loops."""

from __future__ import annotations

from collections.abc import Callable

import nngraph as ng
import numpy as np
import pytest

rng = np.random.default_rng(0)


def leaf(name: str, *shape: int) -> ng.Node:
    return ng.input(name, rng.normal(size=shape))


def broadcast_from_one_column() -> tuple[ng.Node, list[ng.Node]]:
    x, w = leaf("x", 2, 1), leaf("w", 2, 3)
    return ng.sum((ng.mean(x, axis=0) - w) * x), [x, w]


def small_function_beside_a_matrix() -> tuple[ng.Node, list[ng.Node]]:
    c, a = ng.input("c", [1.0, -2.0, 3.0]), leaf("A", 2, 3)
    return ng.sum(ng.abs(c) + a), [c, a]


def ends_at_a_step() -> tuple[ng.Node, list[ng.Node]]:
    a, b = leaf("A", 2), leaf("B", 2)
    return ng.sum(ng.step(a + b)), [a, b]


def taken_as_fixed() -> tuple[ng.Node, list[ng.Node]]:
    x = leaf("x", 2, 2)
    return ng.sum(ng.stop_gradient(x.T - x) * 2.0 + x), [x]


def stack_of_matrices() -> tuple[ng.Node, list[ng.Node]]:
    a, c = leaf("A", 2, 3, 4), ng.input("c", [[1.0], [2.0], [0.5]])
    return ng.sum(a / c), [a, c]


def small_network_of_convolutions() -> tuple[ng.Node, list[ng.Node]]:
    x, k, w = leaf("x", 2, 1, 6, 6), leaf("k", 2, 1, 3, 3), leaf("W", 8, 3)
    pooled = ng.max_pool2d(ng.tanh(ng.conv2d(x, k)), 2)
    return ng.softmax_loss(ng.reshape(pooled, (2, 8)) @ w, ng.input("t", np.array([0, 2]))), [k, w]


def rolled_loop() -> tuple[ng.Node, list[ng.Node]]:
    x, u, w = leaf("x", 4, 2), leaf("U", 2, 3), leaf("W", 3, 3)
    last, _ = ng.scan(lambda h, row: (ng.tanh(row @ u + h @ w), h), ng.constant(np.zeros(3)), x)
    return ng.sum(last), [u, w]


def one_entry() -> tuple[ng.Node, list[ng.Node]]:
    p = ng.input("p", [0.1, 0.2, 0.7])
    return -ng.log(ng.softmax(p)[1]), [p]


@pytest.mark.parametrize("layout", ["denominator", "numerator"])
@pytest.mark.parametrize("data", ["rows", "columns"])
@pytest.mark.parametrize(
    "build",
    [
        broadcast_from_one_column, small_function_beside_a_matrix, ends_at_a_step, taken_as_fixed, stack_of_matrices,
        small_network_of_convolutions, rolled_loop, one_entry,
    ],
)  # fmt: skip
def test_every_line_holds_and_the_gradient_is_right(build: Callable[[], tuple[ng.Node, list[ng.Node]]], data: str, layout: str):
    output, wrt = build()
    derivation = ng.explain(output, wrt=wrt, data=data, layout=layout)
    assert derivation.ok
    assert derivation.text()
    for w, gradient in zip(wrt, ng.gradient(output, wrt)):
        shown = np.asarray(derivation.gradients[w.name].value)
        if shown.shape != gradient.value.shape or (shown.ndim == 2 and not np.allclose(shown, gradient.value)):
            shown = shown.T
        np.testing.assert_allclose(shown, gradient.value, rtol=1e-12)


@pytest.mark.parametrize("build", [
    lambda x: ng.relu(x), lambda x: ng.abs(x - 0.2), lambda x: ng.maximum(x + 0.2, 0.1), lambda x: ng.leaky_relu(ng.softplus(-x)), lambda x: 3.0 * x,
])  # fmt: skip
def test_second_derivatives_where_a_way_is_flat(build: Callable[[ng.Node], ng.Node]):
    x = ng.input("x", 0.5)
    y = build(x)
    derivation = ng.explain(y, wrt=[x], order=2)
    (g,) = ng.gradient(y, [x])
    second = float(ng.gradient(g, [x])[0].value) if any(leaf is x for leaf in g.graph.inputs) else 0.0
    assert derivation.ok
    assert float(derivation.gradients["x,x"].value if "x,x" in derivation.gradients else 0.0) == pytest.approx(second)


@pytest.mark.parametrize("values, build", [([0.0, 0.0], ng.norm), ([1.0, 1.0, 0.0], ng.max)])
def test_a_corner_that_a_central_difference_cannot_see_is_named(values: list[float], build: Callable[[ng.Node], ng.Node]):
    v = ng.input("v", values)
    assert any("corner" in note.template for note in ng.explain(build(v), wrt=[v]).notes)


def test_a_third_derivative_is_refused_not_answered_with_the_second():
    x = ng.input("x", 2.0)
    with pytest.raises(ng.autograd.errors.GradientError, match="second order"):
        ng.explain(x**3, wrt=[x, x, x])


@pytest.mark.parametrize("text", ["abs(x-x)", "relu(x-x)", "relu(0*x)"])
def test_an_expression_that_lies_on_its_corner_everywhere_is_drawn_there_and_said_so(text, capsys):
    from nngraph.cli.app import run

    assert run(["explain", text]) == 0
    assert "no derivative exists there" in capsys.readouterr().out


@pytest.mark.parametrize("build", [
    lambda E: ng.softmax_loss(E, [0, 0]), lambda E: ng.softmax_loss(E[0], np.array(1)),
    lambda E: ng.sum(ng.square(ng.embedding(E, [1]))), lambda E: ng.sum(ng.square(ng.take(E, np.array(1), axis=0))),
])  # fmt: skip
def test_the_same_class_or_place_everywhere_stays_a_whole_number(build: Callable[[ng.Node], ng.Node]):
    E = ng.parameter("E", [[0.1, 0.2], [0.3, 0.4]])
    assert ng.explain(build(E), wrt=[E]).ok


def test_a_loop_of_float32_is_checked_in_float64():
    x, W = (ng.parameter(name, rng.normal(size=shape).astype(np.float32)) for name, shape in (("x", (3, 2)), ("W", (2, 2))))

    def step(h: ng.Node, x: ng.Node) -> tuple[ng.Node, ng.Node]:
        h = ng.tanh(x + h @ W)
        return h, h

    _, h = ng.scan(step, ng.constant(np.zeros(2, np.float32)), x)
    assert ng.explain(ng.sum(ng.square(h @ W)), wrt=[W]).ok


def test_a_loop_that_chooses_words_and_whose_parts_are_both_used():
    E, *weights = (ng.parameter(name, rng.normal(size=(2, 2))) for name in ("E", "U", "V", "W"))
    U, V, W = weights

    def step(carry: tuple[ng.Node, ng.Node], _: None) -> tuple[tuple[ng.Node, ng.Node], ng.Node]:
        h, word = carry
        h = ng.tanh(ng.embedding(E, word) @ U + h @ V)
        return (h, ng.argmax(h @ W)), h

    (last, _), h = ng.scan(step, (ng.constant(np.zeros(2)), ng.constant(np.int64(0))), length=3)
    y = ng.sum(ng.square(h @ W)) + ng.sum(last)
    assert ng.explain(y, wrt=[V]).ok
    read = ng.concat([ng.constant(np.zeros(1, np.int64)), ng.input("t", np.array([1, 0]))], axis=0)
    assert ng.explain(ng.sum(ng.square(ng.embedding(E, read))), wrt=[E]).ok
