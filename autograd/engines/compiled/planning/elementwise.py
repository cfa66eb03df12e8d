"""What else goes number by number: ops that are no scalar text but whose result follows from one operand's number and
the place it stands at. They are found by their `kernel` field and become steps of a fused nest like any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....kernels.loops import Number
from ....node import Node
from .words import Steps

Axes = tuple[int, ...]


def _same(node: Node) -> Axes:
    return tuple(range(len(node.inputs[0].shape)))


def _nothing(node: Node) -> list[tuple[np.ndarray, int]]:
    return []


@dataclass(frozen=True, slots=True)
class Special:
    """How one operand becomes the result. `places`: whole numbers along axes of the result that `step` is given after the
    operand. `limit`: the operand must hold whole numbers from 0 up to but not including it."""

    step: Callable[[Node, Steps, list[Any]], Any]
    lies: Callable[[Node], Axes] = _same
    places: Callable[[Node], list[tuple[np.ndarray, int]]] = _nothing
    limit: Callable[[Node], int | None] = lambda node: None


def _row_and_column(node: Node) -> list[tuple[np.ndarray, int]]:
    rank = len(node.shape)
    return [(np.arange(int(node.shape[axis]), dtype=np.int32), axis) for axis in (rank - 2, rank - 1)]


def _triangle(sign: str) -> Special:
    def step(node: Node, steps: Steps, given: list[Any]) -> Any:
        x, row, column = given
        kept = steps.apply(sign, (steps.apply("-", (column, row)), Number(int(node.params["k"]))))
        return steps.apply("where", (kept, x, Number(0)))

    return Special(step, places=_row_and_column)


SPECIAL: dict[str, Special] = {
    "cast": Special(lambda node, steps, given: given[0]),
    "one_hot": Special(
        lambda node, steps, given: steps.apply("==", given),
        places=lambda node: [
            (np.arange(int(node.params["classes"])), len(node.shape) - 1)
        ],
        limit=lambda node: int(node.params["classes"]),
    ),
    "tril": _triangle("<="),
    "triu": _triangle(">="),
}  # fmt: skip
"""`kernel` field -> how such an op goes number by number."""


def special(node: Node) -> Special | None:
    """How the node goes number by number, when its kernel is one of these."""
    found = SPECIAL.get(node.op.kernel) if node.op.scalar is None else None
    if found is not None and len(node.inputs[0].shape) < 2 and found.places is _row_and_column:
        return None
    return found
