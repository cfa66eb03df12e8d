"""Checking gradients in numbers: reverse mode against differences, at first and second order.

A gradient with many entries is compared along random directions, which costs a few runs per direction whatever its size;
only when that fails are entries compared one by one, to name the worst. Differences know nothing of our rules: they see
values only, and say themselves how far they may be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .check_float64 import in_float64
from .check_slips import slip_of
from .check_slopes import Slope, slope
from .differentiate import gradient
from .engines.numpy import Program
from .errors import CheckFailed, DtypeError, GradientError, ShapeError
from .graph import between, leaves
from .leaves import as_node, constant
from .node import Leaf, Node, describe
from .ops.linear import sum as sum_of

__all__ = ["GradientCheck", "OrderCheck", "check_gradient", "finite_difference"]

REDRAWS = 20
"""How often a point near a kink is moved before the check gives up."""
DIRECTIONS = 3
"""Random directions per order."""
ENTRIES = 512
"""At most so many entries of each variable are compared one by one to find the worst."""
FIRST = 64.0
"""The first step is so many times the one that is best for smooth functions."""
SURE = 3.0
"""A gradient is wrong when it is off by more than the tolerance and so many times what differences may be wrong."""


@dataclass(frozen=True, slots=True)
class OrderCheck:
    """What one order of derivative came to: its largest relative error and the slopes of that direction."""

    order: int
    error: float
    reverse: float
    difference: float
    directions: int


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """A gradient that survived: per order the largest error, and how often the point was moved away from a kink.

    `sides`: the slopes on the left and on the right of the first kink, along the direction that met it.
    """

    orders: tuple[OrderCheck, ...]
    moved: int
    sides: tuple[float, float] | None = None

    def __str__(self) -> str:
        lines = [
            f"order {each.order}: agrees to {each.error:.1e} along {each.directions} directions" for each in self.orders
        ]
        if self.moved:
            sides = (
                ""
                if self.sides is None
                else f", where the slope is {self.sides[0]:.4g} on one side and {self.sides[1]:.4g} on the other"
            )
            lines[-1] += f"; the point was moved {self.moved} time{'s' * (self.moved != 1)}, away from a kink{sides}"
        return "\n".join(lines)


def finite_difference(f: Callable[[Any], Any], x: Any, v: Any = None, step: float | None = None) -> np.ndarray:
    """The slope of f at x by central differences, (f(x+hv) − f(x−hv)) / 2h; knows nothing of graphs.

    With a direction v (shaped like x) it is one slope, shaped like f(x). Without, x moves along each of its entries in
    turn, and the result has shape f(x).shape + x.shape. `step` is h; without it two steps are combined so that the h²
    term cancels (Richardson), which for smooth functions is right to about 1e-11. Whole numbers raise DtypeError: they
    cannot move by a small step.

    >>> bool(abs(finite_difference(lambda x: x**2, 3.0, 1.0) - 6.0) < 1e-9)
    True
    """
    point = np.asarray(x.value if isinstance(x, Node) else x)
    if point.dtype.kind != "f":
        raise DtypeError(
            f"finite_difference: x holds {point.dtype}, which cannot move by a small step; give it floats, such as"
            " np.array(x, float)"
        )
    if v is None:
        columns = []
        for at in range(point.size):
            unit = np.zeros(point.size, point.dtype)
            unit[at] = 1
            columns.append(finite_difference(f, point, unit.reshape(point.shape), step))
        shape = columns[0].shape if columns else ()
        return np.moveaxis(np.array(columns), 0, -1).reshape(shape + point.shape)
    direction = np.asarray(v.value if isinstance(v, Node) else v, dtype=point.dtype)
    if direction.shape != point.shape:
        raise ShapeError(f"finite_difference: v has shape {direction.shape}, but x has {point.shape}")

    def value(offset: float) -> np.ndarray:
        moved = f(point + point.dtype.type(offset) * direction)
        return np.asarray(moved.value if isinstance(moved, Node) else moved)

    return _central(value, step) if step is not None else _richardson(value, _step(point.dtype, point, direction))


def _central(value: Callable[[float], Any], h: float) -> np.ndarray:
    return np.asarray((value(h) - value(-h)) / (2 * h))


def _richardson(value: Callable[[float], Any], h: float) -> np.ndarray:
    return np.asarray((4 * _central(value, h / 2) - _central(value, h)) / 3)


def _step(dtype: np.dtype, point: np.ndarray, direction: np.ndarray) -> float:
    """A step whose rounding error and h⁴ term are about equal, for a move of typical length."""
    length = float(np.max(np.abs(direction), initial=0.0)) or 1.0
    scale = max(1.0, float(np.max(np.abs(point), initial=0.0)))
    return float(np.finfo(dtype).eps) ** 0.2 * 0.5 * scale / length


def check_gradient(f: Any, *x: Any, order: int = 2, tolerance: float = 1e-6, seed: int = 0) -> GradientCheck:
    """A record that the gradient agrees with finite differences at orders 1 to `order`; CheckFailed naming the worst
    entry otherwise.

    `f` is a function of arrays and `x` its arguments, or `f` is a node and `x` the leaves to vary (none: all inputs and
    parameters of floats under it). A result that is a tensor is weighed with random weights. All is computed in float64,
    also what a graph casts to less. A point at a kink (relu at 0) is moved, at most 20 times, and the record says so.

    `tolerance` is relative to the size of the gradient: what agrees is off by at most that, and differences are known to
    be as exact; where they are not, CheckFailed says how exact they are.

    >>> import nngraph as ng
    >>> print(ng.check_gradient(lambda x: ng.sum(ng.sin(x) * x), np.array([1.0, 2.0]), order=1))  # doctest: +ELLIPSIS
    order 1: agrees to ...e-... along 3 directions
    """
    rng = np.random.default_rng(seed)
    y, variables = _as_graph(f, x)
    weights = rng.uniform(0.5, 1.5, tuple(map(int, y.shape))) * rng.choice([-1.0, 1.0], tuple(map(int, y.shape)))
    number = sum_of(y * constant(weights)) if y.shape else y
    point = {leaf: np.asarray(leaf.value, np.float64) for leaf in variables}
    checked: list[OrderCheck] = []
    search = _Search(variables, point, tolerance, rng)
    for each in range(1, order + 1):
        slopes = gradient(number, variables)
        checked.append(search.order(each, number, slopes))
        if each < order:
            # The next order is the gradient of this one, weighed; what vanished would weigh nothing.
            number = _weighed(slopes, rng)
    return GradientCheck(tuple(checked), search.moved, search.sides)


def _as_graph(f: Any, x: Sequence[Any]) -> tuple[Node, list[Leaf]]:
    if isinstance(f, Node):
        chosen = list(x) or [
            leaf for leaf in leaves(f) if leaf.role in ("input", "parameter") and leaf.dtype.kind == "f"
        ]
        for leaf in chosen:
            if not isinstance(leaf, Leaf):
                raise GradientError(
                    "check_gradient(node, …) varies leaves (ng.input, ng.parameter); give it the leaf, or a function of"
                    " arrays"
                )
        # Stand-ins of float64, so that nothing is rounded to a narrower type on its way.
        (graph,), wide = in_float64([f])
        return graph, [wide.get(leaf, leaf) for leaf in chosen]
    variables, arguments = [], []
    for position, value in enumerate(x):
        array = np.asarray(value.value if isinstance(value, Node) else value)
        if array.dtype.kind == "f":
            arguments.append(
                Leaf(
                    "input",
                    f"x{position}" if len(x) > 1 else "x",
                    array.astype(np.float64),
                    array.shape,
                    np.dtype(np.float64),
                )
            )
            variables.append(arguments[-1])
        else:
            arguments.append(value)
    if not variables:
        kinds = ", ".join(str(np.asarray(value).dtype) for value in x) or "no arguments"
        raise DtypeError(f"check_gradient: nothing to vary among {kinds}; give it floats, such as 1.0")
    (graph,), wide = in_float64([as_node(f(*arguments))])
    return graph, [wide.get(leaf, leaf) for leaf in variables]


def _weighed(slopes: Sequence[Node], rng: np.random.Generator) -> Node:
    total: Node | None = None
    for each in slopes:
        weights = rng.standard_normal(tuple(map(int, each.shape)))
        term = sum_of(each * constant(weights)) if each.shape else each * constant(weights)
        total = term if total is None else total + term
    assert total is not None
    return total


class _Search:
    """The point at which a gradient is compared, and how it is moved when it lies on a kink."""

    def __init__(
        self, variables: list[Leaf], point: dict[Leaf, np.ndarray], tolerance: float, rng: np.random.Generator
    ) -> None:
        self.variables, self.given, self.point = variables, point, point
        self.tolerance, self.rng = tolerance, rng
        self.moved = 0
        self.sides: tuple[float, float] | None = None

    def order(self, degree: int, number: Node, slopes: Sequence[Node]) -> OrderCheck:
        """What one order comes to along random directions."""
        value, reverse = Program([number]), Program(slopes)
        # What is drawn or computed in a narrower type all the same bounds how finely differences can see.
        narrow = any(
            node.dtype is not None and node.dtype.kind == "f" and node.dtype.itemsize < 8
            for node in between([number], self.variables)
        )
        eps = float(np.finfo(np.float32 if narrow else np.float64).eps)
        worst = OrderCheck(degree, 0.0, 0.0, 0.0, DIRECTIONS)
        done, redraws, closest = 0, 0, np.inf
        while done < DIRECTIONS:
            line = _Line(value, self.point, [np.asarray(each, np.float64) for each in reverse(self.point)], eps)
            direction = {leaf: self.rng.standard_normal(array.shape) for leaf, array in self.point.items()}
            product = line.product(self.variables, direction)
            found = line.along(direction, product, self.tolerance)
            scale = line.scale(product, found)
            verdict = _judged(found, product, self.tolerance * scale)
            kinked = found.kinked(self.tolerance * scale)
            if verdict is False or (not np.isfinite(product) and found.best is not None):
                failure = self._failure(degree, line, product, found)
                if failure is not None:
                    raise failure
                verdict, kinked = None, True
            if verdict is None:
                best = found.best
                if best is not None and scale:
                    closest = min(closest, max(SURE * best.error, abs(best.value - product)) / scale)
                redraws += 1
                if redraws > REDRAWS or not kinked:
                    raise _undecided(closest, self.tolerance, kinked)
                self._move(found)
                continue
            assert found.best is not None
            difference = found.best.value
            if abs(product - difference) > self.tolerance * scale:
                # An estimate that is good by chance; others that are good enough say what they say.
                difference = min((each.value for each in found.within(self.tolerance * scale)), key=lambda each: abs(each - product))  # fmt: skip
            error = abs(product - difference) / scale if scale else 0.0
            if error >= worst.error:
                worst = OrderCheck(degree, error, product, difference, DIRECTIONS)
            done += 1
        return worst

    def _move(self, found: Slope) -> None:
        self.moved += 1
        self.sides = self.sides or found.sides
        self.point = {
            leaf: array + 0.05 * self.rng.standard_normal(array.shape) * np.maximum(1.0, np.abs(array))
            for leaf, array in self.given.items()
        }

    def _failure(self, degree: int, line: _Line, product: float, found: Slope) -> CheckFailed | None:
        """The error with the worst entry, both its numbers and what the slip looks like; None when every entry by itself
        is right."""
        worst: tuple[float, Leaf, tuple[int, ...], float, float] | None = None
        pairs: list[tuple[Leaf, np.ndarray, np.ndarray]] = []
        seen_all = True
        for leaf, given in zip(self.variables, line.given, strict=True):
            expected = np.full(given.shape, np.nan)
            seen_all &= given.size <= ENTRIES
            for flat in range(min(given.size, ENTRIES)):
                index = tuple(int(each) for each in np.unravel_index(flat, given.shape))
                unit = {other: np.zeros_like(array) for other, array in self.point.items()}
                unit[leaf][index] = 1.0
                mine = float(given[index])
                single = line.along(unit, mine, self.tolerance)
                best = single.best
                if best is None or single.kinked(1e-3 * line.scale(mine, single)):
                    continue
                expected[index] = best.value
                if _judged(single, mine, self.tolerance * line.scale(mine, single)) is not False:
                    continue
                off = abs(best.value - mine)
                off = np.inf if np.isnan(off) else off
                if worst is None or off > worst[0]:
                    worst = (off, leaf, index, mine, best.value)
            pairs.append((leaf, given, expected))
        what = "gradient" if degree == 1 else f"derivative of order {degree}"
        if worst is None:
            if seen_all or found.best is None:
                return None
            return CheckFailed(
                f"the {what} is wrong: along a random direction reverse mode gives {product:.9g}, finite differences"
                f" {found.best.value:.9g} (right to {found.best.error:.1g})"
            )
        _, leaf, index, mine, true = worst
        slip = next((text for other, given, known in pairs if other is leaf and (text := slip_of(given, known))), "")
        entry = f" at index {index}" if index else ""
        error = CheckFailed(
            f"the {what} with respect to {describe(leaf)} is wrong{entry}: reverse mode gives {mine:.9g}, finite"
            f" differences {true:.9g}" + (f"; {slip}" if slip else "")
        )
        error.record = {
            "order": degree,
            "variable": leaf._name,
            "index": index,
            "reverse": mine,
            "difference": true,
            "hint": slip,
        }  # type: ignore[attr-defined]
        return error


@dataclass(frozen=True, slots=True)
class _Line:
    """A function at a point, with what reverse mode gives there, ready for slopes along any direction."""

    value: Program
    point: dict[Leaf, np.ndarray]
    given: list[np.ndarray]
    eps: float

    def product(self, variables: Sequence[Leaf], direction: dict[Leaf, np.ndarray]) -> float:
        """The slope along a direction as reverse mode has it."""
        return sum(float(np.sum(each * direction[leaf])) for each, leaf in zip(self.given, variables, strict=True))

    def along(self, direction: dict[Leaf, np.ndarray], product: float, tolerance: float) -> Slope:
        """The slope along a direction by differences, taken until they are well within the tolerance."""

        def at(offset: float) -> float:
            (result,) = self.value({leaf: array + offset * direction[leaf] for leaf, array in self.point.items()})
            return float(result)

        flat = np.concatenate([array.ravel() for array in self.point.values()])
        moved = np.concatenate([array.ravel() for array in direction.values()])
        size = max(abs(product), self._length()) if np.isfinite(product) else 0.0
        return slope(
            at,
            FIRST * _step(np.dtype(np.float64), flat, moved),
            self.eps,
            lambda estimate: 0.02 * tolerance * max(size, abs(estimate.value)),
            product,
        )

    def scale(self, product: float, found: Slope) -> float:
        """What the tolerance is relative to: the gradient, or the function itself where its gradient is nothing."""
        best = found.best
        size = max(abs(product), self._length(), 0.0 if best is None else abs(best.value))
        if best is not None and product == 0 and abs(best.value) <= best.error:
            size = max(size, found.size)
        return size if np.isfinite(size) else 0.0 if best is None else abs(best.value)

    def _length(self) -> float:
        return float(np.sqrt(sum(float(np.sum(each**2)) for each in self.given)))


def _judged(found: Slope, product: float, allowed: float) -> bool | None:
    """Whether a slope is right; None where differences are too coarse to say."""
    if found.best is None:
        return None
    if not np.isfinite(product):
        return False
    close = found.within(allowed)
    if any(abs(product - each.value) <= allowed for each in close):
        return True
    # All that is nearly as exact as the best must say that it is wrong.
    telling = found.within(max(allowed, 10 * found.best.error))
    if all(abs(product - each.value) > allowed + SURE * each.error for each in telling):
        return False
    return None


def _undecided(closest: float, tolerance: float, kinked: bool) -> CheckFailed:
    if kinked:
        near = f" (differences came as close as {closest:.0e} of the gradient)" if np.isfinite(closest) else ""
        return CheckFailed(
            f"not checked: after {REDRAWS} tries there is still a kink, or a value that is not finite, near the"
            f" point{near}"
        )
    return CheckFailed(
        f"not checked to {tolerance:g}: rounding leaves finite differences of this function right to about {closest:.0e}"
        f" of the gradient; so far reverse mode agrees. Ask for tolerance={10.0 ** np.ceil(np.log10(closest)):.0e} or more"
    )
