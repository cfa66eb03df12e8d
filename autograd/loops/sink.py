"""SINK: what no later step needs is computed after the loop.

(i) A sum over the steps of contractions of two stepwise values, Σ_t h_tᵀ·g_t, is one contraction over steps and
examples; so is the sum over the steps of a sum of stacked values. (ii) A row that is a contraction of a stepwise value
with a fixed one, g_t·Wᵀ, is one contraction of the stacked value; what the body makes of such a product, as long as no
carry needs it, is computed with it.

The stepwise values are stacked for it, which costs their memory. It is done when it pays: at least PRODUCTS_PER_NUMBER
products of numbers leave each step for every number that is stacked anew, and none of the stacked values is large
(hoist.LARGE). Sums of terms that are no products move only where the terms are stacked anyway. A loop that is left
without carries dissolves where every op in it can work on all steps at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ..graph import order, rebuild
from ..node import Leaf, Node
from ..ops.arithmetic import add, mul
from .cost import moved_by, products
from .hoist import LARGE, joins
from .loop import Loop, stacked_leaf
from .steps import on_all_steps, summed_over_steps

PRODUCTS_PER_NUMBER = 4


@dataclass(frozen=True, eq=False)
class Sunk:
    """A value as a node outside the loop, and whether it has an axis for the steps."""

    outside: Node
    moving: bool
    rows: frozenset[Node] = frozenset()
    """Values of the body that must be stacked for it and are not yet."""
    made: frozenset[Node] = frozenset()
    """Values of the body that are made outside for it."""


def apply(loop: Loop) -> dict[Node, Node]:
    """Apply the rule to one loop: what stands for the ports that it no longer has, nodes outside the bodies."""
    replaced: dict[Node, Node] = {}
    while True:  # a value that one output has stacked is there for the others
        values = After(loop)
        found = next((port for port in [*loop.rows, *loop.sums] if values.sinks(port)), None)
        if found is None:
            return replaced
        replaced[found] = values.result


class After:
    """The values of a body as they can be had after the loop."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        nodes = order(loop.results)
        self.carried = set(order(loop.nexts.values()))
        """What a later step needs, so that the loop computes it in any case."""
        self.moved = moved_by(nodes, loop.starts | loop.elements)
        self.ahead = self.moved - moved_by(nodes, loop.starts)
        self.heavy = self._heavy(nodes)
        self.ports = {value: port for port, value in loop.rows.items()}
        self.new: dict[Node, Leaf] = {}
        """Port of each value that would have to be stacked."""
        self.known: dict[Node, Sunk] = {hole: Sunk(given, False) for hole, given in loop.fixed.items()}
        self.known |= {hole: Sunk(given, True) for hole, given in loop.elements.items()}
        for node in nodes:
            if node not in self.known and isinstance(node.shape, tuple):
                sunk = self._made(node) or self._stacked(node)
                if sunk is not None:
                    self.known[node] = sunk

    def sinks(self, port: Leaf) -> bool:
        """Whether the value at a port was taken out of the loop; `result` is then what stands for it."""
        loop = self.loop
        if port in loop.rows:
            value = loop.rows[port]
            sunk = self.known.get(value)
            made = sunk is not None and (value in sunk.made or value in loop.elements)
            result = self._paid(sunk, 0, int(value.size)) if sunk is not None and made else None
            table = loop.rows
        else:
            result, table = self._sum(loop.sums[port]), loop.sums
        if result is None:
            return False
        self.result = result
        del table[port]
        return True

    # Values for all steps -------------------------------------------------------------------------------------------
    def _heavy(self, nodes: Sequence[Node]) -> set[Node]:
        """The values that no carry needs and that hold a product worth joining over the steps; in a loop without
        carries, all."""
        heavy: set[Node] = set()
        for node in nodes:
            if node not in self.moved or node in self.carried or node.is_leaf:
                continue
            if not self.loop.nexts or joins(node, self.moved) or any(source in heavy for source in node.inputs):
                heavy.add(node)
        return heavy

    def _made(self, node: Node) -> Sunk | None:
        """A value made outside: what does not change, what needs no carry, and what no carry needs and holds a
        product."""
        if not node.inputs:
            return Sunk(node, False) if node.role == "constant" else None
        if any(source not in self.known for source in node.inputs):
            return None
        operands = [self.known[source] for source in node.inputs]
        outside = [operand.outside for operand in operands]
        if not any(operand.moving for operand in operands):
            return Sunk(rebuild(node, tuple(outside)), False)
        rows = frozenset().union(*[operand.rows for operand in operands])
        if node.size > LARGE or not (node in self.heavy or (node in self.ahead and not rows)):
            return None
        result = on_all_steps(node, outside, [operand.moving for operand in operands], self.loop.length)
        if result is None:
            return None
        return Sunk(result, True, rows, frozenset([node]).union(*[operand.made for operand in operands]))

    def _stacked(self, node: Node) -> Sunk | None:
        """A value as the loop stacks it, or would have to."""
        if node in self.ports:
            return Sunk(self.ports[node], True)
        if node.size > LARGE:
            return None
        port = self.new.setdefault(node, stacked_leaf(node, self.loop.length))
        return Sunk(port, True, frozenset([node]))

    def _paid(self, sunk: Sunk, more: int, saved: int) -> Node | None:
        """The node outside when it is worth what must be stacked, which the loop then stacks; `more`: products besides
        those that were made for it; `saved`: numbers that need no longer be stacked."""
        numbers = sum(int(value.size) for value in sunk.rows) - saved
        leaving = more + sum(products(value) for value in sunk.made)
        if sunk.rows and (leaving == 0 or leaving < PRODUCTS_PER_NUMBER * numbers):
            return None
        for value in sunk.rows:
            self.loop.rows[self.new[value]] = value
        return sunk.outside

    # Sums over the steps --------------------------------------------------------------------------------------------
    def _sum(self, value: Node) -> Node | None:
        """The sum of a value over all steps, made outside as far as that pays; the loop goes on adding up the rest."""
        if value not in self.moved or value in self.carried:
            return None
        totals: list[Node] = []
        rest: list[Node] = []
        waiting = [value]
        while waiting:
            each = waiting.pop()
            if each.op is add and each.dtype.kind == "f" and all(source.shape == each.shape for source in each.inputs):
                waiting.extend(reversed(each.inputs))
                continue
            total = self._total(each)
            (rest if total is None else totals).append(each if total is None else total)
        if not totals:
            return None
        if rest:
            totals.append(self._added_up(_sum_of(rest)))
        return _sum_of(totals)

    def _added_up(self, value: Node) -> Leaf:
        """The port of one more sum in the loop."""
        port = Leaf("input", None, None, value.shape, value.dtype)
        self.loop.sums[port] = value
        return port

    def _total(self, term: Node) -> Node | None:
        """Σ_t term, or None where it stays in the loop. What is linear is done to the sum: Σ c·x = c·Σx."""
        wrapped: list[Callable[[Node], Node]] = []
        while True:
            if _is_linear(term):
                wrapped.append(partial(_again, term))
                (term,) = term.inputs
                continue
            factor = self._factor(term)
            if factor is None:
                break
            wrapped.append(partial(mul, factor[0]))
            term = factor[1]
        if term.is_leaf or term not in self.moved or term in self.carried:
            return None
        if any(source not in self.known for source in term.inputs):
            return None
        total = self._contracted(term)
        if total is not None:
            for wrap in reversed(wrapped):
                total = wrap(total)
        return total

    def _factor(self, term: Node) -> tuple[Node, Node] | None:
        """(c outside, x) of c·x with a c that does not change."""
        if term.op is mul:
            for c, x in (term.inputs, term.inputs[::-1]):
                still = c in self.known and not self.known[c].moving
                if still and x.shape == term.shape and x.dtype == term.dtype:
                    return self.known[c].outside, x
        return None

    def _contracted(self, term: Node) -> Node | None:
        operands = [self.known[source] for source in term.inputs]
        outside, moving = [operand.outside for operand in operands], [operand.moving for operand in operands]
        rows = frozenset().union(*[operand.rows for operand in operands])
        made = frozenset().union(*[operand.made for operand in operands])
        if rows and sum(moving) == 1 and products(term):
            # One value changes: it is added up first, and the product is taken once.
            value = term.inputs[moving.index(True)]
            if value.dtype == term.dtype and products(term) >= PRODUCTS_PER_NUMBER * value.size:
                outside[moving.index(True)] = self._added_up(value)
                return rebuild(term, tuple(outside))
            return None
        total = summed_over_steps(term, outside, moving, self.loop.length)
        if total is None:
            return None
        return self._paid(Sunk(total, False, rows, made), products(term), 0)


def _is_linear(term: Node) -> bool:
    """Whether the sum of such terms is the same done to the sum of their operands, which is no larger."""
    if term.is_leaf or len(term.inputs) != 1 or not isinstance(term.inputs[0].shape, tuple):
        return False
    if term.inputs[0].size > term.size:
        return False
    if term.op.index is None:
        return term.op.linear
    form = term.op.index(*term.inputs, **term.params)
    return not form.summed and len(form.sizes) == len(form.operands[0])


def _again(node: Node, operand: Node) -> Node:
    """The same op of one operand on another one."""
    return node.op.apply((operand,), node.params)


def _sum_of(terms: Sequence[Node]) -> Node:
    total, *rest = terms
    for term in rest:
        total = add(total, term)
    return total
