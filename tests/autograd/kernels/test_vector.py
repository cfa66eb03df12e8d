"""The vector type: what its instructions compute, and that memory outside of a mask is left alone."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from llvmlite import ir
from nngraph.autograd.kernels import machine_code, vector
from nngraph.autograd.kernels.kernel import Kernel
from nngraph.autograd.kernels.machine import machine
from nngraph.autograd.kernels.vector import BIT, ELEMENTS, FLOAT32, FLOAT64, INT32, INT64, Lanes, fuses, literal, scales
from nngraph.autograd.special import erf

from .over_arrays import WIDTHS, applied, vectors_of


@pytest.fixture(scope="module", params=WIDTHS)
def width(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Code for vectors of so many bytes."""
    with vectors_of(request.param, tmp_path_factory.mktemp("code")):
        yield request.param


def test_the_machine_has_what_was_asked_for(width: int) -> None:
    here = machine()
    assert here.vector_bytes <= width
    assert here.lanes("float32") * 4 == here.lanes("float64") * 8 == here.vector_bytes
    if here.triple.startswith("x86_64"):
        assert fuses() == (here.vector_bytes > 16)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_product_loses_nothing(dtype: str, width: int, rng: np.random.Generator) -> None:
    x, y = (rng.standard_normal(200).astype(dtype) for _ in range(2))
    whole = applied(lambda x, y: x.product(y)[0], dtype, dtype)(x, y)
    lost = applied(lambda x, y: x.product(y)[1], dtype, dtype)(x, y)
    np.testing.assert_array_equal(whole, x * y)
    for each in zip(x, y, whole, lost, strict=True):
        a, b, c, d = (Fraction(float(number)) for number in each)
        assert a * b == c + d


def test_fma_rounds_once_where_the_processor_can(width: int) -> None:
    x = np.float64(1) + 2.0**-30
    got = applied(lambda x, y, z: x.fma(y, z), "float64", "float64", "float64")([x], [x], [-x * x])
    assert got[0] == (2.0**-60 if fuses() else 0)
    assert applied(lambda x: x.fma(2, 1), "float64")([3.0])[0] == 7


def test_a_constant_is_rounded_as_numpy_rounds() -> None:
    for number in (0.1, 1e39, -1e39, np.inf, 3.4028235e38, 1e-46, 16777217):
        with np.errstate(over="ignore"):
            assert literal(FLOAT32, number).constant == np.float32(number)
    assert np.isnan(literal(FLOAT64, np.nan).constant)
    assert literal(vector.vector(INT32, 4), 3.0).type.count == 4


@pytest.mark.parametrize(
    ("dtype", "out"),
    [("float32", "float64"), ("float64", "float32"), ("float32", "int32"), ("float64", "int64"), ("int32", "float64"),
     ("int64", "float32"), ("int8", "int64"), ("int64", "int16"), ("bool", "float32"), ("bool", "int32")],
)  # fmt: skip
def test_casts_are_those_of_numpy(dtype: str, out: str, width: int) -> None:
    x = np.array([0, 1, 2.75, 100.5, 3, 0]) if dtype != "bool" else np.array([True, False])
    x = np.concatenate([x, -x]).astype(dtype) if dtype != "bool" else x
    np.testing.assert_array_equal(applied(lambda x: x, dtype, out=out)(x), x.astype(out))


def test_anything_but_zero_is_true(width: int) -> None:
    x = np.array([0, 0.5, -1, np.nan, -0.0])
    np.testing.assert_array_equal(applied(lambda x: x.cast(BIT), "float64", out="bool")(x), x.astype(bool))
    got = applied(lambda x: x.cast(FLOAT64, unsigned=True), "int64", out="float64")([-1, 5])
    np.testing.assert_array_equal(got, [2.0**64, 5])


def test_shifts_and_bits(width: int) -> None:
    x = np.array([-8, -1, 0, 5, 1 << 30], np.int32)
    np.testing.assert_array_equal(applied(lambda x: x.shift_signed(2), "int32")(x), x >> 2)
    np.testing.assert_array_equal(applied(lambda x: x >> 2, "int32")(x), (x.view(np.uint32) >> 2).view(np.int32))
    np.testing.assert_array_equal(applied(lambda x: (x << 1) ^ (~x & 4) | 3, "int32")(x), (x << 1) ^ (~x & 4) | 3)
    floats = np.array([1.5, -0.0], np.float32)
    np.testing.assert_array_equal(
        applied(lambda x: x.bits(INT32), "float32", out="int32")(floats), floats.view(np.int32)
    )


def test_rounding_and_signs(width: int) -> None:
    x = np.array([0.5, 1.5, -2.5, 2.4999, -0.2, np.inf, np.nan])
    np.testing.assert_array_equal(applied(lambda x: x.floor(), "float64")(x), np.floor(x))
    np.testing.assert_array_equal(applied(lambda x: x.copysign(-1), "float64")(x), np.copysign(x, -1))
    np.testing.assert_array_equal(applied(lambda x: x.is_nan(), "float64", out="bool")(x), np.isnan(x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_powers_of_two_in_one_instruction(dtype: str) -> None:
    kind, lanes = ELEMENTS[dtype], machine().lanes(np.dtype(dtype))
    if not scales(kind, lanes):
        pytest.skip("this processor has no instruction for it")
    x = np.array([1.5, -0.75, 1.0, 1.25, np.inf, np.nan, 3.0, -1.0] * 2, dtype)
    exponent = np.array([3, -200, -1080, 2000, 5, 1, 0, 127] * 2, dtype)
    right = np.ldexp(x.astype(np.longdouble), exponent.astype(int)).astype(dtype)
    np.testing.assert_array_equal(applied(lambda x, n: x.scaled(n), dtype, dtype)(x, exponent), right)


@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16])
def test_lanes_are_folded_in_halves(lanes: int, width: int) -> None:
    x = np.arange(1.0, 17)
    sums = x.reshape(-1, lanes).sum(axis=1).repeat(lanes)
    folded = applied(lambda x: x.folded(lambda a, b: a + b).repeat(lanes), "float64", lanes=lanes)
    np.testing.assert_array_equal(folded(x), sums)
    largest = applied(lambda x: x.folded(Lanes.maximum).repeat(lanes), "float64", lanes=lanes)
    x[5] = np.nan
    np.testing.assert_array_equal(largest(x), x.reshape(-1, lanes).max(axis=1).repeat(lanes))


