"""HOIST: what does not depend on the carry is computed before the loop.

A value that is the same in every step becomes a fixed value. A contraction of an element with fixed values, x_t·W, is
computed for all steps at once: steps and examples are the rows of one product, W is read once instead of in every step,
and the body reads its own slice as an element. What is added to such a product (a bias) is added there too. It costs
the memory of the stacked product; a product so large that a kernel is busy with one step alone stays in the loop.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..graph import order, rebuild, users
from ..node import Node
from ..ops import broadcast
from ..ops.arithmetic import add
from .cost import moved_by, products, scalar_words
from .loop import Loop
from .steps import on_all_steps

LARGE = 1 << 18
"""A value of more numbers than this is not stacked in order to join small products into a large one."""


def apply(loop: Loop) -> None:
    """Apply the rule to one loop."""
    _fixed_values(loop)
    _regroup(loop)
    _products(loop)


def _fixed_values(loop: Loop) -> None:
    """What all steps share is computed once. A repeat stays inside, where it costs nothing."""
    nodes = order(loop.results)
    moved = moved_by(nodes, loop.starts | loop.elements)
    still = {node for node in nodes if not node.is_leaf and node not in moved}
    read = [source for node in nodes if node in moved or node.op is broadcast for source in node.inputs]
    outside: dict[Node, Node] = dict(loop.fixed.items())
    back: dict[Node, Node] = {}
    for node in nodes:
        if node in still:
            inputs = tuple([outside.get(source, source) for source in node.inputs])
            outside[node] = rebuild(node, inputs)
    for node in dict.fromkeys([*read, *loop.results]):
        if node in still and node.op is not broadcast and isinstance(node.shape, tuple):
            back[node] = loop.constant(outside[node])
    if back:
        loop.substitute(back)


def _ahead(loop: Loop, nodes: Iterable[Node]) -> dict[Node, tuple[Node, bool]]:
    """For every value that needs no carry: the node outside that holds it for all steps, and whether it has an axis for
    them. What nobody knows how to compute for all steps at once is missing."""
    known: dict[Node, tuple[Node, bool]] = {hole: (given, False) for hole, given in loop.fixed.items()}
    known |= {hole: (given, True) for hole, given in loop.elements.items()}
    for node in nodes:
        if node in known or (node.is_leaf and node.role != "constant"):
            continue
        if not node.inputs:
            known[node] = node, False
        elif isinstance(node.shape, tuple) and all(source in known for source in node.inputs):
            operands, moving = zip(*[known[source] for source in node.inputs])
            if not any(moving):
                known[node] = rebuild(node, operands), False
            elif node.size <= LARGE and (stacked := on_all_steps(node, operands, moving, loop.length)) is not None:
                known[node] = stacked, True
    return known


def joins(node: Node, moved: Collection[Node]) -> bool:
    """Whether a node is a contraction that shares a factor with the same node of all other steps, so that all steps are
    one product."""
    return products(node) > 0 and 0 < sum(source in moved for source in node.inputs) < len(node.inputs)


def _regroup(loop: Loop) -> None:
    """(x_t·W + h·U) + b = (x_t·W + b) + h·U: terms that need no carry come together. Rounds in another order."""
    nodes = order(loop.results)
    ahead, table = _ahead(loop, nodes), users(nodes)
    moved = moved_by(nodes, loop.elements)
    results = set(loop.results)
    inner = {
        node
        for node in nodes
        if _adds(node)
        and node not in results
        and len(table[node]) == 1
        and _adds(table[node][0])
        and table[node][0].shape == node.shape
    }
    image: dict[Node, Node] = {}
    for node in nodes:
        if _adds(node) and node not in inner and node not in ahead:
            terms = _terms(node, inner)
            first = [term for term in terms if term in ahead]
            if len(first) > 1 and any(joins(term, moved) for term in first) and len(first) < len(terms):
                rest = [image.get(term, term) for term in terms if term not in ahead]
                # Terms of the full shape first, so that a bias is added to a product and not to another bias.
                first.sort(key=lambda term: term.shape != node.shape)
                image[node] = add(_total(first), _total(rest))
                continue
        inputs = tuple([image.get(source, source) for source in node.inputs])
        if inputs != node.inputs:
            image[node] = rebuild(node, inputs)
    loop.with_results([image.get(result, result) for result in loop.results])


def _adds(node: Node) -> bool:
    return node.op is add and node.dtype.kind == "f"


def _terms(node: Node, inner: set[Node]) -> list[Node]:
    """What a chain of sums adds up, from left to right."""
    terms, waiting = [], [node]
    while waiting:
        each = waiting.pop()
        if each is node or each in inner:
            waiting.extend(reversed(each.inputs))
        else:
            terms.append(each)
    return terms


def _total(terms: list[Node]) -> Node:
    total, *rest = terms
    for term in rest:
        total = add(total, term)
    return total


def _products(loop: Loop) -> None:
    """Products of elements with fixed values become elements, together with what single users make of them."""
    nodes = order(loop.results)
    ahead, table = _ahead(loop, nodes), users(nodes)
    moved, results = moved_by(nodes, loop.elements), set(loop.results)
    back: dict[Node, Node] = {}
    for node in nodes:
        if node not in ahead or not joins(node, moved):
            continue
        top = node
        while top not in results and len(table[top]) == 1:
            (user,) = table[top]
            if user not in ahead or scalar_words(user) is None or user.size > node.size:
                break
            top = user
        back[top] = loop.element(ahead[top][0], top)
    if back:
        loop.substitute(back)
