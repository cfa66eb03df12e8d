"""Whole numbers and truth values in the compiled engine: numpy's dtypes, its wrapping around, its comparisons."""

from __future__ import annotations

from itertools import product

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.compiled.calls import Fallback
from nngraph.autograd.engines.compiled.running.program import Program
from nngraph.autograd.engines.numpy import evaluate_all
from nngraph.autograd.errors import NngraphError
from nngraph.autograd.op import OPS, Op, word_of

ng.sum  # noqa: B018 - the first public name fills the op table

WHOLE = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool"]
REAL = ["float32", "float64"]
ONE = [op for op in OPS.values() if op.scalar is not None and len(op.inputs) == 1]
TWO = [op for op in OPS.values() if op.scalar is not None and len(op.inputs) == 2]


def ends(dtype: str, count: int, rng: np.random.Generator) -> np.ndarray:
    """Numbers from the ends of what a dtype holds, and some small ones."""
    if dtype == "bool":
        return rng.integers(0, 2, count).astype(bool)
    if dtype in REAL:
        return rng.choice(np.array([0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 0.5, -2.5, 3, 7, 100, 1.5], dtype), count)
    limits = np.iinfo(dtype)
    found = [0, 1, 2, 3, 7, 63, 64, 100, limits.max, limits.max - 1, limits.max // 2, limits.max // 2 + 1]
    if limits.min:
        found += [-1, -2, -7, -100, limits.min, limits.min + 1]
    return rng.choice(np.array(found, dtype), count)


def same(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where both agree: whole numbers exactly, floats but for the last digits of a function."""
    if wanted.dtype.kind != "f":
        return found == wanted
    close = 2e-6 if wanted.dtype == np.float32 else 1e-14
    with np.errstate(all="ignore"):
        near = np.abs(found - wanted) <= close * np.maximum(np.abs(wanted), 1e-30)
        return (found == wanted) | (np.isnan(found) & np.isnan(wanted)) | near


def compare(op: Op, dtypes: list[tuple[str, ...]]) -> None:
    rng = np.random.default_rng(1)
    params = op.examples[0].params
    nodes, cases = [], []
    for kinds in dtypes:
        arrays = [ends(kind, 100, rng) for kind in kinds]
        try:
            node = op(*[ng.input(name, array) for name, array in zip(op.inputs, arrays, strict=True)], **params)
            evaluate_all([node])
        except (NngraphError, TypeError, ValueError):
            continue  # numpy, or the op, refuses these dtypes or numbers
        nodes.append(node)
        cases.append((kinds, arrays))
    for (kinds, arrays), node, found in zip(cases, nodes, Program(nodes)(), strict=True):
        wanted = np.asarray(node.value)
        assert found.dtype == wanted.dtype == node.dtype, kinds
        right = same(found, wanted)
        if not right.all():
            at = int(np.argmin(right))
            raise AssertionError((kinds, [array[at] for array in arrays], "gives", found[at], "and not", wanted[at]))


@pytest.mark.parametrize("op", [pytest.param(op, id=op.name) for op in ONE])
def test_ops_of_one_operand(op: Op) -> None:
    compare(op, [(kind,) for kind in WHOLE])


@pytest.mark.parametrize("op", [pytest.param(op, id=op.name) for op in TWO])
def test_ops_of_two_operands(op: Op) -> None:
    pairs = [pair for pair in product([*WHOLE, *REAL], repeat=2) if not set(pair) <= set(REAL)]
    # Every dtype with itself, every ninth mixture, and those that no dtype holds both of.
    apart = {"int64", "uint64"}
    compare(op, [pair for at, pair in enumerate(pairs) if pair[0] == pair[1] or at % 9 == 0 or set(pair) == apart])


@pytest.mark.parametrize("op", [pytest.param(op, id=op.name) for op in ONE if word_of(op) is None])
@pytest.mark.parametrize("dtype", WHOLE[:-1])
def test_a_formula_means_real_numbers(op: Op, dtype: str) -> None:
    """Also where a step of it would wrap around, as −1 of an unsigned number does."""
    x, params = ends(dtype, 40, np.random.default_rng(4)), op.examples[0].params
    node = op(ng.input("x", x), **params)
    if node.dtype.kind == "f":
        with np.errstate(all="ignore"):
            wanted = op(ng.input("x", x.astype(node.dtype)), **params).value
            np.testing.assert_array_equal(node.value, wanted)
            if node.dtype != np.float16:
                assert same(Program([node])()[0], wanted).all()


@pytest.mark.parametrize("source", [*WHOLE, *REAL])
def test_conversions(source: str) -> None:
    rng = np.random.default_rng(2)
    x = ends(source, 60, rng)
    if source in REAL:
        x = rng.choice(np.array([0, 1, 2.5, 3.99, 100, 0.5, 7], source), 60)
    nodes = [ng.cast(ng.input("x", x), dtype=target) for target in [*WHOLE, *REAL]]
    for found, node in zip(Program(nodes)(), nodes, strict=True):
        np.testing.assert_array_equal(found, node.value)
        assert found.dtype == node.dtype


@pytest.mark.parametrize("dtype", WHOLE)
def test_reductions_and_products(dtype: str) -> None:
    rng = np.random.default_rng(3)
    x, y = (ng.input(name, ends(dtype, 60, rng).reshape(shape)) for name, shape in (("x", (5, 12)), ("y", (12, 5))))
    nodes = [
        *[op(x, axis=axis) for op in (ng.sum, ng.prod, ng.max, ng.min, ng.count) for axis in (0, 1, None)],
        *[op(x, axis=1) for op in (ng.cumsum, ng.cumprod, ng.argmax, ng.argmin)],
        ng.matmul(x, y), ng.transpose(x), ng.concat([x, x]), ng.flip(x), ng.tril(x), x[::2, 1:],
        ng.scatter(x, [1, 1, 3, 0, 1], 4),
    ]  # fmt: skip
    program = Program(nodes)
    assert not [call for call in program.plan.calls if isinstance(call.code, Fallback)]
    for found, node in zip(program(), nodes, strict=True):
        assert found.dtype == np.asarray(node.value).dtype == node.dtype
        np.testing.assert_array_equal(found, node.value)


def test_float16_goes_through_numpy_and_is_moved_by_kernels() -> None:
    x = ng.input("x", np.array([[1, -2, 0.5], [np.nan, np.inf, -0.0]], np.float16))
    nodes = [
        ng.exp(x), ng.sum(x, axis=1), ng.softmax(x), ng.transpose(x), ng.concat([x, x], axis=1),
        ng.pad(x, 1, value=-1.5), x[::-1, 1:], ng.relu(ng.transpose(x)), ng.matmul(x, ng.transpose(x)),
    ]  # fmt: skip
    for found, node in zip(Program(nodes)(), nodes, strict=True):
        assert found.dtype == np.float16
        np.testing.assert_array_equal(found, node.value)


def test_negative_powers_of_whole_numbers_are_refused_as_by_numpy() -> None:
    x, exponent = ng.input("x", np.array([2, 3, 4])), ng.input("e", np.array([2, 0, 3]))
    program = Program([x**exponent, x**2, x ** np.array([1, 2, 0])])
    np.testing.assert_array_equal(program(), [[4, 1, 64], [4, 9, 16], [2, 9, 1]])
    assert len([call for call in program.plan.calls if isinstance(call.code, Fallback)]) == 1
    exponent.value = np.array([1, -1, 2])
    with pytest.raises(ValueError, match="negative integer powers"):
        program()
