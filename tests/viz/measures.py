"""Numbers that say how readable a layout is: crossings, edge length, arrows that run through foreign boxes,
overlaps."""

from __future__ import annotations

from nngraph.viz import quality
from nngraph.viz.curves import sampled
from nngraph.viz.drawing import Drawing


def crossings(drawing: Drawing) -> int:
    """How often arrows cross that have no box in common."""
    return quality.crossings(
        [route.curve for route in drawing.placed.routes], [{arrow.source, arrow.target} for arrow in drawing.arrows]
    )


def length(drawing: Drawing) -> float:
    """The length of all arrows together, in pixels."""
    return quality.length([route.curve for route in drawing.placed.routes])


def through_foreign(drawing: Drawing) -> list[tuple[str, str, str]]:
    """(source, target, box) for each arrow that runs through a box it does not belong to."""
    found = []
    for arrow, route in zip(drawing.arrows, drawing.placed.routes, strict=True):
        points = sampled(route.curve, 16)
        for name, place in drawing.placed.boxes.items():
            if name in (arrow.source, arrow.target):
                continue
            wide, high = place.width / 2 - 2, place.height / 2 - 2
            if place.round:
                hit = any((x - place.x) ** 2 + (y - place.y) ** 2 < wide * wide for x, y in points)
            else:
                hit = any(abs(x - place.x) < wide and abs(y - place.y) < high for x, y in points)
            if hit:
                found.append((arrow.source, arrow.target, name))
    return found


def overlapping(drawing: Drawing) -> list[tuple[str, str]]:
    """Pairs of boxes that lie over each other."""
    places = list(drawing.placed.boxes.items())
    return [
        (a, b)
        for k, (a, p) in enumerate(places)
        for b, q in places[:k]
        if abs(p.x - q.x) < (p.width + q.width) / 2 - 1 and abs(p.y - q.y) < (p.height + q.height) / 2 - 1
    ]
