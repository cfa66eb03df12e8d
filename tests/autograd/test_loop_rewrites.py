"""Loops made fast: every rule on every kind of recurrent net keeps all values, and leaves in the loop only what belongs
there."""

from __future__ import annotations

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.numpy import evaluate_all
from nngraph.autograd.errors import GradientError
from nngraph.autograd.graph import bodies, order
from nngraph.autograd.loops import cost, cut, hoist, keep, optimize_loops, sink, steps
from nngraph.autograd.loops.loop import SCAN, put_together, take_apart
from nngraph.autograd.op import OPS

EXAMPLES, INPUTS, HIDDEN = 3, 5, 4


class Weights:
    """Small random leaves, made as they are asked for; `all` holds those that a gradient is wanted for."""

    def __init__(self, dtype=np.float64):
        self.rng, self.dtype, self.all = np.random.default_rng(5), dtype, []

    def __call__(self, *shape):
        leaf = ng.parameter(f"w{len(self.all)}", (0.4 * self.rng.normal(size=shape)).astype(self.dtype))
        self.all.append(leaf)
        return leaf

    def input(self, *shape):
        return ng.input(f"x{len(self.all)}", self.rng.normal(size=shape).astype(self.dtype))


def with_gradients(loss, weights):
    return [loss, *ng.gradient(loss, weights.all)]


def lstm(steps=4, reverse=False, dtype=np.float64, wanted="all", examples=EXAMPLES):
    w = Weights(dtype)
    x = w(steps, examples, INPUTS)
    into, over, bias = w(INPUTS, 4 * HIDDEN), w(HIDDEN, 4 * HIDDEN), w(4 * HIDDEN)
    start = w(examples, HIDDEN), w(examples, HIDDEN)

    def step(carry, piece):
        h, c = carry
        gates = ng.split(piece @ into + h @ over + bias, 4, axis=1)
        i, f, o = (ng.sigmoid(gate) for gate in (gates[0], gates[1], gates[3]))
        c = f * c + i * ng.tanh(gates[2])
        h = o * ng.tanh(c)
        return (h, c), h

    (h, c), hs = ng.scan(step, start, x, reverse=reverse)
    loss = {"all": lambda: ng.sum(ng.square(hs)) + ng.sum(h * c), "last": lambda: ng.sum(ng.square(h)), "sum": lambda: ng.sum(hs)}[wanted]()
    return with_gradients(loss, w)  # fmt: skip


def gru(steps=4):
    w = Weights()
    x, start = w(steps, EXAMPLES, INPUTS), w(EXAMPLES, HIDDEN)
    wz, wr, wn = (w(INPUTS, HIDDEN) for _ in range(3))
    uz, ur, un = (w(HIDDEN, HIDDEN) for _ in range(3))
    bz, bn = w(HIDDEN), w(HIDDEN)

    def step(h, piece):
        z = ng.sigmoid(piece @ wz + h @ uz + bz)
        r = ng.sigmoid(piece @ wr + h @ ur)
        n = ng.tanh(piece @ wn + bn + r * (h @ un))
        return (1 - z) * n + z * h, n

    h, ns = ng.scan(step, start, x)
    return with_gradients(ng.sum(ng.square(h)) + ng.sum(ng.sin(ns)), w)


def plain(steps=4, activation=ng.tanh, head=True):
    w = Weights()
    x, start, into, over, bias = w(steps, EXAMPLES, INPUTS), w(EXAMPLES, HIDDEN), w(INPUTS, HIDDEN), w(HIDDEN, HIDDEN), w(HIDDEN)  # fmt: skip
    out, shift = w(HIDDEN, 7), w(7)

    def step(h, piece):
        h = activation(piece @ into + h @ over + bias)
        return h, ng.softmax(h @ out + shift) if head else h

    last, ys = ng.scan(step, start, x)
    return with_gradients(ng.sum(ng.square(ys)) + ng.sum(last), w)


