"""Where a claim is tried: near the given values, of both signs, small and large, and at points with a structure of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...engines.numpy import Program
from ...language import N_
from ...node import Leaf, Node
from ..derivation import Sentence
from ..verify import near_kinks, simplex_leaves

NEAR, ANYWHERE, POSITIVE, NEGATIVE, FAR = 6, 10, 4, 4, 8
WANTED, ROUNDS = 16, 24
"""Where the expression has a domain of its own (log, a power, arcsin), so many points inside it are looked for, so often."""


@dataclass(frozen=True, eq=False)
class Point:
    """Values for all leaves. `kind`: given (the user's own) · generic (drawn, of moderate size) · far (drawn, very small or
    large) · special (a structure in which different formulas may agree; `said` names it when it is worth a word)."""

    values: Mapping[Leaf, np.ndarray]
    kind: str
    said: Sentence | None = None


def points(output: Node, leaves: Sequence[Leaf], givens: Mapping[Leaf, np.ndarray], seed: int) -> list[Point]:
    """The given point first, then drawn and special ones, all where the output is finite: outside its domain an expression has no
    derivative, though the formula of one may still give a number. Near a kink of the output none is drawn."""
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

    program = Program([output])

    def inside(point: Point) -> bool:
        return bool(np.all(np.isfinite(program(point.values)[0]))) and (
            point.kind == "given" or not near_kinks(output, point.values)
        )

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
    kept = [point for point in found if inside(point)]
    generic = sum(point.kind == "generic" for point in kept)
    for at in range(ROUNDS if generic < WANTED else 0):
        spread = 0.4 / (1 + at / 4)
        for make in (
            lambda x, spread=spread: x + spread * rng.standard_normal(x.shape) * (np.abs(x) + 0.1),
            lambda x: rng.uniform(0.02, 0.98, x.shape),
            lambda x: rng.uniform(-0.98, 0.98, x.shape),
            lambda x: rng.uniform(1.05, 3.0, x.shape),
        ):
            point = Point(changed(make), "generic")
            if generic < WANTED and inside(point):
                kept.append(point)
                generic += 1
    return kept


def _shares(values: np.ndarray) -> np.ndarray:
    """Numbers as shares that sum to 1 along the last axis."""
    values = np.exp(values - values.max(-1, keepdims=True))
    return values / values.sum(-1, keepdims=True)
