"""Pooling: one number for every window, its largest or its mean. Made of windows and reductions, so the gradients
follow."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..errors import DtypeError, ParameterError, ShapeError
from ..leaves import constant
from ..node import Node
from ..op import REDUCTION, REQUIRED, composite, example
from . import windows
from .linear import sum
from .reduction import max, mean
from .slicing import pad
from .windows import Pairs, pairs_of, patches, per_axis, window_count

__all__ = [
    "average_pool1d", "average_pool2d", "global_average_pool", "global_max_pool", "max_pool1d", "max_pool2d",
]  # fmt: skip


def _windows_of(name: str, axes: int) -> Callable[..., Mapping[str, Any]]:
    def normalize(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
        (x,) = inputs
        if len(x.shape) < axes:
            raise ShapeError(
                f"{name}: x of shape {tuple(map(int, x.shape))} has no {axes} axes for a window to move along"
            )
        size = per_axis(params["size"], axes, f"{name}: size")
        stride = per_axis(size if params["stride"] is None else params["stride"], axes, f"{name}: stride")
        lengths = x.shape[len(x.shape) - axes :]
        padding = pairs_of(params["padding"], lengths, size, stride, (1,) * axes, name)
        if any(end > window // 2 for pair, window in zip(padding, size) for end in pair):
            raise ParameterError(
                f"{name}: padding {padding} is more than half of the window {size}; some windows would hold hardly any"
                " real entry"
            )
        complete = {
            **params,
            "size": size,
            "stride": stride,
            "padding": padding,
            "ceil_mode": bool(params["ceil_mode"]),
        }
        for each in zip(lengths, size, stride, (1,) * axes, _ends(lengths, complete)):
            window_count(*each, name)
        return complete

    return normalize


def _ends(lengths: tuple[int, ...], params: Mapping[str, Any]) -> Pairs:
    """Padding at both ends of each axis, with what ceil mode adds so that the last entries get a window of their own.

    A window is added only if it starts at a real entry or in the padding before it, as in PyTorch.
    """
    pairs = []
    for length, window, step, (before, after) in zip(lengths, params["size"], params["stride"], params["padding"]):
        spare = int(length) + before + after - window
        if params["ceil_mode"] and spare % step and (spare // step + 1) * step < int(length) + before:
            after += step - spare % step
        pairs.append((before, after))
    return tuple(pairs)


def _windowed_axes(x: Node, axes: int) -> tuple[int, ...]:
    return tuple(range(len(x.shape) - axes, len(x.shape)))


def _lowest(dtype: np.dtype) -> float:
    return -np.inf if dtype.kind == "f" else int(np.iinfo(dtype).min) if dtype.kind in "iu" else 0


def _largest(axes: int) -> Callable[..., Node]:
    def formula(x: Node, size: Any, stride: Any, padding: Any, ceil_mode: bool) -> Node:
        lead = len(x.shape) - axes
        ends = _ends(x.shape[lead:], {"size": size, "stride": stride, "padding": padding, "ceil_mode": ceil_mode})
        if any(any(pair) for pair in ends):
            x = pad(x, width=((0, 0),) * lead + ends, value=_lowest(x.dtype))
        return max(patches(x, size=size, stride=stride), axis=_windowed_axes(x, axes))

    return formula


def _largest_at_once(axes: int) -> Callable[..., np.ndarray]:
    """The same on arrays, place by place of the window: numpy takes long to reduce over short axes."""

    def function(x: np.ndarray, size: Any, stride: Any, padding: Any, ceil_mode: bool) -> np.ndarray:
        x = np.asarray(x)
        lead = x.ndim - axes
        ends = _ends(x.shape[lead:], {"size": size, "stride": stride, "padding": padding, "ceil_mode": ceil_mode})
        if any(any(pair) for pair in ends):
            x = np.pad(x, ((0, 0),) * lead + ends, constant_values=_lowest(x.dtype))
        cut = windows._patches(x, size, stride, (1,) * axes, ((0, 0),) * axes)
        places = [cut[(..., *place, *[slice(None)] * axes)] for place in np.ndindex(*size)]
        return functools.reduce(np.maximum, places[1:], np.array(places[0]))

    return function


def _average(axes: int) -> Callable[..., Node]:
    def formula(x: Node, size: Any, stride: Any, padding: Any, ceil_mode: bool, count_padding: bool) -> Node:
        lead = len(x.shape) - axes
        lengths = x.shape[lead:]
        ends = _ends(lengths, {"size": size, "stride": stride, "padding": padding, "ceil_mode": ceil_mode})
        counts = _counts(lengths, size, stride, padding if count_padding else ((0, 0),) * axes, ends)
        cut = patches(x, size=size, stride=stride, padding=ends)
        if (counts == np.prod(size)).all():
            return mean(cut, axis=_windowed_axes(x, axes))
        return sum(cut, axis=_windowed_axes(x, axes)) / constant(
            counts.astype(x.dtype if x.dtype.kind == "f" else np.float64)
        )

    return formula


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


max_pool1d = composite(
    "max_pool1d", _largest(1), numpy=_largest_at_once(1), inputs=("x",), params=_SETTINGS, kind=REDUCTION,
    kernel="max_pool", normalize=_windows_of("max_pool1d", 1), letter="p",
    words="the largest number in each window of {size} of {x}, {stride} apart", why=_LARGEST, pitfalls=(_CEIL,),
    example=_one_axis(True),
)  # fmt: skip

max_pool2d = composite(
    "max_pool2d", _largest(2), numpy=_largest_at_once(2), inputs=("x",), params=_SETTINGS, kind=REDUCTION,
    kernel="max_pool", normalize=_windows_of("max_pool2d", 2), letter="p",
    words="the largest number in each window of {size} of {x}, {stride} apart", why=_LARGEST, pitfalls=(_CEIL,),
    example=_two_axes(True),
)  # fmt: skip

_COUNTED = (
    "padding does not count, so a window at the edge is the mean of what it really holds; count_padding=True counts the"
    " zeros too, as PyTorch does"
)

average_pool1d = composite(
    "average_pool1d", _average(1), inputs=("x",), params={**_SETTINGS, "count_padding": False}, kind=REDUCTION,
    kernel="average_pool", letter="p",
    normalize=_windows_of("average_pool1d", 1), words="the mean of each window of {size} of {x}, {stride} apart",
    why=_MEAN,
    pitfalls=(_CEIL, _COUNTED), example=_one_axis(False),
)  # fmt: skip

average_pool2d = composite(
    "average_pool2d", _average(2), inputs=("x",), params={**_SETTINGS, "count_padding": False}, kind=REDUCTION,
    kernel="average_pool", letter="p",
    normalize=_windows_of("average_pool2d", 2), words="the mean of each window of {size} of {x}, {stride} apart",
    why=_MEAN,
    pitfalls=(_CEIL, _COUNTED),
    example=[*_two_axes(False), example((1, 4, 4),
                                        params={"size": 3, "stride": 2, "padding": 1, "count_padding": True})],
)  # fmt: skip


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
