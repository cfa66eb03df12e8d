"""A placed Drawing and a theme -> a flat list of shapes with colors. The writers (SVG, PDF, TikZ) only spell these
out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..autograd.language import N_, translate
from .curves import BADGE, Curve, before_end
from .extent import DETAIL, EDGE, LABEL, LINE, NOTE, OUTSIDE, TITLE
from .layout import DETAIL_SIZE, LEGEND_ROW, MARGIN, Frame, Place, Placed, Route, legend_height, legend_rows
from .measure import clean, punctuated, typeset, width
from .tables import room, written
from .themes import THEMES, Theme

if TYPE_CHECKING:
    from .drawing import Arrow, Box, Drawing


@dataclass(frozen=True)
class Rect:
    """A rectangle with rounded corners; a circle when the radius is half its side."""

    x: float
    y: float
    width: float
    height: float
    radius: float
    fill: str
    stroke: str = ""
    line: float = 0.0
    dash: tuple[float, ...] = ()


@dataclass(frozen=True)
class Line:
    """A Bezier curve."""

    curve: Curve
    stroke: str
    line: float
    dash: tuple[float, ...] = ()


@dataclass(frozen=True)
class Polygon:
    """A filled polygon."""

    points: tuple[tuple[float, float], ...]
    fill: str


@dataclass(frozen=True)
class Text:
    """One line of text; `x` is its left end or, with anchor `middle`, its middle; `y` is the baseline."""

    x: float
    y: float
    text: str
    size: float
    fill: str
    anchor: str = "middle"


Shape = Rect | Line | Polygon | Text


@dataclass(frozen=True)
class Piece:
    """The shapes of one thing: `role` is box, arrow, group, value, gradient or text; `note` shows when one points at
    it."""

    role: str
    id: str
    shapes: tuple[Shape, ...]
    note: str = ""


def pieces(drawing: Drawing) -> list[Piece]:
    """Everything to draw, back to front."""
    if (brought := getattr(drawing, "pieces", None)) is not None:
        return list(brought)
    theme, placed = THEMES[drawing.theme], drawing.placed
    found = [Piece("background", "", (Rect(0, 0, placed.width, placed.height, 0, theme.background),))]
    found += [
        _frame(drawing, placed.frames[group.id], group.part, bool(group.parent), theme)
        for group in drawing.groups
        if group.id in placed.frames
    ]
    found += [_cards(box, placed.boxes[box.id], theme) for box in drawing.boxes if box.times > 1]
    dim = any(arrow.highlighted for arrow in drawing.arrows)
    order = {"saved": 0, "flow": 1, "gradient": 2}
    arrows = sorted(
        zip(range(len(drawing.arrows)), drawing.arrows, placed.routes, strict=True),
        key=lambda item: (item[1].highlighted, order.get(item[1].style, 1)),
    )
    found += [_arrow(index, arrow, route, theme, dim) for index, arrow, route in arrows]
    for group in drawing.groups:
        if group.id in placed.frames:
            found.append(
                _frame_title(
                    group.title,
                    group.id,
                    placed.titles[group.id],
                    placed.frames[group.id].y,
                    group.part,
                    bool(group.parent),
                    theme,
                )
            )
    for box in drawing.boxes:
        found += _box(box, placed.boxes[box.id], theme)
    found += [
        _arrow_text(index, arrow, route, placed, theme)
        for index, arrow, route in arrows
        if (arrow.writing and route.label) or arrow.order
    ]
    found += _texts(drawing, placed, theme)
    return [piece for piece in found if piece.shapes]


def _frame(drawing: Drawing, frame: Frame, part: str, inner: bool, theme: Theme) -> Piece:
    key = f"inner-{part}" if inner else part
    return Piece(
        "group",
        "",
        (Rect(frame.x, frame.y, frame.width, frame.height, 8, theme.group_fill(key), theme.group_stroke(key), 1.1),),
    )


def _frame_title(title: str, name: str, x: float, y: float, part: str, inner: bool, theme: Theme) -> Piece:
    key = f"inner-{part}" if inner else part
    text = clean(title)
    plate = Rect(x - 4, y + 3, width(text, TITLE) + 8, TITLE * LINE, 4, theme.group_fill(key))
    color = theme.gradient if part == "backward" else theme.styles["module"].stroke
    return Piece("group", name, (plate, Text(x, y + 3 + TITLE, text, TITLE, color, "start")))


def _arrow(index: int, arrow: Arrow, route: Route, theme: Theme, dim: bool) -> Piece:
    color = {"gradient": theme.gradient, "saved": theme.saved}.get(arrow.style, theme.flow)
    thick = {"saved": 1.1}.get(arrow.style, 1.5)
    if arrow.highlighted:
        color, thick = theme.highlight, 3.0
    elif dim:
        color, thick = theme.group_stroke("backward") if arrow.style == "gradient" else theme.saved, 1.1
    dash = (4.0, 3.0) if arrow.style == "saved" else ()
    if theme.name == "print" and arrow.style == "gradient":
        dash = (9.0, 2.5)
    head, curve = arrowhead(route.curve, 8.0 if arrow.style != "saved" else 6.5, 1.25 if arrow.highlighted else 1.0)
    return Piece("arrow", f"a{index}", (Line(curve, color, thick, dash), Polygon(head, color)), arrow.note)


def arrowhead(curve: Curve, length: float, grow: float = 1.0) -> tuple[tuple[tuple[float, float], ...], Curve]:
    """A triangle at the end of the curve, and the curve shortened to the triangle's foot."""
    length *= grow
    (x1, y1), (x, y) = curve[-2], curve[-1]
    if math.hypot(x - x1, y - y1) < 0.5:
        x1, y1 = curve[-3]
    reach = math.hypot(x - x1, y - y1) or 1.0
    ux, uy = (x - x1) / reach, (y - y1) / reach
    foot = (round(x - ux * length, 2), round(y - uy * length, 2))
    half = length * 0.42
    head = (
        (x, y),
        (round(foot[0] - uy * half, 2), round(foot[1] + ux * half, 2)),
        (round(foot[0] + uy * half, 2), round(foot[1] - ux * half, 2)),
    )
    before = curve[-2]
    if reach < length:  # the last control point would lie beyond the foot and make a hook
        before = foot
    return head, (*curve[:-2], before, foot)


