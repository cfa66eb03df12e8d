"""Identities of shapes, axes and dtypes for `simplify`: turning, repeating, summing and converting."""

from __future__ import annotations

import numpy as np

from .index import IndexForm
from .leaves import constant
from .node import Node
from .ops import broadcast, cast, contract, reshape, transpose, where
from .ops.arithmetic import mul
from .ops.linear import from_form
from .ops.linear import sum as sum_of
from .simplify import Alone, fitted, floating, identity
from .sizes import product


@identity("(xᵀ)ᵀ = x", transpose)
def transposed_twice(node: Node, alone: Alone) -> Node | None:
    """Two turns are one turn; turns that leave every axis where it was are none. Exact."""
    axes = node.params["axes"]
    if axes == tuple(range(len(axes))):
        return node.inputs[0]
    (x,) = node.inputs
    if x.op is not transpose:
        return None
    first = x.params["axes"]
    return transpose(x.inputs[0], axes=tuple(first[axis] for axis in axes))


@identity("x repeated to its own shape = x", broadcast)
def repeated_not_at_all(node: Node, alone: Alone) -> Node | None:
    """A repeat that changes no axis does nothing; two repeats are one. Exact."""
    (x,) = node.inputs
    if x.shape == node.shape:
        return x
    return broadcast(x.inputs[0], shape=node.shape) if x.op is broadcast else None


@identity("x arranged twice = x arranged once", reshape)
def arranged_twice(node: Node, alone: Alone) -> Node | None:
    """The numbers keep their order, so only the last arrangement counts; one in the shape it has does nothing.
    Exact."""
    (x,) = node.inputs
    if x.shape == node.shape:
        return x
    return reshape(x.inputs[0], shape=node.shape) if x.op is reshape else None


@identity("where(c, x, x) = x", where)
def either_way_the_same(node: Node, alone: Alone) -> Node | None:
    """A choice between equals is no choice. Exact."""
    _, a, b = node.inputs
    return fitted(a, node) if a is b else None


@identity("f(x repeated, y) = f(x, y)")
def repeated_by_itself(node: Node, alone: Alone) -> Node | None:
    """An elementwise op repeats its operands itself, so a repeat to a shape that comes out anyway is not needed.
    Exact."""
    if node.op.scalar is None or len(node.inputs) < 2:
        return None
    for at, x in enumerate(node.inputs):
        if x.op is not broadcast:
            continue
        inputs = (*node.inputs[:at], x.inputs[0], *node.inputs[at + 1 :])
        longest = max(len(each.shape) for each in inputs)
        # Only shapes that some other operand has as they are, so that named sizes keep their names.
        if longest == len(node.shape) and any(each.shape == node.shape for each in inputs):
            return node.op.apply(inputs, node.params)
    return None


@identity("x converted to its own type = x", cast)
def converted_not_at_all(node: Node, alone: Alone) -> Node | None:
    """Converting to the type it has does nothing; a detour over a type that holds every value of the first is one
    conversion. Exact."""
    (x,) = node.inputs
    if x.dtype == node.dtype:
        return x
    if x.op is cast and np.can_cast(x.inputs[0].dtype, x.dtype, "safe"):
        return cast(x.inputs[0], **node.params)
    return None


@identity("Σ over no axis = x", sum_of)
def summed_not_at_all(node: Node, alone: Alone) -> Node | None:
    """A sum over no axis, or of a single number, is the number. Exact."""
    (x,) = node.inputs
    return (
        x
        if x.shape == node.shape and x.dtype == node.dtype and all(x.shape[axis] == 1 for axis in node.params["axis"])
        else None
    )


@identity("ΣΣx = Σx", sum_of)
def summed_twice(node: Node, alone: Alone) -> Node | None:
    """Sums over some axes and then over others are one sum over all of them. Rounds in another order."""
    (x,) = node.inputs
    if x.op is not sum_of or x.params["keepdims"] != node.params["keepdims"] or not alone(x):
        return None
    ndim = len(x.inputs[0].shape)
    first = x.params["axis"]
    remaining = list(range(ndim)) if node.params["keepdims"] else [axis for axis in range(ndim) if axis not in first]
    axes = {*first, *(remaining[axis] for axis in node.params["axis"])}
    return sum_of(x.inputs[0], axis=tuple(sorted(axes)), keepdims=node.params["keepdims"])


@identity("ΣΣx = Σx, axes kept or not", sum_of)
def summed_in_two_ways(node: Node, alone: Alone) -> Node | None:
    """A sum that keeps its axes after one that does not is one sum that keeps them all, without those of the first.
    Rounds in another order."""
    (x,) = node.inputs
    if x.op is not sum_of or x.params["keepdims"] or not node.params["keepdims"] or not alone(x):
        return None
    remaining = [axis for axis in range(len(x.inputs[0].shape)) if axis not in x.params["axis"]]
    axes = {*x.params["axis"], *(remaining[axis] for axis in node.params["axis"])}
    return reshape(sum_of(x.inputs[0], axis=tuple(sorted(axes)), keepdims=True), shape=node.shape)


@identity("Σ of n equal numbers = n·x", sum_of)
def sum_of_repeated(node: Node, alone: Alone) -> Node | None:
    """Adding a number n times is multiplying it by n. Rounds once instead of n times."""
    (repeated,) = node.inputs
    if repeated.op is not broadcast or not floating(node) or node.params["keepdims"]:
        return None
    (x,) = repeated.inputs
    axes = node.params["axis"]
    if not axes or axes[-1] >= len(repeated.shape) - len(x.shape):
        return None  # a sum over an axis that x itself has would stay beside the product
    count = product(tuple(repeated.shape[axis] for axis in axes))
    return mul(constant(count, dtype=node.dtype), fitted(x, node))


@identity("contraction of xᵀ = contraction of x, letters turned", contract)
def contraction_of_transposed(node: Node, alone: Alone) -> Node | None:
    """A contraction may read the axes of its operands in any order, so it need not be handed a turned copy. Exact."""
    form = node.op.index(*node.inputs, **node.params)
    if all(x.op is not transpose for x in node.inputs):
        return None
    operands, inputs = list(form.operands), list(node.inputs)
    for at, x in enumerate(node.inputs):
        if x.op is transpose:
            axes = x.params["axes"]
            operands[at] = "".join(operands[at][axes.index(axis)] for axis in range(len(axes)))
            inputs[at] = x.inputs[0]
    return from_form(IndexForm(tuple(operands), form.output, form.sizes), inputs)


@identity("(contraction)ᵀ = contraction, output letters turned", transpose)
def transposed_contraction(node: Node, alone: Alone) -> Node | None:
    """A contraction may write the axes of its result in any order. Exact."""
    (x,) = node.inputs
    if x.op is not contract or not alone(x):
        return None
    form = x.op.index(*x.inputs, **x.params)
    output = "".join(form.output[axis] for axis in node.params["axes"])
    return from_form(IndexForm(form.operands, output, form.sizes), x.inputs)
