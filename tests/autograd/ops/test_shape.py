"""Reshaping, axes, triangles, one_hot."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import DtypeError, ParameterError, ShapeError
from nngraph.autograd.sizes import Size, shape_text


@pytest.mark.parametrize(
    ("shape", "to"),
    [((3, 4), (2, 6)), ((3, 4), (-1,)), ((3, 4), (2, -1, 3)), ((), (1, 1)), ((1,), ()), ((0, 3), (3, 0)), ((0, 3), (0, -1)), ((6,), 6)],
)
def test_reshape_is_numpys(rng, shape, to):
    a = rng.normal(size=shape)
    if shape == (0, 3) and to == (0, -1):
        with pytest.raises(ShapeError, match="not a multiple of 0"):
            ng.reshape(a, to)
        return
    y = ng.reshape(a, to)
    np.testing.assert_array_equal(y.value, a.reshape(to))
    assert y.shape == y.value.shape


def test_reshape_keeps_the_expression_of_a_size():
    x = ng.input("x", shape=(Size("N", 4), 3, 2))
    assert shape_text(ng.reshape(x, (-1, 6)).shape) == "N×6"
    assert shape_text(ng.reshape(x, (-1, 2)).shape) == "N·3×2"
    assert shape_text(ng.flatten(x, 1).shape) == "N×6"
    assert shape_text(ng.reshape(x, (x.shape[0], -1)).shape) == "N×6"


@pytest.mark.parametrize(
    ("to", "error", "message"),
    [
        ((5, 2), ShapeError, r"\(3, 4\) holds 12 numbers, but \(5, 2\) holds 10"),
        ((5, -1), ShapeError, "12 is not a multiple of 5"),
        ((-1, -1), ParameterError, "at most one"),
        ((-2, 6), ParameterError, "negative"),
        ((2.0, 6), ParameterError, "2.0 is not a whole number"),
    ],
)
def test_reshape_says_what_does_not_fit(to, error, message):
    with pytest.raises(error, match=message):
        ng.reshape(np.zeros((3, 4)), to)


def test_helpers_over_axes_are_numpys(rng):
    a = rng.normal(size=(2, 1, 3))
    np.testing.assert_array_equal(ng.flatten(a).value, a.ravel())
    np.testing.assert_array_equal(ng.flatten(a, 1).value, a.reshape(2, 3))
    np.testing.assert_array_equal(ng.flatten(5.0).value, [5.0])
    for axis in (0, 1, -1, (0, 2), (-1, 0)):
        np.testing.assert_array_equal(ng.expand_dims(a, axis).value, np.expand_dims(a, axis))
    for axis in (None, 1, (1,), -2):
        np.testing.assert_array_equal(ng.squeeze(a, axis).value, np.squeeze(a, axis))
    np.testing.assert_array_equal(ng.swapaxes(a, 0, -1).value, np.swapaxes(a, 0, -1))
    for source, destination in [(0, 2), (2, 0), (-1, 1), ((0, 1), (1, 2)), ((2, 0), (0, 1))]:
        np.testing.assert_array_equal(ng.moveaxis(a, source, destination).value, np.moveaxis(a, source, destination))


def test_helpers_name_the_axis_that_is_wrong():
    with pytest.raises(ShapeError, match=r"axis 1 has 4 entries.*x\[:, 0\]"):
        ng.squeeze(np.zeros((1, 4)), 1)
    with pytest.raises(ParameterError, match="no axis 5"):
        ng.expand_dims(np.zeros(3), 5)
    with pytest.raises(ParameterError, match="each once"):
        ng.moveaxis(np.zeros((2, 3)), (0, 0), (0, 1))


@pytest.mark.parametrize("k", [-1, 0, 2])
def test_triangles(rng, gradients_agree, k):
    a = rng.normal(size=(2, 3, 4))
    np.testing.assert_array_equal(ng.tril(a, k).value, np.tril(a, k))
    np.testing.assert_array_equal(ng.triu(a, k=k).value, np.triu(a, k))
    gradients_agree(lambda x: ng.tril(x, k), a)
    gradients_agree(lambda x: ng.triu(x, k), a)
    with pytest.raises(ShapeError, match="triangle is a part of a matrix"):
        ng.tril(np.zeros(3))


def test_reshaping_gradients(gradients_agree, rng):
    gradients_agree(lambda x: ng.reshape(x, (-1, 2)), rng.normal(size=(2, 3, 2)))
    gradients_agree(lambda x: ng.moveaxis(ng.squeeze(ng.expand_dims(x, 1)), 0, 1), rng.normal(size=(2, 3)))


def test_one_hot():
    labels = ng.input("labels", [2, 0])
    y = ng.one_hot(labels, 3)
    np.testing.assert_array_equal(y.value, [[0, 0, 1], [1, 0, 0]])
    assert ng.one_hot(labels, 3, dtype="float32").value.dtype == np.float32
    assert ng.one_hot(np.zeros((0,), int), 3).value.shape == (0, 3)
    assert ng.one_hot(1, 3).value.tolist() == [0, 1, 0]
    labels.value = [2, 3]
    with pytest.raises(ShapeError, match="class number 3 with 3 classes; they are numbered 0 to 2"):
        _ = y.value


def test_one_hot_refuses_what_is_no_class_number():
    with pytest.raises(ShapeError, match="class number -1"):
        ng.one_hot(np.array([0, -1]), 3)
    with pytest.raises(DtypeError, match="must be integers, not float64"):
        ng.one_hot(np.array([0.0]), 3)
    with pytest.raises(ParameterError, match="at least one"):
        ng.one_hot(np.array([0]), 0)
    with pytest.raises(ParameterError, match="classes"):
        ng.one_hot(np.array([0]))
