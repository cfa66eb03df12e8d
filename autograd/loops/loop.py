"""Scans taken apart so that rules can change them, and put together again.

A graph with scans becomes a region: its outputs, in which every part of a scan that somebody reads is a port (a leaf
that stands for it), and one Loop for each scan, whose inputs are nodes of the region. Between loops there are only
ports, so a rule may give a loop more outputs, fewer inputs or another body without touching what reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..graph import Graph, order, rebuild, substitute
from ..node import Leaf, Node
from ..op import lookup
from ..ops.control import Layout, part

SCAN = lookup("scan")


@dataclass(eq=False)
class Loop:
    """One scan. `starts`, `elements` and `fixed` say what goes in for each placeholder of the body: first carries,
    values with one entry per step in front, and what stays the same. `nexts` is what each carry becomes.

    What comes out, by port: `lasts` the carry whose last value it is, `rows` the value that is stacked, `sums` the
    value that is added up.
    """

    source: Node
    length: int
    reverse: bool
    starts: dict[Leaf, Node]
    nexts: dict[Leaf, Node]
    elements: dict[Leaf, Node]
    fixed: dict[Leaf, Node]
    lasts: dict[Leaf, Leaf] = field(default_factory=dict)
    rows: dict[Leaf, Node] = field(default_factory=dict)
    sums: dict[Leaf, Node] = field(default_factory=dict)

    @property
    def given(self) -> list[Node]:
        """Everything that goes in, nodes of the region."""
        return [*self.starts.values(), *self.elements.values(), *self.fixed.values()]

    @property
    def results(self) -> list[Node]:
        """Everything that the body computes, its own nodes."""
        return [*self.nexts.values(), *self.rows.values(), *self.sums.values()]

    def with_results(self, results: Sequence[Node]) -> None:
        """Put other nodes in the place of `results`, in the same order."""
        rest = iter(results)
        for table in (self.nexts, self.rows, self.sums):
            for key in table:
                table[key] = next(rest)

    def substitute(self, replacements: Mapping[Node, Node]) -> None:
        """Replace nodes of the body."""
        self.with_results(substitute(self.results, replacements))

    def row(self, value: Node) -> Leaf:
        """The port where a value of the body is stacked; a new one when it is not stacked yet."""
        for port, stacked in self.rows.items():
            if stacked is value:
                return port
        port = stacked_leaf(value, self.length)
        self.rows[port] = value
        return port

    def element(self, given: Node, like: Node) -> Leaf:
        """A new placeholder, shaped like `like`, for one step's piece of `given`."""
        hole = placeholder(like)
        self.elements[hole] = given
        return hole

    def constant(self, given: Node) -> Leaf:
        """A new placeholder for what is the same in every step."""
        hole = placeholder(given)
        self.fixed[hole] = given
        return hole


def placeholder(like: Node) -> Leaf:
    """A leaf that stands for a node of this shape and dtype."""
    return Leaf("input", like._name, None, like.shape, like.dtype)


def stacked_leaf(value: Node, length: int) -> Leaf:
    """A leaf that stands for a value of the body, stacked over all steps."""
    return Leaf("input", value._name, None, (length, *value.shape), value.dtype)


@dataclass(eq=False)
class Region:
    """Outputs over ports, and the loops that the ports belong to, each after those that it reads."""

    outputs: list[Node]
    loops: list[Loop]

    def change(self, function: Callable[[list[Node]], Sequence[Node]]) -> None:
        """Put `function(nodes)` in the place of every node that stands outside the bodies."""
        nodes = [*self.outputs, *(node for loop in self.loops for node in loop.given)]
        rest = iter(function(nodes))
        self.outputs = [next(rest) for _ in self.outputs]
        for loop in self.loops:
            for table in (loop.starts, loop.elements, loop.fixed):
                for key in table:
                    table[key] = next(rest)

    def substitute(self, replacements: Mapping[Node, Node]) -> None:
        """Replace nodes outside the bodies."""
        if replacements:
            self.change(lambda nodes: substitute(nodes, replacements))


def take_apart(outputs: Sequence[Node]) -> Region:
    """The region of a graph. A scan that is asked for as a whole, not by its parts, stays a node."""
    nodes = order(outputs)
    whole = set(outputs)
    for node in nodes:
        if node.op is not part:
            whole.update(node.inputs)
    loops: dict[Node, Loop] = {}
    image: dict[Node, Node] = {}
    ports: dict[tuple[Node, int], Leaf] = {}
    for node in nodes:
        inputs = tuple([image.get(source, source) for source in node.inputs])
        if node.op is SCAN and node not in whole:
            loops[node] = _loop(node, inputs)
        elif node.op is part and node.inputs[0] in loops:
            key = node.inputs[0], node.params["index"]
            if key not in ports:
                ports[key] = _port(loops[key[0]], node)
            image[node] = ports[key]
        elif inputs != node.inputs:
            image[node] = rebuild(node, inputs)
    return Region([image.get(output, output) for output in outputs], list(loops.values()))


def _loop(node: Node, inputs: tuple[Node, ...]) -> Loop:
    body, form = node.params["body"], Layout(*node.params["layout"])
    changing = form.carries + form.elements
    pairs = list(zip(body.inputs, inputs, strict=True))
    return Loop(
        node, node.params["length"], bool(node.params["reverse"]),
        starts=dict(pairs[: form.carries]), nexts=dict(zip(body.inputs, body.outputs[: form.carries])),
        elements=dict(pairs[form.carries : changing]), fixed=dict(pairs[changing:]),
    )  # fmt: skip


def _port(loop: Loop, node: Node) -> Leaf:
    """The port of one part of a scan, with the name that the part had."""
    body, form = loop.source.params["body"], Layout(*loop.source.params["layout"])
    index = node.params["index"]
    if form.carries <= index < form.carries + form.stacked:
        port = loop.row(body.outputs[index])
    else:
        port = Leaf("input", None, None, node.shape, node.dtype)
        if index < form.carries:
            loop.lasts[port] = body.inputs[index]
        else:
            loop.sums[port] = body.outputs[index]
    port._name, port.scope, port.site = node._name, node.scope, node.site
    return port


def put_together(region: Region) -> list[Node]:
    """The graph of a region: a scan for every loop, a part for every port."""
    image: dict[Node, Node] = {}
    for loop in region.loops:
        given = _renewed(loop.given, image)
        holes = (*loop.starts, *loop.elements, *loop.fixed)
        params = {
            "body": Graph(holes, tuple(loop.results)),
            "layout": [len(loop.starts), len(loop.elements), len(loop.rows)],
            "length": loop.length,
            "reverse": loop.reverse,
        }
        node = SCAN.apply(tuple(given), params)
        node._name, node.scope, node.site = loop.source._name, loop.source.scope, loop.source.site
        carries = {hole: at for at, hole in enumerate(loop.starts)}
        places = {port: carries[hole] for port, hole in loop.lasts.items()}
        places |= {port: len(carries) + at for at, port in enumerate([*loop.rows, *loop.sums])}
        for port, index in places.items():
            image[port] = part(node, index=index)
            image[port]._name, image[port].scope, image[port].site = port._name, port.scope, port.site
    return _renewed(region.outputs, image)


def _renewed(outputs: Sequence[Node], image: dict[Node, Node]) -> list[Node]:
    """`substitute` that remembers in `image` what it has built, so that no node is built twice."""
    for node in order(outputs):
        if node not in image and not node.is_leaf:
            inputs = tuple([image.get(source, source) for source in node.inputs])
            image[node] = node if inputs == node.inputs else rebuild(node, inputs)
    return [image.get(output, output) for output in outputs]
