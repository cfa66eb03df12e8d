"""How threads and blocks lie over an array, found by running single threads of the kernel alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from ..engines.compiled.calls import STATUS, Call, View
from ..engines.cuda.launch import Launched
from ..kernels.cuda.alone import run_alone
from .named import Named

ROWS, COLUMNS = 8, 16
"""So large is the corner of a block whose numbers are told apart by thread."""
MOST_BLOCKS = (6, 4)
"""So many blocks are looked at, along x and along y."""
MOST_PLACES = 4096
"""So many places of an array are followed in one thread."""
TOLD = 8
"""So many places of one thread are told."""
SHORTENED = {"depth": 16, "turns": 1}
"""How long a sum is does not change which threads have which results, so most threads are followed over a short one."""

Place = tuple[int, ...]
Block = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Thread:
    """What one thread touches: the first places, and how many they are in all (None: more than were followed)."""

    block: Block
    thread: int
    places: tuple[Place, ...]
    count: int | None


@dataclass(frozen=True, slots=True)
class Lay:
    """Blocks and threads over one array of a kernel. `access`: written or read. `starts`: block -> the first place of its
    thread 0. `corner`: from the array's first place on, rows of (which thread of block 0 has it, or None)."""

    array: str
    shape: tuple[int, ...]
    access: str
    grid: tuple[int, int, int]
    threads: int
    starts: tuple[tuple[Block, Place], ...]
    corner: tuple[tuple[int | None, ...], ...]
    examples: tuple[Thread, ...]
    busy: int = 0
    """How many threads have a number at all, where there is one block only; 0: not counted."""

    @property
    def rows(self) -> int:
        """The array as a table: all axes but the last one below each other."""
        return prod(self.shape[:-1])

    @property
    def columns(self) -> int:
        """Numbers in a row of that table."""
        return self.shape[-1] if self.shape else 1

    @property
    def blocks(self) -> int:
        """How many blocks."""
        return prod(self.grid)

    def cell(self, place: Place) -> tuple[int, int]:
        """Row and column of a place in that table."""
        row = 0
        for at, size in zip(place[:-1], self.shape[:-1]):
            row = row * size + at
        return row, place[-1] if place else 0

    def spelled(self, place: Place) -> str:
        """`Z[0,4]`."""
        return f"{self.array}[{','.join(map(str, place))}]" if place else self.array


def lay(call: Call, how: Launched, text: str, named: Named) -> Lay | None:
    """The lay of a kernel over the array that shows it best; None where no array has a place that can be told."""
    watching = _Watching(how, text)
    whole = watching.alone((0, 0, 0), 0, "", None, True)
    watched = _shown(call, how, whole)
    if watched is None:
        return None
    name, view, access = watched
    watching.watched, watching.access, watching.view = name, access, view
    said = named.array(view, named.around(call))
    starts = tuple(watching.starts())
    if len(view.shape) > 1 and view.dense and not _is_grid(starts, view):
        # What is gone through as one long row is shown as one.
        watching.view = view = View(view.buffer, view.dtype, (view.size,), (1,), view.offset)
        said, starts = f"{said}.flat", tuple(watching.starts())
    examples = tuple(
        Thread(block, thread, tuple(places[:TOLD]), len(places) if complete else None)
        for block, thread in _examples(how)
        for places, complete in [watching.places(block, thread, MOST_PLACES, access == "written")]
    )
    return Lay(
        said, tuple(map(int, view.shape)), access, how.grid, how.threads, starts, watching.corner(), examples,
        watching.busy() if how.grid == (1, 1, 1) and view.size <= MOST_PLACES else 0,
    )  # fmt: skip


def _is_grid(starts: Sequence[tuple[Block, Place]], view: View) -> bool:
    """Whether blocks cut an array into rows and columns."""
    frame = Lay("", tuple(view.shape), "", (1, 1, 1), 1, (), (), ())
    cells = {frame.cell(place) for _, place in starts}
    return len({row for row, _ in cells}) * len({column for _, column in cells}) == len(cells)


def _examples(how: Launched) -> list[tuple[Block, int]]:
    chosen: list[tuple[Block, int]] = [((0, 0, 0), thread) for thread in sorted({0, 1, how.threads - 1}) if thread < how.threads]
    beside = tuple(int(size > 1) for size in how.grid)
    first = next((at for at, size in enumerate(beside) if size), None)
    if first is not None:
        chosen.append((tuple(int(at == first) for at in range(3)), 0))  # type: ignore[arg-type]
    return chosen


