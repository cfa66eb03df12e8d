"""What a claim is compared with: the true values at many points, every name that may occur, and the formula as derived."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...differentiate import backward
from ...engines.numpy import Program
from ...errors import CheckFailed, NngraphError
from ...graph import between, order, rebuild, substitute
from ...node import Leaf, Node
from ...op import ACTIVATION, FUNCTION, Op, inside
from ...ops.arithmetic import add, mul
from ...rewrite import rewrite
from ..convert import to_term
from ..derivation import BACKWARD, INSIDE, RESULT, Derivation
from ..elements import with_axis_letters
from ..evaluate import POINT, Labeled, evaluate
from ..explain import explain, in_float64
from ..givens import friendly
from ..local import Board, board, local_derivative
from ..terms import Apply, Element, Filled, Number, Partial, Prime, Symbol, Term, children, replaced
from .points import Point, points
from .prime import Primes

LONGEST = 250
"""A formula is written out in leaves and lines as long as it stays below this many parts."""


@dataclass(frozen=True)
class Base:
    """One way of writing the correct formula. `paths`: for a sum over paths, which path each addend belongs to."""

    term: Term
    paths: tuple[str, ...] = ()


@dataclass
class Scene:
    """One question: the graph, the variable (None: the value itself), names, points, and what is true there."""

    output: Node
    wrt: Node | None
    board: Board
    names: dict[str, Node]
    of: Term
    """What the claim is about, as it is written."""
    truth: Node
    leaves: tuple[Leaf, ...]
    givens: dict[Leaf, np.ndarray]
    derivation: Derivation | None = None
    bases: list[Base] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    env: dict[Any, Labeled] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    true: np.ndarray = field(default_factory=lambda: np.empty(0))
    others: list[np.ndarray] = field(default_factory=list)
    adjoints: dict[Any, Node] = field(default_factory=dict)
    primes: Primes = field(default_factory=Primes)

    def __getitem__(self, name: str) -> Node:
        """The node of that name: a leaf, a shorthand, or a line of the derivation."""
        return self.names[name]

    def prime(self, op: Op, argument: Node, times: int = 1) -> Node:
        """op′(argument) as a node that is written so."""
        return self.primes.derivative(op, times, argument)

    @property
    def symbols(self) -> dict[Node, Symbol]:
        """How nodes are written: shorthands and lines by name."""
        table = {node: Symbol(name, len(node.shape)) for name, node in self.names.items()}
        return {**table, **self.board.symbols}

    def on_path(self) -> list[Node]:
        """The nodes between the variable and the output."""
        if self.wrt is None:
            return order(self.output)
        return sorted(between([self.output], [self.wrt]), key=lambda node: node.serial)

    def run(self, tried: Sequence[Point], nodes: Sequence[Node]) -> None:
        """Evaluate truth, names and `nodes` (a claim) at the points; those without a finite truth are left out."""
        named = list(dict.fromkeys([*self.board.symbols, *self.names.values()]))
        named = [node for node in named if isinstance(node.shape, tuple)]
        keys = list(self.adjoints)
        program = Program([self.truth, *nodes, *named, *self.adjoints.values()])
        kept, rows = [], []
        for point in tried:
            values = program(point.values)
            if np.all(np.isfinite(values[0])):
                kept.append(point)
                rows.append([np.asarray(value, dtype=np.float64) for value in values])
        self.points = kept
        if not rows:
            return
        columns = [np.stack(column) for column in zip(*rows, strict=False)]
        self.true, self.others = columns[0], columns[1 : 1 + len(nodes)]
        values = columns[1 + len(nodes) :]
        symbols = self.symbols
        self.env = {symbols[node].name: Labeled(array, (POINT,)) for node, array in zip(named, values, strict=False)}
        for name, node in self.names.items():
            self.env.setdefault(name, self.env[symbols[node].name])
        self.env.update({key: Labeled(array, (POINT,)) for key, array in zip(keys, values[len(named) :], strict=False)})
        for step in self.derivation.steps if self.derivation is not None else ():
            # Names that only the inside of a composite op introduces, such as the shares P of a softmax loss.
            if (
                step.section == INSIDE
                and isinstance(step.before, Symbol)
                and step.before.name not in self.env
                and not isinstance(step.after, Element)
            ):
                value = self.value(step.after)
                if value is not None:
                    self.env[step.before.name] = Labeled(value, (POINT,))

    def value(self, term: Term) -> np.ndarray | None:
        """The values of a term at all points, axes (point, …); None where the term makes no sense."""
        try:
            found = evaluate(term, self.env, self.sizes)
        except (CheckFailed, NngraphError, ValueError, KeyError, IndexError, TypeError, AssertionError):
            return None
        if set(found.labels) - {POINT}:
            return None
        return (
            found.array
            if POINT in found.labels
            else np.broadcast_to(found.array, (len(self.points), *found.array.shape))
        )

    def shape_of(self, name: str) -> tuple[int, ...]:
        """The shape of a named value."""
        return tuple(self.env[name].array.shape[1:])


def scene(
    output: Node, wrt: Node | None, named: Mapping[str, Node], *, seed: int = 0, more: Sequence[Node] = ()
) -> tuple[Scene, list[Node]]:
    """The scene of ∂output/∂wrt, or of the output itself; and the nodes in `more` as they are in its graph.

    Shorthands that spell out a part of the graph become that part, so that the derivation speaks their names.
    """
    given = [*named.values(), *more]
    output, changed = in_float64(output, [*given, *([wrt] if wrt is not None else [])])
    together = [*changed[: len(named)], output, *changed[len(named) :]]
    merged = _named(rewrite(together, (), (add, mul)), list(named)) if named else together
    names = dict(zip(named, merged, strict=False))
    output, more = merged[len(named)], merged[len(named) + 1 : len(named) + 1 + len(more)]
    wrt = merged[-1] if wrt is not None else None
    written = board(output, keep=[wrt] if wrt is not None and not wrt.is_leaf else [])
    known = {symbol.name: node for node, symbol in written.symbols.items()}
    leaves = tuple(
        dict.fromkeys(
            [*written.leaves, *(node for node in order([output, *names.values(), *more]) if isinstance(node, Leaf))]
        )
    )
    givens = friendly(output, leaves, seed)
    if wrt is None:
        of: Term = written.symbols.get(output) or to_term(output, written.symbols)
        found = Scene(output, None, written, {**known, **names}, of, output, leaves, givens)
        found.bases = _value_bases(found)
    else:
        others = [
            leaf for leaf in written.leaves if leaf.dtype.kind == "f" and leaf is not wrt and leaf.role != "constant"
        ]
        record = backward(output, [wrt, *others])
        of = Partial(written.name(output), (written.name(wrt) if wrt in written.symbols else "?",), len(wrt.shape))
        found = Scene(output, wrt, written, {**known, **names}, of, record.adjoints[wrt], leaves, givens)
        found.adjoints = {
            (of.of, (symbol.name,)): record.adjoints[node]
            for node, symbol in written.symbols.items()
            if node in record.adjoints
        }
        if wrt in written.symbols and wrt is not output:
            # A claim is judged by its numbers; a graph that no derivation can be written for only leaves the slip unnamed.
            with contextlib.suppress(NngraphError):
                found.derivation = explain(output, [wrt], seed=seed)
                found.bases = _gradient_bases(found)
    for name, letters in written.letters.items():
        for letter, size in zip(letters, written.shapes().get(name, ()), strict=False):
            found.sizes.setdefault(letter, int(size))
    found.points = points(output, leaves, givens, seed)
    return found, list(more)


def _named(nodes: list[Node], names: Sequence[str]) -> list[Node]:
    """The nodes, where the first ones bear the shorthands' names: an equal node built earlier, without a name, may have stayed."""
    for at, name in enumerate(names):
        node = nodes[at]
        if not node.is_leaf and node.name is None:
            copy = rebuild(node, node.inputs)
            copy._name = name
            nodes = substitute(nodes, {node: copy})
    return nodes