def deep():
    """Two layers in one loop, and a third loop over what they put out, backwards."""
    w = Weights()
    x = w(4, EXAMPLES, INPUTS)
    a, b, c, d, e = w(INPUTS, HIDDEN), w(HIDDEN, HIDDEN), w(HIDDEN, 3), w(3, 3), w(3, 2)

    def step(carry, piece):
        one, two = carry
        one = ng.tanh(piece @ a + one @ b)
        two = ng.tanh(one @ c + two @ d)
        return (one, two), two

    start = ng.constant(np.zeros((EXAMPLES, HIDDEN))), ng.constant(np.zeros((EXAMPLES, 3)))
    _, hs = ng.scan(step, start, x)
    last, ys = ng.scan(lambda s, piece: (ng.tanh(piece @ e + s), s), ng.constant(np.zeros((EXAMPLES, 2))), hs, reverse=True)
    return with_gradients(ng.sum(ng.square(ys)) + ng.sum(last), w)  # fmt: skip


def tokens():
    """Whole numbers as elements: a table is looked up in the loop, and its gradient is scattered."""
    w = Weights()
    table, over, out = w(6, HIDDEN), w(HIDDEN, HIDDEN), w(HIDDEN, 6)
    ids = ng.input("ids", np.array([[0, 5, 2], [1, 1, 3], [4, 0, 5]]))

    def step(h, token):
        h = ng.tanh(ng.embedding(table, token) @ over + h)
        return h, h @ out

    _, scores = ng.scan(step, ng.constant(np.zeros((3, HIDDEN))), ids)
    return with_gradients(ng.sum(ng.square(scores)), w)


def without_elements():
    w = Weights()
    start, over = w(EXAMPLES, HIDDEN), w(HIDDEN, HIDDEN)
    h, counts = ng.scan(lambda carry, _: ((ng.sin(carry[0] @ over), carry[1] + 1), carry[1]), (start, 0), length=5)
    return [*with_gradients(ng.sum(h[0] * ng.cast(h[1], "float64")), w), counts, h[1]]


def only_sums():
    """No carry: the gradient of the weights is all that the backward loop gives."""
    w = Weights()
    x, into = w.input(4, EXAMPLES, INPUTS), w(INPUTS, HIDDEN)
    _, ys = ng.scan(lambda _, piece: (None, ng.tanh(piece @ into)), None, x)
    return with_gradients(ng.sum(ng.square(ys)), w)


def nested():
    """A loop in a loop, both with weights; the inner one is a small recurrent net over the rows of a piece."""
    w = Weights()
    x, a, b, c = w(3, 2, EXAMPLES, INPUTS), w(INPUTS, HIDDEN), w(HIDDEN, HIDDEN), w(HIDDEN, HIDDEN)

    def inner(h, row):
        h = ng.tanh(row @ a + h @ b)
        return h, h

    def outer(h, rows):
        last, hs = ng.scan(inner, h, rows)
        return ng.sigmoid(last @ c), ng.sum(hs, axis=0)

    last, ys = ng.scan(outer, ng.constant(np.zeros((EXAMPLES, HIDDEN))), x)
    return with_gradients(ng.sum(ng.square(last)) + ng.sum(ng.square(ys)), w)


def noisy():
    """Random numbers in the step, drawn at a step that the carry counts: going backwards must draw the same."""
    w = Weights()
    x, start, over = w(4, EXAMPLES, HIDDEN), w(EXAMPLES, HIDDEN), w(HIDDEN, HIDDEN)

    def step(carry, piece):
        h, count = carry
        h = ng.dropout(ng.tanh(piece + h @ over), 0.25, step=count, name="h")
        return (h + 0.1 * ng.normal(h.shape, step=count, name="n"), count + 1), h

    (h, _), hs = ng.scan(step, (start, 0), x)
    return with_gradients(ng.sum(ng.square(h)) + ng.sum(hs), w)


