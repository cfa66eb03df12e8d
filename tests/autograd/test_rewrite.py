"""Simplification: every identity keeps the value and makes the graph smaller; rewriting keeps names and never turns in a circle."""

import functools

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.numpy import evaluate_all
from nngraph.autograd.errors import NngraphError
from nngraph.autograd.graph import order, substitute
from nngraph.autograd.ops.arithmetic import add, mul, neg
from nngraph.autograd.rewrite import Rule, rewrite
from nngraph.autograd.simplify import RULES

SPECIAL = [-np.inf, -2.5, -0.0, 0.0, 1.0, 3.25, np.inf, np.nan]


def x():
    return ng.input("x", SPECIAL)


def y():
    return ng.input("y", SPECIAL[::-1])


def matrix(name="A", shape=(2, 3)):
    return ng.input(name, np.arange(1.0, 1 + np.prod(shape)).reshape(shape))


def apart(chosen, rows=False):
    """A sum of arrays of zeros, filled in three places that tile them: stretches of columns, or single rows."""
    if rows:
        places = [((at,), ng.input(f"r{at}", np.arange(at, at + 6.0))) for at in range(3)]
    else:
        places = [((slice(None), slice(start, stop)), matrix(f"A{start}", (4, stop - start))) for start, stop in ((0, 1), (1, 3), (3, 6))]
    terms = chosen(*(ng.unslice(piece, index=index, shape=(3 if rows else 4, 6)) for index, piece in places))
    return functools.reduce(lambda a, b: a + b, terms)


