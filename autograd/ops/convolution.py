"""Convolution as windows times weights, and its two ways back: conv_transpose to the image, conv_weights to the
weights.

The three are one sum of products x·w·g, each time over all but one of its factors, so that the gradients of all three
are made of the same three. What neural networks call convolution is cross-correlation: the weights are laid on the
image as they are. The convolution of mathematics turns them round first: `turned=True`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ParameterError, ShapeError
from ..node import Node
from ..notation import PRODUCT, infix
from ..op import LINEAR, REQUIRED, Op, composite, example
from ..sizes import product
from .linear import contract, matmul, matrix_transpose
from .shape import reshape, whole
from .slicing import flip
from .windows import overlap_add, pairs_of, patches, per_axis, window_count

__all__ = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d", "conv_weights"]

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


def _sent_back(axes: int) -> Callable[..., tuple[Node, Node]]:
    """A convolution's gradients. Weights that were turned round send as they were laid, and receive turned back."""

    def gradient(g: Node, y: Node, x: Node, w: Node, turned: bool, **settings: Any) -> tuple[Node, Node]:
        window = tuple(range(len(w.shape) - axes, len(w.shape)))
        laid = flip(w, axis=window) if turned else w
        to_image = _TO_IMAGE[axes](g, laid, shape=x.shape[-axes:], **settings)
        to_weights = conv_weights(x, g, size=w.shape[-axes:], **settings)
        return to_image, flip(to_weights, axis=window) if turned else to_weights

    return gradient


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
    normalize=_fitting("conv1d", 1), gradient=_sent_back(1),
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
    normalize=_fitting("conv2d", 2), gradient=_sent_back(2),
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


# Back to the image --------------------------------------------------------------------------------------------------
def _spreading(name: str, axes: int) -> Callable[..., Mapping[str, Any]]:
    def normalize(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
        x, w = inputs
        _ranks(name, axes, x, w, "in channels, out channels / groups")
        if params["padding"] == "same":
            raise ParameterError(
                f"{name}: padding 'same' does not say which size the result has; give the number that the convolution"
                " used"
            )
        settings = _settings(name, axes, x, w, params)
        if len(x.shape) > axes and (x.shape[1] % settings["groups"] or w.shape[0] != x.shape[1]):
            raise ShapeError(
                f"{name}: x {_text(x.shape)} has {int(x.shape[1])} channels, but w {_text(w.shape)} takes"
                f" {int(w.shape[0])} in {settings['groups']} group(s)"
            )
        return {**settings, **_image_size(name, x.shape[-axes:], w.shape[-axes:], settings, params)}

    return normalize


def _image_size(
    name: str, counts: tuple[int, ...], size: tuple[int, ...], settings: Mapping[str, Any], params: Mapping[str, Any]
) -> dict[str, Any]:
    """The params that say how large the image is, checked: `output_padding`, or the size itself."""
    more = per_axis(params["output_padding"], len(size), f"{name}: output_padding", 0)
    if params["shape"] is None:
        if any(extra >= step for extra, step in zip(more, settings["stride"])):
            raise ParameterError(
                f"{name}: output_padding {more} must be smaller than the stride {settings['stride']}: it tells apart"
                " the sizes that a stride rounds to one"
            )
        if any(length < 1 for length in _spread_shape(counts, size, {**settings, "output_padding": more})):
            raise ShapeError(f"{name}: the padding {settings['padding']} cuts away all of the result")
        return {"output_padding": more, "shape": None}
    if any(more):
        raise ParameterError(f"{name}: shape and output_padding both say how large the result is; give one of them")
    shape = per_axis(params["shape"], len(size), f"{name}: shape", 0)
    _counted(name, shape, size, settings, counts)
    return {"output_padding": more, "shape": shape}


def _counted(
    name: str, lengths: tuple[int, ...], size: tuple[int, ...], settings: Mapping[str, Any], given: tuple[int, ...]
) -> None:
    """Refuse a result of a convolution that does not have one number per window."""
    each_axis = zip(lengths, size, settings["stride"], settings["dilation"], settings["padding"])
    counts = tuple(window_count(*each, name) for each in each_axis)
    if counts != given:
        raise ShapeError(f"{name}: {_text(counts)} windows fit into {_text(lengths)}, but {_text(given)} were given")


def _spread_shape(counts: tuple[int, ...], size: tuple[int, ...], settings: Mapping[str, Any]) -> tuple[int, ...]:
    """The size of the image from which a convolution with these settings would make `counts` windows."""
    return tuple(
        (count - 1) * step + spread * (window - 1) + 1 + extra - before - after
        for count, window, step, spread, extra, (before, after) in zip(
            counts, size, settings["stride"], settings["dilation"], settings["output_padding"], settings["padding"]
        )
    )


def _spread(axes: int) -> Callable[..., Node]:
    def formula(
        x: Node, w: Node, stride: Any, padding: Any, output_padding: Any, dilation: Any, groups: int, shape: Any
    ) -> Node:
        plain = len(x.shape) == axes
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
        if shape is None:
            shape = _spread_shape(counts, size, {**settings, "output_padding": output_padding})
        y = overlap_add(reshape(windows, shape=(batch, out, *size, *counts)), shape=shape, **settings)
        return reshape(y, shape=y.shape[2:]) if plain else y

    return formula


def _gathered_back(axes: int) -> Callable[..., tuple[Node, Node]]:
    """The gradients of a transposed convolution: the convolution itself, and what it would send to these weights."""

    def gradient(
        g: Node, y: Node, x: Node, w: Node, output_padding: Any, shape: Any, **settings: Any
    ) -> tuple[Node, Node]:
        return _FORWARD[axes](g, w, **settings), conv_weights(g, x, size=w.shape[-axes:], **settings)

    return gradient


_BACKWARDS = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1, "shape": None}
_OPEN = (
    "a stride rounds several sizes to one: output_padding says how many numbers to add at the end, or shape gives the"
    " size of the result outright"
)
_UNEVEN = "where the stride does not divide the kernel size, places are covered unevenly, which shows as a checkerboard"

