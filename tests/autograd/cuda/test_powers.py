"""Whole numbers to the power of whole numbers, beyond what float64 can tell apart."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.kernels.cuda.powers import whole_power


def test_every_bit_counts():
    bases, exponents = np.array([3, -3, 7, 2, 0, 5, 10]), np.array([39, 39, 30, 63, 0, 1, 30])
    with np.errstate(over="ignore"):
        found = [whole_power(base, exponent) for base, exponent in zip(bases, exponents)]
    np.testing.assert_array_equal(found, bases**exponents)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
def test_powers_of_whole_numbers_are_numpys(dtype):
    pytest.importorskip("numba_cuda", reason="the extra cuda is not installed")
    a, b = np.array([3, 2, 5, 0], dtype), np.array([39, 62, 3, 0], dtype)
    x, y = ng.input("x", shape=a.shape, dtype=dtype), ng.input("y", shape=b.shape, dtype=dtype)
    found = ng.compile(ng.pow(x, y), [x, y], engine="cuda-simulator")(a, b)
    np.testing.assert_array_equal(found, a**b)


def test_no_float64_on_the_way():
    pytest.importorskip("numba_cuda", reason="the extra cuda is not installed")
    import subprocess
    import sys

    source = (
        "from nngraph.autograd.kernels.cuda.ptx import compiled\n"
        "text = 'def kernel(x, y):\\n    y[0] = int64(whole_power(x[0], x[1]))\\n'\n"
        "print(compiled(text, ('int64*', 'int64*'), '90', 32))\n"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert ".entry" in done.stdout
    assert ".f64" not in done.stdout
