"""The small sets that come with scikit-learn: measured flowers, wines, tumors and patients, and written digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..rows import needed
from .dataset import Dataset


def iris() -> Dataset:
    """150 irises of 3 kinds by length and width of sepals and petals, in centimeters. Fisher 1936."""
    return _loaded("iris", "Fisher 1936, The Use of Multiple Measurements in Taxonomic Problems")


def wine() -> Dataset:
    """178 wines from 3 growers by 13 chemical measurements. Forina et al. 1991."""
    return _loaded("wine", "Forina et al. 1991, PARVUS; UCI Machine Learning Repository")


def breast_cancer() -> Dataset:
    """569 tumors, malignant or benign, by 30 measurements of their cells. Street, Wolberg and Mangasarian 1993."""
    return _loaded("breast_cancer", "Street, Wolberg and Mangasarian 1993; UCI Machine Learning Repository")


def diabetes() -> Dataset:
    """442 patients by 10 measurements, and how far the disease had gone a year later. Each column is at mean 0 and of
    length 1. Efron et al. 2004."""
    return _loaded("diabetes", "Efron, Hastie, Johnstone and Tibshirani 2004, Least Angle Regression")


def digits(flat: bool = True) -> Dataset:
    """1797 written digits as 8×8 pixels from 0 (paper) to 1 (ink): X (1797, 64), or images (1797, 1, 8, 8) with
    flat=False. Alpaydin and Kaynak 1998.

    >>> from nngraph.nets import data
    >>> data.digits(), data.digits(flat=False).X.shape
    (<digits: 1797 rows, X (1797, 64), 10 classes>, (1797, 1, 8, 8))
    """
    loaded = _loaded("digits", "Alpaydin and Kaynak 1998; UCI Machine Learning Repository")
    X = loaded.X / 16
    return Dataset(
        "digits",
        X if flat else X.reshape(-1, 1, 8, 8),
        loaded.t,
        loaded.columns if flat else (),
        loaded.classes,
        loaded.source,
    )


def _loaded(name: str, source: str) -> Dataset:
    needed("sklearn", f"{name} comes with scikit-learn")
    from sklearn import datasets

    found: Any = getattr(datasets, f"load_{name}")()
    classes = tuple(map(str, found.get("target_names", ())))
    t = np.asarray(found.target, np.int64 if classes else np.float64)
    return Dataset(name, np.asarray(found.data, np.float64), t, tuple(map(str, found.feature_names)), classes, source)
