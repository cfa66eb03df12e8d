"""The same numbers in another arrangement: reshaped, with axes added, removed or moved, or with a triangle kept."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..axes import axes_of, axis_of, unchanged
from ..errors import DtypeError, ParameterError, ShapeError
from ..leaves import as_node
from ..node import Leaf, Node
from ..notation import call
from ..op import REQUIRED, SHAPE, example, structural
from ..sizes import Size, product
from .linear import transpose

__all__ = ["expand_dims", "flatten", "moveaxis", "one_hot", "reshape", "squeeze", "swapaxes", "tril", "triu"]


def whole(number: Any, what: str) -> int:
    """A whole number as int (a Size stays one); ParameterError naming `what` otherwise."""
    if isinstance(number, (bool, np.bool_)) or not isinstance(number, (int, np.integer)):
        raise ParameterError(f"{what} {number!r} is not a whole number")
    return number if isinstance(number, Size) else int(number)


def name_only_last(result: Node, since: int) -> Node:
    """`result`, after the variable it is assigned to was taken from the nodes built on the way to it, after serial
    `since`."""
    waiting = list(result.inputs)
    while waiting:
        node = waiting.pop()
        if node.serial > since and node.site[1] >= 0:
            node.site = (node.site[0], ~node.site[1])
            waiting += node.inputs
    return result


def _expressed(missing: int, sizes: tuple[int, ...], known: Sequence[int]) -> int:
    """The missing size as a product of the sizes that `known` leaves over, so that N stays N; its digits if it is
    none."""
    rest = list(sizes)
    for size in known:
        if size in rest:
            rest.remove(size)
    if not any(isinstance(size, Size) for size in rest):
        return missing
    for count in range(1, len(rest) + 1):
        for some in itertools.combinations(rest, count):
            if product(some) == missing:
                return product(some)
    return missing


def _arrangement(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Params with the open size (−1) of `shape` filled in, as an expression of the other sizes where there is one."""
    x, given = inputs[0], params["shape"]
    shape = [whole(size, "size") for size in (given if isinstance(given, (tuple, list)) else (given,))]
    total, open_axes = product(x.shape), [axis for axis, size in enumerate(shape) if size == -1]
    text = f"({', '.join(str(int(size)) for size in x.shape)}) holds {int(total)} number{'s' * (total != 1)}"
    if len(open_axes) > 1:
        raise ParameterError(f"reshape: shape {tuple(shape)} leaves {len(open_axes)} sizes open; at most one may be -1")
    if any(size < -1 for size in shape):
        raise ParameterError(
            f"reshape: shape {tuple(shape)} has a negative size; only one -1 is allowed, for the size to be worked out"
        )
    if open_axes:
        known = [size for size in shape if size != -1]
        count = product(tuple(known))
        if count == 0 or total % count:
            raise ShapeError(
                f"reshape: {text}, which cannot be arranged as {tuple(map(int, shape))}: {int(total)} is not a multiple"
                f" of {int(count)}"
            )
        shape[open_axes[0]] = _expressed(int(total) // int(count), x.shape, known)
    elif product(tuple(shape)) != total:
        raise ShapeError(
            f"reshape: {text}, but {tuple(map(int, shape))} holds {int(product(tuple(shape)))}; write -1 for a size to"
            " be worked out"
        )
    return {"shape": tuple(shape)}


reshape = structural(
    "reshape", lambda x, shape: np.reshape(x, shape), lambda x, shape: shape,
    inputs=("x",), params={"shape": REQUIRED}, kind=SHAPE, kernel="reshape", normalize=_arrangement, symbol="▭",
    linear=True, stacked=lambda params, length: {"shape": (length, *params["shape"])},
    words="arrange the numbers of {x} as {shape}",
    why="the numbers only change places, so the gradient is arranged back into the shape of the input",
    pitfalls=("the order of the numbers stays as in memory, last axis fastest; reshaping (N, 3) to (3, N) is not a"
              " transpose",),
    gradient=lambda g, y, x, shape: (reshape(g, shape=x.shape),),
    example=[example((3, 4), params={"shape": (2, 6)}), example((2, 3, 2), params={"shape": (-1, 2)}),
             example((), params={"shape": (1, 1)})],
)  # fmt: skip


def flatten(x: Any, start: int = 0) -> Node:
    """`x` with the axes from `start` on joined into one; `flatten(x, 1)` keeps the batch axis.

    >>> import nngraph as ng
    >>> ng.flatten([[1.0, 2.0], [3.0, 4.0]]).value
    array([1., 2., 3., 4.])
    """
    x = as_node(x)
    if start == 0:
        return reshape(x, shape=(product(x.shape),))
    start = axis_of(start, len(x.shape))
    return reshape(x, shape=(*x.shape[:start], product(x.shape[start:])))


def expand_dims(x: Any, axis: int | Sequence[int]) -> Node:
    """`x` with new axes of size 1 that stand at `axis` in the result.

    >>> import nngraph as ng
    >>> ng.expand_dims([1.0, 2.0], 1).shape
    (2, 1)
    """
    x = as_node(x)
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    axes = axes_of(axis, len(x.shape) + count)
    old = iter(x.shape)
    return reshape(x, shape=tuple(1 if at in axes else next(old) for at in range(len(x.shape) + count)))


def squeeze(x: Any, axis: int | Sequence[int] | None = None) -> Node:
    """`x` without the axes of size 1, or without just those named; ShapeError when one of them is longer.

    >>> import nngraph as ng
    >>> ng.squeeze([[1.0, 2.0]]).shape
    (2,)
    """
    x = as_node(x)
    axes = tuple(at for at, size in enumerate(x.shape) if size == 1) if axis is None else axes_of(axis, len(x.shape))
    for at in axes:
        if x.shape[at] != 1:
            raise ShapeError(
                f"squeeze: axis {at} has {int(x.shape[at])} entries, and only an axis with one can be dropped; take one"
                f" with x[{':, ' * at}0]"
            )
    return reshape(x, shape=tuple(size for at, size in enumerate(x.shape) if at not in axes))


def swapaxes(x: Any, axis1: int, axis2: int) -> Node:
    """`x` with two axes exchanged.

    >>> import nngraph as ng
    >>> ng.swapaxes([[[1.0, 2.0, 3.0]]], 0, 2).shape
    (3, 1, 1)
    """
    x = as_node(x)
    axes = list(range(len(x.shape)))
    a, b = axis_of(axis1, len(axes)), axis_of(axis2, len(axes))
    axes[a], axes[b] = b, a
    return transpose(x, axes=tuple(axes))


def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Node:
    """`x` with the axes `source` moved to `destination`; the others keep their order.

    >>> import nngraph as ng
    >>> ng.moveaxis([[[1.0, 2.0, 3.0]]], 2, 0).shape
    (3, 1, 1)
    """
    x = as_node(x)
    ndim = len(x.shape)
    sources = [axis_of(axis, ndim) for axis in (source if isinstance(source, (tuple, list)) else (source,))]
    destinations = [
        axis_of(axis, ndim) for axis in (destination if isinstance(destination, (tuple, list)) else (destination,))
    ]
    if (
        len(sources) != len(destinations)
        or len(set(sources)) != len(sources)
        or len(set(destinations)) != len(destinations)
    ):
        raise ParameterError(
            f"moveaxis: source {source} and destination {destination} must name equally many axes, each once"
        )
    axes = [axis for axis in range(ndim) if axis not in sources]
    for at, axis in sorted(zip(destinations, sources)):
        axes.insert(at, axis)
    return transpose(x, axes=tuple(axes))


def _triangle_shape(x: Node, k: int) -> tuple[int, ...]:
    if len(x.shape) < 2:
        raise ShapeError(
            f"a triangle is a part of a matrix; this has {len(x.shape)} {'axis' if len(x.shape) == 1 else 'axes'}"
        )
    return x.shape


def _offset(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"k": whole(params["k"], "diagonal k")}


tril = structural(
    "tril", lambda x, k: np.tril(x, k), _triangle_shape, inputs=("x",), params={"k": 0}, kind=SHAPE, kernel="tril",
    normalize=_offset, symbol="◣", placed="where(column - row <= k, x, 0)", linear=True, stacked=unchanged,
    words="keep {x} on and below diagonal {k}, zero above",
    why="only the numbers that are kept act on the result, so only they receive a gradient; the rest is zero",
    gradient=lambda g, y, x, k: (tril(g, k=k),),
    example=[example((3, 3)), example((2, 3, 4), params={"k": -1})],
)  # fmt: skip

triu = structural(
    "triu", lambda x, k: np.triu(x, k), _triangle_shape, inputs=("x",), params={"k": 0}, kind=SHAPE, kernel="triu",
    normalize=_offset, symbol="◥", placed="where(column - row >= k, x, 0)", linear=True, stacked=unchanged,
    words="keep {x} on and above diagonal {k}, zero below",
    why="only the numbers that are kept act on the result, so only they receive a gradient; the rest is zero",
    gradient=lambda g, y, x, k: (triu(g, k=k),),
    example=[example((3, 3)), example((2, 3, 4), params={"k": 1})],
)  # fmt: skip


def _classes(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    x, classes, dtype = inputs[0], whole(params["classes"], "one_hot: classes"), np.dtype(params["dtype"])
    if classes < 1:
        raise ParameterError(f"one_hot: {int(classes)} classes; there must be at least one")
    if x.dtype.kind not in "iu":
        raise DtypeError(f"one_hot: class numbers must be integers, not {x.dtype}; convert with ng.cast(x, 'int64')")
    if isinstance(x, Leaf) and x.role == "constant":
        _classes_in_range(x.value, classes)
    return {"classes": classes, "dtype": dtype.name}


def _classes_in_range(x: Any, classes: int) -> None:
    if np.size(x) and not (np.min(x) >= 0 and np.max(x) < classes):
        wrong = next(int(number) for number in np.ravel(x) if not 0 <= number < classes)
        raise ShapeError(
            f"one_hot: class number {wrong} with {int(classes)} classes; they are numbered 0 to {int(classes) - 1}"
        )


def _one_hot(x: Any, classes: int, dtype: str) -> np.ndarray:
    x = np.asarray(x)
    _classes_in_range(x, classes)
    return (x[..., None] == np.arange(classes)).astype(dtype)


one_hot = structural(
    "one_hot", _one_hot, lambda x, classes, dtype: (*x.shape, classes), inputs=("x",),
    params={"classes": REQUIRED, "dtype": "float64"},
    kind=SHAPE, kernel="one_hot", normalize=_classes, dtype=lambda x, classes, dtype: np.dtype(dtype),
    notation=call("1", r"\mathbf{1}"), differentiable=False,
    placed="x == column", numbered="classes", stacked=unchanged,
    words="a row of {classes} numbers for each class number in {x}: 1 at its place, 0 elsewhere",
    why="class numbers are names, not amounts: there is no small step from one to the next, so there is no gradient",
    pitfalls=("class numbers start at 0",),
    example=[example((4,), params={"classes": 3}, integers={0: 3}),
             example((2, 2), params={"classes": 2, "dtype": "float32"}, integers={0: 2})],
)  # fmt: skip
