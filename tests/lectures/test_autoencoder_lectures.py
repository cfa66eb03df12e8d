"""Autoencoders: what the pages claim, against principal components, integrals and the plain mean."""

import re

import numpy as np
import pytest
from nngraph import nets


# 56 ---------------------------------------------------------------------------------------------------------------------
def test_a_bent_code_beats_as_many_principal_components(page):
    names = page("56").names
    learn, test = names["learn"], names["test"]
    mean = learn.mean(0)
    _, _, axes = np.linalg.svd(learn - mean, full_matrices=False)
    code = (test - mean) @ axes[:16].T
    components = ((code @ axes[:16] + mean - test) ** 2).mean()
    assert f"{components:.3f}" == "0.012"
    assert "0.012 (Baldi and Hornik 1989)" in names["__doc__"]
    assert names["errors"]["dense"] < 0.9 * components
    assert names["errors"]["convolutional"] < 1.1 * components
    # The same, from the net: what comes back is what the page judged.
    again = names["dense"](test).value
    assert names["errors"]["dense"] == pytest.approx(((again - test) ** 2).mean(), rel=1e-5)


def test_convolution_has_an_eighth_of_the_weights(page):
    learned = page("56")["learned"]
    assert 7.5 < learned["dense"].count / learned["convolutional"].count < 8.5
    assert learned["dense"].encoder(page("56")["test"][:1]).shape == (1, 16)
    assert learned["convolutional"].encoder(page("56")["test"][:1].reshape(1, 1, 8, 8)).shape == (1, 4, 2, 2)


def test_the_sparse_code_is_silent_only_when_it_is_told(page):
    names = page("56").names
    told = names["learned"]["sparse"].encoder(names["test"]).value
    assert 0.03 < told.mean() < 0.07
    free = names["sparse"](0.0)
    list(nets.train(free, data=names["learn"], epochs=20, batch=50, optimizer=nets.Adam(0.005)))
    assert free.encoder(names["test"]).value.mean() > 0.4


# 57 ---------------------------------------------------------------------------------------------------------------------
def test_denoising_wins_three_decibels_and_more_than_a_blur(page):
    names = page("57").names
    test, noisy = names["test"], names["noisy"]

    def decibels(found):
        return 10 * np.log10((test**2).sum() / ((found - test) ** 2).sum())

    assert (noisy - test).std() == pytest.approx(0.4, abs=0.01)
    assert names["curve"][-1] == pytest.approx(decibels(names["net"](noisy).value), abs=1e-3)
    assert names["curve"][-1] > decibels(noisy) + 6
    padded = np.pad(noisy.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    blurred = sum(padded[:, row : row + 8, column : column + 8] for row in range(3) for column in range(3)) / 9
    np.testing.assert_allclose(names["blurred"](noisy), blurred.reshape(-1, 64), atol=1e-5)
    assert names["curve"][-1] > decibels(blurred.reshape(-1, 64)) + 3


def test_the_spoiled_input_stands_in_the_gradient(page):
    names = page("57").names
    x, spoiled, W = names["clean"].value, names["spoiled"].value, names["derivation"].givens["W"]
    np.testing.assert_allclose(names["derivation"].gradients["W"].value, spoiled.T @ (spoiled @ W - x) / 2, atol=1e-12)


# 58 ---------------------------------------------------------------------------------------------------------------------
def test_the_bound_rises_and_samples_are_recognized(page):
    names = page("58").names
    bound = names["bound"]
    assert bound[0] < bound[9] < bound[39] < bound[-1]
    assert bound[-1] > bound[0] + 8
    assert (names["seen"][0] == names["seen"][1]).mean() > 0.8
    assert (names["noise"][0] == names["noise"][1]).mean() < 0.4
    assert np.bincount(names["seen"][0], minlength=10).min() >= 30


def test_the_bound_of_the_derivation_is_its_formula(page):
    names = page("58").names
    derivation = names["derivation"]
    mu, s, noise = derivation.givens["μ"], derivation.givens["s"], names["ε"].value
    W = np.array([[1.0, -0.5]])
    p = 1 / (1 + np.exp(-(mu + np.exp(s / 2) * noise) @ W))
    by_code = (p - names["x"].value) @ W.T
    np.testing.assert_allclose(derivation.gradients["μ"].value, by_code + mu, atol=1e-12)
    np.testing.assert_allclose(derivation.gradients["s"].value, by_code * noise * np.exp(s / 2) / 2 + (np.exp(s) - 1) / 2, atol=1e-12)
    x = names["x"].value
    value = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum() + 0.5 * (mu**2 + np.exp(s) - s - 1).sum()
    assert float(names["L"].value) == pytest.approx(value)


def test_codes_lie_like_the_bell_curve(page):
    """Together they are near the prior: neither all at one place nor far out."""
    names = page("58").names
    mu, variance_log = (part.value for part in names["net"].code(names["X"]))
    spread = mu.var(0) + np.exp(variance_log).mean(0)
    assert np.abs(mu.mean(0)).max() < 0.3
    assert (spread > 0.6).all()
    assert (spread < 1.4).all()


# 59 ---------------------------------------------------------------------------------------------------------------------
def test_ratings_that_were_put_aside_are_guessed(page):
    names = page("59").names
    ours, overall, by_film = (np.mean(each) for each in names["errors"].values())
    assert ours < 0.75 * min(overall, by_film)
    ratings, thought = names["ratings"], names["thought"]
    assert thought.shape == ratings.values.shape == (11, 6)
    assert (thought >= 1).all()
    assert (thought <= 5).all()
    # Two tastes: the first five users like the first three films, in gaps too; the next four the other three.
    assert thought[:5, :3].min() > 3 > thought[:5, 3:].max()
    assert thought[5:9, 3:].min() > 3 > thought[5:9, :3].max()


def test_no_gradient_flows_where_nothing_is_known(page):
    names = page("59").names
    x, m, y = names["x"].value, names["m"].value, names["derivation"].givens["y"]
    slope = names["derivation"].gradients["y"].value
    np.testing.assert_allclose(slope, 2 * m * (y - x) / m.sum(), atol=1e-12)
    assert (slope[m == 0] == 0).all()


@pytest.mark.parametrize(("number", "figures"), [
    ("56", ("0.009", "0.011", "0.012")),
    ("57", ("1.7 dB", "5.2 dB", "9.0 dB")),
    ("58", ("-33.4", "-24.3", "84%", "24%")),
    ("59", ("1.10", "1.70", "1.82")),
])  # fmt: skip
def test_figures_of_the_text_are_those_that_are_printed(page, number, figures):
    said = re.sub(r"\s+", " ", page(number)["__doc__"].replace("−", "-").replace(" %", "%"))
    for figure in figures:
        assert figure in page(number).text
        assert figure in said
