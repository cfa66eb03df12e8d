"""Nets that make pictures: the autoencoder, a GAN of dense layers, and the DCGAN.

A GAN's step: the discriminator learns on real and made pictures, then the generator learns from the discriminator just
improved, on the same made pictures. The noise is data, so that all peers see the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import Arrays, Implementation, Workload, dense_operations, draw, first_weights

SLOPE = 0.2  # of the leaky relu, as in the DCGAN's paper: Radford et al. 2015, arXiv:1511.06434
BATCH_AUTOENCODER, RATE_AUTOENCODER = 128, 1e-3
BATCH_GAN, RATE_GAN, BETA1 = 64, 2e-4, 0.5  # the rate and β1 of that paper


# Autoencoder ----------------------------------------------------------------------------------------------------------
def autoencoder_arrays(rng: np.random.Generator, tiny: bool) -> Arrays:
    sizes = (20, 8, 4, 8, 20) if tiny else (784, 128, 32, 128, 784)
    return {"x": draw.pictures(rng, 128 * (3 if tiny else 20), sizes[0]), **draw.layers(rng, sizes)}


def our_autoencoder(arrays: Arrays) -> Implementation:
    import nngraph as ng

    from . import optimizers, with_nngraph

    def loss(p: dict[str, Any], x: Any) -> Any:
        h = x
        for at in range(4):
            h = h @ p[f"W{at}"] + p[f"b{at}"]
            h = ng.relu(h) if at < 3 else ng.sigmoid(h)
        return ng.mean(ng.square(h - x))

    def update(parameters: Any, slopes: Any) -> Any:
        return optimizers.adam(parameters, slopes, RATE_AUTOENCODER)

    return with_nngraph.training(first_weights(arrays), loss, update, {"x": arrays["x"]}, BATCH_AUTOENCODER)


def torch_autoencoder(arrays: Arrays) -> Implementation:
    import torch
    from torch.nn import functional

    from . import with_torch

    def loss(p: dict[str, Any], x: Any) -> Any:
        h = x
        for at in range(4):
            h = functional.linear(h, p[f"W{at}"], p[f"b{at}"])
            h = torch.relu_(h) if at < 3 else torch.sigmoid_(h)
        return functional.mse_loss(h, x)

    weights = {name: np.ascontiguousarray(array.T) for name, array in first_weights(arrays).items()}
    batches = with_torch.split([arrays["x"]], BATCH_AUTOENCODER)
    return with_torch.training(weights, loss, with_torch.adam(RATE_AUTOENCODER), batches)


def jax_autoencoder(arrays: Arrays) -> Implementation:
    import jax
    import jax.numpy as jnp

    from . import with_jax

    def loss(p: dict[str, Any], x: Any) -> Any:
        h = x
        for at in range(4):
            h = h @ p[f"W{at}"] + p[f"b{at}"]
            h = jax.nn.relu(h) if at < 3 else jax.nn.sigmoid(h)
        return jnp.mean(jnp.square(h - x))

    optimizer = with_jax.adam(RATE_AUTOENCODER)
    return with_jax.training(first_weights(arrays), loss, optimizer, [arrays["x"]], BATCH_AUTOENCODER)


# A step of a GAN for each peer, given its generator and discriminator -------------------------------------------------
def _of(weights: Any, which: str) -> dict[str, Any]:
    return {name: weight for name, weight in weights.items() if name.startswith(which)}


def our_gan(
    arrays: Arrays, make: Callable[..., Any], judge: Callable[..., Any], rate: float = RATE_GAN
) -> Implementation:
    """`judge(p, pictures)` gives one score for each; both steps are one graph, in which the generator's loss reads the
    discriminator's new weights."""
    import nngraph as ng

    from . import optimizers, with_nngraph

    p = with_nngraph.parameters(first_weights(arrays))
    x, z = (with_nngraph.batch_input(name, arrays[name], BATCH_GAN) for name in "xz")
    ones, zeros = (ng.constant(np.full((BATCH_GAN, 1), value, np.float32)) for value in (1, 0))
    learn = {"rate": rate, "beta1": BETA1}
    made = make(_of(p, "G"), z)
    held = ng.stop_gradient(made)
    d = _of(p, "D")
    d_loss = ng.binary_cross_entropy_logits(judge(d, x), ones) + ng.binary_cross_entropy_logits(judge(d, held), zeros)
    updates = optimizers.adam(list(d.values()), ng.gradient(d_loss, list(d.values())), name="judge", **learn)
    improved = {name: ng.stop_gradient(updates[leaf]) for name, leaf in d.items()}
    g = _of(p, "G")
    g_loss = ng.binary_cross_entropy_logits(judge(improved, made), ones)
    updates |= optimizers.adam(list(g.values()), ng.gradient(g_loss, list(g.values())), name="make", **learn)
    return with_nngraph.Steps(d_loss + g_loss, [x, z], updates, [arrays["x"], arrays["z"]], BATCH_GAN)


