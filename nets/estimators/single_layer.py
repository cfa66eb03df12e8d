"""The perceptron and ADALINE as estimators: one layer, a threshold on top, each with its own idea of an error."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autograd.errors import ParameterError
from ..initialize import zeros
from ..linear import Linear
from ..neurons import adaline_loss, is_positive, perceptron_loss
from ..optimizers import SGD, Optimizer
from ..trainer import Record
from .kinds import NetClassifier


class _SingleLayer(NetClassifier):
    """One unit for two classes, otherwise one for each class against all others; all start at zero."""

    rate: float
    _off = 0.0
    """The target of a unit whose class it is not."""
    _measures_training = True
    batch = 1

    def _units(self) -> int:
        return 1 if len(self.classes_) == 2 else len(self.classes_)

    def _build(self, seed: int) -> Linear:
        return Linear(self.n_features_in_, self._units(), start=zeros)

    def _targets(self, numbers: np.ndarray) -> np.ndarray:
        own = numbers[:, None] == (np.arange(len(self.classes_)) if self._units() > 1 else np.array([1]))
        return np.where(own, 1.0, self._off).astype(np.float32)

    def _optimizer(self) -> Optimizer:
        if not is_positive(self.rate):
            raise ParameterError(f"{type(self).__name__}(rate={self.rate!r}): it must be above 0")
        return SGD(self.rate)

    def decision_function(self, X: Any) -> np.ndarray:
        """x·W + b: (rows,) for two classes, above 0 for the second; otherwise (rows, classes)."""
        scores = self._ask(X)
        return scores[:, 0] if self._units() == 1 else scores

    def predict(self, X: Any) -> np.ndarray:
        """The class whose unit answers, or answers loudest."""
        scores = self.decision_function(X)
        return self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(1)]


def _all_right(t: np.ndarray, scores: np.ndarray) -> float:
    return float(((scores > 0) == (t > 0)).all(1).mean())


class Perceptron(_SingleLayer):
    """The perceptron: y = 1 where x·w + b > 0, and Δw = α(t − y)·x after each example. Rosenblatt 1958.

    It ends when every example is right, which it must reach if a line parts the classes (`nets.perceptron_bound`), or
    after `epochs`; `rate` is α, which only sets the length of w.

    >>> from nngraph import nets
    >>> learned = nets.Perceptron(random_state=0).fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1])
    >>> learned.predict([[0, 1], [1, 1]]).tolist(), learned.history_[-1].metrics["accuracy"]
    ([0, 1], 1.0)
    """

    def __init__(
        self, *, rate: float = 1.0, epochs: int = 100, random_state: Any = None, engine: str | None = None
    ) -> None:
        self.rate = rate
        self.epochs = epochs
        self.random_state = random_state
        self.engine = engine

    _loss = staticmethod(perceptron_loss)
    _metrics = {"accuracy": _all_right}  # noqa: RUF012

    def _is_done(self, record: Record) -> bool:
        return record.metrics["accuracy"] == 1.0


class Adaline(_SingleLayer):
    """ADALINE, the adaptive linear neuron: Δw = α(t − (x·w + b))·x after each example, with t −1 or 1, so that it also
    learns from answers that are right by little. Widrow and Hoff 1960.

    `rate` is α; above 2/|x|² it diverges, so columns are best brought to mean 0 and spread 1 first.

    >>> from nngraph import nets
    >>> from nngraph.nets import data
    >>> clouds = data.blobs(200, classes=3)
    >>> nets.Adaline(random_state=0).fit(clouds.X, clouds.t).score(clouds.X, clouds.t) > 0.95
    True
    """

    def __init__(
        self, *, rate: float = 0.01, epochs: int = 30, random_state: Any = None, engine: str | None = None
    ) -> None:
        self.rate = rate
        self.epochs = epochs
        self.random_state = random_state
        self.engine = engine

    _loss = staticmethod(adaline_loss)
    _metrics = {"accuracy": _all_right}  # noqa: RUF012
    _off = -1.0
