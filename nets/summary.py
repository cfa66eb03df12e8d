"""What a network consists of, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..autograd.errors import DtypeError, ShapeError
from ..autograd.language import N_, cell_width, translate
from ..autograd.leaves import input as input_leaf
from ..autograd.leaves import is_frozen
from ..autograd.node import Node
from .module import SEPARATOR, Module, watched
from .sequential import Sequential


@dataclass(frozen=True)
class Row:
    """A part: its path and class, the shape it gives, the parameters that are its own, and whether they are frozen.
    `count` and `bytes` leave out the parameters that are `shared` with a part above; `learned` the frozen ones, too."""

    path: str
    kind: str
    shape: tuple[int, ...] | None
    parameters: dict[str, tuple[int, ...]]
    count: int
    bytes: int
    frozen: bool
    shared: frozenset[str] = frozenset()
    learned: int = 0


@dataclass(frozen=True)
class Summary:
    """The parts of a network; printing it gives a table.

    >>> from nngraph import nets
    >>> import nngraph as ng
    >>> net = nets.Sequential(nets.Linear(784, 100), ng.relu, nets.Linear(100, 10)).freeze("layer1/*")
    >>> print(net.summary((32, 784)))
    part                     gives   parameters                  count
    ──────────────────────────────────────────────────────────────────
    sequential (Sequential)  32×10
      layer1 (Linear)        32×100  W 784×100, b 100 (frozen)  78,500
      layer2 (relu)          32×100
      layer3 (Linear)        32×10   W 100×10, b 10              1,010
    ──────────────────────────────────────────────────────────────────
                                     318,040 bytes              79,510
                                     learned                     1,010
    """

    name: str
    rows: tuple[Row, ...]

    @property
    def count(self) -> int:
        """How many numbers are parameters."""
        return sum(row.count for row in self.rows)

    @property
    def learned(self) -> int:
        """How many of them are not frozen."""
        return sum(row.learned for row in self.rows)

    @property
    def bytes(self) -> int:
        """How much memory they take."""
        return sum(row.bytes for row in self.rows)

    def __str__(self) -> str:
        table = [tuple(map(translate, (N_("part"), N_("gives"), N_("parameters"), N_("count"))))]
        for row in self.rows:
            depth = row.path.count("/") + bool(row.path)
            label = f"{'  ' * depth}{row.path.rpartition('/')[2] or self.name} ({row.kind})"
            table.append((label, _times(row.shape), _own(row), f"{row.count:,}" if row.count else ""))
        size = translate(N_("{count} bytes"), count=f"{self.bytes:,}")
        ends = [("", "", size, f"{self.count:,}")]
        if self.learned < self.count:
            ends.append(("", "", translate(N_("learned")), f"{self.learned:,}"))
        widths = [max(cell_width(cells[at]) for cells in (*table, *ends)) for at in range(4)]
        head, *lines = ("  ".join(map(_padded, cells, widths, "<<<>")).rstrip() for cells in table)
        rule = "─" * max(map(cell_width, (head, *lines)))
        below = ["  ".join(map(_padded, cells, widths, "<<<>")) for cells in ends]
        return "\n".join([head, rule, *lines, rule, *below])


def _own(row: Row) -> str:
    """The parameters of a part, and what is to be said of them."""
    shared = translate(N_("shared"))
    said = [f"{name} {_times(shape)}" + f" ({shared})" * (name in row.shared) for name, shape in row.parameters.items()]
    return ", ".join(said) + f" ({translate(N_('frozen'))})" * row.frozen


def _padded(text: str, width: int, side: str) -> str:
    room = " " * (width - cell_width(text))
    return room + text if side == ">" else text + room


def _times(shape: tuple[int, ...] | None) -> str:
    return "" if shape is None else "×".join(map(str, shape)) or "1"


def summarize(net: Module, shapes: Sequence[tuple[int, ...]] = ()) -> Summary:
    """The parts of a network; with the shapes of its inputs, what each part gives too."""
    given: dict[Any, Any] = {}
    for shape in shapes:
        if not isinstance(shape, (tuple, list)):
            raise ShapeError(f"summary takes the shape of each input, batch first, such as (32, 4); it was given {shape!r}")
    if shapes:
        try:
            _called(net, shapes, "float32", given)
        except DtypeError:  # word numbers
            _called(net, shapes, "int64", given)
    rows, seen = [], set()
    for path, module, noted in _parts(net):
        if not isinstance(module, Module):
            name = getattr(module, "__name__", type(module).__name__)
            rows.append(Row(path, name.strip("<>"), _shape(given.get(noted)), {}, 0, 0, False))
            continue
        own = {name: leaf for name, leaf in module.leaves().items() if leaf.role == "parameter"}
        new = [leaf for leaf in own.values() if leaf not in seen]
        shared = frozenset(name for name, leaf in own.items() if leaf in seen)
        seen.update(new)
        rows.append(
            Row(
                path,
                type(module).__name__,
                _shape(given.get(noted)),
                {name: tuple(map(int, leaf.shape)) for name, leaf in own.items()},
                sum(leaf.size for leaf in new),
                sum(leaf.size * leaf.dtype.itemsize for leaf in new),
                bool(own) and all(map(is_frozen, own.values())),
                shared,
                sum(leaf.size for leaf in new if not is_frozen(leaf)),
            )
        )
    return Summary(net.label, tuple(rows))


def _parts(net: Any, path: str = "", noted: Any = None) -> Iterator[tuple[str, Any, Any]]:
    """All parts with their paths, parents first, functions of a Sequential among them; and under what it is noted what they
    give."""
    yield path, net, net if noted is None else noted
    if not isinstance(net, Module):
        return
    functions = {f"layer{at}": layer for at, layer in enumerate(net.layers, 1)} if isinstance(net, Sequential) else {}
    for label, part in (functions | net.children()).items():
        here = f"{path}{SEPARATOR}{label}" if path else label
        yield from _parts(part, here, None if isinstance(part, Module) else (net, label))


def _shape(result: Any) -> tuple[int, ...] | None:
    return tuple(map(int, result.shape)) if isinstance(result, Node) else None


def _called(net: Module, shapes: Sequence[tuple[int, ...]], dtype: str, given: dict[Any, Any]) -> None:
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