def _arrow_text(index: int, arrow: Arrow, route: Route, placed: Placed, theme: Theme) -> Piece:
    shapes: list[Shape] = []
    color = theme.highlight if arrow.highlighted else theme.gradient if arrow.style == "gradient" else theme.muted
    if arrow.writing and route.label:
        x, y = route.label
        rows = [typeset(row) for row in arrow.writing.split("\n")]
        half = max(width(row, EDGE) for row in rows) / 2
        top = y - EDGE * 0.62 * len(rows)
        high = EDGE * 1.24 * len(rows)
        shapes.append(Rect(round(x - half - 2, 1), round(top, 1), round(2 * half + 4, 1), round(high, 1), 3, theme.background))
        label, value = typeset(arrow.label), rows[0].removeprefix(typeset(arrow.label)) if arrow.label else ""
        for k, row in enumerate(rows):
            base = round(top + EDGE * (0.98 + 1.24 * k), 1)
            if k == 0 and label and value:
                left = round(x - width(row, EDGE) / 2, 1)
                shapes.append(Text(left, base, label, EDGE, color, "start"))
                shapes.append(Text(round(left + width(label, EDGE), 1), base, value, EDGE, theme.value, "start"))
            else:
                shapes.append(Text(x, base, row, EDGE, color if k == 0 and label else theme.gradient))
    if arrow.order:
        x, y = before_end(route.curve)
        shapes += [
            Rect(round(x - BADGE, 1), round(y - BADGE, 1), 2 * BADGE, 2 * BADGE, BADGE, theme.background, theme.saved, 0.8),
            Text(x, round(y + 3.0, 1), str(arrow.order), 8.5, theme.muted),
        ]
    return Piece("text", f"l{index}", tuple(shapes))


def _box(box: Box, place: Place, theme: Theme) -> list[Piece]:
    fill, stroke, radius, thick, dash = _look(box, place, theme)
    style, color = theme.style(box.kind), theme.muted if box.ghost else theme.text
    shapes: list[Shape] = []
    shapes.append(Rect(place.left, place.top, place.width, place.height, radius, fill, stroke, thick, dash))
    size = 12.5 if box.ghost else LABEL
    if style.shape == "circle" and box.lines:
        size = min(size, size * (place.width - 8) / max(width(typeset(line), size) for line in box.lines))
    high = len(box.lines) * size * LINE + (DETAIL * LINE if box.detail else 0.0)
    y = place.y - high / 2
    for line in box.lines:
        shapes.append(Text(place.x, round(y + size * 0.96, 1), typeset(line), size, color))
        y += size * LINE
    if box.detail:
        shapes.append(Text(place.x, round(y + DETAIL * 0.92, 1), typeset(box.detail), DETAIL, theme.muted))
    found = [Piece("box", box.id, tuple(shapes), box.note or "\n".join(box.lines))]
    high = room(box.above, OUTSIDE)[1]
    for role, text, color, top in (
        ("value", box.above, theme.value, place.top - 5 + OUTSIDE * 0.24 - high),
        ("gradient", box.below, theme.gradient, place.top + place.height + OUTSIDE * 0.08 + 2),
    ):
        if text:
            found.append(Piece(role, box.id, written(text, place.x, top, OUTSIDE, color, theme.background)))
    return found