# Identity -> graphs in which it applies.
CASES = {
    "f(constants) = constant": lambda: [ng.exp(ng.constant(2.0)) * 3.0 - x(), ng.sum(ng.constant([1.0, 2.0]))],
    "x·1 = x": lambda: [x() * 1.0, 1.0 * x(), x() * ng.constant(np.ones((3, 1)))],
    "x·(−1) = −x": lambda: [x() * -1.0 + y(), ng.constant(-1.0) * x()],
    "x·0 = 0": lambda: [ng.exp(ng.input("z", [1.0, 2.0])) * 0.0 + ng.input("w", [3.0, 4.0])],
    "x + 0 = x": lambda: [x() + 0.0, 0.0 + x()],
    "x − 0 = x": lambda: [x() - 0.0],
    "0 − x = −x": lambda: [y() * (0.0 - x())],
    "x/1 = x": lambda: [x() / 1.0],
    "x/(−1) = −x": lambda: [y() + x() / -1.0],
    "x¹ = x": lambda: [x() ** 1.0],
    "x⁰ = 1": lambda: [ng.exp(x()) ** 0.0],
    "x^2 = x²": lambda: [x() ** 2.0],
    "x·x = x²": lambda: [(lambda z: z * z)(x())],
    "(−x)² = x²": lambda: [ng.square(-x())],
    "−(−x) = x": lambda: [-(-x())],
    "−(a − b) = b − a": lambda: [-(x() - y())],
    "a + (−b) = a − b": lambda: [x() + (-y()), (-x()) + y()],
    "a − (−b) = a + b": lambda: [x() - (-y())],
    "(−a) − b = −(a + b)": lambda: [-((-x()) - y())],
    "(−a)·b = −(a·b), (−a)/b = −(a/b)": lambda: [(-x()) * (-y()), -((-x()) / y()), y() - x() * (-y())],
    "c·(d·x) = (c·d)·x, −(c·x) = (−c)·x, (c·x)/d = (c/d)·x": lambda: [2.0 * (3.0 * x()), -(2.0 * x()), (3.0 * x()) / 4.0],
    "(c·x)·(d·y) = (c·d)·(x·y)": lambda: [(2.0 * x()) * (3.0 * y())],
    "(c·x)·y = c·(x·y)": lambda: [0.5 * ((2.0 * x()) * y())],
    "c·x + d·x = (c + d)·x": lambda: [(lambda z: 2.0 * z + 3.0 * z)(x()), (lambda z: z + z - (-0.5 * z))(x())],
    "c·x − d·x = (c − d)·x": lambda: [
        (lambda z: z - z)(ng.exp(ng.input("z", [1.0, 2.0]))),
        (lambda z: 3.0 * z - 2.0 * z)(ng.input("z", [1.0, 2.0])),
    ],
    "Σ(c·x) = c·Σx, Σ(−x) = −Σx": lambda: [2.0 * ng.sum(3.0 * matrix()), -ng.sum(-matrix(), axis=0)],
    "(xᵀ)ᵀ = x": lambda: [matrix().T.T, ng.transpose(matrix(), axes=(0, 1)), ng.transpose(ng.transpose(matrix("B", (2, 3, 4)), axes=(1, 2, 0)), axes=(1, 2, 0))],
    "x repeated to its own shape = x": lambda: [
        ng.broadcast(x(), shape=(8,)),
        ng.broadcast(ng.broadcast(x(), shape=(2, 8)), shape=(3, 2, 8)),
    ],
    "x arranged twice = x arranged once": lambda: [
        ng.reshape(ng.reshape(matrix(), shape=(6,)), shape=(3, 2)),
        ng.reshape(matrix(), shape=(2, 3)),
    ],
    "where(c, x, x) = x": lambda: [(lambda z: ng.where(y() > 0, z, z))(x())],
    "f(x repeated, y) = f(x, y)": lambda: [ng.broadcast(ng.input("s", 2.0), shape=(8,)) * x(), x() - ng.broadcast(ng.input("s", [2.0]), shape=(8,))],
    "x converted to its own type = x": lambda: [
        ng.cast(x(), dtype="float64"),
        ng.cast(ng.cast(ng.input("h", np.float32([1.5, 2.5])), dtype="float64"), dtype="float32"),
    ],
    "Σ over no axis = x": lambda: [ng.sum(ng.input("s", 3.0)), ng.sum(ng.input("s", [[3.0, 4.0]]), axis=0, keepdims=True)],
    "ΣΣx = Σx": lambda: [
        ng.sum(ng.sum(matrix("B", (2, 3, 4)), axis=1), axis=1),
        ng.sum(ng.sum(matrix("B", (2, 3, 4)), axis=1, keepdims=True), axis=2, keepdims=True),
    ],
    "ΣΣx = Σx, axes kept or not": lambda: [
        ng.reshape(ng.sum(ng.sum(matrix("B", (2, 3, 4)), axis=0), axis=1, keepdims=True), shape=(3,)),
    ],
    "Σ of n equal numbers = n·x": lambda: [
        ng.sum(ng.broadcast(ng.sum(x()), shape=(5,))),
        ng.sum(ng.broadcast(ng.input("c", [1.0, 2.0]), shape=(3, 4, 2)), axis=(0, 1)),
    ],
    "contraction of xᵀ = contraction of x, letters turned": lambda: [
        ng.einsum("nd,nk->dk", matrix("A", (3, 2)).T, matrix("B", (2, 4))),
        ng.einsum("ij,ij->", matrix("A", (3, 2)).T, matrix("B", (2, 3))),
    ],
    "x[:] = x, zeros filled everywhere with x = x": lambda: [
        ng.autograd.ops.slice(matrix(), index=(slice(0, 2), slice(None))),
        ng.unslice(matrix(), index=(slice(None), slice(None)), shape=(2, 3)),
    ],
    "x[0] of a single row = x arranged": lambda: [
        matrix("B", (1, 4))[0][:, None],
        ng.autograd.ops.slice(ng.reshape(matrix(), shape=(2, 1, 3)), index=(slice(None), 0, None, slice(None))),
    ],
    "x[a][b] = x[a then b]": lambda: [
        matrix("B", (6, 5, 4))[1:6, ::2, 1][::2, 1:],
        matrix("B", (6, 5, 4))[::-1, 1:4][1::-1, :, 2],
        matrix("B", (6, 5, 4))[2][:, 1:3],
        matrix("B", (6, 5, 4))[1:][3],
    ],
    "(parts joined)[inside one part] = part[…]": lambda: [
        ng.concat([matrix(), matrix("B", (2, 4))], axis=1)[:, 4:6],
        ng.concat([matrix(), matrix("B", (2, 4))], axis=1)[:, 3:],
        ng.concat([matrix(), matrix("B", (4, 3))])[3],
    ],
    "(x put at places)[the same places] = x": lambda: [
        ng.unslice(matrix(), index=(slice(1, 3), slice(0, 6, 2)), shape=(4, 6))[1:3, 0:6:2],
        ng.unslice(x(), index=(1,), shape=(3, 8))[1],
    ],
    "(a, b joined, c) joined = a, b, c joined": lambda: [
        ng.concat([matrix(), ng.concat([matrix("B"), matrix("C")]), matrix("D")]),
        ng.concat([matrix()], axis=1),
    ],
    "x[a:b] and x[b:c] joined = x[a:c]": lambda: [
        ng.concat(ng.split(matrix("B", (2, 8)), 4, axis=1), axis=1),
        (lambda z: ng.concat([z[1:2], z[2:5], y()[:1], y()[1:2]]))(x()),
    ],
    "zeros filled with x + zeros filled there with y = zeros filled with x + y": lambda: [
        apart(lambda a, b, c: (a, matrix("B", (4, 6)), ng.unslice(y()[:4, None], index=(slice(None), slice(0, 1)), shape=(4, 6)))),
        apart(lambda a, b, c: (ng.unslice(x()[2:], index=(1,), shape=(3, 6)), b), rows=True),
    ],
    "zeros filled at a:b + zeros filled at b:c = zeros filled at a:c": lambda: [
        apart(lambda a, b, c: (c, a, b)),
        apart(lambda a, b, c: (a, b)),
        apart(lambda a, b, c: (b, matrix("B", (4, 6)), c, a)),
        apart(lambda a, b, c: (c, b, a), rows=True),
    ],
    "(contraction)ᵀ = contraction, output letters turned": lambda: [ng.einsum("nd,nk->dk", matrix("A", (3, 2)), matrix("B", (3, 4))).T],
}


