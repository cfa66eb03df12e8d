"""Single neurons: gates, the perceptron within its bound, ADALINE, prices, odds, activation functions, and XOR."""

import re

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.nets import data


def values(derivation):
    return {name: np.asarray(found.value) for name, found in derivation.gradients.items()}


# 13 The threshold unit ----------------------------------------------------------------------------------------------------
def test_gates_and_exclusive_or_by_their_truth_tables(page):
    table = [line.split() for line in page("13").text.splitlines() if re.fullmatch(r"( *[01]){6}", line)]
    for first, second, *answers in (map(int, line) for line in table):
        assert answers == [first & second, first | second, 1 - (first & second), first ^ second]
    assert len(table) == 4
    assert "NOT   [1. 0.]" in page("13").text


def test_three_of_four_corners_are_right_for_either_part_and_four_for_both(page):
    names = page("13").names
    corners = names["corners"]
    right = {name: int((unit(corners.X).value.ravel() == corners.t).sum()) for name, unit in names["units"].items()}
    assert (right["or"], right["nand"]) == (3, 3)
    assert (names["xor"](corners.X).value.ravel() == corners.t).all()


def test_a_step_tells_its_weights_nothing(page):
    assert all(not slope.value.any() for slope in page("13")["slopes"])
    assert page("13").text.splitlines()[-1].endswith(" 0.0")
    assert set(page("13").pictures) == {"13_gates.svg", "13_exclusive_or.svg"}
    assert page("13").pictures["13_exclusive_or.svg"].count("step</text>") == 3


# 14 The perceptron --------------------------------------------------------------------------------------------------------
def learned_by_hand(X, t, rate=1.0):
    w, b, mistakes, wrong = np.zeros(X.shape[1]), 0.0, 0, True
    while wrong:
        wrong = 0
        for row, target in zip(X, t, strict=True):
            y = float(row @ w + b > 0)
            w, b, wrong = w + rate * (target - y) * row, b + rate * (target - y), wrong + int(y != target)
        mistakes += wrong
    return w, b, mistakes


def test_the_perceptron_makes_ten_mistakes_and_then_none(page):
    names = page("14").names
    X, t, last = names["lengths"], names["t_all"], names["last"]
    w, b, mistakes = learned_by_hand(X, t)
    assert last.weights == pytest.approx(w)
    assert (last.bias, last.mistakes, last.epoch) == (b, mistakes, 6)
    assert mistakes == 10
    assert ((X @ last.weights + last.bias > 0) == (t == 1)).all()
    assert names["right"] == 1.0
    assert list(names["lines"]) == [f"after {count} mistakes" for count in (5, 8, 10)]


def test_its_rule_is_minus_the_gradient_of_its_loss(page):
    names = page("14").names
    x, t, w, b = (names[each].value for each in "xtwb")
    y = float(x @ w + b > 0)
    gradients = values(names["derivation"])
    assert gradients["w"] == pytest.approx((y - t) * x)
    assert gradients["b"] == pytest.approx(y - t)
    # It is the second mistake of the page: the weights before it, and those after it.
    first, second = [each for each in names["steps"] if each.y != each.t][:2]
    assert (first.weights.tolist(), first.bias) == (w.tolist(), float(b))
    assert second.weights == pytest.approx(w - gradients["w"])
    unit = nets.ThresholdUnit.of(w, b)
    loss = nets.perceptron_loss(unit.linear(ng.constant(x[None])), ng.constant([[float(t)]]))
    assert float(loss.value) == pytest.approx(float(names["L"].value))


def test_the_bound_is_radius_over_margin_squared(page):
    names, text = page("14").names, page("14").text
    X, t, bound = names["lengths"], names["t_all"], names["bound"]
    normal = np.append(names["widest"].coef_[0], names["widest"].intercept_)
    extended = np.c_[X, np.ones(100)]
    margin = ((2 * t - 1) * (extended @ normal)).min() / np.linalg.norm(normal)
    assert bound.margin == pytest.approx(margin)
    assert bound.radius == pytest.approx(np.sqrt((extended**2).sum(1).max()))
    assert names["last"].mistakes <= bound.mistakes == pytest.approx((bound.radius / margin) ** 2)
    assert round(bound.mistakes) == 390
    assert "mistakes: 10 in 6 epochs; the bound (R/γ)² = (8.522/0.432)² allows 390" in text


def test_sepals_alone_take_1489_mistakes(page):
    iris = data.iris().rows(slice(100))
    assert "with the sepals alone: 1489 mistakes in 686 epochs" in page("14").text
    assert learned_by_hand(iris.X[:, :2], iris.t)[2] == 1489


