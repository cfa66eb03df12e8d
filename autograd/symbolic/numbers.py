"""Numbers as people read them: four significant digits, short ones whole, powers of ten only where they are needed.

Everything here is plain ASCII ("-0.9300", "1.5e-7", "nan"); each printer puts its own signs in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

SIGNIFICANT = 4
SHORT = 6
"""A number with at most this many significant digits is written out exactly."""
LARGEST_ROW, LARGEST_COUNT = 8, 8
"""Rows and columns of a table beyond these are left out with an ellipsis."""


def digits(value: Any, *, significant: int = SIGNIFICANT, padded: bool = False) -> str:
    """A number in digits, rounded for the eye. `padded`: short fractions get zeros too, as a column of values needs.

    >>> digits(-0.465), digits(0.5349912), digits(2.0), digits(-0.0333512345), digits(0.4, padded=True)
    ('-0.465', '0.5350', '2', '-0.03335', '0.4000')
    >>> digits(1.23456789e-7), digits(123456.789), digits(6.02e23), digits(float("nan")), digits(-math.inf)
    ('1.235e-7', '123457', '6.02e23', 'nan', '-inf')
    """
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    if isinstance(value, np.float32):
        value = float(str(value))  # the shortest digits that name this float32, not its tail in binary
    number = float(value)
    if not math.isfinite(number):
        return "nan" if math.isnan(number) else "inf" if number > 0 else "-inf"
    if number == 0:
        return "0"
    mantissa = f"{number:.15g}".partition("e")[0]
    own = len(mantissa.replace("-", "").replace(".", "").strip("0") or "0")
    if number == int(number) and abs(number) < 1e7:
        return str(int(number))
    magnitude = math.floor(math.log10(abs(number)))
    if -4 <= magnitude < 7:
        if own <= SHORT:
            text = f"{number:.{max(0, own - 1 - magnitude)}f}"
            if not padded or own > significant:
                return text
        return f"{number:.{max(0, significant - 1 - magnitude_rounded(number, significant))}f}"
    text = f"{number:.{min(own, significant) - 1}e}"
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}"


def magnitude_rounded(number: float, significant: int) -> int:
    """The power of ten of a number's first digit after rounding: 0.99999 counts as 1."""
    return int(f"{number:.{significant - 1}e}".partition("e")[2])


def error_digits(error: float) -> str:
    """The size of an error: one digit and a power of ten, or 0.

    >>> error_digits(3.1e-17), error_digits(0.0), error_digits(0.25)
    ('3e-17', '0', '0.2')
    """
    if error == 0:
        return "0"
    if not math.isfinite(error):
        return digits(error)
    if error >= 1e-3:
        return f"{error:.1g}" if error < 10 else digits(error, significant=2)
    mantissa, _, exponent = f"{error:.0e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def split_point(text: str) -> tuple[str, str]:
    """The part before the decimal point and the rest, for lining numbers up.

    >>> split_point("-0.9300"), split_point("12"), split_point("1.2e-7")
    (('-0', '.9300'), ('12', ''), ('1', '.2e-7'))
    """
    for at, character in enumerate(text):
        if character in ".e":
            return text[:at], text[at:]
    return text, ""


def lined_up(texts: Sequence[str]) -> list[str]:
    """Numbers padded to one width with their decimal points under each other.

    >>> lined_up(["0.5", "-12", "3.25"])
    ['  0.5 ', '-12   ', '  3.25']
    """
    parts = [split_point(text) for text in texts]
    before = max((len(left) for left, _ in parts), default=0)
    after = max((len(right) for _, right in parts), default=0)
    return [left.rjust(before) + right.ljust(after) for left, right in parts]


ELLIPSIS = "…"


def table(array: Any) -> list[list[str]]:
    """The numbers of a matrix, row by row; what does not fit a page is an ellipsis. Fractions of one table share a look.

    >>> table([[1, 2.5], [3, 4]]), table([[-2.2, 1e-17], [-0.6, 1 / 3]])
    ([['1', '2.5'], ['3', '4']], [['-2.2000', '0'], ['-0.6000', '0.3333']])
    """
    array = np.asarray(array)
    shown = np.array([_picked(row) for row in _picked(array)])
    written = _alike(shown)
    rows = [[written(value) for value in row] for row in shown]
    if array.shape[1] > LARGEST_COUNT:
        rows = [[*row[: LARGEST_COUNT - 2], ELLIPSIS, row[-1]] for row in rows]
    if array.shape[0] > LARGEST_ROW:
        rows = [*rows[: LARGEST_ROW - 2], [ELLIPSIS] * len(rows[0]), rows[-1]]
    return rows


def _alike(shown: np.ndarray) -> Callable[[Any], str]:
    """One way of writing all numbers of a table: as they are if all are short, else with the same decimals."""
    finite = np.abs(shown[np.isfinite(shown)].astype(float)) if shown.dtype.kind == "f" else np.zeros(0)
    largest = finite.max(initial=0.0)
    # What is 1e13 times smaller than its neighbours is what rounding left of a zero.
    noise = largest * 1e-13
    rest = finite[finite > noise]
    if not rest.size or all(len(split_point(digits(value))[1]) <= 3 and "e" not in digits(value) for value in rest):
        return lambda value: "0" if abs(value) <= noise else digits(value)
    high, low = magnitude_rounded(largest, SIGNIFICANT), magnitude_rounded(float(rest.min()), SIGNIFICANT)
    if not -4 <= high < 7 or high - low > 6:
        return lambda value: "0" if abs(value) <= noise else digits(value, padded=True)
    decimals = max(0, SIGNIFICANT - 1 - max(low, high - 2), SIGNIFICANT - 1 - high)
    return lambda value: (
        digits(value) if not math.isfinite(value) else "0" if abs(value) <= noise else f"{value:.{decimals}f}"
    )


def _picked(axis: np.ndarray) -> list[Any]:
    """The first entries of an axis and the last: enough to print it, however long it is."""
    return list(axis) if len(axis) <= LARGEST_COUNT else [*axis[: LARGEST_COUNT - 2], axis[-2], axis[-1]]


def nested(value: Any) -> Any:
    """An array as JSON holds it: nested lists in full precision, "nan", "inf" and "-inf" as words.

    >>> nested(np.array([[1.0, np.inf]]))
    [[1.0, 'inf']]
    """
    if isinstance(value, np.ndarray):
        return [nested(entry) for entry in value] if value.ndim else nested(value[()])
    if isinstance(value, (tuple, list)):
        return [nested(entry) for entry in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    number = float(value)
    return number if math.isfinite(number) else digits(number)
