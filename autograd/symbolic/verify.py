"""The check of every line: what is displayed, evaluated from leaf values only, against reverse mode and finite
differences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..draws import Draws
from ..engines.numpy import Program
from ..graph import order
from ..language import N_
from ..node import Leaf, Node
from ..op import COMPARISON
from .derivation import Check, Sentence
from .differences import Differences
from .evaluate import COLUMNS, POINT, Labeled, differenced, evaluate
from .local import Board
from .terms import Element, IndexSum, Term, walk

TOLERANCE = 1e-9
NEAR_KINK = 5e-4
"""Where f′ is taken by differencing a text with a corner in it, the corner must be at least this far away."""
ON_CORNER = 1e-6
"""Nearer than this to a corner every step of a finite difference would cross it."""
TRIES = 20
SHAKES, ROUNDING, FEWEST = 4, 16, 3
"""A point counts against a line only where it is more than ROUNDING times as wrong as rounding makes it in SHAKES trials, and a
line is not checked with fewer points left than FEWEST."""
LARGEST = 4_000_000
"""A line in index form is evaluated whole, all letters at once; beyond this many products it is left unchecked, and
says so."""


@dataclass
class Checker:
    """Test points, what reverse mode gives there, and what the displayed lines give there."""

    board: Board
    nodes: Mapping[str | tuple[str, tuple[str, ...]], Node]
    """What each displayed name stands for in the graph: lines by name, gradients by (of, by)."""
    points: list[dict[Leaf, np.ndarray]]
    at_user: bool
    """Whether the first point is the user's own; it is left out of the checks when it lies on a kink."""
    truth: dict[Any, np.ndarray] = field(default_factory=dict)
    shown: dict[Any, Labeled] = field(default_factory=dict)
    numerator: bool = False
    """Whether gradients are laid out as the transpose of their variable."""
    sizes: dict[str, int] = field(default_factory=dict)
    slopes: dict[str, float | None] = field(default_factory=dict)
    on_corner: set[str] = field(default_factory=set)
    plain: dict[Any, np.ndarray] = field(default_factory=dict)
    definitions: dict[Any, Term] = field(default_factory=dict)
    worlds: list[dict[Any, Labeled]] = field(default_factory=lambda: [{} for _ in range(SHAKES)])
    draws: Draws = field(default_factory=lambda: Draws(0))

    def __post_init__(self) -> None:
        program = Program(list(self.nodes.values()))
        runs = [program(point) for point in self.points]
        for at, name in enumerate(self.nodes):
            self.plain[name] = np.stack([np.asarray(run[at], dtype=np.float64) for run in runs])
            self.truth[name] = self.oriented(self.plain[name], isinstance(name, tuple))
        for leaf in self.board.leaves:
            values = self.plain[self.board.name(leaf)] = np.stack([point[leaf] for point in self.points])
            self.shown[self.board.name(leaf)] = Labeled(self.oriented(values), (POINT,))
        shapes = self.board.shapes()
        for name, letters in self.board.letters.items():
            for letter, size in zip(letters, shapes.get(name, ())):
                self.sizes.setdefault(letter, int(size))
        if self.board.columns:
            self.sizes[COLUMNS] = 1

    def oriented(self, values: np.ndarray, gradient: bool = False) -> np.ndarray:
        """Values as displayed: matrices turned over when samples are columns, gradients once more in numerator
        layout."""
        turned = values.ndim == 3 and self.board.columns != (gradient and self.numerator)
        return np.swapaxes(values, 1, 2) if turned else values

    def truth_of(self, name: str) -> np.ndarray:
        """What the engine gives for a name at every point, leaves included, in the graph's own orientation; axis 0
        counts points."""
        return self.plain[name]

    def show(self, name: Any, term: Term) -> Check:
        """Check a displayed definition and let later lines build on what it gives."""
        check, value = self._compare(term, self.truth[name])
        if value is not None:
            self.shown[name] = value
            self.definitions[name] = term
        return check

    def compare(self, term: Term, name: Any, labels: Sequence[str] = ()) -> Check:
        """Check a term that must equal what `name` stands for; `labels`: the term is the entry at these letters."""
        return self._compare(term, self.truth[name], labels)[0]

    def _compare(self, term: Term, truth: np.ndarray, labels: Sequence[str] = ()) -> tuple[Check, Labeled | None]:
        if labels and _products(term, self.sizes) * len(self.points) > LARGEST:
            return Check(None, reason=Sentence(N_("too many entries to evaluate one by one"))), None
        value = evaluate(term, self.shown, self.sizes)
        order_ = [label for label in (POINT, *labels)]
        array = value.array
        for label in order_:
            if label not in value.labels:
                array = np.broadcast_to(
                    array[None], (len(self.points) if label == POINT else self.sizes[label], *array.shape)
                )
                value = Labeled(array, (label, *value.labels))
        axes = [value.labels.index(label) for label in order_]
        array = np.transpose(value.array, axes + list(range(len(order_), value.array.ndim)))
        own = truth.shape[1:] if not labels else ()
        if array.shape != truth.shape:
            try:
                array = np.broadcast_to(
                    array.reshape(
                        array.shape[: len(order_)]
                        + (1,) * (len(own) - array.ndim + len(order_))
                        + array.shape[len(order_) :]
                    ),
                    truth.shape,
                )
            except ValueError:
                return Check(False, float("inf"), len(self.points)), None
        usable = truth.reshape(len(self.points), -1), array.reshape(len(self.points), -1)
        first = 0 if self.at_user else 1
        a, b = usable[0][first:], usable[1][first:]
        if self.at_user and not np.isfinite(usable[0][0]).all() and not np.isfinite(usable[1][0]).all():
            return Check(None, reason=Sentence(N_("not finite at the given values"))), Labeled(array, (POINT,))
        both = np.isfinite(a) & np.isfinite(b)
        if not both.all() and not np.array_equal(np.isfinite(a), np.isfinite(b)):
            return Check(False, float("inf"), len(a)), Labeled(array, (POINT,))
        if not len(a) or (not both.any() and a.size):
            return Check(None, reason=Sentence(N_("no test point gave finite numbers"))), Labeled(array, (POINT,))
        apart = np.where(both, np.abs(a - b) / (1 + np.abs(a)), 0.0).max(axis=1, initial=0.0)
        wrong = apart > TOLERANCE
        if wrong.any():
            wrong &= apart > ROUNDING * self._rounding(term)[first:]
            if not wrong.any():
                clear = apart <= TOLERANCE
                if clear.sum() < FEWEST:
                    return Check(None, reason=Sentence(N_("rounding alone moves this line by more than the check allows"))), Labeled(array, (POINT,)) if not labels else None
                apart = apart[clear]
        error = float(apart.max(initial=0.0))
        return Check(error <= TOLERANCE, error, len(apart)), Labeled(array, (POINT,)) if not labels else None

    def _rounding(self, term: Term) -> np.ndarray:
        """How far a line moves, as errors are measured, when every value it is built on is off by rounding, at every point.
        Where that is much, as in 1/(1 − p) for p near 1, the numbers cannot tell right from wrong."""
        values = []
        for world in self._worlds():
            value = evaluate(term, world, self.sizes)
            if POINT not in value.labels:
                return np.zeros(len(self.points))
            values.append(np.moveaxis(value.array, value.labels.index(POINT), 0).reshape(len(self.points), -1))
        with np.errstate(all="ignore"):
            spread = (np.max(values, axis=0) - np.min(values, axis=0)) / (1 + np.abs(values[0]))
        return np.nan_to_num(spread, nan=0.0, posinf=0.0).max(axis=1, initial=0.0)

    def _worlds(self) -> list[dict[Any, Labeled]]:
        """All names so far, computed SHAKES times from the displayed lines, each result off by a few units in its last place."""
        for world in self.worlds:
            for name, value in self.shown.items():
                if name in world:
                    continue
                if name in self.definitions:
                    found = evaluate(self.definitions[name], world, self.sizes)
                    side = np.sign(self.draws.normal(found.array.shape))
                    found = Labeled(found.array * (1 + 4 * np.finfo(np.float64).eps * side), found.labels)
                    value = found if found.labels == value.labels and found.array.shape == value.array.shape else value
                world[name] = value
        return self.worlds

    def in_numbers(self, term: Term, name: Any) -> Check:
        """Check a line written in numbers at the given point, the only one for which they were written."""
        value, truth = evaluate(term, {}, self.sizes).array, self.truth[name][0]
        if not np.isfinite(truth).all():
            return Check(not np.isfinite(value).all(), None, 1)
        error = float(np.max(np.abs(value - truth) / (1 + np.abs(truth)), initial=0.0))
        return Check(error <= TOLERANCE, error, 1)

    def corners(self, names: Iterable[str]) -> list[str]:
        """Those names along which the output has a corner at the given point."""
        self.difference(self.board.name(self.board.output))
        return [name for name in names if name in self.on_corner]

    def difference(self, name: str) -> float | None:
        """How far the gradient by `name` is from a finite difference of the displayed forward lines; see differences.py."""
        if not self.slopes:
            points = [at for at in range(len(self.points)) if at or self.at_user]
            differences = Differences(self.board, self.shown, self.truth, self.sizes, self.numerator, points)
            self.slopes = differences.take()
            self.on_corner = differences.corners if self.at_user else set()
        return self.slopes.get(name)


