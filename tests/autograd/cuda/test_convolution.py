"""Convolutions and poolings by the kernels of a GPU, on numba's simulator, against the reference."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.cuda.program import on_simulator
from nngraph.autograd.engines.numpy import evaluate_all

pytest.importorskip("numba_cuda", reason="the extra cuda is not installed")


def agree(nodes, room=1e-5):
    """The program whose results are those of numpy, NaN where numpy has NaN."""
    program = on_simulator(nodes, {})
    with np.errstate(all="ignore"):
        wanted = evaluate_all(nodes, {})
    for found, right in zip(program({}), wanted, strict=True):
        assert (found.dtype, found.shape) == (right.dtype, right.shape)
        most = float(np.abs(right[np.isfinite(right)]).max(initial=1)) if right.size else 1.0
        np.testing.assert_allclose(found, right, rtol=room, atol=room * most)
    return program


def normal(rng, name, shape, dtype=np.float32):
    return ng.parameter(name, rng.standard_normal(shape).astype(dtype))


@pytest.mark.parametrize(
    ("size", "stride", "padding"), [(2, 2, 0), (3, 2, 1), (3, 1, 0), ((2, 3), (3, 2), (1, 0)), (2, 3, 0)]
)
def test_max_pooling_back_shares_among_the_largest(size, stride, padding, rng):
    # Whole numbers, many of them equal; one window after another holds NaN or nothing that is larger than −inf.
    numbers = rng.integers(0, 3, (2, 2, 7, 8)).astype(np.float32)
    numbers[0, 1, 2, 3] = np.nan
    numbers[1, 0, :4, :4] = -np.inf
    x = ng.parameter("x", numbers)
    y = ng.max_pool2d(x, size=size, stride=stride, padding=padding)
    (back,) = ng.gradient(ng.sum(y * ng.constant(rng.standard_normal(y.shape).astype(np.float32))), [x])
    program = agree([y, back])
    np.testing.assert_array_equal(program({})[1], program({})[1])
