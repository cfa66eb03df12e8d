"""Sizes: whole numbers that remember the expression they came from."""

import nngraph as ng
import pytest
from nngraph.autograd.errors import ParameterError
from nngraph.autograd.resize import resize
from nngraph.autograd.sizes import Size, product, resized, shape_text

N, D = Size("N", 4), Size("D", 3)


@pytest.mark.parametrize(
    ("size", "value", "text"),
    [
        (N + 1, 5, "N+1"),
        (1 + N, 5, "1+N"),
        (2 * N, 8, "2·N"),
        (N * D, 12, "N·D"),
        (N - 1, 3, "N−1"),
        (10 - N, 6, "10−N"),
        (N - (D - 1), 2, "N−(D−1)"),
        (2 * (N + 1), 10, "2·(N+1)"),
        ((N + 1) // 2, 2, "(N+1)//2"),
        (N * 1, 4, "N"),
        (N + 0, 4, "N"),
        (N // 1, 4, "N"),
    ],
)
def test_arithmetic_keeps_the_expression(size, value, text):
    assert size == value and size.text == text


def test_a_size_counts_as_its_number():
    assert N == 4 and list(range(N)) == [0, 1, 2, 3] and N < 5
    assert shape_text((N, 3)) == "N×3" and shape_text(()) == "scalar"
    assert product((N, D)).text == "N·D" and product(()) == 1


def test_sizes_named_apart_are_hashed_apart():
    assert hash(N) != hash(Size("M", 4)) and hash(N) == hash(Size("N", 4))


@pytest.mark.parametrize(
    ("size", "expected"), [(N, 7), (2 * N - 1, 13), (N * D, 21), ((N + D) // 2, 5), (D, 3), (5, 5)]
)
def test_an_expression_is_worked_out_again(size, expected):
    again = resized(size, {"N": 7})
    assert again == expected
    assert getattr(again, "text", None) == getattr(size, "text", None)


def test_a_long_expression_needs_no_recursion():
    total = N
    for _ in range(3000):
        total = total + D
    assert resized(total, {"N": 5}) == 5 + 3000 * 3


def test_a_graph_is_built_again_for_other_sizes():
    x = ng.input("x", shape=(N, 3))
    loss = ng.sum(ng.square(x)) / N
    (slope,) = ng.gradient(loss, [x])
    seven = ng.input("x", [[1.0, 2.0, 3.0]] * 7, shape=(Size("N", 7), 3))
    again, again_slope = resize([loss, slope], {"N": 7}, {x: seven})
    assert again_slope.shape == (7, 3)
    assert float(again.value) == pytest.approx(14.0)
    assert again_slope.value[0] == pytest.approx([2 / 7, 4 / 7, 6 / 7])
    assert again.inputs[1].params["size"].text == "N"


@pytest.mark.parametrize("wrong", [("N",), (4, "N"), ("N", "4")])
def test_a_size_needs_a_name_and_a_number(wrong):
    with pytest.raises(ParameterError, match=r"ng\.Size\('N', 4\)"):
        Size(*wrong)
