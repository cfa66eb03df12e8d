"""Friendly values for leaves that have none: seeded, one decimal, never zero, whole where the op wants classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..draws import Draws
from ..engines.numpy import Program
from ..errors import DomainError
from ..graph import order
from ..node import Leaf, Node
from .verify import near_kinks, simplex_leaves

ATTEMPTS = 100
"""How often values are drawn from each range: up to 1 of both signs, up to 1 positive, then the same up to 6."""


def friendly(output: Node, leaves: Sequence[Leaf], seed: int) -> dict[Leaf, np.ndarray]:
    """A value for every leaf: its own where it has one, else a seeded one at which the output is finite, and smooth where
    there is such a point: |x − x| lies on its corner everywhere, and its derivation says so."""
    missing = [leaf for leaf in leaves if leaf._value is None]
    own = {
        leaf: np.asarray(leaf._value, dtype=np.float64 if leaf.dtype.kind == "f" else None)
        for leaf in leaves
        if leaf._value is not None
    }
    if not missing:
        return own
    draws = Draws(seed)
    simplex, classes = simplex_leaves(output), class_counts(output)
    finite = None
    for attempt in range(4 * ATTEMPTS):
        low = -1.0 if attempt // ATTEMPTS in (0, 3) else 0.1
        tenths = (1, 11) if attempt < 2 * ATTEMPTS else (11, 61)
        values: dict[Leaf, np.ndarray] = dict(own)
        for leaf in missing:
            values[leaf] = _value(leaf, draws, low, tenths, leaf in simplex, classes.get(leaf))
        result = Program([output])(values)[0]
        if np.all(np.isfinite(result)):
            finite = finite or {leaf: values[leaf] for leaf in leaves}
            if not near_kinks(output, values):
                return {leaf: values[leaf] for leaf in leaves}
    if finite is not None:
        return finite
    raise DomainError("no small values were found at which the expression is finite; give some with --at")


def _value(
    leaf: Leaf, draws: Draws, low: float, tenths: tuple[int, int], simplex: bool, classes: int | None
) -> np.ndarray:
    shape = tuple(map(int, leaf.shape))
    if leaf.dtype.kind in "iub":
        return draws.whole(shape, 0, classes or 2).astype(leaf.dtype)
    if simplex:
        return np.eye(shape[-1])[draws.whole(shape[:-1], 0, shape[-1])]
    drawn = draws.whole(shape, *tenths)
    signs = draws.signs(shape) if low < 0 else 1
    return drawn * signs / 10.0


def class_counts(output: Node) -> Mapping[Leaf, int]:
    """Integer leaves that an op uses as class numbers, and how many classes there are."""
    counts: dict[Leaf, int] = {}
    for node in order(output):
        for position, source in enumerate(node.inputs):
            if isinstance(source, Leaf) and source.dtype.kind in "iu" and node.inputs[0].shape and position:
                counts[source] = int(node.inputs[0].shape[-1])
    return counts
