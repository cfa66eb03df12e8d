"""What is inside a composite line: its formula opened, step by step, where a student would ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .derivation import Step
from .local import Line

if TYPE_CHECKING:
    from .explain import _Explanation


def inside_steps(explanation: _Explanation, line: Line) -> list[Step]:
    """The lines inside a composite op."""
    return []
