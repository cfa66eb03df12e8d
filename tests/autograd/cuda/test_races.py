"""Small cases of every kind of kernel on the simulator, with threads that come late in the middle of them: the numbers must be
right however late they are, and must not be when what threads wait for is taken away."""

from functools import partial
from unittest import mock

import nngraph as ng
import numpy as np
import pytest

pytest.importorskip("numba_cuda", reason="the extra cuda is not installed")
from nngraph.autograd.engines.cuda.program import on_simulator
from nngraph.autograd.engines.numpy import evaluate_all
from nngraph.autograd.kernels.cuda import simulator as simulated
from nngraph.autograd.kernels.cuda.bundle import CudaBundle
from nngraph.autograd.kernels.cuda.device import simulator
from nngraph.autograd.kernels.cuda.layout import Layout, Lie
from nngraph.autograd.kernels.cuda.nest import passes_of
from nngraph.autograd.kernels.cuda.product_tiles import Tile
from nngraph.autograd.kernels.loops import FAR, NEXT, STILL, Apply, Buffer, Fold, Loops, Number, Write

from .delays import delays
from .simulated_nests import check, layouts, random_nest
from .test_convolution import both_ways, normal
from .test_products import matrix, program_of

BARRIER = "cuda.syncthreads()"


@pytest.fixture(scope="module", autouse=True)
def on_a_simulator():
    return simulator()


# Nests ----------------------------------------------------------------------------------------------------------------
KEEPING = [392, 470, 761, 829]
"""Seeds of small nests that keep something in places of threads' own in some layout."""


def test_random_nests_with_late_threads():
    owners = []
    for seed in KEEPING:
        loops, extents, arrays = random_nest(seed)
        lies = [Lie(passes_of(loops), way) for way in layouts(loops, extents, most=8) if way.threads in (4, 8)]
        found = {tuple(name for at in lie.apart for name, _ in lie.owners(at)): lie.layout for lie in lies}
        rng = np.random.default_rng(seed)
        for names, layout in found.items():
            if names:
                with delays(seed), np.errstate(all="ignore"):
                    check(loops, extents, arrays, layout, rng, share=seed % 4 != 1)
                owners.append(names)
    assert sum("x" in each for each in owners) >= 3
    assert sum("line" in each for each in owners) >= 3
    assert ("line", "x") in owners


def kept_over_a_row(*moves):
    """A nest of three loops that keeps costly numbers, which vary as the moves say, over two passes of the innermost loop."""
    one, all_of_them = Buffer("float32", moves), Buffer("float32", (FAR, FAR, NEXT))
    steps = (
        Apply("/", (0, Number(4.0)), "float32"), Apply("+", (2, 1), "float32"), Fold("max", 3, (2,), "float32"),
        Apply("-", (2, 4), "float32"),
    )  # fmt: skip
    return Loops(3, (one, all_of_them), steps, (Write(5, all_of_them),))


TWO = [Layout(0, 8), Layout(1, 8), Layout(1, 4, 0, 2), Layout(1, 2, 0, 4), Layout(1, 4, 0, 2, warp=4)]


def late_rows(moves, layout, seed, **how):
    extents, rng = (3, 6, 4), np.random.default_rng(seed)
    shapes = [[size if move != STILL else 1 for size, move in zip(extents, moves, strict=True)], extents]
    arrays = [rng.integers(-9, 9, shape).astype(np.float32) for shape in shapes]
    with delays(seed, **how):
        check(kept_over_a_row(*moves), extents, arrays, layout, rng, share=False)


@pytest.mark.parametrize("layout", TWO)
@pytest.mark.parametrize("moves", [(FAR, FAR, NEXT), (FAR, STILL, NEXT), (STILL, FAR, NEXT), (STILL, STILL, NEXT)])
def test_what_is_kept_has_a_place_for_everyone_who_may_be_elsewhere(moves, layout):
    late_rows(moves, layout, 0)


