"""What the two ways of drawing a net as circles share: the ends of the drawing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ..autograd.node import Node
from .drawing import Arrow, Box, Drawing
from .labels_of import leaf_label
from .paths import marked_note
from .shapes import legend_words


def subscript(value: int) -> str:
    """Digits as subscripts.

    >>> subscript(12)
    '₁₂'
    """
    return "".join(chr(0x2080 + int(digit)) for digit in str(value))


def finished(
    boxes: list[Box],
    arrows: list[Arrow],
    lit: bool,
    marked: Sequence[Node],
    symbol: str,
    language: str,
    notes: tuple[str, ...] = (),
    reached: Collection[str] = (),
) -> Drawing:
    """The drawing of a net, its legend and notes; with `lit` the circles on marked arrows are marked too, and those
    that are `reached`."""
    legend = tuple(
        (kind, legend_words(kind, language))
        for kind, there in (
            ("value", any(arrow.value for arrow in arrows)),
            ("gradient", any(arrow.gradient for arrow in arrows)),
            ("arrow-highlight", lit),
        )
        if there
    )
    if lit:
        notes = (*notes, marked_note([f"∂{symbol}/∂{leaf_label(weight)}" for weight in marked], language))
        carriers = {end for arrow in arrows if arrow.highlighted for end in (arrow.source, arrow.target)}
        carriers.update(reached)
        boxes = [replace(box, highlighted=box.id in carriers and box.kind != "neuron-input") for box in boxes]
    return Drawing(tuple(boxes), tuple(arrows), legend=legend, notes=notes, arrangement="fixed", language=language)
