"""What a node costs, read from what its op says: which values are worth keeping and which are cheaper made again."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from functools import cache

from ..graph import order
from ..node import Leaf, Node
from ..op import LINEAR, SHAPE, inside
from ..sizes import product
from ..vocabulary import WORDS, call_of, parsed

FETCHED = 8
"""Cycles of fetching a vector from memory that holds the values of many steps; words that take less are cheap."""


@cache
def words_of(text: str) -> frozenset[str]:
    """The vocabulary words in a scalar text."""
    found = [call_of(each) for each in ast.walk(parsed(text)) if isinstance(each, ast.expr)]
    return frozenset(each[0] for each in found if each is not None and each[0] in WORDS)


def scalar_words(node: Node) -> frozenset[str] | None:
    """The words that compute one number of an elementwise node from one number of each operand; None for any other
    node. An op whose formula consists of elementwise ops is elementwise too."""
    op = node.op
    if op is None:
        return None
    if op.scalar is not None:
        return words_of(op.scalar)
    if op.formula is None or op.kind in (SHAPE, LINEAR) or not isinstance(node.shape, tuple):
        return None
    words: frozenset[str] = frozenset()
    for each in order(inside(op, node.inputs, node.params).outputs):
        if isinstance(each, Leaf):
            continue
        more = scalar_words(each)
        if more is None:
            return None
        words |= more
    return words


def cheap(node: Node) -> bool:
    """Whether making a value again from its operands costs no more than fetching it from memory: simple arithmetic, and
    the same numbers in another arrangement."""
    if node.op.kind == SHAPE:
        return not node.op.scattered
    words = scalar_words(node)
    return words is not None and all(WORDS[word].cycles < FETCHED for word in words)


def products(node: Node) -> int:
    """How many products of numbers a contraction adds up; 0 for a node that is none."""
    if node.is_leaf or node.op.index is None or len(node.inputs) < 2:
        return 0
    form = node.op.index(*node.inputs, **node.params)
    return int(product(tuple(form.sizes.values()))) if form.summed else 0


def memory(node: Node) -> int:
    """Bytes of a value."""
    return int(product(node.shape)) * node.dtype.itemsize


def moved_by(nodes: Iterable[Node], sources: Mapping[Leaf, object]) -> set[Node]:
    """The nodes that depend on one of the sources, these included; `nodes` in order."""
    moved: set[Node] = set(sources)
    for node in nodes:
        if any(source in moved for source in node.inputs):
            moved.add(node)
    return moved
