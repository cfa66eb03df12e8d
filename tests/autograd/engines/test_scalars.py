"""Graphs of single numbers as tapes: the numpy engine is the reference, bit for bit where only + − × ÷ are used."""

import threading
import weakref
from itertools import pairwise

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.compiled.scalars.plan import ScalarPlan, plan_of
from nngraph.autograd.engines.long import LONG
from nngraph.autograd.engines.numpy import evaluate_all
from nngraph.autograd.errors import MissingValue
from nngraph.autograd.executable import report_of
from nngraph.autograd.graph import order
from nngraph.autograd.op import OPS
from nngraph.autograd.vocabulary import WORDS


def both(outputs, wrt=(), fewest=0):
    """What the tape gives and what the numpy engine gives, for the outputs and the gradients of the first."""
    plan = plan_of(outputs, wrt, fewest)
    assert plan is not None
    slopes = ng.gradient(outputs[0], wrt) if wrt else ()
    return plan(), evaluate_all([*outputs, *slopes])


def assert_same(outputs, wrt=(), fewest=0):
    found, expected = both(outputs, wrt, fewest)
    for a, b in zip(found, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_array_equal(a, b)
        assert np.signbit(a) == np.signbit(b) or np.isnan(a) or a.dtype == bool


def assert_near(outputs, wrt=(), units=32):
    found, expected = both(outputs, wrt)
    for a, b in zip(found, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        near = np.finfo(outputs[0].dtype)
        np.testing.assert_allclose(a, b, rtol=units * near.eps, atol=units * near.tiny)


SCALAR = [op for op in OPS.values() if op.scalar is not None]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("op", SCALAR, ids=lambda op: op.name)
def test_every_scalar_op_gives_what_numpy_gives(op, dtype):
    rng = np.random.default_rng(1)
    wrt, terms = [], []
    for example in op.examples:
        columns = [np.resize(array, 6) for array in example.arrays(rng, dtype)]
        for row in zip(*columns):
            values = [value if value.dtype == bool else value.astype(dtype) for value in row]
            leaves = [ng.input(f"x{i}", value) for i, value in enumerate(values)]
            wrt += [leaf for leaf in leaves if leaf.dtype == dtype]
            terms.append(op(*leaves, **example.params))
    total = ng.input("t", np.array(0.5, dtype))
    for weight, term in enumerate(terms, 1):
        total = ng.where(term, -total, total * weight) if term.dtype == bool else total + term * weight
    assert_near([total, *terms], wrt)


SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.75, 2.0, -3.0, 1e300, -1e-300, 710.0, -750.0, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("word", WORDS)
def test_every_word_gives_what_numpy_gives_at_the_ends(word):
    op = next(op for op in OPS.values() if op.scalar is not None and ng.autograd.op.word_of(op) == word)
    leaves = [ng.input(f"x{i}", value) for i, value in enumerate(SPECIAL)]
    if len(op.inputs) == 1:
        nodes = [op(a) for a in leaves]
    elif len(op.inputs) == 2:
        nodes = [op(a, b) for a in leaves for b in leaves]
    else:
        nodes = [op(ng.less(a, b), a, b) for a in leaves for b in leaves]
    found, expected = both(nodes)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=32 * np.finfo(np.float64).eps, atol=1e-307)


def test_composites_are_opened():
    x, y = ng.input("x", 0.7), ng.input("y", -0.3)
    assert_near([ng.gelu(x) * y + ng.gelu(y, approximate=True)], [x, y])


WAYS = (
    lambda a, b, c: a + b, lambda a, b, c: a - b, lambda a, b, c: a * b, lambda a, b, c: -a, lambda a, b, c: a * 0.5,
    lambda a, b, c: a + b * c, lambda a, b, c: a - b * c, lambda a, b, c: ng.relu(a), lambda a, b, c: ng.maximum(a, b),
    lambda a, b, c: ng.where(a > b, b, c), lambda a, b, c: 0.5 * a - b - c, lambda a, b, c: a / 2.0,
    lambda a, b, c: a * a, lambda a, b, c: a + a, lambda a, b, c: -a + b * b + (c - -a),
)  # fmt: skip


def random_graph(rng, count, dtype):
    """Sums, products and choices of whatever is there already, also of one operand twice."""
    leaves = [ng.input(f"x{i}", rng.normal(), dtype=dtype) for i in range(6)]
    nodes = [*leaves, ng.constant(np.array(0.5, dtype))]
    for _ in range(count):
        recent = [nodes[-1 - min(int(rng.exponential(6.0)), len(nodes) - 1)] for _ in range(3)]
        nodes.append(WAYS[rng.integers(len(WAYS))](*recent))
    return nodes, leaves


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(20))
def test_arithmetic_is_the_same_to_the_last_bit(seed, dtype):
    nodes, leaves = random_graph(np.random.default_rng(seed), 60, dtype)
    assert_same([nodes[-1], *nodes[-20:]], [*leaves, nodes[10], nodes[10]])


