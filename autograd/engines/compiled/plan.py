"""Planning: from nodes to calls. Which nodes are fused is decided in `groups.py`; here every piece becomes a kernel call.

What a kernel's own page needs from a plan is `new`, `dense`, `copy` and `call`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from math import prod
from typing import Any

import numpy as np

from ...fold_constants import fold_constants
from ...graph import order, without_collector
from ...kernels.loops import FAR, NEXT, STILL, Apply, Fold, Loops, Number, Write
from ...kernels.loops import Buffer as LoopBuffer
from ...node import Leaf, Node
from .calls import STATUS, Buffer, Call, Scratch, View, row_major
from .elementwise import special
from .groups import REAL, Fusion, Group, Unit, is_elementwise, is_product, operand_axes, reduction
from .open_up import opened
from .views import viewed
from .words import Steps

CHUNK_NUMBERS = 1 << 15
"""A fused loop is split among threads in pieces of at least this many numbers."""
MOST_CHUNKS = 16


class Fallback:
    """The code of a call that has no kernel: the node's numpy function, run from Python between two native stretches."""

    name = "numpy"
    is_ready = True

    def __init__(self, node: Node) -> None:
        from ..numpy import node_function

        self.node, self.function = node, node_function(node)


class Plan:
    """A graph as calls in running order, over buffers that have no addresses yet."""

    def __init__(self, outputs: Sequence[Node], updates: Mapping[Leaf, Node] | None = None) -> None:
        from . import lowerings

        self.lowerings = lowerings
        updates = updates or {}
        self.asked, self.asked_updates = tuple(outputs), tuple(updates.values())
        with without_collector():
            nodes = fold_constants(opened([*outputs, *updates.values()], lowerings.keeps))
            self.outputs = nodes[: len(outputs)]
            self.updates = dict(zip(updates, nodes[len(outputs) :]))
            self.calls: list[Call] = []
            self.leaves: dict[Leaf, Buffer] = {}
            self.place: dict[Node, View] = {}
            self.parts: dict[Node, list[View]] = {}
            self._now: tuple[tuple[Node, ...], str] = ((), "")
            self._fixed: dict[Any, View] = {}
            self._group(order(nodes))
            self._wanted()
            self._emit()

    # Grouping and order -------------------------------------------------------------------------------------------
    def _group(self, nodes: Sequence[Node]) -> None:
        """Every node becomes a leaf, a view of another, a member of a fused group, or a unit of its own."""
        self.fusion = Fusion()
        self.constants: dict[Node, View] = {}
        for node in nodes:
            if node.is_leaf or self._selects(node):
                if not node.is_leaf:
                    self.fusion.views.add(node)
                continue
            if isinstance(node.shape, tuple) and 0 in node.shape:
                self.fusion.single(node)
            elif is_elementwise(node):
                self.fusion.loop(node, None)
            elif (fold := reduction(node)) is not None and self._foldable(node):
                self.fusion.loop(node, fold)
            elif self._moves_nothing(node):
                self.fusion.view(node)
            else:
                self.fusion.single(node)

    @staticmethod
    def _selects(node: Node) -> bool:
        """Whether a node picks one of the several values of its operand."""
        return not node.is_leaf and len(node.inputs) == 1 and not isinstance(node.inputs[0].shape, tuple)

    @staticmethod
    def _foldable(node: Node) -> bool:
        return {node.dtype.name, node.inputs[0].dtype.name} <= REAL and 0 not in node.inputs[0].shape

    @staticmethod
    def _moves_nothing(node: Node) -> bool:
        if len(node.inputs) != 1 or (node.op.numpy is None and node.op.index is None) or node.op.formula is not None:
            return False
        source = node.inputs[0]
        shape = tuple(map(int, source.shape))
        if source.dtype != node.dtype:
            return False
        return viewed(node, View(Buffer(0), source.dtype, shape, row_major(shape))) is not None

    def root(self, node: Node) -> Node:
        """The node whose numbers a view shows."""
        while node in self.fusion.views:
            node = node.inputs[0]
        return node

    def _wanted(self) -> None:
        """Which members of groups must lie in memory: those read outside their group, and results."""
        wanted = {self.root(node) for node in (*self.outputs, *self.updates.values())}
        unit_of, views = self.fusion.unit_of, self.fusion.views
        for node, unit in unit_of.items():
            for source in node.inputs:
                root = self.root(source)
                base, _ = self.fusion.base(source)
                if unit_of.get(root) is not unit or base is not root or root in getattr(unit, "closed", ()):
                    wanted.add(root)
        self.wanted = wanted
        self.readers: dict[Node, set[int]] = {}
        for node, unit in unit_of.items():
            for source in node.inputs:
                self.readers.setdefault(self.root(source), set()).add(unit.number)

    def _in_place(self) -> dict[Node, Leaf]:
        """Which new values are written straight over the leaf they belong to: where every other reader of the old value can
        run before."""
        units, unit_of = self.fusion.units, self.fusion.unit_of
        found: dict[Node, Leaf] = {}
        outside = {self.root(node) for node in self.outputs}
        for leaf, new in self.updates.items():
            unit = unit_of.get(new)
            if new.dtype != leaf.dtype or unit is None or new in found or leaf in outside or not isinstance(unit, Group):
                continue
            if any(self.root(other) is leaf for other in self.updates.values()):
                continue
            bit = 1 << unit.number
            readers = [units[number] for number in self.readers.get(leaf, ()) if number != unit.number]
            if any(reader.ancestors & bit for reader in readers) or not self._read_in_step(leaf, new, unit):
                continue
            found[new] = leaf
            more = 0
            for reader in readers:
                unit.before.add(reader.number)
                more |= reader.ancestors | 1 << reader.number
            self.fusion._spread(unit, more)
        return found

    def _read_in_step(self, leaf: Leaf, new: Node, unit: Group) -> bool:
        """Whether the group reads the leaf only along the loops along which it writes the new value."""
        for member in unit.nodes:
            fold = None if is_elementwise(member) else reduction(member)
            lies = [tuple(range(len(member.inputs[0].shape)))] if fold else operand_axes(member)
            for source, along in zip(member.inputs, lies):
                if self.root(source) is not leaf:
                    continue
                if source is not leaf:
                    return False
                read = tuple(None if axis is None else unit.work[member][axis] for axis in along)
                sizes = tuple(map(int, leaf.shape))
                if tuple(None if n == 1 else loop for loop, n in zip(read, sizes)) != unit.axes[new]:
                    return False
        return True

    def _schedule(self) -> list[Unit]:
        """Units in an order in which everything is known when it is read; as near to the graph's own as can be."""
        units = self.fusion.units
        waiting = {number: len(unit.before) for number, unit in units.items()}
        after: dict[int, list[int]] = {}
        for number, unit in units.items():
            for source in unit.before:
                after.setdefault(source, []).append(number)
        ready: list[tuple[int, int]] = []
        for number, count in waiting.items():
            if not count:
                heappush(ready, (units[number].nodes[-1].serial, number))
        found = []
        while ready:
            _, number = heappop(ready)
            found.append(units[number])
            for later in after.get(number, ()):
                waiting[later] -= 1
                if not waiting[later]:
                    heappush(ready, (units[later].nodes[-1].serial, later))
        assert len(found) == len(units), "units of a plan wait for each other"
        return found

    # Emitting calls -----------------------------------------------------------------------------------------------
    def _emit(self) -> None:
        in_place = self._in_place()
        for new, leaf in in_place.items():
            self.place[new] = self.view_of(leaf)
        early: dict[Node, View] = {}
        for node in (*self.outputs, *self.updates.values()):
            # What only shows a leaf that is updated must be taken before the update.
            root = self.root(node)
            if isinstance(root, Leaf) and root in self.updates and node not in early:
                self._now = ((node,), "taken before it is updated")
                early[node] = self.new(node.shape, node.dtype)
                self.copy(self.view_of(node), early[node])
        self._place_results(early)
        for unit in self._schedule():
            if isinstance(unit, Group):
                self._emit_group(unit)
            else:
                self._emit_single(unit.nodes[0])
        for leaf, new in self.updates.items():
            if in_place.get(new) is leaf:
                continue
            self._now = ((new,), f"stored into {leaf._name}")
            self.copy(early.get(new) or self.view_of(new), self.view_of(leaf))
        for node, target in zip(self.outputs, self.results):
            self._now = ((node,), "result")
            source = early.get(node) or self.view_of(node)
            if source is not target:
                self.copy(source, target)

    def _place_results(self, early: Mapping[Node, View]) -> None:
        """Buffers for the outputs; a value that is computed anew is computed straight into its own."""
        self.results = []
        for node in self.outputs:
            shape = tuple(map(int, node.shape))
            buffer = Buffer(max(prod(shape) * node.dtype.itemsize, 1), "result")
            target = View(buffer, node.dtype, shape, row_major(shape))
            self.results.append(target)
            if node in self.fusion.unit_of and node not in self.place and node not in early:
                self.place[node] = target

    def view_of(self, node: Node) -> View:
        """Where the numbers of a node lie, or will lie."""
        found = self.place.get(node)
        if found is not None:
            return found
        before = self._now
        found = self.place[node] = self._view_of(node)
        self._now = before
        return found

    def _view_of(self, node: Node) -> View:
        if isinstance(node, Leaf):
            shape = tuple(map(int, node.shape))
            role = "constant" if node.role == "constant" else "leaf"
            buffer = Buffer(prod(shape) * node.dtype.itemsize, role, node)
            self.leaves[node] = buffer
            return View(buffer, node.dtype, shape, row_major(shape))
        if self._selects(node):
            return self.parts[node.inputs[0]][node.params["index"]]
        if node in self.fusion.views:
            source = self.view_of(node.inputs[0])
            seen = viewed(node, source)
            if seen is None:
                self._now = ((node,), "numbers are moved so that they can be seen in another shape")
                seen = viewed(node, self.dense(source))
            assert seen is not None
            return seen
        return self.new(node.shape, node.dtype)

    def new(self, shape: Sequence[int], dtype: Any, label: str = "") -> View:
        """A dense view of memory that lives from the first call that writes it to the last that reads it."""
        shape, dtype = tuple(map(int, shape)), np.dtype(dtype)
        return View(Buffer(max(prod(shape) * dtype.itemsize, 1)), dtype, shape, row_major(shape))

    def dense(self, view: View) -> View:
        """The same numbers side by side; copied when they are not."""
        if view.dense:
            return view
        target = self.new(view.shape, view.dtype)
        self.copy(view, target)
        return target

    def copy(self, source: View, target: View) -> None:
        """Copy numbers between views of one shape, with any strides."""
        if source.size:
            loops = [at for at, size in enumerate(source.shape) if size > 1]
            reads = [(source, tuple(source.strides[at] for at in loops))]
            writes = [(0, target, tuple(target.strides[at] for at in loops), False)]
            sizes = tuple(source.shape[at] for at in loops)
            steps = Steps()
            steps.read(source.dtype.name)
            self.nest(sizes, reads, steps, writes, f"copied: {self._now[1]}" if self._now[1] else "copied")

    def fixed(self, array: np.ndarray) -> View:
        """Numbers that never change, as a view."""
        array = np.ascontiguousarray(array)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._fixed:
            self._fixed[key] = View(
                Buffer(max(array.nbytes, 1), "constant", array), array.dtype, array.shape, row_major(array.shape)
            )
        return self._fixed[key]

    def fill(self, target: View, number: float) -> None:
        """Put one number everywhere."""
        loops = [at for at, size in enumerate(target.shape) if size > 1]
        steps = Steps()
        value = steps.add(Apply("cast", (Number(number),), target.dtype.name))
        self.nest(
            tuple(target.shape[at] for at in loops), [], steps,
            [(value, target, tuple(target.strides[at] for at in loops), False)], f"filled with {number}",
        )  # fmt: skip

    def call(
        self, code: Any, words: Sequence[Any], reads: Sequence[View], writes: Sequence[View], *, rows: int = 1,
        grain: int | None = None, flops: int = 0, why: str = "", loops: Loops | None = None,
    ) -> Call:  # fmt: skip
        """Add one instruction."""
        nodes, said = self._now
        made = Call(code, list(words), list(reads), list(writes), rows, grain, flops, nodes, why or said, loops)
        self.calls.append(made)
        return made

    # One node -----------------------------------------------------------------------------------------------------
    def _emit_single(self, node: Node) -> None:
        self._now = ((node,), "")
        inputs = [self.view_of(source) for source in node.inputs]
        if isinstance(node.shape, tuple):
            outputs = [self.view_of(node)]
        else:
            dtypes = [output.dtype for output in node.params["body"].outputs]
            outputs = [self.new(shape, dtype) for shape, dtype in zip(node.shape, dtypes)]
            self.parts[node] = outputs
        if all(view.size == 0 for view in outputs):
            return
        before = len(self.calls)
        if self.lowerings.lower(self, node, inputs, outputs):
            return
        del self.calls[before:]
        self.call(Fallback(node), [], inputs, outputs, why="no kernel: run by numpy")

    # A fused group ------------------------------------------------------------------------------------------------
    def _emit_group(self, group: Group) -> None:
        nodes = tuple(group.nodes)
        self._now = (nodes, "")
        count = len(group.sizes)
        reads: list[tuple[View, tuple[int, ...]]] = []
        places: dict[Any, int] = {}
        operands: dict[tuple[Node, int], Any] = {}
        for member in nodes:
            fold = None if is_elementwise(member) else reduction(member)
            lies = [tuple(range(len(member.inputs[0].shape)))] if fold else operand_axes(member)
            work = group.work[member]
            for position, (source, along) in enumerate(zip(member.inputs, lies)):
                base, _ = self.fusion.base(source)
                if base in group.axes and base not in group.closed:
                    operands[member, position] = base
                    continue
                view = self.view_of(source)
                strides = [0] * count
                for at, axis in enumerate(along):
                    loop = None if axis is None else work[axis]
                    if loop is not None and view.shape[at] > 1:
                        strides[loop] = view.strides[at]
                key = (id(view.buffer), view.offset, view.dtype, tuple(strides))
                if key not in places:
                    places[key] = len(reads)
                    reads.append((view, tuple(strides)))
                operands[member, position] = places[key]
            more = special(member)
            if more is None:
                continue
            self._check(member, more.limit(member))
            for position, (array, axis) in enumerate(more.places(member), len(member.inputs)):
                loop = work[axis]
                operands[member, position] = len(reads)
                reads.append((self.fixed(array), tuple(int(loop == at) for at in range(count))))
        steps = Steps()
        for view, _ in reads:
            steps.read(view.dtype.name)
        value: dict[Node, int] = {}
        given_of: dict[Node, list[Any]] = {}
        for (member, _), operand in operands.items():
            given_of.setdefault(member, []).append(operand)
        for member in nodes:
            given = [value[each] if isinstance(each, Node) else each for each in given_of[member]]
            value[member] = self._step(member, given, group, steps)
        writes = []
        for member in nodes:
            if member in self.wanted:
                view = self.view_of(member)
                strides = [0] * count
                for at, loop in enumerate(group.axes[member]):
                    if loop is not None and view.shape[at] > 1:
                        strides[loop] = view.strides[at]
                writes.append((value[member], view, tuple(strides), member in group.closed))
        self.nest(group.sizes, reads, steps, writes, _reason(nodes))

    def _check(self, node: Node, limit: int | None) -> None:
        """Have whole numbers checked before they are used as places."""
        if limit is None:
            return
        from ...kernels.checks import check_range

        view = self.view_of(node.inputs[0])
        if view.dtype != np.int64:
            wide = self.new(view.shape, np.int64)
            self.copy(view, wide)
            view = wide
        view = self.dense(view)
        self.call(check_range("float64"), [view, view.size, 1, 0, limit, STATUS], [view], [], why="class numbers checked")

    def _step(self, member: Node, given: list[Any], group: Group, steps: Steps) -> int:
        dtype = member.dtype.name
        if is_elementwise(member):
            if member.op.scalar is not None:
                scope = dict(zip(member.op.inputs, given))
                scope |= {name: Number(number) for name, number in member.params.items()}
                result = steps.text(member.op.scalar, scope)
            elif (more := special(member)) is not None:
                result = more.step(member, steps, given)
            else:
                result = steps.apply("*", given)
            result = steps.cast(result, dtype)
            if not isinstance(result, int):
                result = steps.add(Apply("cast", (result,), dtype))
            return result
        fold = reduction(member)
        assert fold is not None
        over = tuple(sorted({loop for at in fold.axes if (loop := group.work[member][at]) is not None}))
        operand = steps.cast(given[0], dtype)
        return steps.add(Fold(fold.word, operand, over, dtype)) if over else operand  # type: ignore[arg-type, return-value]

    def nest(
        self, sizes: tuple[int, ...], reads: list[tuple[View, tuple[int, ...]]], steps: Steps,
        writes: list[tuple[int, View, tuple[int, ...], bool]], why: str,
    ) -> None:  # fmt: skip
        """One fused nest as a call, its loops merged where all buffers move on evenly."""
        from ...kernels.loop_code import Place, compiled

        kept = _merged(sizes, [strides for _, strides in reads] + [strides for _, _, strides, _ in writes], steps.steps)
        sizes, depth = tuple(prod(sizes[at] for at in run) for run in kept), len(kept)
        position = {at: new for new, run in enumerate(kept) for at in run}
        last = [run[-1] for run in kept]

        def seen(view: View, strides: tuple[int, ...]) -> tuple[LoopBuffer, list[int]]:
            moves, far = [], []
            for new, at in enumerate(last):
                stride = strides[at]
                moves.append(STILL if stride == 0 else NEXT if stride == 1 and new == depth - 1 else FAR)
                if moves[-1] == FAR:
                    far.append(stride)
            return LoopBuffer(view.dtype.name, tuple(moves)), far

        read_buffers = [(view, *seen(view, strides)) for view, strides in reads]
        write_buffers = [(value, view, *seen(view, strides), closed) for value, view, strides, closed in writes]
        final = tuple(
            Fold(step.word, step.operand, tuple(sorted({position[at] for at in step.over})), step.dtype)
            if isinstance(step, Fold) else step
            for step in steps.steps
        )  # fmt: skip
        nest = _repeating(Loops(
            depth, tuple(buffer for _, buffer, _ in read_buffers), final,
            tuple(Write(value, buffer) for value, _, buffer, _, _ in write_buffers),
        ))  # fmt: skip
        code = compiled(nest)
        numbers = prod(sizes)
        rows = sizes[0] if depth else 1
        closed = [view for _, view, _, _, is_closed in write_buffers if is_closed]
        chunks = 1
        if numbers >= 2 * CHUNK_NUMBERS and rows > 1:
            chunks = min(MOST_CHUNKS, numbers // CHUNK_NUMBERS, rows)
        chunk = -(-rows // chunks)
        if depth == 1 and chunks > 1:
            chunk = -(-chunk // 64) * 64
        chunks = -(-rows // chunk) if rows else 1
        partial: dict[int, View] = {}
        if chunks > 1:
            for view in closed:
                assert view.dense, "folds over the outermost loop are written to dense memory"
                partial[id(view)] = self.new((chunks, *view.shape), view.dtype)
        targets = [partial.get(id(view), view) for _, view, _, _, _ in write_buffers]
        words = code.block(
            sizes,
            [Place(view, far) for view, _, far in read_buffers],
            [Place(target, far, prod(view.shape) if is_closed else 0)
             for target, (_, view, _, far, is_closed) in zip(targets, write_buffers)],
            max(chunk, 1), Scratch(code.scratch_bytes((min(chunk, sizes[0]), *sizes[1:]) if depth else ())),
        )  # fmt: skip
        made = self.call(
            code, words, [view for view, _, _ in read_buffers], targets, rows=rows,
            grain=chunk if chunks > 1 else None, flops=numbers * len(final), why=why, loops=nest,
        )  # fmt: skip
        made.chunk = chunk
        for value, view, _, _, is_closed in write_buffers:
            if is_closed and partial:
                self._combine(partial[id(view)], view, final[value - len(reads)])

    def _combine(self, partial: View, target: View, fold: Any) -> None:
        """The partial results of all chunks folded into one, always in the same order."""
        shape = [size for size in target.shape if size > 1]
        own = [stride for size, stride in zip(target.shape, target.strides) if size > 1]
        inner = row_major(shape)
        steps = Steps()
        value = steps.add(Fold(fold.word, steps.read(partial.dtype.name), (0,), fold.dtype))
        self.nest(
            (partial.shape[0], *shape), [(partial, (prod(shape), *inner))], steps,
            [(value, target, (0, *own), True)], "partial results of all chunks put together",
        )  # fmt: skip


def _repeating(nest: Loops) -> Loops:
    """The same nest, where what is written to more places than it varies over is a value that repeats along them."""
    steps, writes = list(nest.steps), []
    levels = nest.levels()
    for write in nest.writes:
        moved = tuple(loop for loop, move in enumerate(write.buffer.moves) if move != STILL)
        if set(moved) - set(levels[write.value]):
            steps.append(Apply("cast", (write.value,), nest.dtype(write.value), moved))
            write = Write(len(nest.reads) + len(steps) - 1, write.buffer)
        writes.append(write)
    return Loops(nest.depth, nest.reads, tuple(steps), tuple(writes))


def _merged(sizes: tuple[int, ...], strides: list[tuple[int, ...]], steps: Sequence[Any]) -> list[list[int]]:
    """Runs of neighboring loops that are one loop for every buffer and every fold."""
    runs: list[list[int]] = []
    for at in range(len(sizes)):
        if runs:
            above = runs[-1][-1]
            even = all(each[above] == each[at] * sizes[at] for each in strides)
            alike = all((above in step.over) == (at in step.over) for step in steps if isinstance(step, Fold))
            if even and alike:
                runs[-1].append(at)
                continue
        runs.append([at])
    return runs


def _reason(nodes: Sequence[Node]) -> str:
    return "" if len(nodes) == 1 else f"{len(nodes)} ops fused: they run over the same numbers"
