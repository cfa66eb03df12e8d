"""Attention against numpy, positions, who may see whom, and a Transformer that reverses sequences."""

from __future__ import annotations

import re

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import ParameterError, ShapeError

ENGINES = ("numpy", "numba")


def softmax(scores: np.ndarray) -> np.ndarray:
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def test_scaled_dot_product_one_query_at_a_time(rng):
    q, k, v = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5, 6))
    y, weights = nets.scaled_dot_product(*map(ng.constant, (q, k, v)))
    for n in range(2):
        for t in range(4):
            shares = softmax(np.array([q[n, t] @ k[n, s] for s in range(5)]) / np.sqrt(3))
            assert weights.value[n, t] == pytest.approx(shares)
            assert y.value[n, t] == pytest.approx(sum(shares[s] * v[n, s] for s in range(5)))


def test_what_may_not_be_seen_has_no_weight(rng):
    q, k, v = (ng.constant(rng.normal(size=(4, 3))) for _ in range(3))
    seen = rng.integers(0, 2, (4, 4)).astype(bool)
    seen[0], seen[1, 2] = False, True
    _, weights = nets.scaled_dot_product(q, k, v, ng.constant(seen))
    assert (weights.value[1:][~seen[1:]] == 0).all()
    assert weights.value.sum(-1) == pytest.approx(np.ones(4))
    # Who sees nothing gets the mean of all, and no NaN.
    assert weights.value[0] == pytest.approx(np.full(4, 0.25))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_mask_holds_whatever_the_scores_are(engine, dtype):
    """A score of −1e10 that may be seen, beside one of 1e10 that may not."""
    q, k, v = (ng.input(name, np.array(value, dtype)) for name, value in (("q", [[1e5]]), ("k", [[-1e5], [1e5]]), ("v", [[3.0], [4.0]])))
    y, weights = nets.scaled_dot_product(q, k, v, ng.constant([[True, False]]))
    found = ng.compile([y, weights, *ng.gradient(ng.sum(y), [q, k, v])], [q, k, v], engine=engine)(q.value, k.value, v.value)
    assert [each.tolist() for each in found] == [[[3.0]], [[1.0, 0.0]], [[0.0]], [[0.0], [0.0]], [[1.0], [0.0]]]
    # Nobody is seen: no NaN in the slopes either.
    y, _ = nets.scaled_dot_product(q, k, v, ng.constant([[False, False]]))
    found = ng.compile([y, *ng.gradient(ng.sum(y), [q, k, v])], [q, k, v], engine=engine)(q.value, k.value, v.value)
    assert [each.tolist() for each in found] == [[[3.5]], [[0.0]], [[0.0], [0.0]], [[0.5], [0.5]]]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("other", [False, True])
def test_every_head_is_attention_on_its_own_columns(rng, engine, other):
    layer, x = nets.MultiHeadAttention(6, 3, rng=rng, dtype="float64"), rng.normal(size=(2, 4, 6))
    memory = rng.normal(size=(2, 5, 6)) if other else x
    for part in (layer.query, layer.key, layer.value, layer.joined):
        part.b.value = rng.normal(size=6)
    leaf, looked = ng.input("x", x), ng.input("m", memory)
    found, weights = ng.compile(layer(leaf, looked, with_weights=True), [leaf, looked], engine=engine)(x, memory)
    q, k, v = (part.W.value for part in (layer.query, layer.key, layer.value))
    heads = []
    for head in range(3):
        own = slice(2 * head, 2 * head + 2)
        queries = x @ q[:, own] + layer.query.b.value[own]
        keys, values = memory @ k[:, own] + layer.key.b.value[own], memory @ v[:, own] + layer.value.b.value[own]
        shares = softmax(queries @ keys.swapaxes(1, 2) / np.sqrt(2))
        assert weights[:, head] == pytest.approx(shares)
        heads.append(shares @ values)
    assert found == pytest.approx(np.concatenate(heads, -1) @ layer.joined.W.value + layer.joined.b.value)
    if not other:
        assert layer(x).value == pytest.approx(found)


