"""Nests on a GPU: every layout of threads gives numpy's numbers on the simulator, and large nests are laid over enough blocks."""

import nngraph as ng
import numpy as np
import pytest

pytest.importorskip("numba_cuda", reason="the extra cuda is not installed")
from nngraph.autograd.engines.compiled.planned import planned
from nngraph.autograd.engines.cuda.launch import launched
from nngraph.autograd.engines.cuda.target import Gpu
from nngraph.autograd.errors import NngraphError
from nngraph.autograd.kernels.cuda.bundle import shared_bytes
from nngraph.autograd.kernels.cuda.device import simulator
from nngraph.autograd.kernels.cuda.layout import Layout
from nngraph.autograd.kernels.cuda.nest import CudaNest
from nngraph.autograd.kernels.loops import NEXT, STILL, Apply, Buffer, Fold, Loops, Number, Write

from .simulated_nests import check, run


@pytest.fixture(scope="module", autouse=True)
def simulated():
    return simulator()


def given(name, *shape):
    return ng.input(name, shape=shape, dtype=np.float32)


def nests(*nodes):
    """How the nests of a plan for a GPU are launched."""
    return [launched(call) for call in planned(list(nodes), {}, Gpu()).calls if isinstance(call.code, CudaNest)]


def test_random_nests_agree_with_numpy_in_any_layout():
    layouts = [layout for seed in range(60) if (layout := run(seed)) is not None]
    assert len(layouts) > 40
    assert sum(layout.lines > 1 for layout in layouts) > 10
    assert sum(layout.across > layout.warp for layout in layouts) > 10
    assert sum(bool(layout.single) for layout in layouts) > 8
    assert any(layout.split > 0 for layout in layouts)


def test_two_warps_of_32_threads_fold_as_a_gpu_does():
    """Larger than the other blocks of the tests, with the masks and lanes that a GPU is given."""
    row, one = Buffer("float32", ("n", NEXT)), Buffer("float32", (NEXT, STILL))
    steps = (Fold("max", 0, (1,), "float32"), Apply("-", (0, 1), "float32"), Fold("+", 2, (1,), "float32"))
    loops = Loops(2, (row,), steps, (Write(2, row), Write(3, one)))
    rng = np.random.default_rng(0)
    x = rng.integers(-50, 50, (3, 100)).astype(np.float32)
    for layout in (Layout(1, 64), Layout(1, 16, 0, 4), Layout(1, 32, 0, 2)):
        code, y, total = CudaNest(loops, layout), np.full((3, 100), np.nan, np.float32), np.full(3, np.nan, np.float32)
        words = [np.uint32(3), np.uint32(100), x.ravel(), np.uint32(0), np.int32(100), y.ravel(), np.uint32(0), np.int32(100)]
        words += [total, np.uint32(0), np.uint32(3)]
        if code.apart:
            words += [np.full(300, np.nan, np.float32), np.uint32(300)]
        simulator().kernel(code.text(), ())((1, 1, 1), 64, words)
        np.testing.assert_array_equal(y, x - x.max(1, keepdims=True))
        np.testing.assert_array_equal(total, (x - x.max(1, keepdims=True)).sum(1))


@pytest.mark.parametrize("layout", [Layout(1, 8), Layout(1, 8, warp=4), Layout(1, 4, 0, 2), Layout(1, 2, 0, 4)])
def test_one_thread_writes_only_when_all_have_read(layout, rng):
    """The number of every row is written over by one that is made of it, after another write that waits for nobody."""
    place, row = Buffer("float32", ("n", STILL)), Buffer("float32", ("n", NEXT))
    steps = (Apply("cast", (0,), "float64"), Apply("*", (0, Number(2.0)), "float32"), Apply("+", (2, 0), "float32", (1,)))
    writes = (Write(1, Buffer("float64", ("n", STILL))), Write(2, place), Write(3, row))
    numbers = rng.integers(1, 9, (9, 1)).astype(np.float32)
    check(Loops(2, (place,), steps, writes), (9, 11), [numbers], layout, rng, share=True)


@pytest.fixture
def first_thread_last(monkeypatch):
    """The first thread of a block begins when all others have begun: who does not wait for it is too early."""
    from numba.cuda.simulator.kernel import BlockThread

    begin = BlockThread.start

    def start(thread):
        manager = thread._manager
        if thread.thread_id == 0:
            manager.first = thread
        else:
            begin(thread)
        if thread.thread_id == np.prod(manager._block_dim) - 1:
            begin(manager.first)

    monkeypatch.setattr(BlockThread, "start", start)


@pytest.mark.parametrize("layout", [Layout(1, 8), Layout(1, 8, warp=4), Layout(1, 4, 0, 2), Layout(1, 2, 0, 4)])
def test_what_one_thread_puts_aside_is_there_for_the_others(layout, rng, first_thread_last):
    """A costly number of every row is kept over a pass over the rows, whose sum is needed with it."""
    place, row = Buffer("float32", (NEXT, STILL)), Buffer("float32", ("n", NEXT))
    steps = (
        Apply("/", (0, Number(4.0)), "float32"), Fold("+", 2, (0,), "float32"), Apply("+", (2, 3), "float32"),
        Apply("+", (4, 1), "float32"),
    )  # fmt: skip
    loops = Loops(2, (place, row), steps, (Write(5, row),))
    arrays = [rng.integers(1, 9, shape).astype(np.float32) for shape in ((9, 1), (9, 11))]
    check(loops, (9, 11), arrays, layout, rng, share=False)


