"""What mistakes cost. Accuracy, confusion matrix, ROC and the rest are in sklearn.metrics."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.errors import ShapeError
from .rows import DataError


def mean_cost(confusion: Any, costs: Any) -> float:
    """What an answer costs on average: `confusion` (classes, classes) counts answers as sklearn.metrics.confusion_matrix
    does, true classes in rows and answers in columns; `costs` of the same shape says what each such answer costs.

    >>> from nngraph import nets
    >>> nets.mean_cost([[90, 5], [1, 4]], [[0, 1], [20, 0]])  # 5 false alarms at 1, 1 case overlooked at 20
    0.25
    """
    counts, prices = np.asarray(confusion, np.float64), _square(costs)
    if counts.shape != prices.shape:
        raise ShapeError(f"a confusion matrix {counts.shape} and costs {prices.shape} are not of the same classes")
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise DataError("the confusion matrix holds a number that counts nothing; counts are 0 or more")
    if not counts.sum():
        raise DataError("the confusion matrix counts no answers")
    return float((counts * prices).sum() / counts.sum())


def cheapest_class(probabilities: Any, costs: Any) -> np.ndarray:
    """The class whose answer is expected to cost least. It is its number, for each row of probabilities (rows, classes): the
    j with the least Σ pᵢ·costs[i, j]. Where all mistakes cost the same it is the likeliest.

    >>> from nngraph import nets
    >>> nets.cheapest_class([[0.99, 0.01], [0.9, 0.1]], [[0, 1], [20, 0]]).tolist()
    [0, 1]
    """
    shares, prices = np.asarray(probabilities, np.float64), _square(costs)
    if shares.ndim != 2 or shares.shape[1] != len(prices):
        raise ShapeError(f"probabilities {shares.shape} and costs {prices.shape} are not of the same classes")
    wrong = ~np.isfinite(shares).all(1)
    if wrong.any():
        raise DataError(f"probabilities hold a missing or infinite value at row {int(wrong.argmax())}")
    return (shares @ prices).argmin(1)


def _square(costs: Any) -> np.ndarray:
    prices = np.asarray(costs, np.float64)
    if prices.ndim != 2 or prices.shape[0] != prices.shape[1]:
        raise ShapeError(f"costs have the shape (true classes, answers), not {prices.shape}")
    return prices
