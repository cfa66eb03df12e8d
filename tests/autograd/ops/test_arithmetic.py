"""Powers and quotients at the points where they are delicate."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import DtypeError


def derivatives(f, at, count):
    """f and its derivatives at a point."""
    x = ng.input("x", float(at))
    y = f(x)
    values = [float(y.value)]
    for _ in range(count):
        (y,) = ng.gradient(y, [x])
        values.append(float(y.value))
    return values


@pytest.mark.parametrize("at", [-2.0, 0.0, 3.0])
def test_a_whole_power_differentiates_right_to_any_order(at):
    assert derivatives(lambda x: x**3, at, 5) == [at**3, 3 * at**2, 6 * at, 6.0, 0.0, 0.0]


def test_a_square_becomes_two_x():
    x = ng.input("x", -3.0)
    (slope,) = ng.gradient(x**2, [x])
    assert float(slope.value) == -6.0
    assert all(node.op is None or node.op.name != "pow" for node in slope.graph.nodes)


def test_the_power_zero_is_one_and_has_no_slope():
    assert derivatives(lambda x: x**0, 0.0, 2) == [1.0, 0.0, 0.0]
    x = ng.input("x", [0.0, -1.0, 2.0])
    (slope,) = ng.gradient(ng.sum(x ** [0.0, 1.0, 3.0]), [x])
    np.testing.assert_array_equal(slope.value, [0, 1, 12])


def test_negative_powers_on_both_sides_of_zero():
    assert derivatives(lambda x: x**-1, -2.0, 2) == [-0.5, -0.25, -0.25]


def test_a_square_root_is_infinitely_steep_at_zero():
    assert derivatives(lambda x: x**0.5, 0.0, 1) == [0.0, np.inf]


def test_the_exponent_receives_a_gradient_only_over_a_positive_base():
    base, exponent = ng.input("a", [2.0, 0.0, -2.0]), ng.input("b", [3.0, 3.0, 3.0])
    to_base, to_exponent = ng.gradient(ng.sum(base**exponent), [base, exponent])
    np.testing.assert_allclose(to_base.value, [12, 0, 12])
    np.testing.assert_allclose(to_exponent.value, [8 * np.log(2), 0, 0])


def test_powers_of_a_known_base():
    assert derivatives(lambda x: 2**x, 3.0, 2) == pytest.approx([8, 8 * np.log(2), 8 * np.log(2) ** 2])


def test_a_whole_exponent_that_is_data():
    base, exponent = ng.input("a", [0.0, 2.0, -1.0]), ng.input("k", [0, 1, 2])
    (slope,) = ng.gradient(ng.sum(base**exponent), [base])
    np.testing.assert_array_equal(slope.value, [0, 1, -2])


def test_powers_with_both_sides_moving(gradients_agree, rng):
    gradients_agree(lambda a, b: a**b, rng.uniform(0.5, 2, (3, 2)), rng.uniform(-2, 2, (2,)))


def test_whole_numbers_have_no_negative_whole_powers():
    with pytest.raises(DtypeError, match=r"write 2\.0 instead of 2"):
        ng.input("n", [1, 2]) ** -1


def test_a_ratio_takes_zero_by_zero_as_zero_and_nothing_else():
    a, b = ng.input("a", [0.0, 1.0, 0.0, 6.0]), ng.input("b", [0.0, 0.0, 2.0, 3.0])
    np.testing.assert_array_equal(ng.ratio(a, b).value, [0, np.inf, 0, 2])
    assert np.isnan(ng.ratio([np.nan], [0.0]).value).all()