def one_example():
    """Vectors instead of matrices: steps alone are the rows of the products."""
    w = Weights()
    x, start, into, over = w(4, INPUTS), w(HIDDEN), w(INPUTS, HIDDEN), w(HIDDEN, HIDDEN)
    last, hs = ng.scan(lambda h, piece: (ng.tanh(piece @ into + h @ over), h), start, x)
    return with_gradients(ng.sum(ng.square(hs)) + ng.sum(last), w)


def weights_as_elements():
    """The layers of a net as steps: every step has weights of its own."""
    w = Weights()
    layers, biases, x = w(4, HIDDEN, HIDDEN), w(4, HIDDEN), w(EXAMPLES, HIDDEN)
    y, _ = ng.scan(lambda h, layer: (ng.tanh(h @ layer[0] + layer[1]), None), x, (layers, biases))
    return with_gradients(ng.sum(ng.square(y)), w)


def shared_twice():
    """One matrix for the element and for the carry, a factor, an outer operand: sums that must be taken apart."""
    w = Weights()
    x, start, over, scale, outer = w(4, EXAMPLES, HIDDEN), w(EXAMPLES, HIDDEN), w(HIDDEN, HIDDEN), w(), w(EXAMPLES, HIDDEN)

    def step(h, piece):
        return ng.tanh(piece @ over + scale * (h @ over.T) - outer * h), ng.relu(h)

    last, ys = ng.scan(step, start, x)
    return with_gradients(ng.sum(ng.square(last)) + ng.sum(ys), w)  # fmt: skip


def second_order():
    w = Weights()
    x, start, into, over = w(3, 2, INPUTS), w(2, HIDDEN), w(INPUTS, HIDDEN), w(HIDDEN, HIDDEN)
    last, hs = ng.scan(lambda h, piece: (ng.tanh(piece @ into + h @ over), h), start, x)
    first = ng.gradient(ng.sum(ng.square(hs)) + ng.sum(last), w.all)
    along = sum((ng.sum(g * np.cos(np.arange(g.size)).reshape(g.shape)) for g in first), ng.constant(0.0))
    return [*first, *ng.gradient(along, w.all)]


def passed_on():
    """A carry that never changes, an output that is only asked for as it came in, and a last carry nobody reads."""
    w = Weights()
    x, start, fixed = w(4, 2, HIDDEN), w(2, HIDDEN), w(HIDDEN)

    def step(carry, piece):
        h, same, _ = carry
        return (ng.tanh(h * same + piece), same, piece), (piece, h)

    (h, same, _), (pieces, hs) = ng.scan(step, (start, fixed, ng.constant(np.zeros((2, HIDDEN)))), x)
    return with_gradients(ng.sum(h * same) + ng.sum(ng.square(pieces)) + ng.sum(hs), w)


def unchanging():
    """A loop inside of which, as far as it is read, does not depend on the step."""
    w = Weights()
    x, start, over = w(4, EXAMPLES, HIDDEN), w(EXAMPLES, HIDDEN), w(HIDDEN, HIDDEN)
    k = ng.constant(np.linspace(0, 1, EXAMPLES * HIDDEN).reshape(EXAMPLES, HIDDEN))

    def step(h, piece):
        _, waves = ng.scan(lambda c, _: ((ng.tanh(c[0] + c[1]), ng.sin(c[1])), c[1]), (h, k), length=2)
        wave = ng.sum(waves, axis=0)
        return ng.tanh(piece + h * wave), h * (wave @ over)

    last, ys = ng.scan(step, start, x)
    return with_gradients(ng.sum(ng.square(last)) + ng.sum(ng.square(ys)), w)


NETS = {
    "lstm": lstm, "lstm in reverse": lambda: lstm(reverse=True), "lstm, last": lambda: lstm(wanted="last"), "lstm, sum": lambda: lstm(wanted="sum"),
    "lstm of no step": lambda: lstm(0), "lstm of one step": lambda: lstm(1), "lstm of one example": lambda: lstm(examples=1),
    "gru": gru, "gru of one step": lambda: gru(1), "plain": plain, "plain, relu": lambda: plain(activation=ng.relu), "plain, silu": lambda: plain(activation=ng.silu),
    "plain of no step": lambda: plain(0), "deep": deep, "tokens": tokens, "without elements": without_elements, "only sums": only_sums,
    "nested": nested, "noisy": noisy, "one example": one_example, "weights as elements": weights_as_elements, "shared twice": shared_twice,
    "second order": second_order, "passed on": passed_on, "unchanging": unchanging,
}  # fmt: skip


