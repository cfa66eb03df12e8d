"""Convolution as windows times weights, so that its gradient follows; conv_transpose2d is what conv2d sends back to its
image.

What neural networks call convolution is cross-correlation: the weights are laid on the image as they are. The
convolution of mathematics turns them round first: `turned=True`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ParameterError, ShapeError
from ..node import Node
from ..notation import PRODUCT, infix
from ..op import LINEAR, composite, example
from ..sizes import product
from .linear import matmul, matrix_transpose
from .shape import reshape, whole
from .slicing import flip
from .windows import overlap_add, pairs_of, patches, per_axis, window_count

__all__ = ["conv1d", "conv2d", "conv_transpose2d"]

SPACE = {1: "length", 2: "height, width"}


def _text(shape: tuple[int, ...]) -> str:
    return f"({', '.join(str(int(size)) for size in shape)})"


def _ranks(name: str, axes: int, x: Node, w: Node, weights: str) -> None:
    """Refuse anything but a batch of images with channels, or one plain image with one plain kernel."""
    if len(x.shape) == len(w.shape) and len(x.shape) in (axes, axes + 2):
        return
    remedy = ""
    if len(x.shape) == axes + 1:
        remedy = "; a missing batch axis is added with x[None], a missing channel axis with x[:, None]"
    elif len(w.shape) == axes and len(x.shape) == axes + 2:
        remedy = "; a plain kernel becomes weights with w[None, None]"
    elif len(x.shape) == axes and len(w.shape) == axes + 2:
        remedy = "; a plain image becomes a batch with x[None, None]"
    raise ShapeError(
        f"{name}: x {_text(x.shape)} and w {_text(w.shape)}: it takes x (batch, channels, {SPACE[axes]}) with w"
        f" ({weights}, {SPACE[axes]}),"
        f" or both as plain ({SPACE[axes]}){remedy}"
    )


def _settings(name: str, axes: int, x: Node, w: Node, params: Mapping[str, Any]) -> dict[str, Any]:
    stride = per_axis(params["stride"], axes, f"{name}: stride")
    dilation = per_axis(params["dilation"], axes, f"{name}: dilation")
    groups = whole(params["groups"], f"{name}: groups")
    if groups < 1:
        raise ParameterError(f"{name}: groups {groups} must be at least 1")
    if len(x.shape) == axes and groups != 1:
        raise ParameterError(f"{name}: a plain image has one channel, which cannot be split into {groups} groups")
    padding = pairs_of(params["padding"], x.shape[-axes:], w.shape[-axes:], stride, dilation, name)
    return {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


def _fitting(name: str, axes: int) -> Callable[..., Mapping[str, Any]]:
    def normalize(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
        x, w = inputs
        _ranks(name, axes, x, w, "out channels, in channels / groups")
        settings = _settings(name, axes, x, w, params)
        if len(x.shape) > axes:
            channels, out, groups = x.shape[1], w.shape[0], settings["groups"]
            if channels % groups or out % groups:
                raise ShapeError(
                    f"{name}: {int(channels)} channels in and {int(out)} out do not split into {groups} groups"
                )
            if w.shape[1] * groups != channels:
                remedy = (
                    "; are the first two axes of w swapped? (swapaxes(w, 0, 1))"
                    if w.shape[0] * groups == channels
                    else ""
                )
                raise ShapeError(
                    f"{name}: x {_text(x.shape)} has {int(channels)} channels, but w {_text(w.shape)} takes"
                    f" {int(w.shape[1] * groups)}"
                    + (f" ({int(w.shape[1])} in each of {groups} groups)" if groups > 1 else "") + remedy
                )  # fmt: skip
        for each in zip(
            x.shape[-axes:], w.shape[-axes:], settings["stride"], settings["dilation"], settings["padding"]
        ):
            window_count(*each, name)
        return {**settings, "turned": bool(params["turned"])}

    return normalize


def _weighted_windows(axes: int) -> Callable[..., Node]:
    def formula(x: Node, w: Node, stride: Any, padding: Any, dilation: Any, groups: int, turned: bool) -> Node:
        plain = len(x.shape) == axes
        if plain:
            x, w = reshape(x, shape=(1, 1, *x.shape)), reshape(w, shape=(1, 1, *w.shape))
        if turned:
            w = flip(w, axis=tuple(range(2, 2 + axes)))
        windows = patches(x, size=w.shape[2:], stride=stride, dilation=dilation, padding=padding)
        batch, counts = x.shape[0], windows.shape[2 + axes :]
        inner, places, out = product(w.shape[1:]), product(counts), w.shape[0]
        if groups == 1:
            y = matmul(reshape(w, shape=(out, inner)), reshape(windows, shape=(batch, inner, places)))
        else:
            y = matmul(
                reshape(w, shape=(groups, out // groups, inner)), reshape(windows, shape=(batch, groups, inner, places))
            )
        return reshape(y, shape=counts if plain else (batch, out, *counts))

    return formula


_WHY = (
    "every result is a sum of products of a window with the weights, so the weights receive every window times its"
    " gradient, and each number of {} receives the gradients of all windows it lies in, times the weight it met there"
)
_SETTINGS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "turned": False}
_PITFALLS = (
    "the weights are not turned round: this is cross-correlation; the convolution of mathematics is turned=True",
    "without padding the result is smaller than the input by the kernel size minus 1",
)

conv1d = composite(
    "conv1d", _weighted_windows(1), inputs=("x", "w"), params=_SETTINGS, kind=LINEAR, kernel="conv",
    normalize=_fitting("conv1d", 1),
    notation=infix("⋆", PRODUCT, r"\star ", right=PRODUCT), letter="z",
    words="slide the weights {w} along {x} and add up the products at every stop (stride {stride})",
    why=_WHY.format("the signal"), pitfalls=_PITFALLS,
    source="y[n,o,i] = Σ x[n,c,i·stride + a·dilation] · w[o,c,a] over c and a",
    example=[example((2, 3, 6), (4, 3, 3)),
             example((1, 4, 7), (2, 2, 2), params={"stride": 2, "padding": 1, "dilation": 2, "groups": 2}),
             example((5,), (2,), params={"turned": True})],
)  # fmt: skip

conv2d = composite(
    "conv2d", _weighted_windows(2), inputs=("x", "w"), params=_SETTINGS, kind=LINEAR, kernel="conv",
    normalize=_fitting("conv2d", 2),
    notation=infix("⋆", PRODUCT, r"\star ", right=PRODUCT), letter="z",
    words="slide the weights {w} over {x} and add up the products at every stop (stride {stride})",
    why=_WHY.format("the image"), pitfalls=_PITFALLS,
    source="y[n,o,i,j] = Σ x[n,c,i·stride + a·dilation,j·stride + b·dilation] · w[o,c,a,b] over c, a and b; Dumoulin"
    " and Visin, arXiv:1603.07285",
    example=[example((1, 2, 4, 4), (3, 2, 2, 2)), example((4, 4), (3, 3)),
             example((4, 4), (3, 3), params={"turned": True}),
             example((1, 2, 5, 4), (2, 2, 3, 2), params={"stride": (2, 1), "padding": 1}),
             example((2, 4, 3, 3), (4, 2, 2, 2), params={"groups": 2, "padding": "same"}),
             example((1, 1, 5, 5), (1, 1, 2, 2), params={"dilation": 2})],
)  # fmt: skip


def _spreading(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    name, (x, w) = "conv_transpose2d", inputs
    _ranks(name, 2, x, w, "in channels, out channels / groups")
    if params["padding"] == "same":
        raise ParameterError(
            f"{name}: padding 'same' does not say which size the result has; give the number that the convolution used"
        )
    settings = _settings(name, 2, x, w, params)
    more = per_axis(params["output_padding"], 2, f"{name}: output_padding", 0)
    if any(extra >= step for extra, step in zip(more, settings["stride"])):
        raise ParameterError(
            f"{name}: output_padding {more} must be smaller than the stride {settings['stride']}: it tells apart the"
            " sizes that a stride rounds to one"
        )
    if len(x.shape) > 2 and (x.shape[1] % settings["groups"] or w.shape[0] != x.shape[1]):
        raise ShapeError(
            f"{name}: x {_text(x.shape)} has {int(x.shape[1])} channels, but w {_text(w.shape)} takes {int(w.shape[0])}"
            f" in {settings['groups']} group(s)"
        )
    shape = _spread_shape(x.shape[-2:], w.shape[-2:], {**settings, "output_padding": more})
    if any(size < 1 for size in shape):
        raise ShapeError(f"{name}: the padding {settings['padding']} cuts away all of the result")
    return {**settings, "output_padding": more}


def _spread_shape(counts: tuple[int, ...], size: tuple[int, ...], settings: Mapping[str, Any]) -> tuple[int, ...]:
    """The size of the image from which a convolution with these settings would make `counts` windows."""
    return tuple(
        (count - 1) * step + spread * (window - 1) + 1 + extra - before - after
        for count, window, step, spread, extra, (before, after) in zip(
            counts, size, settings["stride"], settings["dilation"], settings["output_padding"], settings["padding"]
        )
    )


def _spread(x: Node, w: Node, stride: Any, padding: Any, output_padding: Any, dilation: Any, groups: int) -> Node:
    plain = len(x.shape) == 2
    if plain:
        x, w = reshape(x, shape=(1, 1, *x.shape)), reshape(w, shape=(1, 1, *w.shape))
    (batch, channels), counts, size = x.shape[:2], x.shape[2:], w.shape[2:]
    out, places = w.shape[1] * groups, product(counts)
    settings = {"stride": stride, "dilation": dilation, "padding": padding}
    if groups == 1:
        windows = matmul(
            reshape(w, shape=(channels, product(w.shape[1:]))).T, reshape(x, shape=(batch, channels, places))
        )
    else:
        weights = reshape(w, shape=(groups, channels // groups, product(w.shape[1:])))
        windows = matmul(matrix_transpose(weights), reshape(x, shape=(batch, groups, channels // groups, places)))
    y = overlap_add(
        reshape(windows, shape=(batch, out, *size, *counts)),
        shape=_spread_shape(counts, size, {**settings, "output_padding": output_padding}),
        **settings,
    )
    return reshape(y, shape=y.shape[2:]) if plain else y


conv_transpose2d = composite(
    "conv_transpose2d", _spread, inputs=("x", "w"), kind=LINEAR, kernel="conv_transpose", normalize=_spreading,
    params={"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1},
    notation=infix("⋆ᵀ", PRODUCT, r"\star^{\top} ", right=PRODUCT), letter="z",
    words="put the weights {w}, times each number of {x}, side by side ({stride} apart) and add up where they overlap",
    why="it is a convolution run backwards, so its gradient with respect to its input is the convolution with the same"
    " weights",
    pitfalls=("the weights have shape (in, out / groups, height, width): the other way round than in conv2d",
              "where the stride does not divide the kernel size, places are covered unevenly, which shows as a"
              " checkerboard"),
    source="the adjoint of conv2d: Σ conv2d(a, w)·b = Σ a·conv_transpose2d(b, w) for all a and b; Dumoulin and Visin,"
    " arXiv:1603.07285",
    example=[example((1, 2, 3, 3), (2, 3, 2, 2)),
             example((1, 2, 2, 3), (2, 1, 3, 2), params={"stride": 2, "padding": 1, "output_padding": (1, 0)}),
             example((1, 4, 2, 2), (4, 1, 2, 2), params={"groups": 2, "dilation": 2}), example((3, 3), (2, 2))],
)  # fmt: skip
