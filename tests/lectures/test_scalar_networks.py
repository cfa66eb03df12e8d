"""The 2-2-1 and the 2-3-2-1 network weight by weight, against formulas written out here in numpy."""

import json

import numpy as np
import pytest
from nngraph.cli.app import run

POINT = dict(x1=1.0, x2=0.5, z=1.0, w1=0.2, w2=-0.3, w3=0.4, w4=0.1, w5=0.6, w6=-0.5)


def f(a):
    return 1 / (1 + np.exp(-a))


def slopes_221(x1, x2, z, w1, w2, w3, w4, w5, w6):
    """∂E/∂w1 … ∂E/∂w6 of E = (y − z)², term by term as on the board."""
    a1, a2 = w1 * x1 + w3 * x2, w2 * x1 + w4 * x2
    f1, f2 = f(a1), f(a2)
    a3 = w5 * f1 + w6 * f2
    y = f(a3)
    common = 2 * (y - z) * f(a3) * (1 - f(a3))
    return {
        "w1": common * w5 * f(a1) * (1 - f(a1)) * x1,
        "w2": common * w6 * f(a2) * (1 - f(a2)) * x1,
        "w3": common * w5 * f(a1) * (1 - f(a1)) * x2,
        "w4": common * w6 * f(a2) * (1 - f(a2)) * x2,
        "w5": common * f1,
        "w6": common * f2,
    }


FORMULAS_221 = {
    "w1": "(y−z)·y(1−y)·w5·f1(1−f1)·x1",
    "w2": "(y−z)·y(1−y)·w6·f2(1−f2)·x1",
    "w3": "(y−z)·y(1−y)·w5·f1(1−f1)·x2",
    "w4": "(y−z)·y(1−y)·w6·f2(1−f2)·x2",
    "w5": "(y−z)·y(1−y)·f1",
    "w6": "(y−z)·y(1−y)·f2",
}


def formulas(derivation):
    return {name: each["formula"] for name, each in json.loads(derivation.json())["gradients"].items()}


def test_all_six_gradients_of_the_2_2_1_network(page):
    found = page("06")["derivation"].gradients
    assert list(found) == list(FORMULAS_221)
    for name, expected in slopes_221(**POINT).items():
        assert float(found[name].value) == pytest.approx(expected, rel=1e-13)


def test_where_the_2_goes(page):
    """E = (y − z)² has the 2 in every formula, ½(y − z)² has none, and nothing else differs."""
    assert formulas(page("06")["derivation"]) == {name: f"2{formula}" for name, formula in FORMULAS_221.items()}
    assert formulas(page("06")["half"]) == FORMULAS_221
    whole, half = page("06")["derivation"].gradients, page("06")["half"].gradients
    for name in FORMULAS_221:
        assert float(whole[name].value) == pytest.approx(2 * float(half[name].value), rel=1e-15)


NETWORK = ["(y-z)**2", "--let", "y=sigmoid(a3)", "--let", "a3=w5*f1+w6*f2", "--let", "f1=sigmoid(a1)", "--let", "f2=sigmoid(a2)",
           "--let", "a1=w1*x1+w3*x2", "--let", "a2=w2*x1+w4*x2", "--let", "f=sigmoid"]  # fmt: skip


@pytest.mark.parametrize(
    ("weight", "claim"),
    [
        ("w1", "2*(y-z)*f(a3)*(1-f(a3))*w5*f(a1)*(1-f(a1))*x1"),
        ("w2", "2*(y-z)*f(a3)*(1-f(a3))*w6*f(a2)*(1-f(a2))*x1"),
        ("w3", "2*(y-z)*f(a3)*(1-f(a3))*w5*f(a1)*(1-f(a1))*x2"),
        ("w4", "2*(y-z)*f(a3)*(1-f(a3))*w6*f(a2)*(1-f(a2))*x2"),
        ("w5", "2*(y-z)*f(a3)*(1-f(a3))*f1"),
        ("w6", "2*(y-z)*f(a3)*(1-f(a3))*f2"),
    ],
)
def test_the_formulas_of_the_board_are_right_and_without_the_2_wrong(weight, claim, capsys):
    assert run(["check", *NETWORK, "--wrt", weight, "--claim", claim]) == 0
    assert run(["check", *NETWORK, "--wrt", weight, "--claim", claim.removeprefix("2*")]) == 1
    assert "factor 2" in capsys.readouterr().out


