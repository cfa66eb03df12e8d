"""Data as networks take them: arrays of rows, of equal length, float32 or whole numbers, with nothing missing."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from operator import ge, gt, le, lt
from pathlib import Path
from typing import Any

import numpy as np

from ..autograd.errors import DtypeError, NngraphError, ParameterError, ShapeError

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


def content(path: str | Path) -> bytes:
    """What is in a file; DataError for one that is not there or cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None


def whole(value: Any, name: str, least: int = 1, of: str = "") -> int:
    """A setting that is a whole number from `least` up; ParameterError for anything else, naming whose setting it is.

    >>> whole(3, "epochs"), whole(np.int64(0), "epochs", 0)
    (3, 0)
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < least:
        said = f"{name}={value!r}"
        raise ParameterError(f"{f'{of}({said})' if of else said}: a whole number from {least} up is needed")
    return int(value)


def wholes(values: Any, name: str, fewest: int = 1, of: str = "") -> list[int]:
    """A setting that is a list of whole numbers from 1 up, so many or more of them; ParameterError for anything else.

    >>> wholes((8, 16), "channels")
    [8, 16]
    """
    if isinstance(values, (str, bytes)) or not isinstance(values, (Sequence, np.ndarray)) or len(values) < fewest:
        given, some = f"{name}={values!r}", f"{fewest} whole number{'s' * (fewest > 1)}"
        raise ParameterError(f"{f'{of}({given})' if of else given}: a list of {some} or more is needed")
    return [whole(each, name, of=of) for each in values]


def number(
    value: Any, name: str, *, least: float | None = None, above: float | None = None, most: float | None = None,
    below: float | None = None, of: str = "",
) -> Any:  # fmt: skip
    """A setting that is a number within these bounds; ParameterError for anything else, naming whose setting it is.

    >>> number(0.5, "share", least=0, below=1)
    0.5
    """
    found = isinstance(value, Real) and not isinstance(value, (bool, np.bool_)) and bool(np.isfinite(value))
    said, fits = [], found
    for word, bound, holds in (("at least", least, ge), ("above", above, gt), ("at most", most, le), ("below", below, lt)):
        if bound is not None:
            said.append(f"{word} {bound:g}")
            fits = fits and holds(value, bound)
    if not fits:
        given, needed = f"{name}={value!r}", f" that is {' and '.join(said)}" if said else ""
        raise ParameterError(f"{f'{of}({given})' if of else given}: a number{needed} is needed")
    return value


def rows_of(data: Data, name: str, dtype: Any = np.float32) -> list[np.ndarray]:
    """The arrays of some data, checked: as many rows in each, at least one, numbers, none of them NaN or infinite."""
    arrays = [rows(each, name, dtype) for each in (data if isinstance(data, tuple) else (data,))]
    if not arrays:
        raise ShapeError(f"{name} is an empty tuple; it is X, or (X, t)")
    counts = [len(array) for array in arrays]
    if len(set(counts)) > 1:
        raise ShapeError(f"{name} holds arrays of {', '.join(map(str, counts))} rows; each row of X has one target")
    if not counts[0]:
        raise DataError(f"{name} has no rows")
    return arrays


def rows(values: Any, name: str, dtype: Any = np.float32) -> np.ndarray:
    """One array (rows, …): whole numbers as int64, other numbers in `dtype`. What is said of columns names them where the
    values do, as those of a data frame."""
    names = [str(each) for each in getattr(values, "columns", ())]
    array = _array(values, name, names)
    if array.ndim == 0:
        raise ShapeError(f"{name} is {_what(array)}; it has to be an array of rows, or (X, t)")
    if array.dtype.kind not in "biuf":
        raise DtypeError(f"{name} holds values of {array.dtype}; networks take numbers")
    dtype = np.dtype(dtype)
    if array.dtype.kind == "f":
        wrong, most = ~np.isfinite(array), np.finfo(dtype).max
    else:
        wrong, most = np.zeros(array.shape, bool), np.iinfo(np.int64).max
    if wrong.any():
        at = tuple(map(int, np.argwhere(wrong)[0]))
        found = "a missing value (NaN)" if np.isnan(array[at]) else "an infinite value"
        raise DataError(f"{name} has {found} at {_place(at, names)}; {int(wrong.sum())} in all. Fill or drop them first")
    if array.size and (array.max() > most or array.min() < -most):
        at = tuple(map(int, np.argwhere((array > most) | (array < -most))[0]))
        kind = dtype if array.dtype.kind == "f" else "int64"
        raise DataError(f"{name} has {array[at]:g} at {_place(at, names)}, too large for {kind}; scale the column first")
    return array.astype(np.int64 if array.dtype.kind in "biu" else dtype)


def refuse_masked(values: Any, name: str, names: Sequence[str] = ()) -> None:
    """DataError where a masked array masks anything: as an array it would give what lies behind its mask."""
    if isinstance(values, np.ma.MaskedArray) and values.ndim and np.ma.getmaskarray(values).any():
        mask = np.ma.getmaskarray(values)
        at = tuple(map(int, np.argwhere(mask)[0]))
        raise DataError(
            f"{name} has a missing value (masked) at {_place(at, names)}; {int(mask.sum())} in all. Fill or drop them first"
        )


def _array(values: Any, name: str, names: Sequence[str]) -> np.ndarray:
    """The values as an array of numbers, where they are numbers at all."""
    refuse_masked(values, name, names)
    if hasattr(values, "toarray") and not isinstance(values, np.ndarray):
        raise ShapeError(f"{name} is a sparse matrix; networks take it with its zeros: X.toarray()")
    try:
        array = np.asarray(values)
    except ValueError:
        shapes = [np.shape(each) if hasattr(each, "shape") or not hasattr(each, "__len__") else (len(each),) for each in values]
        odd = next((at for at, shape in enumerate(shapes) if shape != shapes[0]), 0)
        said = f"row {odd} has the shape {shapes[odd]}, row 0 {shapes[0]}" if odd else "the rows have different shapes"
        raise ShapeError(
            f"{name}: {said}; all rows are alike. Arrays that belong together are given as a tuple, (X, t)"
        ) from None
    if array.ndim and array.dtype.kind in "US" and not isinstance(values, np.ndarray):
        array = np.array(values, object)  # where a number stands beside a text, numpy makes texts of both
    return _numbers(array, name, names) if array.ndim and array.dtype.kind in "OUS" else array


def _numbers(array: np.ndarray, name: str, names: Sequence[str]) -> np.ndarray:
    """Python's numbers as numpy's; an error that names the first thing that is none."""
    flat = array.ravel().tolist()
    for number, value in enumerate(flat):
        if isinstance(value, (Real, Decimal)):
            continue
        place = _place(tuple(map(int, np.unravel_index(number, array.shape))), names)
        if value is None or type(value).__name__ in ("NAType", "NaTType"):
            raise DataError(f"{name} has a missing value ({value}) at {place}. Fill or drop them first")
        raise DtypeError(
            f"{name} has {value!r} at {place}; networks take numbers. Turn categories into numbers first, for instance with"
            " nets.data.Encoding"
        )
    if flat and all(isinstance(value, (int, np.integer)) and abs(int(value)) < 2**63 for value in flat):
        return np.array(flat, np.int64).reshape(array.shape)
    result = np.empty(len(flat))
    for number, value in enumerate(flat):
        try:
            result[number] = value
        except OverflowError:
            place = _place(tuple(map(int, np.unravel_index(number, array.shape))), names)
            raise DataError(f"{name} has a number at {place} that is too large for float64; scale the column first") from None
    return result.reshape(array.shape)


def _place(at: Sequence[int], names: Sequence[str]) -> str:
    if len(at) < 2:
        return f"row {at[0]}"
    column = repr(names[at[1]]) if len(at) == 2 and at[1] < len(names) else ", ".join(map(str, at[1:]))
    return f"row {at[0]}, column {column}"


def _what(array: np.ndarray) -> str:
    return "a single number" if array.dtype.kind in "biufc" else f"a {type(array.item()).__name__}"


def check_numbers(arrays: Sequence[np.ndarray], counts: Sequence[int], names: Sequence[str]) -> None:
    """DataError where an array of numbers, of classes or the like, has one that is not among so many."""
    for values, count, name in zip(arrays, counts, names, strict=False):  # a wrong count of arrays is said by whoever takes them
        fits = f"there are {count}, numbered 0 to {count - 1}"
        all_fine(values, (values >= 0) & (values < count) & (values == np.floor(values)), f"the {name}", fits)


def all_fine(values: np.ndarray, fine: np.ndarray, name: str, needed: str) -> None:
    """DataError naming the first of some rows' values that is not fine, where it stands, and what is needed instead."""
    if not fine.all():
        at = tuple(int(each) for each in np.argwhere(~fine)[0])
        raise DataError(f"{name} has {values[at]:g} at {_place(at, ())}; {needed}")
