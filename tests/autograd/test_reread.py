"""Results read in place of operands: the same values, and nobody asks for the operand any more."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.numpy import evaluate_all
from nngraph.autograd.graph import order
from nngraph.autograd.op import OPS
from nngraph.autograd.reread import reread

ENDS = np.array([-np.inf, -2.0, -1e-300, -0.0, 0.0, 1e-300, 2.0, np.inf, np.nan])


def asked(nodes):
    return [node.inputs[0] for node in order(nodes) if node.op is OPS["greater"]]


@pytest.mark.parametrize(
    "f",
    [ng.relu, ng.leaky_relu, lambda x: ng.leaky_relu(x, slope=0.0), ng.elu],
    ids=["relu", "leaky", "flat", "elu"],
)
def test_slopes_are_read_from_results(f):
    x = ng.input("x", ENDS)
    y = f(x)
    both = [y, *ng.gradient(ng.sum(y), [x])]
    after = reread(both)
    assert asked(both) == [x]
    assert asked(after) == [y]
    for one, other in zip(evaluate_all(both), evaluate_all(after), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.keeps_sign], ids=lambda op: op.name)
def test_the_sign_is_kept_where_it_is_said_to_be(op):
    for number in (0.0, 0.3, 1.0, 7.0):
        params = dict.fromkeys(op.params, number)
        assert op.keeps_sign(params)
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(op(ENDS, **params).value > 0, ENDS > 0)


def test_what_turns_the_sign_stays():
    x = ng.input("x", ENDS)
    y = ng.leaky_relu(x, slope=-1.0)
    both = [y, *ng.gradient(ng.sum(y), [x])]
    assert reread(both) == both


def test_other_questions_stay(rng):
    x = ng.input("x", rng.normal(size=5))
    before = x > 0
    nodes = [before, ng.relu(x), x > 1.0, ng.sin(x) > 0]
    assert reread(nodes) == nodes, "asked before the result was there, or something else asked"


def test_a_reduction_with_its_axes_and_without_is_computed_once(rng):
    x = ng.input("x", rng.normal(size=(2, 3, 4)))
    for reduce in (ng.sum, ng.max, ng.min, ng.prod):
        y = ng.exp(x)
        nodes = [reduce(y, axis=(0, 2)), y - reduce(y, axis=(0, 2), keepdims=True), reduce(y, axis=1)]
        after = reread(nodes)
        assert [node.op.name for node in order(after) if not node.is_leaf].count(reduce.name) == 2
        assert after[2] is nodes[2]
        for one, other in zip(evaluate_all(nodes), evaluate_all(after), strict=True):
            np.testing.assert_array_equal(one, other)


def test_batch_normalization_sends_back_by_two_sums(rng):
    x = ng.input("x", rng.normal(size=(4, 3, 2)))
    scale, shift = (ng.input(name, rng.normal(size=3)) for name in "ab")
    g = ng.input("g", rng.normal(size=(4, 3, 2)))
    sent = ng.gradient(ng.sum(ng.batch_norm(x, scale, shift) * g), [x, scale, shift])
    after = reread(ng.simplify([OPS["batch_norm"].formula(x, scale, shift, axis=1, epsilon=1e-5), *sent]))
    sums = [node for node in order(after) if not node.is_leaf and node.op is OPS["sum"] and g in order(node)]
    assert len(sums) == 2
    for one, other in zip(evaluate_all(sent), evaluate_all(after[1:]), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
