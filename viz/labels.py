"""Where the small text on an arrow goes: on its curve, clear of boxes, of other labels and, if it can be, of other
arrows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from .curves import Curve, sampled
from .extent import EDGE
from .measure import width

Rect = tuple[float, float, float, float]  # left, top, right, bottom

ALONG = (0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73, 0.2, 0.8, 0.46, 0.54, 0.38, 0.62, 0.15, 0.85)
NEAR_START = (0.27, 0.31, 0.23, 0.35, 0.19, 0.4, 0.5, 0.6, 0.7, 0.8)  # between layers all lines cross in the middle


def label_places(
    curves: list[Curve], labels: list[str], taken: list[Rect], size: float = EDGE, near_start: bool = False,
    edges: Sequence[Rect] = (), ends: Sequence[object] = (),
) -> list[tuple[float, float] | None]:  # fmt: skip
    """The middle of each label, None for an empty one or one that finds no room. Arrows are served in order; a
    label may have several rows. `edges`: lines of frames, better not covered. `ends`: what each arrow joins; the same
    label between the same two is written once.
    """
    lines = [sampled(curve, 10) for curve in curves]
    placed: list[tuple[float, float] | None] = []
    taken = list(taken)
    written: set[object] = set()
    for index, (line, label) in enumerate(zip(lines, labels, strict=True)):
        said = (ends[index], label) if ends else None
        if not label or (said is not None and said in written):
            placed.append(None)
            continue
        rows = label.split("\n")
        wide, high = max(width(row, size) for row in rows) / 2 + 2.5, size * 0.62 * len(rows) + 1.0
        best: tuple[float, tuple[float, float], Rect] | None = None
        for rank, along in enumerate(NEAR_START if near_start else ALONG):
            x, y = _at(line, along)
            rect = (x - wide, y - high, x + wide, y + high)
            if any(_overlap(rect, other) for other in taken):
                continue
            crossed = sum(touches(other, rect) for k, other in enumerate(lines) if k != index)
            crossed += 2 * sum(_overlap(rect, edge) for edge in edges)
            cost = crossed + 0.12 * rank
            if best is None or cost < best[0]:
                best = cost, (x, y), rect
            if crossed == 0:
                break
        placed.append(None if best is None else best[1])
        if best is not None:
            taken.append(best[2])
            written.add(said)
    return placed


def _at(line: list[tuple[float, float]], along: float) -> tuple[float, float]:
    lengths = [((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5 for (x0, y0), (x1, y1) in pairwise(line)]
    left = along * sum(lengths)
    for (x0, y0), (x1, y1), length in zip(line, line[1:], lengths, strict=False):
        if left <= length and length > 0:
            return x0 + (x1 - x0) * left / length, y0 + (y1 - y0) * left / length
        left -= length
    return line[-1]


def _overlap(a: Rect, b: Rect) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def touches(line: list[tuple[float, float]], rect: Rect) -> bool:
    """Whether a line of points runs through a rectangle."""
    left, top, right, bottom = rect
    for (x0, y0), (x1, y1) in pairwise(line):
        if max(x0, x1) < left or min(x0, x1) > right or max(y0, y1) < top or min(y0, y1) > bottom:
            continue
        for k in range(5):
            x, y = x0 + (x1 - x0) * k / 4, y0 + (y1 - y0) * k / 4
            if left <= x <= right and top <= y <= bottom:
                return True
    return False
