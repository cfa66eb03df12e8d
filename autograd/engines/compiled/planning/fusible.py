"""What can be part of a fused nest: ops that go number by number, products of index forms, and folds. Asked is an op's
`scalar` text, its `placed` text, its `index` form or its `fold`; never its name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....node import Leaf, Node
from ..words import exponents, is_native
from .elementwise import is_placed, lies

Axes = tuple[int | None, ...]
"""For each axis of an array, the loop it runs along, or None where it has one number or repeats."""

REAL = frozenset(np.dtype(name) for name in (
    "float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool"
))  # fmt: skip
"""What fused nests compute with."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """A node as a fold of its operand: the word, the operand's axes that go, and where the others end up."""

    word: str
    axes: tuple[int, ...]
    kept: Axes
    """For each axis of the result, the operand's axis it runs along (None: a new axis of one number)."""


def reduction(node: Node) -> Reduction | None:
    """The node as a fold of its single operand, if it is one."""
    op = node.op
    if len(node.inputs) != 1:
        return None
    (x,) = node.inputs
    if getattr(op, "fold", ""):
        gone = tuple(node.params["axis"])
        kept = [at for at in range(len(x.shape)) if at not in gone]
        if node.params.get("keepdims"):
            return Reduction(op.fold, gone, tuple(None if at in gone else at for at in range(len(x.shape))))
        return Reduction(op.fold, gone, tuple(kept))
    if op.index is None:
        return None
    form = op.index(x, **node.params)
    labels = form.operands[0]
    if len(set(labels)) != len(labels) or len(set(form.output)) != len(form.output):
        return None
    gone = tuple(at for at, label in enumerate(labels) if label not in form.output)
    if not gone:
        return None
    kept_axes: list[int | None] = []
    for label in form.output:
        if label in labels:
            kept_axes.append(labels.index(label))
        elif form.sizes[label] == 1:
            kept_axes.append(None)
        else:
            return None
    return Reduction("+", gone, tuple(kept_axes))


def is_elementwise(node: Node) -> bool:
    """Whether the node is a word, a scalar text or a conversion, applied number by number to real numbers."""
    if node.op.scalar is None and not is_placed(node) and not is_product(node):
        return False
    dtypes = [each.dtype for each in node.inputs]
    if node.dtype not in REAL or 0 in node.shape or not all([dtype in REAL for dtype in dtypes]):
        return False
    if node.op.scalar is None or all([dtype.kind == "f" for dtype in dtypes]):
        return True
    if node.dtype.kind in "iu" and any(
        name in node.op.inputs and _may_be_negative(node.inputs[node.op.inputs.index(name)])
        for name in exponents(node.op.scalar)
    ):
        return False  # whole numbers have no negative powers that are whole: numpy looks at them and says so
    names = tuple([dtype.name for dtype in dtypes])
    return is_native(node.op.scalar, node.op.inputs, names, tuple(node.params.items()))


def _may_be_negative(node: Node) -> bool:
    if isinstance(node, Leaf) and node.role == "constant":
        return bool(np.any(node._value < 0))
    return node.dtype.kind == "i"


def is_product(node: Node) -> bool:
    """Whether an index form only multiplies its two operands number by number: nothing is summed, nothing is put on a
    diagonal."""
    if node.op.index is None or len(node.inputs) != 2:
        return False
    form = node.op.index(*node.inputs, **node.params)
    texts = (*form.operands, form.output)
    return not form.summed and all(len(set(text)) == len(text) for text in texts) and all(
        label in form.operands[0] + form.operands[1] for label in form.output
    )


def operand_axes(node: Node) -> list[Axes]:
    """For each operand of an elementwise node: for each of its axes, which axis of the result it lies along."""
    if is_product(node):
        form = node.op.index(*node.inputs, **node.params)  # type: ignore[misc]
        return [tuple(form.output.index(label) for label in labels) for labels in form.operands]
    if is_placed(node):
        return lies(node)
    rank = len(node.shape)
    return [tuple(rank - len(each.shape) + at for at in range(len(each.shape))) for each in node.inputs]
