"""Small corrections after an engine: heights on a grid of 5 pixels (small changes of a graph move little), level
lines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .curves import Curve, sampled, smooth, straight
from .layout import Rough, sideways

if TYPE_CHECKING:
    from .drawing import Drawing
    from .extent import Extent

GRID, NEAR, CLEAR = 5.0, 10.0, 6.0  # pixels: the grid, how far a box may be moved, what must stay free around it


def straightened(drawing: Drawing, extents: dict[str, Extent], rough: Rough) -> Rough:
    """The same layout with near-level arrows level."""
    if sideways(drawing):
        return _sweeping(drawing, extents, rough)
    y = {name: GRID * round(center[1] / GRID) for name, center in rough.centers.items()}
    x = {name: center[0] for name, center in rough.centers.items()}
    near: dict[str, list[str]] = {name: [] for name in y}
    for arrow in drawing.arrows:
        if arrow.style != "saved":
            near[arrow.source].append(arrow.target)
            near[arrow.target].append(arrow.source)
    columns: dict[float, list[str]] = {}
    for name in y:
        columns.setdefault(round(x[name] / 4), []).append(name)

    def room(name: str, height: float) -> bool:
        mine = extents[name]
        for other in columns[round(x[name] / 4)]:
            theirs = extents[other]
            gap = (mine.height + mine.above + mine.below + theirs.height + theirs.above + theirs.below) / 2 + CLEAR
            if other != name and abs(y[other] - height) < gap:
                return False
        return True

    for name, others in near.items():
        if (
            len(set(others)) == 1
            and 0 < abs(y[others[0]] - y[name]) <= NEAR
            and abs(x[others[0]] - x[name]) > 4
            and room(name, y[others[0]])
        ):
            y[name] = y[others[0]]
    moved = _brought_home(drawing, extents, rough, x, y, near)
    curves = []
    for arrow, curve in zip(drawing.arrows, rough.curves, strict=True):
        a, b = arrow.source, arrow.target
        if a in moved:
            curve = straight((x[a], y[a]), (x[b], y[b]))
        elif arrow.style != "saved" and len(curve) == 4:
            curve = straight((x[a], y[a]), (x[b], y[b]))  # one piece: dot had nothing to go round
        curves.append(curve)
    return replace(rough, centers={name: (x[name], y[name]) for name in y}, curves=tuple(curves))


def _brought_home(
    drawing: Drawing, extents: dict[str, Extent], rough: Rough, x: dict[str, float], y: dict[str, float],
    near: dict[str, list[str]],
) -> set[str]:  # fmt: skip
    """Move what is given once, and stands first and before all frames, to the height of its only reader where nothing is in
    between: beside tall frames dot leaves an input at the bottom of the page. The names of what was moved."""
    moved = set()
    given = {arrow.source for arrow in drawing.arrows} - {arrow.target for arrow in drawing.arrows}
    for box in drawing.boxes:
        first = all(x[box.id] <= other + 4 for other in x.values())
        if not first or box.group or box.id not in given or len(near[box.id]) != 1:
            continue
        (reader,) = near[box.id]
        if abs(y[reader] - y[box.id]) <= NEAR or not x[box.id] < x[reader]:
            continue
        mine, height = extents[box.id], y[reader]
        half = (mine.height + mine.above + mine.below) / 2 + CLEAR
        inside = [
            name for name in y
            if name not in (box.id, reader) and x[box.id] - mine.across / 2 < x[name] + extents[name].across / 2 and x[name] < x[reader]
            and abs(y[name] - height) < half + (extents[name].height + extents[name].above + extents[name].below) / 2
        ]  # fmt: skip
        framed = any(frame.x < x[box.id] + mine.across / 2 for frame in rough.frames.values())
        if not inside and not framed:
            y[box.id] = height
            moved.add(box.id)
    return moved


def _sweeping(drawing: Drawing, extents: dict[str, Extent], rough: Rough) -> Rough:
    """Where texts stand above and below boxes: one sweep from side to side wherever that meets no box, else the
    engine's curve."""
    boxes = [
        (
            name,
            x,
            y,
            extents[name].across / 2 + 3,
            extents[name].height / 2 + max(extents[name].above, extents[name].below) + 2,
        )
        for name, (x, y) in rough.centers.items()
    ]
    curves: list[Curve] = []
    for arrow, curve in zip(drawing.arrows, rough.curves, strict=True):
        (x0, y0), (x1, y1) = rough.centers[arrow.source], rough.centers[arrow.target]
        level = 60.0
        start, end = x0 + extents[arrow.source].across / 2, x1 - extents[arrow.target].across / 2
        turns = [
            ((x0, y0), (start, y0), (end, y1), (x1, y1)),
            ((x0, y0), (end - level, y0), (end, y1), (x1, y1)),
            ((x0, y0), (start, y0), (start + level, y1), (x1, y1)),
        ]
        foreign = [box for box in boxes if box[0] not in (arrow.source, arrow.target)]
        for turn in turns if start + level < end or (start < end and abs(y0 - y1) < level * 4) else ():
            sweep = smooth(*turn)
            if not any(
                abs(px - x) < wide and abs(py - y) < high
                for _, x, y, wide, high in foreign
                for px, py in sampled(sweep, 16)
            ):
                curve = sweep
                break
        curves.append(curve)
    return replace(rough, curves=tuple(curves))
