"""Optimizers: how a parameter moves when its gradient is known. Each is one rule in graph ops, so that it runs in every
engine, can be drawn and can be explained.

In the formulas: p the parameter, g its gradient, α the rate, t the step counted from 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ..autograd.errors import ParameterError
from ..autograd.leaves import as_node, state
from ..autograd.node import Leaf, Node, scope
from ..autograd.ops import cast, minimum, sqrt, square
from ..autograd.ops import sum as total
from .rows import number
from .schedules import Rate, at

Updates = dict[Leaf, Node]


@dataclass(eq=False)
class Memory:
    """What an optimizer keeps from step to step, by path, and the updates of it that a step makes."""

    states: dict[str, Leaf] = field(default_factory=dict)
    updates: Updates = field(default_factory=dict)

    def leaf(self, path: str, value: Any) -> Leaf:
        """The state at a path, which starts with this value."""
        found = self.states.get(path)
        if found is None:
            found = self.states[path] = state(path.rpartition("/")[2], value)
        return found

    @property
    def step(self) -> Node:
        """The number of this step, 1 at the first."""
        counted = self.leaf("step", 0.0)
        if counted not in self.updates:
            self.updates[counted] = counted + 1
        return self.updates[counted]


@dataclass(eq=False)
class Own:
    """The part of the memory that belongs to one parameter."""

    memory: Memory
    path: str
    parameter: Leaf

    def old(self, name: str) -> Leaf:
        """A state of the parameter's shape, 0 at the first step."""
        shape = tuple(map(int, self.parameter.shape))
        return self.memory.leaf(f"{self.path}/{name}", np.zeros(shape, self.parameter.dtype))

    def keep(self, name: str, new: Node) -> Node:
        """Have the state be this at the next step; the same node."""
        self.memory.updates[self.old(name)] = new
        return new

    def number(self, value: Any) -> Node:
        """A number in the parameter's dtype."""
        node = as_node(value, self.parameter.dtype)
        return node if node.dtype == self.parameter.dtype else cast(node, dtype=self.parameter.dtype.name)

    def correction(self, beta: float) -> Node:
        """1 − βᵗ: what an average that follows with β, and started at 0, has seen of all weights so far. In float64,
        because in float32 its digits are lost."""
        return self.number(1 - beta**self.memory.step)


RANGES: dict[str, dict[str, float]] = {
    "rate": {"least": 0}, "decay": {"least": 0}, "clip": {"above": 0}, "epsilon": {"least": 0},
    **{share: {"least": 0, "below": 1} for share in ("momentum", "keep", "beta1", "beta2")},
}  # fmt: skip
"""What the settings of optimizers may be, by name."""


@dataclass(frozen=True)
class Optimizer:
    """How parameters move. `rate` is a number or a schedule; `decay` adds decay·p to the gradients of parameters with
    two axes or more, which are matrices and windows (biases are left alone): the gradient of decay/2·Σp²; `clip` scales all gradients together so that their length is at most
    this. Subclasses say the rule. Where an average follows, `keep` and the betas are the share of the old one that stays."""

    rate: Rate = 0.01
    decay: float = 0.0
    clip: float | None = None

    def __post_init__(self) -> None:
        for name in (each.name for each in fields(self) if each.name in RANGES):
            value = getattr(self, name)
            if not ((name == "rate" and callable(value)) or (name == "clip" and value is None)):
                number(value, name, **RANGES[name], of=type(self).__name__)

    def rule(self, p: Node, g: Node, own: Own, rate: Node) -> Node:
        """The parameter's new value."""
        raise NotImplementedError(f"{type(self).__name__} has no rule(self, p, g, own, rate)")

    def decayed(self, p: Node, g: Node) -> Node:
        """The gradient that the rule is given: with the decay, where p is a matrix."""
        return g + self.decay * p if self.decay and len(p.shape) > 1 else g

    def updates(
        self, parameters: Mapping[str, Leaf], gradients: Sequence[Node], memory: Memory | None = None
    ) -> Updates:
        """New values for the parameters and for what the optimizer remembers, for `ng.compile(…, updates=…)`.

        >>> import nngraph as ng
        >>> from nngraph import nets
        >>> w = ng.parameter("w", 1.0)
        >>> loss = ng.square(w - 3.0)
        >>> updates = nets.SGD(0.25).updates({"w": w}, ng.gradient(loss, [w]))
        >>> step = ng.compile(loss, updates=updates)
        >>> float(step()), float(w.value)
        (4.0, 2.0)
        """
        memory = Memory() if memory is None else memory
        with scope(type(self).__name__.lower()):
            if self.clip is not None:
                gradients = clipped(gradients, self.clip)
            rate = self.rate_at(memory)
            new: Updates = {}
            for (path, p), g in zip(parameters.items(), gradients, strict=True):
                own = Own(memory, path, p)
                new[p] = self.rule(p, self.decayed(p, g), own, own.number(rate))
        return {**new, **memory.updates}

    def rate_at(self, memory: Memory) -> Any:
        """The rate of this step: a number, or a node where a schedule says it."""
        return at(self.rate, memory.step) if callable(self.rate) else self.rate


