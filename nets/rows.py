"""Data as networks take them: arrays of rows, of equal length, float32 or whole numbers, with nothing missing."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ..autograd.errors import DtypeError, NngraphError, ShapeError

Data = Any
"""An array (rows, …), or a tuple of them, the target last."""


class DataError(NngraphError, ValueError):
    """Data that cannot be learned from; the message names the column, row or file."""


class MissingPackage(NngraphError, ImportError):
    """A package of an extra that is not installed; the message says how it is."""


def needed(package: str, what: str) -> None:
    """MissingPackage where a package of the extra [learn] is not there: `what` says who wants it, as a sentence."""
    try:
        importlib.import_module(package)
    except ImportError:
        raise MissingPackage(f'{what}: pip install "nngraph[learn]"') from None


def rows_of(data: Data, name: str, dtype: Any = np.float32) -> list[np.ndarray]:
    """The arrays of some data, checked: as many rows in each, at least one, numbers, none of them NaN or infinite."""
    arrays = [rows(each, name, dtype) for each in (data if isinstance(data, tuple) else (data,))]
    counts = [len(array) for array in arrays]
    if len(set(counts)) > 1:
        raise ShapeError(f"{name} holds arrays of {', '.join(map(str, counts))} rows; each row of X has one target")
    if not counts[0]:
        raise DataError(f"{name} has no rows")
    return arrays


def rows(values: Any, name: str, dtype: Any = np.float32) -> np.ndarray:
    """One array (rows, …): whole numbers as int64, other numbers in `dtype`."""
    array = np.asarray(values)
    if array.ndim == 0:
        raise ShapeError(f"{name} is a single number; it has to be an array of rows")
    if array.dtype.kind in "biu":
        return array.astype(np.int64)
    if array.dtype.kind != "f":
        raise DtypeError(f"{name} holds {_kind(array)}; networks take numbers. Turn categories into numbers first")
    wrong = ~np.isfinite(array)
    if wrong.any():
        row, *column = map(int, np.argwhere(wrong)[0])
        place = f"row {row}" + (f", column {column[0]}" if column else "")
        found = "a missing value (NaN)" if np.isnan(array[(row, *column)]) else "an infinite value"
        raise DataError(f"{name} has {found} at {place}; {int(wrong.sum())} in all. Fill or drop them first")
    return array.astype(dtype)


def _kind(array: np.ndarray) -> str:
    if array.dtype.kind == "O":
        kinds = sorted({type(each).__name__ for each in array.ravel()[:1000].tolist()})
        return f"Python objects ({', '.join(kinds)})"
    return "text" if array.dtype.kind in "US" else f"values of {array.dtype}"
