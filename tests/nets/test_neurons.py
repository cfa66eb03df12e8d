"""Single neurons: gates, the perceptron within its bound, regression beside scikit-learn, gradients by nudging."""

from __future__ import annotations

import re

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import ParameterError, ShapeError
from nngraph.nets import data

CORNERS = [[0, 0], [0, 1], [1, 0], [1, 1]]


@pytest.mark.parametrize(
    ("name", "truth"), [("and", [0, 0, 0, 1]), ("or", [0, 1, 1, 1]), ("nand", [1, 1, 1, 0]), ("nor", [1, 0, 0, 0])]
)
def test_gates_are_threshold_units(name, truth):
    assert nets.gate(name)(CORNERS).value.ravel().tolist() == truth


def test_not_and_exclusive_or():
    assert nets.gate("not")([[0], [1]]).value.ravel().tolist() == [1, 0]
    assert nets.ExclusiveOr()(CORNERS).value.ravel().tolist() == [0, 1, 1, 0]
    with pytest.raises(ParameterError, match=r"no gate 'xor'.*no single unit is XOR"):
        nets.gate("xor")


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_the_rule_changes_weights_by_rate_times_error_times_input(engine):
    rng = np.random.default_rng(0)
    X, t = rng.normal(size=(30, 3)), rng.integers(0, 2, 30)
    W, b, mistakes = np.zeros(3), 0.0, 0
    steps = list(nets.perceptron_steps(X, t, rate=0.3, epochs=2, engine=engine))
    assert len(steps) == 60
    for step in steps:
        x, target = X[step.row], t[step.row]
        y = float(x @ W + b > 0)
        W, b, mistakes = W + 0.3 * (target - y) * x, b + 0.3 * (target - y), mistakes + (y != target)
        assert (step.y, step.t, step.mistakes) == (y, target, mistakes)
        assert step.weights == pytest.approx(W, abs=1e-12)
        assert step.bias == pytest.approx(b, abs=1e-12)


def test_the_rule_is_gradient_descent_on_the_perceptron_loss():
    rng = np.random.default_rng(1)
    unit = nets.ThresholdUnit(4, start=nets.normal(1.0), rng=2, dtype="float64")
    leaves, x = unit.parameters(), ng.constant(rng.normal(size=(1, 4)))
    t = ng.constant(1 - unit(x).value)  # a mistake, so that something moves
    rule = nets.perceptron_updates(unit, x, t, 0.5)
    slopes = ng.gradient(nets.perceptron_loss(unit.linear(x), t), list(leaves.values()))
    descent = nets.SGD(0.5).updates(leaves, slopes)
    for leaf in leaves.values():
        assert rule[leaf].value == pytest.approx(descent[leaf].value, abs=1e-12)
        assert (rule[leaf].value != leaf.value).any()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rate", [0.1, 1.0])
def test_the_perceptron_stays_within_its_bound(seed, rate):
    from sklearn.svm import LinearSVC

    clouds = data.blobs(80, classes=2, spread=0.25, seed=seed)
    steps = list(nets.perceptron_steps(clouds.X, clouds.t, rate, epochs=200))
    last = steps[-1]
    right = (clouds.X @ last.weights + last.bias > 0) == (clouds.t == 1)
    assert right.all()
    # The widest margin gives the smallest bound; its bias is one more weight, as in the bound.
    widest = LinearSVC(C=1e4, loss="hinge", max_iter=200_000).fit(clouds.X, clouds.t)
    bounds = [
        nets.perceptron_bound(clouds.X, clouds.t, line, bias).mistakes
        for line, bias in ((widest.coef_[0], widest.intercept_[0]), (last.weights, last.bias))
    ]
    assert 0 < last.mistakes <= bounds[0] <= bounds[1]


