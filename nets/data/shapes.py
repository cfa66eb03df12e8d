"""Points in the plane whose classes a straight line cannot part, and the ring that a generator is to learn."""

from __future__ import annotations

from math import pi

import numpy as np

from ..rows import number, whole
from .dataset import Dataset

PLANE = ("x1", "x2")


def moons(rows: int = 400, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Two half circles of radius 1 that reach into each other: X (rows, 2), t 0 or 1."""
    rng = np.random.default_rng(whole(seed, "seed", 0))
    t, angle = _classes(rows, 2, rng), rng.uniform(0, pi, rows)
    X = np.where((t == 0)[:, None], _polar(1.0, angle), [1.0, 0.5] - _polar(1.0, angle))
    return _plane("moons", X + _scattered(rng, rows, noise, "noise"), t)


def circles(rows: int = 400, noise: float = 0.05, inner: float = 0.5, seed: int = 0) -> Dataset:
    """A circle of radius 1 around a smaller one, of radius `inner`: X (rows, 2), t 0 outside or 1 inside."""
    rng = np.random.default_rng(whole(seed, "seed", 0))
    t, angle = _classes(rows, 2, rng), rng.uniform(0, 2 * pi, rows)
    X = _polar(np.where(t == 0, 1.0, inner), angle)
    return _plane("circles", X + _scattered(rng, rows, noise, "noise"), t)


def spirals(rows: int = 400, classes: int = 2, turns: float = 1.0, noise: float = 0.03, seed: int = 0) -> Dataset:
    """Arms that wind around each other from the middle to radius 1: X (rows, 2), t the number of the arm. After the
    two-spirals problem of Lang and Witbrock 1988."""
    rng = np.random.default_rng(whole(seed, "seed", 0))
    t, radius = _classes(rows, classes, rng), np.sqrt(rng.uniform(0.01, 1.0, rows))
    X = _polar(radius, 2 * pi * (turns * radius + t / classes))
    return _plane("spirals", X + _scattered(rng, rows, noise, "noise"), t)


def blobs(rows: int = 400, classes: int = 3, spread: float = 0.25, seed: int = 0) -> Dataset:
    """Round clouds around points on a circle of radius 1: X (rows, 2), t the number of the cloud. Straight lines part
    them where the clouds are small."""
    rng = np.random.default_rng(whole(seed, "seed", 0))
    t = _classes(rows, classes, rng)
    return _plane("blobs", _polar(1.0, 2 * pi * t / classes) + _scattered(rng, rows, spread, "spread"), t)


def gaussian_ring(
    rows: int = 1000, modes: int = 8, radius: float = 2.0, spread: float = 0.02, seed: int = 0
) -> Dataset:
    """Small clouds evenly on a circle, to see whether a generator finds all of them: X (rows, 2), t the number of the
    cloud. Metz et al. 2016, arXiv:1611.02163."""
    rng = np.random.default_rng(whole(seed, "seed", 0))
    t = _classes(rows, modes, rng)
    return _plane("gaussian_ring", _polar(radius, 2 * pi * t / modes) + _scattered(rng, rows, spread, "spread"), t)


def exclusive_or(rows: int = 4, noise: float = 0.0, seed: int = 0) -> Dataset:
    """The corners of a square, where opposite ones are alike: X (rows, 2), t 1 where exactly one of the two inputs is
    1. With four rows each corner comes once.

    >>> from nngraph.nets import data
    >>> corners = data.exclusive_or()
    >>> corners.X.tolist(), corners.t.tolist()
    ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])
    """
    rng = np.random.default_rng(whole(seed, "seed", 0))
    whole(rows, "rows")
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    X = corners[np.arange(rows) % 4]
    return _plane("exclusive_or", X + _scattered(rng, rows, noise, "noise"), np.array([0, 1, 1, 0])[np.arange(rows) % 4])


def _plane(name: str, X: np.ndarray, t: np.ndarray) -> Dataset:
    classes = tuple(map(str, range(int(t.max(initial=0)) + 1)))
    return Dataset(name, X, t.astype(np.int64), PLANE, classes, "generated")


def _classes(rows: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Class numbers in random order, each as often as the others."""
    whole(rows, "rows")
    whole(count, "classes")
    return rng.permutation(np.arange(rows) % count)


def _scattered(rng: np.random.Generator, rows: int, width: float, name: str) -> np.ndarray:
    return rng.normal(0, number(width, name, least=0), (rows, 2))


def _polar(radius: float | np.ndarray, angle: np.ndarray) -> np.ndarray:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
