"""When a graph of single numbers is so long that `.value` and `.backward()` run it as a compiled tape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph import order
from ..node import Node

LONG = 20_000
"""Nodes from which loading the compiled loops pays within one call, where they have been compiled before."""


def tape_of(y: Node, wrt: Sequence[Node] = (), nodes: Sequence[Node] | None = None) -> Any:
    """A ScalarPlan of y and its gradients, or None where the numpy engine is to do it. `nodes`: those under y, in order,
    if they are known already."""
    if y.shape != () or y.is_leaf:
        return None
    nodes = nodes if nodes is not None else order(y)
    if len(nodes) < LONG:
        return None
    try:
        from .compiled.scalars import plan as scalars
    except ImportError:  # a Python without numba or llvmlite, on which the numpy engine does everything
        return None
    # A plan that was made for the value knows the graph already.
    kept = y._value[0] if y._value is not None else None
    if wrt and isinstance(kept, scalars.ScalarPlan) and kept.graph is not None:
        return scalars.ScalarPlan([y], wrt, kept.graph)
    return scalars.plan_of([y], wrt, nodes=nodes)