def _gradient_bases(scene: Scene) -> list[Base]:
    """The result as derived, f′ kept and worked out, and written out down to forward names."""
    assert scene.derivation is not None
    step = next(step for step in scene.derivation.steps if step.section == RESULT and step.before == scene.of)
    paths = tuple(str(why.fields["path"]) for why in step.why if "path" in why.fields)
    terms = [form.term for form in step.forms if not form.numbers]
    found = [Base(term, paths) for term in terms if not any(_foreign(each, scene) for each in _parts(term))]
    for kept in (True, False):
        sent = _adjoint_forms(scene, kept)
        longer = sent.get(scene.of)
        for _ in range(40):
            if longer is None:
                break
            more = replaced(longer, sent.get)
            if more == longer or len(_parts(more)) > LONGEST:
                break
            longer = more
        if longer is not None and all(base.term != longer for base in found):
            found.append(Base(longer))
    kept_too = [Base(_with_primes(scene, base.term), base.paths) for base in found]
    return [*(base for base in kept_too if base not in found), *found]


def _with_primes(scene: Scene, term: Term) -> Term:
    """The formula with f′(a) for every slope that stands in it worked out, also of functions that derivations do not keep as f′."""
    slopes: dict[Term, Term] = {}
    for line in scene.board.lines:
        op, atoms = line.node.op, line.atoms
        if (
            op.scalar is None
            or op.kind not in (ACTIVATION, FUNCTION)
            or len(atoms) != 1
            or line.node.inputs != atoms
            or line.node.inputs[0].dtype.kind != "f"
        ):
            continue
        local = local_derivative(scene.board, line, atoms[0])
        local = local.value if isinstance(local, Filled) else local
        if not isinstance(local, (Symbol, Number)):
            slopes[local] = Prime(op, scene.board.symbols[atoms[0]], dict(line.node.params))
    return replaced(term, slopes.get)


