"""Convolution and both ways back against the numpy engine: settings, sizes, parts, what is not a number, vectors."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.compiled.lowering.convolution import LOWERINGS
from nngraph.autograd.engines.compiled.lowering.winograd import Tiles

from .immediate import Immediate, array_of, filled
from .narrower import also_with_narrower_vectors

TOLERANCE = {"float32": 2e-5, "float64": 1e-12}
"""Largest error, relative to the largest result; the sums of the tests have up to a few thousand terms."""


def computed(node: ng.Node, split: int = 0) -> tuple[np.ndarray, list[str]]:
    """The kernels' result for a node whose inputs have values, and the kernels that ran."""
    plan = Immediate(split)
    result = plan.new(node.shape, node.dtype)
    inputs = [filled(np.array(source.value)) for source in node.inputs]
    assert LOWERINGS[node.op.kernel](plan, node, inputs, [result])
    return array_of(result), plan.kernels


def three(x: np.ndarray, w: np.ndarray, seed: int = 0, **settings: Any) -> list[ng.Node]:
    """A convolution, and both ways back for some g."""
    axes = x.ndim if x.ndim < 3 and x.ndim == w.ndim else x.ndim - 2
    image, weights = ng.constant(x), ng.constant(w)
    y = (ng.conv1d, ng.conv2d)[axes - 1](image, weights, **settings)
    g = ng.constant(np.random.default_rng(seed).standard_normal(y.shape).astype(x.dtype))
    back = {name: value for name, value in y.params.items() if name != "turned"}
    to_image = (ng.conv_transpose1d, ng.conv_transpose2d)[axes - 1](g, weights, shape=x.shape[-axes:], **back)
    return [y, to_image, ng.conv_weights(image, g, size=w.shape[-axes:], **back)]


def check(x: np.ndarray, w: np.ndarray, split: int = 0, **settings: Any) -> list[str]:
    """Compare all three with the numpy engine in float64; the kernels that ran."""
    ran = []
    wanted = three(x.astype("f8"), w.astype("f8"), **settings)
    for node, reference in zip(three(x, w, **settings), wanted):
        found, kernels = computed(node, split)
        ran += kernels
        expected = reference.value
        scale = np.abs(expected).max(initial=0.0)
        # Inputs of the reference are those of the node, so that only the kernels' own rounding counts.
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE[x.dtype.name] * scale, err_msg=str(settings))
    return ran


