"""Entropy, losses, optimizers: what the pages 26, 27 and 30 to 32 show is what their formulas say, and it learns."""

import io
import re

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd import ops as _declared  # noqa: F401  (fills the table)
from nngraph.autograd.op import LOSS, OPS
from nngraph.nets import optimizers


def numbers(line):
    return [float(each.replace("−", "-")) for each in re.findall(r"[−-]?\d+\.\d+", line)]


def line_with(text, word):
    (line,) = [each for each in text.splitlines() if each.rstrip().endswith(word) or each.startswith(word)]
    return line


# 26 -------------------------------------------------------------------------------------------------------------------
def test_entropy_cross_entropy_and_divergence_are_those_of_scipy(page):
    from scipy.stats import entropy

    names = page("26").names
    p, z = np.array([0.7, 0.2, 0.1]), np.array([0.0, 1.0, -1.0])
    q = np.exp(z) / np.exp(z).sum()
    first = numbers(line_with(page("26").text, "  0  H(p, q)"))
    assert first[:2] == pytest.approx([entropy(p) + entropy(p, q), entropy(p, q)], abs=1e-4)
    assert first[2:5] == pytest.approx(q, abs=1e-3)
    # Both losses have the slope q − p.
    assert first[5:8] == pytest.approx(q - p, abs=1e-3)
    assert first[8:11] == pytest.approx(q - p, abs=1e-3)
    assert names["derivation"].gradients["z"].value == pytest.approx(q - p, abs=1e-12)
    assert float(names["entropy"].value) == pytest.approx(entropy(p), abs=1e-12)


def test_learning_ends_at_the_entropy_and_not_at_0(page):
    names = page("26").names
    assert float(names["cross"].value) == pytest.approx(0.8018, abs=5e-5)
    assert float(names["divergence"].value) == pytest.approx(0.0, abs=1e-9)
    assert names["q"].value == pytest.approx([0.7, 0.2, 0.1], abs=1e-5)


def test_the_golf_table_gains_what_scikit_learn_counts(page):
    from sklearn.metrics import mutual_info_score
    from sklearn.tree import DecisionTreeClassifier

    names = page("26").names
    days, told = names["days"], {"outlook": 0.247, "humidity": 0.152, "wind": 0.048, "temperature": 0.029}
    play = days["play"].values
    assert names["bits"](play) == pytest.approx(0.940, abs=5e-4)
    for column, gain in told.items():
        found = mutual_info_score(play, days[column].values) / np.log(2)
        assert names["gain"](column) == pytest.approx(found, abs=1e-12)
        assert found == pytest.approx(gain, abs=5e-4)
        assert str(gain) in page("26").text
    columns = list(told)
    each = np.stack([(days[column].values == value).astype(float) for column in columns for value in np.unique(days[column].values)], 1)
    # A tree that asks for one value at a time starts with a value of the outlook, too.
    asked = [column for column in columns for _value in np.unique(days[column].values)]
    tree = DecisionTreeClassifier(criterion="entropy", random_state=0).fit(each, play)
    assert asked[tree.tree_.feature[0]] == "outlook"


# 27 -------------------------------------------------------------------------------------------------------------------
def test_every_loss_of_the_engine_is_on_the_page(page):
    names = page("27").names
    shown = names["amounts"].keys() | names["scores"].keys() | names["beliefs"].keys()
    assert shown == {op.name for op in OPS.values() if op.kind == LOSS}
    for name in shown:
        assert name.removeprefix("binary_cross_entropy_") in page("27").names["__doc__"]


def test_curves_and_slopes_are_those_of_the_formulas(page):
    names = page("27").names
    y, z, p = np.array([-2.5, -0.5, 0.25, 2.0]), np.array([-3.0, 0.0, 0.5, 3.0]), np.array([0.2, 0.5, 0.9])
    sigmoid, sign, near = 1 / (1 + np.exp(-z)), np.sign(y), abs(y) <= 1
    crossed, slope = -0.8 * np.log(p) - 0.2 * np.log(1 - p), (p - 0.8) / (p * (1 - p))
    entropy = -0.8 * np.log(0.8) - 0.2 * np.log(0.2)
    expected = {
        "squared_error": (y, y**2, 2 * y), "half_squared_error": (y, y**2 / 2, y), "mean_squared_error": (y, y**2, 2 * y),
        "absolute_error": (y, abs(y), sign), "huber": (y, np.where(near, y**2 / 2, abs(y) - 0.5), np.where(near, y, sign)),
        "hinge": (z, np.maximum(0, 1 - z), np.where(z < 1, -1.0, 0.0)),
        "binary_cross_entropy_logits": (z, -np.log(sigmoid), sigmoid - 1), "softmax_loss": (z, -np.log(sigmoid), sigmoid - 1),
        "binary_cross_entropy": (p, crossed, slope), "cross_entropy": (p, crossed, slope), "kl_divergence": (p, crossed - entropy, slope),
    }  # fmt: skip
    for name, loss in {**names["amounts"], **names["scores"], **names["beliefs"]}.items():
        at, value, steepness = expected[name]
        f, df = names["curves"](loss)
        assert f(at) == pytest.approx(value, abs=1e-12), name
        assert df(at) == pytest.approx(steepness, abs=1e-12), name


