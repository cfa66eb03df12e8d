"""Terms: the expressions a derivation shows, as data. A renderer prints them, the checker evaluates what was
printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..notation import ATOM, PRODUCT, SIGN, SUM
from ..op import Op

no_params: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Term:
    """An expression. Subclasses are the whole list of forms; every renderer and the evaluator handle each."""


@dataclass(frozen=True, slots=True)
class Number(Term):
    """A number as it is shown; `size` is the expression it came from (N, 2·N) when it counts something."""

    value: float
    size: str = ""


@dataclass(frozen=True, slots=True)
class Tensor(Term):
    """An array of numbers written out."""

    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Symbol(Term):
    """A named value: an input, a parameter, or an intermediate that an earlier line introduced."""

    name: str
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Partial(Term):
    """∂of/∂by; several names in `by` make a higher derivative, as in ∂²E/∂w∂w."""

    of: str
    by: tuple[str, ...]
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Element(Term):
    """One entry of a named array: x_nd, or (∂L/∂Z)_nk written ∂L/∂z_nk."""

    base: Symbol | Partial
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Apply(Term):
    """An op applied to terms, written in the op's own notation; `rank` is how many axes its value has, when the op
    alone does not say."""

    op: Op
    args: tuple[Term, ...]
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Prime(Term):
    """f′(a): the derivative of a unary op at a term, kept as f′."""

    op: Op
    argument: Term
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Product(Term):
    """Factors side by side. `style`: "scalar" a·b · "hadamard" A ⊙ B, entry by entry · "matrix" A·B, order matters."""

    factors: tuple[Term, ...]
    style: str = "scalar"


@dataclass(frozen=True, slots=True)
class Pullback(Product):
    """(∂u/∂v)ᵀ·∂E/∂u, for an op whose way back has no short formula (a pick along an inner axis, a loop).

    It prints as the product it is mathematically; its value is what `op`, made for this line, computes from `args`.
    """

    op: Op | None = None
    args: tuple[Term, ...] = ()
    rank: int = 0


@dataclass(frozen=True, slots=True)
class IndexSum(Term):
    """Σ over index letters of a body written in entries."""

    labels: tuple[str, ...]
    body: Term


@dataclass(frozen=True, slots=True)
class AxisSum(Term):
    """Σ of a whole array over some axes; `labels` are the letters of those axes. `kept`: the axes stay with length
    1."""

    axes: tuple[int, ...]
    labels: tuple[str, ...]
    body: Term
    kept: bool = False


@dataclass(frozen=True, slots=True)
class EntryPartial(Term):
    """∂of/∂by for two single entries, as in ∂p_k/∂z_j: one number of a Jacobian."""

    of: Element
    by: Element


@dataclass(frozen=True, slots=True)
class Delta(Term):
    """Kronecker's δ_ij: 1 where both letters are equal, else 0."""

    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Filled(Term):
    """The same number in every entry of an array; printed as the number, with the shape beside the line."""

    value: Term
    shape: tuple[int, ...]


def children(term: Term) -> tuple[Term, ...]:
    """The terms directly inside a term."""
    match term:
        case Apply(args=args) | Pullback(args=args):
            return args
        case Prime(argument=argument):
            return (argument,)
        case Product(factors=factors):
            return factors
        case IndexSum(body=body) | AxisSum(body=body):
            return (body,)
        case Filled(value=value):
            return (value,)
        case Element(base=base):
            return (base,)
        case EntryPartial(of=of, by=by):
            return (of, by)
    return ()


def walk(term: Term) -> Iterator[Term]:
    """A term and everything inside it; without recursion, in no particular order.

    >>> sorted(each.name for each in walk(Product((Symbol("w"), Symbol("x")))) if isinstance(each, Symbol))
    ['w', 'x']
    """
    stack = [term]
    while stack:
        each = stack.pop()
        yield each
        stack.extend(children(each))


def replaced(term: Term, change: Callable[[Term], Term | None]) -> Term:
    """The term with parts exchanged: where `change` gives a term it stands instead, else the inside is visited.

    Lines are short by construction (a long expression is broken into named lines), so the depth here is small.
    """
    new = change(term)
    if new is not None:
        return new
    match term:
        case Apply(op, args, params, rank):
            return Apply(op, tuple(replaced(arg, change) for arg in args), params, rank)
        case Prime(op, argument, params):
            return Prime(op, replaced(argument, change), params)
        case Pullback(factors, style, op, args, rank):
            arriving = replaced(args[0], change)
            return Pullback(
                (factors[0], arriving), style, op, (arriving, *(replaced(arg, change) for arg in args[1:])), rank
            )
        case Product(factors, style):
            return Product(tuple(replaced(factor, change) for factor in factors), style)
        case IndexSum(labels, body):
            return IndexSum(labels, replaced(body, change))
        case AxisSum(axes, labels, body, kept):
            return AxisSum(axes, labels, replaced(body, change), kept)
        case Filled(value, shape):
            return Filled(replaced(value, change), shape)
    return term


def binding(term: Term) -> int:
    """How tightly a term holds together; see notation.py."""
    match term:
        case Number(value=value, size=size):
            if size:
                return (
                    SUM
                    if any(sign in size for sign in "+−")
                    else PRODUCT
                    if any(sign in size for sign in "·/")
                    else ATOM
                )
            return SIGN if value < 0 else ATOM
        case Apply(op=op):
            return op.notation.binding
        case Product(factors=factors):
            return PRODUCT if len(factors) > 1 else binding(factors[0])
        case IndexSum() | AxisSum():
            return PRODUCT
        case Partial() | EntryPartial():
            return ATOM
        case Filled(value=value):
            return binding(value)
    return ATOM


def symbols(term: Term) -> set[Symbol | Partial]:
    """Every name a term mentions."""
    return {each for each in walk(term) if isinstance(each, (Symbol, Partial))}


__all__ = [
    "Apply", "AxisSum", "Delta", "Element", "EntryPartial", "Filled", "IndexSum", "Number", "Partial", "Prime",
    "Product", "Pullback", "Symbol", "Tensor", "Term",
    "binding", "children", "replaced", "symbols", "walk",
]  # fmt: skip
