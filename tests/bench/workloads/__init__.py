"""The rows of the benchmark table: what is computed, by whom, and how much faster nngraph must be.

A workload makes its arrays once (data and first weights, from a seeded generator) and every implementation is built
from those same arrays. An implementation has `reset()`, which goes back to the first weights, and `run(steps)`, which
does so many steps and gives the loss of the last forward pass.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

Arrays = dict[str, np.ndarray]
OURS = "nngraph"
ENTRIES = 32
"""Of an array, that are looked at one by one."""


class Implementation(Protocol):
    """One peer's way of doing a workload."""

    def reset(self) -> None:
        """Go back to the first weights."""

    def run(self, steps: int) -> float:
        """Do that many steps; the loss of the last forward pass."""


@dataclass(frozen=True)
class Workload:
    """One row. Builders are keyed by peer, `torch`, or by peer and variant, `torch: channels_last`; the best variant of
    a peer counts."""

    name: str
    words: str
    arrays: Callable[[np.random.Generator, bool], Arrays]
    builders: Mapping[str, Callable[[Arrays], Implementation]]
    steps: int
    least: Mapping[str, float] = field(default_factory=dict)
    """Peer -> how many times better nngraph must at least be on one thread."""
    aim: Mapping[str, float] = field(default_factory=dict)
    most: float | None = None
    """The most that nngraph itself may need, where a row demands that."""
    incomparable: Mapping[str, str] = field(default_factory=dict)
    """Peer -> why its losses cannot be compared; its times are shown with this reason."""
    learns: bool = True
    """Whether the loss goes down; a derivative has nothing to learn."""
    kind: str = "time"
    """`time` of a step in a living process, or in a fresh one: the `first` step, that step with nothing compiled (`cold`),
    peak `memory`, `bytes` of a plan."""
    operations: Callable[[Arrays], int] | None = None
    """Multiplications and additions of the products of one step, each product and convolution as the sum it is, where the
    row is held against the processor's multiply-adds."""
    traffic: Callable[[Arrays], int] | None = None
    """Bytes that any program must move for one step, where the row is held against the memory's bandwidth."""
    share: float | None = None
    """The share of that bandwidth which nngraph must reach."""
    rounds: int | None = None
    """The most rounds, where one takes long or where all give the same."""
    alone: bool = False
    """Whether nobody can use a second thread here, so that one thread is all that is measured."""
    per: str = "step"

    @property
    def unit(self) -> str:
        return "bytes" if self.kind in ("memory", "bytes") else "s"


FAMILIES = (
    "mlp", "convolution", "recurrent", "generative", "dcgan", "rbm", "elementwise", "scalars", "second_order", "start", "memory",
)  # fmt: skip


def all_workloads() -> dict[str, Workload]:
    """Name -> workload, in the order of the table."""
    modules = [importlib.import_module(f"{__name__}.{family}") for family in FAMILIES]
    return {workload.name: workload for module in modules for workload in module.WORKLOADS}


def peer_of(variant: str) -> str:
    """`torch` of `torch: channels_last`."""
    return variant.partition(":")[0]


def library_of(variant: str) -> str:
    """`torch` of `torch.compile`, `jax` of `jax fori_loop`: what must be installed."""
    return peer_of(variant).partition(".")[0].partition(" ")[0]


def arrays_of(workload: Workload, tiny: bool = False, turn: int = 0) -> Arrays:
    """Data and first weights: the same in every process and on every machine, others in every turn."""
    return workload.arrays(np.random.default_rng(20260101 + turn), tiny)


def numbers_of(*arrays: Any) -> list[float]:
    """A few numbers for each array, to compare peers by: its length, and entries from all over it, moved away from zero,
    so that a small one counts for what it is beside the largest."""
    found = []
    for array in arrays:
        flat = np.asarray(array, np.float64).ravel()
        places = np.linspace(0, flat.size - 1, min(flat.size, ENTRIES)).round().astype(int)
        found += [float(np.linalg.norm(flat)), *(flat[places] + 2 * np.abs(flat).max()).tolist()]
    return found


def dense_operations(batch: int, sizes: Sequence[int]) -> int:
    """Of dense layers forward, and backward without the gradient of what comes in."""
    products = [inputs * outputs for inputs, outputs in zip(sizes, sizes[1:])]
    return 2 * batch * (3 * sum(products) - products[0])


def first_weights(arrays: Arrays) -> Arrays:
    """The weights among the arrays, by their own names."""
    return {name.removeprefix("weights/"): array for name, array in arrays.items() if name.startswith("weights/")}
