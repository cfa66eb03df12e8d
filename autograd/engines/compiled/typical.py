"""Training steps of the kind a first course has, and all the machine code they and the kernels need: what
`nngraph warmup` compiles ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ...differentiate import gradient
from ...leaves import constant, input, parameter, state
from ...node import Leaf, Node
from ...ops import (
    binary_cross_entropy_logits,
    cast,
    conv2d,
    max_pool2d,
    mean_squared_error,
    relu,
    reshape,
    scan,
    sigmoid,
    softmax_loss,
    sqrt,
    square,
    tanh,
)  # fmt: skip
from .calls import Fallback
from .planning.plan import Plan
from .report import every_call

DTYPE = np.dtype(np.float32)
Parameters = list[Node]
Updates = dict[Leaf, Node]


def pieces() -> dict[str, tuple[str, Any]]:
    """Key -> what it is called and the code: every kernel, and every loop of the typical steps. Nothing is compiled
    yet."""
    from ...kernels.kernel import all_kernels

    found = {code.key: (name, code) for name, code in all_kernels().items()}
    for model, outputs, updates in steps():
        for number, call in every_call(Plan(outputs, updates).calls):
            for part in call.parts:
                if not isinstance(part.code, Fallback):
                    found.setdefault(part.code.key, (f"{model} {number}", part.code))
    return found


def steps() -> Iterator[tuple[str, list[Node], Updates]]:
    """Name, outputs and updates of each training step."""
    for name, loss, parameters in nets():
        for way in (descent, momentum, adam):
            yield f"{name}, {way.__name__}", [loss], way(parameters, gradient(loss, parameters))


def nets() -> Iterator[tuple[str, Node, Parameters]]:
    """Name, loss and parameters of each net."""
    for activation in (relu, sigmoid, tanh):
        yield f"multilayer perceptron of {activation.name}", *perceptron(activation)
    yield "autoencoder", *autoencoder()
    yield "convolutional net", *convolutional()
    yield "LSTM", *lstm()


# Nets -----------------------------------------------------------------------------------------------------------------
def perceptron(
    activation: Callable[[Node], Node], sizes: Sequence[int] = (784, 128, 64, 10), batch: int = 128
) -> tuple[Node, Parameters]:
    """Dense layers under a softmax with its loss."""
    h, parameters = _given("x", batch, sizes[0]), []
    for at, (inputs, outputs) in enumerate(pairwise(sizes)):
        parameters += [_weight(f"W{at}", inputs, outputs), _weight(f"b{at}", outputs)]
        h = h @ parameters[-2] + parameters[-1]
        h = activation(h) if at < len(sizes) - 2 else h
    return softmax_loss(h, _given("t", batch, sizes[-1])), parameters


def autoencoder(sizes: Sequence[int] = (784, 128, 32, 128, 784), batch: int = 128) -> tuple[Node, Parameters]:
    """Down to a short code and up again; both usual losses are added, so that both are compiled."""
    x = _given("x", batch, sizes[0])
    h, parameters = x, []
    for at, (inputs, outputs) in enumerate(pairwise(sizes)):
        parameters += [_weight(f"W{at}", inputs, outputs), _weight(f"b{at}", outputs)]
        h = h @ parameters[-2] + parameters[-1]
        h = relu(h) if at < len(sizes) - 2 else h
    return mean_squared_error(sigmoid(h), x) + binary_cross_entropy_logits(h, x), parameters


def convolutional(batch: int = 64, classes: int = 10) -> tuple[Node, Parameters]:
    """Two blocks of convolution, relu and pooling, then a dense layer."""
    h, channels, parameters = _given("x", batch, 1, 28, 28), 1, []
    for at, more in enumerate((16, 32)):
        parameters += [_weight(f"K{at}", more, channels, 3, 3), _weight(f"b{at}", more, 1, 1)]
        h = max_pool2d(relu(conv2d(h, parameters[-2], padding=1) + parameters[-1]), size=2)
        channels = more
    flat = 1
    for size in h.shape[1:]:
        flat *= int(size)
    parameters += [_weight("W", flat, classes), _weight("b", classes)]
    return softmax_loss(
        reshape(h, (batch, flat)) @ parameters[-2] + parameters[-1], _given("t", batch, classes)
    ), parameters


def lstm(
    length: int = 16, batch: int = 32, inputs: int = 64, size: int = 128, classes: int = 10
) -> tuple[Node, Parameters]:
    """A loop over time whose last state is classified."""
    U, W, b = _weight("U", inputs, 4 * size), _weight("W", size, 4 * size), _weight("b", 4 * size)
    V, c = _weight("V", size, classes), _weight("c", classes)

    def cell(carry: Any, x: Node) -> tuple[Any, None]:
        h, s = carry
        gates = x @ U + h @ W + b
        i, f, o, g = (gates[:, at * size : (at + 1) * size] for at in range(4))
        s = sigmoid(f) * s + sigmoid(i) * tanh(g)
        return (sigmoid(o) * tanh(s), s), None

    zero = constant(np.zeros((batch, size), DTYPE))
    (h, _), _ = scan(cell, (zero, zero), _given("X", length, batch, inputs))
    return softmax_loss(h @ V + c, _given("t", batch, classes)), [U, W, b, V, c]


# Optimizers -----------------------------------------------------------------------------------------------------------
def descent(parameters: Parameters, slopes: Sequence[Node], rate: float = 0.1) -> Updates:
    """p − rate·g."""
    return {p: p - rate * g for p, g in zip(parameters, slopes)}  # type: ignore[misc]


def momentum(parameters: Parameters, slopes: Sequence[Node], rate: float = 0.1, keep: float = 0.9) -> Updates:
    """m ← keep·m + g, p ← p − rate·m."""
    updates: Updates = {}
    for p, g in zip(parameters, slopes):
        m = _kept(f"{p.name} momentum", p)
        updates[m] = keep * m + g
        updates[p] = p - rate * updates[m]  # type: ignore[index]
    return updates


def adam(parameters: Parameters, slopes: Sequence[Node], rate: float = 1e-3) -> Updates:
    """Kingma and Ba 2014, arXiv:1412.6980."""
    step = state("step", 0.0)
    t = step + 1.0
    updates: Updates = {step: t}  # type: ignore[dict-item]
    for p, g in zip(parameters, slopes):
        m, v = _kept(f"{p.name} mean", p), _kept(f"{p.name} square", p)
        updates[m] = 0.9 * m + 0.1 * g
        updates[v] = 0.999 * v + 0.001 * square(g)
        mean, size = updates[m] / cast(1 - 0.9**t, dtype=DTYPE), updates[v] / cast(1 - 0.999**t, dtype=DTYPE)
        updates[p] = p - rate * mean / (sqrt(size) + 1e-8)  # type: ignore[index]
    return updates


def _given(name: str, *shape: int) -> Node:
    return input(name, shape=shape, dtype=DTYPE)


def _weight(name: str, *shape: int) -> Node:
    return parameter(name, np.zeros(shape, DTYPE))


def _kept(name: str, p: Node) -> Any:
    return state(name, np.zeros(tuple(map(int, p.shape)), DTYPE))