def test_squares_hardly_learn_from_a_sure_mistake(page):
    at = 1 / (1 + np.exp(6.0))
    crossed, squared = numbers(line_with(page("27").text, "slopes at z"))
    assert crossed == pytest.approx(at - 1, abs=1e-4)
    assert squared == pytest.approx(2 * (at - 1) * at * (1 - at), abs=1e-4)


def test_lines_through_an_outlier_are_the_best_of_their_losses(page):
    from scipy.optimize import minimize

    names = page("27").names
    x, t = names["x"][:, 0], names["t"][:, 0]

    def huber(gap):
        return np.where(abs(gap) <= 1, gap**2 / 2, abs(gap) - 0.5)

    for name, loss in (("squared_error", np.square), ("absolute_error", abs), ("huber", huber)):
        best = minimize(lambda line, loss=loss: loss(line[0] * x + line[1] - t).sum(), [2, 1], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-10, "maxiter": 5000})  # fmt: skip
        before, after, slope, bias = numbers(line_with(page("27").text, name).replace("x + ", " "))
        assert slope == pytest.approx(best.x[0], abs=0.01)
        assert bias == pytest.approx(best.x[1], abs=0.02)
        assert best.fun - 0.01 <= after < before / 3


# 30 -------------------------------------------------------------------------------------------------------------------
def test_every_optimizer_goes_down_all_surfaces(page):
    names = page("30").names
    public = {name for name, each in vars(optimizers).items() if isinstance(each, type) and issubclass(each, nets.Optimizer)}
    assert {name.replace("-", "") for name in names["taken"]["valley"]} == public - {"Optimizer", "AdamW"} | {"LBFGS"}
    for name, ways in names["taken"].items():
        surface = nets.surfaces[name]
        low, high = np.array(surface.window).T
        for rule, way in ways.items():
            assert way.shape == (151, 2)
            heights = surface.height(*way.T)
            assert heights[-1] < heights[0] - 0.8 * (heights[0] - surface.height(*surface.minimum)), (name, rule)
            # Nothing that is drawn leaves the picture.
            assert ((low < way) & (way < high)).all(), (name, rule)


def test_adamw_moves_single_numbers_as_adam_does(page):
    for surface in nets.surfaces.values():
        adam, adamw = (nets.trajectory(surface, rule, 20) for rule in (nets.Adam(0.1), nets.AdamW(0.1, decay=0.5)))
        assert (adam == adamw).all()


def test_the_table_of_steps_is_that_of_the_ways(page):
    text, taken = page("30").text, page("30")["taken"]
    for rule in taken["valley"]:
        told = line_with(text[text.index("99 %") :].split("L-BFGS ends")[0], rule).split()[1:]
        for name, cell in zip(taken, told, strict=True):
            surface = nets.surfaces[name]
            heights = surface.height(*taken[name][rule].T) - surface.height(*surface.minimum)
            arrived = np.flatnonzero(heights <= 0.01 * heights[0])
            assert cell == (str(arrived[0]) if len(arrived) else "–")
    assert line_with(text, "SGD").split()[1:] == ["23", "54", "82", "–"]
    assert "12" in line_with(text, "Nesterov").split()


def test_only_lbfgs_reaches_the_end_of_rosenbrocks_valley(page):
    from scipy.optimize import rosen_der

    page_ = page("30")
    ends = {rule: float(nets.surfaces["rosenbrock"].height(*way[-1])) for rule, way in page_["taken"]["rosenbrock"].items()}
    assert ends.pop("L-BFGS") < 1e-12
    assert min(ends.values()) > 1
    assert "37" in page_.text.splitlines()[-1]
    assert "45" in page_.text.splitlines()[-1]
    slopes = [float(page_["derivation"].gradients[name].value) for name in "xy"]
    assert slopes == pytest.approx(rosen_der(np.array([-1.2, 1.0])))


def test_the_animation_moves(page):
    from PIL import Image

    with Image.open(io.BytesIO(page("30").pictures["30_rosenbrock.gif"])) as film:
        assert film.n_frames == 40
        frames = []
        for at in (0, 10, 39):
            film.seek(at)
            frames.append(np.asarray(film.convert("RGB")).astype(int))
    assert ((frames[0] != frames[1]).any(2)).sum() > 500
    assert ((frames[1] != frames[2]).any(2)).sum() > 500


# 31 -------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rule", "accuracy"),
    [("0.2", 0.590), ("0.2, cosine", 0.931), ("0.2, warm-up, cosine", 0.949), ("1.0", 0.101), ("1.0, clipped", 0.824), ("1.0, clipped, cosine", 0.963)],
)  # fmt: skip
def test_brakes_make_high_rates_learn(page, rule, accuracy):
    *_before, last = numbers(line_with(page("31").text, f"  {rule}").removesuffix(rule))
    assert last == pytest.approx(accuracy, abs=1e-3)


