"""Walking a graph: order, users, substitution, counts. Knows no op and never recurses."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from .node import Leaf, Node, abilities
from .sizes import product

_serial = attrgetter("serial")


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """The cyclic garbage collector rests while many nodes are built at once: they hold no cycles, and its repeated walks over all
    of them would make a long graph dearer per node than a short one."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def order(outputs: Node | Iterable[Node]) -> list[Node]:
    """Every node the outputs depend on, inputs before users, in the order they were built."""
    stack = [outputs] if isinstance(outputs, Node) else list(outputs)
    seen: set[Node] = set(stack)
    add, push = seen.add, stack.append
    while stack:
        for source in stack.pop().inputs:
            if source not in seen:
                add(source)
                push(source)
    return sorted(seen, key=_serial)


def leaves(outputs: Node | Iterable[Node]) -> list[Leaf]:
    """The leaves the outputs depend on, constants included, in the order they were built."""
    return [node for node in order(outputs) if isinstance(node, Leaf)]


def users(nodes: Iterable[Node]) -> dict[Node, list[Node]]:
    """For every node, who uses it; a user that takes it twice is listed twice."""
    table: dict[Node, list[Node]] = {}
    for node in nodes:
        table.setdefault(node, [])
        for source in node.inputs:
            table.setdefault(source, []).append(node)
    return table


def between(outputs: Iterable[Node], wrt: Iterable[Node]) -> set[Node]:
    """The nodes on some path from `wrt` to the outputs, both ends included."""
    touched = set(wrt)
    for node in order(outputs):
        if node not in touched and any(source in touched for source in node.inputs):
            touched.add(node)
    return touched


def rebuild(node: Node, inputs: tuple[Node, ...]) -> Node:
    """The same op and params on other inputs, keeping name, scope and source line; shapes are inferred again."""
    copy = node.op.apply(inputs, node.params)
    copy._name, copy.scope, copy.site = node._name, node.scope, node.site
    return copy


def substitute(outputs: Sequence[Node], replacements: Mapping[Node, Node]) -> list[Node]:
    """The outputs with nodes replaced; whatever does not depend on a replaced node is shared, not copied."""
    image: dict[Node, Node] = dict(replacements)
    for node in order(outputs):
        if node in image:
            continue
        inputs = tuple(image.get(source, source) for source in node.inputs)
        if any(new is not old for new, old in zip(inputs, node.inputs)):
            image[node] = rebuild(node, inputs)
    return [image.get(output, output) for output in outputs]


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph as a value: what goes in, what comes out. Also the form in which an op param holds a graph
    (`ng.scan`)."""

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]

    @property
    def nodes(self) -> list[Node]:
        """All nodes in topological order."""
        return order(self.outputs)

    def __len__(self) -> int:
        return len(self.nodes)

    def memory(self) -> int:
        """Bytes that all values would take together, if each were kept."""
        return sum(product(node.shape) * node.dtype.itemsize for node in self.nodes if isinstance(node.shape, tuple))

    def summary(self) -> dict[str, int]:
        """How many nodes of each op, most frequent first; leaves count under their role.

        >>> import nngraph as ng
        >>> x = ng.input("x", 3.0)
        >>> (x * x + x).graph.summary()
        {'input': 1, 'mul': 1, 'add': 1}
        """
        counts: dict[str, int] = {}
        for node in self.nodes:
            key = node.role if node.is_leaf else node.op.name
            counts[key] = counts.get(key, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    def to_networkx(self) -> Any:
        """The graph as a networkx.MultiDiGraph: nodes keyed by serial, edges numbered by operand position.

        >>> import nngraph as ng
        >>> x = ng.input("x", 3.0)
        >>> (x * x).graph.to_networkx().number_of_edges()
        2
        """
        import networkx

        picture = networkx.MultiDiGraph()
        for node in self.nodes:
            picture.add_node(
                node.serial,
                op=node.role if node.is_leaf else node.op.name,
                name=node.name,
                shape=node.shape,
                dtype=str(node.dtype),
                scope=node.scope,
            )
            for position, source in enumerate(node.inputs):
                picture.add_edge(source.serial, node.serial, position=position)
        return picture


def bodies(node: Node) -> list[Graph]:
    """The graphs that a node holds in its params: the body of a loop, nothing for most nodes.

    >>> import nngraph as ng
    >>> last, _ = ng.scan(lambda total, x: (total + x, None), 0.0, ng.input("x", [1.0, 2.0]))
    >>> bodies(last), [len(body) for body in bodies(last.inputs[0])]
    ([], [3])
    """
    return [value for value in node.params.values() if isinstance(value, Graph)]


def graph_of(output: Node) -> Graph:
    """The graph under one node; its inputs are the leaves that are not constants."""
    return Graph(tuple(leaf for leaf in leaves(output) if leaf.role != "constant"), (output,))


def deepcopy(node: Node, memo: dict[int, Any]) -> Node:
    """A second graph with leaves of its own, which can be set apart; what does not depend on a leaf that varies is
    shared."""
    for each in order(node):
        if id(each) in memo:
            continue
        if isinstance(each, Leaf):
            if each.role == "constant":
                memo[id(each)] = each
                continue
            copy: Node = Leaf(each.role, each._name, each._value, each.shape, each.dtype, each.site)
            copy.params, copy.grad = each.params, each.grad  # type: ignore[attr-defined]
        else:
            inputs = tuple([memo[id(source)] for source in each.inputs])
            if all(new is old for new, old in zip(inputs, each.inputs)):
                memo[id(each)] = each
                continue
            copy = Node(each.op, inputs, each.params, each.shape, each.dtype, each._name, each.site)
        copy.scope = each.scope
        memo[id(each)] = copy
    return memo[id(node)]


abilities["graph"] = graph_of
abilities["deepcopy"] = deepcopy
