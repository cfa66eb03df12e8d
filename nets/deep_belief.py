"""Deep belief nets: machines stacked on each other, each learning the features of the one below; then tuned as one net."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..autograd.errors import ParameterError
from ..autograd.executable import compile
from ..autograd.leaves import as_node
from ..autograd.leaves import input as input_leaf
from ..autograd.node import Node
from ..autograd.ops import sigmoid
from .boltzmann import RBM
from .feed_forward import MLP
from .initialize import generator, xavier
from .module import Module
from .optimizers import Momentum, Optimizer
from .rows import rows
from .trainer import Record, Trainer


class DeepBeliefNet(Module):
    """A deep belief net, restricted Boltzmann machines one on another: (N, sizes[0]) → (N, sizes[-1]) hidden probabilities. Hinton, Osindero and Teh 2006.

    `pretrain` has each machine learn what the one below makes of the data, without any labels; `classifier` is then a net that starts
    with their weights, to be tuned with labels. It is also a model of the data: p(v, h¹, h²) = p(v | h¹)·p(h¹, h²), where only the top
    machine is asked both ways; `sample` draws from it.

    >>> from nngraph import nets
    >>> deep = nets.DeepBeliefNet([64, 30, 20], rng=0)
    >>> [tuple(map(int, machine.W.shape)) for machine in deep.machines]
    [(64, 30), (30, 20)]
    >>> deep.classifier(10).count
    2780
    """

    def __init__(self, sizes: Sequence[int], *, rng: np.random.Generator | int | None = None, dtype: Any = "float32") -> None:
        if len(sizes) < 2:
            raise ParameterError(f"DeepBeliefNet({list(sizes)}): at least the number of inputs and that of hidden units are needed")
        rng = generator(rng)
        self.machines = [RBM(a, b, rng=rng, dtype=dtype) for a, b in pairwise(sizes)]

    def forward(self, v: Node) -> Node:
        for machine in self.machines:
            v = machine(v)
        return v

    def pretrain(
        self, data: Any, epochs: int = 10, *, optimizer: Optimizer | None = None, batch: int = 20, seed: int = 0,
        engine: str | None = None,
    ) -> Iterator[tuple[str, Record]]:  # fmt: skip
        """Greedily, from the bottom up: each machine for so many epochs. Gives its label and a record per epoch."""
        data = rows(data, "data")
        for at, machine in enumerate(self.machines):
            for record in Trainer(
                machine, None, data, optimizer=optimizer or Momentum(0.05, momentum=0.5), batch=batch, seed=seed + at, engine=engine
            ).run(epochs):
                yield machine.label, record
            v = input_leaf("v", shape=data.shape, dtype=data.dtype)
            data = np.array(compile(machine(v), v, engine=engine)(data))

    def sample(self, start: Any, steps: int, seed: int = 0) -> Node:
        """Pictures that it comes up with: the top machine walks from what it sees in `start`, so many Gibbs steps, and the others carry
        that down, as probabilities. (N, sizes[0]) → (N, sizes[0])."""
        *below, top = self.machines
        h = as_node(start)
        for machine in below:
            h = machine(h)
        h = top.sample(h, steps, seed)
        for machine in reversed(below):
            h = machine.visible_mean(h)
        return h

    def classifier(
        self, classes: int, activation: Callable[[Node], Node] = sigmoid, *, rng: np.random.Generator | int | None = None
    ) -> MLP:
        """A net with the machines' weights and one more layer for the classes."""
        sizes = [int(self.machines[0].W.shape[0]), *(int(machine.W.shape[1]) for machine in self.machines), classes]
        net = MLP(sizes, activation, start=xavier, rng=rng, dtype=self.machines[0].W.dtype)
        for layer, machine in zip(net.layers, self.machines, strict=False):
            layer.W.value, layer.b.value = machine.W.value, machine.c.value
        return net