def scans(outputs):
    return [node for node in order(outputs) if node.op is SCAN]


def all_scans(outputs):
    """Loops inside loops too."""
    found, waiting = [], [outputs]
    while waiting:
        here = scans(waiting.pop())
        found += here
        waiting += [body.outputs for node in here for body in bodies(node)]
    return found


def names_in(node):
    """Op -> how often it stands in the body of a scan."""
    return {name: count for name, count in bodies(node)[0].summary().items() if name in OPS}


def contractions(nodes):
    return [node for node in nodes if not node.is_leaf and cost.products(node)]


def body_contractions(node):
    return len(contractions(bodies(node)[0].nodes))


def agree(slow, fast, tolerance=1e-12):
    for plain, quick in zip(evaluate_all(slow), evaluate_all(fast), strict=True):
        assert quick.dtype == plain.dtype
        assert quick.shape == plain.shape
        np.testing.assert_allclose(quick, plain, rtol=tolerance, atol=tolerance)


# All rules together -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", NETS)
def test_values_stay(name):
    outputs = NETS[name]()
    agree(outputs, optimize_loops(outputs))
    simple = ng.simplify(outputs)
    agree(outputs, optimize_loops(simple))


@pytest.mark.parametrize("seed", range(20))
def test_values_stay_for_steps_made_at_random(seed):
    """Carries and rows picked from a random expression; the second derivatives for every other one."""
    w, pick = Weights(), np.random.default_rng(seed)
    x, starts = w(int(pick.integers(0, 4)), 2, INPUTS), tuple(w(2, HIDDEN) for _ in range(int(pick.integers(1, 4))))
    into, over, bias, scale = w(INPUTS, HIDDEN), w(HIDDEN, HIDDEN), w(HIDDEN), w()
    ways = [
        lambda a, b: a @ over, lambda a, b: ng.tanh(a), lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - bias, lambda a, b: ng.relu(a),
        lambda a, b: scale * a, lambda a, b: ng.softmax(a), lambda a, b: a @ over.T + b, lambda a, b: ng.concat([a[:, :1], b[:, 1:]], axis=1),
        lambda a, b: ng.sum(a, axis=0) * b, lambda a, b: ng.silu(a) + ng.mean(b, axis=1, keepdims=True), lambda a, b: (a.T @ b)[:1] * a,
    ]  # fmt: skip
    plan = pick.integers(0, 1000, (int(pick.integers(2, 10)), 3))
    carried, put_out = pick.integers(0, 1000, len(starts)), pick.integers(0, 1000, int(pick.integers(0, 3)))

    def step(carry, piece):
        values = [*carry, piece @ into]
        for way, a, b in plan:
            values.append(ways[way % len(ways)](values[a % len(values)], values[b % len(values)]))
        return tuple(0.5 * values[at % len(values)] for at in carried), tuple(values[at % len(values)] for at in put_out)

    last, rows = ng.scan(step, starts, x, reverse=bool(seed % 3))
    loss = sum((ng.sum(ng.square(node)) for node in (*last, *rows)), ng.constant(0.0))
    outputs = with_gradients(loss, w)
    if seed % 2:
        along = sum((ng.sum(ng.sin(g)) for g in outputs[1:]), ng.constant(0.0))
        outputs += ng.gradient(along, w.all)
    for fast in (optimize_loops(outputs), optimize_loops(ng.simplify(outputs))):
        agree(outputs, fast, 1e-11)


def test_single_precision_stays_single():
    outputs = lstm(dtype=np.float32)
    fast = optimize_loops(outputs)
    assert {node.dtype for node in fast} == {np.dtype(np.float32)}
    agree(outputs, fast, 2e-5)


