"""sin, cos and tan of float32 numbers as a GPU computes them, without float64: here by numpy, number by number."""

import numpy as np
import pytest
from nngraph.autograd.kernels.cuda.angles import functions

MOST = {"sin": 2.2, "cos": 2.3, "tan": 3.4}
"""Units in the last place."""


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
@pytest.mark.parametrize("span", ["small", "turns", "limit", "large"])
def test_angles_of_every_size(name, span, rng):
    numbers = {
        "small": np.exp(rng.uniform(-80, 0.5, 400)),
        "turns": np.append(rng.uniform(-50, 50, 400), np.arange(1, 100) * np.pi / 2),
        "limit": np.append(rng.uniform(-33000, 33000, 400), [32768, np.nextafter(np.float32(32768), np.float32(9e9))]),
        # 16367173·2⁷² comes nearest to a multiple of π/2.
        "large": np.append(np.exp(rng.uniform(10, 88.7, 400)), [16367173 * 2.0**72, 3.4e38, -3.4e38, 105615.0]),
    }[span].astype(np.float32)
    found = np.array([functions(None, True)[f"{name}_float32"](x) for x in numbers])
    right = getattr(np, name)(numbers.astype(np.float64))
    assert found.dtype == np.float32
    apart = np.abs(found - right) / np.spacing(np.abs(right).astype(np.float32)).astype(np.float64)
    assert apart.max() < MOST[name], numbers[apart.argmax()]


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_what_is_no_angle(name):
    function = functions(None, True)[f"{name}_float32"]
    with np.errstate(invalid="ignore"):
        assert all(np.isnan(function(np.float32(x))) for x in (np.nan, np.inf, -np.inf))
    assert np.signbit(function(np.float32(-0.0))) == (name != "cos")
