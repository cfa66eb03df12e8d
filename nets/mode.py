"""What a network is built for: to learn or to answer. Layers ask it, and leave with it what they want updated.

Dropout and batch normalization mean two graphs over the same parameters, one for each purpose. Which of them is built is
said where it is built, not by a switch inside the network, so that both can stand side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import numpy as np

from ..autograd.leaves import state
from ..autograd.node import Leaf, Node


@dataclass(eq=False)
class Training:
    """A graph that is built to learn from: what its layers want updated beside the parameters, and which draws they take.

    `seed` is the seed of every random draw inside. `updates` holds leaf → new value, such as running statistics. `counter` is
    the state behind `step`, once anything has asked for it.
    """

    seed: int = 0
    updates: dict[Leaf, Node] = field(default_factory=dict)
    counter: Leaf | None = None
    draws: dict[str, int] = field(default_factory=dict)

    @property
    def step(self) -> Leaf:
        """The number of the training step, counted up by every update, so that every step draws anew."""
        if self.counter is None:
            self.counter = state("step", np.int64(0))
            self.updates[self.counter] = self.counter + 1
        return self.counter

    def next_draw(self, path: str) -> int:
        """Which draw this is under a scope: a layer that is called twice in a step draws twice."""
        self.draws[path] = self.draws.get(path, -1) + 1
        return self.draws[path]


_current: ContextVar[Training | None] = ContextVar("nngraph_training", default=None)


def current_training() -> Training | None:
    """The training that the graph at hand is built for; None when it is built to answer."""
    return _current.get()


def draws(seed: int = 0) -> tuple[int, Node | int]:
    """Seed and step of random draws: those of the training that the graph is built for, otherwise this seed and step 0."""
    learning = current_training()
    return (seed, 0) if learning is None else (learning.seed, learning.step)


@contextmanager
def training(seed: int = 0) -> Iterator[Training]:
    """Inside, networks are built to learn: dropout drops, batch normalization takes the batch's own statistics.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> x, drop = ng.input("x", [1.0, 2.0, 3.0, 4.0]), nets.Dropout(0.5)
    >>> drop(x) is x
    True
    >>> with nets.training(seed=1) as learning:
    ...     dropped = drop(x)
    >>> dropped is x, [leaf.name for leaf in learning.updates]
    (False, ['step'])
    """
    learning = Training(seed)
    token = _current.set(learning)
    try:
        yield learning
    finally:
        _current.reset(token)