@pytest.mark.parametrize(("owner", "moves", "layout"), [
    ("x", (FAR, FAR, NEXT), Layout(0, 8)), ("x", (FAR, STILL, NEXT), Layout(1, 8)), ("x", (STILL, FAR, NEXT), Layout(0, 8)),
    ("x", (FAR, FAR, NEXT), Layout(1, 4, 0, 2)), ("line", (FAR, FAR, NEXT), Layout(1, 4, 0, 2)),
])  # fmt: skip
def test_one_place_for_all_would_be_seen(owner, moves, layout, monkeypatch):
    owners = Lie.owners
    monkeypatch.setattr(Lie, "owners", lambda lie, at: [each for each in owners(lie, at) if each[0] != owner])
    with pytest.raises(AssertionError):
        for seed in range(5):
            late_rows(moves, layout, seed)


# All other kernels ----------------------------------------------------------------------------------------------------
def product(rng):
    """Two buffers of tiles in turn: while one is multiplied from, the other is filled."""
    return [matrix(rng, "a", 8, 20) @ matrix(rng, "b", 20, 8)]


def few_rows(rng):
    """Folds over threads of several warps, whose results all of them need."""
    x = matrix(rng, "x", 3, 19)
    return [ng.softmax(x), ng.max(x, axis=0)]


def running(rng):
    """A running sum, a step of a net's parameters, and a nest, in few launches."""
    x = matrix(rng, "x", 5, 12)
    return [ng.cumsum(x, axis=1), ng.exp(x), ng.sum(x * x, axis=1), ng.max(ng.tanh(x), axis=0)]


def convolution(rng):
    """A convolution and both of its ways back."""
    return both_ways(normal(rng, "x", (1, 5, 2, 3)), normal(rng, "w", (2, 5, 2, 2)), rng)


TILE = Tile(8, 8, 4, 4, 4, unrolled=4)
CASES = {
    "product": (product, partial(program_of, tile=TILE)),
    "split product": (product, partial(program_of, tile=TILE, parts=2)),
    "folds": (few_rows, partial(on_simulator, updates={})),
    "bundle": (running, partial(on_simulator, updates={})),
    "convolution": (convolution, partial(on_simulator, updates={})),
}


def agree(case, seed):
    """A program with late threads has the results of numpy."""
    make, program = CASES[case]
    nodes = make(np.random.default_rng(0))
    with delays(seed):
        found = program(nodes)({})
    for one, right in zip(found, evaluate_all(nodes, {}), strict=True):
        np.testing.assert_allclose(one, right, rtol=1e-5, atol=1e-5 * float(np.abs(right).max()))


@pytest.mark.parametrize("case", CASES)
def test_late_threads_change_nothing(case):
    for seed in range(2):
        agree(case, seed)


def test_the_cases_are_what_they_say():
    codes = {
        case: [call.code for call in program(make(np.random.default_rng(0))).plan.calls]
        for case, (make, program) in CASES.items()
    }
    assert "product_parts" in [code.name for code in codes["split product"]]
    assert any(isinstance(code, CudaBundle) for code in codes["bundle"])
    assert "convolution" in [code.name for code in codes["convolution"]]
    assert any("shfl_xor" in code.text() for code in codes["folds"])


def without(which):
    """Kernels that are made within lack one of their barriers."""
    function = simulated.function

    def made(text, known):
        parts = text.split(BARRIER)
        if which + 1 < len(parts):
            # Something must stand there, if it was all of a branch.
            parts[which : which + 2] = [f"{parts[which]}0{parts[which + 1]}"]
        return function(BARRIER.join(parts), known)

    return mock.patch.object(simulated, "function", made)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("case", ["product", "split product"])
def test_a_product_with_a_barrier_less_would_be_seen(case, which):
    with without(which), pytest.raises(AssertionError):
        for seed in range(30):
            agree(case, seed)


@pytest.mark.parametrize("which", [0, 1])
def test_a_fold_with_a_barrier_less_would_be_seen(which):
    with without(which), pytest.raises(AssertionError):
        for seed in range(30):
            late_rows((FAR, FAR, NEXT), Layout(2, 4, warp=2), seed, long=1e-2)