def test_the_bound_is_what_its_formula_says():
    X, t = np.array([[3.0, 0.0], [-1.0, 0.0]]), [1, 0]
    bound = nets.perceptron_bound(X, t, [1.0, 0.0], 0.0)
    assert (bound.radius, bound.margin) == pytest.approx((np.sqrt(10), 1.0))
    assert bound.mistakes == pytest.approx(10)
    with pytest.raises(nets.DataError, match="row 0 is not on its side"):
        nets.perceptron_bound(X, t, [-1.0, 0.0], 0.0)
    with pytest.raises(ShapeError, match=r"weights of shape \(3,\)"):
        nets.perceptron_bound(X, t, [1.0, 0.0, 0.0], 0.0)


def test_the_perceptron_never_ends_on_exclusive_or():
    steps = list(nets.perceptron_steps(CORNERS, [0, 1, 1, 0], epochs=50))
    assert len(steps) == 200
    mistakes = np.diff([0, *(step.mistakes for step in steps[3::4])])
    assert (mistakes > 0).all()


def test_what_a_perceptron_does_not_take():
    with pytest.raises(nets.DataError, match="t has 2 at row 1; a perceptron's targets are 0 and 1"):
        list(nets.perceptron_steps(CORNERS, [0, 2, 1, 0]))
    with pytest.raises(ShapeError, match=r"X \(rows, inputs\) and t \(rows,\), not \(4,\) and \(4,\)"):
        list(nets.perceptron_steps([1, 2, 3, 4], [0, 1, 1, 0]))


@pytest.mark.parametrize("rate", [0, -1.0, "fast", None, True, np.nan, np.inf])
def test_a_rate_is_a_number_above_zero(rate):
    with pytest.raises(ParameterError, match=r"perceptron_steps\(rate=.*\): it must be above 0"):
        list(nets.perceptron_steps(CORNERS, [0, 0, 0, 1], rate=rate))
    for learner in (nets.Perceptron(rate=rate), nets.Adaline(rate=rate)):
        with pytest.raises(ParameterError, match=f"{type(learner).__name__}\\(rate=.*\\): it must be above 0"):
            learner.fit(CORNERS, [0, 0, 0, 1])


def test_weights_and_bias_that_do_not_fit_each_other():
    for weights, bias in (([[1.0, 2.0], [3.0, 4.0]], [1, 2, 3]), (1.0, 0.0), ([1.0, 2.0], [1.0, 2.0])):
        with pytest.raises(ShapeError, match=r"ThresholdUnit\.of: weights \(.*\) with a bias \(.*\)"):
            nets.ThresholdUnit.of(weights, bias)


def test_adaline_moves_by_the_error_before_the_threshold():
    x, t = ng.constant([[1.0, -2.0]]), ng.constant([1.0])
    layer = nets.Linear(2, 1, start=nets.normal(1.0), rng=0, dtype="float64")
    slope, _ = ng.gradient(nets.adaline_loss(layer(x), t), [layer.W, layer.b])
    error = 1.0 - layer(x).value.item()
    assert -slope.value[:, 0] == pytest.approx(error * np.array([1.0, -2.0]))


def test_one_neuron_learns_the_price_of_a_house():
    from sklearn.linear_model import LinearRegression

    train, test = data.houses().split(0.25, seed=0)
    encoding = data.Encoding(train, "price", task="amounts")
    train, test = encoding(train), encoding(test)
    unit = nets.LinearRegression(3, dtype="float64")
    records = list(nets.train(unit, data=(train.X, train.t), epochs=400, batch=150, optimizer=nets.SGD(0.3)))
    assert records[-1].loss < records[0].loss / 100
    peer = LinearRegression().fit(train.X, train.t)
    assert unit.linear.W.value.ravel() == pytest.approx(peer.coef_.ravel(), rel=1e-6)
    assert unit.linear.b.value == pytest.approx(peer.intercept_, rel=1e-6)
    error = unit(test.X).value.ravel() - test.t.ravel()
    assert np.sqrt((error**2).mean()) < 17  # prices are given or taken 15


