"""Results as files: written whole or not at all, through links, and straight into devices such as /dev/null."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


def write_whole(path: str | Path, data: bytes) -> None:
    """Write beside the file first, then rename: a reader sees the old file or the whole new one; OSError if that fails, which
    names the file that was to be written.

    A link stays a link, and what it points at is written. An existing file keeps its permissions.
    """
    try:
        _write_whole(path, data)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None


def _write_whole(path: str | Path, data: bytes) -> None:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        # A device or a named pipe has no old content to keep, and a file must not take its place.
        with open(path, "wb") as device:
            device.write(data)
        return
    target = Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o666 & ~_mask() if mode is None else stat.S_IMODE(mode))
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def is_device(path: str | Path) -> bool:
    """Whether this is neither a file nor a folder nor a name that is free: /dev/null, a named pipe."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def _mask() -> int:
    # A temporary file is its owner's alone; the result is a file like any other. The mask can only be read by setting it.
    mask = os.umask(0)
    os.umask(mask)
    return mask
