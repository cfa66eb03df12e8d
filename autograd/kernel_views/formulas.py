"""What a kernel computes, as mathematics: a line for every result and for what is used more than once inside."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..engines.compiled.calls import Call
from ..errors import NngraphError
from ..graph import order, substitute
from ..naming import lines
from ..node import Leaf, Node
from ..symbolic.convert import to_term
from ..symbolic.elements import NotByEntry, entry, partial_key, with_axis_letters
from ..symbolic.letters import letters
from ..symbolic.local import BIG_CONSTANT, cut_out
from ..symbolic.terms import Partial, Symbol, Term
from ..symbolic.unicode import UnicodePrinter
from .named import Named, own_nodes
from .sums import sum_formula, sum_of

GRADIENT = re.compile(r"∂(.+?)/∂(.+)")
"""The name of a gradient."""
MOST = 40
"""So many formulas are written for one kernel."""


def formulas(call: Call, named: Named) -> tuple[str, ...]:
    """`Z = X·W + b`, and entry by entry where that says more: `z_nk = Σ_d x_nd·w_dk + b_k`."""
    own = own_nodes(call)
    stops = _stops(named, own)
    said: list[str] = []
    for node in [each for each in own if each in stops][:MOST]:
        try:
            said += _formula(node, stops, named)
            if not node.is_leaf and node.op.index is None and (found := sum_of(node)) is not None:
                said.append(sum_formula(found, {each: named.node(each) for each in (node, *node.inputs)}))
        except (NngraphError, KeyError, TypeError, ValueError, AssertionError):
            # Not everything that can be computed has a formula; then the op itself is named.
            said.append(f"{named.node(node)} = {node.op.name}({', '.join(map(named.node, node.inputs))})")
    return tuple(said)


def _stops(named: Named, own: list[Node]) -> set[Node]:
    """Nodes with a line of their own: those of other kernels that are read here, those that a derivation names, those that
    nothing in this kernel reads."""
    inside = set(own)
    read = {source for node in own for source in node.inputs}
    deserving = set(lines(own[-1:])) if own else set()
    return {
        node
        for node in order(own)
        if node in named.computed and (node not in inside or node not in read or node in deserving)
    }


def _formula(node: Node, stops: set[Node], named: Named) -> list[str]:
    below = order(node)
    symbols: dict[Node, Any] = {
        each: _symbol(named.node(each), len(each.shape))
        for each in below
        if each in stops or (isinstance(each, Leaf) and _is_named(each))
    }
    atoms, body, holes = cut_out(node, stops, {each: symbol for each, symbol in symbols.items() if each is not node})
    body = _with_short_numbers(body)
    taken = {named.node(each) for each in symbols if len(named.node(each)) == 1}
    found = letters([*atoms, *order(body)], _as_in_loops(body), taken)
    by_name = {_key(named.node(atom)): found[hole] for atom, hole in holes.items() if hole in found}
    by_name[_key(named.node(node))] = found[body]
    term = with_axis_letters(to_term(body, {hole: symbols[atom] for atom, hole in holes.items()}, root=True), by_name)
    write = UnicodePrinter()
    left = _symbol(named.node(node), len(node.shape))
    said = [f"{write.plain(left)} = {write.plain(term)}"]
    if node.shape and any(found[body]) and any(set(found.get(each, ())) - set(found[body]) for each in holes.values()):
        try:
            each = entry(term, found[body], by_name)
            said.append(f"{write.plain(entry(left, found[body], by_name))} = {write.plain(each)}")
        except (NotByEntry, LookupError):
            pass
    return said


def _as_in_loops(body: Node) -> dict[Node, tuple[str, ...]] | None:
    """The letters of a sum of products, which are those that its loops are written with."""
    for node in order(body):
        if not node.is_leaf and node.op.index is not None and len(set(node.inputs)) == len(node.inputs) > 1:
            form = node.op.index(*node.inputs, **node.params)
            return {node: tuple(form.output), **{each: tuple(labels) for each, labels in zip(node.inputs, form.operands)}}
    return None


def _with_short_numbers(body: Node) -> Node:
    """The same over constants that are written as float32 numbers are: 0.05, not 0.05000000074505806."""
    long = [each for each in order(body) if isinstance(each, Leaf) and not _is_named(each) and each.dtype.kind == "f"]
    short: dict[Node, Node] = {
        each: Leaf("constant", None, np.vectorize(_short, otypes=[float])(each._value), each.shape, np.dtype(float)) for each in long
    }
    return substitute([body], short)[0]


def _short(number: float) -> float:
    single = np.float32(number)
    return float(str(single)) if single == number else float(number)


def _symbol(name: str, rank: int) -> Term:
    """A name as a derivation writes it: ∂L/∂W is a derivative."""
    found = GRADIENT.fullmatch(name)
    return Partial(found[1], (found[2],), rank) if found else Symbol(name, rank)


def _key(name: str) -> str:
    """Where the letters of a name stand."""
    found = GRADIENT.fullmatch(name)
    return partial_key(found[2]) if found else name


def _is_named(leaf: Leaf) -> bool:
    return leaf.role != "constant" or leaf._name is not None or leaf.size > BIG_CONSTANT
