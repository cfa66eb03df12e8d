"""Models of sequences: made of the layers they say, echo and reversal learned, and an alignment that points at what is
read."""

from __future__ import annotations

import re

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import ParameterError, ShapeError
from nngraph.nets import DataError

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


def test_a_decoder_looks_before_every_word(rng):
    """The formulas of Bahdanau et al. 2014, one word after the other."""
    net = nets.EncoderDecoder(5, 6, 4, 3, attention=True, cell=nets.GRU, rng=rng, dtype="float64")
    x, t = rng.integers(0, 5, (2, 7)), rng.integers(0, 6, (2, 3))
    scores, alignment = net(x, t, with_weights=True)
    memory, ends = net.encoder(net.embedding(ng.constant(x)), with_state=True)
    m, decoder, looks = memory.value, net.decoder, net.decoder.attention
    end = np.concatenate([end.value for end in ends], axis=1)
    s = np.tanh(end @ decoder.begin.W.value + decoder.begin.b.value)
    for at in range(3):
        e = np.tanh((s @ looks.Ws.value)[:, None] + m @ looks.Wm.value + looks.b.value) @ looks.v.value[:, 0]
        a = np.exp(e) / np.exp(e).sum(1, keepdims=True)
        context = (a[:, :, None] * m).sum(1)
        # Before the first word it reads the sign that begins, whose row is the last of the table.
        word = decoder.embedding.E.value[t[:, at - 1] if at else [6, 6]]
        s = decoder.cell(np.concatenate([word, context], axis=1), s).value
        said = np.concatenate([s, context], axis=1) @ decoder.top.W.value + decoder.top.b.value
        assert alignment.value[:, at] == pytest.approx(a)
        assert scores.value[:, at] == pytest.approx(said)


@pytest.mark.parametrize("attention", [False, True])
def test_gradients_of_the_objective(rng, attention):
    net = nets.EncoderDecoder(3, 3, 3, 2, attention=attention, cell=nets.GRU, rng=rng, dtype="float64")
    x, t = rng.integers(0, 3, (2, 3)), rng.integers(0, 3, (2, 2))
    assert ng.check_gradient(net.objective(ng.constant(x), ng.constant(t)), *net.parameters().values(), order=1)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nets.DeepRNN(5), "DeepRNN(sizes=5): a list of 2 whole numbers or more"),
        (lambda: nets.DeepRNN([3, 4], cell="lstm"), "DeepRNN(cell='lstm'): it is the class of a recurrent layer"),
        (lambda: nets.Bidirectional(3, 4, cell=nets.Linear), "Bidirectional(cell=<class"),
        (lambda: nets.EncoderDecoder(10, 12, width=4, length=2, cell="gru"), "EncoderDecoder(cell='gru')"),
        (lambda: nets.EncoderDecoder(10, 12, width=4, length=0), "Decoder(length=0)"),
        (lambda: nets.OneToMany(4, words=27, width=16, length=1.5), "Decoder(length=1.5): a whole number from 1 up"),
    ],
)
def test_sizes_and_cells_are_asked_for_by_name_and_layer(make, said):
    with pytest.raises(ParameterError, match=f"^{re.escape(said)}"):
        make()


def test_the_loss_of_a_sequence_takes_three_axes():
    for scores, words in (((2, 3), (2, 3)), ((2, 3, 4), (2,)), ((2, 3, 4), (2, 4))):
        with pytest.raises(ShapeError, match=re.escape(f"it was given shapes {scores} and {words}")):
            nets.sequence_loss(ng.constant(np.ones(scores)), ng.constant(np.zeros(words, int)))


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


def short_and_long(rng, cell):
    """Models that end in one answer, sequences of 2, 5 and 4 times, and their table."""
    sequences = [rng.normal(size=(length, 3)) for length in (2, 5, 4)]
    readers = (cell(3, 4, rng=rng), cell(3, 4, rng=rng, reverse=True), cell(3, 4, rng=rng, truncate=2))
    deep = nets.DeepRNN([3, 4, 4], cell, rng=rng, dtype="float64")
    return [*readers, nets.Bidirectional(3, 4, cell, rng=rng), deep], sequences, *nets.data.padded(sequences, fill=9)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("cell", [nets.RNN, nets.LSTM, nets.GRU])
