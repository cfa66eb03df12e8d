"""How readable a layout is, in numbers: crossings, length, and leaves that stand in another order than they were
named."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from .curves import Curve, Point, sampled

if TYPE_CHECKING:
    from .drawing import Drawing
    from .layout import Rough


def crossings(curves: list[Curve], ends: list[set[str]]) -> int:
    """How often curves cross; two that share a box are not counted against each other."""
    lines = [sampled(curve, 6) for curve in curves]
    if not lines:
        return 0
    starts = np.array([point for line in lines for point in line[:-1]])
    steps = np.array([point for line in lines for point in line[1:]]) - starts
    owner = np.repeat(np.arange(len(lines)), [len(line) - 1 for line in lines])
    known = {name: k for k, name in enumerate(set().union(*ends))}
    share = np.zeros((len(lines), len(known)), bool)
    for row, names in enumerate(ends):
        share[row, [known[name] for name in names]] = True
    apart = ~(share.astype(np.int32) @ share.T.astype(np.int32)).astype(bool)
    count = 0
    for first in range(0, len(starts), ROWS):  # in slices, so that a large drawing needs no large matrix
        part = slice(first, first + ROWS)
        off = starts[None, :] - starts[part, None]
        far = off + steps[None, :]
        one, two = steps[part, None], steps[None, :]
        splits = _turn(one, off) * _turn(one, far) < 0
        splits &= _turn(two, -off) * _turn(two, one - off) < 0
        count += int((splits & apart[owner[part]][:, owner]).sum())
    return count // 2


ROWS = 400


def _turn(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def length(curves: list[Curve]) -> float:
    """The length of all curves together, in pixels."""
    total = 0.0
    for curve in curves:
        points = sampled(curve, 8)
        total += sum(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5 for (x0, y0), (x1, y1) in pairwise(points))
    return total


def turned_round(drawing: Drawing, centers: dict[str, Point]) -> int:
    """Pairs of leaves in one column of which the one named first stands lower."""
    leaves = [centers[box.id] for box in drawing.boxes if box.kind.startswith("leaf") and not box.ghost]
    return sum(1 for k, (x, y) in enumerate(leaves) for x1, y1 in leaves[k + 1 :] if abs(x - x1) < 4 and y > y1)


def cost(drawing: Drawing, rough: Rough) -> float:
    """One number to choose between layouts of the same drawing; smaller is better."""
    ends = [{arrow.source, arrow.target} for arrow in drawing.arrows]
    centers, curves = rough.centers, list(rough.curves)
    aside = sum(abs(centers[box.id][0] - centers[box.faces][0]) > 3 for box in drawing.boxes if box.faces)
    slope = sum(
        min(abs(centers[arrow.source][1] - centers[arrow.target][1]), 100.0)
        for arrow in drawing.arrows
        if arrow.style != "saved"
    )
    facing: dict[int, list[tuple[float, float]]] = {}
    for box in drawing.boxes:
        if box.faces:
            facing.setdefault(round(centers[box.id][0] / 4), []).append((centers[box.faces][1], centers[box.id][1]))
    mixed = sum(
        (a - c) * (b - d) < 0 for pairs in facing.values() for k, (a, b) in enumerate(pairs) for c, d in pairs[:k]
    )
    return (
        crossings(curves, ends)
        + 3.0 * turned_round(drawing, centers)
        + 2.0 * aside
        + 0.7 * mixed
        + slope / 25
        + length(curves) / 300
    )
