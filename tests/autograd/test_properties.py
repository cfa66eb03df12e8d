"""Properties that hold for whatever hypothesis thinks of: broadcasting, indexing, random graphs, index forms."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import nngraph as ng
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from nngraph.autograd.engines.numpy import Program, evaluate_all
from nngraph.autograd.graph import order
from nngraph.autograd.index import IndexForm
from nngraph.autograd.node import Leaf, Node
from nngraph.autograd.ops.linear import from_form

thorough = settings(deadline=None, derandomize="CI" in os.environ, database=None, max_examples=60)

shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=4)
seeds = st.integers(0, 2**32 - 1)


def _numbers(seed: int, shape: Sequence[int], low: float = -1.5, high: float = 1.5) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, tuple(shape))


def _summed_back(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """What un-broadcasting has to give, written the long way: every entry of `array` goes home one at a time."""
    home = np.zeros(shape)
    places = np.broadcast_to(np.arange(int(np.prod(shape))).reshape(shape), array.shape)
    for place, value in zip(places.ravel(), array.ravel()):
        home.ravel()[place] += value
    return home


# Broadcasting ------------------------------------------------------------------------------------------------------


@thorough
@given(pair=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4), seed=seeds)
def test_broadcast_forward_is_reduction_backward(pair: hnp.BroadcastableShapes, seed: int) -> None:
    a = ng.input("a", _numbers(seed, pair.input_shapes[0]))
    b = ng.input("b", _numbers(seed + 1, pair.input_shapes[1], 0.5, 2.0))
    weights = _numbers(seed + 2, pair.result_shape)
    for op, function, slopes in (
        (lambda x, y: x + y, np.add, lambda x, y: (1 + 0 * (x + y), 1 + 0 * (x + y))),
        (lambda x, y: x * y, np.multiply, lambda x, y: (y + 0 * x, x + 0 * y)),
        (lambda x, y: x / y, np.divide, lambda x, y: (1 / y + 0 * x, -x / y**2)),
        (lambda x, y: x - y, np.subtract, lambda x, y: (1 + 0 * (x + y), -1 + 0 * (x + y))),
    ):
        node = op(a, b)
        assert node.shape == pair.result_shape
        np.testing.assert_array_equal(node.value, function(a.value, b.value))
        for leaf, sent, slope in zip(
            (a, b), ng.gradient(ng.sum(node * weights), [a, b]), slopes(a.value, b.value), strict=True
        ):
            assert sent.shape == leaf.shape
            np.testing.assert_allclose(sent.value, _summed_back(weights * slope, leaf.shape), rtol=1e-12, atol=1e-12)


@thorough
@given(pair=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=3), seed=seeds)
def test_empty_axes_broadcast_too(pair: hnp.BroadcastableShapes, seed: int) -> None:
    a, b = (ng.input(name, _numbers(seed, shape)) for name, shape in zip("ab", pair.input_shapes, strict=True))
    node = a * b
    assert node.shape == node.value.shape == pair.result_shape
    for leaf, sent in zip((a, b), ng.gradient(ng.sum(node), [a, b])):
        assert sent.value.shape == leaf.shape


@thorough
@given(pair=hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, max_side=3), seed=seeds)
def test_matmul_takes_every_pair_of_ranks_numpy_takes(
    independent: SimpleNamespace, pair: hnp.BroadcastableShapes, seed: int
) -> None:
    a = ng.input("a", _numbers(seed, pair.input_shapes[0]))
    b = ng.input("b", _numbers(seed + 1, pair.input_shapes[1]))
    product = a @ b
    expected = a.value @ b.value
    assert product.shape == expected.shape
    np.testing.assert_allclose(product.value, expected, rtol=1e-12, atol=1e-12)
    weights = _numbers(seed + 2, expected.shape)
    anp = independent.numpy
    theirs = independent.gradient(lambda pair: anp.sum(anp.matmul(pair[0], pair[1]) * weights))((a.value, b.value))
    for mine, other in zip(ng.gradient(ng.sum(product * weights), [a, b]), theirs, strict=True):
        np.testing.assert_allclose(mine.value, other, rtol=1e-11, atol=1e-11)


# Indexing ----------------------------------------------------------------------------------------------------------


@st.composite
def _indexed(draw: Callable[..., Any]) -> tuple[tuple[int, ...], Any]:
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    kind = draw(st.sampled_from(["basic", "basic", "whole numbers", "logical", "first axis"]))
    if kind == "basic":
        return shape, draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    if kind == "whole numbers":
        return shape, draw(hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3)))
    if kind == "logical":
        return shape, draw(hnp.arrays(bool, shape))
    return shape, draw(
        hnp.arrays(np.int64, hnp.array_shapes(max_dims=2, max_side=3), elements=st.integers(-shape[0], shape[0] - 1))
    )


@thorough
@given(case=_indexed(), seed=seeds)
def test_indexing_as_numpy_does(case: tuple[tuple[int, ...], Any], seed: int) -> None:
    shape, index = case
    x = ng.input("x", _numbers(seed, shape))
    picked = x[index]
    expected = x.value[index]
    assert picked.shape == np.shape(expected)
    np.testing.assert_array_equal(picked.value, expected)
    weights = _numbers(seed + 1, np.shape(expected))
    (sent,) = ng.gradient(ng.sum(picked * weights), [x])
    home = np.zeros(shape)
    np.add.at(home, index, weights)  # an entry picked twice is paid twice
    np.testing.assert_allclose(sent.value, home, rtol=1e-12, atol=1e-12)


# Random graphs -----------------------------------------------------------------------------------------------------

STEPS: list[tuple[int, Callable[..., Any]]] = [
    (2, lambda m, a, b: a + b),
    (2, lambda m, a, b: a - b),
    (2, lambda m, a, b: 0.5 * a * b),
    (2, lambda m, a, b: a / (2 + b * b)),
    (2, lambda m, a, b: 0.4 * (a @ b)),
    (1, lambda m, a: -a),
    (1, lambda m, a: a.T),
    (1, lambda m, a: 0.3 * m.square(a)),
    (1, lambda m, a: m.tanh(a)),
    (1, lambda m, a: m.sin(a)),
    (1, lambda m, a: m.exp(-m.square(a))),
    (1, lambda m, a: m.log(1.5 + m.square(a))),
    (1, lambda m, a: m.sqrt(1.0 + m.square(a))),
    (1, lambda m, a: 0.3 * m.sum(a, axis=0, keepdims=True) + a),
    (1, lambda m, a: m.reshape(m.reshape(a, (9,)), (3, 3))),
]
"""(how many operands, the step) on 3×3 matrices, said once for both systems: m is nngraph or the other one's numpy."""


