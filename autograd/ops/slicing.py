"""Cutting along axes and putting together again. slice and unslice are each other's gradient; pad and concat cut theirs
out."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..axes import axes_behind, axes_of, axis_of, one_axis
from ..errors import DtypeError, ParameterError, ShapeError
from ..leaves import as_node
from ..node import Node
from ..notation import ATOM, Notation
from ..op import REQUIRED, SHAPE, composite, example, structural
from ..sizes import Size, at_least, at_most, size_text
from .linear import broadcast
from .shape import expand_dims, flatten, reshape, whole

__all__ = ["concat", "flip", "pad", "repeat", "slice", "split", "stack", "tile", "unslice"]

ELEMENT = Notation("element", "[ ]", "[ ]", ATOM, (ATOM,))
"""Written as x with what is picked behind or below it."""


def complete_index(index: Any, shape: tuple[int, ...], name: str = "slice") -> tuple[Any, ...]:
    """A basic index with nothing left open: per axis an int or (start, stop, step) counted from the front, and None for
    new axes."""
    entries = index if isinstance(index, tuple) else (index,)
    used = [entry for entry in entries if entry is not None and entry is not Ellipsis]
    if len(used) > len(shape):
        raise ShapeError(
            f"{name}: {len(used)} indices for shape ({', '.join(str(int(size)) for size in shape)}), which has"
            f" {len(shape)} axes"
        )
    dots = [at for at, entry in enumerate(entries) if entry is Ellipsis]
    if len(dots) > 1:
        raise ParameterError(f"{name}: '...' may stand only once in an index")
    at = dots[0] if dots else len(entries)
    rest = (builtins.slice(None),) * (len(shape) - len(used))
    complete: list[Any] = []
    axis = 0
    for entry in entries[:at] + rest + entries[at + 1 :]:
        if entry is None:
            complete.append(None)
            continue
        complete.append(_entry(entry, axis, shape[axis], name))
        axis += 1
    return tuple(complete)


def _entry(entry: Any, axis: int, size: int, name: str) -> Any:
    if isinstance(entry, (builtins.slice, tuple)):
        given = (entry.start, entry.stop, entry.step) if isinstance(entry, builtins.slice) else entry
        for bound in given:
            if bound is not None and (isinstance(bound, (bool, np.bool_)) or not isinstance(bound, (int, np.integer))):
                what = "a node" if isinstance(bound, Node) else repr(bound)
                raise DtypeError(
                    f"{name}: the bounds of a slice are whole numbers that are known while the graph is built, not"
                    f" {what}"
                )
        if given[2] == 0:
            raise ParameterError(f"{name}: the step of a slice cannot be 0")
        return _bounds(*given, size)
    number = whole(entry, f"{name}: index")
    if not -size <= number < size:
        raise ShapeError(f"{name}: index {int(number)} is out of range for axis {axis}, which has {int(size)} entries")
    return int(number) % int(size)


def _bounds(first: Any, last: Any, by: Any, size: int) -> tuple[Any, Any, int]:
    """The bounds counted from the front and inside the axis, as expressions of its size where they say so; stop None is
    the far end going back. A bound below 0 counts from the end, but an expression below 0 is before the first entry."""
    step = 1 if by is None else int(by)
    length = int(size)
    if step > 0:
        start, stop = (_forward(bound, size, default) for bound, default in ((first, 0), (last, size)))
        return start, stop, step
    start = length - 1 if first is None else _from_front(first, length)
    stop = -1 if last is None else _from_front(last, length)
    is_empty = start < 0 or stop >= min(start, length - 1)
    if isinstance(size, Size) and any(
        bound is not None and not isinstance(bound, Size) and bound < 0 and (is_empty or counted < 0)
        for bound, counted in ((first, start), (last, stop))
    ):
        raise ParameterError(
            f"a slice going backwards begins or ends outside an axis of {size_text(size)} = {length}, or holds nothing;"
            f" for another {size_text(size)} it would mean other places, so leave that bound out"
        )
    if is_empty:
        return 0, 0, 1
    if isinstance(size, Size):
        kept = size - 1 if first is None else at_most(first, size - 1) if start >= length else _counted(first, size)
        return kept, None if stop < 0 else _counted(last, size), step
    return min(start, length - 1), None if stop < 0 else stop, step


def _from_front(bound: int, length: int) -> int:
    return int(bound) + length if bound < 0 and not isinstance(bound, Size) else int(bound)


def _counted(bound: int, size: Size) -> Any:
    """A bound inside the axis as an expression of its size, where it counts from the end."""
    return size - -bound if bound < 0 else bound


def _forward(bound: int | None, size: int, default: int) -> Any:
    if bound is None:
        return default
    if not isinstance(size, Size):
        return max(0, min(_from_front(bound, int(size)), int(size)))
    if bound < 0:
        return 0 if isinstance(bound, Size) else at_least(size - -bound, 0)
    if bound == size:
        return size
    return at_most(bound, size) if bound > size else bound


def _length(start: int, stop: Any, step: int, size: int) -> int:
    if step == 1:
        if isinstance(start, Size) and start.parts is not None and start.parts[0] == "max":
            # So many from the end: no expression of the size, unless there are fewer.
            return max(0, int(stop) - int(start))
        return stop - start if stop > start else 0
    count = len(range(int(start), -1 if stop is None else int(stop), step))
    return size if count == size else count


def takes_all(index: tuple[Any, ...], shape: tuple[int, ...]) -> bool:
    """Whether a complete index leaves everything in its place, whatever the sizes become: the first 8 of N are not all,
    also where N is 5."""
    return len(index) == len(shape) and all(
        isinstance(entry, tuple) and [None if bound is None else size_text(bound) for bound in entry] == ["0", size_text(size), "1"]
        for entry, size in zip(index, shape)
    )


def sliced_shape(index: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that a complete index cuts out of `shape`."""
    sizes: list[int] = []
    axis = 0
    for entry in index:
        if entry is None:
            sizes.append(1)
            continue
        if isinstance(entry, tuple):
            sizes.append(_length(*entry, shape[axis]))
        axis += 1
    return tuple(sizes)


