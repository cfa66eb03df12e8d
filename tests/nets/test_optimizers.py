"""Optimizers: each rule against the formula of its paper and against PyTorch's numbers, L-BFGS against scikit-learn's optimum."""

from __future__ import annotations

import re
import sys
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import ParameterError
from nngraph.nets import optimizers

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


def adamw(w, g, kept, t):
    """On a matrix of one number: the shrinking stands beside Adam's step and is not divided by the root of v."""
    return adam(w, g, kept, t) - 0.2 * 0.3 * w


RULES = {
    nets.SGD(0.1): lambda w, g, kept, t: w - 0.1 * g,
    nets.Momentum(0.1): momentum,
    nets.Nesterov(0.1): nesterov,
    nets.AdaGrad(0.5): adagrad,
    nets.RMSProp(0.1): rmsprop,
    nets.AdaDelta(): adadelta,
    nets.Adam(0.2): adam,
}


# Rosenbrock's valley from (−1.2, 1), 25 steps, the place in a matrix of one row; numbers of torch.optim 2.13.
TORCH = {
    nets.SGD(1e-3): [-1.0096108620081228, 1.0273050469638234],
    nets.Momentum(1e-3, momentum=0.8): [-0.83433207401739, 0.688022723400444],
    nets.Nesterov(1e-3, momentum=0.8): [-0.8657722799767585, 0.7576010885045419],
    nets.AdaGrad(0.1): [-1.0489485844007893, 1.1065709952050657],
    nets.RMSProp(0.02, keep=0.95): [-1.045808848998969, 1.0999960169248495],
    nets.AdaDelta(0.5, keep=0.9): [-1.161323220422512, 1.0390293867686926],
    nets.Adam(0.05): [-1.009029274907482, 1.0980543708585917],
    nets.AdamW(0.05, decay=0.1): [-0.9242522836155492, 0.9246453837598714],
    nets.SGD(1e-3, decay=0.5): [-1.0016834208675693, 1.0118625645872996],
    nets.Adam(0.05, decay=0.5): [-1.002363709459434, 1.083666232488108],
    nets.SGD(0.05, clip=1.5): [-0.9479711787756682, 0.9968339380496638],
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


@pytest.mark.parametrize("engine", ENGINES)
def test_adamw_is_that_of_its_paper(engine):
    path = trained(nets.AdamW(0.2, decay=0.3), engine, 20, [[1.0]])
    assert np.ravel(path) == pytest.approx(by_hand(adamw, 20), rel=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("optimizer", TORCH, ids=str)
def test_the_numbers_are_those_of_pytorch(optimizer, engine):
    w = ng.parameter("w", [[-1.2, 1.0]])
    x, y = w[0, 0], w[0, 1]
    loss = nets.surfaces["rosenbrock"].f(x, y)
    step = ng.compile(loss, updates=optimizer.updates({"w": w}, ng.gradient(loss, [w])), engine=engine)
    for _ in range(25):
        step()
    # PyTorch adds 1e-6 to the length by which it clips.
    assert w.value.ravel() == pytest.approx(TORCH[optimizer], rel=1e-10 if optimizer.clip is None else 1e-6)


def test_every_optimizer_is_compared_and_says_its_rule_and_source():
    public = {each for each in vars(optimizers).values() if isinstance(each, type) and issubclass(each, nets.Optimizer)}
    assert {type(each) for each in TORCH} == public - {nets.Optimizer}
    for each in [*public - {nets.Optimizer}, nets.LBFGS]:
        assert "p ← p − " in each.__doc__, each
        assert re.search(r"[A-Z][a-z]+\s+(19|20)\d\d,", each.__doc__), each


def test_adam_corrects_the_bias_of_its_first_step():
    # Without the correction the first step would be α·0.1/√0.001 = 3.2 α; with it, it is α.
    assert trained(nets.Adam(0.25), "numpy", 1)[0] == pytest.approx(1.25, abs=1e-6)


def test_adamw_shrinks_matrices_apart_from_the_gradient():
    plain, shrunk = (trained(rule, "numpy", 1, np.ones((2, 2)))[0] for rule in (nets.Adam(0.1), nets.AdamW(0.1, decay=0.5)))
    assert shrunk == pytest.approx(plain - 0.1 * 0.5)
    assert trained(nets.AdamW(0.1, decay=0.5), "numpy", 1)[0] == pytest.approx(trained(nets.Adam(0.1), "numpy", 1)[0])


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
def test_gradients_that_explode_are_clipped_to_the_same_length(engine):
    # Their squares, 9e40 and 16e40, are no float32.
    w = ng.parameter("w", np.zeros(2, np.float32))
    loss = ng.sum(np.array([3e20, 4e20], np.float32) * w)
    ng.compile(loss, updates=nets.SGD(1.0, clip=0.5).updates({"w": w}, ng.gradient(loss, [w])), engine=engine)()
    assert w.value == pytest.approx([-0.3, -0.4], rel=1e-6)


def test_a_length_to_clip_by_is_above_0():
    with pytest.raises(ParameterError, match=r"^SGD\(clip=0\): a number that is above 0 is needed$"):
        nets.SGD(0.1, clip=0)
    with pytest.raises(ParameterError, match=r"^clip='x': a number that is above 0 is needed$"):
        optimizers.clipped([], "x")
    assert optimizers.clipped([], 1.0) == []


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nets.SGD(-1), "SGD(rate=-1): a number that is at least 0 is needed"),
        (lambda: nets.SGD(float("nan")), "SGD(rate=nan)"),
        (lambda: nets.SGD("a"), "SGD(rate='a')"),
        (lambda: nets.AdamW(decay=float("nan")), "AdamW(decay=nan)"),
        (lambda: nets.Momentum(momentum=2), "Momentum(momentum=2): a number that is at least 0 and below 1 is needed"),
        (lambda: nets.Nesterov(momentum=1.0), "Nesterov(momentum=1.0)"),
        (lambda: nets.Adam(beta1=1), "Adam(beta1=1)"),
        (lambda: nets.Adam(beta2=-0.1), "Adam(beta2=-0.1)"),
        (lambda: nets.RMSProp(keep=1.5), "RMSProp(keep=1.5)"),
        (lambda: nets.AdaDelta(epsilon=-1), "AdaDelta(epsilon=-1)"),
        (lambda: nets.AdaGrad(rate=True), "AdaGrad(rate=True)"),
        (lambda: nets.SGD(clip="x"), "SGD(clip='x')"),
        (lambda: nets.LBFGS(memory=2.5), "LBFGS(memory=2.5): a whole number from 1 up is needed"),
        (lambda: nets.LBFGS(decay=-1), "LBFGS(decay=-1): a number that is at least 0 is needed"),
    ],
)
def test_every_setting_of_an_optimizer_has_its_range(make, said):
    with pytest.raises(ParameterError, match=f"^{re.escape(said)}"):
        make()


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
    # The numbers of StepLR, ExponentialLR and CosineAnnealingLR of torch.optim.lr_scheduler.
    assert rates(nets.step_decay(1.0, 3, 0.3), 3, 4, 7, 9) == pytest.approx([1.0, 0.3, 0.09, 0.09])
    assert rates(nets.exponential_decay(1.0, 0.7), 1, 3, 5) == pytest.approx([1.0, 0.49, 0.2401])
    assert rates(nets.cosine_decay(1.0, 10, 0.1), 2, 4, 8) == pytest.approx(
        [0.9779754323328191, 0.8145033635316129, 0.2854966364683872]
    )


