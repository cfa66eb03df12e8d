"""Convolution against loops written out, lecture numbers, and its own adjoint."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import ParameterError, ShapeError
from nngraph.autograd.graph import order

IMAGE = np.arange(1.0, 17.0).reshape(4, 4)
KERNEL = np.array([[0.0, 1, 0], [1, 0, 1], [1, 0, 1]])


def plain_conv2d(x, w, stride, padding, dilation, groups, turned=False):
    """The sum in the op's `source`, index by index."""
    w = w[:, :, ::-1, ::-1] if turned else w
    x = np.pad(x, ((0, 0), (0, 0), *padding))
    (n, _, height, width), (out, inner, a, b) = x.shape, w.shape
    rows = (height - dilation[0] * (a - 1) - 1) // stride[0] + 1
    columns = (width - dilation[1] * (b - 1) - 1) // stride[1] + 1
    y = np.zeros((n, out, rows, columns))
    for o in range(out):
        first = o // (out // groups) * inner
        for i in range(rows):
            for j in range(columns):
                for c in range(inner):
                    for p in range(a):
                        for q in range(b):
                            y[:, o, i, j] += x[:, first + c, i * stride[0] + p * dilation[0], j * stride[1] + q * dilation[1]] * w[o, c, p, q]
    return y


def test_the_image_of_the_lecture():
    assert ng.conv2d(IMAGE, KERNEL).value.tolist() == [[34, 39], [54, 59]]
    assert ng.conv2d(IMAGE, KERNEL, turned=True).value.tolist() == [[26, 31], [46, 51]]
    assert ng.conv2d(IMAGE[None, None], KERNEL[None, None]).value.tolist() == [[[[34, 39], [54, 59]]]]


def test_the_7_by_7_image_of_the_lecture():
    image = np.zeros((7, 7))
    for place in [(1, 1), (1, 5), (3, 3), (4, 1), (4, 5), (5, 2), (5, 3), (5, 4)]:
        image[place] = 1
    y = ng.conv2d(image, [[0.0, 0, 1], [1, 0, 0], [0, 1, 1]])
    assert y.value.tolist() == [[0, 1, 0, 0, 0], [0, 1, 1, 1, 0], [1, 0, 0, 2, 1], [1, 4, 2, 1, 0], [0, 0, 1, 2, 1]]
    assert ng.max_pool2d(y, 2, ceil_mode=True).value.tolist() == [[1, 1, 0], [4, 2, 1], [0, 2, 1]]


SETTINGS = [
    ((2, 3, 5, 6), (4, 3, 3, 2), {}),
    ((2, 3, 5, 6), (4, 3, 3, 2), {"turned": True, "padding": 1}),
    ((1, 2, 7, 6), (2, 2, 2, 3), {"stride": (2, 3), "padding": (1, 2)}),
    ((2, 4, 5, 5), (6, 2, 2, 2), {"groups": 2, "dilation": (2, 1)}),
    ((1, 3, 4, 4), (3, 1, 3, 3), {"groups": 3, "padding": "same"}),
    ((1, 1, 5, 4), (1, 1, 2, 2), {"padding": "same", "stride": 2}),
    ((1, 2, 3, 3), (3, 2, 1, 1), {"padding": "valid"}),
    ((1, 1, 3, 3), (1, 1, 3, 3), {"padding": ((1, 0), (0, 2))}),
    ((0, 2, 3, 3), (1, 2, 2, 2), {}),
]


@pytest.mark.parametrize(("shape", "weights", "settings"), SETTINGS)
def test_conv2d_is_its_sum(rng, gradients_agree, are_adjoint, shape, weights, settings):
    a, w = rng.normal(size=shape), rng.normal(size=weights)
    y = ng.conv2d(ng.input("x", a), ng.input("w", w), **settings)
    np.testing.assert_allclose(y.value, plain_conv2d(a, w, **y.params), atol=1e-12)
    assert y.shape == y.value.shape
    gradients_agree(lambda x, w: ng.conv2d(x, w, **settings), a, w)

    def sent_back(g):
        x = ng.input("x", a)
        return ng.gradient(ng.sum(ng.conv2d(x, w, **settings) * g), [x])[0]

    are_adjoint(lambda x: ng.conv2d(x, w, **settings), sent_back, shape)


