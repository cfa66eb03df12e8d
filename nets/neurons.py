"""Single neurons: threshold unit and logic gates, the perceptron's rule and its bound, ADALINE, linear, logistic and
softmax regression."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autograd.errors import ParameterError, ShapeError
from ..autograd.executable import compile
from ..autograd.leaves import input as input_leaf
from ..autograd.node import Leaf, Node
from ..autograd.ops import (
    binary_cross_entropy_logits,
    cast,
    half_squared_error,
    reshape,
    sigmoid,
    softmax,
    softmax_loss,
    step,
    stop_gradient,
)
from ..autograd.ops import sum as total
from .initialize import Initializer, xavier, zeros
from .linear import Linear
from .module import Module, without_engine
from .rows import DataError, rows_of


class ThresholdUnit(Module):
    """1 where x·W + b > 0, else 0: (…, inputs) → (…, outputs). McCulloch and Pitts 1943; starts at zero weights, where
    it says 0 to all.

    >>> from nngraph import nets
    >>> unit = nets.ThresholdUnit.of([1.0, 1.0], -1.5)
    >>> unit([[0.0, 1.0], [1.0, 1.0]]).value.tolist()
    [[0.0], [1.0]]
    """

    def __init__(
        self, inputs: int, outputs: int = 1, *, start: Initializer = zeros, rng: Any = None, dtype: Any = "float32"
    ) -> None:
        self.linear = Linear(inputs, outputs, start=start, rng=rng, dtype=dtype)

    @classmethod
    def of(cls, weights: Any, bias: Any, dtype: Any = "float64") -> ThresholdUnit:
        """A unit with these weights, (inputs,) or (inputs, outputs)."""
        W = np.asarray(weights, dtype)
        W, b = W[:, None] if W.ndim == 1 else W, np.asarray(bias, dtype)
        if W.ndim != 2 or b.shape not in ((), W.shape[1:]):
            raise ShapeError(
                f"ThresholdUnit.of: weights {np.shape(weights)} with a bias {b.shape}; they are (inputs,) or (inputs,"
                " outputs), with one bias or one for each output"
            )
        unit = cls(*W.shape, dtype=dtype)
        unit.set_values({"linear/W": W, "linear/b": np.broadcast_to(b, W.shape[1:])})
        return unit

    def forward(self, x: Node) -> Node:
        return step(self.linear(x))


GATES: Mapping[str, tuple[tuple[float, ...], float]] = {
    "and": ((1.0, 1.0), -1.5),
    "or": ((1.0, 1.0), -0.5),
    "not": ((-1.0,), 0.5),
    "nand": ((-1.0, -1.0), 1.5),
    "nor": ((-1.0, -1.0), 0.5),
}
"""Gate -> weights and bias of the threshold unit that is it."""


def gate(name: str) -> ThresholdUnit:
    """The threshold unit that computes a logic gate: "and", "or", "not", "nand", "nor"; inputs and output are 0 or 1.
    McCulloch and Pitts 1943."""
    if name not in GATES:
        hint = "; no single unit is XOR, ExclusiveOr() is made of three" if name in ("xor", "xnor") else ""
        raise ParameterError(f"there is no gate {name!r}; there are {', '.join(map(repr, GATES))}{hint}")
    return ThresholdUnit.of(*GATES[name])


class ExclusiveOr(Module):
    """x1 XOR x2 = (x1 OR x2) AND (x1 NAND x2): (…, 2) → (…, 1), three threshold units in two layers, because no line
    parts (0,1) and (1,0) from (0,0) and (1,1). Minsky and Papert 1969.

    >>> from nngraph import nets
    >>> nets.ExclusiveOr()([[0, 0], [0, 1], [1, 0], [1, 1]]).value.ravel().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """

    def __init__(self) -> None:
        (OR, b), (NAND, c) = GATES["or"], GATES["nand"]
        self.hidden = ThresholdUnit.of(np.stack([OR, NAND], 1), [b, c])
        self.top = gate("and")

    def forward(self, x: Node) -> Node:
        return self.top(self.hidden(x))


# The perceptron's rule ----------------------------------------------------------------------------------------------
def perceptron_loss(z: Node, t: Node) -> Node:
    """Σ(y − t)·z, the mean over the rows, with y = 1 where z > 0, else 0, taken as fixed: 0 for a right answer, |z| for
    a wrong one. Its gradient by W is the mean of −(t − y)·x, so that SGD with the rate α on one row at a time is the
    perceptron's rule. z and t (N, outputs), t 0 or 1. Rosenblatt 1958."""
    t, y = _beside(t, z), stop_gradient(step(z))
    return total((y - t) * z) / z.shape[0]


