"""Optimizers as graph expressions: parameters and their slopes become updates for ng.compile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import nngraph as ng

Updates = dict[ng.Node, ng.Node]


def sgd(parameters: Sequence[ng.Node], slopes: Sequence[ng.Node], rate: float) -> Updates:
    """p − rate·g."""
    return {p: p - rate * g for p, g in zip(parameters, slopes)}


def momentum(parameters: Sequence[ng.Node], slopes: Sequence[ng.Node], rate: float, keep: float = 0.9) -> Updates:
    """m ← keep·m + g, p ← p − rate·m: PyTorch's form."""
    updates: Updates = {}
    for p, g in zip(parameters, slopes):
        m = ng.state(f"{p.name}_momentum", np.zeros(p.shape, p.dtype))
        updates[m] = keep * m + g
        updates[p] = p - rate * updates[m]
    return updates


def adam(
    parameters: Sequence[ng.Node], slopes: Sequence[ng.Node], rate: float, beta1: float = 0.9, beta2: float = 0.999,
    epsilon: float = 1e-8, name: str = "adam",
) -> Updates:  # fmt: skip
    """Kingma and Ba 2014, arXiv:1412.6980. The powers of β are kept in float64: 1 − β^t loses digits in float32."""
    power1, power2 = ng.state(f"{name}_power1", 1.0), ng.state(f"{name}_power2", 1.0)
    updates: Updates = {power1: beta1 * power1, power2: beta2 * power2}
    first, second = rate / (1 - updates[power1]), 1 / ng.sqrt(1 - updates[power2])
    for p, g in zip(parameters, slopes):
        m = ng.state(f"{p.name}_mean", np.zeros(p.shape, p.dtype))
        v = ng.state(f"{p.name}_square", np.zeros(p.shape, p.dtype))
        updates[m] = beta1 * m + (1 - beta1) * g
        updates[v] = beta2 * v + (1 - beta2) * ng.square(g)
        length, scale = ng.cast(first, dtype=p.dtype.name), ng.cast(second, dtype=p.dtype.name)
        updates[p] = p - length * updates[m] / (ng.sqrt(updates[v]) * scale + epsilon)
    return updates
