"""Pooling layers: one number for every window, or for every channel. They learn nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ..autograd.errors import ShapeError
from ..autograd.node import Node
from ..autograd.ops import (
    average_pool1d,
    average_pool2d,
    flatten,
    global_average_pool,
    global_max_pool,
    max_pool1d,
    max_pool2d,
    norm,
    patches,
)
from ..autograd.ops.windows import per_axis
from .convolution import SPACE, Sizes
from .module import Module


class Pooling(Module):
    """What all have: windows of `size`, `stride` apart; as far apart as they are large unless said otherwise."""

    axes: ClassVar[int]
    pooled: ClassVar[Callable[..., Node]]

    def __init__(self, size: Sizes, *, stride: Sizes | None = None, padding: Any = 0) -> None:
        kind = type(self).__name__
        self.size = per_axis(size, self.axes, f"{kind}: size")
        stride = self.size if stride is None else per_axis(stride, self.axes, f"{kind}: stride")
        self.settings = {"stride": stride, "padding": padding}

    def forward(self, x: Node) -> Node:
        if len(x.shape) != self.axes + 2:
            raise ShapeError(
                f"{type(self).__name__} {self.label!r} takes (batch, channels, {SPACE[self.axes]}); it was given shape"
                f" {tuple(map(int, x.shape))}"
            )
        return type(self).pooled(x, size=self.size, **self.settings)


class MaxPool1d(Pooling):
    """Maximum pooling, the largest number of every window: (N, C, L) → (N, C, L'). Its place in the window is
    forgotten: y[n,c,i] = max x[n,c,i·stride + a] over a. Riesenhuber and Poggio 1999.

    >>> from nngraph import nets
    >>> nets.MaxPool1d(2)([[[3.0, 1.0, 4.0, 1.0]]]).value
    array([[[3., 4.]]])
    """

    axes, pooled = 1, max_pool1d


class MaxPool2d(Pooling):
    """Maximum pooling, the largest number of every window: (N, C, H, W) → (N, C, H', W'). Riesenhuber and Poggio 1999.

    y[n,c,i,j] = max x[n,c,i·stride + u,j·stride + v] over u and v; the gradient goes to the largest alone, and
    in equal parts to several that are alike.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> nets.MaxPool2d(2)(ng.input("x", shape=(1, 8, 28, 28))).shape
    (1, 8, 14, 14)
    """

    axes, pooled = 2, max_pool2d


class AveragePool1d(Pooling):
    """Average pooling, the mean of every window: (N, C, L) → (N, C, L'). Padding does not count: a window at the edge is
    the mean of what it really holds. LeCun et al. 1990, NIPS 2.

    >>> from nngraph import nets
    >>> nets.AveragePool1d(2)([[[3.0, 1.0, 4.0, 2.0]]]).value
    array([[[2., 3.]]])
    """

    axes, pooled = 1, average_pool1d


class AveragePool2d(Pooling):
    """Average pooling, the mean of every window: (N, C, H, W) → (N, C, H', W'). Padding does not count. LeCun et al.
    1990, NIPS 2.

    >>> from nngraph import nets
    >>> nets.AveragePool2d(2)([[[[3.0, 1.0], [4.0, 2.0]]]]).value
    array([[[[2.5]]]])
    """

    axes, pooled = 2, average_pool2d


def _lengths(x: Node, size: tuple[int, ...], stride: Sizes, padding: Any) -> Node:
    return norm(patches(x, size=size, stride=stride, padding=padding), axis=tuple(range(2, 2 + len(size))))


class L2Pool1d(Pooling):
    """L2 pooling, √Σx² over every window, its length as a vector: (N, C, L) → (N, C, L'). Hyvärinen and Hoyer 2001.

    >>> from nngraph import nets
    >>> nets.L2Pool1d(2)([[[3.0, 4.0, 0.0, 2.0]]]).value
    array([[[5., 2.]]])
    """

    axes, pooled = 1, _lengths


class L2Pool2d(Pooling):
    """L2 pooling, √Σx² over every window, its length as a vector: (N, C, H, W) → (N, C, H', W'). Hyvärinen and Hoyer
    2001.

    >>> from nngraph import nets
    >>> nets.L2Pool2d(2)([[[[3.0, 0.0, 1.0, 1.0], [0.0, 4.0, 1.0, 1.0]]]]).value
    array([[[[5., 2.]]]])
    """

    axes, pooled = 2, _lengths


class GlobalAveragePool(Module):
    """Global average pooling, the mean of every channel: (N, C, …) → (N, C), whatever the size of the image. Lin, Chen
    and Yan 2013, arXiv:1312.4400.

    >>> from nngraph import nets
    >>> nets.GlobalAveragePool()([[[1.0, 3.0], [5.0, 9.0]]]).value
    array([[2., 7.]])
    """

    def forward(self, x: Node) -> Node:
        if 0 in x.shape[2:]:
            raise ShapeError(f"GlobalAveragePool {self.label!r} has no numbers to take a mean of in shape {tuple(map(int, x.shape))}")
        return global_average_pool(x)


class GlobalMaxPool(Module):
    """Global maximum pooling, the largest number of every channel: (N, C, …) → (N, C): whether something is anywhere,
    not where. Oquab, Bottou, Laptev and Sivic 2015.

    >>> from nngraph import nets
    >>> nets.GlobalMaxPool()([[[1.0, 3.0], [9.0, 5.0]]]).value
    array([[3., 9.]])
    """

    def forward(self, x: Node) -> Node:
        return global_max_pool(x)


class Flatten(Module):
    """All numbers of an example in one row: (N, …) → (N, their number).

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> nets.Flatten()(ng.input("x", shape=(5, 16, 4, 4))).shape
    (5, 256)
    """

    def forward(self, x: Node) -> Node:
        return flatten(x, 1)
