"""Derivatives beyond one gradient: products with Jacobians and Hessians, the matrices themselves, plain functions,
`y.backward()`.

Everything here is reverse mode applied once or twice; what comes out of a graph is a graph again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from .differentiate import backward, gradient
from .engines.long import tape_of
from .engines.numpy import Program, evaluate_all
from .errors import GradientError, ParameterError, ShapeError
from .graph import leaves, order, substitute
from .leaves import as_node, constant
from .node import Clock, Leaf, Node, abilities, describe
from .ops import broadcast, cast, reshape, stack
from .ops.linear import sum as sum_of

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad"]


def jvp(y: Node, xs: Node | Sequence[Node], vs: Any) -> Node:
    """The graph of Σ ∂y/∂x · v: how y moves when every x moves along its v; shaped like y.

    Reverse mode is linear in the gradient u that arrives, so differentiating Σ v·(what x receives) by u turns it round
    into forward mode; no second set of rules is needed. Any y, also a tensor; each v is shaped like its x.

    >>> import nngraph as ng
    >>> x = ng.input("x", [1.0, 2.0])
    >>> ng.jvp(x * x, x, [1.0, 10.0]).value
    array([ 2., 40.])
    """
    wanted, directions = _paired(xs, vs)
    arriving = Leaf("input", "u", None, y.shape, y.dtype)
    received = backward(y, wanted, seed=arriving).adjoints
    (moved,) = gradient(_inner([received[x] for x in wanted], directions, y.dtype), [arriving])
    return _without(moved, arriving)


def hvp(y: Node, xs: Node | Sequence[Node], vs: Any) -> tuple[Node, ...]:
    """The graphs of H·v, one per x: how the gradient of the number y moves when every x moves along its v.

    >>> import nngraph as ng
    >>> x = ng.input("x", [1.0, 2.0])
    >>> ng.hvp(ng.sum(x * x * x), x, [1.0, 0.0])[0].value
    array([6., 0.])
    """
    wanted, directions = _paired(xs, vs)
    return gradient(_inner(gradient(y, wanted), directions, y.dtype), wanted)


def jacobian(y: Node, x: Node) -> Node:
    """The graph of ∂y/∂x, with axes (axes of y, axes of x): one reverse pass per number of y, stacked.

    Shape: y.shape + x.shape. Its size is the product of both sizes; for a product with it use jvp, or gradient of a
    weighted sum.

    >>> import nngraph as ng
    >>> x = ng.input("x", [1.0, 2.0])
    >>> ng.jacobian(x * x, x).value
    array([[2., 0.],
           [0., 4.]])
    """
    if not isinstance(y, Node) or not isinstance(x, Node):
        raise GradientError("jacobian(y, x) takes two nodes")
    if not y.shape:
        return gradient(y, [x])[0]
    arriving = Leaf("input", "u", None, y.shape, y.dtype)
    row = backward(y, [x], seed=arriving).adjoints[x]
    count = y.size
    if count == 0:
        return broadcast(constant(np.zeros((), x.dtype)), shape=y.shape + x.shape)
    rows = []
    for at in range(count):
        unit = np.zeros(count, y.dtype)
        unit[at] = 1
        rows.append(substitute([row], {arriving: constant(unit.reshape(y.shape))})[0])
    return reshape(stack(rows, axis=0), shape=y.shape + x.shape)


def hessian(y: Node, x: Node) -> Node:
    """The graph of the second derivatives of the number y, with axes (axes of x, axes of x).

    >>> import nngraph as ng
    >>> x = ng.input("x", [1.0, 2.0])
    >>> ng.hessian(ng.sum(x * x * x), x).value
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    return jacobian(gradient(y, [x])[0], x)