@pytest.mark.parametrize("simple", [False, True])
def test_the_loops_of_an_lstm_hold_one_product_each(simple):
    outputs = ng.simplify(lstm()) if simple else lstm()
    fast = optimize_loops(outputs)
    forward, backward = scans(fast)
    for node in (forward, backward):
        assert body_contractions(node) == 1
    assert {"sigmoid", "tanh"} <= names_in(forward).keys()
    assert not {"sigmoid", "tanh", "unslice", "sum"} & names_in(backward).keys()
    # Before the loops one product with W; after them the gradients of x, W and U; the bias has a sum.
    outside = contractions(order(fast))
    assert len(outside) == 4
    assert [node.shape for node in outside if node.op.name == "matmul"] == [(4 * EXAMPLES, 4 * HIDDEN)]
    carries, elements, rows = backward.params["layout"]
    assert (carries, rows, len(bodies(backward)[0].outputs)) == (2, 1, 3)
    # dh of the row, c before, σ(f), σ(i), tanh(g), σ(o), tanh(c)
    assert elements == 7
    assert forward.params["layout"][1] == 1


def test_the_same_structure_however_long_the_loop():
    sizes = {tuple(len(node.inputs) for node in scans(optimize_loops(lstm(steps)))) for steps in (2, 5, 50)}
    assert len(sizes) == 1


@pytest.mark.parametrize(("name", "inside"), [("gru", [3, 3]), ("plain", [1, 1]), ("plain, relu", [1, 1]), ("one example", [1, 1])])
def test_products_left_in_the_loops(name, inside):
    assert [body_contractions(node) for node in scans(optimize_loops(NETS[name]()))] == inside


def test_nothing_is_left_of_a_loop_without_carries():
    assert not scans(optimize_loops(only_sums()))


def test_a_graph_without_loops_is_handed_back():
    x = ng.input("x", [1.0, 2.0])
    assert optimize_loops([x * 2.0, x])[1] is x
    nodes = [ng.sum(x), x]
    assert all(new is old for new, old in zip(optimize_loops(nodes), nodes))


def test_the_graph_that_was_given_stays_and_the_new_one_is_not_differentiated():
    outputs = lstm()
    before = [node.serial for node in order(outputs)]
    fast = optimize_loops(outputs)
    assert [node.serial for node in order(outputs)] == before
    leaf = next(node for node in order(fast) if node._name == "w1")
    with pytest.raises(GradientError, match="no longer keeps the carries"):
        ng.gradient(fast[0], [leaf])


def test_a_scan_asked_for_as_a_whole_stays():
    last, hs = ng.scan(lambda h, x: (ng.tanh(h + x), h), 0.0, ng.input("x", [1.0, 2.0]))
    whole, part = optimize_loops([last.inputs[0], hs])
    for new, old in zip(whole.value, last.inputs[0].value, strict=True):
        np.testing.assert_array_equal(new, old)
    np.testing.assert_array_equal(part.value, hs.value)


def test_places_stay_with_the_nodes():
    weights = ng.parameter("W", np.eye(2))
    with ng.scope("cell"):
        last, states = ng.scan(lambda h, x: (ng.tanh(x @ weights + h), h), ng.constant(np.zeros(2)), np.ones((3, 2)))
    for new, old in zip(optimize_loops([states, last]), [states, last], strict=True):
        assert (new.scope, new.site) == (old.scope, old.site)
        assert (new.inputs[0].scope, new.inputs[0].site) == (old.inputs[0].scope, old.inputs[0].site)


def test_named_sizes_stay_named():
    steps, count = ng.Size("T", 3), ng.Size("N", 2)
    x, w = ng.input("x", np.ones((3, 2, 5)), shape=(steps, count, 5)), ng.parameter("w", 0.1 * np.ones((5, 4)))
    last, hs = ng.scan(lambda h, piece: (ng.tanh(piece @ w + h), h), ng.constant(np.zeros((2, 4))), x)
    fast = optimize_loops([hs, *ng.gradient(ng.sum(last), [w])])
    product = next(node for node in order(fast) if node.op is not None and node.op.name == "matmul")
    assert product.shape[0].text == "T·N"


