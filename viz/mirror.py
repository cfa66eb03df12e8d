"""The dashed lines of a mirror picture: from a forward box down to the gradient box that needs its value.

They run in the channels between columns, side by side in lanes, and change column only in the corridor between the two
halves; so they cross no box, and the layout engine, which would let them push boxes apart, never hears of them.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from .curves import Curve, Point, shifted, straight
from .layout import Frame, Rough

if TYPE_CHECKING:
    from .drawing import Drawing
    from .extent import Extent

CORRIDOR, LANE = 26.0, 5.0
BEND = 26.0  # pixels a line needs to turn from its box into a channel


def crosses_over(drawing: Drawing) -> set[int]:
    """The arrows that this module draws: saved values from the forward half to the backward half."""
    if drawing.arrangement != "mirror":
        return set()
    part = {box.id: box.part for box in drawing.boxes}
    return {
        index
        for index, arrow in enumerate(drawing.arrows)
        if arrow.style == "saved" and part[arrow.source] == "forward" and part[arrow.target] == "backward"
    }


def with_corridor(drawing: Drawing, extents: dict[str, Extent], rough: Rough) -> Rough:
    """The halves one above the other with room between them, and the lines that cross over."""
    over = crosses_over(drawing)
    part = {box.id: box.part for box in drawing.boxes}
    group_part = {group.id: group.part for group in drawing.groups}
    if not over:
        return replace(rough, frames=as_wide(drawing, rough.frames))

    def low(name: str) -> float:
        return rough.centers[name][1] + extents[name].height / 2 + extents[name].below

    def high(name: str) -> float:
        return rough.centers[name][1] - extents[name].height / 2 - extents[name].above

    floor = max(low(name) for name in rough.centers if part[name] == "forward")
    ceiling = min(high(name) for name in rough.centers if part[name] == "backward")
    frames_floor = max([f.y + f.height for name, f in rough.frames.items() if group_part[name] == "forward"] + [floor])
    frames_ceiling = min([f.y for name, f in rough.frames.items() if group_part[name] == "backward"] + [ceiling])
    down = frames_floor + CORRIDOR - frames_ceiling
    centers = {name: (x, y + down) if part[name] == "backward" else (x, y) for name, (x, y) in rough.centers.items()}
    frames = {
        name: Frame(f.x, f.y + down, f.width, f.height) if group_part[name] == "backward" else f
        for name, f in rough.frames.items()
    }
    curves = [
        shifted(curve, 0.0, down) if part[arrow.source] == part[arrow.target] == "backward" else curve
        for arrow, curve in zip(drawing.arrows, rough.curves, strict=True)
    ]
    for index, curve in _routed(drawing, extents, centers, over, floor + 5, ceiling + down - 5).items():
        curves[index] = curve
    return replace(rough, centers=centers, frames=as_wide(drawing, frames), curves=tuple(curves))


def as_wide(drawing: Drawing, frames: dict[str, Frame]) -> dict[str, Frame]:
    """The two halves equally wide, one exactly under the other."""
    halves = [group.id for group in drawing.groups if not group.parent and group.id in frames]
    if drawing.arrangement != "mirror" or len(halves) != 2:
        return frames
    left = min(frames[name].x for name in halves)
    right = max(frames[name].x + frames[name].width for name in halves)
    return frames | {name: replace(frames[name], x=left, width=right - left) for name in halves}


def _routed(
    drawing: Drawing,
    extents: dict[str, Extent],
    centers: dict[str, Point],
    over: set[int],
    floor: float,
    ceiling: float,
) -> dict[int, Curve]:
    columns = _columns(centers, extents)
    edges = [
        (
            min(centers[n][0] - extents[n].across / 2 for n in names),
            max(centers[n][0] + extents[n].across / 2 for n in names),
        )
        for names in columns
    ]
    column_of = {name: k for k, names in enumerate(columns) for name in names}
    part = {box.id: box.part for box in drawing.boxes}
    # Channel k lies left of column k; the last one right of everything.
    channels = (
        [(edges[0][0] - 30.0, edges[0][0])]
        + [(a[1], b[0]) for a, b in pairwise(edges)]
        + [(edges[-1][1], edges[-1][1] + 30.0)]
    )

    def lowest(name: str) -> bool:
        x, y = centers[name]
        return not any(
            part[o] == "forward"
            and o != name
            and centers[o][1] > y
            and abs(centers[o][0] - x) < extents[o].across / 2 + 4
            for o in columns[column_of[name]]
        )

    def highest(name: str) -> bool:
        x, y = centers[name]
        return not any(
            part[o] == "backward"
            and o != name
            and centers[o][1] < y
            and abs(centers[o][0] - x) < extents[o].across / 2 + 4
            for o in columns[column_of[name]]
        )

    # Each line: in which channel it leaves (None: straight down) and in which it arrives (None: from straight above).
    wishes: dict[int, tuple[int | None, int | None]] = {}
    for index in sorted(over):
        source, target = drawing.arrows[index].source, drawing.arrows[index].target
        here, there = column_of[source], column_of[target]
        free_down, free_up = lowest(source), highest(target)
        right = there > here or (there == here and here + 1 < len(columns))
        leave: int | None = here + 1 if right else here
        arrive: int | None = there if there > here else there + 1
        if there == here:
            arrive = leave
        if free_down and (here != there or free_up):
            leave = None
        if free_up and (here != there or free_down):
            arrive = None
        if there == here and (leave is None) != (arrive is None):
            leave = arrive = here + 1
        wishes[index] = leave, arrive
    lanes = _lanes(drawing, centers, channels, wishes, floor, ceiling)
    spread = _spread(drawing, centers, extents, wishes)
    curves = {}
    for index, (leave, arrive) in wishes.items():
        (x0, y0), (x1, y1) = centers[drawing.arrows[index].source], centers[drawing.arrows[index].target]
        first = lanes[index, "down"] if leave is not None else x0 + spread[index, "down"]
        second = lanes[index, "up"] if arrive is not None else x1 + spread[index, "up"]
        points: list[Point] = [(x0, y0)]
        if leave is not None:
            knee = min(y0 + BEND, floor + 8)
            points += [(x0 + (first - x0) * 0.55, y0 + 9), (first, (y0 + knee) / 2 + 2), (first, knee)]
        else:
            points = [(first, y0)]
            knee = y0
        start = max(floor, knee)
        end_knee = max(y1 - BEND, ceiling - 8) if arrive is not None else y1
        end = min(ceiling, end_knee)
        points += straight((first, knee), (first, start))[1:]
        if abs(first - second) < 0.5:
            points += straight((first, start), (second, end))[1:]
        else:
            half = (start + end) / 2
            points += [(first, half), (second, half), (second, end)]
        points += straight((second, end), (second, end_knee))[1:]
        if arrive is not None:
            points += [(second, (y1 + end_knee) / 2 - 2), (x1 + (second - x1) * 0.55, y1 - 9), (x1, y1)]
        else:
            points += straight((second, end_knee), (second, y1))[1:]
        curves[index] = _without_stops(points)
    return curves


def _columns(centers: dict[str, Point], extents: dict[str, Extent]) -> list[list[str]]:
    """Boxes whose middles share an x, left to right; neighbors that overlap in x are one column."""
    names = sorted(centers, key=lambda name: centers[name][0])
    columns: list[list[str]] = []
    edge = float("-inf")
    middle = 0.0
    for name in names:
        x, half = centers[name][0], extents[name].across / 2
        if columns and (abs(x - middle) < 4 or x - half < edge - 1):
            columns[-1].append(name)
            edge = max(edge, x + half)
        else:
            columns.append([name])
            edge, middle = x + half, x
    return columns


def _lanes(
    drawing: Drawing,
    centers: dict[str, Point],
    channels: list[tuple[float, float]],
    wishes: dict[int, tuple[int | None, int | None]],
    floor: float,
    ceiling: float,
) -> dict[tuple[int, str], float]:
    """The x of each vertical piece: pieces that overlap in height get lanes of their own, a line keeps its lane where
    it can."""
    # A piece: which lines run in it, which way, from and to which height. What starts at one box runs in one lane.
    pieces: dict[int, dict[tuple[str, str | int], tuple[list[int], float, float]]] = {}
    for index, (leave, arrive) in wishes.items():
        source, target = drawing.arrows[index].source, drawing.arrows[index].target
        if leave is not None:
            trunk = pieces.setdefault(leave, {}).setdefault(("down", source), ([], centers[source][1], floor))
            trunk[0].append(index)
        if arrive is not None:
            pieces.setdefault(arrive, {})["up", index] = ([index], ceiling, centers[target][1])
    found: dict[tuple[int, str], float] = {}
    for channel, here in pieces.items():

        def rank(piece: tuple[tuple[str, str | int], tuple[list[int], float, float]]) -> tuple[float, ...]:
            # Trunks first; among them and among their branches, long ones before short ones, which then cross less.
            (way, _), (lines, top, bottom) = piece
            return way == "up", centers[drawing.arrows[lines[0]].source][0], -top, bottom

        ends: list[list[tuple[float, float]]] = []
        lane_of: dict[tuple[int, str], int] = {}
        for (way, _), (lines, top, bottom) in sorted(here.items(), key=rank):
            kept = [lane_of[lines[0], "down"]] if (lines[0], "down") in lane_of else []  # a branch stays in its lane
            tried = (*kept, *range(len(ends)))
            lane = next((k for k in tried if all(bottom + 8 < a or b + 8 < top for a, b in ends[k])), len(ends))
            if lane == len(ends):
                ends.append([])
            ends[lane].append((top, bottom))
            lane_of |= {(index, way): lane for index in lines}
        left, right = channels[channel]
        step = min(LANE, (right - left - 12) / max(len(ends) - 1, 1)) if len(ends) > 1 else 0.0
        for key, lane in lane_of.items():
            found[key] = (left + right) / 2 + (lane - (len(ends) - 1) / 2) * max(step, 1.5)
    return found


def _spread(
    drawing: Drawing,
    centers: dict[str, Point],
    extents: dict[str, Extent],
    wishes: dict[int, tuple[int | None, int | None]],
) -> dict[tuple[int, str], float]:
    """How far from a box's middle a line arrives, when several do so straight; all leave in one, from the middle."""
    found: dict[tuple[int, str], float] = {}
    for way, end in (("down", 0), ("up", 1)):
        by_box: dict[str, list[int]] = {}
        for index, wish in wishes.items():
            if wish[end] is None:
                arrow = drawing.arrows[index]
                by_box.setdefault((arrow.source, arrow.target)[end], []).append(index)
        for name, members in by_box.items():
            xs = {
                index: centers[(drawing.arrows[index].target, drawing.arrows[index].source)[end]][0]
                for index in members
            }
            members.sort(key=lambda index: (xs[index], index))
            step = min(8.0, extents[name].width * 0.55 / max(len(members) - 1, 1))
            for k, index in enumerate(members):
                found[index, way] = (k - (len(members) - 1) / 2) * step if way == "up" else 0.0
    return found


def _without_stops(points: list[Point]) -> Curve:
    """The curve without pieces of no length."""
    kept = [points[0]]
    for i in range(1, len(points) - 2, 3):
        if abs(points[i + 2][0] - kept[-1][0]) + abs(points[i + 2][1] - kept[-1][1]) > 0.5:
            kept += points[i : i + 3]
    return tuple(kept) if len(kept) > 1 else straight(points[0], points[-1])