def test_a_warm_up_and_the_schedule_after_it():
    schedule = nets.warm_up(nets.cosine_decay(0.4, 20), 5)
    expected = [0.08, 0.16, 0.24, 0.32, 0.4, *(0.2 * (1 + np.cos(np.pi * np.arange(20) / 20)))]
    assert [float(schedule(ng.constant(float(t))).value) for t in range(1, 26)] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nets.step_decay(0.1, every=0), "step_decay(every=0): a whole number from 1 up is needed"),
        (lambda: nets.step_decay(0.1, 2, factor=-1), "step_decay(factor=-1): a number that is above 0 is needed"),
        (lambda: nets.step_decay(float("nan"), 2), "step_decay(rate=nan): a number that is at least 0 is needed"),
        (lambda: nets.exponential_decay("a", 0.5), "exponential_decay(rate='a')"),
        (lambda: nets.exponential_decay(0.1, float("inf")), "exponential_decay(factor=inf)"),
        (lambda: nets.cosine_decay(0.1, 0), "cosine_decay(steps=0)"),
        (lambda: nets.cosine_decay(0.1, 5, least=-1), "cosine_decay(least=-1)"),
        (lambda: nets.warm_up(0.1, 0), "warm_up(steps=0)"),
        (lambda: nets.warm_up(0.1, 1.5), "warm_up(steps=1.5)"),
        (lambda: nets.warm_up(-0.1, 2), "warm_up(rate=-0.1)"),
        (lambda: nets.inverse_time_decay(0.1, 0.0), "inverse_time_decay(slowness=0.0): a number that is above 0 is needed"),
    ],
)
def test_schedules_refuse_what_is_no_rate(make, said):
    with pytest.raises(ParameterError, match=re.escape(said)):
        make()


