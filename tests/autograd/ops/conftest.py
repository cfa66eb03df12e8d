"""What the tests of op families share: gradients against differences, and pairs of ops against each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nngraph as ng
import numpy as np
import pytest


@pytest.fixture
def gradients_agree(rng: np.random.Generator) -> Callable[..., None]:
    """Compares gradients of orders 1 and 2 with central differences along random directions.

    The second order goes through the square of the result, so that it is not zero for ops that are linear.
    """

    def check(build: Callable[..., Any], *arrays: np.ndarray, step: float = 1e-5) -> None:
        leaves = [ng.input(f"x{at}", np.asarray(array, np.float64)) for at, array in enumerate(arrays)]
        y = build(*leaves)
        first = ng.sum(ng.square(y) * rng.normal(size=y.shape) + y * rng.normal(size=y.shape))
        gradients = ng.gradient(first, leaves)
        _along_directions(first, leaves, gradients, rng, step)
        second = sum(ng.sum(g * rng.normal(size=g.shape)) for g in gradients)
        _along_directions(second, leaves, ng.gradient(second, leaves), rng, step)

    return check


def _along_directions(y: Any, leaves: list[Any], gradients: Any, rng: np.random.Generator, step: float) -> None:
    for leaf, gradient in zip(leaves, gradients, strict=True):
        assert gradient.shape == leaf.shape
        assert gradient.dtype == leaf.dtype
        start = leaf.value
        for _ in range(2):
            direction = rng.normal(size=start.shape)
            slope = np.sum(gradient.value * direction)
            leaf.value = start + step * direction
            above = float(y.value)
            leaf.value = start - step * direction
            below = float(y.value)
            leaf.value = start
            np.testing.assert_allclose(slope, (above - below) / (2 * step), rtol=1e-6, atol=1e-7)


@pytest.fixture
def are_adjoint(rng: np.random.Generator) -> Callable[..., None]:
    """Checks Σ A(x)·y = Σ x·B(y) for two linear ops and random x and y."""

    def check(forward: Callable[..., Any], back: Callable[..., Any], shape: tuple[int, ...]) -> None:
        x = rng.normal(size=shape)
        image = forward(x).value
        y = rng.normal(size=image.shape)
        returned = back(y).value
        assert returned.shape == tuple(shape)
        np.testing.assert_allclose(np.sum(image * y), np.sum(x * returned), rtol=1e-12)

    return check
