"""Functions against closed forms, and at the ends of their domains."""

import math

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.special import erf


def slope(f, at):
    x = ng.input("x", float(at))
    (result,) = ng.gradient(f(x), [x])
    return float(result.value)


@pytest.mark.parametrize(
    ("f", "at", "expected"),
    [
        (ng.exp, 1.0, math.e), (ng.log, 4.0, 0.25), (ng.log1p, 1.0, 0.5), (ng.log2, 2.0, 0.5 / math.log(2)), (ng.sqrt, 4.0, 0.25),
        (ng.sin, 0.0, 1.0), (ng.cos, math.pi / 2, -1.0), (ng.tan, math.pi / 4, 2.0), (ng.tanh, 0.0, 1.0), (ng.erf, 0.0, 2 / math.sqrt(math.pi)),
        (ng.expm1, 0.0, 1.0), (ng.abs, -3.0, -1.0), (ng.abs, 0.0, 0.0), (ng.sign, 2.0, 0.0), (ng.floor, 2.5, 0.0),
    ],
)  # fmt: skip
def test_slopes(f, at, expected):
    assert slope(f, at) == pytest.approx(expected, rel=1e-15, abs=1e-16)


def test_digits_near_zero_are_kept():
    x = ng.input("x", 1e-18)
    assert float(ng.expm1(x).value) == 1e-18
    assert float(ng.log1p(x).value) == 1e-18


def test_ends_of_the_domain_are_honest():
    assert float(ng.log(ng.input("x", 0.0)).value) == -np.inf
    assert np.isnan(float(ng.log(ng.input("x", -1.0)).value))
    assert slope(ng.sqrt, 0.0) == np.inf


def test_erf_to_the_last_digits(rng):
    points = np.concatenate([rng.normal(size=20000) * 2, np.linspace(-6.5, 6.5, 5001), np.logspace(-300, 2, 500), -np.logspace(-12, 1, 500)])
    exact = np.array([math.erf(point) for point in points])
    assert np.max(np.abs(erf(points) - exact) / np.spacing(np.abs(exact))) <= 4
    single = points[np.abs(points) > 1e-30].astype(np.float32)
    exact = np.array([math.erf(point) for point in single])
    assert erf(single).dtype == np.float32
    assert np.max(np.abs(erf(single) - exact) / np.spacing(np.abs(exact).astype(np.float32))) <= 1


def test_erf_of_everything_else():
    assert erf(np.inf) == 1
    assert erf(-np.inf) == -1
    assert np.isnan(erf(np.nan))
    assert np.signbit(erf(-0.0))
    assert erf(np.array([1, 2])).dtype == np.float64
    assert erf(np.zeros((2, 0, 3))).shape == (2, 0, 3)
    np.testing.assert_array_equal(erf(np.array([0.5], dtype=object)), [math.erf(0.5)])


def test_nothing_times_the_logarithm_of_nothing_is_nothing():
    x, y = ng.input("x", [0.0, 0.0, 1.0, 2.0]), ng.input("y", [0.0, 5.0, 0.0, math.e])
    np.testing.assert_array_equal(ng.xlogy(x, y).value, [0, 0, -np.inf, 2])
    (to_y,) = ng.gradient(ng.sum(ng.xlogy(x, y)), [y])
    np.testing.assert_array_equal(to_y.value, [0, 0, np.inf, 2 / math.e])