def test_additive_attention_is_that_of_the_paper(rng):
    layer = nets.AdditiveAttention(3, 4, 5, rng=rng, dtype="float64")
    s, m = rng.normal(size=(2, 3)), rng.normal(size=(2, 6, 4))
    Ws, Wm, v = (leaf.value for leaf in (layer.Ws, layer.Wm, layer.v))
    context, weights = layer(s, m)
    scores = [[float(v[:, 0] @ np.tanh(s[n] @ Ws + m[n, at] @ Wm)) for at in range(6)] for n in range(2)]
    assert weights.value == pytest.approx(softmax(np.array(scores)))
    assert context.value == pytest.approx(np.einsum("ns,nsd->nd", weights.value, m))


def test_gradients_of_attention(rng):
    layer, x = nets.MultiHeadAttention(4, 2, rng=rng, dtype="float64"), ng.parameter("x", rng.normal(size=(1, 3, 4)))
    assert ng.check_gradient(layer(x, None, nets.causal(3)), x, *layer.parameters().values(), order=1)


def test_positions_are_the_waves_of_the_paper():
    waves = nets.positional_encoding(50, 6)
    for t in (0, 7, 49):
        for i in range(3):
            angle = t / 10000 ** (2 * i / 6)
            assert waves[t, 2 * i : 2 * i + 2] == pytest.approx([np.sin(angle), np.cos(angle)])
    # How alike two positions are depends on their distance alone.
    alike = waves @ waves.T
    assert np.diagonal(alike, 5) == pytest.approx(np.full(45, alike[0, 5]))
    x = np.ones((2, 50, 6), np.float32)
    result = nets.PositionalEncoding()(x)
    assert result.dtype == np.float32
    assert result.value == pytest.approx(np.broadcast_to(1 + waves, x.shape), abs=1e-6)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_block_is_what_its_norm_says(rng, norm):
    block, x = nets.TransformerBlock(4, 2, norm=norm, rng=rng, dtype="float64"), ng.constant(rng.normal(size=(1, 3, 4)))
    first, second = block.norms
    if norm == "pre":
        y = x + block.attention(first(x))
        expected = y + block.each(second(y))
    else:
        y = first(x + block.attention(x))
        expected = second(y + block.each(y))
    assert block(x).value == pytest.approx(expected.value)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_stack_is_rows_positions_and_blocks(rng, norm):
    stack = nets.TransformerStack(5, 4, 2, 2, causal=True, memory=True, norm=norm, rng=rng, dtype="float64")
    words, memory = rng.integers(0, 5, (2, 6)), ng.constant(rng.normal(size=(2, 3, 4)))
    h = ng.constant(stack.embedding.E.value[words] * 2.0 + nets.positional_encoding(6, 4))
    for block in stack.blocks:
        for part, each in zip(block.norms, (0, 1, 2), strict=True):
            given = part(h) if norm == "pre" else h
            added = (
                block.attention(given, None, nets.causal(6)) if each == 0
                else block.memory_attention(given, memory) if each == 1
                else ng.relu(given @ block.each.layers[0].W + block.each.layers[0].b) @ block.each.layers[1].W + block.each.layers[1].b
            )  # fmt: skip
            h = h + added if norm == "pre" else part(h + added)
    expected = stack.last(h) if norm == "pre" else h
    assert stack(words, memory).value == pytest.approx(expected.value)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_gradients_of_a_transformer(rng, norm):
    net = nets.Transformer(3, 3, 2, width=4, heads=2, depth=1, hidden=3, norm=norm, rng=rng, dtype="float64")
    x, t = rng.integers(0, 3, (2, 3)), rng.integers(0, 3, (2, 2))
    assert ng.check_gradient(net.objective(ng.constant(x), ng.constant(t)), *net.parameters().values(), order=1)


def test_a_causal_net_does_not_see_what_comes_later(rng):
    net, words = nets.CausalTransformer(7, width=8, heads=2, rng=rng), rng.integers(0, 7, (1, 6))
    before = net(words).value
    for at in range(6):
        changed = words.copy()
        changed[0, at] = (changed[0, at] + 1) % 7
        differs = np.abs(net(changed).value - before).max(-1)[0] > 1e-6
        assert not differs[:at].any()
        assert differs[at]
    seeing = nets.TransformerEncoder(7, 7, width=8, heads=2, rng=rng)
    assert (np.abs(seeing(changed).value - seeing(words).value).max(-1) > 1e-6).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_taught_with_its_own_words_it_says_the_same(rng, engine):
    net = nets.Transformer(5, 6, 4, width=8, heads=2, depth=2, rng=rng)
    x = ng.input("x", rng.integers(0, 5, (3, 7)))
    scores = ng.compile(net(x), [x], engine=engine)(x.value)
    assert net(x, scores.argmax(-1)).value == pytest.approx(scores, rel=1e-4, abs=1e-5)


