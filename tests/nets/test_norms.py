"""Normalizations and dropout: over which axes, against numpy; running statistics; learning and answering; what they are good for."""

from __future__ import annotations

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import ParameterError, ShapeError
from nngraph.nets import data

SHAPE = (5, 6, 3, 4)
# The layer, the axes over which its mean and variance are taken, the axes of its scale and shift.
NORMS = {
    "batch": (lambda: nets.BatchNorm(6, dtype="float64"), (0, 2, 3), (1,)),
    "instance": (lambda: nets.InstanceNorm(6, dtype="float64"), (2, 3), (1,)),
    "layer": (lambda: nets.LayerNorm((6, 3, 4), dtype="float64"), (1, 2, 3), (1, 2, 3)),
    "last": (lambda: nets.LayerNorm(4, dtype="float64"), (3,), (3,)),
    "one group": (lambda: nets.GroupNorm(1, 6, dtype="float64"), (1, 2, 3), (1,)),
    "six groups": (lambda: nets.GroupNorm(6, 6, dtype="float64"), (2, 3), (1,)),
}
ENGINES = ("numpy", "numba")


def with_weights(layer, rng):
    for leaf in (layer.scale, layer.shift):
        leaf.value = rng.normal(size=leaf.shape)
    return layer


def learned(layer, *inputs):
    with nets.training(seed=3) as learning:
        return layer(*inputs), learning.updates


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", NORMS)
def test_mean_and_spread_are_taken_over_these_axes(rng, name, engine):
    make, over, along = NORMS[name]
    layer, x = with_weights(make(), rng), rng.normal(2.0, 3.0, SHAPE)
    leaf = ng.input("x", shape=SHAPE)
    y = ng.compile(learned(layer, leaf)[0], [leaf], engine=engine)(x)
    placed = [size if axis in along else 1 for axis, size in enumerate(SHAPE)]
    normal = (x - x.mean(over, keepdims=True)) / np.sqrt(x.var(over, keepdims=True) + 1e-5)
    assert y == pytest.approx(normal * layer.scale.value.reshape(placed) + layer.shift.value.reshape(placed))


def test_two_groups_of_channels(rng):
    x = rng.normal(2.0, 3.0, SHAPE)
    parts = x.reshape(5, 2, 3, 3, 4)
    normal = (parts - parts.mean((2, 3, 4), keepdims=True)) / np.sqrt(parts.var((2, 3, 4), keepdims=True) + 1e-5)
    assert nets.GroupNorm(2, 6, dtype="float64")(x).value == pytest.approx(normal.reshape(SHAPE))


@pytest.mark.parametrize("name", NORMS)
def test_a_number_depends_on_those_it_is_normalized_with(rng, name):
    """The gradient of one number by all is not zero exactly where mean and spread are taken."""
    make, over, _ = NORMS[name]
    x = ng.parameter("x", rng.normal(size=SHAPE))
    y, _ = learned(make(), x)
    (slope,) = ng.gradient(y[1, 2, 0, 3], [x])
    met = np.zeros(SHAPE, bool)
    met[tuple(slice(None) if axis in over else at for axis, at in enumerate((1, 2, 0, 3)))] = True
    assert ((slope.value != 0) == met).all()


@pytest.mark.parametrize("name", [*NORMS, "two groups"])
def test_gradients(rng, name):
    layer = NORMS[name][0]() if name in NORMS else nets.GroupNorm(2, 6, dtype="float64")
    with_weights(layer, rng)
    x = ng.parameter("x", rng.normal(size=(2, 6, 3, 4)))
    weights = ng.constant(rng.normal(size=(2, 6, 3, 4)))
    y, _ = learned(layer, x)
    assert ng.check_gradient(ng.sum(y * weights), x, *layer.parameters().values(), order=1)


@pytest.mark.parametrize("keep", [0.9, 0.5, 0.0])
def test_running_statistics_follow_the_batches(rng, keep):
    layer = nets.BatchNorm(2, keep=keep, dtype="float64")
    mean, var = np.zeros(2), np.ones(2)
    for _ in range(4):
        x = rng.normal(5.0, 2.0, (8, 2, 3))
        _, updates = learned(layer, ng.constant(x))
        new = {leaf: node.value for leaf, node in updates.items()}
        for leaf, value in new.items():
            leaf.value = value
        mean = keep * mean + (1 - keep) * x.mean((0, 2))
        var = keep * var + (1 - keep) * x.var((0, 2), ddof=1)  # that of the population: 24 numbers over 23
    assert layer.mean.value == pytest.approx(mean)
    assert layer.var.value == pytest.approx(var)
    x = rng.normal(size=(1, 2, 3))
    answer = (x - mean[:, None]) / np.sqrt(var[:, None] + 1e-5)
    assert layer(x).value == pytest.approx(answer)


def test_an_answer_does_not_depend_on_what_else_is_asked(rng):
    layer, x = nets.BatchNorm(3, dtype="float64"), rng.normal(size=(4, 3))
    assert (layer(x).value[:1] == layer(x[:1]).value).all()
    one, _ = learned(layer, ng.constant(x))
    other, _ = learned(layer, ng.constant(np.vstack([x[:1], 5 * x[1:]])))
    assert abs(one.value[0] - other.value[0]).min() > 1e-3


def test_a_training_that_is_told_nothing_else_keeps_running_statistics(rng):
    X = rng.normal(3.0, 2.0, (512, 2)).astype("float32")
    net = nets.Sequential(nets.BatchNorm(2), nets.Linear(2, 1, rng=0))
    list(nets.train(net, ng.mean_squared_error, (X, X[:, :1]), epochs=5, optimizer=nets.SGD(0.1)))
    assert net.layers[0].mean.value == pytest.approx(X.mean(0), abs=0.15)
    assert net.layers[0].var.value == pytest.approx(X.var(0), rel=0.1)


