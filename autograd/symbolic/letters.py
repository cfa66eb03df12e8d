"""Index letters: every axis of every named array gets a letter, the same letter wherever it is the same axis.

Axes that an op ties together (the inner axes of a product, the axes of an elementwise op) share a letter. A size named
N lends its axis the letter n; the rest take n, d, k, … where there is a batch of rows, i, j, k, … where there is not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ..node import Node
from ..op import LOSS
from ..sizes import Size

ROWS = "ndkmhpqrstuvijl"
PLAIN = "ijklmnpqrstuvdh"

Axis = tuple[Node, int]


def letters(
    nodes: Sequence[Node], known: Mapping[Node, tuple[str, ...]] | None = None, avoid: Collection[str] = ()
) -> dict[Node, tuple[str, ...]]:
    """For every node, one letter per axis; `known` nodes keep the letters they have elsewhere, names in `avoid` are no letters."""
    parent: dict[Axis, Axis] = {}

    def find(axis: Axis) -> Axis:
        root = axis
        while parent.setdefault(root, root) != root:
            root = parent[root]
        while parent[axis] != root:
            parent[axis], axis = root, parent[axis]
        return root

    def tie(one: Axis, other: Axis) -> None:
        parent[find(other)] = find(one)

    for node in nodes:
        if node.dtype == object:
            continue
        for one, other in tied(node):
            tie(one, other)
    chosen: dict[Axis, str] = {}
    used: set[str] = set()
    for node, own in (known or {}).items():
        for axis, letter in enumerate(own):
            chosen.setdefault(find((node, axis)), letter)
            used.add(letter)
    for node in nodes:
        for axis, size in enumerate(() if node.dtype == object else node.shape):
            root = find((node, axis))
            if isinstance(size, Size) and len(size.text) == 1 and size.text.isalpha() and root not in chosen:
                letter = size.text.lower()
                if letter not in used:
                    chosen[root] = letter
                    used.add(letter)
    batch = any(node.is_leaf and len(node.shape) > 1 and node.role == "input" for node in nodes)
    table: dict[Node, tuple[str, ...]] = {}
    # Vectors and matrices choose first: index forms are written for them, hardly ever for stacks of images.
    for node in sorted(nodes, key=lambda node: node.dtype != object and len(node.shape) > 2):
        own = []
        for axis in range(0 if node.dtype == object else len(node.shape)):
            root = find((node, axis))
            if root not in chosen:
                free = (
                    [letter for letter in (ROWS if batch else PLAIN) if letter not in used and letter not in avoid]
                    or [letter for letter in "abcefgowxyz" if letter not in used and letter not in avoid]
                    or ["a"]
                )
                chosen[root] = free[0]
                used.add(free[0])
            own.append(chosen[root])
        table[node] = tuple(own)
    return table


def tied(node: Node) -> list[tuple[Axis, Axis]]:
    """Pairs of axes that an op makes the same."""
    if node.is_leaf:
        return []
    pairs: list[tuple[Axis, Axis]] = []
    op = node.op
    if op.index is not None:
        form = op.index(*node.inputs, **node.params)
        places: dict[str, Axis] = {}
        for labels, source in [*zip(form.operands, node.inputs), (form.output, node)]:
            for axis, label in enumerate(labels):
                if label in places:
                    pairs.append((places[label], (source, axis)))
                places.setdefault(label, (source, axis))
        return pairs
    for source in node.inputs:
        if source.dtype == object or node.dtype == object:
            continue
        if op.scalar is not None or source.shape == node.shape:
            gap = len(node.shape) - len(source.shape)
            pairs += [
                ((source, axis), (node, gap + axis))
                for axis, size in enumerate(source.shape)
                if gap + axis >= 0 and size == node.shape[gap + axis]
            ]
        elif op.kind == LOSS and source is not node.inputs[0]:
            first = node.inputs[0]
            pairs += [
                ((first, axis), (source, axis))
                for axis, size in enumerate(source.shape)
                if axis < len(first.shape) and size == first.shape[axis]
            ]
    return pairs
