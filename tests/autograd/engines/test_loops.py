"""Loops inside loops: what each of them moves, and that no step of any of them reaches outside its memory."""

from __future__ import annotations

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.compiled.calls import Body, Buffer, Call, View
from nngraph.autograd.engines.compiled.running.program import _check
from nngraph.autograd.errors import NngraphError

FLOAT = np.dtype(np.float64)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("rows", "columns"), [(3, 7), (7, 3), (1, 4), (5, 5)])
def test_an_inner_loop_reads_what_the_outer_one_goes_through(rows: int, columns: int, reverse: bool) -> None:
    rng = np.random.default_rng(rows)
    given = [rng.uniform(-1, 1, (rows, 4)), rng.uniform(-1, 1, (columns, 4))]
    found = []
    for engine in ("numpy", "numba"):
        xs, ys = (ng.input(name, shape=array.shape) for name, array in zip("xy", given))

        def outer(carry: ng.Node, x: ng.Node, ys: ng.Node = ys) -> tuple[ng.Node, ng.Node]:
            return ng.scan(lambda h, y: ((new := ng.tanh(0.5 * h + y * x)), new * x), carry, ys, reverse=reverse)

        last, trail = ng.scan(outer, ng.constant(np.zeros(4)), xs)
        slopes = ng.gradient(ng.sum(trail**2) + ng.sum(last), [xs, ys])
        step = ng.compile([last, trail, *slopes], [xs, ys], engine=engine)
        assert not any(each.fallback for each in step.plan) or engine == "numpy"
        found.append(step(*given))
    for one, other in zip(*found):
        np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-15 * np.abs(one).max())


def _loops(rows: int, columns: int, steps: tuple[int, int], offset: int = 0) -> list[Call]:
    """A read of one number inside two loops, from an array of 3 × 4 numbers, moved by so many numbers at each turn."""
    whole = View(Buffer(96, "constant"), FLOAT, (3, 4), (4, 1))
    row = Buffer(96, "moving", (whole, 8 * steps[0]))
    number = Buffer(96, "moving", (View(row, FLOAT, (4,), (1,)), 8 * steps[1]))
    inner = Call(None, [], [View(number, FLOAT, (), (), offset)], [])
    outer = Call(None, [], [], [], body=Body([inner], columns, [number], {}, {}))
    return [Call(None, [], [], [], body=Body([outer], rows, [row], {}, {}))]


def test_what_moves_in_two_loops_is_checked_for_the_turns_of_both() -> None:
    _check(_loops(3, 4, (4, 1)))
    _check(_loops(3, 4, (-4, 1), offset=8))
    _check(_loops(3, 4, (4, -1), offset=3))
    for outside in (_loops(4, 4, (4, 1)), _loops(3, 5, (4, 1)), _loops(3, 4, (-4, 1), 7), _loops(3, 4, (4, -1), 2)):
        with pytest.raises(NngraphError, match="would reach"):
            _check(outside)


def test_nothing_moves_outside_its_loop() -> None:
    (outer,) = _loops(3, 4, (4, 1))
    assert outer.body is not None
    with pytest.raises(NngraphError, match="outside the loop"):
        _check(outer.body.calls)
