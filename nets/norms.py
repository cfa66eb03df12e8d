"""Normalizations: numbers brought to mean 0 and spread 1 over the batch, the layer, a channel or a group of channels.

All compute y = scale·(x − mean)/√(var + ε) + shift. They differ in the axes over which mean and var are taken, of x (N, C, …)
with N examples, C channels and places behind: BatchNorm takes them over N and the places, InstanceNorm over the places,
GroupNorm over some channels and the places, LayerNorm over the last axes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.errors import ParameterError, ShapeError
from ..autograd.node import Node
from ..autograd.ops import batch_norm, batch_statistics, group_norm, instance_norm, layer_norm
from .mode import current_training
from .module import Module, new_parameter, new_state
from .rows import number, whole, wholes


class _Normalization(Module):
    """What all have: a scale that starts at 1 and a shift that starts at 0, one of each per number of `shape`."""

    def __init__(self, shape: int | tuple[int, ...], *, epsilon: float = 1e-5, dtype: Any = "float32") -> None:
        kind = type(self).__name__
        sizes = tuple(wholes(shape, "shape", of=kind)) if isinstance(shape, (tuple, list)) else (whole(shape, "shape", of=kind),)
        self.epsilon = number(epsilon, "epsilon", least=0, of=kind)
        self.scale = new_parameter("scale", sizes, lambda rng, shape: np.ones(shape), dtype=dtype)
        self.shift = new_parameter("shift", sizes, dtype=dtype)

    def _expect(self, x: Node, fits: bool, takes: str) -> None:
        if not fits:
            raise ShapeError(f"{type(self).__name__} {self.label!r} takes {takes}; it was given shape {tuple(map(int, x.shape))}")


class BatchNorm(_Normalization):
    """Every channel of x (N, C, …) at mean 0 and spread 1 over the batch, then scaled and shifted. Ioffe and Szegedy 2015,
    arXiv:1502.03167.

    y = scale·(x − mean)/√(var + ε) + shift, mean and var over the examples and all places, with a scale and a shift for each
    channel.

    While learning, the batch's own statistics are used, and the running ones follow: new = keep·old + (1 − keep)·batch. Keras
    calls `keep` momentum; PyTorch's momentum is 1 − keep, so its 0.1 is keep = 0.9 here. The running variance is an estimate of the
    whole population's, n/(n − 1) times the batch's, as in PyTorch, n the numbers of a channel: examples times places. Otherwise the running statistics are used, so that an answer
    does not depend on what else is asked.

    >>> from nngraph import nets
    >>> norm = nets.BatchNorm(1, epsilon=0.0, keep=0.9)
    >>> with nets.training() as learning:
    ...     norm([[1.0], [3.0]]).value.ravel().tolist()
    [-1.0, 1.0]
    >>> mean, var = (learning.updates[leaf].value for leaf in (norm.mean, norm.var))
    >>> round(float(mean[0]), 4), round(float(var[0]), 4)
    (0.2, 1.1)
    """

    def __init__(
        self, channels: int, *, keep: float = 0.9, epsilon: float = 1e-5, dtype: Any = "float32"
    ) -> None:
        super().__init__(whole(channels, "channels", of="BatchNorm"), epsilon=epsilon, dtype=dtype)
        self.keep = number(keep, "keep", least=0, most=1, of="BatchNorm")
        self.mean = new_state("mean", np.zeros(channels), dtype)
        self.var = new_state("var", np.ones(channels), dtype)

    def forward(self, x: Node) -> Node:
        channels = int(self.scale.shape[0])
        self._expect(x, len(x.shape) >= 2 and x.shape[1] == channels, f"(batch, {channels}, …)")
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
    """Every example at mean 0 and spread 1 over its last axes, of shape `shape`. Ba, Kiros and Hinton 2016, arXiv:1607.06450.

    y = scale·(x − mean)/√(var + ε) + shift, with a scale and a shift for each number of that shape; the same while learning
    and afterwards.

    >>> from nngraph import nets
    >>> nets.LayerNorm(3, epsilon=0.0)([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]).value.round(2).tolist()
    [[-1.22, 0.0, 1.22], [-1.22, 0.0, 1.22]]
    """

    def forward(self, x: Node) -> Node:
        sizes = tuple(map(int, self.scale.shape))
        fits = len(x.shape) >= len(sizes) and tuple(x.shape[-len(sizes) :]) == sizes
        self._expect(x, fits, f"(…, {', '.join(map(str, sizes))})")
        axes = tuple(range(-len(sizes), 0))
        return layer_norm(x, self.scale, self.shift, axis=axes, epsilon=self.epsilon)


class InstanceNorm(_Normalization):
    """Every channel of every example (N, C, …) at mean 0 and spread 1. Ulyanov, Vedaldi and Lempitsky 2016, arXiv:1607.08022.

    y = scale·(x − mean)/√(var + ε) + shift, mean and var over the places of the channel, with a scale and a shift for each
    channel. It takes contrast and brightness out of an image.

    >>> from nngraph import nets
    >>> nets.InstanceNorm(2, epsilon=0.0)([[[1.0, 3.0], [0.0, 80.0]]]).value.tolist()
    [[[-1.0, 1.0], [-1.0, 1.0]]]
    """

    def forward(self, x: Node) -> Node:
        channels = int(self.scale.shape[0])
        self._expect(x, len(x.shape) >= 3 and x.shape[1] == channels, f"(batch, {channels}, places …)")
        return instance_norm(x, self.scale, self.shift, epsilon=self.epsilon)


class GroupNorm(_Normalization):
    """Every group of channels of every example (N, C, …) at mean 0 and spread 1. Wu and He 2018, arXiv:1803.08494.

    y = scale·(x − mean)/√(var + ε) + shift, mean and var over the channels of a group and all places, with a scale and a shift
    for each channel. One group is a LayerNorm over channels and places, as many groups as channels are InstanceNorm.

    >>> from nngraph import nets
    >>> nets.GroupNorm(2, 4, epsilon=0.0)([[1.0, 3.0, 0.0, 80.0]]).value.tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(self, groups: int, channels: int, *, epsilon: float = 1e-5, dtype: Any = "float32") -> None:
        groups, channels = whole(groups, "groups", of="GroupNorm"), whole(channels, "channels", of="GroupNorm")
        if channels % groups:
            raise ParameterError(f"GroupNorm({groups}, {channels}): the channels do not split into {groups} groups")
        super().__init__(channels, epsilon=epsilon, dtype=dtype)
        self.groups = groups

    def forward(self, x: Node) -> Node:
        channels = int(self.scale.shape[0])
        self._expect(x, len(x.shape) >= 2 and x.shape[1] == channels, f"(batch, {channels}, …)")
        return group_norm(x, self.groups, self.scale, self.shift, epsilon=self.epsilon)
