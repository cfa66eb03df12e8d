"""Sizes of axes: whole numbers that may carry the expression they came from, so that 1/4 can print as 1/N."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from .errors import ParameterError

SUM, PRODUCT, ATOM = 1, 2, 3


class Size(int):
    """A whole number with a name or an expression, such as N, 2·N or N−1; it counts as that number everywhere.

    >>> n = Size("N", 4)
    >>> n + 1, (2 * n).text, (n - 1).text, (n * Size("D", 3)).text
    (5, '2·N', 'N−1', 'N·D')
    """

    text: str
    binding: int
    parts: tuple[str, int, int] | None
    """The sign and the two sides of an expression; None for a size that is just a name."""

    def __new__(
        cls, text: str, value: int | None = None, binding: int = ATOM, parts: tuple[str, int, int] | None = None
    ) -> Size:
        if type(text) is not str or value is None or isinstance(value, str):
            raise ParameterError(
                "a size has a name, and a number to build the graph with: ng.Size('N', 4). What is compiled then takes any"
                f" N; got {text!r}" + (f", {value!r}" if value is not None else "")
            )
        size = super().__new__(cls, value)
        size.text, size.binding, size.parts = text, binding, parts
        return size

    def __hash__(self) -> int:
        # Two sizes that are equal today but named apart must not share a cache entry keyed by shapes.
        return hash((self.text, int(self)))

    __eq__ = int.__eq__
    __ne__ = int.__ne__

    def __add__(self, other: Any) -> Any:
        return _combine(self, other, "+", int(self) + other, SUM, SUM) if isinstance(other, int) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return _combine(other, self, "+", other + int(self), SUM, SUM) if isinstance(other, int) else NotImplemented

    def __sub__(self, other: Any) -> Any:
        return _combine(self, other, "−", int(self) - other, SUM, PRODUCT) if isinstance(other, int) else NotImplemented

    def __rsub__(self, other: Any) -> Any:
        return _combine(other, self, "−", other - int(self), SUM, PRODUCT) if isinstance(other, int) else NotImplemented

    def __mul__(self, other: Any) -> Any:
        return (
            _combine(self, other, "·", int(self) * other, PRODUCT, PRODUCT)
            if isinstance(other, int)
            else NotImplemented
        )

    def __rmul__(self, other: Any) -> Any:
        return (
            _combine(other, self, "·", other * int(self), PRODUCT, PRODUCT)
            if isinstance(other, int)
            else NotImplemented
        )

    def __floordiv__(self, other: Any) -> Any:
        return (
            _combine(self, other, "//", int(self) // other, PRODUCT, ATOM) if isinstance(other, int) else NotImplemented
        )


def size_text(size: int) -> str:
    """The expression of a size when it has one, else its digits."""
    return size.text if isinstance(size, Size) else str(int(size))


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as people write it: `N×3` for a matrix, `3` for a vector, `scalar` for a single number.

    >>> shape_text((Size("N", 4), 3)), shape_text((3,)), shape_text(())
    ('N×3', '3', 'scalar')
    """
    return "×".join(size_text(size) for size in shape) if shape else "scalar"


def product(sizes: tuple[int, ...]) -> int:
    """The product of sizes, keeping its expression; the empty product is 1."""
    total: int = 1
    for size in sizes:
        total = total * size
    return total


_SIGNS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "−": operator.sub,
    "·": operator.mul,
    "//": operator.floordiv,
    "max": max,
    "min": min,
}


def at_least(size: Size, least: int) -> Size:
    """A size that is at least so much, whatever its names become; written like the size itself.

    >>> two_fewer = at_least(Size("N", 4) - 2, 0)
    >>> two_fewer.text, int(two_fewer), int(resized(two_fewer, {"N": 1}))
    ('N−2', 2, 0)
    """
    return Size(size.text, max(int(size), least), size.binding, ("max", size, least))


def at_most(count: int, size: Size) -> Size:
    """A count, or the size where that is less, whatever its names become.

    >>> at_most(8, Size("N", 4)).text, int(at_most(8, Size("N", 4))), int(resized(at_most(8, Size("N", 4)), {"N": 9}))
    ('min(8, N)', 4, 8)
    """
    return Size(f"min({size_text(count)}, {size.text})", min(count, int(size)), ATOM, ("min", count, size))


def resized(size: int, values: Mapping[str, int]) -> int:
    """A size with its names given other values; a plain number stays.

    >>> n = Size("N", 4)
    >>> again = resized(2 * n - 1, {"N": 7})
    >>> again, again.text
    (13, '2·N−1')
    """
    if not isinstance(size, Size):
        return size
    done: dict[int, int] = {}
    stack: list[int] = [size]
    while stack:
        each = stack[-1]
        if not isinstance(each, Size) or each.parts is None:
            done[id(each)] = (
                Size(each.text, values.get(each.text, int(each)), each.binding) if isinstance(each, Size) else each
            )
            stack.pop()
            continue
        sign, left, right = each.parts
        waiting = [side for side in (left, right) if id(side) not in done]
        if waiting:
            stack.extend(waiting)
            continue
        done[id(each)] = _SIGNS[sign](done[id(left)], done[id(right)])
        stack.pop()
    return done[id(size)]


def _combine(left: int, right: int, sign: str, value: int, binding: int, right_binding: int) -> int:
    if sign == "·" and (left == 1 and not isinstance(left, Size)):
        return right
    if (
        (sign == "·" and right == 1 and not isinstance(right, Size))
        or (sign in "+−" and right == 0 and not isinstance(right, Size))
        or (sign == "//" and right == 1)
    ):
        return left
    if sign == "+" and left == 0 and not isinstance(left, Size):
        return right
    return Size(f"{_wrapped(left, binding)}{sign}{_wrapped(right, right_binding)}", value, binding, (sign, left, right))


def _wrapped(size: int, binding: int) -> str:
    text = size_text(size)
    return f"({text})" if isinstance(size, Size) and size.binding < binding else text
