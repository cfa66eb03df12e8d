"""Restricted Boltzmann machines as estimators: they learn without targets, and their hidden units are features."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ...autograd.leaves import constant
from ...autograd.node import Node
from ...autograd.ops import scan, softplus
from ..boltzmann import RBM
from ..optimizers import SGD, Optimizer
from ..rows import whole
from .base import check_whole
from .kinds import NetCoder


class _Network(RBM):
    """The network of both. Numbers that are no probabilities are warned of and not refused, as scikit-learn has it."""

    _label = "rbm"

    def check_data(self, *arrays: np.ndarray) -> None:
        """None is refused."""


class _Machine(NetCoder):
    """Settings and network that both have."""

    _units: str
    _rate: float

    def __init__(
        self,
        hidden: int = 64,
        *,
        steps: int = 1,
        chains: int = 0,
        optimizer: Optimizer | None = None,
        epochs: int = 10,
        batch: int = 10,
        random_state: Any = None,
        engine: str | None = None,
    ) -> None:
        self.hidden = hidden
        self.steps = steps
        self.chains = chains
        self.optimizer = optimizer
        self.epochs = epochs
        self.batch = batch
        self.random_state = random_state
        self.engine = engine

    def _build(self, seed: int) -> _Network:
        for setting, least in (("hidden", 1), ("steps", 1), ("chains", 0)):
            check_whole(self, setting, least)
        return _Network(
            self.n_features_in_, self.hidden, steps=self.steps, chains=self.chains, units=self._units, rng=seed
        )

    def _optimizer(self) -> Optimizer:
        return SGD(self._rate) if self.optimizer is None else self.optimizer

    def _decoded(self, net: RBM, code: Node) -> Node:
        return net.visible_mean(code)

    def gibbs(self, X: Any, steps: int = 1, seed: int = 0) -> np.ndarray:
        """The rows after so many steps to the hidden units and back, both drawn: (rows, features)."""
        check_is_fitted(self, "net_")
        whole(steps, "steps", of=f"{type(self).__name__}.gibbs")
        return self._ask_otherwise(f"gibbs {steps} {seed}", lambda net, x: net.sample(x, steps, seed), self._rows(X))


class BernoulliRBM(_Machine):
    """A restricted Boltzmann machine for columns between 0 and 1: `transform` gives how likely each hidden unit is on.
    Smolensky 1986; learned by contrastive divergence, Hinton 2002. The network is nets.RBM.

    `hidden` is the number of hidden units, `steps` the k of CD-k, `chains` so many chains that are kept from update to
    update (PCD); the optimizer is SGD(0.1) unless another is given. `score` is the pseudo-log-likelihood: ln p of each
    column given all others, added up, which needs no partition function. Unlike sklearn.neural_network.BernoulliRBM it
    adds up all columns and does not draw one, so that it says the same twice.

    >>> import numpy as np
    >>> from nngraph import nets
    >>> X = np.repeat([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]], 50, axis=0)
    >>> learned = nets.BernoulliRBM(2, epochs=100, random_state=0).fit(X)
    >>> -6 * np.log(2) < -4 < learned.score(X), bool((learned.reconstruct(X).round() == X).all())
    (True, True)
    """

    _units, _rate = "bernoulli", 0.1

    def _learn(self, *arrays: np.ndarray, **settings: Any) -> None:
        X = arrays[0]
        wrong = (X < 0) | (X > 1)
        if wrong.any():
            row, column = map(int, np.argwhere(wrong)[0])
            warnings.warn(
                f"{type(self).__name__}: X has {X[row, column]:g} in {self._column(column)}, row {row}; its columns are"
                " probabilities, between 0 and 1. sklearn.preprocessing.MinMaxScaler brings them there, and GaussianRBM"
                " takes any numbers",
                stacklevel=3,
            )
        super()._learn(*arrays, **settings)

    def score_samples(self, X: Any) -> np.ndarray:
        """The pseudo-log-likelihood of each row, (rows,)."""
        check_is_fitted(self, "net_")
        return self._ask_otherwise("pseudo", pseudo_log_likelihood, self._rows(X))


class GaussianRBM(_Machine):
    """A restricted Boltzmann machine for columns of any numbers, best at mean 0 and spread 1. Its visible units are
    normal around what the hidden ones say. Welling, Rosen-Zvi and Hinton 2004.

    The settings are those of BernoulliRBM; the optimizer is SGD(0.01) unless another is given, because gradients grow
    with the numbers. `score` is minus the mean squared distance of a row and what comes back for it.

    >>> from nngraph import nets
    >>> from nngraph.nets import data
    >>> (iris,) = data.standardized(data.iris())
    >>> learned = nets.GaussianRBM(8, epochs=100, random_state=0).fit(iris.X)
    >>> learned.transform(iris.X).shape, -1 < -0.5 < learned.score(iris.X)
    ((150, 8), True)
    """

    _units, _rate = "gaussian", 0.01


def pseudo_log_likelihood(net: RBM, v: Node) -> Node:
    """Σᵢ ln p(vᵢ | all others) of every row (N, visible) → (N,): with F the free energy and v⁽ⁱ⁾ the row with its
    i-th unit turned over, p is σ(F(v⁽ⁱ⁾) − F(v)). Besag 1975."""
    here, count = net.free_energy(v), int(v.shape[1])

    def turned(sofar: Node, pick: Node) -> tuple[Node, Node]:
        apart = net.free_energy(v + (1 - 2 * v) * pick) - here
        return sofar - softplus(-apart), pick

    whole, _ = scan(turned, 0 * here, constant(np.eye(count, dtype=v.dtype)))
    return whole
