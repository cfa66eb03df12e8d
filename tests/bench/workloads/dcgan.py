"""The DCGAN for 28x28 pictures: dense, batch norm, two transposed 4x4 convolutions with stride 2; and back again.

The generator: 64 numbers of noise -> 128x7x7 -> 64x14x14 -> 1x28x28; the discriminator: 1x28x28 -> 64x14x14 -> 128x7x7
-> one score. Batch norm uses the batch's own mean and variance and nobody keeps running ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import Arrays, Implementation, Workload, draw, first_weights
from .generative import BATCH_GAN, SLOPE, gan_operations, jax_gan, our_gan, torch_gan

RATE = 5e-5  # a quarter of the paper's: with 2e-4 one library's own memory layouts part by 5e-4 within 10 steps


def arrays(rng: np.random.Generator, tiny: bool) -> Arrays:
    noise, wide, narrow, size = (4, 4, 3, 2) if tiny else (64, 128, 64, 7)
    rows = BATCH_GAN * (3 if tiny else 6)

    def filters(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.05, shape).astype(np.float32)

    normalized = {"G0": wide, "G1": narrow, "D1": wide}
    scales = {f"weights/{name}_scale": np.ones(count, np.float32) for name, count in normalized.items()}
    shifts = {f"weights/{name}_shift": np.zeros(count, np.float32) for name, count in normalized.items()}
    return {
        "x": 2 * draw.pictures(rng, rows, (4 * size) ** 2).reshape(rows, 1, 4 * size, 4 * size) - 1,
        "z": rng.normal(0, 1, (rows, noise)).astype(np.float32),
        "weights/GW": draw.glorot(rng, noise, wide * size * size),
        # (in, out, 4, 4) for the transposed convolutions, (out, in, 4, 4) for the others.
        "weights/GK0": filters(wide, narrow, 4, 4), "weights/GK1": filters(narrow, 1, 4, 4),
        "weights/Gk1": np.zeros(1, np.float32),
        "weights/DK0": filters(narrow, 1, 4, 4), "weights/Dk0": np.zeros(narrow, np.float32),
        "weights/DK1": filters(wide, narrow, 4, 4),
        "weights/DW": draw.glorot(rng, wide * size * size, 1), "weights/Db": np.zeros(1, np.float32),
        **scales, **shifts,
    }  # fmt: skip


def ours(arrays: Arrays) -> Implementation:
    import nngraph as ng

    def normal(x: Any, p: dict[str, Any], name: str) -> Any:
        return ng.batch_norm(x, p[f"{name}_scale"], p[f"{name}_shift"])

    def make(p: dict[str, Any], z: Any) -> Any:
        channels = p["GK0"].shape[0]
        size = int((p["GW"].shape[1] // channels) ** 0.5)
        h = ng.reshape(z @ p["GW"], shape=(z.shape[0], channels, size, size))
        h = ng.relu(normal(h, p, "G0"))
        h = ng.relu(normal(ng.conv_transpose2d(h, p["GK0"], stride=2, padding=1), p, "G1"))
        h = ng.conv_transpose2d(h, p["GK1"], stride=2, padding=1) + ng.reshape(p["Gk1"], shape=(-1, 1, 1))
        return ng.tanh(h)

    def judge(p: dict[str, Any], x: Any) -> Any:
        h = ng.conv2d(x, p["DK0"], stride=2, padding=1) + ng.reshape(p["Dk0"], shape=(-1, 1, 1))
        h = ng.leaky_relu(h, slope=SLOPE)
        h = ng.leaky_relu(normal(ng.conv2d(h, p["DK1"], stride=2, padding=1), p, "D1"), slope=SLOPE)
        return ng.flatten(h, start=1) @ p["DW"] + p["Db"]

    return our_gan(arrays, make, judge, RATE)


def with_torch(channels_last: bool) -> Callable[[Arrays], Implementation]:
    def build(arrays: Arrays) -> Implementation:
        import torch
        from torch.nn import functional

        layout = torch.channels_last if channels_last else torch.contiguous_format

        def normal(x: Any, p: dict[str, Any], name: str) -> Any:
            return functional.batch_norm(x, None, None, p[f"{name}_scale"], p[f"{name}_shift"], training=True)

        def make(p: dict[str, Any], z: Any) -> Any:
            channels = p["GK0"].shape[0]
            size = int((p["GW"].shape[0] // channels) ** 0.5)
            h = functional.linear(z, p["GW"]).view(len(z), channels, size, size).contiguous(memory_format=layout)
            h = torch.relu_(normal(h, p, "G0"))
            h = torch.relu_(normal(functional.conv_transpose2d(h, p["GK0"], stride=2, padding=1), p, "G1"))
            return torch.tanh(functional.conv_transpose2d(h, p["GK1"], p["Gk1"], stride=2, padding=1))

        def judge(p: dict[str, Any], x: Any) -> Any:
            h = functional.leaky_relu_(functional.conv2d(x, p["DK0"], p["Dk0"], stride=2, padding=1), SLOPE)
            h = functional.leaky_relu_(normal(functional.conv2d(h, p["DK1"], stride=2, padding=1), p, "D1"), SLOPE)
            return functional.linear(h.flatten(1), p["DW"], p["Db"])

        weights = first_weights(arrays)
        weights |= {name: np.ascontiguousarray(weights[name].T) for name in ("GW", "DW")}
        return torch_gan(weights, arrays, make, judge, RATE, layout)

    return build


def with_jax(arrays: Arrays) -> Implementation:
    """Channels last. A transposed convolution is a convolution of the input spread out by the stride."""
    import jax
    import jax.numpy as jnp

    def convolved(x: Any, kernel: Any, **settings: Any) -> Any:
        return jax.lax.conv_general_dilated(x, kernel, dimension_numbers=("NHWC", "HWIO", "NHWC"), **settings)

    def up(x: Any, kernel: Any) -> Any:
        return convolved(x, kernel[::-1, ::-1], window_strides=(1, 1), padding=((2, 2), (2, 2)), lhs_dilation=(2, 2))

    def down(x: Any, kernel: Any) -> Any:
        return convolved(x, kernel, window_strides=(2, 2), padding=((1, 1), (1, 1)))

    def normal(x: Any, p: dict[str, Any], name: str) -> Any:
        mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
        return (x - mean) * (p[f"{name}_scale"] * jax.lax.rsqrt(var + 1e-5)) + p[f"{name}_shift"]

    def make(p: dict[str, Any], z: Any) -> Any:
        channels = p["GK0"].shape[2]
        size = int((p["GW"].shape[1] // channels) ** 0.5)
        h = (z @ p["GW"]).reshape(len(z), channels, size, size).transpose(0, 2, 3, 1)
        h = jax.nn.relu(normal(h, p, "G0"))
        h = jax.nn.relu(normal(up(h, p["GK0"]), p, "G1"))
        return jnp.tanh(up(h, p["GK1"]) + p["Gk1"])

    def judge(p: dict[str, Any], x: Any) -> Any:
        h = jax.nn.leaky_relu(down(x, p["DK0"]) + p["Dk0"], SLOPE)
        h = jax.nn.leaky_relu(normal(down(h, p["DK1"]), p, "D1"), SLOPE)
        return h.transpose(0, 3, 1, 2).reshape(len(h), -1) @ p["DW"] + p["Db"]

    weights = first_weights(arrays)
    weights |= {name: np.ascontiguousarray(weights[name].transpose(2, 3, 0, 1)) for name in ("GK0", "GK1")}
    weights |= {name: np.ascontiguousarray(weights[name].transpose(2, 3, 1, 0)) for name in ("DK0", "DK1")}
    data = [np.ascontiguousarray(arrays["x"].transpose(0, 2, 3, 1)), arrays["z"]]
    return jax_gan(weights, data, make, judge, RATE)


def operations(arrays: Arrays) -> int:
    """A filter of a transposed convolution is used once for every number that comes in, of a convolution for every one
    that goes out."""
    size = arrays["x"].shape[2]
    small, large = (size // 4) ** 2, (size // 2) ** 2
    used = {"GW": 1, "GK0": small, "GK1": large, "DK0": large, "DK1": small, "DW": 1}
    cost = {name: times * arrays[f"weights/{name}"].size for name, times in used.items()}
    return gan_operations([cost["GW"], cost["GK0"], cost["GK1"]], [cost["DK0"], cost["DK1"], cost["DW"]])


WORKLOADS = (
    Workload(
        "dcgan",
        "DCGAN 28x28 (dense to 7x7x128, two transposed 4x4 s2; D two conv 4x4 s2; batch norm), batch 64, Adam", arrays,
        {"nngraph": ours, "torch: NCHW": with_torch(False), "torch: channels_last": with_torch(True), "jax": with_jax},
        2, {"torch": 1.2}, {"torch": 2}, learns=False, operations=operations, rounds=9,
    ),
)  # fmt: skip
