"""Layout of a drawing whose boxes say where they stand: (column, row), as in a net of neurons."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from .curves import straight
from .extent import EDGE, NEURON, Extent, outside
from .layout import Frame, Rough
from .measure import width

if TYPE_CHECKING:
    from .drawing import Drawing

COLUMN, ROW, WIDEST = 150.0, 84.0, 330.0  # pixels between middles
CLEAR = NEURON / 2 - 4.0  # how far over the middle of a circle an arrow may pass beside its text


def fixed_layout(drawing: Drawing, extents: dict[str, Extent]) -> Rough:
    """Middles at the given places, straight lines between them, frames around their boxes."""
    tall = max(size.height + 2 * max(size.above, size.below) for size in extents.values()) + 18.0
    wide = max(size.across for size in extents.values()) + 56.0
    row = max(ROW, tall)
    places = {box.id: box.place or (0.0, 0.0) for box in drawing.boxes}
    texts = {box.id: outside(box.above)[0] / 2 for box in drawing.boxes}
    columns = sorted({place[0] for place in places.values()})
    across = dict.fromkeys(columns, max(COLUMN, wide))  # how far each column is from the one before
    for arrow in drawing.arrows:
        (before, first), (after, last) = places[arrow.source], places[arrow.target]
        if arrow.writing:
            across[after] = max(across[after], 60.0 + 24.0 * min(len(arrow.label), 6))
        if arrow.gradient:
            across[after] = max(across[after], *(150.0 + width(line, EDGE) for line in arrow.writing.split("\n")))
        if texts[arrow.target] > NEURON / 2 and after > before:  # flat enough to pass under the text over the circle
            rise = abs(last - first) * row / (after - before)
            across[after] = max(across[after], min(rise * texts[arrow.target] / CLEAR, WIDEST))
    at, x = {columns[0]: 0.0}, 0.0
    for before, after in pairwise(columns):
        x += across[after] * (after - before)
        at[after] = x
    centers = {name: (at[column], line * row) for name, (column, line) in places.items()}
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
