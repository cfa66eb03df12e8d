"""Seeded numbers for test points and friendly values, from the project's own counter-based generator.

numpy.random is not used here because importing it takes longer than a whole small derivation.
"""

from __future__ import annotations

import numpy as np

from .philox import words

Shape = tuple[int, ...]


class Draws:
    """A row of random draws: the same seed gives the same row, in every version of numpy.

    >>> draws = Draws(3)
    >>> draws.uniform((2,)).shape, bool(abs(Draws(3).uniform(()) - Draws(3).uniform(())) == 0)
    ((2,), True)
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.draw = 0

    def uniform(self, shape: Shape, low: float = 0.0, high: float = 1.0) -> np.ndarray:
        """Numbers between low and high, ends excluded."""
        self.draw += 1
        count = int(np.prod(shape, dtype=int))
        fractions = (words(count, self.seed, 0, self.draw, 0).astype(np.float64) + 0.5) / 2.0**32
        return np.asarray(low + (high - low) * fractions).reshape(shape)

    def normal(self, shape: Shape) -> np.ndarray:
        """Numbers from the standard normal distribution, by Box and Muller 1958."""
        radius = np.sqrt(-2 * np.log(self.uniform(shape)))
        return np.asarray(radius * np.cos(2 * np.pi * self.uniform(shape)))

    def whole(self, shape: Shape, low: int, high: int) -> np.ndarray:
        """Whole numbers from low up to but not including high."""
        return np.asarray(np.floor(self.uniform(shape, low, high)), dtype=np.int64)

    def signs(self, shape: Shape) -> np.ndarray:
        """−1.0 or 1.0, each as likely."""
        return np.where(self.uniform(shape) < 0.5, -1.0, 1.0)