def python_index(index: tuple[Any, ...]) -> tuple[Any, ...]:
    """The complete index as numpy takes it; the Ellipsis at its end makes the result an array even when one number is
    left."""
    return (*(builtins.slice(*entry) if isinstance(entry, tuple) else entry for entry in index), Ellipsis)


def index_text(node: Node) -> str:
    """The index as it is written: `[1:3, 0]`."""
    parts = []
    sizes = iter(node.params.get("shape", node.inputs[0].shape))
    for entry in node.params["index"]:
        size = None if entry is None else next(sizes)
        if isinstance(entry, tuple):
            start, stop, step = entry
            first, last = (size - 1, None) if step < 0 else (0, size)
            bounds = ("" if start == first else size_text(start)) + ":" + ("" if stop == last else size_text(stop))
            parts.append(bounds + (f":{step}" if step != 1 else ""))
        else:
            parts.append(str(entry))
    while len(parts) > 1 and parts[-1] == ":":
        parts.pop()
    return f"[{', '.join(parts)}]"


slice = structural(
    "slice", lambda x, index: np.asarray(x)[python_index(index)], lambda x, index: sliced_shape(index, x.shape),
    inputs=("x",), params={"index": REQUIRED}, kind=SHAPE, kernel="slice", notation=ELEMENT, symbol=index_text,
    normalize=lambda inputs, params: {"index": complete_index(params["index"], inputs[0].shape)},
    linear=True, stacked=lambda params, length: {"index": ((0, length, 1), *params["index"])},
    words="cut {index} out of {x}",
    why="the numbers that were cut out act with slope 1 and the others not at all, so the gradient goes back to its"
    " places among zeros",
    gradient=lambda g, y, x, index: (unslice(g, index=index, shape=x.shape),),
    example=[example((3, 4), params={"index": ((1, 3, 1), (3, None, -2))}),
             example((3, 4), params={"index": (1, Ellipsis)}),
             example((4,), params={"index": (None, (0, 4, 2))}), example((), params={"index": ()})],
)  # fmt: skip


