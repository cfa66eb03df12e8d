"""Data and first weights, drawn once with numpy for all peers."""

from __future__ import annotations

import numpy as np

from . import Arrays


def glorot(rng: np.random.Generator, *shape: int, fans: tuple[int, int] | None = None) -> np.ndarray:
    """Weights drawn evenly within ±√(6 / (inputs + outputs)), Glorot and Bengio 2010; a matrix is (inputs, outputs)."""
    inputs, outputs = fans or (shape[0], shape[1])
    edge = (6.0 / (inputs + outputs)) ** 0.5
    return rng.uniform(-edge, edge, shape).astype(np.float32)


def layers(rng: np.random.Generator, sizes: tuple[int, ...], prefix: str = "") -> Arrays:
    """Weights W0, b0, W1, b1, … of dense layers."""
    weights = {}
    for at, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        weights[f"weights/{prefix}W{at}"] = glorot(rng, inputs, outputs)
        weights[f"weights/{prefix}b{at}"] = np.zeros(outputs, np.float32)
    return weights


def clusters(
    rng: np.random.Generator, rows: int, shape: tuple[int, ...], classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Noisy copies of one pattern for each class: x (rows, *shape) in float32, t (rows) the class numbers."""
    centers = rng.normal(0, 1, (classes, *shape))
    t = rng.integers(0, classes, rows)
    x = 0.5 * centers[t] + 0.5 * rng.normal(0, 1, (rows, *shape))
    return x.astype(np.float32), t


def pictures(rng: np.random.Generator, rows: int, size: int) -> np.ndarray:
    """Flat pictures (rows, size) of numbers between 0 and 1 that share some structure."""
    mixed = rng.normal(0, 1, (rows, 8)) @ rng.normal(0, 1, (8, size)) + 0.3 * rng.normal(0, 1, (rows, size))
    return (1 / (1 + np.exp(-mixed))).astype(np.float32)
