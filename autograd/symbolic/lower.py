"""A graph as SymPy expressions, and SymPy as a second, independent judge of a gradient.

SymPy differentiates the lowered forward pass entry by entry and the result is compared with the lowered backward pass.
Its matrix `diff` is never used: it can be silently wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..differentiate import gradient
from ..errors import GradientError
from ..node import Leaf, Node, describe
from ..special import erf
from .lowering import Lowering, LoweringError, as_array

__all__ = ["LoweringError", "Partial", "Verification", "lower", "verify"]

TOLERANCE = 1e-9
"""How far the two roads may lie apart at a point, relative to 1 + |value|: both compute the same thing in float64."""
CANDIDATES = 20
"""How many random points are tried before a partial derivative is said not to be checked."""
SMALL = 40
"""An expression of at most this many operations is handed to SymPy's `simplify`, which may take long on larger ones."""


def lower(node: Node, symbols: Mapping[Leaf, Any] | None = None) -> Any:
    """`node` as a SymPy expression, or as an object array of expressions shaped like it.

    Entries of a leaf `W` are the real symbols `W_1_1`, `W_1_2`, …, counted from 1 as in mathematics; a scalar leaf is
    one symbol. `symbols` may give a leaf other entries, numbers among them. Whole-number and logical leaves stand for
    their values. Where an op has to compare entries to know what to do (the place of the largest), it follows the
    leaves' present values. LoweringError when it has none, or when an op cannot be said in SymPy.

    >>> import nngraph as ng
    >>> w, x = ng.input("w", 2.0), ng.input("x", shape=(2,))
    >>> lower(ng.sum(w * ng.square(x)))
    w*x_1**2 + w*x_2**2
    """
    array = Lowering(symbols).arrays([node])[0]
    if isinstance(array, np.ndarray) and array.shape == ():
        return array[()]
    return array


@dataclass(frozen=True, slots=True)
class Partial:
    """One partial derivative by both roads: ∂output/∂(the entry of `leaf` at `index`, counted from 0)."""

    leaf: str
    index: tuple[int, ...]
    sympy: Any
    """SymPy's derivative of the lowered forward pass."""
    nngraph: Any
    """The lowered backward pass."""
    proved: bool
    """True when SymPy shows the two equal; else they were compared in numbers."""
    error: float | None
    """The largest |a − b| / (1 + |a|) over the points; 0 when proved, None when no point could be found."""

    @property
    def ok(self) -> bool:
        """Whether the two roads lead to the same place."""
        return self.proved or (self.error is not None and self.error <= TOLERANCE)


@dataclass(frozen=True, slots=True)
class Verification:
    """What SymPy says about a gradient."""

    partials: tuple[Partial, ...]
    points: int
    """At how many random points partials were compared; 0 when all were proved."""
    assumptions: tuple[str, ...]
    """Comparisons that were decided by the leaves' values, as conditions under which the expressions hold."""

    @property
    def ok(self) -> bool:
        """Whether every partial derivative agrees."""
        return all(partial.ok for partial in self.partials)

    @property
    def differs(self) -> bool:
        """Whether some partial derivative came out differently; one that could not be compared does not count."""
        return any(partial.error is not None and not partial.ok for partial in self.partials)

    @property
    def proved(self) -> int:
        """How many partial derivatives SymPy showed to be equal without numbers."""
        return sum(partial.proved for partial in self.partials)

    @property
    def error(self) -> float | None:
        """The largest error of any partial; None when one could not be checked."""
        errors = [partial.error for partial in self.partials]
        return None if None in errors else max((error for error in errors if error is not None), default=0.0)


def verify(
    output: Node,
    wrt: Sequence[Leaf] | Leaf,
    *,
    symbols: Mapping[Leaf, Any] | None = None,
    points: int = 3,
    seed: int = 0,
    simplify: bool = True,
) -> Verification:
    """SymPy's derivative of the lowered forward pass against the lowered backward pass, for every entry of every w.

    Equality is shown by SymPy where it can, else by numbers at `points` random points near the leaves' values (near 0
    for leaves that have none) where all comparisons come out as they did. `symbols` may fix entries of leaves to
    numbers, which are then not differentiated. `simplify=False` spares the slower proofs.

    GradientError when the gradient does not exist, LoweringError when an op cannot be said in SymPy.

    >>> import nngraph as ng
    >>> w, x = ng.input("w", 2.0), ng.input("x", 3.0)
    >>> report = verify(ng.square(w * x), [w, x])
    >>> report.ok, report.proved, report.partials[0].sympy
    (True, 2, 2*w*x**2)
    """
    leaves = [wrt] if isinstance(wrt, Node) else list(wrt)
    for leaf in leaves:
        if not isinstance(leaf, Leaf):
            raise GradientError(
                f"SymPy differentiates by symbols, and {describe(leaf)} is computed; ask for the leaves under it"
            )
    translation = Lowering(symbols)
    forward, *backward = translation.arrays([output, *gradient(output, leaves)])
    slots, pairs = [], []
    for leaf, sent in zip(leaves, backward):
        entries = translation.leaf(leaf)
        sent = as_array(sent)
        for index in np.ndindex(entries.shape):
            if entries[index].is_Symbol:
                slots.append((leaf._name or "x", index))
                pairs.append((derivative(forward[()], entries[index]), sent[index]))
    proved = [_equal(a, b, simplify) for a, b in pairs]
    open_pairs = [pair for pair, done in zip(pairs, proved) if not done]
    errors = iter(_errors(open_pairs, translation, points, seed)) if open_pairs else iter(())
    partials = tuple(
        Partial(name, index, a, b, done, 0.0 if done else next(errors))
        for (name, index), (a, b), done in zip(slots, pairs, proved)
    )
    return Verification(
        partials,
        points if open_pairs else 0,
        tuple(_condition(*each) for each in dict.fromkeys(translation.assumptions)),
    )


