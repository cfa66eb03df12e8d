"""Checking gradients in numbers: reverse mode against central differences, at first and second order.

A gradient with many entries is compared along random directions, which costs two runs per direction whatever its size;
only when that fails are entries compared one by one, to name the worst. Differences know nothing of our rules: they see
values only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .differentiate import gradient
from .engines.numpy import Program
from .errors import CheckFailed, DtypeError, GradientError, ShapeError
from .graph import leaves, order, substitute
from .leaves import as_node, constant
from .node import Leaf, Node, describe
from .ops.linear import sum as sum_of

__all__ = ["GradientCheck", "OrderCheck", "check_gradient", "finite_difference"]

REDRAWS = 20
"""How often a point near a kink is moved before the check gives up."""
CLOSER = 4
"""How often the step is made 8 times smaller before a point counts as near a kink."""
DIRECTIONS = 3
"""Random directions per order."""
ENTRIES = 512
"""At most so many entries of each variable are compared one by one to find the worst."""


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
    """A gradient that survived: per order the largest error, and how often the point was moved away from a kink."""

    orders: tuple[OrderCheck, ...]
    moved: int

    def __str__(self) -> str:
        lines = [
            f"order {each.order}: agrees to {each.error:.1e} along {each.directions} directions" for each in self.orders
        ]
        moved = (
            f"; the point was moved {self.moved} time{'s' * (self.moved != 1)}, away from a kink" if self.moved else ""
        )
        return "\n".join(lines) + moved


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
    parameters of floats under it). A result that is a tensor is weighed with random weights. The check runs in float64.
    A point near a kink (relu at 0) is moved, at most 20 times. `tolerance` is relative to the size of the gradient.

    >>> import nngraph as ng
    >>> print(ng.check_gradient(lambda x: ng.sum(ng.sin(x) * x), np.array([1.0, 2.0]), order=1))  # doctest: +ELLIPSIS
    order 1: agrees to ...e-... along 3 directions
    """
    rng = np.random.default_rng(seed)
    y, variables = _as_graph(f, x)
    weights = rng.uniform(0.5, 1.5, tuple(map(int, y.shape))) * rng.choice([-1.0, 1.0], tuple(map(int, y.shape)))
    number = sum_of(y * constant(weights)) if y.shape else y
    point = {leaf: np.asarray(leaf.value, np.float64) for leaf in variables}
    checked, moved = [], 0
    for each in range(1, order + 1):
        slopes = gradient(number, variables)
        result, point, redraws = _check_order(each, number, slopes, variables, point, tolerance, rng)
        checked.append(result)
        moved += redraws
        if each < order:
            # The next order is the gradient of this one, weighed; what vanished would weigh nothing.
            number = _weighed(slopes, rng)
    return GradientCheck(tuple(checked), moved)


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
        # Stand-ins of float64, so that no gradient is rounded to a narrower type on its way.
        wide = {
            leaf: Leaf(leaf.role, leaf._name, leaf.value.astype(np.float64))
            for leaf in leaves(f)
            if leaf.dtype.kind == "f" and leaf.role != "constant"
        }
        (graph,) = substitute([f], wide)
        return graph, [wide[leaf] for leaf in chosen]
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
    return as_node(f(*arguments)), variables


def _weighed(slopes: Sequence[Node], rng: np.random.Generator) -> Node:
    total: Node | None = None
    for slope in slopes:
        weights = rng.standard_normal(tuple(map(int, slope.shape)))
        term = sum_of(slope * constant(weights)) if slope.shape else slope * constant(weights)
        total = term if total is None else total + term
    assert total is not None
    return total


def _check_order(
    degree: int,
    number: Node,
    slopes: Sequence[Node],
    variables: list[Leaf],
    point: dict[Leaf, np.ndarray],
    tolerance: float,
    rng: np.random.Generator,
) -> tuple[OrderCheck, dict[Leaf, np.ndarray], int]:
    value, reverse = Program([number]), Program(slopes)
    # A conversion to a narrower type inside the graph bounds how finely differences can see.
    narrow = any(
        node.dtype.kind == "f" and node.dtype.itemsize < 8
        for node in order(number)
        if not node.is_leaf and node.dtype is not None
    )
    dtype = np.dtype(np.float32 if narrow else np.float64)
    worst, redraws = OrderCheck(degree, 0.0, 0.0, 0.0, DIRECTIONS), 0
    done = 0
    while done < DIRECTIONS:
        given = [np.asarray(each, np.float64) for each in reverse(point)]
        direction = {leaf: rng.standard_normal(array.shape) for leaf, array in point.items()}
        found = _slope(value, dtype, point, direction)
        if found is None:
            redraws += 1
            if redraws > REDRAWS:
                raise CheckFailed(
                    f"not checked: after {REDRAWS} tries there is still a kink, or a value that is not finite, near the"
                    " point"
                )
            point = {
                leaf: array + 0.05 * rng.standard_normal(array.shape) * np.maximum(1.0, np.abs(array))
                for leaf, array in point.items()
            }
            continue
        difference, noise = found
        product = sum(float(np.sum(slope * direction[leaf])) for slope, leaf in zip(given, variables))
        scale = max(abs(product), abs(difference), float(np.sqrt(sum(float(np.sum(slope**2)) for slope in given))))
        off = abs(product - difference)
        if not np.isfinite(product) or off > tolerance * scale + noise:
            raise _failure(degree, value, dtype, variables, point, given, product, difference)
        error = off / scale if scale else 0.0
        if error >= worst.error:
            worst = OrderCheck(degree, error, product, difference, DIRECTIONS)
        done += 1
    return worst, point, redraws