def test_sums_keep_the_order_of_rounding():
    rng = np.random.default_rng(0)
    leaves = [ng.input(f"x{i}", value) for i, value in enumerate(rng.normal(size=40) * 10.0 ** rng.integers(-8, 9, 40))]
    plain, mixed, backward = leaves[0], leaves[0] * leaves[1], leaves[0]
    for i, (a, b) in enumerate(pairwise(leaves)):
        plain = plain + a
        ways = (mixed + a * b, a * b + mixed, mixed - a, mixed + -b, mixed + b)
        mixed = ways[i % 5]
        backward = a - backward * b
    shared = plain + 1.0
    assert_same([plain + mixed * backward + shared * shared, plain, mixed, backward, shared], leaves)


def test_a_gradient_may_depend_on_constants():
    leaves = [ng.parameter(f"x{i}", value) for i, value in enumerate((0.5, 1.5, 2.5))]
    total = sum(x**exponent for x in leaves for exponent in (0, 1, 2, 2, 3, 0.5, -1.0))
    total = total + sum(base**x for x in leaves for base in (2.0, 0.0, -2.0)) + sum(3.0 / x for x in leaves)
    assert_near([total], leaves)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_powers_of_what_is_not_finite(dtype):
    bases, exponents = (
        [ng.input(f"{name}{at}", np.array(value, dtype)) for at, value in enumerate(values)]
        for name, values in (
            ("x", [-np.inf, np.inf, np.nan, 0.0, -0.0, -1.0, 1.0]),
            ("y", [0.5, -0.5, 2, 3, -1, -2, 0, 1, 1.5, np.inf, -np.inf, np.nan]),
        )
    )
    with np.errstate(all="ignore"):
        assert_same([x**y for x in bases for y in exponents])


def test_params_tell_nodes_apart():
    x = ng.parameter("x", -2.0)
    total = sum(ng.leaky_relu(x * k, slope=0.1 * k) + ng.clip(x, low=-float(k)) for k in range(1, 5))
    assert_near([total], [x])


def test_what_the_output_does_not_depend_on_gets_zero():
    x, y = ng.parameter("x", 2.0), ng.parameter("y", 3.0)
    assert_same([x * x + ng.step(y)], [y, x])
    assert_same([x], [x, y])


def test_values_may_be_given_for_one_run():
    x, w = ng.input("x"), ng.parameter("w", 2.0)
    plan = ScalarPlan([w * x, x > w], [w])
    with pytest.raises(MissingValue, match=r"input 'x'.*x\.value = "):
        plan()
    value, truth, slope = plan({x: np.array(3.0)})
    assert (float(value), bool(truth), float(slope)) == (6.0, True, 3.0)
    x.value = 1.0
    assert [float(each) for each in plan()] == [2.0, 0.0, 1.0]
    w.value = -1.0
    assert [float(each) for each in plan()] == [-1.0, 1.0, 1.0]
    assert [float(each) for each in plan({w: np.array(5.0)})] == [5.0, 0.0, 1.0]
    assert [float(each) for each in plan()] == [-1.0, 1.0, 1.0]


def test_it_applies_to_long_graphs_of_single_numbers_of_one_dtype():
    def chain(x, op=lambda y: y * 0.5):
        for _ in range(1200):
            x = op(x)
        return x

    assert plan_of([chain(ng.input("x", 1.0))]) is not None
    assert plan_of([chain(ng.input("x", np.float32(1.0)))]) is not None
    assert plan_of([ng.input("x", 1.0) * 2.0]) is None
    assert plan_of([chain(ng.input("x", [1.0, 2.0]))]) is None
    assert plan_of([ng.sum(chain(ng.input("x", [1.0, 2.0])))]) is None
    assert plan_of([chain(ng.input("x", 1), lambda y: y + 1)]) is None
    assert plan_of([ng.cast(chain(ng.input("x", 1.0)), "float32") * ng.input("y", np.float32(1.0))]) is None
    assert plan_of([chain(ng.input("x", 1.0)) * ng.input("k", 2)]) is None


