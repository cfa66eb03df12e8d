"""The rows as one writes them with nngraph. Every builder gives a number to be compared and a function that measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import nngraph as ng
import numpy as np
from bench_cases import Arrays, Case

Measured = tuple[float, Callable[[int], float]]
"""A loss or a size of the result, and what does so many steps: milliseconds of the device for each."""
RATE = 0.01


def built(case: Case, arrays: Arrays, batch: int, engine: str) -> Measured:
    """A row on an engine."""
    if case.tf32:
        engine = f"{engine}-tf32"
    return BUILDERS[case.model](arrays, batch, engine)


def _program(step: Any) -> Any:
    """What an executable has made of its graph."""
    return step._first[1]


def _kept(results: Mapping[str, ng.Node], engine: str) -> Any:
    """An executable whose results stay where it puts them."""
    kept = {ng.state(f"kept_{name}", np.zeros(node.shape, node.dtype)): node for name, node in results.items()}
    return ng.compile((), updates=kept, engine=engine), list(kept)


def _repeated(results: Mapping[str, ng.Node], number: Callable[[list[np.ndarray]], float], engine: str) -> Measured:
    step, kept = _kept(results, engine)
    for _ in range(2):
        step()
    return number([leaf.value for leaf in kept]), lambda times: _program(step).elapsed(times) / times


def _epochs(step: Any, data: list[np.ndarray], batch: int) -> Measured:
    """Steps over batches of data that are sent once, as `fit` does them."""
    count = len(data[0]) // batch
    first = float(step(*(array[:batch] for array in data)))

    def measured(times: int) -> float:
        epochs = max(1, times // count)

        def run() -> None:
            for _ in step.epochs(data, batch=batch, epochs=epochs):
                pass

        return _program(step).device.elapsed(run, 1) / (epochs * count)

    return first, measured


def net(arrays: Arrays, batch: int, engine: str) -> Measured:
    """Dense layers with ReLU between them, softmax loss on classes, SGD."""
    leaves = {name: ng.parameter(name, array) for name, array in arrays.items() if name[0] in "Wb"}
    x = ng.input("x", shape=(batch, arrays["x"].shape[1]), dtype=np.float32)
    t = ng.input("t", shape=(batch,), dtype=np.int64)
    y, depth = x, len(leaves) // 2
    for at in range(depth):
        y = y @ leaves[f"W{at}"] + leaves[f"b{at}"]
        y = ng.relu(y) if at < depth - 1 else y
    loss = ng.softmax_loss(y, t)
    slopes = ng.gradient(loss, list(leaves.values()))
    updates = {p: p - RATE * g for p, g in zip(leaves.values(), slopes)}
    return _epochs(ng.compile(loss, [x, t], updates, engine), [arrays["x"], arrays["t"]], batch)


def _size(values: list[np.ndarray]) -> float:
    """The length of the first result."""
    return float(np.linalg.norm(values[0].astype(np.float64).ravel()))


def convolution(back: bool) -> Callable[[Arrays, int, str], Measured]:
    """A convolution, and the gradients of Σ y·g."""

    def build(arrays: Arrays, batch: int, engine: str) -> Measured:
        x, w, g = (ng.input(name, arrays[name]) for name in "xwg")
        y = ng.conv2d(x, w, padding=1)
        slopes = dict(zip(("dx", "dw"), ng.gradient(ng.sum(y * g), [x, w]))) if back else {}
        return _repeated({"y": y, **slopes}, _size, engine)

    return build


def lstm(arrays: Arrays, batch: int, engine: str) -> Measured:
    """All hidden states of an LSTM, and the gradients of Σ h·g by rows and weights."""
    p = {name: ng.input(name, array) for name, array in arrays.items()}

    def cell(carry: Any, x: ng.Node) -> Any:
        h, c = carry
        i, f, g, o = ng.split(x @ p["Wx"] + h @ p["Wh"] + p["b"], 4, axis=1)
        c = ng.sigmoid(f) * c + ng.sigmoid(i) * ng.tanh(g)
        h = ng.sigmoid(o) * ng.tanh(c)
        return (h, c), h

    zero = ng.constant(np.zeros(arrays["x"].shape[1:], np.float32))
    _, states = ng.scan(cell, (zero, zero), p["x"])
    leaves = [p[name] for name in ("x", "Wx", "Wh", "b")]
    slopes = ng.gradient(ng.sum(states * p["g"]), leaves)
    return _repeated({"h": states, **{f"d{leaf.name}": slope for leaf, slope in zip(leaves, slopes)}}, _size, engine)


def chain(arrays: Arrays, batch: int, engine: str) -> Measured:
    """An elementwise chain, its mean, and the gradients."""
    x, w, b = (ng.input(name, arrays[name]) for name in "xwb")
    y = ng.mean(ng.tanh(ng.sigmoid(w * x + b) * x))
    slopes = ng.gradient(y, [x, w, b])
    return _repeated({"y": y, **dict(zip(("dx", "dw", "db"), slopes))}, lambda values: float(values[0]), engine)


def rbm(arrays: Arrays, batch: int, engine: str) -> Measured:
    """One step of contrastive divergence, its samples drawn."""
    W, a, b = (ng.parameter(name, arrays[name]) for name in "Wab")
    v, step = ng.input("v", shape=(batch, arrays["v"].shape[1]), dtype=np.float32), ng.state("step", 0)

    def sample(share: ng.Node, unit: str) -> ng.Node:
        return ng.bernoulli(share, step=step, name=unit, draw=0)

    h = ng.sigmoid(v @ W + b)
    v1 = sample(ng.sigmoid(sample(h, "h") @ W.T + a), "v")
    h1 = ng.sigmoid(v1 @ W + b)
    updates = {
        W: W + RATE / batch * (v.T @ h - v1.T @ h1), a: a + RATE * ng.mean(v - v1, axis=0),
        b: b + RATE * ng.mean(h - h1, axis=0), step: step + 1,
    }  # fmt: skip
    return _epochs(ng.compile(ng.mean(ng.square(v - v1)), v, updates, engine), [arrays["v"]], batch)


def product(arrays: Arrays, batch: int, engine: str) -> Measured:
    """A product of two matrices."""
    a, b = (ng.input(name, arrays[name]) for name in "ab")
    return _repeated({"c": a @ b}, _size, engine)


BUILDERS: dict[str, Callable[[Arrays, int, str], Measured]] = {
    "mlp": net, "digits": net, "iris": net, "conv2d forward": convolution(False), "conv2d": convolution(True), "lstm": lstm,
    "chain": chain, "rbm": rbm, "product": product,
}  # fmt: skip