def torch_gan(
    weights: Arrays, arrays: Arrays, make: Callable[..., Any], judge: Callable[..., Any], rate: float = RATE_GAN,
    layout: Any = None,
) -> Implementation:  # fmt: skip
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as error

    from . import with_torch

    layout = layout or torch.contiguous_format
    ones, zeros = torch.ones(BATCH_GAN, 1), torch.zeros(BATCH_GAN, 1)

    def start() -> Any:
        p = with_torch.parameters(weights, layout)
        d, g = _of(p, "D"), _of(p, "G")
        adam = with_torch.adam(rate, BETA1)
        return d, g, adam(list(d.values())), adam(list(g.values()))

    def step(state: Any, x: Any, z: Any) -> Any:
        d, g, judging, making = state
        made = make(g, z)
        d_loss = error(judge(d, x), ones) + error(judge(d, made.detach()), zeros)
        judging.zero_grad(set_to_none=True)
        d_loss.backward()
        judging.step()
        g_loss = error(judge(d, made), ones)
        making.zero_grad(set_to_none=True)
        g_loss.backward(inputs=list(g.values()))
        making.step()
        return (d_loss + g_loss).detach()

    return with_torch.Steps(start, step, with_torch.split([arrays["x"], arrays["z"]], BATCH_GAN, layout))


def jax_gan(
    weights: Arrays, data: Sequence[np.ndarray], make: Callable[..., Any], judge: Callable[..., Any],
    rate: float = RATE_GAN,
) -> Implementation:  # fmt: skip
    import jax
    import jax.numpy as jnp

    from . import with_jax

    begin, update = with_jax.adam(rate, BETA1)

    def error(scores: Any, label: int) -> Any:
        return jnp.mean(jax.nn.softplus(scores) - label * scores)

    def start() -> Any:
        p = jax.tree.map(lambda array: jnp.array(array, copy=True), weights)
        d, g = _of(p, "D"), _of(p, "G")
        return d, g, begin(d), begin(g)

    def step(state: Any, x: Any, z: Any) -> Any:
        d, g, judging, making = state
        made, back = jax.vjp(lambda g: make(g, z), g)
        d_loss, slopes = jax.value_and_grad(lambda d: error(judge(d, x), 1) + error(judge(d, made), 0))(d)
        d, judging = update(d, slopes, judging)
        g_loss, slope = jax.value_and_grad(lambda made: error(judge(d, made), 1))(made)
        g, making = update(g, back(slope)[0], making)
        return (d, g, judging, making), d_loss + g_loss

    return with_jax.Steps(start, step, data, BATCH_GAN)


