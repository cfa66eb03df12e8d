"""Layout by Graphviz: we give it boxes of fixed size without text and read coordinates back; we never let it draw.

pygraphviz carries Graphviz in its wheel. A small drawing is laid out in this process, a large one in a child that can
be stopped.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .curves import Curve, reversed_curve, straight
from .extent import LINE, TITLE, Extent
from .layout import Frame, Rough, sideways
from .mirror import with_corridor
from .quality import cost, turned_round
from .skeleton import hanging, skeleton, turned, two_halves
from .straighten import straightened

if TYPE_CHECKING:
    from .drawing import Drawing

IN_PROCESS = 120  # boxes; below this a layout takes well under a second, so that a child is not worth its start
SEVERAL_TRIES, TWO_TRIES = 64, 120  # boxes; up to here a few (two) layouts are made and the best is kept
CHILD = (
    "import json,sys; sys.path[:]=json.loads(sys.argv[1]); import pygraphviz as p;"
    " sys.stdout.buffer.write(p.AGraph(string=sys.stdin.read()).draw(format='json', prog='dot'))"
)


class NoEngine(Exception):
    """There is no Graphviz here."""


class TooSlow(Exception):
    """Graphviz was stopped."""


def graphviz_layout(drawing: Drawing, extents: dict[str, Extent], seconds: float) -> Rough:
    """Coordinates by the first Graphviz found. NoEngine if there is none, TooSlow if it was stopped."""
    names = {box.id: f"n{k}" for k, box in enumerate(drawing.boxes)}
    groups = {group.id: f"cluster_{k}" for k, group in enumerate(drawing.groups)}
    mirror = drawing.arrangement == "mirror"
    several = len(drawing.boxes) <= TWO_TRIES
    may_turn = several and not hanging(drawing)
    tries: list[Rough] = []
    for told in _orders(drawing) if several else [drawing]:
        kept: list[list[str]] | None = None
        # First the columns are found, with gradients pulled under what they face; then, these and the order of the
        # forward rows kept, the lines are made level.
        for columns in (False, True) if mirror else (False,):
            source = skeleton(told, extents, names, groups, kept)
            answer, engine = run(source, len(drawing.boxes), seconds)
            rough = _read(answer, engine, drawing, extents, names, groups)
            if may_turn and (columns or not mirror) and upside_down(drawing, rough):
                answer, engine = run(source.replace("labelloc=t", "labelloc=b"), len(drawing.boxes), seconds)
                rough = _read(answer, engine, drawing, extents, names, groups, turned_over=True)
            if mirror and not columns:
                kept = [[names[name] for name in column] for column in facing_order(drawing, rough)]
        tries.append(with_corridor(drawing, extents, straightened(drawing, extents, rough)))
    return tries[0] if len(tries) == 1 else min(tries, key=lambda rough: cost(drawing, rough))


def facing_order(drawing: Drawing, rough: Rough) -> list[list[str]]:
    """The boxes by column, top to bottom; those of the backward pass in the order of the forward boxes they face."""
    centers = rough.centers
    if upside_down(drawing, rough):
        centers = {name: (x, -y) for name, (x, y) in centers.items()}
    face = {box.id: box.faces for box in drawing.boxes if box.faces}
    sends: dict[str, list[float]] = {}
    for arrow in drawing.arrows:
        if arrow.style == "gradient" and arrow.target in face:
            sends.setdefault(arrow.source, []).append(centers[face[arrow.target]][1])
    back = {box.id for box in drawing.boxes if box.part == "backward"}

    def height(name: str) -> tuple[float, ...]:
        own = centers[name][1]
        if name not in back:
            return 0.0, own
        facing = centers[face[name]][1] if name in face else own
        to = sends.get(name)
        return 1.0, facing, sum(to) / len(to) if to else facing, own

    columns: dict[int, list[str]] = {}
    for name, (x, _) in centers.items():
        columns.setdefault(round(x), []).append(name)
    return [sorted(columns[x], key=height) for x in sorted(columns)]


def upside_down(drawing: Drawing, rough: Rough) -> bool:
    """Whether more leaves stand in the order in which they were named once the picture is turned over: dot cannot
    know."""
    turned_over = {name: (x, -y) for name, (x, y) in rough.centers.items()}
    return turned_round(drawing, turned_over) < turned_round(drawing, rough.centers)


def _orders(drawing: Drawing) -> list[Drawing]:
    """The drawing with its boxes told in a few orders: Graphviz starts from the order it is told, and one start ends
    better."""
    forward = [box for box in drawing.boxes if box.part == "forward"]
    backward = [box for box in drawing.boxes if box.part != "forward"]
    small = len(drawing.boxes) <= SEVERAL_TRIES
    both = small and drawing.arrangement == "mirror" and not two_halves(drawing)
    return [
        replace(drawing, boxes=(*one, *other), groups=groups)
        for one in (forward, forward[::-1])
        for other in ((backward, backward[::-1]) if both else (backward,))
        for groups in ([drawing.groups, drawing.groups[::-1]] if backward and drawing.groups and small else [drawing.groups])
    ]


def run(source: str, boxes: int, seconds: float) -> tuple[dict[str, Any], str]:
    """Graphviz's JSON for a DOT text, and which Graphviz it was."""
    try:
        import pygraphviz
    except ImportError:
        program = shutil.which("dot")
        if program is None:
            raise NoEngine from None
        return json.loads(_stoppable([program, "-Tjson"], source, seconds)), "dot"
    if boxes <= IN_PROCESS or not sys.executable:
        return json.loads(pygraphviz.AGraph(string=source).draw(format="json", prog="dot")), "pygraphviz"
    command = [sys.executable, "-c", CHILD, json.dumps(sys.path)]
    return json.loads(_stoppable(command, source, seconds)), "pygraphviz"


