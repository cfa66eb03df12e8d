"""The chain of one variable: along which paths it reaches the output, in symbols, with local derivatives, in
numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..language import N_
from ..node import Node
from ..op import ARITHMETIC
from .convert import product, settled, total
from .derivation import RESULT, Form, Sentence, Step
from .evaluate import evaluate
from .local import Board, Line, local_derivative
from .terms import Apply, Filled, Number, Partial, Prime, Product, Pullback, Symbol, Term, replaced, walk

if TYPE_CHECKING:
    from .explanation import Explanation

MOST_PATHS = 4

Path = list[tuple[Line, Node]]


def chain_step(explanation: Explanation, w: Node) -> tuple[Step, Term]:
    """The result block of a variable, and the formula it arrives at."""
    written = explanation.board
    symbol = written.symbols[w]
    before = Partial(explanation.of, (symbol.name,), symbol.rank)
    name = (explanation.of, (symbol.name,))
    found = paths(explanation, w) if explanation.scalar else None
    forms: list[Form] = []
    why: list[Sentence] = []
    if found:
        forms = _path_forms(explanation, found)
        for path in found:
            why.append(
                Sentence(
                    N_("the path {path}"),
                    {"path": " ← ".join([explanation.of, *[written.name(atom) for _, atom in path]])},
                )
            )
        formula = next(form.term for form in reversed(forms) if not form.numbers)
    else:
        formula = explanation.oriented(_adjoint_formula(explanation, w))
        forms = [Form(formula)]
        if explanation.scalar:
            why.append(
                Sentence(
                    N_("more than {count} paths lead here; they are added up node by node in the backward pass above"),
                    {"count": MOST_PATHS},
                )
            )
    check = explanation.with_difference(explanation.every_form(forms, name), symbol.name, forms)
    step = Step(
        f"r.{symbol.name}",
        RESULT,
        0,
        symbol.name,
        before,
        tuple(forms),
        Sentence(N_("chain rule")),
        tuple(why),
        explanation.shape_shown(w.shape, True),
        explanation._value(name),
        check,
    )
    return step, formula


def paths(explanation: Explanation, w: Node) -> list[Path] | None:
    """Every way from the output down to w, as (line, atom) steps; None when there are more than four."""
    active = explanation.active
    by_node = {line.node: line for line in explanation.board.lines if line.node in active}
    reaches: dict[Node, int] = {w: 1}
    for line in explanation.board.lines:
        if line.node in active and line.node is not w:
            reaches[line.node] = sum(reaches.get(atom, 0) for atom in line.atoms)
    if w is explanation.board.output:
        return [[]]
    if not 0 < reaches.get(explanation.board.output, 0) <= MOST_PATHS:
        return None
    done: list[Path] = []
    open_: list[tuple[Node, Path]] = [(explanation.board.output, [])]
    while open_:
        node, path = open_.pop()
        if node is w:
            done.append(path)
            continue
        line = by_node[node]
        for atom in reversed(line.atoms):
            if reaches.get(atom):
                open_.append((atom, [*path, (line, atom)]))
    return done


def _path_forms(explanation: Explanation, found: list[Path]) -> list[Form]:
    board = explanation.board
    chain, kept, full, numbers = [], [], [], []
    for path in found:
        partials = [Partial(line.symbol.name, (board.name(atom),)) for line, atom in path]
        locals_ = [local_derivative(board, line, atom) for line, atom in path]
        primes = [explanation.prime(line, atom) or local for (line, atom), local in zip(path, locals_)]
        for partial, local in zip(partials, locals_):
            checker = explanation.checker
            checker.shown.setdefault((partial.of, partial.by), evaluate(local, checker.shown, checker.sizes))
        chain.append(Product(tuple(partials)) if len(partials) > 1 else partials[0] if partials else Number(1.0))
        kept.append(_raw_product(primes))
        full.append(product([spelled(board, local) for local in locals_], [0] * len(path)) if path else Number(1.0))
        worked = [
            Number(number_of(explanation, local))
            if isinstance(prime, Prime)
            else in_numbers(explanation, local) or local
            for prime, local in zip(primes, locals_)
        ]
        numbers.append(_raw_product(worked))
    forms = []
    if (len(found) > 1 or len(found[0]) > 1) and not _ambiguous(explanation, found):
        forms.append(Form(total(chain), Sentence(N_("chain rule"))))
    if total(kept) != total(full):
        forms.append(Form(total(kept), Sentence(N_("local derivatives"))))
    notes = _prime_note(explanation, found)
    forms.append(Form(total(full), notes))
    if total(numbers) != forms[-1].term:
        forms.append(Form(total(numbers), Sentence(N_("numbers")), numbers=True))
    return forms


def _ambiguous(explanation: Explanation, found: list[Path]) -> bool:
    """Whether ∂E/∂a would mean two things: E's own dependence on a here, and its whole dependence in the backward
    pass."""
    last = explanation.board.lines[-1]
    touched = {atom for path in found for line, atom in path if line is last}
    return any(
        atom in line.atoms
        for atom in touched
        for line in explanation.board.lines
        if line is not last and line.node in explanation.active
    )


def _prime_note(explanation: Explanation, found: list[Path]) -> Sentence | None:
    for path in found:
        for line, atom in path:
            prime = explanation.prime(line, atom)
            if prime is not None:
                local = local_derivative(explanation.board, line, atom)
                return Sentence(
                    N_("{prime} = {local}"),
                    {"prime": prime, "local": local.value if isinstance(local, Filled) else local},
                )
    return None


def _raw_product(factors: list[Term]) -> Term:
    """Factors side by side as they come, ones included: each factor is one step of the path."""
    flat: list[Term] = []
    for factor in factors:
        flat.extend(factor.factors if isinstance(factor, Product) else [factor])
    return flat[0] if len(flat) == 1 else Product(tuple(flat))


def spelled(board: Board, term: Term) -> Term:
    """Differences of two names are written out, so that 2d reads 2(y−z)."""
    short = {line.symbol: line.definition for line in board.lines if _short(line)}
    return replaced(term, lambda each: short.get(each) if isinstance(each, Symbol) else None)


def _short(line: Line) -> bool:
    op = line.node.op
    return (
        op.kind == ARITHMETIC and op.notation.sign == "−" and op.notation.style == "infix" and line.node.name is None
        and isinstance(line.definition,
                       Apply) and all(isinstance(arg, (Symbol, Number)) for arg in line.definition.args)
    )  # fmt: skip


def in_numbers(explanation: Explanation, term: Term) -> Term | None:
    """Names replaced by their values at the given point; any factor that is more than a name is worked out to one
    number."""
    if not all(isinstance(each, (Symbol, Partial, Number, Prime, Apply, Product)) for each in walk(term)):
        return None

    def change(each: Term) -> Term | None:
        if isinstance(each, Product):
            return None
        if isinstance(each, Number):
            return each
        if (
            isinstance(each, Apply)
            and each.op.kind == ARITHMETIC
            and each.op.notation.style in ("infix", "prefix")
            and each.op.notation.binding <= 1
        ):
            return None
        return Number(number_of(explanation, each))

    return replaced(term, change)


def number_of(explanation: Explanation, term: Term) -> float:
    """The value of a term at the given point."""
    value = evaluate(term, explanation.checker.shown, explanation.checker.sizes)
    array = value.array
    return float(array.reshape(-1)[0]) if array.size else float(np.nan)


def written_out(board: Board, term: Term, most: int, named: bool = False) -> Term:
    """A term with the lines nobody named (with `named`, all lines) written into it, as long as it stays below `most`
    parts."""
    definitions = {line.symbol: line.definition for line in board.lines if named or line.node.name is None}
    while True:
        longer = replaced(term, lambda each: definitions.get(each) if isinstance(each, Symbol) else None)
        if longer == term:
            return term
        if sum(1 for _ in walk(longer)) > most:
            return term
        term = longer


def _adjoint_formula(explanation: Explanation, w: Node) -> Term:
    """The last form of the backward line of w, with short gradients written in."""
    board = explanation.board
    last: dict[tuple[str, ...], Term] = {}
    for line in reversed(board.lines):
        if line.node not in explanation.active:
            continue
        for atom in line.atoms:
            if atom in explanation.active and (board.name(atom),) not in last:
                users = [
                    each for each in reversed(board.lines) if atom in each.atoms and each.node in explanation.active
                ]
                last[(board.name(atom),)] = total([explanation.factors(each, atom)[1] for each in users])
    if (board.name(w),) not in last:
        return Filled(Number(0.0), w.shape) if w.shape else Number(0.0)  # nothing is sent back to it
    term = last[(board.name(w),)]
    # A way back that is told by its name alone stays one factor: written into a product it would lose what it computes.
    short = {by: each for by, each in last.items() if not any(isinstance(part, Pullback) for part in walk(each))}
    for _ in range(20):
        longer = replaced(term, lambda each: short.get(each.by) if isinstance(each, Partial) else None)
        if longer == term or sum(1 for _ in walk(longer)) > 14:
            break
        term = settled(longer)
    return term
