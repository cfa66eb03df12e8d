"""Modules made of modules: one after the other, and beside what they are added to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..autograd.errors import ShapeError
from ..autograd.node import Node
from .module import Module

Layer = Module | Callable[[Any], Any]
"""A module, or any function of a node, such as ng.relu."""


class Sequential(Module):
    """One layer after the other: modules and functions of nodes. `net[0]` is the first layer; they are called layer1, layer2, …

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> net = nets.Sequential(nets.Linear(4, 3), ng.relu, nets.Linear(3, 2))
    >>> list(net.parameters())
    ['layer1/W', 'layer1/b', 'layer3/W', 'layer3/b']
    """

    def __init__(self, *layers: Layer) -> None:
        self.layers = list(layers)

    def __getitem__(self, at: int) -> Layer:
        return self.layers[at]

    def __len__(self) -> int:
        return len(self.layers)

    def forward(self, x: Node) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x


class Residual(Module):
    """x + f(x), so that the gradient has a way past f. He et al. 2015, arXiv:1512.03385.

    `beside` brings x to the shape of f(x) where that differs, such as a convolution with a window of 1.
    """

    def __init__(self, inner: Layer, beside: Layer | None = None) -> None:
        self.inner, self.beside = inner, beside

    def forward(self, x: Node) -> Node:
        past, through = (x if self.beside is None else self.beside(x)), self.inner(x)
        if past.shape != through.shape:
            raise ShapeError(
                f"Residual {self.label!r} adds x of shape {tuple(map(int, past.shape))} to f(x) of shape"
                f" {tuple(map(int, through.shape))}; give it a `beside` that brings x to that shape"
            )
        return past + through