def test_padding_is_not_read(rng, engine, cell):
    readers, sequences, X, lengths = short_and_long(rng, cell)
    for reader in readers:
        net = nets.ManyToOne(reader, 2, rng=rng)
        x, count = ng.input("x", X), ng.input("lengths", lengths)
        found = ng.compile(net(x, count), [x, count], engine=engine)(X, lengths)
        assert found == pytest.approx(np.concatenate([net(each[None]).value for each in sequences]), rel=1e-5)
        (slope,) = ng.gradient(ng.sum(ng.square(net(x, count))), [x])
        reached = np.abs(slope.value).max(-1) > 0
        belongs = np.arange(5) < lengths[:, None]
        assert (reached == belongs).all() if getattr(reader, "truncate", None) is None else reached[belongs].any()
        assert not reached[~belongs].any()
        # At every time within a sequence it says what it says without the padding.
        every = nets.ManyToMany(reader, 2, rng=rng)
        said = every(X, lengths=lengths).value
        for row, each in enumerate(sequences):
            assert said[row, : len(each)] == pytest.approx(every(each[None]).value[0], rel=1e-5)


@pytest.mark.parametrize("attention", [False, True])
def test_an_encoder_reads_and_looks_at_no_padding(rng, attention):
    net = nets.EncoderDecoder(5, 6, 8, 3, attention=attention, rng=rng)
    sentences = [[1, 2], [3, 1, 4, 1], [2, 2, 2]]
    X, lengths = nets.data.padded(sentences)
    expected = np.concatenate([net([each]).value for each in sentences])
    assert net(X, None, lengths).value == pytest.approx(expected, rel=1e-4, abs=1e-6)
    if attention:
        _, alignment = net(X, None, lengths, with_weights=True)
        outside = np.broadcast_to((np.arange(4) >= lengths[:, None])[:, None], alignment.shape)
        assert (alignment.value[outside] == 0).all()
        assert alignment.value.sum(-1) == pytest.approx(np.ones((3, 3)), rel=1e-5)


def test_the_loss_of_padded_sequences_is_the_mean_over_what_belongs_to_them(rng):
    scores, words, lengths = rng.normal(size=(2, 3, 4)), rng.integers(0, 4, (2, 3)), np.array([1, 3])
    shares = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    each = -np.log(np.take_along_axis(shares, words[..., None], -1))[..., 0]
    expected = (each[0, 0] + each[1].sum()) / 4
    leaf = ng.parameter("scores", scores)
    loss = nets.sequence_loss(leaf, ng.constant(words), lengths)
    assert float(loss.value) == pytest.approx(expected)
    assert ng.check_gradient(loss, leaf, order=1)
    assert float(nets.sequence_loss(leaf, ng.constant(words), np.array([3, 3])).value) == pytest.approx(each.mean())


def test_lengths_that_fit_no_table(rng):
    net, X = nets.ManyToOne(nets.GRU(3, 4), 2), np.zeros((2, 5, 3))
    with pytest.raises(ShapeError, match=r"GRU 'reader' takes a length for each of 2 sequences; it was given \(3,\)"):
        net(X, [1, 2, 3])
    with pytest.raises(ShapeError, match=r"lengths are whole numbers \(batch,\).* these are float64"):
        net(X, np.array([1.0, 2.0]))
    for wrong in (0, 6):
        with pytest.raises(DataError, match=rf"row 1 has length {wrong}, and its sequence 5 places; 1 to 5 fit"):
            nets.train(net, ng.softmax_loss, (X, np.array([5, wrong]), np.array([0, 1])))
    for sequences, message in (([], "no sequences"), ([[1], []], "sequence 1 has shape"), ([[1], [[2]]], "sequence 1")):
        with pytest.raises(DataError, match=message):
            nets.data.padded(sequences)


@pytest.mark.parametrize(
    ("x", "t", "message"),
    [
        ([[1, 2], [3, -1]], [[1], [2]], r"x has word -1 in row 1; there are 5 words, numbered 0 to 4"),
        ([[1, 5], [3, 1]], [[1], [2]], r"x has word 5 in row 0; there are 5 words"),
        ([[1, 2], [3, 1]], [[1], [6]], r"t has word 6 in row 1; there are 6 words, numbered 0 to 5"),
    ],
)
def test_words_that_are_none_are_named(x, t, message):
    for net in (nets.EncoderDecoder(5, 6, 8, 1), nets.Transformer(5, 6, 1, width=8)):
        with pytest.raises(DataError, match=message):
            nets.train(net, None, (np.array(x), np.array(t)))


def test_words_to_write_or_to_go_on_with_that_are_none():
    with pytest.raises(DataError, match="t has word -2 in row 0"):
        nets.train(nets.OneToMany(2, 4, 8, 2), None, (np.ones((2, 2)), np.array([[-2, 1], [0, 1]])))
    with pytest.raises(DataError, match="x has word 7 in row 1"):
        nets.train(nets.CausalTransformer(5, width=8), None, np.array([[1, 2, 3], [0, 7, 1]]))


