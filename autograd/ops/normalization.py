"""Numbers brought to mean 0 and spread 1, over the batch, the layer, a channel or a group, then scaled and shifted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..axes import axes_of, axis_of
from ..errors import ParameterError, ShapeError
from ..leaves import as_node, constant
from ..node import Node
from ..op import ACTIVATION, REQUIRED, composite, example
from .functions import sqrt
from .linear import sum
from .reduction import mean, var
from .shape import reshape

__all__ = ["batch_norm", "batch_statistics", "group_norm", "instance_norm", "layer_norm", "standardize"]

Axes = tuple[int, ...]


def _epsilon(params: Mapping[str, Any]) -> float:
    epsilon = params["epsilon"]
    if not isinstance(epsilon, (int, float, np.integer, np.floating)) or not epsilon >= 0:
        raise ParameterError(
            f"epsilon={epsilon!r} must be a number from 0 up, such as 1e-5: it keeps the division away from 0"
        )
    return float(epsilon)


def _over_axes(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**params, "axis": axes_of(params["axis"], len(inputs[0].shape)), "epsilon": _epsilon(params)}


def _spread(x: Node, axis: Axes, epsilon: float) -> Node:
    return sqrt(var(x, axis=axis, keepdims=True) + epsilon)


def _standardize_gradient(g: Node, y: Node, x: Node, axis: Axes, epsilon: float) -> tuple[Node]:
    level, tilt = mean(g, axis=axis, keepdims=True), mean(g * y, axis=axis, keepdims=True)
    return ((g - level - y * tilt) / _spread(x, axis, epsilon),)


standardize = composite(
    "standardize", lambda x, axis, epsilon: (x - mean(x, axis=axis, keepdims=True)) / _spread(x, axis, epsilon),
    inputs=("x",), params={"axis": -1, "epsilon": 1e-5}, normalize=_over_axes, kind=ACTIVATION, letter="n",
    kernel="standardize",
    gradient=_standardize_gradient,
    words="bring {x} to mean 0 and spread 1 over axes {axis}",
    why="mean and spread are taken out of the numbers, so they are taken out of the gradient as well: its mean, and its"
    " part along y",
    pitfalls=("the numbers depend on each other: changing one moves the mean and the spread of all",),
    example=[example((4, 3), params={"axis": 0}), example((3, 4)), example((2, 3, 4), params={"axis": (0, 2)})],
)  # fmt: skip


def _placed(weights: Node, x: Node, axis: Axes) -> Node:
    """Weights along `axis` of x, arranged so that they broadcast against x."""
    first = min(axis)
    if axis == tuple(range(first, len(x.shape))):
        return weights  # the last axes line up by themselves
    return reshape(weights, shape=tuple(size if at in axis else 1 for at, size in enumerate(x.shape))[first:])


def _fitting(x: Node, axis: Axes, **weights: Node) -> None:
    wanted = tuple(x.shape[each] for each in axis)
    for name, node in weights.items():
        if node.shape != wanted:
            raise ShapeError(
                f"{name} has shape {tuple(map(int, node.shape))}; along axis {', '.join(map(str, axis))} of x, which"
                " has shape"
                f" {tuple(map(int, x.shape))}, it needs shape {tuple(map(int, wanted))}"
            )


def _affine(normal: Node, x: Node, scale: Node, shift: Node, axis: Axes) -> Node:
    _fitting(x, axis, scale=scale, shift=shift)
    return normal * _placed(scale, x, axis) + _placed(shift, x, axis)


def _channel(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    x = inputs[0]
    axis = axis_of(params["axis"], len(x.shape))
    if axis == 0:
        raise ParameterError("axis 0 holds the examples of the batch; the channels stand on a later axis, usually 1")
    return {**params, "axis": axis, "epsilon": _epsilon(params)}


def _all_but(x: Node, *axes: int) -> Axes:
    return tuple(at for at in range(len(x.shape)) if at not in axes)


_WEIGHTS = (
    "the scale receives the gradient times the standardized numbers, the shift the gradient itself, both summed over"
    " where they were used"
)


def _batch_norm_gradient(
    g: Node, y: Node, x: Node, scale: Node, shift: Node, axis: int, epsilon: float
) -> tuple[Node, Node, Node]:
    """What the formula gives, with four sums over the batch brought down to the two that scale and shift receive: the
    scale is the same for all numbers of a channel, so it is multiplied in afterwards."""
    over = _all_but(x, axis)
    normal = standardize(x, axis=over, epsilon=epsilon)
    level, tilt = mean(g, axis=over, keepdims=True), mean(g * normal, axis=over, keepdims=True)
    to_x = (g - level - normal * tilt) * (_placed(scale, x, (axis,)) / _spread(x, over, epsilon))
    return to_x, sum(g * normal, axis=over), sum(g, axis=over)


_batch_norm = composite(
    "batch_norm",
    lambda x, scale, shift, axis, epsilon: (
        _affine(standardize(x, axis=_all_but(x, axis), epsilon=epsilon), x, scale, shift, (axis,))
    ),
    inputs=("x", "scale", "shift"), params={"axis": 1, "epsilon": 1e-5}, normalize=_channel, kind=ACTIVATION,
    letter="n", kernel="batch_norm", gradient=_batch_norm_gradient,
    words="bring each channel of {x} to mean 0 and spread 1 over the batch, then scale it by {scale} and shift it by"
    " {shift}",
    why=_WEIGHTS + "; the input loses the mean of its gradient and the part along y",
    pitfalls=("every example depends on its whole batch; for single examples use the running mean and variance",
              "a batch of one number per channel has spread 0 and becomes the shift"),
    source="Ioffe and Szegedy 2015, Batch Normalization",
    example=[example((4, 3), (3,), (3,)), example((2, 3, 2, 2), (3,), (3,)),
             example((4, 2, 3), (3,), (3,), params={"axis": -1})],
)  # fmt: skip

_batch_norm_fixed = composite(
    "batch_norm_fixed",
    lambda x, scale, shift, mean, var, axis, epsilon: _fixed(x, scale, shift, mean, var, axis, epsilon),
    inputs=("x", "scale", "shift", "mean", "var"), params={"axis": 1, "epsilon": 1e-5}, normalize=_channel,
    kind=ACTIVATION, letter="n",
    words="bring {x} near mean 0 and spread 1 with the known {mean} and {var}, then scale it by {scale} and shift it by"
    " {shift}",
    why="with mean and spread given, each channel is a straight line: the slope is scale/√(var + ε)",
    source="Ioffe and Szegedy 2015, Batch Normalization, algorithm 2",
    example=example((4, 3, 2), (3,), (3,), (3,), (3,), domain=((-2, 2), (-2, 2), (-2, 2), (-1, 1), (0.5, 2))),
)  # fmt: skip


def _fixed(x: Node, scale: Node, shift: Node, mean: Node, var: Node, axis: int, epsilon: float) -> Node:
    _fitting(x, (axis,), mean=mean, var=var)
    normal = (x - _placed(mean, x, (axis,))) / _placed(sqrt(var + epsilon), x, (axis,))
    return _affine(normal, x, scale, shift, (axis,))


_layer_norm = composite(
    "layer_norm",
    lambda x, scale, shift, axis, epsilon: _affine(standardize(x, axis=axis, epsilon=epsilon), x, scale, shift, axis),
    inputs=("x", "scale", "shift"), params={"axis": -1, "epsilon": 1e-5}, normalize=_over_axes, kind=ACTIVATION,
    letter="n", kernel="layer_norm",
    words="bring each example of {x} to mean 0 and spread 1 over axes {axis}, then scale it by {scale} and shift it by"
    " {shift}",
    why=_WEIGHTS,
    source="Ba et al. 2016, Layer Normalization",
    example=[example((3, 4), (4,), (4,)), example((2, 3, 4), (3, 4), (3, 4), params={"axis": (1, 2)})],
)  # fmt: skip

_instance_norm = composite(
    "instance_norm",
    lambda x, scale, shift, axis, epsilon: (
        _affine(standardize(x, axis=_all_but(x, 0, axis), epsilon=epsilon), x, scale, shift, (axis,))
    ),
    inputs=("x", "scale", "shift"), params={"axis": 1, "epsilon": 1e-5}, normalize=_channel, kind=ACTIVATION,
    letter="n",
    words="bring every channel of every example of {x} to mean 0 and spread 1, then scale it by {scale} and shift it by"
    " {shift}",
    why=_WEIGHTS,
    pitfalls=("it needs places to average over, such as the pixels of an image: x has at least three axes",),
    source="Ulyanov et al. 2016, Instance Normalization",
    example=[example((2, 3, 4), (3,), (3,)), example((2, 3, 2, 2), (3,), (3,))],
)  # fmt: skip


def _grouped(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    params = _channel(inputs, params)
    groups, channels = params["groups"], inputs[0].shape[params["axis"]]
    if isinstance(groups, bool) or not isinstance(groups, (int, np.integer)) or groups < 1 or channels % groups:
        raise ParameterError(f"groups={groups!r} must divide the {int(channels)} channels evenly")
    return {**params, "groups": int(groups)}


def _group_norm_formula(x: Node, scale: Node, shift: Node, groups: int, axis: int, epsilon: float) -> Node:
    parts = reshape(x, shape=(*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis + 1 :]))
    normal = reshape(standardize(parts, axis=_all_but(parts, 0, axis), epsilon=epsilon), shape=x.shape)
    return _affine(normal, x, scale, shift, (axis,))


_group_norm = composite(
    "group_norm", _group_norm_formula, inputs=("x", "scale", "shift"),
    params={"groups": REQUIRED, "axis": 1, "epsilon": 1e-5},
    normalize=_grouped, kind=ACTIVATION, letter="n",
    words="bring each of {groups} groups of channels of every example of {x} to mean 0 and spread 1, then scale by"
    " {scale} and shift by {shift}",
    why=_WEIGHTS,
    source="Wu and He 2018, Group Normalization",
    example=[example((2, 4, 3), (4,), (4,), params={"groups": 2}), example((2, 4), (4,), (4,), params={"groups": 2})],
)  # fmt: skip


def _weights(x: Node, shape: tuple[int, ...], scale: Any, shift: Any) -> tuple[Node, Node]:
    """Scale and shift as nodes: 1 and 0 where they were left out."""
    plain = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    sizes = tuple(map(int, shape))
    return (
        constant(np.ones(sizes, plain)) if scale is None else as_node(scale, plain),
        constant(np.zeros(sizes, plain)) if shift is None else as_node(shift, plain),
    )


def batch_norm(
    x: Any,
    scale: Any = None,
    shift: Any = None,
    mean: Any = None,
    var: Any = None,
    *,
    axis: int = 1,
    epsilon: float = 1e-5,
) -> Node:
    """x (N, C, …) with every channel at mean 0 and spread 1 over the batch, times `scale` (C) plus `shift` (C).

    With `mean` and `var` (C), the running statistics of training, these are used instead of the batch's own; that is
    how a trained net is evaluated. `batch_statistics` gives the batch's. ShapeError when a weight is not one number per
    channel.

    >>> import nngraph as ng
    >>> ng.batch_norm([[1.0], [3.0]], epsilon=0.0).value
    array([[-1.],
           [ 1.]])
    """
    x = as_node(x)
    scale, shift = _weights(x, (x.shape[axis_of(axis, len(x.shape))],), scale, shift)
    if mean is None and var is None:
        return _batch_norm(x, scale, shift, axis=axis, epsilon=epsilon)
    if mean is None or var is None:
        raise ParameterError("batch_norm: mean and var go together; give both, or neither to use the batch's own")
    return _batch_norm_fixed(x, scale, shift, mean, var, axis=axis, epsilon=epsilon)


def batch_statistics(x: Any, axis: int = 1) -> tuple[Node, Node]:
    """Mean and variance (divided by N) of every channel of x (N, C, …) over the batch: what running statistics follow.

    >>> import nngraph as ng
    >>> mean, var = ng.batch_statistics([[1.0], [3.0]])
    >>> float(mean.value[0]), float(var.value[0])
    (2.0, 1.0)
    """
    x = as_node(x)
    over = _all_but(x, axis_of(axis, len(x.shape)))
    return mean(x, axis=over), var(x, axis=over)


def layer_norm(
    x: Any, scale: Any = None, shift: Any = None, *, axis: int | tuple[int, ...] = -1, epsilon: float = 1e-5
) -> Node:
    """x with every example at mean 0 and spread 1 over `axis`, times `scale` plus `shift`, both shaped like those axes.

    >>> import nngraph as ng
    >>> ng.layer_norm([[1.0, 3.0]], epsilon=0.0).value
    array([[-1.,  1.]])
    """
    x = as_node(x)
    axes = axes_of(axis, len(x.shape))
    return _layer_norm(x, *_weights(x, tuple(x.shape[each] for each in axes), scale, shift), axis=axes, epsilon=epsilon)


def instance_norm(x: Any, scale: Any = None, shift: Any = None, *, axis: int = 1, epsilon: float = 1e-5) -> Node:
    """x (N, C, …) with every channel of every example at mean 0 and spread 1, times `scale` (C) plus `shift` (C).

    >>> import nngraph as ng
    >>> ng.instance_norm([[[1.0, 3.0]]], epsilon=0.0).value
    array([[[-1.,  1.]]])
    """
    x = as_node(x)
    if len(x.shape) < 3:
        raise ShapeError(
            f"instance_norm: x of shape {tuple(map(int, x.shape))} has no places to average over; it needs (N, C, …)"
        )
    return _instance_norm(
        x, *_weights(x, (x.shape[axis_of(axis, len(x.shape))],), scale, shift), axis=axis, epsilon=epsilon
    )


def group_norm(
    x: Any, groups: int, scale: Any = None, shift: Any = None, *, axis: int = 1, epsilon: float = 1e-5
) -> Node:
    """x (N, C, …) with every group of channels of every example at mean 0 and spread 1, times `scale` (C) plus `shift`
    (C).

    >>> import nngraph as ng
    >>> ng.group_norm([[1.0, 3.0, 5.0, 9.0]], groups=2, epsilon=0.0).value
    array([[-1.,  1., -1.,  1.]])
    """
    x = as_node(x)
    return _group_norm(
        x,
        *_weights(x, (x.shape[axis_of(axis, len(x.shape))],), scale, shift),
        groups=groups,
        axis=axis,
        epsilon=epsilon,
    )