# One rule at a time -------------------------------------------------------------------------------------------------
def test_taking_apart_and_putting_together_changes_nothing():
    for name in ("lstm", "nested", "passed on"):
        outputs = NETS[name]()
        again = put_together(take_apart(outputs))
        agree(outputs, again, 0)
        assert len(scans(again)) == len(scans(outputs))


def test_keep_hands_on_what_was_computed():
    outputs = plain(head=False)
    region = take_apart(outputs)
    keep.apply(region)
    agree(outputs, put_together(region))
    forward, backward = region.loops
    backward_nodes = order(backward.results)
    assert not [node for node in backward_nodes if node.op is not None and node.op.name == "tanh"]
    # tanh is a row already, because the loss reads it: no new row but the carry that the weights' gradient needs.
    assert [value.op.name for value in forward.rows.values() if value.op is not None] == ["tanh"]


def test_keep_prefers_one_sum_to_its_two_terms():
    """relu asks for the sign of x·W + h·U + b: that sum is kept, not the two products."""
    region = take_apart(plain(activation=ng.relu, head=False))
    keep.apply(region)
    forward, backward = region.loops
    new = [value for value in forward.rows.values() if value.op is not None and value.op.name == "add"]
    assert len(new) == 1
    # What stays are the products of the way back: two weights' gradients, dx and dh.
    assert len(contractions(order(backward.results))) == 4


def test_keep_draws_no_random_number_twice():
    fast = optimize_loops(noisy())
    forward, backward = scans(fast)
    assert {"uniform", "normal"} <= names_in(forward).keys()
    assert not {"uniform", "normal", "tanh"} & names_in(backward).keys()
    # Of the mask only true and false are kept.
    assert bool in [hole.dtype.type for hole in bodies(backward)[0].inputs] or np.bool_ in [
        hole.dtype.type for hole in bodies(backward)[0].inputs
    ]


def test_keep_has_a_limit(monkeypatch):
    monkeypatch.setattr(keep, "KEPT_LIMIT", 1)
    outputs = lstm()
    fast = optimize_loops(outputs)
    agree(outputs, fast)
    assert "tanh" in names_in(scans(fast)[1])


def test_second_derivatives_share_too():
    counts = [names_in(node).get("tanh", 0) for node in scans(optimize_loops(second_order()))]
    assert counts[0] == 1
    assert not any(counts[1:])


def test_hoist_leaves_large_products_in_the_loop(monkeypatch):
    monkeypatch.setattr(hoist, "LARGE", 4 * EXAMPLES * HIDDEN - 1)
    outputs = lstm()
    fast = optimize_loops(outputs)
    agree(outputs, fast)
    assert body_contractions(scans(fast)[0]) == 2


def test_hoist_computes_once_what_all_steps_share():
    """Differentiating makes new expressions of the fixed values inside the body."""
    a, x = ng.parameter("a", np.array([0.3, 0.2])), ng.input("x", np.ones((3, 2)))
    region = take_apart([ng.scan(lambda h, piece: (h * piece + piece, None), a, x)[0]])
    (loop,) = region.loops
    fixed = loop.constant(a)
    (hole,) = loop.nexts
    loop.nexts[hole] = loop.nexts[hole] * ng.exp(ng.sin(fixed))
    slow = put_together(region)
    hoist.apply(loop)
    fast = put_together(region)
    agree(slow, fast)
    assert not {"exp", "sin"} & names_in(scans(fast)[0]).keys()


def test_hoist_takes_the_table_out():
    fast = optimize_loops(tokens())
    for node in scans(fast):
        assert not {"embedding", "take", "gather", "scatter_add"} & names_in(node).keys()
        assert body_contractions(node) == 0


