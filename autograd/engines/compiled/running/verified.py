"""Graphs as they were built: before addresses are made from shapes, every node must have the shape and dtype its op gives."""

from __future__ import annotations

from collections.abc import Sequence

from ....errors import NngraphError
from ....graph import bodies, order
from ....node import Node, describe, on_behalf


def verify(outputs: Sequence[Node]) -> None:
    """NngraphError where a node has been changed after it was built: compiled code would read outside its memory."""
    waiting = [list(outputs)]
    with on_behalf():
        while waiting:
            for node in order(waiting.pop()):
                _verify(node)
                waiting += [list(body.outputs) for body in bodies(node)]


def _verify(node: Node) -> None:
    if node.is_leaf:
        value = node._value if node.role == "constant" else None
        fits = value is None or (value.shape, value.dtype) == (node.shape, node.dtype)
    else:
        try:
            again = node.op.apply(node.inputs, node.params)
        except Exception as error:
            raise NngraphError(f"{describe(node)} is not what it was built as: {error}") from error
        fits = (again.shape, again.dtype) == (node.shape, node.dtype)
    if not fits:
        raise NngraphError(
            f"{describe(node)} is not what it was built as; nodes are never changed: build another one, on other inputs or"
            " with other params"
        )
