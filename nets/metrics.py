"""Metrics: what a network is measured by beside its loss, by functions of arrays as scikit-learn has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from numbers import Real
from typing import Any

import numpy as np

from ..autograd.errors import ParameterError

Metric = Callable[[np.ndarray, np.ndarray], float]
"""(target, what the network gives) -> a number, as in scikit-learn."""

OUTPUT_FIRST = ({"y", "y_pred", "pred", "output", "outputs", "prediction", "scores"}, {"t", "y_true", "true", "target", "targets", "label", "labels"})  # fmt: skip
"""What the arguments of a metric are called that takes them the wrong way round."""


def check_metrics(metrics: Any) -> None:
    """ParameterError for what are no functions by name, or take the target second."""
    if metrics is not None and not (isinstance(metrics, Mapping) and all(map(callable, metrics.values()))):
        raise ParameterError(f"metrics={metrics!r}: they are functions (target, what the network gives) by name, {{'error': function}}")
    for name, metric in (metrics or {}).items():
        _check_order(name, metric)


def _check_order(name: str, metric: Metric) -> None:
    try:
        called = list(signature(metric).parameters)
    except (TypeError, ValueError):
        return  # it does not say
    if len(called) > 1 and all(each in those for each, those in zip(called[:2], OUTPUT_FIRST, strict=True)):
        raise ParameterError(
            f"the metric {name!r} takes ({called[0]}, {called[1]}); metrics take the target first and then what the network"
            " gives, as in scikit-learn"
        )


def measured(name: str, metric: Metric, target: np.ndarray, output: np.ndarray) -> float:
    """What a metric gives; ParameterError naming it where it fails, or gives no number."""
    try:
        found = metric(target, output)
    except Exception as error:
        raise ParameterError(
            f"the metric {name!r} failed: {error or type(error).__name__}. It is called with the target, of shape"
            f" {target.shape}, first, and then with what the network gives, of shape {output.shape}"
        ) from error
    return _number(name, found)


def _number(name: str, found: Any) -> float:
    if isinstance(found, (Real, np.bool_)) or (isinstance(found, np.ndarray) and found.ndim == 0 and found.dtype.kind in "biuf"):
        return float(found)
    what = f"an array of shape {found.shape}" if isinstance(found, np.ndarray) else repr(found)
    raise ParameterError(f"the metric {name!r} gives {what}; it has to give a number")
