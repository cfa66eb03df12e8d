"""Losses: closed forms, lecture values, scores of a thousand, targets that do not fit."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.numpy import Program
from nngraph.autograd.errors import DtypeError, NngraphError, ShapeError
from nngraph.autograd.graph import order, rebuild
from nngraph.autograd.op import OPS, inside


def slopes(y, *wrt):
    return [g.value for g in ng.gradient(y, list(wrt))]


def test_errors_of_amounts():
    y, z = ng.input("y", [[1.0, 2.0], [3.0, 4.0]]), ng.input("z", [[0.0, 4.0], [3.0, 1.0]])
    assert float(ng.squared_error(y, z).value) == 14
    assert float(ng.half_squared_error(y, z).value) == 7
    assert float(ng.mean_squared_error(y, z).value) == 3.5
    assert float(ng.absolute_error(y, z).value) == 6
    assert float(ng.huber(y, z).value) == 0.5 + 1.5 + 0 + 2.5
    gap = y.value - z.value
    np.testing.assert_array_equal(slopes(ng.squared_error(y, z), y, z), [2 * gap, -2 * gap])
    np.testing.assert_array_equal(slopes(ng.half_squared_error(y, z), y)[0], gap)
    np.testing.assert_array_equal(slopes(ng.mean_squared_error(y, z), y)[0], gap / 2)
    np.testing.assert_array_equal(slopes(ng.huber(y, z), y)[0], np.clip(gap, -1, 1))
    np.testing.assert_array_equal(slopes(ng.absolute_error(y, z), y)[0], np.sign(gap))


@pytest.mark.parametrize("name", ["squared_error", "mean_squared_error", "absolute_error", "huber"])
def test_lists_are_not_compared_each_with_each(name):
    with pytest.raises(ShapeError, match="each with each"):
        OPS[name](np.ones((3, 1)), np.ones(3))
    assert OPS[name](np.ones((3, 2)), np.ones(2)).shape == ()


def test_a_lecture_value():
    x = np.array([[0.6, 0.9]])
    w = ng.parameter("W", np.random.RandomState(42).randn(2, 3))
    loss = ng.softmax_loss(x @ w, [[0.0, 0.0, 1.0]])
    assert float(loss.value) == pytest.approx(1.80252613, abs=5e-9)
    expected = [[0.43933799, 0.0617329, -0.50107089], [0.65900698, 0.09259935, -0.75160634]]
    np.testing.assert_allclose(slopes(loss, w)[0], expected, atol=5e-9)


def test_soft_labels_and_class_numbers_agree(rng):
    z, classes = ng.input("z", rng.normal(size=(4, 3))), np.array([2, 0, 1, 1])
    hard, soft = ng.softmax_loss(z, classes), ng.softmax_loss(z, np.eye(3)[classes])
    assert float(hard.value) == pytest.approx(float(soft.value), rel=1e-14)
    np.testing.assert_allclose(slopes(hard, z)[0], slopes(soft, z)[0], rtol=1e-13)
    np.testing.assert_allclose(slopes(hard, z)[0], (ng.softmax(z).value - np.eye(3)[classes]) / 4, rtol=1e-13)


def test_labels_that_do_not_sum_to_one(rng):
    z, t = ng.input("z", rng.normal(size=(4, 3))), ng.input("t", rng.uniform(0, 2, (4, 3)))
    to_z, to_t = slopes(ng.softmax_loss(z, t), z, t)
    p = ng.softmax(z).value
    np.testing.assert_allclose(to_z, (p * t.value.sum(1, keepdims=True) - t.value) / 4, rtol=1e-12)
    np.testing.assert_allclose(to_t, -np.log(p) / 4, rtol=1e-12)


def test_fused_is_what_it_stands_for_to_second_order(rng):
    z, t = ng.input("z", rng.normal(size=(3, 4))), rng.dirichlet(np.ones(4), 3)
    fused, plain = ng.softmax_loss(z, t), ng.cross_entropy(ng.softmax(z), t)
    weights = rng.normal(size=(3, 4))
    first = [ng.gradient(y, [z])[0] for y in (fused, plain)]
    second = [slopes(ng.sum(g * weights), z)[0] for g in first]
    assert float(fused.value) == pytest.approx(float(plain.value), rel=1e-14)
    np.testing.assert_allclose(first[0].value, first[1].value, rtol=1e-12)
    np.testing.assert_allclose(second[0], second[1], rtol=1e-10)


def test_scores_of_a_thousand():
    z = ng.input("z", [[1000.0, 0.0, -1000.0]])
    assert float(ng.softmax_loss(z, [1]).value) == 1000
    np.testing.assert_array_equal(slopes(ng.softmax_loss(z, [1]), z)[0], [[1, -1, 0]])
    assert float(ng.softmax_loss(ng.input("z", [[-np.inf, 0.0]]), [[0.0, 1.0]]).value) == 0
    score = ng.input("z", [[1000.0], [-1000.0]])
    assert float(ng.binary_cross_entropy_logits(score, [[0.0], [1.0]]).value) == 1000
    np.testing.assert_array_equal(slopes(ng.binary_cross_entropy_logits(score, [[0], [1]]), score)[0], [[0.5], [-0.5]])


def opened(nodes):
    """The nodes with every op that has an expansion written out by it, and equal nodes made one."""
    while any(not node.is_leaf and node.op.expansion is not None for node in order(nodes)):
        image = {}
        for node in order(nodes):
            inputs = tuple(image.get(source, source) for source in node.inputs)
            if not node.is_leaf and node.op.expansion is not None:
                image[node] = node.op.expansion(*inputs, **node.params)
            elif inputs != node.inputs:
                image[node] = rebuild(node, inputs)
        nodes = [image.get(node, node) for node in nodes]
    return ng.simplify(nodes)


@pytest.mark.parametrize("labels", [np.array([1, 0, 3]), np.eye(4)[[1, 0, 3]]])
def test_loss_and_gradient_are_opened_into_the_same_parts(rng, labels):
    z = ng.input("z", rng.normal(size=(3, 4)) * 300)
    loss = ng.softmax_loss(z, ng.input("t", labels))
    both = [loss, *ng.gradient(loss, [z])]
    written = opened(both)
    for whole, parts in zip(both, written, strict=True):
        np.testing.assert_allclose(parts.value, whole.value, rtol=1e-12, atol=1e-300)
    names = [node.op.name for node in order(written) if not node.is_leaf]
    assert [names.count(each) for each in ("exp", "max", "log")] == [1, 1, 1]
    assert names.count("one_hot") == (labels.ndim == 1)


def test_opened_scores_of_minus_infinity():
    z = ng.input("z", [[-np.inf, 0.0, 1.0], [-np.inf, -np.inf, -np.inf]])
    for whole in (ng.logsumexp(z, axis=1), ng.softmax(z[:1]), ng.log_softmax(z[:1]), ng.softmax_loss(z[:1], [[0.0, 1.0, 0.0]])):
        np.testing.assert_allclose(opened([whole])[0].value, whole.value)
    counts = ng.input("n", np.array([3, 200, 255], np.uint64))
    np.testing.assert_allclose(opened([ng.softmax(counts)])[0].value, ng.softmax(counts).value)


def test_opened_labels_out_of_range_are_refused():
    loss = ng.softmax_loss(ng.input("z", np.zeros((1, 3))), ng.input("t", np.array([3])))
    with pytest.raises(ShapeError, match="class number 3 with 3 classes"):
        _ = opened([loss])[0].value


def test_certain_and_right_costs_nothing():
    p = ng.input("p", [[0.0, 1.0]])
    assert float(ng.cross_entropy(p, [[0.0, 1.0]]).value) == 0
    assert float(ng.cross_entropy(p, [1]).value) == 0
    assert float(ng.cross_entropy(p, [0]).value) == np.inf
    np.testing.assert_array_equal(slopes(ng.cross_entropy(p, [1]), p)[0], [[0, -1]])
    q = ng.input("q", [[1.0], [0.0]])
    assert float(ng.binary_cross_entropy(q, [[1.0], [0.0]]).value) == 0


def test_probabilities_and_scores_agree(rng):
    z, t = ng.input("z", rng.normal(size=(5, 1))), rng.integers(0, 2, (5, 1))
    probabilities, scores = ng.binary_cross_entropy(ng.sigmoid(z), t), ng.binary_cross_entropy_logits(z, t)
    assert float(probabilities.value) == pytest.approx(float(scores.value), rel=1e-13)
    np.testing.assert_allclose(slopes(probabilities, z)[0], slopes(scores, z)[0], rtol=1e-12)


def test_a_vector_is_one_example_and_rows_are_averaged():
    one = float(ng.softmax_loss([1.0, 2.0], 0).value)
    assert float(ng.softmax_loss([[1.0, 2.0], [1.0, 2.0]], [0, 0]).value) == pytest.approx(one)
    assert float(ng.softmax_loss([[[1.0, 2.0]] * 3] * 2, [[0] * 3] * 2).value) == pytest.approx(3 * one)


def test_divergence():
    p, q = ng.input("p", [0.5, 0.5, 0.0]), ng.input("q", [0.25, 0.5, 0.25])
    assert float(ng.kl_divergence(p, q).value) == pytest.approx(0.5 * np.log(2))
    np.testing.assert_allclose(slopes(ng.kl_divergence(p, q), q)[0], [-2, -1, 0])
    assert float(ng.kl_divergence(p, p).value) == 0


def test_hinge():
    y, t = ng.input("y", [[2.0], [0.5], [-1.0]]), ng.input("t", [[1], [1], [1]])
    assert float(ng.hinge(y, t).value) == pytest.approx((0 + 0.5 + 2) / 3)
    np.testing.assert_allclose(slopes(ng.hinge(y, t), y)[0], [[0], [-1 / 3], [-1 / 3]])


def test_single_precision_stays_single(rng):
    z = ng.input("z", rng.normal(size=(3, 4)).astype(np.float32))
    for t in (np.array([0, 1, 2]), np.eye(4, dtype=np.float32)[:3], np.eye(4, dtype=int)[:3]):
        loss = ng.softmax_loss(z, t)
        assert loss.dtype == loss.value.dtype == np.float32
        assert slopes(loss, z)[0].dtype == np.float32


def test_the_formula_opens_to_softmax_logarithm_mean():
    loss = ng.softmax_loss(ng.input("z", [[1.0, 2.0]]), [[0.0, 1.0]])
    graph = inside(loss.op, loss.inputs, loss.params)
    assert [node.op.name for node in graph.nodes if not node.is_leaf] == ["softmax", "xlogy", "neg", "sum", "div"]
    assert float(Program.of(graph).only(*[node.value for node in loss.inputs])) == pytest.approx(float(loss.value))


@pytest.mark.parametrize("op", [ng.softmax_loss, ng.cross_entropy])
def test_targets_that_do_not_fit(op):
    z = np.full((2, 3), 0.5)
    with pytest.raises(ShapeError, match=r"targets \(3,\) do not fit scores \(2, 3\)"):
        op(z, [0, 1, 2])
    with pytest.raises(DtypeError, match="class numbers and must be integers, not float64"):
        op(z, [0.0, 1.0])
    with pytest.raises(NngraphError, match="class number 3 with 3 classes"):
        op(z, ng.input("t", [0, 3])).value  # noqa: B018 - the value is what fails
    with pytest.raises(ShapeError, match="one label for each"):
        ng.binary_cross_entropy(z, [[1.0], [0.0]])
