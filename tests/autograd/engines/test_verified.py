"""Nodes that were changed by force after they were built: compiled code, which makes addresses from shapes, refuses them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.compiled.running.program import Program
from nngraph.autograd.engines.compiled.running.verified import verify
from nngraph.autograd.errors import NngraphError
from nngraph.autograd.graph import bodies, order
from nngraph.autograd.node import Leaf, Node

from .random_graphs import random_case

SAID = "is not what it was built as"


def _matrix(name: str, *shape: int) -> Leaf:
    return ng.parameter(name, np.arange(1.0, 1 + np.prod(shape)).reshape(shape))


def _product() -> Node:
    return _matrix("a", 4, 5) @ _matrix("b", 5, 3)


def _narrower(node: Node) -> None:
    node.inputs = (_matrix("c", 2, 5), node.inputs[1])


def _nothing_that_fits(node: Node) -> None:
    node.inputs = (_matrix("c", 4, 6), node.inputs[1])


def _set(name: str, value: object) -> Callable[[Node], None]:
    return lambda node: setattr(node, name, value)


def _param(**params: object) -> Callable[[Node], None]:
    def change(node: Node) -> None:
        node.params = {**node.params, **params}

    return change


CHANGES: Mapping[str, tuple[Callable[[], Node], Callable[[Node], None]]] = {
    "a longer shape": (_product, _set("shape", (4, 300))),
    "a shorter shape": (_product, _set("shape", (2, 3))),
    "an axis more": (_product, _set("shape", (4, 3, 1))),
    "a wider dtype": (_product, _set("dtype", np.dtype(np.complex128))),
    "another dtype": (_product, _set("dtype", np.dtype(np.float32))),
    "smaller inputs": (_product, _narrower),
    "inputs that the op refuses": (_product, _nothing_that_fits),
    "an input less": (_product, lambda node: setattr(node, "inputs", node.inputs[:1])),
    "an axis that there is not": (lambda: ng.sum(_matrix("a", 4, 5), axis=1), _param(axis=(7,))),
    "another axis": (lambda: ng.sum(_matrix("a", 4, 5), axis=1), _param(axis=(0,))),
    "another op": (lambda: ng.exp(_matrix("a", 4, 5)), _set("op", _product().op)),
}


@pytest.mark.parametrize(("build", "change"), CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("where", ["output", "inside", "update"])
def test_a_changed_node_is_refused(build, change, where):
    node = build()
    if where == "inside":
        outputs, updates = [ng.tanh(node) + 1.0], {}
    elif where == "update":
        leaf = ng.parameter("w", np.zeros(tuple(map(int, node.shape))))
        outputs, updates = [], {leaf: node * 1.0}
    else:
        outputs, updates = [node], {}
    verify([*outputs, *updates.values()])
    change(node)
    with pytest.raises(NngraphError, match=SAID):
        verify([*outputs, *updates.values()])
    with pytest.raises(NngraphError, match=SAID):
        Program(outputs, updates)


def test_a_changed_node_in_a_loop_and_in_a_loop_of_a_loop_is_refused():
    for depth in (1, 2):
        x, w = ng.input("x", np.ones((3, 2, 4))), _matrix("w", 4, 4)

        def inner(h, row, w=w):
            return ng.tanh(row @ w + h), None

        def outer(h, rows, inner=inner):
            return ng.scan(inner, h, rows)[0], None

        last = ng.scan(outer, ng.constant(np.zeros(4)), x)[0] if depth == 2 else ng.scan(inner, ng.constant(np.zeros(4)), x[0])[0]
        verify([last])
        found, waiting = [], [last]
        while waiting:
            for node in order(waiting.pop()):
                found += [each for body in bodies(node) for each in order(body.outputs) if not each.is_leaf and each.op.name == "tanh"]
                waiting += [each for body in bodies(node) for each in body.outputs]
        found[-1].shape = (400,)
        with pytest.raises(NngraphError, match=SAID):
            verify([last])
        with pytest.raises(NngraphError, match=SAID):
            Program([last])


def test_a_constant_whose_numbers_were_changed_is_refused():
    for array in (np.ones(2), np.ones((3, 1)), np.ones(3, np.float32)):
        three = ng.constant(np.ones(3))
        y = three * _matrix("x", 3)
        verify([y])
        three._value = array
        with pytest.raises(NngraphError, match=SAID):
            Program([y])


@pytest.mark.parametrize("seed", range(20))
def test_any_node_of_a_random_graph(seed):
    """Whichever node is changed, nothing is compiled; and what nobody has changed is accepted."""
    rng, case = np.random.default_rng(seed), random_case(seed)
    outputs = [*case.outputs, *case.updates.values()]
    verify(outputs)
    nodes = [node for node in order(outputs) if not node.is_leaf and isinstance(node.dtype, np.dtype)]
    for node in (nodes[at] for at in rng.integers(0, len(nodes), 8)):
        shape, dtype = node.shape, node.dtype
        node.shape = (*shape[:-1], int(shape[-1]) + 1) if shape else (2,)
        with pytest.raises(NngraphError, match=SAID):
            verify(outputs)
        node.shape, node.dtype = shape, np.dtype(np.int16)
        with pytest.raises(NngraphError, match=SAID):
            verify(outputs)
        node.dtype = dtype
    verify(outputs)
