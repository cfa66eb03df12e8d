"""Multi-layer perceptrons and what they are made of: depth, composition, ways past a layer, shared and frozen weights."""

from __future__ import annotations

from itertools import pairwise

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import ParameterError, ShapeError
from nngraph.autograd.language import cell_width, language
from nngraph.nets import data

RNG = np.random.default_rng(3)
X = RNG.normal(size=(60, 5))


def slopes(net, x, loss):
    parameters = net.parameters()
    found = ng.gradient(loss(net(x)), list(parameters.values()))
    return {path: slope.value for path, slope in zip(parameters, found, strict=True)}


def total(y):
    return ng.sum(y * y)


@pytest.mark.parametrize("sizes", [[5, 2], [5, 7, 2], [5, 7, 4, 6, 7, 3]])
@pytest.mark.parametrize("activation", [ng.relu, ng.tanh, ng.sigmoid])
def test_an_mlp_of_any_depth_is_its_formula_and_its_gradient(sizes, activation):
    net = nets.MLP(sizes, activation, rng=1, dtype="float64")
    assert net.count == sum((a + 1) * b for a, b in pairwise(sizes))
    by_hand = {ng.relu: lambda a: np.maximum(a, 0), ng.tanh: np.tanh, ng.sigmoid: lambda a: 1 / (1 + np.exp(-a))}[activation]
    h, values = X, net.values()
    for at in range(1, len(sizes)):
        a = h @ values[f"layer{at}/W"] + values[f"layer{at}/b"]
        h = by_hand(a) if at < len(sizes) - 1 else a
    assert net(X).value == pytest.approx(h)
    weights = list(net.parameters().values())
    assert ng.check_gradient(total(net(ng.input("x", X[:4]))), *weights).orders[0].error < 1e-7


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_classes_and_amounts_are_learned(engine):
    moons, test = data.moons(300, noise=0.15).split(seed=0)
    net = nets.MLP([2, 16, 16, 2], rng=0)
    how = {"optimizer": nets.Adam(0.01), "engine": engine}
    list(nets.train(net, ng.softmax_loss, (moons.X, moons.t), epochs=40, **how))
    assert (net(test.X).value.argmax(1) == test.t).mean() > 0.95

    x = np.linspace(-2, 2, 100)[:, None]
    net = nets.MLP([1, 16, 1], ng.tanh, start=nets.normal(1.0), rng=0)
    list(nets.train(net, ng.mean_squared_error, (x, np.sin(2 * x)), epochs=150, optimizer=nets.Adam(0.02), engine=engine))
    assert ((net(x).value - np.sin(2 * x)) ** 2).mean() < 0.01


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nets.MLP(5), r"MLP\(sizes=5\): a list of 2 whole numbers or more is needed"),
        (lambda: nets.MLP([5]), r"MLP\(sizes=\[5\]\): a list of 2 whole numbers"),
        (lambda: nets.MLP([5, 2.5]), r"MLP\(sizes=2.5\): a whole number from 1 up"),
        (lambda: nets.MLP(None), r"MLP\(sizes=None\)"),
        (lambda: nets.MLP([2, 3], nets.Linear), r"MLP\(activation="),
        (lambda: nets.Sequential(nets.Linear), r"layer 1 of Sequential is the class Linear; a layer is one that was made"),
        (lambda: nets.Residual(nets.Linear), "inner of Residual is the class Linear"),
        (lambda: nets.Residual(ng.square, 3), "beside of Residual is 3; a layer is a module"),
        (lambda: nets.Dropout("x"), r"Dropout\(rate='x'\): a number that is at least 0 and below 1"),
        (lambda: nets.Linear(2, 2).summary(4), r"summary takes the shape of each input, batch first, such as \(32, 4\); it was given 4"),
        (lambda: nets.MLP([5, 2], "relu"), r"activation='relu'\): it is a function of a node, such as ng.relu"),
        (lambda: nets.Sequential(nets.Linear(2, 3), "relu"), "layer 2 of Sequential is 'relu'; a layer is a module, or a function"),
    ],
)
def test_what_is_no_network(make, message):
    with pytest.raises((ParameterError, ShapeError), match=message):
        make()


