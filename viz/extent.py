"""How large a box is, before it has a place: measured with the bundled fonts, so that it is the same on every
machine."""

from __future__ import annotations

from dataclasses import dataclass

from .drawing import Box
from .measure import typeset, width
from .tables import room
from .themes import LIGHT

LABEL, DETAIL, OUTSIDE, TITLE, NOTE, EDGE = 15.0, 11.0, 13.0, 13.0, 12.0, 10.5  # font sizes in pixels
LINE = 1.25  # line height in em
CIRCLE = 34.0  # diameter of an op whose sign is short
NEURON = 44.0


@dataclass(frozen=True)
class Extent:
    """Width and height of the box itself, its shape, and the room its outside texts need above, below and across."""

    width: float
    height: float
    round: bool
    above: float
    below: float
    across: float


def extent(box: Box) -> Extent:
    """The size of a box in pixels.

    >>> extent(Box("a", ("+",))).round, extent(Box("b", ("matmul",), detail="32×10")).round
    (True, False)
    """
    size = LABEL if not box.ghost else 12.5
    text = max(width(typeset(line), size) for line in box.lines) if box.lines else 0.0
    shape = LIGHT.style(box.kind).shape
    (wide_above, above), (wide_below, below) = outside(box.above), outside(box.below)
    if shape == "circle":
        wide = high = NEURON
        circle = True
    elif (shape == "op" and not box.detail and len(box.lines) == 1 and text <= 22 and box.part == "forward") or _sign(
        box, text
    ):
        wide = high = CIRCLE
        circle = True
    else:
        detail = width(typeset(box.detail), DETAIL) if box.detail else 0.0
        wide = max(text, detail, 18.0) + 16.0
        high = len(box.lines) * size * LINE + (DETAIL * LINE if box.detail else 0.0) + 12.0
        circle = False
    if box.ghost:
        wide, high = max(wide - 6.0, 24.0), max(high - 4.0, 22.0)
    if box.times > 1:
        below += 8.0  # the cards of the stack
    across = max(wide, wide_above, wide_below)
    return Extent(_even(wide), _even(high), circle, above, below, across)


def outside(text: str) -> tuple[float, float]:
    """Width and height of the text above or below a box, with the gap to it."""
    if not text:
        return 0.0, 0.0
    wide, high = room(text, OUTSIDE)
    return wide, max(OUTSIDE * LINE, high) + 2


def _sign(box: Box, text: float) -> bool:
    return (
        box.part == "backward"
        and LIGHT.style(box.kind).shape == "op"
        and not box.detail
        and len(box.lines) == 1
        and text <= 22
        and not box.result
    )


def _even(value: float) -> float:
    return 2.0 * round(value / 2.0 + 0.499)
