"""The check of every line: what is displayed, evaluated from leaf values only, against reverse mode and finite differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..draws import Draws
from ..engines.numpy import Program
from ..graph import order
from ..language import N_
from ..node import Leaf, Node
from ..op import COMPARISON
from ..ops.identity import stop_gradient
from .derivation import Check, Sentence
from .evaluate import COLUMNS, POINT, Labeled, differenced, evaluate
from .local import Board
from .terms import Element, IndexSum, Symbol, Term, walk

TOLERANCE = 1e-9
DIFFERENCE_TOLERANCE = 1e-5
NEAR_KINK = 5e-4
"""Where f′ is taken by differencing a text with a corner in it, the corner must be at least this far away."""
ON_CORNER = 1e-6
"""Nearer than this to a corner every step of a finite difference would cross it."""
STEPS = (1e-3, 1e-5, 1e-7)
"""Step sizes of finite differences: a corner nearby spoils the large ones, rounding the small ones. A right gradient agrees at one of them."""
TRIES = 20
OFFSETS = np.array([-2.0, -1.0, 1.0, 2.0])
WIDEST = 4_000_000
"""How many numbers one line may hold while differences are taken."""
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
    slopes: dict[str, float | None] = field(default_factory=dict)
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
        if not len(a) or (not both.any() and a.size):
            return Check(None, reason=Sentence(N_("no test point gave finite numbers"))), Labeled(array, (POINT,))
        error = float(np.max(np.abs(a[both] - b[both]) / (1 + np.abs(a[both])), initial=0.0))
        return Check(error <= TOLERANCE, error, len(a)), Labeled(array, (POINT,)) if not labels else None

    def in_numbers(self, term: Term, name: Any) -> Check:
        """Check a line written in numbers at the given point, the only one for which they were written."""
        value, truth = evaluate(term, {}, self.sizes).array, self.truth[name][0]
        if not np.isfinite(truth).all():
            return Check(not np.isfinite(value).all(), None, 1)
        error = float(np.max(np.abs(value - truth) / (1 + np.abs(truth)), initial=0.0))
        return Check(error <= TOLERANCE, error, 1)

    def difference(self, name: str) -> float | None:
        """How far the gradient by `name` is from a five-point difference of the displayed forward lines along one direction.

        None when the difference cannot be taken (a kink, an overflow or nothing finite nearby).
        """
        if not self.slopes:
            with np.errstate(all="ignore"):
                self._take_differences()
        return self.slopes.get(name)

    def _take_differences(self) -> None:
        """All differences in one sweep over the lines: every test column moves one variable by one step, all columns run together."""
        output = self.board.name(self.board.output)
        at = 0 if self.at_user else 1
        variables = [key[1][0] for key in self.nodes if isinstance(key, tuple) and key[0] == output and len(key[1]) == 1]
        self.slopes = dict.fromkeys(variables)
        if at >= len(self.points):
            return
        base = {key: value.array[at] for key, value in self.shown.items() if isinstance(key, str) and value.labels == (POINT,)}
        widest = max((array.size for array in base.values()), default=1)
        chunk = max(1, WIDEST // max(widest * len(OFFSETS), 1))
        for size in STEPS:
            variables = [name for name in variables if (found := self.slopes[name]) is None or found > DIFFERENCE_TOLERANCE]
            for start in range(0, len(variables), chunk):
                self._sweep(variables[start : start + chunk], base, output, at, size)

    def _sweep(self, variables: Sequence[str], base: Mapping[str, np.ndarray], output: str, at: int, size: float) -> None:
        draws = Draws(7)
        count = len(variables) * len(OFFSETS)
        columns = {name: slice(i * len(OFFSETS), (i + 1) * len(OFFSETS)) for i, name in enumerate(variables)}
        directions = {name: draws.uniform(base[name].shape, 0.5, 1.0) * draws.signs(base[name].shape) for name in variables}
        steps = {name: size * max(1.0, float(np.max(np.abs(base[name]), initial=0.0))) for name in variables}

        def moved(name: str, array: np.ndarray) -> Labeled:
            """The value in all columns, with its own columns moved."""
            array = np.array(np.broadcast_to(array, (count, *base[name].shape)), dtype=np.float64)
            if name in columns:
                offsets = OFFSETS.reshape(-1, *[1] * base[name].ndim)
                array[columns[name]] = base[name] + offsets * steps[name] * directions[name]
            return Labeled(array, (POINT,))

        env = {name: moved(name, array) if name in columns else Labeled(array) for name, array in base.items()}
        for line in self.board.lines:
            name = line.symbol.name
            if line.node.op is stop_gradient:
                continue  # what is taken as fixed stays where it is, as the declared gradient says
            if name in columns or any(env[each.name].labels for each in _names(line.definition) if each.name in env):
                value = evaluate(line.definition, env, self.sizes)
                array = value.array if value.labels else value.array[None]
                env[name] = moved(name, array)
        values = np.broadcast_to(env[output].array, (count,))
        for name in variables:
            v = values[columns[name]]
            slope = float((v[0] - 8 * v[1] + 8 * v[2] - v[3]) / (12 * steps[name]))
            gradient = self.truth[(output, (name,))][at]
            claimed = float(np.sum((gradient.T if self.numerator and gradient.ndim == 2 else gradient) * directions[name]))
            if np.isfinite(slope) and np.isfinite(claimed):
                error = abs(slope - claimed) / (1 + abs(claimed))
                known = self.slopes[name]
                self.slopes[name] = error if known is None else min(known, error)


def _names(term: Term) -> set[Symbol]:
    return {each for each in walk(term) if isinstance(each, Symbol)}


def _products(term: Term, sizes: Mapping[str, int]) -> int:
    """How many entries the widest part of a term has when all its letters run."""
    letters = {label for each in walk(term) if isinstance(each, (Element, IndexSum)) for label in each.labels}
    count = 1
    for letter in letters:
        count *= max(sizes.get(letter, 1), 1)
    return count


def near_kinks(output: Node, values: Mapping[Leaf, np.ndarray]) -> list[tuple[Node, float, float]]:
    """Nodes whose operand lies on a corner, as (node, the corner, the distance): a kink its op declares, or the two sides of
    a comparison being equal. Near counts as on where f′ would have to be differenced across the corner."""
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
    return node.op.kind == COMPARISON and node.dtype.kind == "b" and len(node.inputs) == 2 and node.inputs[0].dtype.kind == "f"


def points_near(output: Node, leaves: Sequence[Leaf], givens: Mapping[Leaf, np.ndarray], count: int, seed: int, watch: Sequence[Node]) -> list[dict[Leaf, np.ndarray]]:
    """The user's point and `count` random ones near it, finite and away from kinks; fewer when twenty tries find none."""
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
                if position < len(node.inputs) and isinstance(node.inputs[position], Leaf) and node.inputs[position].shape:
                    found.add(node.inputs[position])
    return found


__all__ = ["Checker", "near_kinks", "points_near", "simplex_leaves"]
