"""The table tests hold everything an op declares against everything else it declares, for every op and example. Here is
what they share: ops and their examples as cases, leaves for an example, finite differences.

A new op is tested by existing. `pytest tests/every_op -k matmul` runs what concerns one op.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.numpy import Program, evaluate_all
from nngraph.autograd.executable import engines
from nngraph.autograd.node import Leaf, Node
from nngraph.autograd.op import OPS, Example, Op

ng.sum  # noqa: B018 - the first public name fills the op table

CUT_ON_PURPOSE = {"stop_gradient"}
"""Ops whose gradient is zero by decree although their value moves: here finite differences must disagree."""


def _run_by(engine: str) -> Callable[[Sequence[Node], Mapping[Leaf, Any]], list[np.ndarray]]:
    return lambda nodes, values: engines[engine](nodes, {})(values)


ENGINES = {engine: _run_by(engine) for engine in engines if not engine.startswith("cuda")}
"""Engine name -> values of nodes from values of leaves."""

TOLERANCE = 1e-7
"""Reverse mode against fourth-order central differences in float64, relative to 1 + |slope|."""


def every_example_of(wanted: Callable[[Op], Any]) -> pytest.MarkDecorator:
    """Parameters op and at, the number of an example: all examples of the ops that are wanted."""
    cases = []
    for op in filter(wanted, OPS.values()):
        for at, example in enumerate(op.examples):
            shapes = ",".join("x".join(map(str, shape)) or "scalar" for shape in example.shapes)
            cases.append(pytest.param(op, at, id=f"{op.name}-{at}-{shapes}"))
    return pytest.mark.parametrize(("op", "at"), cases)


def every_op_that(wanted: Callable[[Op], Any]) -> pytest.MarkDecorator:
    """Parameter op: all that are wanted."""
    return pytest.mark.parametrize("op", [pytest.param(op, id=name) for name, op in OPS.items() if wanted(op)])


every_example = every_example_of(lambda op: True)
every_declaration = every_op_that(lambda op: True)
every_op = every_op_that(lambda op: op.examples)
"""A scan and its parts hold several arrays, take a body and have no example: test_loops_are_what_they_unroll_to tries
them, and ops/test_control.py."""


def generator_of(op: Op, at: int, purpose: str = "weights") -> np.random.Generator:
    # Weights must not repeat the inputs: normalized numbers weighed by themselves have no gradient.
    return np.random.default_rng(zlib.crc32(f"{op.name} {at} {purpose}".encode()))


def names_of(op: Op, count: int) -> list[str]:
    return [f"{op.inputs[0]}{each + 1}" for each in range(count)] if op.variadic else list(op.inputs)


def applied(op: Op, inputs: Sequence[Node], params: Mapping[str, Any]) -> Node:
    return op(list(inputs), **params) if op.variadic else op(*inputs, **params)


def leaves_of(op: Op, example: Example, rng: np.random.Generator, dtype: Any = np.float64) -> list[Leaf]:
    return [ng.input(name, array) for name, array in zip(names_of(op, len(example.shapes)), example.arrays(rng, dtype))]


def case_of(op: Op, at: int, dtype: Any = np.float64) -> tuple[list[Leaf], Node]:
    example = op.examples[at]
    leaves = leaves_of(op, example, generator_of(op, at, "inputs"), dtype)
    return leaves, applied(op, leaves, example.params)


def floats_of(leaves: Sequence[Leaf]) -> list[Leaf]:
    return [leaf for leaf in leaves if leaf.dtype.kind == "f"]


def projected(node: Node, rng: np.random.Generator) -> Node:
    """One number from a node of any shape: its entries weighed at random."""
    return ng.sum(node * ng.constant(rng.uniform(0.5, 1.5, node.shape).astype(node.dtype)))


def direction_of(leaf: Leaf, rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(0.5, 1.0, leaf.shape) * rng.choice([-1.0, 1.0], leaf.shape)


def slope_along(output: Node, directions: Mapping[Leaf, np.ndarray], step: float = 1e-3) -> float:
    """The slope of a scalar along directions of its leaves, by central differences of fourth order."""
    program = Program([output])

    def at(distance: float) -> float:
        return float(program({leaf: leaf.value + distance * direction for leaf, direction in directions.items()})[0])

    return (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)


def worst_difference(output: Node, leaves: Sequence[Leaf], rng: np.random.Generator) -> float:
    """How far reverse mode and finite differences lie apart, the worst over the leaves, each on its own."""
    worst = 0.0
    for leaf, sent in zip(leaves, evaluate_all(ng.gradient(output, leaves))):
        direction = direction_of(leaf, rng)
        measured = slope_along(output, {leaf: direction})
        worst = max(worst, abs(measured - float(np.sum(sent * direction))) / (1 + abs(measured)))
    return worst


def is_smooth(node: Node, leaves: Sequence[Leaf]) -> bool:
    return node.dtype.kind == "f" and bool(floats_of(leaves))


def is_balanced(latex: str) -> bool:
    depth = 0
    bare = latex.replace(r"\{", "").replace(r"\}", "")
    for character in bare:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    return depth == 0 and bare.count(r"\left") - bare.count(r"\leftarrow") == bare.count(r"\right") - bare.count(
        r"\rightarrow"
    )


def projected_all(nodes: Sequence[Node], rng: np.random.Generator) -> Node:
    return functools.reduce(lambda a, b: a + b, [projected(node, rng) for node in nodes])
