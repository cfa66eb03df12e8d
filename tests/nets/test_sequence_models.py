"""Models of sequences: made of the layers they say, echo and reversal learned, and an alignment that points at what is
read."""

from __future__ import annotations

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import ParameterError, ShapeError

ENGINES = ("numpy", "numba")


@pytest.mark.parametrize("cell", [nets.RNN, nets.LSTM, nets.GRU])
def test_deep_reads_what_the_layer_below_says(rng, cell):
    net, x = nets.DeepRNN([3, 5, 4], cell=cell, rng=rng, dtype="float64"), rng.normal(size=(2, 6, 3))
    h, states = net(x, with_state=True)
    below, first = net.layers[0](x, with_state=True)
    above, second = net.layers[1](below, with_state=True)
    assert h.value == pytest.approx(above.value)
    again = net(x, (first, second))
    assert again.value == pytest.approx(net.layers[1](net.layers[0](x, first), second).value)
    assert len(states) == 2


def test_dropout_acts_between_layers_while_learning(rng):
    net, x = nets.DeepRNN([3, 5, 4], dropout=0.5, rng=rng), rng.normal(size=(2, 6, 3))
    plain = net(x).value
    with nets.training(seed=1):
        learning = net(x).value
    assert (net(x).value == plain).all()
    assert (learning != plain).any()


def test_both_ways_is_one_forward_and_one_backward(rng):
    net, x = nets.Bidirectional(3, 4, nets.GRU, rng=rng, dtype="float64"), rng.normal(size=(2, 6, 3))
    turned = nets.GRU(3, 4, dtype="float64")
    turned.set_values(net.back.values())
    expected = np.concatenate([net.ahead(x).value, turned(x[:, ::-1].copy()).value[:, ::-1]], axis=2)
    assert net(x).value == pytest.approx(expected)
    # The end of the one is the last time, that of the other the first.
    top = nets.ManyToOne(net, 2, rng=rng, dtype="float64")
    end = np.concatenate([expected[:, -1, :4], expected[:, 0, 4:]], axis=1)
    assert top(x).value == pytest.approx(end @ top.top.W.value)


def test_one_answer_comes_from_the_end_that_was_read_last(rng):
    x = rng.normal(size=(2, 6, 3))
    for reader, at in (
        (nets.LSTM(3, 4, rng=rng), -1),
        (nets.LSTM(3, 4, reverse=True, rng=rng), 0),
        (nets.DeepRNN([3, 4], rng=rng), -1),
    ):
        net = nets.ManyToOne(reader, 2, rng=rng)
        assert net(x).value == pytest.approx(reader(x).value[:, at] @ net.top.W.value, rel=1e-5)
    with pytest.raises(ParameterError, match="no recurrent layer"):
        nets.ManyToOne(nets.Linear(3, 4), 2)


def test_the_loss_is_the_mean_over_all_words(rng):
    scores, words = rng.normal(size=(2, 3, 4)), rng.integers(0, 4, (2, 3))
    shares = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    expected = -np.log(np.take_along_axis(shares, words[..., None], -1)).mean()
    assert float(nets.sequence_loss(ng.constant(scores), ng.constant(words)).value) == pytest.approx(expected)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("attention", [False, True])
@pytest.mark.parametrize("cell", [nets.LSTM, nets.GRU])
def test_taught_with_its_own_words_it_says_the_same(rng, engine, attention, cell):
    net = nets.EncoderDecoder(5, 6, 8, 4, attention=attention, cell=cell, rng=rng)
    x = ng.input("x", rng.integers(0, 5, (3, 7)))
    scores = ng.compile(net(x), [x], engine=engine)(x.value)
    taught = net(x, scores.argmax(-1))
    assert taught.value == pytest.approx(scores, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("attention", [False, True])
def test_gradients_of_the_objective(rng, attention):
    net = nets.EncoderDecoder(3, 3, 3, 2, attention=attention, cell=nets.GRU, rng=rng, dtype="float64")
    x, t = rng.integers(0, 3, (2, 3)), rng.integers(0, 3, (2, 2))
    assert ng.check_gradient(net.objective(ng.constant(x), ng.constant(t)), *net.parameters().values(), order=1)


def test_words_have_two_axes():
    with pytest.raises(ShapeError, match=r"EncoderDecoder 'encoder_decoder' takes word numbers \(batch, time\)"):
        nets.EncoderDecoder(5, 6, 8, 4)(np.zeros((2, 3, 4), int))
    with pytest.raises(ParameterError, match="built without attention to a memory"):
        nets.Decoder(4, 5, 8, 3)(np.zeros((2, 4)), None, np.zeros((2, 3, 4)))


# Learning -------------------------------------------------------------------------------------------------------------
def exact(t: np.ndarray, scores: np.ndarray) -> float:
    """The share of sequences without a mistake."""
    return float((scores.argmax(-1) == t).all(axis=1).mean())


def test_many_to_many_echoes_what_was_three_times_ago(rng):
    bits = rng.integers(0, 2, (600, 23))
    x, t = np.eye(2)[bits[:, 3:]], bits[:, :-3]

    # What was before the first time cannot be known.
    def loss(scores, words):
        return nets.sequence_loss(scores[:, 3:], words[:, 3:])

    net = nets.ManyToMany(nets.RNN(2, 16, rng=0), 2, rng=1)
    list(nets.train(net, loss, (x[:500], t[:500]), epochs=30, batch=50, optimizer=nets.Adam(0.01, clip=1.0)))
    assert exact(t[500:, 3:], net(x[500:]).value[:, 3:]) == 1.0


def test_one_to_many_spells_a_number():
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    letters = sorted({" ", *"".join(names)})
    t = np.array([[letters.index(letter) for letter in name.ljust(5)] for name in names])
    net = nets.OneToMany(10, len(letters), 24, 5, rng=0)
    list(nets.train(net, None, (np.eye(10), t), epochs=150, batch=10, optimizer=nets.Adam(0.02)))
    said = net(np.eye(10)).value.argmax(-1)
    assert ["".join(letters[at] for at in row).strip() for row in said] == names


def test_attention_reverses_and_its_alignment_runs_backward(rng):
    x, new = rng.integers(0, 8, (4000, 6)), rng.integers(0, 8, (500, 6))
    shares = {}
    for attention in (False, True):
        net = nets.EncoderDecoder(8, 8, 32, 6, attention=attention, rng=0)
        rule = nets.Adam(nets.cosine_decay(0.01, 640), clip=1.0)
        list(nets.train(net, None, (x, x[:, ::-1].copy()), epochs=8, batch=50, optimizer=rule))
        shares[attention] = exact(new[:, ::-1], net(new).value)
    assert shares[True] >= 0.98
    # All that was read in one state: it learns too, but slowly.
    assert shares[False] < 0.9
    _, alignment = net(new, with_weights=True)
    assert alignment.value.sum(-1) == pytest.approx(np.ones((500, 6)), rel=1e-5)
    center = (alignment.value.mean(0) * np.arange(6)).sum(-1)
    assert (np.diff(center) < 0).all()
    assert np.abs(center - np.arange(6)[::-1]).max() < 1.5
