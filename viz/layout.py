"""Where everything goes: a Drawing in, coordinates out. Left to right, y down, in pixels.

The engines are tried in turn: Graphviz in this process (or in a child, when the drawing is large), a `dot` program,
columns.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from ..autograd.language import N_, translate
from .curves import BADGE, Curve, before_end, bowed, clipped, reversed_curve, sampled, shifted
from .extent import LABEL, LINE, NOTE, TITLE, Extent, extent
from .labels import label_places, touches
from .measure import typeset, width

if TYPE_CHECKING:
    from .drawing import Drawing

MARGIN = 14.0
APART = 14.0  # how far arrows between the same two boxes bow out
SECONDS = 10.0  # the longest a layout may take before a plainer one is used


@dataclass(frozen=True)
class Place:
    """A box's middle and its size."""

    x: float
    y: float
    width: float
    height: float
    round: bool = False

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def top(self) -> float:
        return self.y - self.height / 2


@dataclass(frozen=True)
class Frame:
    """A group's rectangle, by its upper left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Route:
    """The curve of one arrow, from source to target: a start point, then cubic Bezier triples; and where its label
    sits."""

    curve: Curve
    label: tuple[float, float] | None = None


@dataclass(frozen=True)
class Placed:
    """Everything a writer needs to know about positions. `routes` run parallel to the drawing's arrows."""

    width: float
    height: float
    boxes: dict[str, Place]
    routes: tuple[Route, ...]
    frames: dict[str, Frame] = field(default_factory=dict)
    titles: dict[str, float] = field(default_factory=dict)  # the x at which each frame's title begins
    engine: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rough:
    """What an engine answers: middles of the (enlarged) boxes, curves from middle to middle, frames."""

    centers: dict[str, tuple[float, float]]
    curves: tuple[Curve, ...]
    frames: dict[str, Frame]
    engine: str
    notes: tuple[str, ...] = ()


@lru_cache(maxsize=64)
def layout(drawing: Drawing, seconds: float = SECONDS) -> Placed:
    """The coordinates of a drawing. Never fails for want of an engine: what was used, and why, is in `engine` and
    `notes`."""
    from .columns import columns_layout
    from .fixed import fixed_layout
    from .graphviz_layout import NoEngine, TooSlow, graphviz_layout

    extents = {box.id: extent(box) for box in drawing.boxes}
    if not drawing.boxes:
        return Placed(2 * MARGIN, 2 * MARGIN, {}, (), engine="none")
    if drawing.arrangement == "fixed":
        rough = fixed_layout(drawing, extents)
    else:
        try:
            rough = graphviz_layout(drawing, extents, seconds)
        except TooSlow:
            note = translate(
                N_(
                    "The layout took longer than {seconds} seconds, so the boxes stand in plain columns;"
                    " fold the picture for a better one."
                ),
                drawing.language,
                seconds=f"{seconds:g}",
            )
            rough = replace(columns_layout(drawing, extents), notes=(note,))
        except NoEngine:
            note = translate(
                N_(
                    "Graphviz was not found, so the boxes stand in plain columns:"
                    " pip install pygraphviz gives the good layout."
                ),
                drawing.language,
            )
            rough = replace(columns_layout(drawing, extents), notes=(note,))
    if drawing.arrangement == "flow" and drawing.size in PAPER:
        from .rows import in_rows

        rough = in_rows(drawing, extents, rough)
    return _finished(drawing, extents, rough)


