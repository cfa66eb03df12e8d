"""What a user should know about a graph that was built as asked, but perhaps not as meant: shapes nobody gave."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..autograd.language import N_, translate

if TYPE_CHECKING:
    from ..autograd.node import Leaf, Node


def notes(output: Node, assumed: Iterable[Leaf]) -> list[str]:
    """Sentences on single numbers that stand beside arrays without having been asked for (`assumed`: leaves of which
    neither value nor shape is known), and on a column that meets a row of the same length and makes a matrix."""
    from ..autograd.graph import order
    from ..autograd.sizes import shape_text

    single = {leaf for leaf in assumed if not leaf.shape}
    said: dict[str, None] = {}
    for node in order(output):
        if node.is_leaf or getattr(node.op, "scalar", None) is None or not isinstance(node.shape, tuple):
            continue
        if node.shape:
            for leaf in node.inputs:
                if leaf in single:
                    said[translate(N_("{name} has no shape and no value: it is taken as a single number; give it one with --shape {name}=…"), name=leaf.name)] = None  # fmt: skip
        column, row = (
            sorted(node.inputs, key=lambda each: -len(each.shape))[:2] if len(node.inputs) == 2 else (node, node)
        )
        if len(column.shape) == 2 and len(row.shape) == 1 and column.shape[1] == 1 < row.shape[0] == column.shape[0]:
            said[translate(N_("{column} meets {row} and makes {both}: every number of one with every number of the other; if that is not meant, give both the same shape"), column=shape_text(column.shape), row=shape_text(row.shape), both=shape_text(node.shape))] = None  # fmt: skip
    return list(said)
