"""The same line in another convention: gradients in numerator layout, or samples as columns instead of rows.

Both turn matrices over. A turned product is the product of the turned factors in reverse order, so the convention is
pushed down to the names, and only names that keep their old orientation end up with a ᵀ.
"""

from __future__ import annotations

from collections.abc import Callable

from ..ops.linear import outer, transpose
from .convert import rank_of, turned
from .terms import Apply, AxisSum, Filled, Partial, Prime, Product, Pullback, Symbol, Term, replaced, walk


def numerator(term: Term) -> Term:
    """A gradient in denominator layout, shaped like its variable, rewritten in numerator layout, shaped like its
    transpose."""
    return _oriented(term, lambda each: isinstance(each, Partial))


def columns(term: Term) -> Term:
    """A line about samples in rows, rewritten for samples in columns: every matrix is turned over."""
    # A vector beside a matrix is then a column, repeated along the columns, so it needs no turning.
    return _oriented(term, lambda each: True, (0, 1, 2))


def _oriented(term: Term, changes: Callable[[Symbol | Partial], bool], beside: tuple[int, ...] = (0, 2)) -> Term:
    def change(each: Term) -> Term | None:
        if isinstance(each, (Symbol, Partial)) and each.rank == 2 and changes(each):
            return Apply(transpose, (each,), {"axes": (1, 0)})
        if (
            isinstance(each, Apply)
            and each.op is transpose
            and isinstance(each.args[0], (Symbol, Partial))
            and changes(each.args[0])
        ):
            return each.args[0]
        return None

    changed = replaced(term, change)
    return transposed(changed, beside) if rank_of(term) == 2 else settled_inside(changed, beside)


def transposed(term: Term, beside: tuple[int, ...] = (0, 2)) -> Term:
    """The transpose of a rank-2 term, pushed down to its names; `beside`: ranks that may stand beside a matrix as they
    are."""
    if rank_of(term) != 2:
        return settled_inside(term, beside)
    match term:
        case Apply(op=op, args=args) if op is transpose:
            return settled_inside(args[0], beside)
        case Pullback():
            return turned(term)
        case Product(factors=factors, style="matrix") if all(rank_of(factor) == 2 for factor in factors):
            return Product(tuple(transposed(factor, beside) for factor in reversed(factors)), "matrix")
        case Apply(op=op, args=args) if op is outer:
            return Apply(outer, args[::-1])
        case Product(factors=factors, style=style) if style != "matrix" and all(
            rank_of(factor) in beside for factor in factors
        ):
            return Product(tuple(transposed(factor, beside) for factor in factors), style)
        case Apply(op=op, args=args, params=params) if op.scalar is not None and all(
            rank_of(arg) in beside for arg in args
        ):
            return Apply(op, tuple(transposed(arg, beside) for arg in args), params)
        case Prime(op, argument, params):
            return Prime(op, transposed(argument, beside), params)
        case Filled(value, shape) if rank_of(value) == 0:
            return Filled(value, shape[::-1])
        case Apply(op=op, args=args, params=params) if (
            op.formula is not None and len(args) == 1 and isinstance(params.get("axis"), int)
        ):
            return Apply(op, (transposed(args[0], beside),), {**params, "axis": 1 - params["axis"]}, 2)
        case AxisSum(axes, labels, body, kept) if kept and rank_of(body) == 2:
            return AxisSum(
                tuple(sorted(1 - axis for axis in axes)),
                labels[::-1] if len(labels) > 1 else labels,
                transposed(body, beside),
                kept,
            )
    return turned(settled_inside(term, beside))


def settled_inside(term: Term, beside: tuple[int, ...] = (0, 2)) -> Term:
    """Sums over an axis of a matrix taken over the turned matrix, when that spares a transpose."""

    def change(each: Term) -> Term | None:
        if isinstance(each, AxisSum) and rank_of(each.body) == 2 and not each.kept:
            body = transposed(each.body, beside)
            if _transposes(body) < _transposes(each.body):
                return AxisSum(
                    tuple(sorted(1 - axis for axis in each.axes)),
                    each.labels[::-1] if len(each.labels) > 1 else each.labels,
                    body,
                    False,
                )
        return None

    return replaced(term, change)


def _transposes(term: Term) -> int:
    return sum(isinstance(each, Apply) and each.op is transpose for each in walk(term))


__all__ = ["columns", "numerator", "transposed"]
