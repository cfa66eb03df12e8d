"""Small corrections after an engine: heights on a grid of 5 pixels (small changes of a graph move little), level lines."""
from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .curves import straight
from .layout import Rough, sideways

if TYPE_CHECKING:
    from .drawing import Drawing
    from .extent import Extent

GRID, NEAR, CLEAR = 5.0, 10.0, 6.0  # pixels: the grid, how far a box may be moved, what must stay free around it


def straightened(drawing: Drawing, extents: dict[str, Extent], rough: Rough) -> Rough:
    """The same layout with near-level arrows level."""
    if sideways(drawing):
        return rough
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
        if len(set(others)) == 1 and 0 < abs(y[others[0]] - y[name]) <= NEAR and abs(x[others[0]] - x[name]) > 4 and room(name, y[others[0]]):
            y[name] = y[others[0]]
    curves = []
    for arrow, curve in zip(drawing.arrows, rough.curves, strict=True):
        a, b = arrow.source, arrow.target
        if arrow.style != "saved" and len(curve) == 4:
            curve = straight((x[a], y[a]), (x[b], y[b]))  # one piece: dot had nothing to go round
        curves.append(curve)
    return replace(rough, centers={name: (x[name], y[name]) for name in y}, curves=tuple(curves))
