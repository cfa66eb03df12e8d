"""Dense nets that learn classes: iris, digits, and the one-hidden-layer net for 28x28 pictures."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from . import Arrays, Implementation, Workload, dense_operations, draw, first_weights


def _iris(rng: np.random.Generator, tiny: bool) -> Arrays:
    if tiny:
        x, t = draw.clusters(rng, 60, (4,), 3)
    else:
        from sklearn.datasets import load_iris

        x, t = load_iris(return_X_y=True)
        order = rng.permutation(len(x))
        x, t = ((x - x.mean(0)) / x.std(0))[order].astype(np.float32), t[order]
    return {"x": x, "t": t.astype(np.int64), **draw.layers(rng, (4, 5, 3))}


def _digits(rng: np.random.Generator, tiny: bool) -> Arrays:
    """The first 1600 pictures, so that all batches are whole and no peer compiles a second shape."""
    if tiny:
        x, t = draw.clusters(rng, 400, (64,), 10)
    else:
        from sklearn.datasets import load_digits

        x, t = load_digits(return_X_y=True)
        order = rng.permutation(len(x))[:1600]
        x, t = (x[order] / 16).astype(np.float32), t[order]
    return {"x": x, "t": t.astype(np.int64), **draw.layers(rng, (64, 30, 30, 30, 10))}


def _pictures(rng: np.random.Generator, tiny: bool) -> Arrays:
    x, t = draw.clusters(rng, 256 if tiny else 2560, (784,), 10)
    return {"x": x, "t": t, **draw.layers(rng, (784, 128, 10))}


def _depth(weights: Any) -> int:
    """How many layers: each has weights and biases."""
    return len(weights) // 2


def ours(batch: int, activation: str, rate: float, optimizer: str) -> Callable[[Arrays], Implementation]:
    def build(arrays: Arrays) -> Implementation:
        import nngraph as ng

        from . import optimizers, with_nngraph

        bend = getattr(ng, activation)

        def loss(p: dict[str, Any], x: Any, t: Any) -> Any:
            for at in range(_depth(p)):
                x = x @ p[f"W{at}"] + p[f"b{at}"]
                x = bend(x) if at < _depth(p) - 1 else x
            return ng.softmax_loss(x, t)

        def update(parameters: Any, slopes: Any) -> Any:
            return getattr(optimizers, optimizer)(parameters, slopes, rate)

        data = {"x": arrays["x"], "t": arrays["t"]}
        return with_nngraph.training(first_weights(arrays), loss, update, data, batch)

    return build


def with_torch(
    batch: int, activation: str, rate: float, optimizer: str, compiled: bool = False
) -> Callable[[Arrays], Implementation]:
    def build(arrays: Arrays) -> Implementation:
        import torch
        from torch.nn import functional

        from . import with_torch

        bend = getattr(torch, activation)

        def loss(p: dict[str, Any], x: Any, t: Any) -> Any:
            for at in range(_depth(p)):
                x = functional.linear(x, p[f"W{at}"], p[f"b{at}"])
                x = bend(x) if at < _depth(p) - 1 else x
            return functional.cross_entropy(x, t)

        # linear takes (outputs, inputs).
        weights = {name: np.ascontiguousarray(array.T) for name, array in first_weights(arrays).items()}
        batches = with_torch.split([arrays["x"], arrays["t"]], batch)
        loss = torch.compile(loss) if compiled else loss
        return with_torch.training(weights, loss, getattr(with_torch, optimizer)(rate), batches)

    return build


def with_jax(
    batch: int, activation: str, rate: float, optimizer: str, loop: bool
) -> Callable[[Arrays], Implementation]:
    def build(arrays: Arrays) -> Implementation:
        import jax

        from . import with_jax

        bend = getattr(jax.nn, activation)

        def loss(p: dict[str, Any], x: Any, t: Any) -> Any:
            for at in range(_depth(p)):
                x = x @ p[f"W{at}"] + p[f"b{at}"]
                x = bend(x) if at < _depth(p) - 1 else x
            return with_jax.cross_entropy(x, t)

        data = [arrays["x"], arrays["t"]]
        return with_jax.training(first_weights(arrays), loss, getattr(with_jax, optimizer)(rate), data, batch, loop)

    return build


def _sizes(arrays: Arrays) -> list[int]:
    """How wide the layers are, from the input to the scores."""
    weights = first_weights(arrays)
    matrices = [weights[f"W{at}"] for at in range(_depth(weights))]
    return [matrices[0].shape[0], *(W.shape[1] for W in matrices)]


class Scikit:
    """MLPClassifier: one call of `fit` for ten epochs and more, `partial_fit` for single steps."""

    def __init__(self, arrays: Arrays, batch: int, rate: float) -> None:
        self.arrays, self.batch, self.rate = arrays, batch, rate
        self.count = len(arrays["x"]) // batch
        self.reset()

    def _classifier(self, epochs: int) -> Any:
        from sklearn.neural_network import MLPClassifier

        hidden = [array.shape[0] for name, array in self.arrays.items() if name.startswith("weights/b")][:-1]
        return MLPClassifier(
            tuple(hidden), batch_size=self.batch, learning_rate_init=self.rate, alpha=0.0, max_iter=epochs,
            shuffle=False, tol=0.0, n_iter_no_change=10**9, random_state=0,
        )  # fmt: skip

    def reset(self) -> None:
        self.at = 0
        self.classifier = self._classifier(1)
        self.classes = np.unique(self.arrays["t"])
        # A first step makes the optimizer; then the common first weights are put in and the moments are emptied.
        self.classifier.partial_fit(
            self.arrays["x"][: self.batch], self.arrays["t"][: self.batch], classes=self.classes
        )
        inside = [*self.classifier.coefs_, *self.classifier.intercepts_]
        weights = first_weights(self.arrays)
        for array, name in zip(inside, sorted(weights)):
            array[...] = weights[name]
        optimizer = self.classifier._optimizer
        optimizer.t = 0
        for moment in [*optimizer.ms, *optimizer.vs]:
            moment[...] = 0

    def run(self, steps: int) -> float:
        x, t = self.arrays["x"], self.arrays["t"]
        if steps >= 10 * self.count and steps % self.count == 0:
            classifier = self._classifier(steps // self.count)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that it has not converged
                classifier.fit(x, t)
            return float(classifier.loss_)
        for _ in range(steps):
            rows = slice(self.at * self.batch, (self.at + 1) * self.batch)
            self.classifier.partial_fit(x[rows], t[rows])
            self.at = (self.at + 1) % self.count
        return float(self.classifier.loss_)


def _row(
    name: str, words: str, arrays: Any, settings: tuple[int, str, float, str], steps: int, least: Any, aim: Any,
    **more: Any,
) -> Workload:  # fmt: skip
    return Workload(
        name, words, arrays,
        {
            "nngraph": ours(*settings), "torch": with_torch(*settings), "jax": with_jax(*settings, loop=False),
            "jax fori_loop": with_jax(*settings, loop=True), **more,
        },
        steps, least, aim, operations=lambda arrays: dense_operations(settings[0], _sizes(arrays)),
    )  # fmt: skip


WORKLOADS = (
    _row("iris", "iris MLP 4-5-3, tanh, batch 30, SGD, 3000 steps in one call", _iris, (30, "tanh", 0.1, "sgd"), 3000,
         {"torch": 80, "jax": 20, "jax fori_loop": 4}, {"torch": 150, "jax": 35, "jax fori_loop": 6}),
    _row("digits", "digits MLP 64-30-30-30-10, relu, batch 200, Adam, 100 epochs", _digits,
         (200, "relu", 1e-3, "adam"), 800, {"torch": 15, "jax": 4, "scikit-learn": 8},
         {"torch": 25, "jax": 5, "scikit-learn": 15},
         **{"scikit-learn": lambda arrays: Scikit(arrays, 200, 1e-3)}),
    _row("mlp784", "MLP 784-128-10, relu, batch 128, SGD", _pictures, (128, "relu", 0.05, "sgd"), 100,
         {"torch": 2, "jax": 1.3}, {"torch": 2.5, "jax": 1.9}),
)  # fmt: skip
