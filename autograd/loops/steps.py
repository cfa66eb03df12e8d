"""One node on all steps at once: the values that an op gives step by step, as one node with an axis for the steps.

`on_all_steps` knows how for elementwise ops, for every multilinear op (its index form gets one more letter), and for the
ops listed here by what they do to axes. For any other op it gives None, and the node stays in the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..index import LABELS, IndexForm
from ..node import Node
from ..ops import (
    broadcast,
    cast,
    concat,
    embedding,
    flip,
    gather,
    log_softmax,
    logsumexp,
    max,
    mean,
    min,
    one_hot,
    pad,
    reshape,
    scatter_add,
    slice,
    softmax,
    stack,
    std,
    stop_gradient,
    tril,
    triu,
    unslice,
    var,
)
from ..ops.linear import from_form
from ..sizes import product
from .cost import scalar_words

Params = dict[str, Any]
_ALONG_AXES = (flip, log_softmax, logsumexp, max, mean, min, softmax, std, var)
"""Ops of one operand that work along the axes in `axis`; all other axes only count examples."""
_JOINING = (concat, stack)
"""Ops of several operands that are put side by side along `axis`."""
_LAST_AXES = (cast, one_hot, stop_gradient, tril, triu)
"""Ops that look at single numbers or at the last axes; whatever stands in front only counts examples."""
_LOOK_UP = (embedding, gather)
"""Ops that pick entries of the first operand, which stays the same, at every place that the second names."""
_ARRANGING: dict[Any, Callable[[Params, int], Params]] = {
    reshape: lambda params, length: {"shape": (length, *params["shape"])},
    slice: lambda params, length: {"index": ((0, length, 1), *params["index"])},
    unslice: lambda params, length: {"index": ((0, length, 1), *params["index"]), "shape": (length, *params["shape"])},
    pad: lambda params, length: {**params, "width": ((0, 0), *params["width"])},
}
"""Ops that arrange one operand anew -> their params when an axis stands in front."""


def on_all_steps(node: Node, operands: Sequence[Node], moving: Sequence[bool], length: int) -> Node | None:
    """The node on operands that have an axis of `length` steps in front where they are `moving`; None where nobody
    knows how. At least one operand moves."""
    result = _stacked(node, operands, moving, length)
    if result is None or result.shape != (length, *node.shape) or result.dtype != node.dtype:
        return None
    return result


def _stacked(node: Node, operands: Sequence[Node], moving: Sequence[bool], length: int) -> Node | None:
    op, params = node.op, dict(node.params)
    if op.index is not None:
        return _contracted(node, operands, moving, length, True)
    if scalar_words(node) is not None:
        rank = len(node.shape)
        aligned = [_aligned(x, rank) if moves else x for x, moves in zip(operands, moving)]
        return op.apply(tuple(aligned), params)
    if op in _LAST_AXES:
        return op.apply(tuple(operands), params)
    if op in _ARRANGING:
        return op.apply(tuple(operands), _ARRANGING[op](params, length))
    if op in _LOOK_UP and not moving[0]:
        return op.apply(tuple(operands), params)
    if op in _ALONG_AXES or op in _JOINING:
        axis = params["axis"]
        params["axis"] = tuple(each + 1 for each in axis) if isinstance(axis, tuple) else axis + 1
        whole = [x if moves else broadcast(x, shape=(length, *x.shape)) for x, moves in zip(operands, moving)]
        return op.apply(tuple(whole), params)
    return None


def _aligned(x: Node, rank: int) -> Node:
    """A moving operand whose own axes stand where broadcasting expects them, behind the axis of steps."""
    length, *own = x.shape
    return x if len(own) == rank else reshape(x, shape=(length, *[1] * (rank - len(own)), *own))


def summed_over_steps(node: Node, operands: Sequence[Node], moving: Sequence[bool], length: int) -> Node | None:
    """The sum of a node over all steps, as one contraction or one adding of entries; None for any other op."""
    if node.op.index is not None:
        result = _contracted(node, operands, moving, length, False)
    elif node.op is scatter_add and all(moving):
        result = scatter_add(*operands, **node.params)
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
