"""Calls with other shapes than those that a graph was built with: plans for them are made, found again, and let go."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd import executable
from nngraph.autograd.executable import MOST_OTHER_PLANS


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_plans_for_the_last_few_shapes_are_kept(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[Any]] = []
    build = executable.engines[engine]

    def counted(*graph: Any) -> Any:
        plan = build(*graph)
        made.append(weakref.ref(plan))
        return plan

    monkeypatch.setitem(executable.engines, engine, counted)
    x, w = ng.input("x", shape=(ng.Size("N", 5), 2)), ng.parameter("w", [0.0, 0.0])
    step = ng.compile(ng.sum(x), [x], updates={w: w + ng.sum(x, axis=0)}, engine=engine)

    def call(rows: int) -> None:
        assert step(np.ones((rows, 2))) == 2 * rows

    def alive() -> int:
        gc.collect()
        return sum(plan() is not None for plan in made)

    sizes = range(10, 10 + 2 * MOST_OTHER_PLANS)
    for rows in (5, *sizes):
        call(rows)
    assert (len(made), alive()) == (1 + len(sizes), 1 + MOST_OTHER_PLANS)
    for rows in (5, *sizes[-MOST_OTHER_PLANS:]):
        call(rows)
    assert len(made) == 1 + len(sizes)
    # The first of them has been called since, so that it stays and the second one goes.
    call(sizes[-MOST_OTHER_PLANS])
    call(9)
    call(sizes[-MOST_OTHER_PLANS])
    assert len(made) == 2 + len(sizes)
    call(sizes[-MOST_OTHER_PLANS + 1])
    assert (len(made), alive()) == (3 + len(sizes), 1 + MOST_OTHER_PLANS)
    # A plan that goes takes no updates with it.
    called = [5, *sizes, 5, *sizes[-MOST_OTHER_PLANS:], *[sizes[-MOST_OTHER_PLANS]] * 2, 9, sizes[-MOST_OTHER_PLANS + 1]]
    np.testing.assert_array_equal(w.value, np.full(2, sum(called), float))