def _shown(call: Call, how: Launched, whole: Mapping[str, Any]) -> tuple[str, View, str] | None:
    """The array that says most: the largest that is written, unless a much larger one is read, as by a sum."""
    views = [(name, word.value) for name, word in zip(how.code.names(), how.words) if isinstance(getattr(word, "value", None), View)]
    writes = {id(view.buffer) for part in call.parts for view in part.writes}
    written = [(name, view) for name, view in views if id(view.buffer) in writes and whole[name].writes]
    read = [(name, view) for name, view in views if whole[name].reads and not whole[name].writes]
    largest = max(written, key=lambda each: each[1].size, default=None)
    if call.loops is not None:
        over = max(read, key=lambda each: each[1].size, default=None)
        if over is not None and (largest is None or over[1].size > largest[1].size):
            return *over, "read"
    return None if largest is None else (*largest, "written")


class _Watching:
    def __init__(self, how: Launched, text: str) -> None:
        self.how, self.text = how, text
        self.arguments: dict[str, str | int] = {}
        for name, word in zip(how.code.names(), how.words):
            array = word is STATUS or word.is_array
            self.arguments[name] = ("int32" if word is STATUS else word.dtype) if array else int(word.value)
        self.watched, self.access = "", ""
        self.view: Any = None

    def alone(self, block: Block, thread: int, watched: str, most: int | None, short: bool = False) -> dict[str, Any]:
        arguments = self.arguments
        if short:
            arguments = arguments | {name: min(most_, int(arguments[name])) for name, most_ in SHORTENED.items() if name in arguments}
        seen, self.complete = run_alone(self.text, arguments, block, self.how.grid, thread, self.how.threads, watched, most)
        return seen

    def places(self, block: Block, thread: int, most: int, short: bool = False) -> tuple[list[Place], bool]:
        """Places of the watched array in the order in which a thread comes to them, and whether these are all."""
        seen = self.alone(block, thread, self.watched, most, short)[self.watched]
        found = seen.writes if self.access == "written" else seen.reads
        places = [place_of(self.view, at) for at in found]
        return [place for place in places if place is not None], self.complete

    def starts(self) -> Iterator[tuple[Block, Place]]:
        """Where blocks begin."""
        across, down, deep = self.how.grid
        for z, y, x in product(range(min(deep, 2)), range(min(down, MOST_BLOCKS[1])), range(min(across, MOST_BLOCKS[0]))):
            places, _ = self.places((x, y, z), 0, 1, True)
            if places:
                yield (x, y, z), places[0]

    def busy(self) -> int:
        """How many threads of the one block have a number."""
        return sum(bool(self.places((0, 0, 0), thread, 1, True)[0]) for thread in range(self.how.threads))

    def corner(self) -> tuple[tuple[int | None, ...], ...]:
        """Which thread of block 0 has each of the first numbers."""
        shape = self.view.shape
        columns = min(COLUMNS, shape[-1] if shape else 1)
        rows = min(ROWS, prod(shape[:-1]))
        owners: dict[tuple[int, int], int] = {}
        frame = Lay("", tuple(shape), "", self.how.grid, self.how.threads, (), (), ())
        most = ROWS * max(COLUMNS, frame.columns) if frame.columns <= MOST_PLACES else COLUMNS
        for thread in range(self.how.threads):
            for place in self.places((0, 0, 0), thread, min(most, MOST_PLACES), True)[0]:
                cell = frame.cell(place)
                if cell[0] < rows and cell[1] < columns:
                    owners.setdefault(cell, thread)
            if len(owners) == rows * columns:
                break
        return tuple(tuple(owners.get((row, column)) for column in range(columns)) for row in range(rows))


def place_of(view: View, at: int) -> Place | None:
    """Which number of an array stands at place `at` of the flat array that a kernel is given; None where none does."""
    from ..kernels.cuda.arguments import lowest

    rest, found = at + lowest(view) - view.offset, [0] * len(view.shape)
    axes: Sequence[int] = sorted(range(len(view.shape)), key=lambda axis: -abs(view.strides[axis]))
    moving = [axis for axis in axes if view.strides[axis] and view.shape[axis] > 1]
    # Axes that go backwards are gone through from their far end.
    for axis in moving:
        if view.strides[axis] < 0:
            rest -= (view.shape[axis] - 1) * view.strides[axis]
    for axis in moving:
        step = abs(view.strides[axis])
        turn = rest // step
        if not 0 <= turn < view.shape[axis]:
            return None
        rest -= turn * step
        found[axis] = turn if view.strides[axis] > 0 else view.shape[axis] - 1 - turn
    return tuple(map(int, found)) if rest == 0 else None
