"""Finite differences of the displayed forward lines: the judge that shares nothing with any gradient rule.

One variable is moved along a direction, the lines after it are evaluated again as they are displayed, and the change of
the output is compared with the gradient. All variables move in one sweep, each in columns of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..draws import Draws
from ..ops.identity import stop_gradient
from .evaluate import POINT, Labeled, evaluate
from .local import Board
from .terms import Symbol, walk

TOLERANCE = 1e-5
STEPS = (1e-3, 1e-5, 1e-7)
"""Step sizes relative to each entry: a corner nearby spoils the large ones, rounding the small ones; a right gradient agrees at one."""
OFFSETS = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
MOST_POINTS = 4
"""At how many points a difference is tried, where the points before lie on a corner."""
WIDEST = 4_000_000
"""How many numbers one line may hold while differences are taken."""


@dataclass
class Differences:
    """|slope − gradient|/(1+|gradient|) for every variable; None where every point tried lies on a corner or is not finite."""

    board: Board
    shown: Mapping[Any, Labeled]
    truth: Mapping[Any, np.ndarray]
    sizes: Mapping[str, int]
    numerator: bool
    points: Sequence[int]
    errors: dict[str, float | None] = field(default_factory=dict)
    corners: set[str] = field(default_factory=set)
    """Variables along which the output has a corner at the first point."""

    def take(self) -> dict[str, float | None]:
        """All of them."""
        output = self.board.name(self.board.output)
        pending = [key[1][0] for key in self.truth if isinstance(key, tuple) and key[0] == output and len(key[1]) == 1]
        self.errors = dict.fromkeys(pending)
        with np.errstate(all="ignore"):
            for at in self.points[:MOST_POINTS]:
                pending = self._at(at, pending, output)
                if not pending:
                    break
        return self.errors

    def _at(self, at: int, pending: Sequence[str], output: str) -> list[str]:
        """Judge the variables at one point; returned are those of which nothing could be said there."""
        base = {
            key: value.array[at]
            for key, value in self.shown.items()
            if isinstance(key, str) and value.labels == (POINT,)
        }
        widest = max((array.size for array in base.values()), default=1)
        chunk = max(1, WIDEST // max(widest * len(OFFSETS), 1))
        open_, last = list(pending), {}
        suspects: list[str] = []
        for size in STEPS:
            for start in range(0, len(open_), chunk):
                last |= self._sweep(open_[start : start + chunk], base, output, at, size)
            for name in open_:
                error, bent = last[name]
                if error is not None and error <= TOLERANCE:
                    self.errors[name] = error
                    if bent:
                        suspects.append(name)
            open_ = [name for name in open_ if last[name][0] is None or last[name][0] > TOLERANCE]
        if at == self.points[0] and suspects:
            # Halfway between two slopes a central difference agrees by symmetry; only the smallest step tells a corner from a bend.
            for name, (_, corner) in self._sweep(suspects, base, output, at, STEPS[-1]).items():
                if corner:
                    self.corners.add(name)
        undecided = []
        for name in open_:
            error, corner = last[name]
            if corner and at == self.points[0]:
                self.corners.add(name)
            if error is None or corner:
                undecided.append(name)
            else:
                self.errors[name] = error
        return undecided

    def _gradient(self, name: str, output: str, at: int) -> np.ndarray:
        """The gradient by a variable at a point, shaped like the variable."""
        gradient = self.truth[(output, (name,))][at]
        return gradient.T if self.numerator and gradient.ndim == 2 else gradient

    def _sweep(
        self, variables: Sequence[str], base: Mapping[str, np.ndarray], output: str, at: int, size: float
    ) -> dict[str, tuple[float | None, bool]]:
        """Per variable the error at one step size, and whether the slopes to the left and to the right differ."""
        draws = Draws(7)
        count = len(variables) * len(OFFSETS)
        columns = {name: slice(i * len(OFFSETS), (i + 1) * len(OFFSETS)) for i, name in enumerate(variables)}
        directions = {}
        for name in variables:
            # Along the signs of the gradient all entries add up; along others they may cancel, and a wrong factor with them.
            uphill = np.sign(self._gradient(name, output, at))
            signs = np.where(uphill == 0, draws.signs(base[name].shape), uphill)
            directions[name] = draws.uniform(base[name].shape, 0.5, 1.0) * signs * _scale(base[name])

        def moved(name: str, array: np.ndarray) -> Labeled:
            """The value in all columns, with its own columns moved."""
            array = np.array(np.broadcast_to(array, (count, *base[name].shape)), dtype=np.float64)
            if name in columns:
                offsets = OFFSETS.reshape(-1, *[1] * base[name].ndim)
                array[columns[name]] = base[name] + offsets * size * directions[name]
            return Labeled(array, (POINT,))

        env = {name: moved(name, array) if name in columns else Labeled(array) for name, array in base.items()}
        for line in self.board.lines:
            name = line.symbol.name
            if line.node.op is stop_gradient:
                continue  # what is taken as fixed stays where it is, as the declared gradient says
            used = {each.name for each in walk(line.definition) if isinstance(each, Symbol)}
            if name in columns or any(env[each].labels for each in used if each in env):
                value = evaluate(line.definition, env, self.sizes)
                env[name] = moved(name, value.array if value.labels else value.array[None])
        values = np.broadcast_to(env[output].array, (count,))
        found: dict[str, tuple[float | None, bool]] = {}
        for name in variables:
            v = values[columns[name]]
            slope = float((v[0] - 8 * v[1] + 8 * v[3] - v[4]) / (12 * size))
            left, right = float((v[2] - v[1]) / size), float((v[3] - v[2]) / size)
            claimed = float(np.sum(self._gradient(name, output, at) * directions[name]))
            if not (np.isfinite(slope) and np.isfinite(claimed)):
                found[name] = (None, False)
                continue
            corner = abs(right - left) > 1e-3 * (1 + abs(left) + abs(right)) or not np.isfinite(right - left)
            found[name] = (abs(slope - claimed) / (1 + abs(claimed)), corner)
        return found


def _scale(values: np.ndarray) -> np.ndarray:
    """The size of each entry, so that small ones move a little; an entry that is zero moves as the largest does."""
    sizes = np.abs(np.asarray(values, dtype=np.float64))
    largest = float(np.max(sizes, initial=0.0)) or 1.0
    return np.where(sizes == 0, largest, sizes)
