"""The numbers of the first pages: a·b + c, dashes, a matrix product, slopes, a node used twice."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import MissingValue


def test_the_smallest_graph(page):
    names = page("01").names
    assert float(names["s"].value) == 5.0
    assert float(names["y"].value) == 2.0 * -3.0 + 10.0
    gradients = {name: float(each.value) for name, each in names["derivation"].gradients.items()}
    assert gradients == {"a": -3.0, "b": 2.0, "c": 1.0}
    assert "y moves by -0.003" in page("01").text
    values = page("01").pictures["01_smallest_graph.svg"]
    for written in ("a = 2", "∂y/∂a = −3", "p = −6", "∂y/∂p = 1", "y = 4", "c = 10"):
        assert written in values


def test_what_is_not_computed_is_a_dash_and_no_zero(page):
    dashes, numbers = page("02").pictures["02_dashes.svg"], page("02").pictures["02_numbers.svg"]
    for written in ("x = –", "y = –", "∂y/∂w = –", "∂y/∂x = 2"):
        assert written in dashes
    assert "= 0" not in dashes
    for written in ("x = 3", "y = 7", "∂y/∂w = 3"):
        assert written in numbers
    assert "–" not in numbers
    assert "'x'" in page("02").text.splitlines()[0]


def test_asking_for_a_missing_value_names_the_leaf():
    x = ng.input("x")
    with pytest.raises(MissingValue, match="'x'"):
        (x * 2.0).value  # noqa: B018


def test_a_matrix_product(page):
    names = page("03").names
    assert names["Y"].value.tolist() == [5.0, 11.0, 17.0]
    gradients = names["derivation"].gradients
    assert gradients["X"].value.tolist() == [9.0, 12.0]
    assert gradients["W"].value.tolist() == [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]
    assert "Why Wᵀ" in page("03").text


def test_the_slope_of_a_square(page):
    names, text = page("04").names, page("04").text
    assert f"{names['forward']:.4f}" == "6.0001"
    assert f"{names['central']:.4f}" == "6.0000"
    assert float(names["slope"].value) == 6.0
    assert "6.0001" in text
    assert "6.0000" in text
    assert "6t − 9" in text
    assert [names["tangent"](t) for t in (0.0, 1.5, 3.0)] == [-9.0, 0.0, 9.0]
    # What finite_difference itself says with this step.
    assert float(ng.finite_difference(lambda t: t**2, 3.0, 1.0, step=1e-4)) == pytest.approx(6.0, abs=1e-9)


def test_the_tangent_is_drawn_with_its_slope(page):
    picture = page("04").pictures["04_tangent.svg"]
    for written in ("slope 6", "t²"):
        assert written in picture
    assert "斜率 6" in page("04", "zh-TW").pictures["04_tangent.svg"]


def test_gradients_of_a_node_used_twice_add_up(page):
    names = page("05").names
    assert float(names["square"].gradients["a"].value) == 6.0
    s = 2.0 * 1.5
    assert float(names["diamond"].gradients["w"].value) == pytest.approx((2 * s + np.cos(s)) * 1.5, rel=1e-14)
    assert float(names["dw"].value) == 1.0
    assert "the path r ← u ← s ← w" in page("05").text
    assert "the path r ← v ← s ← w" in page("05").text


def test_diamonds_in_a_row_take_no_longer_than_a_chain():
    # 2**200 paths: any walk along paths would never come back.
    w = y = ng.parameter("w", 1.5)
    for _ in range(200):
        y = y * 0.5 + y * 0.5
    (dw,) = ng.gradient(y, [w])
    assert float(dw.value) == 1.0
