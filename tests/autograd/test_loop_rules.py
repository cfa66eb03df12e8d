"""Loops made fast, one rule at a time: what is kept, taken out, computed afterwards or dropped."""

from __future__ import annotations

import nngraph as ng
import numpy as np
from nngraph.autograd.graph import bodies, order
from nngraph.autograd.loops import hoist, keep, optimize_loops, sink
from nngraph.autograd.loops.loop import put_together, take_apart

from .recurrent_nets import (
    EXAMPLES,
    HIDDEN,
    NETS,
    Weights,
    agree,
    all_scans,
    body_contractions,
    contractions,
    lstm,
    names_in,
    nested,
    noisy,
    passed_on,
    plain,
    scans,
    second_order,
    tokens,
    unchanging,
    with_gradients,
    without_elements,
)


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
