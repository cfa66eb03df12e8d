"""Cutting and joining along axes."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import DtypeError, ParameterError, ShapeError
from nngraph.autograd.sizes import Size, shape_text

INDICES = [
    0, -1, (1, 2), (0, 1, 2), (), Ellipsis, (Ellipsis, 0), (0, Ellipsis), slice(None, None, -1), (slice(2, 0, -1), None, 1), None,
    (slice(0, 0),), slice(5, 2), slice(-2, None), slice(0, 100, 2), (slice(None), slice(None, None, -2)), slice(None, None, 3), np.int64(1),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_slice_is_numpys(rng, are_adjoint, index):
    a = rng.normal(size=(3, 4, 5))
    y = ng.slice(ng.input("x", a), index)
    np.testing.assert_array_equal(y.value, a[index])
    assert y.shape == a[index].shape
    are_adjoint(lambda x: ng.slice(x, index), lambda g: ng.unslice(g, index, a.shape), a.shape)


def test_an_index_written_out_is_the_same_index():
    x = ng.input("x", np.arange(12.0).reshape(3, 4))
    for index in [(slice(None, None, -1), 1), (slice(2, None, -2),), (None, slice(1, -1))]:
        y = ng.slice(x, index)
        again = ng.slice(x, y.params["index"])
        assert again.params == y.params
        np.testing.assert_array_equal(again.value, y.value)


def test_slices_keep_the_expression_of_a_size():
    x = ng.input("x", shape=(Size("N", 4), 3))
    assert shape_text(x[1:].shape) == "N−1×3"
    assert shape_text(x[:-1].shape) == "N−1×3"
    assert shape_text(x[::-1].shape) == "N×3"
    assert shape_text(ng.concat([x, x]).shape) == "N+N×3"
    assert shape_text(ng.tile(x, (2, 1)).shape) == "2·N×3"


def test_pictures_show_the_index_as_it_is_written():
    x = ng.input("x", np.zeros((4, 5)))
    signs = {"[1:3]": x[1:3], "[0]": x[0], "[:, ::2]": x[:, ::2], "[::-1]": x[::-1], "[None, 2]": x[None, 2], "[2:0:-1]": x[2:0:-1]}
    assert {y.op.sign_on(y): y for y in signs.values()} == signs


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (3, ShapeError, "index 3 is out of range for axis 0, which has 3 entries"),
        ((0, -5), ShapeError, "index -5 is out of range for axis 1"),
        ((0, 0, 0), ShapeError, "3 indices for shape .3, 4., which has 2 axes"),
        ((Ellipsis, 0, Ellipsis), ParameterError, "only once"),
        (slice(0, 2, 0), ParameterError, "step of a slice cannot be 0"),
        (slice(0.5, 2), DtypeError, "whole numbers"),
        (1.0, DtypeError, "1.0 cannot be an index"),
        ("a", DtypeError, "'a' cannot be an index"),
        (True, DtypeError, "pick nothing by place"),
    ],
)
def test_slices_that_mean_nothing(index, error, message):
    x = ng.input("x", np.zeros((3, 4)))
    with pytest.raises(error, match=message):
        x[index]


def test_a_bound_that_is_a_node_is_refused():
    x, n = ng.input("x", np.zeros(3)), ng.input("n", 2)
    with pytest.raises(DtypeError, match="known while the graph is built, not a node"):
        x[:n]


def test_slice_gradients(gradients_agree, rng):
    gradients_agree(lambda x: x[1:, ::-2], rng.normal(size=(3, 4)))
    gradients_agree(lambda x: ng.unslice(x, (slice(1, 3), 0), (4, 2)), rng.normal(size=(2,)))
    with pytest.raises(ShapeError, match="does not fit the places"):
        ng.unslice(np.zeros(3), (slice(0, 2),), (4,))


@pytest.mark.parametrize("width", [1, (1, 2), ((0, 1), (2, 0)), [(1, 1)], 0])
def test_pad_is_numpys(rng, are_adjoint, gradients_agree, width):
    a = rng.normal(size=(2, 3))
    y = ng.pad(a, width, value=-2.5)
    np.testing.assert_array_equal(y.value, np.pad(a, width, constant_values=-2.5))
    inner = tuple(slice(before, before + size) for (before, _), size in zip(y.params["width"], a.shape))
    are_adjoint(lambda x: ng.pad(x, width), lambda g: ng.slice(g, inner), a.shape)
    gradients_agree(lambda x: ng.pad(x, width, value=1.5), a)


def test_pad_refuses_what_it_cannot_do():
    with pytest.raises(ParameterError, match="negative; cut with a slice"):
        ng.pad(np.zeros(3), -1)
    with pytest.raises(ParameterError, match="one pair for each of the 2 axes"):
        ng.pad(np.zeros((2, 3)), (1, 2, 3))
    with pytest.raises(DtypeError, match="0.5 does not fit into int64"):
        ng.pad(np.zeros(3, int), 1, value=0.5)
    with pytest.raises(ParameterError, match="not a number"):
        ng.pad(np.zeros(3), 1, value="edge")
    assert ng.pad(np.zeros(3, np.float32), 1, value=2.0).value.dtype == np.float32


def test_joining_is_numpys(rng, gradients_agree):
    a, b = rng.normal(size=(2, 3)), rng.normal(size=(2, 1))
    np.testing.assert_array_equal(ng.concat([a, b], axis=1).value, np.concatenate([a, b], axis=1))
    np.testing.assert_array_equal(ng.concat([a], axis=-1).value, a)
    np.testing.assert_array_equal(ng.concat([a, a[:0]]).value, a)
    for axis in (0, 1, -1):
        np.testing.assert_array_equal(ng.stack([a, -a], axis=axis).value, np.stack([a, -a], axis=axis))
    np.testing.assert_array_equal(ng.stack([1.0, 2.0]).value, [1, 2])
    gradients_agree(lambda x, y: ng.concat([x, y, x], axis=1), a, b)
    gradients_agree(lambda x, y: ng.stack([x, y, x], axis=-1), a, a + 1)


def test_joining_says_what_does_not_fit():
    with pytest.raises(ShapeError, match=r"\(2, 3\) and \(3, 2\) differ in more than axis 0"):
        ng.concat([np.zeros((2, 3)), np.zeros((3, 2))])
    with pytest.raises(ShapeError, match="use ng.stack"):
        ng.concat([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"\(2,\) and \(3,\) differ"):
        ng.stack([np.zeros(2), np.zeros(3)])
    with pytest.raises(ParameterError, match="nothing to join"):
        ng.concat([])


def test_split_is_numpys(rng, gradients_agree):
    a = rng.normal(size=(6, 3))
    for parts, axis in [(3, 0), ([2, 5], 0), ([1], 1), (1, 1)]:
        for mine, theirs in zip(ng.split(a, parts, axis), np.split(a, parts, axis), strict=True):
            np.testing.assert_array_equal(mine.value, theirs)
    gradients_agree(lambda x: ng.split(x, 3)[1] * ng.split(x, 3)[2], a)
    with pytest.raises(ShapeError, match="6 entries along axis 0 do not make 4 equal parts"):
        ng.split(a, 4)


@pytest.mark.parametrize("axis", [None, 0, (0, 2), -1])
def test_flip_is_numpys(rng, are_adjoint, axis):
    a = rng.normal(size=(2, 3, 2))
    np.testing.assert_array_equal(ng.flip(a, axis).value, np.flip(a, axis))
    are_adjoint(lambda x: ng.flip(x, axis), lambda g: ng.flip(g, axis), a.shape)


@pytest.mark.parametrize(("shape", "reps"), [((2, 3), 2), ((2, 3), (2, 1)), ((3,), (2, 2)), ((2, 1), (1, 0)), ((), (3,)), ((2, 3), ())])
def test_tile_is_numpys(rng, gradients_agree, shape, reps):
    a = rng.normal(size=shape)
    y = ng.tile(ng.input("x", a), reps)
    np.testing.assert_array_equal(y.value, np.tile(a, reps))
    assert y.shape == y.value.shape
    gradients_agree(lambda x: ng.tile(x, reps), a)


@pytest.mark.parametrize(("repeats", "axis"), [(2, None), (3, 0), (1, 1), (0, 0), (2, -1)])
def test_repeat_is_numpys(rng, gradients_agree, repeats, axis):
    a = rng.normal(size=(2, 3))
    y = ng.repeat(ng.input("x", a), repeats, axis)
    np.testing.assert_array_equal(y.value, np.repeat(a, repeats, axis))
    assert y.shape == y.value.shape
    gradients_agree(lambda x: ng.repeat(x, repeats, axis), a)
    with pytest.raises(ParameterError, match=r"ng\.take"):
        ng.repeat(a, [1, 2], 0)
