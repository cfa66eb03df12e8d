"""A training loop as one writes it with nngraph: a graph, its gradient, updates, one compiled call for many steps."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import nngraph as ng

from . import Arrays


def engine() -> str:
    """The compiled engine where there is one; NNGRAPH_BENCH_ENGINE names another."""
    from nngraph.autograd.executable import engines

    return os.environ.get("NNGRAPH_BENCH_ENGINE") or ("numba" if "numba" in engines else "numpy")


def parameters(weights: Arrays) -> dict[str, ng.Node]:
    """A parameter for each of the first weights."""
    return {name: ng.parameter(name, array) for name, array in weights.items()}


def batch_input(name: str, array: np.ndarray, batch: int) -> ng.Node:
    """An input for a batch of the rows of an array."""
    return ng.input(name, shape=(batch, *array.shape[1:]), dtype=array.dtype)


class Steps:
    """Steps of a compiled graph over the batches of some rows; many of them in one call."""

    def __init__(
        self, loss: ng.Node, inputs: Sequence[ng.Node], updates: Mapping[ng.Node, Any], data: Sequence[np.ndarray],
        batch: int,
    ) -> None:  # fmt: skip
        self.executable = ng.compile(loss, inputs=inputs, updates=updates, engine=engine())
        self.first = {leaf: np.array(leaf.value) for leaf in updates}
        self.batch, self.count = batch, len(data[0]) // batch
        self.data = [array[: self.count * batch] for array in data]
        self.at = 0

    def reset(self) -> None:
        for leaf, value in self.first.items():
            leaf.value = value
        self.at = 0

    def run(self, steps: int) -> float:
        loss = float("nan")
        while steps:
            # Whole epochs in one call, and what is left of one before and after.
            length = min(steps, self.count - self.at)
            epochs = steps // self.count if length == self.count else 1
            rows = slice(self.at * self.batch, (self.at + length) * self.batch)
            loss = self._epochs([array[rows] for array in self.data], epochs)
            steps -= length * epochs
            self.at = (self.at + length) % self.count
        return loss

    def _epochs(self, data: Sequence[np.ndarray], epochs: int) -> float:
        for record in self.executable.epochs(data, batch=self.batch, epochs=epochs):
            losses = record.outputs[0]
        return float(losses[-1])


def training(
    weights: Arrays, loss: Callable[..., ng.Node], optimizer: Callable[..., Mapping[ng.Node, Any]],
    data: Mapping[str, np.ndarray], batch: int,
) -> Steps:  # fmt: skip
    """Steps of `loss(parameters, *batch)`."""
    leaves = parameters(weights)
    inputs = [batch_input(name, array, batch) for name, array in data.items()]
    value = loss(leaves, *inputs)
    slopes = ng.gradient(value, list(leaves.values()))
    return Steps(value, inputs, optimizer(list(leaves.values()), slopes), list(data.values()), batch)


class Repeated:
    """Steps of a compiled graph that has all its data inside."""

    def __init__(self, loss: ng.Node, updates: Mapping[ng.Node, Any]) -> None:
        self.executable = ng.compile(loss, updates=updates, engine=engine())
        self.first = {leaf: np.array(leaf.value) for leaf in updates}

    def reset(self) -> None:
        for leaf, value in self.first.items():
            leaf.value = value

    def run(self, steps: int) -> float:
        for _ in range(steps):
            loss = self.executable()
        return float(loss)


class Results:
    """A compiled graph that learns nothing: some results of fixed inputs, kept in leaves as a program would keep them.

    The results stay where the program puts them; `numbers` makes a few numbers of them, to compare peers by.
    """

    def __init__(
        self, results: Mapping[str, ng.Node], numbers: Callable[[Mapping[str, np.ndarray]], list[float]]
    ) -> None:
        self.kept = {name: ng.state(f"kept_{name}", np.zeros(node.shape, node.dtype)) for name, node in results.items()}
        self.executable = ng.compile(
            (), updates={leaf: results[name] for name, leaf in self.kept.items()}, engine=engine()
        )
        self.numbers = numbers

    def reset(self) -> None:
        pass

    def run(self, steps: int) -> float:
        for _ in range(steps):
            self.executable()
        return float("nan")

    def check(self) -> list[float]:
        self.run(1)
        return self.numbers({name: leaf.value for name, leaf in self.kept.items()})