@pytest.mark.parametrize("optimizer", [*RULES, nets.AdamW(0.2)], ids=lambda each: type(each).__name__)
def test_a_rule_can_be_explained_and_drawn(optimizer):
    w, g, memory = ng.parameter("w", 1.0), ng.input("g", 4.0), nets.Memory()
    new = optimizer.updates({"w": w}, [g], memory)[w]
    for leaf in memory.states.values():
        leaf.value = 1.0
    leaves = {leaf.name for leaf in new.graph.nodes if leaf.is_leaf}
    assert {"w", "g", *(leaf.name for leaf in memory.states.values())} <= leaves
    derivation = ng.explain(new, wrt=[w, g])
    assert derivation.ok
    assert derivation.gradients["w"].value == pytest.approx(1.0)
    words = {"".join(each.itertext()) for each in ElementTree.fromstring(ng.draw(new, view="forward").svg()).iter()}
    assert {"w", "g", *(leaf.name for leaf in memory.states.values())} <= words


# L-BFGS ---------------------------------------------------------------------------------------------------------------
def two_classes(rows: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(rows, 4)).astype(np.float32).astype(np.float64)
    t = (X @ [1.0, -2.0, 0.5, 0.0] + rng.logistic(size=rows) > 0.3).astype(np.float64)
    return X, t


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("C", [np.inf, 0.05])
def test_lbfgs_reaches_the_optimum_of_scikit_learn(C, engine):
    from sklearn.linear_model import LogisticRegression

    X, t = two_classes()
    reference = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12).fit(X, t)
    unit = nets.LogisticRegression(4, dtype="float64")
    rule = nets.LBFGS(tolerance=1e-15, slope=1e-9, decay=1 / (C * len(X)))
    records = list(nets.train(unit, data=(X, t), epochs=100, optimizer=rule, engine=engine))
    W, b = unit.values().values()
    assert W[:, 0] == pytest.approx(reference.coef_[0], abs=1e-7)
    assert b == pytest.approx(reference.intercept_, abs=1e-7)
    assert [record.epoch for record in records] == list(range(1, len(records) + 1))
    assert [record.stopped for record in records] == [None] * (len(records) - 1) + ["converged"]
    losses = [record.loss for record in records]
    assert losses == sorted(losses, reverse=True)
    assert all(record.epochs == 100 and record.best and record.rate == 1.0 and record.seconds > 0 for record in records)


def test_lbfgs_goes_where_scipy_goes():
    from scipy.optimize import minimize, rosen, rosen_der

    places: list[list[float]] = []
    start = np.array([-1.2, 1.0])
    options = {"ftol": 1e-10, "gtol": 1e-6, "maxcor": 10}
    minimize(rosen, start, jac=rosen_der, method="L-BFGS-B", callback=lambda x: places.append(x.copy()), options=options)
    way = nets.trajectory(nets.surfaces["rosenbrock"], nets.LBFGS(), steps=60)
    assert way[: len(places) + 1] == pytest.approx(np.array([start, *places]), abs=1e-5)
    assert way[len(places) :] == pytest.approx(np.ones((61 - len(places), 2)), abs=1e-6)
    assert len(places) < 60


def test_lbfgs_leaves_frozen_parameters_alone():
    X, t = two_classes()
    net = nets.MLP([4, 6, 2], ng.tanh, rng=0)
    net.freeze("layer1/W")
    before = net.values()
    records = list(nets.train(net, ng.softmax_loss, (X, t.astype(int)), epochs=20, optimizer=nets.LBFGS()))
    after = net.values()
    assert (before["layer1/W"] == after["layer1/W"]).all()
    assert all((before[path] != after[path]).any() for path in before if path != "layer1/W")
    assert records[-1].loss < 0.45 < records[0].loss


