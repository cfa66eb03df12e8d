"""mean(tanh(sigmoid(w·x + b)·x)) over ten million numbers with the gradients of x, w and b: a test of memory traffic.

Once with w and b as long as x (240 MB must be moved: three arrays read, three gradients written) and once with w and b
single numbers (80 MB, and more arithmetic for each byte).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import Arrays, Implementation, Workload, numbers_of
from .convolution import Once


def arrays_for(whole: bool) -> Callable[[np.random.Generator, bool], Arrays]:
    def arrays(rng: np.random.Generator, tiny: bool) -> Arrays:
        count = 1000 if tiny else 10_000_000
        shape = (count,) if whole else ()
        draws = {"x": (count,), "w": shape, "b": shape}
        return {name: np.asarray(rng.standard_normal(size, dtype=np.float32)) for name, size in draws.items()}

    return arrays


def traffic(arrays: Arrays) -> int:
    """Every array read once, its gradient written once."""
    return 2 * sum(array.nbytes for array in arrays.values())


def ours(arrays: Arrays) -> Implementation:
    import nngraph as ng

    from . import with_nngraph

    x, w, b = (ng.input(name, arrays[name]) for name in "xwb")
    y = ng.mean(ng.tanh(ng.sigmoid(w * x + b) * x))
    slopes = dict(zip(("dx", "dw", "db"), ng.gradient(y, [x, w, b])))
    return with_nngraph.Results({"y": y, **slopes}, lambda values: numbers_of(*(values[name] for name in slopes)))


def with_torch(arrays: Arrays) -> Implementation:
    import torch

    x, w, b = (torch.from_numpy(arrays[name]).requires_grad_() for name in "xwb")

    def step() -> Any:
        inner = torch.addcmul(b, w, x) if w.ndim else w * x + b
        return torch.autograd.grad(torch.mean(inner.sigmoid_().mul(x).tanh_()), (x, w, b))

    return Once(step, lambda slopes: numbers_of(*slopes))


def with_jax(donated: bool) -> Callable[[Arrays], Implementation]:
    """`donated`: the gradients of the step before are given away, so that the new ones need no fresh memory."""

    def build(arrays: Arrays) -> Implementation:
        import jax
        import jax.numpy as jnp

        leaves = [jnp.asarray(arrays[name]) for name in "xwb"]
        slopes = jax.value_and_grad(
            lambda x, w, b: jnp.mean(jnp.tanh(jax.nn.sigmoid(w * x + b) * x)), argnums=(0, 1, 2)
        )
        if not donated:
            fresh = jax.jit(slopes)
            return Once(lambda: jax.block_until_ready(fresh(*leaves)), lambda results: numbers_of(*results[1]))
        over = jax.jit(lambda before, *leaves: slopes(*leaves), donate_argnums=0, keep_unused=True)
        kept = [jnp.zeros_like(leaf) for leaf in leaves]

        def step() -> Any:
            nonlocal kept
            _, kept = jax.block_until_ready(over(kept, *leaves))
            return kept

        return Once(step, lambda results: numbers_of(*results))

    return build


_PEERS = {"nngraph": ours, "torch": with_torch, "jax": with_jax(False), "jax donated": with_jax(True)}
WORKLOADS = (
    Workload(
        "chain1e7", "mean(tanh(sigmoid(w*x+b)*x)), 1e7 elements each, gradients of x, w, b", arrays_for(True), _PEERS,
        1, {"torch": 10, "jax": 4}, {"torch": 20, "jax": 7}, learns=False, traffic=traffic, share=0.6,
    ),
    Workload(
        "chain1e7-single", "the same with single numbers w and b", arrays_for(False), _PEERS,
        1, {"torch": 10, "jax": 4}, {"torch": 20, "jax": 7}, learns=False, traffic=traffic,
    ),
)  # fmt: skip
