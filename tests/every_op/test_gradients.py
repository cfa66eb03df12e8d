"""Every op sends the gradient that finite differences, its own formula and SymPy give; each catches a wrong rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.check import check_gradient
from nngraph.autograd.differentiate import derived, rule
from nngraph.autograd.engines.numpy import evaluate_all
from nngraph.autograd.errors import CheckFailed, GradientError, NngraphError
from nngraph.autograd.graph import order
from nngraph.autograd.node import Leaf, Node
from nngraph.autograd.op import OPS, Op, word_of
from nngraph.autograd.ops.linear import from_form, sum_to
from nngraph.autograd.symbolic import explain
from nngraph.autograd.symbolic.lower import verify

from .cases import (
    CUT_ON_PURPOSE,
    TOLERANCE,
    applied,
    case_of,
    every_example,
    every_op,
    floats_of,
    generator_of,
    is_smooth,
    names_of,
    projected,
    projected_all,
    worst_difference,
)  # fmt: skip


@every_example
def test_gradient_against_finite_differences(op: Op, at: int) -> None:
    leaves, node = case_of(op, at)
    rng = generator_of(op, at)
    if not is_smooth(node, leaves):
        with pytest.raises(GradientError):
            ng.gradient(ng.sum(node) if node.dtype.kind != "f" else projected(node, rng), leaves or [node])
        return
    worst = worst_difference(projected(node, rng), floats_of(leaves), rng)
    if op.name in CUT_ON_PURPOSE:
        assert worst > 0.01
    else:
        assert worst <= (TOLERANCE if node.dtype == np.float64 else 1e-3)


@every_example
def test_second_gradient_against_finite_differences(op: Op, at: int) -> None:
    leaves, node = case_of(op, at)
    if not is_smooth(node, leaves):
        return
    rng = generator_of(op, at)
    floats = floats_of(leaves)
    first = projected_all(ng.gradient(projected(node, rng), floats), rng)
    assert worst_difference(first, floats, rng) <= TOLERANCE


@every_example
def test_gradient_override_is_the_derived_gradient(op: Op, at: int) -> None:
    derivable = op.index is not None or op.formula is not None or (op.scalar is not None and word_of(op) is None)
    leaves, node = case_of(op, at)
    if op.gradient is None or not derivable or not is_smooth(node, leaves):
        return
    rng = generator_of(op, at)
    g = ng.input("g", rng.uniform(0.5, 1.5, node.shape))
    if op.index is not None:
        form = op.index(*node.inputs, **node.params)
        follows: Sequence[Node | None] = [
            from_form(form.derivative(i), [*leaves[:i], g, *leaves[i + 1 :]]) if leaf.dtype.kind == "f" else None
            for i, leaf in enumerate(leaves)
        ]
    else:
        follows = derived(node, g)
    one, other = [], []
    for leaf, a, b in zip(leaves, rule(node, g), follows, strict=True):
        zero = ng.constant(np.zeros(leaf.shape))
        if leaf.dtype.kind == "f":
            one.append(zero if a is None else sum_to(a, leaf.shape))
            other.append(zero if b is None else sum_to(b, leaf.shape))
    for a, b in zip(evaluate_all(one), evaluate_all(other)):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
    if op.name in CUT_ON_PURPOSE:
        return
    state = rng.bit_generator.state
    second = ng.gradient(projected_all(one, rng), [*floats_of(leaves), g])
    rng.bit_generator.state = state
    second_derived = ng.gradient(projected_all(other, rng), [*floats_of(leaves), g])
    for a, b in zip(evaluate_all(second), evaluate_all(second_derived)):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8)


CORRUPTIONS: dict[str, Callable[[Node, Leaf], Node | None]] = {
    "one percent too large": lambda sent, leaf: sent * 1.01,
    "sign turned": lambda sent, leaf: -sent,
    "dropped": lambda sent, leaf: None,
    "one too much": lambda sent, leaf: sent + ng.constant(np.ones(leaf.shape)),
}

SMALLEST = {"one percent too large", "one too much"}
"""The corruptions a derivation is tried on: whoever sees these sees the others."""


def _lying(op: Op, position: int, corruption: Callable[[Node, Leaf], Node | None]) -> Op:
    """The op with a rule that is wrong for one of its inputs."""

    def rule_of_a_liar(g: Node, y: Node, *inputs: Node, **params: Any) -> list[Node | None]:
        sent = list(rule(op.apply(inputs, params), g))
        source = inputs[position]
        honest = sent[position]
        honest = ng.constant(np.zeros(source.shape)) if honest is None else sum_to(honest, source.shape)
        sent[position] = corruption(honest, source)
        return sent

    return dataclasses.replace(op, gradient=rule_of_a_liar, known={})


@every_op
def test_a_corrupted_rule_is_caught(op: Op) -> None:
    """By finite differences here, by `check_gradient` for users, by every derivation: all accept only the truth."""
    leaves, node = case_of(op, 0)
    floats = floats_of(leaves)
    if not is_smooth(node, leaves) or op.name in CUT_ON_PURPOSE:
        return
    truth = dict(zip(floats, evaluate_all(ng.gradient(projected(node, generator_of(op, 0)), floats)), strict=True))
    assert check_gradient(node, *floats, order=1).orders[0].error < 1e-6
    assert explain(projected(node, generator_of(op, 0)), wrt=floats).ok
    for position, leaf in enumerate(leaves):
        for name, corruption in CORRUPTIONS.items():
            if leaf not in truth or (not np.any(truth[leaf]) and name != "one too much"):
                continue  # whole numbers have no gradient, and nothing times anything is nothing
            liar = _lying(op, position, corruption).apply(node.inputs, node.params)
            rng = generator_of(op, 0)
            loss = projected(liar, rng)
            what = f"{op.name}: {name} at {leaf.name} goes unnoticed"
            assert worst_difference(loss, floats, rng) > 100 * TOLERANCE, what
            with pytest.raises(CheckFailed):
                check_gradient(liar, *floats, order=1)
            if name in SMALLEST:
                assert not explain(loss, wrt=floats).ok, f"{what} by the derivation"


@every_op
def test_whole_numbers_have_no_gradient(op: Op) -> None:
    example = op.example
    rng = generator_of(op, 0)
    leaves = [ng.input(name, array) for name, array in zip(names_of(op, len(example.shapes)), example.arrays(rng))]
    whole = [
        leaf if leaf.dtype.kind != "f" else ng.input(leaf.name, np.ceil(leaf.value).astype(np.int64)) for leaf in leaves
    ]
    try:
        node = applied(op, whole, example.params)
    except NngraphError:
        return
    if not whole:
        return
    with pytest.raises(GradientError, match=r"float|smoothly"):
        ng.gradient(ng.sum(node), whole)


SYMBOLS_PER_INPUT = 3


@every_op
def test_sympy_derivative_of_the_forward_is_the_lowered_backward(op: Op) -> None:
    smallest = min(range(len(op.examples)), key=lambda at: sum(int(np.prod(shape)) for shape in op.examples[at].shapes))
    leaves, node = case_of(op, smallest)
    if not is_smooth(node, leaves) or op.name in CUT_ON_PURPOSE:
        return
    import sympy

    rng = generator_of(op, smallest)
    symbols = {}
    for leaf in floats_of(leaves):
        # All but a few entries are given as numbers, so that expressions stay small.
        entries = np.empty(leaf.shape, dtype=object)
        free = set(rng.permutation(leaf.size)[:SYMBOLS_PER_INPUT].tolist())
        for flat, index in enumerate(np.ndindex(leaf.shape)):
            entries[index] = (
                sympy.Symbol(f"{leaf.name}_{flat}", real=True)
                if flat in free
                else sympy.Float(float(leaf.value[index]))
            )
        symbols[leaf] = entries
    report = verify(projected(node, rng), floats_of(leaves), symbols=symbols, points=2, simplify=False)
    assert report.partials
    assert report.ok, [(each.leaf, each.index, each.error) for each in report.partials if not each.ok]


def _loop(reverse: bool, dtype: Any = np.float64) -> tuple[list[Leaf], Node]:
    """A small recurrent step with all that a loop can have: two carries, pieces, captured weights, stacked results."""
    rng = np.random.default_rng(11)
    shapes = {"s": (2,), "c": (), "x": (3, 2), "w": (2, 2)}
    leaves = [ng.input(name, rng.uniform(-1, 1, shape).astype(dtype)) for name, shape in shapes.items()]
    start, total, pieces, weights = leaves

    def step(carry: Any, piece: Any) -> Any:
        state, added = carry
        state = ng.tanh(state @ weights + piece)
        return (state, added + ng.sum(state * piece)), ng.square(state)

    (last, added), rows = ng.scan(step, (start, total), pieces, reverse=reverse)
    return leaves, ng.sum(last) * added + projected(rows, rng)


@pytest.mark.parametrize("reverse", [False, True])
def test_loops_are_what_they_unroll_to(reverse: bool) -> None:
    leaves, loss = _loop(reverse)
    rng = np.random.default_rng(3)
    assert worst_difference(loss, leaves, rng) <= TOLERANCE
    first = ng.gradient(loss, leaves)
    assert worst_difference(projected_all(first, rng), leaves, rng) <= TOLERANCE
    parts = [node for node in order(loss) if node.op is OPS["part"]]
    loop = parts[0].inputs[0]
    for part, plain in zip(parts, [ng.unroll(loop)[part.params["index"]] for part in parts], strict=True):
        np.testing.assert_allclose(part.value, plain.value, rtol=1e-13)
    assert verify(loss, leaves, points=2, simplify=False).ok
    narrow_leaves, narrow = _loop(reverse, np.float32)
    assert narrow.value.dtype == np.float32
    assert {sent.value.dtype for sent in ng.gradient(narrow, narrow_leaves)} == {np.dtype(np.float32)}