def some(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Random numbers that float32 holds exactly, so that every dtype computes with the same ones."""
    return rng.standard_normal(shape).astype("f4").astype(dtype)


def grid() -> Iterator[tuple[int, int, int, int, tuple[int, int]]]:
    """Size, stride, dilation, groups and padding."""
    yield from product((1, 2, 3, 4), (1, 2, 3), (1, 2), (1, 2), ((0, 0), (1, 1), (0, 2), (3, 1)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_setting(dtype: str, rng: np.random.Generator) -> None:
    for number, (size, stride, dilation, groups, pair) in enumerate(grid()):
        settings = {
            "stride": stride,
            "dilation": dilation,
            "groups": groups,
            "padding": (pair,),
            "turned": number % 3 == 0,
        }
        x, w = some(rng, (2, 2 * groups, 9 + number % 8), dtype), some(rng, (3 * groups, 2, size), dtype)
        check(x, w, number % 3, **settings)
        if number % 4 == 0:
            settings |= {"padding": ((1, 0), pair), "stride": (2, stride), "dilation": (dilation, 1)}
            check(
                some(rng, (3, 2 * groups, 8, 9), dtype),
                some(rng, (3 * groups, 2, 2, size), dtype),
                number % 3,
                **settings,
            )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_random_sizes(dtype: str, rng: np.random.Generator) -> None:
    for _ in range(25):
        batch, groups = int(rng.integers(1, 6)), int(rng.choice([1, 1, 2, 5]))
        inner, outer = (int(2 ** rng.uniform(0, 5)) for _ in range(2))
        size, stride = (tuple(map(int, rng.integers(1, 5, 2))) for _ in range(2))
        image = tuple(max(int(rng.integers(1, 34)), reach) for reach in size)
        padding = tuple(tuple(map(int, rng.integers(0, 3, 2))) for _ in range(2))
        x, w = some(rng, (batch, groups * inner, *image), dtype), some(rng, (groups * outer, inner, *size), dtype)
        check(x, w, int(rng.integers(0, 3)), stride=stride, padding=padding, groups=groups)


def test_plain_images_and_sizes_of_one(rng: np.random.Generator) -> None:
    check(some(rng, (7, 6), "float64"), some(rng, (3, 2), "float64"), turned=True)
    check(some(rng, (11,), "float64"), some(rng, (4,), "float64"), stride=3)
    check(some(rng, (1, 1, 1, 1), "float64"), some(rng, (1, 1, 1, 1), "float64"))
    check(some(rng, (1, 1, 1), "float64"), some(rng, (1, 1, 3), "float64"), padding=1)
    # With these strides some entries of the image lie in no window, and nothing arrives there.
    check(some(rng, (2, 1, 1, 8), "float64"), some(rng, (2, 1, 1, 2), "float64"), stride=(3, 5))


def test_depthwise(rng: np.random.Generator) -> None:
    check(some(rng, (2, 24, 13, 10), "float32"), some(rng, (24, 1, 3, 3), "float32"), padding=1, groups=24)


def test_an_empty_batch(rng: np.random.Generator) -> None:
    x, w = np.zeros((0, 3, 5, 5)), some(rng, (4, 3, 2, 2), "float64")
    y, to_image, to_weights = three(x, w)
    assert computed(y)[0].shape == (0, 4, 4, 4)
    assert computed(to_image)[0].shape == x.shape
    np.testing.assert_array_equal(computed(to_weights)[0], np.zeros((4, 3, 2, 2)))


def test_parts_do_not_change_a_bit(rng: np.random.Generator) -> None:
    for shape, channels in (((9, 3, 7, 7), 5), ((6, 16, 14, 14), 32)):
        nodes = three(some(rng, shape, "float32"), some(rng, (channels, shape[1], 3, 3), "float32"), padding=1)
        for node in nodes:
            whole = computed(node)[0]
            for split in (1, 2, 4):
                np.testing.assert_array_equal(computed(node, split)[0], whole)


@pytest.mark.parametrize(("size", "stride"), [(3, 1), (4, 2)])
def test_parts_do_not_change_a_bit_of_what_is_finite(size: int, stride: int, rng: np.random.Generator) -> None:
    """Whatever is computed directly because of numbers before it that were not finite."""
    x, w = some(rng, (7, 16, 14, 14), "float32"), some(rng, (32, 16, size, size), "float32")
    x[1, 3, 5, 5], x[2, 0, 0, 0], x[5, 15, 13, 13] = np.nan, np.inf, np.nan
    for node in three(x, w, padding=1, stride=stride):
        whole, kernels = computed(node)
        assert any("winograd" in name for name in kernels)
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(np.isfinite(whole), np.isfinite(node.value))
        for split in (1, 2, 3):
            np.testing.assert_array_equal(computed(node, split)[0], whole)


def test_strided_inputs_and_results(rng: np.random.Generator) -> None:
    x, w = some(rng, (2, 6, 7, 3), "float64").transpose(0, 3, 1, 2), some(rng, (4, 3, 3, 3), "float64")
    y = ng.conv2d(ng.constant(np.ascontiguousarray(x)), ng.constant(w))
    plan, whole = Immediate(), np.full((2, 4, 4, 10), np.nan)
    assert LOWERINGS["conv"](plan, y, [filled(x), filled(w)], [filled(whole[..., 3:8])])
    np.testing.assert_allclose(whole[..., 3:8], y.value, rtol=0, atol=1e-12)
    assert np.isnan(whole[..., :3]).all()


# Winograd's trick -------------------------------------------------------------------------------------------------
def test_winograd_is_used_where_it_pays(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    x, w = some(rng, (2, 16, 14, 14), "float32"), some(rng, (32, 16, 3, 3), "float32")
    assert {"winograd", "winograd_weigh"} <= set(check(x, w, padding=1))
    assert not any("winograd" in name for name in check(x, w, padding=1, stride=2))
    assert not any("winograd" in name for name in check(x.astype("f8"), w.astype("f8"), padding=1))
    monkeypatch.setenv("NNGRAPH_WINOGRAD", "0")
    assert not any("winograd" in name for name in check(x, w, padding=1))


def test_winograd_at_every_edge(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tiles, "pay", lambda self, multiplications: True)
    for number in range(30):
        batch, inner, outer = (int(each) for each in rng.integers(1, (5, 40, 40)))
        padding = tuple(tuple(map(int, rng.integers(0, 4, 2))) for _ in range(2))
        image = tuple(max(int(rng.integers(1, 19)), 3 - sum(pair)) for pair in padding)
        x, w = some(rng, (batch, inner, *image), "float32"), some(rng, (outer, inner, 3, 3), "float32")
        ran = check(x, w, number % 3, padding=padding, turned=number % 2 == 0)
        assert {"winograd", "winograd_weigh"} <= set(ran)


def test_the_error_of_winograd(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    x, w = some(rng, (2, 64, 28, 28), "float32"), some(rng, (64, 64, 3, 3), "float32")
    errors = {}
    for way in ("1", "0"):
        monkeypatch.setenv("NNGRAPH_WINOGRAD", way)
        nodes, wanted = three(x, w, padding=1), three(x.astype("f8"), w.astype("f8"), padding=1)
        errors[way] = [
            np.abs(computed(node)[0] - expected.value).max() / np.abs(expected.value).max()
            for node, expected in zip(nodes, wanted)
        ]
    assert max(errors["1"]) < 1e-5
    assert max(errors["0"]) < 2e-6


# NaN and infinity -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", [0, 1, 2])
@pytest.mark.parametrize(
    ("shape", "out", "settings"),
    [
        ((3, 2, 6, 7), 3, {"padding": 1}), ((3, 2, 9, 7), 3, {"stride": 2, "padding": (0, 2)}),
        ((3, 16, 10, 9), 16, {"padding": 1}), ((3, 2, 9), 3, {"dilation": 2, "padding": 1}),
        ((2, 3, 5, 37), 9, {"padding": 2}), ((5, 3, 7, 7), 5, {"padding": 1}),
    ],
)  # fmt: skip
def test_what_is_not_finite_appears_where_numpy_has_it(
    bad: float, where: int, shape: tuple[int, ...], out: int, settings: dict[str, Any], rng: np.random.Generator
) -> None:
    x, w = some(rng, shape, "float32"), some(rng, (out, shape[1], *[3] * (len(shape) - 2)), "float32")
    for node in three(x, w, **settings):
        operands = [np.array(source.value) for source in node.inputs]
        if where < 2:
            operands[where].flat[operands[where].size // 2] = bad
        else:
            # Infinity times a zero of the padding, or of the numbers themselves.
            operands[0].flat[::3] = 0
            operands[1].flat[0] = bad
        node = node.op(*map(ng.constant, operands), **node.params)
        with np.errstate(invalid="ignore"):
            expected = node.value
        found = computed(node)[0]
        for kind in (np.isnan, np.isposinf, np.isneginf):
            np.testing.assert_array_equal(kind(found), kind(expected))
        fine = np.isfinite(expected)
        np.testing.assert_allclose(found[fine], expected[fine], rtol=1e-3, atol=1e-4)


test_narrower_vectors = also_with_narrower_vectors(
    test_random_sizes, test_parts_do_not_change_a_bit, test_winograd_at_every_edge,
    test_what_is_not_finite_appears_where_numpy_has_it,
)  # fmt: skip