def derivative(expression: Any, symbol: Any) -> Any:
    """SymPy's derivative where it exists; jumps and corners count as flat, as they do in every gradient here.

    >>> import sympy
    >>> x = sympy.Symbol("x", real=True)
    >>> derivative(sympy.floor(x) * x, x), derivative(sympy.sign(x), x)
    (floor(x), 0)
    """
    import sympy

    if not isinstance(expression, sympy.Expr):
        return sympy.Integer(0)
    stand_ins = _stand_ins()
    ready = expression.replace(lambda each: type(each) in stand_ins, lambda each: stand_ins[type(each)](*each.args))
    result = sympy.diff(ready, symbol)
    result = result.replace(lambda each: isinstance(each, sympy.DiracDelta), lambda each: sympy.Integer(0))
    back = {stand_in: original for original, stand_in in stand_ins.items()}
    return result.replace(lambda each: type(each) in back, lambda each: back[type(each)](*each.args))


_made: dict[Any, Any] = {}


def _stand_ins() -> dict[Any, Any]:
    """SymPy's functions with corners and jumps -> functions that have the slope 0 there instead of a distribution."""
    import sympy

    if not _made:

        class Corner(sympy.Function):
            def fdiff(self, argindex: int = 1) -> Any:
                return sympy.sign(self.args[0])

        class Step(sympy.Function):
            def fdiff(self, argindex: int = 1) -> Any:
                return sympy.Integer(0)

        class Turn(Step):
            pass

        _made.update({sympy.Abs: Corner, sympy.floor: Step, sympy.sign: Turn})
    return _made


def _equal(a: Any, b: Any, simplify: bool) -> bool:
    import sympy

    if a == b:
        return True
    difference = a - b
    if difference == 0:
        return True
    if difference.count_ops() > SMALL:
        return False
    return bool(sympy.expand(difference) == 0 or (simplify and sympy.simplify(difference) == 0))


def _errors(pairs: Sequence[tuple[Any, Any]], translation: Lowering, points: int, seed: int) -> list[float | None]:
    """The largest relative error of each pair over `points` random points; None where too few good ones are found."""
    import sympy

    symbols, centers = [], []
    for leaf, entries in translation.symbols.items():
        for index in np.ndindex(entries.shape):
            if entries[index].is_Symbol:
                symbols.append(entries[index])
                centers.append(float(leaf._value[index]) if leaf._value is not None else None)
    rng = np.random.default_rng(seed)
    # The first points lie far from the leaves' values, the last ones close, in case only those keep every comparison.
    radius = 0.5 * 0.7 ** np.arange(CANDIDATES)
    values = [
        rng.uniform(-2, 2, CANDIDATES)
        if center is None
        else center + (0.1 + abs(center)) * radius * rng.uniform(-1, 1, CANDIDATES)
        for center in centers
    ]
    conditions = list(dict.fromkeys(translation.assumptions))
    wanted = [each for pair in pairs for each in pair] + [condition for condition, _ in conditions]
    modules: list[Any] = [{"erf": erf, "Heaviside": lambda x, at: np.heaviside(x, 0.5)}, "numpy"]
    function = sympy.lambdify(symbols, wanted, modules=modules, cse=True)
    with np.errstate(all="ignore"):
        found = [np.broadcast_to(each, (CANDIDATES,)) for each in function(*values)]
    good = np.ones(CANDIDATES, dtype=bool)
    for value, (_, holds) in zip(found[2 * len(pairs) :], conditions):
        good &= np.asarray(value, dtype=bool) == holds
    errors: list[float | None] = []
    for at in range(len(pairs)):
        a, b = found[2 * at], found[2 * at + 1]
        here = np.flatnonzero(good & np.isfinite(a) & np.isfinite(b))[:points]
        errors.append(float(np.max(np.abs(a[here] - b[here]) / (1 + np.abs(a[here])))) if len(here) == points else None)
    return errors


def _condition(condition: Any, holds: bool) -> str:
    import sympy

    return str(condition if holds else sympy.Not(condition))
