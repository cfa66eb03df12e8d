"""Convolution and pooling layers against SciPy and numpy, receptive fields against gradients, and a net that reads
digits."""

from __future__ import annotations

import re

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import ParameterError, ShapeError
from scipy.signal import convolve, correlate, correlate2d

ENGINES = ("numpy", "numba")


def computed(layer: nets.Module, x: np.ndarray, engine: str = "numpy") -> np.ndarray:
    leaf = ng.input("x", shape=x.shape)
    return ng.compile(layer(leaf), [leaf], engine=engine)(x)


def with_bias(layer: nets.Module) -> nets.Module:
    layer.b.value = np.arange(1.0, 1.0 + layer.b.size)
    return layer


@pytest.mark.parametrize("engine", ENGINES)
def test_conv2d_is_the_sum_of_correlations(rng, engine):
    layer, x = with_bias(nets.Conv2d(3, 4, (3, 2), rng=rng, dtype="float64")), rng.normal(size=(2, 3, 7, 6))
    W, b = layer.W.value, layer.b.value
    expected = [[b[o] + sum(correlate2d(one[c], W[o, c], "valid") for c in range(3)) for o in range(4)] for one in x]
    assert computed(layer, x, engine) == pytest.approx(np.array(expected))


def test_conv1d_with_stride_and_dilation(rng):
    layer, x = (
        with_bias(nets.Conv1d(2, 3, 3, stride=2, dilation=2, padding=1, rng=rng, dtype="float64")),
        rng.normal(size=(2, 2, 11)),
    )
    wide = np.zeros((3, 2, 5))
    wide[:, :, ::2] = layer.W.value
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1)))
    expected = [
        [layer.b.value[o] + sum(correlate(one[c], wide[o, c], "valid") for c in range(2))[::2] for o in range(3)]
        for one in padded
    ]
    assert computed(layer, x) == pytest.approx(np.array(expected))


