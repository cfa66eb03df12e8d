"""Plans: what is fused, written in place or run as an epilogue still gives what the numpy engine gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nngraph as ng
import numpy as np
import pytest

RNG = np.random.default_rng(7)


def both(make: Callable[[], tuple[list[Any], dict[Any, Any]]], steps: int = 2) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Outputs of a few calls and the leaves afterwards, from each engine."""
    found = []
    for engine in ("numpy", "numba"):
        outputs, updates = make()
        step = ng.compile(outputs, updates=updates, engine=engine)
        found.append([np.array(each) for _ in range(steps) for each in step()] + [np.array(leaf.value) for leaf in updates])
    return found[0], found[1]


def agree(make: Callable[[], tuple[list[Any], dict[Any, Any]]]) -> None:
    for first, second in zip(*both(make), strict=True):
        np.testing.assert_allclose(second, first, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("size", [3, 40])
def test_a_vector_met_with_itself_each_with_each_is_no_diagonal(size):
    def make():
        x = ng.parameter("x", np.arange(1.0, size + 1))
        e = x * x
        points = ng.reshape(x, shape=(size, 1)) * np.ones((1, 3))
        squares = ng.sum(points * points, axis=1)
        return [e[:, None] - e[None, :], squares[:, None] + squares[None, :] - 2 * points @ points.T], {}

    agree(make)


@pytest.mark.parametrize(
    "pick",
    [
        lambda b, x: ng.where(b.T > 0.5, b * 2, b),
        lambda b, x: ng.where(ng.max(b, axis=0) > 1, b, x),
        lambda b, x: ng.where(ng.sum(b) > 1, b, x),
        lambda b, x: ng.where(b[::-1] > b, b, x),
        lambda b, x: ng.where(b > ng.max(b, axis=0), b, x),
        lambda b, x: ng.where(b.T > 0.5, b, x) + ng.where(b > 1, x, b),
    ],
)
def test_a_comparison_that_needs_its_readers_group_first(pick):
    def make():
        x = ng.parameter("x", RNG.standard_normal((5, 5)))
        return [pick(ng.exp(x), x)], {}

    state = RNG.bit_generator.state
    RNG.bit_generator.state = state

    def same():
        RNG.bit_generator.state = state
        return make()

    agree(same)


def test_epilogues_do_not_overwrite_what_others_read_for_later_rows():
    n = 300
    x0, w0, b0 = (RNG.standard_normal((n, n)) for _ in range(3))

    def turned():
        x, v, w = ng.parameter("x", x0), ng.parameter("v", b0), ng.parameter("w", w0)
        k = x @ v
        return [k + w.T], {w: w - 0.1 * k}

    def several():
        x, v, b = ng.parameter("x", x0), ng.parameter("v", w0), ng.parameter("b", b0)
        k = x @ v
        return [k, k + b.T, ng.sin(k * b) @ x], {}

    agree(turned)
    agree(several)


def test_loops_whose_carry_becomes_another_carry():
    def fibonacci():
        one = ng.parameter("one", 1.0)
        (a, b), seen = ng.scan(lambda carry, _: ((carry[1], carry[0] + carry[1]), carry[0]), (one, one * 1.0), length=9)
        return [a, b, seen], {}

    def gradient():
        w, xs = ng.parameter("w", 0.7), ng.parameter("xs", np.linspace(0.1, 1, 6))
        (h, s), ys = ng.scan(lambda c, x: ((c[1], ng.tanh(w * c[0] + x)), c[0] * c[1]), (w * 0.5, w * 1.5), xs)
        loss = h * s + ng.sum(ys)
        return [loss, *ng.gradient(loss, [w, xs])], {}

    agree(fibonacci)
    agree(gradient)


def test_pieces_of_an_update_wait_for_the_readers_of_the_old_value():
    def make():
        w = ng.parameter("w", np.arange(6.0) / 6)
        return [ng.sum(w)], {w: ng.concat([ng.exp(-w[3:]), ng.tanh(w[:3])])}

    def carry():
        w = ng.parameter("w", np.arange(6.0) / 6)
        last, _ = ng.scan(lambda c, _: (ng.concat([ng.exp(-c[3:]), ng.tanh(c[:3])]), None), w * 1.0, length=3)
        return [last], {}

    agree(make)
    agree(carry)


def test_class_numbers_in_a_narrow_dtype():
    def make():
        t = ng.input("t", np.array([0, 44, 255], np.uint8))
        return [ng.one_hot(t, classes=300)], {}

    agree(make)


def test_floats_as_unsigned_whole_numbers():
    def make():
        x = ng.parameter("x", np.array([-1.2, 0.0, 3.9, 250.5, 4e9, 2.0**63]))
        return [ng.cast(x[:4], dtype="uint32"), ng.cast(x[1:], dtype="uint64")], {}

    agree(make)


def test_many_threads_give_what_one_gives(monkeypatch):
    w0 = RNG.standard_normal((512, 512)) / 30

    def run():
        w, x = ng.parameter("w", w0), ng.parameter("x", w0 + 1)
        last, _ = ng.scan(lambda h, _: (ng.tanh(h @ w) + ng.sin(h), None), x * 1.0, length=12)
        step = ng.compile([last], engine="numba")
        return [step()[0] for _ in range(8)]

    monkeypatch.setenv("NNGRAPH_THREADS", "1")
    (first, *others) = run()
    assert all(np.array_equal(first, other) for other in others)
    monkeypatch.setenv("NNGRAPH_THREADS", "4")
    assert all(np.array_equal(first, other) for other in run())


def test_what_cannot_be_put_into_memory_is_refused():
    from nngraph.autograd.engines.compiled.calls import View
    from nngraph.autograd.engines.compiled.planning.builder import Builder
    from nngraph.autograd.engines.compiled.words import Steps
    from nngraph.autograd.errors import NngraphError
    from nngraph.autograd.kernels.loops import Fold

    plan, steps = Builder(), Steps()
    source, wide = plan.new((1 << 17, 4), "float64"), plan.new((8,), "float64")
    apart = View(wide.buffer, wide.dtype, (4,), (2,))
    folded = steps.add(Fold("+", steps.read("float64"), (0,), "float64"))
    with pytest.raises(NngraphError, match="lie apart"):
        plan.nest((1 << 17, 4), [(source, (4, 1))], steps, [(folded, apart, (0, 2), True)], "")
    assert not plan.calls
    with pytest.raises(NngraphError, match="read after"):
        steps.read("float64")
