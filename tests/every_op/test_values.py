"""Every op computes what it says: its shape and dtype, its meaning, in every engine, in float32, on odd shapes."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.numpy import Program, meaning
from nngraph.autograd.errors import NngraphError
from nngraph.autograd.graph import order, rebuild
from nngraph.autograd.node import Leaf, Node
from nngraph.autograd.op import RANDOM, Op, inside
from nngraph.autograd.vocabulary import WORDS

from .cases import (
    ENGINES,
    TOLERANCE,
    applied,
    case_of,
    every_example,
    every_example_of,
    every_op,
    every_op_that,
    floats_of,
    generator_of,
    is_smooth,
    leaves_of,
    projected,
    worst_difference,
)  # fmt: skip

UNITS = 4
"""So many units in the last place may engines differ in an entry, and so many times what the entry moves when every
number given moves by one unit: where terms cancel, no order of rounding is the right one."""


@every_example
@pytest.mark.parametrize("engine", ENGINES)
def test_shape_and_dtype_rules_foretell_the_value(op: Op, at: int, engine: str) -> None:
    _, node = case_of(op, at)
    (value,) = ENGINES[engine]([node], {})
    assert isinstance(value, np.ndarray)
    assert value.shape == tuple(node.shape)
    assert value.dtype == node.dtype
    assert np.all(np.isfinite(value))


@every_example
@pytest.mark.parametrize("engine", ENGINES)
def test_engine_computes_the_meaning(op: Op, at: int, engine: str) -> None:
    leaves, node = case_of(op, at)
    arrays = [leaf.value for leaf in leaves]
    if op.scalar is not None:
        meant = meaning(op)(*arrays, **node.params)
    elif op.formula is not None:
        meant = Program.of(inside(op, leaves, node.params)).only(*arrays)
    elif op.index is not None:
        meant = op.index(*leaves, **node.params)(*arrays)
    else:
        meant = op.numpy(*arrays, **node.params)
    # Random numbers agree bit for bit, but for normals, whose logarithm and cosine are every engine's own.
    close = 1e-6 if op.kind == RANDOM and node.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(ENGINES[engine]([node], {})[0], meant, rtol=close, atol=close)


@every_example
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_engines_agree_on_value_and_gradient(op: Op, at: int, dtype: Any) -> None:
    leaves, node = case_of(op, at, dtype)
    asked = [node]
    wrt = [leaf for leaf in leaves if leaf.dtype.kind == "f"]
    if op.differentiable and node.dtype.kind == "f" and wrt:
        weights = generator_of(op, 1).standard_normal(tuple(map(int, node.shape))).astype(node.dtype)
        asked += ng.gradient(ng.sum(node * ng.constant(weights)), wrt)
    eps = np.finfo(np.float32 if np.float32 in (dtype, node.dtype) else np.float64).eps
    found = [run(asked, {}) for run in ENGINES.values()]
    sway = _sway(ENGINES["numpy"], asked, wrt, eps)
    if op.kind == RANDOM:  # A normal draw near 0 is the cosine of an angle, whose own last place counts.
        sway = [each + eps for each in sway]
    for moved, first, *others in zip(sway, *found, strict=True):
        for other in others:
            assert (other.dtype, other.shape) == (first.dtype, first.shape)
            _assert_near(other, first, eps, moved)


def _assert_near(found: np.ndarray, wanted: np.ndarray, eps: float, moved: np.ndarray | float) -> None:
    """`eps`: one unit of a 1; `moved`: see _sway. Whole numbers and truth values must be equal."""
    if wanted.dtype.kind != "f":
        np.testing.assert_array_equal(found, wanted)
        return
    units = np.abs(found - wanted) / (eps * np.abs(wanted) + moved + np.finfo(wanted.dtype).tiny)
    assert units.max(initial=0) <= UNITS, f"{units.max():.3g} units: {found} instead of {wanted}"


def _sway(run: Callable[..., list[np.ndarray]], asked: Sequence[Node], wrt: Sequence[Leaf], eps: float) -> list[Any]:
    """For every entry how far it moves when every number that is given moves by one unit in its last place."""
    rng, given = np.random.default_rng(8), {leaf: np.asarray(leaf.value) for leaf in wrt}
    before, found = run(asked, {}), [0.0] * len(asked)
    for _ in range(8 if wrt else 0):
        values = {
            leaf: array * (1 + eps * rng.choice([-1, 1], array.shape)).astype(array.dtype)
            for leaf, array in given.items()
        }
        for at, (one, other) in enumerate(zip(before, run(asked, values), strict=True)):
            if one.dtype.kind == "f":
                found[at] = np.maximum(found[at], np.abs(other - one))
    return found


@every_example_of(lambda op: op.expansion is not None)
@pytest.mark.parametrize("size", [1.0, 500.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_expansion_is_the_op_and_does_not_overflow(op: Op, at: int, size: float, dtype: Any) -> None:
    """Also far from 0, where the formula as it is written would overflow; shares and classes stay what they are."""
    leaves, _ = case_of(op, at, dtype)
    for position, leaf in enumerate(leaves):
        if leaf.dtype.kind == "f" and position not in op.examples[at].simplex:
            leaf.value = leaf.value * dtype(size)
    node = applied(op, leaves, op.examples[at].params)
    opened = op.expansion(*leaves, **node.params)
    assert (opened.shape, opened.dtype) == (node.shape, node.dtype)
    assert np.all(np.isfinite(node.value))
    few = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(opened.value, node.value, rtol=few, atol=few * size)


@every_op_that(lambda op: op.expansion is not None)
def test_an_expansion_ends_in_simpler_ops(op: Op) -> None:
    assert op.formula is not None, f"{op.name}: an expansion stands beside a formula"
    for at in range(len(op.examples)):
        leaves, node = case_of(op, at)
        inner = [each.op for each in order(op.expansion(*leaves, **node.params)) if not each.is_leaf]
        assert all(each.formula is None or each.expansion is None for each in inner), (op.name, inner)


@every_example_of(lambda op: op.fold)
def test_fold_is_what_a_reduction_does_number_by_number(op: Op, at: int) -> None:
    leaves, node = case_of(op, at)
    folded = np.asarray(leaves[0].value)
    for axis in reversed(node.params["axis"]):
        folded = functools.reduce(WORDS[op.fold].numpy, np.moveaxis(folded, axis, 0))
    np.testing.assert_allclose(folded.reshape(node.shape), node.value, rtol=1e-13)


@every_example
def test_building_again_gives_the_same(op: Op, at: int) -> None:
    _, node = case_of(op, at)
    again = rebuild(node, node.inputs)
    assert (again.shape, again.dtype) == (node.shape, node.dtype)
    np.testing.assert_array_equal(again.value, node.value)


@every_example
def test_float32_stays_float32(op: Op, at: int) -> None:
    leaves, node = case_of(op, at, np.float32)
    assert node.value.dtype == node.dtype
    asked = node.params.get("dtype")
    if node.dtype.kind == "f":
        assert node.dtype == np.dtype(asked or np.float32)
    wide_leaves, wide = case_of(op, at)
    eps = np.finfo(np.float32).eps
    (moved,) = _sway(ENGINES["numpy"], [wide], floats_of(wide_leaves), eps)
    _assert_near(node.value, wide.value, eps, moved)
    if not is_smooth(node, leaves):
        return
    rng = generator_of(op, at)
    sent = ng.gradient(projected(node, rng), floats_of(leaves))
    for leaf, each in zip(floats_of(leaves), sent):
        assert each.dtype == np.float32
        assert each.value.dtype == np.float32
        assert each.shape == leaf.shape
    if asked is None:
        wider = [each for each in order(sent) if each.dtype == np.float64]
        assert not wider, f"float64 inside: {wider}"


@every_op
def test_empty_arrays(op: Op) -> None:
    """An axis of length 0 gives an empty result or a clear error, never a crash and never numbers from nowhere."""
    example = op.example
    if not any(example.shapes):
        return
    length = next(shape[0] for shape in example.shapes if shape)
    shapes = tuple((0, *shape[1:]) if shape and shape[0] == length else shape for shape in example.shapes)
    empty = dataclasses.replace(example, shapes=shapes, distinct=False)
    try:
        leaves = leaves_of(op, empty, generator_of(op, 0, "inputs"))
        node = applied(op, leaves, example.params)
        value = node.value
    except NngraphError:
        return
    assert value.shape == tuple(node.shape)
    if is_smooth(node, leaves):
        for leaf, sent in zip(floats_of(leaves), ng.gradient(projected(node, generator_of(op, 0)), floats_of(leaves))):
            assert sent.value.shape == leaf.shape


PAIRS = [((3, 1), (1, 4)), ((), (3,)), ((2, 1, 3), (4, 1)), ((1,), (2, 3))]


@every_op_that(lambda op: op.scalar is not None and len(op.inputs) >= 2)
@pytest.mark.parametrize("shapes", PAIRS, ids=str)
def test_broadcasting_as_numpy_does(op: Op, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    several = tuple(shapes[position % 2] for position in range(len(op.inputs)))
    leaves = leaves_of(op, dataclasses.replace(op.example, shapes=several), generator_of(op, 0, "inputs"))
    node = applied(op, leaves, op.example.params)
    meant = meaning(op)(*[leaf.value for leaf in leaves], **node.params)
    assert node.shape == np.shape(meant)
    np.testing.assert_allclose(node.value, meant, rtol=1e-12)
    if is_smooth(node, leaves):
        rng = generator_of(op, 1)
        assert worst_difference(projected(node, rng), floats_of(leaves), rng) <= TOLERANCE