def test_a_step_of_the_neuron_is_the_mean_of_error_times_input():
    rng = np.random.default_rng(0)
    X, t = rng.integers(-9, 9, (6, 3)) / 4, rng.integers(-9, 9, 6) / 4  # training data are float32: these are exact
    unit = nets.LinearRegression(3, start=nets.normal(1.0), rng=1, dtype="float64")
    before, error = unit.values(), t - unit(X).value.ravel()
    list(nets.train(unit, data=(X, t), epochs=1, batch=6, optimizer=nets.SGD(0.25)))
    moved = unit.linear.W.value[:, 0] - before["linear/W"][:, 0]
    assert moved == pytest.approx(0.25 * (error[:, None] * X).mean(0), abs=1e-12)
    assert unit.linear.b.value - before["linear/b"] == pytest.approx(0.25 * error.mean(), abs=1e-12)


def test_logistic_regression_is_scikit_learns():
    from sklearn.linear_model import LogisticRegression

    (moons,) = data.standardized(data.moons(200, noise=0.4))
    unit = nets.LogisticRegression(2, dtype="float64")
    list(nets.train(unit, data=(moons.X, moons.t), epochs=400, batch=200, optimizer=nets.Adam(0.1)))
    peer = LogisticRegression(C=np.inf).fit(moons.X, moons.t)
    assert unit.linear.W.value[:, 0] == pytest.approx(peer.coef_[0], rel=1e-3)
    assert unit(moons.X).value[:, 0] == pytest.approx(peer.predict_proba(moons.X)[:, 1], abs=1e-3)
    # The odds are what is linear.
    p = unit(moons.X).value
    assert np.log(p / (1 - p)) == pytest.approx(unit.scores(ng.constant(moons.X)).value)


def test_targets_out_of_range_are_named():
    X = np.zeros((4, 2))
    with pytest.raises(nets.DataError, match="t has 2 at row 3; logistic regression takes 0 to 1"):
        nets.train(nets.LogisticRegression(2), data=(X, np.array([0, 1, 1, 2])))
    with pytest.raises(nets.DataError, match=r"t has -0\.5 at row 1"):
        nets.train(nets.LogisticRegression(2), data=(X, np.zeros(4)), validation=(X, np.array([0, -0.5, 0, 0])))
    with pytest.raises(ShapeError, match="class number 3 with 3 classes; they are numbered 0 to 2"):
        list(nets.train(nets.SoftmaxRegression(2, 3), data=(X, np.array([0, 1, 2, 3]))))


def test_softmax_regression_is_scikit_learns():
    from sklearn.linear_model import LogisticRegression

    (iris,) = data.standardized(data.iris())
    # Both pull the weights towards 0, else three flowers that can be parted let them grow without end.
    net = nets.SoftmaxRegression(4, 3, rng=0, dtype="float64")
    list(nets.train(net, data=(iris.X, iris.t), epochs=1500, batch=150, optimizer=nets.Momentum(0.2, decay=1 / 150)))
    peer = LogisticRegression(C=1.0, tol=1e-8, max_iter=1000).fit(iris.X, iris.t)
    assert net(iris.X).value == pytest.approx(peer.predict_proba(iris.X), abs=2e-3)


# Activation functions ---------------------------------------------------------------------------------------------------
FORMULAS = {
    "threshold": lambda x: (x > 0) * 1.0,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "ReLU": lambda x: np.maximum(x, 0),
    "leaky ReLU": lambda x: np.maximum(0.1 * x, x),
    "maxout": lambda x: np.maximum.reduce([-x - 1, 0.2 * x, x - 1]),
    "softmax": lambda x: np.exp(x) / (np.exp(x) + 2),
}


def test_the_page_has_every_function_with_what_it_is_good_for():
    page = nets.activation_functions()
    assert list(page) == list(FORMULAS)
    for each in page.values():
        assert list(each.remarks) == ["strengths", "weaknesses", "saturation"]
        assert all(len(sentence) > 6 for sentence in each.remarks.values())
        assert re.search(r"(19|20|18)\d\d", each.source)


