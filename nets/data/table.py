"""Tables as people keep them: named columns of numbers and of categories, with gaps, from a CSV file or from lists."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from ...autograd.errors import ParameterError
from ...autograd.files import write_whole
from ..rows import DataError, content
from .dataset import split_rows

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})
"""What counts as a gap, in small letters."""
KINDS = ("number", "category")


@dataclass(frozen=True, eq=False)
class Column:
    """Numbers as float64, or categories as texts; a gap is NaN among numbers and None among categories."""

    name: str
    kind: str
    values: np.ndarray

    @property
    def missing(self) -> np.ndarray:
        """Where there are gaps: (rows,) of bool."""
        return (
            np.isnan(self.values) if self.kind == "number" else np.array([each is None for each in self.values], bool)
        )


@dataclass(frozen=True, eq=False)
class Table:
    """Columns by name, all with as many rows. `numbers` are the row numbers in the file, from 1 below the header, so
    that a part of a table can still say where it comes from.

    >>> from nngraph.nets import data
    >>> table = data.Table.of("shop", {"price": [3, 4.5, None], "color": ["red", "blue", "red"]})
    >>> table
    <shop: 3 rows; price (number, 1 missing), color (category)>
    """

    name: str
    columns: Mapping[str, Column]
    numbers: np.ndarray

    @classmethod
    def of(cls, name: str, columns: Mapping[str, Iterable[Any]], kinds: Mapping[str, str] | None = None) -> Table:
        """A table of lists or arrays. A column of numbers, or of texts that are all numbers, holds numbers; any other,
        categories. None, NaN and what a masked array masks are gaps, as are empty texts."""
        if not hasattr(columns, "items"):
            raise DataError(f"{name}: columns come by name, {{'price': [3, 4]}}, not as {columns!r}")
        for column, values in columns.items():
            if isinstance(values, str) or not hasattr(values, "__iter__") or np.ndim(np.asarray(values, object)) != 1:
                raise DataError(f"{name}: column {str(column)!r} has to be a list of values, one for each row")
        lists = {str(column): list(values) for column, values in columns.items()}
        counts = {len(values) for values in lists.values()}
        if len(counts) > 1:
            said = ", ".join(f"{column!r} {len(values)}" for column, values in lists.items())
            raise DataError(f"{name}: the columns have different numbers of rows: {said}")
        if not lists or not counts.pop():
            raise DataError(f"{name} has no rows")
        kinds = dict(kinds or {})
        for column, kind in kinds.items():
            if column not in lists:
                raise ParameterError(f"kinds: {name} has no column {column!r}; there are {', '.join(map(repr, lists))}")
            if kind not in KINDS:
                raise ParameterError(f"kinds: {column!r} is to be {kind!r}; a column is a 'number' or a 'category'")
        made = {column: _column(column, values, kinds.get(column)) for column, values in lists.items()}
        return cls(name, made, np.arange(1, len(next(iter(lists.values()))) + 1))

    def __len__(self) -> int:
        return len(self.numbers)

    def __repr__(self) -> str:
        told = []
        for name, column in self.columns.items():
            gaps = int(column.missing.sum())
            told.append(f"{name} ({column.kind}{f', {gaps} missing' if gaps else ''})")
        return f"<{self.name}: {len(self)} rows; {', '.join(told)}>"

    def __getitem__(self, name: str) -> Column:
        if name not in self.columns:
            raise ParameterError(f"{self.name} has no column {name!r}; there are {', '.join(map(repr, self.columns))}")
        return self.columns[name]

    def rows(self, which: np.ndarray) -> Table:
        """The same with some of the rows."""
        columns = {name: replace(column, values=column.values[which]) for name, column in self.columns.items()}
        return Table(self.name, columns, self.numbers[which])

    def without(self, *names: str) -> Table:
        """The same without some of the columns."""
        for name in names:
            self[name]
        return replace(self, columns={name: column for name, column in self.columns.items() if name not in names})

    def split(self, share: float = 0.25, seed: int = 0, by: str | None = None) -> tuple[Table, Table]:
        """Training and test rows; with `by`, every category of that column keeps its share in both."""
        groups = None if by is None else np.array([str(each) for each in self[by].values])
        train, test = split_rows(groups, len(self), share, seed)
        return self.rows(train), self.rows(test)

    def write(self, path: str | Path) -> None:
        """A CSV file of the table, whole or not at all; gaps are empty."""
        buffer = StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(self.columns)
        cells = [
            ["" if gap else written(value) for value, gap in zip(column.values, column.missing, strict=True)]
            for column in self.columns.values()
        ]
        writer.writerows(zip(*cells, strict=True))
        try:
            write_whole(path, buffer.getvalue().encode())
        except OSError as error:
            raise DataError(f"{path} cannot be written: {error.strerror or error}") from None


def read_table(
    path: str | Path,
    kinds: Mapping[str, str] | None = None,
    delimiter: str | None = None,
    encoding: str = "utf-8-sig",
) -> Table:
    """The table in a CSV file whose first line names the columns. DataError naming the line, row or column that is no
    good.

    `kinds` says which columns are a "number" or a "category" where that is not to be seen: postal codes are categories.
    The delimiter is a comma, semicolon or tab, whichever the first line has most of, unless it is given.
    """
    if not isinstance(path, (str, Path)):
        raise ParameterError(f"path={path!r}: the name of a CSV file")
    if delimiter is not None and (not isinstance(delimiter, str) or len(delimiter) != 1):
        raise ParameterError(f"delimiter={delimiter!r}: the one character between the columns, such as ';'")
    path, data = Path(path), content(path)
    try:
        text = data.decode(encoding)
    except LookupError:
        raise ParameterError(f"encoding={encoding!r}: there is none of that name") from None
    except UnicodeError as error:
        named = "'utf-16'" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "'gb18030' or 'big5'"
        at = f": byte {error.start}" if isinstance(error, UnicodeDecodeError) else ""
        raise DataError(f"{path} is no text in {encoding}{at}; say encoding=, such as {named}") from None
    if "\0" in text:
        raise DataError(f"{path} is no text in {encoding}: it holds a zero byte; say encoding=, such as 'utf-16'")
    if not text.strip():
        raise DataError(f"{path} is empty; the first line names the columns")
    delimiter = delimiter or max(",;\t", key=re.sub(r'"[^"]*"', "", text).lstrip("\r\n").partition("\n")[0].count)
    header, rows = _cells(path, text, delimiter)
    return Table.of(path.stem, {name: [row[at] for row in rows] for at, name in enumerate(header)}, kinds)


def _cells(path: Path, text: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    try:
        header = [name.strip() for name in next(row for row in reader if row)]
        for name in header:
            if header.count(name) > 1 or not name:
                raise DataError(f"{path}: " + (f"two columns are called {name!r}" if name else "a column has no name"))
        for row in reader:
            if not row:
                continue  # an empty line
            if len(row) != len(header):
                raise DataError(
                    f"{path}, line {reader.line_num}: {len(row)} values, but there are {len(header)} columns"
                )
            rows.append(row)
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}") from None
    if not rows:
        raise DataError(f"{path} has a header and no rows")
    return header, rows


def _column(name: str, values: Sequence[Any], kind: str | None) -> Column:
    gaps = [_is_missing(value) for value in values]
    numbers = [None if gap else _number(value) for value, gap in zip(values, gaps, strict=True)]
    filled = len(values) - sum(gaps)
    good = sum(number is not None for number in numbers)
    commas = [
        at
        for at, (number, value) in enumerate(zip(numbers, values, strict=True))
        if number is None and _with_points(value)
    ]
    if kind != "category" and commas and good + len(commas) >= 0.8 * filled:
        at = commas[0]
        raise DataError(
            f"column {name!r}, row {at + 1}: {values[at]!r} is written with a comma; write"
            f" {' or '.join(_with_points(values[at]))}, or say kinds={{{name!r}: 'category'}}"
        )
    odd = [at for at, (number, gap) in enumerate(zip(numbers, gaps, strict=True)) if number is None and not gap]
    if kind == "number" or (kind is None and filled and good >= 0.8 * filled):
        if odd:
            others = "" if kind else f", but {good} of the {filled} values are"
            raise DataError(
                f"column {name!r}, row {odd[0] + 1}: {values[odd[0]]!r} is no number{others}. Correct it, or leave it"
                f" empty, or say kinds={{{name!r}: 'category'}}"
            )
        return Column(
            name, "number", np.array([np.nan if number is None else number for number in numbers], np.float64)
        )
    texts = np.empty(len(values), object)
    texts[:] = [None if gap else str(value).strip() for value, gap in zip(values, gaps, strict=True)]
    return Column(name, "category", texts)


def _is_missing(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in MISSING
    return value is None or value is np.ma.masked or type(value).__name__ == "NAType" or value != value


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    # Underscores are Python's, not a table's.
    return number if np.isfinite(number) and not (isinstance(value, str) and "_" in value) else None


def _with_points(value: Any) -> list[str]:
    """The numbers that a text with commas may mean, without them: commas between thousands, or one before decimals."""
    if not isinstance(value, str) or "," not in value:
        return []
    text = value.strip()
    found = [text.replace(",", "")] if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", text) else []
    if text.count(",") == 1 and _number(text.replace(",", ".")) is not None:
        found.append(text.replace(",", "."))
    return found


def written(value: Any) -> str:
    """A value as a text with all its digits, so that different values have different texts."""
    if isinstance(value, str):
        return value
    return repr(int(value) if float(value).is_integer() and abs(value) < 2**53 else float(value))
