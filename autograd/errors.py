"""The errors a user can meet. Each says what went wrong, where (op, scope, shapes), and what to try instead."""

from __future__ import annotations

from typing import Any, Self


class NngraphError(Exception):
    """The base of every error that nngraph raises on purpose.

    The message is a text, a Reason, or a sentence marked with N_ and its fields by name; such a sentence is said in the
    language that is spoken when the error is printed.
    """

    def __init__(self, message: str = "", /, **fields: Any) -> None:
        super().__init__(message)
        self.fields = fields
        self.before = ""

    def __str__(self) -> str:
        message = self.args[0] if self.args else ""
        if self.fields:
            from .language import translate

            return self.before + translate(str(message), None, **self.fields)
        from .reason import said

        return self.before + (said(message) if isinstance(message, str) else str(message))

    def within(self, before: str) -> Self:
        """The same error, with where it happened said before it: `matmul in mlp: `."""
        error = type(self)(*self.args, **self.fields)
        error.before = before + self.before
        return error


class ShapeError(NngraphError, ValueError):
    """Shapes that do not fit the op they were given to."""


class DtypeError(NngraphError, TypeError):
    """A kind of number (integer, boolean, text) that makes no sense where it was given."""


class ParameterError(NngraphError, ValueError):
    """A setting of an op (an axis, a stride, a mode) that the op does not have or cannot use."""


class GradientError(NngraphError, ValueError):
    """A derivative that does not exist or was asked of something that is not a number."""


class MissingValue(NngraphError, ValueError):
    """A value was asked for, but an input it depends on has none yet."""


class DomainError(NngraphError, ValueError):
    """Values at which an expression has no finite result."""


class NoDevice(NngraphError, RuntimeError):
    """An engine was asked for whose device this machine does not have, or nothing to reach it with."""


class OutOfDeviceMemory(NngraphError, MemoryError):
    """A GPU has less memory free than is needed. `asked` and `free` are bytes, where they are known."""

    def __init__(self, message: str = "", /, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.asked: int | None = None
        self.free: int | None = None


class UnknownOp(NngraphError, KeyError):
    """A name that is in no op declaration."""


class CheckFailed(NngraphError):
    """A line of a derivation, or a gradient, that did not survive its check in numbers."""
