"""Functions of two numbers on which optimizers are compared, and the ways that optimizers take on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autograd.differentiate import gradient
from ..autograd.errors import ParameterError
from ..autograd.executable import compile
from ..autograd.leaves import constant, parameter
from ..autograd.node import Leaf, Node
from ..autograd.ops import square
from .optimizers import Optimizer
from .quasi_newton import LBFGS

Place = tuple[float, float]


@dataclass(frozen=True)
class Surface:
    """A function of two nodes, `f`, and in Unicode its `formula`; where it is least, a start from which the ways are worth
    seeing, the window that shows them, and who it comes from."""

    name: str
    formula: str
    f: Callable[[Any, Any], Any]
    minimum: Place
    start: Place
    window: tuple[Place, Place]
    source: str

    def height(self, x: Any, y: Any) -> np.ndarray:
        """The function's values for two arrays of the same shape.

        >>> from nngraph import nets
        >>> nets.surfaces["rosenbrock"].height([-1.2, 1.0], [1.0, 1.0]).round(4).tolist()
        [24.2, 0.0]
        """
        return self.f(constant(np.asarray(x, np.float64)), constant(np.asarray(y, np.float64))).value

    def leaves(self, start: Place | None = None) -> dict[str, Leaf]:
        """Two parameters x and y at the start."""
        return {name: parameter(name, float(value)) for name, value in zip("xy", start or self.start, strict=True)}


surfaces: dict[str, Surface] = {
    surface.name: surface
    for surface in (
        Surface(
            "valley", "½x² + 10y²", lambda x, y: 0.5 * square(x) + 10 * square(y),
            (0.0, 0.0), (-4.0, 1.0), ((-4.6, 1.8), (-1.5, 1.5)), "Polyak 1964, Some Methods of Speeding Up the Convergence of Iteration Methods",
        ),
        Surface(
            "saddle", "½x² − ½y² + ¼y⁴", lambda x, y: 0.5 * square(x) - 0.5 * square(y) + 0.25 * y**4,
            (0.0, 1.0), (-1.5, 0.01), ((-1.8, 1.0), (-1.5, 1.5)), "Nesterov 2004, Introductory Lectures on Convex Optimization",
        ),
        Surface(
            "beale", "(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²",
            lambda x, y: square(1.5 - x + x * y) + square(2.25 - x + x * y**2) + square(2.625 - x + x * y**3),
            (3.0, 0.5), (1.0, 1.5), ((-0.5, 4.5), (-1.5, 2.0)),
            "Beale 1958, On an Iterative Method for Finding a Local Minimum of a Function of More Than One Variable",
        ),
        Surface(
            "rosenbrock", "(1 − x)² + 100(y − x²)²", lambda x, y: square(1 - x) + 100 * square(y - square(x)),
            (1.0, 1.0), (-1.2, 1.0), ((-1.8, 1.6), (-0.6, 2.0)),
            "Rosenbrock 1960, An Automatic Method for Finding the Greatest or Least Value of a Function",
        ),
    )
}  # fmt: skip
"""The classic ones by name. The saddle lies at (0, 0), between two minima at (0, ±1)."""


def trajectory(
    surface: Surface, optimizer: Optimizer | LBFGS, steps: int = 100, start: Place | None = None, engine: str | None = None
) -> np.ndarray:
    """The way an optimizer takes on a surface: (steps + 1, 2), the start first. L-BFGS stays where it ends.

    >>> from nngraph import nets
    >>> way = nets.trajectory(nets.surfaces["valley"], nets.SGD(0.05), steps=60)
    >>> way.shape, way[0].tolist(), way[-1].round(1).tolist()
    ((61, 2), [-4.0, 1.0], [-0.2, 0.0])
    """
    if steps < 1:
        raise ParameterError(f"steps={steps}: a way has at least one")
    leaves = surface.leaves(start)
    x, y = leaves.values()
    height: Node = surface.f(x, y)
    places = [[float(leaf.value) for leaf in (x, y)]]
    if isinstance(optimizer, LBFGS):
        for iteration in optimizer.minimize(height, leaves, steps, engine):
            if iteration.number >= len(places):
                places.append([float(leaf.value) for leaf in (x, y)])
        places += places[-1:] * (steps + 1 - len(places))
    else:
        updates = optimizer.updates(leaves, gradient(height, [x, y]))
        step = compile([updates[x], updates[y]], updates=updates, engine=engine)
        places += [[float(place) for place in step()] for _ in range(steps)]
    return np.array(places)
