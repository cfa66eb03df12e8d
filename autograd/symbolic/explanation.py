"""One derivation in the making: the board, the checker, and the steps in the order in which they are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Any

import numpy as np

from ..differentiate import backward
from ..engines.numpy import Program
from ..graph import order
from ..language import N_
from ..node import Leaf, Node
from ..op import ACTIVATION, COMPARISON
from .chain import chain_step, in_numbers, number_of, written_out
from .convert import product, rank_of, to_term, total
from .derivation import BACKWARD, FORWARD, Check, Derivation, Form, Gradient, Notation, Sentence, Step
from .differences import TOLERANCE as DIFFERENCE_TOLERANCE
from .elements import partial_key, with_axis_letters
from .evaluate import POINT, Labeled
from .givens import friendly
from .inside import backward_inside, case_steps, forward_inside, fused_steps, open_line, with_names, with_whole_labels
from .local import Board, Line, arriving, local_derivative
from .matrix_form import factor_shapes, in_columns_already, index_steps, shape_of
from .orientation import columns, numerator
from .reasons import batch_reason, rule_name, transpose_reasons
from .terms import Apply, Filled, Number, Partial, Prime, Product, Pullback, Symbol, Term, walk
from .verify import ON_CORNER, Checker, near_kinks, points_near

POINTS, TENSOR_POINTS = 20, 3
"""At how many random points every line is checked: of an expression of single numbers, of one with arrays."""


@dataclass
class Explanation:
    """One run of `explain`: the board, the checker, and the steps as they are made."""

    board: Board
    wrt: list[Node]
    detail: str
    notation: Notation
    seed: int
    outer: Explanation | None = None
    points: list[dict[Leaf, np.ndarray]] | None = None
    at_user: bool = True

    def prepare(self) -> None:
        """Values, active lines, reverse mode, test points, and what each line sends its atoms."""
        self.notes: list[Sentence] = []
        if any(symbol.rank > 2 for symbol in self.board.symbols.values()) and self.notation != replace(
            self.notation, data="rows", layout="denominator"
        ):
            # A stack of matrices has no turned form that a board would show.
            self.notation = replace(self.notation, data="rows", layout="denominator")
            self.notes.append(
                Sentence(
                    N_(
                        "Arrays with more than two axes are not turned: samples stay rows, gradients keep the shape of their variable."
                    )
                )
            )
        if self.notation.data == "columns" and not in_columns_already(self.board, self.wrt):
            self.board = self.board.in_columns()
        if self.notation.layout == "numerator":
            self.board.letters.update(
                {partial_key(name): found[::-1] for name, found in self.board.letters.items() if len(found) == 2}
            )
        written = self.board
        self.of = written.name(written.output)
        self.scalar = all(line.symbol.rank == 0 for line in written.lines) and all(
            not leaf.shape for leaf in written.leaves
        )
        self.active = self._active()
        self.record = backward(written.output, self.wrt)
        # Where a rule sends nothing back (a step, a comparison) the backward pass ends.
        self.active = {node for node in self.active if node in self.record.adjoints}
        self.adjoints = {node: self.record.adjoints[node] for node in self.active}
        self.givens = friendly(written.output, written.leaves, self.seed) if self.points is None else self.points[0]
        self.checker = self._checker()
        self.sent = {line.node: arriving(written, line) for line in written.lines if line.node in self.active}
        self.inner: dict[Node, Explanation] = {}

    def derivation(self) -> Derivation:
        """All of it, in order."""
        self.prepare()
        written = self.board
        self.notes += self._remarks()
        steps = [*self.forward_lines(), *self.backward_lines()]
        gradients: dict[str, Gradient] = {}
        for corner in self.checker.corners(written.name(w) for w in self.wrt):
            self.notes.append(Sentence(
                N_("Along {name} the given values lie on a corner: the slopes to the left and to the right differ, no derivative exists there, and the slope the rule gives was chosen."),
                {"name": corner},
            ))  # fmt: skip
        for w in self.wrt:
            step, formula = chain_step(self, w)
            steps.append(step)
            name = written.name(w)
            gradients[name] = Gradient((name,), step.value, formula)
        return Derivation(
            expression=self._whole(), output=self.of, value=Program([written.output])(self.givens)[0],
            givens={written.name(leaf): self.checker.shown[written.name(leaf)].array[0] for leaf in written.leaves},
            shapes=written.shapes(), seeded=tuple(written.name(leaf) for leaf in written.leaves if leaf._value is None),
            seed=self.seed, steps=tuple(steps), gradients=gradients,
            notes=tuple(self.notes), notation=self.notation, detail=self.detail,
        )  # fmt: skip

    def _remarks(self) -> list[Sentence]:
        """What is worth knowing before the first line: how samples lie, loops that stay rolled, values that are not finite."""
        said = []
        if self.notation.data == "columns" and not self.scalar:
            said.append(Sentence(N_("Samples are columns: W·X.")))
        if any(node.dtype == object for node in order(self.board.output)):
            said.append(Sentence(N_("A loop is told as one step; ng.unroll(y) writes its steps out.")))
        for line in self.board.lines if self.outer is None else ():
            if not np.isfinite(self.checker.truth[line.symbol.name][0]).all():
                said.append(Sentence(
                    N_("{name} is not finite at the given values; what depends on it cannot be checked."), {"name": line.symbol}
                ))  # fmt: skip
                break
        return said

    # Preparation --------------------------------------------------------------------------------------------------
    def _active(self) -> set[Node]:
        """Lines and leaves on a path from a wanted variable to the output."""
        found = set(self.wrt)
        for line in self.board.lines:
            if line.node.dtype.kind == "f" and any(atom in found for atom in line.atoms):
                found.add(line.node)
        return found

    def _checker(self) -> Checker:
        written = self.board
        nodes: dict[Any, Node] = {line.symbol.name: line.node for line in written.lines}
        nodes.update({(self.of, (written.name(node),)): adjoint for node, adjoint in self.adjoints.items()})
        if self.points is not None:
            at_user = self.at_user and not near_kinks(written.output, self.points[0])
            points = [self.points[0], *(point for point in self.points[1:] if not near_kinks(written.output, point))]
            return Checker(written, nodes, points, at_user, numerator=self.notation.layout == "numerator")
        at_user = True
        for node, kink, distance in near_kinks(written.output, self.givens):
            at_user = False
            if distance < ON_CORNER and node.op.kind != COMPARISON:
                name = written.symbols[node].name if node in written.symbols else node.op.notation.sign
                self.notes.append(Sentence(
                    N_("{name} is taken exactly at its kink, {kink}: no derivative exists there, and the slope the rule gives was chosen. {why}"),
                    {"name": name, "kink": kink, "why": Sentence(node.op.why)},
                ))  # fmt: skip
        count = POINTS if self.scalar else TENSOR_POINTS
        points = points_near(written.output, written.leaves, self.givens, count, self.seed, list(nodes.values()))
        if at_user and len(points) <= 1:
            self.notes.append(
                Sentence(
                    N_(
                        "no random test point with finite values was found near the given one; the check used the given one only"
                    )
                )
            )
        return Checker(written, nodes, points, at_user, numerator=self.notation.layout == "numerator")

    # Forward ------------------------------------------------------------------------------------------------------
    def forward_lines(self) -> list[Step]:
        steps = []
        for line in self.board.lines:
            check = self.checker.show(line.symbol.name, line.definition)
            forms = [Form(line.definition)]
            if self.scalar and not isinstance(line.definition, Apply) or len(line.atoms) > 1:
                numbers = self._numbers(line.definition)
                if numbers is not None and self.scalar:
                    forms.append(Form(numbers, numbers=True))
                    check = check.worse(self.checker.in_numbers(numbers, line.symbol.name))
            steps.append(Step(
                f"f{line.number}", FORWARD, line.number, line.symbol.name, line.symbol, tuple(forms), None,
                (Sentence(line.node.op.words, self._words(line)),), self.shape_shown(line.node.shape), self._value(line.symbol.name), check,
            ))  # fmt: skip
            if self.outer is None and line.node in self.active and (inner := open_line(self, line)) is not None:
                self.inner[line.node] = inner
                steps.extend(forward_inside(inner, line))
        return steps

    def _words(self, line: Line) -> dict[str, Any]:
        op = line.node.op
        fields: dict[str, Any] = {name: name for name in op.inputs} | {
            name: value for name, value in line.node.params.items()
        }
        for name, source in zip(op.inputs, line.node.inputs):
            if source in self.board.symbols:
                fields[name] = self.board.symbols[source]
        atoms = {hole: self.board.symbols[atom] for atom, hole in line.holes.items()}
        for name, source in zip(op.inputs, line.body.inputs):
            if not op.variadic and source.dtype != object and fields[name] == name:
                fields[name] = self.shown_term(with_axis_letters(to_term(source, atoms), self.board.plain_letters))
        return fields

    def shown_term(self, term: Term) -> Term:
        """A forward term as the notation asks: samples in rows or columns."""
        return columns(term) if self.board.columns else term

    def _whole(self) -> Term:
        """The expression with all unnamed-by-user lines written in, as the title shows it."""
        return (
            written_out(self.board, self.board.lines[-1].definition, 60, named=True)
            if self.board.lines
            else Symbol(self.of)
        )

    # Backward -----------------------------------------------------------------------------------------------------
    def backward_lines(self) -> list[Step]:
        written, steps = self.board, []
        users: dict[Node, list[Line]] = {}
        for line in written.lines:
            if line.node in self.active:
                for atom in line.atoms:
                    if atom in self.active:
                        users.setdefault(atom, []).append(line)
        self.checker.shown[(self.of, (self.of,))] = self.checker.shown.get((self.of, (self.of,))) or _one(self.checker)
        for line in reversed(written.lines):
            if line.node not in self.active:
                continue
            if line.node in self.inner:
                steps.extend(backward_inside(self, self.inner[line.node], line))
            for atom in line.atoms:
                if atom in self.active:
                    steps.extend(case_steps(self, line, atom))
                    if users[atom][0] is line:
                        steps.extend(self._gradient_steps(line, atom, users[atom]))
        return steps

    def _gradient_steps(self, line: Line, atom: Node, users: list[Line]) -> list[Step]:
        """The line ∂E/∂atom, once every line that uses the atom has been visited; with its index form before it."""
        written = self.board
        symbol = written.symbols[atom]
        before = Partial(self.of, (symbol.name,), symbol.rank)
        terms = [self.factors(each, atom) for each in reversed(users)]
        kept = self.oriented(total([term for term, _ in terms]))
        expanded = self.oriented(total([full for _, full in terms]))
        inner = self.inner.get(line.node) if len(users) == 1 else None
        since = with_whole_labels(self.sent[line.node][atom], self)[1] if inner is not None else None
        forms = (
            [Form(expanded)] if self.scalar else [Form(kept), *([Form(expanded, since)] if expanded != kept else [])]
        )
        last = forms[-1]
        if (shapes := factor_shapes(self, last.term)) and not self.scalar:
            forms[-1] = replace(last, shapes=shapes)
        name = (self.of, (symbol.name,))
        steps = list(index_steps(self, line, expanded, before)) if not self.scalar else []
        if inner is not None:
            steps.extend(fused_steps(self, inner, line, atom, kept, expanded, since))
        check = self.checker.show(name, forms[-1].term)
        if self.scalar and (numbers := self._worked(users, atom, forms[-1].term)) is not None:
            forms.append(Form(numbers, numbers=True))
        check = self.with_difference(check.worse(self.every_form(forms, name)), symbol.name, forms)
        rule = self._rule(line, atom)
        why = [*transpose_reasons(forms[0].term, written.letters, partial(shape_of, self))]
        if (reason := batch_reason(symbol, forms[0].term)) is not None:
            why.append(reason)
        if (count := sum(each.uses(atom) for each in users)) > 1:
            why.append(
                Sentence(
                    N_("{name} is used in {count} places; what they send back is added up."),
                    {"name": symbol, "count": count},
                )
            )
        why.append(Sentence(line.consumers(atom)[0].why))
        steps.append(Step(
            f"b{line.number}.{symbol.name}", BACKWARD, line.number, symbol.name, before, tuple(forms), rule, tuple(why),
            self.shape_shown(atom.shape, True), self._value(name), check,
        ))  # fmt: skip
        return steps

    def oriented(self, term: Term) -> Term:
        """A gradient as the notation asks: samples in rows or columns, denominator or numerator layout."""
        term = self.shown_term(term)
        return numerator(term) if self.notation.layout == "numerator" else term

    def shape_shown(self, shape: tuple[int, ...], gradient: bool = False) -> tuple[int, ...]:
        """A shape as the notation displays it."""
        turned = len(shape) == 2 and self.board.columns != (gradient and self.notation.layout == "numerator")
        return shape[::-1] if turned else shape

    def factors(self, line: Line, atom: Node) -> tuple[Term, Term]:
        """What a line sends to an atom: with f′ kept, and with f′ worked out. Gradient arriving first, local derivative second."""
        written = self.board
        arrives: Term = (
            Number(1.0) if line.node is written.output else Partial(self.of, (line.symbol.name,), line.symbol.rank)
        )
        whole = self.sent[line.node][atom]
        if line.node in self.inner:
            named = with_names(self.inner[line.node], whole, self)
            return named, with_whole_labels(named, self)[0]
        if line.elementwise and atom.shape == line.node.shape:
            local = local_derivative(written, line, atom)
            prime = self.prime(line, atom)
            return self._joined(arrives, prime or local), self._joined(arrives, local)
        return whole, whole

    def sent_total(self, node: Node) -> Term:
        """∂output/∂node as its last form: what all its users send, added up."""
        return total(
            [
                self.factors(line, node)[1]
                for line in reversed(self.board.lines)
                if node in line.atoms and line.node in self.active
            ]
        )

    def prime(self, line: Line, atom: Node) -> Prime | None:
        """σ′(a), when the line is an activation of one atom."""
        op = line.node.op
        alone = len(line.node.inputs) == 1 and line.node.inputs[0] is atom
        if alone and op.scalar is not None and op.kind == ACTIVATION:
            return Prime(op, self.board.symbols[atom], dict(line.node.params))
        return None

    def _joined(self, arrives: Term, local: Term) -> Term:
        bare = local.value if isinstance(local, Filled) else local
        if isinstance(arrives, Number):
            return local
        if isinstance(bare, Number) and self.scalar:
            return Product((arrives, bare)) if bare.value == 1 else product([bare, arrives], [0, 0])
        return product([arrives, local], [rank_of(arrives), rank_of(local)])

    def _rule(self, line: Line, atom: Node) -> Sentence:
        prime = self.prime(line, atom)
        if line.node in self.inner:
            return Sentence(N_("all steps inside, together"))
        if prime is None:
            return rule_name(line.consumers(atom))
        local = local_derivative(self.board, line, atom)
        return Sentence(
            N_("{prime} = {local}"), {"prime": prime, "local": local.value if isinstance(local, Filled) else local}
        )

    def ones(self) -> frozenset[tuple[str, int]]:
        """Axes of length 1 that are broadcast somewhere; an entry formula must not index them."""
        return frozenset(
            (symbol.name, axis)
            for node, symbol in self.board.symbols.items()
            for axis, size in enumerate(node.shape)
            if size == 1
        )

    # Numbers and checks -------------------------------------------------------------------------------------------
    def _value(self, name: Any) -> np.ndarray:
        return self.checker.truth[name][0]

    def _numbers(self, term: Term) -> Term | None:
        """The line with every name replaced by its value; functions of names are worked out."""
        return in_numbers(self, term)

    def _worked(self, users: list[Line], atom: Node, term: Term) -> Term | None:
        """A backward line in numbers: what arrives times the slope, one number each, where f′ was worked out."""
        (line, *others) = users
        prime = self.prime(line, atom)
        if prime is None or others or line.node is self.board.output:
            return self._numbers(term)
        arrives = Partial(self.of, (line.symbol.name,))
        slope = local_derivative(
            self.board, line, atom
        )  # at a kink f′ itself has no value, the slope the rule chose has
        return Product((Number(number_of(self, arrives)), Number(number_of(self, slope))))

    def every_form(self, forms: Sequence[Form], name: Any) -> Check:
        """The check of all right-hand sides of a line: those in symbols at every point, those in numbers at the given one."""
        checks = [
            (self.checker.in_numbers if form.numbers else self.checker.compare)(form.term, name) for form in forms
        ]
        return reduce(Check.worse, checks)

    def with_difference(self, check: Check, name: str, forms: Sequence[Form] = ()) -> Check:
        """The check of a gradient, judged by finite differences as well: only they share nothing with its rule."""
        if check.passed is None:
            return check
        if self.checker.at_user and not np.isfinite(self.checker.truth[self.of][0]).all():
            return Check(None, reason=Sentence(N_("not finite at the given values")))
        difference = self.checker.difference(name)
        if difference is None:
            return (
                check
                if not check.passed
                else Check(None, reason=Sentence(N_("no finite differences could be taken here")))
            )
        if any(isinstance(each, Pullback) for form in forms for each in walk(form.term)):
            check = replace(check, error=None)  # such a term is computed by reverse mode, so its agreeing says nothing
        return replace(check, difference=difference, passed=check.passed and difference <= DIFFERENCE_TOLERANCE)


def _one(checker: Checker) -> Labeled:
    return Labeled(np.ones(len(checker.points)), (POINT,))