def test_padding_is_not_looked_at(rng):
    sentences = [[1, 2], [3, 1, 4, 1], [2, 2, 2]]
    X, lengths = nets.data.padded(sentences)
    net = nets.Transformer(5, 6, 3, width=8, heads=2, rng=rng)
    expected = np.concatenate([net([each]).value for each in sentences])
    assert net(X, None, lengths).value == pytest.approx(expected, rel=1e-4, abs=1e-6)
    t = rng.integers(0, 6, (3, 3))
    taught = np.concatenate([net([each], [right]).value for each, right in zip(sentences, t, strict=True)])
    assert net(X, t, lengths).value == pytest.approx(taught, rel=1e-4, abs=1e-6)
    for reader in (nets.TransformerEncoder(5, 4, width=8, heads=2, rng=rng), nets.CausalTransformer(5, width=8, rng=rng)):
        said = reader(X, lengths).value
        for row, each in enumerate(sentences):
            assert said[row, : len(each)] == pytest.approx(reader([each]).value[0], rel=1e-4, abs=1e-6)
    with pytest.raises(nets.DataError, match="row 2 has length 5"):
        nets.train(net, None, (X, np.array([2, 4, 5]), t))


def test_who_is_looked_at_is_said_by_a_mask(rng):
    assert nets.padding_mask([2, 0, 3], 3).value.tolist() == [[True, True, False], [False] * 3, [True] * 3]
    layer = nets.AdditiveAttention(3, 4, 5, rng=rng, dtype="float64")
    s, m, seen = rng.normal(size=(2, 3)), rng.normal(size=(2, 6, 4)), np.arange(6) < np.array([[2], [6]])
    context, weights = layer(s, m, ng.constant(seen))
    assert (weights.value[~seen] == 0).all()
    assert context.value[0] == pytest.approx(layer(s[:1], m[:1, :2])[0].value[0])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nets.causal(-1), "causal(length=-1): a whole number from 0 up"),
        (lambda: nets.causal(1.5), "causal(length=1.5)"),
        (lambda: nets.padding_mask([1, 2], 2.5), "padding_mask(times=2.5)"),
        (lambda: nets.positional_encoding(-3, 4), "positional_encoding(length=-3)"),
        (lambda: nets.positional_encoding(3, 2.5), "positional_encoding(width=2.5)"),
        (lambda: nets.MultiHeadAttention(8, "a"), "MultiHeadAttention(heads='a')"),
        (lambda: nets.MultiHeadAttention(8.0, 2), "MultiHeadAttention(width=8.0)"),
        (lambda: nets.AdditiveAttention(4, 3, None), "AdditiveAttention(hidden=None)"),
        (lambda: nets.TransformerBlock(8, 2, hidden=2.0), "TransformerBlock(hidden=2.0)"),
        (lambda: nets.TransformerBlock(8, 2, hidden=0), "TransformerBlock(hidden=0)"),
        (lambda: nets.TransformerStack(5, 8, 2, depth=-1), "TransformerStack(depth=-1)"),
        (lambda: nets.Transformer(5, 5, length=0), "Transformer(length=0): a whole number from 1 up"),
        (lambda: nets.CausalTransformer(5).continued([[1]], 1.5), "continued(length=1.5)"),
        (lambda: nets.CausalTransformer(5).continued([[1]], 2, temperature=float("nan")), "continued(temperature=nan)"),
    ],
)
def test_sizes_are_asked_for_by_name_and_layer(make, said):
    with pytest.raises(ParameterError, match=f"^{re.escape(said)}"):
        make()


def test_errors_say_what_is_taken():
    with pytest.raises(
        ShapeError, match=r"MultiHeadAttention 'attention' takes \(batch, time, 8\); it was given shape \(2, 8\)"
    ):
        nets.TransformerBlock(8, 2).attention(np.zeros((2, 8)))
    with pytest.raises(ParameterError, match="8 numbers do not split into 3 heads"):
        nets.MultiHeadAttention(8, 3)
    with pytest.raises(ParameterError, match="norm='before' must be 'pre'"):
        nets.TransformerBlock(8, 2, norm="before")
    with pytest.raises(ParameterError, match="built with attention to a memory"):
        nets.TransformerBlock(8, 2, memory=True)(np.zeros((2, 3, 8)))
    with pytest.raises(ShapeError, match=r"takes word numbers \(batch, time\)"):
        nets.TransformerEncoder(5, 2)(np.zeros((2, 3, 4), int))