def measure(node):
    """How many ops, then how many leaves."""
    nodes = order(node)
    computed = sum(not each.is_leaf for each in nodes)
    return computed, len(nodes) - computed


def test_every_identity_has_a_case_and_a_proof():
    assert [rule.name for rule in RULES] and {rule.name for rule in RULES} == set(CASES)
    assert all(rule.proof for rule in RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_identity_keeps_the_value_and_shrinks_the_graph(rule):
    for before in CASES[rule.name]():
        changes = []
        after = ng.simplify(before, finite=rule.finite, changes=changes)
        assert rule in [change.rule for change in changes]
        assert after.shape == before.shape and after.dtype == before.dtype
        np.testing.assert_allclose(after.value, before.value, rtol=1e-14)
        # x·x and x² are one op each; every other identity saves an op or a leaf.
        assert measure(after) < measure(before) or rule.name == "x·x = x²" and measure(after) == measure(before)
        assert ng.simplify(after, finite=rule.finite) is after


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_identity_keeps_float32(rule):
    for before in CASES[rule.name]():
        narrow = {leaf: ng.input("n", leaf.value, dtype=np.float32) for leaf in order(before) if leaf.role == "input"}
        (graph,) = substitute([before], narrow)
        after = ng.simplify(graph, finite=rule.finite)
        assert after.dtype == graph.dtype
        np.testing.assert_allclose(after.value, graph.value, rtol=1e-6)


def test_what_may_not_be_finite_stays():
    z = ng.input("z", [np.inf, 1.0])
    assert np.isnan(ng.simplify(z * 0.0).value[0])
    assert np.isnan(ng.simplify(z - z).value[0])
    overflow = ng.exp(ng.constant(1000.0))
    assert ng.simplify(overflow) is overflow


def test_equal_nodes_become_one():
    a, b = x(), y()
    twice = ng.exp(a * b) - ng.sin(ng.exp(b * a))
    assert len(order(twice)) == 8 and len(order(ng.simplify(twice))) == 6
    np.testing.assert_array_equal(ng.simplify(twice).value, twice.value)


def test_equal_ops_with_other_params_stay_apart():
    a = matrix()
    y0, y1 = ng.simplify([ng.sum(a, axis=0), ng.sum(a, axis=1)])
    assert y0.shape == (3,) and y1.shape == (2,)


def test_named_constants_and_sizes_stay():
    n = ng.constant(ng.Size("N", 1))
    z = x() * n
    assert ng.simplify(z) is z
    half = ng.constant(1.0, name="half")
    assert ng.simplify(ng.constant(1.0) + half + half) is not None
    assert half in order(ng.simplify(ng.sin(half * x())))


def test_names_scopes_and_lines_survive():
    a, b = x(), y()
    with ng.scope("encoder"):
        hidden = (1.0 * a) * b
        other = -(-a) + (-b)
    new_hidden, new_other = ng.simplify([hidden, other])
    assert new_hidden is not hidden
    assert new_hidden.name == "hidden" and new_hidden.scope == "encoder"
    assert new_other.name == "other" and new_other.scope == "encoder"


def test_shared_factors_are_not_taken_apart():
    a, b, c = x(), y(), ng.input("c", SPECIAL)
    scaled = 2.0 * a
    outputs = [scaled * b, scaled * c]
    assert len(order(ng.simplify(outputs))) == len(order(outputs))


def test_the_gradient_of_a_layer_loses_its_ones():
    data, weights = ng.input("X", np.ones((4, 3))), ng.parameter("W", np.ones((3, 2)))
    loss = ng.sum(ng.square(data @ weights)) / 2.0
    (slope,) = ng.gradient(loss, [weights])
    short = ng.simplify(slope)
    np.testing.assert_allclose(short.value, slope.value)
    assert len(order(short)) < len(order(slope))


def test_integers_keep_their_arithmetic():
    k = ng.input("k", np.array([1, 2, 3]))
    for node in (k + k, k * k, 0 - k, k * -1, k * 1, k + 0):
        np.testing.assert_array_equal(ng.simplify(node).value, node.value)
        assert ng.simplify(node).dtype == node.dtype
    truth = ng.input("t", [True, False])
    both = truth + truth
    np.testing.assert_array_equal(ng.simplify(both).value, both.value)


def test_random_graphs_keep_their_values(rng):
    binary = [ng.add, ng.sub, ng.mul, ng.maximum]
    unary = [ng.neg, ng.square, ng.sin, ng.tanh]
    for _ in range(60):
        leaves = [ng.input(f"x{i}", rng.uniform(-1, 1, shape)) for i, shape in enumerate([(3, 2), (2,), (3, 1), ()])]
        nodes = [*leaves, ng.constant(1.0), ng.constant(0.0), ng.constant(-1.0), ng.constant(2.0)]
        for _ in range(25):
            if rng.random() < 0.65:
                a, b = (nodes[i] for i in rng.integers(len(nodes), size=2))
                nodes.append(binary[rng.integers(len(binary))](a, b))
            else:
                nodes.append(unary[rng.integers(len(unary))](nodes[rng.integers(len(nodes))]))
        total = ng.sum(ng.tanh(nodes[-1])) + ng.sum(ng.sin(nodes[-2]))
        outputs = [total, *ng.gradient(total, leaves)]
        for finite in (False, True):
            simpler = ng.simplify(outputs, finite=finite)
            assert len(order(simpler)) <= len(order(outputs))
            for one, other in zip(evaluate_all(outputs), evaluate_all(simpler), strict=True):
                np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-9)


