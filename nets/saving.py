"""Values in files: safetensors, written whole or not at all, read without running anything that is in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..autograd.errors import NngraphError
from ..autograd.files import write_whole

DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?", "C64": "<c8",
}  # fmt: skip
"""The names of dtypes in a safetensors file, and numpy's. bfloat16 is the upper half of float32's bits."""


class FileError(NngraphError, OSError):
    """A file of values that cannot be read, or is none."""


def save_values(path: str | Path, values: Mapping[str, np.ndarray], about: Mapping[str, str] | None = None) -> None:
    """Write arrays by name, and a few texts about them."""
    from safetensors.numpy import save

    written = save({name: np.array(value, order="C") for name, value in values.items()}, dict(about or {}))
    try:
        write_whole(path, written)
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror or error}") from None


def load_values(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of a file, by name. bfloat16, which numpy does not have, becomes float32, which has all its numbers."""
    from safetensors import SafetensorError, deserialize

    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from None
    try:
        parts = deserialize(data)
    except SafetensorError as error:
        raise FileError(f"{path} is no whole safetensors file: {error}") from None
    return {name: _array(path, name, **part) for name, part in parts}


def _array(path: str | Path, name: str, dtype: str, shape: list[int], data: bytes) -> np.ndarray:
    if dtype not in DTYPES:
        raise FileError(f"{path}: {name} is of {dtype}, which numpy does not have; it can be one of {', '.join(DTYPES)}")
    array = np.frombuffer(data, DTYPES[dtype])
    if dtype == "BF16":
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(array.dtype.newbyteorder("=")).reshape(shape)