def check_optimizer(optimizer: Any) -> None:
    """ParameterError for what is no optimizer, or the class of one."""
    if isinstance(optimizer, type) or not hasattr(optimizer, "updates"):
        raise ParameterError(f"optimizer={optimizer!r}: it is one of nets, such as nets.Adam(0.01)")


def clipped(gradients: Sequence[Node], most: float) -> list[Node]:
    """All gradients times the same number, min(1, most/‖g‖), so that together they are at most `most` long. Pascanu, Mikolov
    and Bengio 2013, On the Difficulty of Training Recurrent Neural Networks."""
    number(most, "clip", **RANGES["clip"])
    if not gradients:
        return []
    # In float64, because the squares of gradients that explode overflow in float32, and then nothing would move any more.
    length = sqrt(_sum([total(square(_float64(g))) for g in gradients]))
    # Where the length is 0 the quotient is infinite, and 1 is less.
    share = minimum(most / length, 1.0)
    return [g * (share if g.dtype == share.dtype else cast(share, dtype=g.dtype.name)) for g in gradients]


def _float64(node: Node) -> Node:
    return node if node.dtype == np.float64 else cast(node, dtype="float64")


def _sum(nodes: Sequence[Node]) -> Node:
    result = nodes[0]
    for node in nodes[1:]:
        result = result + node
    return result


@dataclass(frozen=True)
class SGD(Optimizer):
    """p ← p − α·g: gradient descent, stochastic where g is that of a batch. Robbins and Monro 1951, A Stochastic
    Approximation Method."""

    rate: Rate = 0.1

    def rule(self, p: Node, g: Node, own: Own, rate: Node) -> Node:
        return p - rate * g


@dataclass(frozen=True)
class Momentum(Optimizer):
    """v ← μ·v + g, p ← p − α·v: a ball that keeps rolling. Where slopes stay the same the steps grow to α·g/(1 − μ). Polyak
    1964, Some Methods of Speeding Up the Convergence of Iteration Methods; with the rate outside, as in PyTorch."""

    momentum: float = 0.9

    def rule(self, p: Node, g: Node, own: Own, rate: Node) -> Node:
        v = own.keep("velocity", self.momentum * own.old("velocity") + g)
        return p - rate * v


@dataclass(frozen=True)
class Nesterov(Optimizer):
    """v ← μ·v + g, p ← p − α·(g + μ·v): momentum that looks where it is about to be. Nesterov 1983, A Method of
    Solving a Convex Programming Problem with Convergence Rate O(1/k²); in the form of Bengio, Boulanger-Lewandowski and Pascanu
    2012, arXiv:1212.0901, whose p is already the place ahead at which the slope is asked."""

    momentum: float = 0.9

    def rule(self, p: Node, g: Node, own: Own, rate: Node) -> Node:
        v = own.keep("velocity", self.momentum * own.old("velocity") + g)
        return p - rate * (g + self.momentum * v)


