"""Networks behind scikit-learn's conventions: fit, predict, score, inside pipelines and searches.

All estimators are here under the names of what they learn: `from nngraph.nets.estimators import Autoencoder`. Those whose
name no network has are in nets as well: nets.MLPClassifier.
"""

from __future__ import annotations

import importlib
from typing import Any

from ..rows import needed

needed("sklearn", "estimators are built on scikit-learn")

_PLACES: dict[str, str] = {
    **dict.fromkeys(("MLPClassifier", "MLPRegressor"), "feed_forward"),
    **dict.fromkeys(("Adaline", "Perceptron"), "single_layer"),
    **dict.fromkeys(("LogisticRegression",), "regression"),
    **dict.fromkeys(("BernoulliRBM", "GaussianRBM"), "energy"),
    **dict.fromkeys(("Autoencoder",), "autoencoders"),
}

__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"nngraph.nets.estimators has no {name!r}; there are {', '.join(__all__)}")
    found = getattr(importlib.import_module(f".{_PLACES[name]}", __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
