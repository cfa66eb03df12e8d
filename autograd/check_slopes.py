"""The slope of a function of one number by central differences, with an estimate of its error.

Differences at a row of ever smaller steps are combined so that the terms h², h⁴, … cancel one after another (Richardson
1911); how far a combination is from those it was made of says how far it may be wrong (Ridders 1982). A kink shows in the two one-sided slopes:
their distance shrinks with the step where the function bends, and stays where it has a kink.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Estimate", "Slope", "slope"]

STEPS, SHRINK = 16, 4.0
"""So many steps at most, each smaller than the one before by this factor."""
TERMS = 4
"""So many terms, from h² on, are made to cancel."""
ULPS = 20
"""A computed value may be off by so many units in its last place."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A slope and how far it may be from the truth; `jump`, where one-sided slopes do not meet, by how much they differ."""

    value: float
    error: float
    noise: float
    jump: float


@dataclass(slots=True)
class Slope:
    """Every estimate of one slope, from the widest step to the narrowest, and the largest value that was seen."""

    estimates: list[Estimate] = field(default_factory=list)
    size: float = 0.0
    sides: tuple[float, float] | None = None
    """The slopes on the left and on the right, at the last step at which a jump between them stood out of the noise."""

    @property
    def best(self) -> Estimate | None:
        """The estimate of the smallest error; None where no values were finite."""
        return min(self.estimates, key=lambda each: each.error, default=None)

    def within(self, error: float) -> list[Estimate]:
        """The estimates that are that close."""
        return [each for each in self.estimates if each.error <= error]

    def kinked(self, error: float) -> bool:
        """Whether what stands between the estimates and that error is a kink, not rounding."""
        best = self.best
        return best is None or (best.error > error and best.error > 4 * best.noise)


def slope(
    at: Callable[[float], float],
    first: float,
    eps: float,
    enough: Callable[[Estimate], float],
    agrees: float | None = None,
) -> Slope:
    """The slope of `at` at 0 from steps that begin at `first`.

    It stops at an estimate whose error is at most `enough(estimate)` and which lies as near to the number it should
    agree with, or at two such in a row: one may be good by chance.

    >>> found = slope(np.sin, 0.01, 2.2e-16, lambda estimate: 1e-9)
    >>> bool(abs(found.best.value - 1.0) < 1e-9), found.best.error < 1e-9
    (True, True)
    >>> slope(abs, 0.01, 2.2e-16, lambda estimate: 1e-9).best.error > 0.1
    True
    """
    found = Slope()
    here = float(at(0.0))
    if not np.isfinite(here):
        return found
    found.size = abs(here)
    row: list[float] = []
    jump = np.inf
    good = 0
    h = first
    for _ in range(STEPS):
        ahead, behind = float(at(h)), float(at(-h))
        if not np.isfinite((ahead, behind)).all():
            row, jump, good = [], np.inf, 0
            h /= SHRINK
            continue
        found.size = max(found.size, abs(ahead), abs(behind))
        noise = ULPS * eps * max(abs(here), abs(ahead), abs(behind)) / h
        before, row = row, [(ahead - behind) / (2 * h)]
        last, jump = jump, (ahead - 2 * here + behind) / h
        if abs(jump) > 4 * noise:
            found.sides = (here - behind) / h, (ahead - here) / h
        value, error = _combined(before, row)
        if len(row) > 2:
            bends = abs(jump) <= 0.5 * abs(last) + 4 * noise
            apart = 0.0 if bends else abs(jump)
            best = Estimate(value, error + noise + apart, noise, apart)
            found.estimates.append(best)
            limit = enough(best)
            good = good + 1 if best.error <= limit else 0
            if good > 1 or (good and agrees is not None and abs(best.value - agrees) <= limit):
                break
        h /= SHRINK
    return found


def _combined(before: list[float], row: list[float]) -> tuple[float, float]:
    """The best combination of this step's difference with those before it, and its error; fills the row."""
    best = row[0], np.inf
    for term in range(1, min(len(before), TERMS) + 1):
        one, other = row[term - 1], before[term - 1]
        row.append(one + (one - other) / (SHRINK ** (2 * term) - 1))
        error = max(abs(row[term] - one), abs(row[term] - other))
        if error <= best[1]:
            best = row[term], error
    return best
