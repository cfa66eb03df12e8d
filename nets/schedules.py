"""Learning rates that change: functions of the step, written as graph expressions, so that they run inside compiled steps.

A schedule takes the number of the step, a node that counts from 1, and gives the rate as a node.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import pi
from typing import Any

from ..autograd.node import Node
from ..autograd.ops import cos, floor, minimum, where
from .rows import number, whole

Schedule = Callable[[Node], Any]
Rate = float | Schedule


def at(rate: Rate, step: Node) -> Any:
    """The rate at a step: what the schedule says, or the number it is."""
    return rate(step) if callable(rate) else rate


def step_decay(rate: float, every: int, factor: float = 0.1) -> Schedule:
    """`rate`, times `factor` after every so many steps.

    >>> import nngraph as ng
    >>> schedule = step_decay(0.5, every=10, factor=0.5)
    >>> [float(schedule(ng.constant(t)).value) for t in (1.0, 10.0, 11.0, 21.0)]
    [0.5, 0.5, 0.25, 0.125]
    """
    number(rate, "rate", least=0, of="step_decay")
    whole(every, "every", of="step_decay")
    number(factor, "factor", above=0, of="step_decay")
    return partial(_stepped, rate, every, factor)


def exponential_decay(rate: float, factor: float) -> Schedule:
    """rate·factor^(step − 1): the same share of the rate goes at every step."""
    number(rate, "rate", least=0, of="exponential_decay")
    number(factor, "factor", above=0, of="exponential_decay")
    return partial(_exponential, rate, factor)


def inverse_time_decay(rate: float, slowness: float) -> Schedule:
    """rate/(1 + (step − 1)/slowness): half the rate after `slowness` steps. Robbins and Monro 1951 ask for rates whose sum is
    infinite and whose squares' sum is not; these are such."""
    number(rate, "rate", least=0, of="inverse_time_decay")
    number(slowness, "slowness", above=0, of="inverse_time_decay")
    return partial(_inverse, rate, slowness)


def cosine_decay(rate: float, steps: int, least: float = 0.0) -> Schedule:
    """From `rate` down to `least` along half a cosine within `steps` steps, then `least`. Loshchilov and Hutter 2016, SGDR:
    Stochastic Gradient Descent with Warm Restarts, arXiv:1608.03983."""
    number(rate, "rate", least=0, of="cosine_decay")
    whole(steps, "steps", of="cosine_decay")
    number(least, "least", least=0, of="cosine_decay")
    return partial(_cosine, rate, steps, least)


def warm_up(rate: Rate, steps: int) -> Schedule:
    """A straight way up to the rate within `steps` steps, then the rate, or the schedule from its own first step on. Goyal et
    al. 2017, Accurate, Large Minibatch SGD, arXiv:1706.02677.

    >>> import nngraph as ng
    >>> schedule = warm_up(exponential_decay(0.5, 0.5), steps=4)
    >>> [float(schedule(ng.constant(t)).value) for t in (1.0, 2.0, 4.0, 5.0, 6.0)]
    [0.125, 0.25, 0.5, 0.5, 0.25]
    """
    if not callable(rate):
        number(rate, "rate", least=0, of="warm_up")
    whole(steps, "steps", of="warm_up")
    return partial(_warmed, rate, steps)


# The rules themselves. They are functions of this page, and not of a call, so that a schedule can be pickled and copied with
# the estimator that has it.
def _stepped(rate: float, every: int, factor: float, step: Node) -> Any:
    return rate * factor ** floor((step - 1) / every)


def _exponential(rate: float, factor: float, step: Node) -> Any:
    return rate * factor ** (step - 1)


def _inverse(rate: float, slowness: float, step: Node) -> Any:
    return rate / (1 + (step - 1) / slowness)


def _cosine(rate: float, steps: int, least: float, step: Node) -> Any:
    return least + (rate - least) * 0.5 * (1 + cos(pi * minimum((step - 1) / steps, 1.0)))


def _warmed(rate: Rate, steps: int, step: Node) -> Any:
    later = step - steps
    top = at(rate, where(later < 1, 1.0, later))
    return top * minimum(step / steps, 1.0)
