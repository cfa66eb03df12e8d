"""`ng.draw`: a graph and a few wishes in, a Drawing out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..autograd.language import N_, current_language, known_language, translate
from .drawing import Drawing, DrawingError
from .themes import THEMES

if TYPE_CHECKING:
    from ..autograd.node import Node
    from .fold import Fold

VIEWS = ("forward", "backward", "both", "mirror", "values", "neurons")
SIZES = ("natural", "slide", "a4")
LARGE = 120  # boxes; a drawing with more is laid out at once, to see whether it can be in time


def draw(
    y: Node,
    view: str = "mirror",
    wrt: Sequence[Node] | Node | None = None,
    fold: Fold = None,
    theme: str = "light",
    language: str | None = None,
    size: str = "natural",
    title: str = "",
    highlight: Sequence[Node] | Node | None = None,
) -> Drawing:
    """The picture of a node and all it depends on, as a Drawing: `.save("y.svg")`, `.svg()`, `.png()`, or its own
    display in Jupyter.

    `view` is forward, backward, both, mirror (forward above, backward below), values (numbers on every node) or neurons
    (layers of circles). `wrt` are the nodes whose gradients are shown, by default the parameters. `fold` is None (so
    far that
    about 60 boxes are left), False (nothing), a depth of scopes, a pattern such as "encoder/*", or a function of a
    scope name.
    `highlight` marks the paths from these weights to the output, in the neurons view. DrawingError for a wish it does
    not know.

    >>> import nngraph as ng
    >>> w, x = ng.parameter("w", 2.0), ng.input("x", 3.0)
    >>> draw(ng.square(w * x - 5.0), view="values")
    <Drawing: 6 boxes, 5 arrows, flow>
    """
    from . import neurons, views

    _known("view", view, VIEWS)
    _known("theme", theme, tuple(THEMES))
    _known("size", size, SIZES)
    language = current_language() if language is None else known_language(language)
    if fold == "none":
        fold = False
    if isinstance(fold, str) and fold.isdigit():
        fold = int(fold)
    wanted = None if wrt is None else [wrt] if not isinstance(wrt, Sequence) else list(wrt)
    marked = [] if highlight is None else [highlight] if not isinstance(highlight, Sequence) else list(highlight)
    makers: dict[str, Callable[[Fold], Drawing]] = {
        "forward": lambda f: views.forward(y, f, language),
        "backward": lambda f: views.backward(y, wanted, f, language),
        "both": lambda f: views.both(y, wanted, f, language),
        "mirror": lambda f: views.mirror(y, wanted, f, language),
        "values": lambda f: views.values(y, wanted, f, language),
        "neurons": lambda f: neurons.neurons(y, marked, language),
    }
    drawing = makers[view](fold).with_(theme=theme, size=size, title=title)
    if len(drawing.boxes) > LARGE and view != "neurons":
        drawing = _in_time(drawing, lambda f: makers[view](f).with_(theme=theme, size=size, title=title), language)
    return drawing


def _in_time(drawing: Drawing, again: Callable[[Fold], Drawing], language: str) -> Drawing:
    """The drawing if it can be laid out in time, else a coarser one with a word about it."""
    from .layout import SECONDS

    if drawing.placed.engine != "columns":
        return drawing
    for fold in (2, 1, 0, None):
        coarser = again(fold)
        if len(coarser.boxes) < len(drawing.boxes) and coarser.placed.engine != "columns":
            word = translate(
                N_("The layout of {boxes} boxes took longer than {seconds} seconds; this is a coarser view."),
                language,
                boxes=len(drawing.boxes),
                seconds=f"{SECONDS:g}",
            )
            return coarser.with_(notes=(*coarser.notes, word))
    return drawing


def _known(what: str, word: str, words: tuple[str, ...]) -> None:
    if word not in words:
        from difflib import get_close_matches

        near = get_close_matches(str(word), words, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise DrawingError(f"draw: no {what} {word!r}{hint} There are {', '.join(words)}.")
