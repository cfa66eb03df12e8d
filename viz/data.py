"""A Drawing and its coordinates as JSON; drawing-schema.json beside this file describes it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .drawing import Drawing

VERSION = 1
SCHEMA = Path(__file__).with_name("drawing-schema.json")


def to_json(drawing: Drawing) -> str:
    """The drawing as JSON text, one line per box and arrow, so that two versions can be compared."""
    placed = drawing.placed
    boxes = []
    for box in drawing.boxes:
        place = placed.boxes[box.id]
        boxes.append(_short(asdict(box)) | {"x": place.x, "y": place.y, "width": place.width, "height": place.height})
    arrows = [
        _short(asdict(arrow)) | {"curve": [list(point) for point in route.curve]}
        for arrow, route in zip(drawing.arrows, placed.routes, strict=True)
    ]
    groups = [
        asdict(group) | (asdict(placed.frames[group.id]) if group.id in placed.frames else {})
        for group in drawing.groups
    ]
    parts: list[tuple[str, Any]] = [
        ("version", VERSION),
        ("title", drawing.title),
        ("arrangement", drawing.arrangement),
        ("theme", drawing.theme),
        ("language", drawing.language),
        ("width", placed.width),
        ("height", placed.height),
        ("engine", placed.engine),
        ("boxes", boxes),
        ("arrows", arrows),
        ("groups", groups),
        ("steps", [asdict(step) for step in drawing.steps]),
        ("legend", [list(row) for row in drawing.legend]),
        ("notes", list(placed.notes)),
    ]
    lines = []
    for name, value in parts:
        if isinstance(value, list) and value and isinstance(value[0], dict):
            inner = ",\n  ".join(_line(item) for item in value)
            lines.append(f"{_line(name)}: [\n  {inner}\n ]")
        else:
            lines.append(f"{_line(name)}: {_line(value)}")
    return "{" + ",\n ".join(lines) + "}\n"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _short(fields: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty, but never without id, lines, kind, source, target and style."""
    always = ("id", "lines", "kind", "part", "source", "target", "style")
    return {
        name: value
        for name, value in fields.items()
        if name in always or (value not in ("", 0, False, None, ()) and not (name == "times" and value == 1))
    }
