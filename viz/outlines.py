"""Text as outlines from the bundled fonts: for files that go to machines without fonts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .measure import LATIN, font_of, width

if TYPE_CHECKING:
    from .fontfile import Contour
    from .shapes import Text

Verb = tuple[str, list[tuple[float, float]]]  # M, L, Q or Z with its points


def text_outline(text: Text) -> list[Verb]:
    """Move, line, quadratic and close commands in the picture's coordinates."""
    x = text.x - (width(text.text, text.size) / 2 if text.anchor == "middle" else 0.0)
    verbs: list[Verb] = []
    for character in text.text:
        font = font_of(character) or LATIN
        scale = text.size / font.units_per_em
        for contour in font.outline(character):
            verbs += _closed(contour, x, text.y, scale)
        x += width(character, text.size)
    return verbs


def _closed(contour: Contour, x: float, y: float, scale: float) -> list[Verb]:
    """TrueType's quadratic splines: between two points off the curve lies an implied point on it."""
    points = [((x + px * scale, y - py * scale), on) for (px, py), on in contour]
    first = next((k for k, (_, on) in enumerate(points) if on), None)
    if first is None:
        (x0, y0), (x1, y1) = points[0][0], points[-1][0]
        points = [(((x0 + x1) / 2, (y0 + y1) / 2), True), *points]
        first = 0
    points = points[first:] + points[: first + 1]
    verbs: list[Verb] = [("M", [points[0][0]])]
    control = None
    for point, on in points[1:]:
        if on:
            verbs.append(("L", [point]) if control is None else ("Q", [control, point]))
            control = None
        else:
            if control is not None:
                between = (control[0] + point[0]) / 2, (control[1] + point[1]) / 2
                verbs.append(("Q", [control, between]))
            control = point
    if control is not None:
        verbs.append(("Q", [control, verbs[0][1][0]]))
    verbs.append(("Z", []))
    return verbs