def _cards(box: Box, place: Place, theme: Theme) -> Piece:
    """A folded row of blocks looks like a stack of cards; arrowheads lie on the cards that stand out below."""
    fill, stroke, radius, _, _ = _look(box, place, theme)
    return Piece(
        "box",
        "",
        tuple(
            Rect(place.left + 4 * k, place.top + 4 * k, place.width - 8 * k, place.height, radius, fill, stroke, 1.0)
            for k in range(min(box.times, 3) - 1, 0, -1)
        ),
    )


def _look(box: Box, place: Place, theme: Theme) -> tuple[str, str, float, float, tuple[float, ...]]:
    """Fill, border, radius of the corners, thickness and dashes of a box."""
    style = theme.style(box.kind)
    fill, stroke, thick, dash = style.fill, style.stroke, style.line, style.dash
    if box.part == "backward":
        fill, stroke = (theme.result_fill if box.result else theme.gradient_fill), theme.gradient
        thick, dash = 1.5, ()
    if box.highlighted:
        stroke, thick = theme.highlight, 3.0
    if box.ghost:
        dash = (3.0, 2.5)
    radius = place.width / 2 if place.round else 7.0 if style.shape == "round" else min(12.0, place.height / 2)
    return fill, stroke, radius, thick, dash


def _texts(drawing: Drawing, placed: Placed, theme: Theme) -> list[Piece]:
    found = []
    if drawing.title:
        found.append(
            Piece(
                "text", "title", (Text(MARGIN, MARGIN + TITLE, punctuated(typeset(drawing.title), drawing.language), TITLE + 2, theme.text, "start"),)
            )
        )
    notes_high = len(placed.notes) * NOTE * LINE
    y = placed.height - MARGIN - notes_high - legend_height(drawing, placed.width) + 16
    for row in legend_rows(drawing, placed.width):
        for x, kind, words in row:
            found.append(
                Piece(
                    "legend",
                    "",
                    (*_key(x, y, kind, theme), Text(x + 26, y + 4, punctuated(clean(words), drawing.language), DETAIL_SIZE, theme.muted, "start")),
                )
            )
        y += LEGEND_ROW
    y = placed.height - MARGIN - notes_high + NOTE * 0.9
    for note in placed.notes:
        found.append(Piece("text", "", (Text(MARGIN, round(y, 1), punctuated(typeset(note), drawing.language), NOTE, theme.muted, "start"),)))
        y += NOTE * LINE
    return found


def _key(x: float, y: float, kind: str, theme: Theme) -> tuple[Shape, ...]:
    """The sample that stands before the words of a legend."""
    if kind.startswith("arrow-"):
        way = kind.removeprefix("arrow-")
        color = {"gradient": theme.gradient, "saved": theme.saved, "highlight": theme.highlight}.get(way, theme.flow)
        curve = ((x, y), (x + 7, y), (x + 14, y), (x + 20, y))
        head, line = arrowhead(curve, 6.5)
        dash = (4.0, 3.0) if way == "saved" else (6.0, 2.5) if way == "gradient" and theme.name == "print" else ()
        return Line(line, color, 3.0 if way == "highlight" else 1.3, dash), Polygon(head, color)
    if kind in ("value", "gradient"):
        return (Text(x + 10, y + 4, "1.5", 11.0, theme.value if kind == "value" else theme.gradient),)
    style = theme.style(kind)
    radius = 4 if style.shape == "round" else 6
    return (Rect(x + 1, y - 6, 18, 12, radius, style.fill, style.stroke, min(style.line, 2.2), style.dash),)


LEGEND_WORDS = {
    "leaf-input": N_("input"),
    "leaf-parameter": N_("parameter"),
    "leaf-frozen": N_("frozen"),
    "leaf-constant": N_("constant"),
    "leaf-state": N_("state"),
    "arithmetic": N_("arithmetic"),
    "function": N_("function"),
    "activation": N_("activation"),
    "comparison": N_("comparison"),
    "reduction": N_("reduction"),
    "shape": N_("change of shape"),
    "linear": N_("linear map"),
    "loss": N_("loss"),
    "random": N_("random"),
    "control": N_("control"),
    "module": N_("folded part"),
    "value": N_("value"),
    "gradient": N_("gradient"),
    "arrow-flow": N_("forward"),
    "arrow-gradient": N_("backward"),
    "arrow-saved": N_("kept for the backward pass"),
    "arrow-highlight": N_("path of the derivative"),
}


def legend_words(kind: str, language: str) -> str:
    """What a legend says about a kind of box or arrow."""
    return translate(LEGEND_WORDS[kind], language)


def all_text(drawing: Drawing) -> str:
    """Every character the picture shows, for checking fonts."""
    return "".join(shape.text for piece in pieces(drawing) for shape in piece.shapes if isinstance(shape, Text))