def _finished(drawing: Drawing, extents: dict[str, Extent], rough: Rough) -> Placed:
    """Clips the curves at the true shapes, makes room for notes, moves all to the origin, rounds."""
    boxes: dict[str, Place] = {}
    for box in drawing.boxes:
        size = extents[box.id]
        x, y = rough.centers[box.id]
        boxes[box.id] = Place(x, y, size.width, size.height, size.round)
    routes: list[Route] = []
    together = Counter((arrow.source, arrow.target, arrow.style) for arrow in drawing.arrows)
    nth: Counter[tuple[str, str, str]] = Counter()
    for arrow, curve in zip(drawing.arrows, rough.curves, strict=True):
        source, target = boxes[arrow.source], boxes[arrow.target]
        if arrow.style != "saved" and not sideways(drawing):
            curve = ((source.x, source.y), *curve[1:-1], (target.x, target.y))
        if (twins := together[arrow.source, arrow.target, arrow.style]) > 1:
            nth[arrow.source, arrow.target, arrow.style] += 1
            off = (nth[arrow.source, arrow.target, arrow.style] - (twins + 1) / 2) * 2 * APART
            curve = bowed((source.x, source.y), (target.x, target.y), off)
        curve = clipped(curve, source, gap=0.0)
        curve = reversed_curve(clipped(reversed_curve(curve), target, gap=1.0))
        routes.append(Route(curve))
    solid = [route.curve for arrow, route in zip(drawing.arrows, routes, strict=True) if arrow.style != "saved"]
    titles = title_places(drawing, rough.frames, solid)
    taken = [
        (
            place.left - 1,
            place.top - extents[name].above - 1,
            place.left + place.width + 1,
            place.top + place.height + extents[name].below + 1,
        )
        for name, place in boxes.items()
    ]
    for name, place in boxes.items():
        half, size = extents[name].across / 2 + 3, extents[name]
        if size.above:
            taken.append((place.x - half, place.top - size.above - 1, place.x + half, place.top))
        if size.below:
            foot = place.top + place.height
            taken.append((place.x - half, foot, place.x + half, foot + size.below + 1))
    taken += [
        (
            titles[group.id] - 4,
            frame.y + 3,
            titles[group.id] + 4 + width(group.title, TITLE),
            frame.y + 3 + TITLE * LINE,
        )
        for group in drawing.groups
        if (frame := rough.frames.get(group.id))
    ]
    for arrow, route in zip(drawing.arrows, routes, strict=True):
        if arrow.order:
            x, y = before_end(route.curve)
            taken.append((x - BADGE, y - BADGE, x + BADGE, y + BADGE))
    spots = label_places(
        [route.curve for route in routes],
        ["\n".join(map(typeset, arrow.writing.split("\n"))) for arrow in drawing.arrows],
        taken,
        near_start=drawing.arrangement == "fixed",
        edges=[
            side
            for f in rough.frames.values()
            for side in (
                (f.x - 1, f.y - 1, f.x + f.width + 1, f.y + 1),
                (f.x - 1, f.y + f.height - 1, f.x + f.width + 1, f.y + f.height + 1),
                (f.x - 1, f.y, f.x + 1, f.y + f.height),
                (f.x + f.width - 1, f.y, f.x + f.width + 1, f.y + f.height),
            )
        ],
        ends=[(arrow.source, arrow.target) for arrow in drawing.arrows],
    )
    routes = [replace(route, label=spot) for route, spot in zip(routes, spots, strict=True)]
    left = min(
        [place.x - max(place.width, extents[name].across) / 2 for name, place in boxes.items()]
        + [frame.x for frame in rough.frames.values()]
        + [x for route in routes for x, _ in route.curve]
    )
    top = min(
        [place.top - extents[name].above for name, place in boxes.items()]
        + [frame.y for frame in rough.frames.values()]
        + [y for route in routes for _, y in route.curve]
    )
    right = max(
        [place.x + max(place.width, extents[name].across) / 2 for name, place in boxes.items()]
        + [frame.x + frame.width for frame in rough.frames.values()]
        + [x for route in routes for x, _ in route.curve]
    )
    bottom = max(
        [place.y + place.height / 2 + extents[name].below for name, place in boxes.items()]
        + [frame.y + frame.height for frame in rough.frames.values()]
        + [y for route in routes for _, y in route.curve]
    )
    head = TITLE * LINE + 8 if drawing.title else 0.0
    notes = (
        drawing.notes + rough.notes + too_small(drawing, right - left + 2 * MARGIN, bottom - top + 2 * MARGIN + head)
    )
    dx, dy = MARGIN - left, MARGIN + head - top
    texts = [width(typeset(note), NOTE) for note in notes] + ([width(typeset(drawing.title), TITLE + 2)] if drawing.title else [])
    wide = max([right - left, *texts]) + 2 * MARGIN
    high = (
        bottom - top + 2 * MARGIN + head + legend_height(drawing, wide) + len(notes) * NOTE * LINE + (8 if notes else 0)
    )
    return Placed(
        _r(wide),
        _r(high),
        {name: Place(_r(p.x + dx), _r(p.y + dy), p.width, p.height, p.round) for name, p in boxes.items()},
        tuple(
            Route(
                _rounded(shifted(route.curve, dx, dy)),
                None if route.label is None else (_r(route.label[0] + dx), _r(route.label[1] + dy)),
            )
            for route in routes
        ),
        {name: Frame(_r(f.x + dx), _r(f.y + dy), _r(f.width), _r(f.height)) for name, f in rough.frames.items()},
        {name: _r(x + dx) for name, x in titles.items()},
        rough.engine,
        notes,
    )


