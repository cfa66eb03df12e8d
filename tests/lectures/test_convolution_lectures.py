"""The pages on convolution, against SciPy and numpy: tables of windows, X and O, kernels, receptive fields, the way back, digits."""

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import ParameterError
from nngraph.nets import data
from scipy.signal import correlate2d


# 36, 37: windows, products, sums ----------------------------------------------------------------------------------------
def test_every_window_is_printed_with_its_products_and_their_sum(page):
    lines = [line for line in page("36").text.splitlines() if line.startswith("(")]
    assert lines[0] == "(0, 0)   2 + 5 + 7 + 9 + 11 = 34"
    sums = [int(line.split("= ")[1]) for line in lines]
    assert sums == correlate2d(page("36")["image"].value, page("36")["kernel"].value, "valid").ravel().tolist()
    for line in lines:
        products = line.split("   ")[1].split(" = ")[0]
        assert sum(map(int, products.split(" + "))) == int(line.split("= ")[1])
    assert "36_windows.svg" in page("36").pictures


def test_three_ways_of_pooling(page):
    windows = page("37")["image"].value.reshape(2, 2, 2, 2).swapaxes(1, 2).reshape(2, 2, 4)
    assert page("37")["largest"].value == pytest.approx(windows.max(-1))
    assert page("37")["average"].value == pytest.approx(windows.mean(-1))
    assert page("37")["lengths"].value == pytest.approx(np.linalg.norm(windows, axis=-1))
    assert "[23.37 27.31]" in page("37").text


# 39: X and O -----------------------------------------------------------------------------------------------------------
def test_a_score_is_the_mean_of_nine_products(page):
    names = page("39").names
    X = names["perfect"].X[:1]
    maps, kept, best = (step.value[0] for step in names["steps"](X))
    for number, kernel in enumerate(names["kernels"]):
        assert set(np.unique(kernel)) == {-1.0, 1.0}
        assert maps[number] == pytest.approx(correlate2d(X[0, 0], kernel, "valid") / 9)
    assert maps.max() == pytest.approx(1.0)  # all nine agree
    assert maps[0, 0, 0] == pytest.approx(7 / 9)
    assert (kept == np.maximum(maps, 0)).all()
    padded = np.pad(kept, ((0, 0), (0, 1), (0, 1)))
    assert best == pytest.approx(padded.reshape(3, 4, 2, 4, 2).max((2, 4)))


def test_strokes_tell_deformed_letters_apart_and_pixels_do_not(page):
    """Over ten lessons of 20 letters, asked what none of these was."""
    right, others = page("39")["right"], page("39")["others"]
    assert [len(shares) for shares in right.values()] == [10, 10]
    assert np.mean(right["strokes"]) > 0.92 > 0.86 > np.mean(right["pixels"])
    assert (np.array(right["strokes"]) > np.array(right["pixels"]) + 0.02).all()
    assert min(right["strokes"]) > 0.88
    for name, shares in right.items():
        assert f"votes of {name}: {np.mean(shares):.1%} of new letters told apart, at worst {min(shares):.1%}" in page("39").text
    for seen in page("39")["lessons"]:
        known = {each.tobytes() for each in seen.X}
        strangers = [each for each in others.X if each.tobytes() not in known]
        assert len(seen) == 20
        assert 370 < len(strangers) < 400
    # The last lesson is the one that is drawn: its share is that of the letters it never saw.
    answers, fresh = page("39")["p"].argmax(1), ~page("39")["known"]
    assert fresh.tolist() == [each.tobytes() not in known for each in others.X]
    assert right["strokes"][-1] == pytest.approx((answers == others.t)[fresh].mean())


def test_letters_are_as_they_should_be_or_each_deformed_in_its_own_way():
    perfect, deformed = data.x_and_o(4, deformed=0), data.x_and_o(40, seed=1)
    X, O = perfect.X[:2, 0]  # noqa: E741
    assert (perfect.X[2:] == perfect.X[:2]).all()
    for letter in (X, O):
        assert (letter == letter[::-1]).all()
        assert (letter == letter.T).all()
    assert (X[4, 4], O[4, 4]) == (1, -1)
    assert len({each.tobytes() for each in deformed.X}) >= 35
    assert (deformed.X == data.x_and_o(40, seed=1).X).all()
    assert deformed.t.tolist() == [0, 1] * 20
    with pytest.raises(ParameterError, match="rows=0"):
        data.x_and_o(0)


