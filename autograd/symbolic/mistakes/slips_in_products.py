"""Slips in products: a factor left out or turned upside down, a matrix not turned, factors in the wrong order."""

from __future__ import annotations

from collections.abc import Iterator

from ...language import N_
from ...ops.arithmetic import add, sub
from ...ops.linear import transpose
from ..convert import rank_of, turned
from ..derivation import Sentence
from ..terms import Apply, Number, Prime, Product, Term
from .tree import Found, Place


def factor_slips(place: Place, product: Product) -> Iterator[Found]:
    """A factor left out: a 1 stands in its place, so that other slips can be made beside it."""
    for at, factor in enumerate(product.factors):
        if not is_one(factor):
            yield (*place, at), ONE, *_missing(factor)
        if isinstance(factor, Number) and factor.value and not is_one(factor):
            said = Sentence(N_("divided by {number} where it is multiplied by {number}"), {"number": factor})
            yield (*place, at), Number(1 / factor.value), "factor", said, 1.6, ()
    yield from _brackets(place, product)


def _brackets(place: Place, product: Product) -> Iterator[Found]:
    """2·y − z for 2·(y − z): the factors reach only the addend next to them."""
    if product.style == "matrix":
        return
    for at, factor in enumerate(product.factors):
        if not (isinstance(factor, Apply) and factor.op in (add, sub) and len(product.factors) > 1):
            continue
        left, right = factor.args
        before, after = product.factors[:at], product.factors[at + 1 :]
        for one, other in (
            ((*before, left, *after), (right,)),
            ((left,), (*before, right, *after)),
            ((*before, left), (right, *after)),
        ):
            wrong = Apply(factor.op, (_product(one, product), _product(other, product)))
            said = Sentence(
                N_("brackets are missing: {wrong} stands where {right} belongs"), {"wrong": wrong, "right": product}
            )
            yield place, wrong, "brackets", said, 1.45, ()


def _product(factors: tuple[Term, ...], like: Product) -> Term:
    return factors[0] if len(factors) == 1 else Product(factors, like.style)


def _missing(factor: Term) -> tuple[str, Sentence, float, tuple[Sentence, ...]]:
    if isinstance(factor, Prime):
        return (
            "activation-derivative",
            Sentence(N_("the derivative of the activation, {prime}, is missing"), {"prime": factor}), 1.2,
            (Sentence(N_("{function} lies on the way, so the chain rule multiplies by its slope {prime}."), {"function": Apply(factor.op, (factor.argument,), factor.params), "prime": factor}),),
        )  # fmt: skip
    if isinstance(factor, Number):
        return "factor", Sentence(N_("the factor {factor} is missing"), {"factor": factor}), 1.1, ()
    return "missing-factor", Sentence(N_("the factor {factor} is missing"), {"factor": factor}), 1.9, ()


ONE = Number(1.0)


def is_one(term: Term) -> bool:
    return isinstance(term, Number) and term.value == 1


def turn_slips(place: Place, product: Product) -> Iterator[Found]:
    why = (
        Sentence(
            N_(
                "A matrix product sums the last axis of the left factor with the first axis of the right one; what is summed over must stand there."
            )
        ),
    )
    for at, factor in enumerate(product.factors):
        if rank_of(factor) != 2:
            continue
        new = turned(factor)
        if isinstance(factor, Apply) and factor.op is transpose:
            said = Sentence(
                N_("a transpose is missing: {wrong} stands where {right} belongs"), {"wrong": new, "right": factor}
            )
        else:
            said = Sentence(
                N_("a transpose too many: {wrong} stands where {right} belongs"), {"wrong": new, "right": factor}
            )
        yield (*place, at), new, "transpose", said, 1.2, why
    if len(product.factors) == 2:
        left, right = product.factors
        swapped = Product((right, left), "matrix")
        said = Sentence(
            N_("the factors of a matrix product are exchanged: {wrong} stands where {right} belongs"),
            {"wrong": swapped, "right": product},
        )
        yield place, swapped, "order", said, 1.4, why
        said = Sentence(
            N_("an entry-by-entry product stands where the matrix product {right} belongs"), {"right": product}
        )
        yield place, Product((left, right), "hadamard"), "elementwise-product", said, 1.5, why
