"""The paths of a derivative in a finished drawing: forward from a variable to the output, and back as its gradient."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from ..autograd.language import N_, translate
from .drawing import Arrow, Drawing
from .shapes import legend_words

MARKED = N_("Marked: every path along which {names} is carried.")


def with_paths(
    drawing: Drawing, starts: Collection[str], output: str, results: Collection[str], derivatives: Collection[str]
) -> Drawing:
    """The drawing with the paths from the boxes `starts` to the box `output` marked, and the gradient's way back from
    the output to the boxes `results`; a note names the `derivatives`.

    >>> from nngraph.viz.drawing import Arrow, Box, Drawing
    >>> line = Drawing((Box("w", ("w",)), Box("y", ("y",)), Box("x", ("x",))), (Arrow("w", "y"), Arrow("x", "y")))
    >>> [arrow.source for arrow in with_paths(line, ["w"], "y", [], ["∂y/∂w"]).arrows if arrow.highlighted]
    ['w']
    """
    flow = [arrow for arrow in drawing.arrows if arrow.style == "flow"]
    back = [arrow for arrow in drawing.arrows if arrow.style == "gradient"]
    copies = {box.id for box in drawing.boxes if box.copy_of in starts and box.part == "forward"}
    there = between(flow, {*starts, *copies}, {output})
    ends = {box.id for box in drawing.boxes if box.id in results}
    arriving = {arrow.target for arrow in back}
    begin = [box for box in drawing.boxes if box.part == "backward" and not box.ghost and box.id not in arriving]
    seeds = {box.id for box in begin if box.result and box.id not in ends} or {box.id for box in begin}
    returning = between(back, seeds, ends)
    marked = there | returning
    if not marked:
        return drawing

    def on(arrow: Arrow) -> bool:
        path = there if arrow.style == "flow" else returning if arrow.style == "gradient" else ()
        return arrow.source in path and arrow.target in path

    return drawing.with_(
        boxes=tuple(replace(box, highlighted=box.highlighted or box.id in marked) for box in drawing.boxes),
        arrows=tuple(replace(arrow, highlighted=arrow.highlighted or on(arrow)) for arrow in drawing.arrows),
        legend=(*drawing.legend, ("arrow-highlight", legend_words("arrow-highlight", drawing.language))),
        notes=(*drawing.notes, marked_note(derivatives, drawing.language)),
    )


def marked_note(derivatives: Iterable[str], language: str) -> str:
    """The sentence that says which derivatives are carried along the marked paths."""
    return translate(MARKED, language, names=", ".join(derivatives))


def between(arrows: Iterable[Arrow], starts: Collection[str], ends: Collection[str]) -> set[str]:
    """The boxes on a way along the arrows from one of `starts` to one of `ends`."""
    arrows = list(arrows)
    return reached(arrows, starts, True) & reached(arrows, ends, False)


def reached(arrows: Iterable[Arrow], starts: Iterable[str], along: bool) -> set[str]:
    """The boxes that can be reached from `starts`, along the arrows or against them."""
    following: dict[str, list[str]] = {}
    for arrow in arrows:
        one, other = (arrow.source, arrow.target) if along else (arrow.target, arrow.source)
        following.setdefault(one, []).append(other)
    found = set(starts)
    waiting = list(found)
    while waiting:
        for name in following.get(waiting.pop(), ()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found
