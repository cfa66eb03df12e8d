"""One node on all steps at once: the values that an op gives step by step, as one node with an axis for the steps.

`on_all_steps` knows how for elementwise ops, for every multilinear op (its index form gets one more letter), and for
the ops that say so themselves, by their field `stacked`. For any other op it gives None, and the node stays in the
loop.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..index import LABELS, IndexForm
from ..node import Node
from ..ops import broadcast, reshape
from ..ops.linear import from_form
from ..sizes import product
from .cost import scalar_words


def on_all_steps(node: Node, operands: Sequence[Node], moving: Sequence[bool], length: int) -> Node | None:
    """The node on operands that have an axis of `length` steps in front where they are `moving`; None where nobody
    knows how. At least one operand moves."""
    result = _stacked(node, operands, moving, length)
    if result is None or result.shape != (length, *node.shape) or result.dtype != node.dtype:
        return None
    return result


def _stacked(node: Node, operands: Sequence[Node], moving: Sequence[bool], length: int) -> Node | None:
    op, params = node.op, node.params
    if op.index is not None:
        return _contracted(node, operands, moving, length, True)
    if scalar_words(node) is not None:
        rank = len(node.shape)
        aligned = [_aligned(x, rank) if moves else x for x, moves in zip(operands, moving)]
        return op.apply(tuple(aligned), params)
    if op.stacked is None:
        return None
    whole = []
    for at, (x, moves) in enumerate(zip(operands, moving)):
        is_shared = not op.variadic and op.inputs[at] in op.shared
        if is_shared and moves:
            return None
        whole.append(x if moves or is_shared else broadcast(x, shape=(length, *x.shape)))
    return op.apply(tuple(whole), op.stacked(params, length))


def _aligned(x: Node, rank: int) -> Node:
    """A moving operand whose own axes stand where broadcasting expects them, behind the axis of steps."""
    length, *own = x.shape
    return x if len(own) == rank else reshape(x, shape=(length, *[1] * (rank - len(own)), *own))


def summed_over_steps(node: Node, operands: Sequence[Node], moving: Sequence[bool], length: int) -> Node | None:
    """The sum of a node over all steps, as one contraction or by an op that adds up itself; None for
    any other op."""
    if node.op.index is not None:
        result = _contracted(node, operands, moving, length, False)
    elif node.op.adds_up and all(moving):
        result = node.op.apply(tuple(operands), node.params)
    else:
        return None
    return result if result.shape == node.shape and result.dtype == node.dtype else None


def _contracted(node: Node, operands: Sequence[Node], moving: Sequence[bool], length: int, stacked: bool) -> Node:
    """A multilinear node with one letter more, for the steps, in the operands that move and in a stacked result."""
    form = node.op.index(*node.inputs, **node.params)
    step = next(label for label in LABELS if label not in form.sizes)
    labels = tuple(step + each if moves else each for each, moves in zip(form.operands, moving))
    output = step + form.output if stacked else form.output
    return _steps_joined(IndexForm(labels, output, {**form.sizes, step: length}), list(operands), step)


def _steps_joined(form: IndexForm, operands: list[Node], step: str) -> Node:
    """A contraction in which steps and examples are one axis where they stand side by side everywhere: a stack of
    matrix products that share a factor is one large product."""
    if len(operands) > 1:
        texts = [*form.operands, form.output]
        behind = {text[1] for text in texts if len(text) > 1 and text[0] == step}
        for label in sorted(behind):
            together = [text.startswith(step + label) and text.count(label) == 1 for text in texts]
            if all(joined or not {step, label} & set(text) for joined, text in zip(together, texts)):
                size = product((form.sizes[step], form.sizes[label]))
                for at, x in enumerate(operands):
                    if together[at]:
                        operands[at] = reshape(x, shape=(size, *x.shape[2:]))
                *inner, output = [text.replace(step + label, step) for text in texts]
                sizes = {each: length for each, length in form.sizes.items() if each != label} | {step: size}
                joined = from_form(IndexForm(tuple(inner), output, sizes), operands)
                return reshape(joined, shape=form.shape) if together[-1] else joined
    return from_form(form, operands)
