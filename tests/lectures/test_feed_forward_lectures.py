"""Multi-layer perceptrons and how they learn: what the pages print and draw, against formulas and scikit-learn."""

import itertools
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
    products = [2 * sum((a + 1) * b for a, b in itertools.pairwise(sizes)) for sizes in names["sizes"]]
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
    (line,) = [line for line in page("22").text.splitlines() if line.endswith("descent from 0.5")]
    assert numbers(line)[:2] == [0.5, 1.131]
    for places in page("22")["ways"].values():
        heights = [t**4 - 3 * t**2 + t for t in places]
        steps = np.diff(heights)
        assert (steps > -1e-12).all() if places[-1] == hill else (steps < 1e-12).all()


def test_the_film_shows_every_step(page):
    from io import BytesIO

    from PIL import Image

    film = Image.open(BytesIO(page("22").pictures["22_descent.gif"]))
    frames = []
    for at in range(film.n_frames):
        film.seek(at)
        frames.append(film.convert("RGB").tobytes())
    assert len(frames) == len(set(frames)) == 15
    assert len(page("22").pictures["22_descent.gif"]) < 200_000


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


# Counting, sharing, freezing ------------------------------------------------------------------------------------------
def test_parameters_are_counted(page):
    counts = list(page("24")["counts"].values())
    assert counts == [784 * 100 + 100, 10 * (1 * 5 * 5 + 1), 784 * 10 * 24 * 24 + 10 * 24 * 24] == [78_500, 260, 4_521_600]
    for count in counts:
        assert f"{count:,}" in page("24").text


def test_tied_weights_receive_the_gradients_of_both_places(page):
    names = page("24").names
    tied, apart = names["Coder"](tied=True), names["Coder"](tied=False)
    assert (tied.count, apart.count) == (64 * 16 + 16 + 64, 2 * 64 * 16 + 16 + 64)
    W = tied.encoder.W.value
    apart.set_values({**apart.values(), "encoder/W": W, "decoder/W": W.T})
    x = names["train"].X[:20]
    (together,) = ng.gradient(ng.mean_squared_error(tied(x), x), [tied.encoder.W])
    there, back = ng.gradient(ng.mean_squared_error(apart(x), x), [apart.encoder.W, apart.decoder.W])
    np.testing.assert_allclose(together.value, there.value + back.value.T, rtol=1e-4, atol=1e-7)


def test_half_the_weights_are_nearly_as_good_and_310_numbers_are_not(page):
    lines = page("24").text.splitlines()
    (apart, tied), (whole, part) = ([numbers(line.replace(",", "")) for line in lines[a:b]] for a, b in ((3, 5), (5, 7)))
    assert [apart[0], tied[0], whole[0], part[0]] == [2128, 1104, 2260, 310]
    assert tied[1] < 1.1 * apart[1] < 0.2 * page("24")["train"].X.var()
    assert 0.8 < part[1] < whole[1] - 0.05
    assert whole[1] > 0.96


def test_what_is_frozen_stays_and_is_drawn_so(page):
    net = page("24")["net"]
    born = nets.MLP([64, 30, 10], rng=0)
    for path, value in born.values().items():
        assert (net.values()[path] == value).all() == path.startswith("layer1/"), path
    assert "(frozen)" in page("24").text
    assert "frozen" in page("24").pictures["24_frozen.svg"]


# Starting values ------------------------------------------------------------------------------------------------------
def test_zeros_send_nothing_back(page):
    gradients = page("25")["derivation"].gradients
    assert set(gradients) == {"W1", "W2"}
    assert all((found.value == 0).all() for found in gradients.values())


def test_units_that_start_alike_stay_alike(page):
    names = page("25").names
    start = list(names["starts"].values())[1]
    net = names["network"](start)
    list(nets.train(net, ng.softmax_loss, (names["train"].X, names["train"].t), epochs=1, optimizer=nets.SGD(0.05)))
    W = net.layers[1].W.value
    assert abs(W - 0.1).min() > 0
    np.testing.assert_allclose(W, np.broadcast_to(W[:, :1], W.shape), rtol=1e-3)


def test_which_starts_learn(page):
    reached = [records[-1].metrics["accuracy"] for records in page("25")["runs"].values()]
    assert max(reached[:3]) < 0.25
    assert reached[3] < 0.8
    assert min(reached[4:]) > 0.985


def test_he_keeps_the_spread_behind_rectifiers(page):
    shrinking, growing, xavier, he, _ = (np.array(spreads) for spreads in page("25")["rectified"].values())
    assert (shrinking[1:] < 0.1 * shrinking[:-1]).all()
    assert (growing[1:] > 3 * growing[:-1]).all()
    assert he.max() / he.min() < 1.5
    # Each rectified layer of as many units halves Xavier's variance.
    assert xavier[-1] / xavier[0] == pytest.approx(2 ** (-5 / 2), rel=0.35)


# Digits and curves ----------------------------------------------------------------------------------------------------
def test_digits_are_read_as_well_as_by_scikit_learn(page):
    names = page("28").names
    test, answers = names["test"], names["answers"]
    assert not {row.tobytes() for row in test.X} & {row.tobytes() for row in names["train"].X}
    ours, theirs = (answers == test.t).mean(), names["peer"].score(test.X, test.t)
    assert ours >= theirs - 0.005
    assert names["before"] < 0.2
    (printed,) = [line for line in page("28").text.splitlines() if "scikit-learn" in line]
    assert numbers(printed) == [round(names["before"], 3), round(ours, 3), round(theirs, 3)]


def test_pictures_show_only_mistakes(page):
    names = page("28").names
    wrong = names["wrong"]
    assert len(wrong) == (names["answers"] != names["test"].t).sum()
    for title, row in zip(names["titles"], wrong, strict=True):
        true, answer = map(int, title.split(" → "))
        assert true == names["test"].t[row] != answer
    assert f"{len(wrong)} of 449" in page("28").text
    assert {"28_digits_mlp.svg", "28_digits_mlp_confusion.svg", "28_digits_mlp_mistakes.svg"} == set(page("28").pictures)


def test_a_curve_is_learned_down_to_its_noise(page):
    names = page("29").names
    x, t = names["x"], names["t"]
    network = ((names["net"](x).value - t) ** 2).mean()
    assert network < 0.1 * names["straight"]
    assert 0.8 * names["noise"] < network < 1.2 * names["noise"]
    slope, offset = np.polyfit(x[:, 0], t[:, 0], 1)
    assert names["straight"] == pytest.approx(((slope * x + offset - t) ** 2).mean())
    fresh = np.linspace(-1.9, 1.9, 100)[:, None]
    assert ((names["net"](fresh).value - np.sin(2 * fresh) - fresh / 2) ** 2).mean() < 0.01


def test_on_diabetes_a_straight_line_is_hard_to_beat(page):
    line, network = (numbers(each)[-1] for each in page("29").text.splitlines() if each.startswith("R²"))
    assert line == pytest.approx(0.49, abs=0.01)
    assert network > line - 0.03
