"""Layout of a drawing whose boxes say where they stand: (column, row), as in a net of neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .curves import straight
from .extent import Extent
from .layout import Frame, Rough

if TYPE_CHECKING:
    from .drawing import Drawing

COLUMN, ROW = 150.0, 84.0  # pixels between middles


def fixed_layout(drawing: Drawing, extents: dict[str, Extent]) -> Rough:
    """Middles at the given places, straight lines between them, frames around their boxes."""
    tall = max(size.height + 2 * max(size.above, size.below) for size in extents.values()) + 18.0
    wide = max(size.across for size in extents.values()) + 56.0
    labels = max((len(arrow.label) for arrow in drawing.arrows), default=0)
    column, row = max(COLUMN, wide, 60.0 + 24.0 * min(labels, 6)), max(ROW, tall)
    centers = {}
    for box in drawing.boxes:
        place = box.place or (0.0, 0.0)
        centers[box.id] = (place[0] * column, place[1] * row)
    curves = tuple(straight(centers[arrow.source], centers[arrow.target]) for arrow in drawing.arrows)
    frames = {}
    for group in drawing.groups:
        inside = [box.id for box in drawing.boxes if box.group == group.id]
        if inside:
            left = min(centers[name][0] - extents[name].across / 2 for name in inside) - 12
            right = max(centers[name][0] + extents[name].across / 2 for name in inside) + 12
            top = min(centers[name][1] - extents[name].height / 2 - extents[name].above for name in inside) - 30
            bottom = max(centers[name][1] + extents[name].height / 2 + extents[name].below for name in inside) + 12
            frames[group.id] = Frame(left, top, right - left, bottom - top)
    return Rough(centers, curves, frames, "fixed")
