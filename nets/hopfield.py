"""Hopfield networks: patterns stored in symmetric weights, and recalled by letting the energy sink."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np

from ..autograd.errors import ParameterError, ShapeError
from ..autograd.leaves import as_node, constant
from ..autograd.node import Leaf, Node
from ..autograd.ops import cast, scan, where
from ..autograd.ops import sum as total
from .module import Module, new_state
from .rows import all_fine, rows, whole

SIGNS = "units of a Hopfield network are −1 or 1; for 0 and 1 write 2 * pattern − 1"


class Hopfield(Module):
    """A Hopfield network, units s of −1 or 1 that recall what was stored in their ties: E(s) = −½ sᵀ·W·s. A unit takes the sign of what
    it hears, sᵢ ← sign(Σⱼ wᵢⱼ sⱼ), one unit after the other; no such update raises E, so the state settles. Hopfield 1982.

    W (units, units) is symmetric with a diagonal of 0: units·(units − 1)/2 weights. It is stored, not learned by a gradient.

    >>> from nngraph import nets
    >>> patterns = [[1, 1, 1, -1, -1, -1], [1, -1, 1, -1, 1, -1]]
    >>> memory = nets.Hopfield(6).store(patterns)
    >>> memory.weights
    15
    >>> memory([[1, 1, -1, -1, -1, -1]]).value.astype(int).tolist()
    [[1, 1, 1, -1, -1, -1]]
    """

    def __init__(self, units: int, *, dtype: Any = "float32") -> None:
        self.units = whole(units, "units", of="Hopfield")
        self.W = new_state("W", np.zeros((self.units, self.units)), dtype)

    @property
    def weights(self) -> int:
        """How many different weights: one per pair of units."""
        return self.units * (self.units - 1) // 2

    @property
    def capacity(self) -> float:
        """How many random patterns can be stored so that all are recalled without an error, nearly surely: n/(4 ln n). McEliece et al.
        1987. With a few errors allowed it is 0.138 n, Amit et al. 1985. A single unit has no ties, and stores nothing."""
        return self.units / (4 * log(self.units)) if self.units > 1 else 0.0

    def store(self, patterns: Any) -> Hopfield:
        """Add patterns, (count, units) of −1 and 1: W ← W + Σ x·xᵀ/units, without the diagonal. Hebb 1949. Itself again."""
        x = np.atleast_2d(rows(patterns, "patterns", self.W.dtype)).astype(self.W.dtype)
        if x.ndim != 2 or x.shape[1] != self.units:
            raise ShapeError(f"Hopfield {self.label!r} stores (count, {self.units}); it was given shape {x.shape}")
        all_fine(x, np.isin(x, (-1, 1)), "patterns", SIGNS)
        new = self.W.value + x.T @ x / self.units
        np.fill_diagonal(new, 0)
        self.W.value = new
        return self

    def energy(self, s: Any) -> Node:
        """E of every row of s: (N, units) → (N,)."""
        s = self._states(s)
        return -0.5 * total((s @ self.W) * s, axis=1)

    def forward(self, s: Node, sweeps: int = 5) -> Node:
        """The rows of s after so many sweeps, in each of which every unit is updated once: (N, units)."""
        start, picks = self._turns(s, np.tile(np.arange(self.units), whole(sweeps, "sweeps", 0, of="Hopfield")))
        last, _ = scan(lambda s, pick: (self._updated(s, pick), None), start, picks)
        return last

    def recall(self, s: Any, order: Any) -> tuple[Node, Node]:
        """The rows of s after the units of `order` were updated one after the other, and the energy after each update,
        (updates, N). A unit that hears 0 stays as it is."""

        def update(s: Node, pick: Node) -> tuple[Node, Node]:
            new = self._updated(s, pick)
            return new, self.energy(new)

        return scan(update, *self._turns(s, order))

    def _turns(self, s: Any, order: Any) -> tuple[Node, Node]:
        """Where a recall starts, and for each update a 1 at the unit whose turn it is."""
        units = np.array(order, object)
        if units.ndim != 1 or not all(isinstance(unit, (int, np.integer)) and 0 <= unit < self.units for unit in units):
            raise ParameterError(f"Hopfield.recall(order={order!r}): a list of units is needed, numbered 0 to {self.units - 1}")
        return self._states(s), constant(np.eye(self.units, dtype=self.W.dtype)[units.astype(int)])

    def _states(self, s: Any) -> Node:
        """The rows of s, checked where they are given as numbers."""
        s = as_node(s)
        if len(s.shape) != 2 or s.shape[1] != self.units:
            raise ShapeError(f"Hopfield {self.label!r} takes (N, {self.units}); it was given shape {tuple(map(int, s.shape))}")
        if isinstance(s, Leaf) and s.role == "constant":
            all_fine(s.value, np.isin(s.value, (-1, 1)), "s", SIGNS)
        return cast(s, dtype=self.W.dtype.name)

    def _updated(self, s: Node, pick: Node) -> Node:
        heard = s @ (self.W @ pick)
        sign = where(heard > 0, 1.0, where(heard < 0, -1.0, s @ pick))
        return s * (1 - pick) + sign.reshape((-1, 1)) * pick
