"""Products by NVIDIA's library: which it is asked for and how, seen by functions that multiply as BLAS defines it."""

import ctypes
from itertools import product

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.compiled.planned import planned
from nngraph.autograd.engines.cuda.program import CudaProgram
from nngraph.autograd.engines.cuda.target import Gpu
from nngraph.autograd.engines.numpy import evaluate_all
from nngraph.autograd.errors import NoDevice, OutOfDeviceMemory
from nngraph.autograd.kernels.cuda import cublas
from nngraph.autograd.kernels.cuda.device import with_cublas
from nngraph.autograd.kernels.cuda.gemm import Gemm
from nngraph.autograd.kernels.cuda.hardware import Hardware

from .fake_cublas import FakeCublas
from .fake_driver import FakeDriver

TARGET = Gpu(cublas=True)


@pytest.fixture
def fake(monkeypatch):
    """The library; its `driver` is that of a GPU."""
    made = FakeCublas(FakeDriver())
    monkeypatch.setattr(cublas, "functions", made.functions)
    return made


def names(*nodes):
    return [call.code.name for call in planned(nodes, {}, TARGET).calls]


def agree(fake, *nodes):
    """The program has nothing but products of the library, and their results are those of numpy, also when they are replayed."""
    assert set(names(*nodes)) == {"cublas"}
    program = CudaProgram(nodes, {}, with_cublas(Hardware(fake.driver.driver)), TARGET)
    for _ in range(3):
        for found, right in zip(program({}), evaluate_all(nodes, {}), strict=True):
            assert found.dtype == right.dtype
            np.testing.assert_allclose(found, right, rtol=1e-5 if found.dtype == np.float32 else 1e-13, atol=1e-5)
    return program


def matrix(rng, name, *shape, dtype=np.float32, turned=False):
    if turned:
        return matrix(rng, name, *shape[:-2], shape[-1], shape[-2], dtype=dtype).mT
    return ng.parameter(name, rng.standard_normal(shape).astype(dtype))


# Which matrix is which ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("left", "right"), list(product([False, True], repeat=2)))
def test_operands_that_lie_every_way(left, right, dtype, fake, rng):
    a, b = matrix(rng, "a", 5, 7, dtype=dtype, turned=left), matrix(rng, "b", 7, 3, dtype=dtype, turned=right)
    agree(fake, a @ b)


@pytest.mark.parametrize(("rows", "depth", "columns"), [(1, 5, 4), (5, 1, 4), (5, 4, 1), (1, 1, 3), (1, 1, 1), (1, 6, 1)])
def test_sides_of_one(rows, depth, columns, fake, rng):
    for left, right in product([False, True], repeat=2):
        agree(fake, matrix(rng, "a", rows, depth, turned=left) @ matrix(rng, "b", depth, columns, turned=right))


def test_stacks_and_matrices_that_many_share(fake, rng):
    a, b = matrix(rng, "a", 2, 3, 5, 4), matrix(rng, "b", 2, 3, 4, 6)
    agree(fake, a @ b, a[0] @ b[1], a[1, 2] @ b[0], a.mT @ ng.parameter("c", np.ones((2, 3, 5, 2), np.float32)))


def test_parts_of_matrices(fake, rng):
    a, b = matrix(rng, "a", 9, 8), matrix(rng, "b", 8, 11)
    agree(fake, a[1:6, 2:6] @ b[1:5, 3:10], a.mT[2:5, ::3] @ ng.parameter("c", np.ones((3, 2), np.float32)))


def test_products_are_added_to_what_is_there(fake, rng):
    class Twice(Gpu):
        def product(self, plan, way, a, b, c, accumulate):
            return all([super(Twice, self).product(plan, way, a, b, c, add) for add in (accumulate, True)])

    a, b = matrix(rng, "a", 5, 7), matrix(rng, "b", 7, 3)
    device = with_cublas(Hardware(fake.driver.driver))
    (found,) = CudaProgram([a @ b], {}, device, Twice(cublas=True))({})
    np.testing.assert_allclose(found, 2 * a.value @ b.value, rtol=1e-5, atol=1e-5)


