"""The checker's own evaluator: the value of a displayed term in float64, from named values only.

It never reads a gradient rule. An op that a line shows is taken by its meaning (its scalar text, its index form, its
formula), not by its override, and f′ by differencing that meaning. Only inside a formula do the simpler ops run as the
numpy engine runs them, overrides included: a softmax by its bare text would be nan at scores of 1000, where the line is
right; that every override equals its meaning is held by the table test. Every value carries index
letters: x_nd is an array with the axes n and d, a whole matrix has none. Letters align by name, so Σ_n x_nd g_nk needs
no einsum; the letter `•` numbers test points, so that one pass checks a line at all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engines.numpy import Program, meaning
from ..errors import CheckFailed, DtypeError
from ..node import Leaf
from ..op import Op, inside
from ..vocabulary import WORDS, spoken
from .terms import (
    Apply,
    AxisSum,
    Delta,
    Element,
    EntryPartial,
    Filled,
    IndexSum,
    Number,
    Partial,
    Prime,
    Product,
    Pullback,
    Symbol,
    Tensor,
    Term,
)

POINT = "•"
COLUMNS = "columns"
"""Set in `sizes`: samples are columns, so a vector beside a matrix is repeated along its columns, not its rows."""


@dataclass(frozen=True, slots=True)
class Labeled:
    """An array whose first axes are named by `labels`; the rest are the axes of the tensor itself."""

    array: np.ndarray
    labels: tuple[str, ...] = ()

    @property
    def rank(self) -> int:
        """How many axes are the tensor's own."""
        return self.array.ndim - len(self.labels)


Names = Mapping[Any, Labeled]


def evaluate(term: Term, names: Names, sizes: Mapping[str, int] | None = None) -> Labeled:
    """The value of a term. `names` maps a Symbol's name, or a Partial's (of, by), to its value; `sizes` letters to
    lengths."""
    with np.errstate(all="ignore"):
        return _evaluate(term, names, sizes or {})


def key(term: Symbol | Partial) -> Any:
    """What a named value is filed under."""
    return term.name if isinstance(term, Symbol) else (term.of, term.by)


def _evaluate(term: Term, names: Names, sizes: Mapping[str, int]) -> Labeled:
    match term:
        case Number(value=value):
            return Labeled(np.asarray(float(value)))
        case Tensor(values=values):
            return Labeled(np.asarray(values))
        case Symbol() | Partial():
            if key(term) not in names:
                raise CheckFailed(f"a line uses {key(term)!r} before any line introduced it")
            return names[key(term)]
        case Element(base=base, labels=labels):
            whole = _evaluate(base, names, sizes)
            return Labeled(whole.array, whole.labels + labels)
        case EntryPartial(of=of, by=by):
            # A Jacobian is filed under its two arrays, its own axes last: (rows …, of, by).
            whole = names[(of.base, by.base)]
            pair = next((k, j) for k, j in zip(of.labels, by.labels) if k != j)
            return Labeled(whole.array, whole.labels + pair)
        case Delta(left=left, right=right):
            return Labeled(np.eye(sizes[left]), (left, right))
        case Filled(value=value, shape=shape):
            inner = _evaluate(value, names, sizes)
            own = inner.array.reshape(
                inner.array.shape[: len(inner.labels)]
                + (1,) * (len(shape) - inner.rank)
                + inner.array.shape[len(inner.labels) :]
            )
            return Labeled(np.broadcast_to(own, own.shape[: len(inner.labels)] + tuple(map(int, shape))), inner.labels)
        case Prime(op=op, argument=argument, params=params):
            inner = _evaluate(argument, names, sizes)
            return Labeled(slope(op, inner.array, params), inner.labels)
        case IndexSum(labels=labels, body=body):
            inner = _evaluate(body, names, sizes)
            array, left = inner.array, list(inner.labels)
            for label in labels:
                if label in left:
                    array = array.sum(axis=left.index(label))
                    left.remove(label)
                else:  # the body does not vary along this letter: adding it up multiplies
                    array = array * sizes[label]
            return Labeled(array, tuple(left))
        case AxisSum(axes=axes, body=body, kept=kept):
            inner = _evaluate(body, names, sizes)
            shift = len(inner.labels)
            return Labeled(inner.array.sum(axis=tuple(axis + shift for axis in axes), keepdims=kept), inner.labels)
        case Pullback(op=op, args=args) if op is not None:
            return apply(op, [_evaluate(arg, names, sizes) for arg in args], {})
        case Product(factors=factors, style=style):
            values = [_evaluate(factor, names, sizes) for factor in factors]
            total = values[0]
            for value in values[1:]:
                total = (
                    _matrix(total, value)
                    if style == "matrix"
                    else _elementwise(np.multiply, [total, value], COLUMNS in sizes)
                )
            return total
        case Apply(op=op, args=args, params=params):
            values = [_evaluate(arg, names, sizes) for arg in args]
            try:
                return apply(op, values, params, COLUMNS in sizes)
            except DtypeError:
                # A number that is written out has no dtype; where an op asks for a place or a class, it is a whole one.
                return apply(op, [_counted(value) for value in values], params, COLUMNS in sizes)
    raise CheckFailed(f"no rule to evaluate {type(term).__name__}")


