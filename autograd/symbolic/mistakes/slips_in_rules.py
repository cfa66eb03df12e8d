"""Rules of differentiation half remembered: the inner derivative forgotten, products and quotients differentiated factor by factor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...differentiate import backward
from ...engines.numpy import Program
from ...errors import NngraphError
from ...graph import order
from ...language import N_
from ...leaves import constant
from ...node import Node
from ...op import ACTIVATION
from ...ops.arithmetic import div, mul
from ..convert import to_term
from ..derivation import Sentence
from .scene import Scene
from .verdict import Slip

COST = 1.22


def rule_slips(scene: Scene) -> Iterator[tuple[np.ndarray, Slip]]:
    """The derivative by a rule that does not exist: (values at all points, the slip); for entry-by-entry functions only."""
    wrt = scene.wrt
    if wrt is None:
        return
    nodes = scene.on_path()
    if len(nodes) > 40 or any(node.op.scalar is None for node in order(scene.output) if not node.is_leaf):
        return
    try:
        found = list(_candidates(scene, wrt, nodes))
        if not found:
            return
        program = Program([node for node, _ in found])
        rows = [program(point.values) for point in scene.points]
    except (NngraphError, ValueError, AssertionError):
        return
    for at, (_, slip) in enumerate(found):
        yield np.stack([np.asarray(row[at], dtype=np.float64) for row in rows]), slip


def _candidates(scene: Scene, wrt: Node, nodes: list[Node]) -> Iterator[tuple[Node, Slip]]:
    on_path = set(nodes)
    arriving = backward(scene.output, nodes).adjoints
    atoms = {node: symbol for node, symbol in scene.symbols.items() if node.is_leaf or node.name is not None}
    for node in nodes:
        if node.is_leaf or node.shape != wrt.shape:
            continue
        written = to_term(node, {each: term for each, term in atoms.items() if each is not node})
        user_named = node.name is not None
        if node is not scene.output and not user_named and node.op.kind != ACTIVATION and wrt in node.inputs:
            said = N_("the inner derivative is missing: what is inside, {inner}, has a derivative of its own")
            why = N_("The chain rule multiplies by the derivative of {inner} by {name}.")
            fields = {"inner": written, "name": scene.symbols.get(wrt, "?")}
            yield arriving[node], Slip("inner-derivative", Sentence(said, fields), (Sentence(why, fields),))
        if node.op is mul and all(source in on_path for source in node.inputs):
            u, v = node.inputs
            du, dv = _slope(u, wrt), _slope(v, wrt)
            said = N_("the product rule is (u·v)′ = u′·v + u·v′, not u′·v′: {product}")
            slip = Slip("product-rule", Sentence(said, {"product": written}))
            yield arriving[node] * du * dv, slip
            said = N_("the product rule has two terms, (u·v)′ = u′·v + u·v′; one of them is missing for {product}")
            half = Slip("product-rule", Sentence(said, {"product": written}))
            yield arriving[node] * du * v, half
            yield arriving[node] * u * dv, half
        if node.op is div and all(source in on_path for source in node.inputs):
            u, v = node.inputs
            du, dv = _slope(u, wrt), _slope(v, wrt)
            said = N_("the quotient rule is (u/v)′ = (u′·v − u·v′)/v²: {quotient}")
            slip = Slip("quotient-rule", Sentence(said, {"quotient": written}))
            for wrong in (du / dv, (du * v + u * dv) / (v * v), (du * v - u * dv) / v, du * v - u * dv):
                yield arriving[node] * wrong, slip


def _slope(node: Node, wrt: Node) -> Node:
    if node is wrt:
        return constant(np.ones(tuple(map(int, wrt.shape))))
    return backward(node, [wrt], seed=constant(np.ones(tuple(map(int, node.shape))))).adjoints[wrt]