def test_sink_computes_scores_after_the_loop():
    fast = optimize_loops(plain())
    for node in scans(fast):
        assert "softmax" not in names_in(node)


def test_sink_stacks_nothing_for_a_small_product():
    """h·v with one number per example is no work: stacking h for it would cost more than it saves."""
    w = Weights()
    x, v, u = w(4, EXAMPLES, HIDDEN), w(HIDDEN, 1), w(HIDDEN, HIDDEN)
    last, ys = ng.scan(lambda h, piece: (ng.tanh(piece + h @ u), h @ v), ng.constant(np.zeros((EXAMPLES, HIDDEN))), x)
    fast = optimize_loops([last, ys])
    agree([last, ys], fast)
    assert body_contractions(scans(fast)[0]) == 2


def test_sums_of_products_with_one_moving_value_add_up_the_value():
    """Σ_t (g_t·W) = (Σ_t g_t)·W."""
    w = Weights()
    context, over, x = w(EXAMPLES, HIDDEN), w(HIDDEN, HIDDEN), w(4, EXAMPLES, HIDDEN)
    region = take_apart([ng.scan(lambda h, piece: (ng.tanh(h + piece), None), context, x)[0]])
    (loop,) = region.loops
    (hole,) = loop.nexts
    total = ng.input("total", shape=(EXAMPLES, HIDDEN))
    loop.sums[total] = loop.nexts[hole] * 2.0 @ loop.constant(over)
    region.outputs.append(total)
    slow = put_together(region)
    for port, node in sink.apply(loop).items():
        region.substitute({port: node})
    fast = put_together(region)
    agree(slow, fast)
    assert body_contractions(scans(fast)[0]) == 0


def test_drop_removes_carries_that_lead_nowhere():
    fast = optimize_loops(passed_on())
    for node in scans(fast):
        assert node.params["layout"][0] == 1
    (count,) = scans(optimize_loops(without_elements()[-2:]))
    assert count.params["layout"] == [1, 0, 1]


def test_a_collecting_carry_is_a_sum():
    """A loss added up in the carry: its terms are computed after the loop, all at once."""
    w = Weights()
    x, start, over, out = w(4, EXAMPLES, HIDDEN), w(EXAMPLES, HIDDEN), w(HIDDEN, HIDDEN), w(HIDDEN, 9)

    def step(carry, piece):
        h, loss, count = carry
        h = ng.tanh(piece + h @ over)
        return (h, loss + ng.sum(ng.square(h @ out)) + ng.sum(h), count + 1), None

    (h, loss, count), _ = ng.scan(step, (start, 1.0, 3), x)
    outputs = [*with_gradients(loss + ng.sum(h), w), count]
    fast = optimize_loops(outputs)
    agree(outputs, fast)
    forward, backward = scans(fast)
    assert forward.params["layout"][0] == backward.params["layout"][0] == 1
    assert body_contractions(forward) == body_contractions(backward) == 1


def test_a_running_total_that_is_read_stays_a_carry():
    x = ng.input("x", np.arange(4.0))
    last, totals = ng.scan(lambda total, piece: (total + piece, total), 1.0, x)
    outputs = [last, totals, ng.scan(lambda total, piece: (total + piece * total, None), 1.0, x)[0]]
    fast = optimize_loops(outputs)
    agree(outputs, fast)
    assert [node.params["layout"][0] for node in scans(fast)] == [1, 1]


def test_elements_are_added_up_in_the_loop():
    total, _ = ng.scan(lambda total, piece: (total + piece, None), 1.0, ng.input("x", np.arange(4.0)))
    (fast,) = optimize_loops([total])
    agree([total], [fast])
    assert scans([fast])[0].params["layout"] == [0, 1, 0]


def test_what_is_the_same_in_every_step_leaves_the_loop_with_its_own_loop():
    small, large = scans(optimize_loops(unchanging()[:1]))
    assert set(names_in(small)) == {"sin"}
    assert "scan" not in names_in(large)


