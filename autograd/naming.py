"""Names for a graph: which nodes deserve a line of their own in a derivation, and what every node is called.

A user's name wins (an input's, a parameter's, or the variable a node was assigned to); everything else gets a letter of
its op, numbered in topological order per graph, so that the same expression is named the same way every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .graph import order, users
from .node import Node
from .op import ACTIVATION, ARITHMETIC, FUNCTION, LINEAR, LOSS, REDUCTION, SHAPE, Op
from .ops.identity import cast
from .ops.linear import broadcast

LONGEST = 8
"""An expression with more operands than this is broken into named lines."""


def _multiplies(node: Node) -> bool:
    """Whether a node weighs or mixes what it takes, as a further layer does; a constant factor is no layer."""
    weighs = node.op.notation.style == "infix" and node.op.notation.sign == "·"
    return weighs and not any(source.is_leaf and source.role == "constant" for source in node.inputs)


def lines(outputs: Node | Iterable[Node], keep: Iterable[Node] = ()) -> list[Node]:
    """The computed nodes that get a name and a line of their own, in run order.

    Outputs and nodes a user named; results used more than once; functions and activations; and the arithmetic that
    feeds one of them. What remains, arithmetic within arithmetic, is written out inside its line.
    """
    roots = [outputs] if isinstance(outputs, Node) else list(outputs)
    nodes = order(roots)
    table = users(nodes)
    chosen = {*roots, *keep}
    operands: dict[Node, int] = {}
    for node in nodes:
        if node.is_leaf:
            continue
        if node not in chosen and _deserves(node, table[node]):
            chosen.add(node)
        inside = [source for source in node.inputs if not source.is_leaf and source not in chosen]
        count = len(node.inputs) - len(inside) + sum(operands[source] for source in inside)
        # A bundle of values is no value to name; the part that is taken of it is.
        nameable = [source for source in inside if source.dtype != object]
        if count > LONGEST and nameable:
            longest = max(nameable, key=lambda source: operands[source])
            chosen.add(longest)
            count -= operands[longest] - 1
        operands[node] = count
    return [node for node in nodes if node in chosen and not node.is_leaf]


def _deserves(node: Node, consumers: list[Node]) -> bool:
    op = node.op
    if op is broadcast or op is cast or node.dtype == object:
        return False  # repeated, retyped or a bundle of values: not something to name
    if node.name is not None or len(set(consumers)) > 1:
        return True
    if op.kind == LINEAR and op.formula is not None:
        return True  # a convolution is a step of its own, not a term in one
    if op.kind in (ARITHMETIC, LINEAR) or (op.kind in (SHAPE, FUNCTION) and op.notation.style in ("infix", "postfix")):
        return any(not _takes_expressions(consumer) for consumer in consumers)
    if _written_as_sum(op):
        return any(consumer.op.kind not in (ARITHMETIC, REDUCTION) for consumer in consumers)
    return True


def _takes_expressions(consumer: Node) -> bool:
    """Whether an unnamed expression reads well as an operand of this op: in sums and products it does, under a power it
    does not."""
    op = consumer.op
    if op.kind == ARITHMETIC:
        return op.notation.style in ("infix", "prefix", "fraction")
    return _written_as_sum(op)


def _written_as_sum(op: Op) -> bool:
    """Whether an op reduces along axes, as Σ does; a pooling, which reduces windows, is a step of its own."""
    return op.kind == REDUCTION and "axis" in op.params


def names(
    outputs: Node | Iterable[Node],
    keep: Iterable[Node] = (),
    taken: Iterable[str] = (),
    known: Mapping[Node, str] | None = None,
) -> dict[Node, str]:
    """What every node is called: leaves, lines, and the nodes inside lines. Unnamed plain numbers have no entry.

    No computed node gets a name in `taken`; nodes in `known` keep the name they have there.

    >>> import nngraph as ng
    >>> w, x = ng.parameter("w", 2.0), ng.input("x", 3.0)
    >>> sorted(names(ng.square(w * x) + w).values())
    ['E', 'm', 's', 'w', 'x']
    """
    roots = [outputs] if isinstance(outputs, Node) else list(outputs)
    nodes = order(roots)
    known = known or {}
    own = set(lines(roots, keep))
    wanted: list[tuple[Node, str, bool]] = []
    for node in nodes:
        if node.is_leaf and node not in known and (node.name is not None or node.shape):
            given = node._name or node.name
            wanted.append((node, given or ("C" if len(node.shape) > 1 else "c"), given is not None))
    last = _last_activations(nodes)
    for node in nodes:
        if node.is_leaf or node in known:
            continue
        user = node.name if node in own else None
        stem = user or (_output_letter(node) if node in roots else "y" if node in last else _letter(node, node in own))
        wanted.append((node, stem, user is not None))
    present = {node: known[node] for node in nodes if node in known}
    return present | _numbered(wanted, {*taken, *present.values()})


def _numbered(wanted: list[tuple[Node, str, bool]], reserved: set[str]) -> dict[Node, str]:
    """Names from (node, stem, whether the user gave it). What the user named alone keeps its name; other stems that
    stand once are the name, the rest are numbered. Z and z count as one stem where arrays are named, because an entry
    of Z is written z_nk."""

    def alike(node: Node, stem: str) -> str:
        return stem.lower() if node.shape else stem

    counts: dict[str, int] = {}
    by_user: dict[str, int] = {}
    for node, stem, users_own in wanted:
        for key in {alike(node, stem), stem}:
            counts[key] = counts.get(key, 0) + 1
        if users_own:
            by_user[stem] = by_user.get(stem, 0) + 1
    taken = {stem for stem, count in by_user.items() if count == 1} | reserved
    table: dict[Node, str] = {}
    at: dict[str, int] = {}
    for node, stem, users_own in wanted:
        alone = (
            by_user.get(stem) == 1
            if users_own
            else counts[alike(node, stem)] == counts[stem] == 1 and stem not in by_user
        )
        if alone and (stem not in reserved or node._name is not None):
            table[node] = stem
            taken.add(stem)
            continue
        while True:
            at[stem] = at.get(stem, 0) + 1
            name = f"{stem}{at[stem]}"
            if name not in taken:
                break
        taken.add(name)
        table[node] = name
    return table


def _letter(node: Node, is_line: bool) -> str:
    letter = node.op.letter or node.op.name[0]
    if is_line and node.shape and _contains_product(node):
        letter = "z"
    rank = len(node.shape) if isinstance(node.shape, tuple) else 0
    return letter.upper() if rank >= 2 else letter


def _contains_product(node: Node) -> bool:
    return node.op.kind == LINEAR or (
        node.op.kind == ARITHMETIC and any(not source.is_leaf and source.op.kind == LINEAR for source in node.inputs)
    )


def _output_letter(node: Node) -> str:
    if node.shape:
        return "Y" if len(node.shape) > 1 else "y"
    if node.op.kind == LOSS or node.op.kind == REDUCTION:
        return "L"
    powers = [node, *node.inputs]
    squared = any(
        not each.is_leaf and each.op.notation.style in ("superscript", "power") and not each.inputs[0].is_leaf
        for each in powers
    )
    return "E" if squared else "y"


def _last_activations(nodes: list[Node]) -> set[Node]:
    """Activations after which nothing is multiplied or activated any more: what a network calls its output."""
    behind: set[Node] = set()
    last = set()
    for node in reversed(nodes):
        if node.is_leaf:
            continue
        activated = node.op.kind == ACTIVATION
        if activated and node.op.scalar is not None and node not in behind:
            last.add(node)
        if activated or _multiplies(node) or node in behind:
            behind.update(node.inputs)
    return last if len(last) < 3 else set()