# Dropout --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5])
def test_a_share_is_left_out_and_the_mean_stays(rate, engine):
    x = np.linspace(1.0, 2.0, 40_000)
    y, updates = learned(nets.Dropout(rate), ng.constant(x))
    (value,) = ng.compile([y], [], updates, engine=engine)()
    left_out = value == 0
    assert left_out.mean() == pytest.approx(rate, abs=0.01)
    assert value[~left_out] == pytest.approx(x[~left_out] / (1 - rate))
    assert value.mean() == pytest.approx(x.mean(), rel=0.02)
    assert nets.Dropout(rate)(x).value.tolist() == x.tolist()


def test_every_step_and_every_call_draws_anew():
    drop, x = nets.Dropout(0.5), ng.constant(np.ones(64))
    with nets.training(seed=1) as learning:
        first, second = drop(x), drop(x)
    run = ng.compile([first, second], [], learning.updates, engine="numpy")
    draws = [tuple(value.tobytes() for value in run()) for _ in range(3)]
    assert len({each for pair in draws for each in pair}) == 6
    with nets.training(seed=1) as learning:
        again = drop(x)
    assert again.value.tobytes() == draws[0][0]
    with nets.training(seed=2):
        assert drop(x).value.tobytes() != draws[0][0]


def test_what_is_left_out_receives_nothing():
    x = ng.parameter("x", np.ones(32))
    y, _ = learned(nets.Dropout(0.25), x)
    (slope,) = ng.gradient(ng.sum(y), [x])
    assert (slope.value == y.value).all()


# What they are good for -----------------------------------------------------------------------------------------------
def accuracy(net, rows):
    return float((net(rows.X.astype("float32")).value.argmax(1) == rows.t).mean())


def test_batch_normalization_lets_a_deep_net_of_sigmoids_learn():
    train, test = data.digits().split(0.25, seed=0)
    right = {}
    for normalized in (False, True):
        rng, layers, size = np.random.default_rng(0), [], 64
        for _ in range(6):
            layers += [nets.Linear(size, 32, start=nets.xavier, rng=rng)]
            layers += [nets.BatchNorm(32)] if normalized else []
            layers.append(ng.sigmoid)
            size = 32
        net = nets.Sequential(*layers, nets.Linear(32, 10, rng=rng))
        list(nets.train(net, ng.softmax_loss, (train.X, train.t), epochs=8, optimizer=nets.Adam(0.01)))
        right[normalized] = accuracy(net, test)
    assert right[True] >= 0.92
    assert right[False] <= 0.8


def test_dropout_does_not_learn_wrong_labels_by_heart():
    rest, test = data.digits().split(0.25, seed=0)
    few, rng = rest.rows(slice(0, 400)), np.random.default_rng(0)
    wrong = rng.random(400) < 0.2
    t = np.where(wrong, rng.integers(0, 10, 400), few.t)
    right = {}
    for rate in (0.0, 0.5):
        rng = np.random.default_rng(1)
        net = nets.Sequential(
            nets.Linear(64, 128, start=nets.he, rng=rng), ng.relu, nets.Dropout(rate),
            nets.Linear(128, 128, start=nets.he, rng=rng), ng.relu, nets.Dropout(rate), nets.Linear(128, 10, rng=rng),
        )  # fmt: skip
        list(nets.train(net, ng.softmax_loss, (few.X, t), epochs=40, optimizer=nets.Adam(0.003)))
        right[rate] = accuracy(net, test)
    assert right[0.5] >= 0.9
    assert right[0.5] >= right[0.0] + 0.05


# Errors ---------------------------------------------------------------------------------------------------------------
def test_errors_name_the_layer():
    net = nets.Sequential(nets.BatchNorm(4))
    with pytest.raises(ShapeError, match=r"BatchNorm 'layer1' takes \(batch, 4, …\); it was given shape \(2, 3\)"):
        net(np.zeros((2, 3)))
    with pytest.raises(ShapeError, match=r"LayerNorm 'layer_norm' takes \(…, 3, 4\); it was given shape \(2, 4, 3\)"):
        nets.LayerNorm((3, 4))(np.zeros((2, 4, 3)))
    with pytest.raises(ShapeError, match=r"InstanceNorm 'instance_norm' takes \(batch, 4, places …\)"):
        nets.InstanceNorm(4)(np.zeros((2, 4)))
    with pytest.raises(ShapeError, match=r"GroupNorm 'group_norm' takes \(batch, 4, …\)"):
        nets.GroupNorm(2, 4)(np.zeros((2, 3, 5)))
    for make, word in (
        (lambda: nets.GroupNorm(3, 4), "do not split into 3 groups"),
        (lambda: nets.BatchNorm(0), "from 1 up"),
        (lambda: nets.BatchNorm(3, keep=1.5), "keep=1.5"),
        (lambda: nets.LayerNorm(()), "a list of 1 whole number or more"),
        (lambda: nets.LayerNorm("a"), r"LayerNorm\(shape='a'\)"),
        (lambda: nets.BatchNorm(2.5), r"BatchNorm\(channels=2.5\)"),
        (lambda: nets.GroupNorm(4, 2.5), r"GroupNorm\(channels=2.5\)"),
        (lambda: nets.ConvNet(10, [], lengths=(8, 8)), r"ConvNet\(channels=10\): a list of"),
        (lambda: nets.ResNet(1, [], 10), r"ResNet\(channels=\[\]\)"),
        (lambda: nets.Dropout(1.0), "rate=1.0"),
        (lambda: nets.Dropout(-0.1), "rate=-0.1"),
    ):
        with pytest.raises(ParameterError, match=word):
            make()
