"""The convolutional net for 28x28 pictures, and one convolution alone with both its gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import Arrays, Implementation, Workload, draw, first_weights, numbers_of

BATCH, RATE, KEEP = 64, 0.02, 0.9


# The net --------------------------------------------------------------------------------------------------------------
def net_arrays(rng: np.random.Generator, tiny: bool) -> Arrays:
    size, channels = (8, (1, 2, 3)) if tiny else (28, (1, 16, 32))
    x, t = draw.clusters(rng, BATCH * (3 if tiny else 12), (1, size, size), 10)
    return {"x": x, "t": t, **net_weights(rng, channels, size)}


def net_weights(rng: np.random.Generator, channels: tuple[int, ...], size: int) -> Arrays:
    """Two convolutions between so many channels, and the dense layer after them."""
    arrays = {}
    for at, (inputs, outputs) in enumerate(zip(channels, channels[1:])):
        arrays[f"weights/K{at}"] = draw.glorot(rng, outputs, inputs, 3, 3, fans=(9 * inputs, 9 * outputs))
        arrays[f"weights/k{at}"] = np.zeros(outputs, np.float32)
    features = channels[-1] * (size // 4) ** 2
    return arrays | {"weights/W": draw.glorot(rng, features, 10), "weights/b": np.zeros(10, np.float32)}


def our_net(arrays: Arrays) -> Implementation:
    import nngraph as ng

    from . import optimizers, with_nngraph

    def loss(p: dict[str, Any], x: Any, t: Any) -> Any:
        for at in range(2):
            x = ng.conv2d(x, p[f"K{at}"], padding=1) + ng.reshape(p[f"k{at}"], shape=(-1, 1, 1))
            x = ng.max_pool2d(ng.relu(x), size=2)
        return ng.softmax_loss(ng.flatten(x, start=1) @ p["W"] + p["b"], t)

    def update(parameters: Any, slopes: Any) -> Any:
        return optimizers.momentum(parameters, slopes, RATE, KEEP)

    return with_nngraph.training(first_weights(arrays), loss, update, {"x": arrays["x"], "t": arrays["t"]}, BATCH)


def net_operations(arrays: Arrays) -> int:
    """Of a step; the pictures need no gradient."""
    size = arrays["x"].shape[2]
    weights = first_weights(arrays)
    first, second = (weights[f"K{at}"].size * (size // 2**at) ** 2 for at in range(2))
    return 2 * BATCH * (2 * first + 3 * second + 3 * weights["W"].size)


def torch_net(channels_last: bool, compiled: bool = False) -> Callable[[Arrays], Implementation]:
    def build(arrays: Arrays) -> Implementation:
        import torch
        from torch.nn import functional

        from . import with_torch

        def loss(p: dict[str, Any], x: Any, t: Any) -> Any:
            for at in range(2):
                x = functional.conv2d(x, p[f"K{at}"], p[f"k{at}"], padding=1)
                x = functional.max_pool2d(functional.relu(x, inplace=True), 2)
            return functional.cross_entropy(functional.linear(x.flatten(1), p["W"], p["b"]), t)

        weights = first_weights(arrays)
        weights["W"] = np.ascontiguousarray(weights["W"].T)
        layout = torch.channels_last if channels_last else torch.contiguous_format
        batches = with_torch.split([arrays["x"], arrays["t"]], BATCH, layout)
        loss = torch.compile(loss) if compiled else loss
        return with_torch.training(weights, loss, with_torch.sgd(RATE, KEEP), batches, layout)

    return build


def jax_net(windows: bool) -> Callable[[Arrays], Implementation]:
    """Channels last, which this backend does best; the largest of a window by reduce_window, or by reshaping."""

    def build(arrays: Arrays) -> Implementation:
        import jax
        import jax.numpy as jnp

        from . import with_jax

        def pool(x: Any) -> Any:
            if windows:
                return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
            n, h, w, c = x.shape
            return x.reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))

        def loss(p: dict[str, Any], x: Any, t: Any) -> Any:
            for at in range(2):
                x = jax.lax.conv_general_dilated(
                    x, p[f"K{at}"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
                )
                x = pool(jax.nn.relu(x + p[f"k{at}"]))
            # The dense weights count channels first.
            return with_jax.cross_entropy(x.transpose(0, 3, 1, 2).reshape(len(x), -1) @ p["W"] + p["b"], t)

        weights = first_weights(arrays)
        weights |= {f"K{at}": np.ascontiguousarray(weights[f"K{at}"].transpose(2, 3, 1, 0)) for at in range(2)}
        data = [np.ascontiguousarray(arrays["x"].transpose(0, 2, 3, 1)), arrays["t"]]
        return with_jax.training(weights, loss, with_jax.sgd(RATE, KEEP), data, BATCH)

    return build


# One convolution ------------------------------------------------------------------------------------------------------
def layer_arrays(rng: np.random.Generator, tiny: bool) -> Arrays:
    batch, channels, size = (2, 3, 6) if tiny else (32, 64, 56)
    return {
        "x": rng.normal(0, 1, (batch, channels, size, size)).astype(np.float32),
        "w": draw.glorot(rng, channels, channels, 3, 3, fans=(9 * channels, 9 * channels)),
        "g": rng.normal(0, 1, (batch, channels, size, size)).astype(np.float32),
    }


def summed(values: Any) -> list[float]:
    """Result and both gradients as numbers to compare."""
    return numbers_of(*(values[name] for name in ("y", "dx", "dw")))


def layer_operations(arrays: Arrays) -> int:
    """Of the result and of both gradients, each as many."""
    n, _, h, w = arrays["x"].shape
    return 3 * 2 * n * h * w * arrays["w"].size


def our_layer(arrays: Arrays) -> Implementation:
    import nngraph as ng

    from . import with_nngraph

    x, w, g = (ng.input(name, arrays[name]) for name in "xwg")
    y = ng.conv2d(x, w, padding=1)
    dx, dw = ng.gradient(ng.sum(y * g), [x, w])
    return with_nngraph.Results({"y": y, "dx": dx, "dw": dw}, summed)


class Once:
    """A computation without weights to learn, repeated."""

    def __init__(self, step: Callable[[], Any], check: Callable[[Any], list[float]]) -> None:
        self.step, self.checked = step, check

    def reset(self) -> None:
        """Nothing was learned."""

    def run(self, steps: int) -> float:
        for _ in range(steps):
            self.step()
        return float("nan")

    def check(self) -> list[float]:
        return self.checked(self.step())


def torch_layer(channels_last: bool) -> Callable[[Arrays], Implementation]:
    def build(arrays: Arrays) -> Implementation:
        import torch
        from torch.nn import functional

        layout = torch.channels_last if channels_last else torch.contiguous_format
        x, w, g = (torch.from_numpy(arrays[name]).to(memory_format=layout) for name in "xwg")
        x.requires_grad_(), w.requires_grad_()

        def step() -> Any:
            y = functional.conv2d(x, w, padding=1)
            return y, *torch.autograd.grad(y, (x, w), g)

        return Once(step, lambda results: summed(dict(zip(("y", "dx", "dw"), (r.detach() for r in results)))))

    return build


def jax_layer(arrays: Arrays) -> Implementation:
    import jax
    import jax.numpy as jnp

    x, g = (jnp.asarray(arrays[name].transpose(0, 2, 3, 1)) for name in "xg")
    w = jnp.asarray(arrays["w"].transpose(2, 3, 1, 0))

    @jax.jit
    def both(x: Any, w: Any, g: Any) -> Any:
        def forward(x: Any, w: Any) -> Any:
            return jax.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))

        y, back = jax.vjp(forward, x, w)
        return y, *back(g)

    def check(results: Any) -> list[float]:
        y, dx, dw = map(np.asarray, results)
        return summed({"y": y.transpose(0, 3, 1, 2), "dx": dx.transpose(0, 3, 1, 2), "dw": dw.transpose(3, 2, 0, 1)})

    return Once(lambda: jax.block_until_ready(both(x, w, g)), check)


WORKLOADS = (
    Workload(
        "cnn", "CNN 1x28x28: conv16 3x3 p1, relu, pool2, conv32, relu, pool2, dense 10; batch 64, momentum", net_arrays,
        {
            "nngraph": our_net, "torch: NCHW": torch_net(False), "torch: channels_last": torch_net(True),
            "jax: reduce_window": jax_net(True), "jax: reshape": jax_net(False),
        },
        12, {"torch": 2, "jax": 2}, {"torch": 4, "jax": 4}, operations=net_operations,
    ),
    Workload(
        "conv2d", "conv2d N32 C64 56x56 K64 3x3 p1, forward and both gradients", layer_arrays,
        {
            "nngraph": our_layer, "torch: NCHW": torch_layer(False), "torch: channels_last": torch_layer(True),
            "jax": jax_layer,
        },
        1, {"torch": 1.7}, {"torch": 2.3}, learns=False, operations=layer_operations, rounds=9,
    ),
)  # fmt: skip