# What it is not asked for ---------------------------------------------------------------------------------------------
def test_what_the_library_cannot_do_our_kernels_do(rng):
    a, b = matrix(rng, "a", 12, 14), matrix(rng, "b", 14, 10)
    assert names(a[::2, ::2] @ b[::2]) == ["product"]
    assert names(a[:, ::-1] @ b) == ["product"]
    assert "cublas" not in names(ng.broadcast(matrix(rng, "row", 14), shape=(12, 14)) @ b)
    assert "cublas" not in names(ng.constant(np.ones((3, 4), np.int64)) @ ng.constant(np.ones((4, 2), np.int64)))
    assert "cublas" not in names(matrix(rng, "none", 3, 0) @ matrix(rng, "empty", 0, 4))
    c, d = matrix(rng, "c", 3, 2, 4, 40), matrix(rng, "d", 3, 2, 40, 8)
    assert "cublas" not in names(ng.einsum("nsik,nskj->nij", c, d))
    assert "cublas" not in names(ng.einsum("mnik,nmkj->mnij", matrix(rng, "e", 2, 3, 5, 40), matrix(rng, "f", 3, 2, 40, 8)))


def test_what_follows_a_product_is_a_nest_of_its_own(rng):
    node = ng.relu(matrix(rng, "a", 6, 7) @ matrix(rng, "b", 7, 4) + matrix(rng, "bias", 4))
    assert names(node) == ["cublas", "nest"]
    assert [call.code.name for call in planned([node], {}, Gpu()).calls] == ["product"]


# The library itself ---------------------------------------------------------------------------------------------------
def test_handles_have_streams_memory_and_float32(fake, rng):
    program = agree(fake, matrix(rng, "a", 5, 7) @ matrix(rng, "b", 7, 3))
    assert sorted(fake.streams.values()) == sorted(fake.driver.streams)
    assert {size for _, size in fake.workspaces.values()} == {32 << 20}
    assert set(fake.modes.values()) == {2}
    assert set(fake.workspaces) == set(fake.modes) == set(fake.streams)
    assert len(fake.driver.ready) == 1
    assert cublas.workspace("86") == 4 << 20
    assert fake.done == 3
    source = program.report((), ["y"]).source("1")
    assert "cublasSgemmStridedBatched(handle, CUBLAS_OP_N, CUBLAS_OP_N, 3, 5, 7, &alpha, A, 3, 0, B, 7, 0, &beta, C, 3, 0, 1)" in source


def test_it_says_what_to_install_and_what_was_refused(fake, rng, monkeypatch):
    device = Hardware(fake.driver.driver)
    fake.failing = 3
    with pytest.raises(OutOfDeviceMemory, match="cublasCreate"):
        device.library()
    fake.failing = 0
    run = device.gemm(next(call.code for call in planned([matrix(rng, "a", 3, 4) @ matrix(rng, "b", 4, 2)], {}, TARGET).calls).form)
    fake.workspaces.clear()
    with pytest.raises(cublas.CublasError, match="cublasSgemmStridedBatched: status 7"):
        run(0, 0, 0)
    monkeypatch.undo()
    monkeypatch.setattr(cublas, "_places", lambda: iter(["/nowhere/libcublas.so.13"]))
    cublas.library.cache_clear()
    with pytest.raises(NoDevice, match=r"cuBLAS is not found.*\[cublas\]"):
        Hardware(FakeDriver().driver).library()
    cublas.library.cache_clear()


def test_an_address_takes_64_bits_and_a_step_too():
    for types in (each for name, each in cublas.SIGNATURES.items() if "gemm" in name):
        sizes = [ctypes.sizeof(each) for each in types]
        assert sizes == [8, 4, 4, 4, 4, 4, 8, 8, 4, 8, 8, 4, 8, 8, 8, 4, 8, 4]


def test_a_form_is_code(rng):
    (call,) = planned([matrix(rng, "a", 3, 4) @ matrix(rng, "b", 4, 2)], {}, TARGET).calls
    assert isinstance(call.code, Gemm)
    assert not call.finish
