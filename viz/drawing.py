"""A Drawing is plain data: boxes, arrows, groups, steps. It knows no colors, no coordinates and no op.

A view makes it from a graph; layout gives it coordinates; svg, png, pdf, html, dot, tikz, json and text are its
readers.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..autograd.errors import NngraphError
from ..autograd.files import write_whole

if TYPE_CHECKING:
    import graphviz

    from .layout import Placed


class DrawingError(NngraphError):
    """A picture cannot be made as asked: the message says why and what to do instead."""


@dataclass(frozen=True)
class Box:
    """One thing in the picture.

    `lines` is the label, `detail` a small line under it (a shape, a count), `above` and `below` stand outside the box
    (a value,
    a gradient). `part` is `forward` or `backward`; in a mirror a backward box `faces` the forward box it belongs to.
    A `ghost` is another copy of the box named by `copy_of`. `place` fixes (column, row) instead of the layout engine.
    """

    id: str
    lines: tuple[str, ...]
    kind: str = "arithmetic"
    detail: str = ""
    above: str = ""
    below: str = ""
    group: str = ""
    part: str = "forward"
    faces: str = ""
    copy_of: str = ""
    result: bool = False
    highlighted: bool = False
    times: int = 1
    note: str = ""
    place: tuple[float, float] | None = None

    @property
    def ghost(self) -> bool:
        return bool(self.copy_of)


@dataclass(frozen=True)
class Arrow:
    """A line from one box to another. `style` is `flow`, `gradient` or `saved` (a value kept for the backward pass).

    `order` is the place among the operands (1, 2 …) where it matters; 0 where it does not. `kept` is how many bytes a
    saved value takes. `value` and `gradient` are those of the weight the label names.
    """

    source: str
    target: str
    style: str = "flow"
    label: str = ""
    order: int = 0
    highlighted: bool = False
    note: str = ""
    kept: int = 0
    value: str = ""
    gradient: str = ""

    @property
    def writing(self) -> str:
        """All that stands on the arrow: the label with its value, and under it the gradient."""
        first = f"{self.label} = {self.value}" if self.label and self.value else self.label
        return "\n".join(filter(None, (first, self.gradient)))


@dataclass(frozen=True)
class Group:
    """A frame around boxes: a scope. `parent` is the frame around it."""

    id: str
    title: str
    parent: str = ""
    part: str = "forward"


@dataclass(frozen=True)
class Step:
    """One step of the player: a sentence, the boxes it is about, and what of them it uncovers (`value` or
    `gradient`)."""

    text: str
    boxes: tuple[str, ...]
    uncovers: str = "value"


@dataclass(frozen=True)
class Drawing:
    """A picture as data. It shows itself in Jupyter and saves itself by suffix.

    `arrangement` is `flow` (left to right), `mirror` (forward above, backward below) or `fixed` (every box has its
    place).
    `size` is `natural`, `slide` (16:9) or `a4`. `notes` are printed under the picture.

    >>> drawing = Drawing((Box("a", ("x",), "leaf-input"), Box("b", ("σ",), "activation")), (Arrow("a", "b"),))
    >>> drawing.svg().startswith("<svg")
    True
    """

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...] = ()
    groups: tuple[Group, ...] = ()
    steps: tuple[Step, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    title: str = ""
    arrangement: str = "flow"
    size: str = "natural"
    theme: str = "light"
    language: str = "en"

    def __post_init__(self) -> None:
        known = [box.id for box in self.boxes]
        if len(set(known)) != len(known):
            twice = next(name for name in known if known.count(name) > 1)
            raise DrawingError(f"drawing: two boxes have the id {twice!r}; give each box its own")
        ids = set(known)
        for arrow in self.arrows:
            for end in (arrow.source, arrow.target):
                if end not in ids:
                    raise DrawingError(f"drawing: an arrow names the box {end!r}, which is not there")
        groups = {group.id for group in self.groups}
        for owner in [box.group for box in self.boxes] + [group.parent for group in self.groups]:
            if owner and owner not in groups:
                raise DrawingError(f"drawing: the group {owner!r} is not there")

    def __repr__(self) -> str:
        return f"<Drawing: {len(self.boxes)} boxes, {len(self.arrows)} arrows, {self.arrangement}>"

    @cached_property
    def placed(self) -> Placed:
        """The coordinates, found once."""
        from .layout import layout

        return layout(self)

    def svg(self, text_as_paths: bool = False) -> str:
        """The picture as SVG text; `text_as_paths` for files that go to machines without fonts."""
        from .svg import svg

        return svg(self, text_as_paths)

    def png(self, scale: float = 2.0) -> bytes:
        """The picture as PNG bytes, `scale` pixels per unit of the SVG."""
        from .png import png

        return png(self, scale)

    def pdf(self) -> bytes:
        """The picture as a one-page PDF with its fonts inside; text can be selected."""
        from .pdf import pdf

        return pdf(self)

    def html(self) -> str:
        """One self-contained page: pan, zoom, and the steps on the arrow keys. It makes no network request."""
        from .html import html

        return html(self)

    def tikz(self) -> str:
        r"""The picture as a TikZ environment for LaTeX: it needs `\usepackage{tikz}`."""
        from .tikz import tikz

        return tikz(self)

    def latex(self) -> str:
        """The picture as a LaTeX document that compiles as it is."""
        from .tikz import document

        return document(self)

    def text(self) -> str:
        """The picture as an indented tree for the terminal."""
        from .text import text

        return text(self)

    @property
    def dot(self) -> graphviz.Digraph:
        """The picture as a graphviz object, to change and render with a `dot` program."""
        from .dot import digraph

        return digraph(self)

    def json(self) -> str:
        """The drawing and its coordinates as JSON; `viz/drawing-schema.json` describes it."""
        from .data import to_json

        return to_json(self)

    def with_(self, **changes: Any) -> Drawing:
        """The same drawing with some fields changed: `drawing.with_(theme="dark", size="slide")`."""
        return replace(self, **changes)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the picture; the suffix says how: .svg .png .pdf .html .dot .json .tex (a document) .txt. Never leaves
        half a file."""
        target = Path(path)
        writer = WRITERS.get(target.suffix.lower())
        if writer is None:
            said = repr(target.suffix) if target.suffix else "nothing"
            raise DrawingError(f"cannot save a picture as {said}: the file name must end in one of {' '.join(WRITERS)}")
        content = writer(self)
        data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
        write_atomically(target, data)
        return target

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg(), "text/plain": repr(self)}


WRITERS = {
    ".svg": lambda drawing: drawing.svg(),
    ".png": lambda drawing: drawing.png(),
    ".pdf": lambda drawing: drawing.pdf(),
    ".html": lambda drawing: drawing.html(),
    ".dot": lambda drawing: drawing.dot.source,
    ".json": lambda drawing: drawing.json(),
    ".tex": lambda drawing: drawing.latex(),
    ".txt": lambda drawing: drawing.text(),
}


def write_atomically(target: Path, data: bytes) -> None:
    """Writes beside the target first, then renames: a reader sees the old file or the whole new one."""
    if not target.parent.is_dir():
        raise DrawingError(f"cannot save {target}: the folder {target.parent} is not there")
    try:
        write_whole(target, data)
    except OSError as error:
        raise DrawingError(f"cannot save {target}: {error.strerror or error}") from None
