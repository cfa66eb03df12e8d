"""Arrays from files: numpy's .npy, and tables of numbers as .csv, .tsv and .txt. Only real numbers; whatever else a file holds is named."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from ..autograd.language import N_, translate
from .errors import CommandError

if TYPE_CHECKING:
    import numpy as np

MAGIC = b"\x93NUMPY"
KINDS = {
    "U": N_("text"),
    "S": N_("text"),
    "M": N_("dates"),
    "m": N_("times"),
    "c": N_("complex numbers"),
    "V": N_("records"),
    "O": N_("Python objects"),
}
"""What an array of a dtype's kind holds, where that is no real number."""


def read_array(path: Path) -> np.ndarray:
    """The numbers in a file; CommandError, naming the file and what is wrong with it, where there are none."""
    try:
        if path.suffix.lower() == ".npy":
            return _read_npy(path)
        if path.suffix.lower() in (".csv", ".tsv", ".txt"):
            return _read_table(path)
    except OSError as error:
        raise CommandError(
            translate(N_("cannot read {path}: {reason}"), path=path, reason=error.strerror or error)
        ) from None
    except (ValueError, EOFError, csv.Error) as error:
        raise CommandError(
            translate(N_("{path} does not hold an array of numbers: {reason}"), path=path, reason=error)
        ) from None
    raise CommandError(
        translate(N_("{path} has no ending that can be read"), path=path), translate(N_("use .npy, .csv, .tsv or .txt"))
    )


def _read_npy(path: Path) -> np.ndarray:
    import numpy as np
    from numpy.lib import format as npy

    with path.open("rb") as file:
        # Anything else would be taken for a pickle, which is never loaded.
        if file.read(len(MAGIC)) != MAGIC:
            raise CommandError(
                translate(N_("{path} is no file of numpy's"), path=path), translate(N_("write it with numpy.save"))
            )
        file.seek(0)
        version = npy.read_magic(file)
        _, _, dtype = npy.read_array_header_1_0(file) if version == (1, 0) else npy.read_array_header_2_0(file)
        if dtype.kind not in "biuf":
            raise CommandError(
                translate(
                    N_("{path} holds {kind}; only real numbers can be used"),
                    path=path,
                    kind=translate(KINDS.get(dtype.kind, dtype.name)),
                )
            )
        file.seek(0)
        return np.load(file, allow_pickle=False)


def _read_table(path: Path) -> np.ndarray:
    """Rows of numbers. A first row without any number is passed over: it holds the titles of the columns. One column or
    one row comes out as a vector."""
    import numpy as np

    text = path.read_text(encoding="utf-8-sig")
    lines = [(at, line) for at, line in enumerate(text.splitlines(), 1) if line.strip() and not line.startswith("#")]
    signs = "\t" if path.suffix.lower() == ".tsv" else ",;"
    separator = next((sign for sign in signs if any(sign in line for _, line in lines)), " ")
    rows = [(at, _cells(line, separator)) for at, line in lines]
    if rows and not any(_is_number(cell) for cell in rows[0][1]):
        rows = rows[1:]
    if not rows:
        raise CommandError(translate(N_("there are no numbers in {path}"), path=path))
    for at, row in rows:
        for cell in row:
            if not _is_number(cell):
                raise ValueError(translate(N_("{cell} in line {line} is no number"), cell=repr(cell[:40]), line=at))
    if len({len(row) for _, row in rows}) > 1:
        raise ValueError(translate(N_("the rows have different lengths")))
    table = np.array([[float(cell) for cell in row] for _, row in rows])
    return table.reshape(-1) if 1 in table.shape else table


def _cells(line: str, separator: str) -> list[str]:
    """The cells of a line, out of their quotation marks; blanks separate however many there are."""
    line = " ".join(line.split()) if separator == " " else line.strip(" \r\n")
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator, skipinitialspace=True))]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # Python reads 1_000 as a number; nobody else does
