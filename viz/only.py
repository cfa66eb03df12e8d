"""Less or more in a finished drawing: what is hidden, what is said in addition, what lies between two boxes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from .backward import bytes_text
from .drawing import Drawing, DrawingError
from .paths import between as way

HIDE = ("const", "input", "parameter", "saved", "shapes", "values", "legend")
SHOW = ("saved", "bytes")


def words(said: str | Iterable[str], known: tuple[str, ...], what: str) -> tuple[str, ...]:
    """The wishes as a tuple; DrawingError for one that is not known.

    >>> words("const,saved", HIDE, "hide")
    ('const', 'saved')
    """
    given = tuple(filter(None, said.replace(" ", "").split(","))) if isinstance(said, str) else tuple(said)
    for word in given:
        if word not in known:
            raise DrawingError(f"draw: {what}={word!r} is not known; there are {', '.join(known)}")
    return given


def without(drawing: Drawing, hide: Collection[str]) -> Drawing:
    """The drawing without constants, inputs, parameters, dashed lines, shapes, values or legend."""
    gone = {f"leaf-{'constant' if word == 'const' else word}" for word in hide}
    gone |= {"leaf-frozen"} if "parameter" in hide else set()
    boxes = tuple(box for box in drawing.boxes if box.kind not in gone or box.part == "backward")
    kept = {box.id for box in boxes}
    arrows = [
        arrow
        for arrow in drawing.arrows
        if {arrow.source, arrow.target} <= kept and not (arrow.style == "saved" and "saved" in hide)
    ]
    if "shapes" in hide:
        arrows = [replace(arrow, label="") for arrow in arrows]
    if "values" in hide and drawing.arrangement != "fixed":  # circles have left them out already
        boxes = tuple(replace(box, above="", below="") for box in boxes)
        gone |= {"value", "gradient"}
    styles = {f"arrow-{arrow.style}" for arrow in arrows} | {"arrow-highlight"}
    kinds = {box.kind for box in boxes}
    legend = tuple(
        row
        for row in drawing.legend
        if "legend" not in hide and (row[0] in styles if row[0].startswith("arrow-") else row[0] not in gone or row[0] in kinds)
    )
    boxes = tuple(replace(box, faces=box.faces if box.faces in kept else "") for box in boxes)
    return drawing.with_(boxes=boxes, arrows=tuple(arrows), legend=legend)


def with_bytes(drawing: Drawing) -> Drawing:
    """How much memory each value kept for the backward pass takes, on its dashed line."""
    arrows = tuple(
        replace(arrow, label=bytes_text(arrow.kept)) if arrow.style == "saved" and arrow.kept else arrow
        for arrow in drawing.arrows
    )
    return drawing.with_(arrows=arrows)


def between(drawing: Drawing, first: str, last: str) -> Drawing:
    """What lies on a way from one box to another, with the leaves read there; what else is read is a dashed copy."""
    flow = [arrow for arrow in drawing.arrows if arrow.style == "flow"]
    inside = way(flow, {first}, {last})
    if not inside:
        raise DrawingError("draw: no arrow leads from the first of these nodes to the second; exchange them?")
    boxes = {box.id: box for box in drawing.boxes}
    read = {arrow.source for arrow in flow if arrow.target in inside - {first}} - inside
    beside = {
        name: boxes[name]
        if boxes[name].kind.startswith("leaf")
        else replace(boxes[name], copy_of=name, lines=(boxes[name].note.split("  ")[0] or boxes[name].lines[0],), detail="")
        for name in read
        if not any(arrow.source in inside and arrow.target == name for arrow in flow)
    }
    kept = {name: boxes[name] for name in boxes if name in inside} | beside
    kept |= {box.id: box for box in drawing.boxes if box.part == "backward" and box.faces in kept}
    chosen = tuple(kept[name] for name in boxes if name in kept)
    arrows = tuple(
        arrow
        for arrow in drawing.arrows
        if {arrow.source, arrow.target} <= set(kept) and (arrow.style != "flow" or arrow.target in inside - {first})
    )
    held = {box.group for box in chosen}
    parent = {group.id: group.parent for group in drawing.groups}
    for name in list(held):
        while name := parent.get(name, ""):
            held.add(name)
    groups = tuple(group for group in drawing.groups if group.id in held)
    return drawing.with_(boxes=chosen, arrows=arrows, groups=groups)
