"""What estimators are for: to tell classes apart, to say amounts, to write rows anew, and to find them again in that."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin, ClassNamePrefixFeaturesOutMixin, RegressorMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from ...autograd.node import Node
from ..rows import DataError
from .base import GREATEST, NetEstimator


class NetClassifier(ClassifierMixin, NetEstimator):
    """An estimator that tells classes apart; the network gives a number for each class."""

    classes_: np.ndarray

    def _targets(self, numbers: np.ndarray) -> np.ndarray:
        """What the loss takes, from the numbers of the classes."""
        return numbers

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from X (rows, features) and the classes y (rows,) from the start."""
        X, y = self._rows(X, y, reset=True)
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(
                f"{type(self).__name__} tells classes apart; y holds only one class, {self.classes_[0]!r}, in"
                f" {len(y)} rows"
            )
        self._start()
        self._learn(X, self._targets(numbers), shares=numbers)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Learn for one epoch from some more rows. The first call names all the `classes` there will be."""
        first = not hasattr(self, "net_")
        if first and classes is None:
            raise DataError("the first call of partial_fit needs classes=, all the classes there will be")
        X, y = self._rows(X, y, reset=first)
        check_classification_targets(y)
        if first:
            self.classes_ = np.unique(classes)
            self._start()
        numbers = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        strange = self.classes_[numbers] != y
        if strange.any():
            row = int(strange.argmax())
            raise DataError(
                f"y has {y[row]!r} at row {row}; the classes are {', '.join(map(repr, self.classes_.tolist()))}"
            )
        self._learn(X, self._targets(numbers), epochs=1)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of each row."""
        answers = self._ask(X)
        return self.classes_[answers.argmax(1)]


class NetRegressor(RegressorMixin, NetEstimator):
    """An estimator of amounts, one or several for each row."""

    n_outputs_: int

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from X (rows, features) and the amounts y, (rows,) or (rows, outputs), from the start."""
        X, t = self._amounts(X, y, True)
        self._start()
        self._learn(X, t)
        return self

    def partial_fit(self, X: Any, y: Any) -> Self:
        """Learn for one epoch from some more rows."""
        first = not hasattr(self, "net_")
        X, t = self._amounts(X, y, first)
        if first:
            self._start()
        self._learn(X, t, epochs=1)
        return self

    def _amounts(self, X: Any, y: Any, first: bool) -> tuple[np.ndarray, np.ndarray]:
        X, y = self._rows(X, y, reset=first, multi_output=True, y_numeric=True)
        y = np.asarray(y, np.float64)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        t = y[:, None] if y.ndim == 1 else y
        if np.abs(t).max() > GREATEST:
            raise DataError(f"y has {t.flat[np.abs(t).argmax()]:g}, too large for float32")
        if first:
            self.n_outputs_, self._is_flat = t.shape[1], y.ndim == 1
        elif t.shape[1] != self.n_outputs_:
            raise DataError(f"y has {t.shape[1]} amounts for each row; it had {self.n_outputs_}")
        return X, t.astype(np.float32)

    def predict(self, X: Any) -> np.ndarray:
        """The amounts of each row, (rows,) or (rows, outputs) as y was."""
        answers = self._ask(X)
        return answers[:, 0] if self._is_flat else answers


class NetTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NetEstimator):
    """An estimator that learns from rows alone, and turns rows into others: what `_answer` gives."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from X (rows, features) from the start; y is not looked at."""
        X = self._rows(X, reset=True)
        self._start()
        self._learn(X)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Learn for one epoch from some more rows."""
        first = not hasattr(self, "net_")
        X = self._rows(X, reset=first)
        if first:
            self._start()
        self._learn(X, epochs=1)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Rows of X as the network has learned to write them: (rows, numbers)."""
        return self._ask(X)

    @property
    def _n_features_out(self) -> int:
        return int(self._asked.outputs[0].shape[-1])


class NetCoder(NetTransformer):
    """A transformer that knows the way back: from the numbers it writes for a row to a row like it."""

    def _decoded(self, net: Any, code: Node) -> Node:
        """Rows as the network puts them together from their codes."""
        raise NotImplementedError(f"{type(self).__name__} has no _decoded(self, net, code)")

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Rows from what `transform` makes of rows: (rows, numbers) -> (rows, features)."""
        check_is_fitted(self, "net_")
        codes = check_array(X, dtype=np.float32)
        if codes.shape[1] != self._n_features_out:
            raise DataError(
                f"{type(self).__name__}.inverse_transform takes {self._n_features_out} numbers for each row, as"
                f" transform gives them, not {codes.shape[1]}"
            )
        return self._ask_otherwise("decoded", self._decoded, codes)

    def reconstruct(self, X: Any) -> np.ndarray:
        """What comes back for X: there and back again, (rows, features)."""
        check_is_fitted(self, "net_")
        return self._reconstructed(self._rows(X))

    def _reconstructed(self, rows: np.ndarray) -> np.ndarray:
        return self._ask_otherwise("again", lambda net, x: self._decoded(net, self._answer(net, x)), rows)

    def score_samples(self, X: Any) -> np.ndarray:
        """How near each row comes back: minus the mean squared distance of its numbers, (rows,)."""
        check_is_fitted(self, "net_")
        rows = self._rows(X)
        return -np.square(self._reconstructed(rows) - rows, dtype=np.float64).mean(1)

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of `score_samples`; the greater the better."""
        return float(self.score_samples(X).mean())
