"""Picking by whole numbers: gather and its partner scatter_add, what is made of them, and numpy's x[…] on nodes.

The numbers of an index are values, so an index is an input of the graph, not a setting; only slices are settings.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..axes import axis_of, one_axis, unchanged
from ..broadcasting import broadcast_shapes
from ..errors import DtypeError, ShapeError
from ..leaves import as_node, constant
from ..node import Leaf, Node, abilities, describe, next_serial
from ..op import REQUIRED, SHAPE, composite, example, structural
from .identity import cast
from .linear import broadcast, transpose
from .shape import expand_dims, flatten, moveaxis, name_only_last, whole
from .slicing import ELEMENT, slice, stack, takes_all

__all__ = ["embedding", "gather", "scatter", "scatter_add", "take", "take_along_axis"]


def _integers(node: Node, name: str) -> None:
    """Refuse an index that does not hold whole numbers."""
    if node.dtype.kind == "b":
        raise DtypeError(
            f"{name}: true and false do not say which place; pick with x[mask] (a fixed mask), or use ng.where(mask, x,"
            " 0)"
        )
    if node.dtype.kind not in "iu":
        if _is_constant(node) and not node.shape and node.value == np.floor(node.value):
            raise DtypeError(
                f"{name}: a bare number takes the dtype of what stands beside it; write the index as"
                f" np.array({int(node.value)}) or as x[…]"
            )
        raise DtypeError(
            f"{name}: an index must hold whole numbers, not {node.dtype}; convert with ng.cast(index, 'int64')"
        )


def _in_range(indices: Any, size: int, name: str, axis: int) -> None:
    """Refuse numbers outside −size…size−1."""
    if np.size(indices) and not (-size <= np.min(indices) and np.max(indices) < size):
        wrong = next(int(number) for number in np.ravel(indices) if not -size <= number < size)
        raise ShapeError(f"{name}: index {wrong} is out of range for axis {axis}, which has {int(size)} entries")


def _is_constant(node: Node) -> bool:
    return isinstance(node, Leaf) and node.role == "constant"


def _picker(positions: Any) -> tuple[Any, ...]:
    """Positions as numpy's tuple of index arrays, one per axis."""
    positions = np.asarray(positions)
    if positions.dtype == object:
        positions = positions.astype(np.intp)
    return (*np.moveaxis(positions, -1, 0), Ellipsis)


def _checked_positions(name: str, positions: Node, shape: tuple[int, ...]) -> None:
    _integers(positions, name)
    if not positions.shape or positions.shape[-1] > len(shape) or positions.shape[-1] == 0:
        raise ShapeError(
            f"{name}: the last axis of positions holds one index per axis, 1 to {len(shape)} of them for shape"
            f" {tuple(map(int, shape))};"
            f" positions have shape {tuple(map(int, positions.shape))}"
        )
    if _is_constant(positions):
        for axis in range(positions.shape[-1]):
            _in_range(positions.value[..., axis], shape[axis], name, axis)