def _adjoint_forms(scene: Scene, kept: bool) -> dict[Term, Term]:
    """∂L/∂z -> what its line of the backward pass says, with f′ kept or worked out."""
    forms: dict[Term, Term] = {}
    assert scene.derivation is not None
    for step in scene.derivation.steps:
        if step.section == BACKWARD and isinstance(step.before, Partial):
            own = [form.term for form in step.forms if not form.numbers]
            forms[step.before] = own[0] if kept else own[-1]
    return forms


def _value_bases(scene: Scene) -> list[Base]:
    """The output's own line, the same written out, and with composite ops opened."""
    written = scene.board
    if not written.lines:
        return [Base(scene.of)]
    definitions = {line.symbol: line.definition for line in written.lines}
    terms = [written.lines[-1].definition]
    for _ in range(40):
        longer = replaced(terms[-1], lambda each: definitions.get(each) if isinstance(each, Symbol) else None)
        if longer == terms[-1] or len(_parts(longer)) > LONGEST:
            break
        terms.append(longer)
    terms = [terms[0], terms[-1]] if len(terms) > 1 else terms
    opened = replaced(terms[-1], lambda each: _opened_term(each, written) if isinstance(each, Apply) else None)
    return [Base(term) for term in dict.fromkeys([*terms, opened])]


def _opened_term(term: Apply, written: Board) -> Term | None:
    """A composite op as its formula, when its operands are names."""
    if term.op.formula is None or not all(isinstance(arg, Symbol) for arg in term.args):
        return None
    by_name = {symbol.name: node for node, symbol in written.symbols.items()}
    nodes = [by_name[arg.name] for arg in term.args if isinstance(arg, Symbol)]
    graph = inside(term.op, nodes, dict(term.params))
    return with_axis_letters(
        to_term(graph.outputs[0], dict(zip(graph.inputs, term.args, strict=False))), written.letters
    )


def _foreign(term: Term, scene: Scene) -> bool:
    """Whether a part names something that has no value here: a local derivative such as ∂y/∂a."""
    return isinstance(term, Partial) and (term.of, term.by) not in scene.adjoints


def _parts(term: Term) -> list[Term]:
    found, stack = [], [term]
    while stack:
        each = stack.pop()
        found.append(each)
        stack.extend(children(each))
    return found
