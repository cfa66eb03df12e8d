"""Planning: from nodes to calls. Which nodes are fused is decided in `groups.py`; here every piece becomes a kernel
call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from math import prod

import numpy as np

from ....errors import NngraphError
from ....fold_constants import fold_constants
from ....graph import order, users, without_collector
from ....language import N_
from ....loops import optimize_loops
from ....node import Leaf, Node, describe
from ....reason import Reason
from ....reread import reread
from ....simplify import simplify
from ..calls import Buffer, Fallback, View, row_major
from ..lowering import structure
from ..lowering import table as lowerings
from ..target import PROCESSOR, Target
from .cut_first import cut_first
from .fusible import REAL, is_elementwise, operand_axes, reduction
from .groups import Fusion, Group, Unit
from .nests import emit
from .open_up import opened
from .views import moves_nothing, viewed
from .whole import Whole


class Plan(Whole):
    """A graph as calls in running order, over buffers that have no addresses yet.

    `place`: where some leaves lie already, and `results`: where the outputs are to be put; both for the body of a loop,
    which is a plan inside another one.
    """

    def __init__(
        self, outputs: Sequence[Node], updates: Mapping[Leaf, Node] | None = None, *, inside: Plan | None = None,
        place: Mapping[Leaf, View] | None = None, results: Sequence[View] | None = None, target: Target = PROCESSOR,
    ) -> None:  # fmt: skip
        updates = updates or {}
        target = target if inside is None else inside.target
        super().__init__(outputs, updates, None if inside is None else inside.leaves, target)
        if inside is not None:
            self.threads = inside.threads
        self.place: dict[Node, View] = dict(place or {})
        self.parts: dict[Node, list[View]] = {}
        with without_collector():
            nodes = _prepared([*outputs, *updates.values()], self.target)
            self.outputs = nodes[: len(outputs)]
            self.updates = dict(zip(updates, nodes[len(outputs) :]))
            self.results = list(results) if results is not None else [_result(node) for node in self.outputs]
            self._group(order(nodes), set(nodes))
            self._wanted()
            self._emit()
            if inside is None:
                self.target.attach(self.calls)

    def inner(
        self, outputs: Sequence[Node], updates: Mapping[Leaf, Node], place: Mapping[Leaf, View], results: Sequence[View]
    ) -> Plan:
        """The plan of the body of a loop, inside this one: where some of its leaves lie, where its outputs are put."""
        return Plan(outputs, updates, inside=self, place=place, results=results)

    # Grouping and order -------------------------------------------------------------------------------------------
    def _group(self, nodes: Sequence[Node], asked: set[Node]) -> None:
        """Every node becomes a leaf, a view of another, a member of a fused group, or a unit of its own."""
        self.fusion = Fusion()
        self.fusion.waiting = _asides(nodes) - asked
        waited = dict.fromkeys(self.fusion.waiting)
        for node in nodes:
            if node.is_leaf or node in waited:
                continue
            if self._selects(node):
                self.fusion.views.add(node)
            elif isinstance(node.shape, tuple) and 0 in node.shape:
                self.fusion.single(node)
            elif is_elementwise(node):
                self.fusion.loop(node, None)
            elif (fold := reduction(node)) is not None and self._foldable(node):
                self.fusion.loop(node, fold)
            elif moves_nothing(node):
                self.fusion.view(node)
            else:
                self.fusion.single(node)
            for source in dict.fromkeys(node.inputs):
                if source in self.fusion.waiting:
                    self.fusion.aside(source, node)

    @staticmethod
    def _selects(node: Node) -> bool:
        """Whether a node picks one of the several values of its operand."""
        return not node.is_leaf and len(node.inputs) == 1 and not isinstance(node.inputs[0].shape, tuple)

    @staticmethod
    def _foldable(node: Node) -> bool:
        return {node.dtype, node.inputs[0].dtype} <= REAL and 0 not in node.inputs[0].shape

    def _wanted(self) -> None:
        """Which members of groups must lie in memory: those read outside their group, and results."""
        wanted = {self.fusion.root(node) for node in (*self.outputs, *self.updates.values())}
        unit_of = self.fusion.unit_of
        for node, unit in unit_of.items():
            for source in node.inputs:
                root = self.fusion.root(source)
                base, _ = self.fusion.base(source)
                if unit_of.get(root) is not unit or base is not root or root in getattr(unit, "closed", ()):
                    wanted.add(root)
        self.wanted = wanted
        self.readers: dict[Node, set[int]] = {}
        for node, unit in unit_of.items():
            for source in node.inputs:
                self.readers.setdefault(self.fusion.root(source), set()).add(unit.number)

    def _in_place(self) -> dict[Node, Leaf]:
        """Which new values are written straight over the leaf they belong to: where every other reader of the old value
        can run before."""
        units, unit_of = self.fusion.units, self.fusion.unit_of
        found: dict[Node, Leaf] = {}
        outside = {self.fusion.root(node) for node in self.outputs}
        for leaf, new in self.updates.items():
            unit = unit_of.get(new)
            if new.dtype != leaf.dtype or unit is None or new in found or leaf in outside:
                continue
            if any(self.fusion.root(other) is leaf for other in self.updates.values()):
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
            self.fusion.put_after(unit, more)
        return found

    def _read_in_step(self, leaf: Leaf, new: Node, unit: Unit) -> bool:
        """Whether a group reads the leaf only along the loops along which it writes the new value; a kernel of its own
        must not read it at all."""
        if not isinstance(unit, Group):
            return all(self.fusion.root(source) is not leaf for source in new.inputs) and isinstance(new.shape, tuple)
        for member in unit.nodes:
            fold = None if is_elementwise(member) else reduction(member)
            lies = [tuple(range(len(member.inputs[0].shape)))] if fold else operand_axes(member)
            for source, along in zip(member.inputs, lies):
                if self.fusion.root(source) is not leaf:
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
        if len(found) != len(units):
            raise NngraphError("pieces of a plan wait for each other, so that some would never be run")
        return found

    # Emitting calls -----------------------------------------------------------------------------------------------
    def _emit(self) -> None:
        in_place = self._in_place()
        for new, leaf in in_place.items():
            self.place[new] = self.view_of(leaf)
        early = self._taken_early()
        self._place_results()
        self._place_pieces(in_place)
        for unit in self._schedule():
            if isinstance(unit, Group):
                emit(self, unit)
            else:
                self._emit_single(unit.nodes[0])
        for leaf, new in self.updates.items():
            if in_place.get(new) is not leaf:
                self.about = ((new,), Reason(N_("stored into {name}"), name=leaf._name))
                self.copy(early.get(new) or self.view_of(new), self.view_of(leaf))
        for node, target in zip(self.outputs, self.results):
            self.about = ((node,), N_("result"))
            if not self._shows_updated(node) and self.view_of(node) is not target:
                self.copy(self.view_of(node), target)

    def _shows_updated(self, node: Node) -> bool:
        return self.fusion.root(node) in self.updates

    def _taken_early(self) -> dict[Node, View]:
        """What only shows a leaf that is updated is taken before the update."""
        early: dict[Node, View] = {}
        for node, target in zip(self.outputs, self.results):
            if self._shows_updated(node):
                self.about = ((node,), N_("taken before it is updated"))
                self.copy(self.view_of(node), target)
        for node in self.updates.values():
            if self._shows_updated(node) and node not in early:
                self.about = ((node,), N_("taken before it is updated"))
                early[node] = self.new(node.shape, node.dtype)
                self.copy(self.view_of(node), early[node])
        return early

    def _place_results(self) -> None:
        """A value that is computed anew is computed straight into the output's own memory."""
        for node, target in zip(self.outputs, self.results):
            if node in self.fusion.unit_of and node not in self.place:
                self.place[node] = target

    def _place_pieces(self, in_place: Mapping[Node, Leaf]) -> None:
        """A value that is only joined to others is computed straight into its piece of the whole; not where the whole
        is a leaf, whose old value others may still have to read."""
        for node in sorted(self.fusion.unit_of, key=lambda each: -each.serial):
            pieces = lowerings.pieces(node)
            if pieces is None or node in in_place:
                continue
            whole = self.view_of(node)
            for source, (start, shape) in zip(node.inputs, pieces):
                unit = self.fusion.unit_of.get(source)
                free = isinstance(unit, Group) and source not in self.place and source not in unit.closed
                if free and source.dtype == node.dtype and node not in unit.nodes:
                    self.place[source] = structure.window(whole, start, shape)

    def view_of(self, node: Node) -> View:
        """Where the numbers of a node lie, or will lie."""
        found = self.place.get(node)
        if found is not None:
            return found
        before = self.about
        found = self.place[node] = self._view_of(node)
        self.about = before
        return found

    def _view_of(self, node: Node) -> View:
        if isinstance(node, Leaf):
            return self.leaf(node)
        if self._selects(node):
            return self.parts[node.inputs[0]][node.params["index"]]
        if node in self.fusion.views:
            source = self.view_of(node.inputs[0])
            seen = viewed(node, source)
            if seen is None:
                self.about = ((node,), N_("numbers are moved so that they can be seen in another shape"))
                seen = viewed(node, self.dense(source))
            if seen is None:
                raise NngraphError(f"{describe(node)} only sees numbers in another shape, but not those side by side")
            return seen
        return self.new(node.shape, node.dtype)

    def all_values(self) -> int:
        """See Whole.all_values."""
        total = 0
        for node in self.fusion.unit_of:
            views = self.parts.get(node) or ([self.place[node]] if node in self.place else [])
            if views or not isinstance(node.shape, tuple):
                total += sum(view.bytes for view in views)
            else:
                total += int(node.size) * node.dtype.itemsize
        return total

    # One node -----------------------------------------------------------------------------------------------------
    def _emit_single(self, node: Node) -> None:
        self.about = ((node,), "")
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
        if lowerings.lower(self, node, inputs, outputs):
            return
        del self.calls[before:]
        self.call(Fallback(node), [], inputs, outputs, why=N_("no kernel: run by numpy"))


def _asides(nodes: Sequence[Node]) -> set[Node]:
    """Comparisons with one reader that goes number by number: to be computed where they are read."""
    found = set()
    for node, readers in users(nodes).items():
        if len(readers) == 1 and not node.is_leaf and node.dtype == np.bool_ and node.op.scalar is not None:
            (reader,) = readers
            # Not one that waits for another that waits: whoever comes last would wait for ever.
            chained = any(source in found for source in node.inputs)
            if not chained and is_elementwise(node) and is_elementwise(reader) and reader.op.scalar is not None:
                found.add(node)
    return found


def _prepared(nodes: Sequence[Node], target: Target) -> list[Node]:
    """The graph as it is planned: fast loops, simple ops only, constants computed, pieces cut first."""
    return cut_first(reread(simplify(fold_constants(opened(optimize_loops(nodes), target.keeps)))))


def _result(node: Node) -> View:
    shape = tuple(map(int, node.shape))
    return View(Buffer(max(prod(shape) * node.dtype.itemsize, 1), "result"), node.dtype, shape, row_major(shape))