def test_the_path_of_w1_is_marked(page):
    pictures = page("06").pictures
    assert "∂E/∂w1" in pictures["06_net_2_2_1_path_of_w1.svg"]
    assert {"06_net_2_2_1.svg", "06_net_2_2_1_values.svg"} <= set(pictures)
    for weight in FORMULAS_221:
        assert f"∂E/∂{weight}" in pictures["06_net_2_2_1.svg"]


def slopes_2321(x, z, W1, W2, W3):
    """The gradients of E = (z − y)² for three layers of sigmoids, backpropagation in six lines of numpy."""
    y1 = f(W1 @ x)
    y2 = f(W2 @ y1)
    y = f(W3 @ y2)
    d3 = -2 * (z - y) * y * (1 - y)
    d2 = (W3.T @ d3) * y2 * (1 - y2)
    d1 = (W2.T @ d2) * y1 * (1 - y1)
    return np.outer(d1, x), np.outer(d2, y1), np.outer(d3, y2)


@pytest.fixture
def expected_2321(page):
    names = page("08").names
    return slopes_2321(*(np.array(names[name].value) for name in ("x", "z", "W1", "W2", "W3")))


def test_14_weights_one_by_one(page, expected_2321):
    names = page("07").names
    W1, W2, W3 = expected_2321
    expected = {f"wx{i + 1}{k + 1}": W1[k, i] for k in range(3) for i in range(2)}
    expected |= {f"w{j + 1}{k + 4}": W2[k, j] for k in range(2) for j in range(3)}
    expected |= {f"w{k + 4}6": W3[0, k] for k in range(2)}
    found = names["derivation"].gradients
    assert len(found) == 14
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert float(found[name].value) == pytest.approx(value, rel=1e-12)


def test_the_formulas_of_the_2_3_2_1_network(page):
    found = formulas(page("07")["derivation"])
    assert found["w46"] == "−2(z−y)·y(1−y)·y4"
    assert found["w14"] == "−2(z−y)·y(1−y)·w46·y4(1−y4)·y1"
    first, second = found["wx23"].split(" − ")
    assert first == "−2(z−y)·y(1−y)·w46·y4(1−y4)·w34·y3(1−y3)·x2"
    assert second == "2(z−y)·y(1−y)·w56·y5(1−y5)·w35·y3(1−y3)·x2"  # x2 in the second path too


def test_both_paths_are_marked_in_the_picture_of_neurons(page):
    pictures = page("07").pictures
    for weight in page("07")["names"]:
        assert weight in pictures["07_net_2_3_2_1.svg"]
    assert "∂E/∂wx23" in pictures["07_two_paths_of_wx23.svg"]


def test_three_matrices_give_the_same_14_gradients(page, expected_2321):
    found = page("08")["derivation"].gradients
    for name, value in zip(("W1", "W2", "W3"), expected_2321, strict=True):
        np.testing.assert_allclose(found[name].value, value, rtol=1e-12)
    scalar = {name: float(each.value) for name, each in page("07")["derivation"].gradients.items()}
    np.testing.assert_allclose(found["W1"].value[2, 1], scalar["wx23"], rtol=1e-12)
    np.testing.assert_allclose(found["W2"].value[0, 2], scalar["w34"], rtol=1e-12)
    np.testing.assert_allclose(found["W3"].value[0, 1], scalar["w56"], rtol=1e-12)
    assert float(page("08")["E"].value) == pytest.approx(float(page("07")["E"].value), rel=1e-14)
    assert "Why W2ᵀ" in page("08").text