def test_the_body_of_a_loop_is_simplified_too():
    start, weight = ng.input("start", 2.0), ng.parameter("weight", 0.5)
    last, rows = ng.scan(lambda carry, _: (1.0 * carry * weight + 0.0, -(-carry)), start, length=4)
    total = last + ng.sum(rows)
    outputs = [total, *ng.gradient(total, [start, weight])]
    simpler = ng.simplify(outputs)
    for one, other in zip(evaluate_all(outputs), evaluate_all(simpler), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-14)

    def inside(graph):
        return sum(len(order(node.params["body"].outputs)) for node in order(graph) if "body" in node.params)

    assert inside(simpler) < inside(outputs)


def test_a_long_chain_is_no_problem():
    z = start = ng.input("x", 2.0)
    for _ in range(20_000):
        z = -(z * 1.0)
    assert ng.simplify(z) is start


def test_rules_that_turn_in_a_circle_are_named():
    swap = Rule("a + b = b + a", "sums may be turned", (add,), lambda node, alone: add(node.inputs[1], node.inputs[0]))
    with pytest.raises(NngraphError, match="circle"):
        rewrite([x() + y()], [swap])


def test_an_own_rule_joins_in():
    rule = Rule("−x = (−1)·x", "by definition", (neg,), lambda node, alone: mul(-1.0, node.inputs[0]))
    (after,) = rewrite([-x()], [rule])
    assert after.op is mul