def test_at_each_record_the_network_has_the_values_that_belong_to_it():
    X, t = two_classes()
    net = nets.MLP([4, 6, 2], ng.tanh, rng=0, dtype="float64")
    x, labels = X.astype(np.float32), t.astype(int)
    loss = ng.softmax_loss(net(x), labels)
    seen = 0
    for record in nets.train(net, ng.softmax_loss, (X, labels), epochs=8, optimizer=nets.LBFGS()):
        assert float(loss.value) == pytest.approx(record.loss, rel=1e-12)
        seen += 1
    assert seen == 8


def test_lbfgs_validates_measures_and_keeps_the_best():
    X, t = two_classes()
    labels = t.astype(int)
    net = nets.MLP([4, 40, 2], ng.tanh, rng=0)
    right = {"accuracy": lambda t, z: float((z.argmax(1) == t).mean())}
    rest = (X[60:], labels[60:])
    records = list(
        nets.train(
            net, ng.softmax_loss, (X[:60], labels[:60]), epochs=200, patience=6, validation=rest, metrics=right, optimizer=nets.LBFGS()
        )
    )  # fmt: skip
    best = min(records, key=lambda record: record.validation)
    assert records[-1].stopped == "patience"
    assert records[-1].epoch == best.epoch + 6
    loss = ng.softmax_loss(net(rest[0].astype(np.float32)), rest[1])
    assert float(loss.value) == pytest.approx(best.validation, rel=1e-6)
    assert 0.7 < best.metrics["accuracy"] <= 1.0


def test_ctrl_c_keeps_what_was_reached():
    X, t = two_classes()
    net = nets.MLP([4, 6, 2], ng.tanh, rng=0, dtype="float64")
    labels = t.astype(int)
    trainer = nets.LBFGSTrainer(net, ng.softmax_loss, (X, labels))
    compiled, calls = trainer.step, []

    def pressed(*arrays):
        calls.append(1)
        if len(calls) == 12:
            raise KeyboardInterrupt
        return compiled(*arrays)

    trainer.step = pressed
    records = list(trainer.run(50))
    assert records[-1].stopped == "interrupt"
    assert records[-1].epoch == records[-2].epoch > 3
    loss = ng.softmax_loss(net(X.astype(np.float32)), labels)
    assert float(loss.value) == pytest.approx(records[-1].loss, rel=1e-12)
    assert not [thread for thread in threading.enumerate() if thread.name == "L-BFGS"]


def test_who_stops_asking_keeps_the_values_of_the_last_record():
    X, t = two_classes()
    net = nets.MLP([4, 6, 2], ng.tanh, rng=0, dtype="float64")
    for record in nets.train(net, ng.softmax_loss, (X, t.astype(int)), epochs=50, optimizer=nets.LBFGS()):
        if record.epoch == 3:
            break
    loss = ng.softmax_loss(net(X.astype(np.float32)), t.astype(int))
    assert float(loss.value) == pytest.approx(record.loss, rel=1e-12)
    assert not [thread for thread in threading.enumerate() if thread.name == "L-BFGS"]


def test_an_error_in_the_loss_comes_out_as_it_is():
    unit = nets.LogisticRegression(4)
    X, t = two_classes()
    trainer = nets.LBFGSTrainer(unit, None, (X, t))
    trainer.step = lambda *arrays: 1 / 0
    with pytest.raises(ZeroDivisionError):
        list(trainer.run(5))


def test_a_start_that_is_the_minimum_says_so():
    x = ng.parameter("x", 3.0)
    (only,) = nets.LBFGS().minimize(ng.square(x - 3.0), {"x": x})
    assert (only.number, only.loss, only.ended) == (0, 0.0, "converged")
    assert float(x.value) == 3.0


def test_a_line_search_that_finds_nothing_lower_is_said():
    # Along −slope the function grows: the slope is told with the wrong sign.
    x = ng.parameter("x", 3.0)
    wrong = 2 * ng.stop_gradient(ng.square(x)) - ng.square(x)
    (only,) = nets.LBFGS().minimize(wrong, {"x": x})
    assert (only.number, only.loss, only.ended) == (0, 9.0, "line search")
    assert float(x.value) == 3.0


