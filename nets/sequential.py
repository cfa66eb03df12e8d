"""Modules made of modules: one after the other, and beside what they are added to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

from ..autograd.errors import ParameterError, ShapeError
from ..autograd.node import Node
from .module import Module, watched

Layer = Module | Callable[[Any], Any]
"""A module, or any function of a node, such as ng.relu."""


def check_layer(layer: Any, name: str) -> None:
    """ParameterError for what is no layer, or the class of one."""
    if isinstance(layer, type):
        raise ParameterError(f"{name} is the class {layer.__name__}; a layer is one that was made, such as {layer.__name__}(…)")
    if not callable(layer):
        raise ParameterError(f"{name} is {layer!r}; a layer is a module, or a function of a node such as ng.relu")


class Sequential(Module):
    """One layer after the other, y = fₙ(…f₂(f₁(x))): modules and functions of nodes. They are called layer1, layer2, …;
    `net[0]` is the first one, `net[:2]` a Sequential of the first two, with the same parameters.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> net = nets.Sequential(nets.Linear(4, 3), ng.relu, nets.Linear(3, 2))
    >>> list(net.parameters())
    ['layer1/W', 'layer1/b', 'layer3/W', 'layer3/b']
    """

    def __init__(self, *layers: Layer) -> None:
        for at, layer in enumerate(layers, 1):
            check_layer(layer, f"layer {at} of Sequential")
        self.layers = list(layers)

    @overload
    def __getitem__(self, at: int) -> Layer: ...

    @overload
    def __getitem__(self, at: slice) -> Sequential: ...

    def __getitem__(self, at: int | slice) -> Layer | Sequential:
        return Sequential(*self.layers[at]) if isinstance(at, slice) else self.layers[at]

    def __len__(self) -> int:
        return len(self.layers)

    def forward(self, x: Node) -> Any:
        seen = watched.get()
        for at, layer in enumerate(self.layers, 1):
            x = layer(x)
            if seen is not None and not isinstance(layer, Module):
                seen[self, f"layer{at}"] = x
        return x


class Residual(Module):
    """x + f(x), so that the gradient, g + f′(x)ᵀ·g, has a way past f. He et al. 2015, arXiv:1512.03385.

    `beside` brings x to the shape of f(x) where that differs, such as a convolution with a window of 1.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> nets.Residual(ng.square)([1.0, 2.0, 3.0]).value.tolist()
    [2.0, 6.0, 12.0]
    >>> nets.Residual(nets.Linear(4, 3), nets.Linear(4, 3, bias=False))(ng.input("x", shape=(5, 4))).shape
    (5, 3)
    """

    def __init__(self, inner: Layer, beside: Layer | None = None) -> None:
        check_layer(inner, "inner of Residual")
        if beside is not None:
            check_layer(beside, "beside of Residual")
        self.inner, self.beside = inner, beside

    def forward(self, x: Node) -> Node:
        past, through = (x if self.beside is None else self.beside(x)), self.inner(x)
        if past.shape != through.shape:
            raise ShapeError(
                f"Residual {self.label!r} adds x of shape {tuple(map(int, past.shape))} to f(x) of shape"
                f" {tuple(map(int, through.shape))}; give it a `beside` that brings x to that shape"
            )
        return past + through
