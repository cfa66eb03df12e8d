"""The folder in which machine code is kept, so that a kernel is compiled once on a machine and not in every process.

Machine code that is read is run. So a file counts only when it is whole and when nobody but this user, or the
administrator, could have written it. The cache may be read-only, shared by several processes, damaged, deleted or not
there at all: then code is compiled again, and the program runs all the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path
from time import time
from typing import NamedTuple

_MARK = b"nngraph machine code 2\n"
_HEAD = len(_MARK) + 32
_OURS = re.compile(r"\.?[0-9a-f]{32}\..*")

MOST_BYTES, MOST_FILES = 512 << 20, 50_000
"""What is used least recently goes when the folder has grown beyond."""
DAY = 86_400.0


class Folder(NamedTuple):
    """A folder for machine code. `anywhere`: it lies where everybody may put things, such as the temporary folder, and
    links are not followed there."""

    path: Path
    anywhere: bool = False


@cache
def folders() -> tuple[Folder, ...]:
    """Where machine code is looked for; the first one that can be written to takes what is new.

    `NNGRAPH_CACHE` names the folder; else it is the user's cache folder, and where that cannot be written a folder of
    the user's own in the temporary folder.
    """
    asked = os.environ.get("NNGRAPH_CACHE")
    found: list[Folder] = []
    # A relative path means the place where the process is now; a process may be where there is no folder any more.
    with contextlib.suppress(OSError):
        if asked:
            return (Folder(Path(os.path.abspath(os.path.expanduser(asked)))),)
    if not asked and (home := _user_folder()) is not None:
        found.append(Folder(home / "nngraph" / "code"))
    with contextlib.suppress(OSError):
        user = os.geteuid() if hasattr(os, "geteuid") else "user"
        found.append(Folder(Path(tempfile.gettempdir()) / f"nngraph-code-{user}", anywhere=True))
    return tuple(found)


def _user_folder() -> Path | None:
    """The user's cache folder; None for a user without a home."""
    if sys.platform == "win32":
        text = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
    elif sys.platform == "darwin":
        text = os.path.expanduser("~/Library/Caches")
    else:
        text = os.environ.get("XDG_CACHE_HOME", "")
        text = text if os.path.isabs(text) else os.path.expanduser("~/.cache")
    return Path(text) if os.path.isabs(text) else None


# Reading and writing --------------------------------------------------------------------------------------------------
def read(key: str) -> bytes | None:
    """The code kept under a key; None when there is none that can be trusted."""
    for folder in folders():
        if not is_own(folder):
            continue
        try:
            with open(folder.path / f"{key}.o", "rb", opener=_without_links) as file:
                about = os.fstat(file.fileno())
                if not stat.S_ISREG(about.st_mode) or not _only_we_write(about):
                    continue
                data = file.read()
        except OSError:
            continue
        code = data[_HEAD:]
        if data[:_HEAD] == _MARK + _sum(key, code):
            if time() - about.st_mtime > DAY:
                # Not the time of reading, which many file systems do not note.
                with contextlib.suppress(OSError):
                    os.utime(folder.path / f"{key}.o")
            return code
    return None


def write(key: str, code: bytes) -> None:
    """Keep code, where there is a folder to keep it in; another process sees all of it or none."""
    for folder in folders():
        try:
            folder.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not is_own(folder):
                continue
            handle, name = tempfile.mkstemp(prefix=f".{key}.", dir=folder.path)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_MARK + _sum(key, code) + code)
                # Others may read it, where the folder lets them: one user can warm a cache for all.
                os.chmod(name, 0o644)
                os.replace(name, folder.path / f"{key}.o")
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            if not folder.anywhere and os.environ.get("NNGRAPH_CACHE") and not os.path.exists(folder.path):
                _warn(folder.path, f"it cannot be made ({error.strerror})")
            continue
        if key.startswith("00"):
            # Looking through the folder takes a while: now and then is enough.
            _sweep(folder.path)
        return


def _sum(key: str, code: bytes) -> bytes:
    # The key is part of it, so that a file under another's name does not count.
    return hashlib.sha256(key.encode() + b"\n" + code).digest()


def _without_links(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))


def _sweep(folder: Path) -> None:
    """Remove what was used least recently, down to three quarters of what is allowed. Files may go while another
    process looks, or be taken away by it; whoever misses one compiles it again."""
    with contextlib.suppress(OSError):
        files = []
        for entry in os.scandir(folder):
            with contextlib.suppress(OSError):
                if _OURS.fullmatch(entry.name):
                    about = entry.stat(follow_symlinks=False)
                    files.append((about.st_mtime, about.st_size, entry.path))
        total, count = sum(size for _, size, _ in files), len(files)
        if total <= MOST_BYTES and count <= MOST_FILES:
            return
        for _, size, path in sorted(files):
            if total <= MOST_BYTES * 3 // 4 and count <= MOST_FILES * 3 // 4:
                return
            with contextlib.suppress(OSError):
                os.unlink(path)
            total, count = total - size, count - 1


# Whom to trust --------------------------------------------------------------------------------------------------------
def is_own(folder: Folder) -> bool:
    """Whether nobody else can put files into a folder, and it is what it seems to be where
    everybody may put things."""
    try:
        about = os.lstat(folder.path) if folder.anywhere else os.stat(folder.path)
    except OSError:
        return False
    if stat.S_ISDIR(about.st_mode) and _only_we_write(about):
        return True
    if not folder.anywhere and os.environ.get("NNGRAPH_CACHE"):
        shared = "other users could have written machine code there; make it yours alone (chmod go-w)"
        _warn(folder.path, shared if stat.S_ISDIR(about.st_mode) else "it is no folder")
    return False


def _only_we_write(about: os.stat_result) -> bool:
    if os.name != "posix":
        return True
    return about.st_uid in (os.geteuid(), 0) and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@cache
def _warn(path: Path, why: str) -> None:
    warnings.warn(f"NNGRAPH_CACHE={path} is not used: {why}", stacklevel=2)
