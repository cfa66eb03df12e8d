"""Dropout: a random share of the numbers is left out while a network learns."""

from __future__ import annotations

from ..autograd.node import Node, current_scope
from ..autograd.ops import dropout
from .mode import current_training
from .module import Module
from .rows import number


class Dropout(Module):
    """While learning, a share `rate` of the numbers becomes 0 and the rest is divided by 1 − rate; x itself otherwise.
    Srivastava et al. 2014; Hinton et al. 2012, arXiv:1207.0580.

    With m drawn as 0 or 1 for each number, y = x·m/(1 − rate), whose mean over all draws is x, so that answers need no
    correction. Every training step draws anew, and so does every call within a step.

    >>> import numpy as np
    >>> from nngraph import nets
    >>> drop, x = nets.Dropout(0.5), np.ones(8)
    >>> drop(x).value.tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    >>> with nets.training(seed=0):
    ...     sorted(set(drop(x).value.tolist()))
    [0.0, 2.0]
    """

    def __init__(self, rate: float = 0.5) -> None:
        self.rate = number(rate, "rate", least=0, below=1, of="Dropout")

    def forward(self, x: Node) -> Node:
        learning = current_training()
        if learning is None:
            return x
        draw = learning.next_draw(current_scope.get())
        return dropout(x, self.rate, seed=learning.seed, step=learning.step, draw=draw)
