"""Lectures on sequences and graphs: their mathematics against numpy, and that what learns there has learned."""

import numpy as np
import pytest
from nngraph import nets


def test_every_term_of_backpropagation_through_time(page):
    names = page("46").names
    W, h, targets = float(names["W"].value), [float(each.value) for each in names["h"]], names["targets"]
    terms = np.zeros((3, 3))
    for t in (1, 2, 3):
        for k in range(1, t + 1):
            way = np.prod([W * (1 - h[j] ** 2) for j in range(k + 1, t + 1)])
            terms[t - 1, k - 1] = (h[t] - targets[t]) * way * (1 - h[k] ** 2) * h[k - 1]
    np.testing.assert_allclose(names["terms"], terms, rtol=0, atol=1e-15)
    assert terms.sum() == pytest.approx(float(names["dW"].value), abs=1e-15)
    assert names["terms"][2].sum() == pytest.approx(float(names["derivation"].gradients["W"].value), abs=1e-15)
    assert "Σ = -0.255971   ∂E/∂W = -0.255971" in page("46").text
    # The three paths of E3 are the three terms of its row.
    assert page("46").text.count("the path E3 ← h3") == 3


@pytest.mark.parametrize("size", [0.8, 1.3])
def test_the_product_of_jacobians_never_crosses_its_bound(page, size):
    norms, bounds = map(np.array, page("46")["products"](size))
    rng = np.random.default_rng(4)
    W, h = size * np.linalg.qr(rng.normal(size=(4, 4)))[0], np.zeros(4)
    slopes, way = [], []
    for x in 0.3 * rng.normal(size=(24, 4)):
        h = np.tanh(W @ h + x)
        slopes.append(1 - h**2)
        way.append(slopes[-1][:, None] * W)
    product = np.eye(4)
    for norm, jacobian in zip(norms, reversed(way), strict=True):
        product = product @ jacobian
        assert norm == pytest.approx(np.linalg.svd(product)[1].max(), rel=1e-12)
    assert bounds == pytest.approx((np.max(slopes) * size) ** np.arange(1, 25))
    assert (norms <= bounds).all()
    assert (norms[-1] < 0.001) == (size < 1)


@pytest.mark.parametrize("size", [0.7, 1.0, 1.5])
def test_gradients_in_time_are_products_of_jacobians(page, size):
    names = page("47").names
    layer = nets.RNN(4, 32, rng=1, dtype="float64", recurrent_start=names["stretched"](size))
    radius = np.abs(np.linalg.eigvals(layer.Wh.value)).max()
    assert radius == pytest.approx(size)
    h, arriving, found = layer(names["x"]).value, names["direction"], []
    for at in reversed(range(50)):
        found.append(np.linalg.norm(arriving))
        arriving = (arriving * (1 - h[:, at] ** 2)) @ layer.Wh.value.T
    assert names["ways"][f"RNN, ρ = {size}"] == pytest.approx(np.array(found[::-1]), rel=1e-9)


def test_what_vanishes_explodes_is_kept_and_is_cut(page):
    ways = page("47")["ways"]
    first = {name: way[0] for name, way in ways.items()}
    assert first["RNN, ρ = 0.7"] < 1e-8
    assert first["RNN, ρ = 1.5"] > 40
    assert (ways["LSTM, b_f = 1"] > 0.01).all()
    assert (ways["LSTM, b_f = 4"] > 0.05).all()
    assert first["GRU"] < 1e-6
    cut = ways["truncated, ρ = 1.0"]
    assert (cut[:40] == 0).all()
    assert (cut[40:] == ways["RNN, ρ = 1.0"][40:]).all()


def test_clipping_saves_a_training_that_explodes(page):
    learned = page("47")["learned"]
    assert np.isnan(learned["not clipped"][-1])
    assert learned["clipped at 1"][-1] < 0.02 < 0.5 < learned["clipped at 1"][0]
    assert "clipped at 1: 0.941 … 0.0155" in page("47").text