@st.composite
def _program(draw: Callable[..., Any]) -> list[tuple[int, tuple[int, ...]]]:
    """Steps that pick their operands among the last four results, so that nodes are reused and paths meet again."""
    steps = []
    for count in range(2, 2 + draw(st.integers(1, 12))):
        which = draw(st.integers(0, len(STEPS) - 1))
        steps.append((which, tuple(draw(st.integers(max(0, count - 4), count - 1)) for _ in range(STEPS[which][0]))))
    return steps


def _run(program: Sequence[tuple[int, tuple[int, ...]]], values: Sequence[Any], m: Any) -> Any:
    memory = list(values)
    for which, operands in program:
        memory.append(STEPS[which][1](m, *[memory[operand] for operand in operands]))
    return memory[-1]


def _loss(program: Sequence[tuple[int, tuple[int, ...]]], leaves: Sequence[Any], weights: np.ndarray, m: Any) -> Any:
    # The second term makes every loss depend on every leaf, twice differentiably: the other system warns otherwise.
    return m.sum(_run(program, leaves, m) * weights) + 0.1 * m.sum(m.sin(leaves[0]) * m.square(leaves[1]))


@thorough
@given(program=_program(), seed=seeds)
def test_random_graphs_against_independent_autodiff_and_differences(
    independent: SimpleNamespace, program: list[tuple[int, tuple[int, ...]]], seed: int
) -> None:
    anp = independent.numpy
    leaves = [ng.input("a", _numbers(seed, (3, 3))), ng.input("b", _numbers(seed + 1, (3, 3)))]
    weights, directions = _numbers(seed + 2, (3, 3)), [_numbers(seed + 3, (3, 3)), _numbers(seed + 4, (3, 3))]
    loss = _loss(program, leaves, weights, ng)

    def loss_of(pair: tuple[Any, Any]) -> Any:
        return _loss(program, pair, weights, anp)

    point = tuple(leaf.value for leaf in leaves)
    np.testing.assert_allclose(loss.value, loss_of(point), rtol=1e-12, atol=1e-12)
    first = ng.gradient(loss, leaves)
    theirs = independent.gradient(loss_of)(point)
    for mine, other in zip(evaluate_all(first), theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-9)

    along = sum((ng.sum(g * v) for g, v in zip(first, directions)), start=ng.constant(0.0))
    measured = _slope(loss, dict(zip(leaves, directions)))
    assert abs(measured - float(along.value)) <= 1e-7 * (1 + abs(measured))

    def along_of(pair: tuple[Any, Any]) -> Any:
        return sum(anp.sum(g * v) for g, v in zip(independent.gradient(loss_of)(pair), directions))

    for mine, other in zip(ng.gradient(along, leaves), independent.gradient(along_of)(point), strict=True):
        np.testing.assert_allclose(mine.value, other, rtol=1e-8, atol=1e-8)


