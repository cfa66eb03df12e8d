"""SVG for the weakest reader: presentation attributes, no classes, no foreignObject, no markers, no reference to
anything outside."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from .curves import Curve
from .layout import PAPER
from .measure import FAMILIES, clean
from .outlines import text_outline
from .shapes import Line, Piece, Polygon, Rect, Shape, Text, pieces

if TYPE_CHECKING:
    from .drawing import Drawing

FAMILY = ", ".join(name if name == "sans-serif" else f"'{name}'" for name in FAMILIES)


def svg(drawing: Drawing, text_as_paths: bool = False) -> str:
    """The picture as one `<svg>` element; ids carry a prefix, so that two pictures can stand in one page."""
    placed = drawing.placed
    prefix = prefix_of(drawing)
    wide, high = paper(drawing)
    body = "\n".join(group(piece, prefix, text_as_paths) for piece in pieces(drawing))
    title = clean(drawing.title) or " ".join(clean(line) for box in drawing.boxes[-1:] for line in box.lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(wide)}" height="{number(high)}"'
        f' viewBox="0 0 {number(placed.width)} {number(placed.height)}" font-family="{FAMILY}" role="img">\n'
        f"<title>{escape(title)}</title>\n{body}\n</svg>\n"
    )


def prefix_of(drawing: Drawing) -> str:
    """What the ids of this picture begin with: made from its content, so that it is the same each time."""
    content = repr((drawing.boxes, drawing.arrows, drawing.arrangement, drawing.theme))
    return "g" + hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def paper(drawing: Drawing) -> tuple[float, float]:
    """Width and height of the picture in pixels by its size; the viewBox keeps the proportions."""
    placed = drawing.placed
    if drawing.size not in PAPER:
        return placed.width, placed.height
    wide, high = PAPER[drawing.size]
    scale = min(wide / placed.width, high / placed.height)
    return round(placed.width * scale, 1), round(placed.height * scale, 1)


def group(piece: Piece, prefix: str, text_as_paths: bool) -> str:
    """The shapes of one thing as `<g>`; the page's script finds it by its id."""
    name = (
        f" id={quoteattr(f'{prefix}-{piece.role}-{clean(piece.id)}')}"
        if piece.id and piece.role in ("box", "value", "gradient", "arrow")
        else ""
    )
    note = f"<title>{escape(clean(piece.note))}</title>" if piece.note else ""
    return f"<g{name}>{note}{''.join(element(shape, text_as_paths) for shape in piece.shapes)}</g>"


def element(shape: Shape, text_as_paths: bool) -> str:
    """One shape as one element."""
    match shape:
        case Rect():
            return (
                f'<rect x="{number(shape.x)}" y="{number(shape.y)}"'
                f' width="{number(shape.width)}" height="{number(shape.height)}"'
                f' rx="{number(shape.radius)}" fill="{shape.fill}"{stroke(shape.stroke, shape.line, shape.dash)}/>'
            )
        case Line():
            return f'<path d="{path(shape.curve)}" fill="none"{stroke(shape.stroke, shape.line, shape.dash)}/>'
        case Polygon():
            points = " ".join(f"{number(x)},{number(y)}" for x, y in shape.points)
            return f'<polygon points="{points}" fill="{shape.fill}"/>'
        case Text() if text_as_paths:
            return f'<path d="{outline_path(shape)}" fill="{shape.fill}"/>'
        case Text():
            anchor = ' text-anchor="middle"' if shape.anchor == "middle" else ""
            return (
                f'<text x="{number(shape.x)}" y="{number(shape.y)}" font-size="{number(shape.size)}"'
                f' fill="{shape.fill}"{anchor} xml:space="preserve">{escape(shape.text)}</text>'
            )


def stroke(color: str, line: float, dash: tuple[float, ...]) -> str:
    """The attributes of a line."""
    if not color:
        return ""
    dashes = f' stroke-dasharray="{" ".join(map(number, dash))}"' if dash else ""
    return f' stroke="{color}" stroke-width="{number(line)}"{dashes}'


def path(curve: Curve) -> str:
    """The path data of a curve."""
    (x, y), *rest = curve
    return f"M{number(x)} {number(y)}C" + " ".join(f"{number(x)} {number(y)}" for x, y in rest)


def outline_path(text: Text) -> str:
    """The outlines of a line of text as path data."""
    words = {"M": "M", "L": "L", "Q": "Q", "Z": "Z"}
    return "".join(
        words[verb] + " ".join(f"{number(x)} {number(y)}" for x, y in points) for verb, points in text_outline(text)
    )


def number(value: float) -> str:
    """A number as short as SVG allows.

    >>> number(12.0), number(0.25)
    ('12', '0.25')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))
