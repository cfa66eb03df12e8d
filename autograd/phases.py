"""Which part of a training step a computation belongs to: forward, backward, or the update of a leaf."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .graph import order
from .node import Leaf, Node

FORWARD, BACKWARD, UPDATE = "forward", "backward", "update"


class Phases:
    """The phases of the nodes of a step.

    Forward is what the first output is computed from when that is one number, as a loss is, else all outputs. Update is
    the arithmetic between gradients and leaves that goes number by number; backward is the rest.

    >>> import nngraph as ng
    >>> x, w = ng.input("x", shape=(3, 2)), ng.parameter("w", [1.0, 2.0])
    >>> loss = ng.sum(ng.tanh(x @ w))
    >>> (slope,) = ng.gradient(loss, [w])
    >>> phases = Phases([loss], {w: w - 0.1 * slope})
    >>> phases.of([loss]), phases.of([slope]), phases.of([])
    ('forward', 'backward', '')
    """

    def __init__(self, outputs: Sequence[Node], updates: Mapping[Leaf, Node]) -> None:
        first = outputs[:1] if outputs and outputs[0].shape == () else outputs
        self.forward = set(order(list(first))) if first else set()
        self.update: set[Node] = set()
        waiting = list(updates.values())
        while waiting:
            node = waiting.pop()
            if node.is_leaf or node in self.update or node in self.forward or node.op.scalar is None:
                continue
            self.update.add(node)
            waiting += node.inputs

    def of(self, nodes: Iterable[Node]) -> str:
        """The phase of an instruction that computes these nodes; empty when it computes none."""
        nodes = list(nodes)
        if any(node in self.forward for node in nodes):
            return FORWARD
        if nodes and all(node in self.update for node in nodes):
            return UPDATE
        return BACKWARD if nodes else ""

    def factors(self, node: Node) -> tuple[str, ...]:
        """What the operands of a node are called in a picture: by their names, else A for a value of the forward pass
        and G for a gradient."""
        return tuple(
            (source._name or source.name or "").split("/")[-1] or ("A" if source in self.forward else "G")
            for source in node.inputs
        )