def _products(term: Term, sizes: Mapping[str, int]) -> int:
    """How many entries the widest part of a term has when all its letters run."""
    letters = {label for each in walk(term) if isinstance(each, (Element, IndexSum)) for label in each.labels}
    count = 1
    for letter in letters:
        count *= max(sizes.get(letter, 1), 1)
    return count


def near_kinks(output: Node, values: Mapping[Leaf, np.ndarray]) -> list[tuple[Node, float, float]]:
    """Nodes whose operand lies on a corner, as (node, the corner, the distance): a kink its op declares, or the two
    sides of a comparison being equal. Near counts as on where f′ would have to be differenced across the corner."""
    kinked = [node for node in order(output) if not node.is_leaf and (_corners(node) or _compares(node))]
    if not kinked:
        return []
    found = []
    operands = list({source: None for node in kinked for source in node.inputs})
    results = {node: np.asarray(value, dtype=float) for node, value in zip(operands, Program(operands)(values))}
    for node in kinked:
        if _compares(node):
            distance = np.min(np.abs(results[node.inputs[0]] - results[node.inputs[1]]), initial=np.inf)
            if distance <= ON_CORNER:
                found.append((node, 0.0, 0.0))
            continue
        near = NEAR_KINK if differenced(node.op) else ON_CORNER
        for kink in _corners(node):
            distance = np.min(np.abs(results[node.inputs[0]] - kink), initial=np.inf)
            if distance <= near:
                found.append((node, kink, float(distance)))
    return found


