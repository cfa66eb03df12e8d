"""Windows sliding over the last axes, and their sum back into place: patches and overlap_add are each other's gradient.

Convolution and pooling are made of them. Any axes may stand in front: a plain image, channels, a batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product as each_place
from typing import Any

import numpy as np

from ..errors import ParameterError, ShapeError
from ..node import Node
from ..op import REQUIRED, SHAPE, example, structural
from .shape import whole

__all__ = ["overlap_add", "patches"]

Pairs = tuple[tuple[int, int], ...]


def per_axis(given: Any, count: int, what: str, least: int = 1) -> tuple[int, ...]:
    """One whole number per window axis from a number or from one number each; ParameterError naming `what`
    otherwise."""
    numbers = tuple(given) if isinstance(given, (tuple, list)) else (given,) * count
    if len(numbers) != count:
        raise ParameterError(f"{what} {given!r} must be one number, or one for each of the {count} window axes")
    numbers = tuple(whole(number, what) for number in numbers)
    if any(number < least for number in numbers):
        raise ParameterError(f"{what} {given!r} must be at least {least}")
    return numbers


def pairs_of(
    padding: Any, sizes: Sequence[int], size: Sequence[int], stride: Sequence[int], dilation: Sequence[int], name: str
) -> Pairs:
    """Padding as (before, after) per window axis, from a number, one number or pair per axis, "valid" or "same".

    "same" pads so that n numbers give n/stride windows, rounded up; an odd one goes to the end.
    """
    count = len(size)
    if isinstance(padding, str):
        if padding == "valid":
            return ((0, 0),) * count
        if padding != "same":
            raise ParameterError(
                f"{name}: padding {padding!r} is not known; say 'same', 'valid' or how many zeros to put at each end"
            )
        pairs = []
        for whole_size, window, step, spread in zip(sizes, size, stride, dilation):
            windows = -(-int(whole_size) // step)
            total = max((windows - 1) * step + spread * (window - 1) + 1 - int(whole_size), 0)
            pairs.append((total // 2, total - total // 2))
        return tuple(pairs)
    entries = tuple(padding) if isinstance(padding, (tuple, list)) else (padding,) * count
    if len(entries) != count:
        raise ParameterError(
            f"{name}: padding {padding!r} must be one number, or one number or pair for each of the {count} window axes"
        )
    pairs = [per_axis(entry, 2, f"{name}: padding", 0) for entry in entries]
    return tuple((before, after) for before, after in pairs)


def _shifted(size: int, by: int) -> int:
    """size + by, written with a minus sign where by is negative."""
    return size + by if by >= 0 else size - (-by)


def window_count(length: int, window: int, stride: int, dilation: int, pair: tuple[int, int], name: str) -> int:
    """How many windows fit along one axis; ShapeError when none does."""
    spare = sum(pair) - dilation * (window - 1) - 1
    if length + spare < 0:
        reach = dilation * (window - 1) + 1
        raise ShapeError(
            f"{name}: a window that reaches over {int(reach)} entries does not fit into {int(length)}"
            + (f" with {sum(pair)} of padding" if any(pair) else "")
        )
    return _shifted(length, spare + 1) if stride == 1 else _shifted(length, spare) // stride + 1


def _complete(name: str, sizes: Sequence[int], size: tuple[int, ...], params: Mapping[str, Any]) -> dict[str, Any]:
    stride = per_axis(params["stride"], len(size), f"{name}: stride")
    dilation = per_axis(params["dilation"], len(size), f"{name}: dilation")
    return {
        "stride": stride,
        "dilation": dilation,
        "padding": pairs_of(params["padding"], sizes, size, stride, dilation, name),
    }


def _windows(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    given, x = params["size"], inputs[0]
    size = per_axis(given, len(given) if isinstance(given, (tuple, list)) else 1, "patches: size")
    if not 1 <= len(size) <= len(x.shape):
        raise ShapeError(f"patches: windows of {len(size)} axes in x of shape {tuple(map(int, x.shape))}")
    return {"size": size, **_complete("patches", x.shape[len(x.shape) - len(size) :], size, params)}


def _patches_shape(
    x: Node, size: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...], padding: Pairs
) -> tuple[int, ...]:
    lead = len(x.shape) - len(size)
    counts = [window_count(*each, "patches") for each in zip(x.shape[lead:], size, stride, dilation, padding)]
    return (*x.shape[:lead], *size, *counts)


def _patches(
    x: Any, size: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...], padding: Pairs
) -> np.ndarray:
    x = np.asarray(x)
    lead = x.ndim - len(size)
    if any(any(pair) for pair in padding):
        padded = np.zeros(
            (*x.shape[:lead], *[before + n + after for n, (before, after) in zip(x.shape[lead:], padding)]), x.dtype
        )
        padded[(..., *[slice(before, before + n) for n, (before, _) in zip(x.shape[lead:], padding)])] = x
        x = padded
    counts = [
        (n - spread * (window - 1) - 1) // step + 1
        for n, window, step, spread in zip(x.shape[lead:], size, stride, dilation)
    ]
    steps = x.strides[lead:]
    strides = (
        *x.strides[:lead],
        *[step * spread for step, spread in zip(steps, dilation)],
        *[step * by for step, by in zip(steps, stride)],
    )
    # A view: no number is copied until something is computed from the windows.
    return np.lib.stride_tricks.as_strided(x, (*x.shape[:lead], *size, *counts), strides, writeable=False)


def _placed(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    given, x = params["shape"], inputs[0]
    shape = per_axis(given, len(given) if isinstance(given, (tuple, list)) else 1, "overlap_add: size", 0)
    if len(x.shape) < 2 * len(shape):
        raise ShapeError(
            f"overlap_add: x of shape {tuple(map(int, x.shape))} must end in the axes of a window and the axes that"
            f" count windows, {2 * len(shape)} in all"
        )
    size = x.shape[len(x.shape) - 2 * len(shape) : len(x.shape) - len(shape)]
    return {"shape": shape, **_complete("overlap_add", shape, size, params)}


def _overlapped_shape(
    x: Node, shape: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...], padding: Pairs
) -> tuple[int, ...]:
    lead = len(x.shape) - 2 * len(shape)
    size, given = x.shape[lead : lead + len(shape)], x.shape[lead + len(shape) :]
    counts = tuple(window_count(*each, "overlap_add") for each in zip(shape, size, stride, dilation, padding))
    if counts != given:
        raise ShapeError(
            f"{tuple(map(int, given))} windows were given, but {tuple(map(int, counts))} fit into"
            f" {tuple(map(int, shape))}"
        )
    return (*x.shape[:lead], *shape)


def places(
    size: Sequence[int], counts: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> Iterator[tuple[tuple[int, ...], tuple[Any, ...]]]:
    """For each place of a window: itself, and the index of what all the windows have there."""
    for place in each_place(*[range(window) for window in size]):
        starts = [at * spread for at, spread in zip(place, dilation)]
        met = [slice(at, at + step * (count - 1) + 1, step) for at, step, count in zip(starts, stride, counts)]
        yield place, (..., *met)


def _overlap_add(
    x: Any, shape: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...], padding: Pairs
) -> np.ndarray:
    x = np.asarray(x)
    axes = len(shape)
    lead = x.ndim - 2 * axes
    size, counts = x.shape[lead : lead + axes], x.shape[lead + axes :]
    result = np.zeros((*x.shape[:lead], *[before + n + after for n, (before, after) in zip(shape, padding)]), x.dtype)
    for place, target in places(size, counts, stride, dilation):
        result[target] += x[(..., *place, *[slice(None)] * axes)]
    return result[(..., *[slice(before, before + n) for n, (before, _) in zip(shape, padding)])]


patches = structural(
    "patches", _patches, _patches_shape, inputs=("x",), kind=SHAPE, kernel="patches", normalize=_windows, symbol="▦",
    params={"size": REQUIRED, "stride": 1, "dilation": 1, "padding": 0},
    words="all windows of size {size} of {x}, {stride} apart",
    why="a number acts in every window it lies in, so the gradients of all its copies are added up at its place",
    pitfalls=("windows overlap where the stride is smaller than the window, so the result can be many times larger than"
              " x",),
    gradient=lambda g, y, x, size, stride, dilation, padding: (
        overlap_add(g, shape=x.shape[len(x.shape) - len(size) :], stride=stride, dilation=dilation, padding=padding),
    ),
    example=[example((5,), params={"size": (2,)}),
             example((2, 4, 5), params={"size": (2, 3), "stride": (2, 1), "padding": 1}),
             example((1, 2, 6), params={"size": (3,), "dilation": 2, "padding": ((1, 0),)}),
             example((5, 4), params={"size": (2, 2), "padding": "same"})],
)  # fmt: skip

overlap_add = structural(
    "overlap_add", _overlap_add, _overlapped_shape, inputs=("x",), kind=SHAPE, kernel="overlap_add", normalize=_placed,
    symbol="▦⁺", scattered=True,
    params={"shape": REQUIRED, "stride": 1, "dilation": 1, "padding": 0},
    words="lay the windows {x} back into an array of shape {shape} and add them up where they overlap",
    why="each number of a window lands in one place with slope 1, so it picks up the gradient found there",
    gradient=lambda g, y, x, shape, stride, dilation, padding: (
        patches(g, size=x.shape[len(x.shape) - 2 * len(shape) : len(x.shape) - len(shape)], stride=stride,
                dilation=dilation, padding=padding),
    ),
    example=[example((2, 4), params={"shape": (5,)}),
             example((2, 2, 3, 3, 5), params={"shape": (4, 5), "stride": (2, 1), "padding": 1})],
)  # fmt: skip
