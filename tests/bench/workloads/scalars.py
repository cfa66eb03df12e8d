"""Graphs whose every node is one number: micrograd's own example, and a long chain.

The net is that of micrograd's demo: 2-16-16-1 relu neurons built from single multiplications and additions, one hundred
points of two moons, the max-margin loss and a little weight decay; in Python's loops, in float64, for every peer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from . import Arrays, Implementation, Workload, first_weights

RATE, DECAY = 0.1, 1e-4


# The net --------------------------------------------------------------------------------------------------------------
def moons(rng: np.random.Generator, tiny: bool) -> Arrays:
    """Two half circles that interlock, points (N, 2) and labels −1 or 1; neurons' weights, one row for each."""
    count, sizes = (8, (2, 4, 1)) if tiny else (100, (2, 16, 16, 1))
    angle = rng.uniform(0, np.pi, count)
    t = np.where(np.arange(count) % 2, 1.0, -1.0)
    x = np.stack([np.cos(angle) * -t + (t > 0), np.sin(angle) * -t + 0.5 * (t > 0)], 1)
    x += rng.normal(0, 0.1, x.shape)
    weights: Arrays = {}
    for at, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        weights[f"weights/W{at}"] = rng.uniform(-1, 1, (outputs, inputs))
        weights[f"weights/b{at}"] = np.zeros(outputs)
    return {"x": x, "t": t, **weights}