def _corners(node: Node) -> set[float]:
    """The input values at which an elementwise op declares a kink."""
    return {float(kink) for each in node.op.examples for kink in each.avoid} if node.op.scalar is not None else set()


def _compares(node: Node) -> bool:
    return (
        node.op.kind == COMPARISON
        and node.dtype.kind == "b"
        and len(node.inputs) == 2
        and node.inputs[0].dtype.kind == "f"
    )


def points_near(
    output: Node,
    leaves: Sequence[Leaf],
    givens: Mapping[Leaf, np.ndarray],
    count: int,
    seed: int,
    watch: Sequence[Node],
) -> list[dict[Leaf, np.ndarray]]:
    """The user's point and `count` random ones near it, finite and away from kinks; fewer when twenty tries find
    none."""
    draws = Draws(seed + 1)
    points = [dict(givens)]
    simplex = simplex_leaves(output)
    program = Program(list(watch))
    for _ in range(count):
        for attempt in range(TRIES):
            scale = 0.5 / (1 + attempt / 4)
            point: dict[Leaf, np.ndarray] = {}
            for leaf in leaves:
                value = givens[leaf]
                if leaf.dtype.kind != "f" or leaf.role == "constant":
                    point[leaf] = value
                    continue
                moved = value + scale * draws.normal(value.shape) * (np.abs(value) + 0.5)
                if leaf in simplex:
                    moved = np.exp(moved) / np.exp(moved).sum(-1, keepdims=True)
                point[leaf] = moved
            values = program(point)
            if all(np.all(np.isfinite(value)) for value in values) and not near_kinks(output, point):
                points.append(point)
                break
    return points


def simplex_leaves(output: Node) -> set[Leaf]:
    """Leaves that an op declares to be distributions: their last axis sums to one."""
    found = set()
    for node in order(output):
        if node.is_leaf:
            continue
        for each in node.op.examples:
            for position in each.simplex:
                if (
                    position < len(node.inputs)
                    and isinstance(node.inputs[position], Leaf)
                    and node.inputs[position].shape
                ):
                    found.add(node.inputs[position])
    return found


__all__ = ["Checker", "near_kinks", "points_near", "simplex_leaves"]
