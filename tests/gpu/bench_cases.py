"""What is measured on a GPU: rows with their arrays, the least time that counting gives, and what is demanded of them.

A row is computed by nngraph (bench_ours.py) and by PyTorch (bench_torch.py) from the same arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

Arrays = dict[str, np.ndarray]
Sizes = Mapping[str, int]
EAGER, GRAPHS, COPY = "torch eager", "torch graphs", "copy"
"""PyTorch as one writes it; its step captured as a CUDA graph; the bytes of the row at the bandwidth of a measured copy."""


@dataclass(frozen=True)
class Case:
    """One row. `demands`: peer -> how many times its time nngraph may take at most; the peers are all that are measured."""

    name: str
    words: str
    sizes: Sizes
    tiny: Sizes
    arrays: Callable[[Sizes, np.random.Generator], Arrays]
    demands: Mapping[str, float] = field(default_factory=dict)
    floor: str = ""
    tf32: bool = False
    """Whether products may round their operands to TF32, in both."""
    tolerance: float = 1e-4
    """How far the two results may lie apart."""
    traffic: Callable[[Sizes], int] | None = None
    """Bytes that any program must move for one step."""

    @property
    def model(self) -> str:
        """What computes it: rows that differ in nothing but TF32 share that."""
        return self.name.removesuffix(", TF32")


def _normal(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> np.ndarray:
    return (scale * rng.standard_normal(shape, dtype=np.float32)).astype(np.float32)


def _layers(rng: np.random.Generator, widths: tuple[int, ...]) -> Arrays:
    made = {}
    for at, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        made[f"W{at}"] = _normal(rng, inputs, outputs, scale=inputs**-0.5)
        made[f"b{at}"] = np.zeros(outputs, np.float32)
    return made


def _net(every: tuple[int, ...], batches: int) -> Callable[[Sizes, np.random.Generator], Arrays]:
    def arrays(sizes: Sizes, rng: np.random.Generator) -> Arrays:
        rows, widths = batches * sizes["batch"], tuple(min(each, sizes.get("widest", each)) for each in every)
        x, t = _normal(rng, rows, widths[0]), rng.integers(0, widths[-1], rows)
        return {"x": x, "t": t, **_layers(rng, widths)}

    return arrays


def _convolution(sizes: Sizes, rng: np.random.Generator) -> Arrays:
    images, channels, side, filters = (sizes[name] for name in ("images", "channels", "side", "filters"))
    w = _normal(rng, filters, channels, 3, 3, scale=(9 * channels) ** -0.5)
    return {"x": _normal(rng, images, channels, side, side), "w": w, "g": _normal(rng, images, filters, side, side)}


def _lstm(sizes: Sizes, rng: np.random.Generator) -> Arrays:
    time, batch, hidden = sizes["time"], sizes["batch"], sizes["hidden"]
    scale = hidden**-0.5
    return {
        "x": _normal(rng, time, batch, hidden), "g": _normal(rng, time, batch, hidden),
        "Wx": _normal(rng, hidden, 4 * hidden, scale=scale), "Wh": _normal(rng, hidden, 4 * hidden, scale=scale),
        "b": _normal(rng, 4 * hidden, scale=scale),
    }  # fmt: skip


def _chain(sizes: Sizes, rng: np.random.Generator) -> Arrays:
    return {
        "x": _normal(rng, sizes["numbers"]),
        "w": np.float32(0.7) * np.ones((), np.float32),
        "b": np.zeros((), np.float32),
    }


def _rbm(sizes: Sizes, rng: np.random.Generator) -> Arrays:
    visible, hidden, batch = sizes["visible"], sizes["hidden"], sizes["batch"]
    return {
        "v": (rng.random((4 * batch, visible)) < 0.5).astype(np.float32), "W": _normal(rng, visible, hidden, scale=0.01),
        "a": np.zeros(visible, np.float32), "b": np.zeros(hidden, np.float32),
    }  # fmt: skip


def _product(sizes: Sizes, rng: np.random.Generator) -> Arrays:
    return {name: _normal(rng, sizes["size"], sizes["size"]) for name in "ab"}


_IMAGES = {"images": 128, "channels": 64, "side": 56, "filters": 64}
_FEW_IMAGES = {"images": 2, "channels": 2, "side": 5, "filters": 3}
_FEW_ROWS = {"batch": 2, "widest": 4}
_SQUARES, _FEW_SQUARES = {"size": 4096}, {"size": 8}

CASES = {
    case.name: case
    for case in (
        Case(
            "mlp", "MLP 784-512-512-10, ReLU, batch 1024, SGD: a training step", {"batch": 1024}, _FEW_ROWS,
            _net((784, 512, 512, 10), 2), {EAGER: 0.5, GRAPHS: 1.2}, "49 µs",
        ),
        Case(
            "conv2d forward", "conv2d N128 C64 56x56 K64 3x3: the result", _IMAGES, _FEW_IMAGES, _convolution, {EAGER: 2.0},
            "0.44 ms",
        ),
        Case(
            "conv2d", "the same: the result and both gradients", _IMAGES, _FEW_IMAGES, _convolution, {EAGER: 2.0}, "1.3 ms",
        ),
        Case(
            "conv2d forward, TF32", "conv2d N128 C64 56x56 K64 3x3: the result, in TF32", _IMAGES, _FEW_IMAGES, _convolution,
            {EAGER: 2.5}, tf32=True, tolerance=5e-3,
        ),
        Case(
            "conv2d, TF32", "the same: the result and both gradients, in TF32", _IMAGES, _FEW_IMAGES, _convolution,
            {EAGER: 2.5}, tf32=True, tolerance=5e-3,
        ),
        Case(
            "lstm", "LSTM T64 H512 batch 128: forward and backward", {"time": 64, "batch": 128, "hidden": 512},
            {"time": 2, "batch": 2, "hidden": 4}, _lstm, {EAGER: 1.5},
        ),
        Case(
            "chain", "mean(tanh(sigmoid(w·x + b)·x)) of 1e8 numbers, and its gradients", {"numbers": 10**8},
            {"numbers": 100}, _chain, {COPY: 1 / 0.85, EAGER: 1 / 3}, traffic=lambda sizes: 8 * sizes["numbers"],
        ),
        Case(
            "rbm", "RBM 784x1024, batch 1024, CD-1: a training step", {"visible": 784, "hidden": 1024, "batch": 1024},
            {"visible": 6, "hidden": 5, "batch": 4}, _rbm, {EAGER: 1.0}, "123 µs", tolerance=0.05,
        ),
        Case(
            "digits", "MLP 64-30-30-30-10, ReLU, batch 200, SGD: a training step", {"batch": 200}, _FEW_ROWS,
            _net((64, 30, 30, 30, 10), 8), {EAGER: 1 / 3},
        ),
        Case(
            "iris", "MLP 4-5-3, ReLU, batch 30, SGD: a training step", {"batch": 30}, _FEW_ROWS, _net((4, 5, 3), 5),
            {EAGER: 1 / 3},
        ),
        Case("product", "product of 4096³", _SQUARES, _FEW_SQUARES, _product, {EAGER: 1 / 0.8}, "2.1 ms"),
        Case(
            "product, TF32", "product of 4096³, in TF32", _SQUARES, _FEW_SQUARES, _product, {EAGER: 0.0}, tf32=True,
            tolerance=5e-3,
        ),
    )
}  # fmt: skip
"""Name -> row, in the order of the table. A demand of 0 is none: the peer is only shown."""


def arrays_of(case: Case, tiny: bool = False) -> Arrays:
    """The same arrays in every process."""
    return case.arrays(case.tiny if tiny else case.sizes, np.random.default_rng(20260101))
