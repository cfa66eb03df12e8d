"""The pages on what a learner decides and how it is judged: boundaries, bias and variance, costs, ROC, folds and searches."""

import re

import numpy as np
import pytest
from numpy.polynomial import Legendre


def numbers(text):
    return [float(each) for each in re.findall(r"-?\d+\.\d+", text)]


# 33 -------------------------------------------------------------------------------------------------------------------
def test_eight_learners_of_the_same_points(page):
    names, text = page("33").names, page("33").text
    shares = {name: (learner.score(names["train"].X, names["train"].t), learner.score(names["test"].X, names["test"].t)) for name, learner in names["compared"].items()}  # fmt: skip
    assert len(shares) == 8
    for name, (known, new) in shares.items():
        assert f"{name}: right on {known:.3f} of the known points, {new:.3f} of the new" in text
        assert new > 0.8
    assert shares["tree of any depth"][0] == 1 > shares["tree of depth 3"][0]
    assert shares["tree of any depth"][1] < shares["tree of depth 3"][1]
    assert shares["MLP 2-16-16-2"][1] == max(new for _, new in shares.values())
    for said in ("0.855", "0.870", "0.897"):
        assert said in text
        assert said in names["__doc__"] or said == "0.870"


def test_which_boundaries_are_lines_and_which_are_boxes(page):
    compared = page("33")["compared"]
    points = np.random.default_rng(0).uniform(-2, 3, (500, 2))
    line = compared["logistic regression"]
    middle = (points[:250] + points[250:]) / 2
    # Linear log-odds: those of the middle are the mean of those of the ends.
    ends = line.decision_function(points)
    assert line.decision_function(middle) == pytest.approx((ends[:250] + ends[250:]) / 2, abs=1e-5)
    # A tree asks one column at a time: between two neighboring cuts of both columns nothing changes.
    tree = compared["tree of depth 3"]
    cuts = [np.sort(tree.tree_.threshold[tree.tree_.feature == column]) for column in (0, 1)]
    cells = {}
    for point, answer in zip(points, tree.predict(points), strict=True):
        cell = tuple(int(np.searchsorted(own, value)) for own, value in zip(cuts, point, strict=True))
        assert cells.setdefault(cell, answer) == answer


def test_support_vectors_hold_the_boundary(page):
    names = page("33").names
    train, machines = names["train"], names["machines"]
    assert [len(machine.support_) for machine in machines.values()] == [200, 56, 41, 39]
    points = np.random.default_rng(1).uniform(-2, 3, (100, 2))
    for name, machine in machines.items():
        C, gamma = float(name.removeprefix("C = ")), 1 / (2 * train.X.var())
        weights = machine.dual_coef_[0]
        assert np.abs(weights).max() <= C * (1 + 1e-9)
        assert weights.sum() == pytest.approx(0, abs=1e-6 * C)
        kernel = np.exp(-gamma * ((points[:, None] - train.X[machine.support_]) ** 2).sum(2))
        assert machine.decision_function(points) == pytest.approx(kernel @ weights + machine.intercept_[0], rel=1e-6, abs=1e-6)
        # Without all other points it is the same machine.
        again = type(machine)(C=C, gamma=gamma).fit(train.X[machine.support_], train.t[machine.support_])
        assert (again.predict(points) == machine.predict(points)).all()
    assert "C = 100   41 support vectors   0.900" in page("33").text


# 34 -------------------------------------------------------------------------------------------------------------------
def test_the_error_on_new_points_is_bias_variance_and_noise(page):
    names = page("34").names
    assert names["NOISE"] ** 2 == pytest.approx(0.09)
    for degree in range(1, 7):
        _, _, new, bias, variance = names["polynomials"][degree]
        assert new == pytest.approx(bias + variance + 0.09, rel=0.15), degree
    for power in range(-5, 1):
        _, _, new, bias, variance = names["networks"][power]
        assert new == pytest.approx(bias + variance + 0.09, rel=0.15), power


def test_training_error_sinks_with_every_degree_and_the_other_does_not(page):
    polynomials = page("34")["polynomials"]
    own, new, bias, variance = (np.array([polynomials[degree][at] for degree in range(10)]) for at in (1, 2, 3, 4))
    assert (np.diff(own) < 0).all()
    assert new.argmin() == 3
    assert bias[3] < 0.01 < 0.2 < bias[1]
    assert variance[9] > 1 > variance[3] * 10
    # Least squares with d + 1 weights take up that share of the noise: E = σ²(1 − (d + 1)/n) where there is no bias.
    assert own[5] == pytest.approx(0.09 * (1 - 6 / 30), rel=0.08)


