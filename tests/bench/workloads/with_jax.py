"""A training loop as one writes it with JAX: one jitted step with donated buffers, or many steps in one `fori_loop`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from . import Arrays

Optimizer = tuple[Callable[[Any], Any], Callable[[Any, Any, Any], tuple[Any, Any]]]
"""What starts the moments from the parameters; what makes new parameters and moments from parameters, slopes, moments."""


def sgd(rate: float, momentum: float = 0.0) -> Optimizer:
    def start(parameters: Any) -> Any:
        return jax.tree.map(jnp.zeros_like, parameters) if momentum else ()

    def update(parameters: Any, slopes: Any, moments: Any) -> tuple[Any, Any]:
        if momentum:
            slopes = moments = jax.tree.map(lambda m, g: momentum * m + g, moments, slopes)
        return jax.tree.map(lambda p, g: p - rate * g, parameters, slopes), moments

    return start, update


def adam(rate: float, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> Optimizer:
    def start(parameters: Any) -> Any:
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        return jnp.zeros((), jnp.int32), zeros, jax.tree.map(jnp.zeros_like, parameters)

    def update(parameters: Any, slopes: Any, moments: Any) -> tuple[Any, Any]:
        step, means, squares = moments
        step = step + 1
        means = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, means, slopes)
        squares = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, squares, slopes)
        # 1 − β^t loses digits in float32 when t is small.
        first, second = -jnp.expm1(step * np.log(beta1)), -jnp.expm1(step * np.log(beta2))
        parameters = jax.tree.map(
            lambda p, m, v: p - rate / first * m / (jnp.sqrt(v / second) + epsilon), parameters, means, squares
        )
        return parameters, (step, means, squares)

    return start, update


def cross_entropy(scores: jax.Array, labels: jax.Array) -> jax.Array:
    """Without a gather, whose gradient is a slow scatter on this backend."""
    return -jnp.mean(jnp.sum(jax.nn.one_hot(labels, scores.shape[-1]) * jax.nn.log_softmax(scores), -1))


class Steps:
    """`step(state, *batch) -> (state, loss)`, jitted, called once for every batch, or looped over inside one call."""

    def __init__(
        self,
        start: Callable[[], Any],
        step: Callable[..., tuple[Any, jax.Array]],
        data: Sequence[np.ndarray],
        batch: int,
        loop: bool = False,
    ) -> None:
        self.start, self.loop = start, loop
        count = len(data[0]) // batch
        stacked = [array[: count * batch].reshape(count, batch, *array.shape[1:]) for array in data]
        self.count = count
        self.batches = [[jnp.asarray(array[at]) for array in stacked] for at in range(count)]
        self.step = jax.jit(step, donate_argnums=0)
        if loop:
            self.stacked = [jnp.asarray(array) for array in stacked]

            @partial(jax.jit, donate_argnums=0, static_argnums=2)
            def many(state: Any, at: Any, steps: int, *stacked: jax.Array) -> tuple[Any, jax.Array]:
                def body(turn: Any, carry: tuple[Any, jax.Array]) -> tuple[Any, jax.Array]:
                    which = (at + turn) % count
                    pieces = [jax.lax.dynamic_index_in_dim(array, which, keepdims=False) for array in stacked]
                    return step(carry[0], *pieces)

                return jax.lax.fori_loop(0, steps, body, (state, jnp.float32(0)))

            self.many = many
        self.reset()

    def reset(self) -> None:
        self.state = jax.block_until_ready(self.start())
        self.at = 0

    def run(self, steps: int) -> float:
        if self.loop:
            self.state, loss = self.many(self.state, self.at, steps, *self.stacked)
            self.at = (self.at + steps) % self.count
        else:
            state, step, batches = self.state, self.step, self.batches
            for _ in range(steps):
                state, loss = step(state, *batches[self.at])
                self.at = (self.at + 1) % self.count
            self.state = state
        jax.block_until_ready(self.state)
        return float(loss)


def training(
    weights: Arrays, loss: Callable[..., jax.Array], optimizer: Optimizer, data: Sequence[np.ndarray], batch: int,
    loop: bool = False,
) -> Steps:  # fmt: skip
    """Steps of `loss(parameters, *batch)`."""
    begin, update = optimizer

    def start() -> Any:
        # A copy: the step gives the buffers away, and the first weights are needed again.
        parameters = jax.tree.map(lambda array: jnp.array(array, copy=True), weights)
        return parameters, begin(parameters)

    def step(state: Any, *batch: jax.Array) -> tuple[Any, jax.Array]:
        parameters, moments = state
        value, slopes = jax.value_and_grad(loss)(parameters, *batch)
        return update(parameters, slopes, moments), value

    return Steps(start, step, data, batch, loop)
