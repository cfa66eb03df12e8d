"""Bezier curves as tuples of points: a start, then triples (control, control, end)."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .layout import Place

Point = tuple[float, float]
Curve = tuple[Point, ...]

BADGE = 5.5  # radius in pixels of an operand's number


def straight(*points: Point) -> Curve:
    """The polyline through these points as a Bezier curve.

    >>> straight((0, 0), (3, 0))
    ((0, 0), (1.0, 0.0), (2.0, 0.0), (3, 0))
    """
    curve = [points[0]]
    for (x0, y0), (x1, y1) in pairwise(points):
        curve += [(x0 + (x1 - x0) / 3, y0 + (y1 - y0) / 3), (x0 + 2 * (x1 - x0) / 3, y0 + 2 * (y1 - y0) / 3), (x1, y1)]
    return tuple(curve)


def smooth(*points: Point) -> Curve:
    """A curve through these points that leaves and arrives horizontally at each."""
    curve = [points[0]]
    for (x0, y0), (x1, y1) in pairwise(points):
        curve += [(x0 + (x1 - x0) / 2, y0), (x0 + (x1 - x0) / 2, y1), (x1, y1)]
    return tuple(curve)


def bent(*points: Point, radius: float = 12.0) -> Curve:
    """The polyline through these points with rounded corners."""
    curve = [points[0]]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        ends = []
        for other in (before, after):
            reach = math.hypot(other[0] - corner[0], other[1] - corner[1]) or 1.0
            part = min(radius, reach / 2) / reach
            ends.append((corner[0] + (other[0] - corner[0]) * part, corner[1] + (other[1] - corner[1]) * part))
        curve += [*straight(curve[-1], ends[0])[1:], corner, corner, ends[1]]
    return (*curve, *straight(curve[-1], points[-1])[1:])


def cut_at(curve: Curve, x: float) -> tuple[Curve, Curve]:
    """A curve that runs to the right, in two at this x."""
    pieces = segments(curve)
    index = next((k for k, piece in enumerate(pieces) if piece[3][0] >= x), len(pieces) - 1)
    low, high = 0.0, 1.0
    for _ in range(30):
        half = (low + high) / 2
        low, high = (half, high) if point_at(pieces[index], half)[0] < x else (low, half)
    rest = _after(pieces[index], high)
    backwards = (pieces[index][3], pieces[index][2], pieces[index][1], pieces[index][0])
    first = reversed_curve(_after(backwards, 1 - high))
    before = [point for piece in pieces[:index] for point in piece[:3]]
    later = [point for piece in pieces[index + 1 :] for point in piece[1:]]
    return (*before, *first), (*rest, *later)


def bowed(start: Point, end: Point, off: float) -> Curve:
    """A bow from start to end whose middle lies `off` pixels beside the straight line."""
    (x0, y0), (x1, y1) = start, end
    reach = math.hypot(x1 - x0, y1 - y0) or 1.0
    dx, dy = -(y1 - y0) / reach * off * 4 / 3, (x1 - x0) / reach * off * 4 / 3
    first = (x0 + (x1 - x0) / 3 + dx, y0 + (y1 - y0) / 3 + dy)
    return (start, first, (x0 + 2 * (x1 - x0) / 3 + dx, y0 + 2 * (y1 - y0) / 3 + dy), end)


def segments(curve: Curve) -> list[tuple[Point, Point, Point, Point]]:
    """The curve as a list of cubic pieces."""
    return [(curve[i], curve[i + 1], curve[i + 2], curve[i + 3]) for i in range(0, len(curve) - 3, 3)]


def reversed_curve(curve: Curve) -> Curve:
    """The same curve from its end to its start."""
    return tuple(reversed(curve))


def shifted(curve: Curve, dx: float, dy: float) -> Curve:
    """The curve moved."""
    return tuple((x + dx, y + dy) for x, y in curve)


def point_at(piece: tuple[Point, Point, Point, Point], t: float) -> Point:
    """The point of one cubic piece at 0 <= t <= 1."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = piece
    s = 1 - t
    a, b, c, d = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
    return a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3


def sampled(curve: Curve, per_piece: int = 12) -> list[Point]:
    """Points along the curve, for measuring."""
    points = [curve[0]]
    for piece in segments(curve):
        points += [point_at(piece, k / per_piece) for k in range(1, per_piece + 1)]
    return points


def inside(point: Point, place: Place, gap: float) -> bool:
    """Whether the point lies in the shape, enlarged by `gap` pixels."""
    dx, dy = abs(point[0] - place.x), abs(point[1] - place.y)
    if place.round:
        return dx * dx + dy * dy <= (place.width / 2 + gap) ** 2
    return dx <= place.width / 2 + gap and dy <= place.height / 2 + gap


def clipped(curve: Curve, place: Place, gap: float) -> Curve:
    """The curve without its first part, which lies inside the shape it starts from."""
    pieces = segments(curve)
    for index, piece in enumerate(pieces):
        if inside(piece[3], place, gap):
            continue
        low, high = 0.0, 1.0  # inside at low (or at the very start), outside at high; look for the last way out
        for k in range(31, -1, -1):
            if inside(point_at(piece, k / 32), place, gap):
                low, high = k / 32, (k + 1) / 32
                break
        for _ in range(20):
            half = (low + high) / 2
            low, high = (half, high) if inside(point_at(piece, half), place, gap) else (low, half)
        rest = _after(piece, high)
        return (*rest, *(point for later in pieces[index + 1 :] for point in later[1:]))
    return curve  # the whole curve is inside: boxes that touch


def _after(piece: tuple[Point, Point, Point, Point], t: float) -> Curve:
    def between(p: Point, q: Point) -> Point:
        return p[0] + (q[0] - p[0]) * t, p[1] + (q[1] - p[1]) * t

    a, b, c = between(piece[0], piece[1]), between(piece[1], piece[2]), between(piece[2], piece[3])
    d, e = between(a, b), between(b, c)
    return between(d, e), e, c, piece[3]


def before_end(curve: Curve) -> tuple[float, float]:
    """Where an operand's number sits: on the arrow shortly before its head, or before the stretch it shares with
    others."""
    end = curve[-1]
    if len(curve) > 4 and curve[-4][1] == end[1] == curve[-2][1] and curve[-4][0] < end[0]:
        end, curve = curve[-4], curve[:-3]
    points = sampled(curve, 24)
    whole = math.hypot(points[0][0] - end[0], points[0][1] - end[1])
    x, y = next(
        (
            point
            for point in reversed(points)
            if math.hypot(point[0] - end[0], point[1] - end[1]) >= min(17.0, whole / 2)
        ),
        points[0],
    )
    return round(x, 1), round(y, 1)
