"""A data set: examples, what is to be learned of them, and the names of both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Real

import numpy as np

from ...autograd.errors import ParameterError
from ..rows import DataError, all_fine, whole


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples X (rows, …) and targets t (rows, …), with names.

    `columns` names the numbers of a row of X, where each has a meaning of its own. `classes` names what the class
    numbers in t stand for; it is empty where t holds amounts. `source` says where the data come from.

    >>> from nngraph.nets import data
    >>> train, test = data.moons(200).split(0.25, seed=1)
    >>> train, len(test)
    (<moons: 150 rows, X (150, 2), 2 classes>, 50)
    """

    name: str
    X: np.ndarray
    t: np.ndarray
    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        if len(self.X) != len(self.t):
            raise DataError(f"{self.name}: X has {len(self.X)} rows and t has {len(self.t)}; each row has one target")

    def __len__(self) -> int:
        return len(self.X)

    def __repr__(self) -> str:
        what = f"{len(self.classes)} classes" if self.classes else f"t {self.t.shape}"
        return f"<{self.name}: {len(self)} rows, X {self.X.shape}, {what}>"

    def rows(self, which: np.ndarray | slice) -> Dataset:
        """The same with some of the rows."""
        return replace(self, X=self.X[which], t=self.t[which])

    def split(self, share: float = 0.25, seed: int = 0) -> tuple[Dataset, Dataset]:
        """Training and test rows, `share` of them for the test, drawn at random. Every class keeps its share in both,
        as nearly as whole rows allow."""
        train, test = split_rows(self.t if self.classes else None, len(self), share, seed)
        return self.rows(train), self.rows(test)


def split_rows(classes: np.ndarray | None, count: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers for training and for the test, both in random order; with classes, each class is split by itself."""
    if not isinstance(share, Real) or not 0 < share < 1:
        raise ParameterError(f"share={share!r} is the part of the rows that is kept for the test, between 0 and 1")
    if count < 2:
        raise DataError(
            f"{count} row cannot be split into training and test" if count else "there are no rows to split"
        )
    rng = np.random.default_rng(whole(seed, "seed", 0))
    rank = rng.permutation(count)
    if classes is None:
        # The place of a row in the order says which side it comes to.
        place = np.argsort(rank) / count
    else:
        place = np.empty(count)
        for each in np.unique(classes):
            own = rank[classes[rank] == each]
            place[own] = (np.arange(len(own)) + rng.uniform(0.4, 0.6)) / len(own)
    most = min(max(round(count * share), 1), count - 1)
    test = np.argsort(place, kind="stable")[:most]
    return rank[~np.isin(rank, test)], rank[np.isin(rank, test)]


def standardized(train: Dataset, *others: Dataset) -> tuple[Dataset, ...]:
    """Every column of X at mean 0 and spread 1, as the rows for training have them; the others are moved by the same
    amounts, because a test knows nothing of itself. A column that never changes becomes 0.

    >>> from nngraph.nets import data
    >>> train, test = data.standardized(*data.moons(200).split(seed=1))
    >>> bool(abs(train.X.mean(0)).max() < 1e-12), bool(abs(test.X.mean(0)).max() < 0.3)
    (True, True)
    """
    if not len(train):
        raise DataError(f"{train.name} has no rows to learn means and spreads from")
    for each in (train, *others):
        if each.X.shape[1:] != train.X.shape[1:]:
            raise DataError(f"a row of {each.name} has the shape {each.X.shape[1:]}, one of {train.name} {train.X.shape[1:]}")
        fine = np.isfinite(each.X) & (np.abs(each.X) < 1e150)  # whose squares are no float64
        all_fine(each.X, fine, each.name, "means and spreads are of finite numbers")
    mean, spread = train.X.mean(0), train.X.std(0)
    spread = np.where(spread > 0, spread, 1.0)
    return tuple(replace(each, X=(each.X - mean) / spread) for each in (train, *others))
