"""What a plan of a whole graph says beside its calls: what was asked for, and where leaves and results lie."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from math import prod

from ....node import Leaf, Node
from ..calls import Buffer, View, row_major
from ..target import PROCESSOR, Target
from .builder import Builder


class Whole(Builder, ABC):
    """`outputs` and `updates` are those asked for, or what became of them when the graph was simplified."""

    results: list[View]
    """Where the outputs are put."""

    def __init__(
        self, outputs: Sequence[Node], updates: Mapping[Leaf, Node], leaves: dict[Leaf, Buffer] | None = None,
        target: Target = PROCESSOR,
    ) -> None:  # fmt: skip
        super().__init__(target)
        self.asked, self.asked_updates = tuple(outputs), tuple(updates.values())
        self.outputs, self.updates = list(outputs), dict(updates)
        self.leaves: dict[Leaf, Buffer] = {} if leaves is None else leaves

    def leaf(self, leaf: Leaf) -> View:
        """Where the numbers of a leaf lie."""
        shape = tuple(map(int, leaf.shape))
        role = "constant" if leaf.role == "constant" else "leaf"
        # Several loops may read one leaf.
        buffer = self.leaves.setdefault(leaf, Buffer(prod(shape) * leaf.dtype.itemsize, role, leaf))
        return View(buffer, leaf.dtype, shape, row_major(shape))

    @abstractmethod
    def all_values(self) -> int:
        """Bytes of all values that are computed, if each had memory of its own."""
