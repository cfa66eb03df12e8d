"""Values in files: safetensors, written whole or not at all, read without running anything that is in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..autograd.errors import NngraphError
from ..autograd.files import write_whole


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
    """The arrays of a file, by name."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from None
    try:
        return load(data)
    except SafetensorError as error:
        raise FileError(f"{path} is no whole safetensors file: {error}") from None