# 15 ADALINE ---------------------------------------------------------------------------------------------------------------
def test_the_delta_rule_is_gradient_descent(page):
    names = page("15").names
    x, t, w, b = (names[each].value for each in "xtwb")
    z = x @ w + b
    gradients = values(names["derivation"])
    assert -gradients["w"] == pytest.approx((t - z) * x)
    assert -gradients["b"] == pytest.approx(t - z)
    assert float(names["E"].value) == pytest.approx((t - z) ** 2 / 2)


def test_adaline_goes_to_least_squares_as_its_rate_allows(page):
    names, text = page("15").names, page("15").text
    X, targets, ways = names["iris"].X, names["targets"], names["ways"]
    best = np.linalg.lstsq(np.c_[X, np.ones(100)], targets, rcond=None)[0]
    assert best[2] == pytest.approx(0, abs=1e-12)
    assert names["best"] == pytest.approx(best[:2])
    assert best[:2].round(2).tolist() == [-0.5, 1.2]
    slow, right, jumpy = ways.values()
    assert [way.shape for way in ways.values()] == [(31, 2)] * 3
    away = [np.linalg.norm(way - best[:2], axis=1) for way in (slow, right, jumpy)]
    assert (np.diff(away[0])[5:] < 0).all()  # still coming nearer
    assert away[0][-1] > 0.3
    assert away[1][-10:].max() < 0.15
    assert away[2][-10:].max() > 0.4
    assert names["loss"](*best[:2]) == pytest.approx(((X @ best[:2] - targets) ** 2).mean() / 2)
    assert "at the start: w = [0 0]   E = 0.5000" in text
    assert "E = 0.1514" in text
    assert float(re.search(r"α = 0.02 .*E = (0\.\d+)", text)[1]) < 0.155


def test_the_perceptron_does_not_rest_where_no_line_parts_the_classes(page):
    low, high = map(float, re.search(r"Perceptron: accuracy (\S+) to (\S+)", page("15").text).groups())
    assert (low, high) == (0.85, 0.96)
    low, high = map(float, re.search(r"Adaline: accuracy (\S+) to (\S+)", page("15").text).groups())
    assert (low, high) == (0.94, 0.95)


# 16 The price of a house ----------------------------------------------------------------------------------------------------
def test_the_gradient_of_three_houses(page):
    names = page("16").names
    X, t, W, b = (names[each].value for each in ("X", "t", "W", "b"))
    wrong = X @ W + b - t
    gradients = values(names["derivation"])
    assert gradients["W"] == pytest.approx(X.T @ wrong / 3)
    assert gradients["b"] == pytest.approx(wrong.mean())
    assert "Why Xᵀ" in page("16").text


def test_the_neuron_learns_what_the_prices_were_made_of(page):
    from sklearn.linear_model import LinearRegression

    names, text = page("16").names, page("16").text
    train, test = names["train"], names["test"]
    columns = ["area", "rooms", "age"]
    table, unseen = (np.stack([each[name].values for name in columns], 1) for each in (train, test))
    peer = LinearRegression().fit(table, train["price"].values)
    worth = {"area": "a square meter", "rooms": "a room", "age": "a year"}
    printed = {name: float(re.search(rf"^(\S+) {worth[name]}$", text, re.M)[1].replace("−", "-")) for name in columns}
    assert list(printed.values()) == pytest.approx(peer.coef_, abs=0.02)
    assert list(printed.values()) == pytest.approx([2.4, 9.0, -0.8], abs=0.15)
    before, after = map(float, re.search(r"new houses: (\S+) before, (\S+) after", text).groups())
    price = test["price"].values
    assert before == pytest.approx(np.sqrt((price**2).mean()), abs=0.06)
    assert after == pytest.approx(np.sqrt(((peer.predict(unseen) - price) ** 2).mean()), abs=0.2)
    assert (before, after) == (448.0, 15.3)


# 17 Logistic regression -----------------------------------------------------------------------------------------------------
def test_the_slope_of_the_loss_is_what_was_said_minus_what_is_true(page):
    names = page("17").names
    x, t, w, b = (float(names[each].value) for each in "xtwb")
    p = 1 / (1 + np.exp(-(w * x + b)))
    assert float(names["L"].value) == pytest.approx(-t * np.log(p) - (1 - t) * np.log(1 - p))
    gradients = values(names["derivation"])
    assert gradients["w"] == pytest.approx((p - t) * x)
    assert gradients["b"] == pytest.approx(p - t)