def _slope(
    value: Program, dtype: np.dtype, point: dict[Leaf, np.ndarray], direction: dict[Leaf, np.ndarray]
) -> tuple[float, float] | None:
    """The slope along a direction and what rounding may add to it; None near a kink or where a value is not finite."""

    def at(offset: float) -> float:
        (result,) = value({leaf: array + offset * direction[leaf] for leaf, array in point.items()})
        return float(result)

    here = at(0.0)
    flat = np.concatenate([array.ravel() for array in point.values()])
    along = np.concatenate([array.ravel() for array in direction.values()])
    h = _step(dtype, flat, along)
    # A function that bends sharply, or a kink close by, is told from a kink right here by coming closer.
    for _ in range(CLOSER):
        found = _slope_with_step(at, here, h, float(np.finfo(dtype).eps))
        if found is not None:
            return found
        h /= 8
    return None


def _slope_with_step(at: Callable[[float], float], here: float, h: float, eps: float) -> tuple[float, float] | None:
    forward, backward, near_forward, near_backward = at(h), at(-h), at(h / 2), at(-h / 2)
    seen = (here, forward, backward, near_forward, near_backward)
    if not np.isfinite(seen).all():
        return None
    wide, near = (forward - backward) / (2 * h), (near_forward - near_backward) / h
    noise = 20 * eps * max(map(abs, seen)) / h
    # The jump between the slopes on the two sides halves with h where the function bends; where it has a kink it stays.
    jump, near_jump = (forward - 2 * here + backward) / h, (near_forward - 2 * here + near_backward) / (h / 2)
    size = max(abs(wide), abs(near), abs(jump))
    if abs(near_jump) > 0.75 * abs(jump) + noise and abs(near_jump) > 1e-6 * size + 4 * noise:
        return None
    # What Richardson's step leaves over is about the square of what it takes away.
    if abs(wide - near) > 1e-4 * size + 4 * noise:
        return None
    return (4 * near - wide) / 3, noise


def _failure(
    degree: int,
    value: Program,
    dtype: np.dtype,
    variables: list[Leaf],
    point: dict[Leaf, np.ndarray],
    given: list[np.ndarray],
    product: float,
    difference: float,
) -> CheckFailed:
    """The error with the worst entry, both its numbers and what the slip looks like."""
    worst: tuple[float, Leaf, tuple[int, ...], float, float] | None = None
    pairs: list[tuple[Leaf, np.ndarray, np.ndarray]] = []
    for leaf, slope in zip(variables, given):
        expected = np.full(slope.shape, np.nan)
        for flat in range(min(slope.size, ENTRIES)):
            index = tuple(int(each) for each in np.unravel_index(flat, slope.shape))
            unit = {other: np.zeros_like(array) for other, array in point.items()}
            unit[leaf][index] = 1.0
            found = _slope(value, dtype, point, unit)
            if found is None:
                continue
            expected[index] = found[0]
            off = abs(found[0] - float(slope[index]))
            off = np.inf if np.isnan(off) else off
            if worst is None or off > worst[0]:
                worst = (off, leaf, index, float(slope[index]), found[0])
        pairs.append((leaf, slope, expected))
    what = "gradient" if degree == 1 else f"derivative of order {degree}"
    if worst is None:
        return CheckFailed(
            f"the {what} is wrong: along a random direction reverse mode gives {product:.9g}, finite differences"
            f" {difference:.9g}"
        )
    _, leaf, index, mine, true = worst
    slip = next((text for other, slope, expected in pairs if other is leaf and (text := slip_of(slope, expected))), "")
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


def slip_of(given: np.ndarray, expected: np.ndarray) -> str:
    """What turns a wrong gradient into the right one, in a few words; empty when nothing simple does.

    >>> slip_of(np.array([2.0, 4.0]), np.array([1.0, 2.0]))
    'it is 2 times too large'
    """
    known = np.isfinite(expected)
    if not known.any():
        return ""
    mine, true = given[known], expected[known]

    def same(a: np.ndarray, b: np.ndarray) -> bool:
        return bool(np.allclose(a, b, rtol=1e-4, atol=1e-6 * max(1.0, float(np.max(np.abs(b), initial=0.0)))))

    if not np.isfinite(mine).all():
        return "it is not finite although the function is smooth here; ng.find_nonfinite names the node"
    if not mine.any():
        return "it is zero: is there a stop_gradient, a rounding or a comparison on the way?"
    if same(-mine, true):
        return "its sign is turned round"
    if given.ndim == 2 and given.shape[0] == given.shape[1] and known.all() and same(given.T, expected):
        return "it is the transpose of the right one"
    if np.max(np.abs(true)) > 0:
        factor = float(np.sum(mine * true) / np.sum(true * true))
        if factor and same(mine / factor, true):
            close = round(factor) if abs(factor) >= 1 else round(1 / factor)
            exact = (
                abs(factor - close) < 1e-4 * abs(factor)
                if abs(factor) >= 1
                else abs(1 / factor - close) < 1e-4 * abs(1 / factor)
            )
            amount = f"{close}" if exact else f"{abs(factor) if abs(factor) >= 1 else 1 / abs(factor):.6g}"
            return f"it is {amount} times too {'large' if abs(factor) >= 1 else 'small'}"
    wrong = int(np.sum(~np.isclose(mine, true, rtol=1e-4, atol=1e-6)))
    return f"{wrong} of {mine.size} entries are wrong" if wrong < mine.size else ""
