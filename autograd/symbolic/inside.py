"""A composite line opened: its own formula, its own backward pass, and the fused form they come to.

softmax_loss is told as P = softmax(Z), then −1/N Σ t ln p, then backwards through both; what comes out is compared with
the short gradient its declaration gives.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..differentiate import backward
from ..engines.numpy import Program
from ..graph import substitute
from ..language import N_
from ..node import Leaf, Node
from ..op import LOSS, inside
from .convert import product, settled, to_term
from .derivation import BACKWARD, INSIDE, Check, Form, Sentence, Step
from .differences import TOLERANCE as DIFFERENCE_TOLERANCE
from .elements import NotByEntry, collapsed, entry, fresh, renamed
from .evaluate import Labeled, evaluate
from .local import Line, arriving, board
from .orientation import columns
from .terms import AxisSum, Delta, Element, EntryPartial, IndexSum, Number, Partial, Symbol, Term, replaced, walk
from .verify import TOLERANCE, Checker, simplex_leaves

if TYPE_CHECKING:
    from .explanation import Explanation

SHARES = 1e-12
"""How near to 1 the labels of a row must sum to be called shares: far below what a line's check would notice."""


def composite(line: Line) -> bool:
    """Whether a line is one op with a formula, applied to names."""
    node = line.body
    return node.op.formula is not None and all(source.is_leaf for source in node.inputs)


def opened_term(explanation: Explanation, line: Line) -> Term:
    """The formula of a composite line as one term in its atoms."""
    atoms = {hole: explanation.board.symbols[atom] for atom, hole in line.holes.items()}
    graph = inside(line.body.op, line.body.inputs, line.body.params)
    return to_term(
        graph.outputs[0], {hole: to_term(source, atoms) for hole, source in zip(graph.inputs, line.body.inputs)}
    )


def open_line(explanation: Explanation, line: Line) -> Explanation | None:
    """The derivation inside a loss, over its own small board; None where there is nothing to open."""
    if not composite(line) or line.node.op.kind != LOSS or all(atom.shape == () for atom in line.atoms):
        return None
    graph = inside(line.body.op, line.body.inputs, line.body.params)
    (output,) = substitute(graph.outputs, dict(zip(graph.inputs, line.body.inputs)))
    if output.is_leaf:
        return None
    output._name = line.symbol.name
    outer = explanation.board
    inner_board = board(
        output,
        taken=list(outer.shapes()),
        axes={hole: outer.plain_letters[outer.name(atom)] for atom, hole in line.holes.items()},
    )
    if len(inner_board.lines) < 2:
        return None
    wanted = [hole for atom, hole in line.holes.items() if atom in explanation.active]
    inner = type(explanation)(
        inner_board, wanted, explanation.detail, explanation.notation, explanation.seed, outer=explanation
    )
    checker = explanation.checker
    inner.points = [
        {hole: checker.truth_of(outer.name(atom))[at] for atom, hole in line.holes.items()}
        for at in range(len(checker.points))
    ]
    inner.at_user = checker.at_user
    for leaf in inner_board.leaves:
        if leaf not in inner.points[0]:
            for point in inner.points:
                point[leaf] = leaf.value
    inner.prepare()
    for each in inner_board.lines[:-1]:
        outer.opened[each.symbol.name] = explanation.shape_shown(each.node.shape)
        outer.letters.setdefault(each.symbol.name, inner.board.letters[each.symbol.name])
    return inner


def forward_inside(inner: Explanation, line: Line) -> list[Step]:
    """The lines of the formula: P = softmax(Z) with its entry, then the loss written out."""
    steps = []
    for step, each in zip(inner.forward_lines(), inner.board.lines, strict=True):
        steps.append(renumbered(step, line.number, INSIDE))
        if composite(each):
            steps.extend(_entry_of(inner, each, line.number))
    return steps


def _entry_of(inner: Explanation, line: Line, number: int) -> list[Step]:
    labels = inner.board.letters[line.symbol.name]
    if not labels or len(set(labels)) != len(labels):
        return []
    try:
        opened = opened_term(inner, line)
        term = entry(columns(opened) if inner.board.columns else opened, labels, inner.board.letters, inner.ones())
    except NotByEntry:
        return []
    check = inner.checker.compare(term, line.symbol.name, labels)
    name = line.symbol.name
    before, rule = Element(line.symbol, labels), Sentence(N_("entry by entry"))
    return [Step(f"e{number}.{name}", INSIDE, number, name, before, (Form(term),), rule, (), (), None, check)]


def backward_inside(explanation: Explanation, inner: Explanation, line: Line) -> list[Step]:
    """Backwards through the formula of a composite line."""
    return [renumbered(step, line.number, INSIDE) for step in inner.backward_lines()]


def renumbered(step: Step, number: int, section: str) -> Step:
    """The same step under the number of the line it explains."""
    return replace(step, id=f"in{number}.{step.id}", number=number, section=section)


