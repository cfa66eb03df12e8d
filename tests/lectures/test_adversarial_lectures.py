"""The pages about games: their mathematics against formulas, and that what is made becomes what it is to be."""

import io
import re

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.leaves import is_frozen


def figures(page, start):
    """The numbers in the line that starts, or ends, with some words."""
    for line in page.text.splitlines():
        if line.startswith(start) or line.endswith(start):
            return [float(each) for each in re.findall(r"(?<![\w.])-?\d+\.?\d*", line.replace(start, " "))]
    raise AssertionError(f"no line says {start!r}")


def frames(film):
    from PIL import Image

    with Image.open(io.BytesIO(film)) as image:
        images = []
        for at in range(image.n_frames):
            image.seek(at)
            images.append(np.asarray(image.convert("L")).astype(int))
    return images


def test_both_losses_by_d_and_by_the_score(page):
    """−1/(1 − D) and −1/D; −D and −(1 − D)."""
    names = page("60").names
    d = np.array([0.001, 0.2, 0.9])
    expected = {"ln(1 − D)": (np.log(1 - d), -1 / (1 - d), -d), "−ln D": (-np.log(d), -1 / d, d - 1)}
    for name, (value, by_d, by_s) in expected.items():
        loss = names["losses"][name]
        for given, place, slope in ((loss, d, by_d), (lambda s, loss=loss: loss(ng.sigmoid(s)), np.log(d / (1 - d)), by_s)):
            drawn, slopes = names["drawn"](given)
            assert drawn(place) == pytest.approx(value)
            assert slopes(place) == pytest.approx(slope)
    assert float(names["derivation"].gradients["s"].value) == pytest.approx(-0.001)


def test_the_minimax_loss_stands_still_where_the_other_moves(page):
    ways = page("60")["ways"]
    assert abs(ways["ln(1 − D)"][-1] + 3) < 0.05
    assert ways["−ln D"][0] < -2.9
    assert ways["−ln D"][-1] == pytest.approx(3, abs=0.1)


def test_a_gan_finds_two_moons(page):
    before = figures(page("61"), "before:")[0]
    often = figures(page("61"), "non-saturating  k = 3:")[-1]
    assert before < 0.3
    assert often > 0.85
    assert figures(page("61"), "least-squares   k = 3:")[-1] > 0.75
    assert figures(page("61"), "non-saturating  k = 1:")[-1] < often


def test_the_discriminator_is_drawn_as_frozen_while_the_generator_learns(page):
    small = page("61")["small"]
    with small.turn("generator") as turn:
        loss = turn.loss(ng.input("x", shape=(4, 2), dtype="float32"))
        assert all(is_frozen(leaf) for leaf in small.discriminator.parameters().values())
        picture = ng.draw(loss, view="mirror").svg()
    for svg in (picture, page("61").pictures["61_gan_generator_learns.svg"]):
        assert "frozen" in svg
    assert "frozen" not in ng.draw(small.discriminator_loss(ng.input("x", shape=(4, 2), dtype="float32")), view="mirror").svg()
    film = frames(page("61").pictures["61_gan.gif"])
    assert len(film) > 10
    assert (film[0] != film[-1]).any()


def test_the_penalty_is_of_second_order(page):
    """d/dw (v·w·(1 − tanh²(w·x)) − 1)², by hand."""
    names = page("62").names
    x, w, v = (float(names[name].value) for name in "xwv")
    steep = 1 - np.tanh(w * x) ** 2
    slope = v * w * steep
    by_w = v * steep - 2 * v * w * np.tanh(w * x) * steep * x
    (found,) = ng.gradient(names["penalty"], [names["w"]])
    assert float(found.value) == pytest.approx(2 * (slope - 1) * by_w, rel=1e-12)


def test_wgan_gp_finds_the_ring_and_clipping_does_not(page):
    (count, share), (_, clipped) = (figures(page("62"), f"{name:8}") for name in ("WGAN-GP", "WGAN"))
    assert count >= 7
    assert share >= 0.8
    assert clipped < 0.2
    said = page("62")["said"]["WGAN-GP"]
    assert max(said) > 1
    assert abs(said[-1]) < 0.1