# Composition ------------------------------------------------------------------------------------------------------------
def test_a_sequential_is_the_composition_of_its_layers():
    first, last = nets.Linear(5, 4, rng=0, dtype="float64"), nets.Linear(4, 2, rng=1, dtype="float64")
    net = nets.Sequential(first, ng.tanh, last)

    def composed(x):
        return last(ng.tanh(first(x)))

    assert (net(X).value == composed(ng.constant(X)).value).all()
    assert len(net) == 3
    assert net[0] is first
    assert net[:2](X).value == pytest.approx(np.tanh(first(X).value))
    assert list(net[1:].parameters().values()) == [last.W, last.b]
    weights = [first.W, first.b, last.W, last.b]
    for one, other in zip(ng.gradient(total(net(X)), weights), ng.gradient(total(composed(ng.constant(X))), weights), strict=True):
        assert (one.value == other.value).all()


def test_a_residual_layer_adds_and_leaves_a_way_past():
    inner = nets.Linear(5, 5, rng=0, dtype="float64")
    block = nets.Residual(nets.Sequential(inner, ng.tanh))
    x = ng.input("x", X)
    a = X @ inner.W.value + inner.b.value
    assert block(x).value == pytest.approx(X + np.tanh(a))
    (slope,) = ng.gradient(ng.sum(block(x)), [x])
    assert slope.value == pytest.approx(1 + (1 - np.tanh(a) ** 2) @ inner.W.value.T)
    beside = nets.Residual(nets.Linear(5, 2, rng=0), nets.Linear(5, 2, bias=False, rng=1))
    W, V = beside.inner.W.value.astype(float), beside.beside.W.value.astype(float)
    assert beside(X).value == pytest.approx(X @ (W + V))
    with pytest.raises(ShapeError, match=r"adds x of shape \(60, 5\) to f\(x\) of shape \(60, 2\)"):
        nets.Residual(nets.Linear(5, 2))(X)


def test_twenty_sigmoids_learn_with_ways_past_them_and_not_without():
    digits = data.digits().rows(slice(400))
    reached = {}
    for past in (False, True):
        layers = [nets.Sequential(nets.Linear(20, 20, rng=at), ng.sigmoid) for at in range(20)]
        layers = [nets.Residual(layer) for layer in layers] if past else layers
        net = nets.Sequential(nets.Linear(64, 20, rng=98), *layers, nets.Linear(20, 10, rng=99))
        first = slopes(net, digits.X, lambda z: ng.softmax_loss(z, digits.t))["layer1/W"]
        list(nets.train(net, ng.softmax_loss, (digits.X, digits.t), epochs=20, optimizer=nets.Adam(0.002)))
        reached[past] = (net(digits.X).value.argmax(1) == digits.t).mean(), abs(first).max()
    assert reached[False][0] < 0.2 < 0.9 < reached[True][0]
    assert reached[False][1] < 1e-9 < 1e-2 < reached[True][1]


# Sharing and freezing ---------------------------------------------------------------------------------------------------
class Tied(nets.Module):
    """Rows through a narrow layer and back by the transpose of its weights."""

    def __init__(self):
        self.encoder, self.offset = nets.Linear(5, 2, rng=0), nets.new_parameter("offset", (5,))

    def forward(self, x):
        return self.encoder(x) @ self.encoder.W.T + self.offset


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_a_tied_linear_autoencoder_learns_the_plane_of_the_data(engine):
    """With W and its transpose the least error is that of the two principal components (Baldi and Hornik 1989)."""
    flat = RNG.normal(size=(60, 2)) @ RNG.normal(size=(2, 5)) + 0.05 * X
    net = Tied()
    assert net.count == 5 * 2 + 2 + 5
    list(nets.train(net, ng.mean_squared_error, (flat, flat), epochs=400, batch=60, optimizer=nets.Adam(0.02), engine=engine))
    missing = np.linalg.svd(flat - flat.mean(0), compute_uv=False)[2:]
    least = (missing**2).sum() / flat.size
    assert float(ng.mean_squared_error(net(flat), flat).value) == pytest.approx(least, rel=0.05)


