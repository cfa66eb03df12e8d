"""Terms as they are written: where brackets and dots stand, decided once for all formats.

A `Printer` walks a term and asks its own small methods for the signs; the text, LaTeX and MathML printers differ only
in these. Nothing here knows a single op: the way an op is written is its notation.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from ..notation import ATOM, COMPARE, PRODUCT, SIGN, SUM
from ..op import Op
from .numbers import digits
from .precedence import (
    BRACKET,
    NAME,
    NUMBER,
    WIDE,
    Factor,
    Style,
    binding,
    first_letters,
    has_axes,
    is_open,
    leads_with_minus,
    looks,
    needs_no_dot,
    spliced,
)  # fmt: skip
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
    Tensor,
    Term,
)

BREAK_SUM, BREAK_FACTOR, BREAK_INNER = "\ue000", "\ue001", "\ue002"
"""Where a long line may be broken: before a + or −, or between two factors; inside brackets only when nothing else helps.
Layout uses them or takes them out."""
DEEPEST = 60
"""Below this many levels a term is an ellipsis; derivations name their intermediates long before."""


class Printer(ABC):
    """Writes terms in one format."""

    stacked = True
    """Whether a fraction is a bar with one part above the other, which needs no brackets."""
    breaks_inside = False
    """Whether a line may be broken inside brackets."""

    def __init__(self, style: Style | None = None) -> None:
        self.style = style or Style()

    def term(self, term: Term, loose: bool = False) -> str:
        """The term in this format, with break marks at its top level. `loose`: room around the dots of a product."""
        return self._write(term, True, loose, 0)

    def plain(self, term: Term, loose: bool = False) -> str:
        """The term in this format, in one piece."""
        return unbroken(self.term(term, loose))

    # What each format says in its own way --------------------------------------------------------------------
    @abstractmethod
    def number(self, text: str) -> str:
        """A number from its ASCII digits."""

    @abstractmethod
    def size(self, expression: str) -> str:
        """The expression of a size, such as N or 2·N."""

    @abstractmethod
    def name(self, name: str) -> str:
        """A named value."""

    @abstractmethod
    def entry(self, name: str, rank: int, labels: Sequence[str]) -> str:
        """One entry of a named array."""

    @abstractmethod
    def partial(self, partial: Partial, labels: Sequence[str]) -> str:
        """A derivative written with ∂; with labels, one entry of it."""

    @abstractmethod
    def ratio(self, of: str, by: str) -> str:
        """∂of/∂by for two entries, both already written."""

    @abstractmethod
    def adjoint(self, partial: Partial, labels: Sequence[str]) -> str:
        """A derivative of the output written δ or with a bar."""

    @abstractmethod
    def kronecker(self, left: str, right: str) -> str:
        """δ_ij."""

    @abstractmethod
    def brackets(self, inner: str) -> str:
        """The inner text between round brackets."""

    @abstractmethod
    def sign(self, text: str, latex: str) -> str:
        """An operator sign between or before operands, with the room that belongs around it."""

    @abstractmethod
    def tight_sign(self, text: str, latex: str) -> str:
        """The same without room: 1−y in a bracket."""

    @abstractmethod
    def word(self, word: str) -> str:
        """A function's name written before its argument without brackets, as in ln p."""

    @abstractmethod
    def dot(self, style: str, loose: bool) -> str:
        """What stands between two factors."""

    @abstractmethod
    def beside(self, style: str) -> str:
        """What stands between two factors that need no dot."""

    @abstractmethod
    def fraction(self, above: str, below: str) -> str:
        """A fraction."""

    @abstractmethod
    def power(self, base: str, exponent: str) -> str:
        """base to the exponent."""

    @abstractmethod
    def exponential(self, exponent: str, simple: bool) -> str:
        """e to the exponent; `simple`: it is a single sign."""

    @abstractmethod
    def root(self, inner: str, simple: bool) -> str:
        """A square root."""

    @abstractmethod
    def fence(self, left: str, right: str, latex: str, inner: str) -> str:
        """Something between two bars."""

    @abstractmethod
    def postfix(self, base: str, text: str, latex: str) -> str:
        """A sign raised behind its operand: ᵀ."""

    @abstractmethod
    def call(self, sign: str, latex: str, primes: int, arguments: Sequence[str]) -> str:
        """A function applied to its arguments, with primes for its derivative."""

    @abstractmethod
    def picked(self, base: str, index: str) -> str:
        """Entries cut out of an array: x[1:3]."""

    @abstractmethod
    def total(self, labels: Sequence[str], body: str) -> str:
        """A sum over letters."""

    @abstractmethod
    def tensor(self, values: Any) -> str:
        """A table of numbers."""

    def equals(self) -> str:
        """The sign between the forms of a line."""
        return self.sign("=", "=")

    # The walk ------------------------------------------------------------------------------------------------
    def _write(self, term: Term, root: bool, loose: bool, depth: int) -> str:
        if depth > DEEPEST:
            return self.name("…")
        match term:
            case Number(value=value, size=size):
                return self.size(size) if size else self.number(digits(value))
            case Tensor(values=values):
                return self.tensor(values)
            case Symbol(name=name):
                return self.name(name)
            case Partial():
                return self._derivative(term, ())
            case Element(base=Symbol() as base, labels=labels):
                return self.entry(base.name, base.rank, labels)
            case Element(base=Partial() as base, labels=labels):
                return self._derivative(base, labels)
            case EntryPartial(of=of, by=by):
                return self.ratio(self._write(of, False, False, depth + 1), self._write(by, False, False, depth + 1))
            case Delta(left=left, right=right):
                return self.kronecker(left, right)
            case Filled(value=value):
                return self._write(value, root, loose, depth + 1)
            case Prime(op=op, argument=argument, params=params):
                return self._call(op, (argument,), params, 1, depth)
            case Product(factors=factors, style=style):
                return self._product(factors, style, root, loose, depth)
            case IndexSum(labels=labels, body=body) | AxisSum(labels=labels, body=body):
                bare = binding(body, self.style) >= PRODUCT and not leads_with_minus(body)
                inner = self._write(body, root, loose, depth + 1) if bare else self.brackets(self._inside(body, depth))
                return self.total(labels, inner)
            case Apply(op=op, args=args, params=params):
                return self._apply(op, args, params, root, loose, depth)
        raise TypeError(f"no way to write {type(term).__name__}")

    def _derivative(self, partial: Partial, labels: Sequence[str]) -> str:
        return self.adjoint(partial, labels) if self.style.is_adjoint(partial) else self.partial(partial, labels)

    def _operand(self, term: Term, need: int, depth: int, *, first: bool = True, root: bool = False) -> str:
        """An operand, in brackets when it holds together less tightly than its place needs."""
        if binding(term, self.style) < need or (not first and leads_with_minus(term)):
            return self.brackets(self._inside(term, depth))
        return self._write(term, root, False, depth + 1)

    def _inside(self, term: Term, depth: int) -> str:
        """What stands in a bracket: a short sum of two names or numbers closes up, as in (y−z)."""
        if isinstance(term, Apply) and term.op.notation.style == "infix" and term.op.notation.binding == SUM:
            short = all(isinstance(arg, (Symbol, Number)) and not leads_with_minus(arg) for arg in term.args)
            if short:
                sign = self.tight_sign(term.op.notation.sign, term.op.notation.latex)
                return sign.join(self._write(arg, False, False, depth + 1) for arg in term.args)
        return self._write(term, False, False, depth + 1)

    def _apply(
        self, op: Op, args: tuple[Term, ...], params: Mapping[str, Any], root: bool, loose: bool, depth: int
    ) -> str:
        notation = op.notation
        needs = notation.operands or (COMPARE,) * len(args)
        match notation.style, args:
            case "infix", (left, right):
                if notation.binding == PRODUCT and notation.sign == "·":
                    arrays = op.scalar is not None and all(has_axes(arg) for arg in args)
                    style = "matrix" if op.scalar is None else "hadamard" if arrays else "scalar"
                    return self._product(args, style, root, loose, depth)
                return self._infix(op, left, right, root, depth)
            case "prefix", (inner,):
                need = PRODUCT if binding(inner, self.style) != SIGN else ATOM
                return self.tight_sign(notation.sign, notation.latex) + self._operand(
                    inner, need, depth, first=False, root=root
                )
            case "power", (base, exponent):
                return self.power(self._operand(base, needs[0], depth), self._write(exponent, False, False, depth + 1))
            case "superscript", (base,):
                return self.power(self._operand(base, needs[0], depth), self.number(notation.sign))
            case "exponential", (exponent,):
                simple = isinstance(exponent, Symbol) or (isinstance(exponent, Number) and exponent.value >= 0)
                return self.exponential(self._write(exponent, False, False, depth + 1), simple)
            case "fraction", (above, below):
                return self._fraction(above, below, needs, depth)
            case "root", (inner,):
                simple = isinstance(inner, Symbol) or (isinstance(inner, Number) and inner.value >= 0)
                return self.root(self._write(inner, False, False, depth + 1), simple)
            case "fence", (inner,):
                half = len(notation.sign) // 2
                return self.fence(
                    notation.sign[:half],
                    notation.sign[half:],
                    notation.latex,
                    self._write(inner, False, False, depth + 1),
                )
            case "postfix", (inner,):
                return self.postfix(self._operand(inner, needs[0], depth), notation.sign, notation.latex)
            case "element", (base, *places):
                index = (
                    index_text(params["index"], self.style.shapes.get(base.name) if isinstance(base, Symbol) else None)
                    if "index" in params
                    else ""
                )
                inner = index or ", ".join(self._write(place, False, False, depth + 1) for place in places)
                return self.picked(self._operand(base, ATOM, depth), inner)
        return self._call(op, args, params, 0, depth)

    def _infix(self, op: Op, left: Term, right: Term, root: bool, depth: int) -> str:
        notation = op.notation
        needs = notation.operands
        sign, latex = notation.sign, notation.latex
        if sign == "+" and isinstance(right, Apply) and right.op.notation.style == "prefix":
            (right,) = right.args  # a + (−b) is written a − b
            sign, latex, needs = "−", "-", (needs[0], PRODUCT)
        first = self._operand(left, needs[0], depth, root=root)
        # ∂L/∂z needs no brackets beside a sign, only before a power.
        need = min(needs[1], PRODUCT) if isinstance(right, Partial) else needs[1]
        second = self._operand(right, need, depth, first=False, root=root)
        mark = (BREAK_SUM if root else self._inner()) if notation.binding in (SUM, COMPARE) else ""
        if sign.startswith("·"):  # a dot and a function, as in t·ln p
            arrays = has_axes(left) and has_axes(right)
            dot = self.dot("hadamard" if arrays else "scalar", False)
            return first + (self._inner() if arrays else "") + dot + self.word(sign[1:].strip()) + second
        return first + mark + self.sign(sign, latex) + second

    def _inner(self) -> str:
        return BREAK_INNER if self.breaks_inside else ""

    def _fraction(self, above: Term, below: Term, needs: Sequence[int], depth: int) -> str:
        if self.stacked:
            return self.fraction(
                self._write(above, False, False, depth + 1), self._write(below, False, False, depth + 1)
            )
        top = self._operand(above, ATOM if is_open(above) else needs[0], depth)
        return self.fraction(top, self._operand(below, needs[1], depth, first=False))

    def _call(self, op: Op, args: Sequence[Term], params: Mapping[str, Any], primes: int, depth: int) -> str:
        notation = op.notation
        # An op that is not written as a call (√, a square) still needs a word when its derivative is named.
        sign, latex = (
            (notation.sign, notation.latex)
            if notation.style == "call"
            else (op.name, rf"\operatorname{{{op.name}}}".replace("_", r"\_"))
        )
        written = [self._write(arg, False, False, depth + 1) for arg in args[: len(args) - notation.hidden]]
        written += [self.number(constant) for constant in notation.constants]
        for name, default in op.params.items():
            value = params.get(name, default)
            if (
                isinstance(value, (int, float))
                and not isinstance(value, bool)
                and isinstance(default, float)
                and value != default
            ):
                written.append(self.name(name) + self.tight_sign("=", "=") + self.number(digits(value)))
        return self.call(sign, latex, primes, written)

    # Products ------------------------------------------------------------------------------------------------
    def _product(self, factors: Sequence[Term], style: str, root: bool, loose: bool, depth: int) -> str:
        if len(factors) == 1:
            return self._write(factors[0], root, loose, depth + 1)
        text = ""
        for before, separator, item in self._side_by_side(factors, style, loose, depth):
            mark = "" if before is None or separator == self.beside(style) else BREAK_FACTOR if root else self._inner()
            text += mark + separator + item.text
        return text

    def _side_by_side(
        self, factors: Sequence[Term], style: str, loose: bool, depth: int
    ) -> list[tuple[Factor | None, str, Factor]]:
        """The factors of a product, each with the one before it and what stands between them."""
        if not loose:
            factors = spliced(factors, style)
        items = [self._factor(factor, at, style, factors, loose, depth) for at, factor in enumerate(factors)]
        parts: list[tuple[Factor | None, str, Factor]] = [(None, "", items[0])]
        for at, (before, item) in enumerate(pairwise(items)):
            if style != "hadamard" and (at == 0 or before.looks != NUMBER) and needs_no_dot(before, item):
                parts.append((before, self.beside(style), item))
            else:
                parts.append((before, self.dot(style, loose or WIDE in (before.looks, item.looks)), item))
        return parts

    def factors(self, product: Product) -> list[str]:
        """The factors of a product one by one, each in the brackets it needs beside the others."""
        return [unbroken(item.text) for _, _, item in self._side_by_side(product.factors, product.style, True, 0)]

    def _factor(self, term: Term, at: int, style: str, factors: Sequence[Term], loose: bool, depth: int) -> Factor:
        inner = term.value if isinstance(term, Filled) else term
        minus = leads_with_minus(inner) and (at > 0 or (isinstance(inner, Number) and not loose and not inner.size))
        bracketed = binding(inner, self.style) < PRODUCT or minus or (is_open(inner) and at < len(factors) - 1)
        if isinstance(inner, Product) and inner.style != style and len(inner.factors) > 1:
            # X·W inside ⊙, or a product by entries inside X·W: only plain numbers beside it leave no doubt.
            bracketed = bracketed or any(has_axes(other) for other in factors if other is not term)
        if bracketed:
            # x(−y) would look like a function: only a sum in brackets may stand beside a name.
            kind = BRACKET if binding(inner, self.style) <= SUM else NUMBER
            return Factor(self.brackets(self._inside(inner, depth)), kind)
        text = self._write(inner, False, False, depth + 1)
        if isinstance(inner, Number):
            plain = digits(inner.value)
            # 2x, but 1·x; and a number that stands for a whole array is never written into its neighbor.
            whole = not inner.size and plain.lstrip("-").isdigit() and plain != "1" and inner is term
            return Factor(text, NAME if inner.size else NUMBER, whole)
        return Factor(text, looks(inner), starts=first_letters(inner))


def index_text(index: Any, shape: tuple[int, ...] | None) -> str:
    """An index as Python writes it: 1:3, 0. A whole axis is a colon where its size is known."""
    parts, axis = [], 0
    for entry in index if isinstance(index, tuple) else (index,):
        if entry is None:
            parts.append("None")
            continue
        if isinstance(entry, tuple) and len(entry) == 3:
            start, stop, step = entry
            size = shape[axis] if shape is not None and axis < len(shape) else None
            forward = step is None or step > 0
            low = "" if start in (None, 0) and forward else str(start)
            high = "" if stop is None or (size is not None and stop == size) else str(stop)
            parts.append(f"{low}:{high}" + (f":{step}" if step not in (None, 1) else ""))
        else:
            parts.append(str(entry))
        axis += 1
    while len(parts) > 1 and parts[-1] == ":":
        parts.pop()
    return ", ".join(parts)


def unbroken(text: str) -> str:
    """The text without its break marks."""
    return text.replace(BREAK_SUM, "").replace(BREAK_FACTOR, "").replace(BREAK_INNER, "")


__all__ = ["BREAK_FACTOR", "BREAK_INNER", "BREAK_SUM", "Printer", "Style", "binding", "index_text", "leads_with_minus", "unbroken"]
