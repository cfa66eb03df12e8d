"""The errors a user can meet. Each says what went wrong, where (op, scope, shapes), and what to try instead."""

from __future__ import annotations


class NngraphError(Exception):
    """The base of every error that nngraph raises on purpose."""


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


class UnknownOp(NngraphError, KeyError):
    """A name that is in no op declaration."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class CheckFailed(NngraphError):
    """A line of a derivation, or a gradient, that did not survive its check in numbers."""