def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that gives the gradient of f, an ordinary function of arrays that returns one number.

    Called with arrays it gives arrays, one for an `argnums` that is a number, a tuple for several. Called with nodes it
    gives nodes, which is why it nests to any order.

    >>> import nngraph as ng
    >>> cube = lambda x: x * x * x
    >>> float(ng.grad(cube)(2.0)), float(ng.grad(ng.grad(cube))(2.0))
    (12.0, 12.0)
    """
    both = value_and_grad(f, argnums)

    @wraps(f, assigned=("__name__", "__doc__"), updated=())
    def gradient_of(*args: Any, **more: Any) -> Any:
        return both(*args, **more)[1]

    return gradient_of


def value_and_grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., tuple[Any, Any]]:
    """A function that gives (f(…), its gradient), from one run; see `grad`.

    >>> import nngraph as ng
    >>> value, slope = ng.value_and_grad(lambda x: x * x)(3.0)
    >>> float(value), float(slope)
    (9.0, 6.0)
    """
    single = isinstance(argnums, int)
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    @wraps(f, assigned=("__name__", "__doc__"), updated=())
    def value_and_gradient_of(*args: Any, **more: Any) -> tuple[Any, Any]:
        traced, given = any(isinstance(arg, Node) for arg in (*args, *more.values())), list(args)
        for position in positions:
            if not -len(args) <= position < len(args):
                raise ParameterError(f"grad: there is no positional argument {position}; {len(args)} were given")
            given[position] = _varying(args[position], position)
        wanted = [given[position] for position in positions]
        y = as_node(f(*given, **more))
        slopes: Sequence[Any] = gradient(y, wanted)
        if not traced:
            y, *slopes = evaluate_all([y, *slopes])
        return y, (slopes[0] if single else tuple(slopes))

    return value_and_gradient_of


def _varying(argument: Any, position: int) -> Node:
    """A node of its own for one argument, so that f sees a variable that nothing else depends on."""
    if isinstance(argument, Node):
        # Without a copy, a gradient inside a gradient would also count the other ways in which y depends on this node.
        return cast(argument, dtype=argument.dtype.name)
    array = np.asarray(argument)
    if array.dtype.kind in "biu":
        raise GradientError(
            f"grad: argument {position} holds {array.dtype}; a slope needs floats, such as"
            f" {array.ravel()[0] if array.size else 1}.0"
        )
    return Leaf("input", f"x{position}", array, array.shape, array.dtype)


_plans: WeakKeyDictionary[Node, tuple[list[Leaf], Any]] = WeakKeyDictionary()
"""Output -> its parameters and the program or tape of their gradients. It holds no computed node, so no entry
keeps itself alive."""


def set_gradients(y: Node) -> None:
    """`y.backward()`: sets `.grad` of every parameter the number y depends on to a read-only array shaped like it.

    What was there is overwritten: gradients of two calls do not add up. For a sum of losses differentiate the sum.
    """
    plan = _plans.get(y)
    if plan is None:
        nodes = order(y)
        parameters = [node for node in nodes if isinstance(node, Leaf) and node.role == "parameter"]
        if not parameters:
            raise GradientError(
                f"{describe(y)} depends on no parameter; use ng.parameter for what is learned, or ng.gradient(y, [x])"
                " for inputs"
            )
        plan = (parameters, tape_of(y, parameters, nodes) or Program(gradient(y, parameters)))
        if not y.is_leaf:
            _plans[y] = plan
    parameters, program = plan
    now, results = Clock.now, program()
    if len(results) > len(parameters) and y._value is None:
        # A tape computes the value on its way.
        y._value = (program, results[0], now)
        results[0].flags.writeable = False
    for parameter, value in zip(parameters, results[-len(parameters) :]):
        value = value.view()
        value.flags.writeable = False
        parameter.grad = value


abilities["backward"] = set_gradients


def _paired(xs: Node | Sequence[Node], vs: Any) -> tuple[list[Node], list[Node]]:
    """Variables and directions as two lists of nodes, with shapes that fit."""
    wanted = [xs] if isinstance(xs, Node) else list(xs)
    given = [vs] if isinstance(xs, Node) else list(vs)
    if len(given) != len(wanted):
        raise ShapeError(f"{len(wanted)} variables need as many directions; {len(given)} were given")
    directions = []
    for x, v in zip(wanted, given):
        if not isinstance(x, Node):
            raise GradientError(f"{x!r} is not a node; pass the node itself, such as ng.input('x', …)")
        direction = v if isinstance(v, Node) else constant(v, dtype=x.dtype)
        if direction.shape != x.shape:
            raise ShapeError(
                f"a direction for {describe(x)} must have its shape, not {tuple(map(int, direction.shape))}"
            )
        directions.append(direction)
    return wanted, directions


def _inner(left: Sequence[Node], right: Sequence[Node], dtype: np.dtype) -> Node:
    """Σ of all products of two lists of tensors: one number."""
    total: Node | None = None
    for a, b in zip(left, right):
        term = sum_of(a * b) if a.shape else a * b
        total = term if total is None else total + term
    return total if total is not None else constant(np.zeros((), dtype))


def _without(result: Node, arriving: Leaf) -> Node:
    """A result that is linear in `arriving` and differentiated by it holds it at most formally; zeros stand in for it
    then."""
    if arriving not in leaves(result):
        return result
    zero = constant(np.zeros((), arriving.dtype))
    return substitute([result], {arriving: broadcast(zero, shape=arriving.shape) if arriving.shape else zero})[0]