@pytest.mark.parametrize(
    ("shape", "weights", "settings"),
    [
        ((2, 3, 6), (4, 3, 3), {}),
        ((2, 4, 7), (2, 2, 2), {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}),
        ((1, 1, 5), (1, 1, 2), {"turned": True, "padding": "same"}),
    ],
)
def test_conv1d_is_conv2d_of_one_row(rng, gradients_agree, shape, weights, settings):
    a, w = rng.normal(size=shape), rng.normal(size=weights)
    y = ng.conv1d(a, w, **settings)
    wide = {name: (1, y.params[name][0]) for name in ("stride", "dilation")} | {"padding": ((0, 0), y.params["padding"][0])}
    more = {"groups": y.params["groups"], "turned": y.params["turned"]}
    np.testing.assert_allclose(y.value, ng.conv2d(a[:, :, None], w[:, :, None], **wide, **more).value[:, :, 0])
    gradients_agree(lambda x, w: ng.conv1d(x, w, **settings), a, w)


def test_plain_signals():
    np.testing.assert_allclose(ng.conv1d([1.0, 2.0, 4.0, 8.0], [1.0, -1.0]).value, np.correlate([1.0, 2, 4, 8], [1, -1], "valid"))
    np.testing.assert_allclose(ng.conv1d([1.0, 2.0, 4.0, 8.0], [1.0, -1.0], turned=True).value, np.convolve([1.0, 2, 4, 8], [1, -1], "valid"))


@pytest.mark.parametrize(
    ("shape", "weights", "settings"),
    [
        ((2, 3, 3, 4), (3, 2, 2, 3), {}),
        ((1, 2, 3, 2), (2, 3, 3, 3), {"stride": (2, 3), "padding": 1, "output_padding": (1, 2)}),
        ((1, 4, 2, 3), (4, 2, 2, 2), {"groups": 2, "dilation": 2, "stride": 2}),
        ((1, 1, 1, 1), (1, 1, 3, 2), {"padding": ((0, 1), (1, 0))}),
    ],
)
def test_conv_transpose2d_is_conv2d_run_backwards(rng, gradients_agree, are_adjoint, shape, weights, settings):
    w = rng.normal(size=weights)
    y = ng.conv_transpose2d(rng.normal(size=shape), w, **settings)
    same = {name: y.params[name] for name in ("stride", "padding", "dilation", "groups")}
    are_adjoint(lambda x: ng.conv_transpose2d(x, w, **settings), lambda g: ng.conv2d(g, w, **same), shape)
    gradients_agree(lambda x, w: ng.conv_transpose2d(x, w, **settings), rng.normal(size=shape), w)


def test_conv_transpose2d_of_a_plain_image():
    assert ng.conv_transpose2d([[1.0, 2.0]], [[1.0, 10.0]]).value.tolist() == [[1, 12, 20]]


@pytest.mark.parametrize(
    ("shape", "weights", "settings"),
    [
        ((2, 3, 4), (3, 2, 3), {}),
        ((1, 2, 3), (2, 1, 2), {"stride": 2, "padding": 1, "dilation": 2, "groups": 2, "output_padding": 1}),
        ((4,), (2,), {"stride": 3, "shape": 13}),
    ],
)
def test_conv_transpose1d_is_conv1d_run_backwards(rng, gradients_agree, are_adjoint, shape, weights, settings):
    w = rng.normal(size=weights)
    y = ng.conv_transpose1d(rng.normal(size=shape), w, **settings)
    same = {name: y.params[name] for name in ("stride", "padding", "dilation", "groups")}
    are_adjoint(lambda x: ng.conv_transpose1d(x, w, **settings), lambda g: ng.conv1d(g, w, **same), shape)
    gradients_agree(lambda x, w: ng.conv_transpose1d(x, w, **settings), rng.normal(size=shape), w)


