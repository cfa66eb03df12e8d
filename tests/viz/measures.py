"""Numbers that say how readable a layout is: crossings, edge length, arrows that run through foreign boxes, overlaps."""
from __future__ import annotations

from nngraph.viz.curves import sampled
from nngraph.viz.drawing import Drawing


def crossings(drawing: Drawing) -> int:
    """How many pairs of arrows cross, each crossing counted, ends at a common box left out."""
    lines = [sampled(route.curve, 6) for route in drawing.placed.routes]
    ends = [{arrow.source, arrow.target} for arrow in drawing.arrows]
    boxes = [(min(x for x, _ in line), max(x for x, _ in line), min(y for _, y in line), max(y for _, y in line)) for line in lines]
    count = 0
    for i, first in enumerate(lines):
        for j in range(i):
            if ends[i] & ends[j] or boxes[i][0] > boxes[j][1] or boxes[j][0] > boxes[i][1] or boxes[i][2] > boxes[j][3] or boxes[j][2] > boxes[i][3]:
                continue
            count += sum(_cross(*a, *b) for a in zip(first, first[1:], strict=False) for b in zip(lines[j], lines[j][1:], strict=False))
    return count


def _cross(p, q, r, s) -> bool:
    def side(a, b, c):
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return side(p, q, r) * side(p, q, s) < 0 and side(r, s, p) * side(r, s, q) < 0


def length(drawing: Drawing) -> float:
    """The length of all arrows together, in pixels."""
    return sum(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5 for route in drawing.placed.routes
               for (x0, y0), (x1, y1) in zip(sampled(route.curve), sampled(route.curve)[1:], strict=False))


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
    return [(a, b) for k, (a, p) in enumerate(places) for b, q in places[:k]
            if abs(p.x - q.x) < (p.width + q.width) / 2 - 1 and abs(p.y - q.y) < (p.height + q.height) / 2 - 1]
