"""Activations: closed forms, numbers far out, chosen slopes."""

import math

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import ParameterError, ShapeError
from nngraph.autograd.op import OPS

FAR = np.array([-1000.0, -40.0, 0.0, 40.0, 1000.0])


def on(op, values, **params):
    x = ng.input("x", values)
    y = op(x, **params)
    return y.value, ng.gradient(ng.sum(y), [x])[0].value


@pytest.mark.parametrize("name", ["sigmoid", "log_sigmoid", "softplus", "relu", "leaky_relu", "elu", "silu", "gelu", "softmax", "log_softmax"])
def test_nothing_overflows(name):
    value, slope = on(OPS[name], FAR)
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()
    function = OPS[name].numpy
    if function is not None:
        with np.errstate(all="raise", under="ignore"):
            np.testing.assert_array_equal(function(FAR, **({"axis": 0} if "softmax" in name else {})), value)


def test_far_values():
    np.testing.assert_allclose(on(ng.sigmoid, FAR)[0], [0, math.exp(-40), 0.5, 1, 1], rtol=1e-14)
    np.testing.assert_allclose(on(ng.softplus, FAR)[0], [0, math.exp(-40), math.log(2), 40, 1000], rtol=1e-14)
    np.testing.assert_allclose(on(ng.log_sigmoid, FAR)[0], [-1000, -40, -math.log(2), -math.exp(-40), 0], rtol=1e-14)
    np.testing.assert_allclose(on(ng.log_sigmoid, FAR)[1], [1, 1, 0.5, math.exp(-40), 0], rtol=1e-14)


def test_known_values():
    np.testing.assert_allclose(on(ng.softmax, [1.3, 5.1, 2.2, 0.7, 1.1])[0], [0.0202, 0.9025, 0.0497, 0.0111, 0.0165], atol=5e-5)
    np.testing.assert_allclose(on(ng.gelu, [1.0])[0], 0.8413447460685429, rtol=1e-15)
    np.testing.assert_allclose(on(ng.gelu, [1.0], approximate=True)[0], 0.8411919906082768, rtol=1e-15)
    np.testing.assert_allclose(on(ng.silu, [1.0])[0], 1 / (1 + math.exp(-1)), rtol=1e-15)
    np.testing.assert_allclose(on(ng.logit, [0.5, 1 / (1 + math.exp(-2))])[0], [0, 2], atol=1e-15)


def test_chosen_slopes_at_zero():
    for op, slope in [(ng.relu, 0), (ng.leaky_relu, 0.01), (ng.elu, 1), (ng.step, 0), (ng.softplus, 0.5), (ng.log_sigmoid, 0.5)]:
        assert on(op, [0.0])[1].tolist() == [slope]


def test_the_step_jumps_after_zero():
    assert on(ng.step, [-1.0, 0.0, 1e-300])[0].tolist() == [0, 0, 1]


def test_a_learned_slope_collects_from_where_it_acted():
    x, slope = ng.input("x", [[-2.0, 3.0], [-1.0, -4.0]]), ng.parameter("slope", [0.25, 0.5])
    y = ng.prelu(x, slope)
    np.testing.assert_array_equal(y.value, [[-0.5, 3], [-0.25, -2]])
    np.testing.assert_array_equal(ng.gradient(ng.sum(y), [slope])[0].value, [-3, -4])


def test_maxout_takes_the_largest_of_neighbors():
    value, slope = on(ng.maxout, [[1.0, 4.0, 3.0, 2.0]], pieces=2)
    np.testing.assert_array_equal(value, [[4, 3]])
    np.testing.assert_array_equal(slope, [[0, 1, 1, 0]])
    with pytest.raises(ShapeError, match="do not make groups of 3"):
        ng.maxout(ng.input("x", np.ones((2, 4))), pieces=3)
    with pytest.raises(ParameterError, match="pieces"):
        ng.maxout(ng.input("x", np.ones((2, 4))), pieces=0)


def test_softmax_jacobian_in_both_cases():
    p, _ = on(ng.softmax, [1.0, 2.0, 0.5])
    x = ng.input("x", [1.0, 2.0, 0.5])
    for k in range(3):
        (row,) = ng.gradient(ng.softmax(x)[k], [x])
        np.testing.assert_allclose(row.value, [p[k] * (1 - p[k]) if j == k else -p[k] * p[j] for j in range(3)], rtol=1e-14)


def test_softmax_does_not_see_a_common_shift(rng):
    x = rng.normal(size=(3, 4))
    np.testing.assert_allclose(on(ng.softmax, x + 1e4, axis=0)[0], on(ng.softmax, x, axis=0)[0], rtol=1e-10)
    np.testing.assert_array_equal(on(ng.softmax, np.array([-np.inf, 0.0]))[0], [0, 1])


def test_whole_numbers_are_turned_into_shares():
    np.testing.assert_array_equal(ng.softmax(ng.input("n", [1000, 1000])).value, [0.5, 0.5])


@pytest.mark.parametrize("dtype, sizes", [(np.float32, [20.0, 1e4, 1e8, 1e10, 1e38]), (np.float64, [50.0, 1e16, 1e30, 1e308])])
def test_the_slope_of_silu_far_out_is_one_or_zero(dtype, sizes):
    values, slopes = on(ng.silu, np.array(sizes, dtype))
    np.testing.assert_allclose(values, np.array(sizes, dtype), rtol=1e-6)
    np.testing.assert_allclose(slopes, 1.0, rtol=1e-6)
    assert slopes.dtype == dtype
    np.testing.assert_allclose(on(ng.silu, -np.array(sizes, dtype))[1], 0.0, atol=1e-6)
