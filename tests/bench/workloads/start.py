"""The first step of a model nobody has run before, in a fresh process; imports are not counted, compiling is.

The sizes differ from run to run, so that no peer finds the very same model in a cache; nngraph's kernels were compiled by
an earlier run.
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
        1, most=0.3, kind="first", per="",
    ),
    Workload(
        "first-cnn", "first step of a new CNN (two convolutions, momentum), warm cache", picture_arrays,
        {
            "nngraph": convolution.our_net, "torch": convolution.torch_net(True),
            "torch.compile": convolution.torch_net(True, compiled=True), "jax": convolution.jax_net(False),
        },
        1, most=0.3, kind="first", per="",
    ),
)  # fmt: skip
