"""Many numbers become few: products, means, spreads, extremes and lengths; and running sums and products along an
axis."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import special
from ..axes import axes_behind, axis_of, one_axis, reduced, several_axes
from ..errors import ParameterError, ShapeError
from ..leaves import constant
from ..node import Node, add_method
from ..notation import call, fence
from ..op import REDUCTION, composite, example, structural
from ..sizes import product
from . import functions
from .arithmetic import ratio, square
from .comparison import equal, isfinite, not_equal, where
from .functions import exp, log, sqrt
from .identity import cast
from .linear import sum
from .shape import reshape
from .slicing import along, pad, slice

__all__ = [
    "argmax", "argmin", "count", "cumprod", "cumsum", "logsumexp", "max", "mean", "min", "norm", "prod", "std", "var",
]  # fmt: skip

Axes = tuple[int, ...]
_REDUCTIONS = [
    example((3, 4)),
    example((3, 4), params={"axis": 0}),
    example((2, 3, 4), params={"axis": (0, 2), "keepdims": True}),
    example((3, 4), params={"axis": -1}),
]
_EXTREMES = [example(each.shapes[0], params=each.params, distinct=True) for each in _REDUCTIONS]


def kept(g: Node, x: Node, axis: Axes, keepdims: bool) -> Node:
    """A reduced `g` with its axes back as axes of size 1, so that it broadcasts against x."""
    if keepdims or axis == tuple(range(len(axis))):
        return g  # leading axes come back by broadcasting alone
    return reshape(g, shape=reduced(x.shape, axis, True))


def length(x: Node, axis: Axes) -> int:
    """How many numbers a reduction over `axis` takes together."""
    return product(tuple(x.shape[each] for each in axis))


def _reduced(x: Node, axis: Axes, keepdims: bool, **more: Any) -> tuple[int, ...]:
    return reduced(x.shape, axis, keepdims)


def _nonempty(op: str) -> Callable[..., tuple[int, ...]]:
    def shape(x: Node, axis: Axes, keepdims: bool) -> tuple[int, ...]:
        if length(x, axis) == 0:
            raise ShapeError(f"{op} of no numbers: shape {tuple(map(int, x.shape))} is empty along the reduced axes")
        return reduced(x.shape, axis, keepdims)

    return shape


# Means and spreads --------------------------------------------------------------------------------------------------
mean = composite(
    "mean", lambda x, axis, keepdims: sum(x, axis=axis, keepdims=keepdims) / length(x, axis),
    inputs=("x",), params={"axis": None, "keepdims": False}, kind=REDUCTION, normalize=several_axes,
    notation=call("mean"), letter="m", stacked=axes_behind,
    words="the mean of {x} over axes {axis}",
    why="each of N numbers moves their mean by 1/N, so each receives 1/N of the gradient",
    numpy=lambda x, axis, keepdims: _mean(x, axis, keepdims),
    example=_REDUCTIONS,
)  # fmt: skip


def _mean(x: np.ndarray, axis: Axes, keepdims: bool) -> Any:
    total = np.add.reduce(x, axis=axis, keepdims=keepdims)
    return np.true_divide(total, np.prod([np.shape(x)[each] for each in axis], dtype=int).item())


def _with_degrees(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    params = several_axes(inputs, params)
    ddof = params["ddof"]
    if isinstance(ddof, bool) or not isinstance(ddof, (int, np.integer)) or ddof < 0:
        raise ParameterError(
            f"ddof={ddof!r} must be a whole number from 0 up: how much less than N the sum is divided by"
        )
    if (count := length(inputs[0], params["axis"])) <= ddof:
        raise ParameterError(
            f"a spread over {int(count)} number{'s' * (count != 1)} with ddof={ddof} would divide by"
            f" {int(count) - ddof}"
        )
    return params


def _deviations(x: Node, axis: Axes) -> Node:
    return x - mean(x, axis=axis, keepdims=True)


_SPREADS = [*_REDUCTIONS, example((3, 4), params={"axis": 0, "ddof": 1})]

var = composite(
    "var",
    lambda x, axis, keepdims, ddof: (
        sum(square(_deviations(x, axis)), axis=axis, keepdims=keepdims) / (length(x, axis) - ddof)
    ),
    inputs=("x",), params={"axis": None, "keepdims": False, "ddof": 0}, kind=REDUCTION, normalize=_with_degrees,
    notation=call("var"), letter="v", stacked=axes_behind,
    words="the variance of {x} over axes {axis}",
    why="the power rule gives 2(x − mean)/N; that the mean moves too changes nothing, because the deviations sum to 0",
    pitfalls=("ddof=0 divides by N; the estimate from a sample divides by N − 1, which is ddof=1",),
    gradient=lambda g, y, x, axis, keepdims, ddof: (
        kept(g, x, axis, keepdims) * (2 * _deviations(x, axis) / (length(x, axis) - ddof)),
    ),
    example=_SPREADS,
)  # fmt: skip

std = composite(
    "std", lambda x, axis, keepdims, ddof: sqrt(var(x, axis=axis, keepdims=keepdims, ddof=ddof)),
    inputs=("x",), params={"axis": None, "keepdims": False, "ddof": 0}, kind=REDUCTION, normalize=_with_degrees,
    notation=call("std"), letter="s", stacked=axes_behind,
    words="the standard deviation of {x} over axes {axis}",
    why="the root of the variance: 2(x − mean)/N divided by twice the standard deviation",
    pitfalls=("where all numbers are equal there is a kink; the slope 0 is chosen", "ddof=0 divides by N; ddof=1 by N −"
    " 1"),
    gradient=lambda g, y, x, axis, keepdims, ddof: (
        kept(g, x, axis, keepdims) * ratio(_deviations(x, axis), kept(y, x, axis, keepdims) * (length(x, axis) - ddof)),
    ),
    example=_SPREADS,
)  # fmt: skip


# Extremes -----------------------------------------------------------------------------------------------------------
def _share(g: Node, y: Node, x: Node, axis: Axes, keepdims: bool) -> tuple[Node]:
    """The gradient to the extreme numbers, in equal parts where several are equal."""
    winners = cast(equal(x, kept(y, x, axis, keepdims)), dtype=x.dtype.name)
    return (kept(g, x, axis, keepdims) * (winners / sum(winners, axis=axis, keepdims=True)),)


def _extreme(numpy: Any, symbol: str) -> Callable[..., Any]:
    """numpy's own reduction; on symbols, which have no order, the name for it."""

    def extreme(x: Any, axis: Axes, keepdims: bool) -> Any:
        if np.asarray(x).dtype != object:
            return numpy(x, axis=axis, keepdims=keepdims)
        import sympy

        rest = tuple(each for each in range(np.ndim(x)) if each not in axis)
        rows = np.transpose(x, (*rest, *axis)).reshape(*[np.shape(x)[each] for each in rest], -1)
        result = np.empty(rows.shape[:-1], object)
        for place in np.ndindex(result.shape):
            result[place] = getattr(sympy, symbol)(*rows[place])
        return result.reshape(reduced(np.shape(x), axis, keepdims))

    return extreme


