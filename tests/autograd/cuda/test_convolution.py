"""Convolutions and poolings by the kernels of a GPU, on numba's simulator, against the reference."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.compiled.planned import planned
from nngraph.autograd.engines.cuda import convolution
from nngraph.autograd.engines.cuda.program import on_simulator
from nngraph.autograd.engines.cuda.target import target_of
from nngraph.autograd.engines.numpy import evaluate_all
from nngraph.autograd.kernels.cuda import division
from nngraph.autograd.kernels.cuda.product_tiles import Tile
from nngraph.autograd.kernels.cuda.tensor import TensorTile
from nngraph.autograd.kernels.cuda.words import function
from nngraph.nets import data

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


# Convolutions ---------------------------------------------------------------------------------------------------------
def both_ways(x, w, weights, **settings):
    """A convolution, and what its image and its weights are sent."""
    axes = len(x.shape) - (2 if len(x.shape) > 2 else 0)
    y = (ng.conv1d if axes == 1 else ng.conv2d)(x, w, **settings)
    total = ng.sum(y * ng.constant(weights.standard_normal(y.shape).astype(x.dtype)))
    return [y, *ng.gradient(total, [x, w])]


CASES = {
    "several tiles": ((2, 3, 6, 5), (17, 3, 2, 2), {}),
    "one image, one channel": ((1, 1, 5, 5), (1, 1, 3, 3), {"padding": 1}),
    "1×1": ((2, 20, 3, 3), (5, 20, 1, 1), {}),
    "1×1, pixels four by four": ((3, 5, 2, 6), (18, 5, 1, 1), {}),
    "single taps of windows further on": ((1, 2, 4, 4), (2, 2, 2, 2), {"stride": 2, "padding": ((1, 0), (1, 0))}),
    "four by four through all images only": ((4, 2, 4, 4), (3, 2, 2, 2), {}),
    "1×1 with padding": ((2, 3, 2, 2), (3, 3, 1, 1), {"padding": 1}),
    "1×1, strides": ((1, 16, 4, 5), (16, 16, 1, 1), {"stride": (2, 3)}),
    "as large as the image": ((3, 2, 3, 4), (4, 2, 3, 4), {}),
    "channels by the slice": ((1, 16, 4, 4), (16, 16, 3, 3), {"padding": 1}),
    "strides": ((1, 2, 7, 8), (3, 2, 3, 2), {"stride": (2, 3)}),
    "strides longer than the weights": ((1, 2, 8, 7), (2, 2, 2, 1), {"stride": 3}),
    "dilation": ((1, 2, 7, 6), (2, 2, 3, 2), {"dilation": 2}),
    "strides and dilation": ((1, 2, 9, 9), (2, 2, 3, 3), {"stride": (2, 4), "dilation": (2, 2), "padding": 2}),
    "uneven padding": ((1, 2, 4, 3), (2, 2, 3, 3), {"padding": ((0, 2), (3, 1))}),
    "groups": ((2, 6, 4, 4), (4, 3, 2, 2), {"groups": 2}),
    "every channel alone": ((1, 5, 5, 4), (5, 1, 3, 3), {"groups": 5, "padding": 1}),
    "turned": ((1, 2, 4, 5), (2, 2, 3, 2), {"turned": True}),
    "signals": ((2, 3, 9), (4, 3, 3), {"stride": 2, "padding": 1}),
    "plain": ((5, 4), (2, 3), {}),
}


@pytest.mark.parametrize("name", CASES)
def test_convolutions_and_both_ways_back(name, rng):
    shape, weights, settings = CASES[name]
    program = agree(both_ways(normal(rng, "x", shape), normal(rng, "w", weights), rng, **settings))
    codes = [call.code.name for call in program.plan.calls]
    assert codes.count("convolution") >= 3
    assert not {"patches", "overlap_add", "product"} & set(codes), "a copy of the windows was made"


def test_convolutions_of_float64_are_float64(rng):
    x, w = normal(rng, "x", (2, 2, 5, 5), np.float64), normal(rng, "w", (3, 2, 3, 3), np.float64)
    agree(both_ways(x, w, rng, stride=2, padding=1), 1e-13)


def test_nan_goes_as_far_as_its_windows_and_no_further(rng):
    image = rng.standard_normal((2, 2, 6, 6)).astype(np.float32)
    image[0, 1, 2, 3], image[1, 0, 0, 0] = np.nan, np.inf
    x, w = ng.parameter("x", image), normal(rng, "w", (3, 2, 3, 3))
    (y,) = agree([ng.conv2d(x, w, padding=1)])({})
    assert 0 < np.isnan(y).sum() < y.size / 2
    agree(both_ways(x, w, rng, padding=1))


@pytest.mark.parametrize("seed", range(20))
def test_random_geometry(seed):
    rng = np.random.default_rng(seed)
    axes, groups = int(rng.integers(1, 3)), int(rng.choice([1, 1, 1, 2]))
    few = lambda low, high, *count: tuple(map(int, rng.integers(low, high, count)))  # noqa: E731
    (batch,), (inner, outer) = few(1, 4, 1), rng.choice([1, 2, 3, 16], 2)
    size, stride, dilation = few(1, 4, axes), few(1, 4, axes), few(1, 4, axes)
    padding = tuple(few(0, 3, 2) for _ in range(axes))
    reach = [(window - 1) * apart + 1 - sum(pads) for window, apart, pads in zip(size, dilation, padding, strict=True)]
    lengths = [max(1, least + more) for least, more in zip(reach, few(0, 5, axes), strict=True)]
    dtype = rng.choice([np.float32, np.float64])
    x = normal(rng, "x", (batch, int(inner) * groups, *lengths), dtype)
    w = normal(rng, "w", (int(outer) * groups, int(inner), *size), dtype)
    agree(both_ways(x, w, rng, stride=stride, padding=padding, dilation=dilation, groups=groups))


def test_transposed_convolutions(rng):
    x, w = normal(rng, "x", (2, 3, 3, 4)), normal(rng, "w", (3, 2, 3, 3))
    y = ng.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1)
    agree([y, *ng.gradient(ng.sum(y * y), [x, w])])


def test_without_images_there_is_nothing_to_add_up(rng):
    x, w = normal(rng, "x", (0, 2, 4, 4)), normal(rng, "w", (3, 2, 3, 3))
    agree([ng.conv2d(x, w), *ng.gradient(ng.sum(ng.conv2d(x, w)), [x, w])])


@pytest.mark.parametrize("shape", [(2, 3, 5, 4), (1, 2, 4, 4)])
@pytest.mark.parametrize("end", ["relu", "bias", "none"])
def test_what_follows_a_convolution_is_done_by_its_kernel(shape, end, rng):
    x, w, b = normal(rng, "x", shape), normal(rng, "w", (6, shape[1], 2, 3)), normal(rng, "b", (6, 1, 1))
    y = ng.conv2d(x, w)
    y = ng.relu(y) if end == "relu" else ng.tanh(y + b) if end == "bias" else y
    program = agree([y])
    assert [call.code.name for call in program.plan.calls] == ["convolution"]
    assert len(program.plan.calls[0].finishing) == (end != "none")


@pytest.mark.parametrize("shape", [(3, 2, 5, 5), (1, 2, 9, 9), (5, 3, 4, 4)])
def test_long_sums_for_weights_are_made_in_parts_in_one_order(shape, rng):
    x, w = normal(rng, "x", shape), normal(rng, "w", (3, shape[1], 2, 2))
    node = both_ways(x, w, rng)[2]
    program = agree([node])
    assert [call.code.name for call in program.plan.calls] == ["convolution", "product_parts"]
    np.testing.assert_array_equal(program({})[0], program({})[0])


def test_steps_of_a_net_for_digits_give_the_processors_losses():
    pytest.importorskip("sklearn")
    written = data.digits(flat=False)
    images, labels = written.X[5:8].astype(np.float32), written.t[5:8]
    x, t = ng.input("x", shape=(3, 1, 8, 8), dtype=np.float32), ng.input("t", shape=(3,), dtype=np.int64)
    losses = {}
    for engine in ("numba", "cuda-simulator"):
        rng = np.random.default_rng(1)
        shapes = {"w1": (3, 1, 3, 3), "b1": (3, 1, 1), "w2": (4, 3, 3, 3), "b2": (4, 1, 1), "w3": (16, 10)}
        weights = w1, b1, w2, b2, w3 = [
            ng.parameter(name, (0.3 * rng.standard_normal(shape)).astype(np.float32)) for name, shape in shapes.items()
        ]
        hidden = ng.max_pool2d(ng.relu(ng.conv2d(x, w1, padding=1) + b1), 2)
        hidden = ng.max_pool2d(ng.relu(ng.conv2d(hidden, w2, padding=1) + b2), 2)
        loss = ng.softmax_loss(ng.reshape(hidden, shape=(3, 16)) @ w3, t)
        updates = {w: w - 0.3 * g for w, g in zip(weights, ng.gradient(loss, weights), strict=True)}
        step = ng.compile(loss, [x, t], updates, engine)
        losses[engine] = [float(step(images, labels)) for _ in range(2)]
    np.testing.assert_allclose(losses["cuda-simulator"], losses["numba"], rtol=1e-6)
    assert losses["numba"][1] < losses["numba"][0]


@pytest.mark.parametrize("images", [1, 3])
def test_weights_are_updated_by_the_kernel_that_makes_their_gradient(images, rng):
    x, w = normal(rng, "x", (images, 2, 5, 5)), normal(rng, "w", (4, 1, 2, 2))
    total = ng.sum(ng.sin(ng.conv2d(x, w, groups=2)))
    (g,) = ng.gradient(total, [w])
    program = on_simulator([total], {w: w - 0.5 * g})
    (right,) = evaluate_all([w - 0.5 * g], {})
    updating = [
        call.code.name
        for call in program.plan.calls
        for nest in call.finishing
        if nest.writes[0].buffer is program.plan.leaves[w]
    ]
    assert updating == ["convolution" if images == 1 else "product_parts"]
    program({})
    np.testing.assert_allclose(w.value, right, rtol=1e-5, atol=1e-5)


# Tiles that a GPU is given ---------------------------------------------------------------------------------------------
@pytest.fixture
def tiled(monkeypatch):
    """Have all convolutions computed with one tile."""

    def have(tile, parts=1):
        monkeypatch.setattr(convolution, "_tile", lambda *_: tile)
        monkeypatch.setattr(convolution, "_tile_down", lambda *_: (tile, parts))

    return have


@pytest.mark.parametrize(("channels", "parts"), [(3, 1), (16, 2)])
def test_convolutions_on_tensor_cores_multiply_rounded_numbers(channels, parts, tiled, rng):
    tiled(TensorTile(16, 32, 16, 1, 2), parts)
    size = 3 if parts == 1 else 1
    x, w = normal(rng, "x", (2, channels, size + 1, 4)), normal(rng, "w", (channels // 4 + 3, channels, size, 2))
    nodes = both_ways(x, w, rng, stride=(1, 2) if parts == 1 else 1)
    program = agree(nodes, room=1e-3)
    assert all("mma(" in call.code.text() for call in program.plan.calls if call.code.name == "convolution")
    for found, right in zip(program({}), evaluate_all(nodes, {}), strict=True):
        assert np.abs(found - right).max() > 1e-5, "nothing was rounded"


def test_the_tile_of_64_channels(tiled, rng):
    tiled(convolution.WIDE)
    x, w = normal(rng, "x", (3, 16, 9, 10)), normal(rng, "w", (61, 16, 1, 1))
    agree([ng.relu(ng.conv2d(x, w) + normal(rng, "b", (61, 1, 1)))])


def test_an_engine_with_tensor_cores_uses_them_for_convolutions_of_float32_with_channels_enough():
    def tiles(outer, dtype, engine="cuda-tf32"):
        x, w = ng.input("x", shape=(8, 16, 14, 14), dtype=dtype), ng.input("w", shape=(outer, 16, 3, 3), dtype=dtype)
        total = ng.sum(ng.conv2d(x, w) ** 2)
        calls = planned(ng.gradient(total, [w]), {}, target_of(engine)).calls
        return [type(call.code.form.tile) for call in calls if call.code.name == "convolution"]

    assert set(tiles(64, np.float32)) == {TensorTile}
    assert set(tiles(64, np.float64)) == set(tiles(16, np.float32)) == set(tiles(64, np.float32, "cuda")) == {Tile}


@pytest.mark.parametrize("number", [1, 2, 3, 7, 49, 56, 64, 3136, 65537, 2**31 - 1])
def test_divisors_divide_every_number_below_2_to_the_31(number, rng):
    words = dict(zip(division.names("d"), (np.uint32(word.value) for word in division.divisor(number)), strict=True))
    edges = [0, 1, number - 1, number, 2 * number - 1, division.LARGEST // number * number - 1, division.LARGEST - 1]
    kinds = {"uint32": np.uint32, "uint64": np.uint64}
    run = function(f"def kernel(n, {', '.join(words)}):\n    return {division.divided('n', 'd')}\n", kinds)
    for dividend in [each for each in edges if 0 <= each < division.LARGEST] + list(rng.integers(0, 2**31, 200)):
        assert run(np.uint32(dividend), **words) == dividend // number