def test_decay_and_early_stopping_keep_the_loss_on_new_points_low(page):
    told = {rule: numbers(line_with(page("31").text, rule)) for rule in ("plain", "weight decay", "early stopping")}
    plain, decayed, stopped = (told[rule] for rule in told)
    assert plain[1] == pytest.approx(1.146, abs=1e-3)
    assert decayed[1] == pytest.approx(0.291, abs=1e-3)
    assert stopped[2] == pytest.approx(0.293, abs=1e-3)
    assert decayed[1] < plain[1] / 3
    assert stopped[2] == plain[2]  # the same training as the plain one, until it ends
    assert line_with(page("31").text, "early stopping").split()[0] == "45"
    rows, others = page("31")["points"]
    net, runs = nets.MLP([2, 100, 100, 2], ng.relu, rng=0), {"epochs": 150, "batch": 20, "patience": 20, "optimizer": nets.Adam(0.01)}
    records = list(nets.train(net, ng.softmax_loss, (rows.X, rows.t), validation=(others.X, others.t), **runs))
    assert [record.epoch for record in records if record.best][-1] == 25
    kept = ng.softmax_loss(net(others.X.astype(np.float32)), others.t)
    assert float(kept.value) == pytest.approx(stopped[2], abs=1e-3)


def test_rates_are_those_of_the_formulas(page):
    names = page("31").names
    t = np.arange(1.0, 291.0)
    expected = [0.2 * 0.5 ** ((t - 1) // 58), 0.2 / (1 + (t - 1) / 58), 0.1 * (1 + np.cos(np.pi * (t - 1) / 290))]
    expected.append(np.where(t <= 58, 0.2 * t / 58, 0.1 * (1 + np.cos(np.pi * (t - 59) / 232))))
    for rate, formula in zip(names["rates"].values(), expected, strict=True):
        assert rate(ng.constant(t)).value == pytest.approx(formula, abs=1e-12)


def test_a_clipped_step_is_a_fifth_as_long(page):
    derivation = page("31")["derivation"]
    assert float(page("31")["new"].value) == pytest.approx(1 - 0.1 * 3 / 5)
    # d/dg of g/√(g² + h²) = h²/(g² + h²)^1.5
    assert float(derivation.gradients["gu"].value) == pytest.approx(-0.1 * 16 / 125)


# 32 -------------------------------------------------------------------------------------------------------------------
def test_the_derived_step_is_that_of_nets_adam(page):
    names = page("32").names
    w, g, memory = ng.parameter("w", 1.0), ng.input("g", 4.0), nets.Memory()
    new = nets.Adam(0.1).updates({"w": w}, [g], memory)[w]
    rng = np.random.default_rng(0)
    leaves = memory.states
    for t in (1, 2, 7):
        m, v, slope = rng.normal(), rng.uniform(0.1, 2), rng.normal()
        for name, value in (("w/mean", m), ("w/square", v), ("step", t - 1.0)):
            leaves[name].value = value
        g.value = names["g"].value = slope
        names["t"].value, names["m_before"].value, names["v_before"].value = float(t), m, v
        assert float(new.value) == pytest.approx(float(names["new"].value), rel=1e-12)
    for name, value in (("g", 4.0), ("t", 1.0), ("m_before", 0.0), ("v_before", 0.0)):
        names[name].value = value


def test_the_first_step_does_not_know_how_long_the_gradient_is(page):
    names = page("32").names
    assert float(names["new"].value) == pytest.approx(0.9, abs=1e-8)
    assert abs(float(names["derivation"].gradients["g"].value)) < 1e-9


def test_step_lengths_are_those_of_the_formula(page):
    t = np.arange(1, 301)
    corrected, times, uncorrected = page("32")["lengths"].values()
    assert corrected == pytest.approx(np.ones(300), abs=1e-7)
    assert times == pytest.approx(np.ones(300), abs=1e-7)
    assert uncorrected == pytest.approx((1 - 0.9**t) / np.sqrt(1 - 0.999**t), rel=1e-5)
    assert uncorrected[[0, 11, 299]] == pytest.approx([3.16, 6.57, 1.96], abs=5e-3)
    assert uncorrected.argmax() == 11


def test_without_the_correction_the_network_dies(page):
    lines = {name: numbers(line_with(page("32").text, name)) for name in (" corrected", " loss times 1000", " uncorrected")}
    assert lines[" corrected"][-1] == pytest.approx(0.09, abs=5e-3)
    assert lines[" uncorrected"][-1] == pytest.approx(1.84, abs=5e-3)
    assert lines[" loss times 1000"][3] == pytest.approx(lines[" corrected"][3], abs=1e-3)
    names = page("32").names
    W, b = (names["net"].values()[f"layer1/{name}"] for name in "Wb")
    hidden = names["digits"].X @ W + b
    assert ((hidden <= 0).all(0)).sum() == 29
    assert "29/30  uncorrected" in page("32").text
