"""What a network consists of, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..autograd.errors import DtypeError
from ..autograd.leaves import input as input_leaf
from ..autograd.leaves import is_frozen
from ..autograd.node import Node
from .module import Module, watched


@dataclass(frozen=True)
class Row:
    """A part: its path and class, the shape it gives, the parameters that are its own, and whether they are frozen."""

    path: str
    kind: str
    shape: tuple[int, ...] | None
    parameters: dict[str, tuple[int, ...]]
    count: int
    bytes: int
    frozen: bool


@dataclass(frozen=True)
class Summary:
    """The parts of a network; printing it gives a table."""

    name: str
    rows: tuple[Row, ...]

    @property
    def count(self) -> int:
        """How many numbers are parameters."""
        return sum(row.count for row in self.rows)

    @property
    def bytes(self) -> int:
        """How much memory they take."""
        return sum(row.bytes for row in self.rows)

    def __str__(self) -> str:
        table = [("part", "gives", "parameters", "count")]
        for row in self.rows:
            own = ", ".join(f"{name} {_times(shape)}" for name, shape in row.parameters.items())
            depth = row.path.count("/") + bool(row.path)
            label = f"{'  ' * depth}{row.path.rpartition('/')[2] or self.name} ({row.kind})"
            table.append(
                (label, _times(row.shape), own + " (frozen)" * row.frozen, f"{row.count:,}" if row.count else "")
            )
        table.append(("", "", f"{self.bytes:,} bytes", f"{self.count:,}"))
        widths = [max(len(cells[at]) for cells in table) for at in range(4)]
        lines = [
            f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:<{widths[2]}}  {d:>{widths[3]}}".rstrip() for a, b, c, d in table
        ]
        rule = "─" * max(map(len, lines))
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def _times(shape: tuple[int, ...] | None) -> str:
    return "" if shape is None else "×".join(map(str, shape)) or "1"


def summarize(net: Module, shapes: Sequence[tuple[int, ...]] = ()) -> Summary:
    """The parts of a network; with the shapes of its inputs, what each part gives too."""
    given: dict[Module, Any] = {}
    if shapes:
        try:
            _called(net, shapes, "float32", given)
        except DtypeError:  # word numbers
            _called(net, shapes, "int64", given)
    rows, seen = [], set()
    for path, module in net.modules():
        own = {name: leaf for name, leaf in module.leaves().items() if leaf.role == "parameter"}
        new = [leaf for leaf in own.values() if leaf not in seen]
        seen.update(new)
        result = given.get(module)
        rows.append(
            Row(
                path,
                type(module).__name__,
                tuple(map(int, result.shape)) if isinstance(result, Node) else None,
                {name: tuple(map(int, leaf.shape)) for name, leaf in own.items()},
                sum(leaf.size for leaf in new),
                sum(leaf.size * leaf.dtype.itemsize for leaf in new),
                bool(own) and all(map(is_frozen, own.values())),
            )
        )
    return Summary(net.label, tuple(rows))


def _called(net: Module, shapes: Sequence[tuple[int, ...]], dtype: str, given: dict[Module, Any]) -> None:
    """Note what every part gives for inputs of these shapes."""
    with _watching(given):
        net(*[input_leaf(f"x{at}", shape=tuple(shape), dtype=dtype) for at, shape in enumerate(shapes, 1)])


@contextmanager
def _watching(given: dict[Module, Any]) -> Iterator[None]:
    token = watched.set(given)
    try:
        yield
    finally:
        watched.reset(token)
