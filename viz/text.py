"""A Drawing as an indented tree for the terminal: the result first, under each box what flows into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .measure import clean
from .tables import parts

if TYPE_CHECKING:
    from .drawing import Box, Drawing


def text(drawing: Drawing) -> str:
    """The tree as text ending in a newline; a box met again is only named, with ↑."""
    into: dict[str, list[str]] = {box.id: [] for box in drawing.boxes}
    read = set()
    for arrow in drawing.arrows:
        if arrow.style != "saved":
            into[arrow.target].append(arrow.source)
            read.add(arrow.source)
    boxes = {box.id: box for box in drawing.boxes}
    ends = [box.id for box in drawing.boxes if box.id not in read] or [box.id for box in drawing.boxes[-1:]]
    lines, seen = [drawing.title] if drawing.title else [], set()
    waiting = [(name, "", "") for name in reversed(ends)]
    while waiting:
        name, branch, indent = waiting.pop()
        box = boxes[name]
        again = name in seen and bool(into[name])
        lines.append(branch + _said(box) + (" ↑" if again else ""))
        if again:
            continue
        seen.add(name)
        children = into[name]
        for k, child in reversed(list(enumerate(children))):
            last = k == len(children) - 1
            waiting.append((child, indent + ("└─ " if last else "├─ "), indent + ("   " if last else "│  ")))
    return "\n".join([*lines, *drawing.notes]) + "\n"


def _said(box: Box) -> str:
    parts = [
        " ".join(box.lines),
        box.detail,
        f"= {flat(box.above)}" if box.above else "",
        f"∇ {flat(box.below)}" if box.below else "",
    ]
    return clean("  ".join(part for part in parts if part))


def flat(text: str) -> str:
    """A text with a table in one line: rows divided by semicolons.

    >>> flat("W =\\n1\\t2\\n3\\t4")
    'W = 1 2; 3 4'
    """
    head, cells = parts(text)
    return " ".join(filter(None, (head, "; ".join(" ".join(row) for row in cells))))
