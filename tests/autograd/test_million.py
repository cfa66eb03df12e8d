"""A chain of a million nodes: built, differentiated, evaluated, summarised and freed, without recursion and at a flat cost per node."""

import gc
import sys
import weakref

import nngraph as ng
import pytest
from nngraph.autograd.engines.numpy import evaluate_all
from nngraph.autograd.graph import order

LONG = 1_000_000


def chain(x, h, count):
    y = x
    for step in range(count):
        y = y * h if step % 2 else y + x
    return y


def closed_form(x, h, count):
    """Value of the chain and its slope by x, by the recurrence itself."""
    y, dy = x, 1.0
    for step in range(count):
        y, dy = (y * h, dy * h) if step % 2 else (y + x, dy + 1.0)
    return y, dy


@pytest.mark.slow
def test_a_million_nodes():
    assert sys.getrecursionlimit() < 100_000
    x, h = ng.input("x", 1.5), ng.parameter("h", 0.5)
    y = chain(x, h, LONG)
    (slope,) = ng.gradient(y, [x])
    value, found = evaluate_all([y, slope])
    expected, expected_slope = closed_form(1.5, 0.5, LONG)
    assert float(value) == pytest.approx(expected, rel=1e-12)
    assert float(found) == pytest.approx(expected_slope, rel=1e-12)
    assert y.graph.summary() == {"add": LONG // 2, "mul": LONG // 2, "input": 1, "parameter": 1}
    watched = weakref.ref(y), weakref.ref(slope), weakref.ref(y.inputs[0])
    gc.disable()
    try:
        del y, slope
        assert [each() for each in watched] == [None, None, None]
    finally:
        gc.enable()


def test_a_deep_graph_is_simplified_and_substituted_without_recursion():
    x, h = ng.input("x", 1.5), ng.parameter("h", 0.5)
    y = ng.exp(1.0 * chain(x, h, 50_000))
    short = ng.simplify(y)
    assert len(order(short)) < len(order(y))
    f = ng.compile(y, [x])
    assert float(f(1.5)) == pytest.approx(float(y.value), rel=1e-12)
    assert ng.find_nonfinite(y) is None


def test_a_wide_fan_out_is_linear():
    x = ng.input("x", 2.0)
    total = x
    for _ in range(20_000):
        total = total + x * x
    assert float(ng.gradient(total, [x])[0].value) == 1.0 + 4.0 * 20_000


def calls_per_node(count):
    """How many function calls building, differentiating and evaluating take per node: a count, so the machine's load is no part of it."""
    x, h = ng.input("x", 1.5), ng.parameter("h", 0.5)
    calls = {"build": 0, "gradient": 0, "evaluate": 0}
    stage = "build"

    def counted(frame, event, argument):
        if event in ("call", "c_call"):
            calls[stage] += 1

    sys.setprofile(counted)
    try:
        y = chain(x, h, count)
        stage = "gradient"
        slope = ng.gradient(y, [x])
        stage = "evaluate"
        evaluate_all([y, *slope])
    finally:
        sys.setprofile(None)
    return {name: number / count for name, number in calls.items()}


def test_the_work_per_node_is_flat():
    # Seconds, which also feel the processor's caches and the collector, are printed by tests/bench/engine.py.
    small, large = calls_per_node(1_000), calls_per_node(30_000)
    for name, calls in large.items():
        assert calls == pytest.approx(small[name], rel=0.05), name