def test_the_size_that_a_stride_leaves_open_can_be_given(rng):
    x, w = rng.normal(size=(1, 2, 3, 3)), rng.normal(size=(2, 1, 2, 2))
    for more in ((0, 0), (2, 0), (1, 1)):
        y = ng.conv_transpose2d(x, w, stride=(3, 2), output_padding=more)
        np.testing.assert_array_equal(ng.conv_transpose2d(x, w, stride=(3, 2), shape=y.shape[2:]).value, y.value)
    with pytest.raises(ShapeError, match=r"conv_transpose2d: \(4, 3\) windows fit into \(11, 6\), but \(3, 3\) were given"):
        ng.conv_transpose2d(x, w, stride=(3, 2), shape=(11, 6))
    with pytest.raises(ParameterError, match="give one of them"):
        ng.conv_transpose2d(x, w, stride=(3, 2), shape=(8, 6), output_padding=1)


@pytest.mark.parametrize(("shape", "weights", "settings"), [each for each in SETTINGS if "turned" not in each[2]])
def test_conv_weights_is_what_the_weights_are_sent(rng, gradients_agree, are_adjoint, shape, weights, settings):
    x = rng.normal(size=shape)
    y = ng.conv2d(x, np.zeros(weights), **settings)
    same = {name: y.params[name] for name in ("stride", "padding", "dilation", "groups")}
    are_adjoint(lambda w: ng.conv2d(x, w, **same), lambda g: ng.conv_weights(x, g, size=weights[2:], **same), weights)
    gradients_agree(lambda x, g: ng.conv_weights(x, g, size=weights[2:], **same), x, rng.normal(size=y.shape))


def test_conv_weights_of_plain_images_and_signals():
    assert ng.conv_weights(IMAGE, [[1.0, 0], [0, 10]], size=(3, 3)).value.tolist() == [[61, 72, 83], [105, 116, 127], [149, 160, 171]]
    assert ng.conv_weights([1.0, 2, 4], [1.0, 10], size=2).value.tolist() == [21, 42]


