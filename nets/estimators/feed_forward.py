"""Multi-layer perceptrons as estimators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...autograd import ops
from ...autograd.errors import ParameterError
from ...autograd.node import Node
from ..feed_forward import MLP
from ..initialize import Initializer, he, xavier
from ..optimizers import Optimizer
from ..rows import wholes
from .base import NetEstimator
from .kinds import NetClassifier, NetRegressor

RECTIFIERS = ("relu", "leaky_relu", "elu", "gelu", "silu")
ACTIVATIONS = (*RECTIFIERS, "tanh", "sigmoid", "softplus")


class _MLPEstimator(NetEstimator):
    """Settings and network that both have. scikit-learn reads the settings from the signature, also an inherited one."""

    def __init__(
        self,
        hidden: int | Sequence[int] = (100,),
        activation: str = "relu",
        *,
        optimizer: Optimizer | None = None,
        epochs: int = 100,
        batch: int = 32,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        random_state: Any = None,
        engine: str | None = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.optimizer = optimizer
        self.epochs = epochs
        self.batch = batch
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.random_state = random_state
        self.engine = engine

    def _outputs(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} has no _outputs(self) that says how many numbers come out")

    def _build(self, seed: int) -> MLP:
        hidden, start = sizes_and_start(self)
        return MLP(
            [self.n_features_in_, *hidden, self._outputs()], getattr(ops, self.activation), start=start, rng=seed
        )


def sizes_and_start(estimator: Any) -> tuple[list[int], Initializer]:
    """The units of the hidden layers, and how weights start for the activation; ParameterError for what is neither."""
    hidden, name = estimator.hidden, type(estimator).__name__
    try:
        sizes = wholes([hidden] if isinstance(hidden, (int, np.integer)) else hidden, "hidden", 0)
    except ParameterError:
        raise ParameterError(f"{name}(hidden={hidden!r}): units of each hidden layer, such as (30, 30)") from None
    if not isinstance(estimator.activation, str) or estimator.activation not in ACTIVATIONS:
        raise ParameterError(
            f"{name}(activation={estimator.activation!r}): it is one of {', '.join(map(repr, ACTIVATIONS))}"
        )
    return sizes, he if estimator.activation in RECTIFIERS else xavier


class MLPClassifier(_MLPEstimator, NetClassifier):
    """A multi-layer perceptron that tells classes apart: softmax on top, learned by cross-entropy.

    `hidden` are the units of each hidden layer; `activation` is a name such as "relu", "tanh", "sigmoid". Weights start
    by He (rectifiers) or Xavier (others), biases at zero. `engine` says what computes: "numba", "numpy", or "cuda", an
    NVIDIA GPU. The other settings are those of NetEstimator.

    >>> from nngraph import nets
    >>> from nngraph.nets import data
    >>> train, test = data.moons(400).split(seed=0)
    >>> learned = nets.MLPClassifier((16, 16), optimizer=nets.Adam(0.01), epochs=60, random_state=0)
    >>> learned.fit(train.X, train.t).score(test.X, test.t) > 0.95, len(learned.history_)
    (True, 60)
    """

    _loss = staticmethod(ops.softmax_loss)
    _metrics = {"accuracy": lambda t, scores: float((scores.argmax(1) == t).mean())}  # noqa: RUF012

    def _outputs(self) -> int:
        return len(self.classes_)

    def _answer(self, net: Any, x: Node) -> Node:
        return ops.softmax(net(x))

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, in the order of `classes_`: (rows, classes)."""
        return self._ask(X)


class MLPRegressor(_MLPEstimator, NetRegressor):
    """A multi-layer perceptron that estimates amounts: linear on top, learned by the mean squared error.

    Amounts far from 1 are learned slowly: sklearn.compose.TransformedTargetRegressor scales them there and back. The
    settings are those of MLPClassifier.

    >>> import numpy as np
    >>> from nngraph import nets
    >>> X = np.linspace(-2, 2, 200)[:, None]
    >>> learned = nets.MLPRegressor((16,), "tanh", optimizer=nets.Adam(0.02), random_state=0).fit(X, np.sin(X[:, 0]))
    >>> learned.score(X, np.sin(X[:, 0])) > 0.98
    True
    """

    _loss = staticmethod(ops.mean_squared_error)

    def _outputs(self) -> int:
        return self.n_outputs_
