"""The check of every line: what is displayed, evaluated from leaf values only, against reverse mode and finite differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engines.numpy import Program
from ..graph import order
from ..language import N_
from ..node import Leaf, Node
from ..ops.identity import stop_gradient
from .derivation import Check, Sentence
from .evaluate import COLUMNS, POINT, Labeled, evaluate
from .local import Board, Line
from .terms import Element, IndexSum, Partial, Symbol, Term, children

TOLERANCE = 1e-9
DIFFERENCE_TOLERANCE = 1e-5
NEAR_KINK = 0.02
TRIES = 20
LARGEST = 4_000_000
"""A line in index form is evaluated whole, all letters at once; beyond this many products it is left unchecked, and says so."""


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
    plain: dict[Any, np.ndarray] = field(default_factory=dict)

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
        """Values as displayed: matrices turned over when samples are columns, gradients once more in numerator layout."""
        turned = values.ndim == 3 and self.board.columns != (gradient and self.numerator)
        return np.swapaxes(values, 1, 2) if turned else values

    def truth_of(self, name: str) -> np.ndarray:
        """What the engine gives for a name at every point, leaves included, in the graph's own orientation; axis 0 counts points."""
        return self.plain[name]

    def show(self, name: Any, term: Term) -> Check:
        """Check a displayed definition and let later lines build on what it gives."""
        check, value = self._compare(term, self.truth[name])
        if value is not None:
            self.shown[name] = value
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
                array = np.broadcast_to(array[None], (len(self.points) if label == POINT else self.sizes[label], *array.shape))
                value = Labeled(array, (label, *value.labels))
        axes = [value.labels.index(label) for label in order_]
        array = np.transpose(value.array, axes + list(range(len(order_), value.array.ndim)))
        own = truth.shape[1:] if not labels else ()
        if array.shape != truth.shape:
            try:
                array = np.broadcast_to(array.reshape(array.shape[: len(order_)] + (1,) * (len(own) - array.ndim + len(order_)) + array.shape[len(order_) :]), truth.shape)
            except ValueError:
                return Check(False, float("inf"), len(self.points)), None
        usable = truth.reshape(len(self.points), -1), array.reshape(len(self.points), -1)
        first = 0 if self.at_user else 1
        a, b = usable[0][first:], usable[1][first:]
        both = np.isfinite(a) & np.isfinite(b)
        if not both.all() and not np.array_equal(np.isfinite(a), np.isfinite(b)):
            return Check(False, float("inf"), len(a)), Labeled(array, (POINT,))
        if not both.any() and a.size:
            return Check(None, reason=Sentence(N_("no test point gave finite numbers"))), Labeled(array, (POINT,))
        error = float(np.max(np.abs(a - b)[both] / (1 + np.abs(a[both])), initial=0.0))
        return Check(error <= TOLERANCE, error, len(a)), Labeled(array, (POINT,)) if not labels else None

    def difference(self, name: str, adjoint: Any, lines: Sequence[Line]) -> float | None:
        """How far the gradient is from a five-point difference of the displayed forward lines along one direction.

        None when the difference cannot be taken at any point (a kink or an overflow nearby).
        """
        output = self.board.name(self.board.output)
        at = 0 if self.at_user else 1
        if at >= len(self.points):
            return None
        base = {key: Labeled(value.array[at]) for key, value in self.shown.items() if not isinstance(key, tuple) and value.labels == (POINT,)}
        start = base[name].array
        rng = np.random.default_rng(7)
        direction = rng.uniform(0.5, 1.0, start.shape) * rng.choice([-1.0, 1.0], start.shape)
        step = 1e-3 * max(1.0, float(np.max(np.abs(start), initial=0.0)))
        offsets = np.array([-2.0, -1.0, 1.0, 2.0])
        env = dict(base)
        env[name] = Labeled(np.stack([start + offset * step * direction for offset in offsets]), (POINT,))
        touched = {name}
        for line in lines:
            if line.symbol.name == name or line.node.op is stop_gradient:
                continue  # what is taken as fixed stays where it is, as the declared gradient says
            if touched & {each.name for each in _names(line.definition)}:
                env[line.symbol.name] = evaluate(line.definition, env, self.sizes)
                touched.add(line.symbol.name)
        if output not in touched:
            return 0.0
        values = env[output].array
        slope = float((values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step))
        gradient = self.truth[adjoint][at]
        claimed = float(np.sum((gradient.T if self.numerator and gradient.ndim == 2 else gradient) * direction))
        if not np.isfinite(slope) or not np.isfinite(claimed):
            return None
        return abs(slope - claimed) / (1 + abs(claimed))


def _names(term: Term) -> set[Symbol]:
    found, stack = set(), [term]
    while stack:
        each = stack.pop()
        if isinstance(each, Symbol):
            found.add(each)
        stack.extend(children(each))
    return found


def _products(term: Term, sizes: Mapping[str, int]) -> int:
    """How many entries the widest part of a term has when all its letters run."""
    letters: set[str] = set()
    stack = [term]
    while stack:
        each = stack.pop()
        if isinstance(each, Element):
            letters.update(each.labels)
        if isinstance(each, IndexSum):
            letters.update(each.labels)
        stack.extend(children(each))
    count = 1
    for letter in letters:
        count *= max(sizes.get(letter, 1), 1)
    return count


def near_kinks(output: Node, values: Mapping[Leaf, np.ndarray]) -> list[tuple[Node, float, float]]:
    """Nodes whose operand lies at or near a kink their op declares, as (node, the kink, the distance)."""
    kinked = [node for node in order(output) if not node.is_leaf and node.op.scalar is not None and any(e.avoid for e in node.op.examples)]
    if not kinked:
        return []
    found = []
    operands = list({source: None for node in kinked for source in node.inputs})
    results = dict(zip(operands, Program(operands)(values)))
    for node in kinked:
        for kink in {kink for each in node.op.examples for kink in each.avoid}:
            for source in node.inputs[:1]:
                distance = np.min(np.abs(np.asarray(results[source], dtype=float) - kink), initial=np.inf)
                if distance < NEAR_KINK:
                    found.append((node, float(kink), float(distance)))
    return found


def test_points(output: Node, leaves: Sequence[Leaf], givens: Mapping[Leaf, np.ndarray], count: int, seed: int, watch: Sequence[Node]) -> list[dict[Leaf, np.ndarray]]:
    """The user's point and `count` random ones near it, finite and away from kinks; fewer when twenty tries find none."""
    rng = np.random.default_rng(seed + 1)
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
                moved = value + scale * rng.standard_normal(value.shape) * (np.abs(value) + 0.5)
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
                if position < len(node.inputs) and isinstance(node.inputs[position], Leaf) and node.inputs[position].shape:
                    found.add(node.inputs[position])
    return found


__all__ = ["Checker", "Partial", "near_kinks", "simplex_leaves", "test_points"]
