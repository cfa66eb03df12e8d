"""Hopfield networks, Boltzmann machines and deep belief nets: what the pages claim, against sums over all states."""

import itertools

import numpy as np
import pytest
from nngraph import nets


def states(units):
    return np.array(list(itertools.product((0.0, 1.0), repeat=units)))


# 51 ---------------------------------------------------------------------------------------------------------------------
def test_hopfield_recalls_all_five_letters(page):
    names = page("51").names
    assert "recalled without a wrong pixel: 5 of 5" in page("51").text
    letters = names["letters"]
    assert ((names["noisy"] != letters).sum(1) == 20).all()
    assert (names["recalled"] == letters).all()
    # Stored by Hebb's rule, and at rest.
    W = letters.T @ letters / 100
    np.fill_diagonal(W, 0)
    np.testing.assert_allclose(names["memory"].W.value, W, atol=1e-6)
    assert (np.sign(letters @ W) == letters).all()


def test_hopfields_energy_never_rises(page):
    names = page("51").names
    path = names["energies"]
    assert path.shape == (301, 5)
    assert (np.diff(path, axis=0) <= 1e-5).all()
    W = names["memory"].W.value.astype(float)
    for at, start in ((0, names["noisy"]), (-1, names["letters"])):
        np.testing.assert_allclose(path[at], [-0.5 * s @ W @ s for s in start], atol=1e-3)


def test_what_a_unit_hears_is_the_slope(page):
    names = page("51").names
    slope = names["derivation"].gradients["s"].value
    np.testing.assert_allclose(slope, -names["W"].value @ names["s"].value, atol=1e-12)


def test_a_memory_gets_full(page):
    names = page("51").names
    wrong = dict(zip(names["counts"], names["wrong"]))
    assert all(share < 0.01 for count, share in wrong.items() if count < 0.12 * 300)
    assert all(share > 0.04 for count, share in wrong.items() if count > 0.18 * 300)
    assert nets.Hopfield(784).weights == 784 * 783 // 2 == 306936
    assert "784·783/2 = 306936" in names["__doc__"]


# 52 ---------------------------------------------------------------------------------------------------------------------
def test_the_machine_of_four_units_learns_and_its_sums_are_right(page):
    names = page("52").names
    assert names["before"] == pytest.approx(-4 * np.log(2), abs=0.15)
    assert "-2.83 before, -1.84 after" in page("52").text
    assert names["after"] > names["before"] + 0.9
    machine, shares = names["machine"], np.array([32, 24, 8, 16, 6, 4, 5, 5]) / 100
    assert names["after"] < shares @ np.log(shares) < names["after"] + 0.1
    # At T = 4, from W and b alone.
    above = np.triu(machine.W.value.astype(float), 1)
    energy = [-s @ above @ s - s @ machine.b.value for s in states(4)]
    p = np.exp(-np.array(energy) / 4)
    np.testing.assert_allclose(names["exact"], p / p.sum(), atol=1e-5)
    np.testing.assert_allclose(names["counted"], p / p.sum(), atol=0.03)


def test_the_hotter_the_more_alike(page):
    likeliest = [float(line.partition("p = ")[2][:5]) for line in page("52").text.splitlines() if line.startswith("T = ")]
    apart = [float(line.rpartition("by ")[2][:5]) for line in page("52").text.splitlines() if line.startswith("T = ")]
    assert likeliest[0] > 0.5 > likeliest[1] > 2 * likeliest[2] > 2 / 16
    assert max(apart) < 0.02


def test_the_gradient_is_what_the_machine_expects_minus_the_data(page):
    names = page("52").names
    P, w = names["P"].value, names["derivation"].givens["w"]
    p = np.exp(P @ w)
    np.testing.assert_allclose(names["derivation"].gradients["w"].value, P.T @ (p / p.sum()) - names["d"].value, atol=1e-12)


# 53 ---------------------------------------------------------------------------------------------------------------------
def test_the_rule_of_contrastive_divergence_is_found(page):
    names = page("53").names
    derivation = names["derivation"]
    v, dreamed, W, c = names["v"].value, names["ṽ"].value, derivation.givens["W"], names["c"].value

    def p(v):
        return 1 / (1 + np.exp(-(v @ W + c)))

    np.testing.assert_allclose(derivation.gradients["W"].value, np.outer(dreamed, p(dreamed)) - np.outer(v, p(v)), atol=1e-12)
    assert "ṽ ⊗" in page("53").text


def test_the_exact_likelihood_of_twelve_units_rises(page):
    names = page("53").names
    for curve in names["curves"].values():
        assert curve[0] == pytest.approx(-9 * np.log(2), abs=0.05)
    ends = {name: curve[-1] for name, curve in names["curves"].items()}
    assert -3.6 < ends["CD-1"] < -2.8
    assert all(-2.6 < ends[name] < -np.log(8) for name in ("CD-10", "PCD", "exact"))
    assert max(np.abs(np.diff(names["curves"]["exact"]))) < 1.2
    assert names["curves"]["exact"] == sorted(names["curves"]["exact"])


def test_the_exact_gradient_is_a_sum_over_all_states_of_both_layers(page):
    names = page("53").names
    half = names["half"]
    W, b, c = (leaf.value.astype(float) for leaf in (half.W, half.b, half.c))
    v, h = states(9), states(3)
    weight = np.exp((v @ b)[:, None] + h @ c + v @ W @ h.T)
    model = np.einsum("vh,vi,hj->ij", weight / weight.sum(), v, h)
    stripes = names["stripes"]
    data = stripes.T @ (1 / (1 + np.exp(-(stripes @ W + c)))) / 8
    np.testing.assert_allclose(names["found"]["exact"], data - model, atol=1e-4)


def test_more_steps_come_closer_to_it(page):
    found = page("53")["found"]
    exact = found["exact"]
    distances = [np.linalg.norm(found[f"CD-{k}"] - exact) for k in (1, 3, 10, 30)]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 0.7 * np.linalg.norm(exact)
    assert distances[-1] < 0.15 * np.linalg.norm(exact)


# 54 and 55 --------------------------------------------------------------------------------------------------------------
def test_features_of_a_machine_beat_pixels(page):
    names = page("54").names
    scores = names["scores"]
    assert scores["raw pixels"] < 0.82
    assert scores["features"] > scores["raw pixels"] + 0.08
    assert scores["features"] > scores["features of scikit-learn"] - 0.02
    assert names["after"] < 0.3 * names["before"]
    learn, test = names["learn"], names["test"]
    assert len(learn.X) == 5 * 1437
    assert len(test.X) == 5 * 360


def test_pretraining_is_no_worse_than_starting_from_scratch(page):
    names = page("55").names
    means = {name: np.mean(found) for name, found in names["scores"].items()}
    assert means["pre-trained"] > means["sigmoids from scratch"] + 0.03
    assert means["pre-trained"] >= means["rectifiers from scratch"] - 0.005
    assert len(names["few"]) == 100
    assert not set(names["few"]) & set(names["rest"])


@pytest.mark.parametrize(("number", "figures"), [
    ("51", ("5 of 5",)),
    ("52", ("-2.83", "-1.84")),
    ("53", ("-6.24", "-3.29", "-2.37", "-2.32", "-2.30")),
    ("54", ("79%", "92%", "90%")),
    ("55", ("89.3%", "82.8%", "88.8%")),
])  # fmt: skip
def test_figures_of_the_text_are_those_that_are_printed(page, number, figures):
    said = page(number)["__doc__"].replace("−", "-").replace(" %", "%")
    for figure in figures:
        assert figure in page(number).text
        assert number == "51" or figure in said
