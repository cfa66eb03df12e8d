"""Multi-layer perceptrons and how they learn: what the pages print and draw, against formulas and scikit-learn."""

import re

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets


def numbers(line):
    """The numbers of a printed line."""
    return [float(each.replace("−", "-")) for each in re.findall(r"[-−]?\d+(?:\.\d+)?(?:e[-+]\d+)?", line)]


# Iris -----------------------------------------------------------------------------------------------------------------
def test_iris_is_learned_by_a_4_5_3_network(page):
    names = page("20").names
    net, flowers = names["net"], names["scaled"]
    assert [leaf.shape for leaf in net.parameters().values()] == [(4, 5), (5,), (5, 3), (3,)]
    right = net(flowers.X).value.argmax(1) == flowers.t
    assert right.mean() >= 0.97
    assert right.sum() == names["counts"].trace()
    assert names["good"][-1].metrics["accuracy"] == pytest.approx(right.mean())


def test_without_1_over_n_every_step_is_150_times_as_long(page):
    names = page("20").names
    net, flowers = nets.MLP([4, 5, 3], ng.tanh, start=nets.xavier, rng=4, dtype="float64"), names["scaled"]
    z, weights = net(flowers.X), list(net.parameters().values())
    mean, total = (ng.gradient(loss(z, flowers.t), weights) for loss in (ng.softmax_loss, names["summed"]))
    for one, other in zip(mean, total, strict=True):
        np.testing.assert_allclose(other.value, 150 * one.value, rtol=1e-12)


def test_the_lost_1_over_n_spoils_learning_on_centimeters_and_hides_on_scaled_columns(page):
    _, by_mean, by_sum, hidden, same = page("20")["runs"].values()
    assert by_mean[-1].loss < 0.7 * by_mean[0].loss
    assert (np.diff([each.loss for each in by_mean]) < 0).all()
    assert by_mean[-1].metrics["accuracy"] > 0.9
    assert by_sum[0].loss == pytest.approx(by_mean[0].loss)
    assert (np.diff([each.loss for each in by_sum]) > 0).mean() > 0.5
    assert by_sum[-1].metrics["accuracy"] == pytest.approx(1 / 3)
    # 0.01 without 1/N is 1.5 with it.
    assert [each.loss for each in hidden] == pytest.approx([each.loss for each in same], rel=1e-3)
    assert hidden[-1].metrics["accuracy"] >= 0.97


# Numerical gradients --------------------------------------------------------------------------------------------------
def test_nudging_finds_the_same_numbers_and_learns(page):
    steps = page("21")["steps"]
    assert max(each.difference for each in steps) < 1e-8
    assert steps[-1].loss < 0.1 * steps[0].loss
    assert {each.numerical.forward for each in steps} == {2 * (4 * 5 + 5 + 5 * 3 + 3)}
    assert {(each.backpropagation.forward, each.backpropagation.backward) for each in steps} == {(1, 1)}
    printed = [line for line in page("21").text.splitlines() if " / " in line]
    assert [numbers(line)[:2] for line in printed] == [[each.step, round(each.loss, 4)] for each in steps[::9]]
    assert all(line.endswith("86 / 1") for line in printed)


def test_the_price_is_two_losses_for_each_number(page):
    names = page("21").names
    numerical, backward = names["costs"].values()
    products = [2 * sum((a + 1) * b for a, b in zip(sizes, sizes[1:])) for sizes in names["sizes"]]
    assert numerical == products
    assert backward == [3] * len(products)
    assert 2 * (784 * 100 + 100) == 157_000


def test_the_best_nudge_lies_between_too_large_and_too_small(page):
    errors = np.array(page("21")["differences"])
    assert errors.argmin() + 1 in (4, 5, 6)
    # h² on one side, 1/h on the other.
    np.testing.assert_allclose(errors[0] / errors[1], 100, rtol=0.1)
    np.testing.assert_allclose(errors[1] / errors[2], 100, rtol=0.1)
    assert errors[-1] > 1e3 * errors.min()


# Descent --------------------------------------------------------------------------------------------------------------
def test_descents_and_ascent_end_where_the_slope_is_zero(page):
    right, left, hill = (places[-1] for places in page("22")["ways"].values())
    flat = sorted(np.roots([4, 0, -6, 1]).real)
    assert [left, hill, right] == pytest.approx(flat, abs=1e-3)
    assert numbers(page("22").text.split("descent from 0.5:")[1].splitlines()[0]) == [0.5, 1.131]
    for places in page("22")["ways"].values():
        heights = [t**4 - 3 * t**2 + t for t in places]
        steps = np.diff(heights)
        assert (steps > -1e-12).all() if places[-1] == hill else (steps < 1e-12).all()


def test_every_step_is_the_rate_times_the_slope(page):
    places = np.array(next(iter(page("22")["ways"].values())))
    slopes = 4 * places**3 - 6 * places + 1
    assert np.diff(places) == pytest.approx(-0.05 * slopes[:-1])
    assert page("22")["derivation"].gradients["x"].value == pytest.approx(4 * 0.5**3 - 6 * 0.5 + 1)


def test_three_rates_on_a_parabola(page):
    for rate, places in zip((0.1, 0.8, 1.0), page("22")["rates"].values(), strict=True):
        assert places == pytest.approx([1.5 * (1 - 2 * rate) ** step for step in range(21)])
    slow, swinging, endless = page("22")["rates"].values()
    assert min(slow) > 0
    assert (np.sign(swinging[1:]) == -np.sign(swinging[:-1])).all()
    assert abs(swinging[-1]) < 1e-4
    assert sorted(set(endless)) == [-1.5, 1.5]


# The vanishing gradient -----------------------------------------------------------------------------------------------
def test_gradients_vanish_behind_sigmoids_and_not_behind_the_others(page):
    sigmoid, rectified, residual = page("23")["layers"].values()
    assert len(sigmoid) == 18
    assert sigmoid[-1] / sigmoid[0] > 1e9
    # Every layer's share of the one above it is below 1, on the way through the sixteen.
    assert (np.array(sigmoid[1:16]) < 0.5 * np.array(sigmoid[2:17])).all()
    for lengths in (rectified, residual):
        assert max(lengths) / min(lengths) < 100
    by_depth = {name: np.array(lengths) for name, lengths in page("23")["first"].items()}
    assert (by_depth["sigmoid"][1:] < 0.1 * by_depth["sigmoid"][:-1]).all()
    assert by_depth["x + sigmoid"].min() > 1


def test_lengths_are_those_of_the_chain_rule_by_hand(page):
    names = page("23").names
    net, few = names["network"](1), names["few"]
    values = {path: value.astype(float) for path, value in net.values().items()}
    x = few.X @ values["layer1/W"] + values["layer1/b"]
    y = 1 / (1 + np.exp(-(x @ values["layer2/layer1/W"] + values["layer2/layer1/b"])))
    z = y @ values["layer3/W"] + values["layer3/b"]
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    arriving = (p - np.eye(10)[few.t]) / len(few)
    below = (arriving @ values["layer3/W"].T) * y * (1 - y)
    by_hand = [few.X.T @ (below @ values["layer2/layer1/W"].T), x.T @ below, y.T @ arriving]
    assert names["lengths"](net) == pytest.approx([np.linalg.norm(each) for each in by_hand], rel=1e-4)


def test_sixteen_sigmoids_guess_where_the_others_learn(page):
    sigmoid, rectified, residual = (records[-1].metrics["accuracy"] for records in page("23")["runs"].values())
    assert sigmoid < 0.2
    assert min(rectified, residual) > 0.9