def neurons(weights: Arrays, leaf: Callable[[str, float], Any]) -> list[list[tuple[list[Any], Any]]]:
    """Layers of neurons (weights, bias), every number a leaf of its own."""
    return [
        [
            ([leaf(f"w{at}_{to}_{of}", float(w)) for of, w in enumerate(row)], leaf(f"b{at}_{to}", float(bias)))
            for to, (row, bias) in enumerate(zip(weights[f"W{at}"], weights[f"b{at}"]))
        ]
        for at in range(len(weights) // 2)
    ]


def leaves_of(net: Any) -> list[Any]:
    return [leaf for layer in net for weights, bias in layer for leaf in (*weights, bias)]


def loss_of(net: Any, points: Sequence[Sequence[Any]], labels: Sequence[float], relu: Callable[[Any], Any]) -> Any:
    """Max-margin loss and weight decay, in any library that has + and *."""
    losses = []
    for values, label in zip(points, labels):
        for at, layer in enumerate(net):
            sums = [sum((w * value for w, value in zip(weights, values)), bias) for weights, bias in layer]
            values = [relu(z) for z in sums] if at < len(net) - 1 else sums
        losses.append(relu(1 + -label * values[0]))
    data = sum(losses[1:], losses[0]) * (1.0 / len(losses))
    first, *rest = (leaf * leaf for leaf in leaves_of(net))
    return data + DECAY * sum(rest, first)


def ours_built_once(arrays: Arrays) -> Implementation:
    """One graph, compiled with its updates."""
    import nngraph as ng

    from . import optimizers, with_nngraph

    net = neurons(first_weights(arrays), ng.parameter)
    points = [[ng.constant(float(value)) for value in row] for row in arrays["x"]]
    loss = loss_of(net, points, arrays["t"].tolist(), ng.relu)
    leaves = leaves_of(net)
    return with_nngraph.Repeated(loss, optimizers.sgd(leaves, ng.gradient(loss, leaves), RATE))


class OursRebuilt:
    """The graph is built anew in every step, as micrograd does, and either walked backward or compiled."""

    def __init__(self, arrays: Arrays, compiled: bool) -> None:
        import nngraph as ng

        self.weights, self.compiled, self.t = first_weights(arrays), compiled, arrays["t"].tolist()
        self.points = [[ng.constant(float(value)) for value in row] for row in arrays["x"]]
        self.reset()

    def reset(self) -> None:
        import nngraph as ng

        self.net = neurons(self.weights, ng.parameter)

    def run(self, steps: int) -> float:
        import nngraph as ng

        from . import optimizers, with_nngraph

        leaves = leaves_of(self.net)
        for _ in range(steps):
            loss = loss_of(self.net, self.points, self.t, ng.relu)
            if self.compiled:
                updates = optimizers.sgd(leaves, ng.gradient(loss, leaves), RATE)
                value = float(ng.compile(loss, updates=updates, engine=with_nngraph.engine())())
            else:
                value = float(loss.value)
                loss.backward()
                for leaf in leaves:
                    leaf.value = leaf.value - RATE * leaf.grad
        return value


class Micrograd:
    def __init__(self, arrays: Arrays) -> None:
        self.weights, self.x, self.t = first_weights(arrays), arrays["x"].tolist(), arrays["t"].tolist()
        self.reset()

    def reset(self) -> None:
        from micrograd.engine import Value

        self.net = neurons(self.weights, lambda name, value: Value(value))
        self.points = [[Value(value) for value in row] for row in self.x]

    def run(self, steps: int) -> float:
        from micrograd.engine import Value

        leaves = leaves_of(self.net)
        for _ in range(steps):
            loss = loss_of(self.net, self.points, self.t, Value.relu)
            for leaf in leaves:
                leaf.grad = 0
            loss.backward()
            for leaf in leaves:
                leaf.data -= RATE * leaf.grad
        return float(loss.data)


# The chain ------------------------------------------------------------------------------------------------------------
def chain_arrays(rng: np.random.Generator, tiny: bool) -> Arrays:
    return {"x": np.asarray(1.5), "h": np.asarray(0.5), "nodes": np.asarray(1_000 if tiny else 1_000_000)}


def chain(x: Any, h: Any, nodes: int) -> Any:
    """h, then + x and · h in turn."""
    y = h
    for step in range(nodes):
        y = y * h if step % 2 else y + x
    return y


class OursChain:
    """`again`: built once, then forward and backward; else all of it every time."""

    def __init__(self, arrays: Arrays, again: bool, compiled: bool = True) -> None:
        import nngraph as ng

        self.again, self.compiled, self.units = again, compiled, int(arrays["nodes"])
        self.start = float(arrays["h"])
        self.x, self.h = ng.parameter("x", float(arrays["x"])), ng.parameter("h", self.start)
        self.y = chain(self.x, self.h, self.units) if again else None

    def reset(self) -> None:
        """Nothing is learned."""

    def run(self, steps: int) -> float:
        for _ in range(steps):
            y = self.y
            if y is None:
                y = chain(self.x, self.h, self.units)
            # A leaf that is set anew, so that nothing is taken from what was computed before.
            self.h.value = self.start
            y.backward()
            self.results = [y.value, self.x.grad, self.h.grad]
        return float(self.results[0])

    def check(self) -> list[float]:
        self.run(1)
        return [float(number) for number in self.results]

    def parts(self) -> dict[str, float]:
        """Seconds for one node: where the time goes, measured once."""
        if self.again:
            return {}
        laps = [time.perf_counter()]
        y = chain(self.x, self.h, self.units)
        laps.append(time.perf_counter())
        for _ in range(2):
            self.h.value = self.start
            y.backward()
            laps.append(time.perf_counter())
        build, first, again = (after - before for before, after in pairwise(laps))
        found = {"building the graph": build, "its gradient and the plan": first - again, "running": again}
        return {what: seconds / self.units for what, seconds in found.items()}


class PeersChain:
    """A tenth as long: the time is for one node. `leaf` makes a number that has a gradient, `numbers` reads y and both
    gradients after `backward`."""

    def __init__(self, arrays: Arrays, leaf: Callable[[float], Any], read: Callable[[Any], float]) -> None:
        self.x, self.h, self.leaf, self.read = float(arrays["x"]), float(arrays["h"]), leaf, read
        self.units = max(1000, int(arrays["nodes"]) // 10)

    def reset(self) -> None:
        """Nothing is learned."""

    def run(self, steps: int) -> float:
        for _ in range(steps):
            x, h = self.leaf(self.x), self.leaf(self.h)
            y = chain(x, h, self.units)
            y.backward()
            self.results = [self.read(y), float(x.grad), float(h.grad)]
        return self.results[0]

    def check(self) -> list[float]:
        self.run(1)
        return self.results


class OurPlan(OursChain):
    """What the plan holds, for each node of the chain; the graph itself does not count."""

    def __init__(self, arrays: Arrays) -> None:
        super().__init__(arrays, again=False)

    def measure(self) -> float:
        import tracemalloc

        import nngraph as ng

        from . import with_nngraph

        y = chain(self.x, self.h, self.units)
        results = [y, *ng.gradient(y, [self.x, self.h])]
        tracemalloc.start()
        program = ng.compile(results, engine=with_nngraph.engine())
        program()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return held / self.units


def torch_chain(arrays: Arrays) -> Implementation:
    import torch

    return PeersChain(
        arrays, lambda value: torch.tensor(value, dtype=torch.float64, requires_grad=True), lambda y: y.item()
    )


def micrograd_chain(arrays: Arrays) -> Implementation:
    """It orders its graph by recursion, as deep as the chain is long."""
    import sys

    from micrograd.engine import Value

    sys.setrecursionlimit(10**6)
    return PeersChain(arrays, Value, lambda y: float(y.data))


WORKLOADS = (
    Workload(
        "scalar-mlp", "scalar MLP 2-16-16-1 on 100 moons, one step, built once from scalar nodes", moons,
        {"nngraph": ours_built_once, "micrograd": Micrograd}, 1, {"micrograd": 400}, {"micrograd": 1000},
        rounds=7, alone=True,
    ),
    Workload(
        "scalar-mlp-rebuilt", "the same, its graph rebuilt in each step", moons,
        {
            "nngraph: backward": partial(OursRebuilt, compiled=False),
            "nngraph: compile": partial(OursRebuilt, compiled=True), "micrograd": Micrograd,
        },
        1, {"micrograd": 1}, {"micrograd": 2}, rounds=7, alone=True,
    ),
    Workload(
        "scalar-chain", "chain of 1e6 scalar nodes: build, plan, forward and backward", chain_arrays,
        {"nngraph": partial(OursChain, again=False), "torch": torch_chain, "micrograd": micrograd_chain},
        1, most=9.5e-6, learns=False, per="node", rounds=5, alone=True,
    ),
    Workload(
        "scalar-chain-again", "the same chain: forward and backward again", chain_arrays,
        {"nngraph": partial(OursChain, again=True), "torch": torch_chain},
        1, most=40e-9, learns=False, per="node", rounds=7, alone=True,
    ),
    Workload(
        "scalar-chain-plan", "the plan of the same chain", chain_arrays,
        {"nngraph": OurPlan}, 1, most=150, learns=False, kind="bytes", per="node", rounds=1, alone=True,
    ),
)  # fmt: skip
