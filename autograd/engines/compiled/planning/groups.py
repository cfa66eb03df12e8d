"""Fusion: which elementwise ops and reductions share one nest of loops.

Every group has a nest: the sizes over which its members run. A node joins the group of an operand when its axes lie
along the same loops and no value would have to be known before it can be known. What is asked of a node is its op's
`scalar` text, its `index` form or its `fold`; never its name.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from ....node import Node
from .fusible import Axes, Reduction, is_elementwise, operand_axes, reduction
from .views import axes_kept

MOST_STEPS, MOST_READS = 96, 48
"""A nest is not made longer than this: the processor has so many registers, and the compiler so much patience."""


@dataclass(eq=False, slots=True)
class Unit:
    """What is run as one piece: a fused nest, or one node by a kernel of its own."""

    number: int
    nodes: list[Node] = field(default_factory=list)
    before: set[int] = field(default_factory=set)
    """Units whose results it reads."""
    ancestors: int = 0
    """All units it depends on, as bits."""


@dataclass(eq=False, slots=True)
class Group(Unit):
    """A fused nest."""

    sizes: tuple[int, ...] = ()
    axes: dict[Node, Axes] = field(default_factory=dict)
    """For each member, the loops that the axes of its value lie along."""
    work: dict[Node, Axes] = field(default_factory=dict)
    """For each member, the loops that the axes of its work lie along: of a fold's operand, else of its value."""
    closed: set[Node] = field(default_factory=set)
    """Folds over an outer loop that keep an inner one, or over all: known only when the nest has run."""
    reads: set[Node] = field(default_factory=set)