def _slope(output: Node, directions: dict[Leaf, np.ndarray], step: float = 1e-3) -> float:
    program = Program([output])

    def at(distance: float) -> float:
        return float(program({leaf: leaf.value + distance * direction for leaf, direction in directions.items()})[0])

    return (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)


@thorough
@given(depth=st.integers(1, 30), seed=seeds)
def test_diamonds_multiply_paths_but_not_work(depth: int, seed: int) -> None:
    """x -> x + x, thirty times: 2^30 paths, and one addition per node on the way back."""
    x = node = ng.input("x", _numbers(seed, ()))
    for _ in range(depth):
        node = node + node
    (slope,) = ng.gradient(node, [x])
    assert float(slope.value) == 2.0**depth
    assert len(order(slope)) <= depth + 1


# Index forms -------------------------------------------------------------------------------------------------------


@st.composite
def _forms(draw: Callable[..., Any]) -> IndexForm:
    """Any form of the language: labels repeated in an operand, shared, summed, new in the output, twice in the output."""
    sizes = {label: draw(st.integers(1, 3)) for label in "abcd"}
    labels = st.text(st.sampled_from("abcd"), max_size=3)
    operands = draw(st.lists(labels, min_size=1, max_size=3))
    return IndexForm(tuple(operands), draw(labels), sizes)


def _by_loops(form: IndexForm, arrays: Sequence[np.ndarray]) -> np.ndarray:
    """The value of a form by its definition: a sum over every assignment of every label."""
    result = np.zeros(form.shape)
    used = sorted({label for labels in (*form.operands, form.output) for label in labels})
    for numbers in np.ndindex(*[form.sizes[label] for label in used]):
        at = dict(zip(used, numbers))
        term = np.prod([array[tuple(at[label] for label in labels)] for labels, array in zip(form.operands, arrays)])
        result[tuple(at[label] for label in form.output)] += term
    return result


@thorough
@given(form=_forms(), seed=seeds)
def test_index_forms_mean_what_loops_mean(form: IndexForm, seed: int) -> None:
    arrays = [_numbers(seed + at, [form.sizes[label] for label in labels]) for at, labels in enumerate(form.operands)]
    np.testing.assert_allclose(form(*arrays), _by_loops(form, arrays), rtol=1e-12, atol=1e-12)


@thorough
@given(form=_forms(), seed=seeds)
def test_derivative_of_a_contraction_is_its_adjoint(form: IndexForm, seed: int) -> None:
    """⟨A(x), g⟩ = ⟨x, Aᵀ(g)⟩ in every operand, also for Aᵀ's own derivative, which leads back to A."""
    arrays = [_numbers(seed + at, [form.sizes[label] for label in labels]) for at, labels in enumerate(form.operands)]
    g = _numbers(seed + 9, form.shape)
    forward = float(np.sum(form(*arrays) * g))
    for position, array in enumerate(arrays):
        turned = form.derivative(position)
        given_g = [*arrays[:position], g, *arrays[position + 1 :]]
        assert turned.shape == array.shape
        backward = float(np.sum(turned(*given_g) * array))
        assert abs(forward - backward) <= 1e-10 * (1 + abs(forward))
        assert turned.derivative(position).text == form.text


@thorough
@given(form=_forms(), seed=seeds)
def test_a_form_as_a_graph_is_the_form(form: IndexForm, seed: int) -> None:
    """Whatever op a form becomes (a product, a sum, a broadcast, a contraction), it computes the form."""
    arrays = [_numbers(seed + at, [form.sizes[label] for label in labels]) for at, labels in enumerate(form.operands)]
    leaves = [ng.input(f"x{at}", array) for at, array in enumerate(arrays)]
    node = from_form(form, leaves)
    assert node.shape == form.shape
    np.testing.assert_allclose(node.value, _by_loops(form, arrays), rtol=1e-12, atol=1e-12)
    weights = _numbers(seed + 9, form.shape)
    for position, (leaf, sent) in enumerate(zip(leaves, ng.gradient(ng.sum(node * weights), leaves))):
        expected = _by_loops(form.derivative(position), [*arrays[:position], weights, *arrays[position + 1 :]])
        assert sent.shape == leaf.shape
        np.testing.assert_allclose(sent.value, expected, rtol=1e-11, atol=1e-11)
