"""An LSTM that reads 64 rows of 64 numbers and says a class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import Arrays, Implementation, Workload, draw, first_weights

BATCH, RATE = 32, 1e-3


def arrays_for(length: int, batches: int = 4) -> Callable[[np.random.Generator, bool], Arrays]:
    def arrays(rng: np.random.Generator, tiny: bool) -> Arrays:
        time, inputs, hidden = (5, 3, 4) if tiny else (length, 64, 128)
        x, t = draw.clusters(rng, BATCH * (3 if tiny else batches), (time, inputs), 10)
        edge = hidden**-0.5
        return {
            "x": x, "t": t,
            # The four gates side by side, in PyTorch's order: input, forget, candidate, output.
            "weights/Wx": rng.uniform(-edge, edge, (inputs, 4 * hidden)).astype(np.float32),
            "weights/Wh": rng.uniform(-edge, edge, (hidden, 4 * hidden)).astype(np.float32),
            "weights/b": rng.uniform(-edge, edge, 4 * hidden).astype(np.float32),
            "weights/W": draw.glorot(rng, hidden, 10), "weights/c": np.zeros(10, np.float32),
        }  # fmt: skip

    return arrays


def ours(arrays: Arrays) -> Implementation:
    import nngraph as ng

    from . import optimizers, with_nngraph

    size = arrays["weights/Wh"].shape[0]

    def loss(p: dict[str, Any], x: Any, t: Any) -> Any:
        def cell(carry: Any, x_t: Any) -> Any:
            h, c = carry
            i, f, g, o = ng.split(x_t @ p["Wx"] + h @ p["Wh"] + p["b"], 4, axis=1)
            c = ng.sigmoid(f) * c + ng.sigmoid(i) * ng.tanh(g)
            h = ng.sigmoid(o) * ng.tanh(c)
            return (h, c), None

        zero = ng.constant(np.zeros((BATCH, size), np.float32))
        (h, _), _ = ng.scan(cell, (zero, zero), ng.swapaxes(x, 0, 1))
        return ng.softmax_loss(h @ p["W"] + p["c"], t)

    def update(parameters: Any, slopes: Any) -> Any:
        return optimizers.adam(parameters, slopes, RATE)

    return with_nngraph.training(first_weights(arrays), loss, update, {"x": arrays["x"], "t": arrays["t"]}, BATCH)


def operations(arrays: Arrays) -> int:
    """Of a step; the rows that are read need no gradient."""
    weights = first_weights(arrays)
    time = arrays["x"].shape[1]
    return 2 * BATCH * (time * (2 * weights["Wx"].size + 3 * weights["Wh"].size) + 3 * weights["W"].size)


def with_torch(arrays: Arrays) -> Implementation:
    """nn.LSTM, whose second bias stays zero and is not learned, so that all peers have one; time is the first axis."""
    import torch
    from torch.nn import functional

    from . import with_torch

    weights = first_weights(arrays)
    inputs, gates = weights["Wx"].shape
    weights |= {name: np.ascontiguousarray(weights[name].T) for name in ("Wx", "Wh", "W")}
    batches = [(x.transpose(0, 1).contiguous(), t) for x, t in with_torch.split([arrays["x"], arrays["t"]], BATCH)]

    def start() -> Any:
        lstm, dense = torch.nn.LSTM(inputs, gates // 4), torch.nn.Linear(gates // 4, 10)
        lstm.bias_hh_l0.requires_grad_(False)
        first = {
            lstm.weight_ih_l0: weights["Wx"], lstm.weight_hh_l0: weights["Wh"], lstm.bias_ih_l0: weights["b"],
            lstm.bias_hh_l0: np.zeros_like(weights["b"]), dense.weight: weights["W"], dense.bias: weights["c"],
        }  # fmt: skip
        with torch.no_grad():
            for parameter, array in first.items():
                parameter.copy_(torch.from_numpy(array))
        return lstm, dense, with_torch.adam(RATE)([p for p in first if p.requires_grad])

    def step(state: Any, x: Any, t: Any) -> Any:
        lstm, dense, optimizer = state
        _, (h, _) = lstm(x)
        loss = functional.cross_entropy(dense(h[0]), t)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss

    return with_torch.Steps(start, step, batches)


def with_jax(arrays: Arrays) -> Implementation:
    """lax.scan; the inputs' share of the gates is one product for all times."""
    import jax
    import jax.numpy as jnp

    from . import with_jax

    def loss(p: dict[str, Any], x: Any, t: Any) -> Any:
        def cell(carry: Any, z: Any) -> Any:
            h, c = carry
            i, f, g, o = jnp.split(z + h @ p["Wh"], 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), None

        zero = jnp.zeros((BATCH, p["Wh"].shape[0]))
        (h, _), _ = jax.lax.scan(cell, (zero, zero), x.transpose(1, 0, 2) @ p["Wx"] + p["b"])
        return with_jax.cross_entropy(h @ p["W"] + p["c"], t)

    return with_jax.training(first_weights(arrays), loss, with_jax.adam(RATE), [arrays["x"], arrays["t"]], BATCH)


WORKLOADS = (
    Workload(
        "lstm", "LSTM T64 in64 H128, batch 32, dense 10, Adam", arrays_for(64),
        {"nngraph": ours, "torch": with_torch, "jax": with_jax},
        4, {"torch": 1.3, "jax": 3}, {"torch": 2, "jax": 4}, operations=operations,
    ),
)  # fmt: skip
