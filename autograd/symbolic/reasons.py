"""Sentences that say why: the name of a rule, the reason for a transpose, for a batch sum, for a chosen slope."""

from __future__ import annotations

from collections.abc import Mapping

from ..language import N_
from ..op import ACTIVATION, ARITHMETIC, FUNCTION, LINEAR, REDUCTION, SHAPE, Op
from ..ops.linear import transpose
from .convert import rank_of
from .derivation import Sentence
from .elements import letters_of
from .terms import Apply, AxisSum, Product, Pullback, Symbol, Term, walk

_BY_STYLE = {
    "+": N_("sum: handed on unchanged"),
    "−": N_("difference"),
    "·": N_("product: the other factor"),
}


def rule_name(op: Op) -> Sentence:
    """The short name of the rule that differentiates an op."""
    style, sign = op.notation.style, op.notation.sign
    if op.kind == LINEAR and op.index is not None:
        return Sentence(N_("matrix product"))
    if style == "infix" and sign in _BY_STYLE and op.kind == ARITHMETIC:
        return Sentence(_BY_STYLE[sign])
    if style in ("power", "superscript"):
        return Sentence(N_("power rule"))
    if style == "fraction":
        return Sentence(N_("quotient rule"))
    if style == "prefix":
        return Sentence(N_("the sign turns"))
    if op.kind == REDUCTION and op.index is not None:
        return Sentence(N_("every entry enters the sum"))
    if op.kind == SHAPE:
        return Sentence(N_("entries only move"))
    if op.kind in (LINEAR, REDUCTION) or (op.kind in (ACTIVATION, FUNCTION) and style != "infix"):
        return Sentence(N_("derivative of {sign}"), {"sign": op.notation.sign})
    return Sentence(N_("chain rule"))


ORDINALS = (N_("first"), N_("second"), N_("third"), N_("fourth"))


def transpose_reasons(term: Term, letters: Mapping[str, tuple[str, ...]]) -> list[Sentence]:
    """One sentence for every turned factor of the matrix products in a term."""
    reasons = []
    for product in _matrix_products(term):
        for at, factor in enumerate(product.factors):
            if not (isinstance(factor, Apply) and factor.op is transpose):
                continue
            turned = factor.args[0]
            found = letters_of(turned, letters)
            left = at == 0
            other = product.factors[1] if left else product.factors[at - 1]
            letter = (found[0] if left else found[-1]) if found else ""
            if left and rank_of(other) >= 1:
                reasons.append(Sentence(
                    N_("Why {turned}: the sum runs over {letter}, the first axis of both factors. A matrix product sums"
                       " the last axis of the left factor"
                       " with the first axis of the right one, so {plain} is turned; the shapes allow no other order."),
                    {"turned": factor, "plain": turned, "letter": letter},
                ))  # fmt: skip
            else:
                reasons.append(Sentence(
                    N_("Why {turned}: the sum runs over {letter}, the last axis of both factors. A matrix product sums"
                       " the last axis of the left factor"
                       " with the first axis of the right one, so {plain} is turned; the shapes allow no other order."),
                    {"turned": factor, "plain": turned, "letter": letter},
                ))  # fmt: skip
    return reasons


def batch_reason(name: Symbol, term: Term) -> Sentence | None:
    """Why the gradient of something that was repeated is a sum."""
    inner = term
    if isinstance(inner, AxisSum):
        return Sentence(
            N_("{name} acts in every {letter}, so the gradients of all of them are added up."),
            {"name": name, "letter": ", ".join(inner.labels)},
        )
    return None


def _matrix_products(term: Term) -> list[Product]:
    return [
        each
        for each in walk(term)
        if isinstance(each, Product) and each.style == "matrix" and not isinstance(each, Pullback)
    ]
