"""Products on a GPU: every tile, cut depth, epilogues by fours, on numba's simulator, against numpy."""

from dataclasses import dataclass
from types import SimpleNamespace

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.compiled.planned import planned
from nngraph.autograd.engines.cuda import tiles
from nngraph.autograd.engines.cuda.products import emit
from nngraph.autograd.engines.cuda.program import CudaProgram
from nngraph.autograd.engines.cuda.target import Gpu, target_of
from nngraph.autograd.engines.numpy import evaluate_all
from nngraph.autograd.errors import NoDevice
from nngraph.autograd.kernels.cuda import product_tiles, tensor
from nngraph.autograd.kernels.cuda.product_tiles import LARGE, LITTLE, MIDDLE, SMALL, THIN, Tile

pytest.importorskip("numba_cuda", reason="the extra cuda is not installed")
from nngraph.autograd.kernels.cuda.device import simulator, with_tensor_cores
from nngraph.autograd.kernels.cuda.tensor import TensorTile


@dataclass(frozen=True)
class Tiled(Gpu):
    """A target whose products all have one tile, a depth cut into so many parts, and are computed so many times: each time
    they are added to what is there."""

    tile: Tile | TensorTile = SMALL
    parts: int = 1
    times: int = 1

    def product(self, plan, way, a, b, c, accumulate):
        turns = [accumulate] + [True] * (self.times - 1)
        return all([emit(plan, way, a, b, c, add, self.tile, self.parts) for add in turns])


def program_of(nodes, **how):
    """A program on the simulator with such products."""
    return CudaProgram(nodes, {}, simulator(), Tiled(True, **how))


def agree(nodes, room=2e-6, **how):
    """The program, whose results are those of numpy, with errors that grow with the depth only as rounding does."""
    program = program_of(nodes, **how)
    for found, right in zip(program({}), evaluate_all(nodes, {}), strict=True):
        assert (found.dtype, found.shape) == (right.dtype, right.shape)
        most = float(np.abs(right).max(initial=1))
        np.testing.assert_allclose(found, right, rtol=room, atol=room * most)
    return program


def matrix(rng, name, *shape, dtype=np.float32, turned=False):
    """A leaf, or one whose last two axes are exchanged."""
    if turned:
        return matrix(rng, name, *shape[:-2], shape[-1], shape[-2], dtype=dtype).mT
    return ng.parameter(name, rng.standard_normal(shape).astype(dtype))


def texts(program):
    """The kernels of the products and of what puts their parts together."""
    return [call.code.text() for call in program.plan.calls if call.code.name.startswith("product")]


@pytest.mark.parametrize("tile", ["TALL", "FLAT", "LITTLE", "THIN", "LOW", "MIDDLE", "LARGE"])
def test_tiles_that_a_gpu_is_given(tile, rng):
    tile = getattr(product_tiles, tile)
    rows, columns, depth = tile.height - 3, tile.width + 4 if tile.width < 32 else tile.width, 2 * tile.deep + 4
    agree([matrix(rng, "a", rows, depth) @ matrix(rng, "b", depth, columns)], tile=tile)


def test_more_threads_than_loads(rng):
    tile = Tile(16, 64, 8, unrolled=8)
    for turned in (False, True):
        a = matrix(rng, "a", 12, 20, turned=turned)
        agree([a @ matrix(rng, "b", 20, 60)], tile=tile)


@pytest.mark.parametrize("turned", ["", "a", "b", "ab"])
def test_operands_that_lie_every_way(turned, rng):
    a = matrix(rng, "a", 36, 40, turned="a" in turned)
    b = matrix(rng, "b", 40, 32, turned="b" in turned)
    program = agree([a @ b], tile=LITTLE)
    form = program.plan.calls[0].code.form
    assert (form.a, form.b) == ("rows4" if "a" in turned else "depth4", "depth4" if "b" in turned else "columns4")


@pytest.mark.parametrize(("rows", "depth", "columns", "parts"), [(20, 150, 24, 2), (5, 70, 7, 3), (16, 64, 16, 4)])
def test_depth_that_is_cut_into_parts(rows, depth, columns, parts, rng):
    program = agree([matrix(rng, "a", rows, depth) @ matrix(rng, "b", depth, columns)], parts=parts)
    first, last = [call for call in program.plan.calls if call.code.name.startswith("product")]
    assert first.code.form.parts
    assert last.code.name == "product_parts"
    again = program({})
    assert all(np.array_equal(*pair) for pair in zip(again, program({}), strict=True))