def test_a_memory_solves_the_adding_problem_at_50_and_the_plain_net_does_not(page):
    series = page("48")["series"]
    # After the last epoch: none is chosen by what is asked in the end.
    assert series["LSTM"][-1] < 0.01
    assert series["GRU"][-1] < 0.01
    assert min(series["RNN"]) > 0.15
    for name in ("plain", "gru", "memory"):
        net, new = page("48")[name], page("48")["new"]
        last = page("48")["errors" if name == "memory" else f"{name}_errors"][-1]
        assert last == pytest.approx(float(((net(new.X).value - new.t) ** 2).mean()), rel=1e-5)
        assert f"{last:.4f} after the last" in page("48").text
    assert page("48")["train"].X.shape == (2000, 50, 2)


def test_gates_open_where_a_number_is_marked(page):
    names = page("48").names
    marks = names["new"].X[0, :, 1] == 1
    i, f = names["i"].mean(0), names["f"].mean(0)
    assert i[marks].min() > i[5:][~marks[5:]].max()
    assert f[marks].max() < f[~marks].min()
    # The gates that are drawn are those of the formula: the state they lead to is the net's own.
    layer, x = names["memory"].reader, names["new"].X[0]
    h, c = np.zeros(32), np.zeros(32)
    for at in range(50):
        _, _, g, o = np.split(x[at] @ layer.Wx.value + h @ layer.Wh.value + layer.b.value, 4)
        c = names["f"][:, at] * c + names["i"][:, at] * np.tanh(g)
        h = np.tanh(c) / (1 + np.exp(-o))
    assert layer(x[None]).value[0, -1] == pytest.approx(h, abs=1e-4)


def test_numbers_never_seen_are_spelled(page):
    names = page("49").names
    said, held = names["said"], names["n"][:20]
    right = [name == names["names"][k] for k, name in zip(held, said, strict=True)]
    assert sum(right) >= 18
    assert names["names"][82] == "八十二"
    # What was kept for the test was not learned from.
    assert sorted(names["n"].tolist()) == list(range(100))


def test_not_turns_a_judgment_round_and_padding_is_no_word(page):
    names = page("49").names
    held = names["s"][:72]
    assert ((names["sure"] > 0.5) == names["t2"])[held].mean() >= 0.97
    short = next(k for k in range(288) if names["lengths"][k] == 4)
    alone = names["judge"](names["X2"][short : short + 1, :4]).value
    padded = names["judge"](names["X2"][short : short + 1], [4]).value
    assert alone == pytest.approx(padded, abs=1e-5)
    unlike = names["judge"](names["X2"][short : short + 1]).value
    assert np.abs(unlike - alone).max() > 0.01


def test_a_poem_is_recited_by_heart(page):
    names = page("49").names
    assert names["text"] == names["poem"].text
    assert names["text"].strip() in page("49").text
    assert names["text"].count("明月") == 2


@pytest.mark.parametrize("task", ["one to many", "many to one", "many to many"])
def test_every_text_task_is_learned(page, task):
    (line,) = [each for each in page("49").text.splitlines() if each.startswith(task)]
    first, last = map(float, line.partition(": loss ")[2].split(" → "))
    assert last < 0.1 * first  # of a mean surprise of ln 12, ln 2 and ln 21 nats


def test_dates_are_translated_with_attention_and_not_without(page):
    names = page("50").names
    (_, blind), (_, right) = names["plain"], names["looking"]
    assert right.mean() >= 0.98
    assert blind.mean() < 0.2
    assert f"right {right.sum()} of 500" in page("50").text
    # The new dates are not among those that were learned from.
    assert not set(names["english"][:3000]) & set(names["english"][3000:])