@pytest.mark.parametrize("layout", [Layout(1, 8), Layout(1, 4, 0, 2), Layout(1, 2, 0, 4, warp=2)])
def test_lines_put_aside_in_places_of_their_own(layout, rng):
    """Costly numbers of a row are kept over two passes over it, in which lines of threads are at rows of their own."""
    row = Buffer("float32", ("n", NEXT))
    steps = (Apply("/", (0, Number(4.0)), "float32"), Fold("max", 1, (1,), "float32"), Apply("-", (1, 2), "float32"))
    code = CudaNest(Loops(2, (row,), steps, (Write(3, row),)), layout)
    assert code.apart
    check(code.loops, (9, 19), [rng.integers(-9, 9, (9, 19)).astype(np.float32)], layout, rng, share=False)


BATCH = [
    Layout(2, 8, split=1, single=frozenset({1})), Layout(2, 2, 0, 4, 1, single=frozenset({1})),
    Layout(2, 4, 0, 4, 1, single=frozenset({1}), warp=2), Layout(2, 8, warp=4), Layout(2, 4, 1, 2, 1, single=frozenset({1})),
]  # fmt: skip


@pytest.mark.parametrize("layout", BATCH)
@pytest.mark.parametrize("word", ["+", "max"])
def test_channels_are_folded_over_images_and_places(layout, word, rng):
    """As for the mean and the variance of a batch: what is kept lies in the middle."""
    image, channel = Buffer("float32", ("n", "n", NEXT)), Buffer("float32", (STILL, NEXT, STILL))
    loops = Loops(3, (image,), (Fold(word, 0, (0, 2), "float32"),), (Write(1, channel),))
    check(loops, (5, 3, 11), [rng.integers(-9, 9, (5, 3, 11)).astype(np.float32)], layout, rng, share=False)


def test_lines_do_not_share_a_place_they_add_to():
    column = Buffer("float32", (STILL, NEXT))
    loops = Loops(2, (Buffer("float32", ("n", NEXT)),), (Fold("+", 0, (0,), "float32"),), (Write(1, column),))
    with pytest.raises(NngraphError, match="cannot lie"):
        CudaNest(loops, Layout(1, 4, 0, 2)).text()
    assert "cells_float32" in CudaNest(loops, Layout(1, 4, 0, 2, single=frozenset({1}))).text()
    with pytest.raises(NngraphError, match="cannot lie"):
        CudaNest(loops, Layout(0, 4)).text()


def test_shared_memory_of_every_dtype_counts():
    row = Buffer("bool", ("n", NEXT))
    code = CudaNest(Loops(2, (row,), (Fold("max", 0, (1,), "bool"),), (Write(1, Buffer("bool", (NEXT, STILL))),)), Layout(1, 64))
    assert "cuda.shared.array(2, bool)" in code.text()
    assert shared_bytes([code]) == 2


def test_threads_that_do_not_meet_are_noticed():
    text = "def kernel(y):\n    thread = cuda.threadIdx.x\n    if thread < 3:\n        y[thread] = shfl_xor(uint32(15), y[thread], 1)\n"
    from nngraph.autograd.kernels.cuda import warps

    patience, warps.PATIENCE = warps.PATIENCE, 0.2
    try:
        with pytest.raises(AssertionError, match="not all members"):
            simulator().kernel(text, ())((1, 1, 1), 4, [np.zeros(4, np.float32)])
    finally:
        warps.PATIENCE = patience


@pytest.mark.parametrize(("nodes", "least"), [
    (lambda: [ng.softmax(given("x", 1024, 10))], 128),
    (lambda: [ng.softmax(given("x", 1024, 512))], 1024),
    (lambda: [ng.sum(given("x", 1024, 512), axis=0)], 128),
    (lambda: [ng.sum(given("x", 10**8))], 1000),
    (lambda: [ng.tanh(given("x", 10**8)) * 2], 1056),
    (lambda: [ng.mean(given("x", 32, 64, 56, 56), axis=(0, 2, 3))], 256),
    (lambda: [ng.tanh(given("x", 3, 10**6) + given("b", 10**6))], 264),
])  # fmt: skip
def test_large_nests_are_laid_over_many_blocks(nodes, least):
    first = nests(*nodes())[0]
    assert np.prod(first.grid) >= least
    assert first.threads >= 64


def test_partial_results_are_put_together_by_many_blocks():
    first, second = nests(ng.sum(given("x", 100000, 512), axis=0))
    assert np.prod(second.grid) >= 4
    assert second.threads >= 128
    assert first.grid[0] * 512 * 16 <= 100000 * 512, "more is written than pays"


def test_a_fold_over_everything_ends_a_nest():
    """What needs it is a nest of its own; else all rows would be done by one block, as of the gradient's length here."""
    x = given("x", 300, 200)
    clipped, scaled = x * ng.minimum(1.0 / ng.sqrt(ng.sum(x * x)), 1.0), (x - ng.mean(x)) / ng.std(x)
    for node in (clipped, scaled, ng.softmax(given("y", 100000))):
        found = nests(node)
        assert not any(each.code.whole for each in found)
        assert np.prod(found[0].grid) > 32


def test_ten_columns_stay_in_registers():
    """A row of a softmax with its loss and gradient is read once, and nothing is put aside."""
    x, t = given("x", 1024, 10), given("t", 1024, 10)
    loss = ng.softmax_loss(x, t)
    code = next(each.code for each in nests(loss, *ng.gradient(loss, [x])) if each.code.loops.depth == 2)
    assert code.apart == []
    assert code.text().count(" = r0[") == 1
    assert "syncthreads" not in code.text().split("while i0")[1].split("\n    v")[0]
