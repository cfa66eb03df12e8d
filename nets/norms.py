"""Normalizations: numbers brought to mean 0 and spread 1 over the batch, the layer, a channel or a group of channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.node import Node
from ..autograd.ops import batch_norm, batch_statistics, group_norm, instance_norm, layer_norm
from .mode import current_training
from .module import Module, new_parameter, new_state


class _Normalization(Module):
    """What all have: a scale that starts at 1 and a shift that starts at 0, one of each per number of `shape`."""

    def __init__(self, shape: int | tuple[int, ...], *, epsilon: float = 1e-5, dtype: Any = "float32") -> None:
        sizes = (shape,) if isinstance(shape, int) else tuple(shape)
        self.epsilon = epsilon
        self.scale = new_parameter("scale", sizes, lambda rng, shape: np.ones(shape), dtype=dtype)
        self.shift = new_parameter("shift", sizes, dtype=dtype)


class BatchNorm(_Normalization):
    """Every channel of x (N, C, …) at mean 0 and spread 1 over the batch, then scaled and shifted. Ioffe and Szegedy 2015,
    arXiv:1502.03167.

    While learning, the batch's own statistics are used, and the running ones follow: new = keep·old + (1 − keep)·batch. Keras
    calls `keep` momentum; PyTorch's momentum is 1 − keep, so its 0.1 is keep = 0.9 here. The running variance is that of the
    whole population, N/(N − 1) times the batch's, as in PyTorch. Otherwise the running statistics are used.
    """

    def __init__(
        self, channels: int, *, keep: float = 0.9, epsilon: float = 1e-5, dtype: Any = "float32"
    ) -> None:
        super().__init__(channels, epsilon=epsilon, dtype=dtype)
        self.keep = keep
        self.mean = new_state("mean", np.zeros(channels), dtype)
        self.var = new_state("var", np.ones(channels), dtype)

    def forward(self, x: Node) -> Node:
        learning = current_training()
        if learning is None:
            return batch_norm(x, self.scale, self.shift, self.mean, self.var, epsilon=self.epsilon)
        mean, var = batch_statistics(x)
        count = x.size // int(x.shape[1])
        # A network that is called twice in a step follows what both batches say, one after the other.
        for leaf, now in ((self.mean, mean), (self.var, var * (count / max(count - 1, 1)))):
            learning.updates[leaf] = self.keep * learning.updates.get(leaf, leaf) + (1 - self.keep) * now
        return batch_norm(x, self.scale, self.shift, epsilon=self.epsilon)


class LayerNorm(_Normalization):
    """Every example at mean 0 and spread 1 over its last axes, of shape `shape`. Ba, Kiros and Hinton 2016, arXiv:1607.06450."""

    def forward(self, x: Node) -> Node:
        axes = tuple(range(-len(self.scale.shape), 0))
        return layer_norm(x, self.scale, self.shift, axis=axes, epsilon=self.epsilon)


class InstanceNorm(_Normalization):
    """Every channel of every example (N, C, …) at mean 0 and spread 1. Ulyanov et al. 2016, arXiv:1607.08022."""

    def forward(self, x: Node) -> Node:
        return instance_norm(x, self.scale, self.shift, epsilon=self.epsilon)


class GroupNorm(_Normalization):
    """Every group of channels of every example (N, C, …) at mean 0 and spread 1. Wu and He 2018, arXiv:1803.08494."""

    def __init__(self, groups: int, channels: int, *, epsilon: float = 1e-5, dtype: Any = "float32") -> None:
        super().__init__(channels, epsilon=epsilon, dtype=dtype)
        self.groups = groups

    def forward(self, x: Node) -> Node:
        return group_norm(x, self.groups, self.scale, self.shift, epsilon=self.epsilon)
