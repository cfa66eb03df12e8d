"""X and O on a few pixels, as they stand in the first lecture on convolution."""

from __future__ import annotations

import numpy as np

from ...autograd.errors import ParameterError
from ..rows import whole
from .dataset import Dataset


def x_and_o(rows: int = 400, deformed: float = 1.0, seed: int = 0) -> Dataset:
    """The letters X and O in turn on 9×9 pixels, each deformed in its own way. X is (rows, 1, 9, 9) with 1 for ink and −1 for
    paper, t 0 or 1. Each is moved by up to a pixel, turned, leaned over and shrunk or enlarged at random; `deformed` says
    how much, and with 0 all are as they should be.

    >>> from nngraph.nets import data
    >>> for line in data.x_and_o(2, deformed=0).X[0, 0]:
    ...     print("".join("#" if pixel > 0 else "·" for pixel in line))
    ·········
    ·#·····#·
    ··#···#··
    ···#·#···
    ····#····
    ···#·#···
    ··#···#··
    ·#·····#·
    ·········
    """
    if rows < 1 or deformed < 0:
        raise ParameterError(f"x_and_o: rows={rows!r} is at least 1, deformed={deformed!r} at least 0")
    rng, t = np.random.default_rng(whole(seed, "seed", 0)), np.arange(rows) % 2
    images = [
        _letter(
            int(kind),
            np.rint(deformed * rng.integers(-1, 2, 2)),
            deformed * rng.normal() * 0.15,
            1 + deformed * rng.uniform(-0.25, 0.1),
            deformed * rng.normal() * 0.15,
        )
        for kind in t
    ]
    return Dataset("x and o", np.array(images)[:, None], t, (), ("X", "O"), "generated")


def _letter(kind: int, move: np.ndarray, turn: float, size: float, lean: float) -> np.ndarray:
    y, x = np.mgrid[-4.0:5.0, -4.0:5.0] - move.reshape(2, 1, 1)
    u, v = (np.cos(turn) * x + np.sin(turn) * y) / size, (np.cos(turn) * y - np.sin(turn) * x) / size
    u = u + lean * v
    # Two diagonals up to a distance, or a ring; both are as thick as a pixel whatever the size.
    cross = (np.abs(np.abs(u) - np.abs(v)) * size < 0.71) & (np.abs(u) + np.abs(v) < 6.6)
    ring = np.abs(np.hypot(u, v) - 2.9) * size < 0.62
    return np.where(ring if kind else cross, 1.0, -1.0)
