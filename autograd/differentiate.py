"""Reverse mode: a graph in, the graph of its gradient out. Differentiating again is the same function applied again.

Every op's rule is read from its declaration: its `gradient` where one is written, else the derivative of its index
form, else the gradient of its formula. Two things are done here once for all ops: contributions of several users are
added (fan-out), and a gradient that arrives in a broadcast shape is summed back to the shape of the operand.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .errors import GradientError
from .graph import order, substitute, without_collector
from .language import N_
from .leaves import constant
from .node import Leaf, Node, abilities, describe, next_serial, on_behalf
from .op import inside
from .ops import cast
from .ops.arithmetic import add
from .ops.control import Part
from .ops.linear import broadcast, from_form, sum_to


@dataclass(frozen=True, eq=False)
class Backward:
    """What reverse mode built: `adjoints[v]` is ∂output/∂v; `contributions[(u, i)]` is what consumer u sends to its
    operand i."""

    output: Node
    seed: Node
    order: list[Node]
    """Forward nodes in the order in which reverse mode visits them."""
    adjoints: dict[Node, Node] = field(default_factory=dict)
    contributions: dict[tuple[Node, int], Node] = field(default_factory=dict)
    starts: list[int] = field(default_factory=list)
    """The serial at which the rule of each node in `order` began to build."""

    @property
    def origin(self) -> dict[Node, Node]:
        """Gradient node -> the forward node whose rule made it; the seed belongs to the output."""
        known = {self.seed: self.output}
        for node in order(self.adjoints.values()):
            at = bisect_right(self.starts, node.serial) - 1
            if 0 <= at < len(self.order):
                known[node] = self.order[at]
        return known


class Gradients(tuple[Node, ...]):
    """What `gradient` gives: one node per leaf. Arithmetic with all of them at once is refused with what to write instead."""

    __slots__ = ()

    def _refused(self, *others: Any) -> Any:
        if len(self) == 1:
            raise GradientError(
                "ng.gradient gives one gradient for each leaf, a tuple: take it out, (g,) = ng.gradient(loss, [w])"
            )
        raise GradientError(
            f"ng.gradient gives one gradient for each leaf, here {len(self)}: go through them, {{w: w - 0.1 * g for w, g in"
            " zip(weights, gradients)}"
        )

    # Comparison and joining with + stay those of tuples, other tuples only.
    __mul__ = __rmul__ = __sub__ = __rsub__ = __truediv__ = __neg__ = _refused  # type: ignore[assignment]


def gradient(output: Node, wrt: Sequence[Node]) -> tuple[Node, ...]:
    """The graphs of ∂output/∂w, one per w, each shaped like its w.

    `output` must hold one number; weigh a tensor first: `gradient(sum(y * weights), …)`. What output does not depend on
    gets zeros.

    >>> import nngraph as ng
    >>> x = ng.input("x", 3.0)
    >>> (dy,) = ng.gradient(x * x, [x])
    >>> (ddy,) = ng.gradient(dy, [x])
    >>> float(dy.value), float(ddy.value)
    (6.0, 2.0)
    """
    wanted = [wrt] if isinstance(wrt, Node) else list(wrt)
    with on_behalf():
        adjoints = _reverse(output, wanted, None, None).adjoints
    return Gradients(adjoints[w] for w in wanted)


def backward(output: Node, wrt: Iterable[Node], seed: Node | None = None) -> Backward:
    """Reverse mode from `output` to every w, keeping what each step made; see Backward."""
    with on_behalf():
        return _reverse(output, list(wrt), seed, {})


def _reverse(
    output: Node, wanted: list[Node], seed: Node | None, contributions: dict[tuple[Node, int], Node] | None
) -> Backward:
    """Reverse mode; what each operand is sent is kept only where somebody asks for it."""
    _refuse(output, wanted, seed)
    with without_collector():
        nodes = order(output)
        active = _moved(nodes, wanted)
        if seed is None:
            seed = constant(np.ones(tuple(map(int, output.shape)), output.dtype))
        record = Backward(output, seed, [], contributions={} if contributions is None else contributions)
        _send(record, nodes, active, {output: seed} if output in active else {}, contributions)
    for w in wanted:
        if w not in record.adjoints:
            zero = constant(np.zeros((), w.dtype))
            record.adjoints[w] = broadcast(zero, shape=w.shape) if w.shape else zero
    return record


def pullback(outputs: Sequence[Node], seeds: Sequence[Node], wrt: Sequence[Node]) -> list[Node | None]:
    """What reverse mode sends to every w when seeds[i] arrives at outputs[i], in one pass; None where nothing
    arrives."""
    nodes, arrived = order(outputs), {}
    active = _moved(nodes, wrt)
    for output, seed in zip(outputs, seeds, strict=True):
        if output in active:
            arrived[output] = add(arrived[output], seed) if output in arrived else seed
    record = Backward(outputs[0], seeds[0], [])
    with on_behalf():
        _send(record, nodes, active, arrived, None)
    return [record.adjoints.get(w) for w in wrt]


def _moved(nodes: Sequence[Node], wanted: Iterable[Node]) -> set[Node]:
    """The nodes that move when a wanted one does, itself included."""
    active = set(wanted)
    for node in nodes:
        if node not in active:
            for source in node.inputs:
                if source in active:
                    active.add(node)
                    break
    return active


def _send(
    record: Backward,
    nodes: Sequence[Node],
    active: set[Node],
    arrived: dict[Node, Any],
    contributions: dict[tuple[Node, int], Node] | None,
) -> None:
    """The one pass against the arrows: each node hands what has arrived at it to its operands, by its rule."""
    for node in reversed(nodes):
        g = arrived.pop(node, None)
        if g is None:
            continue
        if isinstance(g, Node):
            record.adjoints[node] = g
        if node.is_leaf:
            continue
        inputs = node.inputs
        for source in inputs:
            if source in active:
                break
        else:
            continue
        if contributions is not None:
            record.order.append(node)
            record.starts.append(next_serial())
        for position, (source, sent) in enumerate(zip(inputs, rule(node, g), strict=True)):
            if sent is None or source not in active:
                continue
            if isinstance(sent, Part):
                parts = arrived.setdefault(source, {})
                parts[sent.index] = add(parts[sent.index], sent.gradient) if sent.index in parts else sent.gradient
                continue
            if sent.shape != source.shape:
                sent = sum_to(sent, source.shape)
            if sent.dtype != source.dtype:
                sent = cast(sent, dtype=source.dtype.name)
            if contributions is not None:
                contributions[(node, position)] = sent
            arrived[source] = add(arrived[source], sent) if source in arrived else sent
    record.starts.append(next_serial())


def _refuse(output: Node, wanted: Sequence[Node], seed: Node | None) -> None:
    if not isinstance(output, Node):
        raise GradientError(f"the gradient of {output!r} was asked for, but it is not a node of a graph")
    if output.dtype is None or output.dtype.kind != "f":
        raise GradientError(
            N_("{output} holds {dtype}, which does not vary smoothly; a gradient needs floating-point numbers"),
            output=describe(output),
            dtype=output.dtype,
        )
    if seed is None and output.size != 1:
        raise GradientError(
            N_(
                "{output} has {count} numbers; a gradient belongs to one. Sum it first, ng.sum(y), or ask for"
                " ng.jacobian"
            ),
            output=describe(output),
            count=output.size,
        )
    for w in wanted:
        if not isinstance(w, Node):
            raise GradientError(
                f"the gradient with respect to {w!r} was asked for, but it is not a node; pass the node itself, such as"
                " ng.input('x', …)"
            )
        if w.dtype is None or w.dtype.kind != "f":
            raise GradientError(
                N_(
                    "{variable} holds {dtype}: a gradient with respect to whole or logical values makes no sense; give"
                    " it floats, such as 1.0"
                ),
                variable=describe(w),
                dtype=w.dtype,
            )
        if isinstance(w, Leaf) and w.role == "constant":
            raise GradientError(
                N_("{variable} never changes; use ng.input or ng.parameter for what should vary"), variable=describe(w)
            )


def rule(node: Node, g: Any) -> Sequence[Any]:
    """What a node sends to its operands when `g` arrives; None where an operand gets no gradient."""
    op = node.op
    if op.gradient is not None:
        return op.gradient(g, node, *node.inputs, **node.params)
    if not op.differentiable:
        return (None,) * len(node.inputs)
    if op.index is not None:
        form = op.index(*node.inputs, **node.params)
        return [
            from_form(form.derivative(i), [*node.inputs[:i], g, *node.inputs[i + 1 :]])
            if source.dtype.kind == "f"
            else None
            for i, source in enumerate(node.inputs)
        ]
    return derived(node, g)


def derived(node: Node, g: Node) -> Sequence[Node | None]:
    """The gradient that follows from the formula of a node, whether or not its op overrides it."""
    graph = inside(node.op, node.inputs, node.params)
    # A placeholder stands for the arriving gradient, so that only the inside is walked, not all that lies behind g.
    arriving = Leaf("input", "g", None, g.shape, g.dtype)
    floats = [hole for hole in graph.inputs if hole.dtype.kind == "f"]
    inner = _reverse(graph.outputs[0], floats, arriving, None).adjoints
    image = substitute([inner[hole] for hole in floats], {arriving: g, **dict(zip(graph.inputs, node.inputs))})
    sent = dict(zip(floats, image))
    return [sent.get(hole) for hole in graph.inputs]


abilities["rule"] = rule
abilities["pullback"] = pullback
