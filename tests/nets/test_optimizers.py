"""Optimizers: each rule against the numbers of its paper's formula, and against each other where they meet."""

from __future__ import annotations

from collections.abc import Callable

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets

ENGINES = ("numpy", "numba")
State = dict[str, float]


def by_hand(rule: Callable[[float, float, State, int], float], steps: int) -> list[float]:
    """w after each step on the loss (w − 3)², by plain Python."""
    w, kept, path = 1.0, {}, []
    for t in range(1, steps + 1):
        w = rule(w, 2 * (w - 3), kept, t)
        path.append(w)
    return path


def follow(kept: State, name: str, change: Callable[[float], float]) -> float:
    kept[name] = change(kept.get(name, 0.0))
    return kept[name]


def momentum(w, g, kept, t):
    return w - 0.1 * follow(kept, "v", lambda v: 0.9 * v + g)


def nesterov(w, g, kept, t):
    return w - 0.1 * (g + 0.9 * follow(kept, "v", lambda v: 0.9 * v + g))


def adagrad(w, g, kept, t):
    return w - 0.5 * g / (follow(kept, "s", lambda s: s + g * g) ** 0.5 + 1e-10)


def rmsprop(w, g, kept, t):
    return w - 0.1 * g / (follow(kept, "s", lambda s: 0.9 * s + 0.1 * g * g) ** 0.5 + 1e-8)


def adadelta(w, g, kept, t):
    s, u = follow(kept, "s", lambda s: 0.95 * s + 0.05 * g * g), kept.get("u", 0.0)
    d = g * ((u + 1e-6) / (s + 1e-6)) ** 0.5
    kept["u"] = 0.95 * u + 0.05 * d * d
    return w - d


def adam(w, g, kept, t):
    m = follow(kept, "m", lambda m: 0.9 * m + 0.1 * g) / (1 - 0.9**t)
    v = follow(kept, "v", lambda v: 0.999 * v + 0.001 * g * g) / (1 - 0.999**t)
    return w - 0.2 * m / (v**0.5 + 1e-8)


RULES = {
    nets.SGD(0.1): lambda w, g, kept, t: w - 0.1 * g,
    nets.Momentum(0.1): momentum,
    nets.Nesterov(0.1): nesterov,
    nets.AdaGrad(0.5): adagrad,
    nets.RMSProp(0.1): rmsprop,
    nets.AdaDelta(): adadelta,
    nets.Adam(0.2): adam,
}


def trained(optimizer: nets.Optimizer, engine: str, steps: int, start: object = 1.0) -> list[np.ndarray]:
    w = ng.parameter("w", start)
    loss = ng.sum(ng.square(w - 3.0))
    step = ng.compile(loss, updates=optimizer.updates({"w": w}, ng.gradient(loss, [w])), engine=engine)
    path = []
    for _ in range(steps):
        step()
        path.append(w.value)
    return path


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("optimizer", RULES, ids=lambda each: type(each).__name__)
def test_the_rule_is_that_of_the_paper(optimizer, engine):
    assert trained(optimizer, engine, 20) == pytest.approx(by_hand(RULES[optimizer], 20), rel=1e-9)


def test_adam_corrects_the_bias_of_its_first_step():
    # Without the correction the first step would be α·0.1/√0.001 = 3.2 α; with it, it is α.
    assert trained(nets.Adam(0.25), "numpy", 1)[0] == pytest.approx(1.25, abs=1e-6)


def test_adamw_shrinks_matrices_apart_from_the_gradient():
    plain, shrunk = (trained(rule, "numpy", 1, np.ones((2, 2)))[0] for rule in (nets.Adam(0.1), nets.AdamW(0.1, shrink=0.5)))
    assert shrunk == pytest.approx(plain - 0.1 * 0.5)
    assert trained(nets.AdamW(0.1, shrink=0.5), "numpy", 1)[0] == pytest.approx(trained(nets.Adam(0.1), "numpy", 1)[0])


def test_decay_is_the_gradient_of_half_the_squares_of_matrices():
    moved = trained(nets.SGD(0.1, decay=0.5), "numpy", 1, np.full((1, 2), 2.0))[0]
    assert moved == pytest.approx(np.full((1, 2), 2.0 - 0.1 * (2 * (2.0 - 3.0) + 0.5 * 2.0)))
    assert trained(nets.SGD(0.1, decay=0.5), "numpy", 1, [2.0])[0] == pytest.approx([2.2])


def test_clipping_keeps_the_direction():
    a, b = ng.parameter("a", [1.0]), ng.parameter("b", [1.0])
    loss = ng.sum(3.0 * a + 4.0 * b)
    ng.compile(loss, updates=nets.SGD(1.0, clip=0.5).updates({"a": a, "b": b}, ng.gradient(loss, [a, b])))()
    assert (1 - a.value, 1 - b.value) == (pytest.approx([0.3]), pytest.approx([0.4]))


def test_clipping_leaves_short_and_zero_gradients_alone():
    for slope in (0.0, 0.25):
        w = ng.parameter("w", [1.0])
        loss = ng.sum(slope * w)
        ng.compile(loss, updates=nets.SGD(1.0, clip=0.5).updates({"w": w}, ng.gradient(loss, [w])))()
        assert w.value == pytest.approx([1 - slope])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_schedule_runs_inside_the_step(engine):
    path = trained(nets.SGD(nets.warm_up(nets.step_decay(0.1, every=2, factor=0.5), 4)), engine, 8)
    expected, w = [], 1.0
    for rate in (0.025, 0.05, 0.075, 0.1, 0.1, 0.1, 0.05, 0.05):
        w -= rate * 2 * (w - 3)
        expected.append(w)
    assert path == pytest.approx(expected, rel=1e-9)


def test_schedules_at_their_ends():
    def rates(schedule, *steps):
        return [float(ng.cast(schedule(ng.constant(float(t))), dtype="float64").value) for t in steps]

    assert rates(nets.cosine_decay(1.0, 100, 0.1), 1, 51, 101, 500) == pytest.approx([1.0, 0.55, 0.1, 0.1])
    assert rates(nets.exponential_decay(1.0, 0.5), 1, 2, 4) == pytest.approx([1.0, 0.5, 0.125])
    assert rates(nets.inverse_time_decay(1.0, 10), 1, 11, 31) == pytest.approx([1.0, 0.5, 0.25])


def test_an_optimizer_can_be_explained():
    w = ng.parameter("w", 1.0)
    loss = ng.square(w - 3.0)
    new = nets.Momentum(0.1).updates({"w": w}, ng.gradient(loss, [w]))[w]
    assert "w" in {leaf.name for leaf in new.graph.nodes if leaf.is_leaf}
    assert ng.explain(new, wrt=[w]).ok
