"""`ng.draw`: a graph and a few wishes in, a Drawing out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..autograd.graph import order
from ..autograd.language import N_, current_language, known_language, translate
from ..autograd.node import Node, describe
from ..autograd.of_network import Network, chosen, graph_of
from ..autograd.profile import Profile
from ..autograd.report import PlanReport
from . import only, opened
from .drawing import Drawing, DrawingError
from .plan_folds import PlanFold, plan_fold, readable
from .plans import plan_drawing
from .themes import THEMES

if TYPE_CHECKING:
    from ..autograd.executable import Executable
    from ..autograd.kernel_views import Kernels
    from .fold import Fold

VIEWS = ("forward", "backward", "both", "mirror", "values", "neurons")
SIZES = ("natural", "slide", "a4")
LARGE = 120  # boxes; a drawing with more is laid out at once, to see whether it can be in time


def draw(
    y: Node | Network | Executable | PlanReport | Profile | Kernels,
    view: str = "mirror",
    wrt: Sequence[Node | str] | Node | str | None = None,
    fold: Fold = None,
    theme: str = "light",
    language: str | None = None,
    size: str = "natural",
    title: str = "",
    highlight: Sequence[Node] | Node | None = None,
    open: Sequence[Node | str] | Node | str = (),
    steps: str | int | None = None,
    between: tuple[Node | str, Node | str] | None = None,
    hide: Sequence[str] | str = (),
    show: Sequence[str] | str = (),
    data: Any = None,
    loss: Callable[..., Node] | None = None,
) -> Drawing:
    """The picture of a node and all it depends on, as a Drawing: `.save("y.svg")`, `.svg()`, `.png()`, or its own
    display in Jupyter.

    `view` is forward, backward, mirror (forward above, backward below, a box per local derivative), both (the mirror
    with every operation of the gradient as a box), values (numbers on every node) or neurons (layers of circles). `wrt` are the nodes whose gradients are shown, by default the parameters. `fold` is None (so
    far that
    about 60 boxes are left), False (nothing), a depth of scopes, a pattern such as "encoder/*", or a function of a
    scope name.
    `highlight` marks every path from these nodes to the output, and where the backward pass is drawn, the way of their
    gradient back; all else turns pale.

    `open` shows the inside of nodes (or of what has such a name): a composite op becomes its formula in a frame, a loop
    its body; `steps` ("1..3,T", or 4) unrolls loops. `between` leaves what lies on a way from one node to another.
    A compiled step, its plan, or a profile of that (which adds the times) is drawn as its instructions in running
    order. `fold` is then 0 (a box for each phase: forward, backward, update), 1 (for each layer of a phase), 2 (what
    only moves numbers goes into its reader), None (as coarse as can be read at this size) or False (every instruction
    apart).
    Of `ng.kernels(…)` it is how threads and blocks lie over arrays.
    `hide` takes const, input, parameter, saved, shapes, values, legend; `show` takes saved (every value kept for the backward
    pass) and bytes (how much memory those take). DrawingError for a wish it does not know.

    Of a network it is the picture of what comes out for `data`, X or a shape such as (8, 64), or of `loss(net(X), t)` for
    `data=(X, t)`; `wrt` may then name parameters by path: `ng.draw(net, data=((8, 64), (8, 10)), loss=ng.softmax_loss)`.

    >>> import nngraph as ng
    >>> w, x = ng.parameter("w", 2.0), ng.input("x", 3.0)
    >>> draw(ng.square(w * x - 5.0), view="values")
    <Drawing: 6 boxes, 5 arrows, flow>
    """
    from ..autograd.kernel_views import Kernels
    from . import neurons, views
    from .threads import threads_drawing

    _known("view", view, VIEWS)
    _known("theme", theme, tuple(THEMES))
    _known("size", size, SIZES)
    language = current_language() if language is None else known_language(language)
    if isinstance(y, Kernels):
        return threads_drawing(y, theme, language, size, title)
    hidden = only.words(hide, only.HIDE, "hide")
    if (found := _planned(y)) is not None:
        plan, times = found
        if any(wish is not None and wish != () and wish != [] for wish in (wrt, highlight, steps, between, open, show)):
            raise DrawingError(
                "draw: of a plan nothing can be opened, highlighted or differentiated; draw the graph for that"
            )

        def planned(f: PlanFold) -> Drawing:
            drawing = plan_drawing(plan, f, language, times)
            return (only.without(drawing, hidden) if hidden else drawing).with_(theme=theme, size=size, title=title)

        return readable(planned, plan_fold(fold), language)
    if not isinstance(y, Node):
        wrt, y = chosen(y, wrt), graph_of(y, data, loss)
    elif data is not None or loss is not None:
        raise DrawingError(f"draw: data= and loss= belong to a network; {describe(y)} is a node, which has its own")
    if fold == "none":
        fold = False
    if isinstance(fold, str) and fold.isdigit():
        fold = int(fold)
    wanted = None if wrt is None else [wrt] if not isinstance(wrt, Sequence) else list(wrt)
    marked = [] if highlight is None else [highlight] if not isinstance(highlight, Sequence) else list(highlight)
    shown = only.words(show, only.SHOW, "show")
    loops: list[Node] = []
    if open or steps is not None:
        wishes = [open] if isinstance(open, (str, Node)) else list(open)
        y, loops = opened.opened(y, wishes, steps)
        if steps is not None and fold is None:
            fold = _one_box_per_step
        if loops and view != "forward":
            raise DrawingError('draw: the body of a loop is drawn with view="forward"; steps="1..3" unrolls it in any view')
    _in_graph(y, marked)
    every = "saved" in shown
    makers: dict[str, Callable[[Fold], Drawing]] = {
        "forward": lambda f: views.forward(y, f, language, loops=loops, marked=marked),
        "backward": lambda f: views.backward(y, wanted, f, language, marked=marked),
        "both": lambda f: views.both(y, wanted, f, language, marked=marked),
        "mirror": lambda f: views.mirror(y, wanted, f, language, every_saved=every, marked=marked),
        "values": lambda f: views.values(y, wanted, f, language, marked=marked),
        "neurons": lambda f: neurons.neurons(y, marked, language, "values" not in hidden),
    }

    def make(f: Fold) -> Drawing:
        drawing = makers[view](f)
        if between is not None and view != "neurons":
            first, last = (_box_of(drawing, y, end) for end in between)
            drawing = only.between(drawing, first, last)
        if "bytes" in shown:
            drawing = only.with_bytes(drawing)
        if hidden:
            drawing = only.without(drawing, hidden)
        return drawing.with_(theme=theme, size=size, title=title)

    drawing = make(fold)
    if len(drawing.boxes) > LARGE and view != "neurons":
        drawing = _in_time(drawing, make, language)
    return drawing


def _planned(y: Any) -> tuple[PlanReport, Mapping[str, float]] | None:
    """The plan that is meant, and the times of its instructions where they were measured; None for a node."""
    from ..autograd.executable import Executable

    if isinstance(y, Profile):
        return y.plan, y.seconds
    if isinstance(y, Executable):
        return y.plan, {}
    if isinstance(y, PlanReport):
        return y, {}
    if not isinstance(y, (Node, Network)):
        raise DrawingError(f"draw: {type(y).__name__} is no node, network, compiled step, plan or profile")
    return None


def _in_graph(y: Node, marked: Sequence[Node]) -> None:
    members = set(order(y)) if marked else set()
    for node in marked:
        if node not in members:
            raise DrawingError(f"draw: highlight={node.name or node!r} is not part of this graph, so no path leads from it")


def _one_box_per_step(scope: str) -> bool:
    return scope.rpartition("/")[2].startswith(opened.STEP)


def _box_of(drawing: Drawing, y: Node, wish: Node | str) -> str:
    """The id of the box a node is drawn in."""
    (node, *_) = opened.found(y, [wish])
    ids = {box.id for box in drawing.boxes}
    parts = node.scope.split("/")
    names = [f"n{node.serial}", *(f"m:{'/'.join(parts[:k])}" for k in range(len(parts), 0, -1))]
    chosen = next((name for name in names if name in ids), None)
    if chosen is None:
        raise DrawingError(f"draw: {wish!r} is folded away in this picture; fold=False shows all")
    return chosen


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
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise DrawingError(f"draw: no {what} {word!r}{hint} There are {', '.join(words)}.")