conv_transpose1d = composite(
    "conv_transpose1d", _spread(1), inputs=("x", "w"), params=_BACKWARDS, kind=LINEAR, kernel="conv_image",
    normalize=_spreading("conv_transpose1d", 1), gradient=_gathered_back(1),
    notation=infix("⋆ᵀ", PRODUCT, r"\star^{\top} ", right=PRODUCT), letter="z",
    words="put the weights {w}, times each number of {x}, side by side ({stride} apart) and add up where they overlap",
    why="it is a convolution run backwards, so its gradient with respect to its input is the convolution with the same"
    " weights",
    pitfalls=("the weights have shape (in, out / groups, length): the other way round than in conv1d", _OPEN),
    source="the adjoint of conv1d: Σ conv1d(a, w)·b = Σ a·conv_transpose1d(b, w) for all a and b",
    example=[example((2, 3, 4), (3, 2, 3)),
             example((1, 2, 3), (2, 1, 2), params={"stride": 2, "padding": 1, "dilation": 2, "groups": 2,
                                                   "output_padding": 1}),
             example((3,), (2,), params={"stride": 3, "shape": 9})],
)  # fmt: skip

conv_transpose2d = composite(
    "conv_transpose2d", _spread(2), inputs=("x", "w"), params=_BACKWARDS, kind=LINEAR, kernel="conv_image",
    normalize=_spreading("conv_transpose2d", 2), gradient=_gathered_back(2),
    notation=infix("⋆ᵀ", PRODUCT, r"\star^{\top} ", right=PRODUCT), letter="z",
    words="put the weights {w}, times each number of {x}, side by side ({stride} apart) and add up where they overlap",
    why="it is a convolution run backwards, so its gradient with respect to its input is the convolution with the same"
    " weights",
    pitfalls=("the weights have shape (in, out / groups, height, width): the other way round than in conv2d", _UNEVEN,
              _OPEN),
    source="the adjoint of conv2d: Σ conv2d(a, w)·b = Σ a·conv_transpose2d(b, w) for all a and b; Dumoulin and Visin,"
    " arXiv:1603.07285",
    example=[example((1, 2, 3, 3), (2, 3, 2, 2)),
             example((1, 2, 2, 3), (2, 1, 3, 2), params={"stride": 2, "padding": 1, "output_padding": (1, 0)}),
             example((1, 4, 2, 2), (4, 1, 2, 2), params={"groups": 2, "dilation": 2}), example((3, 3), (2, 2)),
             example((1, 1, 2, 2), (1, 2, 2, 2), params={"stride": (3, 2), "shape": (6, 5)})],
)  # fmt: skip