def test_single_lanes_and_branches(width: int) -> None:
    x = np.array([0, 1, 2, 3, 40, 50, 60, 70.0])
    turned = applied(lambda x: x.shuffle(x, [3, 2, 1, 0]), "float64", lanes=4)(x)
    np.testing.assert_array_equal(turned, [3, 2, 1, 0, 70, 60, 50, 40])
    second = applied(lambda x: x.with_lane(INT64(1), x.lane(INT64(0)) + 9), "float64", lanes=4)(x)
    np.testing.assert_array_equal(second, [0, 9, 2, 3, 40, 49, 60, 70])
    some = applied(lambda x: Lanes(x.builder, (x > 60).any()).select(x, 0), "float64", lanes=4)(x)
    np.testing.assert_array_equal(some, [0, 0, 0, 0, 40, 50, 60, 70])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("count", [0, 1, 3, 4])
def test_masks_touch_only_their_lanes(count: int, dtype: str, width: int) -> None:
    def masked(build: ir.IRBuilder, arguments: list[ir.Value]) -> None:
        mask = vector.first(build, INT64(count), 4)
        kind = vector.vector(vector.ELEMENTS[dtype], 4)
        numbers = vector.load_some(build, arguments[0], 1, kind, mask)
        vector.store_some(build, arguments[1], 2, numbers + 1, mask)

    source, target = np.arange(8).astype(dtype), np.full(8, -7, dtype)
    _called(masked, source.ctypes.data, target.ctypes.data)
    right = np.full(8, -7, dtype)
    right[2 : 2 + count] = source[1 : 1 + count] + 1
    np.testing.assert_array_equal(target, right)


def _called(write: Callable[[ir.IRBuilder, list[ir.Value]], None], *arguments: int) -> None:
    module = ir.Module()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [INT64] * len(arguments)), "THE_CODE")
    build = ir.IRBuilder(function.append_basic_block())
    write(build, list(function.args))
    build.ret_void()
    key = machine_code.key_of(str(module))
    text = str(module).replace("THE_CODE", machine_code.symbol(key))
    address = machine_code.address_of(key, lambda: machine_code.object_code(text))
    ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * len(arguments))(address)(*arguments)


def test_code_with_constants_loaded_after_code_with_calls(width: int) -> None:
    # Calls of library functions go through a table that must not lead the constants of other code astray.
    x = np.array([0.5, 2.0])
    for lanes in (1, 2):
        called = applied(lambda x: x._call("llvm.sin", x), "float64", lanes=lanes)(x)
        np.testing.assert_allclose(called, np.sin(x), rtol=1e-15)
        picked = applied(lambda x: (x > 1).select(x.number(7.25), x.number(-3.5)), "float64", lanes=lanes)(x)
        np.testing.assert_array_equal(picked, [-3.5, 7.25])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numba_kernels_compute_the_same(dtype: str, tmp_path: Path) -> None:
    def every_function(v: SimpleNamespace) -> Callable[[int, int, int], None]:
        load_some, store_some, word, lanes = v.load_some, v.store_some, v.word, v.lanes
        exp, log, tanh, sigmoid, erf, fma, repeat = v.exp, v.log, v.tanh, v.sigmoid, v.erf, v.fma, v.repeat
        expm1, log1p, sqrt, maximum, sum_of, get, put, T = v.expm1, v.log1p, v.sqrt, v.maximum, v.sum, v.get, v.put, v.T

        def loop(block: int, start: int, stop: int) -> None:
            source, target, total = word(block, 0), word(block, 1), word(block, 2)
            for at in range(start, stop, lanes):
                x = load_some(source, at, stop - at)
                y = fma(exp(x), tanh(x), sigmoid(x) * erf(x)) - log(sqrt(maximum(x, repeat(T(0.5)))))
                y = y / (log1p(expm1(x)) + repeat(T(4)))
                store_some(target, at, y, stop - at)
                put(total, 0, get(total, 0) + sum_of(x))

        return loop

    x, total = np.linspace(-2, 2, 37).astype(dtype), np.zeros(1, dtype)
    y = np.full(38, -7, dtype)
    block = np.array([x.ctypes.data, y.ctypes.data, total.ctypes.data])
    kernel = Kernel("every_function", dtype, every_function)
    vars(kernel)["key"] = machine_code.key_of(kernel.name, dtype)  # keys come from pages beside kernel.py; this is none
    with vectors_of(max(WIDTHS), tmp_path):
        address = kernel.address
    ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 3)(address)(block.ctypes.data, 0, 37)
    wide = x.astype(np.float64)
    right = np.exp(wide) * np.tanh(wide) + erf(wide) / (1 + np.exp(-wide)) - np.log(np.sqrt(np.maximum(wide, 0.5)))
    np.testing.assert_allclose(y[:37], right / (wide + 4), rtol=0, atol=20 * np.finfo(dtype).eps)
    assert y[37] == -7
    assert total[0] == pytest.approx(0, abs=1e-5)
