"""Where a claim is tried: near the given values, of both signs, small and large, and at points with a structure of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...language import N_
from ...node import Leaf, Node
from ..derivation import Sentence
from ..verify import near_kinks, simplex_leaves

NEAR, ANYWHERE, POSITIVE, NEGATIVE, FAR = 6, 10, 4, 4, 8


@dataclass(frozen=True, eq=False)
class Point:
    """Values for all leaves. `kind`: given (the user's own) · generic (drawn, of moderate size) · far (drawn, very small or
    large) · special (a structure in which different formulas may agree; `said` names it when it is worth a word)."""

    values: Mapping[Leaf, np.ndarray]
    kind: str
    said: Sentence | None = None


def points(output: Node, leaves: Sequence[Leaf], givens: Mapping[Leaf, np.ndarray], seed: int) -> list[Point]:
    """The given point first, then drawn and special ones; near a kink of the output none is drawn."""
    rng = np.random.default_rng(seed + 11)
    simplex = simplex_leaves(output)

    def changed(make) -> dict[Leaf, np.ndarray]:
        values = {}
        for leaf in leaves:
            old = np.asarray(givens[leaf])
            if leaf.dtype.kind != "f" or leaf.role == "constant":
                values[leaf] = old
                continue
            new = np.asarray(make(old.astype(np.float64)), dtype=np.float64)
            values[leaf] = _shares(new) if leaf in simplex else new
        return values

    found = [Point(dict(givens), "given")]
    for count, kind, make in (
        (NEAR, "generic", lambda x: x + 0.4 * rng.standard_normal(x.shape) * (np.abs(x) + 0.5)),
        (ANYWHERE, "generic", lambda x: rng.standard_normal(x.shape) * 1.2),
        (POSITIVE, "generic", lambda x: rng.uniform(0.2, 2.0, x.shape)),
        (NEGATIVE, "generic", lambda x: -rng.uniform(0.2, 2.0, x.shape)),
        (FAR, "far", lambda x: rng.choice([-1.0, 1.0], x.shape) * 10.0 ** rng.uniform(-2, 1.2, x.shape)),
    ):
        found += [Point(changed(make), kind) for _ in range(count)]
    for value, said in (
        (0.0, N_("where everything is 0")),
        (1.0, N_("where everything is 1")),
        (0.7, N_("where all values are equal")),
    ):
        found.append(Point(changed(lambda x, value=value: np.full(x.shape, value)), "special", Sentence(said)))
    found.append(Point(changed(lambda x: np.round(2 * rng.standard_normal(x.shape))), "special"))
    return [point for point in found if point.kind == "given" or not near_kinks(output, point.values)]


def _shares(values: np.ndarray) -> np.ndarray:
    """Numbers as shares that sum to 1 along the last axis."""
    values = np.exp(values - values.max(-1, keepdims=True))
    return values / values.sum(-1, keepdims=True)
