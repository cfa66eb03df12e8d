"""Recurrent layers: each cell against a plain loop, states, windows, and the adding problem."""

from __future__ import annotations

from collections.abc import Callable

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import ParameterError, ShapeError

ENGINES = ("numpy", "numba")
Array = np.ndarray


def logistic(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def rnn(x: Array, state: tuple[Array, ...], Wx: Array, Wh: Array, b: Array) -> tuple[Array, ...]:
    return (np.tanh(x @ Wx + state[0] @ Wh + b),)


def lstm(x: Array, state: tuple[Array, ...], Wx: Array, Wh: Array, b: Array) -> tuple[Array, ...]:
    h, c = state
    i, f, g, o = np.split(x @ Wx + h @ Wh + b, 4, axis=1)
    c = logistic(f) * c + logistic(i) * np.tanh(g)
    return logistic(o) * np.tanh(c), c


def gru(x: Array, state: tuple[Array, ...], Wx: Array, Wh: Array, b: Array) -> tuple[Array, ...]:
    (h,), width = state, Wh.shape[0]
    xr, xz, xn = np.split(x @ Wx + b, 3, axis=1)
    r, z = logistic(xr + h @ Wh[:, :width]), logistic(xz + h @ Wh[:, width : 2 * width])
    return ((1 - z) * np.tanh(xn + (r * h) @ Wh[:, 2 * width :]) + z * h,)


CELLS: dict[type[nets.Recurrent], Callable[..., tuple[Array, ...]]] = {nets.RNN: rnn, nets.LSTM: lstm, nets.GRU: gru}
kinds = pytest.mark.parametrize("kind", CELLS, ids=lambda kind: kind.__name__)


def built(kind: type[nets.Recurrent], rng: np.random.Generator, **settings: object) -> nets.Recurrent:
    layer = kind(3, 4, rng=rng, dtype="float64", **settings)
    layer.b.value = rng.normal(size=layer.b.shape)
    return layer


def by_hand(layer: nets.Recurrent, x: Array, state: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
    outputs = np.empty((*x.shape[:2], layer.width))
    for at in reversed(range(x.shape[1])) if layer.reverse else range(x.shape[1]):
        state = CELLS[type(layer)](x[:, at], state, layer.Wx.value, layer.Wh.value, layer.b.value)
        outputs[:, at] = state[0]
    return outputs, state


def starts(kind: type[nets.Recurrent], rng: np.random.Generator, count: int = 2) -> tuple[Array, ...]:
    return tuple(rng.normal(size=(count, 4)) for _ in range(2 if kind is nets.LSTM else 1))


def as_state(parts: tuple[Array, ...]) -> object:
    return parts if len(parts) == 2 else parts[0]


@kinds
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("reverse", [False, True])
def test_the_cell_is_that_of_the_paper(rng, kind, engine, reverse):
    layer, x = built(kind, rng, reverse=reverse), ng.input("x", rng.normal(size=(2, 6, 3)))
    start = starts(kind, rng)
    h, last = layer(x, as_state(start), with_state=True)
    parts = last if isinstance(last, tuple) else (last,)
    found = ng.compile([h, *parts], [x], engine=engine)(x.value)
    outputs, states = by_hand(layer, x.value, start)
    assert found[0] == pytest.approx(outputs)
    for one, other in zip(found[1:], states, strict=True):
        assert one == pytest.approx(other)


@kinds
def test_it_starts_from_zero(rng, kind):
    layer, x = built(kind, rng), rng.normal(size=(2, 4, 3))
    nothing = tuple(np.zeros((2, 4)) for _ in starts(kind, rng))
    assert layer(x).value == pytest.approx(by_hand(layer, x, nothing)[0])


@kinds
def test_gradients_through_time(rng, kind):
    layer, x = built(kind, rng), ng.parameter("x", rng.normal(size=(2, 3, 3)))
    assert ng.check_gradient(layer(x), x, *layer.parameters().values(), order=1)


@kinds
@pytest.mark.parametrize("reverse", [False, True])
def test_windows_compute_the_same_and_cut_the_gradient(rng, kind, reverse):
    whole = built(kind, rng, reverse=reverse)
    cut = built(kind, rng, reverse=reverse, truncate=3)
    cut.set_values(whole.values())
    x = ng.parameter("x", rng.normal(size=(2, 8, 3)))
    assert cut(x).value == pytest.approx(whole(x).value)
    end = 0 if reverse else -1
    reached = []
    for layer in (whole, cut):
        (slope,) = ng.gradient(ng.sum(layer(x)[:, end]), [x])
        reached.append(np.flatnonzero(np.abs(slope.value).sum((0, 2))).tolist())
    # The windows are times 0-2, 3-5 and 6-7; the last output sees its own.
    assert reached == [list(range(8)), [0, 1, 2] if reverse else [6, 7]]


def through_time(layer: nets.Recurrent, x: Array) -> Array:
    """How much the sum of the last outputs changes with the state of every time, (T, width)."""
    nudges = ng.parameter("nudges", np.zeros((1, x.shape[1], layer.width)))
    (slope,) = ng.gradient(ng.sum(layer(x, nudges=nudges)[:, -1]), [nudges])
    return slope.value[0]


def test_the_gradient_through_time_is_a_product_of_jacobians(rng):
    layer, x = built(nets.RNN, rng), rng.normal(size=(1, 6, 3))
    h = layer(x).value[0]
    found, expected = through_time(layer, x), np.ones(4)
    for at in reversed(range(6)):
        assert found[at] == pytest.approx(expected)
        # ∂h(t)/∂h(t−1) = diag(1 − h(t)²)·Whᵀ, used from the right.
        expected = (expected * (1 - h[at] ** 2)) @ layer.Wh.value.T


@pytest.mark.parametrize(("scale", "bias", "grows"), [(0.5, 0.0, False), (2.0, 0.0, True), (2.0, 3.0, False)])
def test_it_vanishes_or_explodes(rng, scale, bias, grows):
    # Near 0 tanh has slope 1; far from it hardly any, whatever the weights.
    layer = nets.RNN(3, 4, recurrent_start=lambda rng, shape: scale * np.eye(4), rng=rng, dtype="float64")
    layer.b.value = np.full(4, bias)
    lengths = np.linalg.norm(through_time(layer, np.zeros((1, 12, 3))), axis=1)
    steps = lengths[:-1] / lengths[1:]
    # The norm bound: a step back is at most as long as the weights stretch.
    assert (steps <= scale + 1e-9).all()
    assert (steps > 1).all() == grows
    assert lengths[0] > 1000 if grows else lengths[0] < 0.001


@kinds
def test_nudges_of_nothing_change_nothing(rng, kind):
    for settings in ({}, {"reverse": True}, {"truncate": 4}):
        layer, x = built(kind, rng, **settings), rng.normal(size=(2, 6, 3))
        assert (layer(x, nudges=np.zeros((2, 6, 4))).value == layer(x).value).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_state_is_carried_from_call_to_call(rng, engine):
    layer, x = built(nets.LSTM, rng), rng.normal(size=(2, 9, 3))
    kept = tuple(ng.state(name, np.zeros((2, 4))) for name in "hc")
    piece = ng.input("x", shape=(2, 3, 3))
    h, last = layer(piece, kept, with_state=True)
    read = ng.compile(h, [piece], updates=dict(zip(kept, last, strict=True)), engine=engine)
    pieces = np.concatenate([read(x[:, at : at + 3]) for at in (0, 3, 6)], axis=1)
    assert pieces == pytest.approx(layer(x).value)


def test_it_starts_as_the_literature_says():
    layer = nets.LSTM(5, 8, rng=0)
    for gate in np.split(layer.Wh.value, 4, axis=1):
        assert gate.T @ gate == pytest.approx(np.eye(8), abs=1e-5)
    assert layer.b.value.reshape(4, 8).tolist() == [[0.0] * 8, [1.0] * 8, [0.0] * 8, [0.0] * 8]


def test_errors_name_the_layer():
    net = nets.Sequential(nets.GRU(3, 4))
    with pytest.raises(ShapeError, match=r"GRU 'layer1' takes \(batch, time, 3\); it was given shape \(2, 5, 4\)"):
        net(np.zeros((2, 5, 4)))
    with pytest.raises(
        ShapeError, match=r"starts from a state of shape \(2, 4\), batch and width; it was given \(1, 4\)"
    ):
        net[0](np.zeros((2, 5, 3)), np.zeros((1, 4)))
    with pytest.raises(ParameterError, match=r"^LSTM\(truncate=1.5\): a whole number from 1 up"):
        nets.LSTM(3, 4, truncate=1.5)
    with pytest.raises(ParameterError, match=r"^GRU\(width=None\)"):
        nets.GRU(3, None)
    with pytest.raises(ParameterError, match=r"^RNN\(inputs=2.5\)"):
        nets.RNN(2.5, 3)
    with pytest.raises(ParameterError, match="truncate=0"):
        nets.RNN(3, 4, truncate=0)


# Learning -------------------------------------------------------------------------------------------------------------
def adding(rng: np.random.Generator, count: int, length: int) -> tuple[Array, Array]:
    """Two numbers of a sequence are marked, one in each half; their sum is asked. Hochreiter and Schmidhuber 1997."""
    values, marks = rng.uniform(size=(count, length)), np.zeros((count, length))
    for low, high in ((0, length // 2), (length // 2, length)):
        marks[np.arange(count), rng.integers(low, high, count)] = 1
    return np.stack([values, marks], axis=-1), (values * marks).sum(1, keepdims=True)


def after_adding(kind: type[nets.Recurrent]) -> float:
    """The error on new sequences of 50 after 800 steps."""
    rng = np.random.default_rng(0)
    net = nets.ManyToOne(kind(2, 32, rng=rng), 1, rng=rng)
    records = nets.train(
        net, ng.mean_squared_error, adding(np.random.default_rng(1), 2000, 50), epochs=20, batch=50,
        optimizer=nets.Adam(0.01, clip=1.0), validation=adding(np.random.default_rng(2), 500, 50),
    )  # fmt: skip
    return [record.validation for record in records][-1]


def test_gates_solve_the_adding_problem_and_the_plain_net_does_not():
    # Always saying 1 has an error of 1/6.
    errors = {kind: after_adding(kind) for kind in CELLS}
    assert errors[nets.LSTM] < 0.01
    assert errors[nets.GRU] < 0.01
    assert errors[nets.RNN] > 0.1