def test_the_alignment_points_at_year_month_and_day(page):
    names = page("50").names
    scores, alignment = names["net"](*names["new"], with_weights=True)
    found = dict.fromkeys(("year", "month", "day"), 0.0)
    for row in range(500):
        day, month, year = names["english"][3000 + row].split()
        ends = np.cumsum([0, len(day) + 1, len(month) + 1, len(year)])
        said = names["write"].decode(scores.value[row].argmax(-1))
        first, second = said.index("年"), said.index("月")
        looks = alignment.value[row]
        found["year"] += looks[:first, ends[2] : ends[3]].sum(1).mean() / 500
        found["month"] += looks[first + 1 : second, ends[1] : ends[2]].sum(1).mean() / 500
        found["day"] += looks[second + 1 : said.index("日"), : ends[1]].sum(1).mean() / 500
    assert min(found.values()) > 0.8
    assert alignment.value.sum(-1) == pytest.approx(np.ones((500, 11)), rel=1e-5)


def test_two_members_of_the_karate_club_tell_the_sides_of_all(page):
    names = page("71").names
    A, net = names["A"], names["net"]
    looped = A + np.eye(34)
    mixing = looped / np.sqrt(np.outer(looped.sum(0), looped.sum(0)))
    first, second = net.layers
    hidden = np.maximum(mixing @ first.W.value + first.b.value, 0)
    scores = mixing @ hidden @ second.W.value + second.b.value
    assert names["scores"].value == pytest.approx(scores, abs=1e-4)
    right = scores.argmax(1) == names["side"]
    assert right.mean() >= 0.94
    assert (names["before"] == names["side"]).sum() == 17
    assert names["losses"][-1] < 0.01 < 0.5 < names["losses"][0]
    # Sure of the two it was told; the two that are wrong have friends on both sides.
    assert names["sure"].value[[0, 33]] == pytest.approx([0, 1], abs=0.01)
    for node in names["wrong"]:
        assert set(names["side"][np.flatnonzero(A[node])]) == {0, 1}


def attention(Q, K, V, seen=True):
    scores = np.where(seen, Q @ K.T / np.sqrt(Q.shape[-1]), -np.inf)
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    return shares @ V, shares


def test_attention_in_numbers(page):
    names = page("72").names
    Q, K, V = (names[name].value for name in "QKV")
    Y, weights = attention(Q, K, V)
    assert names["weights"].value == pytest.approx(weights)
    assert names["Y"].value == pytest.approx(Y)
    assert names["masked"].value == pytest.approx(attention(Q, K, V, np.tril(np.ones((3, 3), bool)))[1])
    error = Y - np.eye(3, 2)
    pull = weights * ((error @ V.T) - (weights * (error @ V.T)).sum(1, keepdims=True)) / np.sqrt(2)
    expected = {"Q": pull @ K, "K": pull.T @ Q, "V": weights.T @ error}
    for name, gradient in expected.items():
        assert names["derivation"].gradients[name].value == pytest.approx(gradient)


def test_scores_are_divided_so_that_softmax_has_a_slope(page):
    largest = page("72")["largest"]
    rng = np.random.default_rng(5)
    q, k = rng.normal(size=(4000, 1, 64)), rng.normal(size=(4000, 10, 64))
    for divided, scale in ((False, 1.0), (True, 8.0)):
        scores = (q * k).sum(-1) / scale
        shares = np.exp(scores - scores.max(1, keepdims=True))
        best = (shares.max(1) / shares.sum(1)).mean()
        assert largest(divided) == pytest.approx(best, abs=0.03)
    assert "0.87 not divided, 0.32 divided by √d" in page("72").text


def test_every_head_has_its_own_waves(page):
    names = page("72").names
    waves = names["positions"][:20]
    for head in range(4):
        part = waves[:, 8 * head : 8 * head + 8]
        assert names["heads"].value[0, head] == pytest.approx(attention(3 * part, 3 * part, part)[1], abs=1e-6)
    near = [np.diagonal(names["heads"].value[0, head]).mean() for head in (0, 1)]
    assert near[0] > 0.5 > 0.2 > near[1]


