"""A long flow in two or three rows, as text is broken into lines: for slides and pages, which are not that wide."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from .curves import Curve, bent, cut_at, sampled, shifted
from .layout import Frame, Rough

if TYPE_CHECKING:
    from .drawing import Drawing
    from .extent import Extent

WIDEST = 2.4  # width over height; a picture less wide than that fits a slide well enough
MOST_CROSSING = 2  # arrows from one row to the next; with more the rows would be harder to read than one long row
LEAST = 0.5  # how wide a row is at least, of what it would be if all were equal
GUTTER, LANE = 34.0, 7.0  # pixels between rows, and between the arrows that run there


def in_rows(drawing: Drawing, extents: dict[str, Extent], rough: Rough, most: int = 3) -> Rough:
    """The layout in as many rows as bring it nearest to a slide's shape; unchanged where no clean break is found."""
    best, fit = rough, _misfit(drawing, extents, rough)
    if fit <= WIDEST:
        return rough
    for rows in range(2, most + 1):
        broken = _broken(drawing, extents, rough, rows)
        if broken is not None and (now := _misfit(drawing, extents, broken)) < fit * 0.85:
            best, fit = broken, now
    return best


def _edges(drawing: Drawing, extents: dict[str, Extent], rough: Rough, inside: set[str]) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of these boxes and of their frames."""
    held = {box.group for box in drawing.boxes if box.id in inside}
    frames = [frame for name, frame in rough.frames.items() if name in held or not inside]
    sides = [
        (x - size.across / 2, y - size.height / 2 - size.above, x + size.across / 2, y + size.height / 2 + size.below)
        for name in inside
        for (x, y), size in [(rough.centers[name], extents[name])]
    ] + [(f.x, f.y, f.x + f.width, f.y + f.height) for f in frames]
    return min(s[0] for s in sides), min(s[1] for s in sides), max(s[2] for s in sides), max(s[3] for s in sides)


def _misfit(drawing: Drawing, extents: dict[str, Extent], rough: Rough) -> float:
    left, top, right, bottom = _edges(drawing, extents, rough, {box.id for box in drawing.boxes})
    return max((right - left) / (bottom - top + 40.0), 16 / 9 * 16 / 9 * (bottom - top) / (right - left))


def _breaks(drawing: Drawing, extents: dict[str, Extent], rough: Rough) -> list[float]:
    """Every x at which nothing but a few arrows to the right is cut."""
    spans = [(f.x, f.x + f.width) for f in rough.frames.values()] + [
        (rough.centers[box.id][0] - extents[box.id].across / 2, rough.centers[box.id][0] + extents[box.id].across / 2)
        for box in drawing.boxes
    ]
    found = []
    for here in sorted({right for _, right in spans}):
        later = [left for left, _ in spans if left > here]
        if not later or any(left < here + 2 < right for left, right in spans):
            continue
        x = (here + min(later)) / 2
        if any(left < x < right for left, right in spans):
            continue
        sides = [(rough.centers[a.source][0] < x, rough.centers[a.target][0] < x) for a in drawing.arrows]
        if (False, True) not in sides and sides.count((True, False)) <= MOST_CROSSING:
            found.append(x)
    return found


def _broken(drawing: Drawing, extents: dict[str, Extent], rough: Rough, rows: int) -> Rough | None:
    left, _, right, _ = _edges(drawing, extents, rough, {box.id for box in drawing.boxes})
    possible = _breaks(drawing, extents, rough)
    wanted = [left + (right - left) * k / rows for k in range(1, rows)]
    cuts = sorted({min(possible, key=lambda x: abs(x - want)) for want in wanted} if possible else set())
    if len(cuts) != rows - 1:
        return None
    row_of = {box.id: sum(rough.centers[box.id][0] > cut for cut in cuts) for box in drawing.boxes}
    if any(row_of[arrow.target] - row_of[arrow.source] not in (0, 1) for arrow in drawing.arrows):
        return None
    crossing = [[k for k, a in enumerate(drawing.arrows) if row_of[a.source] < row_of[a.target] == r] for r in range(rows)]
    ends = [left, *cuts, right]
    if min(b - a for a, b in pairwise(ends)) < LEAST * (right - left) / rows:
        return None
    bounds = [_edges(drawing, extents, rough, {n for n, r in row_of.items() if r == row}) for row in range(rows)]
    for index, arrow in enumerate(drawing.arrows):  # an arrow may run above or below all boxes of its row
        row = row_of[arrow.source]
        if row == row_of[arrow.target]:
            x0, y0, x1, y1 = bounds[row]
            heights = [y for _, y in sampled(rough.curves[index], 6)]
            bounds[row] = x0, min(y0, *heights), x1, max(y1, *heights)
    tops, shifts, y = [], [], bounds[0][1]
    for row, (x0, y0, _, y1) in enumerate(bounds):
        y += GUTTER + LANE * len(crossing[row]) if row else 0.0
        tops.append(y)
        shifts.append((bounds[0][0] - x0, y - y0))
        y += y1 - y0
    centers = {n: (x + shifts[row_of[n]][0], y + shifts[row_of[n]][1]) for n, (x, y) in rough.centers.items()}
    home = {box.group: row_of[box.id] for box in drawing.boxes}
    for group in reversed(drawing.groups):  # a frame around frames stands where they stand
        if group.id in home:
            home.setdefault(group.parent, home[group.id])
    frames = {
        name: Frame(f.x + shifts[home[name]][0], f.y + shifts[home[name]][1], f.width, f.height)
        for name, f in rough.frames.items()
        if name in home
    }
    curves: list[Curve] = []
    edge = max(b[2] - b[0] for b in bounds) + bounds[0][0]
    for index, (arrow, curve) in enumerate(zip(drawing.arrows, rough.curves, strict=True)):
        row, to = row_of[arrow.source], row_of[arrow.target]
        if row == to:
            curves.append(shifted(curve, *shifts[row]))
            continue
        lane = crossing[to].index(index)
        first, rest = cut_at(curve, cuts[row])
        first, rest = shifted(first, *shifts[row]), shifted(rest, *shifts[to])
        (x1, y1), (x2, y2) = first[-1], rest[0]
        out, back = max(x1, edge) + 10 + LANE * lane, min(x2, bounds[0][0]) - 12 - LANE * lane
        level = tops[to] - GUTTER / 2 - LANE * (lane + 0.5)
        curves.append((*first, *bent((x1, y1), (out, y1), (out, level), (back, level), (back, y2), (x2, y2))[1:], *rest[1:]))
    return replace(rough, centers=centers, frames=frames, curves=tuple(curves))