def test_a_training_that_is_stuck_says_so_once_more():
    X, t = two_classes()
    trainer = nets.LBFGSTrainer(nets.LogisticRegression(4), None, (X, t), optimizer=nets.LBFGS(tolerance=0.0, slope=0.0))
    records = list(trainer.run(500))
    assert records[-1].stopped in ("line search", "converged")
    assert [record.stopped for record in records[:-1]] == [None] * (len(records) - 1)
    assert records[-1].epoch - records[-2].epoch == (records[-1].stopped == "converged")


def test_lbfgs_follows_running_statistics_once_an_iteration():
    X, t = two_classes()
    net = nets.Sequential(nets.BatchNorm(4, keep=0.5), nets.Linear(4, 2, rng=0))
    records = list(nets.train(net, ng.softmax_loss, (X, t.astype(int)), epochs=3, optimizer=nets.LBFGS()))
    assert len(records) == 3
    assert net.values()["layer1/mean"] == pytest.approx(X.mean(0) * (1 - 0.5**3), abs=1e-6)


def test_lbfgs_refuses_what_it_cannot_do():
    X, t = two_classes()
    drawing = nets.Sequential(nets.Linear(4, 8), nets.Dropout(0.5), nets.Linear(8, 1))
    with pytest.raises(ParameterError, match="draws at random while it learns"):
        list(nets.train(drawing, ng.mean_squared_error, (X, t[:, None]), optimizer=nets.LBFGS()))
    with pytest.raises(ParameterError, match="batch=20: L-BFGS takes all 200 rows at once"):
        list(nets.train(nets.LogisticRegression(4), data=(X, t), batch=20, optimizer=nets.LBFGS()))
    with pytest.raises(ParameterError, match=r"LBFGS\(memory=0\): a whole number from 1 up"):
        nets.LBFGS(memory=0)
    with pytest.raises(ParameterError, match="no parameters to move"):
        nets.LBFGS().minimize(ng.constant(1.0), {})
    with pytest.raises(ParameterError, match="no single steps to compile"):
        nets.Trainer(nets.LogisticRegression(4), None, (X, t), optimizer=nets.LBFGS())


def test_without_scipy_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    x = ng.parameter("x", 1.0)
    with pytest.raises(ImportError, match=r'^L-BFGS comes with SciPy: pip install "nngraph\[learn\]"$'):
        list(nets.LBFGS().minimize(ng.square(x), {"x": x}))


# Surfaces -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("surface", nets.surfaces.values(), ids=nets.surfaces)
def test_a_surface_is_flat_at_its_minimum_and_higher_around_it(surface):
    leaves = surface.leaves(surface.minimum)
    height = surface.f(*leaves.values())
    assert [float(slope.value) for slope in ng.gradient(height, list(leaves.values()))] == pytest.approx([0, 0], abs=1e-12)
    turns = np.linspace(0, 2 * np.pi, 50)
    around = surface.height(surface.minimum[0] + 0.1 * np.cos(turns), surface.minimum[1] + 0.1 * np.sin(turns))
    assert (around > float(height.value)).all()
    for place in (surface.start, surface.minimum):
        assert all(low < each < high for each, (low, high) in zip(place, surface.window, strict=True))


def test_surfaces_are_those_of_their_formulas():
    from scipy.optimize import rosen

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 30))
    beale = (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2
    expected = {"valley": 0.5 * x**2 + 10 * y**2, "saddle": x**2 / 2 - y**2 / 2 + y**4 / 4, "beale": beale, "rosenbrock": rosen([x, y])}
    assert nets.surfaces.keys() == expected.keys()
    for name, heights in expected.items():
        assert nets.surfaces[name].height(x, y) == pytest.approx(heights, rel=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_trajectory_is_the_way_of_the_rule(engine):
    way = nets.trajectory(nets.surfaces["valley"], nets.SGD(0.05), 10, start=(2.0, 1.0), engine=engine)
    steps = np.arange(11)
    assert way == pytest.approx(np.stack([2 * 0.95**steps, 0.0**steps], 1), abs=1e-12)
    with pytest.raises(ParameterError, match="steps=0"):
        nets.trajectory(nets.surfaces["valley"], nets.SGD(), 0)
