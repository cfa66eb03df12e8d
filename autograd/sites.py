"""Where a node was built, and what the user called it: looked up from the remembered instruction only when asked."""

from __future__ import annotations

import dis
from functools import lru_cache
from types import CodeType

from .node import Node, abilities

_STORES = {"STORE_NAME", "STORE_FAST", "STORE_GLOBAL", "STORE_DEREF", "STORE_ATTR"}
_SILENT = {"CACHE", "COPY", "EXTENDED_ARG", "NOP", "PRECALL"}
_LOADS = {"LOAD_FAST", "LOAD_NAME", "LOAD_GLOBAL", "LOAD_DEREF"}


def assigned_name(node: Node) -> str | None:
    """The variable or attribute that the expression building this node is assigned to; None when there is none.

    >>> import nngraph as ng
    >>> x = ng.input("x", 2.0)
    >>> hidden = x * x
    >>> hidden.name
    'hidden'
    """
    code, instruction = node.site
    return None if instruction < 0 else _target(code, instruction)


def source_line(node: Node) -> tuple[str, int]:
    """The file and the line where the user's code built this node."""
    code, instruction = node.site
    at = instruction if instruction >= 0 else ~instruction
    for start, end, line in code.co_lines():
        if start <= at < end and line is not None:
            return code.co_filename, line
    return code.co_filename, code.co_firstlineno


@lru_cache(maxsize=4096)
def _target(code: CodeType, instruction: int) -> str | None:
    following = [each for each in _instructions(code) if each.offset > instruction and each.opname not in _SILENT]
    for at, each in enumerate(following[:2]):
        if each.opname in _STORES:
            # pytest's rewritten asserts store into names that no one wrote.
            return str(each.argval) if str(each.argval).isidentifier() else None
        if each.opname not in _LOADS or at + 1 >= len(following) or following[at + 1].opname != "STORE_ATTR":
            return None
    return None


@lru_cache(maxsize=256)
def _instructions(code: CodeType) -> list[dis.Instruction]:
    return list(dis.get_instructions(code))


abilities["assigned_name"] = assigned_name