# Back to the weights ------------------------------------------------------------------------------------------------
def _weighing(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    name, (x, g) = "conv_weights", inputs
    given = params["size"]
    size = per_axis(given, len(given) if isinstance(given, (tuple, list)) else 1, f"{name}: size")
    axes = len(size)
    if len(x.shape) != len(g.shape) or len(x.shape) not in (axes, axes + 2):
        raise ShapeError(
            f"{name}: x {_text(x.shape)} and g {_text(g.shape)} for weights of size {_text(size)}: both must have those"
            f" {axes} axes, behind batch and channels or alone"
        )
    stride = per_axis(params["stride"], axes, f"{name}: stride")
    dilation = per_axis(params["dilation"], axes, f"{name}: dilation")
    groups = whole(params["groups"], f"{name}: groups")
    padding = pairs_of(params["padding"], x.shape[-axes:], size, stride, dilation, name)
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    plain = len(x.shape) == axes
    if groups < 1 or (groups != 1 if plain else x.shape[1] % groups or g.shape[1] % groups):
        raise ParameterError(f"{name}: the channels of x {_text(x.shape)} and g {_text(g.shape)} do not split into"
                             f" {groups} groups")  # fmt: skip
    if not plain and x.shape[0] != g.shape[0]:
        raise ShapeError(f"{name}: a batch of {int(x.shape[0])} images and one of {int(g.shape[0])} results")
    _counted(name, x.shape[-axes:], size, settings, g.shape[-axes:])
    return {"size": size, **settings}


def _windows_weighed(x: Node, g: Node, size: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Node:
    plain = len(x.shape) == len(size)
    if plain:
        x, g = reshape(x, shape=(1, 1, *x.shape)), reshape(g, shape=(1, 1, *g.shape))
    windows = patches(x, size=size, stride=stride, dilation=dilation, padding=padding)
    batch, inner, out = x.shape[0], x.shape[1] // groups, g.shape[1]
    reach, places = inner * product(size), product(g.shape[2:])
    if groups == 1:
        w = contract([reshape(g, shape=(batch, out, places)), reshape(windows, shape=(batch, reach, places))],
                     text="nop,nip->oi")  # fmt: skip
    else:
        w = contract([reshape(g, shape=(batch, groups, out // groups, places)),
                      reshape(windows, shape=(batch, groups, reach, places))], text="ngop,ngip->goi")  # fmt: skip
    return reshape(w, shape=size if plain else (out, inner, *size))


def _weights_gradient(g: Node, y: Node, x: Node, b: Node, size: Any, **settings: Any) -> tuple[Node, Node]:
    """What arrives has the shape of weights and takes their place; `b` is what the convolution was sent."""
    axes = len(size)
    return _TO_IMAGE[axes](b, g, shape=x.shape[-axes:], **settings), _FORWARD[axes](x, g, **settings)


conv_weights = composite(
    "conv_weights", _windows_weighed, inputs=("x", "g"), kind=LINEAR, kernel="conv_weights", normalize=_weighing,
    params={"size": REQUIRED, "stride": 1, "padding": 0, "dilation": 1, "groups": 1}, gradient=_weights_gradient,
    notation=infix("⋆", PRODUCT, r"\star ", right=PRODUCT), letter="w",
    words="add up the windows of {x}, {stride} apart, each times its number of {g}: what weights of {size} are sent",
    why="it is linear in both: the image receives the arriving weights laid out by g, and g receives the convolution of"
    " the image with them",
    pitfalls=("the result has the shape of weights, (out, in / groups, …), where x has the channels in and g those"
              " out",),
    source="Σ conv2d(a, w)·b = Σ w·conv_weights(a, b) for all w, with the size of w; likewise for conv1d",
    example=[example((2, 3, 6), (2, 4, 4), params={"size": (3,)}),
             example((1, 2, 5, 4), (1, 2, 3, 5), params={"size": (3, 2), "stride": (2, 1), "padding": 1}),
             example((2, 4, 3, 3), (2, 2, 2, 1), params={"size": (2, 2), "groups": 2, "dilation": (1, 2)}),
             example((4, 4), (2, 2), params={"size": (3, 3)})],
)  # fmt: skip

_FORWARD: dict[int, Op] = {1: conv1d, 2: conv2d}
_TO_IMAGE: dict[int, Op] = {1: conv_transpose1d, 2: conv_transpose2d}
"""By the number of window axes: the convolution, and its way back to the image."""