def gan_operations(maker: Sequence[int], judge: Sequence[int]) -> int:
    """Of both steps, given the multiplications of every layer for one picture, first layers first.

    The judge learns from two kinds of pictures, which need no gradient; then it passes the maker's gradient on without
    learning; the noise needs none.
    """
    learning = 2 * (3 * sum(judge) - judge[0])
    passing = 2 * sum(judge)
    return 2 * BATCH_GAN * (learning + passing + 3 * sum(maker) - maker[0])


# Dense GAN ------------------------------------------------------------------------------------------------------------
def gan_arrays(rng: np.random.Generator, tiny: bool) -> Arrays:
    noise, hidden, size = (4, 6, 12) if tiny else (64, 128, 784)
    rows = BATCH_GAN * (3 if tiny else 20)
    return {
        "x": draw.pictures(rng, rows, size), "z": rng.normal(0, 1, (rows, noise)).astype(np.float32),
        **draw.layers(rng, (noise, hidden, size), "G"), **draw.layers(rng, (size, hidden, 1), "D"),
    }  # fmt: skip


def our_dense_gan(arrays: Arrays) -> Implementation:
    import nngraph as ng

    def make(p: dict[str, Any], z: Any) -> Any:
        return ng.sigmoid(ng.relu(z @ p["GW0"] + p["Gb0"]) @ p["GW1"] + p["Gb1"])

    def judge(p: dict[str, Any], x: Any) -> Any:
        return ng.leaky_relu(x @ p["DW0"] + p["Db0"], slope=SLOPE) @ p["DW1"] + p["Db1"]

    return our_gan(arrays, make, judge)


def torch_dense_gan(arrays: Arrays) -> Implementation:
    import torch
    from torch.nn import functional

    def make(p: dict[str, Any], z: Any) -> Any:
        h = torch.relu_(functional.linear(z, p["GW0"], p["Gb0"]))
        return torch.sigmoid_(functional.linear(h, p["GW1"], p["Gb1"]))

    def judge(p: dict[str, Any], x: Any) -> Any:
        h = functional.leaky_relu_(functional.linear(x, p["DW0"], p["Db0"]), SLOPE)
        return functional.linear(h, p["DW1"], p["Db1"])

    weights = {name: np.ascontiguousarray(array.T) for name, array in first_weights(arrays).items()}
    return torch_gan(weights, arrays, make, judge)


def jax_dense_gan(arrays: Arrays) -> Implementation:
    import jax

    def make(p: dict[str, Any], z: Any) -> Any:
        return jax.nn.sigmoid(jax.nn.relu(z @ p["GW0"] + p["Gb0"]) @ p["GW1"] + p["Gb1"])

    def judge(p: dict[str, Any], x: Any) -> Any:
        return jax.nn.leaky_relu(x @ p["DW0"] + p["Db0"], SLOPE) @ p["DW1"] + p["Db1"]

    return jax_gan(first_weights(arrays), [arrays["x"], arrays["z"]], make, judge)


WORKLOADS: tuple[Workload, ...] = (
    Workload(
        "autoencoder", "autoencoder 784-128-32-128-784, relu, batch 128, Adam", autoencoder_arrays,
        {"nngraph": our_autoencoder, "torch": torch_autoencoder, "jax": jax_autoencoder},
        40, {"torch": 2, "jax": 1.3}, {"torch": 3, "jax": 2},
        operations=lambda arrays: dense_operations(
            BATCH_AUTOENCODER, [arrays["x"].shape[1], *(arrays[f"weights/b{at}"].size for at in range(4))]
        ),
    ),
    Workload(
        "gan", "GAN MLP (G 64-128-784, D 784-128-1), batch 64, one D and one G step, Adam", gan_arrays,
        {"nngraph": our_dense_gan, "torch": torch_dense_gan, "jax": jax_dense_gan},
        40, {"torch": 2, "jax": 1.3}, {"torch": 3, "jax": 2}, learns=False,
        operations=lambda arrays: gan_operations(
            *([arrays[f"weights/{which}W{at}"].size for at in range(2)] for which in "GD")
        ),
    ),
)  # fmt: skip
