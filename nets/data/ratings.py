"""A table of ratings with gaps, as a recommender meets it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...autograd.language import N_
from ..rows import whole

# Rows are users, columns movies, 0 is "has not seen it". The first five like the first three movies, the next four the
# last three, and the last two like one of each.
_TABLE = """
5 4 0 1 0 2
4 0 5 1 1 0
0 5 4 0 2 1
5 5 4 2 0 1
4 0 5 0 1 2
1 0 2 5 4 0
0 1 1 4 0 5
2 1 0 0 5 4
1 2 0 5 4 5
5 0 2 4 0 1
4 1 0 5 2 0
"""


@dataclass(frozen=True, eq=False)
class Ratings:
    """Ratings from 1 to 5: `values` (users, movies), 0 where there is none, and `known`, 1 where there is one and 0
    where not, of the same shape.

    >>> from nngraph.nets import data
    >>> ratings = data.movie_ratings()
    >>> ratings.values.shape, int(ratings.known.sum())
    ((11, 6), 46)
    """

    values: np.ndarray
    known: np.ndarray
    users: tuple[str, ...]
    movies: tuple[str, ...]

    def without(self, count: int, seed: int = 0) -> tuple[Ratings, Ratings]:
        """Two tables: one to learn from, without so many of the known ratings, and one that knows these only. Every
        user and every movie keeps at least one rating to learn from."""
        rng = np.random.default_rng(whole(seed, "seed", 0))
        known, hidden = self.known.copy(), np.zeros_like(self.known)
        for user, movie in rng.permutation(np.argwhere(self.known)):
            if hidden.sum() == count:
                break
            if known[user].sum() > 1 and known[:, movie].sum() > 1:
                known[user, movie], hidden[user, movie] = 0, 1
        return self._known_by(known), self._known_by(hidden)

    def _known_by(self, known: np.ndarray) -> Ratings:
        return Ratings(self.values * known, known, self.users, self.movies)


def movie_ratings() -> Ratings:
    """11 users and 6 movies, 46 of 66 ratings known; made up, with two tastes that can be found in it."""
    values = np.array([line.split() for line in _TABLE.split("\n") if line], np.float64)
    users = tuple(f"user {at}" for at in range(1, len(values) + 1))
    movies = (N_("Spaceships"), N_("Robots"), N_("Time machines"), N_("First love"), N_("Two letters"), N_("A summer"))
    return Ratings(values, (values > 0).astype(np.float64), users, movies)
