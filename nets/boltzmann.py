"""Boltzmann machines: units that are on or off at random, the likelier the lower the energy.

Learning needs no formula of its own: what is minimized is free energy of the data minus free energy of what the machine
itself comes up with, and its gradient follows like any other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.errors import ParameterError, ShapeError
from ..autograd.leaves import as_node, constant
from ..autograd.node import Leaf, Node
from ..autograd.ops import (
    bernoulli,
    cast,
    logsumexp,
    mean,
    mean_squared_error,
    normal,
    scan,
    sigmoid,
    softplus,
    square,
    stop_gradient,
    triu,
)
from ..autograd.ops import sum as total
from .initialize import Initializer, generator
from .initialize import normal as bell
from .mode import current_training, draws
from .module import Module, new_parameter, new_state
from .rows import all_fine, number, whole

MOST = 16
"""So many units can be summed over exactly: 2^16 states."""


def all_states(units: int, dtype: Any = "float32") -> np.ndarray:
    """Every state of some units that are 0 or 1, (2^units, units).

    >>> all_states(2).tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    """
    if whole(units, "units", 0) > MOST:
        raise ParameterError(f"{units} units have 2^{units} states; sums over all of them are made up to {MOST} units")
    numbers = np.arange(2**units)[:, None] >> np.arange(units)[::-1]
    return (numbers & 1).astype(dtype)


class BoltzmannMachine(Module):
    """A Boltzmann machine, units s of 0 or 1 that are on at random, all tied to each other: E(s) = −½ sᵀ·S·s − b·s and
    p(s) = exp(−E(s)/T)/Z, where S is symmetric and no unit is tied to itself. Ackley, Hinton and Sejnowski 1985.

    W (units, units) holds each connection once, above the diagonal. At a high temperature T all states are alike; at a low one only the
    deepest are visited. Up to 16 units log Z is exact, and `objective` is the true negative log-likelihood: a step of gradient
    descent is Δwᵢⱼ = α(⟨sᵢsⱼ⟩ of the data − ⟨sᵢsⱼ⟩ of the machine)/T. For more, `chains` keeps so many states of the machine,
    moved on by `sweeps` at each step of learning, and its averages are taken from them.

    >>> from nngraph import nets
    >>> machine = nets.BoltzmannMachine(3, temperature=2.0, rng=0)
    >>> machine([[1, 0, 1], [0, 0, 0]]).shape, machine.sample([[1, 0, 1]], sweeps=5).shape
    ((2, 3), (1, 3))
    """

    def __init__(
        self,
        units: int,
        *,
        temperature: float = 1.0,
        chains: int = 0,
        sweeps: int = 1,
        start: Initializer = bell(0.1),
        rng: np.random.Generator | int | None = None,
        dtype: Any = "float32",
    ) -> None:
        rng, of = generator(rng), "BoltzmannMachine"
        units, chains = whole(units, "units", of=of), whole(chains, "chains", 0, of=of)
        self.temperature, self.sweeps = number(temperature, "temperature", above=0, of=of), whole(sweeps, "sweeps", of=of)
        self.W = new_parameter("W", (units, units), start, rng, dtype)
        self.b = new_parameter("b", (units,), dtype=dtype)
        self.chains: Leaf | None = new_state("chains", rng.integers(0, 2, (chains, units)), dtype) if chains else None

    def check_data(self, *arrays: np.ndarray) -> None:
        all_fine(arrays[0], np.isin(arrays[0], (0, 1)), "data", "units of a Boltzmann machine are 0 or 1")

    @property
    def connections(self) -> Node:
        """S: the symmetric weights, 0 on the diagonal."""
        above = triu(self.W, 1)
        return above + above.T

    def energy(self, s: Any) -> Node:
        """E(s) of every row of s: (N, units) → (N,)."""
        s = self._states(s)
        return -0.5 * total((s @ self.connections) * s, axis=1) - s @ self.b

    def forward(self, s: Node) -> Node:
        """How likely each unit is on when the others are as they are: σ((S·s + b)/T), (N, units)."""
        return sigmoid((self._states(s) @ self.connections + self.b) / self.temperature)

    def log_partition(self) -> Node:
        """log Z, summed over all states."""
        states = all_states(int(self.b.shape[0]), self.b.dtype)
        return logsumexp(-self.energy(states) / self.temperature, axis=0)

    def objective(self, s: Node) -> Node:
        """−mean log p(s): energies of the data against log Z, or against the energies of the chains, which has the same gradient
        where they follow p."""
        own = mean(self.energy(s)) / self.temperature
        if self.chains is None:
            return own + self.log_partition()
        learning = current_training()
        seed, step = draws()
        dreamed = stop_gradient(self._swept(self.chains, self.sweeps, seed, step))
        if learning is not None:
            learning.updates[self.chains] = dreamed
        return own - mean(self.energy(dreamed)) / self.temperature

    def sample(self, start: Any, sweeps: int, seed: int = 0) -> Node:
        """The rows of `start` after so many sweeps, in each of which every unit is drawn once given all others (Gibbs): (N, units)."""
        sweeps, seed = whole(sweeps, "sweeps", 0, of="sample"), whole(seed, "seed", 0, of="sample")
        return self._swept(cast(self._states(start), dtype=self.b.dtype.name), sweeps, seed, 0)

    def _swept(self, start: Node, sweeps: int, seed: int, step: Any) -> Node:
        units = int(self.b.shape[0])
        numbers = step * (sweeps * units) + constant(np.arange(sweeps * units))  # no number is drawn at twice
        picks = constant(np.tile(np.eye(units, dtype=self.b.dtype), (sweeps, 1)))
        ties, weights = self.connections, self.b

        def draw(s: Node, turn: tuple[Node, Node]) -> tuple[Node, None]:
            number, pick = turn
            p = sigmoid((s @ (ties @ pick) + total(weights * pick)) / self.temperature)
            drawn = bernoulli(p, seed=seed, step=number, name="gibbs", draw=0)
            # Only the unit whose turn it is changes.
            return s * (1 - pick) + drawn.reshape((-1, 1)) * pick, None

        last, _ = scan(draw, start, (numbers, picks))
        return last

    def _states(self, s: Any) -> Node:
        return _rows_of_units(self, as_node(s), int(self.b.shape[0]))


class RBM(Module):
    """A restricted Boltzmann machine, visible units v and hidden units h without ties inside a layer: E(v, h) = −v·b − h·c − v·W·h.
    Smolensky 1986; learned by contrastive divergence, ΔW = α(⟨vᵀ·p(h|v)⟩ of the data − ⟨ṽᵀ·p(h|ṽ)⟩ after k steps), Hinton 2002.

    W is (visible, hidden). `steps` is k of CD-k. `chains` keeps so many chains from one update to the next (PCD, Tieleman 2008)
    instead of starting at the data. `units="gaussian"` has real numbers with spread 1 around b + W·h: E gains ½ Σ(v − b)² in place of −v·b.
    Called with v it gives the hidden probabilities, (N, visible) → (N, hidden).

    >>> import nngraph as ng, numpy as np
    >>> from nngraph import nets
    >>> rbm = nets.RBM(6, 2, rng=0)
    >>> data = np.repeat([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]], 50, axis=0)
    >>> before = float(rbm.log_likelihood(data).value)
    >>> records = list(nets.train(rbm, data=data, epochs=100, batch=10, optimizer=nets.SGD(0.2)))
    >>> before < -4 < -1.2 < float(rbm.log_likelihood(data).value) < -0.69
    True
    """

    def __init__(
        self,
        visible: int,
        hidden: int,
        *,
        steps: int = 1,
        chains: int = 0,
        units: str = "bernoulli",
        start: Initializer = bell(0.01),
        rng: np.random.Generator | int | None = None,
        dtype: Any = "float32",
    ) -> None:
        if units not in ("bernoulli", "gaussian"):
            raise ParameterError(f"units={units!r}: visible units are 'bernoulli' (0 or 1) or 'gaussian' (real numbers)")
        rng = generator(rng)
        self.steps, self.units, chains = whole(steps, "steps", of="RBM"), units, whole(chains, "chains", 0, of="RBM")
        self.W = new_parameter("W", (visible, hidden), start, rng, dtype)
        self.b = new_parameter("b", (visible,), dtype=dtype)
        self.c = new_parameter("c", (hidden,), dtype=dtype)
        first = rng.integers(0, 2, (chains, visible)) if units == "bernoulli" else rng.normal(size=(chains, visible))
        self.chains: Leaf | None = new_state("chains", first, dtype) if chains else None

    def check_data(self, *arrays: np.ndarray) -> None:
        if self.units == "bernoulli":
            within = (arrays[0] >= 0) & (arrays[0] <= 1)
            all_fine(arrays[0], within, "data", 'Bernoulli visible units take 0 to 1, and with units="gaussian" any number')

    def forward(self, v: Node) -> Node:
        return sigmoid(self._numbers(v) @ self.W + self.c)

    def visible_mean(self, h: Any) -> Node:
        """What the visible units are on average for these hidden ones: (N, hidden) → (N, visible)."""
        heard = as_node(h) @ self.W.T + self.b
        return sigmoid(heard) if self.units == "bernoulli" else heard

    def free_energy(self, v: Any) -> Node:
        """F(v) = −log Σ_h exp(−E(v, h)), of every row: (N, visible) → (N,). The sum over h has a closed form, a softplus per
        hidden unit."""
        v = self._numbers(as_node(v))
        own = -(v @ self.b) if self.units == "bernoulli" else 0.5 * total(square(v - self.b), axis=1)
        return own - total(softplus(v @ self.W + self.c), axis=1)

    def gibbs(self, v: Any, *, seed: int = 0, step: Any = 0, draw: int = 0) -> Node:
        """v after drawing the hidden units for it and then the visible ones for those."""
        h = bernoulli(self(v), seed=seed, step=step, name="hidden", draw=draw)
        around = self.visible_mean(h)
        if self.units == "bernoulli":
            return bernoulli(around, seed=seed, step=step, name="visible", draw=draw)
        return normal(around.shape, around, seed=seed, step=step, name="visible", draw=draw, dtype=around.dtype.name)

    def objective(self, v: Node) -> Node:
        """Free energy of the data minus that of where the chain is after k steps. Its gradient is the contrastive divergence; its
        value says little, because the machine gets better while both sink."""
        learning = current_training()
        seed, step = draws()
        dreamed: Node = v if self.chains is None else self.chains
        for k in range(self.steps):
            dreamed = self.gibbs(dreamed, seed=seed, step=step, draw=k)
        dreamed = stop_gradient(dreamed)
        if learning is not None and self.chains is not None:
            learning.updates[self.chains] = dreamed
        return mean(self.free_energy(v)) - mean(self.free_energy(dreamed))

    def sample(self, start: Any, steps: int, seed: int = 0) -> Node:
        """The rows of `start` after so many Gibbs steps: (N, visible)."""
        steps, seed = whole(steps, "steps", 0, of="sample"), whole(seed, "seed", 0, of="sample")
        last, _ = scan(
            lambda v, turn: (self.gibbs(v, seed=seed, step=turn), turn),
            self._numbers(as_node(start)), constant(np.arange(steps)),
        )  # fmt: skip
        return last

    def reconstruction_error(self, v: Any) -> Node:
        """The mean squared distance of v and what comes back from its hidden probabilities."""
        v = self._numbers(as_node(v))
        return mean_squared_error(self.visible_mean(self(v)), v)

    def log_partition(self) -> Node:
        """log Z, summed over all states of the smaller layer; with Gaussian visible units over the hidden ones."""
        visible, hidden = map(int, self.W.shape)
        if self.units == "bernoulli" and visible <= hidden:
            return logsumexp(-self.free_energy(all_states(visible, self.b.dtype)), axis=0)
        h = constant(all_states(hidden, self.b.dtype))
        heard = h @ self.W.T
        if self.units == "bernoulli":
            seen = total(softplus(heard + self.b), axis=1)
        else:
            # ∫ exp(−½(v − b)² + v·a) dv = √2π · exp(a·b + ½a²), for every visible unit.
            seen = total(heard * self.b + 0.5 * square(heard), axis=1) + 0.5 * visible * float(np.log(2 * np.pi))
        return logsumexp(h @ self.c + seen, axis=0)

    def log_likelihood(self, v: Any) -> Node:
        """The mean of log p(v), exact, for machines with at most 16 units in the smaller layer."""
        return -mean(self.free_energy(v)) - self.log_partition()

    def _numbers(self, v: Node) -> Node:
        v = _rows_of_units(self, v, int(self.b.shape[0]))
        return v if v.dtype.kind == "f" else cast(v, dtype=self.b.dtype.name)


def _rows_of_units(machine: Module, s: Node, units: int) -> Node:
    if not s.shape or s.shape[-1] != units:
        name = type(machine).__name__
        raise ShapeError(f"{name} {machine.label!r} takes (N, {units}); it was given shape {tuple(map(int, s.shape))}")
    return s
