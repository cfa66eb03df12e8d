"""Cutting before computing: what is computed number by number and then only read in pieces is computed piece by piece.

The gates of an LSTM are cut out of one sum; cut out of its operands instead, each gate's sum belongs to the nest that
uses it. Cutting moves no numbers, so the pieces cost nothing, and the whole need not be written and read again.
"""

from __future__ import annotations

from collections.abc import Sequence

from ....graph import order, rebuild, users
from ....node import Node, on_behalf
from ....ops.linear import broadcast
from ....sizes import product
from .fusible import REAL
from .views import axes_kept, moves_nothing


def cut_first(outputs: Sequence[Node]) -> list[Node]:
    """Equal outputs, where a scalar op whose readers all cut pieces out of it is applied to the pieces."""
    outputs = list(outputs)
    with on_behalf():
        while True:
            nodes = order(outputs)
            readers = users(nodes)
            kept = set(outputs)
            image: dict[Node, Node] = {}
            for node in nodes:
                if node.is_leaf:
                    continue
                inputs = tuple([image.get(source, source) for source in node.inputs])
                if len(inputs) == 1 and _cuts(node) and _only_cut(node.inputs[0], readers, kept):
                    image[node] = _applied_to_pieces(node, inputs[0])
                elif any(new is not old for new, old in zip(inputs, node.inputs)):
                    image[node] = rebuild(node, inputs)
            if not image:
                return outputs
            outputs = [image.get(output, output) for output in outputs]


def _cuts(node: Node) -> bool:
    return isinstance(node.inputs[0].shape, tuple) and moves_nothing(node) and axes_kept(node) is None


def _only_cut(node: Node, readers: dict[Node, list[Node]], kept: set[Node]) -> bool:
    """Whether a node is a scalar op whose readers all cut pieces out of it that are together no more than the whole."""
    if node.is_leaf or node.op.scalar is None or node in kept or node.dtype not in REAL:
        return False
    pieces = readers[node]
    return all(len(each.inputs) == 1 and _cuts(each) for each in pieces) and sum(
        product(each.shape) for each in pieces
    ) <= product(node.shape)


def _applied_to_pieces(cut: Node, whole: Node) -> Node:
    """cut(f(a, b)) as f(cut(a), cut(b))."""
    pieces = []
    for operand in whole.inputs:
        if not operand.shape:
            pieces.append(operand)
            continue
        full = operand if operand.shape == whole.shape else broadcast(operand, shape=whole.shape)
        pieces.append(rebuild(cut, (full,)))
    return rebuild(whole, tuple(pieces))