def test_frozen_parameters_stay_while_the_rest_learns():
    t = (X[:, 0] > 0).astype(int)
    net = nets.MLP([5, 8, 2], rng=0).freeze("layer1/*")
    before = net.values()
    records = list(nets.train(net, ng.softmax_loss, (X, t), epochs=80, optimizer=nets.AdamW(0.01)))
    assert records[-1].loss < 0.7 * records[0].loss
    changed = {path for path, value in net.values().items() if (value != before[path]).any()}
    assert changed == {"layer2/W", "layer2/b"}
    list(nets.train(net.unfreeze(), ng.softmax_loss, (X, t), epochs=1))
    assert (net.values()["layer1/W"] != before["layer1/W"]).any()
    with pytest.raises(ParameterError, match="nothing to learn: all is frozen"):
        next(nets.compare_gradients(net.freeze(), ng.softmax_loss, (X, t)))
    with pytest.raises(ParameterError, match=r"nudge=0\.0: a number that is above 0"):
        next(nets.compare_gradients(net.unfreeze(), ng.softmax_loss, (X, t), nudge=0.0))


def test_a_summary_names_the_functions_between_layers():
    body = nets.Sequential(nets.Conv2d(1, 2, 3, rng=0), ng.relu, nets.Sequential(ng.tanh, nets.Flatten()))
    rows = body.summary((5, 1, 6, 6)).rows
    assert [(row.path, row.kind, row.shape) for row in rows] == [
        ("", "Sequential", (5, 32)),
        ("layer1", "Conv2d", (5, 2, 4, 4)),
        ("layer2", "relu", (5, 2, 4, 4)),
        ("layer3", "Sequential", (5, 32)),
        ("layer3/layer1", "tanh", (5, 2, 4, 4)),
        ("layer3/layer2", "Flatten", (5, 32)),
    ]
    assert [row.shape for row in body.summary().rows] == [None] * 6
    assert sum(row.count for row in rows) == body.count


def test_a_summary_says_what_is_shared_and_what_is_learned():
    first, second = nets.Linear(4, 4, rng=0), nets.Linear(4, 4, rng=1)
    second.W = first.W
    net = nets.Sequential(first, second, nets.Linear(4, 2)).freeze("layer3/*")
    summary = net.summary((8, 4))
    assert [(row.count, row.learned, set(row.shared)) for row in summary.rows] == [
        (0, 0, set()), (20, 20, set()), (4, 4, {"W"}), (10, 0, set()),
    ]  # fmt: skip
    assert (summary.count, summary.learned, summary.bytes) == (34, 24, 136)
    assert "W 4×4 (shared), b 4" in str(summary)
    assert [line.split() for line in str(summary).splitlines()[-2:]] == [["136", "bytes", "34"], ["learned", "24"]]
    assert "learned" not in str(net.unfreeze().summary())


def test_the_lines_of_a_summary_end_in_one_column_in_chinese():
    with language("zh-TW"):
        lines = str(nets.MLP([4, 300, 2], rng=0).freeze("layer1/*").summary((8, 4))).splitlines()
    ends = {cell_width(line) for line in (lines[0], *lines[3:5], *lines[-2:])}
    assert len(ends) == 1


def test_an_embedding_is_a_product_with_one_hot_rows():
    layer, words = nets.Embedding(7, 3, rng=0, dtype="float64"), np.array([[1, 4], [4, 0]])
    one_hot = np.eye(7)[words]
    assert layer(words).value == pytest.approx(one_hot @ layer.E.value)
    weights = RNG.normal(size=(2, 2, 3))
    (slope,) = ng.gradient(ng.sum(layer(words) * weights), [layer.E])
    assert slope.value == pytest.approx(np.einsum("abn,abk->nk", one_hot, weights))