@dataclass(frozen=True)
class AdaGrad(Optimizer):
    """s ← s + g², p ← p − α·g/(√s + ε): what has moved much moves less. Duchi, Hazan and Singer 2011, Adaptive
    Subgradient Methods for Online Learning and Stochastic Optimization."""

    epsilon: float = 1e-10

    def rule(self, p: Node, g: Node, own: Own, rate: Node) -> Node:
        s = own.keep("squares", own.old("squares") + square(g))
        return p - rate * g / (sqrt(s) + self.epsilon)


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """s ← ρ·s + (1 − ρ)·g², p ← p − α·g/(√s + ε): what moved long ago is forgotten, unlike in AdaGrad. ρ is `keep`,
    the share of the old mean that stays (alpha in PyTorch, rho in Keras). Tieleman and Hinton 2012, lecture 6.5 of Neural
    Networks for Machine Learning."""

    keep: float = 0.9
    epsilon: float = 1e-8

    def rule(self, p: Node, g: Node, own: Own, rate: Node) -> Node:
        s = own.keep("square", self.keep * own.old("square") + (1 - self.keep) * square(g))
        return p - rate * g / (sqrt(s) + self.epsilon)


@dataclass(frozen=True)
class AdaDelta(Optimizer):
    """s ← ρ·s + (1 − ρ)·g², d = g·√(u + ε)/√(s + ε), u ← ρ·u + (1 − ρ)·d², p ← p − α·d: steps in the parameter's own
    unit, so that a rate of 1 will do. ρ is `keep`, the share of the old means that stays. Zeiler 2012, ADADELTA: An Adaptive
    Learning Rate Method, arXiv:1212.5701."""

    rate: Rate = 1.0
    keep: float = 0.95
    epsilon: float = 1e-6

    def rule(self, p: Node, g: Node, own: Own, rate: Node) -> Node:
        s = own.keep("square", self.keep * own.old("square") + (1 - self.keep) * square(g))
        u = own.old("moved")
        d = g * sqrt(u + self.epsilon) / sqrt(s + self.epsilon)
        own.keep("moved", self.keep * u + (1 - self.keep) * square(d))
        return p - rate * d


@dataclass(frozen=True)
class Adam(Optimizer):
    """p ← p − α·m̂/(√v̂ + ε): the mean of the gradients over the root of the mean of their squares, so that where gradients agree
    a step is α long. Here m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ). Kingma and Ba
    2014, Adam: A Method for Stochastic Optimization, arXiv:1412.6980.

    The correction: m and v start at 0, so after t steps their weights sum to 1 − βᵗ, not to 1; without it the first steps
    would be far too long, because v is then smaller still than m².
    """

    rate: Rate = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def rule(self, p: Node, g: Node, own: Own, rate: Node) -> Node:
        m = own.keep("mean", self.beta1 * own.old("mean") + (1 - self.beta1) * g)
        v = own.keep("square", self.beta2 * own.old("square") + (1 - self.beta2) * square(g))
        length, scale = rate / own.correction(self.beta1), 1 / sqrt(own.correction(self.beta2))
        return p - length * m / (sqrt(v) * scale + self.epsilon)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam, and apart from it matrices shrink: p ← p − α·λ·p, whatever the size of the gradients. λ is `decay`, which here never
    enters the gradients. Loshchilov and Hutter 2017, Decoupled Weight Decay Regularization, arXiv:1711.05101."""

    decay: float = 0.01

    def decayed(self, p: Node, g: Node) -> Node:
        return g

    def rule(self, p: Node, g: Node, own: Own, rate: Node) -> Node:
        moved = super().rule(p, g, own, rate)
        return moved - rate * self.decay * p if self.decay and len(p.shape) > 1 else moved
