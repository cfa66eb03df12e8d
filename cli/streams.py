"""Standard input and output when something is wrong with them: closed, full, marked as PowerShell marks what it writes, no text at all."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from contextlib import suppress
from typing import Any, NoReturn, TextIO

from ..autograd.language import N_, translate
from .errors import CommandError

OF_STREAMS = {errno.ENOSPC, errno.EIO, errno.EBADF, errno.EFBIG, errno.EAGAIN}


class StreamError(CommandError):
    """Standard output takes nothing: it is closed, the disk is full."""


class ClosedOutput(io.TextIOBase):
    """What stands for a standard output that was closed (`>&-`), where Python itself puts None."""

    @property
    def buffer(self) -> ClosedOutput:
        """Bytes go the same way."""
        return self

    def write(self, content: Any) -> NoReturn:
        raise cannot_write(translate(N_("it is closed")))


def stand_in_for_closed() -> None:
    """From here on a closed stream is an error of its own kind, and only when it is used."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # else the next file that is opened would be taken for the stream
    if sys.stdout is None:
        sys.stdout = ClosedOutput()
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (lives as long as the program)


def flush() -> None:
    """Send on what stdout still holds; StreamError when it cannot be written."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise cannot_write(error.strerror or error) from None


def cannot_write(reason: object) -> StreamError:
    """The error for a stdout that takes nothing; what it still holds goes nowhere, so that nothing complains again."""
    drop(sys.stdout)
    return StreamError(
        translate(N_("cannot write {path}: {reason}"), path=translate(N_("standard output")), reason=reason)
    )


def drop(stream: TextIO) -> None:
    """Let a stream end in nothing; otherwise Python tries it once more when it closes the stream, and complains."""
    with suppress(OSError, ValueError):  # no stream of the system's
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def lost(error: BaseException) -> BaseException:
    """The error itself, or the StreamError it stands for: help and tables reach stdout by ways of the terminal library.

    Files that cannot be written are named by whoever writes them; a full disk without a name is stdout's.
    """
    if isinstance(error, OSError) and error.filename is None and error.errno in OF_STREAMS:
        return cannot_write(error.strerror)
    return error


def standard_input() -> str:
    """All of standard input as text, a byte order mark taken off; CommandError when it is closed or no text."""
    if sys.stdin is None:
        raise _cannot_read(translate(N_("it is closed")))
    try:
        data = getattr(sys.stdin, "buffer", sys.stdin).read()
    except OSError as error:
        raise _cannot_read(error.strerror or error) from None
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    # PowerShell marks what it writes; the terminal's own encoding is asked last, because it often reads anything.
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ["utf-16"] if wide else ["utf-8-sig", sys.stdin.encoding or "utf-8"]:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            pass
    raise CommandError(translate(N_("standard input is no text")), translate(N_("write it in UTF-8")))


def _cannot_read(reason: object) -> CommandError:
    return CommandError(
        translate(N_("cannot read {path}: {reason}"), path=translate(N_("standard input")), reason=reason)
    )
