"""Pooling: one number for every window, its largest or its mean; and the ways back, max_unpool and average_unpool."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..errors import DtypeError, ParameterError, ShapeError
from ..leaves import constant
from ..node import Node
from ..op import REDUCTION, REQUIRED, SHAPE, composite, example
from ..sizes import product
from . import slicing, windows
from .comparison import equal
from .identity import cast
from .linear import broadcast, sum
from .reduction import max, mean
from .shape import reshape
from .slicing import inner_index, pad
from .windows import Pairs, overlap_add, pairs_of, patches, per_axis, places, window_count

__all__ = [
    "average_pool1d", "average_pool2d", "average_unpool", "global_average_pool", "global_max_pool", "max_pool1d",
    "max_pool2d", "max_unpool",
]  # fmt: skip


def _windows_of(name: str, axes: int) -> Callable[..., Mapping[str, Any]]:
    def normalize(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
        (x,) = inputs
        if len(x.shape) < axes:
            raise ShapeError(
                f"{name}: x of shape {tuple(map(int, x.shape))} has no {axes} axes for a window to move along"
            )
        return _complete(name, x.shape[len(x.shape) - axes :], params)[0]

    return normalize


def _complete(name: str, lengths: tuple[int, ...], params: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[int, ...]]:
    """Complete params for windows over axes of these lengths, and how many windows there are along each."""
    axes = len(lengths)
    size = per_axis(params["size"], axes, f"{name}: size")
    stride = per_axis(size if params["stride"] is None else params["stride"], axes, f"{name}: stride")
    padding = pairs_of(params["padding"], lengths, size, stride, (1,) * axes, name)
    if any(end > window // 2 for pair, window in zip(padding, size) for end in pair):
        raise ParameterError(
            f"{name}: padding {padding} is more than half of the window {size}; some windows would hold hardly any"
            " real entry"
        )
    ceil_mode = bool(params["ceil_mode"])
    ends = _ends(lengths, size, stride, padding, ceil_mode)
    counts = tuple(window_count(*each, name) for each in zip(lengths, size, stride, (1,) * axes, ends))
    return {**params, "size": size, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}, counts


def _ends(lengths: tuple[int, ...], size: Any, stride: Any, padding: Pairs, ceil_mode: bool) -> Pairs:
    """Padding at both ends of each axis, with what ceil mode adds so that the last entries get a window of their own.

    A window is added only if it starts at a real entry or in the padding before it, as in PyTorch.
    """
    pairs = []
    for length, window, step, (before, after) in zip(lengths, size, stride, padding):
        spare = int(length) + before + after - window
        if ceil_mode and spare % step and (spare // step + 1) * step < int(length) + before:
            after += step - spare % step
        pairs.append((before, after))
    return tuple(pairs)


def _windowed_axes(x: Node, axes: int) -> tuple[int, ...]:
    return tuple(range(len(x.shape) - axes, len(x.shape)))


def _lowest(dtype: np.dtype) -> float:
    return -np.inf if dtype.kind == "f" else int(np.iinfo(dtype).min) if dtype.kind in "iu" else 0


def _border(x: Any, size: Any, stride: Any, padding: Pairs, ceil_mode: bool) -> tuple[tuple[int, int], ...]:
    """What is added at both ends of every axis of x, those in front of the windows included."""
    lead = len(x.shape) - len(size)
    return ((0, 0),) * lead + _ends(x.shape[lead:], size, stride, padding, ceil_mode)


def _padded(x: Node, border: tuple[tuple[int, int], ...]) -> Node:
    """x with a border that is never the largest."""
    return pad(x, width=border, value=_lowest(x.dtype)) if any(any(pair) for pair in border) else x


def _largest(x: Node, size: Any, stride: Any, padding: Any, ceil_mode: bool) -> Node:
    cut = patches(_padded(x, _border(x, size, stride, padding, ceil_mode)), size=size, stride=stride)
    return max(cut, axis=_windowed_axes(x, len(size)))


def _largest_at_once(x: Any, size: Any, stride: Any, padding: Any, ceil_mode: bool) -> np.ndarray:
    """The same on arrays, place by place of the window: numpy takes long to reduce over short axes."""
    _, met = _met(x, size, stride, padding, ceil_mode)
    return functools.reduce(np.maximum, met[1:], np.array(met[0]))


def _met(x: Any, size: Any, stride: Any, padding: Any, ceil_mode: bool) -> tuple[list[Any], list[np.ndarray]]:
    """For each place of a window: its index in the padded x, and what all the windows have there."""
    x = np.asarray(x)
    border = _border(x, size, stride, padding, ceil_mode)
    if any(any(pair) for pair in border):
        x = np.pad(x, border, constant_values=_lowest(x.dtype))
    counts = [(n - window) // step + 1 for n, window, step in zip(x.shape[x.ndim - len(size) :], size, stride)]
    indices = [index for _, index in places(size, counts, stride, (1,) * len(size))]
    return indices, [x[index] for index in indices]


def _average(x: Node, size: Any, stride: Any, padding: Any, ceil_mode: bool, count_padding: bool) -> Node:
    over = _windowed_axes(x, len(size))
    lengths = x.shape[over[0] :]
    ends = _ends(lengths, size, stride, padding, ceil_mode)
    counts = _counts(lengths, size, stride, padding if count_padding else ((0, 0),) * len(size), ends)
    cut = patches(x, size=size, stride=stride, padding=ends)
    if (counts == np.prod(size)).all():
        return mean(cut, axis=over)
    return sum(cut, axis=over) / constant(counts.astype(x.dtype if x.dtype.kind == "f" else np.float64))


def _counts(lengths: tuple[int, ...], size: Any, stride: Any, counted: Pairs, ends: Pairs) -> np.ndarray:
    """How many entries that count each window holds."""
    ones = np.ones([before + int(length) + after for length, (before, after) in zip(lengths, counted)])
    rest = tuple((total[0] - own[0], total[1] - own[1]) for total, own in zip(ends, counted))
    cut = windows._patches(ones, size, stride, (1,) * len(size), rest)
    return cut.sum(axis=tuple(range(len(size))))


_SETTINGS = {"size": REQUIRED, "stride": None, "padding": 0, "ceil_mode": False}
_LARGEST = (
    "only the largest number of a window decides its result, so the gradient goes there; equal largest numbers share it"
)
_MEAN = "each entry of a window moves its mean by one over their number, so it receives that part of the gradient"
_CEIL = "with ceil_mode the last windows may reach over the edge; only entries that are really there count"


def _one_axis(largest: bool) -> list[Any]:
    return [
        example((2, 6), params={"size": 2}, distinct=largest),
        example((1, 2, 7), params={"size": 3, "stride": 2, "padding": 1}, distinct=largest),
        example((5,), params={"size": 2, "ceil_mode": True}, distinct=largest),
    ]


def _two_axes(largest: bool) -> list[Any]:
    return [example((4, 4), params={"size": 2}, distinct=largest),
            example((1, 2, 5, 4), params={"size": (3, 2), "stride": (2, 1), "padding": (1, 0)}, distinct=largest),
            example((1, 5, 7), params={"size": 2, "ceil_mode": True}, distinct=largest)]  # fmt: skip


def _to_largest(g: Node, y: Node, x: Node, **params: Any) -> tuple[Node]:
    return (max_unpool(g, x, **params),)


def _to_all(g: Node, y: Node, x: Node, **params: Any) -> tuple[Node]:
    return (average_unpool(g, shape=x.shape[len(x.shape) - len(params["size"]) :], **params),)


max_pool1d = composite(
    "max_pool1d", _largest, numpy=_largest_at_once, inputs=("x",), params=_SETTINGS, kind=REDUCTION,
    kernel="max_pool", gradient=_to_largest, normalize=_windows_of("max_pool1d", 1), letter="p",
    words="the largest number in each window of {size} of {x}, {stride} apart", why=_LARGEST, pitfalls=(_CEIL,),
    example=_one_axis(True),
)  # fmt: skip

max_pool2d = composite(
    "max_pool2d", _largest, numpy=_largest_at_once, inputs=("x",), params=_SETTINGS, kind=REDUCTION,
    kernel="max_pool", gradient=_to_largest, normalize=_windows_of("max_pool2d", 2), letter="p",
    words="the largest number in each window of {size} of {x}, {stride} apart", why=_LARGEST, pitfalls=(_CEIL,),
    example=_two_axes(True),
)  # fmt: skip

_COUNTED = (
    "padding does not count, so a window at the edge is the mean of what it really holds; count_padding=True counts the"
    " zeros too, as PyTorch does"
)

average_pool1d = composite(
    "average_pool1d", _average, inputs=("x",), params={**_SETTINGS, "count_padding": False}, kind=REDUCTION,
    kernel="average_pool", gradient=_to_all, letter="p",
    normalize=_windows_of("average_pool1d", 1), words="the mean of each window of {size} of {x}, {stride} apart",
    why=_MEAN,
    pitfalls=(_CEIL, _COUNTED), example=_one_axis(False),
)  # fmt: skip

average_pool2d = composite(
    "average_pool2d", _average, inputs=("x",), params={**_SETTINGS, "count_padding": False}, kind=REDUCTION,
    kernel="average_pool", gradient=_to_all, letter="p",
    normalize=_windows_of("average_pool2d", 2), words="the mean of each window of {size} of {x}, {stride} apart",
    why=_MEAN,
    pitfalls=(_CEIL, _COUNTED),
    example=[*_two_axes(False), example((1, 4, 4),
                                        params={"size": 3, "stride": 2, "padding": 1, "count_padding": True})],
)  # fmt: skip


# The ways back ------------------------------------------------------------------------------------------------------
def _handed_to_largest(g: Node, x: Node, size: Any, stride: Any, padding: Any, ceil_mode: bool) -> Node:
    lead, border = len(x.shape) - len(size), _border(x, size, stride, padding, ceil_mode)
    whole = _padded(x, border)
    cut, over = patches(whole, size=size, stride=stride), _windowed_axes(x, len(size))
    winners = cast(equal(cut, max(cut, axis=over, keepdims=True)), dtype=g.dtype.name)
    shares = winners / sum(winners, axis=over, keepdims=True)
    handed = reshape(g, shape=(*g.shape[:lead], *[1] * len(size), *g.shape[lead:])) * shares
    back = overlap_add(handed, shape=whole.shape[lead:], stride=stride)
    return back if whole is x else slicing.slice(back, index=inner_index(border, x.shape))


def _handed_at_once(g: Any, x: Any, size: Any, stride: Any, padding: Any, ceil_mode: bool) -> np.ndarray:
    """The same on arrays, place by place of the window."""
    g, x = np.asarray(g), np.asarray(x)
    indices, met = _met(x, size, stride, padding, ceil_mode)
    top = functools.reduce(np.maximum, met)
    winners = [np.equal(each, top).astype(g.dtype) for each in met]
    count = functools.reduce(np.add, winners)
    border = _border(x, size, stride, padding, ceil_mode)
    handed = [g * (winner / count) for winner in winners]
    back = np.zeros([before + n + after for n, (before, after) in zip(x.shape, border)], handed[0].dtype)
    for index, each in zip(indices, handed):
        back[index] += each
    return back[tuple(slice(before, before + n) for n, (before, _) in zip(x.shape, border))]


def _handed_to_all(
    g: Node, shape: tuple[int, ...], size: Any, stride: Any, padding: Any, ceil_mode: bool, count_padding: bool
) -> Node:
    lead, ends = len(g.shape) - len(size), _ends(shape, size, stride, padding, ceil_mode)
    counts = _counts(shape, size, stride, padding if count_padding else ((0, 0),) * len(size), ends)
    same = (counts == np.prod(size)).all()
    part = g / (product(size) if same else constant(counts.astype(g.dtype if g.dtype.kind == "f" else np.float64)))
    rows = reshape(part, shape=(*g.shape[:lead], *[1] * len(size), *g.shape[lead:]))
    cut = broadcast(rows, shape=(*g.shape[:lead], *size, *g.shape[lead:]))
    return overlap_add(cut, shape=shape, stride=stride, padding=ends)


def _back_to(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    (g,), given = inputs, params["shape"]
    axes = len(given) if isinstance(given, (tuple, list)) else 1
    shape = per_axis(given, axes, "average_unpool: shape", 0)
    lead = g.shape[: len(g.shape) - axes] if len(g.shape) > axes else ()
    return {**_one_per_window("average_unpool", (*lead, *shape), axes, g, params), "shape": shape}


def _one_per_window(name: str, image: tuple[int, ...], axes: int, g: Node, params: Mapping[str, Any]) -> dict[str, Any]:
    """Complete params, refusing a `g` that does not hold one number per window of the image."""
    complete, counts = _complete(name, image[len(image) - axes :], params)
    fits = (*image[: len(image) - axes], *counts)
    if g.shape != fits:
        raise ShapeError(
            f"{name}: g {tuple(map(int, g.shape))} must have one number for each window of an image of shape"
            f" {tuple(map(int, image))}: {tuple(map(int, fits))}"
        )
    return complete


def _of_windows(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    (g, x), size = inputs, params["size"]
    axes = len(size) if isinstance(size, (tuple, list)) else 1
    if len(x.shape) < axes:
        raise ShapeError(f"max_unpool: x of shape {tuple(map(int, x.shape))} has no {axes} axes for a window")
    return _one_per_window("max_unpool", x.shape, axes, g, params)


max_unpool = composite(
    "max_unpool", _handed_to_largest, numpy=_handed_at_once, inputs=("g", "x"), params=_SETTINGS, kind=SHAPE,
    kernel="max_pool_back", normalize=_of_windows,
    words="hand each number of {g} to the largest in its window of {size} of {x}, {stride} apart",
    why="what is handed out passes to the largest numbers with slope 1, or in equal parts, so it is picked up there;"
    " which ones are the largest does not change in a small step",
    pitfalls=("equal largest numbers share what is handed out", _CEIL),
    source="the gradient of max_pool1d and max_pool2d with respect to x, when g arrives",
    example=[example((2, 3), (2, 6), params={"size": 2}, distinct=True),
             example((2, 2), (4, 4), params={"size": (2, 2)}, distinct=True),
             example((1, 2, 3, 3), (1, 2, 5, 4), distinct=True,
                     params={"size": (3, 2), "stride": (2, 1), "padding": (1, 0)}),
             example((1, 3, 4), (1, 5, 7), params={"size": (2, 2), "ceil_mode": True}, distinct=True)],
)  # fmt: skip

average_unpool = composite(
    "average_unpool", _handed_to_all, inputs=("g",), params={"shape": REQUIRED, **_SETTINGS, "count_padding": False},
    kind=SHAPE, kernel="average_pool_back", normalize=_back_to,
    words="hand each number of {g} in equal parts to its window of {size} of an array of shape {shape}, {stride} apart",
    why="each place receives its part of every window it lies in, so what arrives is averaged over each window",
    pitfalls=(_CEIL,),
    source="the adjoint of average_pool1d and average_pool2d: Σ average_pool(a)·b = Σ a·average_unpool(b) for all a"
    " and b",
    gradient=lambda g, y, x, shape, **params: ((average_pool1d, average_pool2d)[len(shape) - 1](g, **params),),
    example=[example((2, 3), params={"size": 2, "shape": 6}),
             example((2, 2), params={"size": (2, 2), "shape": (4, 4)}),
             example((1, 2, 3, 3), params={"shape": (5, 4), "size": (3, 2), "stride": (2, 1), "padding": (1, 0)}),
             example((1, 3, 4), params={"shape": (5, 7), "size": (2, 2), "ceil_mode": True}),
             example((1, 2, 2), params={"shape": (4, 4), "size": (3, 3), "stride": 2, "padding": 1,
                                        "count_padding": True})],
)  # fmt: skip


# Over all places ----------------------------------------------------------------------------------------------------
def _with_channels(name: str) -> Callable[..., Mapping[str, Any]]:
    def normalize(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
        if len(inputs[0].shape) < 3:
            raise ShapeError(
                f"{name}: x of shape {tuple(map(int, inputs[0].shape))} must be (batch, channels, …); for a plain array"
                " use ng.mean or ng.max"
            )
        if inputs[0].dtype.kind == "b":
            raise DtypeError(f"{name}: true and false have no size; convert with ng.cast(x, 'float64')")
        return params

    return normalize


global_average_pool = composite(
    "global_average_pool", lambda x: mean(x, axis=tuple(range(2, len(x.shape)))), inputs=("x",), kind=REDUCTION,
    normalize=_with_channels("global_average_pool"), letter="p",
    words="the mean of each channel of {x}",
    why="each of the N numbers of a channel moves its mean by 1/N, so each receives 1/N of the gradient",
    source="Lin, Chen and Yan, Network in Network, arXiv:1312.4400",
    example=[example((2, 3, 4)), example((2, 3, 2, 4))],
)  # fmt: skip

global_max_pool = composite(
    "global_max_pool", lambda x: max(x, axis=tuple(range(2, len(x.shape)))), inputs=("x",), kind=REDUCTION,
    normalize=_with_channels("global_max_pool"), letter="p",
    words="the largest number of each channel of {x}",
    why="only the largest number of a channel decides, so the gradient goes there; equal largest numbers share it",
    example=[example((2, 3, 4), distinct=True), example((2, 3, 2, 4), distinct=True)],
)  # fmt: skip
