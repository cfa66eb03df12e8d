"""DROP: what nobody reads is not computed, and what does not change is not carried.

A loop loses the outputs that nobody asks for (the kept carries above all), then the carries that only lead to
themselves, then the elements and fixed values that the body does not use. A carry that every step hands on as it is,
and an element that is one value repeated, become fixed values; a carry that only collects terms becomes a sum over the
steps; two placeholders for one node become one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..graph import order, users
from ..node import Leaf, Node
from ..ops import broadcast
from ..ops.arithmetic import add
from ..simplify import anonymous, number
from .cost import moved_by
from .loop import Loop, Region, placeholder


def apply(region: Region) -> None:
    """Apply the rule to every loop, readers first, so that what only a dropped loop has read goes too."""
    needed = set(order(region.outputs))
    replaced: dict[Node, Node] = {}
    alive = []
    for loop in reversed(region.loops):
        for table in (loop.lasts, loop.rows, loop.sums):
            for port in [port for port in table if port not in needed]:
                del table[port]
        _repeated(loop)
        replaced |= _handed_on(loop) | _collected(loop)
        _joined(loop)
        _unused(loop)
        needed.update(order([*loop.given, *replaced.values()]))
        if loop.lasts or loop.rows or loop.sums:
            alive.append(loop)
    region.loops = alive[::-1]
    for gone, node in replaced.items():  # later loops first: what replaces their ports may hold ports of earlier ones
        region.substitute({gone: node})


def _repeated(loop: Loop) -> None:
    """x repeated for every step is x in every step."""
    for hole, given in list(loop.elements.items()):
        if given.op is broadcast and len(given.inputs[0].shape) < len(given.shape):
            del loop.elements[hole]
            (x,) = given.inputs
            inner = x if anonymous(x) and not x.shape else loop.constant(x)
            loop.substitute({hole: broadcast(inner, shape=hole.shape) if hole.shape != x.shape else inner})


def _handed_on(loop: Loop) -> dict[Node, Node]:
    """What replaces the last values of carries that never change: their first values."""
    replaced: dict[Node, Node] = {}
    for hole, after in list(loop.nexts.items()):
        first, later = number(loop.starts[hole]), number(after)
        if after is not hole and (first is None or first != later):
            continue
        start = loop.starts.pop(hole)
        del loop.nexts[hole]
        for port in [port for port, carry in loop.lasts.items() if carry is hole]:
            replaced[port] = start
            del loop.lasts[port]
        loop.substitute({hole: loop.constant(start)})
    return replaced


def _collected(loop: Loop) -> dict[Node, Node]:
    """What replaces the last values of carries that only collect terms, total + x_t: first value + Σ_t x_t. Rounds in
    another order."""
    nodes = order(loop.results)
    table = users(nodes)
    replaced: dict[Node, Node] = {}
    for hole, after in list(loop.nexts.items()):
        others = {result for key, result in loop.nexts.items() if key is not hole}
        others |= {*loop.rows.values(), *loop.sums.values()}
        with_total, terms = moved_by(nodes, {hole: hole}), []
        node: Node = after
        readers = 0
        while node.op is add and node not in others and len(table[node]) == readers and node.shape == hole.shape:
            totals = [source for source in node.inputs if source in with_total]
            if len(totals) != 1:
                break
            terms += [source for source in node.inputs if source not in with_total]
            node, readers = totals[0], 1
        if node is not hole or not terms or node in others or len(table[hole]) != 1:
            continue
        term = terms.pop()
        while terms:
            term = add(term, terms.pop())
        if term.shape != hole.shape or term.dtype != hole.dtype:
            continue
        total = placeholder(hole)
        loop.sums[total] = term
        start = loop.starts.pop(hole)
        del loop.nexts[hole]
        for port in [port for port, carry in loop.lasts.items() if carry is hole]:
            replaced[port] = add(start, total)
            del loop.lasts[port]
    return replaced


def _joined(loop: Loop) -> None:
    for table in (loop.elements, loop.fixed):
        first: dict[Node, Leaf] = {}
        again: dict[Node, Node] = {}
        for hole, given in table.items():
            if first.setdefault(given, hole) is not hole:
                again[hole] = first[given]
        for hole in again:
            del table[hole]  # type: ignore[arg-type]
        if again:
            loop.substitute(again)


def _unused(loop: Loop) -> None:
    """Keep the carries that an output depends on, in any later step, and the inputs that the body uses."""
    used: set[Node] = set()
    waiting: list[Node] = [*loop.rows.values(), *loop.sums.values()]
    carries = set(loop.lasts.values())
    waiting += [loop.nexts[hole] for hole in carries]
    while waiting:
        used.update(order(waiting))
        more = [hole for hole in loop.nexts if hole in used and hole not in carries]
        carries.update(more)
        waiting = [loop.nexts[hole] for hole in more]
    loop.starts, loop.nexts = _only(loop.starts, carries), _only(loop.nexts, carries)
    loop.elements, loop.fixed = _only(loop.elements, used), _only(loop.fixed, used)


def _only(table: Mapping[Leaf, Node], wanted: Collection[Node]) -> dict[Leaf, Node]:
    return {hole: node for hole, node in table.items() if hole in wanted}
