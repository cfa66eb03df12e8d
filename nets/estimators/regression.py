"""Logistic and softmax regression as an estimator: a network without hidden layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ...autograd import ops
from ...autograd.node import Node
from .. import neurons
from ..optimizers import Adam, Optimizer
from .kinds import NetClassifier


class LogisticRegression(NetClassifier):
    """Classes by probabilities whose log-odds are linear in the columns: one unit with a sigmoid for two classes
    (Cox 1958), a unit for each and a softmax for more (Cox 1966).

    It is imported from nngraph.nets.estimators; nets.LogisticRegression and nets.SoftmaxRegression are the networks,
    which it builds for as many columns and classes as the data have. The optimizer is Adam(0.05) unless another is
    given, of which `decay` draws the weights towards 0.

    >>> from nngraph.nets import data, estimators
    >>> (iris,) = data.standardized(data.iris())
    >>> learned = estimators.LogisticRegression(random_state=0).fit(iris.X, iris.t)
    >>> learned.score(iris.X, iris.t) > 0.95, learned.predict_proba(iris.X).shape
    (True, (150, 3))
    """

    def __init__(
        self,
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
        self.optimizer = optimizer
        self.epochs = epochs
        self.batch = batch
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.random_state = random_state
        self.engine = engine

    def _build(self, seed: int) -> neurons.LogisticRegression | neurons.SoftmaxRegression:
        if len(self.classes_) == 2:
            return neurons.LogisticRegression(self.n_features_in_, rng=seed)
        return neurons.SoftmaxRegression(self.n_features_in_, len(self.classes_), rng=seed)

    def _optimizer(self) -> Optimizer:
        return Adam(0.05) if self.optimizer is None else self.optimizer

    def _answer(self, net: Any, x: Node) -> Node:
        z = net.scores(x)
        return ops.softmax(z if z.shape[1] > 1 else ops.concat([0 * z, z], axis=1))

    def decision_function(self, X: Any) -> np.ndarray:
        """The log-odds of the second of two classes, (rows,); otherwise the score of each, (rows, classes)."""
        check_is_fitted(self, "net_")
        scores = self._ask_otherwise("scores", lambda net, x: net.scores(x), self._rows(X))
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, in the order of `classes_`: (rows, classes)."""
        return self._ask(X)