def adaline_loss(z: Node, t: Node) -> Node:
    """½Σ(z − t)², the mean over the rows: the error is taken before the threshold, so that it also says how wrong an
    answer is. Its gradient by W is the mean of −(t − z)·x, so that SGD with the rate α on one row at a time is Δw = α(t −
    z)·x, which also is called the delta rule or LMS. z and t (N, outputs), t −1 or 1. Widrow and Hoff 1960, Adaptive Switching Circuits."""
    return half_squared_error(z, _beside(t, z)) / z.shape[0]


def perceptron_updates(unit: ThresholdUnit, x: Node, t: Node, rate: float = 1.0) -> dict[Leaf, Node]:
    """Δw = α(t − y)·x and Δb = α(t − y), summed over the rows, for `ng.compile(…, updates=…)`: x (N, inputs), t (N,
    outputs). A right answer changes nothing. Rosenblatt 1958, The Perceptron."""
    W, b = unit.parameters().values()
    error = _beside(t, unit(x)) - unit(x)
    return {W: W + rate * (x.T @ error), b: b + rate * total(error, axis=0)}


@dataclass(frozen=True)
class PerceptronStep:
    """One example seen: its row, the answer y and the target t, the weights and bias after it, and how many mistakes
    there have been so far."""

    epoch: int
    row: int
    x: np.ndarray
    y: float
    t: float
    weights: np.ndarray
    bias: float
    mistakes: int


def perceptron_steps(
    X: Any, t: Any, rate: float = 1.0, epochs: int = 100, engine: str | None = None
) -> Iterator[PerceptronStep]:
    """The perceptron's rule, example by example in the order given, from zero weights until a whole epoch has no
    mistake, or so many epochs are over. X (N, inputs), t (N,) of 0 and 1.

    >>> from nngraph import nets
    >>> steps = list(nets.perceptron_steps([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1]))
    >>> steps[-1].mistakes, steps[-1].epoch, steps[-1].weights.tolist(), steps[-1].bias
    (10, 6, [2.0, 1.0], -2.0)
    """
    X, t = _two_classes(X, t)
    if not is_positive(rate):
        raise ParameterError(f"perceptron_steps(rate={rate!r}): it must be above 0")
    unit = ThresholdUnit(X.shape[1], dtype="float64")
    x, target = input_leaf("x", shape=(1, X.shape[1])), input_leaf("t", shape=(1, 1))
    learn = compile([unit(x)], [x, target], perceptron_updates(unit, x, target, rate), engine)
    mistakes = 0
    for epoch in range(1, epochs + 1):
        before = mistakes
        for row in range(len(X)):
            y = float(learn(X[row : row + 1], t[row : row + 1, None])[0][0, 0])
            mistakes += int(y != t[row])
            W, b = unit.values().values()
            yield PerceptronStep(epoch, row, X[row], y, float(t[row]), W[:, 0].copy(), float(b[0]), mistakes)
        if mistakes == before:
            return