def test_bounds_climb_to_their_divergences(page):
    P, Q = page("63")["P"], page("63")["Q"]
    truth = {
        "kullback-leibler": (P * np.log(P / Q)).sum(),
        "reverse-kullback-leibler": (Q * np.log(Q / P)).sum(),
        "jensen-shannon": (P * np.log(2 * P / (P + Q)) + Q * np.log(2 * Q / (P + Q))).sum(),
        "pearson": ((P - Q) ** 2 / Q).sum(),
        "squared-hellinger": ((np.sqrt(P) - np.sqrt(Q)) ** 2).sum(),
    }
    assert list(page("63")["ways"]) == list(truth)
    for name, (way, said) in page("63")["ways"].items():
        assert said == pytest.approx(truth[name], rel=1e-12)
        assert max(way) < truth[name] + 1e-9
        assert way[0] < 0.1
        assert way[-1] == pytest.approx(truth[name], abs=1e-3)


def test_the_best_bell_depends_on_the_divergence(page):
    """Against the bells that are found by adding up over a grid."""
    minimize = pytest.importorskip("scipy.optimize").minimize
    x = np.linspace(-12, 12, 2401)

    def bell(mu, sigma):
        return np.exp(-((x - mu) ** 2) / (2 * sigma**2)) / (sigma * np.sqrt(2 * np.pi))

    p = 0.5 * bell(-2, 0.5) + 0.5 * bell(2, 0.5)
    for name, made in page("63")["bells"].items():
        f = nets.divergences[name].f

        def far(place, f=f):
            q = bell(place[0], np.exp(place[1])) + 1e-290
            return float((q * f(ng.constant(p / q)).value).sum())

        best = min((minimize(far, start, method="Nelder-Mead") for start in ([0.0, 0.7], [2.0, -0.7])), key=lambda found: found.fun)
        assert made.mean() == pytest.approx(best.x[0], abs=0.15)
        assert made.std() == pytest.approx(np.exp(best.x[1]), abs=0.1)


def test_dcgan_makes_all_ten_digits(page):
    assert figures(page("64"), "before:")[0] > 5
    distance, kinds = figures(page("64"), "after:")
    assert distance < 4
    assert kinds >= 9
    film = frames(page("64").pictures["64_dcgan.gif"])
    assert len(film) == 15


def test_digits_are_made_to_order(page):
    for name in ("conditional GAN", "AC-GAN"):
        before, right, spread = figures(page("65"), f"{name:16}")
        assert before < 0.2
        assert right >= 0.8
        assert spread > 0.15


def test_infogan_finds_the_rays_and_what_runs_along_them(page):
    without, own = (figures(page("66"), f"λ = {weight}") for weight in (0, 1))
    assert without[0] < 0.75
    assert min(own) > 0.95


def test_pix2pix_completes_digits_with_edges(page):
    """Far, read, sharp."""
    halves, alone, judged, whole = (figures(page("67"), name) for name in ("halves", "squares alone", "with a judge", "whole digits"))
    assert judged[0] < 0.65 * halves[0]
    assert judged[1] > halves[1] + 0.2
    assert alone[2] + 0.05 < judged[2] < whole[2]
    scores = page("67")["scores"]
    assert scores.shape[1:] == (1, 4, 4)


def test_cyclegan_goes_there_and_back(page):
    assert figures(page("68"), "there and back, after:")[0] < 0.1 * figures(page("68"), "there and back, before:")[0]
    share, covered = figures(page("68"), "made lies in b:")
    assert share > 0.8
    assert covered > 0.8
    # Nobody told, and yet a moon becomes a moon: neighbours stay neighbours.
    made, moons = page("68")["made"], page("68")["moons"]
    middle = [made[moons.t == half].mean(0) for half in (0, 1)]
    assert np.linalg.norm(middle[0] - middle[1]) > 1
    assert "frozen" in page("68").pictures["68_cycle_gan_losses.svg"]


def test_a_judge_sharpens_and_squares_pay_for_it(page):
    """Decibels and steepness."""
    repeated, straight, alone, judged = (figures(page("69"), name) for name in ("repeated", "straight lines", "λ = 0", "λ = 0.05"))
    (real,) = figures(page("69"), "real digits")
    assert alone[0] > judged[0] > max(repeated[0], straight[0]) + 2
    assert alone[1] < judged[1] < real


def test_drgan_turns_anybody(page):
    before, after = figures(page("70"), "the right face in the right pose:")
    assert before < 0.2
    assert after > 0.9
    (who, how), (kept, left) = (figures(page("70"), name) for name in ("read from the pixels:", "read from the code:"))
    assert who > 0.95
    assert how > 0.95
    assert kept > 0.95
    assert left < 0.8


def test_the_slope_of_a_wish_is_what_is_said_less_what_is_wanted(page):
    scores = page("70")["scores"].value
    said = np.exp(scores) / np.exp(scores).sum()
    (slope,) = ng.gradient(page("70")["wish"], [page("70")["scores"]])
    assert slope.value == pytest.approx(said - page("70")["wanted"].value)
