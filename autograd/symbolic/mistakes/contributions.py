"""`=` for `+=`, and updates made too early: of a sum over samples or uses only the last (or first) part is kept; a weight was
changed before the gradients that need it were computed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...differentiate import backward
from ...engines.numpy import Program
from ...errors import NngraphError
from ...graph import order, rebuild, substitute
from ...language import N_
from ...leaves import constant
from ...node import Leaf, Node
from ...ops.arithmetic import mul
from ..derivation import Sentence
from ..terms import Partial, Symbol, replaced, symbols
from .factors import constant_ratio
from .scene import Scene
from .verdict import Slip

MOST_USES = 64
KEPT_COST, EARLY_COST = 1.25, 1.4
SMALLEST_RATE, LARGEST_RATE = 1e-6, 1e3
"""Rates of learning outside these are a coincidence."""

_ONLY_ONE = {
    "last": N_("only the last of {count} contributions is kept: they are added up (+=), not replaced (=)"),
    "first": N_("only the first of {count} contributions is kept: they are added up (+=), not replaced (=)"),
}


def kept_alone(scene: Scene) -> Iterator[tuple[np.ndarray, Slip]]:
    """What the gradient is when one part of its sum is all that is kept: (values at all points, the slip)."""
    if scene.wrt is None:
        return
    found: list[tuple[Node, Slip]] = []
    with_errors = (NngraphError, ValueError, AssertionError)
    try:
        uses = _uses(scene)
        if len(uses) > MOST_USES:
            return
        whole = [_sent(scene, use, None) for use in uses]
        if len(uses) > 1:
            found += [(node, _one_use(scene, use, len(uses))) for use, node in zip(uses, whole, strict=True)]
        shapes = {use[0].shape for use in uses}
        (shape,) = shapes if len(shapes) == 1 else ((),)
        for axis, size in enumerate(map(int, shape[:2])):
            for name, at in (("last", size - 1), ("first", 0)) if size > 1 else ():
                mask = np.zeros(tuple(size if each == axis else 1 for each in range(len(shape))))
                mask[tuple(at if each == axis else 0 for each in range(len(shape)))] = 1.0
                mask = np.broadcast_to(mask, tuple(map(int, shape))).copy()
                parts = [_sent(scene, use, mask) for use in uses]
                total = parts[0]
                for part in parts[1:]:
                    total = total + part
                found.append((total, Slip("contribution", Sentence(_ONLY_ONE[name], {"count": size}))))
        if not found:
            return
        values = _values(scene, [node for node, _ in found])
    except with_errors:
        return
    yield from zip(values, (slip for _, slip in found), strict=True)


def _uses(scene: Scene) -> list[tuple[Node, int, Node]]:
    """Where the variable is used: (consumer, operand, the gradient that arrives at the consumer)."""
    assert scene.wrt is not None
    record = backward(scene.output, [scene.wrt])
    return [
        (node, at, record.adjoints[node])
        for node in order(scene.output)
        for at, source in enumerate(node.inputs)
        if source is scene.wrt and node in record.adjoints
    ]


def _sent(scene: Scene, use: tuple[Node, int, Node], mask: np.ndarray | None) -> Node:
    """What one use sends back to the variable, or a part of that: where the mask is 0 nothing arrives."""
    node, at, arriving = use
    assert scene.wrt is not None
    hole = Leaf("input", "x", None, scene.wrt.shape, np.dtype(np.float64))
    alone = rebuild(node, tuple(hole if each == at else source for each, source in enumerate(node.inputs)))
    seed = arriving if mask is None else mul(arriving, constant(mask))
    sent = backward(alone, [hole], seed=seed).adjoints[hole]
    return substitute([sent], {hole: scene.wrt})[0]


def _one_use(scene: Scene, use: tuple[Node, int, Node], count: int) -> Slip:
    line = next((line for line in scene.board.lines if use[0] in order(line.node)), None)
    assert scene.wrt is not None
    name = scene.symbols.get(scene.wrt, Symbol("?"))
    fields = {"line": line.symbol if line is not None else "?", "name": name, "count": count}
    template = N_(
        "only what comes back through {line} is kept: {name} is used {count} times, and what all of them bring is added up (+=), not replaced (=)"
    )
    return Slip("contribution", Sentence(template, fields))


def _values(scene: Scene, nodes: list[Node]) -> list[np.ndarray]:
    program = Program(nodes)
    rows = [program(point.values) for point in scene.points]
    return [np.stack([np.asarray(row[at], dtype=np.float64) for row in rows]) for at in range(len(nodes))]


def updated_early(scene: Scene, claim: np.ndarray) -> Slip | None:
    """The slip of a gradient that was computed from a weight after its update: w − rate·∂L/∂w stands where w belongs."""
    if not isinstance(scene.of, Partial) or claim.shape != scene.true.shape:
        return None
    off = claim - scene.true
    for base in scene.bases:
        for part in symbols(base.term):
            key = (scene.of.of, (getattr(part, "name", ""),))
            node = scene.names.get(getattr(part, "name", ""))
            if key not in scene.env or not isinstance(node, Leaf):
                continue
            step = Partial(*key, part.rank)
            value = scene.value(replaced(base.term, lambda each, part=part, step=step: step if each == part else None))
            rate = constant_ratio(off, value) if value is not None and value.shape == claim.shape else None
            if rate is not None and SMALLEST_RATE <= abs(rate) <= LARGEST_RATE:
                said = N_("computed with {name} after its update: {name} had already moved by {rate} · {step}")
                why = (Sentence(N_("First all gradients, from the weights of the forward pass; then the update.")),)
                return Slip("early-update", Sentence(said, {"name": part, "rate": rate, "step": step}), why)
    return None
