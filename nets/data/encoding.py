"""From a table to numbers: categories become columns of 0 and 1, numbers are scaled, gaps are dealt with as was
said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...autograd.errors import ParameterError
from ..rows import DataError
from .dataset import Dataset
from .gaps import FOR_GAPS
from .table import Column, Table, read_table, written

GAP = "missing"
"""The category that gaps form when they are filled."""
GREATEST = float(np.finfo(np.float32).max)


class Encoding:
    """How rows of a table become X and t. All it knows it has learned from the rows it is made with, which are those
    for training: means and spreads, categories, and what fills gaps.

    A column of numbers becomes one column at mean 0 and spread 1 (as it is with scale=False); a column of categories
    becomes one column `color=red` for each, 1 where it applies. `missing` says what happens to gaps: "error"; "fill",
    by the median for numbers and by a category of its own for categories; "drop", the row is left out. `unseen` says
    what happens to a category that no row for training has: "error", or "zeros", where none applies. The target is
    "classes" or "amounts"; left out, texts and up to ten different whole numbers are classes.

    >>> from nngraph.nets import data
    >>> colors = ["red", "blue", "red", "red"]
    >>> table = data.Table.of("shop", {"price": [3, 4, 5, 4], "color": colors, "sold": list("ynyn")})
    >>> encoded = data.Encoding(table, "sold")(table)
    >>> encoded.columns, encoded.classes, encoded.X[0].round(2).tolist(), encoded.t.tolist()
    (('price', 'color=blue', 'color=red'), ('n', 'y'), [-1.41, 0.0, 1.0], [1, 0, 1, 0])
    """

    def __init__(
        self,
        train: Table,
        target: str,
        *,
        missing: str = "error",
        unseen: str = "error",
        task: str | None = None,
        scale: bool = True,
    ) -> None:
        for name, value, allowed in (
            ("missing", missing, FOR_GAPS),
            ("unseen", unseen, ("error", "zeros")),
            ("task", task, (None, "classes", "amounts")),
        ):
            if value not in allowed:
                raise ParameterError(f"{name}={value!r}; it is one of {', '.join(map(repr, allowed))}")
        self.target, self.missing, self.unseen = target, missing, unseen
        train[target]  # before anything is said of gaps
        train = self._without_gaps(train)
        self.task = task or _task(train[target])
        self.classes = tuple(_labels(train[target])) if self.task == "classes" else ()
        self._check_target(train[target])
        # Column -> its categories, or (what fills it, mean, spread).
        self.categories: dict[str, tuple[str, ...]] = {}
        self.scales: dict[str, tuple[float, float, float]] = {}
        for column in train.columns.values():
            if column.name == target:
                continue
            if column.kind == "number":
                self.scales[column.name] = _scale(column, scale)
            else:
                self.categories[column.name] = _categories(column, missing == "fill")
        if not self.categories and not self.scales:
            raise DataError(f"{train.name} has no column besides the target {target!r}")

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of X's columns, those of numbers first."""
        return (*self.scales, *(f"{name}={each}" for name, them in self.categories.items() for each in them))

    def __call__(self, table: Table) -> Dataset:
        """The rows as numbers; DataError naming column, row and value of what cannot be."""
        table = self._without_gaps(table)
        parts = []
        for name, (fill, mean, spread) in self.scales.items():
            column = self._column(table, name, "number")
            values = np.where(column.missing, fill, column.values)
            parts.append(((values - mean) / spread)[:, None])
        for name, categories in self.categories.items():
            parts.append(self._one_hot(table, self._column(table, name, "category"), categories))
        return Dataset(table.name, np.concatenate(parts, 1), self._targets(table), self.columns, self.classes)

    def _without_gaps(self, table: Table) -> Table:
        """The rows that are used; DataError at the first gap that may not be."""
        if self.missing == "drop":
            gaps = np.any([column.missing for column in table.columns.values()], axis=0)
            if gaps.all():
                raise DataError(f"{table.name}: every row has a gap, so missing='drop' leaves none")
            return table.rows(~gaps)
        for column in table.columns.values():
            if column.missing.any() and (self.missing == "error" or column.name == self.target):
                what = "the target " if column.name == self.target else ""
                remedy = "missing='drop'" if what else "missing='fill' or missing='drop'"
                raise DataError(
                    f"{what}column {column.name!r}, row {table.numbers[column.missing.argmax()]}: the value is missing;"
                    f" {int(column.missing.sum())} of {len(table)} are. Say {remedy}"
                )
        return table

    def _column(self, table: Table, name: str, kind: str) -> Column:
        column = table[name]
        if column.kind != kind and not (kind == "category" and column.missing.all()):
            raise DataError(
                f"column {name!r} holds a {column.kind} in each row of {table.name}; in training it was a {kind}"
            )
        return column

    def _one_hot(self, table: Table, column: Column, categories: tuple[str, ...]) -> np.ndarray:
        places = {each: at for at, each in enumerate(categories)}
        result = np.zeros((len(table), len(categories)))
        for row, (value, gap) in enumerate(zip(column.values, column.missing, strict=True)):
            at = places.get(GAP if gap else value)
            if at is not None:
                result[row, at] = 1
            elif not gap and self.unseen == "error":
                raise DataError(
                    f"column {column.name!r}, row {table.numbers[row]}: {value!r} is in no row for training; there are"
                    f" {', '.join(map(repr, categories[:8]))}. Say unseen='zeros' to go on"
                )
        return result

    def _check_target(self, column: Column) -> None:
        if self.task == "amounts" and column.kind != "number":
            raise DataError(f"the target column {column.name!r} holds texts; amounts are numbers")
        if self.task == "classes" and len(self.classes) < 2:
            raise DataError(
                f"the target column {column.name!r} holds only {self.classes[0]!r}; there is nothing to tell apart"
            )

    def _targets(self, table: Table) -> np.ndarray:
        column = table[self.target]
        if self.task == "amounts":
            self._check_target(column)
            return column.values
        places = {each: at for at, each in enumerate(self.classes)}
        for row, value in enumerate(map(_label, column.values)):
            if value not in places:
                raise DataError(
                    f"the target column {column.name!r}, row {table.numbers[row]}: {value!r} is in no row for training;"
                    f" the classes are {', '.join(map(repr, self.classes))}"
                )
        return np.array([places[_label(value)] for value in column.values], np.int64)


