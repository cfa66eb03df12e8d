"""Looking inside one node: a composite op as its formula in a frame, a loop as its body or step after step.

Everything but the rolled loop is a change of the graph, made before any view sees it; so every view can draw it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches

from ..autograd.errors import UnknownOp
from ..autograd.graph import Graph, order, rebuild, substitute
from ..autograd.naming import names as named
from ..autograd.node import Leaf, Node, current_scope
from ..autograd.op import inside
from ..autograd.ops.control import Layout
from ..autograd.ops.slicing import stack
from .drawing import DrawingError
from .labels_of import several, sign

STEP = "t="  # how the frame of one step is called; a scope whose name begins so is never merged with its neighbors


@dataclass(frozen=True)
class Loop:
    """A loop drawn as one step with a way back: (what is computed, where the next step finds it), and stand-ins."""

    node: Node
    members: tuple[Node, ...]
    returns: tuple[tuple[Node, Node], ...]
    arrives: tuple[tuple[Node, Node], ...]
    stand_in: tuple[tuple[Node, Node], ...]


def opened(y: Node, wishes: Sequence[Node | str], steps: str | int | None = None) -> tuple[Node, list[Node]]:
    """The graph with the wished nodes opened, and the loops among them that stay rolled.

    With `steps` (such as "1..3,T" or 4, counted from 1) loops are unrolled, all of them where none was wished for.
    DrawingError for a name that is not there and for a node that has nothing inside.
    """
    targets = found(y, wishes)
    if steps is not None and not any(body_of(node) for node in targets):
        targets += [node for node in order(y) if body_of(node) is not None]
        if not any(body_of(node) for node in targets):
            raise DrawingError("draw: steps= is for loops (ng.scan), and this graph has none")
    table = named(y)
    rolled = []
    for node in targets:
        title = node.name or table.get(node, "") or sign(node)
        if body_of(node) is None:
            (y,) = substitute([y], {node: _formula(node, title)})
        elif steps is None:
            rolled.append(node)
        else:
            parts = _unrolled(node, chosen(steps, int(node.params["length"])))
            picks = [each for each in order(y) if node in each.inputs]
            (y,) = substitute([y], {each: parts[int(each.params["index"])] for each in picks})
    return y, rolled


def found(y: Node, wishes: Iterable[Node | str]) -> list[Node]:
    """The nodes meant by names: of variables, of ops, or the signs in the picture."""
    nodes, table = order(y), named(y)
    chosen: dict[Node, None] = {}
    for wish in wishes:
        if isinstance(wish, Node):
            chosen[wish] = None
            continue
        fits = [node for node in nodes if wish in (table.get(node), node.name)]
        fits = fits or [node for node in nodes if not node.is_leaf and wish in (node.op.name, sign(node))]
        if not fits:
            known = {table.get(node) or node.name or "" for node in nodes} | {n.op.name for n in nodes if not n.is_leaf}
            near = get_close_matches(wish, known - {""}, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(sorted(known - {''})[:12])}"
            raise DrawingError(f"draw: there is no node {wish!r} in this graph{hint}")
        chosen |= dict.fromkeys(fits)
    return list(chosen)


def body_of(node: Node) -> Graph | None:
    """The graph a node runs again and again; None for an ordinary node."""
    return next((value for value in node.params.values() if isinstance(value, Graph)), None) if several(node) else None


def chosen(steps: str | int, length: int) -> list[int]:
    """Which steps are shown, counted from 0.

    >>> chosen("1..2,T", 9), chosen(3, 9)
    ([0, 1, 8], [0, 1, 2])
    """
    if isinstance(steps, int):
        steps = f"1..{steps}"
    picked: set[int] = set()
    for part in str(steps).replace(" ", "").split(","):
        match = re.fullmatch(r"(\d+|T)(?:\.\.(\d+|T))?", part)
        ends = [length if end == "T" else int(end) for end in match.groups() if end] if match else []
        if not ends or not all(end >= 1 for end in ends):
            raise DrawingError(f'draw: steps are written as "1..3,T" (T is the last); this is {steps!r}')
        picked |= set(range(ends[0] - 1, min(ends[-1], length)))
    return sorted(picked)


@contextmanager
def _scope(path: str) -> Iterator[None]:
    token = current_scope.set(path)
    try:
        yield
    finally:
        current_scope.reset(token)


def _formula(node: Node, title: str) -> Node:
    """What a composite op stands for, over the same operands, in a frame of its own."""
    if node.is_leaf:
        raise DrawingError(f"draw: {title} is given, not computed, so there is nothing inside")
    try:
        with _scope("/".join(filter(None, (node.scope, title)))):
            graph = inside(node.op, node.inputs, node.params)
    except UnknownOp:
        raise DrawingError(f"draw: {title} is not made of simpler ops, so there is nothing inside to show") from None
    (whole,) = substitute(graph.outputs, dict(zip(graph.inputs, node.inputs, strict=True)))
    if whole not in node.inputs:
        whole._name = title
    return whole


def _again(outputs: Sequence[Node], image: dict[Node, Node], scope: str) -> list[Node]:
    """The outputs on other inputs, every node of the copy in the frame `scope`."""
    for node in order(outputs):
        if node not in image:
            inputs = tuple(image.get(source, source) for source in node.inputs)
            image[node] = node if inputs == node.inputs else rebuild(node, inputs)
            if image[node] is not node:
                image[node].scope = "/".join(filter(None, (scope, node.scope)))
    return [image[output] for output in outputs]


def _unrolled(node: Node, shown: Sequence[int]) -> list[Node]:
    """Every result of a loop, each shown step in a frame `t=3`, what lies between in one frame `t=4…8`."""
    body, form = body_of(node), Layout(*node.params["layout"])
    assert body is not None
    length, changing = int(node.params["length"]), form.carries + form.elements
    split = form.carries + form.stacked
    state = list(node.inputs[: form.carries])
    rows: dict[int, list[Node]] = {}
    sums: list[Node | None] = [None] * (len(body.outputs) - split)
    for step in reversed(range(length)) if node.params["reverse"] else range(length):
        scope = "/".join(filter(None, (node.scope, _step_title(step, shown, length))))
        pieces = []
        for hole, given in zip(body.inputs[form.carries : changing], node.inputs[form.carries : changing], strict=True):
            with _scope(scope if step not in shown else node.scope):
                piece = given[step]
            piece._name = f"{(hole._name or 'x').removesuffix('s')}{step + 1}"
            pieces.append(piece)
        image = dict(zip(body.inputs, [*state, *pieces, *node.inputs[changing:]], strict=True))
        outputs = _again(body.outputs, image, scope)
        state, rows[step] = outputs[: form.carries], outputs[form.carries : split]
        sums = [more if total is None else total + more for total, more in zip(sums, outputs[split:], strict=True)]
    stacked = [stack([rows[step][at] for step in range(length)]) for at in range(form.stacked)] if rows else []
    return [*state, *stacked, *[total for total in sums if total is not None]]


def _step_title(step: int, shown: Sequence[int], length: int) -> str:
    if step in shown:
        return f"{STEP}{step + 1}"
    first = max([each + 1 for each in shown if each < step], default=0)
    last = min([each - 1 for each in shown if each > step], default=length - 1)
    return f"{STEP}{first + 1}" if first == last else f"{STEP}{first + 1}…{last + 1}"


def rolled(node: Node, y: Node) -> Loop:
    """A loop as one step: places for what changes, and the way back from what is computed to where the next step reads."""
    body, form = body_of(node), Layout(*node.params["layout"])
    assert body is not None
    scope = "/".join(filter(None, (node.scope, f"{sign(node)} ×{int(node.params['length'])}")))
    changing = form.carries + form.elements
    image: dict[Node, Node] = {}
    places = []
    for at, hole in enumerate(body.inputs):
        if at >= changing:
            image[hole] = node.inputs[at]
            continue
        said = body.outputs[at].name if at < form.carries else hole._name
        name = f"{said or hole._name}(t)" if at >= form.carries else f"{said or hole._name}(t−1)"
        place = Leaf("state" if at < form.carries else "input", name, None, hole.shape, hole.dtype)
        place.scope = scope
        image[hole] = place
        places.append(place)
    outputs = _again(body.outputs, image, scope)
    kept = set(order([output for output in outputs if output not in places])) | set(places)
    known = set(order(y))
    members = tuple(sorted(kept - known, key=lambda each: each.serial))
    picks = [each for each in known if node in each.inputs]
    return Loop(
        node,
        members,
        tuple((outputs[at], places[at]) for at in range(form.carries)),
        tuple((node.inputs[at], place) for at, place in enumerate(places)),
        tuple((each, outputs[int(each.params["index"])]) for each in picks),
    )
