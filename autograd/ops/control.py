"""Loops: one body, applied step after step, with a carry that goes from each step to the next.

A scan is one node however long it runs. Its value is several arrays: the last carries, then what the steps put out
stacked along a new first axis, then sums over the steps (which only gradients use: the gradient of a weight is added up
inside the loop). `part` picks one of them. Its gradient is a scan in the other direction, whose body runs the step once
more and then backwards; the carries that the step began with are kept for it among the stacked outputs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ..errors import DtypeError, GradientError, ParameterError, ShapeError
from ..graph import Graph, order, rebuild
from ..leaves import as_node, constant
from ..node import Leaf, Node, abilities, describe
from ..notation import call
from ..op import CONTROL, REQUIRED, structural
from .linear import broadcast
from .shape import whole
from .slicing import stack

__all__ = ["part", "scan", "unroll"]


@dataclass(frozen=True, eq=False)
class Part:
    """What is sent to one part of a node that holds several values."""

    index: int
    gradient: Node


@dataclass(frozen=True)
class Layout:
    """How the inputs and outputs of a body are divided.

    Inputs: `carries`, then `elements` that change with the step, then what stays the same. Outputs: the next carries,
    then `stacked` ones, of which the last `carries` are the carries the step began with, then sums.
    """

    carries: int
    elements: int
    stacked: int

    def kept(self, carry: int) -> int:
        """The output that holds what a carry was before each step."""
        return self.stacked + carry


# The two ops ----------------------------------------------------------------------------------------------------------
def _shapes(*inputs: Node, body: Graph, layout: list[int], length: int, reverse: bool) -> list[tuple[int, ...]]:
    form = Layout(*layout)
    for at, (given, hole) in enumerate(zip(inputs, body.inputs, strict=True)):
        wanted = (length, *hole.shape) if form.carries <= at < form.carries + form.elements else hole.shape
        if given.shape != wanted:
            raise ShapeError(f"{describe(given)} goes into a loop that was built for shape {tuple(map(int, wanted))}")
    stacked = range(form.carries, form.carries + form.stacked)
    return [(length, *output.shape) if at in stacked else output.shape for at, output in enumerate(body.outputs)]


_programs: WeakKeyDictionary[Graph, Any] = WeakKeyDictionary()
"""The body of each loop, ready to run."""


def _run(*values: Any, body: Graph, layout: list[int], length: int, reverse: bool) -> tuple[Any, ...]:
    form, length = Layout(*layout), int(length)
    if body not in _programs:
        _programs[body] = abilities["program"](body)
    program = _programs[body]
    memory: list[Any] = [None] * program.count
    for slot, leaf in program.fixed:
        memory[slot] = leaf.value
    changing = form.carries + form.elements
    for slot, at in program.given:
        memory[slot] = values[at]
    carry_slots = [(slot, at) for slot, at in program.given if at < form.carries]
    element_slots = [(slot, at) for slot, at in program.given if form.carries <= at < changing]
    split = form.carries + form.stacked
    next_slots, row_slots, sum_slots = (
        program.results[: form.carries],
        program.results[form.carries : split],
        program.results[split:],
    )
    rows = [np.empty((length, *map(int, output.shape)), output.dtype) for output in body.outputs[form.carries : split]]
    sums = [np.zeros([int(size) for size in output.shape], output.dtype) for output in body.outputs[split:]]
    state = list(values[: form.carries])
    for step in reversed(range(length)) if reverse else range(length):
        for slot, at in carry_slots:
            memory[slot] = state[at]
        for slot, at in element_slots:
            memory[slot] = values[at][step]
        program.run(memory)
        for row, slot in zip(rows, row_slots):
            row[step] = memory[slot]
        for total, slot in zip(sums, sum_slots):
            np.add(total, memory[slot], out=total)
        state = [memory[slot] for slot in next_slots]
    return (*state, *rows, *sums)


def _scan_gradient(
    g: Mapping[int, Node], node: Node, *inputs: Node, body: Graph, layout: list[int], length: int, reverse: bool
) -> list[Any]:
    form = Layout(*layout)
    split = form.carries + form.stacked
    if any(body.outputs[form.kept(at)] is not body.inputs[at] for at in range(form.carries)):
        raise GradientError(
            "scan: this loop was made ready to run and no longer keeps the carries that its gradient goes back through;"
            " differentiate the graph it was made from"
        )
    holes = [_hole(hole) for hole in body.inputs]
    outputs = _applied(body, holes)
    moving = [at for at in range(form.carries) if holes[at].dtype.kind == "f"]
    deltas = [_hole(holes[at]) for at in moving]
    ends, seeds = [outputs[at] for at in moving], list(deltas)
    rows: list[tuple[Node, Node]] = []
    fixed: list[tuple[Node, Node]] = []
    for at, arriving in g.items():
        if at >= form.carries:
            seed = _leaf(None, arriving.shape[1:] if at < split else arriving.shape, arriving.dtype)
            (rows if at < split else fixed).append((seed, arriving))
            ends.append(outputs[at])
            seeds.append(seed)
    floats = [hole for hole in holes if hole.dtype.kind == "f"]
    sent = dict(zip(floats, abilities["pullback"](ends, seeds, floats))) if ends else {}

    changing = form.carries + form.elements
    to_elements = [at for at in range(form.carries, changing) if sent.get(holes[at]) is not None]
    to_fixed = [at for at in range(changing, len(holes)) if sent.get(holes[at]) is not None]
    back = _node(
        carries=[(delta, g[at] if at in g else _zeros(holes[at])) for at, delta in zip(moving, deltas)],
        elements=[
            (hole, part(node, index=form.kept(at)) if at < form.carries else inputs[at])
            for at, hole in enumerate(holes[:changing])
        ]
        + rows,
        fixed=list(zip(holes[changing:], inputs[changing:])) + fixed,
        nexts=[_zeros(holes[at]) if sent[holes[at]] is None else sent[holes[at]] for at in moving],
        stacked=[sent[holes[at]] for at in to_elements],
        sums=[sent[holes[at]] for at in to_fixed],
        length=length,
        reverse=not reverse,
    )
    first_sum = len(moving) + len(to_elements) + len(moving)
    place = {at: position for position, at in enumerate(moving)}
    place |= {at: len(moving) + position for position, at in enumerate(to_elements)}
    place |= {at: first_sum + position for position, at in enumerate(to_fixed)}
    return [part(back, index=place[at]) if at in place else None for at in range(len(inputs))]


_scan = structural(
    "scan", _run, _shapes, inputs=("inputs",), variadic=True, kind=CONTROL, kernel="scan", gradient=_scan_gradient,
    # `layout` is a list, not a tuple: params that cannot be hashed keep no body alive in the cache of shapes.
    params={"body": REQUIRED, "layout": REQUIRED, "length": REQUIRED, "reverse": False},
    dtype=lambda *inputs, **params: np.dtype(object), notation=call("scan"), symbol="↻", letter="s",
    words="apply one step {length} times, each time to what the last one carried on",
    why="the steps are undone in reverse order: each hands its carry's gradient to the step before, and what all steps"
    " share receives the sum over the steps",
    pitfalls=("the carry keeps its shape and dtype from step to step",
              "what does not depend on the carry or the element is computed once, outside the loop; random numbers in"
              " the step need a step that is counted in the carry"),
    example=[],
)  # fmt: skip

part = structural(
    "part", lambda x, index: x[index], lambda x, index: x.shape[index], inputs=("x",), params={"index": REQUIRED},
    kind=CONTROL,
    dtype=lambda x, index: x.params["body"].outputs[index].dtype, notation=call("part"),
    words="result number {index} of {x}",
    why="a part is handed on unchanged, so its gradient is handed back to that part alone",
    gradient=lambda g, y, x, index: (Part(index, g) if g.dtype.kind == "f" else None,),
    example=[],
)  # fmt: skip


# Building one ---------------------------------------------------------------------------------------------------------
def _leaf(name: str | None, shape: tuple[int, ...], dtype: np.dtype) -> Leaf:
    return Leaf("input", name, None, shape, dtype)


def _hole(node: Node) -> Leaf:
    """A placeholder like another one."""
    return _leaf(node._name, node.shape, node.dtype)


def _zeros(node: Node) -> Node:
    zero = constant(np.zeros((), node.dtype))
    return broadcast(zero, shape=node.shape) if node.shape else zero


def _applied(body: Graph, inputs: Sequence[Node]) -> list[Node]:
    """The outputs of a body on other inputs."""
    image: dict[Node, Node] = dict(zip(body.inputs, inputs))
    for node in order(body.outputs):
        if node not in image:
            sources = tuple(image.get(source, source) for source in node.inputs)
            image[node] = node if sources == node.inputs else rebuild(node, sources)
    return [image[output] for output in body.outputs]


def _node(
    *, carries: list[tuple[Node, Node]], elements: list[tuple[Node, Node]], fixed: list[tuple[Node, Node]],
    nexts: list[Node], stacked: list[Node],
    sums: list[Node], length: int, reverse: bool,
) -> Node:  # fmt: skip
    """The scan node from pairs (placeholder, what goes in) and the outputs of the body; what the body does not use is
    left out."""
    before = [hole for hole, _ in carries]
    outputs = (*nexts, *stacked, *before, *sums)
    used = set(order(outputs))
    elements = [pair for pair in elements if pair[0] in used]
    pairs = [*carries, *elements, *[pair for pair in fixed if pair[0] in used]]
    return _scan.apply(
        tuple(given for _, given in pairs),
        {
            "body": Graph(tuple(hole for hole, _ in pairs), outputs),
            "layout": [len(carries), len(elements), len(stacked) + len(carries)],
            "length": length,
            "reverse": reverse,
        },
    )


def _closed(outputs: list[Node], holes: Sequence[Node]) -> tuple[list[Node], list[tuple[Node, Node]]]:
    """The outputs with every outer node replaced by a placeholder, and the pairs (placeholder, outer node).

    What does not depend on a placeholder stays outside and is computed once; constants are simply used.
    """
    inside = set(holes)
    image: dict[Node, Node] = {}
    captured: list[tuple[Node, Node]] = []

    def taken(source: Node) -> Node:
        if source in inside or (isinstance(source, Leaf) and source.role == "constant"):
            return image.get(source, source)
        if source not in image:
            image[source] = _hole(source)
            captured.append((image[source], source))
        return image[source]

    for node in order(outputs):
        if node not in inside and any(source in inside for source in node.inputs):
            inside.add(node)
            sources = tuple(taken(source) for source in node.inputs)
            if sources != node.inputs:
                image[node] = rebuild(node, sources)
    return [taken(output) for output in outputs], captured


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """The last carry and the outputs of all steps, stacked along a new first axis: a loop as one node.

    `f(carry, x)` gives (next carry, y); it is called once, to record one step. `init` is the first carry; `xs` (T, …)
    is cut along its first axis, one piece for each step, and may be left out when `length` says how many steps there
    are. carry, xs and y may be nested tuples or lists of nodes, or None. `reverse` runs from the last piece to the
    first; outputs keep their place. ShapeError or DtypeError when the carry changes its shape or dtype.

    >>> import nngraph as ng
    >>> last, sums = ng.scan(lambda total, x: (total + x, total + x), 0.0, ng.input("x", [1.0, 2.0, 3.0]))
    >>> float(last.value), sums.value.tolist()
    (6.0, [1.0, 3.0, 6.0])
    """
    carry_form, starts = _flattened(init)
    element_form, pieces = _flattened(xs)
    length = _length(pieces, length)
    names = _argument_names(f)
    carries = [_leaf(start._name or names[0], start.shape, start.dtype) for start in starts]
    elements = [_leaf(piece._name or names[1], piece.shape[1:], piece.dtype) for piece in pieces]
    result = f(_nested(carry_form, carries), _nested(element_form, elements))
    if not isinstance(result, tuple) or len(result) != 2:
        raise ParameterError(f"scan: f must give a pair (next carry, y); it gave {result!r}")
    next_form, nexts = _flattened(result[0])
    _same_carry(carry_form, next_form, starts, nexts)
    output_form, stacked = _flattened(result[1])
    closed, captured = _closed([*nexts, *stacked], [*carries, *elements])
    node = _node(
        carries=list(zip(carries, starts)), elements=list(zip(elements, pieces)), fixed=captured,
        nexts=closed[: len(nexts)], stacked=closed[len(nexts) :], sums=[], length=length, reverse=bool(reverse),
    )  # fmt: skip
    parts = [part(node, index=at) for at in range(len(closed))]
    return _nested(carry_form, parts[: len(nexts)]), _nested(output_form, parts[len(nexts) :])


def unroll(node: Node) -> list[Node]:
    """Every result of a scan node as plain nodes, step after step: what the loop stands for, in the order of its parts.

    >>> import nngraph as ng
    >>> last, _ = ng.scan(lambda total, x: (total + x, None), 0.0, ng.input("x", [1.0, 2.0, 3.0]))
    >>> float(ng.unroll(last.inputs[0])[0].value)
    6.0
    """
    if node.op is not _scan:
        raise ParameterError(
            f"{describe(node)} is not a scan; unroll the node that ng.scan's results are parts of, result.inputs[0]"
        )
    body, form = node.params["body"], Layout(*node.params["layout"])
    steps = range(int(node.params["length"]))
    changing, split = form.carries + form.elements, form.carries + form.stacked
    state = list(node.inputs[: form.carries])
    rows: dict[int, list[Node]] = {}
    sums = [_zeros(output) for output in body.outputs[split:]]
    for step in reversed(steps) if node.params["reverse"] else steps:
        pieces = [given[step] for given in node.inputs[form.carries : changing]]
        outputs = _applied(body, [*state, *pieces, *node.inputs[changing:]])
        state, rows[step] = outputs[: form.carries], outputs[form.carries : split]
        sums = [total + more for total, more in zip(sums, outputs[split:])]
    if not rows:
        empty = [
            _zeros(_leaf(None, shape, output.dtype))
            for shape, output in zip(node.shape[form.carries : split], body.outputs[form.carries : split])
        ]
        return [*state, *empty, *sums]
    return [*state, *[stack([rows[step][at] for step in steps]) for at in range(form.stacked)], *sums]


# What the user wrote --------------------------------------------------------------------------------------------------
def _flattened(value: Any) -> tuple[Any, list[Node]]:
    """The nodes in nested tuples and lists, and the nesting with None where each stood. A list of plain numbers is an
    array."""
    if value is None:
        return None, []
    structure = isinstance(value, tuple) or (
        isinstance(value, list) and any(isinstance(each, (Node, tuple, np.ndarray, type(None))) for each in value)
    )
    if not structure:
        return _HERE, [as_node(value)]
    forms, nodes = [], []
    for each in value:
        form, more = _flattened(each)
        forms.append(form)
        nodes += more
    return type(value)(*forms) if hasattr(value, "_fields") else type(value)(forms), nodes


_HERE = "node"


def _nested(form: Any, nodes: Sequence[Node]) -> Any:
    """Nodes put back into the nesting they came from."""
    return _placed(form, iter(nodes))


def _placed(form: Any, rest: Iterator[Node]) -> Any:
    if form is None:
        return None
    if form is _HERE:
        return next(rest)
    inner = [_placed(each, rest) for each in form]
    return type(form)(*inner) if hasattr(form, "_fields") else type(form)(inner)


def _length(pieces: Sequence[Node], length: int | None) -> int:
    for piece in pieces:
        if not piece.shape:
            raise ShapeError(
                f"scan: {describe(piece)} is a single number; xs are cut along their first axis, one piece for each"
                " step"
            )
        if length is not None and piece.shape[0] != length:
            raise ShapeError(f"scan: {describe(piece)} has {int(piece.shape[0])} pieces for {int(length)} steps")
        length = piece.shape[0]
    if length is None:
        raise ParameterError("scan: give xs, or length=… to say how many steps there are")
    if (length := whole(length, "scan: length")) < 0:
        raise ParameterError(f"scan: length={length} is negative")
    return length


def _same_carry(first: Any, later: Any, starts: Sequence[Node], nexts: Sequence[Node]) -> None:
    if first != later:
        raise ParameterError(
            f"scan: f gives back a carry of {len(nexts)} nodes nested otherwise than init, which has {len(starts)}"
        )
    for start, later_one in zip(starts, nexts):
        if start.shape != later_one.shape:
            raise ShapeError(
                f"scan: a carry keeps its shape; it starts as {tuple(map(int, start.shape))} and f gives"
                f" {tuple(map(int, later_one.shape))}"
            )
        if start.dtype != later_one.dtype:
            raise DtypeError(
                f"scan: a carry keeps its dtype; it starts as {start.dtype} and f gives {later_one.dtype}; start from"
                f" ng.cast(init, '{later_one.dtype}')"
                + (", or from 0.0 instead of 0" if start.dtype.kind in "iu" else "")
            )


def _argument_names(f: Callable[..., Any]) -> tuple[str, str]:
    """What f calls its carry and its element: the names of the placeholders."""
    try:
        names = list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        names = []
    return (*names[:2], "carry", "x")[0], (*names[1:2], "x")[0]