# 40: kernels -----------------------------------------------------------------------------------------------------------
def test_the_gallery_is_scipys(page):
    from scipy import ndimage

    gray, gallery = page("40")["gray"], page("40")["gallery"]
    assert gray.shape == (427 // 4, 640 // 4)
    assert gallery["identity"] == pytest.approx(gray)
    assert gallery["box blur"] == pytest.approx(ndimage.uniform_filter(gray, 3, mode="nearest"))
    assert gallery["Sobel x"] == pytest.approx(ndimage.sobel(gray, 1, mode="nearest"))
    assert gallery["Sobel y"] == pytest.approx(ndimage.sobel(gray, 0, mode="nearest"))
    assert gallery["sharpen"] == pytest.approx(gray - ndimage.laplace(gray, mode="nearest"))
    assert page("40")["slope"] == pytest.approx(np.hypot(*(ndimage.sobel(gray, axis, mode="nearest") for axis in (0, 1))))
    # Blurs take differences away, sharpening adds to them, and flat ground stays or turns black.
    spread = {name: image.std() for name, image in gallery.items()}
    assert spread["box blur"] < spread["Gaussian blur"] < spread["identity"] < spread["unsharp"] < spread["sharpen"]


def test_sobels_kernel_is_learned_from_two_pictures(page):
    names = page("40").names
    weights = names["learner"].W.value[0, 0]
    wanted = nets.image_kernels()["Sobel x"].weights
    assert abs(weights - wanted).max() <= 0.034 < abs(names["start"] - wanted).max()
    assert names["records"][-1].loss < 1e-5 * names["records"][0].loss
    for kernel in nets.image_kernels().values():
        assert f"{kernel.name}: {kernel.what} Σ = {kernel.total:g}" in page("40").text


# 41: what a unit sees --------------------------------------------------------------------------------------------------
def test_a_unit_sees_where_its_gradient_is_not_zero(page):
    names = page("41").names
    rows, columns = names["fields"][3].of(2, 2)
    seen = np.zeros((28, 28), bool)
    seen[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    assert seen.sum() == 16 * 16
    assert ((names["measured"] > 0) == seen).all()


def test_reach_grows_by_layer_as_it_is_told(page):
    reach, text = list(page("41")["reach"].values()), page("41")["__doc__"]
    layers = np.arange(1, 7)
    assert reach[0] == (1 + 2 * layers).tolist()
    assert reach[1] == [1 + sum(2 * 2**at + 2**at for at in range(layer)) - 2 ** (layer - 1) for layer in layers]
    assert reach[2] == (2 ** (layers + 1) - 1).tolist()
    assert f"sees {reach[1][-1]} or {reach[2][-1]} pixels instead of {reach[0][-1]}" in text


def test_the_middle_of_a_field_counts_most(page):
    bell = page("41")["bell"]
    row = np.array([1.0])
    for _ in range(10):
        row = np.convolve(row, np.ones(3) / 3)
    assert bell == pytest.approx(np.outer(row, row), abs=1e-7)
    assert f"{bell[5:16, 5:16].sum() / bell.sum():.0%}" == "94%"
    assert "94 %" in page("41")["__doc__"]


# 42: the way back ------------------------------------------------------------------------------------------------------
def test_four_ways_to_enlarge_are_one(page):
    from scipy.signal import convolve2d

    names = page("42").names
    x, w, y = (names[name].value for name in "xwy")
    inserted = np.zeros((3, 3))
    inserted[::2, ::2] = x
    assert y == pytest.approx(convolve2d(inserted, w, "full"))  # the convolution of mathematics, of numbers with zeros between
    assert sum(names["laid"].values()) == pytest.approx(y)
    assert names["by_zeros"].value == pytest.approx(y)
    assert names["by_gradient"].value == pytest.approx(y)
    assert (names["C"].T @ x.ravel()).reshape(5, 5) == pytest.approx(y)
    image = np.arange(25.0).reshape(5, 5) ** 1.5
    assert names["C"] @ image.ravel() == pytest.approx(correlate2d(image, w, "valid")[::2, ::2].ravel())
    assert "matrix differ from it by 0 at most" in page("42").text
    assert ng.check_gradient(names["L"], names["image"]).orders[0].error < 1e-8


def test_no_inverse(page):
    """Back on the small image the numbers are others."""
    names = page("42").names
    again = ng.conv2d(names["y"], names["w"], stride=2).value
    assert again.shape == (2, 2)
    assert abs(again - names["x"].value).min() > 1


def test_a_kernel_that_the_stride_divides_covers_evenly(page):
    assert "k = 3, s = 2: [1 1 2 1 2 1 2 1 2 1 2 1 1]" in page("42").text
    assert "k = 4, s = 2: [1 1 2 2 2 2 2 2 2 2 2 2 1 1]" in page("42").text


def test_enlarging_is_learned(page):
    names = page("42").names
    assert names["records"][-1].loss < 0.00256 < 0.0027 < names["repeated"]
    assert "0.857 at first, 0.00254 learned, 0.00273 for repeated pixels" in page("42").text
    assert "0.00254" in page("42")["__doc__"]


# 43: digits ------------------------------------------------------------------------------------------------------------
def test_both_networks_read_digits(page):
    names = page("43").names
    assert names["accuracy"]["LeNet"] >= 0.985
    assert names["accuracy"]["ResNet"] >= 0.985
    for name, net, taken in (("LeNet", names["lenet"], names["enlarged"]), ("ResNet", names["residual"], np.float32)):
        assert f"{net.count} weights" in page("43").text
        answers = net(taken(names["test"].X)).value.argmax(1)
        assert (answers == names["test"].t).mean() == pytest.approx(names["accuracy"][name])
        losses = [record.loss for record in names["records"][name]]
        assert losses[-1] < losses[0] / 5
    assert not {each.tobytes() for each in names["train"].X} & {each.tobytes() for each in names["test"].X}


def test_digits_are_enlarged_pixel_by_pixel(page):
    small = np.random.default_rng(0).uniform(size=(2, 1, 8, 8))
    large = page("43")["enlarged"](small)
    assert large.shape == (2, 1, 28, 28)
    assert large[:, :, 3:27:3, 3:27:3] == pytest.approx(small)
    assert large.sum() == pytest.approx(9 * small.sum(), rel=1e-6)


def test_feature_maps_are_the_filters_on_the_digit(page):
    names = page("43").names
    assert names["sheets"]["filters"].shape == (16, 3, 3)
    assert names["sheets"]["feature maps"].shape == (16, 8, 8)
    assert names["sheets"]["behind the block"].shape == (32, 4, 4)
    norm = names["residual"].layers[1]
    for number in (0, 7):
        z = correlate2d(names["one"][0, 0], names["sheets"]["filters"][number], "same")
        z = (z - norm.mean.value[number]) / np.sqrt(norm.var.value[number] + 1e-5) * norm.scale.value[number] + norm.shift.value[number]
        assert names["sheets"]["feature maps"][number] == pytest.approx(np.maximum(z, 0), abs=1e-4)


# 44: normalization and dropout -----------------------------------------------------------------------------------------
def test_which_numbers_are_normalized_together(page):
    sets = page("44")["sets"]
    over = {"BatchNorm": (0, 2), "LayerNorm": (1, 2), "InstanceNorm": (2,), "GroupNorm": (1, 2)}
    for name, axes in over.items():
        met = np.zeros((4, 6, 5))
        met[tuple(slice(None) if axis in axes else at for axis, at in enumerate((1, 2, 3)))] = 0.5
        if name == "GroupNorm":
            met[:, 3:] = 0  # the other group
        met[1, 2, 3] = 1
        assert (sets[name] == met).all(), name


def test_running_means_follow_by_the_convention_that_is_said(page):
    means, running = page("44")["batches"].mean((1, 2)), page("44")["running"]
    for keep in (0.9, 0.99):
        now, followed = 0.0, []
        for mean in means:
            now = keep * now + (1 - keep) * mean
            followed.append(now)
        assert running[f"keep = {keep}"] == pytest.approx(followed, rel=1e-4)
    assert running["keep = 0.9"][-1] == pytest.approx(3, abs=0.3)


def test_normalization_and_dropout_help(page):
    reads, text = page("44")["reads"], page("44")["__doc__"]
    assert reads["BatchNorm"][1] >= 0.93 > 0.6 > reads["sigmoid"][1]
    assert reads["Dropout"][1] >= reads["ReLU"][1] + 0.05
    assert reads["ReLU"][0] >= 0.97  # by heart, labels drawn at random included
    assert reads["Dropout"][0] <= 0.9
    for name, (own, new) in reads.items():
        assert f"{name}: labels learned {own:.3f}, new digits {new:.3f}" in page("44").text
        assert f"{new:.3f}" in text
    wrong = page("44")["labels"] != page("44")["rest"].t[:400]
    assert 0.1 < wrong.mean() < 0.2
