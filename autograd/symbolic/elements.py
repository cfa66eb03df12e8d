"""Matrix form into index form: the same term, written for one entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..ops.linear import contract, outer, transpose
from .convert import product, rank_of
from .evaluate import COLUMNS
from .terms import (
    Apply,
    AxisSum,
    Delta,
    Element,
    Filled,
    IndexSum,
    Number,
    Partial,
    Prime,
    Product,
    Pullback,
    Symbol,
    Term,
    children,
    replaced,
)

Letters = Mapping[str, tuple[str, ...]]


def letters_of(term: Term, letters: Letters) -> tuple[str, ...]:
    """The index letter of every axis of a term; empty strings where a letter cannot be told."""
    match term:
        case Symbol(name=name):
            return letters.get(name, ())
        case Partial(by=by):
            return letters.get(partial_key(by[-1]), letters.get(by[-1], ()))
        case Prime(argument=argument):
            return letters_of(argument, letters)
        case Filled(shape=shape):
            return ("",) * len(shape)
        case AxisSum(axes=axes, body=body, kept=kept):
            return tuple(
                ("" if axis in axes else letter)
                for axis, letter in enumerate(letters_of(body, letters))
                if kept or axis not in axes
            )
        case Pullback(factors=factors):
            return letters_of(factors[0].args[0], letters) if isinstance(factors[0], Apply) else ()
        case Product(factors=factors, style="matrix"):
            found = letters_of(factors[0], letters)
            for factor in factors[1:]:
                other = letters_of(factor, letters)
                found = found[:-1] + (other[:-2] + other[-1:] if len(other) > 1 else ())
            return found
        case Apply(op=op, args=args) if op is transpose:
            return letters_of(args[0], letters)[::-1]
        case Apply(op=op, args=args) if op is outer:
            return letters_of(args[0], letters) + letters_of(args[1], letters)
    parts = [letters_of(child, letters) for child in children(term)]
    rank = max((len(part) for part in parts), default=0)
    best: list[str] = [""] * rank
    for part in parts:
        for axis, letter in enumerate(part):
            best[rank - len(part) + axis] = best[rank - len(part) + axis] or letter
    return tuple(best)


def partial_key(name: str) -> str:
    """Where the letters of ∂E/∂name stand when they are not those of name itself (numerator layout)."""
    return "∂" + name


def with_axis_letters(term: Term, letters: Letters) -> Term:
    """Every Σ over an axis told the letter of that axis, as far as it can be known."""

    def change(each: Term) -> Term | None:
        if isinstance(each, AxisSum) and not each.labels:
            body = with_axis_letters(each.body, letters)
            found = letters_of(body, letters)
            return AxisSum(
                each.axes,
                tuple(found[axis] or "i" if axis < len(found) else "i" for axis in each.axes),
                body,
                each.kept,
            )
        return None

    return replaced(term, change)


class NotByEntry(Exception):
    """The term has a part that no entry formula is known for (a reshape, a window)."""


def entry(term: Term, labels: Sequence[str], letters: Letters, ones: frozenset[tuple[str, int]] = frozenset()) -> Term:
    """The entry of a term at `labels`. `ones`: (name, axis) pairs whose axis has length 1 and is broadcast.

    Raises NotByEntry for a term that is not made of products, sums and elementwise functions.
    """
    labels = tuple(labels)
    match term:
        case Number() | Delta() | Element():
            return term
        case Symbol(rank=rank) | Partial(rank=rank):
            if rank == 0:
                return term
            name = term.name if isinstance(term, Symbol) else term.by[-1]
            if any((name, axis) in ones for axis in range(rank)):
                raise NotByEntry
            return Element(term, labels[:rank] if COLUMNS in letters else labels[len(labels) - rank :])
        case Filled(value=value):
            rank = rank_of(value)
            return entry(value, labels[len(labels) - rank :], letters, ones)
        case Prime(op, argument, params):
            return Prime(op, entry(argument, labels, letters, ones), params)
        case AxisSum(axes=axes, body=body, kept=kept):
            names = letters_of(body, letters)
            rank = rank_of(body)
            if len(labels) < rank_of(term):
                raise NotByEntry
            inner = iter(labels[len(labels) - rank_of(term) :])
            taken = set(labels)
            full, summed = [], []
            for axis in range(rank):
                if axis in axes:
                    if axis >= len(names) or not names[axis]:
                        raise NotByEntry  # how far this sum runs cannot be told from any name
                    letter = fresh(names[axis] if axis < len(names) else "", taken)
                    taken.add(letter)
                    full.append(letter)
                    summed.append(letter)
                    if kept:
                        next(inner, None)
                else:
                    full.append(next(inner, ""))
            if "" in full:
                raise NotByEntry
            return _summed(tuple(summed), entry(body, full, letters, ones))
        case Pullback():
            raise NotByEntry
        case Product(factors=factors, style="matrix"):
            if any(rank_of(factor) not in (1, 2) for factor in factors):
                raise NotByEntry
            first, rest = factors[0], factors[1:]
            right: Term = rest[0] if len(rest) == 1 else Product(rest, "matrix")
            own = list(labels)
            row = [own.pop(0)] if rank_of(first) == 2 else []
            column = [own.pop(0)] if rank_of(right) == 2 else []
            guess = letters_of(first, letters)
            inner = fresh(guess[-1] if guess else "", {*labels})
            return _summed(
                (inner,),
                product(
                    [entry(first, [*row, inner], letters, ones), entry(right, [inner, *column], letters, ones)],
                    [0, 0],
                    "scalar",
                ),
            )
        case Product(factors=factors):
            return product([entry(factor, labels, letters, ones) for factor in factors], [0] * len(factors), "scalar")
        case Apply(op=op, args=args) if op is transpose and rank_of(args[0]) == 2:
            return entry(args[0], labels[::-1], letters, ones)
        case Apply(op=op, args=args) if op is outer:
            return product(
                [entry(args[0], labels[:1], letters, ones), entry(args[1], labels[1:], letters, ones)], [0, 0], "scalar"
            )
        case Apply(op=op, args=args, params=params) if op.scalar is not None:
            return Apply(op, tuple(entry(arg, labels, letters, ones) for arg in args), params)
        case Apply(op=op) if op is contract:
            raise NotByEntry
    raise NotByEntry


def _summed(labels: tuple[str, ...], body: Term) -> Term:
    """Σ labels body; sums inside a sum join, since the order of adding does not matter."""
    if isinstance(body, IndexSum):
        return IndexSum(labels + body.labels, body.body)
    return IndexSum(labels, body)


def fresh(wish: str, taken: set[str]) -> str:
    """The wished letter when it is free, else the next that is."""
    if wish and wish not in taken:
        return wish
    return next(letter for letter in "jklmnpqrstuvdhiabcefgowxyz" if letter not in taken)


def collapsed(term: Term) -> Term:
    """Σ_k δ_kj·x_k is x_j: every sum over a letter of a δ done."""

    def change(each: Term) -> Term | None:
        if not isinstance(each, IndexSum):
            return None
        body = collapsed(each.body)
        factors = list(body.factors) if isinstance(body, Product) else [body]
        labels = list(each.labels)
        for delta in [factor for factor in factors if isinstance(factor, Delta)]:
            for here, there in ((delta.left, delta.right), (delta.right, delta.left)):
                if here in labels:
                    labels.remove(here)
                    factors.remove(delta)
                    factors = [renamed(factor, {here: there}) for factor in factors]
                    break
        inner = product(factors, [0] * len(factors), "scalar") if factors else Number(1.0)
        return IndexSum(tuple(labels), inner) if labels else inner

    return replaced(term, change)


def renamed(term: Term, names: Mapping[str, str]) -> Term:
    """The term with index letters exchanged."""

    def change(each: Term) -> Term | None:
        if isinstance(each, Element):
            return Element(each.base, tuple(names.get(label, label) for label in each.labels))
        if isinstance(each, Delta):
            return Delta(names.get(each.left, each.left), names.get(each.right, each.right))
        return None

    return replaced(term, change)