@pytest.mark.parametrize("settings", [{}, {"stride": 2, "padding": ((1, 0), (0, 2))}, {"groups": 2, "dilation": 2}, {"turned": True}])
def test_a_convolution_sends_back_two_nodes(settings):
    x, w = ng.input("x", shape=(2, 4, 7, 6)), ng.input("w", shape=(6, 4 // settings.get("groups", 1), 3, 2))
    y = ng.conv2d(x, w, **settings)
    g = ng.input("g", shape=y.shape)
    sent = ng.gradient(ng.sum(y * g), [x, w])
    built = [node.op.name for node in order(sent) if not node.is_leaf and node.serial > y.serial and node.op.kind == "linear"]
    assert sorted(built) == ["conv_transpose2d", "conv_weights"]
    third = ng.gradient(ng.sum(ng.square(sent[0])) + ng.sum(ng.square(sent[1])), [x, w, g])
    assert not {"patches", "overlap_add", "contract", "matmul"} & {node.op.name for node in order(third) if not node.is_leaf}


def test_an_image_without_numbers_is_sent_nothing():
    x, w = ng.input("x", np.zeros((1, 1, 0, 3))), ng.input("w", np.ones((1, 1, 2, 2)))
    to_x, to_w = ng.gradient(ng.sum(ng.conv2d(x, w, padding=1)), [x, w])
    assert to_x.value.shape == (1, 1, 0, 3)
    assert to_w.value.tolist() == [[[[0, 0], [0, 0]]]]


def test_sizes_that_vary_stay_expressions():
    n = ng.Size("N", 7)
    x, w = ng.input("x", shape=(2, 3, n, n)), ng.input("w", shape=(4, 3, 3, 3))
    for settings in ({}, {"stride": 2}, {"padding": 1, "dilation": 2}):
        to_x, to_w = ng.gradient(ng.sum(ng.square(ng.conv2d(x, w, **settings))), [x, w])
        assert [getattr(size, "text", size) for size in to_x.shape] == [2, 3, "N", "N"]
        assert to_w.shape == w.shape


def test_float32_stays():
    x, w = ng.input("x", np.zeros((1, 2, 4, 4), np.float32)), ng.input("w", np.zeros((2, 2, 2, 2), np.float32))
    for y in (ng.conv2d(x, w, padding=1), ng.conv_transpose2d(x, w)):
        assert y.value.dtype == np.float32
        assert [g.value.dtype for g in ng.gradient(ng.sum(y), [x, w])] == [np.float32] * 2


@pytest.mark.parametrize(
    ("x", "w", "settings", "error", "message"),
    [
        ((3, 4, 4), (2, 3, 2, 2), {}, ShapeError, r"missing batch axis is added with x\[None\]"),
        ((1, 1, 4, 4), (2, 2), {}, ShapeError, r"w\[None, None\]"),
        ((4, 4), (1, 1, 2, 2), {}, ShapeError, r"x\[None, None\]"),
        ((1, 3, 4, 4), (2, 5, 2, 2), {}, ShapeError, r"conv2d: x \(1, 3, 4, 4\) has 3 channels, but w \(2, 5, 2, 2\) takes 5"),
        ((1, 3, 4, 4), (3, 2, 2, 2), {}, ShapeError, "first two axes of w swapped"),
        ((1, 3, 4, 4), (2, 1, 2, 2), {"groups": 2}, ShapeError, "do not split into 2 groups"),
        ((1, 1, 4, 4), (1, 1, 5, 2), {}, ShapeError, "conv2d: a window that reaches over 5 entries does not fit into 4"),
        ((4, 4), (2, 2), {"groups": 2}, ParameterError, "one channel"),
        ((1, 1, 4, 4), (1, 1, 2, 2), {"stride": 0}, ParameterError, "conv2d: stride 0"),
        ((1, 1, 4, 4), (1, 1, 2, 2), {"padding": "all"}, ParameterError, "conv2d: padding 'all'"),
        ((1, 1, 4, 4), (1, 1, 2, 2), {"bias": 0}, ParameterError, "no setting 'bias'"),
    ],
)
def test_convolutions_that_do_not_fit(x, w, settings, error, message):
    with pytest.raises(error, match=message):
        ng.conv2d(np.zeros(x), np.zeros(w), **settings)


@pytest.mark.parametrize(
    ("x", "g", "settings", "error", "message"),
    [
        ((1, 1, 4, 4), (1, 1, 3, 3), {"size": (3, 3)}, ShapeError, r"conv_weights: \(2, 2\) windows fit into \(4, 4\), but \(3, 3\) were given"),
        ((1, 1, 4, 4), (2, 1, 3, 3), {"size": (2, 2)}, ShapeError, "a batch of 1 images and one of 2 results"),
        ((1, 3, 4, 4), (1, 2, 3, 3), {"size": (2, 2), "groups": 2}, ParameterError, "do not split into 2 groups"),
        ((4, 4), (3, 3), {"size": (2, 2), "groups": 2}, ParameterError, "do not split into 2 groups"),
        ((1, 4, 4), (1, 3, 3), {"size": (2, 2)}, ShapeError, "behind batch and channels or alone"),
        ((1, 1, 4, 4), (3, 3), {"size": (2, 2)}, ShapeError, "behind batch and channels or alone"),
    ],
)
def test_weights_that_do_not_fit(x, g, settings, error, message):
    with pytest.raises(error, match=message):
        ng.conv_weights(np.zeros(x), np.zeros(g), **settings)


def test_transposed_convolutions_that_do_not_fit():
    x = np.zeros((1, 2, 3, 3))
    with pytest.raises(ShapeError, match="has 2 channels, but w .* takes 3"):
        ng.conv_transpose2d(x, np.zeros((3, 2, 2, 2)))
    with pytest.raises(ParameterError, match="smaller than the stride"):
        ng.conv_transpose2d(x, np.zeros((2, 2, 2, 2)), output_padding=1)
    with pytest.raises(ParameterError, match="which size the result has"):
        ng.conv_transpose2d(x, np.zeros((2, 2, 2, 2)), padding="same")
    with pytest.raises(ShapeError, match="cuts away all"):
        ng.conv_transpose2d(x, np.zeros((2, 2, 2, 2)), padding=2)
