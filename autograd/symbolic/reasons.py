"""Sentences that say why: the name of a rule, the reason for a transpose, for a batch sum, for a chosen slope."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..language import N_
from ..op import ACTIVATION, ARITHMETIC, FUNCTION, LINEAR, REDUCTION, SHAPE, Op
from ..ops.linear import transpose
from .convert import rank_of
from .derivation import Sentence
from .elements import letters_of
from .terms import Apply, AxisSum, Product, Pullback, Symbol, Term, walk

_UNCHANGED, _DIFFERENCE = N_("sum: handed on unchanged"), N_("difference")
_BY_STYLE = {
    "+": _UNCHANGED,
    "−": _DIFFERENCE,
    "·": N_("product: the other factor"),
}


def rule_name(ops: Sequence[Op]) -> Sentence:
    """The short name of the rule by which something comes back through a line, from the ops it went through there, the first
    first. A sum that is only the first of several hands on unchanged, and the name is that of the one that does not."""
    if _BY_STYLE.get(ops[0].notation.sign) != _UNCHANGED or len(ops) == 1:
        return _rule_of(ops[0])
    others = [_rule_of(op) for op in ops if _BY_STYLE.get(op.notation.sign) not in (_UNCHANGED, _DIFFERENCE)]
    if not others:
        return _rule_of(ops[0])
    return others[0] if all(rule == others[0] for rule in others) else Sentence(N_("chain rule"))


def _rule_of(op: Op) -> Sentence:
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


def transpose_reasons(
    term: Term, letters: Mapping[str, tuple[str, ...]], shape_of: Callable[[Term], tuple[int, ...]]
) -> list[Sentence]:
    """One sentence for every turned factor of the matrix products in a term; that the shapes leave no choice only where they do not."""
    reasons = []
    for product in _matrix_products(term):
        for at, factor in enumerate(product.factors):
            if not (isinstance(factor, Apply) and factor.op is transpose):
                continue
            turned = factor.args[0]
            found = letters_of(turned, letters)
            other = product.factors[1] if at == 0 else product.factors[at - 1]
            left = at == 0 and rank_of(other) >= 1
            letter = (found[0] if at == 0 else found[-1]) if found else ""
            fields = {"turned": factor, "plain": turned, "letter": letter}
            reason = Sentence(_SUM_OVER_FIRST if left else _SUM_OVER_LAST, fields)
            shape = shape_of(turned)
            if len(set(map(int, shape))) > 1:
                reason = Sentence(N_("{reason} The shapes allow no other order."), {"reason": reason})
            reasons.append(reason)
    return reasons


_SUM_OVER_FIRST = N_(
    "Why {turned}: the sum runs over {letter}, the first axis of both factors. A matrix product sums the last axis of"
    " the left factor with the first axis of the right one, so {plain} is turned."
)
_SUM_OVER_LAST = N_(
    "Why {turned}: the sum runs over {letter}, the last axis of both factors. A matrix product sums the last axis of"
    " the left factor with the first axis of the right one, so {plain} is turned."
)


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