def test_parts_of_a_stack_with_two_loops_of_the_depth(rng):
    a, b = matrix(rng, "a", 3, 2, 4, 40), matrix(rng, "b", 3, 2, 40, 8)
    agree([ng.einsum("nsik,nskj->nij", a, b)], parts=2)


@pytest.mark.parametrize("parts", [1, 2])
def test_a_stack_of_two_loops_that_are_not_one(parts, rng):
    a, b = matrix(rng, "a", 2, 3, 5, 40), matrix(rng, "b", 3, 2, 40, 8)
    agree([ng.einsum("mnik,nmkj->mnij", a, b)], parts=parts)


def test_what_adds_up_parts_runs_the_epilogues(rng):
    a, b, c = matrix(rng, "a", 20, 70), matrix(rng, "b", 70, 24), matrix(rng, "c", 20, 24)
    bias = matrix(rng, "bias", 24)
    program = agree([ng.tanh(0.1 * (a @ b) + bias) * c], parts=2)
    (_, last) = [call for call in program.plan.calls if call.code.name.startswith("product")]
    assert last.finishing, "the epilogue goes along with what adds up the parts"


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("columns", [24, 7])
def test_products_are_added_to_what_is_there(columns, parts, rng):
    a, b = matrix(rng, "a", 20, 70), matrix(rng, "b", 70, columns)
    (found,) = program_of([a @ b], parts=parts, times=3)({})
    np.testing.assert_allclose(found, 3 * (a.value @ b.value), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("columns", [32, 20, 18])
def test_epilogues_move_four_numbers_where_they_lie_so(columns, rng):
    a, b, bias = matrix(rng, "a", 17, 8), matrix(rng, "b", 8, columns), matrix(rng, "bias", columns)
    (text,) = texts(agree([ng.relu(a @ b + bias)]))
    stored = text[text.rindex("cuda.syncthreads") :]
    assert ("ld4(" in stored and "st4(" in stored) == (columns % 4 == 0)


def test_an_epilogue_that_begins_between_fours_goes_one_by_one(rng):
    a, b, wide = matrix(rng, "a", 17, 8), matrix(rng, "b", 8, 16), matrix(rng, "wide", 17, 18)
    agree([a @ b + wide[:, 1:17], a @ b * wide[:, :16]])


@pytest.mark.parametrize(("more", "fours"), [(0, True), (4, False)])
def test_from_2_to_the_31_numbers_on_they_move_one_by_one(more, fours):
    def given(name, *shape):
        return ng.input(name, shape=shape, dtype=np.float32)

    rows, near = (1 << 18) + more, 1 << 13
    x, w, g, bias = given("x", rows, near), given("w", near, 64), given("g", rows, 64), given("bias", rows, near)
    (across,), (back,) = planned([x @ w], {}, Gpu()).calls[:1], planned([ng.relu(g @ w.mT) + bias], {}, Gpu()).calls
    assert across.code.form.a == ("depth4" if fours else "depth")
    assert across.code.form.b == "columns4"
    assert (back.code.form.a, back.code.form.c_four) == ("depth4", fours)
    assert [each.four for each in back.code.form.epilogues] == [fours]
    images, filters = given("images", (rows + 3) // 4, 4, 64, 128), given("filters", 4, 4, 1, 1)
    (windows,) = planned([ng.conv2d(images, filters)], {}, Gpu()).calls
    assert windows.code.form.b == ("columns4" if fours else "columns")


def test_a_row_of_an_epilogue_has_one_number_for_all_columns(rng):
    a, b, each = matrix(rng, "a", 17, 8), matrix(rng, "b", 8, 16), matrix(rng, "each", 17, 1)
    agree([(a @ b) * each > 0.5, ng.exp((a @ b) * each)])


def test_float64(rng):
    a, b = matrix(rng, "a", 20, 40, dtype=np.float64), matrix(rng, "b", 40, 24, dtype=np.float64)
    agree([a @ b], room=1e-14)
    agree([ng.tanh(0.1 * (a @ b))], room=1e-14, parts=2)
    agree([a @ b], room=1e-14, tile=product_tiles.DOUBLE)


@pytest.mark.parametrize(("rows", "depth", "columns"), [(0, 3, 4), (3, 0, 4), (3, 4, 0), (1, 1, 1)])
def test_nothing_times_nothing(rows, depth, columns, rng):
    a, b = matrix(rng, "a", rows, depth), matrix(rng, "b", depth, columns)
    agree([a @ b + 1.0])


def test_strides_that_leap_and_turn_back(rng):
    a, b = matrix(rng, "a", 3, 40, 7), matrix(rng, "b", 40, 9)
    agree([a[1, ::-3, ::2] @ b[::9, ::-2][:4], a[:, ::20, :5] @ b[5:0:-1, :3], a[0].T[::3, 8:16] @ b[16:0:-2]])


def test_stacks(rng):
    a, b = matrix(rng, "a", 2, 3, 5, 8), matrix(rng, "b", 2, 3, 8, 12)
    agree([a @ b, a @ b[0, 0], ng.einsum("abik,abkj->aij", a, b), ng.einsum("abik,acjk->abcij", a, a)])


def test_more_matrices_than_a_grid_has_along_an_axis(rng, monkeypatch):
    monkeypatch.setattr("nngraph.autograd.engines.cuda.products.MOST_BLOCKS", (2**31 - 1, 2, 2))
    a, b = matrix(rng, "a", 3, 40, 8), matrix(rng, "b", 3, 8, 20)
    program = agree([a @ b + 1.0])
    assert program.plan.calls[0].code.form.flat


def test_whole_numbers(rng):
    a, b = ng.constant(rng.integers(-9, 9, (5, 6))), ng.constant(rng.integers(-9, 9, (6, 4)))
    agree([a @ b])


def test_not_a_number_stays_where_it_is(rng):
    a, b = rng.standard_normal((18, 33)).astype(np.float32), rng.standard_normal((33, 20)).astype(np.float32)
    a[2, 32], b[5, 7] = np.nan, np.inf
    nodes = [ng.constant(a) @ ng.parameter("b", b)]
    for parts in (1, 2):
        (found,), (right,) = program_of(nodes, parts=parts)({}), evaluate_all(nodes, {})
        np.testing.assert_array_equal(np.isfinite(found), np.isfinite(right))


# Tensor cores --------------------------------------------------------------------------------------------------------
ONE_WARP, FOUR_WARPS = TensorTile(16, 16, 8, 1, 1), TensorTile(32, 64, 16, 2, 2)


def rounded(array):
    """Numbers with 10 bits of fraction, halves away from zero."""
    fraction, exponent = np.frexp(np.asarray(array, np.float64))
    scaled = fraction * 2.0**11
    return np.ldexp(np.trunc(scaled + np.copysign(0.5, scaled)), exponent - 11)


@pytest.mark.parametrize(
    ("tile", "turned"), [(ONE_WARP, ""), (ONE_WARP, "ab"), (FOUR_WARPS, ""), (tensor.NARROW, "a")]
)
def test_tensor_cores_multiply_rounded_numbers(tile, turned, rng):
    rows, depth, columns = tile.height - 3, tile.deep + 4, tile.width - 4
    a = matrix(rng, "a", rows, depth, turned="a" in turned)
    b = matrix(rng, "b", depth, columns, turned="b" in turned)
    ((found,), (x, y)) = program_of([a @ b], tile=tile)({}), evaluate_all([a, b], {})
    np.testing.assert_allclose(found, rounded(x) @ rounded(y), rtol=2e-6, atol=1e-5)
    assert 1e-5 < np.abs(found - x.astype(np.float64) @ y).max() < 1e-2


def test_lanes_name_their_numbers_in_the_order_of_the_instruction():
    """As CUTLASS lays SM80_16x8x8_F32TF32TF32F32_TN out: for a lane (t, g) and a number (one, other) of its own, the sum of
    these strides is the place of the number, columns first."""
    layouts = {"a": ((16, 1), (8, 64), 16), "b": ((8, 1), (32, 0), 8), "c": ((32, 1), (16, 8), 16)}

    def place(name, lane, number):
        (by_t, by_g), (one, other), rows = layouts[name]
        at = lane % 4 * by_t + lane // 4 * by_g + number % 2 * one + number // 2 * other
        return at % rows, at // rows

    a, b = np.zeros((16, 8), np.float32), np.zeros((8, 8), np.float32)
    rng = np.random.default_rng(0)
    a[...], b[...] = rng.integers(-9, 9, a.shape), rng.integers(-9, 9, b.shape)
    given = np.zeros((32, 6), np.float32)
    for lane in range(32):
        given[lane, :4] = [a[place("a", lane, each)] for each in range(4)]
        # The rows of this layout are B's columns.
        given[lane, 4:] = [b[place("b", lane, each)[::-1]] for each in range(2)]
    found = np.zeros((32, 4), np.float32)
    text = """def kernel(numbers, sums):
    lane = uint32(cuda.threadIdx.x)
    a0, a1, a2, a3 = numbers[lane, 0], numbers[lane, 1], numbers[lane, 2], numbers[lane, 3]
    nothing = float32(0)
    b0, b1 = numbers[lane, 4], numbers[lane, 5]
    s0, s1, s2, s3 = mma(a0, a1, a2, a3, b0, b1, nothing, nothing, nothing, nothing)
    sums[lane, 0], sums[lane, 1], sums[lane, 2], sums[lane, 3] = s0, s1, s2, s3
"""
    simulator().kernel(text, ["float32*"] * 2)((1, 1, 1), 32, [given, found])
    for lane in range(32):
        for each in range(4):
            row, column = place("c", lane, each)
            assert found[lane, each] == a[row] @ b[:, column]


def test_tensor_cores_in_parts_and_with_an_epilogue(rng):
    a, b, bias = matrix(rng, "a", 20, 36), matrix(rng, "b", 36, 20), matrix(rng, "bias", 20)
    node = ng.relu(0.1 * (a @ b) + bias)
    for parts in (1, 2):
        agree([node], room=2e-3, tile=ONE_WARP, parts=parts)


def test_numbers_that_are_rounded_for_tensor_cores():
    tf32 = tensor.instructions(True)["tf32"]
    for bits, wanted in (
        (0x3F801000, 0x3F802000), (0x3F800FFF, 0x3F800000), (0xBF801000, 0xBF802000), (0x3FFFF000, 0x40000000),
        (0x7F800000, 0x7F800000), (0x80000000, 0x80000000),
    ):  # fmt: skip
        assert tf32(np.uint32(bits).view(np.float32)).view(np.uint32) == wanted
    assert np.isnan(tf32(np.float32(np.nan)))


def test_an_engine_with_tensor_cores_uses_them_for_float32_only(rng):
    for dtype, wanted in ((np.float32, TensorTile), (np.float64, Tile)):
        node = matrix(rng, "a", 256, 64, dtype=dtype) @ matrix(rng, "b", 64, 256, dtype=dtype)
        plan = planned([node], {}, target_of("cuda-tf32"))
        assert isinstance(plan.calls[0].code.form.tile, wanted)
    assert not isinstance(planned([node], {}, target_of("cuda")).calls[0].code.form.tile, TensorTile)


def test_an_older_gpu_says_that_it_has_no_such_tensor_cores():
    with pytest.raises(NoDevice, match="7.5"):
        with_tensor_cores(SimpleNamespace(arch="75"))
    assert with_tensor_cores(SimpleNamespace(arch="90")).arch == "90"


# Which tile ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rows", "columns", "depth", "matrices"),
    [(1024, 512, 784, 1), (784, 512, 1024, 1), (512, 512, 1024, 1), (128, 2048, 512, 1), (128, 512, 2048, 1),
     (784, 1024, 2048, 1), (4096, 4096, 4096, 1), (64, 64, 64, 256)],
)  # fmt: skip
def test_every_processor_has_work(rows, columns, depth, matrices):
    tile, parts = tiles.chosen(rows, columns, depth, matrices, tiles.tiles_for(rows, columns, "float32", True))
    blocks = -(-rows // tile.height) * -(-columns // tile.width) * matrices * parts
    assert blocks >= 0.9 * tiles.PROCESSORS


def test_large_products_have_large_tiles_and_few_columns_thin_ones():
    def tile_of(*sizes):
        return tiles.chosen(*sizes, 1, tiles.tiles_for(*sizes[:2], "float32", True))[0]

    assert tile_of(4096, 4096, 4096) == LARGE
    assert tile_of(50000, 10, 784) == THIN
    assert tiles.chosen(4096, 4096, 4096, 1, tiles.tiles_for(4096, 4096, "float32", False))[0] == MIDDLE