max = structural(
    "max", _extreme(np.max, "Max"), _nonempty("max"),
    inputs=("x",), params={"axis": None, "keepdims": False}, kind=REDUCTION, normalize=several_axes,
    notation=call("max", r"\max"), letter="m", fold="max", stacked=axes_behind,
    words="the largest number of {x} over axes {axis}",
    why="only the largest number moves the result, so it receives the whole gradient; equal ones share it equally",
    pitfalls=("there is a kink where several numbers are the largest: they share the gradient in equal parts",),
    gradient=_share, example=_EXTREMES,
)  # fmt: skip

min = structural(
    "min", _extreme(np.min, "Min"), _nonempty("min"),
    inputs=("x",), params={"axis": None, "keepdims": False}, kind=REDUCTION, normalize=several_axes,
    notation=call("min", r"\min"), letter="m", fold="min", stacked=axes_behind,
    words="the smallest number of {x} over axes {axis}",
    why="only the smallest number moves the result, so it receives the whole gradient; equal ones share it equally",
    pitfalls=("there is a kink where several numbers are the smallest: they share the gradient in equal parts",),
    gradient=_share, example=_EXTREMES,
)  # fmt: skip


def _place(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    params = one_axis(inputs, params)
    shape = inputs[0].shape
    if (product(shape) if params["axis"] is None else shape[params["axis"]]) == 0:
        raise ShapeError(f"there is no place of an extreme among no numbers: shape {tuple(map(int, shape))}")
    return params


def _place_shape(x: Node, axis: int | None, keepdims: bool) -> tuple[int, ...]:
    return reduced(x.shape, tuple(range(len(x.shape))) if axis is None else (axis,), keepdims)


_PLACES = [example((3, 4), distinct=True), example((3, 4), params={"axis": 1}, distinct=True),
           example((3, 4), params={"axis": 0, "keepdims": True}, distinct=True)]  # fmt: skip

argmax = structural(
    "argmax", lambda x, axis, keepdims: np.argmax(x, axis=axis, keepdims=keepdims), _place_shape,
    inputs=("x",), params={"axis": None, "keepdims": False}, kind=REDUCTION, kernel="argmax", normalize=_place,
    differentiable=False,
    dtype=lambda x, axis, keepdims: np.dtype(np.intp), notation=call("argmax", r"\operatorname{arg\,max}"),
    words="where {x} is largest along axis {axis}, counted from 0",
    why="a place is a whole number that jumps, so no gradient is sent back",
    pitfalls=("of several equal largest numbers the first counts",),
    example=_PLACES,
)  # fmt: skip

argmin = structural(
    "argmin", lambda x, axis, keepdims: np.argmin(x, axis=axis, keepdims=keepdims), _place_shape,
    inputs=("x",), params={"axis": None, "keepdims": False}, kind=REDUCTION, kernel="argmin", normalize=_place,
    differentiable=False,
    dtype=lambda x, axis, keepdims: np.dtype(np.intp), notation=call("argmin", r"\operatorname{arg\,min}"),
    words="where {x} is smallest along axis {axis}, counted from 0",
    why="a place is a whole number that jumps, so no gradient is sent back",
    pitfalls=("of several equal smallest numbers the first counts",),
    example=_PLACES,
)  # fmt: skip

count = composite(
    "count", lambda x, axis, keepdims: sum(not_equal(x, 0), axis=axis, keepdims=keepdims),
    inputs=("x",), params={"axis": None, "keepdims": False}, kind=REDUCTION, normalize=several_axes,
    differentiable=False,
    numpy=lambda x, axis, keepdims: np.count_nonzero(x, axis=axis, keepdims=keepdims), notation=call("#", r"\#"),
    words="how many numbers of {x} over axes {axis} are true, or not 0",
    why="a count jumps from one whole number to the next, so no gradient is sent back",
    example=[example((3, 4), booleans=(0,)), example((3, 4), params={"axis": 0}, booleans=(0,))],
)  # fmt: skip


# Lengths and logarithms of sums -------------------------------------------------------------------------------------
def largest(x: Node, axis: int | Axes | None) -> Node:
    """The largest number along `axis`, kept as an axis of size 1; −inf where there are no numbers at all."""
    return max(x, axis=axis, keepdims=True) if x.size else constant(np.array(-np.inf, x.dtype))


def as_float(x: Node) -> Node:
    """x in the dtype that exponentials of it have: differences of unsigned numbers would wrap around."""
    return x if x.dtype.kind == "f" else cast(x, dtype=exp(x).dtype.name)


def _logsumexp_shifted(x: Node, axis: Axes, keepdims: bool) -> Node:
    x = as_float(x)
    top = largest(x, axis)
    top = where(isfinite(top), top, 0)  # of −inf alone the sum is 0 and its logarithm −inf, not nan
    value = top + log(sum(exp(x - top), axis=axis, keepdims=True))
    return value if keepdims else reshape(value, shape=reduced(x.shape, axis, False))


logsumexp = composite(
    "logsumexp", lambda x, axis, keepdims: log(sum(exp(x), axis=axis, keepdims=keepdims)),
    inputs=("x",), params={"axis": None, "keepdims": False}, kind=REDUCTION, normalize=several_axes, kernel="logsumexp",
    notation=call("ln Σ exp", r"\ln\sum\exp"), letter="l", stacked=axes_behind,
    words="the logarithm of the sum of the exponentials of {x} over axes {axis}",
    why="each number enters with the weight e^x/Σe^x: the gradient is handed out by the softmax",
    pitfalls=("the exponentials of large numbers overflow; here the largest is subtracted first, which changes nothing"
              " else",),
    numpy=special.logsumexp, expansion=_logsumexp_shifted,
    gradient=lambda g, y, x, axis, keepdims: (kept(g, x, axis, keepdims) * exp(x - kept(y, x, axis, keepdims)),),
    example=_REDUCTIONS,
)  # fmt: skip


def _ord(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    if params["ord"] not in (1, 2, np.inf):
        raise ParameterError(
            f"norm: ord={params['ord']!r} is not known; there are 1 (sum of sizes), 2 (length) and inf (largest size)"
        )
    return {**several_axes(inputs, params), "ord": float(params["ord"])}


def _norm(x: Node, ord: float, axis: Axes, keepdims: bool) -> Node:
    if ord == 2:
        return sqrt(sum(square(x), axis=axis, keepdims=keepdims))
    size = functions.abs(x)
    return sum(size, axis=axis, keepdims=keepdims) if ord == 1 else max(size, axis=axis, keepdims=keepdims)


def _norm_gradient(g: Node, y: Node, x: Node, ord: float, axis: Axes, keepdims: bool) -> tuple[Node]:
    if ord == 2:
        return (kept(g, x, axis, keepdims) * ratio(x, kept(y, x, axis, keepdims)),)
    if ord == 1:
        return (kept(g, x, axis, keepdims) * functions.sign(x),)
    (shared,) = _share(g, y, functions.abs(x), axis, keepdims)
    return (shared * functions.sign(x),)


norm = composite(
    "norm", _norm, inputs=("x",), params={"ord": 2, "axis": None, "keepdims": False}, kind=REDUCTION, normalize=_ord,
    notation=fence("‖", "‖", r"\left\|", r"\right\|"), symbol="‖ ‖", letter="r", gradient=_norm_gradient,
    words="the length of {x} over axes {axis}, with exponent {ord}",
    why="the length grows fastest in the direction of the vector itself, so the slope is the unit vector x/‖x‖",
    pitfalls=("at the zero vector there is a kink; the slope 0 is chosen",
              "over several axes it is the length of all numbers together (Frobenius); the largest singular value is"
              " not offered"),
    example=[*_REDUCTIONS, example((3, 4), params={"ord": 1, "axis": 1}, avoid=(0.0,)),
             example((3, 4), params={"ord": np.inf, "axis": 1}, domain=(0.2, 2.0), distinct=True)],
)  # fmt: skip


# Running sums and products, and the product of all ------------------------------------------------------------------
def _along(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    ndim, axis = len(inputs[0].shape), params["axis"]
    if axis is None:
        if ndim != 1:
            raise ParameterError(
                f"an axis is needed for {ndim} axes; flatten first, ng.flatten(x), to run through all numbers"
            )
        axis = 0
    return {**params, "axis": axis_of(axis, ndim)}


def _running(numpy: Any, first: int) -> Callable[..., Any]:
    """numpy's running total along an axis, from either end, with or without the number at each place itself."""

    def running(x: Any, axis: int, exclusive: bool, reverse: bool) -> Any:
        x = np.flip(x, axis) if reverse else np.asarray(x)
        total = numpy(x, axis=axis)
        if exclusive and x.shape[axis]:
            ones = np.full_like(np.take(total, [0], axis), first)
            total = np.concatenate([ones, np.take(total, range(x.shape[axis] - 1), axis)], axis)
        return np.flip(total, axis) if reverse else total

    return running


_ALONG = [
    example((4,)),
    example((3, 4), params={"axis": 0, "reverse": True}),
    example((3, 4), params={"axis": 1, "exclusive": True}),
    example((2, 3), params={"axis": 1, "exclusive": True, "reverse": True}),
]

cumsum = structural(
    "cumsum", _running(np.cumsum, 0), lambda x, axis, exclusive, reverse: x.shape,
    inputs=("x",), params={"axis": None, "exclusive": False, "reverse": False}, kind=REDUCTION, kernel="cumsum",
    normalize=_along,
    dtype=lambda x, axis, exclusive, reverse: np.cumsum(np.zeros((1,), x.dtype)).dtype, letter="s",
    words="the running sum of {x} along axis {axis}",
    why="each number enters its own sum and all later ones, so it receives the gradients summed from the other end",
    gradient=lambda g, y, x, axis, exclusive, reverse: (
        cumsum(g, axis=axis, exclusive=exclusive, reverse=not reverse),
    ),
    example=_ALONG,
)  # fmt: skip


def _products(x: Node, axis: int, exclusive: bool, reverse: bool) -> Node:
    """Every running product as a row of its factors, with 1 for those it leaves out: exact where factors are 0."""
    size = int(x.shape[axis])
    taken = np.tri(size, k=-1 if exclusive else 0, dtype=bool)  # [place, factor]
    taken = taken.T if reverse else taken
    ndim = len(x.shape)
    rows = reshape(x, shape=(*x.shape[:axis], 1, *x.shape[axis:]))
    mask = taken.reshape((1,) * axis + (size, size) + (1,) * (ndim - axis - 1))
    return prod(where(mask, rows, 1), axis=axis + 1)


def _doubled(x: Node, axis: int, exclusive: bool, reverse: bool) -> Node:
    """Running products of 1, 2, 4, … factors at a time: each step multiplies what two stretches have gathered."""
    size = int(x.shape[axis])
    wide = np.cumprod(np.zeros((1,), x.dtype)).dtype
    x = x if x.dtype == wide else cast(x, dtype=wide.name)
    steps = [1 << power for power in range(builtins.max(size - 1, 0).bit_length())]
    y = _moved_along(x, axis, 1, reverse) if exclusive and size else x
    for step in steps:
        y = y * _moved_along(y, axis, step, reverse)
    return y


def _moved_along(x: Node, axis: int, by: int, reverse: bool) -> Node:
    """x moved `by` places along an axis, to its end or in reverse to its start, with ones where it came from."""
    size = int(x.shape[axis])
    rest = slice(x, index=along(len(x.shape), axis, by, size) if reverse else along(len(x.shape), axis, 0, size - by))
    free = (0, by) if reverse else (by, 0)
    return pad(rest, width=tuple(free if at == axis else (0, 0) for at in range(len(x.shape))), value=1)


cumprod = composite(
    "cumprod", _products, inputs=("x",), params={"axis": None, "exclusive": False, "reverse": False}, kind=REDUCTION,
    normalize=_along, letter="p",
    numpy=_running(np.cumprod, 1), expansion=_doubled,
    words="the running product of {x} along axis {axis}",
    why="each number is a factor of its own product and of all later ones; its slope in each is the product of the"
    " others",
    example=_ALONG,
)  # fmt: skip


def _others(x: Node, axis: Axes) -> Node:
    """For every number the product of all others over `axis`: what stands before it times what stands after it."""
    first, rest = axis[0], axis[1:]
    before, after = (cumprod(x, axis=first, exclusive=True, reverse=reverse) for reverse in (False, True))
    return before * after * _others(prod(x, axis=first, keepdims=True), rest) if rest else before * after


prod = structural(
    "prod",
    lambda x, axis, keepdims: functools.reduce(
        lambda part, each: np.prod(part, axis=each, keepdims=keepdims), axis[::-1], np.asarray(x)
    ),
    _reduced, inputs=("x",), params={"axis": None, "keepdims": False}, kind=REDUCTION, normalize=several_axes,
    dtype=lambda x, axis, keepdims: np.prod(np.zeros((1,), x.dtype)).dtype, notation=call("Π", r"\prod"), letter="p",
    fold="*",
    words="multiply all numbers of {x} over axes {axis}",
    why="the slope of a product in one factor is the product of all the others",
    pitfalls=("dividing the product by the factor gives nan where a factor is 0; here the others are multiplied, so"
              " zeros are right",),
    gradient=lambda g, y, x, axis, keepdims: (kept(g, x, axis, keepdims) * _others(x, axis),) if axis else (g,),
    example=_REDUCTIONS,
)  # fmt: skip

for _op in (argmax, argmin, cumprod, cumsum, max, mean, min, prod, std, sum, var):
    add_method(_op.name, _op)
