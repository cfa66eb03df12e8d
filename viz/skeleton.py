"""What Graphviz is told: boxes of fixed size, columns, orders and frames, no text."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .extent import EDGE, LINE, TITLE, Extent
from .layout import sideways
from .measure import width
from .mirror import crosses_over

if TYPE_CHECKING:
    from .drawing import Arrow, Box, Drawing, Group


def skeleton(
    drawing: Drawing,
    extents: dict[str, Extent],
    names: dict[str, str],
    groups: dict[str, str],
    columns: list[list[str]] | None = None,
) -> str:
    """The DOT text that is laid out: sizes, ranks and frames, no text."""
    mirror = drawing.arrangement == "mirror"
    labels = max((width(arrow.label, EDGE) for arrow in drawing.arrows if arrow.label), default=0.0)
    lines = [
        "digraph {",
        " rankdir=LR; newrank=true; nslimit=2; nslimit1=2; splines=spline;",
        f" nodesep={0.22 if mirror else 0.28}; ranksep={max(0.42 if mirror else 0.5, (labels + 24) / 72):.2f};",
        ' node [shape=box fixedsize=true label=""]; edge [arrowhead=none headclip=false tailclip=false];',
    ]
    children: dict[str, list[Group]] = {}
    members: dict[str, list[Box]] = {}
    plain = columns is not None and two_halves(drawing)
    for group in () if plain else drawing.groups:
        children.setdefault(group.parent, []).append(group)
    for box in drawing.boxes:
        members.setdefault("" if plain else box.group, []).append(box)

    def add_node(box: Box) -> None:
        size = extents[box.id]
        wide, high = size.across, size.height + 2 * max(size.above, size.below)
        lines.append(f" {names[box.id]} [width={wide / 72:.3f} height={high / 72:.3f}];")

    work: list[tuple[str, Any]] = [("open", group) for group in reversed(children.get("", []))]
    for box in members.get("", []):
        add_node(box)
    while work:
        what, group = work.pop()
        if what == "close":
            lines.append(" }")
            continue
        spacer = max(width(group.title, TITLE) + 6, 10)
        lines.append(
            f" subgraph {groups[group.id]} {{ margin=10; labeljust=l; labelloc=t;"
            f' label=<<TABLE BORDER="0" FIXEDSIZE="TRUE"'
            f' WIDTH="{spacer:.0f}" HEIGHT="{TITLE * LINE:.0f}"><TR><TD></TD></TR></TABLE>>;'
        )
        for box in members.get(group.id, []):
            add_node(box)
        work.append(("close", group))
        work += [("open", child) for child in reversed(children.get(group.id, []))]
    part = {box.id: box.part for box in drawing.boxes}
    boxes = {box.id: box for box in drawing.boxes}
    side = sideways(drawing)
    beside, over, back = hanging(drawing), crosses_over(drawing), returning(drawing, names)
    for index, arrow in enumerate(drawing.arrows):
        if index in over:
            continue
        source, target = names[arrow.source], names[arrow.target]
        attributes = f'id="{index}"'
        if turned(arrow, part, mirror):
            source, target = target, source
        if side:
            attributes += " tailport=e headport=w"
        if index in back or (arrow.style == "saved" and not boxes[arrow.source].ghost):
            attributes += " constraint=false"
        elif index in beside:
            attributes += " minlen=0"
        elif columns and spine(boxes[arrow.source], boxes[arrow.target]):
            attributes += " weight=4"
        lines.append(f" {source} -> {target} [{attributes}];")
    if columns:
        lines += [
            f" c{k} [width=0.01 height=0.01 style=invis]; {{rank=same; c{k}; {'; '.join(column)}}}"
            for k, column in enumerate(columns)
        ]
        # An edge within a column keeps its ends in order (one of weight 0 does not).
        lines += [
            f" {a} -> {b} [style=invis];"
            for column in columns
            for a, b in pairwise(column)
            if plain
        ]
        lines.append(" " + " -> ".join(f"c{k}" for k in range(len(columns))) + " [style=invis weight=0];")
        lines.append("}")
        return "\n".join(lines)
    for first, later in successions(drawing, mirror, beside):
        lines.append(f" {names[first]} -> {names[later]} [style=invis weight=0];")
    if mirror:
        for box in drawing.boxes:
            if box.faces:
                lines.append(f" {names[box.faces]} -> {names[box.id]} [style=invis minlen=0 weight=12];")
    lines.append("}")
    return "\n".join(lines)


def two_halves(drawing: Drawing) -> bool:
    """Whether the only frames are the two halves of a mirror: then dot need not know them, and keeps every order.

    Where parameters hang over their readers, rows are short and dot's own order is better.
    """
    return (
        all(not group.parent for group in drawing.groups)
        and all(box.group for box in drawing.boxes)
        and not hanging(drawing)
    )


def turned(arrow: Arrow, part: dict[str, str], mirror: bool) -> bool:
    """In a mirror the backward pass runs right to left: Graphviz is told each of its arrows the other way round."""
    return mirror and arrow.style == "gradient" and part[arrow.source] == part[arrow.target] == "backward"


def returning(drawing: Drawing, names: dict[str, str]) -> set[int]:
    """The arrows that close a circle, as in a loop: they do not decide what stands left of what."""
    place = {name: int(said[1:]) for name, said in names.items()}
    following: dict[str, list[str]] = {}
    for arrow in drawing.arrows:
        following.setdefault(arrow.source, []).append(arrow.target)
    found = set()
    for index, arrow in enumerate(drawing.arrows):
        if arrow.style == "flow" and place[arrow.source] > place[arrow.target]:
            reached, waiting = {arrow.target}, [arrow.target]
            while waiting and arrow.source not in reached:
                new = [name for name in following.get(waiting.pop(), ()) if name not in reached]
                reached.update(new)
                waiting += new
            if arrow.source in reached:
                found.add(index)
    return found


def hanging(drawing: Drawing) -> set[int]:
    """Arrows that may run straight down: a tensor parameter hangs over its only reader, its gradient under the
    maker."""
    if sideways(drawing):
        return set()
    uses: dict[str, int] = {}
    for arrow in drawing.arrows:
        if arrow.style != "saved":
            uses[arrow.source] = uses.get(arrow.source, 0) + 1
    boxes = {box.id: box for box in drawing.boxes}
    hung = {
        box.id
        for box in drawing.boxes
        if box.detail
        and (box.kind in ("leaf-parameter", "leaf-frozen", "leaf-state", "leaf-constant") or box.kind == "shape")
        and box.part == "forward"
        and uses.get(box.id) == 1
        and not (box.ghost and drawing.arrangement == "flow")
    }
    modules = {box.id for box in drawing.boxes if box.kind == "module"}
    into = {arrow.target for arrow in drawing.arrows if arrow.source in hung and arrow.target in modules}
    shapes = {name for name in hung if boxes[name].kind == "shape"}  # the piece of the input that one step reads
    hung -= {arrow.source for arrow in drawing.arrows if arrow.source in shapes and arrow.target not in into}
    # Two under one reader would have to bend round each other: then they stand in front of it, like all the rest.
    readers = [arrow.target for arrow in drawing.arrows if arrow.style == "flow" and arrow.source in hung]
    alone = {name for name in readers if readers.count(name) == 1}
    hung = {arrow.source for arrow in drawing.arrows if arrow.source in hung and arrow.target in alone and arrow.style == "flow"}
    found = set()
    for index, arrow in enumerate(drawing.arrows):
        source, target = boxes[arrow.source], boxes[arrow.target]
        if (arrow.style == "flow" and source.id in hung) or (
            arrow.style == "gradient" and target.result and target.faces in hung and uses.get(target.id, 0) == 0
        ):
            found.add(index)
    return found


def spine(source: Box, target: Box) -> bool:
    """Whether an arrow is part of a frame's backbone, which should run level: between two computed boxes of one
    frame."""
    return (
        source.group == target.group and not source.kind.startswith("leaf") and not target.result and not source.result
    )


def successions(drawing: Drawing, mirror: bool, beside: set[int]) -> list[tuple[str, str]]:
    """Pairs (a, b), b right of a, that keep frames side by side instead of in a staircase.

    Where an arrow enters a frame from a box outside, everything in the frame that starts there (its parameters, say)
    has to stand to the right of that box too; otherwise the frames share columns and cannot share a row.
    """
    part = {box.id: box.part for box in drawing.boxes}
    ends = []
    for index, arrow in enumerate(drawing.arrows):
        if arrow.style != "saved":
            ends.append(
                (
                    index,
                    *((arrow.target, arrow.source) if turned(arrow, part, mirror) else (arrow.source, arrow.target)),
                )
            )
    parent = {group.id: group.parent for group in drawing.groups}
    owners: dict[str, list[str]] = {}
    members: dict[str, list[str]] = {}
    for box in drawing.boxes:
        owner, chain = box.group, []
        while owner:
            chain.append(owner)
            members.setdefault(owner, []).append(box.id)
            owner = parent[owner]
        owners[box.id] = chain[::-1]
    before: dict[str, set[str]] = {box.id: set() for box in drawing.boxes}
    for _, source, target in ends:
        before[target].add(source)
    starts = {name for name, older in before.items() if not older}
    hung = {source for index, source, _ in ends if index in beside} | {
        target for index, _, target in ends if index in beside
    }
    found: dict[tuple[str, str], None] = {}
    for _, source, target in ends:
        frame = next((name for name in owners[target] if name not in owners[source]), None)
        if frame is None:
            continue
        inside, older, waiting = set(members[frame]), set(), [source]
        while waiting:
            name = waiting.pop()
            if name not in older:
                older.add(name)
                waiting += before[name]
        if older & inside:
            continue  # the frame is left and entered again: no order to keep
        for name in members[frame]:
            if (name in starts and name not in hung) or name == target:
                before[name].add(source)
                found[source, name] = None
    return list(found)