def test_depthwise_takes_every_channel_alone(rng):
    layer, x = (
        with_bias(nets.DepthwiseConv2d(3, 3, multiplier=2, rng=rng, dtype="float64")),
        rng.normal(size=(1, 3, 5, 5)),
    )
    result = computed(layer, x)[0]
    assert layer.W.shape == (6, 1, 3, 3)
    for out in range(6):
        assert result[out] == pytest.approx(
            correlate2d(x[0, out // 2], layer.W.value[out, 0], "valid") + layer.b.value[out]
        )


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("axes", [1, 2])
def test_transposed_is_the_adjoint(rng, axes, groups):
    there, back = (nets.Conv1d, nets.ConvTranspose1d) if axes == 1 else (nets.Conv2d, nets.ConvTranspose2d)
    settings = {"stride": 2, "padding": 1, "groups": groups, "bias": False, "rng": rng, "dtype": "float64"}
    forth, transposed = there(4, 6, 4, **settings), back(6, 4, 4, **settings)
    transposed.W = forth.W
    a, b = rng.normal(size=(2, 4, *(10,) * axes)), rng.normal(size=(2, 6, *(5,) * axes))
    assert (computed(forth, a) * b).sum() == pytest.approx((a * computed(transposed, b)).sum())


@pytest.mark.parametrize("axes", [1, 2])
def test_transposed_is_a_convolution_of_numbers_with_zeros_between(rng, axes):
    """A fractional stride: zeros are put between the numbers, and the turned weights go over them in steps of 1."""
    back = nets.ConvTranspose1d if axes == 1 else nets.ConvTranspose2d
    layer = with_bias(back(3, 2, 4, stride=3, rng=rng, dtype="float64"))
    x = rng.normal(size=(2, 3, *(5,) * axes))
    spread = np.zeros((2, 3, *(13,) * axes))
    spread[(..., *[slice(None, None, 3)] * axes)] = x
    expected = [[layer.b.value[o] + sum(convolve(one[c], layer.W.value[c, o]) for c in range(3)) for o in range(2)] for one in spread]
    assert computed(layer, x) == pytest.approx(np.array(expected))


@pytest.mark.parametrize("groups", [1, 2])
def test_weights_start_with_the_spread_of_their_fan(groups):
    forth = nets.Conv2d(32, 64, 3, groups=groups, rng=0).W.value
    back = nets.ConvTranspose2d(32, 64, 3, groups=groups, rng=0).W.value
    assert (forth.shape, back.shape) == ((64, 32 // groups, 3, 3), (32, 64 // groups, 3, 3))
    for W in (forth, back):
        assert W.std() == pytest.approx((2 / (32 // groups * 9)) ** 0.5, rel=0.03)


POOLS = {nets.MaxPool2d: np.max, nets.AveragePool2d: np.mean, nets.L2Pool2d: lambda w, axis: np.sqrt((w**2).sum(axis))}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("pool", POOLS, ids=lambda pool: pool.__name__)
def test_pooling_of_windows(rng, pool, engine):
    x = rng.normal(size=(2, 3, 6, 8))
    windows = x.reshape(2, 3, 3, 2, 4, 2)
    assert computed(pool(2), x, engine) == pytest.approx(POOLS[pool](windows, axis=(3, 5)))
    assert computed(pool(2, stride=1), x, engine).shape == (2, 3, 5, 7)


def test_pooling_of_lines_and_of_everything(rng):
    x = rng.normal(size=(2, 3, 8))
    parts = x.reshape(2, 3, 4, 2)
    assert computed(nets.MaxPool1d(2), x) == pytest.approx(parts.max(-1))
    assert computed(nets.AveragePool1d(2), x) == pytest.approx(parts.mean(-1))
    assert computed(nets.L2Pool1d(2), x) == pytest.approx(np.sqrt((parts**2).sum(-1)))
    assert computed(nets.GlobalAveragePool(), x) == pytest.approx(x.mean(-1))
    assert computed(nets.GlobalMaxPool(), x) == pytest.approx(x.max(-1))
    assert computed(nets.Flatten(), x) == pytest.approx(x.reshape(2, 24))


def test_gradients_through_a_small_net(rng):
    net = nets.Sequential(
        nets.Conv2d(1, 2, 3, padding=1, rng=rng, dtype="float64"), ng.tanh, nets.L2Pool2d(2), nets.ConvTranspose2d(2, 1, 2, rng=rng, dtype="float64"),
        nets.Flatten(),
    )  # fmt: skip
    assert ng.check_gradient(net(rng.normal(size=(2, 1, 4, 4))), *net.parameters().values(), order=1)


def test_l2_pooling_of_zeros_has_slope_zero():
    x = ng.parameter("x", np.zeros((1, 1, 2, 2)))
    (slope,) = ng.gradient(ng.sum(nets.L2Pool2d(2)(x)), [x])
    assert (slope.value == 0).all()


# What a unit sees -----------------------------------------------------------------------------------------------------
SEEN = {
    "plain": lambda rng: [nets.Conv2d(1, 2, 3, rng=rng), nets.MaxPool2d(2), nets.Conv2d(2, 2, 3, rng=rng)],
    "strides": lambda rng: [nets.Conv2d(1, 2, (5, 3), stride=2, padding=2, rng=rng), nets.AveragePool2d(3, stride=2), nets.Conv2d(2, 1, 2, rng=rng)],
    "dilation": lambda rng: [nets.Conv2d(1, 1, 3, dilation=2, padding="same", rng=rng), nets.Conv2d(1, 1, 3, dilation=3, rng=rng)],
    "residual": lambda rng: [nets.Conv2d(1, 2, 3, rng=rng), nets.Residual(nets.Conv2d(2, 2, 3, padding=1, rng=rng)), nets.L2Pool2d(2)],
    "flat": lambda rng: [nets.Conv2d(1, 2, 3, rng=rng), nets.GlobalAveragePool()],
}  # fmt: skip


@pytest.mark.parametrize("name", SEEN)
def test_the_receptive_field_is_where_the_gradient_is_not_zero(rng, name):
    net, lengths = nets.Sequential(*SEEN[name](rng)), (17, 20)
    field = nets.receptive_fields(net, lengths)[-1]
    for layer in net.layers:
        # Positive weights and pixels that keep every path open, and averages in place of maxima, which pick one path.
        for module in (layer, getattr(layer, "inner", None)):
            if isinstance(module, nets.Conv2d):
                module.W.value = np.abs(module.W.value) + 0.1
    open_net = nets.Sequential(
        *[nets.AveragePool2d(each.size) if isinstance(each, nets.MaxPool2d) else each for each in net.layers]
    )
    x = ng.parameter("x", rng.uniform(1, 2, (1, 1, *lengths)))
    y = open_net(x)
    assert y.shape[2:] in (field.count, ())
    last = tuple(count - 1 for count in field.count)
    for unit in ((0, 0), tuple(count // 2 for count in field.count), last):
        (slope,) = ng.gradient(y[(0, 0, *unit)] if len(y.shape) == 4 else y[0, 0], [x])
        rows, columns = np.nonzero(slope.value[0, 0])
        for axis, (met, seen) in enumerate(zip((rows, columns), field.of(*unit), strict=True)):
            inside = [at for at in seen if 0 <= at < lengths[axis]]
            assert (met.min(), met.max()) == (inside[0], inside[-1])


def test_the_receptive_field_of_a_layer_of_ones_own_is_not_guessed():
    class Windows(nets.Module):
        def __init__(self):
            self.W = nets.new_parameter("W", (1, 1, 5, 5))

        def forward(self, x):
            return ng.conv2d(x, self.W, padding=2)

    with pytest.raises(ParameterError, match="what the units of Windows 'layer2' see is not known"):
        nets.receptive_fields(nets.Sequential(nets.Conv2d(1, 1, 3), Windows()), (28, 28))
    kept = nets.Sequential(nets.Conv2d(1, 4, 3), nets.BatchNorm(4), ng.relu, nets.Dropout(0.5))
    assert {field.size for field in nets.receptive_fields(kept, (28, 28))} == {(3, 3)}


def test_receptive_fields_of_lenet():
    fields = nets.receptive_fields(nets.LeNet(rng=0), (28, 28))
    assert [(field.kind, field.size[0], field.jump[0]) for field in fields[:7]] == [
        ("Conv2d", 5, 1), ("tanh", 5, 1), ("AveragePool2d", 6, 2), ("Conv2d", 14, 2), ("tanh", 14, 2), ("AveragePool2d", 16, 4),
        ("Flatten", 28, 28),
    ]  # fmt: skip
    assert fields[0].start == (-2, -2)
    assert fields[5].count == (5, 5)


def test_a_part_whose_inside_is_not_known_is_refused():
    with pytest.raises(ParameterError, match="MLP 'layer1' says in its forward"):
        nets.receptive_fields(nets.Sequential(nets.MLP([2, 2])), (4, 4))
    with pytest.raises(ParameterError, match="ConvTranspose2d 'layer1' enlarges the image"):
        nets.receptive_fields(nets.Sequential(nets.ConvTranspose2d(1, 1, 4, stride=2)), (4, 4))


# Learning -------------------------------------------------------------------------------------------------------------
def digits() -> tuple[np.ndarray, ...]:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    X, t = load_digits(return_X_y=True)
    return train_test_split((X / 16).reshape(-1, 1, 8, 8), t, test_size=0.25, random_state=0, stratify=t)


def accuracy(t: np.ndarray, scores: np.ndarray) -> float:
    return float((scores.argmax(1) == t).mean())


def test_a_convolutional_net_reads_digits():
    X, X_test, t, t_test = digits()
    net = nets.ConvNet([1, 16, 32], 10, lengths=(8, 8), dropout=0.3, rng=0)
    list(nets.train(net, ng.softmax_loss, (X, t), epochs=20, optimizer=nets.Adam(nets.cosine_decay(0.004, 20 * 43))))
    assert accuracy(t_test, net(X_test.astype(np.float32)).value) >= 0.985


def test_residual_blocks_read_digits():
    X, X_test, t, t_test = digits()
    net = nets.ResNet(1, [8, 16], 10, rng=0)
    list(nets.train(net, ng.softmax_loss, (X, t), epochs=8, optimizer=nets.Adam(nets.cosine_decay(0.01, 8 * 43))))
    assert accuracy(t_test, net(X_test.astype(np.float32)).value) >= 0.97


def test_a_residual_block_starts_as_what_goes_past_it(rng):
    x = rng.normal(size=(2, 4, 5, 5))
    assert computed(nets.ResidualBlock(4, rng=rng, dtype="float64"), x) == pytest.approx(np.maximum(x, 0))
    assert computed(nets.ResidualBlock(4, 6, stride=2, rng=rng), x).shape == (2, 6, 3, 3)


def test_lenet_learns_on_both_engines(rng):
    X, t = rng.normal(size=(10, 1, 28, 28)), np.arange(10)
    losses = []
    for engine in ENGINES:
        records = nets.train(
            nets.LeNet(rng=1), ng.softmax_loss, (X, t), epochs=4, batch=5, optimizer=nets.Adam(0.003), engine=engine
        )
        losses.append([record.loss for record in records])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert losses[0][-1] < losses[0][0] / 2


# Errors ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nets.Conv2d(1, 1, 2.5), "Conv2d: size 2.5 is not a whole number"),
        (lambda: nets.Conv2d(1, 1, (2, 2.5)), "Conv2d: size 2.5"),
        (lambda: nets.Conv1d(1, 1, None), "Conv1d: size None"),
        (lambda: nets.Conv2d(1.5, 1, 2), "Conv2d(inputs=1.5): a whole number from 1 up"),
        (lambda: nets.Conv2d(1, 0, 2), "Conv2d(outputs=0)"),
        (lambda: nets.Conv2d(1, 1, 2, groups=1.5), "Conv2d(groups=1.5)"),
        (lambda: nets.Conv2d(1, 1, 2, stride=0), "Conv2d: stride 0 must be at least 1"),
        (lambda: nets.Conv2d(1, 1, 2, dilation=1.5), "Conv2d: dilation 1.5 is not a whole number"),
        (lambda: nets.ConvTranspose2d(1, 1, 2, output_padding=-1), "ConvTranspose2d: output_padding -1 must be at least 0"),
        (lambda: nets.DepthwiseConv2d("a", 3), "DepthwiseConv2d(channels='a')"),
        (lambda: nets.DepthwiseConv2d(2, 3, multiplier=1.5), "DepthwiseConv2d(multiplier=1.5)"),
        (lambda: nets.MaxPool2d(2.0), "MaxPool2d: size 2.0 is not a whole number"),
        (lambda: nets.MaxPool2d((2, 2, 2)), "MaxPool2d: size (2, 2, 2) must be one number, or one for each of the 2"),
        (lambda: nets.L2Pool1d(0), "L2Pool1d: size 0 must be at least 1"),
        (lambda: nets.AveragePool2d(2, stride="a"), "AveragePool2d: stride 'a'"),
        (lambda: nets.GlobalAveragePool()(np.ones((1, 1, 0, 0))), "has no numbers to take a mean of in shape (1, 1, 0, 0)"),
        (lambda: nets.pixel_shuffle(ng.constant(np.ones((1, 4, 2, 2))), 0), "pixel_shuffle(by=0): a whole number from 1 up"),
        (lambda: nets.pixel_shuffle(ng.constant(np.ones((1, 4, 2))), 2), "pixel_shuffle takes (batch, channels, height, width); it was given shape (1, 4, 2)"),
        (lambda: nets.DCGANGenerator(4, 5, 1, lengths=(8, 8)), "DCGANGenerator(channels=5): a list of 1 whole number or more"),
        (lambda: nets.DCGANDiscriminator(1, [5], lengths=8), "DCGANDiscriminator(lengths=8): a list of 2 whole numbers"),
        (lambda: nets.PatchGAN(1, []), "PatchGAN(channels=[])"),
        (lambda: nets.UNet(1, 1, []), "UNet(channels=[])"),
        (lambda: nets.UNet(1, 1, [4], dropout="a"), "UNet(dropout='a')"),
        (lambda: nets.Upscaler(1, [4], by=1.5), "Upscaler(by=1.5)"),
    ],
)
def test_sizes_are_asked_for_by_name_and_layer(make, said):
    with pytest.raises((ParameterError, ShapeError), match=re.escape(said)):
        make()


def test_errors_name_the_layer():
    net = nets.Sequential(nets.Conv2d(3, 4, 3))
    with pytest.raises(
        ShapeError, match=r"Conv2d 'layer1' takes \(batch, 3, height, width\); it was given shape \(5, 1, 8, 8\)"
    ):
        net(np.zeros((5, 1, 8, 8)))
    with pytest.raises(ShapeError, match=r"MaxPool1d 'max_pool1d' takes \(batch, channels, length\)"):
        nets.MaxPool1d(2)(np.zeros((5, 8)))
    with pytest.raises(ParameterError, match="do not split into 2 groups"):
        nets.Conv2d(3, 4, 3, groups=2)
    with pytest.raises(ParameterError, match="size"):
        nets.Conv2d(3, 4, (3, 3, 3))


# The kernel gallery ---------------------------------------------------------------------------------------------------
def test_kernels_are_what_their_names_say(rng):
    kernels = {name: kernel.weights for name, kernel in nets.image_kernels().items()}
    image = rng.uniform(size=(9, 11))
    done = {name: ng.conv2d(image, weights, padding="same").value for name, weights in kernels.items()}
    assert (done["identity"] == image).all()
    laplacian = image[:-2, 1:-1] + image[2:, 1:-1] + image[1:-1, :-2] + image[1:-1, 2:] - 4 * image[1:-1, 1:-1]
    assert (image - done["sharpen"])[1:-1, 1:-1] == pytest.approx(laplacian)
    around = correlate2d(image, np.ones((3, 3)), "same")
    assert done["box blur"] == pytest.approx(around / 9)
    assert done["edges"] == pytest.approx(9 * image - around)
    binomial = [np.outer(row, row) / sum(row) ** 2 for row in ([1, 2, 1], [1, 4, 6, 4, 1])]
    assert (kernels["Gaussian blur"] == binomial[0]).all()
    assert done["unsharp"] == pytest.approx(2 * image - correlate2d(image, binomial[1], "same"))


def test_sobel_finds_the_slope_of_a_plane():
    down, across = np.mgrid[:6, :7]
    plane = 3.0 * across - 2.0 * down
    x, y = (ng.conv2d(plane, nets.image_kernels()[name].weights).value for name in ("Sobel x", "Sobel y"))
    assert x == pytest.approx(8 * 3.0)  # 1 + 2 + 1 rows, two pixels apart
    assert y == pytest.approx(8 * -2.0)


def test_kernels_that_keep_brightness_and_kernels_that_leave_black():
    gray = np.full((8, 8), 0.25)
    for kernel in nets.image_kernels().values():
        assert ng.conv2d(gray, kernel.weights).value == pytest.approx(0.25 * kernel.total)
        assert kernel.total in (0.0, 1.0)
        assert kernel.what.endswith(".")
        with pytest.raises(ValueError, match="read-only"):
            kernel.weights[0, 0] = 5.0


def test_a_gaussian_kernel_is_scipys(rng):
    from scipy.ndimage import gaussian_filter

    image = rng.uniform(size=(15, 15))
    blurred = ng.conv2d(image, nets.gaussian_kernel(9, 1.2), padding="same").value
    expected = gaussian_filter(image, 1.2, mode="constant", radius=4)
    assert blurred == pytest.approx(expected)
    with pytest.raises(ParameterError, match="odd number"):
        nets.gaussian_kernel(4, 1.0)