def test_the_variance_of_least_squares_at_fixed_places(page):
    sample = page("34")["sample"]
    x = sample(0)[0]
    rng = np.random.default_rng(5)
    fits = [Legendre.fit(x, np.sin(np.pi * x) + rng.normal(0, 0.3, 30), 5)(x) for _ in range(800)]
    assert np.var(fits, axis=0).mean() == pytest.approx(0.09 * 6 / 30, rel=0.06)


def test_weight_decay_trades_variance_for_bias(page):
    networks = page("34")["networks"]
    new, bias, variance = (np.array([networks[power][at] for power in range(-5, 1)]) for at in (2, 3, 4))
    assert new.argmin() == 2  # 10⁻³
    assert variance[2] < 0.6 * variance[0]
    assert bias[5] > 0.4 > 0.01 > bias[2]
    # What is learned: the sine has variance 0.5 and the noise 0.09.
    assert new[2] < 0.11


@pytest.mark.parametrize(("kind", "knob", "said"), [("polynomials", 1, "0.203"), ("polynomials", 1, "0.315"), ("polynomials", 3, "0.107"), ("networks", -5, "0.037"), ("networks", -3, "0.019"), ("networks", -3, "0.101"), ("networks", 0, "0.495")])  # fmt: skip
def test_numbers_of_the_text_are_those_that_are_printed(page, kind, knob, said):
    names = page("34").names
    assert said in names["__doc__"]
    assert said in [f"{each:.3f}" for each in names[kind][knob][1:]]
    assert said in page("34").text


# 35 -------------------------------------------------------------------------------------------------------------------
def test_the_table_was_read_with_its_gaps(page):
    names = page("35").names
    assert (len(names["train"]), len(names["test"])) == (750, 250)
    assert np.isfinite(names["train"].X).all()
    assert "payment=missing" in names["train"].columns
    assert 1 - names["test"].t.mean() == pytest.approx(0.696)


def test_the_cheapest_answer_is_a_threshold(page):
    names = page("35").names
    p, t, costs = names["p"], names["test"].t, names["COSTS"]
    plain, careful = p.argmax(1), (p[:, 1] > 1 / 11).astype(int)
    paid, right = ([rule(answers) for answers in (plain, careful)] for rule in (lambda a: costs[t, a].mean(), lambda a: (a == t).mean()))
    assert f"right on {right[0]:.3f}, cost {paid[0]:.2f}" in page("35").text
    assert f"right on {right[1]:.3f}, cost {paid[1]:.2f}" in page("35").text
    assert [f"{each:.2f}" for each in paid] == ["6.16", "2.88"]
    assert paid[1] < paid[0]
    assert right[0] > 0.85
    # Nobody is offered anything, or all are: both cost more.
    assert paid[1] < min(costs[t, 0].mean(), costs[t, 1].mean())


def test_the_area_is_the_chance_that_a_leaver_stands_higher(page):
    names = page("35").names
    p, t = names["p"][:, 1], names["test"].t
    higher = p[t == 1][:, None] - p[t == 0]
    area = (higher > 0).mean() + 0.5 * (higher == 0).mean()
    alarms, found, _ = names["curves"]["MLP"]
    assert np.trapezoid(found, alarms) == pytest.approx(area, abs=1e-9)
    assert f"MLP AUC {area:.3f}" in page("35").text
    assert area > 0.93


def test_five_folds_by_hand(page):
    from sklearn.base import clone
    from sklearn.model_selection import StratifiedKFold

    names = page("35").names
    train, shares = names["train"], []
    for known, asked in StratifiedKFold(5).split(train.X, train.t):
        learned = clone(names["net"]).fit(train.X[known], train.t[known])
        shares.append((learned.predict(train.X[asked]) == train.t[asked]).mean())
    assert names["folds"] == pytest.approx(shares)
    assert f"right on {np.mean(shares):.3f} ± {np.std(shares):.3f}" in page("35").text


def test_a_grid_tries_few_rates_and_chance_tries_many(page):
    tried = page("35")["tried"]
    grid, drawn = tried["grid"], tried["at random"]
    assert len(grid) == len(drawn) == 9
    assert set(grid[:, 0].round(9)) == {-3, -2, -1}
    assert len(set(drawn[:, 0].round(9))) >= 7
    assert grid[:, 1].max() == pytest.approx(0.876, abs=5e-4)
    assert drawn[:, 1].max() == pytest.approx(0.868, abs=5e-4)
    for said in ("0.876 in the folds, 0.872 of the new", "0.868 in the folds, 0.876 of the new"):
        assert said in page("35").text


@pytest.mark.parametrize("number", ["33", "34", "35"])
def test_what_the_text_says_is_what_is_printed(page, number):
    printed = [*numbers(page(number).text), 1.0, 0.09, 0.696]
    paragraphs = [each for each in page(number)["__doc__"].split("\n\n") if not each.startswith("    ")]
    for said in numbers(" ".join(paragraphs)):
        assert any(abs(said - each) < 5e-4 for each in printed), said
