"""The order in which a nest of loops computes: what is read and applied where, and how often each loop is run.

A value that varies over the outer loops only is computed once for all turns of the inner ones. A fold is known when its
loops have been run, so what needs it waits for another pass over them: softmax takes three passes over each row, for
the largest, for the sum, and to divide. What a later pass needs again is computed again when that is cheap; else it is
kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..vocabulary import WORDS
from .loops import FAR, STILL, Apply, Buffer, Fold, Loops, Number

Path = tuple[int, ...]
"""Where a body stands: which pass over loop 0, in it which pass over loop 1, and so on."""

RELOADED = 2
"""Cycles of a trip through memory; words that take less are applied again."""


@dataclass(frozen=True, slots=True)
class Get:
    """Read a value, or apply its word."""

    value: int


@dataclass(frozen=True, slots=True)
class Keep:
    """Put a value aside for a later pass."""

    value: int


@dataclass(frozen=True, slots=True)
class Reload:
    """Take a value that an earlier pass kept or wrote."""

    value: int


@dataclass(frozen=True, slots=True)
class Add:
    """Join a value to a fold that ends when the loop does."""

    fold: int


@dataclass(frozen=True, slots=True)
class Pour:
    """Join a value to its place in a row of folds: a fold over an outer loop that keeps an inner one."""

    row: int


@dataclass(frozen=True, slots=True)
class Put:
    """Write a value."""

    write: int


@dataclass(frozen=True, slots=True)
class Pass:
    """Run over a loop. `folds` and `rows` of folds begin before it and are known after it."""

    loop: int
    folds: tuple[int, ...]
    rows: tuple[int, ...]
    body: Body


@dataclass(frozen=True, slots=True)
class Body:
    """What is done in every turn of the loops around it, in order."""

    depth: int
    items: tuple[Item, ...]

    def everything(self) -> Iterator[Item]:
        """What is done here and in the passes inside."""
        for item in self.items:
            yield item
            if isinstance(item, Pass):
                yield from item.body.everything()


Item = Get | Keep | Reload | Add | Pour | Put | Pass


@dataclass(frozen=True, slots=True)
class Row:
    """Folds side by side: `operand` folded by `word` over loops of which the first is `first`, for every turn of the
    loops `kept`, into write `write`."""

    write: int
    word: str
    operand: int
    dtype: str
    first: int
    over: tuple[int, ...]
    kept: tuple[int, ...]

    @property
    def depth(self) -> int:
        """How many loops stand around the place where it is added to."""
        return self.kept[-1] + 1


@dataclass
class Nest:
    """The passes of a nest of loops. `values` are those of the Loops, and folds that were split off a Row."""

    loops: Loops
    values: list[Buffer | Apply | Fold] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    varies: list[tuple[int, ...]] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    kept: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """Value that a later pass reloads -> the loops over which it is kept."""
    reloaded: dict[int, int] = field(default_factory=dict)
    """Kept value that is written anyway -> that write."""
    body: Body = field(init=False)

    def __post_init__(self) -> None:
        self._number()
        self._find_paths()
        self._demand()
        self.body = self._build(())

    # Values and folds
    # ----------------------------------------------------------------------------------------------------
    def _number(self) -> None:
        """Values with the loops they vary over and the number of loops around them; folds that keep an inner loop
        apart."""
        loops, reads = self.loops, len(self.loops.reads)
        self.values = list(loops.reads)
        self.varies = list(loops.levels())
        outer: dict[int, Fold] = {}
        for at, step in enumerate(loops.steps, reads):
            if isinstance(step, Fold) and not step.over:
                step = Apply("cast", (step.operand,), step.dtype)
            if isinstance(step, Fold) and self.varies[at] and self.varies[at][-1] > min(step.over):
                outer[at] = step
            self.values.append(step)
        for at, write in enumerate(loops.writes):
            if write.value in outer:
                self._add_row(at, outer[write.value], self.varies[write.value])
        for at, value in enumerate(self.values):
            if at >= len(self.varies):
                assert isinstance(value, Fold)
                self.varies.append(tuple(loop for loop in self.varies[value.operand] if loop not in value.over))
            self.depths.append(self._depth(at))
            if isinstance(value, Fold):
                self._check(value)
            operands = value.operands if isinstance(value, Apply) else ()
            if any(operand in outer for operand in operands):
                raise ValueError(
                    f"{loops}: a fold over an outer loop that keeps an inner one is only written, not used"
                )

    def _check(self, fold: Fold) -> None:
        """Refuse a fold whose operand stands inside a loop that it neither varies over nor is folded over."""
        space = {*self.varies[fold.operand], *fold.over}
        if not space.issuperset(range(min(fold.over), max(*space, self.depths[fold.operand] - 1) + 1)):
            raise ValueError(f"{self.loops}: {fold} skips a loop between those it folds")

    def _add_row(self, write: int, fold: Fold, kept: tuple[int, ...]) -> None:
        inner = tuple(loop for loop in fold.over if loop > kept[-1])
        rest = tuple(loop for loop in fold.over if loop < kept[-1])
        operand = fold.operand
        if inner:
            self.values.append(Fold(fold.word, operand, inner, fold.dtype))
            operand = len(self.values) - 1
        first = min(rest)
        self.rows.append(Row(write, fold.word, operand, fold.dtype, first, rest, kept))

    def _depth(self, at: int) -> int:
        value = self.values[at]
        if isinstance(value, Fold):
            return min(value.over)
        if isinstance(value, Buffer):
            return self.varies[at][-1] + 1 if self.varies[at] else 0
        depths = [self.depths[each] for each in value.operands if not isinstance(each, Number)]
        return max([max(value.over, default=-1) + 1, *depths])

    def dtype(self, at: int) -> str:
        """The dtype of a value."""
        return self.values[at].dtype

    def fold_depth(self, at: int) -> int:
        """How many loops stand around the place where a fold is added to."""
        fold = self.values[at]
        assert isinstance(fold, Fold)
        return max(*self.varies[fold.operand], *fold.over, 0) + 1

    # Paths
    # ---------------------------------------------------------------------------------------------------------------
    def _find_paths(self) -> None:
        """For every value the body it can first be computed in, and the stage there: after how many passes."""
        self.paths: list[Path] = []
        self.stages: list[int] = []
        for value, depth in zip(self.values, self.depths):
            if isinstance(value, Fold):
                self.paths.append(self._lift(value.operand, depth))
                self.stages.append(self._after(value.operand, depth) + 1)
                continue
            operands = (
                [] if isinstance(value, Buffer) else [each for each in value.operands if not isinstance(each, Number)]
            )
            lifted = [self._lift(each, depth) for each in operands]
            self.paths.append(tuple(max((each[at] for each in lifted), default=0) for at in range(depth)))
            self.stages.append(max((self._after(each, depth) for each in operands), default=0))

    def _after(self, at: int, depth: int) -> int:
        """The first pass over loop `depth` in which a value is known."""
        own = self.depths[at]
        return self.paths[at][depth] if own > depth else self.stages[at] if own == depth else 0

    def _lift(self, at: int, depth: int) -> Path:
        """The first body inside `depth` loops in which a value is known."""
        return tuple(self._after(at, each) for each in range(depth))

    # Who needs what where
    # --------------------------------------------------------------------------------------------------
    def _demand(self) -> None:
        """What every body gets, reloads, keeps, adds and writes; from the last value to the first."""
        self.needs: dict[Path, dict[int, Item]] = defaultdict(dict)
        self.effects: dict[Path, list[Item]] = defaultdict(list)
        wanted: list[set[Path]] = [set() for _ in self.values]

        def want(at: int, path: Path) -> None:
            wanted[at].add(path[: self.depths[at]])

        rows = {row.write for row in self.rows}
        for at, write in enumerate(self.loops.writes):
            if at not in rows:
                self.effects[self.paths[write.value]].append(Put(at))
                want(write.value, self.paths[write.value])
        for at, row in enumerate(self.rows):
            path = self._lift(row.operand, row.depth)
            self.effects[path].append(Pour(at))
            want(row.operand, path)
        for at in reversed(range(len(self.values))):
            if not wanted[at]:
                continue
            value = self.values[at]
            home = self.paths[at] if isinstance(value, Fold) else min(wanted[at])
            for path in wanted[at]:
                if path != home and not self._is_cheap(at):
                    self.needs[path][at] = Reload(at)
                    self._keep(at, home, path)
                elif not isinstance(value, Fold):
                    self.needs[path][at] = Get(at)
                    for operand in value.operands if isinstance(value, Apply) else ():
                        if not isinstance(operand, Number):
                            want(operand, path)
            if isinstance(value, Fold):
                path = self._lift(value.operand, self.fold_depth(at))
                self.effects[path].append(Add(at))
                want(value.operand, path)
            if at in self.kept and at not in self.reloaded:
                self.effects[home].append(Keep(at))

    def _is_cheap(self, at: int) -> bool:
        value = self.values[at]
        if isinstance(value, Buffer):
            return not value.moves or value.moves[-1] != FAR
        return isinstance(value, Apply) and (value.word == "cast" or WORDS[value.word].cycles < RELOADED)

    def _keep(self, at: int, home: Path, path: Path) -> None:
        depth = next(each for each in range(len(path)) if path[each] != home[each])
        loops = tuple(loop for loop in self.varies[at] if loop >= depth)
        if len(loops) >= len(self.kept.get(at, ())):
            self.kept[at] = loops
        for number, write in enumerate(self.loops.writes):
            if write.value == at and write.buffer.dtype == self.dtype(at):
                self.reloaded.setdefault(at, number)

    # The tree
    # ----------------------------------------------------------------------------------------------------------------
    def _build(self, path: Path) -> Body:
        depth = len(path)
        needs = self.needs.get(path, {})
        stages = self._stages(path, needs)
        by_stage: dict[int, list[Item]] = defaultdict(list)
        for at in sorted(needs):
            by_stage[stages[at]].append(needs[at])
        order = {Keep: 0, Add: 1, Pour: 2, Put: 3}
        for item in sorted(self.effects.get(path, ()), key=lambda item: (order[type(item)], str(item))):
            by_stage[self._stage(item, path, stages)].append(item)
        passes = {each[depth] for each in self.effects if len(each) > depth and each[:depth] == path}
        items: list[Item] = []
        for stage in sorted({*by_stage, *passes}):
            items += by_stage[stage]
            if stage in passes:
                items.append(self._pass(path, stage))
        return Body(depth, tuple(items))

    def _stages(self, path: Path, needs: dict[int, Item]) -> dict[int, int]:
        """After how many passes each value is known in this body."""
        stages: dict[int, int] = {}
        for at, value in enumerate(self.values):
            if self.depths[at] != len(path):
                continue
            if isinstance(value, Fold) and self.paths[at] == path and not isinstance(needs.get(at), Reload):
                stages[at] = self.stages[at]
            elif isinstance(needs.get(at), Get) and isinstance(value, Apply):
                stages[at] = max(
                    (stages.get(each, 0) for each in value.operands if not isinstance(each, Number)), default=0
                )
            elif at in needs:
                stages[at] = 0
        return stages

    def _stage(self, item: Item, path: Path, stages: dict[int, int]) -> int:
        if isinstance(item, Put):
            return stages[self.loops.writes[item.write].value]
        if isinstance(item, Keep):
            return stages[item.value]
        if isinstance(item, Pour):
            return stages.get(self.rows[item.row].operand, 0)
        return stages.get(self.values[item.fold].operand, 0)  # type: ignore[union-attr]

    def _pass(self, path: Path, stage: int) -> Pass:
        loop, inner = len(path), (*path, stage)
        inside = [(each, item) for each, items in self.effects.items() if each[: loop + 1] == inner for item in items]
        folds = [item.fold for _, item in inside if isinstance(item, Add) and self.depths[item.fold] == loop]
        rows = [item.row for _, item in inside if isinstance(item, Pour) and self.rows[item.row].first == loop]
        return Pass(loop, tuple(sorted(folds)), tuple(sorted(rows)), self._build(inner))

    # What it costs
    # -------------------------------------------------------------------------------------------------------------
    def cost(self, item: Item) -> int:
        """About how many instructions something takes."""
        return 1 if not isinstance(item, Get) or self._is_cheap(item.value) else 20

    # What a plan asks
    # ----------------------------------------------------------------------------------------------------------
    def bodies_of(self, read: int) -> list[Path]:
        """The bodies in which a read takes place."""
        return [path for path, needs in self.needs.items() if isinstance(needs.get(read), Get)]

    @property
    def partial(self) -> tuple[int, ...]:
        """The writes that give one result for every chunk of rows, to be combined by the fold's word."""
        rows = {row.write: 0 in row.over for row in self.rows}
        writes = self.loops.writes
        return tuple(at for at, write in enumerate(writes) if rows.get(at, _folds_rows(self.values[write.value])))

    @property
    def whole(self) -> bool:
        """Whether the rows must all be done in one call: a fold over them is used, not only written."""
        used = {row.operand for row in self.rows}
        for value in self.values:
            if isinstance(value, Apply):
                used.update(each for each in value.operands if not isinstance(each, Number))
            elif isinstance(value, Fold):
                used.add(value.operand)
        return any(_folds_rows(self.values[at]) for at in used)

    def may_share(self, read: int, write: int) -> bool:
        """Whether a write may go into the very numbers that a read takes: none is read after it was written."""
        source, target = self.loops.reads[read], self.loops.writes[write]
        path = self.paths[target.value]
        return (
            all(row.write != write for row in self.rows)
            and source == target.buffer
            and len(path) == self.depths[read] == sum(move != STILL for move in source.moves)
            and all(each <= path for each in self.bodies_of(read))
        )


def _folds_rows(value: Buffer | Apply | Fold) -> bool:
    return isinstance(value, Fold) and 0 in value.over
