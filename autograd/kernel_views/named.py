"""What everything in a plan is called: nodes as in a derivation, arrays by the node whose numbers they hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..engines.compiled.calls import Call, Fallback, View, every_call
from ..engines.compiled.planning.whole import Whole
from ..graph import order
from ..naming import names
from ..node import Leaf, Node
from ..sizes import shape_text
from .sums import Sum, sum_beside


class Named:
    """Names for the nodes and the arrays of a plan."""

    def __init__(self, plan: Whole, results: Sequence[str | None] = ()) -> None:
        self.plan = plan
        roots = [*plan.outputs, *plan.updates.values()]
        self.table = names(roots)
        for node, said in zip(plan.outputs, results):
            if said and not node.is_leaf:
                self.table[node] = said
        inside = [call for _, call in every_call(plan.calls)]
        self.computed = {node for call in inside for part in call.parts for node in part.nodes}
        """What some kernel computes; the rest only looks at numbers in another way."""
        self._results = {view.buffer: said for view, said in zip(plan.results, results) if said}
        self._taken = set(self.table.values())
        self._places: dict[Any, Node] = {}
        for node, view in getattr(plan, "place", {}).items():
            self._places.setdefault((view.buffer, node.size), node)

    def node(self, node: Node) -> str:
        """What a node is called; inside a loop it gets a name of its own."""
        found = self.table.get(node)
        if found is None and isinstance(node, Leaf) and node.role == "constant" and node._name is None:
            return numbers(np.asarray(node._value))
        if found is None:
            stem = str(node._name or (node.role if node.is_leaf else node.op.letter or node.op.name[0]))
            found, at = stem, 1
            while found in self._taken:
                at += 1
                found = f"{stem}{at}"
            self.table[node] = found
            self._taken.add(found)
        return found

    def array(self, view: View, near: Iterable[Node] = ()) -> str:
        """What an array of a kernel is called; `near`: nodes that it may belong to, those in question first."""
        buffer, piece = view.buffer, ""
        while buffer.role == "moving":
            buffer, piece = buffer.owner[0].buffer, "[t]"
        if isinstance(buffer.owner, Leaf):
            return self.node(buffer.owner) + piece
        if buffer.role == "constant":
            return numbers(np.asarray(buffer.owner)) + piece
        if buffer in self._results:
            return self._results[buffer] + piece
        for node in near:
            place = getattr(self.plan, "place", {}).get(node)
            if place is not None and place.buffer is buffer and place.offset == view.offset:
                return self.node(node) + piece
        found = self._places.get((buffer, view.size))
        return (self.node(found) if found is not None else f"b{self._number(buffer)}") + piece

    def shaped(self, view: View, near: Iterable[Node] = ()) -> str:
        """The name of an array, with its shape where it has one: `X (200×64)`."""
        shape = shape_text(view.shape) if view.shape else ""
        return f"{self.array(view, near)} ({shape})" if shape else self.array(view, near)

    def _number(self, buffer: Any) -> int:
        numbered = self.__dict__.setdefault("_numbers", {})
        return numbered.setdefault(buffer, len(numbered) + 1)  # type: ignore[no-any-return]

    def around(self, call: Call) -> list[Node]:
        """The nodes of a call and of its epilogues, and then all that they read."""
        own = own_nodes(call)
        return [*reversed(own), *(node for node in reversed(order(own)) if node not in set(own))]


def sum_in(call: Call, named: Named) -> Sum | None:
    """The sum of products that a call computes; None where it computes none."""
    around = {named.node(each) for node in own_nodes(call) for each in (node, *node.inputs)}
    return next(filter(None, (sum_beside(node, around) for node in call.nodes)), None)


def own_nodes(call: Call) -> list[Node]:
    """What a call computes, epilogues included, every node once and behind those that it needs."""
    chosen = {node for part in call.parts for node in part.nodes}
    if isinstance(call.code, Fallback):
        chosen.add(call.code.node)
    return [node for node in order(list(chosen)) if node in chosen and not node.is_leaf]


def numbers(value: np.ndarray) -> str:
    """A constant, short."""
    from ..engines.compiled.report import constant_text

    return constant_text(value)