def load_table(
    path: str | Path,
    target: str,
    *,
    test: float = 0.25,
    seed: int = 0,
    drop: str | tuple[str, ...] = (),
    kinds: Mapping[str, str] | None = None,
    **settings: Any,
) -> tuple[Dataset, Dataset]:
    """Training and test rows of a CSV file as numbers. `drop` names columns to leave out, such as names of customers;
    the other settings are those of `Encoding`, which learns from the training rows."""
    table = read_table(path, kinds).without(*((drop,) if isinstance(drop, str) else drop))
    by = target if (settings.get("task") or _task(table[target])) == "classes" else None
    train, rest = table.split(test, seed, by)
    encoding = Encoding(train, target, **settings)
    return encoding(train), encoding(rest)


def _task(column: Column) -> str:
    if column.kind == "category":
        return "classes"
    found = np.unique(column.values[~column.missing])
    return "classes" if len(found) <= 10 and (found == np.floor(found)).all() else "amounts"


def _label(value: Any) -> str:
    return value if isinstance(value, str) else written(value)


def _labels(column: Column) -> list[str]:
    found = column.values[~column.missing]
    return [_label(each) for each in (np.unique(found) if column.kind == "number" else sorted(set(found)))]


def _scale(column: Column, wanted: bool) -> tuple[float, float, float]:
    known = column.values[~column.missing]
    if not len(known):
        raise DataError(f"column {column.name!r} has no value in any row for training; leave it out")
    if np.abs(known).max() > GREATEST:
        raise DataError(f"column {column.name!r} holds {known[np.abs(known).argmax()]:g}, too large for float32")
    fill = float(np.median(known))
    filled = np.where(column.missing, fill, column.values)
    return (fill, float(filled.mean()), float(filled.std()) or 1.0) if wanted else (fill, 0.0, 1.0)


def _categories(column: Column, gaps_count: bool) -> tuple[str, ...]:
    found = sorted({each for each in column.values if each is not None})
    if len(found) > 50 and len(found) > 0.5 * len(column.values):
        raise DataError(
            f"column {column.name!r} holds {len(found)} different texts in {len(column.values)} rows, such as"
            f" {found[0]!r}: it names the rows and says nothing of them. Leave it out, drop=({column.name!r},)"
        )
    return (*found, GAP) if gaps_count and column.missing.any() and GAP not in found else tuple(found)
