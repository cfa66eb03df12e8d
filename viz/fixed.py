"""Layout of a drawing whose boxes say where they stand: (column, row), as in a net of neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .curves import straight
from .extent import EDGE, NEURON, Extent
from .layout import Frame, Rough
from .measure import width

if TYPE_CHECKING:
    from .drawing import Drawing

COLUMN, ROW, WIDEST = 150.0, 84.0, 330.0  # pixels between middles
CLEAR = NEURON / 2 - 4.0  # how far over the middle of a circle an arrow may pass beside its text


def rises(drawing: Drawing) -> list[float]:
    """How many rows each arrow climbs from one column to the next."""
    places = {box.id: box.place or (0.0, 0.0) for box in drawing.boxes}
    return [
        (places[arrow.target][1] - places[arrow.source][1]) / abs(places[arrow.target][0] - places[arrow.source][0])
        for arrow in drawing.arrows
        if places[arrow.target][0] != places[arrow.source][0]
    ]


def fixed_layout(drawing: Drawing, extents: dict[str, Extent]) -> Rough:
    """Middles at the given places, straight lines between them, frames around their boxes."""
    tall = max(size.height + 2 * max(size.above, size.below) for size in extents.values()) + 18.0
    wide = max(size.across for size in extents.values()) + 56.0
    labels = max((len(arrow.label) for arrow in drawing.arrows), default=0)
    numbers = [width(line, EDGE) for arrow in drawing.arrows if arrow.gradient for line in arrow.writing.split("\n")]
    column, row = max([COLUMN, wide, 60.0 + 24.0 * min(labels, 6), *(150.0 + each for each in numbers)]), max(ROW, tall)
    texts = max(max(size.across / 2, 1.0) if size.above else 1.0 for size in extents.values())
    steep = max((abs(rise) for rise in rises(drawing)), default=0.0) * row
    if texts > CLEAR:  # arrows flat enough to pass under the texts over the circles
        column = max(column, min(steep * texts / CLEAR, WIDEST))
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
