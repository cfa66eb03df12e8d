"""Loops made fast for engines that compile: a scan as it is differentiated becomes scans that do only what a step
needs.

The gradient of a scan is a loop that runs every step again and then backwards, and adds up the gradients of the weights
on the way: short to state and to read. A program wants the other form, in which nothing is computed twice and the large
products stand before and after the loops. `optimize_loops` goes from one to the other by four rules, each in a file of
its own: KEEP, HOIST, SINK and DROP. Pictures and derivations show the graph as it was.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import order
from ..node import Node, on_behalf
from ..ops.arithmetic import add, mul
from ..rewrite import rewrite
from ..simplify import RULES
from . import drop, hoist, keep, sink
from .arrangement import ARRANGED_LAST
from .loop import SCAN, put_together, take_apart

__all__ = ["optimize_loops"]


def optimize_loops(nodes: Sequence[Node]) -> list[Node]:
    """Equal nodes with faster loops; values agree up to rounding. A graph without loops is handed back as it is.

    Loops inside loops come first: what an inner loop keeps stays within the step that runs it, so that the memory of
    nested loops adds up instead of multiplying; going backwards, an inner loop and what follows from it are run once
    more. The result is for running, not for differentiating: it no longer keeps the carries that a gradient goes back
    through.

    >>> import nngraph as ng
    >>> x, w = ng.input("x", [[1.0], [2.0]]), ng.parameter("w", [[0.5]])
    >>> last, _ = ng.scan(lambda h, row: (ng.tanh(row @ w + h), None), [0.0], x)
    >>> (fast,) = optimize_loops([last])
    >>> [node.op.name for node in fast.graph.nodes if not node.is_leaf]
    ['matmul', 'scan', 'part']
    """
    nodes = list(nodes)
    if all(node.op is not SCAN for node in order(nodes)):
        return nodes
    with on_behalf():
        region = take_apart(nodes)
        drop.apply(region)
        for loop in region.loops:
            loop.with_results(optimize_loops(loop.results))
        keep.apply(region)
        region.change(tidy)
        for loop in region.loops:
            loop.with_results(tidy(loop.results))
        drop.apply(region)
        for loop in region.loops:
            hoist.apply(loop)
        drop.apply(region)
        for loop in region.loops:
            for port, node in sink.apply(loop).items():
                region.substitute({port: node})
        drop.apply(region)
        return tidy(put_together(region))


def tidy(nodes: Sequence[Node]) -> list[Node]:
    """The nodes simplified, as a program wants them arranged."""
    return rewrite(nodes, [*(rule for rule in RULES if not rule.finite), ARRANGED_LAST], (add, mul))