def test_what_reads_whole_sequences_says_so():
    with pytest.raises(ShapeError, match=r"Bidirectional 'bidirectional' reads whole sequences .* \(2, 3\)"):
        nets.Bidirectional(3, 4)(np.zeros((2, 3)))
    with pytest.raises(
        ShapeError, match=r"Decoder 'decoder' reads the right words as \(batch, time\), batch 1; .* \(2, 3\)"
    ):
        nets.EncoderDecoder(5, 6, 8, 3)([[1, 2]], np.zeros((2, 3), int))


def test_words_of_many_lengths_are_counted(rng):
    """Many to one on padded data: is there an odd number of ones? One wrong step spoils the answer."""

    def drawn(rows):
        bits = [rng.integers(0, 2, rng.integers(1, 9)) for _ in range(rows)]
        X, lengths = nets.data.padded([np.eye(2)[each] for each in bits])
        return X, lengths, np.array([each.sum() % 2 for each in bits])

    (X, lengths, t), watched, (new, new_lengths, new_t) = drawn(600), drawn(200), drawn(200)
    net = nets.ManyToOne(nets.LSTM(2, 16, rng=0), 2, rng=0)
    right = {"right": lambda t, scores: (scores.argmax(1) == t).mean()}
    *_, last = nets.train(
        net, ng.softmax_loss, (X, lengths, t), epochs=60, batch=50, optimizer=nets.Adam(0.02, clip=1.0),
        validation=watched, metrics=right,
    )  # fmt: skip
    assert last.metrics["right"] >= 0.98
    # What was measured is what it says of the sequences without their padding; the net has its best epoch's values, and
    # is asked for others than those that chose it.
    assert (net(new, new_lengths).value.argmax(1) == new_t).mean() >= 0.98


def test_it_learns_to_reverse_words_of_many_lengths(rng):
    sequences = [rng.integers(1, 6, rng.integers(1, 6)) for _ in range(2200)]
    X, lengths = nets.data.padded(sequences)
    t, _ = nets.data.padded([each[::-1] for each in sequences])
    net = nets.EncoderDecoder(6, 6, 24, 5, attention=True, rng=0)
    rule = nets.Adam(nets.cosine_decay(0.01, 400), clip=1.0)
    *_, last = nets.train(
        net, None, (X[:2000], lengths[:2000], t[:2000]), epochs=10, batch=50, optimizer=rule, metrics={"exact": exact}
    )
    assert exact(t[2000:], net(X[2000:], None, lengths[2000:]).value) >= 0.97
    # Without validation it is measured on what it learned from, writing by itself and reading no padding.
    assert last.metrics["exact"] == exact(t[:2000], net(X[:2000], None, lengths[:2000]).value)


@pytest.mark.parametrize("settings", [{}, {"truncate": 8}])
def test_a_deep_net_echoes_also_where_gradients_are_cut(rng, settings):
    echo = nets.data.echo(600, 23, delay=2)
    x, t = np.eye(2)[echo.X[..., 0].astype(int)], echo.t
    net = nets.ManyToMany(nets.DeepRNN([2, 16, 16], nets.GRU, rng=0, **settings), 2, rng=1)
    rule = nets.Adam(0.01, clip=1.0)
    list(nets.train(net, nets.sequence_loss, (x[:500], t[:500]), epochs=20, batch=50, optimizer=rule))
    assert exact(t[500:], net(x[500:]).value) >= 0.98


def test_both_ways_know_what_comes_and_one_way_does_not(rng):
    # How many of the two neighbors are 1: the one after is not known to a net that reads forward.
    bits = rng.integers(0, 2, (600, 14))
    x, t = np.eye(2)[bits[:, 1:-1]], bits[:, :-2] + bits[:, 2:]
    right = {}
    for reader in (nets.Bidirectional(2, 16, nets.GRU, rng=0), nets.GRU(2, 32, rng=0)):
        net = nets.ManyToMany(reader, 3, rng=1)
        rule = nets.Adam(0.02, clip=1.0)
        list(nets.train(net, nets.sequence_loss, (x[:500], t[:500]), epochs=20, batch=50, optimizer=rule))
        right[type(reader)] = (net(x[500:]).value.argmax(-1) == t[500:])[:, 1:-1].mean()
    assert right[nets.Bidirectional] >= 0.99
    assert right[nets.GRU] < 0.6
