"""Where parameters start. Each rule is a function (rng, shape) -> float64 array; `fans` says how many numbers meet in one unit.

Axes: a matrix is (inputs, outputs); a convolution's weights are (outputs, inputs, *window).
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt

import numpy as np

from ..autograd.errors import ParameterError, ShapeError

Initializer = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
Rng = np.random.Generator | int | None
"""What layers draw their first numbers from: a generator, a seed, or the generator that they share."""

_default = np.random.default_rng(0)


def seed(number: int) -> None:
    """Start the numbers of all layers that are built without an `rng` of their own from this seed. A program starts with
    seed 0, so that it builds the same networks whenever it is run.

    >>> from nngraph import nets
    >>> nets.seed(1); first = nets.Linear(2, 2).W.value
    >>> nets.seed(1); bool((nets.Linear(2, 2).W.value == first).all())
    True
    """
    global _default
    _default = generator(number)


def generator(rng: Rng = None) -> np.random.Generator:
    """The generator itself, a new one from a seed, or the one that layers share when none is given."""
    if rng is None:
        return _default
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, (bool, float)) or not isinstance(rng, (int, np.integer)) or rng < 0:
        raise ParameterError(f"rng={rng!r}: a seed is a whole number from 0 up; a numpy Generator will do as well")
    return np.random.default_rng(int(rng))


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many numbers flow into a unit, and to how many units each number flows.

    >>> fans((784, 100)), fans((16, 3, 5, 5))
    ((784, 100), (75, 400))
    """
    if len(shape) < 2:
        raise ShapeError(f"a shape {shape} has no inputs and outputs; biases start at zero")
    if len(shape) == 2:
        return shape[0], shape[1]
    return shape[1] * prod(shape[2:]), shape[0] * prod(shape[2:])


def drawn(start: Initializer, rng: Rng, shape: tuple[int, ...], name: str) -> np.ndarray:
    """The first values of the parameter of this name, checked: ParameterError for sizes that are none, ShapeError for an
    initializer that gives another shape."""
    if any(isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1 for size in shape):
        raise ParameterError(
            f"{name} of shape ({', '.join(map(repr, shape))}): the numbers of inputs, units and the like are whole, from 1 up"
        )
    if not callable(start):
        raise ParameterError(f"start={start!r}: an initializer is a function (rng, shape), such as nets.he")
    values = np.asarray(start(generator(rng), shape))
    if values.shape != tuple(shape):
        raise ShapeError(f"the initializer of {name} gives the shape {values.shape}, not {tuple(map(int, shape))}")
    return values


def zeros(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """All 0. Right for biases; for weights, all units of a layer then compute the same, receive the same gradient and stay
    the same, which is why learning starts from small random numbers. Rumelhart, Hinton and Williams 1986."""
    return np.zeros(shape)


def normal(spread: float = 0.01) -> Initializer:
    """The bell curve around 0 with this spread, whatever the size of the layer: 0.01 does for a layer or two. Krizhevsky,
    Sutskever and Hinton 2012.

    >>> import numpy as np
    >>> float(normal(0.01)(np.random.default_rng(0), (100, 100)).std().round(3))
    0.01
    """
    _least_zero("normal", spread)
    return lambda rng, shape: rng.normal(0.0, spread, shape)


def uniform(bound: float = 0.05) -> Initializer:
    """Evenly from [−bound, bound), of spread bound/√3."""
    _least_zero("uniform", bound)
    return lambda rng, shape: rng.uniform(-bound, bound, shape)


def xavier(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Evenly with variance 2/(inputs + outputs), which keeps the spread of values forward and of gradients backward while
    units are nearly linear: for tanh and sigmoid. Glorot and Bengio 2010.

    >>> import numpy as np
    >>> W = xavier(np.random.default_rng(0), (300, 100))
    >>> float(W.var().round(4)), 2 / (300 + 100)
    (0.005, 0.005)
    """
    inputs, outputs = fans(shape)
    bound = sqrt(6.0 / max(inputs + outputs, 1))
    return rng.uniform(-bound, bound, shape)


def he(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """The bell curve with variance 2/inputs, because a rectifier silences half of its inputs: for ReLU. He et al. 2015,
    arXiv:1502.01852.

    >>> import numpy as np
    >>> W = he(np.random.default_rng(0), (400, 100))
    >>> float(W.var().round(4)), 2 / 400
    (0.005, 0.005)
    """
    return rng.normal(0.0, sqrt(2.0 / max(fans(shape)[0], 1)), shape)


def orthogonal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A matrix whose columns (or rows, whichever are fewer) are orthonormal, so that repeated products neither grow nor
    shrink: for recurrent weights. Saxe, McClelland and Ganguli 2014, arXiv:1312.6120.

    >>> import numpy as np
    >>> W = orthogonal(np.random.default_rng(0), (5, 3))
    >>> bool(np.allclose(W.T @ W, np.eye(3)))
    True
    """
    inputs, outputs = fans(shape)
    rows, columns = (inputs, outputs) if len(shape) == 2 else (shape[0], inputs)
    tall = rng.normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    # The signs make the result uniformly distributed; QR alone prefers some.
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    return (q if rows >= columns else q.T).reshape(shape)


def _least_zero(name: str, value: float) -> None:
    if not value >= 0:
        raise ParameterError(f"{name}({value!r}): how far numbers scatter is 0 or more")
