"""Learning without backpropagation: each number is nudged to see how the loss moves. The same gradients, and what they
cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from ..autograd.differentiate import gradient
from ..autograd.errors import ParameterError
from ..autograd.executable import Executable, compile
from ..autograd.node import Leaf, Node
from .module import Module
from .objectives import Loss, inputs_for, objective_of
from .rows import Data, number, rows_of, whole


@dataclass(frozen=True)
class Cost:
    """What a gradient took: how often the loss was computed, how often a way back (about twice the work), and
    seconds."""

    forward: int
    backward: int
    seconds: float


@dataclass(frozen=True)
class Comparison:
    """One step of learning by both ways, from the same numbers: the loss, the greatest difference between a slope and
    the other way's, relative to the greatest slope, and what both cost."""

    step: int
    loss: float
    difference: float
    numerical: Cost
    backpropagation: Cost


def numerical_gradients(
    loss: Executable, parameters: Mapping[str, Leaf], batch: Any, nudge: float = 1e-5
) -> dict[str, np.ndarray]:
    """(L(w + h) − L(w − h))/2h for every number w of the parameters, by path: two losses for each of them. The error is
    of the order h², and rounding divided by h, so that float64 and h = 1e-5 give about ten digits."""
    number(nudge, "nudge", above=0)
    slopes = {}
    for path, leaf in parameters.items():
        value = np.array(leaf.value)
        slope = np.zeros(value.shape)
        try:
            for at in np.ndindex(value.shape):
                ends = []
                for side in (nudge, -nudge):
                    moved = value.copy()
                    moved[at] += side
                    leaf.value = moved
                    ends.append(float(loss(*batch)))
                slope[at] = (ends[0] - ends[1]) / (2 * nudge)
        finally:
            leaf.value = value
        slopes[path] = slope
    return slopes


def compare_gradients(
    net: Module,
    loss: Loss | None,
    data: Data,
    *,
    rate: float = 0.1,
    steps: int = 10,
    nudge: float = 1e-5,
    engine: str | None = None,
) -> Iterator[Comparison]:
    """Train by numerical gradients, all rows in each step, w ← w − rate·slope, and compute each gradient by
    backpropagation beside it. The network is best of float64; with P parameters a numerical gradient takes 2·P losses,
    backpropagation one loss and one way back, whatever P is. Rumelhart, Hinton and Williams 1986.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> net = nets.MLP([2, 3, 1], ng.tanh, rng=0, dtype="float64")
    >>> X, t = [[0.0, 0], [0, 1], [1, 0], [1, 1]], [[0.0], [1], [1], [0]]
    >>> first = next(nets.compare_gradients(net, ng.mean_squared_error, (X, t)))
    >>> net.count, first.numerical.forward, first.backpropagation.forward, first.difference < 1e-8
    (13, 26, 1, True)
    """
    rate, steps, nudge = number(rate, "rate", least=0), whole(steps, "steps", 0), number(nudge, "nudge", above=0)
    arrays = rows_of(data, "data", np.float64)
    inputs = inputs_for(arrays, len(arrays[0]))
    value: Node = objective_of(net, loss)(*inputs)
    parameters = net.trainable()
    if not parameters:
        raise ParameterError(f"{net!r} has nothing to learn: " + ("all is frozen" if net.parameters() else "no parameters"))
    forward = compile(value, inputs, engine=engine)
    both = compile([value, *gradient(value, list(parameters.values()))], inputs, engine=engine)
    for step in range(1, steps + 1):
        began = perf_counter()
        now, *slopes = both(*arrays)
        backward = Cost(1, 1, perf_counter() - began)
        began = perf_counter()
        nudged = numerical_gradients(forward, parameters, arrays, nudge)
        numerical = Cost(2 * sum(leaf.size for leaf in parameters.values()), 0, perf_counter() - began)
        greatest = max(float(abs(slope).max()) for slope in slopes) or 1.0
        gap = max(float(abs(slope - nudged[path]).max()) for path, slope in zip(parameters, slopes, strict=True))
        for path, leaf in parameters.items():
            leaf.value = leaf.value - rate * nudged[path]
        yield Comparison(step, float(now), gap / greatest, numerical, backward)