def _gatherable(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    _checked_positions("gather", inputs[1], inputs[0].shape)
    return params


def _gather(x: Any, positions: Any) -> Any:
    try:
        return np.asarray(x)[_picker(positions)]
    except IndexError as error:
        raise ShapeError(f"gather: {error}") from None


gather = structural(
    "gather", _gather, lambda x, positions: (*positions.shape[:-1], *x.shape[positions.shape[-1] :]),
    inputs=("x", "positions"), kind=SHAPE, kernel="gather", normalize=_gatherable,
    scattered=True, shared=("x",), stacked=unchanged,
    dtype=lambda x, positions: x.dtype, notation=ELEMENT, symbol="x[i]",
    words="the entries of {x} at {positions}",
    why="each entry that was picked sends its gradient back to its own place; a place that was picked twice receives"
    " both",
    pitfalls=("the last axis of positions holds one index per axis, so three points of a matrix are positions of shape"
              " (3, 2)",),
    gradient=lambda g, y, x, positions: (scatter_add(g, positions, shape=x.shape), None),
    example=[example((3, 4), (5, 2), integers={1: 3}), example((3, 2), (2, 2, 1), integers={1: 3}),
             example((3,), (1,), integers={1: 3})],
)  # fmt: skip


def _scatterable(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    x, positions = inputs
    shape = tuple(whole(size, "scatter_add: size") for size in params["shape"])
    _checked_positions("scatter_add", positions, shape)
    fits = (*positions.shape[:-1], *shape[positions.shape[-1] :])
    if x.shape != fits:
        raise ShapeError(
            f"scatter_add: {tuple(map(int, x.shape))} does not fit the places, which have shape {tuple(map(int, fits))}"
        )
    return {"shape": shape}


def _scatter_add(x: Any, positions: Any, shape: tuple[int, ...]) -> np.ndarray:
    x = np.asarray(x)
    result = np.zeros(shape, x.dtype)
    try:
        np.add.at(result, _picker(positions), x)
    except IndexError as error:
        raise ShapeError(f"scatter_add: {error}") from None
    return result


scatter_add = structural(
    "scatter_add", _scatter_add, lambda x, positions, shape: shape,
    inputs=("x", "positions"), params={"shape": REQUIRED}, kind=SHAPE, kernel="scatter_add", normalize=_scatterable,
    scattered=True, adds_up=True,
    dtype=lambda x, positions, shape: x.dtype, symbol="+=[i]",
    words="add the entries of {x} into zeros of shape {shape}, at {positions}",
    why="each entry lands in one place with slope 1, so it picks up the gradient found there",
    pitfalls=("entries that land in the same place add up; none is overwritten",),
    gradient=lambda g, y, x, positions, shape: (gather(g, positions), None),
    example=[example((5,), (5, 2), params={"shape": (3, 4)}, integers={1: 3}),
             example((2, 2, 2), (2, 2, 1), params={"shape": (3, 2)}, integers={1: 3})],
)  # fmt: skip


def _takeable(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    x, indices = inputs
    params = one_axis(inputs, params)
    _integers(indices, "take")
    if _is_constant(indices):
        axis = params["axis"]
        _in_range(indices.value, x.size if axis is None else x.shape[axis], "take", axis or 0)
    return params


def _taken(x: Node, indices: Node, axis: int | None) -> Node:
    if axis is None:
        x, axis = flatten(x), 0
    picked = gather(moveaxis(x, axis, 0) if axis else x, expand_dims(indices, -1))
    count = len(indices.shape)
    return moveaxis(picked, tuple(range(count)), tuple(range(axis, axis + count))) if axis and count else picked


def _take(x: Any, indices: Any, axis: int | None = 0) -> Any:
    indices = np.asarray(indices)
    try:
        return np.take(x, indices if indices.dtype != object else indices.astype(np.intp), axis=axis)
    except IndexError as error:
        raise ShapeError(f"take: {error}") from None


take = composite(
    "take", _taken, inputs=("x", "indices"), params={"axis": None}, kind=SHAPE, normalize=_takeable, numpy=_take,
    notation=ELEMENT, symbol="x[i]", scattered=True,
    words="the entries {indices} of {x} along axis {axis}",
    why="each entry that was picked sends its gradient back to its own place; an entry that was picked twice receives"
    " both",
    pitfalls=("without an axis the indices count through the flattened array, as in numpy",),
    example=[example((3, 4), (5,), params={"axis": 0}, integers={1: 3}),
             example((2, 3, 2), (2, 2), params={"axis": 1}, integers={1: 3}),
             example((3, 4), (2,), integers={1: 12}), example((3, 4), (), params={"axis": -1}, integers={1: 4})],
)  # fmt: skip


def _row_numbers(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    table, indices = inputs
    if len(table.shape) != 2:
        raise ShapeError(
            "embedding: the table needs one row per entry, as shape (entries, size); this has shape"
            f" {tuple(map(int, table.shape))}"
        )
    _integers(indices, "embedding")
    if _is_constant(indices):
        _in_range(indices.value, table.shape[0], "embedding", 0)
    return params


embedding = composite(
    "embedding", lambda table, indices: take(table, indices, axis=0), numpy=_take,
    inputs=("table", "indices"), kind=SHAPE, normalize=_row_numbers, symbol="rows", letter="e",
    scattered=True, shared=("table",), stacked=unchanged,
    words="look up the rows {indices} of {table}",
    why="only the rows that were looked up receive a gradient; a row that was looked up twice receives the sum of both",
    pitfalls=("a row that does not occur in the batch gets gradient zero, which is not the same as being left alone by"
              " a momentum optimizer",),
    example=[example((4, 3), (5,), integers={1: 4}), example((4, 3), (2, 3), integers={1: 4})],
)  # fmt: skip


def _pickable(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    x, indices = inputs
    _integers(indices, "take_along_axis")
    axis = axis_of(params["axis"], len(x.shape))
    if len(indices.shape) != len(x.shape) or any(
        at != axis and a != b and 1 not in (a, b) for at, (a, b) in enumerate(zip(x.shape, indices.shape))
    ):
        raise ShapeError(
            f"take_along_axis: indices of shape {tuple(map(int, indices.shape))} must have the axes of x"
            f" {tuple(map(int, x.shape))},"
            f" equal in all but axis {axis}; an axis is added with indices[..., None]"
        )
    if _is_constant(indices):
        _in_range(indices.value, x.shape[axis], "take_along_axis", axis)
    return {"axis": axis}


def _taken_along(x: Node, indices: Node, axis: int) -> Node:
    ndim = len(x.shape)
    counters = [
        np.arange(int(size)).reshape([-1 if at == other else 1 for other in range(ndim)])
        for at, size in enumerate(x.shape)
    ]
    return gather(x, _positions([indices if at == axis else constant(counter) for at, counter in enumerate(counters)]))


def _take_along(x: Any, indices: Any, axis: int) -> Any:
    indices = np.asarray(indices)
    try:
        return np.take_along_axis(np.asarray(x), indices if indices.dtype != object else indices.astype(np.intp), axis)
    except IndexError as error:
        raise ShapeError(f"take_along_axis: {error}") from None


take_along_axis = composite(
    "take_along_axis", _taken_along, inputs=("x", "indices"), params={"axis": -1}, kind=SHAPE, normalize=_pickable,
    numpy=_take_along, symbol="x[i]", scattered=True,
    words="in every line of {x} along axis {axis}, the entries {indices} of that line",
    why="each entry that was picked sends its gradient back to its own place; an entry that was picked twice receives"
    " both",
    example=[example((3, 4), (3, 2), params={"axis": 1}, integers={1: 4}),
             example((3, 4), (1, 4), params={"axis": 0}, integers={1: 3})],
)  # fmt: skip


def scatter(x: Any, indices: Any, size: int, axis: int = 0) -> Node:
    """Zeros with `size` entries along `axis`, to which the entries of `x` are added at `indices`: the partner of take.

    `x` has the axes of `indices` in the place of `axis`. Entries that land in the same place add up.

    >>> import nngraph as ng
    >>> ng.scatter([1.0, 2.0, 4.0], [0, 2, 2], size=3).value
    array([1., 0., 6.])
    """
    since = next_serial()
    x, indices = as_node(x), as_node(indices)
    _integers(indices, "scatter")
    count = len(indices.shape)
    axis = axis_of(axis, len(x.shape) - count + 1)
    size = whole(size, "scatter: size")
    places = tuple(range(axis, axis + count))
    if tuple(x.shape[axis : axis + count]) != indices.shape:
        raise ShapeError(
            f"scatter: x {tuple(map(int, x.shape))} must have the axes of indices {tuple(map(int, indices.shape))} from"
            f" axis {axis} on"
        )
    front = moveaxis(x, places, tuple(range(count))) if axis else x
    added = scatter_add(front, expand_dims(indices, -1), shape=(size, *front.shape[count:]))
    return name_only_last(moveaxis(added, 0, axis) if axis else added, since)


# numpy's x[…] on nodes ---------------------------------------------------------------------------------------------


def getitem(x: Node, index: Any) -> Node:
    """What numpy's `x[index]` means: slices, whole numbers, None and `...`; arrays of whole numbers; fixed masks."""
    since = next_serial()
    items = [_item(item) for item in (index if isinstance(index, tuple) else (index,))]
    if not any(isinstance(item, Node) for item in items):
        picked = slice(x, index=tuple(items))
        return x if takes_all(picked.params["index"], x.shape) else picked
    return name_only_last(_picked(x, _without_masks(x, items)), since)


def _item(item: Any) -> Any:
    """One item of an index: None, `...`, a slice, a whole number, or a node of whole numbers or of a fixed mask."""
    if item is None or item is Ellipsis or isinstance(item, builtins.slice):
        return item
    if isinstance(item, (bool, np.bool_)):
        raise DtypeError("x[True] and x[False] pick nothing by place; use a mask of the shape of x, or an index")
    if isinstance(item, (int, np.integer)):
        return item
    if not isinstance(item, (Node, np.ndarray, np.generic, list, tuple)):
        raise DtypeError(
            f"{item!r} cannot be an index; use whole numbers, slices, None, '...' or arrays of whole numbers"
        )
    node = item
    if not isinstance(item, Node):
        array = np.asarray(item)
        # An empty list has no whole numbers to show that it means some; numpy reads it so too.
        node = constant(array.astype(np.intp) if isinstance(item, (list, tuple)) and not array.size else array)
    if node.dtype.kind == "b":
        if not _is_constant(node):
            raise DtypeError(
                f"{describe(node)} as a mask: how many entries it picks would depend on values, but shapes are fixed"
                " while the graph is built;"
                " use ng.where(mask, x, 0), or pass an array as a mask that never changes"
            )
        return node
    _integers(node, "x[…]")
    return int(node.value) if _is_constant(node) and not node.shape else node


def _width(item: Any) -> int:
    """How many axes of x an item speaks of."""
    if item is None or item is Ellipsis:
        return 0
    return len(item.shape) if isinstance(item, Node) and item.dtype.kind == "b" else 1


def _without_masks(x: Node, items: Sequence[Any]) -> list[Any]:
    """The items with every mask replaced by the places where it is true, one array per axis it covers."""
    used = builtins.sum(_width(item) for item in items)
    if used > len(x.shape):
        raise ShapeError(f"x[…]: {used} indices for shape {tuple(map(int, x.shape))}, which has {len(x.shape)} axes")
    plain: list[Any] = []
    axis = 0
    for item in items if any(item is Ellipsis for item in items) else [*items, Ellipsis]:
        if isinstance(item, Node) and item.dtype.kind == "b":
            covered = x.shape[axis : axis + len(item.shape)]
            if not item.shape or item.shape != covered:
                raise ShapeError(
                    f"x[…]: a mask of shape {tuple(map(int, item.shape))} stands at axes of sizes"
                    f" {tuple(map(int, covered))}; they must be equal"
                )
            plain += [constant(places) for places in np.nonzero(item.value)]
        else:
            plain.append(item)
        axis += len(x.shape) - used if item is Ellipsis else _width(item)
    return plain


def _picked(x: Node, parts: Sequence[Any]) -> Node:
    """numpy's rule for arrays in an index: they are broadcast together; their axes stand where the arrays stood when
    these are neighbours, and in front when something stands between them. A whole number among arrays counts as an
    array."""
    used = builtins.sum(_width(part) for part in parts)
    basic: list[Any] = []
    arrays: list[tuple[int, int, Node]] = []
    source = target = 0
    for place, part in enumerate(parts):
        if part is Ellipsis:
            span = len(x.shape) - used
            basic += [builtins.slice(None)] * span
            source, target = source + span, target + span
        elif part is None or isinstance(part, builtins.slice):
            basic.append(part)
            source, target = source + (part is not None), target + 1
        else:
            node = part if isinstance(part, Node) else constant(np.asarray(part))
            if _is_constant(node):
                _in_range(node.value, x.shape[source], "x[…]", source)
            arrays.append((place, target, node))
            basic.append(builtins.slice(None))
            source, target = source + 1, target + 1
    x = getitem(x, tuple(basic))
    if len(arrays) == 1:
        return take(x, arrays[0][2], axis=arrays[0][1])
    axes = [axis for _, axis, _ in arrays]
    together = arrays[-1][0] - arrays[0][0] == len(arrays) - 1
    positions = _positions([node for _, _, node in arrays])
    picked = gather(_in_front(x, axes), positions)
    count, first = len(positions.shape) - 1, axes[0]
    if not together or first == 0 or count == 0:
        return picked
    return moveaxis(picked, tuple(range(count)), tuple(range(first, first + count)))


def _in_front(x: Node, axes: Sequence[int]) -> Node:
    rest = [axis for axis in range(len(x.shape)) if axis not in axes]
    order = (*axes, *rest)
    return x if order == tuple(range(len(order))) else transpose(x, axes=order)


def _positions(indices: Sequence[Node]) -> Node:
    """Index arrays, broadcast together, as positions: one index per axis in the last axis. Fixed ones make a
    constant."""
    if all(_is_constant(node) for node in indices):
        try:
            together = np.broadcast_arrays(*[node.value.astype(np.intp) for node in indices])
        except ValueError:
            shapes = " and ".join(str(tuple(map(int, node.shape))) for node in indices)
            raise ShapeError(f"x[…]: arrays of shapes {shapes} do not broadcast together") from None
        return constant(np.stack(together, axis=-1))
    shape = broadcast_shapes(gather, indices)
    # uint64 and int64 have no whole dtype in common; an index that needs the last bit fits no axis.
    indices = [cast(node, dtype="int64") if node.dtype == np.uint64 else node for node in indices]
    return stack([node if node.shape == shape else broadcast(node, shape=shape) for node in indices], axis=-1)


abilities["getitem"] = getitem
