"""What the engine costs beside raw numpy, and beside itself at other sizes. Run by hand: python tests/bench/engine.py

Everything is measured in one run and printed as ratios, so that the numbers mean something on any machine.
Budgets: evaluation at most 1 µs per node over raw numpy (30x5 float32), building a node at most 2.5 µs, flat from 1e3 to 1e6.
"""

from __future__ import annotations

import gc
import sys
import time
import timeit
from collections.abc import Callable

import numpy as np

import nngraph as ng
from nngraph.autograd.engines.numpy import Program
from nngraph.autograd.graph import order

SMALL = (30, 5)


def microseconds(function: Callable[[], object], number: int, repeats: int = 7) -> float:
    """The least time of one call, in microseconds."""
    return min(timeit.repeat(function, number=number, repeat=repeats)) / number * 1e6


def evaluation() -> None:
    """A thousand products of small arrays: the graph, and numpy called by hand."""
    array = np.ones(SMALL, np.float32)
    x, y = ng.input("x", array), ng.input("y", array)
    for _ in range(1000):
        x = x * y
    program = Program([x])
    memory = program.load()

    def by_hand() -> None:
        value = array
        for _ in range(1000):
            value = np.multiply(value, array)

    node, raw = microseconds(lambda: program.run(memory), 20) / 1000, microseconds(by_hand, 20) / 1000
    print(
        f"evaluate a node        {node:8.3f} µs   numpy by hand {raw:.3f} µs   over it {node - raw:+.3f} µs (budget 1)"
    )


def building() -> None:
    """One node of each common kind, beside numpy's own shape rule and numpy's own product."""
    a, b = ng.input("a", np.ones(SMALL, np.float32)), ng.input("b", np.ones(5, np.float32))
    array, row = np.ones(SMALL, np.float32), np.ones(5, np.float32)
    shapes = microseconds(lambda: np.broadcast_shapes(SMALL, (5,)), 20_000)
    print(
        f"np.broadcast_shapes    {shapes:8.3f} µs   np.multiply {microseconds(lambda: np.multiply(array, row), 20_000):.3f} µs"
    )
    for name, build in {
        "a * a": lambda: a * a, "a * b": lambda: a * b, "a * 2.0": lambda: a * 2.0, "exp(a)": lambda: ng.exp(a),
        "a @ a.T": lambda: a @ turned, "sum(a, axis=0)": lambda: ng.sum(a, axis=0), "softmax(a)": lambda: ng.softmax(a),
    }.items():  # fmt: skip
        turned = a.T
        cost = microseconds(build, 20_000)
        print(
            f"build {name:16} {cost:8.3f} µs   {cost / shapes:.2f} x np.broadcast_shapes (budget 2.5 µs for elementwise nodes)"
        )


def chain(count: int) -> ng.Node:
    """A chain of sums and products of single numbers."""
    x, h = ng.input("x", 1.5), ng.parameter("h", 0.5)
    y = x
    for step in range(count):
        y = y * h if step % 2 else y + x
    return y


def scaling(counts: tuple[int, ...]) -> None:
    """Cost per node of every pass, from small to large graphs; with the garbage collector as the user has it."""
    names = ("build", "order", "gradient", "program", "run", "simplify", "summary", "free")
    print(f"{'µs per node':>10} " + "".join(f"{name:>10}" for name in names))
    for count in counts:
        best = [float("inf")] * len(names)
        for _ in range(max(1, min(20, 100_000 // count))):
            gc.collect()
            laps = [time.perf_counter()]

            def lap(result: object) -> object:
                laps.append(time.perf_counter())  # noqa: B023
                return result

            y = lap(chain(count))
            lap(order(y))
            slopes = lap(ng.gradient(y, y.graph.inputs))
            program = lap(Program([y]))
            lap(program.run(program.load()))
            short = lap(ng.simplify(y))
            lap(y.graph.summary())
            del y, slopes, program, short
            lap(None)
            best = [min(one, (end - start) / count * 1e6) for one, start, end in zip(best, laps, laps[1:])]
        print(f"{count:>11,} " + "".join(f"{cost:>10.2f}" for cost in best))


if __name__ == "__main__":
    evaluation()
    building()
    scaling((1_000, 10_000, 100_000, 1_000_000) if "--full" in sys.argv else (1_000, 10_000, 100_000))
