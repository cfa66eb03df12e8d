"""The shape that elementwise ops give, by numpy's rule, and what to say when shapes do not fit together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .errors import ShapeError
from .language import N_
from .node import Node, open_scope


def broadcast_shapes(op: Any, nodes: Sequence[Node]) -> tuple[int, ...]:
    """The shape that numpy's broadcasting gives; ShapeError naming op and shapes when they do not fit."""
    shape: tuple[int, ...] = ()
    for node in nodes:
        other = node.shape
        if not other or other == shape:
            continue
        gap = len(shape) - len(other)
        # A row, or a tensor of the inner axes, added to many of them: nothing to work out.
        if not shape or (gap < 0 and other[-len(shape) :] == shape):
            shape = other
        elif gap < 0 or shape[gap:] != other:
            shape = _joined(op, nodes, shape, other)
    return shape


def _joined(op: Any, nodes: Sequence[Node], shape: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    long, short = (shape, other) if len(shape) >= len(other) else (other, shape)
    gap = len(long) - len(short)
    sizes = list(long)
    for axis, size in enumerate(short, gap):
        mine = sizes[axis]
        if size != mine:
            if mine == 1:
                sizes[axis] = size
            elif size != 1:
                raise _misfit(nodes, axis - len(long), mine, size).within(f"{op.name}{open_scope()}: ")
    return tuple(sizes)


def _misfit(nodes: Sequence[Node], axis: int, one: int, other: int) -> ShapeError:
    fields: dict[str, Any] = {"axis": axis, "one": int(one), "other": int(other)}
    if len(nodes) == 2:
        fields |= {"left": _shape(nodes[0]), "right": _shape(nodes[1])}
        a, b = nodes[0].shape, nodes[1].shape
        if a == b[::-1]:
            return ShapeError(
                N_(
                    "shapes {left} and {right} do not broadcast: axis {axis} has {one} and {other}; did you mean to transpose one"
                    " of them (.T)?"
                ),
                **fields,
            )
        rows = [
            node.name or letter
            for node, short, long, letter in ((nodes[0], a, b, "a"), (nodes[1], b, a, "b"))
            if len(short) == 1 and len(long) == 2 and short[0] == long[0]
        ]
        if rows:
            return ShapeError(
                N_(
                    "shapes {left} and {right} do not broadcast: axis {axis} has {one} and {other}; did you mean"
                    " {name}[:, None], one number per row?"
                ),
                name=rows[0],
                **fields,
            )
        return ShapeError(N_("shapes {left} and {right} do not broadcast: axis {axis} has {one} and {other}"), **fields)
    return ShapeError(
        N_("shapes {shapes} do not broadcast: axis {axis} has {one} and {other}"),
        shapes=", ".join(_shape(node) for node in nodes),
        **fields,
    )


def _shape(node: Node) -> str:
    name = f"{node.name} " if node.name else ""
    return f"{name}({', '.join(str(int(size)) for size in node.shape)}{',' if len(node.shape) == 1 else ''})"