def test_a_transformer_reverses_sequences_of_ten(page):
    names = page("73").names
    net, new = names["net"], names["new"]
    said = net(new.X).value.argmax(-1)
    right = (said == new.X[:, ::-1]).all(1).mean()
    assert right >= 0.99
    assert names["share"] == pytest.approx(right)
    assert f"epoch 4: loss {names['each'].loss:.3f}, exact match {right:.3f}" in page("73").text
    assert new.X.shape == (500, 10)
    assert net.count == 22312
    assert "22312" in page("73").text


def test_its_heads_look_from_the_end_to_the_beginning(page):
    names = page("73").names
    weights = names["looks"](names["new"].X, names["new"].t)
    assert weights.sum(-1) == pytest.approx(np.ones((500, 4, 10)), rel=1e-5)
    back = weights[:, :, np.arange(10), np.arange(10)[::-1]].mean((0, 2))
    assert sorted(back)[-1] > 0.9
    # The heads are those of the net: what it says is made of them.
    block, decoder, x, t = names["net"].decoder.blocks[0], names["net"].decoder, names["new"].X[:4], names["new"].t[:4]
    read = np.concatenate([np.full((4, 1), 8), t[:, :-1]], axis=1)
    h = decoder.positions(decoder.embedding(read) * np.sqrt(32))
    h = h + block.attention(block.norms[0](h), None, nets.causal(10))
    memory = names["net"].encoder(x)
    values = block.memory_attention.value(memory).value.reshape(4, 10, 4, 8)
    joined = np.einsum("nhts,nshd->nthd", names["looks"](x, t), values).reshape(4, 10, 32)
    h = h.value + block.memory_attention.joined(joined).value
    h = h + block.each(block.norms[2](h)).value
    scores = names["net"].top(decoder.last(h)).value
    assert scores == pytest.approx(names["net"](x, t).value, abs=1e-3)


def test_a_language_model_comes_near_the_entropy_of_its_language(page):
    names = page("74").names
    assert len(set(names["sentences"])) == 288
    scores = names["net"](names["new"][:, :-1]).value.astype(float)
    logs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    surprise = -np.take_along_axis(logs, names["new"][:, 1:, None], -1).sum((1, 2)).mean()
    assert surprise == pytest.approx(float(names["surprise"].value), rel=1e-3)
    assert np.log(288) < surprise < 6.2
    first, last = [line for line in page("74").text.splitlines() if line.startswith("surprise")]
    assert float(first.split()[-2]) > 9
    assert last.endswith(f"{surprise:.2f} new")
    # After each word of a sentence it never saw it knows which may follow.
    for place, row in enumerate(names["table"]):
        before = tuple(names["words"][code] for code in names["new"][0, 1 : place + 1] if code)
        allowed = {
            sentence[len(before)] if len(sentence) > len(before) else "."
            for sentence in names["sentences"]
            if sentence[: len(before)] == before
        }
        assert sum(row[names["words"].index(word)] for word in allowed) > 0.95


def test_what_a_language_model_makes_up(page):
    drawn, known = page("74")["drawn"], {page("74")["sentences"][k] for k in page("74")["order"][72:]}
    shares = {}
    for temperature in (0.3, 1.0, 2.0):
        made, right, new = drawn(temperature)
        correct = [each in page("74")["sentences"] for each in made]
        assert right == pytest.approx(np.mean(correct))
        assert new == pytest.approx(np.mean([a and each not in known for a, each in zip(correct, made, strict=True)]))
        shares[temperature] = right
    assert shares[0.3] > 0.97
    assert shares[1.0] > 0.85
    assert shares[2.0] < 0.6
    assert drawn(1.0)[2] > 0.1


def test_two_stanzas_are_known_by_heart(page):
    poem = page("74")["poem"]
    assert poem.text[:77] in page("74").text
    assert page("74")["losses"][-1] < 0.1 < 3 < page("74")["losses"][0]
