"""Dropout: a random share of the numbers is left out while a network learns."""

from __future__ import annotations

from ..autograd.node import Node
from ..autograd.ops import dropout
from .mode import current_training
from .module import Module


class Dropout(Module):
    """While learning, a share `rate` of the numbers becomes 0 and the rest is divided by 1 − rate; x itself otherwise.
    Srivastava et al. 2014. Every training step draws anew."""

    def __init__(self, rate: float = 0.5) -> None:
        self.rate = rate

    def forward(self, x: Node) -> Node:
        learning = current_training()
        if learning is None:
            return x
        return dropout(x, self.rate, seed=learning.seed, step=learning.step, draw=0)
