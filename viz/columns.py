"""The last-resort layout, without Graphviz: columns by depth, long arrows in lanes of their own, order by the middle
of the neighbors.

networkx finds the columns; the rest is the usual layered drawing. Frames are drawn only where no stranger stands in
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .curves import Curve, smooth
from .extent import EDGE, LINE, TITLE, Extent
from .layout import Frame, Rough
from .measure import width

if TYPE_CHECKING:
    from .drawing import Drawing

GAP_X, GAP_Y, LANE, SWEEPS = 46.0, 18.0, 10.0, 8


def columns_layout(drawing: Drawing, extents: dict[str, Extent]) -> Rough:
    """Coordinates by columns: no arrow runs through a box it does not belong to. In a mirror the backward pass stands
    below."""
    if drawing.arrangement == "mirror":
        return _two_halves(drawing, extents)
    return _one_sheet(drawing, extents, set(extents), False)


def _two_halves(drawing: Drawing, extents: dict[str, Extent]) -> Rough:
    """Forward above, left to right; backward below, right to left; each half in columns of its own."""
    part = {box.id: box.part for box in drawing.boxes}
    above = _one_sheet(drawing, extents, {name for name in extents if part[name] == "forward"}, False)
    below = _one_sheet(drawing, extents, {name for name in extents if part[name] == "backward"}, True)
    floor = max(
        (y + extents[name].height / 2 + extents[name].below for name, (_, y) in above.centers.items()), default=0.0
    )
    ceiling = min(
        (y - extents[name].height / 2 - extents[name].above for name, (_, y) in below.centers.items()), default=0.0
    )
    down = floor - ceiling + 110.0
    right = max((x for x, _ in above.centers.values()), default=0.0) - max(
        (x for x, _ in below.centers.values()), default=0.0
    )
    moved = {name: (x + right, y + down) for name, (x, y) in below.centers.items()}
    centers = above.centers | moved
    curves: list[Curve] = []
    for arrow, first, second in zip(drawing.arrows, above.curves, below.curves, strict=True):
        if first:
            curves.append(first)
        elif second:
            curves.append(tuple((x + right, y + down) for x, y in second))
        else:
            (x0, y0), (x1, y1) = centers[arrow.source], centers[arrow.target]
            curves.append(((x0, y0), (x0, (y0 + y1) / 2), (x1, (y0 + y1) / 2), (x1, y1)))
    frames = above.frames | {
        name: Frame(f.x + right, f.y + down, f.width, f.height) for name, f in below.frames.items()
    }
    return Rough(centers, tuple(curves), frames, "columns")


def _one_sheet(drawing: Drawing, extents: dict[str, Extent], ids: set[str], right_to_left: bool) -> Rough:
    import networkx

    arrows = [
        (k, a.source, a.target)
        for k, a in enumerate(drawing.arrows)
        if a.source in ids and a.target in ids and a.source != a.target
    ]
    graph = networkx.DiGraph()
    graph.add_nodes_from(box.id for box in drawing.boxes if box.id in ids)
    rank = {box.id: k for k, box in enumerate(drawing.boxes)}
    # A saved value or an arrow back in time must not decide the columns; it is drawn all the same.
    # Arrows in the order of the boxes come first: they cannot close a circle, so only the others need a search.
    for k, source, target in sorted(arrows, key=lambda each: rank[each[2]] < rank[each[1]]):
        back = rank[target] < rank[source] and networkx.has_path(graph, target, source)
        if drawing.arrows[k].style != "saved" and not back:
            graph.add_edge(source, target)
    column = {name: depth for depth, names in enumerate(networkx.topological_generations(graph)) for name in names}
    for name in reversed(list(networkx.topological_sort(graph))):  # a leaf stands just before its first reader
        if graph.in_degree(name) == 0 and graph.out_degree(name):
            column[name] = min(column[other] for other in graph.successors(name)) - 1
    if right_to_left:
        column = {name: -depth for name, depth in column.items()}
    low = min(column.values(), default=0)
    rows: list[list[str]] = [[] for _ in range(max(column.values(), default=0) - low + 1)]
    for box in drawing.boxes:
        if box.id in ids:
            rows[column[box.id] - low].append(box.id)
    lanes: dict[int, list[str]] = {}
    links: list[tuple[str, str]] = []
    for k, source, target in arrows:
        here, there = column[source] - low, column[target] - low
        way = 1 if there > here else -1
        chain = [source]
        for depth in range(here + way, there, way):
            lane = f"\0{k}.{depth}"  # no box id holds a zero byte
            rows[depth].append(lane)
            chain.append(lane)
        lanes[k] = [*chain, target]
        links += zip(chain, lanes[k][1:], strict=True)
    _order(rows, links)
    y = _heights(rows, links, extents)
    gap = GAP_X + max((width(drawing.arrows[k].label, EDGE) for k, _, _ in arrows), default=0.0)
    x: dict[str, float] = {}
    edge = 0.0
    for row in rows:
        wide = max((extents[name].across for name in row if name in extents), default=20.0)
        x |= {name: edge + wide / 2 for name in row}
        edge += wide + gap
    centers = {name: (x[name], y[name]) for row in rows for name in row if name in ids}
    curves: list[Curve] = []
    for k, arrow in enumerate(drawing.arrows):
        if k in lanes:
            curves.append(_through([(x[name], y[name]) for name in lanes[k]], lanes[k], extents, rows, x))
        elif arrow.source == arrow.target and arrow.source in ids:
            (px, py), high = centers[arrow.source], extents[arrow.source].height
            curves.append(((px, py), (px - 30, py - high - 20), (px + 30, py - high - 20), (px, py)))
        else:
            curves.append(())
    return Rough(centers, tuple(curves), _frames(drawing, extents, centers, curves, lanes), "columns")


def _order(rows: list[list[str]], links: list[tuple[str, str]]) -> None:
    """Sorts each column by the mean position of its neighbors, to and fro."""
    near: dict[str, list[str]] = {}
    for source, target in links:
        near.setdefault(source, []).append(target)
        near.setdefault(target, []).append(source)
    depth = {name: k for k, row in enumerate(rows) for name in row}
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for k in range(1, len(rows)) if forward else range(len(rows) - 2, -1, -1):
            beside = k - 1 if forward else k + 1
            position = {name: i for i, name in enumerate(rows[beside])}
            stretch = len(rows[k]) / max(len(position), 1)
            middles: dict[str, tuple[float, int]] = {}
            for i, name in enumerate(rows[k]):
                found = [position[other] for other in near.get(name, []) if depth[other] == beside]
                middles[name] = (sum(found) / len(found) * stretch if found else i, i)
            rows[k].sort(key=middles.__getitem__)


def _heights(rows: list[list[str]], links: list[tuple[str, str]], extents: dict[str, Extent]) -> dict[str, float]:
    def high(name: str) -> float:
        size = extents.get(name)
        return LANE if size is None else size.height + size.above + size.below + GAP_Y

    near: dict[str, list[str]] = {}
    for source, target in links:
        near.setdefault(source, []).append(target)
        near.setdefault(target, []).append(source)
    y: dict[str, float] = {}
    for row in rows:
        edge = -sum(map(high, row)) / 2
        for name in row:
            y[name] = edge + high(name) / 2
            edge += high(name)
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wish = [
                sum(y[other] for other in near[name]) / len(near[name]) if near.get(name) else y[name] for name in row
            ]
            # pack downwards and upwards and take the middle: both keep the order and the distances
            down, edge = [], float("-inf")
            for name, want in zip(row, wish, strict=True):
                down.append(max(want, edge + high(name) / 2))
                edge = down[-1] + high(name) / 2
            up, edge = [], float("inf")
            for name, want in zip(reversed(row), reversed(wish), strict=True):
                up.append(min(want, edge - high(name) / 2))
                edge = up[-1] - high(name) / 2
            for name, a, b in zip(row, down, reversed(up), strict=True):
                y[name] = (a + b) / 2
    return y


def _through(
    points: list[tuple[float, float]],
    names: list[str],
    extents: dict[str, Extent],
    rows: list[list[str]],
    x: dict[str, float],
) -> Curve:
    """A smooth curve that runs level through each lane, as far as the widest box of that column reaches."""
    reach: dict[str, float] = {}
    for row in rows:
        half = max((extents[name].across for name in row if name in extents), default=20.0) / 2
        reach |= {name: half for name in row}
    stops: list[tuple[float, float]] = []
    way = 1.0 if len(points) < 2 or points[-1][0] >= points[0][0] else -1.0
    for name, (px, py) in zip(names, points, strict=True):
        half = reach[name] + 2
        if name in (names[0], names[-1]):
            stops += [(px, py), (px + way * half, py)] if name == names[0] else [(px - way * half, py), (px, py)]
        else:
            stops += [(px - way * half, py), (px + way * half, py)]
    return smooth(*stops)


def _frames(
    drawing: Drawing,
    extents: dict[str, Extent],
    centers: dict[str, tuple[float, float]],
    curves: list[Curve],
    lanes: dict[int, list[str]],
) -> dict[str, Frame]:
    parent = {group.id: group.parent for group in drawing.groups}
    within: dict[str, set[str]] = {group.id: set() for group in drawing.groups}
    depth: dict[str, int] = {}
    for box in drawing.boxes:
        owner = box.group if box.id in centers else ""
        while owner:
            within[owner].add(box.id)
            owner = parent[owner]
    for group in drawing.groups:
        owner, depth[group.id] = group.parent, 0
        while owner:
            depth[group.id] += 1
            owner = parent[owner]
    deepest = max(depth.values(), default=0)
    frames = {}
    for name, inside in within.items():
        if not inside:
            continue
        pad = 7.0 + 6.0 * (deepest - depth[name])
        left = min(centers[b][0] - extents[b].across / 2 for b in inside) - pad
        right = max(centers[b][0] + extents[b].across / 2 for b in inside) + pad
        top = min(centers[b][1] - extents[b].height / 2 - extents[b].above for b in inside) - pad - TITLE * LINE
        bottom = max(centers[b][1] + extents[b].height / 2 + extents[b].below for b in inside) + pad
        strangers = (
            b
            for b, (bx, by) in centers.items()
            if b not in inside
            and left < bx + extents[b].across / 2
            and bx - extents[b].across / 2 < right
            and top < by + extents[b].height / 2
            and by - extents[b].height / 2 < bottom
        )
        if next(strangers, None) is None:
            frames[name] = Frame(left, top, right - left, bottom - top)
    return frames
