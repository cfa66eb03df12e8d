"""Entries of symbolic arrays: SymPy numbers made exact, and symbols that numpy's own functions can work on."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np


class Undecided(Exception):
    """Two entries had to be compared, and their values are not known."""


def number(value: Any) -> Any:
    """A SymPy object from anything an array may hold; floats that are short fractions or decimals become exact.

    >>> number(0.1), number(1 / 3), number(np.float32(0.5)), number(True)
    (1/10, 1/3, 1/2, True)
    """
    import sympy

    if isinstance(value, sympy.Basic):
        return value
    if isinstance(value, Entry):
        return value.expression
    if isinstance(value, (bool, np.bool_)):
        return sympy.true if value else sympy.false
    if isinstance(value, (int, np.integer)):
        return sympy.Integer(int(value))
    real = float(value)
    if not math.isfinite(real):
        return sympy.nan if math.isnan(real) else (sympy.oo if real > 0 else -sympy.oo)
    if len(f"{real!r}".replace(".", "").replace("-", "").lstrip("0")) <= 8:
        return sympy.Rational(repr(real))
    near = Fraction(real).limit_denominator(10_000)
    return sympy.Rational(near.numerator, near.denominator) if float(near) == real else sympy.Float(real)


class Entry:
    """An expression together with its value at the present point, so that numpy's functions run on arrays of it.

    Arithmetic and the named functions act on both; a comparison is decided by the values and noted in `assumptions`,
    which all entries of one lowering share.
    """

    __slots__ = ("assumptions", "expression", "value")

    def __init__(self, expression: Any, value: Any, assumptions: list[tuple[Any, bool]]) -> None:
        self.expression = expression
        self.value = value
        self.assumptions = assumptions

    def __repr__(self) -> str:
        return f"Entry({self.expression}, {self.value})"

    def _sympy_(self) -> Any:
        """What SymPy takes an entry for: its own functions, such as Max, accept entries directly."""
        return self.expression

    def _joined(self, other: Any, function: Callable[[Any, Any], Any], turned: bool = False) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        value = other.value if isinstance(other, Entry) else other
        pair, values = (self.expression, number(other)), (self.value, value)
        if turned:
            pair, values = pair[::-1], values[::-1]
        both = None
        if values[0] is not None and values[1] is not None:
            with np.errstate(all="ignore"):
                both = function(np.float64(values[0]), np.float64(values[1]))
        return Entry(function(*pair), both, self.assumptions)

    def __add__(self, other: Any) -> Any:
        return self._joined(other, lambda a, b: a + b)

    def __radd__(self, other: Any) -> Any:
        return self._joined(other, lambda a, b: a + b, turned=True)

    def __sub__(self, other: Any) -> Any:
        return self._joined(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Any:
        return self._joined(other, lambda a, b: a - b, turned=True)

    def __mul__(self, other: Any) -> Any:
        return self._joined(other, lambda a, b: a * b)

    def __rmul__(self, other: Any) -> Any:
        return self._joined(other, lambda a, b: a * b, turned=True)

    def __truediv__(self, other: Any) -> Any:
        return self._joined(other, lambda a, b: a / b)

    def __rtruediv__(self, other: Any) -> Any:
        return self._joined(other, lambda a, b: a / b, turned=True)

    def __pow__(self, other: Any) -> Any:
        return self._joined(other, lambda a, b: a**b)

    def __rpow__(self, other: Any) -> Any:
        return self._joined(other, lambda a, b: a**b, turned=True)

    def __neg__(self) -> Entry:
        return Entry(-self.expression, None if self.value is None else -self.value, self.assumptions)

    def __pos__(self) -> Entry:
        return self

    def __abs__(self) -> Entry:
        return -self if self < 0 else self

    def __floor__(self) -> int:
        import sympy

        if self.value is None:
            raise Undecided
        below = math.floor(self.value)
        self.assumptions.append((sympy.Eq(sympy.floor(self.expression), below), True))
        return below

    def _compared(self, other: Any, name: str, function: Callable[[Any, Any], Any]) -> bool:
        import sympy

        value = other.value if isinstance(other, Entry) else other
        if self.value is None or value is None:
            raise Undecided
        holds = bool(function(self.value, value))
        condition = getattr(sympy, name)(self.expression, number(other))
        if condition not in (sympy.true, sympy.false):
            self.assumptions.append((condition, holds))
        return holds

    def __lt__(self, other: Any) -> bool:
        return self._compared(other, "Lt", lambda a, b: a < b)

    def __le__(self, other: Any) -> bool:
        return self._compared(other, "Le", lambda a, b: a <= b)

    def __gt__(self, other: Any) -> bool:
        return self._compared(other, "Gt", lambda a, b: a > b)

    def __ge__(self, other: Any) -> bool:
        return self._compared(other, "Ge", lambda a, b: a >= b)

    def __eq__(self, other: object) -> bool:
        return self._compared(other, "Eq", lambda a, b: a == b)

    def __ne__(self, other: object) -> bool:
        return self._compared(other, "Ne", lambda a, b: a != b)

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        if self.value is None:
            raise Undecided
        import sympy

        condition = (
            self.expression
            if isinstance(self.expression, sympy.logic.boolalg.Boolean)
            else sympy.Ne(self.expression, 0)
        )
        if condition not in (sympy.true, sympy.false):
            self.assumptions.append((condition, bool(self.value)))
        return bool(self.value)

    def __getattr__(self, name: str) -> Callable[[], Entry]:
        """What numpy's functions look for on objects: `np.exp(a)` asks each entry for its `exp()`."""
        said = _METHODS.get(name)
        if said is None:
            raise AttributeError(f"an entry has no {name}")
        return lambda: Entry(
            said(self.expression), None if self.value is None else getattr(np, name)(self.value), self.assumptions
        )

    def conjugate(self) -> Entry:
        """Itself: all entries are real."""
        return self


def _sympy(name: str) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        import sympy

        return getattr(sympy, name)(x)

    return function


_METHODS: dict[str, Callable[[Any], Any]] = {
    **{name: _sympy(name) for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "log1p": lambda x: _sympy("log")(1 + x),
    "expm1": lambda x: _sympy("exp")(x) - 1,
    "log2": lambda x: _sympy("log")(x) / _sympy("log")(number(2)),
}