def with_names(inner: Explanation, term: Term, explanation: Explanation) -> Term:
    """A term with what the opening named written by its name: P for softmax(Z)."""
    for each in inner.board.lines[:-1]:
        name = each.symbol.name
        if name not in explanation.checker.shown:
            explanation.checker.shown[name] = inner.checker.shown[name]
            explanation.checker.plain.setdefault(name, inner.checker.plain[name])
        term = replaced(term, lambda found, line=each: line.symbol if found == line.plain else None)
    return term


def with_whole_labels(term: Term, explanation: Explanation) -> tuple[Term, Sentence | None]:
    """A term with the sum of a row of labels replaced by 1, where the labels are shares that sum to 1."""
    sums = simplex_sums(explanation, term)
    if not sums:
        return term, None
    simpler = settled(replaced(term, lambda found: Number(1.0) if found in sums else None))
    return simpler, Sentence(N_("since {sum} = 1: the labels of a sample sum to 1"), {"sum": sums[0]})


def simplex_sums(explanation: Explanation, term: Term) -> list[AxisSum]:
    """Sums over the last axis of labels that are distributions, at every test point."""
    names = {
        explanation.board.name(leaf): leaf
        for leaf in simplex_leaves(explanation.board.output)
        if leaf in explanation.board.symbols
    }
    found = []
    for each in walk(term):
        if (
            isinstance(each, AxisSum)
            and isinstance(each.body, Symbol)
            and each.body.name in names
            and each.axes == (each.body.rank - 1,)
        ):
            values = explanation.checker.truth_of(each.body.name)
            if np.all(np.abs(values.sum(-1) - 1) <= SHARES):
                found.append(each)
    return found


# The Jacobian of an op that mixes the entries of an axis -------------------------------------------------------------
def case_steps(explanation: Explanation, line: Line, atom: Node) -> list[Step]:
    """∂p_k/∂z_j in its two cases, read off the op's gradient rule by sending a one to entry k alone."""
    if (
        line.elementwise
        or not composite(line)
        or atom.shape != line.node.shape
        or not atom.shape
        or len(line.atoms) != 1
    ):
        return []
    written, checker = explanation.board, explanation.checker
    whole = line.symbol
    sent = unit_vjp(explanation, line, atom)
    axes = {axis for each in _sums(sent) for axis in each.axes}
    labels = written.plain_letters[written.name(atom)]
    if len(axes) != 1 or len(set(labels)) != len(labels):
        return []
    axis = axes.pop()
    of_letter = labels[axis]
    by_letter = fresh("j", set(labels))
    mine = labels[:axis] + (by_letter,) + labels[axis + 1 :]
    try:
        term = entry(sent, mine, written.plain_letters, explanation.ones())
    except NotByEntry:
        return []
    seed = Partial(explanation.of, (whole.name,), whole.rank)
    term = collapsed(
        replaced(
            term,
            lambda each: (
                Delta(each.labels[axis], of_letter) if isinstance(each, Element) and each.base == seed else None
            ),
        )
    )
    term = replaced(
        term, lambda each: Element(each.base, each.labels[axis : axis + 1]) if isinstance(each, Element) else None
    )
    equal = settled(
        renamed(replaced(term, lambda each: Number(1.0) if isinstance(each, Delta) else None), {by_letter: of_letter})
    )
    other = settled(replaced(term, lambda each: Number(0.0) if isinstance(each, Delta) else None))
    rows = len(labels) > 1
    before = EntryPartial(Element(whole, (of_letter,)), Element(written.symbols[atom], (by_letter,)))
    check, jacobian = _jacobian_check(checker, line, atom, axis, term, whole, of_letter, by_letter)
    others = labels[:axis] + labels[axis + 1 :]
    checker.shown[(whole, written.symbols[atom])] = Labeled(jacobian, ("•", *others))
    name = f"{whole.name}.{written.name(atom)}"
    note = Sentence(N_("one column at a time") if written.columns else N_("one row at a time")) if rows else None
    return [
        Step(f"j{line.number}.{name}", BACKWARD, line.number, whole.name, before,
             (Form(equal, where=Sentence(N_("if {one} = {other}"), {"one": of_letter, "other": by_letter})),
              Form(other, where=Sentence(N_("if {one} ≠ {other}"), {"one": of_letter, "other": by_letter}))),
             note, (Sentence(line.node.op.why),), (), None, check),
    ]  # fmt: skip


def unit_vjp(explanation: Explanation, line: Line, atom: Node) -> Term:
    """What the line sends to the atom when ∂/∂line stands for what arrives."""
    return arriving(explanation.board, line, named=True)[atom]


def _sums(term: Term) -> list[AxisSum]:
    return [each for each in walk(term) if isinstance(each, AxisSum)]