# Learning -------------------------------------------------------------------------------------------------------------
def exact(t: np.ndarray, words: np.ndarray) -> float:
    """The share of sequences without a mistake."""
    return float((words == t).all(axis=1).mean())


def test_a_transformer_reverses_sequences_of_ten(rng):
    x, new = rng.integers(0, 8, (5000, 10)), rng.integers(0, 8, (500, 10))
    net = nets.Transformer(8, 8, 10, width=32, heads=4, depth=1, hidden=64, rng=0)
    rate = nets.warm_up(nets.cosine_decay(0.005, 600), 100)
    list(nets.train(net, None, (x, x[:, ::-1].copy()), epochs=6, batch=50, optimizer=nets.Adam(rate, clip=1.0)))
    assert exact(new[:, ::-1], net(new).value.argmax(-1)) >= 0.99


def test_an_encoder_tells_how_often_a_word_stands_in_the_sentence(rng):
    # No place alone knows it: each has to look at all others.
    def drawn(rows):
        words = rng.integers(0, 4, (rows, 8))
        return words, (words[:, :, None] == words[:, None]).sum(-1) - 1

    (x, t), (new, right) = drawn(2000), drawn(300)
    net = nets.TransformerEncoder(4, 8, width=24, heads=2, depth=1, rng=0)
    list(nets.train(net, nets.sequence_loss, (x, t), epochs=15, batch=50, optimizer=nets.Adam(0.005, clip=1.0)))
    assert (net(new).value.argmax(-1) == right).mean() >= 0.98


def test_a_causal_net_goes_on_as_it_was_taught(rng):
    # Every word is the one three before it, so it is copied from there.
    x = np.tile(rng.integers(0, 6, (2000, 3)), (1, 4))
    net = nets.CausalTransformer(6, width=24, heads=2, depth=1, rng=0)
    list(nets.train(net, None, x, epochs=12, batch=50, optimizer=nets.Adam(0.005, clip=1.0)))
    new = np.tile(rng.integers(0, 6, (100, 3)), (1, 4))
    assert exact(new, net.continued(ng.constant(new[:, :3]), 9).value) >= 0.98


def test_the_summary_of_a_net_of_words():
    net = nets.Transformer(10, 12, 7, width=16, depth=1)
    shapes = {row.path: row.shape for row in net.summary((5, 8)).rows}
    assert shapes[""] == (5, 7, 12)
    assert shapes["encoder/block1/attention"] == (5, 8, 16)


@pytest.mark.parametrize("engine", ENGINES)
def test_words_are_drawn_as_often_as_they_are_likely(rng, engine):
    net = nets.CausalTransformer(5, width=8, heads=2, depth=1, rng=rng)
    begin = np.tile([[3, 1]], (4000, 1))
    for temperature in (0.7, 2.0):
        said = ng.compile(net.continued(ng.constant(begin), 2, temperature=temperature, rng=1), engine=engine)()
        for at in (2, 3):
            for before in np.unique(said[:, :at], axis=0):
                after = said[(said[:, :at] == before).all(1), at]
                if len(after) > 300:
                    likely = softmax(net(before[None]).value[0, -1] / temperature)
                    spread = np.sqrt(likely * (1 - likely) / len(after))
                    assert (np.abs(np.bincount(after, minlength=5) / len(after) - likely) < 4.5 * spread + 1e-9).all()
    # Drawn again with the same generator they are the same, and near temperature 0 the likeliest.
    again = net.continued(ng.constant(begin), 2, temperature=2.0, rng=1).value
    assert (again == said).all()
    cold = net.continued(ng.constant(begin[:3]), 4, temperature=1e-6, rng=1).value
    assert (cold == net.continued(ng.constant(begin[:3]), 4).value).all()
    with pytest.raises(ParameterError, match="temperature=-1"):
        net.continued(ng.constant(begin), 2, temperature=-1)