def test_odds_are_multiplied_by_the_same_factor_everywhere(page):
    from sklearn.linear_model import LogisticRegression

    names, text = page("17").names, page("17").text
    peer = LogisticRegression(C=np.inf).fit(names["radius"], names["malignant"])
    assert names["slope"] == pytest.approx(peer.coef_.item(), rel=1e-3)
    assert -names["start"] / names["slope"] == pytest.approx(-peer.intercept_.item() / peer.coef_.item(), rel=1e-4)
    curve = names["curves"]["after"]
    radius = np.array([8.0, 12.0, 20.0])
    odds, more = (p / (1 - p) for p in (curve(radius), curve(radius + 1)))
    assert more / odds == pytest.approx(np.exp(names["slope"]))
    assert "L = 0.693 … 0.290   w = 1.034  eʷ = 2.81  −b/w = 14.75" in text
    assert names["right"].mean() == pytest.approx(peer.score(names["radius"], names["malignant"]))


def test_softmax_of_two_is_the_sigmoid_of_the_difference(page):
    scores = np.random.default_rng(0).normal(size=(5, 2))
    shares = ng.softmax(ng.constant(scores)).value
    assert shares[:, 1] == pytest.approx(1 / (1 + np.exp(scores[:, 0] - scores[:, 1])))
    assert page("17")["named"].mean() >= 0.95
    assert "right: 0.879 of the tumors, 0.953 of the irises" in page("17").text


# 18 Activation functions ------------------------------------------------------------------------------------------------------
def test_every_function_has_its_line_and_its_three_remarks(page):
    names, text = page("18").names, page("18").text
    functions = list(names["functions"])
    assert functions == ["threshold", "sigmoid", "tanh", "ReLU", "leaky ReLU", "maxout", "softmax"]
    steepest = dict(zip(functions, (0, 0.25, 1, 1, 1, 1, 0.25), strict=True))
    for name, slope in steepest.items():
        (line,) = [each for each in text.splitlines() if f"   {name} (" in each]
        assert float(line.split()[0]) == pytest.approx(slope, abs=1e-3)
    for topic in ("strengths", "weaknesses", "saturation"):
        assert text.count(f" {topic}: ") == len(functions)
    assert len(names["curves"]) == len(names["remarks"]) == len(functions)


def test_three_sigmoids_leave_the_product_of_their_slopes(page):
    names = page("18").names
    x, product = float(names["x"].value), 1.0
    for _ in range(3):
        x = 1 / (1 + np.exp(-x))
        product *= x * (1 - x)
    assert values(names["derivation"])["x"] == pytest.approx(product)
    assert f"{product:.4f}" == "0.0120"
    assert product < 1 / 64


# 19 XOR -----------------------------------------------------------------------------------------------------------------------
def parted_by_a_line(points, t):
    """Whether some w, b give each point its side with room 1: a linear program."""
    from scipy.optimize import linprog

    sides = 2 * np.asarray(t) - 1
    room = -sides[:, None] * np.c_[points, np.ones(len(points))]
    return linprog(np.zeros(3), A_ub=room, b_ub=-np.ones(len(points)), bounds=(None, None)).status == 0


def test_no_line_parts_the_corners_and_one_parts_what_the_hidden_units_make_of_them(page):
    names = page("19").names
    corners = names["corners"]
    assert not parted_by_a_line(corners.X, corners.t)
    assert parted_by_a_line(names["h"], corners.t)
    assert parted_by_a_line(corners.X, [0, 0, 0, 1])  # the program itself can find a line
    W, b = names["net"].layers[0].values().values()
    assert names["h"] == pytest.approx(np.tanh(corners.X @ W + b), abs=1e-6)
    assert ((names["net"](corners.X).value[:, 0] > 0) == (corners.t == 1)).all()


def test_logistic_regression_starts_where_it_ends(page):
    gradients = values(page("19")["derivation"])
    assert gradients["w"] == pytest.approx(0, abs=1e-15)
    assert gradients["b"] == pytest.approx(0, abs=1e-15)
    assert float(page("19")["L"].value) == pytest.approx(4 * np.log(2))
    corners, unit = page("19")["corners"], nets.LogisticRegression(2, start=nets.normal(1.0), rng=0)
    records = list(nets.train(unit, data=(corners.X, corners.t), epochs=300, batch=4, optimizer=nets.SGD(2.0)))
    assert records[0].loss > records[-1].loss == pytest.approx(np.log(2), abs=1e-4)


def test_what_a_hidden_layer_reaches(page):
    text = page("19").text
    assert "at least 2" in text
    assert "loss with a hidden layer: 0.703 before, 0.011 after" in text
    assert "2 hidden units: 5 of 10 starts" in text
    assert "4 hidden units: 10 of 10 starts" in text