@dataclass(frozen=True)
class PerceptronBound:
    """Why the perceptron's rule ends: with every x written as (x, 1), no longer than `radius` R, and a line that keeps
    each example `margin` γ away on its side, every mistake moves the weights at least αγ along its normal, while k
    mistakes make them at most αR√k long. So kγ ≤ R√k: there are at most `mistakes` = (R/γ)², whatever α is. Novikoff
    1962, On Convergence Proofs on Perceptrons."""

    radius: float
    margin: float
    mistakes: float


def perceptron_bound(X: Any, t: Any, weights: Any, bias: float) -> PerceptronBound:
    """The bound that a separating line w·x + b = 0 proves; the better the line, the smaller. DataError naming the row
    that is on the wrong side.

    >>> from nngraph import nets
    >>> bound = nets.perceptron_bound([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1], [1, 1], -1.5)
    >>> round(bound.radius, 4), round(bound.margin, 4), round(bound.mistakes, 2)
    (1.7321, 0.2425, 51.0)
    """
    X, t = _two_classes(X, t)
    extended = np.concatenate([X, np.ones((len(X), 1))], 1)
    normal = np.append(np.asarray(weights, np.float64), bias)
    if normal.shape != extended.shape[1:]:
        raise ShapeError(f"weights of shape {np.shape(weights)} do not fit X of shape {X.shape}")
    margins = (2 * t - 1) * (extended @ normal) / max(float(np.linalg.norm(normal)), 1e-300)
    if margins.min() <= 0:
        raise DataError(f"row {int(margins.argmin())} is not on its side of the line, so the line proves no bound")
    radius, margin = float(np.linalg.norm(extended, axis=1).max()), float(margins.min())
    return PerceptronBound(radius, margin, (radius / margin) ** 2)


def is_positive(rate: Any) -> bool:
    """Whether it is a number above 0, as a learning rate is."""
    return isinstance(rate, (int, float, np.number)) and not isinstance(rate, bool) and bool(0 < rate < np.inf)


def _two_classes(X: Any, t: Any) -> tuple[np.ndarray, np.ndarray]:
    X, t = (np.asarray(each, np.float64) for each in rows_of((X, t), "data", np.float64))
    if X.ndim != 2 or t.ndim != 1:
        raise ShapeError(f"a perceptron takes X (rows, inputs) and t (rows,), not {X.shape} and {t.shape}")
    wrong = ~np.isin(t, (0, 1))
    if wrong.any():
        raise DataError(f"t has {t[wrong][0]:g} at row {int(wrong.argmax())}; a perceptron's targets are 0 and 1")
    return X, t


def _beside(t: Node, z: Node) -> Node:
    """Targets as numbers, one for each answer; a list of them beside a single column of answers becomes a column."""
    if len(t.shape) == 1 and len(z.shape) == 2 and z.shape[1] == 1:
        t = reshape(t, z.shape)
    if t.shape != z.shape:
        raise ShapeError(
            f"targets {tuple(map(int, t.shape))} do not fit answers {tuple(map(int, z.shape))}: one for each"
        )
    return t if t.dtype == z.dtype else cast(t, dtype=z.dtype.name)


# Regression -----------------------------------------------------------------------------------------------------------
class LinearRegression(Module):
    """One neuron that estimates an amount, y = x·w + b, such as the price of a house: (N, inputs) → (N, 1). A step of
    gradient descent is Δw = α·mean((t − y)·x), Δb = α·mean(t − y), in the unit of t over that of x. Legendre 1805, Gauss
    1809; as the rule of a neuron Widrow and Hoff 1960.

    >>> from nngraph import nets
    >>> unit = nets.LinearRegression(1)
    >>> records = list(nets.train(unit, data=([[-1.0], [1.0]], [1.0, 5.0]), epochs=50, optimizer=nets.SGD(0.5)))
    >>> unit([[0.0], [2.0]]).value.ravel().round(3).tolist()
    [3.0, 7.0]
    """

    @without_engine
    def __init__(self, inputs: int, *, start: Initializer = zeros, rng: Any = None, dtype: Any = "float32") -> None:
        self.linear = Linear(inputs, 1, start=start, rng=rng, dtype=dtype)

    def forward(self, x: Node) -> Node:
        return self.linear(x)

    def objective(self, x: Node, t: Node) -> Node:
        """The mean of ½(y − t)²; t (N,) or (N, 1). Its gradient by y is (y − t)/N."""
        return adaline_loss(self.linear(x), t)


