"""Pooling against loops written out, lecture numbers, ties and partial windows."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import ParameterError, ShapeError
from nngraph.autograd.graph import order

IMAGE = np.arange(1.0, 17.0).reshape(4, 4)


def plain_pool2d(x, reduce, size, stride, padding, ceil_mode):
    """Every window cut down to its real entries, then reduced."""
    *lead, height, width = x.shape
    counts = []
    for length, k, s, (before, after) in zip((height, width), size, stride, padding):
        spare = length + before + after - k
        count = (-(-spare // s) if ceil_mode else spare // s) + 1
        if ceil_mode and (count - 1) * s >= length + before:
            count -= 1  # this window would start behind the last real entry
        counts.append(count)
    y = np.zeros((*lead, *counts))
    for i, j in np.ndindex(*counts):
        top, left = i * stride[0] - padding[0][0], j * stride[1] - padding[1][0]
        window = x[..., max(top, 0) : max(top + size[0], 0), max(left, 0) : max(left + size[1], 0)]
        y[..., i, j] = reduce(window, axis=(-2, -1))
    return y


def test_the_image_of_the_lecture():
    assert ng.max_pool2d(IMAGE, 2).value.tolist() == [[6, 8], [14, 16]]
    assert ng.average_pool2d(IMAGE, 2).value.tolist() == [[3.5, 5.5], [11.5, 13.5]]
    assert ng.max_pool2d(IMAGE, 2, stride=2).value.tolist() == [[6, 8], [14, 16]]


SETTINGS = [
    ((4, 4), {"size": 2}),
    ((2, 3, 7, 6), {"size": 2, "ceil_mode": True}),
    ((2, 5, 6), {"size": (3, 2), "stride": (2, 1), "padding": (1, 0)}),
    ((1, 1, 6, 7), {"size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    ((5, 5), {"size": 2, "stride": 3, "ceil_mode": True}),
    ((5, 7), {"size": 3, "stride": 4, "padding": ((1, 0), (0, 1)), "ceil_mode": True}),
    ((3, 3), {"size": 3}),
    ((0, 4, 4), {"size": 2}),
    ((6, 5), {"size": 3, "stride": 2, "padding": "same"}),
]


@pytest.mark.parametrize(("shape", "settings"), SETTINGS)
def test_pooling_is_what_the_words_say(rng, gradients_agree, shape, settings):
    a = (rng.permutation(int(np.prod(shape))).reshape(shape) - 3) * 0.01
    largest, means = ng.max_pool2d(a, **settings), ng.average_pool2d(a, **settings)
    np.testing.assert_array_equal(largest.value, plain_pool2d(a, np.max, **largest.params))
    params = {name: means.params[name] for name in largest.params}
    np.testing.assert_allclose(means.value, plain_pool2d(a, np.mean, **params), atol=1e-14)
    assert largest.shape == largest.value.shape
    gradients_agree(lambda x: ng.max_pool2d(x, **settings), a)
    gradients_agree(lambda x: ng.average_pool2d(x, **settings), a)


@pytest.mark.parametrize("settings", [{"size": 2}, {"size": 3, "stride": 2, "padding": 1}, {"size": 2, "stride": 2, "ceil_mode": True}])
def test_pooling_a_signal_is_pooling_one_row(rng, gradients_agree, settings):
    a = rng.permutation(14).reshape(2, 7) * 0.1
    for one, two in ((ng.max_pool1d, ng.max_pool2d), (ng.average_pool1d, ng.average_pool2d)):
        y = one(a, **settings)
        wide = {"size": (1, *y.params["size"]), "stride": (1, *y.params["stride"]), "padding": ((0, 0), *y.params["padding"]), "ceil_mode": y.params["ceil_mode"]}
        np.testing.assert_allclose(y.value, two(a[:, None], **wide).value[:, 0])
        gradients_agree(lambda x, one=one: one(x, **settings), a)


def test_padding_counts_only_when_asked():
    ones = np.ones((2, 2))
    assert ng.average_pool2d(ones, 2, stride=2, padding=1).value.tolist() == [[1, 1], [1, 1]]
    assert ng.average_pool2d(ones, 2, stride=2, padding=1, count_padding=True).value.tolist() == [[0.25, 0.25], [0.25, 0.25]]
    # What ceil mode adds beyond the padding is not there at all and never counts.
    assert ng.average_pool1d(np.ones(3), 2, ceil_mode=True, count_padding=True).value.tolist() == [1, 1]


def test_equal_largest_numbers_share_the_gradient():
    x = ng.input("x", [[1.0, 1.0, 0.0, 2.0], [0.0, 1.0, 2.0, 2.0]])
    (g,) = ng.gradient(ng.sum(ng.max_pool2d(x, 2)), [x])
    np.testing.assert_allclose(g.value, [[1 / 3, 1 / 3, 0, 1 / 3], [0, 1 / 3, 1 / 3, 1 / 3]])


def test_overlapping_windows_hand_out_one_after_the_other():
    x = np.array([[0.0, 3.0, 1.0, 3.0]])
    assert ng.max_unpool([[1.0, 10.0, 100.0]], x, size=2, stride=1).value.tolist() == [[0, 11, 0, 100]]
    assert ng.max_unpool([[1.0, 10.0]], x, size=3, stride=1).value.tolist() == [[0, 6, 0, 5]]
    assert ng.average_unpool([[2.0, 20.0, 200.0]], shape=4, size=2, stride=1).value.tolist() == [[1, 11, 110, 100]]


@pytest.mark.parametrize(("shape", "settings"), SETTINGS)
def test_average_unpool_is_average_pooling_run_backwards(are_adjoint, shape, settings):
    for counted in (False, True):
        both = {**settings, "count_padding": counted}
        are_adjoint(
            lambda x, both=both: ng.average_pool2d(x, **both),
            lambda g, both=both: ng.average_unpool(g, shape=shape[-2:], **{"stride": None, **both, "size": ng.average_pool2d(np.zeros(shape), **both).params["size"]}),
            shape,
        )


def test_pooling_sends_back_one_node():
    x = ng.input("x", shape=(2, 3, 7, 6))
    for pool, way_back in ((ng.max_pool2d, "max_unpool"), (ng.average_pool2d, "average_unpool")):
        y = pool(x, 3, stride=2, padding=1)
        (sent,) = ng.gradient(ng.sum(y * ng.input("g", shape=y.shape)), [x])
        assert sent.op.name == way_back
        assert not {"patches", "overlap_add"} & {node.op.name for node in order(sent) if not node.is_leaf}


def test_a_window_with_nan_hands_out_nan():
    x = np.array([[np.nan, 1.0], [2.0, 3.0]])
    assert np.isnan(ng.max_unpool([[1.0]], x, size=(2, 2)).value).all()


def test_the_largest_number_of_negative_ones_is_negative():
    x = -np.ones((3, 3))
    assert (ng.max_pool2d(x, 2, padding=1, ceil_mode=True).value == -1).all()
    assert (ng.max_pool2d(x.astype(int), 2, padding=1).value == -1).all()


def test_nan_is_not_hidden():
    x = np.array([[np.nan, 1.0], [2.0, 3.0]])
    assert np.isnan(ng.max_pool2d(x, 2).value).all()


def test_global_pooling(rng, gradients_agree):
    a = rng.permutation(48).reshape(2, 3, 2, 4) * 0.1
    np.testing.assert_allclose(ng.global_average_pool(a).value, a.mean((2, 3)))
    np.testing.assert_array_equal(ng.global_max_pool(a).value, a.max((2, 3)))
    gradients_agree(ng.global_average_pool, a)
    gradients_agree(ng.global_max_pool, a)
    with pytest.raises(ShapeError, match=r"must be \(batch, channels, …\)"):
        ng.global_max_pool(np.zeros((2, 3)))


def test_float32_stays():
    x = ng.input("x", np.ones((5, 5), np.float32))
    for y in (ng.max_pool2d(x, 2, ceil_mode=True), ng.average_pool2d(x, 2, ceil_mode=True), ng.average_pool2d(x, 2)):
        assert y.dtype == y.value.dtype == np.float32
        assert ng.gradient(ng.sum(y), [x])[0].value.dtype == np.float32


@pytest.mark.parametrize(
    ("shape", "settings", "error", "message"),
    [
        ((4,), {"size": 2}, ShapeError, "no 2 axes"),
        ((4, 4), {"size": 5}, ShapeError, "max_pool2d: a window that reaches over 5 entries"),
        ((4, 4), {"size": 2, "padding": 2}, ParameterError, "more than half"),
        ((4, 4), {"size": (2, 2, 2)}, ParameterError, "one for each of the 2"),
        ((4, 4), {}, ParameterError, "needs size"),
    ],
)
def test_pooling_that_does_not_fit(shape, settings, error, message):
    with pytest.raises(error, match=message):
        ng.max_pool2d(np.zeros(shape), **settings)


@pytest.mark.parametrize(
    ("g", "x", "settings", "error", "message"),
    [
        ((2, 2), (4, 4), {"size": 2}, ShapeError, r"max_unpool: g \(2, 2\) must have one number for each window of an image of shape \(4, 4\): \(4, 2\)"),
        ((1, 2, 2), (4, 4), {"size": (2, 2)}, ShapeError, r"shape \(4, 4\): \(2, 2\)"),
        ((2,), (4,), {"size": (2, 2)}, ShapeError, "no 2 axes"),
        ((2, 2), (4, 4), {"size": (2, 2), "padding": 2}, ParameterError, "more than half"),
    ],
)
def test_ways_back_that_do_not_fit(g, x, settings, error, message):
    with pytest.raises(error, match=message):
        ng.max_unpool(np.zeros(g), np.zeros(x), **settings)
    with pytest.raises(ShapeError, match=r"average_unpool: g \(2, 3\) must have one number for each window"):
        ng.average_unpool(np.zeros((2, 3)), shape=(4, 4), size=(2, 2))
