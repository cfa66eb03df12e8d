"""Rewriting a graph by identities until none applies. Knows how to apply rules, and no rule.

Nodes are visited inputs first, so a rule meets operands that no rule can change any more; what a rule builds is visited
in turn. Equal nodes become one on the way. Nothing here recurses, and the graph that was given is not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import NngraphError
from .graph import Graph, order, rebuild
from .node import Leaf, Node, next_serial, on_behalf
from .op import RANDOM, Op

LIMIT = 1000
"""How often rules may fire on one node and what replaces it, before they are taken to turn in a circle."""
_MERGED_SIZE = 16
"""Constants of at most this many numbers are compared by value."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One identity, read from left to right.

    `name` is the identity itself, as in `x·1 = x`. `proof` says why it holds, and where it changes rounding or needs
    finite numbers. `ops` are the ops whose nodes it can match (none given: all). `apply(node, alone)` gives the other
    side of the identity, or None where it does not apply; it keeps shape and dtype. `alone(operand)` tells whether
    nobody else reads an operand: a rule that takes an operand apart asks, or the graph would grow. A rule with `finite`
    holds only while no value is nan or infinite.
    """

    name: str
    proof: str
    ops: tuple[Op, ...]
    apply: Callable[[Node, Callable[[Node], bool]], Node | None]
    finite: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """That a rule put one node in the place of another."""

    rule: Rule
    before: Node
    after: Node


def rewrite(
    outputs: Sequence[Node],
    rules: Iterable[Rule],
    commutative: Collection[Op] = (),
    changes: list[Change] | None = None,
) -> list[Node]:
    """The outputs with every rule applied wherever it holds, and equal nodes made one; `changes` collects what was
    done.

    Names, scopes and source lines stay with the nodes that stay; a node built in place of another takes them over.
    Operands of a `commutative` op may stand in either order and still be equal. Random nodes are never made one.
    """
    with on_behalf():
        return _Rewriting(rules, commutative, changes).run(outputs)


class _Rewriting:
    def __init__(self, rules: Iterable[Rule], commutative: Collection[Op], changes: list[Change] | None) -> None:
        self.rules: dict[Op, list[Rule]] = {}
        self.all_rules = list(rules)
        self.commutative = commutative
        self.changes = changes
        self.normal: dict[Node, Node] = {}
        """Node -> what it has become, which no rule changes any more."""
        self.known: dict[Hashable, Node] = {}
        """What a node says -> the node that says it."""
        self.readers: dict[Node, int] = {}
        self.graphs: dict[Graph, Graph] = {}
        """Graph inside a param -> what it has become."""

    def run(self, outputs: Sequence[Node]) -> list[Node]:
        nodes = order(outputs)
        count = dict.fromkeys(nodes, 0)
        for node in nodes:
            for source in node.inputs:
                count[source] += 1
        for output in outputs:
            count[output] += 1
        for node in nodes:
            self._settle(node)
            now = self.normal[node]
            self.readers[now] = self.readers.get(now, 0) + count[node]
        return [self.normal[output] for output in outputs]

    def _settle(self, start: Node) -> None:
        """Find what a node whose operands are settled becomes, working through whatever the rules build on the way."""
        normal, fired = self.normal, 0
        becomes: dict[Node, Node] = {}
        stack = [start]
        while stack:
            node = stack[-1]
            if node in normal:
                stack.pop()
                continue
            if node in becomes:
                after = becomes[node]
                if after in normal:
                    normal[node] = normal[after]
                else:
                    stack.append(after)
                continue
            waiting = [source for source in node.inputs if source not in normal]
            if waiting:
                stack.extend(waiting)
                continue
            if node.is_leaf:
                normal[node] = self.known.setdefault(_leaf_key(node), node)
                continue
            inputs = tuple([normal[source] for source in node.inputs])
            key = self._key(node, inputs)
            if key is not None and key in self.known:
                normal[node] = self.known[key]
                continue
            if inputs != node.inputs:
                becomes[node] = rebuild(node, inputs)
                continue
            after = self._with_graphs(node) if node.params else None
            after = after if after is not None else self._replaced(node)
            if after is None:
                normal[node] = node
                if key is not None:
                    self.known[key] = node
                continue
            becomes[node] = after
            fired += 1
            if fired > LIMIT:
                raise NngraphError(
                    f"rewriting turns in a circle at {node!r}: last rules"
                    f" {[change.rule.name for change in (self.changes or [])[-4:]]}"
                )

    def _replaced(self, node: Node) -> Node | None:
        rules = self.rules.get(node.op)
        if rules is None:
            rules = self.rules[node.op] = [rule for rule in self.all_rules if not rule.ops or node.op in rule.ops]
        for rule in rules:
            since = next_serial()
            after = rule.apply(node, self._alone)
            if after is not None:
                _take_over(node, after, since)
                if self.changes is not None:
                    self.changes.append(Change(rule, node, after))
                return after
        return None

    def _with_graphs(self, node: Node) -> Node | None:
        """The node with the graphs in its params rewritten by the same rules; None when it holds none, or nothing
        changed in them."""
        params = dict(node.params)
        for key, value in node.params.items():
            if isinstance(value, Graph):
                if value not in self.graphs:
                    outputs = tuple(rewrite(value.outputs, self.all_rules, self.commutative, self.changes))
                    same = all(new is old for new, old in zip(outputs, value.outputs))
                    self.graphs[value] = value if same else Graph(value.inputs, outputs)
                params[key] = self.graphs[value]
                self.graphs.setdefault(params[key], params[key])
        if all(params[key] is value for key, value in node.params.items()):
            return None
        since = next_serial()
        after = node.op.apply(node.inputs, params)
        _take_over(node, after, since)
        return after

    def _alone(self, operand: Node) -> bool:
        return self.readers.get(operand, 0) <= 1

    def _key(self, node: Node, inputs: tuple[Node, ...]) -> Hashable | None:
        if node.op.kind == RANDOM:
            return None
        if len(inputs) == 2 and node.op in self.commutative and inputs[0].serial > inputs[1].serial:
            inputs = inputs[::-1]
        key = (node.op, inputs, tuple(node.params.items())) if node.params else (node.op, inputs)
        try:
            hash(key)
        except TypeError:  # a param that cannot be hashed, such as an index array
            return None
        return key


def _leaf_key(leaf: Node) -> Hashable:
    """Equal for small constants of equal value; a constant that has a name, or stands for a size, is only itself."""
    value: Any = leaf._value
    if leaf.role != "constant" or leaf._name is not None or leaf.params or value.size > _MERGED_SIZE:
        return leaf
    return (value.dtype, value.shape, value.tobytes())


def _take_over(before: Node, after: Node, since: int) -> None:
    """Give name, scope and source line of a node to what was built in its place (all of it has serials above
    `since`)."""
    if after.serial <= since or (isinstance(after, Leaf) and after._name is not None):
        return
    after._name, after.site = before._name, before.site
    fresh = [after]
    while fresh:
        node = fresh.pop()
        node.scope = before.scope
        fresh.extend(source for source in node.inputs if source.serial > since)