class Fusion:
    """Groups being formed, node after node in running order."""

    def __init__(self) -> None:
        self.units: dict[int, Unit] = {}
        self._count = itertools.count()
        self.unit_of: dict[Node, Unit] = {}
        self._through: dict[Node, tuple[Node, Axes]] = {}
        """View node -> the node that holds its numbers, and that node's axis for each of its own."""
        self.views: set[Node] = set()
        self.waiting: set[Node] = set()
        """Comparisons that wait for their only reader."""

    # Adding nodes ---------------------------------------------------------------------------------------------------
    def view(self, node: Node) -> None:
        """A node that only shows its operand's numbers otherwise."""
        self.views.add(node)
        kept = axes_kept(node)
        if kept is not None:
            base, axes = self.base(node.inputs[0])
            self._through[node] = base, tuple(None if at is None else axes[at] for at in kept)

    def base(self, node: Node) -> tuple[Node, Axes]:
        """The node whose numbers these are, axis by axis."""
        found = self._through.get(node)
        return found if found is not None else (node, tuple(range(len(node.shape))))

    def single(self, node: Node) -> Unit:
        """A node that is run by itself."""
        unit = Unit(next(self._count), [node])
        self._enter(unit, node)
        return unit

    def loop(self, node: Node, fold: Reduction | None) -> Group:
        """An elementwise node or a fold, put into the best group there is, or into a new one."""
        candidates = self._candidates(node)
        for group in candidates:
            axes = self._fits(node, fold, group)
            if axes is not None and self._may_join(node, group) and self._asides_fit(node, axes, group):
                self._join(node, fold, group, axes)
                for other in candidates:
                    if other is not group and other.number in self.units:
                        self._merge(group, other, node)
                return group
        return self._new_group(node, fold)

    def _new_group(self, node: Node, fold: Reduction | None) -> Group:
        work = tuple(map(int, (node.inputs[0] if fold else node).shape))
        loops = [at for at, size in enumerate(work) if size > 1]
        own = tuple(loops.index(at) if at in loops else None for at in range(len(work)))
        group = Group(next(self._count), sizes=tuple(work[at] for at in loops))
        self._enter(group, node)
        self._place(node, fold, group, own)
        return group

    def aside(self, node: Node, reader: Node) -> None:
        """A comparison that has waited is put into the group of its only reader, so that no truth values are written
        and read again; into a group of its own where it does not fit."""
        self.waiting.discard(node)
        group = self.unit_of[reader]
        axes = None
        if isinstance(group, Group) and reader in group.work:
            axes = self._fits_beside(node, reader, group, group.work[reader])
        if axes is not None:
            self._join(node, None, group, axes)  # type: ignore[arg-type]
            group.nodes.sort(key=lambda each: each.serial)
            return
        own = self._new_group(node, None)
        group.before.add(own.number)
        self.put_after(group, own.ancestors | 1 << own.number)

    def _asides_fit(self, reader: Node, work: Axes, group: Group) -> bool:
        """Whether comparisons that wait for a reader and read the group could join it with the reader; else they would
        need the group before it has run."""
        return all(
            source not in self.waiting
            or not any(unit is group for unit in self._sources(source))
            or self._fits_beside(source, reader, group, work) is not None
            for source in reader.inputs
        )

    def _fits_beside(self, node: Node, reader: Node, group: Group, work: Axes) -> Axes | None:
        """For each axis of a comparison, the loop along which its reader reads it; None where its operands lie
        otherwise."""
        lies = next(along for source, along in zip(reader.inputs, operand_axes(reader)) if source is node)
        sizes = tuple(map(int, node.shape))
        own = tuple(None if n == 1 or at is None else work[at] for n, at in zip(sizes, lies))
        used = {loop for loop in own if loop is not None}
        if used != set(range(len(used))):
            return None
        for source, along in zip(node.inputs, operand_axes(node)):
            base, through = self.base(source)
            if base not in group.axes or base in group.closed:
                if self.root(source) in group.axes:
                    return None
                continue
            for at, axis in enumerate(along):
                loop = None if through[at] is None else group.axes[base][through[at]]  # type: ignore[index]
                if loop is not None and axis is not None and own[axis] != loop:
                    return None
        return own

    # The unit graph -----------------------------------------------------------------------------------------------
    def _sources(self, node: Node) -> list[Unit]:
        found = []
        for source in node.inputs:
            root = self.root(source)
            if root in self.waiting:
                found += self._sources(root)
            elif root in self.unit_of:
                found.append(self.unit_of[root])
        return found

    def _enter(self, unit: Unit, node: Node) -> None:
        self.units[unit.number] = unit
        if not unit.nodes:
            unit.nodes.append(node)
        self.unit_of[node] = unit
        for source in self._sources(node):
            unit.before.add(source.number)
            unit.ancestors |= source.ancestors | 1 << source.number

    def _candidates(self, node: Node) -> list[Group]:
        found: dict[int, Group] = {}
        for source in node.inputs:
            base, _ = self.base(source)
            unit = self.unit_of.get(base)
            if isinstance(unit, Group):
                found[unit.number] = unit
        return [found[number] for number in sorted(found, reverse=True)]

    def _may_join(self, node: Node, group: Group) -> bool:
        if len(group.nodes) >= MOST_STEPS or len(group.reads) >= MOST_READS:
            return False
        bit = 1 << group.number
        return not any(source is not group and source.ancestors & bit for source in self._sources(node))

    def _join(self, node: Node, fold: Reduction | None, group: Group, axes: Axes) -> None:
        more = 0
        for source in self._sources(node):
            if source is not group:
                group.before.add(source.number)
                more |= source.ancestors | 1 << source.number
        group.nodes.append(node)
        self.unit_of[node] = group
        self._place(node, fold, group, axes)
        self.put_after(group, more)

    def put_after(self, group: Unit, more: int) -> None:
        """Have a unit, and all that wait for it, wait for more units, which are given as bits."""
        if more & ~group.ancestors:
            group.ancestors |= more
            bit = 1 << group.number
            for unit in self.units.values():
                if unit.ancestors & bit:
                    unit.ancestors |= more

    def _merge(self, group: Group, other: Group, node: Node) -> None:
        """Take another group of the same nest in, when nothing between the two forbids it."""
        if group.sizes != other.sizes or len(group.nodes) + len(other.nodes) > MOST_STEPS:
            return
        if any(self.base(source)[0] in other.closed for member in group.nodes for source in member.inputs):
            return
        if any(self.base(source)[0] in group.closed for member in other.nodes for source in member.inputs):
            return
        # A value of the other group must be met along the same loops wherever members of this one read it.
        for member in group.nodes:
            if not self._reads_alike(member, group, other):
                return
        for member in other.nodes:
            if not self._reads_alike(member, other, group):
                return
        if node in group.work and not self._asides_fit(node, group.work[node], other):
            return
        mine, theirs = 1 << group.number, 1 << other.number
        for one, bit, skip in ((group, theirs, other.number), (other, mine, group.number)):
            for number in one.before:
                if number != skip and self.units[number].ancestors & bit:
                    return
        del self.units[other.number]
        group.nodes = sorted([*group.nodes, *other.nodes], key=lambda each: each.serial)
        group.axes.update(other.axes)
        group.work.update(other.work)
        group.closed |= other.closed
        group.reads |= other.reads
        for each in other.nodes:
            self.unit_of[each] = group
        group.before = (group.before | other.before) - {group.number, other.number}
        group.ancestors = (group.ancestors | other.ancestors) & ~mine & ~theirs
        for unit in self.units.values():
            if other.number in unit.before:
                unit.before = unit.before - {other.number} | {group.number}
            if unit is not group and unit.ancestors & (theirs | mine):
                unit.ancestors = unit.ancestors & ~theirs | mine | group.ancestors

    def _reads_alike(self, member: Node, home: Group, other: Group) -> bool:
        work = home.work[member]
        for source, lies in zip(member.inputs, self._operand_axes(member)):
            base, through = self.base(source)
            if base not in other.axes:
                if self.root(source) in other.axes:
                    return False
                continue
            for at, along in enumerate(lies):
                loop = other.axes[base][through[at]] if through[at] is not None else None  # type: ignore[index]
                if loop is not None and along is not None and loop != work[along]:
                    return False
        return True

    def root(self, node: Node) -> Node:
        """The node whose numbers a view shows."""
        while node in self.views:
            node = node.inputs[0]
        return node

    # Axes and loops -----------------------------------------------------------------------------------------------
    def _operand_axes(self, node: Node) -> list[Axes]:
        fold = reduction(node) if not is_elementwise(node) else None
        return [tuple(range(len(node.inputs[0].shape)))] if fold is not None else operand_axes(node)

    def _fits(self, node: Node, fold: Reduction | None, group: Group) -> Axes | None:
        """For each axis of the work, its loop in the group; None when the node does not belong there."""
        work = tuple(map(int, (node.inputs[0] if fold else node).shape))
        lies = [tuple(range(len(work)))] if fold else operand_axes(node)
        found: list[int | None] = [None] * len(work)
        for source, along in zip(node.inputs, lies):
            base, through = self.base(source)
            if base not in group.axes:
                # A member seen through a view that is not axis by axis needs the whole member first.
                if self.root(source) in group.axes:
                    return None
                continue
            if base in group.closed:
                return None
            for at, axis in enumerate(along):
                loop = None if through[at] is None else group.axes[base][through[at]]  # type: ignore[index]
                if loop is None or axis is None:
                    continue
                if found[axis] not in (None, loop) or group.sizes[loop] != work[axis]:
                    return None
                found[axis] = loop
        used = {loop for loop in found if loop is not None}
        if len(used) < sum(loop is not None for loop in found):
            return None  # a vector met with itself, each with each, would be its diagonal
        wanted = [axis for axis, size in enumerate(work) if size > 1 and found[axis] is None]
        for axis in reversed(wanted):
            later = [found[more] for more in range(axis + 1, len(work)) if found[more] is not None]
            below = min(later, default=len(group.sizes))
            fitting = [loop for loop in range(below) if loop not in used and group.sizes[loop] == work[axis]]
            if not fitting:
                return None
            found[axis] = fitting[-1]
            used.add(fitting[-1])
        # Members vary over the outermost loops, so that each is computed once and not again in every turn of a loop.
        if used != set(range(len(used))):
            return None
        return tuple(found)

    def _place(self, node: Node, fold: Reduction | None, group: Group, work: Axes) -> None:
        group.work[node] = work
        if fold is None:
            group.axes[node] = work
        else:
            group.axes[node] = tuple(None if at is None else work[at] for at in fold.kept)
            over = {work[at] for at in fold.axes} - {None}
            left = {loop for loop in work if loop is not None} - over
            if over and left and min(over) < max(left) or (over and not left and group.sizes):  # type: ignore[type-var]
                group.closed.add(node)
        for source in node.inputs:
            base, _ = self.base(source)
            if base not in group.axes:
                group.reads.add(base)
