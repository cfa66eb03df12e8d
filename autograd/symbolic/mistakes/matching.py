"""Which array of a student's is which node: `dW1`, `grad_W1`, `delta2` are gradients, a node's own name is its value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...node import Node
from ...op import ACTIVATION
from ..local import Board

PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"d(?:[A-Z]|loss|Loss)?_?d(.+)",
        r"d_?(.+)",
        r"[gG]rad(?:ient)?_?(.+)",
        r"(.+)_[gG]rad(?:ient)?",
        r"(.+)grad",
        r"g_?(.+)",
        r"(.+)_g",
        r"(?:nabla|∇)_?(.+)",
        r"∂\w*/∂(.+)",
    )
)
DELTA = re.compile(r"(?:delta|δ|d)_?(\d+)")


@dataclass(frozen=True)
class Match:
    """A student's name, the node it speaks of, and whether it is the gradient of that node or its value."""

    name: str
    node: Node
    is_gradient: bool


def matched(
    names: Iterable[str], board: Board, mapping: Mapping[str, str], values: bool = True, returned: bool = False
) -> tuple[list[Match], list[str]]:
    """The matches, and the names that fit nothing. `mapping` (dz1 -> a1) says what names mean and wins.

    Values are matched only with nodes that the user named: our own letters mean nothing to a student. `returned`: the
    names are keys of a returned dict, where W1 alone is the gradient of W1 (nobody returns his own argument).
    """
    known = {symbol.name: node for node, symbol in board.symbols.items()}
    found, left = [], []
    for name in names:
        if name in mapping:
            found.append(Match(name, known[mapping[name]], True))
        elif (node := _gradient_of(name, known, board)) is not None and name not in known:
            found.append(Match(name, node, True))
        elif returned and name in known and known[name].is_leaf:
            found.append(Match(name, known[name], True))
        elif values and name in known and not known[name].is_leaf and known[name].name == name:
            found.append(Match(name, known[name], False))
        else:
            left.append(name)
    return found, left


def _gradient_of(name: str, known: Mapping[str, Node], board: Board) -> Node | None:
    if delta := DELTA.fullmatch(name):
        return _delta(delta[1], known, board)
    for pattern in PATTERNS:
        fits = pattern.fullmatch(name)
        if fits and (node := _called(fits[1], known)) is not None:
            return node
    if name.lower().startswith(("delta", "δ")):
        return _called(name.lower().removeprefix("delta").removeprefix("δ").lstrip("_"), known)
    return None


def _called(name: str, known: Mapping[str, Node]) -> Node | None:
    """The node of that name; without one, the only one that differs in upper and lower case or underscores alone."""
    if name in known:
        return known[name]
    plain = [node for each, node in known.items() if _plain(each) == _plain(name)]
    return plain[0] if len(plain) == 1 else None


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("/", "")


def _delta(index: str, known: Mapping[str, Node], board: Board) -> Node | None:
    """δ_k belongs to what enters the k-th activation: the one whose name ends in k, else the k-th in run order."""
    entering = [line.node.inputs[0] for line in board.lines if line.node.op.kind == ACTIVATION and line.node.inputs]
    entering = [node for node in dict.fromkeys(entering) if node in board.symbols]
    named = [
        node for node in entering if board.symbols[node].name.rstrip("0123456789") + index == board.symbols[node].name
    ]
    if len(named) == 1:
        return named[0]
    return entering[int(index) - 1] if 0 < int(index) <= len(entering) else None


def backward_order(board: Board) -> list[Node]:
    """Nodes in the order in which the backward pass finishes their gradients."""
    users: dict[Node, Node] = {}
    for line in board.lines:
        for atom in line.atoms:
            users.setdefault(atom, line.node)
    order = [board.output]
    for line in reversed(board.lines):
        order += [atom for atom in reversed(line.atoms) if users[atom] is line.node and atom not in order]
    return order
