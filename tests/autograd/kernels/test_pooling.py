"""Poolings and windows against the numpy engine: settings, ties, parts, what is not a number, vectors."""

from __future__ import annotations

from itertools import product
from typing import Any

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.compiled.lowering.pooling import LOWERINGS

from .immediate import Immediate, array_of, filled
from .narrower import also_with_narrower_vectors


def check(node: ng.Node, split: int = 0) -> None:
    """Compare a node's kernel with the numpy engine; both add up in about the same order."""
    plan = Immediate(split)
    result = plan.new(node.shape, node.dtype)
    assert LOWERINGS[node.op.kernel](plan, node, [filled(np.array(source.value)) for source in node.inputs], [result])
    with np.errstate(all="ignore"):
        expected = node.value
    rtol = 1e-13 if node.dtype == np.float64 else 2e-6
    np.testing.assert_allclose(
        array_of(result), expected, rtol=rtol, atol=rtol, err_msg=f"{node.op.name} {node.params}"
    )


def poolings(x: np.ndarray, g_of: Any, **settings: Any) -> list[ng.Node]:
    """All poolings of x and their ways back, for gradients made by `g_of(shape)`."""
    axes = len(settings["size"])
    image, nodes = ng.constant(x), []
    y = (ng.max_pool1d, ng.max_pool2d)[axes - 1](image, **settings)
    nodes += [y, ng.max_unpool(ng.constant(g_of(y.shape)), image, **y.params)]
    for count_padding in (False, True):
        y = (ng.average_pool1d, ng.average_pool2d)[axes - 1](image, count_padding=count_padding, **settings)
        nodes += [y, ng.average_unpool(ng.constant(g_of(y.shape)), shape=x.shape[-axes:], **y.params)]
    return nodes


def windows(x: np.ndarray, rng: np.random.Generator, **settings: Any) -> list[ng.Node]:
    """Windows of x, and others laid back."""
    axes = len(settings["size"])
    y = ng.patches(ng.constant(x), **settings)
    cut = ng.constant(rng.standard_normal(y.shape).astype(x.dtype))
    rest = {name: value for name, value in y.params.items() if name != "size"}
    return [y, ng.overlap_add(cut, shape=x.shape[-axes:], **rest)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_setting(dtype: str, rng: np.random.Generator) -> None:
    for number, (size, stride, pad, ceil) in enumerate(product((1, 2, 3, 5), (1, 2, 3), (0, 1, 2), (False, True))):
        settings = {"size": (2, size), "stride": (1 + number % 3, stride), "ceil_mode": ceil}
        settings["padding"] = ((number % 2, 0), (min(pad, size // 2), min(number % 3, size // 2)))
        # Few different numbers, so that windows have several largest ones.
        x = rng.integers(-2, 3, (2, 3, 5 + number % 4, 6 + number)).astype(dtype)
        for node in poolings(x, lambda shape: rng.standard_normal(shape).astype(dtype), **settings):
            check(node, number % 4)
        x = rng.standard_normal((3, 9 + number)).astype(dtype)
        for node in poolings(x, lambda shape: rng.standard_normal(shape).astype(dtype), size=(size,), ceil_mode=ceil):
            check(node, number % 3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_quarters(dtype: str, rng: np.random.Generator) -> None:
    for height, width in ((2, 2), (3, 5), (8, 16), (4, 33), (7, 64), (14, 14)):
        x = rng.integers(-2, 3, (4, height, width)).astype(dtype)
        for node in poolings(x, lambda shape: rng.standard_normal(shape).astype(dtype), size=(2, 2)):
            check(node, 3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_windows_cut_out_and_laid_back(dtype: str, rng: np.random.Generator) -> None:
    for number, (size, stride, dilation) in enumerate(product((1, 2, 4), (1, 2, 3), (1, 2))):
        x = rng.standard_normal((2, 8, 10 + number)).astype(dtype)
        settings = {"size": (2, size), "stride": (2, stride), "dilation": (dilation, 1 + number % 2)}
        for node in windows(x, rng, padding=((1, 0), (number % 4, 2)), **settings):
            check(node, number % 3)
        for node in windows(x, rng, size=(size,), stride=stride, dilation=dilation):
            check(node)


def test_sizes_of_one_and_none(rng: np.random.Generator) -> None:
    for shape in ((1, 1), (0, 3, 4), (2, 1, 1, 1)):
        x = rng.standard_normal(shape)
        for node in [*poolings(x, rng.standard_normal, size=(1, 1)), *windows(x, rng, size=(1, 1))]:
            check(node)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "settings", [{"size": (2, 2)}, {"size": (3, 3), "stride": 2, "padding": 1}, {"size": (2, 3), "stride": 1}]
)
def test_what_is_not_finite(bad: float, settings: dict[str, Any], rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 8, 40)).astype("f4")
    x[0, 3, 17], x[1, 4:6, 4:6] = bad, bad
    for node in poolings(x, lambda shape: rng.standard_normal(shape).astype("f4"), **settings):
        check(node)

    def with_bad(shape: tuple[int, ...]) -> np.ndarray:
        g = rng.standard_normal(shape).astype("f4")
        g[0, 1, 3] = bad
        return g

    for node in poolings(np.nan_to_num(x), with_bad, **settings):
        check(node)


test_narrower_vectors = also_with_narrower_vectors(
    test_every_setting, test_quarters, test_windows_cut_out_and_laid_back
)