def _jacobian_check(
    checker: Checker, line: Line, atom: Node, axis: int, term: Term, whole: Symbol, of: str, by: str
) -> tuple[Check, np.ndarray]:
    """The two cases together, p_k(δ_kj − p_j), against reverse mode with a one in each entry in turn and against finite
    differences of the line; all test points, every row.

    Also what the displayed cases give: axes (points, the other axes, of, by).
    """
    hole = line.holes[atom]
    seed = Leaf("input", "g", None, line.body.shape, line.body.dtype)
    program = Program([backward(line.body, [hole], seed=seed).adjoints[hole]])
    error, shown_at = 0.0, []
    for x, y in zip(checker.truth_of(checker.board.name(atom)), checker.truth_of(whole.name)):
        length = x.shape[axis]
        rows_x, rows_y = (np.moveaxis(values, axis, -1).reshape(-1, length) for values in (x, y))
        names = {whole.name: Labeled(rows_y, ("•",)), checker.board.name(atom): Labeled(rows_x, ("•",))}
        shown = evaluate(term, names, {of: length, by: length})
        cases = np.transpose(shown.array, [shown.labels.index(each) for each in ("•", of, by)])
        for k in range(length):
            one = np.zeros(x.shape)
            np.moveaxis(one, axis, 0)[k] = 1.0
            truth = np.moveaxis(program({hole: x, seed: one})[0], axis, -1).reshape(-1, length)
            error = max(error, float(np.max(np.abs(cases[:, k, :] - truth) / (1 + np.abs(truth)), initial=0.0)))
        shown_at.append(cases.reshape(tuple(size for at, size in enumerate(x.shape) if at != axis) + (length, length)))
    shown_cases = np.stack(shown_at)
    slopes = _slopes(checker, line, atom, axis)
    difference = float(np.max(np.abs(shown_cases - slopes) / (1 + np.abs(slopes)), initial=0.0))
    passed = error <= TOLERANCE and difference <= DIFFERENCE_TOLERANCE
    return Check(passed, error, len(shown_at), difference), shown_cases


def _slopes(checker: Checker, line: Line, atom: Node, axis: int) -> np.ndarray:
    """How every entry of the displayed line moves with each entry of the atom, by differences; axes as the cases have
    them.

    All rows move at once: what the line does to one of them does not depend on the others.
    """
    name = checker.board.name(atom)
    x = checker.truth_of(name)
    step = 1e-3 * max(1.0, float(np.max(np.abs(x), initial=0.0)))
    slopes = []
    for j in range(atom.shape[axis]):
        unit = np.zeros(atom.shape[axis])
        unit[j] = step
        direction = unit.reshape(-1, *[1] * (len(atom.shape) - axis - 1))
        a, b, c, d = (evaluate(line.plain, {name: Labeled(x + k * direction, ("•",))}).array for k in (-2, -1, 1, 2))
        slopes.append(np.moveaxis((a - 8 * b + 8 * c - d) / (12 * step), axis + 1, -1))
    return np.stack(slopes, axis=-1)


def fused_steps(
    explanation: Explanation,
    inner: Explanation,
    line: Line,
    atom: Node,
    kept: Term,
    short: Term,
    since: Sentence | None,
) -> list[Step]:
    """∂L/∂z_nj = Σ_k ∂L/∂p_nk · ∂p_nk/∂z_nj, and what it comes to, for one entry."""
    hole = line.holes[atom]
    through = [
        each
        for each in inner.board.lines
        if each.atoms == (hole,) and (each.symbol, inner.board.symbols[hole]) in inner.checker.shown
    ]
    others = [each for each in inner.board.lines if hole in each.atoms and each not in through]
    if len(through) != 1 or others or explanation.notation.layout == "numerator":
        return []
    (middle,) = through
    labels = explanation.board.letters[explanation.board.name(atom)]
    axes = {axis for each in _sums(unit_vjp(inner, middle, hole)) for axis in each.axes}
    if len(axes) != 1:
        return []
    axis = axes.pop()
    if explanation.board.columns:
        axis = len(labels) - 1 - axis
    j = fresh("j", set(labels))
    mine = labels[:axis] + (j,) + labels[axis + 1 :]
    arriving_term = inner.oriented(inner.sent_total(middle.node))
    try:
        gradient = entry(arriving_term, labels, inner.board.letters, inner.ones())
        forms = [
            entry(each, mine, explanation.board.letters, explanation.ones()) for each in dict.fromkeys((kept, short))
        ]
    except NotByEntry:
        return []
    z = explanation.board.symbols[atom]
    explanation.checker.shown[(middle.symbol, z)] = inner.checker.shown[(middle.symbol, inner.board.symbols[hole])]
    jacobian = EntryPartial(Element(middle.symbol, labels), Element(z, mine))
    first = IndexSum((labels[axis],), product([gradient, jacobian], [0, 0], "scalar"))
    name = (explanation.of, (explanation.board.name(atom),))
    before = Element(Partial(explanation.of, (explanation.board.name(atom),), z.rank), mine)
    explanation.checker.sizes.setdefault(j, explanation.checker.sizes.get(labels[axis], 1))
    if line.node is not explanation.board.output:
        return []
    chain = [Form(first), *(Form(term, since if at and since else None) for at, term in enumerate(forms))]
    check = explanation.checker.compare(first, name, mine)
    for form in chain[1:]:
        check = check.worse(explanation.checker.compare(form.term, name, mine))
    check = explanation.with_difference(check, name[1][0])
    return [
        Step(
            f"s{line.number}.{name[1][0]}",
            INSIDE,
            line.number,
            name[1][0],
            before,
            tuple(chain),
            Sentence(N_("chain rule")),
            (),
            (),
            None,
            check,
        )
    ]
