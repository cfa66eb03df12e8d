"""Derivations: a graph told as mathematics, every line checked in numbers."""

from .explain import explain

__all__ = ["explain"]
