"""Multilinear ops, each written in index notation; shape, value and gradient all follow from the index text.

sum and broadcast stand beside each other because each is the other's gradient; so do matmul and contract.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..axes import axis_of, several_axes
from ..errors import ParameterError, ShapeError
from ..index import LABELS, IndexForm
from ..language import N_
from ..node import Node, abilities
from ..notation import POWER, PRODUCT, TRANSPOSED, Notation, call, infix
from ..op import LINEAR, REDUCTION, REQUIRED, SHAPE, example, multilinear

__all__ = ["broadcast", "contract", "diagonal", "dot", "einsum", "matmul", "outer", "sum", "trace", "transpose"]


def _sum_form(x: Node, axis: tuple[int, ...], keepdims: bool) -> IndexForm:
    labels = LABELS[: len(x.shape)]
    output = "".join((label.upper() if keepdims else "") if at in axis else label for at, label in enumerate(labels))
    return IndexForm.read(
        f"{labels}->{output}", (x.shape,), {labels[at].upper(): 1 for at in axis} if keepdims else None
    )


sum = multilinear(
    "sum", _sum_form, inputs=("x",), params={"axis": None, "keepdims": False}, kind=REDUCTION, normalize=several_axes,
    notation=call("Σ", r"\sum"), letter="s", fold="+",
    words="add up {x} over axes {axis}",
    why="every number enters the sum with slope 1, so the gradient is handed back to each of them: it is repeated",
    numpy=lambda x, axis, keepdims: np.sum(x, axis=axis, keepdims=keepdims),
    dtype=lambda x, axis, keepdims: np.sum(np.zeros((1,), x.dtype)).dtype,
    example=[example((3, 4)), example((3, 4), params={"axis": 0}),
             example((2, 3, 4), params={"axis": (0, 2), "keepdims": True})],
)  # fmt: skip


def _broadcast_form(x: Node, shape: tuple[int, ...]) -> IndexForm:
    gap = len(shape) - len(x.shape)
    new = LABELS[: len(shape)]
    labels, sizes = "", {}
    for at, size in enumerate(x.shape):
        whole = shape[gap + at]
        if size != whole and size != 1:
            raise ShapeError(f"{tuple(map(int, x.shape))} does not broadcast to {tuple(map(int, shape))}")
        labels += new[gap + at] if size == whole else new[gap + at].upper()
    if gap < 0:
        raise ShapeError(f"{tuple(map(int, x.shape))} has more axes than {tuple(map(int, shape))}")
    sizes = {label: size for label, size in zip(new, shape) if label not in labels}
    return IndexForm.read(f"{labels}->{new}", (x.shape,), sizes)


broadcast = multilinear(
    "broadcast", _broadcast_form, inputs=("x",), params={"shape": REQUIRED}, kind=SHAPE,
    normalize=lambda inputs, params: (
        {"shape": tuple(params["shape"]) if not isinstance(params["shape"], int) else (params["shape"],)}
    ),
    words="repeat {x} to shape {shape}",
    why="a number that is repeated acts in every copy, so the gradients of all its copies are added up",
    numpy=lambda x, shape: np.broadcast_to(x, shape),
    example=[example((4,), params={"shape": (3, 4)}), example((3, 1), params={"shape": (2, 3, 4)}),
             example((), params={"shape": (2,)})],
)  # fmt: skip


def _permutation(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    ndim, axes = len(inputs[0].shape), params["axes"]
    if axes is None:
        return {"axes": tuple(range(ndim))[::-1]}
    axes = tuple(axis_of(axis, ndim) for axis in axes)
    if sorted(axes) != list(range(ndim)):
        raise ParameterError(f"axes {axes} must name each of the {ndim} axes once")
    return {"axes": axes}


transpose = multilinear(
    "transpose",
    lambda x, axes: IndexForm.read(f"{LABELS[:len(x.shape)]}->{''.join(LABELS[a] for a in axes)}", (x.shape,)),
    inputs=("x",), params={"axes": None}, kind=SHAPE, normalize=_permutation, notation=TRANSPOSED, symbol="ᵀ",
    words="turn the axes of {x} into the order {axes}",
    why="turning moves numbers without changing them, so the gradient is turned back",
    numpy=lambda x, axes: np.transpose(x, axes),
    example=[example((3, 4)), example((2, 3, 4), params={"axes": (2, 0, 1)})],
)  # fmt: skip


def _matmul_form(a: Node, b: Node) -> IndexForm:
    if not a.shape or not b.shape:
        side = a if not a.shape else b
        raise ShapeError(
            N_("{name} is a single number and has no rows or columns; use * to scale"), name=side.name or "one side"
        )
    rows, columns = ("" if len(a.shape) == 1 else "n"), ("" if len(b.shape) == 1 else "k")
    inner_a, inner_b = a.shape[-1], b.shape[-2] if len(b.shape) > 1 else b.shape[0]
    shapes = f"({', '.join(str(int(s)) for s in a.shape)}) @ ({', '.join(str(int(s)) for s in b.shape)})"
    if inner_a != inner_b:
        fields = {"shapes": shapes, "one": int(inner_a), "other": int(inner_b)}
        turned = ""
        if len(b.shape) > 1 and b.shape[-1] == inner_a:
            turned = f"{b.name or 'b'}.{'T' if len(b.shape) == 2 else 'mT'}"
        elif len(a.shape) > 1 and a.shape[-2] == inner_b:
            turned = f"{a.name or 'a'}.{'T' if len(a.shape) == 2 else 'mT'}"
        if turned:
            raise ShapeError(
                N_("{shapes}: inner sizes {one} and {other} differ; did you mean {turned}?"), turned=turned, **fields
            )
        raise ShapeError(N_("{shapes}: inner sizes {one} and {other} differ"), **fields)
    batch_a, batch_b = a.shape[:-2], b.shape[:-2]
    count = max(len(batch_a), len(batch_b))
    names = [label for label in string.ascii_lowercase if label not in "ndk"][:count]
    output, left, right, sizes = "", "", "", {}
    for at, name in enumerate(names):
        size_a = batch_a[at - count + len(batch_a)] if at >= count - len(batch_a) else None
        size_b = batch_b[at - count + len(batch_b)] if at >= count - len(batch_b) else None
        if size_a is not None and size_b is not None and size_a != size_b and 1 not in (size_a, size_b):
            raise ShapeError(f"{shapes}: stacks of {int(size_a)} and {int(size_b)} matrices do not broadcast")
        whole = size_b if size_a is None else size_a if size_b is None or size_b == 1 else size_b
        for size, is_left in ((size_a, True), (size_b, False)):
            if size is not None:
                label = name if size == whole else name.upper()
                left, right = (left + label, right) if is_left else (left, right + label)
        output += name
    return IndexForm.read(f"{left}{rows}d,{right}d{columns}->{output}{rows}{columns}", (a.shape, b.shape), sizes)


matmul = multilinear(
    "matmul", _matmul_form, inputs=("a", "b"), sign="@", kind=LINEAR, kernel="matmul",
    notation=infix("·", PRODUCT, r"\,", right=PRODUCT), symbol="@", letter="a",
    words="combine the rows of {a} with the columns of {b}",
    why="each result sums products over the inner axis, so each factor receives the gradient combined with the other"
    " factor, turned so that the summed axis stands last on the left and first on the right",
    pitfalls=("the order matters: A·B and B·A are different, and usually only one has fitting shapes",),
    numpy=np.matmul,
    example=[example((3, 4), (4, 2)), example((4,), (4,)), example((3, 4), (4,)), example((4,), (4, 2)),
             example((5, 3, 4), (4, 2)), example((2, 1, 3, 4), (5, 4, 2)), example((4,), (5, 4, 2)),
             example((2, 3, 4), (4,))],
)  # fmt: skip


def _contraction(*operands: Node, text: str, sizes: tuple[tuple[str, int], ...]) -> IndexForm:
    return IndexForm.read(text, [operand.shape for operand in operands], dict(sizes))


def _contraction_sign(node: Node) -> str:
    """`Xᵀ·G` in words of the operands: which factor is turned."""
    matrix = _contraction(*node.inputs, **node.params).matrix_product()
    if matrix is None:
        return "Σ"
    return ("ᵀ" if matrix[1] else "") + "·" + ("ᵀ" if matrix[2] else "")


contract = multilinear(
    "contract", _contraction, inputs=("x",), variadic=True, params={"text": REQUIRED, "sizes": ()}, kind=LINEAR,
    kernel="contract",
    normalize=lambda inputs, params: (
        {"text": params["text"].replace(" ", ""), "sizes": tuple(sorted(dict(params["sizes"]).items()))}
    ),
    notation=call("Σ", r"\sum"), symbol=_contraction_sign, letter="c",
    words="multiply the operands and sum by the rule {text}",
    why="the result is linear in every operand, so each receives the gradient contracted with all the others",
    example=[example((3, 4), (3, 2), params={"text": "nd,nk->dk"}), example((3,), params={"text": "i->ii"}),
             example((3, 3), params={"text": "ii->i"}), example((3,), params={"text": "i->ij", "sizes": {"j": 2}})],
)  # fmt: skip


def einsum(text: str, *operands: Any) -> Node:
    """The contraction that numpy.einsum's text describes; without `->` the labels that stand once are the output,
    sorted.

    >>> import nngraph as ng
    >>> ng.einsum("nd,dk->nk", [[1.0, 2.0]], [[3.0], [4.0]]).value
    array([[11.]])
    """
    if "->" not in text:
        labels = text.replace(",", "").replace(" ", "")
        text = text + "->" + "".join(sorted(label for label in set(labels) if labels.count(label) == 1))
    if "." in text:
        raise ParameterError(f"einsum {text!r}: name every axis; '...' is not supported")
    return contract(list(operands), text=text)


outer = multilinear(
    "outer", lambda a, b: IndexForm.read("i,j->ij", (a.shape, b.shape)), inputs=("a", "b"), kind=LINEAR,
    notation=Notation("infix", "⊗", r"\otimes ", PRODUCT, (POWER, POWER)),
    words="every product of a number of {a} with a number of {b}",
    why="entry (i, j) is a_i·b_j, so a_i collects b_j times the gradients of its row, and b_j a_i times those of its"
    " column",
    example=example((3,), (4,)),
)  # fmt: skip

dot = multilinear(
    "dot", lambda a, b: IndexForm.read("i,i->", (a.shape, b.shape)), inputs=("a", "b"), kind=LINEAR,
    notation=infix("·", PRODUCT, r"\cdot "), words="the sum of products of {a} and {b}",
    why="a sum of products is linear in each factor, so each receives the other factor times the gradient",
    example=example((4,), (4,)),
)  # fmt: skip

diagonal = multilinear(
    "diagonal", lambda x: IndexForm.read(f"{LABELS[2:len(x.shape)]}ii->{LABELS[2:len(x.shape)]}i", (x.shape,)),
    inputs=("x",), kind=SHAPE,
    notation=call("diag"), words="the diagonal of {x}",
    why="only the diagonal is used, so only the diagonal receives a gradient; the rest is zero",
    example=[example((3, 3)), example((2, 3, 3))],
)  # fmt: skip

trace = multilinear(
    "trace", lambda x: IndexForm.read("ii->", (x.shape,)), inputs=("x",), kind=REDUCTION,
    notation=call("tr"), words="the sum of the diagonal of {x}",
    why="each diagonal number enters with slope 1 and the others not at all: the gradient is the identity matrix times"
    " g",
    example=example((3, 3)),
)  # fmt: skip


def from_form(form: IndexForm, operands: Sequence[Node]) -> Node:
    """The simplest node that computes an index form: the operand itself, a turn, a sum, a repeat, or a contraction."""
    if len(operands) == 1:
        (labels,), (x,) = form.operands, operands
        plain = len(set(labels)) == len(labels) and len(set(form.output)) == len(form.output)
        new = [label for label in form.output if label not in labels]
        if plain and labels == form.output:
            return x
        if plain and not new and len(labels) == len(form.output):
            return transpose(x, axes=tuple(labels.index(label) for label in form.output))
        if plain and not new and [label for label in labels if label in form.output] == list(form.output):
            return sum(x, axis=tuple(at for at, label in enumerate(labels) if label not in form.output))
        if (
            plain
            and len(labels) == len(form.output)
            and all(a == b or form.sizes[b] == 1 and b not in labels for a, b in zip(labels, form.output))
        ):
            return sum(x, axis=tuple(at for at, (a, b) in enumerate(zip(labels, form.output)) if a != b), keepdims=True)
        if plain and form.output.endswith(labels):
            return broadcast(x, shape=form.shape)
        if (
            plain
            and len(labels) == len(form.output)
            and all(a == b or form.sizes[a] == 1 and a not in form.output for a, b in zip(labels, form.output))
        ):
            return broadcast(x, shape=form.shape)
    if len(operands) == 2 and len(set(form.output)) == len(form.output):
        a, b = form.operands
        if a == form.output and form.output.endswith(b) or b == form.output and form.output.endswith(a):
            return operands[0] * operands[1]
        if form.matrix_product() == (False, False, False) and (a or b):
            return matmul(*operands)
        if not set(a) & set(b) and form.output == a + b and len(a) == len(b) == 1:
            return outer(*operands)
    extra = {label: size for label, size in form.sizes.items() if not any(label in labels for labels in form.operands)}
    return contract(list(operands), text=form.text, sizes=tuple(extra.items()))


def sum_to(x: Node, shape: tuple[int, ...]) -> Node:
    """`x` summed over the axes along which `shape` was broadcast: the way back from broadcasting, said once for all
    ops."""
    if x.shape == shape:
        return x
    gap = len(x.shape) - len(shape)
    if gap < 0 or any(size != whole and size != 1 for size, whole in zip(shape, x.shape[gap:])):
        return broadcast(x, shape=shape)
    front = tuple(range(gap))
    inner = tuple(gap + at for at, size in enumerate(shape) if size == 1 and x.shape[gap + at] != 1)
    if not inner:
        return sum(x, axis=front)
    x = sum(x, axis=front) if front else x
    return sum(x, axis=tuple(at - gap for at in inner), keepdims=True)


abilities["transpose"] = lambda node: transpose(node)


def matrix_transpose(x: Node) -> Node:
    """The last two axes swapped."""
    ndim = len(x.shape)
    if ndim < 2:
        raise ShapeError(f"mT needs a matrix; this has shape {tuple(map(int, x.shape))}")
    return transpose(x, axes=(*range(ndim - 2), ndim - 1, ndim - 2))


abilities["matrix_transpose"] = matrix_transpose
