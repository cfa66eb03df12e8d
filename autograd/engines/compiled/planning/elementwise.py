"""What else goes number by number: ops that are no scalar text of their own, but say by `placed` how a number of the
result follows from the numbers of their operands and from the place it stands at. They become steps of a fused nest
like others."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from ....kernels.loops import Number
from ....node import Node
from ....vocabulary import parsed
from ..words import Steps

_PLACES = {"row": 2, "column": 1}
"""What a text calls a place -> how far from the end of the result's axes it is counted."""


@cache
def _places(text: str) -> tuple[str, ...]:
    names = {each.id for each in ast.walk(parsed(text)) if isinstance(each, ast.Name)}
    return tuple(place for place in _PLACES if place in names)


def is_placed(node: Node) -> bool:
    """Whether the node goes number by number in this way."""
    text = node.op.placed
    return bool(text) and all(len(node.shape) >= _PLACES[place] for place in _places(text))


def lies(node: Node) -> list[tuple[int | None, ...]]:
    """For each operand and each of its axes, which axis of the result it lies along: the first ones."""
    return [tuple(range(len(each.shape))) for each in node.inputs]


def places(node: Node) -> list[tuple[np.ndarray, int]]:
    """The whole numbers that the text asks for besides the operands, each with the axis of the result it counts."""
    axes = [len(node.shape) - _PLACES[place] for place in _places(node.op.placed)]
    narrow = np.int64 if node.op.numbered else np.int32  # classes are compared in the dtype that class numbers have
    return [(np.arange(int(node.shape[axis]), dtype=narrow), axis) for axis in axes]


def limit(node: Node) -> int | None:
    """What the whole numbers of the first operand must lie below, if they must."""
    return int(node.params[node.op.numbered]) if node.op.numbered else None


def step(node: Node, steps: Steps, given: Sequence[Any]) -> Any:
    """The node as steps; `given`: its operands, then its places."""
    scope = dict(zip((*node.op.inputs, *_places(node.op.placed)), given))
    params = node.params.items()
    wholes = {name: Number(int(value)) for name, value in params if isinstance(value, int)}
    return steps.text(node.op.placed, scope | wholes | {n: Number(v) for n, v in params if isinstance(v, float)})