PAPER = {"slide": (1280.0, 720.0), "a4": (1052.0, 744.0)}  # pixels at 96 per inch: 16:9, and A4 across with margins
LEAST_TEXT = 7.0  # pixels on that paper; smaller cannot be read


def too_small(drawing: Drawing, wide: float, high: float) -> tuple[str, ...]:
    """A word about labels that would be too small to read at the size asked for."""
    if drawing.size not in PAPER:
        return ()
    scale = min(PAPER[drawing.size][0] / wide, PAPER[drawing.size][1] / high)
    if LABEL * scale >= LEAST_TEXT:
        return ()
    return (
        translate(
            N_("At this size the labels are too small to read: fold the picture (fold=0, fold=1 …)."), drawing.language
        ),
    )


def sideways(drawing: Drawing) -> bool:
    """Whether arrows must leave and enter boxes at their sides: when texts stand above and below the boxes."""
    return drawing.arrangement == "flow" and any(box.above or box.below for box in drawing.boxes)


def title_places(drawing: Drawing, frames: dict[str, Frame], curves: list[Curve]) -> dict[str, float]:
    """Where each frame's title begins: in the corner, else as far left as no solid arrow runs through it.

    Dashed lines go behind it; an arrow that vanishes behind a word looks broken.
    """
    lines = [sampled(curve, 10) for curve in curves]
    found = {}
    for group in drawing.groups:
        frame = frames.get(group.id)
        if frame is None:
            continue
        wide = width(group.title, TITLE)
        top, bottom = frame.y + 2, frame.y + 4 + TITLE * LINE
        best, fewest = frame.x + 10, len(lines) + 1
        for k in range(int(max(frame.width - wide - 20, 0) // 8) + 1):
            x = frame.x + 10 + 8 * k
            crossed = sum(touches(line, (x - 5, top, x + wide + 5, bottom)) for line in lines)
            if crossed < fewest:
                best, fewest = x, crossed
            if crossed == 0:
                break
        found[group.id] = best
    return found


def legend_rows(drawing: Drawing, wide: float) -> list[list[tuple[float, str, str]]]:
    """The legend broken into rows: (x, kind, words)."""
    rows: list[list[tuple[float, str, str]]] = []
    x = wide
    for kind, words in drawing.legend:
        need = 26.0 + width(words, DETAIL_SIZE) + 16.0
        if not rows or x + need > wide - MARGIN:
            rows.append([])
            x = MARGIN
        rows[-1].append((x, kind, words))
        x += need
    return rows


DETAIL_SIZE = 11.5
LEGEND_ROW = 20.0


def legend_height(drawing: Drawing, wide: float) -> float:
    rows = legend_rows(drawing, wide)
    return 12.0 + LEGEND_ROW * len(rows) if rows else 0.0


def _r(value: float) -> float:
    return round(value, 1) + 0.0


def _rounded(curve: Curve) -> Curve:
    return tuple((_r(x), _r(y)) for x, y in curve)
