"""A training loop as one writes it with PyTorch: eager, the optimizers' fused form, batches prepared beforehand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from . import Arrays


def tensors(arrays: Sequence[np.ndarray]) -> list[torch.Tensor]:
    return [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]


def split(
    arrays: Sequence[np.ndarray], batch: int, layout: Any = torch.contiguous_format
) -> list[tuple[torch.Tensor, ...]]:
    """All whole batches of the rows; pictures in the wanted memory layout."""
    count = len(arrays[0]) // batch * batch
    return [
        tuple(part.contiguous(memory_format=layout) if part.ndim == 4 else part for part in parts)
        for parts in zip(*(tensor[:count].split(batch) for tensor in tensors(arrays)))
    ]


class Steps:
    """`step(state, *batch) -> loss`, once for every batch; `start()` makes parameters and optimizers."""

    def __init__(
        self,
        start: Callable[[], Any],
        step: Callable[..., torch.Tensor],
        batches: Sequence[tuple[torch.Tensor, ...]],
    ) -> None:
        self.start, self.step, self.batches = start, step, batches
        self.reset()

    def reset(self) -> None:
        self.state = self.start()
        self.at = 0

    def run(self, steps: int) -> float:
        state, step, batches = self.state, self.step, self.batches
        for _ in range(steps):
            loss = step(state, *batches[self.at])
            self.at = (self.at + 1) % len(batches)
        return loss.item()


def parameters(weights: Arrays, layout: Any = torch.contiguous_format) -> dict[str, torch.Tensor]:
    """A tensor that is learned for each of the first weights; pictures and filters in the wanted memory layout."""
    made = {}
    for name, array in weights.items():
        tensor = torch.tensor(array)
        made[name] = (tensor.to(memory_format=layout) if tensor.ndim == 4 else tensor).requires_grad_()
    return made


def training(
    weights: Arrays,
    loss: Callable[..., torch.Tensor],
    optimizer: Callable[[list[torch.Tensor]], torch.optim.Optimizer],
    batches: Sequence[tuple[torch.Tensor, ...]],
    layout: Any = torch.contiguous_format,
) -> Steps:
    """Steps of `loss(parameters, *batch)`, backward, and the optimizer."""

    def start() -> Any:
        made = parameters(weights, layout)
        return made, optimizer(list(made.values()))

    def step(state: Any, *batch: torch.Tensor) -> torch.Tensor:
        made, steps = state
        value = loss(made, *batch)
        steps.zero_grad(set_to_none=True)
        value.backward()
        steps.step()
        return value

    return Steps(start, step, batches)


def sgd(rate: float, momentum: float = 0.0) -> Callable[[list[torch.Tensor]], torch.optim.Optimizer]:
    return lambda parameters: torch.optim.SGD(parameters, lr=rate, momentum=momentum, foreach=False)


def adam(rate: float, beta1: float = 0.9) -> Callable[[list[torch.Tensor]], torch.optim.Optimizer]:
    return lambda parameters: torch.optim.Adam(parameters, lr=rate, betas=(beta1, 0.999), fused=True)