def test_a_repeated_element_is_a_fixed_value():
    fast = optimize_loops(lstm(wanted="sum"))
    assert scans(fast)[1].params["layout"][1] == 6
    shapes = [node.shape for node in order(fast) if node.op is not None and node.op.name == "broadcast"]
    assert (4, EXAMPLES, HIDDEN) not in shapes


def test_nested_loops_keep_within_the_step():
    outputs = nested()
    fast = optimize_loops(outputs)
    forward = scans(fast)[0]
    assert max(len(shape) for shape in forward.shape) == 3  # one state for each outer step, none for the inner ones
    assert sum(names_in(node).get("tanh", 0) for node in all_scans(fast)) == 2  # forward, and run again for its step


# What the rules stand on --------------------------------------------------------------------------------------------
def _examples():
    for op in OPS.values():
        for at, example in enumerate(op.examples):
            yield pytest.param(op, example, id=f"{op.name}-{at}")


@pytest.mark.parametrize(("op", "example"), list(_examples()))
def test_an_op_on_all_steps_is_the_op_on_each(op, example):
    """Whatever says that it can work on all steps at once gives each step's value, for every choice of operands that
    change with the step."""
    rng = np.random.default_rng(8)
    sets = [example.arrays(rng) for _ in range(3)]
    count = len(example.shapes)
    known = 0
    for chosen in range(1, 2**count):
        moving = [bool(chosen >> at & 1) for at in range(count)]
        values = [[(each if moves else first) for each, first, moves in zip(one, sets[0], moving)] for one in sets]
        each = [op.apply(tuple(ng.constant(value) for value in row), dict(op.params) | dict(example.params)) for row in values]
        operands = [ng.constant(np.stack([row[at] for row in values]) if moves else sets[0][at]) for at, moves in enumerate(moving)]
        together = steps.on_all_steps(each[0], operands, moving, 3)
        if together is not None:
            known += 1
            np.testing.assert_allclose(together.value, np.stack([node.value for node in each]), rtol=1e-13, atol=1e-13)
        total = steps.summed_over_steps(each[0], operands, moving, 3)
        if total is not None:
            np.testing.assert_allclose(total.value, np.sum([node.value for node in each], axis=0), rtol=1e-12, atol=1e-13)
    if op.scalar is not None or op.index is not None:
        assert known == 2**count - 1  # fmt: skip


def test_cheap_and_dear():
    x, w = ng.input("x", np.ones((2, 2))), ng.input("w", np.ones((2, 2)))
    for node in (x * w + 1.0, ng.relu(x), x.T, x[0], ng.concat([x, w]), ng.where(x > 0, x, w), x / w, ng.dropout(x)):
        assert cost.cheap(node)
    for node in (x @ w, ng.exp(x), ng.silu(x), ng.sum(x), ng.softmax(x), x**w, ng.uniform(2), ng.embedding(x, np.array([1]))):
        assert not cost.cheap(node)
    assert cost.products(x @ w) == 8
    assert cost.products(x * w) == cost.products(ng.sum(x)) == cost.products(x) == 0


def test_the_cheapest_cut(rng):
    """Against trying all sets, on random graphs."""
    for _ in range(30):
        nodes = [ng.constant(float(at)) for at in range(7)]
        operands = {node: [other for other in nodes[:at] if rng.random() < 0.4] for at, node in enumerate(nodes)}
        weights = {node: int(rng.integers(0, 6)) for node in nodes}
        targets = {node for node in nodes if rng.random() < 0.3} | {nodes[-1]}

        def separates(chosen, operands=operands, targets=targets):
            reached = set()
            for node, sources in operands.items():
                if node not in chosen and (not sources or any(source in reached for source in sources)):
                    reached.add(node)
            return not reached & targets

        best = min(
            sum(weights[node] for node in some)
            for some in ([node for at, node in enumerate(nodes) if bits >> at & 1] for bits in range(2**7))
            if separates(some)
        )
        found = cut.cheapest_cut(operands, weights, targets)
        assert separates(found)
        assert sum(weights[node] for node in found) == best
