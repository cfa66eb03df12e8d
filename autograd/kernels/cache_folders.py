"""Where machine code is kept, for people: which folders, how much lies there, and whether anything can be added."""

from __future__ import annotations

import os
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

from . import code_cache


@dataclass(frozen=True, slots=True)
class CodeFolder:
    """A folder of machine code: how many pieces, how many bytes, and whether what is new can be put there (or where it
    would be made)."""

    path: Path
    pieces: int
    bytes: int
    writable: bool


def code_folders() -> list[CodeFolder]:
    """The folders in the order in which they are looked through; what is new goes to the first that can be written."""
    return [_looked_at(folder) for folder in code_cache.folders()]


def _looked_at(folder: code_cache.Folder) -> CodeFolder:
    sizes = []
    try:
        with os.scandir(folder.path) as entries:
            for entry in entries:
                if entry.name.endswith(".o") and not entry.name.startswith("."):
                    sizes.append(entry.stat().st_size)
    except OSError:
        pass
    here = folder.path
    while not here.exists() and here.parent != here:
        here = here.parent
    # A folder in which others could put code is not used, whatever its permissions allow us; here that is no warning.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        usable = code_cache.is_own(folder) if here == folder.path else here.is_dir()
    return CodeFolder(folder.path, len(sizes), sum(sizes), usable and _takes_files(here))


def _takes_files(folder: Path) -> bool:
    """Whether something can be put into a folder: tried, because a folder such as /proc says yes and takes nothing."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".nngraph-", dir=folder))
    except OSError:
        return False
    return True
