"""How a term holds together as it is written: when it needs brackets, when a dot, when a minus leads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ..notation import ATOM, PRODUCT, SIGN
from . import terms
from .derivation import Derivation
from .numbers import digits
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
    Symbol,
    Term,
)  # fmt: skip

# What a factor looks like from its neighbour's side; decides whether a dot stands between them.
NUMBER, NAME, BRACKET, CALL, WIDE = "number", "name", "bracket", "call", "wide"


class Style(NamedTuple):
    """What a printer must know beside the term: how derivatives are written and of what, and the shapes of names."""

    derivative: str = "partial"
    output: str = ""
    leaves: frozenset[str] = frozenset()
    shapes: Mapping[str, tuple[int, ...]] = MappingProxyType({})

    @classmethod
    def of(cls, derivation: Derivation) -> Style:
        """The style of a derivation."""
        return cls(derivation.notation.derivative, derivation.output, frozenset(derivation.givens), derivation.shapes)

    def is_adjoint(self, partial: Partial) -> bool:
        """Whether a derivative is written δ or with a bar: the output's, by something that is not simply given."""
        if len(partial.by) != 1 or partial.of != self.output:
            return False
        return self.derivative == "bar" or (self.derivative == "delta" and partial.by[0] not in self.leaves)


class Factor(NamedTuple):
    text: str
    looks: str
    whole: bool = False
    starts: str = ""


def looks(term: Term) -> str:
    match term:
        case Symbol() | Element(base=Symbol()):
            return NAME
        case Prime():
            return CALL
        case Apply(op=op, args=args):
            match op.notation.style:
                case "call":
                    return CALL
                case "superscript" | "postfix":
                    return looks(args[0]) if binding(args[0], Style()) == ATOM else BRACKET
    return WIDE


def first_letters(term: Term) -> str:
    match term:
        case Symbol(name=name):
            return name
        case Element(base=Symbol(name=name)):
            return name
        case Apply(op=op, args=args):
            return op.notation.sign if op.notation.style == "call" else first_letters(args[0]) if args else ""
        case Prime(op=op):
            return op.notation.sign
    return ""


def needs_no_dot(before: Factor, item: Factor) -> bool:
    """2d, 2(y−z), y(1−y), (a+b)(c+d) are written without a dot; 2·0.5, w·x and 2·e1 (not 2e1) are not."""
    if before.looks == NUMBER and before.whole:
        return item.looks == BRACKET or (item.looks in (NAME, CALL) and not like_an_exponent(item.starts))
    return item.looks == BRACKET and before.looks in (NAME, BRACKET)


def like_an_exponent(name: str) -> bool:
    return name[:1] in ("e", "E") and (name[1:2].isdigit() or len(name) == 1)


def spliced(factors: Sequence[Term], style: str) -> list[Term]:
    """Products of the same style inside a product, opened up: dots do not care how factors are grouped."""
    flat: list[Term] = []
    for factor in factors:
        if isinstance(factor, Product) and factor.style == style:
            flat.extend(spliced(factor.factors, style))
        else:
            flat.append(factor)
    return flat


def has_axes(term: Term) -> bool:
    """Whether a term may be an array; only what is certainly one number says no."""
    match term:
        case Number() | Element() | EntryPartial() | Delta() | IndexSum() | Filled():
            return False
        case Symbol(rank=rank) | Partial(rank=rank):
            return rank > 0
    inner = terms.children(term)
    return any(has_axes(each) for each in inner) if inner and not isinstance(term, AxisSum) else True


def is_open(term: Term) -> bool:
    """Whether a term reaches as far to the right as it can: what follows a Σ would seem to be inside it."""
    match term:
        case IndexSum() | AxisSum():
            return True
        case Product(factors=factors):
            return is_open(factors[-1])
        case Apply(op=op, args=args) if op.notation.style == "prefix":
            return is_open(args[-1])
        case Filled(value=value):
            return is_open(value)
    return False


def leads_with_minus(term: Term) -> bool:
    """Whether the first sign of the written term is a minus: 2·(−x), not 2·−x."""
    match term:
        case Number(value=value, size=size):
            return size.startswith(("−", "-")) if size else value < 0
        case Filled(value=value):
            return leads_with_minus(value)
        case Product(factors=factors):
            # A negative number at the front stands in brackets of its own: (−0.3)·1.
            return not (isinstance(factors[0], Number) and not factors[0].size) and leads_with_minus(factors[0])
        case Apply(op=op, args=args):
            style = op.notation.style
            if style == "infix" and op.notation.binding == PRODUCT:
                return leads_with_minus(args[0])
            return style == "prefix" or (style == "fraction" and leads_with_minus(args[0]))
    return False


def binding(term: Term, style: Style) -> int:
    """How tightly a term holds together as it is written here."""
    match term:
        case Partial() | Element(base=Partial()):
            partial = term if isinstance(term, Partial) else term.base
            assert isinstance(partial, Partial)
            return ATOM if style.is_adjoint(partial) else PRODUCT
        case EntryPartial():
            return PRODUCT
        case Filled(value=value):
            return binding(value, style)
        case Apply(op=op, args=(inner,)) if op.notation.style == "prefix":
            return min(SIGN, max(PRODUCT, binding(inner, style)))
        case Product(factors=(only,)):
            return binding(only, style)
        case Number(value=value, size="") if "e" in digits(value):
            return PRODUCT
    return terms.binding(term)
