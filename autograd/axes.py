"""Axes as numpy counts them: negative from the end, one or several; checked once, when a node is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .errors import ParameterError
from .language import N_
from .node import Node


def axis_of(axis: Any, ndim: int) -> int:
    """One axis counted from the front; ParameterError when there is no such axis."""
    if isinstance(axis, (bool, np.bool_)) or not isinstance(axis, (int, np.integer)):
        raise ParameterError(f"axis {axis!r} is not a whole number")
    if not -ndim <= axis < ndim:
        if not ndim:
            raise ParameterError(N_("there is no axis {axis}: a single number has none"), axis=axis)
        raise ParameterError(
            N_("there is no axis {axis}: axes run from 0 to {last}, or −{count} to −1"),
            axis=axis,
            last=ndim - 1,
            count=ndim,
        )
    return int(axis) % ndim


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Sorted axes from None (all), a number, or several numbers."""
    if axis is None:
        return tuple(range(ndim))
    axes = sorted(axis_of(each, ndim) for each in (axis if isinstance(axis, (tuple, list)) else (axis,)))
    if len(set(axes)) != len(axes):
        raise ParameterError(f"axis {axis} names an axis twice")
    return tuple(axes)


def several_axes(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Params with `axis` as sorted axes from the front; for reductions."""
    return {**params, "axis": axes_of(params["axis"], len(inputs[0].shape))}


def one_axis(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Params with `axis` counted from the front; for ops along one axis. None stays."""
    return params if params["axis"] is None else {**params, "axis": axis_of(params["axis"], len(inputs[0].shape))}


def unchanged(params: Mapping[str, Any], length: int) -> Mapping[str, Any]:
    """The params of an op that looks at single numbers or at the last axes, whatever stands in front of them."""
    return params


def axes_behind(params: Mapping[str, Any], length: int) -> Mapping[str, Any]:
    """Params with `axis`, one or several, behind one more axis in front."""
    axis = params["axis"]
    return {**params, "axis": tuple(each + 1 for each in axis) if isinstance(axis, tuple) else axis + 1}


def reduced(shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    """The shape after a reduction over `axes`."""
    if keepdims:
        return tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)
