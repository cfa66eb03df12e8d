"""Lines: a graph cut into named steps, and the local derivatives of each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..differentiate import backward
from ..engines.numpy import Program
from ..errors import ParameterError
from ..graph import Graph, order, rebuild
from ..language import N_, translate
from ..leaves import constant
from ..naming import lines, names
from ..node import Leaf, Node
from ..op import CONTROL, LINEAR, SHAPE, Op
from ..ops.linear import broadcast, transpose
from .convert import constant_term, on_written, to_term
from .elements import with_axis_letters
from .evaluate import COLUMNS
from .letters import letters
from .orientation import columns
from .terms import Apply, Partial, Pullback, Symbol, Term, walk

BIG_CONSTANT = 16
"""A constant with more numbers than this is named instead of written out."""


@dataclass(frozen=True, eq=False)
class Line:
    """One named step: `symbol = definition`, an expression in atoms (inputs and earlier lines).

    `body` is the same expression as a graph of its own, with a placeholder (`holes`) for every atom, so that it can be
    differentiated by itself.
    """

    node: Node
    symbol: Symbol
    number: int
    definition: Term
    plain: Term
    """The definition with samples in rows, as the graph has it; `definition` may be turned over."""
    atoms: tuple[Node, ...]
    body: Node
    holes: dict[Node, Leaf]

    @property
    def elementwise(self) -> bool:
        """Whether every op inside acts entry by entry."""
        return all(node.op.scalar is not None for node in order(self.body) if not node.is_leaf)

    def uses(self, atom: Node) -> int:
        """How often the atom stands in this line."""
        hole = self.holes[atom]
        return sum(node.inputs.count(hole) for node in order(self.body))

    def consumers(self, atom: Node) -> list[Op]:
        """The ops inside this line that the atom goes through, the one that takes it first."""
        reached = {self.holes[atom]}
        ops = []
        for node in order(self.body):
            if not reached.isdisjoint(node.inputs):
                reached.add(node)
                ops.append(node.op)
        return ops


@dataclass(frozen=True, eq=False)
class Board:
    """What is written on the board: the lines in run order, the names of everything, the letters of every axis."""

    output: Node
    lines: tuple[Line, ...]
    symbols: dict[Node, Symbol]
    letters: dict[str, tuple[str, ...]]
    leaves: tuple[Leaf, ...]
    opened: dict[str, tuple[int, ...]]
    """Shapes of the names that were introduced by opening a line."""
    plain_letters: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The letters in the graph's own orientation."""
    columns: bool = False
    """Whether samples are columns: then every matrix stands here turned over."""

    def name(self, node: Node) -> str:
        """What a node is called on the board."""
        return self.symbols[node].name

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape, as displayed."""
        plain = {symbol.name: node.shape for node, symbol in self.symbols.items()}
        return {
            name: shape[::-1] if self.columns and len(shape) == 2 else shape for name, shape in plain.items()
        } | self.opened

    def in_columns(self) -> Board:
        """The same board with samples as columns: every matrix turned over, every line rewritten to match."""
        turned_lines = tuple(replace(line, definition=columns(line.plain)) for line in self.lines)
        letters_ = {name: found[::-1] if len(found) == 2 else found for name, found in self.letters.items()} | {
            COLUMNS: ()
        }
        return replace(self, lines=turned_lines, letters=letters_, columns=True)


def board(
    output: Node,
    keep: Sequence[Node] = (),
    taken: Sequence[str] = (),
    known: Mapping[Node, str] | None = None,
    expand: Sequence[str] = (),
    axes: Mapping[Node, tuple[str, ...]] | None = None,
) -> Board:
    """The graph of `output` cut into lines. `keep` and `known` nodes are lines of their own; names in `expand` are
    written out. `axes` gives the letters that some nodes have already."""
    nodes = order(output)
    keep = [*keep, *(node for node in known or {} if node in set(nodes))]
    table = names(output, keep, taken, known)
    cut_at = lines(output, keep)
    for name in expand:
        if name not in (said := [table[node] for node in cut_at]):
            raise ParameterError(
                translate(N_("expand: no line is called {name}; the lines are {known}"), name=name, known=", ".join(said))
            )
    own = [node for node in cut_at if table[node] not in expand or node is output]
    stops = set(own)
    given = _by_family(
        [
            node
            for node in nodes
            if isinstance(node, Leaf)
            and (node.role != "constant" or node._name is not None or node.size > BIG_CONSTANT)
        ],
        table,
    )
    symbols: dict[Node, Symbol] = {leaf: Symbol(table[leaf], len(leaf.shape)) for leaf in given}
    symbols.update({node: Symbol(table[node], len(node.shape)) for node in own})
    found = letters(nodes, axes, {symbol.name.lower() for symbol in symbols.values() if len(symbol.name) == 1})
    by_name = {symbols[node].name: found[node] for node in symbols}
    cut = []
    for number, node in enumerate(own, 1):
        atoms, body, holes = cut_out(node, stops, symbols)
        definition = with_axis_letters(
            to_term(body, {hole: symbols[atom] for atom, hole in holes.items()}, root=True), by_name
        )
        cut.append(Line(node, symbols[node], number, definition, definition, atoms, body, holes))
    return Board(output, tuple(cut), symbols, by_name, given, {}, dict(by_name))


def _by_family(given: Sequence[Leaf], table: Mapping[Node, str]) -> tuple[Leaf, ...]:
    """Leaves in order of appearance, but w1, w2, … together and in the order of their numbers."""
    parts = {leaf: re.fullmatch(r"(.*?)(\d*)", table[leaf]) for leaf in given}
    stems = {leaf: match[1] if match else table[leaf] for leaf, match in parts.items()}
    first: dict[str, int] = {}
    for at, leaf in enumerate(given):
        first.setdefault(stems[leaf], at)
    return tuple(sorted(given, key=lambda leaf: (first[stems[leaf]], int((parts[leaf] and parts[leaf][2]) or 0))))


def cut_out(node: Node, stops: set[Node], symbols: Mapping[Node, Any]) -> tuple[tuple[Node, ...], Node, dict[Node, Leaf]]:
    """The part of the graph between a line and its atoms, rebuilt over placeholders."""
    inner: set[Node] = {node}
    atoms: list[Node] = []
    stack = [node]
    while stack:
        for source in stack.pop().inputs:
            if source in inner or source in atoms:
                continue
            if source in symbols or source in stops:
                atoms.append(source)
            elif not source.is_leaf:
                inner.add(source)
                stack.append(source)
    atoms.sort(key=lambda atom: atom.serial)
    image: dict[Node, Node] = {}
    holes: dict[Node, Leaf] = {}
    for atom in atoms:
        hole = Leaf("input", symbols[atom].name, None, atom.shape, atom.dtype)
        holes[atom] = hole
        image[atom] = hole
    for each in sorted(inner, key=lambda one: one.serial):
        image[each] = rebuild(each, tuple(image.get(source, source) for source in each.inputs))
    return tuple(atoms), image[node], holes


def arriving(board: Board, line: Line, named: bool = False) -> dict[Node, Term]:
    """For every atom of the line with a gradient: what the line sends it, as a term in ∂output/∂line and the atoms.

    For the output itself nothing arrives but 1, unless `named` asks for the symbol all the same.
    """
    symbol = line.symbol
    floats = [atom for atom in line.atoms if atom.dtype.kind == "f"]
    if line.node is board.output and not named:
        seed: Node = constant(np.ones((), line.body.dtype))
        atoms: dict[Node, Term] = {}
    else:
        seed = Leaf("input", "g", None, line.body.shape, line.body.dtype)
        atoms = {seed: Partial(board.name(board.output), (symbol.name,), symbol.rank)}
    adjoints = backward(line.body, [line.holes[atom] for atom in floats], seed=seed).adjoints
    atoms |= {hole: board.symbols[atom] for atom, hole in line.holes.items()}
    atoms.setdefault(line.body, symbol)
    sent = {atom: with_axis_letters(to_term(adjoints[line.holes[atom]], atoms), board.plain_letters) for atom in floats}
    if isinstance(seed, Leaf) and seed in atoms:
        for atom, term in sent.items():
            if roundabout(term):
                sent[atom] = _pullback(board, line, atom, adjoints[line.holes[atom]], seed, atoms[seed])
    return sent


def roundabout(term: Term) -> bool:
    """Whether a way back is told worse by its formula than by its name: it moves entries about more than once, or runs
    a loop."""
    moves = 0
    for each in walk(term):
        if (
            isinstance(each, Apply)
            and each.op.notation.style in ("call", "element")
            and each.op.kind in (SHAPE, LINEAR, CONTROL)
        ):
            moves += 2 if each.op.kind == CONTROL else 1
    return moves > 1


def _pullback(board: Board, line: Line, atom: Node, adjoint: Node, seed: Leaf, arrives: Term) -> Pullback:
    """(∂line/∂atom)ᵀ · ∂E/∂line, computed by the graph of the way back itself; differences judge it."""
    holes = (seed, *line.holes.values())
    program = Program.of(Graph(holes, (adjoint,)))
    op = replace(broadcast, name="pullback", index=None, numpy=on_written(program, holes), known={})
    slope = Partial(line.symbol.name, (board.name(atom),), 2)
    turned_slope = Apply(transpose, (slope,), {"axes": (1, 0)})
    return Pullback(
        (turned_slope, arrives), "matrix", op, (arrives, *(board.symbols[each] for each in line.holes)), len(atom.shape)
    )


def local_derivative(board: Board, line: Line, atom: Node) -> Term:
    """∂line/∂atom entry by entry, for lines that are elementwise in an atom of their own shape."""
    ones = constant(np.ones(tuple(map(int, line.body.shape)), line.body.dtype))
    adjoint = backward(line.body, [line.holes[atom]], seed=ones).adjoints[line.holes[atom]]
    atoms: dict[Node, Term] = {hole: board.symbols[each] for each, hole in line.holes.items()}
    atoms.setdefault(line.body, line.symbol)
    return to_term(adjoint, atoms)


__all__ = ["Board", "Line", "arriving", "board", "constant_term", "local_derivative"]