def _stoppable(command: list[str], source: str, seconds: float) -> bytes:
    try:
        done = subprocess.run(command, input=source.encode(), capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise TooSlow from None
    if done.returncode != 0 or not done.stdout:
        raise NoEngine
    return done.stdout


def _around(drawing: Drawing, extents: dict[str, Extent], centers: dict[str, tuple[float, float]]) -> dict[str, Frame]:
    """Frames just around their boxes, with room for a title."""
    frames = {}
    for group in drawing.groups:
        inside = [(centers[box.id], extents[box.id]) for box in drawing.boxes if box.group == group.id]
        if inside:
            left = min(x - size.across / 2 for (x, _), size in inside) - 10
            right = max(x + size.across / 2 for (x, _), size in inside) + 10
            top = min(y - size.height / 2 - size.above for (_, y), size in inside) - 14 - TITLE * LINE
            bottom = max(y + size.height / 2 + size.below for (_, y), size in inside) + 10
            frames[group.id] = Frame(left, top, right - left, bottom - top)
    return frames


def _read(
    answer: dict[str, Any],
    engine: str,
    drawing: Drawing,
    extents: dict[str, Extent],
    names: dict[str, str],
    groups: dict[str, str],
    turned_over: bool = False,
) -> Rough:
    mirror = drawing.arrangement == "mirror"
    top = float(answer["bb"].split(",")[3])

    def down(y: str) -> float:
        return float(y) if turned_over else top - float(y)

    objects = {thing["name"]: thing for thing in answer.get("objects", [])}
    centers = {}
    for box in drawing.boxes:
        x, y = objects[names[box.id]]["pos"].split(",")
        centers[box.id] = (float(x), down(y))
    frames = {}
    for group in drawing.groups:
        box = objects.get(groups[group.id], {}).get("bb")
        if box:
            x0, y0, x1, y1 = box.split(",")
            high, low = sorted((down(y0), down(y1)))
            frames[group.id] = Frame(float(x0), high, float(x1) - float(x0), low - high)
    if not frames and drawing.groups:
        frames = _around(drawing, extents, centers)
    part = {box.id: box.part for box in drawing.boxes}
    curves: list[Curve | None] = [None] * len(drawing.arrows)
    for edge in answer.get("edges", []):
        if "id" not in edge or "pos" not in edge:
            continue
        index = int(edge["id"])
        points = [pair.split(",") for pair in edge["pos"].split(" ") if pair[0] not in "es"]
        curve = tuple((float(x), down(y)) for x, y in points)
        arrow = drawing.arrows[index]
        curve = reversed_curve(curve) if turned(arrow, part, mirror) else curve
        if sideways(drawing):  # the arrow goes on level from the side of the text to the box itself
            ends = centers[arrow.source], centers[arrow.target]
            curve = (*straight(ends[0], curve[0]), *curve[1:], *straight(curve[-1], ends[1])[1:])
        curves[index] = curve
    whole = tuple(
        curve or straight(centers[arrow.source], centers[arrow.target])
        for curve, arrow in zip(curves, drawing.arrows, strict=True)
    )
    return Rough(centers, whole, frames, engine)
