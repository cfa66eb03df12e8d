"""How readable a layout is, in numbers: crossings, length, and leaves that stand in another order than they were
named."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from .curves import Curve, Point, sampled

if TYPE_CHECKING:
    from .drawing import Drawing
    from .layout import Rough


def crossings(curves: list[Curve], ends: list[set[str]]) -> int:
    """How often curves cross; two that share a box are not counted against each other."""
    lines = [sampled(curve, 6) for curve in curves]
    bounds = [
        (min(x for x, _ in line), max(x for x, _ in line), min(y for _, y in line), max(y for _, y in line))
        for line in lines
    ]
    count = 0
    for i, first in enumerate(lines):
        left, right, top, bottom = bounds[i]
        for j in range(i):
            other = bounds[j]
            if left > other[1] or other[0] > right or top > other[3] or other[2] > bottom or ends[i] & ends[j]:
                continue
            count += sum(_cross(*a, *b) for a in pairwise(first) for b in pairwise(lines[j]))
    return count


def _cross(p: Point, q: Point, r: Point, s: Point) -> bool:
    def side(a: Point, b: Point, c: Point) -> float:
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    return side(p, q, r) * side(p, q, s) < 0 and side(r, s, p) * side(r, s, q) < 0


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
        + 1.5 * turned_round(drawing, centers)
        + 2.0 * aside
        + 0.7 * mixed
        + slope / 25
        + length(curves) / 300
    )