def _counted(value: Labeled) -> Labeled:
    """Numbers that are all whole, as whole numbers."""
    array = value.array
    return Labeled(array.astype(np.int64), value.labels) if (array == np.floor(array)).all() else value


def apply(op: Op, values: Sequence[Labeled], params: Mapping[str, Any], columns: bool = False) -> Labeled:
    """An op on labeled values, by its meaning; an op that is not elementwise runs once for every setting of the
    letters."""
    if op.scalar is not None:
        function = meaning(op)
        return _elementwise(lambda *arrays: function(*arrays, **params), values, columns)
    labels = tuple(dict.fromkeys(label for value in values for label in value.labels))
    lengths = {label: value.array.shape[value.labels.index(label)] for value in values for label in value.labels}
    results = []
    for setting in np.ndindex(*[lengths[label] for label in labels]):
        at = dict(zip(labels, setting))
        arrays = [value.array[tuple(at[label] for label in value.labels)] for value in values]
        results.append(_whole(op, arrays, params))
    stacked = np.asarray(results)
    return Labeled(stacked.reshape(tuple(lengths[label] for label in labels) + stacked.shape[1:]), labels)


def _whole(op: Op, arrays: Sequence[np.ndarray], params: Mapping[str, Any]) -> np.ndarray:
    if op.formula is None and op.index is None:
        assert op.numpy is not None
        return np.asarray(op.numpy(*arrays, **params))
    holes = tuple(Leaf("input", "hole", None, array.shape, array.dtype) for array in map(np.asarray, arrays))
    if op.index is not None:
        return np.asarray(op.index(*holes, **params)(*arrays))
    return np.asarray(Program.of(inside(op, holes, params)).only(*arrays))


def _aligned(values: Sequence[Labeled], columns: bool = False) -> tuple[list[np.ndarray], tuple[str, ...]]:
    labels = tuple(dict.fromkeys(label for value in values for label in value.labels))
    rank = max(value.rank for value in values)
    arrays = []
    for value in values:
        order = [value.labels.index(label) for label in labels if label in value.labels]
        count = len(value.labels)
        array = np.transpose(value.array, order + list(range(count, value.array.ndim)))
        lengths = iter(array.shape[:count])
        named = tuple(next(lengths) if label in value.labels else 1 for label in labels)
        ones = (1,) * (rank - value.rank)
        arrays.append(array.reshape(named + (array.shape[count:] + ones if columns else ones + array.shape[count:])))
    return arrays, labels


def _elementwise(function: Callable[..., Any], values: Sequence[Labeled], columns: bool = False) -> Labeled:
    arrays, labels = _aligned(values, columns)
    return Labeled(np.asarray(function(*arrays)), labels)


def _matrix(left: Labeled, right: Labeled) -> Labeled:
    if left.rank == 0 or right.rank == 0:
        return _elementwise(np.multiply, [left, right])
    padded_left = Labeled(left.array[..., None, :], left.labels) if left.rank == 1 else left
    padded_right = Labeled(right.array[..., :, None], right.labels) if right.rank == 1 else right
    arrays, labels = _aligned([padded_left, padded_right])
    result = np.matmul(*arrays)
    if right.rank == 1:
        result = result[..., 0]
    if left.rank == 1:
        result = result[..., 0, :] if right.rank > 1 else result[..., 0]
    return Labeled(result, labels)


CORNERED = frozenset({"abs", "sign", "floor", "erf", "max", "min"})
"""Words that cannot be stepped into the complex plane."""


def differenced(op: Op) -> bool:
    """Whether f′ of this op is taken by a difference along the real line."""
    words: set[str] = set()
    spoken(op.scalar or "0", (), lambda word: words.add(word) or WORDS[word].numpy)  # type: ignore[func-returns-value]
    return bool(words & CORNERED)


def slope(op: Op, x: np.ndarray, params: Mapping[str, Any]) -> np.ndarray:
    """f′(x) from the text of f alone: a step into the complex plane where f is analytic, else a seven-point
    difference."""
    function = meaning(op)
    x = np.asarray(x, dtype=np.float64)
    if not differenced(op):
        step = 1e-30
        return np.asarray(np.imag(function(x + 1j * step, **params)) / step)
    step = 2.0**-13
    weights = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
    total = sum(w * (function(x + k * step, **params) - function(x - k * step, **params)) for k, w in weights.items())
    return np.asarray(total / step)
