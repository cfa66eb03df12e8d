"""Starting values: their spreads, their angles, and which of them learning starts from."""

from __future__ import annotations

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import ParameterError, ShapeError
from nngraph.nets.initialize import fans

SHAPES = [(300, 100), (100, 300), (40, 20, 5, 5), (64, 32, 9)]


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("shape", SHAPES)
def test_spreads_are_those_of_the_papers(shape):
    inputs, outputs = fans(shape)
    near = {"rel": 0.05}
    assert nets.xavier(rng(), shape).var() == pytest.approx(2 / (inputs + outputs), **near)
    assert abs(nets.xavier(rng(), shape)).max() <= np.sqrt(6 / (inputs + outputs))
    assert nets.he(rng(), shape).var() == pytest.approx(2 / inputs, **near)
    assert nets.normal(0.3)(rng(), shape).std() == pytest.approx(0.3, **near)
    assert nets.uniform(0.3)(rng(), shape).std() == pytest.approx(0.3 / np.sqrt(3), **near)
    assert abs(nets.uniform(0.3)(rng(), shape)).max() <= 0.3
    assert not nets.zeros(rng(), shape).any()


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (6, 2, 3, 3), (40, 2, 3, 3)])
def test_orthogonal_means_orthonormal_rows_or_columns(shape):
    W = nets.orthogonal(rng(), shape)
    assert W.shape == shape
    flat = W if len(shape) == 2 else W.reshape(shape[0], -1)
    small = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    assert small == pytest.approx(np.eye(len(small)), abs=1e-12)
    assert (nets.orthogonal(rng(), shape) == W).all()


def test_orthogonal_prefers_no_direction():
    """Without the signs of R, the first entry of a QR decomposition is always of one sign."""
    source = rng()
    firsts = np.array([nets.orthogonal(source, (3, 3))[0, 0] for _ in range(2000)])
    assert abs(firsts.mean()) < 0.05
    # The entry of a uniform unit vector in three dimensions is uniform on [−1, 1].
    assert firsts.var() == pytest.approx(1 / 3, rel=0.06)


def test_products_of_orthogonal_matrices_keep_lengths():
    x, source = rng().normal(size=20), rng()
    length = np.linalg.norm(x)
    for _ in range(50):
        x = x @ nets.orthogonal(source, (20, 20))
    assert np.linalg.norm(x) == pytest.approx(length)


@pytest.mark.parametrize(("activation", "start"), [(ng.relu, nets.he), (ng.tanh, nets.xavier)])
def test_values_and_gradients_keep_their_spread_through_ten_layers(activation, start):
    net = nets.MLP([100] * 12, activation, start=start, rng=1, dtype="float64")
    h = ng.input("x", 0.3 * rng().normal(size=(200, 100)))
    passed = [h]
    for layer in net.layers[:-1]:
        passed.append(activation(layer(passed[-1])))
    forward = [np.sqrt((each.value**2).mean()) for each in passed[1:]]
    assert forward[-1] == pytest.approx(forward[0], rel=0.5)
    weights = ng.constant(rng().normal(size=(200, 100)))
    backward = [np.sqrt((slope.value**2).mean()) for slope in ng.gradient(ng.sum(passed[-1] * weights), passed[1:-1])]
    assert backward[0] == pytest.approx(backward[-1], rel=0.5)


def test_what_zeros_do():
    """Every gradient is 0 but that of the last bias, so only the frequencies of the classes are learned."""
    net = nets.MLP([4, 6, 3], start=nets.zeros)
    X, t = rng().normal(size=(30, 4)), np.array([0] * 15 + [1] * 10 + [2] * 5)
    parameters = net.parameters()
    slopes = dict(zip(parameters, ng.gradient(ng.softmax_loss(net(X), t), list(parameters.values())), strict=True))
    assert {path for path, slope in slopes.items() if slope.value.any()} == {"layer2/b"}
    list(nets.train(net, ng.softmax_loss, (X, t), epochs=300, batch=30, optimizer=nets.SGD(1.0)))
    assert ng.softmax(net(X)).value[0] == pytest.approx([1 / 2, 1 / 3, 1 / 6], abs=1e-3)


def test_learning_starts_from_he_and_not_from_small_or_large_numbers():
    X = rng().normal(size=(200, 8))
    t = (X[:, 0] * X[:, 1] > 0).astype(int)
    reached = {}
    for name, start in {"he": nets.he, "small": nets.normal(0.01), "zeros": nets.zeros}.items():
        net = nets.MLP([8, 30, 30, 30, 30, 2], start=start, rng=0)
        list(nets.train(net, ng.softmax_loss, (X, t), epochs=40, optimizer=nets.SGD(0.1)))
        reached[name] = (net(X).value.argmax(1) == t).mean()
    assert reached["he"] > 0.97
    assert max(reached["small"], reached["zeros"]) < 0.7


def test_the_same_seed_builds_the_same_network():
    nets.seed(7)
    first, second = nets.Linear(3, 2).W.value, nets.Linear(3, 2).W.value
    nets.seed(7)
    assert (nets.Linear(3, 2).W.value == first).all()
    assert (first != second).any()
    assert (nets.Linear(3, 2, rng=5).W.value == nets.Linear(3, 2, rng=np.random.default_rng(5)).W.value).all()
    nets.seed(0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nets.Linear(3, -1), r"W of shape \(3, -1\): the numbers of inputs, units and the like are whole"),
        (lambda: nets.Linear(2.5, 1), r"W of shape \(2\.5, 1\)"),
        (lambda: nets.MLP([64, "ten"]), r"sizes='ten'\): a whole number from 1 up is needed"),
        (lambda: nets.Linear(3, 2, start="he"), r"start='he': an initializer is a function \(rng, shape\), such as nets.he"),
        (lambda: nets.normal(-0.1), r"normal\(-0\.1\): how far numbers scatter is 0 or more"),
        (lambda: nets.uniform(float("nan")), r"uniform\(nan\)"),
        (lambda: nets.Linear(3, 2, rng=-1), "rng=-1: a seed is a whole number from 0 up"),
        (lambda: nets.seed(True), "rng=True"),
    ],
)
def test_settings_that_make_no_start(make, message):
    with pytest.raises(ParameterError, match=message):
        make()


def test_an_initializer_gives_the_shape_it_is_asked_for():
    with pytest.raises(ShapeError, match=r"the initializer of W gives the shape \(2, 3\), not \(3, 2\)"):
        nets.Linear(3, 2, start=lambda rng, shape: np.zeros(shape[::-1]))
    with pytest.raises(ShapeError, match=r"a shape \(5,\) has no inputs and outputs"):
        nets.xavier(rng(), (5,))
