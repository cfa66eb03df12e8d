"""Loops made fast: all rules together keep all values on every kind of recurrent net, and leave in the loop only what belongs
there."""

from __future__ import annotations

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import GradientError
from nngraph.autograd.graph import bodies, order
from nngraph.autograd.loops import optimize_loops

from .recurrent_nets import (
    EXAMPLES,
    HIDDEN,
    INPUTS,
    NETS,
    Weights,
    agree,
    body_contractions,
    contractions,
    lstm,
    names_in,
    only_sums,
    scans,
    with_gradients,
)


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