def _unslice(x: Any, index: tuple[Any, ...], shape: tuple[int, ...]) -> np.ndarray:
    x = np.asarray(x)
    result = np.zeros(shape, x.dtype)
    result[python_index(index)] = x
    return result


def _unsliced_shape(x: Node, index: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    cut = sliced_shape(index, shape)
    if cut != x.shape:
        raise ShapeError(f"{tuple(map(int, x.shape))} does not fit the places, which have shape {tuple(map(int, cut))}")
    return shape


unslice = structural(
    "unslice", _unslice, _unsliced_shape, inputs=("x",), params={"index": REQUIRED, "shape": REQUIRED}, kind=SHAPE,
    kernel="unslice", symbol=index_text,
    normalize=lambda inputs, params: {"index": complete_index(params["index"], tuple(params["shape"]), "unslice"),
             "shape": tuple(params["shape"])},
    linear=True,
    stacked=lambda params, length: {"index": ((0, length, 1), *params["index"]), "shape": (length, *params["shape"])},
    words="put {x} at {index} of an array of zeros of shape {shape}",
    why="only the places that were filled depend on the input, so its gradient is cut out of them",
    gradient=lambda g, y, x, index, shape: (slice(g, index=index),),
    example=[example((2, 2), params={"index": ((1, 3, 1), (3, None, -2)), "shape": (3, 4)}),
             example((4,), params={"index": (1,), "shape": (3, 4)})],
)  # fmt: skip


def _widths(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Params with `width` as one pair (before, after) per axis."""
    x, width, value = inputs[0], params["width"], params["value"]
    ndim = len(x.shape)
    pairs = list(width) if isinstance(width, (tuple, list)) else [width, width]
    if len(pairs) == 2 and not any(isinstance(pair, (tuple, list)) for pair in pairs):
        pairs = [tuple(pairs)] * ndim
    elif len(pairs) == 1 and isinstance(pairs[0], (tuple, list)):
        pairs = [tuple(pairs[0])] * ndim
    if len(pairs) != ndim or any(not isinstance(pair, (tuple, list)) or len(pair) != 2 for pair in pairs):
        raise ParameterError(
            f"pad: width {width!r} must be a number, a pair (before, after), or one pair for each of the {ndim} axes"
        )
    if isinstance(value, (bool, Node)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ParameterError(f"pad: value {value!r} is not a number; only padding with a fixed number is supported")
    if x.dtype.kind in "biu" and not float(value).is_integer():
        raise DtypeError(f"pad: {value} does not fit into {x.dtype}; convert with ng.cast(x, 'float64') first")
    complete = tuple((whole(before, "pad: width"), whole(after, "pad: width")) for before, after in pairs)
    if any(count < 0 for pair in complete for count in pair):
        raise ParameterError(f"pad: width {width!r} is negative; cut with a slice instead")
    return {"width": complete, "value": value.item() if isinstance(value, np.generic) else value}


def inner_index(width: tuple[tuple[int, int], ...], shape: tuple[int, ...]) -> tuple[tuple[int, int, int], ...]:
    """Where the numbers themselves lie in the padded array."""
    return tuple((before, before + size, 1) for (before, _), size in zip(width, shape))


def _pad(x: Any, width: tuple[tuple[int, int], ...], value: float) -> np.ndarray:
    x = np.asarray(x)
    result = np.full([before + size + after for (before, after), size in zip(width, x.shape)], value, x.dtype)
    result[python_index(inner_index(width, x.shape))] = x
    return result


pad = structural(
    "pad", _pad, lambda x, width, value: tuple(before + size + after for (before, after), size in zip(width, x.shape)),
    inputs=("x",), params={"width": REQUIRED, "value": 0.0}, kind=SHAPE, kernel="pad", normalize=_widths,
    stacked=lambda params, length: {**params, "width": ((0, 0), *params["width"])},
    words="put a border of {value} around {x}, as wide as {width}",
    why="the border is fixed, so only the inner part carries a gradient: it is cut out",
    gradient=lambda g, y, x, width, value: (slice(g, index=inner_index(width, x.shape)),),
    example=[example((3, 4), params={"width": 1}), example((2, 3), params={"width": ((0, 1), (2, 0)), "value": -1.5})],
)  # fmt: skip


def _joined_shape(*parts: Node, axis: int) -> tuple[int, ...]:
    first = parts[0].shape
    total = first[axis]
    for part in parts[1:]:
        if len(part.shape) != len(first) or any(
            a != b for at, (a, b) in enumerate(zip(part.shape, first)) if at != axis
        ):
            shapes = " and ".join(str(tuple(map(int, each.shape))) for each in (parts[0], part))
            raise ShapeError(f"shapes {shapes} differ in more than axis {axis}, along which they are joined")
        total = total + part.shape[axis]
    return (*first[:axis], total, *first[axis + 1 :])


def along(ndim: int, axis: int, start: int, stop: int) -> tuple[Any, ...]:
    """The index that cuts start:stop out of one axis and keeps the others whole."""
    return (*[builtins.slice(None)] * axis, (start, stop, 1), *[builtins.slice(None)] * (ndim - axis - 1))


def _pieces(g: Node, y: Node, *parts: Node, axis: int) -> list[Node]:
    pieces, start = [], 0
    for part in parts:
        stop = start + part.shape[axis]
        pieces.append(slice(g, index=along(len(part.shape), axis, start, stop)))
        start = stop
    return pieces


def _joined(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    if not inputs:
        raise ParameterError("there is nothing to join; give at least one array")
    if not inputs[0].shape:
        raise ShapeError("concat: single numbers have no axis to join along; use ng.stack")
    return one_axis(inputs, params)


concat = structural(
    "concat", lambda *parts, axis: np.concatenate(parts, axis=axis), _joined_shape,
    inputs=("x",), variadic=True, params={"axis": 0}, kind=SHAPE, kernel="concat", normalize=_joined, symbol="⧺",
    stacked=axes_behind,
    words="join {x} along axis {axis}",
    why="each part lies unchanged in its own stretch of the result, so each receives that stretch of the gradient",
    gradient=_pieces,
    example=[example((2, 3), (1, 3)), example((2, 1), (2, 2), (2, 3), params={"axis": 1})],
)  # fmt: skip


def _stacked(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    if not inputs:
        raise ParameterError("stack: there is nothing to stack; give at least one array")
    for other in inputs[1:]:
        if other.shape != inputs[0].shape:
            raise ShapeError(
                f"stack: shapes {tuple(map(int, inputs[0].shape))} and {tuple(map(int, other.shape))} differ; all must"
                " be equal"
            )
    return {"axis": axis_of(params["axis"], len(inputs[0].shape) + 1)}


stack = composite(
    "stack", lambda *parts, axis: concat([expand_dims(part, axis) for part in parts], axis=axis),
    numpy=lambda *parts, axis: np.stack(parts, axis=axis),
    inputs=("x",), variadic=True, params={"axis": 0}, kind=SHAPE, normalize=_stacked, symbol="≡", stacked=axes_behind,
    words="put {x} behind one another along a new axis {axis}",
    why="each part lies unchanged at its own place of the new axis, so each receives the gradient found there",
    example=[example((3,), (3,)), example((2, 3), (2, 3), (2, 3), params={"axis": -1}), example((), ())],
)  # fmt: skip


def split(x: Any, parts: int | Sequence[int], axis: int = 0) -> list[Node]:
    """The pieces of `x` along `axis`: `parts` equal ones, or cut at the given places, as numpy.split does.

    >>> import nngraph as ng
    >>> [part.shape for part in ng.split([1.0, 2.0, 3.0], [1])]
    [(1,), (2,)]
    """
    x = as_node(x)
    axis = axis_of(axis, len(x.shape))
    size = x.shape[axis]
    if isinstance(parts, (tuple, list, np.ndarray)):
        cuts = [0, *[whole(cut, "split: place") for cut in parts], size]
    else:
        count = whole(parts, "split: parts")
        if count < 1 or size % count:
            raise ShapeError(
                f"split: {int(size)} entries along axis {axis} do not make {int(count)} equal parts; give the places to"
                " cut at, such as [2, 5]"
            )
        width = size // count
        cuts = [width * at for at in range(count)] + [size]
    return [slice(x, index=along(len(x.shape), axis, start, stop)) for start, stop in zip(cuts, cuts[1:])]


flip = structural(
    "flip", lambda x, axis: np.flip(x, axis), lambda x, axis: x.shape, inputs=("x",), params={"axis": None}, kind=SHAPE,
    kernel="flip", symbol="⇄", linear=True, stacked=axes_behind,
    normalize=lambda inputs, params: {"axis": axes_of(params["axis"], len(inputs[0].shape))},
    words="turn {x} round along axes {axis}",
    why="turning round moves numbers without changing them, so the gradient is turned round again",
    gradient=lambda g, y, x, axis: (flip(g, axis=axis),),
    example=[example((3, 4)), example((2, 3, 2), params={"axis": (0, 2)})],
)  # fmt: skip


def _repetitions(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    given = params["reps"]
    reps = tuple(whole(count, "tile: reps") for count in (given if isinstance(given, (tuple, list)) else (given,)))
    if any(count < 0 for count in reps):
        raise ParameterError(f"tile: reps {given!r} is negative")
    return {"reps": (1,) * (len(inputs[0].shape) - len(reps)) + reps}


def _tiled(x: Node, reps: tuple[int, ...]) -> Node:
    sizes = (1,) * (len(reps) - len(x.shape)) + x.shape
    apart = reshape(x, shape=tuple(each for size in sizes for each in (1, size)))
    spread = broadcast(apart, shape=tuple(each for count, size in zip(reps, sizes) for each in (count, size)))
    return reshape(spread, shape=tuple(count * size for count, size in zip(reps, sizes)))


tile = composite(
    "tile", _tiled, inputs=("x",), params={"reps": REQUIRED}, kind=SHAPE, normalize=_repetitions,
    numpy=lambda x, reps: np.tile(x, reps), symbol="⊞",
    words="lay copies of {x} side by side, {reps} along the axes",
    why="a number acts in every copy, so the gradients of all its copies are added up",
    example=[example((3,), params={"reps": 2}), example((2, 3), params={"reps": (2, 1, 2)})],
)  # fmt: skip


def _repeats(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(params["repeats"], (tuple, list, np.ndarray, Node)):
        raise ParameterError(
            "repeat: repeats is one whole number for all entries; for a count per entry use ng.take(x,"
            " np.repeat(np.arange(n), counts))"
        )
    repeats = whole(params["repeats"], "repeat: repeats")
    if repeats < 0:
        raise ParameterError(f"repeat: {int(repeats)} repeats; the number must not be negative")
    return one_axis(inputs, {"repeats": repeats, "axis": params["axis"]})


def _repeated(x: Node, repeats: int, axis: int | None) -> Node:
    if axis is None:
        x, axis = flatten(x), 0
    apart = expand_dims(x, axis + 1)
    spread = broadcast(apart, shape=(*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :]))
    return reshape(spread, shape=(*x.shape[:axis], repeats * x.shape[axis], *x.shape[axis + 1 :]))


repeat = composite(
    "repeat", _repeated, inputs=("x",), params={"repeats": REQUIRED, "axis": None}, kind=SHAPE, normalize=_repeats,
    numpy=lambda x, repeats, axis: np.repeat(x, repeats, axis),
    words="write every entry of {x} {repeats} times along axis {axis}",
    why="an entry acts in each of its repetitions, so their gradients are added up",
    example=[example((2, 3), params={"repeats": 2}), example((2, 3), params={"repeats": 3, "axis": 1})],
)  # fmt: skip