def test_threads_do_not_meet():
    x, w = ng.input("x", 1.0), ng.parameter("w", 0.999)
    y = x
    for _ in range(3000):
        y = y * w + x
    plan = ScalarPlan([y], [w])
    expected = {value: [float(each) for each in plan({x: np.array(value)})] for value in (1.0, 2.0, 3.0)}
    wrong = []

    def work(value):
        for _ in range(200):
            found = [float(each) for each in plan({x: np.array(value)})]
            if found != expected[value]:
                wrong.append((value, found))

    threads = [threading.Thread(target=work, args=(value,)) for value in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def micrograd_like(count):
    x, w, b = ng.input("x", 0.5), ng.parameter("w", 0.9), ng.parameter("b", 0.1)
    y = x
    for step in range(count):
        y = ng.tanh(w * y + b) if step % 3 else ng.relu(y * w + x) - b * 0.5
    return y, x, [w, b]


def test_value_and_backward_of_long_graphs_run_as_tapes():
    y, x, parameters = micrograd_like(LONG // 3)
    assert len(order(y)) > LONG
    expected, *slopes = evaluate_all([y, *ng.gradient(y, parameters)])
    y.backward()
    assert isinstance(y._value[0], ScalarPlan)
    np.testing.assert_allclose(y.value, expected, rtol=1e-12)
    for parameter, slope in zip(parameters, slopes):
        np.testing.assert_allclose(parameter.grad, slope, rtol=1e-11)
        assert not parameter.grad.flags.writeable
    assert not y.value.flags.writeable
    x.value = 0.25
    changed, *slopes = evaluate_all([y, *ng.gradient(y, parameters)])
    np.testing.assert_allclose(y.value, changed, rtol=1e-12)
    y.backward()
    np.testing.assert_allclose(parameters[0].grad, slopes[0], rtol=1e-11)


def test_a_plan_made_for_the_value_serves_the_gradient():
    y, _, parameters = micrograd_like(LONG // 3)
    value = y.value
    kept = y._value[0]
    assert isinstance(kept, ScalarPlan)
    y.backward()
    assert y._value[0] is kept
    np.testing.assert_array_equal(y.value, value)
    (slope,) = evaluate_all(ng.gradient(y, parameters[:1]))
    np.testing.assert_allclose(parameters[0].grad, slope, rtol=1e-11)


def test_a_plan_is_small_and_holds_no_node():
    y, _, parameters = micrograd_like(3000)
    plan = ScalarPlan([y], parameters)
    assert plan.bytes / len(order(y)) < 150
    watched = weakref.ref(y.inputs[0])
    del y
    assert watched() is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_compile_runs_long_graphs_of_single_numbers_as_tapes(dtype):
    def step_of(engine):
        x, w, b = (
            ng.input("x", dtype=dtype),
            ng.parameter("w", np.array(0.4, dtype)),
            ng.parameter("b", np.array(0.1, dtype)),
        )
        y = x
        for at in range(500):
            y = y * w + b if at % 2 else ng.relu(y - 0.25 * x) + 0.125
        loss = (y - 1.0) ** 2
        slopes = ng.gradient(loss, [w, b])
        step = ng.compile(
            [loss, w], [x], {leaf: leaf - 0.125 * slope for leaf, slope in zip((w, b), slopes)}, engine=engine
        )
        return step, (w, b)

    (step, leaves), (reference, expected) = step_of("numba"), step_of("numpy")
    assert "words on single numbers" in str(step.plan.explain())
    for at in range(5):
        for found, wanted in zip(step(0.5 + at), reference(0.5 + at)):
            np.testing.assert_allclose(found, wanted, rtol=64 * np.finfo(dtype).eps)
            assert (found.dtype, found.shape) == (wanted.dtype, ())
    for leaf, wanted in zip(leaves, expected):
        np.testing.assert_allclose(leaf.value, wanted.value, rtol=64 * np.finfo(dtype).eps)
    leaves[0].value = 0.25
    expected[0].value = 0.25
    np.testing.assert_allclose(step(1.0), reference(1.0), rtol=64 * np.finfo(dtype).eps)


def test_compile_takes_truth_values_and_short_graphs_elsewhere():
    x = ng.input("x")
    y = x
    for _ in range(1200):
        y = y * 0.999
    assert "words on single numbers" not in str(ng.compile([y, y > 0], [x], engine="numba").plan.explain())
    assert [float(each) for each in ng.compile([y * 0.0, y > 0], [x], engine="numba")(1.0)] == [0.0, 1.0]


def test_a_report_shows_the_tape_that_runs() -> None:
    x = ng.input("x", 0.5)
    y = x
    for _ in range(600):
        y = ng.tanh(y) * 1.5
    step = ng.compile(y, [x], engine="numba")
    told = report_of("numba", [y], {}, [x], ["y"])
    assert [each.kernel for each in told] == [each.kernel for each in step.plan]
    assert len(told) == 3
    assert report_of("numpy", [y], {}, [x], ["y"]).engine == "numpy"