class LogisticRegression(Module):
    """p = σ(x·w + b), the probability of class 1: (N, inputs) → (N, 1). The log-odds ln(p/(1 − p)) are linear in x, and
    a step of gradient descent is Δw = α·mean((t − p)·x). Berkson 1944; Cox 1958. With
    scikit-learn's conventions, for any number of classes, it is nets.estimators.LogisticRegression.

    >>> from nngraph import nets
    >>> unit = nets.LogisticRegression(1)
    >>> X, t = [[-2.0], [-1.0], [1.0], [2.0]], [0, 0, 1, 1]
    >>> records = list(nets.train(unit, data=(X, t), epochs=50, optimizer=nets.SGD(1.0)))
    >>> (unit([[-1.0], [1.0]]).value.ravel() > 0.5).tolist()
    [False, True]
    """

    @without_engine
    def __init__(self, inputs: int, *, start: Initializer = zeros, rng: Any = None, dtype: Any = "float32") -> None:
        self.linear = Linear(inputs, 1, start=start, rng=rng, dtype=dtype)

    def scores(self, x: Node) -> Node:
        """The log-odds x·w + b, (N, 1)."""
        return self.linear(x)

    def forward(self, x: Node) -> Node:
        return sigmoid(self.linear(x))

    def check_data(self, *arrays: np.ndarray) -> None:
        """Targets are probabilities; DataError naming the first that is none."""
        t = arrays[-1].ravel()
        wrong = (t < 0) | (t > 1)
        if wrong.any():
            raise DataError(f"t has {t[wrong][0]:g} at row {int(wrong.argmax())}; logistic regression takes 0 to 1")

    def objective(self, x: Node, t: Node) -> Node:
        """The mean of −t·ln p − (1 − t)·ln(1 − p); t (N,) or (N, 1), 0 or 1. Its gradient by the score is (p − t)/N."""
        z = self.linear(x)
        return binary_cross_entropy_logits(z, _beside(t, z))


class SoftmaxRegression(Module):
    """p = softmax(x·W + b), a probability for each class: (N, inputs) → (N, classes). A step of gradient descent is ΔW =
    α·mean(xᵀ(t − p)) with t the share 1 of the true class; with two classes it is logistic regression of the difference
    of the scores. Cox 1966; Bridle 1990. With scikit-learn's conventions it is nets.estimators.LogisticRegression.

    >>> from nngraph import nets
    >>> from nngraph.nets import data
    >>> (iris,) = data.standardized(data.iris())
    >>> net = nets.SoftmaxRegression(4, 3, rng=0)
    >>> records = list(nets.train(net, data=(iris.X, iris.t), epochs=30, optimizer=nets.SGD(0.5)))
    >>> bool((net(iris.X).value.argmax(1) == iris.t).mean() > 0.95)
    True
    """

    @without_engine
    def __init__(
        self, inputs: int, classes: int, *, start: Initializer = xavier, rng: Any = None, dtype: Any = "float32"
    ) -> None:
        self.linear = Linear(inputs, classes, start=start, rng=rng, dtype=dtype)

    def scores(self, x: Node) -> Node:
        """x·W + b, (N, classes)."""
        return self.linear(x)

    def forward(self, x: Node) -> Node:
        return softmax(self.linear(x))

    def objective(self, x: Node, t: Node) -> Node:
        """The mean of −ln p of the true class; t class numbers (N,), or shares (N, classes)."""
        return softmax_loss(self.linear(x), t)
