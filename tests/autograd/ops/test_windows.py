"""patches and overlap_add, against numpy's sliding windows and against each other."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import ParameterError, ShapeError
from nngraph.autograd.sizes import Size, shape_text

SETTINGS = [
    ((6,), (3,), {}),
    ((2, 7), (2,), {"stride": 3}),
    ((2, 3, 8), (3,), {"stride": 2, "dilation": 2, "padding": 1}),
    ((5, 6), (2, 3), {}),
    ((2, 3, 5, 6), (2, 3), {"stride": (2, 1), "padding": (1, 0)}),
    ((1, 1, 6, 5), (2, 2), {"dilation": (2, 1), "padding": ((0, 1), (2, 0))}),
    ((2, 5, 5), (3, 2), {"padding": "same"}),
    ((1, 7, 5), (3, 3), {"padding": "same", "stride": 2}),
    ((0, 3, 3), (2, 2), {}),
    ((3, 4, 2), (2, 2, 2), {}),
]


def plain_patches(a, size, stride, dilation, padding):
    """Windows one by one, as the words say."""
    axes = len(size)
    lead = a.ndim - axes
    a = np.pad(a, [(0, 0)] * lead + list(padding))
    counts = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(a.shape[lead:], size, stride, dilation)]
    result = np.zeros((*a.shape[:lead], *size, *counts))
    for at in np.ndindex(*counts):
        corner = [i * s for i, s in zip(at, stride)]
        window = a[(..., *[slice(c, c + d * (k - 1) + 1, d) for c, k, d in zip(corner, size, dilation)])]
        result[(..., *[slice(None)] * axes, *at)] = window
    return result


@pytest.mark.parametrize(("shape", "size", "settings"), SETTINGS)
def test_patches_are_the_windows(rng, gradients_agree, are_adjoint, shape, size, settings):
    a = rng.normal(size=shape)
    y = ng.patches(ng.input("x", a), size, **settings)
    np.testing.assert_array_equal(y.value, plain_patches(a, **y.params))
    assert y.shape == y.value.shape
    same = {name: y.params[name] for name in ("stride", "dilation", "padding")}
    are_adjoint(lambda x: ng.patches(x, size, **settings), lambda g: ng.overlap_add(g, shape[len(shape) - len(size) :], **same), shape)
    gradients_agree(lambda x: ng.patches(x, size, **settings), a)
    gradients_agree(lambda p: ng.overlap_add(p, shape[len(shape) - len(size) :], **same), rng.normal(size=y.shape))


def test_patches_without_dilation_are_numpys_sliding_windows(rng):
    a = rng.normal(size=(2, 5, 6))
    theirs = np.lib.stride_tricks.sliding_window_view(a, (2, 3), axis=(1, 2))[:, ::2]
    np.testing.assert_array_equal(ng.patches(a, (2, 3), stride=(2, 1)).value, np.moveaxis(theirs, (3, 4), (1, 2)))


def test_overlaps_add_up():
    np.testing.assert_array_equal(ng.overlap_add([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]], (4,)).value, [1, 2, 2, 1])


def test_windows_keep_dtype_objects_and_sizes():
    a = np.arange(12).reshape(3, 4)
    assert ng.patches(a.astype(np.float32), (2, 2), padding=1).value.dtype == np.float32
    op = ng.patches
    settings = {"size": (2, 2), "stride": (1, 1), "dilation": (1, 1), "padding": ((1, 1), (0, 0))}
    np.testing.assert_array_equal(op.numpy(a.astype(object), **settings), op.numpy(a, **settings))
    x = ng.input("x", shape=(Size("N", 2), 5, Size("H", 6)))
    assert shape_text(ng.patches(x, (2, 3)).shape) == "N×2×3×4×H−2"
    assert shape_text(ng.patches(x, (2, 2), stride=2).shape) == "N×2×2×2×(H−2)//2+1"


@pytest.mark.parametrize(
    ("size", "settings", "error", "message"),
    [
        ((6,), {}, ShapeError, "reaches over 6 entries does not fit into 5"),
        ((3,), {"dilation": 3}, ShapeError, "reaches over 7 entries"),
        ((3, 3), {}, ShapeError, "windows of 2 axes"),
        ((2,), {"stride": 0}, ParameterError, "stride 0 must be at least 1"),
        ((2,), {"stride": (1, 1)}, ParameterError, "one for each of the 1 window axes"),
        ((2,), {"padding": "full"}, ParameterError, "'same', 'valid'"),
        ((2,), {"padding": -1}, ParameterError, "padding -1 must be at least 0"),
        ((0,), {}, ParameterError, "at least 1"),
        ((2.5,), {}, ParameterError, "not a whole number"),
    ],
)
def test_windows_that_do_not_fit(size, settings, error, message):
    with pytest.raises(error, match=message):
        ng.patches(np.zeros(5), size, **settings)


def test_overlap_add_counts_the_windows():
    with pytest.raises(ShapeError, match=r"\(3,\) windows were given, but \(4,\) fit into \(5,\)"):
        ng.overlap_add(np.zeros((2, 3)), (5,))
    with pytest.raises(ShapeError, match="4 in all"):
        ng.overlap_add(np.zeros((2, 3)), (5, 5))
