"""What the shell offers after Tab: function names inside an expression, variables of the expression, formats."""

from __future__ import annotations

import re
from pathlib import Path

import typer


def complete_expression(incomplete: str) -> list[str]:
    """The expression so far with its last word completed to a function; files while it looks like a path.

    >>> complete_expression("w*sigm")
    ['w*sigmoid(']
    """
    from .parse import function_table

    word = re.search(r"[A-Za-z_]\w*$", incomplete)
    files = sorted(f"{path}:" for path in Path().glob("*.py") if str(path).startswith(incomplete)) if incomplete else []
    if word is None:
        return files
    start = incomplete[: word.start()]
    return [f"{start}{name}(" for name in sorted(function_table()) if name.startswith(word[0])] + files


def complete_operation(incomplete: str) -> list[str]:
    """The names of ops that start so.

    >>> complete_operation("softmax_l")
    ['softmax_loss']
    """
    from ..autograd import ops as _declared  # noqa: F401  (importing it fills the table)
    from ..autograd.op import OPS

    return [name for name in sorted(OPS) if name.startswith(incomplete)]


def complete_names(context: typer.Context, incomplete: str) -> list[str]:
    """The variables of the expression typed before, after the last comma."""
    from .errors import CommandError
    from .parse import free_names

    text = context.params.get("expression") or ""
    try:
        names = free_names(text)
    except CommandError:
        return []
    head, comma, last = incomplete.rpartition(",")
    return [f"{head}{comma}{name}" for name in names if name.startswith(last)]
