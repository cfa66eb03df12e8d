"""What a node costs, read from what its op says: which values are worth keeping and which are cheaper made again."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from functools import cache

from ..graph import order
from ..node import Leaf, Node
from ..op import LINEAR, SHAPE, inside
from ..ops import embedding, gather, scatter_add, take, take_along_axis
from ..ops.windows import overlap_add
from ..sizes import product
from ..vocabulary import WORDS, call_of, parsed

CHEAP_WORDS = frozenset(
    ["+", "-", "*", "/", "neg", "<", "<=", ">", ">=", "==", "!=", "abs", "sign", "floor", "max", "min", "where"]
)
"""Words that a processor has an instruction for. All others are series of a dozen instructions or more."""
_SCATTERED = (embedding, gather, overlap_add, scatter_add, take, take_along_axis)
"""Ops that only move numbers, but from or to places all over memory."""


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
        return node.op not in _SCATTERED
    words = scalar_words(node)
    return words is not None and words <= CHEAP_WORDS


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
