"""A small model that learns in epochs, for tests of them."""

from __future__ import annotations

from typing import Any

import nngraph as ng
import numpy as np

ENGINES = ("numpy", "numba")


class Model:
    """Logistic regression on labels, with momentum and a counter."""

    def __init__(self, engine: str, dtype: Any = np.float64, size: int | None = 4) -> None:
        n = ng.Size("N", size) if size is not None else 5
        self.x, self.t = ng.input("x", shape=(n, 3), dtype=dtype), ng.input("t", shape=(n,), dtype=np.int64)
        self.w = ng.parameter("w", np.linspace(-0.1, 0.1, 6).reshape(3, 2).astype(dtype))
        self.speed = ng.state("speed", np.zeros((3, 2), dtype))
        self.count = ng.state("count", 0)
        scores = self.x @ self.w
        loss = ng.mean(ng.softmax_loss(scores, self.t))
        (slope,) = ng.gradient(loss, [self.w])
        speed = 0.5 * self.speed + slope
        updates = {self.w: self.w - 0.1 * speed, self.speed: speed, self.count: self.count + 1}
        self.step = ng.compile([loss, scores], [self.x, self.t], updates, engine=engine)

    def leaves(self) -> list[np.ndarray]:
        return [self.w.value, self.speed.value, self.count.value]


def losses_of(records: Any) -> np.ndarray:
    """The first output of every step."""
    return np.concatenate([record.outputs[0] for record in records])