@pytest.mark.parametrize("name", FORMULAS)
def test_curves_and_slopes_are_those_of_the_formulas(name):
    each, f, h = nets.activation_functions()[name], FORMULAS[name], 1e-6
    x = np.linspace(-4.03, 4.03, 60)  # no kink is hit
    assert each.values(x) == pytest.approx(f(x), abs=1e-12)
    assert each.slopes(x) == pytest.approx((f(x + h) - f(x - h)) / (2 * h), abs=1e-8)


def test_functions_saturate_where_the_page_says():
    page = nets.activation_functions()
    left, right = np.array(-8.0), np.array(8.0)
    flat = {name: (abs(each.slopes(left)) < 0.01, abs(each.slopes(right)) < 0.01) for name, each in page.items()}
    ends = {"threshold": (True, True), "sigmoid": (True, True), "tanh": (True, True), "ReLU": (True, False)}
    assert flat == ends | {"leaky ReLU": (False, False), "maxout": (False, False), "softmax": (True, True)}
    middle = np.linspace(-3, 3, 601)
    assert page["sigmoid"].slopes(middle).max() == pytest.approx(0.25)
    assert page["tanh"].slopes(middle).max() == pytest.approx(1.0)
    # What is said of softmax: with cross-entropy the slope by the score is p − t, however sure and wrong.
    z, t = ng.input("z", [-8.0, 0.0, 0.0]), ng.input("t", [1.0, 0.0, 0.0])
    (slope,) = ng.gradient(ng.softmax_loss(z, t), [z])
    assert slope.value[0] == pytest.approx(page["softmax"].values(left) - 1)
    assert slope.value[0] < -0.99


# Gradients by nudging ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_nudging_finds_the_gradients_of_backpropagation(engine):
    (iris,) = data.standardized(data.iris())
    net = nets.MLP([4, 5, 3], ng.tanh, rng=0, dtype="float64")
    steps = list(nets.compare_gradients(net, ng.softmax_loss, (iris.X, iris.t), rate=0.5, steps=8, engine=engine))
    assert max(step.difference for step in steps) < 1e-7
    assert steps[-1].loss < 0.6 * steps[0].loss
    # 4·5 + 5 + 5·3 + 3 numbers, two losses for each.
    assert {step.numerical.forward for step in steps} == {2 * 43}
    assert {(step.backpropagation.forward, step.backpropagation.backward) for step in steps} == {(1, 1)}


def test_learning_by_nudging_ends_where_gradient_descent_does():
    X, t = np.array(CORNERS, float), np.array([[0.0], [1.0], [1.0], [0.0]])
    nudged, descended = (nets.MLP([2, 4, 1], ng.tanh, rng=3, dtype="float64") for _ in range(2))
    list(nets.compare_gradients(nudged, ng.mean_squared_error, (X, t), rate=0.3, steps=30))
    list(nets.train(descended, ng.mean_squared_error, (X, t), epochs=30, batch=4, optimizer=nets.SGD(0.3)))
    for path, value in descended.values().items():
        assert nudged.values()[path] == pytest.approx(value, abs=1e-8), path


def test_nudging_leaves_the_parameters_as_they_were():
    net = nets.MLP([2, 3, 1], ng.tanh, rng=3, dtype="float64")
    before = {path: value.copy() for path, value in net.values().items()}
    x, t = ng.input("x", shape=(4, 2)), ng.input("t", shape=(4, 1))
    loss = ng.compile(ng.mean_squared_error(net(x), t), [x, t])

    def interrupted(*batch, calls=iter(range(5))):
        if next(calls) == 4:
            raise KeyboardInterrupt
        return loss(*batch)

    with pytest.raises(KeyboardInterrupt):
        nets.numerical_gradients(interrupted, net.parameters(), (np.array(CORNERS, float), np.ones((4, 1))))
    assert all((value == before[path]).all() for path, value in net.values().items())
    slopes = nets.numerical_gradients(loss, net.parameters(), (np.array(CORNERS, float), np.ones((4, 1))))
    assert {path: slope.shape for path, slope in slopes.items()} == {
        path: value.shape for path, value in before.items()
    }
    assert all((net.values()[path] == value).all() for path, value in before.items())
