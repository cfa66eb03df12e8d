"""Small cases of every kind of kernel on the simulator, with threads that come late in the middle of them: the numbers must be
right however late they are, and must not be when what threads wait for is taken away."""

import numpy as np
import pytest

pytest.importorskip("numba_cuda", reason="the extra cuda is not installed")
from nngraph.autograd.kernels.cuda.device import simulator
from nngraph.autograd.kernels.cuda.layout import Layout, Lie
from nngraph.autograd.kernels.cuda.nest import passes_of
from nngraph.autograd.kernels.loops import FAR, NEXT, STILL, Apply, Buffer, Fold, Loops, Number, Write

from .delays import delays
from .simulated_nests import check, layouts, random_nest


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


def late_rows(moves, layout, seed):
    extents, rng = (3, 6, 4), np.random.default_rng(seed)
    shapes = [[size if move != STILL else 1 for size, move in zip(extents, moves, strict=True)], extents]
    arrays = [rng.integers(-9, 9, shape).astype(np.float32) for shape in shapes]
    with delays(seed):
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
