"""A game: networks that take turns to learn, each against the others as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ...autograd.errors import ParameterError, ShapeError
from ...autograd.leaves import is_frozen
from ...autograd.node import Node
from ...autograd.ops import broadcast, cast, concat, floor, reshape, uniform
from ...autograd.ops import normal as bell
from ..mode import draws
from ..module import Module
from .losses import AdversarialLoss


@dataclass(frozen=True)
class Turn:
    """Who learns, from what, and how far its parameters may go from 0. All others are frozen meanwhile."""

    learns: tuple[Module, ...]
    loss: Callable[..., Node]
    bound: float | None = None


class Game(Module):
    """Networks that learn in turns. Subclasses say in `turns` who learns when, and from what; the last to learn is the one that generates."""

    def turns(self) -> dict[str, Turn]:
        """The turns of a round, in order. Each loss takes the batch."""
        raise NotImplementedError(f"{type(self).__name__} has no turns(self) that says who learns when")

    @contextmanager
    def turn(self, name: str) -> Iterator[Turn]:
        """Inside, all but those whose turn it is are frozen: `net.trainable()` is what learns, and pictures and derivations that are
        made here show it."""
        turns = self.turns()
        if name not in turns:
            raise ParameterError(f"{self!r} has no turn {name!r}; it has {', '.join(turns)}")
        turn = turns[name]
        own = {leaf for module in turn.learns for leaf in module.parameters().values()}
        held = [leaf for leaf in self.parameters().values() if leaf not in own and not is_frozen(leaf)]
        before = [leaf.params for leaf in held]
        for leaf in held:
            leaf.params = {**leaf.params, "frozen": True}
        try:
            yield turn
        finally:
            for leaf, params in zip(held, before, strict=True):
                leaf.params = params


class Duel(Game):
    """One generator against one discriminator, by a pair of losses."""

    loss: AdversarialLoss
    generator: Module
    discriminator: Module

    def turns(self) -> dict[str, Turn]:
        return {
            "discriminator": Turn((self.discriminator,), self.discriminator_loss, self.loss.bound),
            "generator": Turn((self.generator,), self.generator_loss),
        }

    def discriminator_loss(self, *batch: Any) -> Node:
        """What the discriminator minimizes for a batch."""
        raise NotImplementedError(f"{type(self).__name__} has no discriminator_loss for a batch")

    def generator_loss(self, *batch: Any) -> Node:
        """What the generator minimizes for a batch."""
        raise NotImplementedError(f"{type(self).__name__} has no generator_loss for a batch")


DRAWS = {"discriminator": 0, "generator": 1, "sample": 2}
"""Each draws numbers of its own under the same name."""


def noise(rows: int, width: int, turn: str, seed: int = 0) -> Node:
    """z (rows, width) from the bell curve: new in every step of a training, elsewhere what the seed says."""
    seed, step = draws(seed)
    return bell((rows, width), seed=seed, step=step, name="z", draw=DRAWS[turn], dtype="float32")


def evenly(rows: int, width: int, name: str, turn: str, seed: int = 0) -> Node:
    """(rows, width) evenly between −1 and 1."""
    seed, step = draws(seed)
    return 2 * uniform((rows, width), seed=seed, step=step, name=name, draw=DRAWS[turn], dtype="float32") - 1


def one_of(rows: int, count: int, name: str, turn: str, seed: int = 0) -> Node:
    """A whole number below `count` for each row, all equally likely: (rows,)."""
    seed, step = draws(seed)
    return cast(floor(count * uniform((rows,), seed=seed, step=step, name=name, draw=DRAWS[turn], dtype="float32")), dtype="int64")


def parts_of(scores: Node, *widths: int) -> tuple[Node, ...]:
    """What a discriminator gives, (N, Σ widths), cut into its parts."""
    if len(scores.shape) != 2 or scores.shape[1] != sum(widths):
        wanted = " + ".join(map(str, widths))
        raise ShapeError(f"the discriminator gives {tuple(map(int, scores.shape))}; it has to give (N, {wanted})")
    ends = np.cumsum((0, *widths))
    return tuple(scores[:, int(first) : int(end)] for first, end in pairwise(ends))


def beside(x: Node, *others: Node) -> Node:
    """x with more channels: (N, C, …) and (N, K) or (N, K, …) → (N, C + K, …). What is one number per example is the same everywhere."""
    fitted = []
    for other in others:
        lengths = x.shape[len(other.shape) :]
        wide = reshape(other, shape=(*other.shape, *(1,) * len(lengths)))
        fitted.append(broadcast(wide, shape=(*other.shape, *lengths)) if lengths else other)
    return concat(x, *fitted, axis=1)
