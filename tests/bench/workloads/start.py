"""The first step of a model nobody has run before, in a fresh process: from arrays to the loss of one step, the graph or
the net, its gradient, the optimizer and all compiling included.

Warm: the sizes differ from run to run, so that no peer finds the very same model in a cache; nngraph's cache is that which
`nngraph warmup` leaves behind. Importing a library does not count, but what nngraph imports only in order to compile does.
Cold: the cache is an empty folder, and numba's own import counts too.
"""

from __future__ import annotations

import numpy as np

from . import Arrays, Workload, convolution, draw, mlp


def dense_arrays(rng: np.random.Generator, tiny: bool) -> Arrays:
    hidden = tuple(int(size) for size in rng.integers(20, 40, 3))
    x, t = draw.clusters(rng, 400, (64,), 10)
    return {"x": x, "t": t, **draw.layers(rng, (64, *hidden, 10))}


def picture_arrays(rng: np.random.Generator, tiny: bool) -> Arrays:
    size = 8 if tiny else 28
    channels = (1, *(int(count) for count in rng.integers(*((2, 5) if tiny else (12, 36)), 2)))
    x, t = draw.clusters(rng, 2 * convolution.BATCH, (1, size, size), 10)
    return {"x": x, "t": t, **convolution.net_weights(rng, channels, size)}


_DENSE = (200, "relu", 1e-3, "adam")
WORKLOADS = (
    Workload(
        "first-mlp", "first step of a new dense net (64, three hidden layers, 10), Adam, warm cache", dense_arrays,
        {
            "nngraph": mlp.ours(*_DENSE), "torch": mlp.with_torch(*_DENSE),
            "torch.compile": mlp.with_torch(*_DENSE, compiled=True), "jax": mlp.with_jax(*_DENSE, loop=False),
        },
        1, most=0.3, kind="first", per="", rounds=5, alone=True,
    ),
    Workload(
        "cold-mlp", "the same, no kernel compiled yet", dense_arrays, {"nngraph": mlp.ours(*_DENSE)},
        1, most=8.0, kind="cold", per="", rounds=2, alone=True,
    ),
    Workload(
        "first-cnn", "first step of a new CNN (two convolutions, momentum), warm cache", picture_arrays,
        {
            "nngraph": convolution.our_net, "torch": convolution.torch_net(True),
            "torch.compile": convolution.torch_net(True, compiled=True), "jax": convolution.jax_net(False),
        },
        1, most=0.3, kind="first", per="", rounds=5, alone=True,
    ),
    Workload(
        "cold-cnn", "the same, no kernel compiled yet", picture_arrays, {"nngraph": convolution.our_net},
        1, most=8.0, kind="cold", per="", rounds=2, alone=True,
    ),
)  # fmt: skip
