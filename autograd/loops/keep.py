"""KEEP: what a loop has computed is handed to the loop that would compute it again.

The gradient of a scan runs every step once more before it goes backwards. Where the body of a later loop holds the same
expression of the same step's carry, element and fixed values as the body of the loop whose rows it reads, the value
becomes one more row of the first and one more element of the second.

Which values: all that reach the later loop's own work pass through a cut of the shared expressions; the cut with the
fewest bytes is kept. What lies behind the cut is made again, and only cheap arithmetic may lie there (cost.cheap): a
contraction, a reduction, an exp or a tanh is never computed twice.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from ..graph import Graph, order, rebuild, substitute
from ..node import Leaf, Node
from ..ops.arithmetic import add, mul
from ..ops.control import part
from .cost import cheap, memory, moved_by
from .cut import cheapest_cut
from .loop import Loop, Region

KEPT_LIMIT = 1 << 30
"""Bytes that one loop may keep for another over all steps. A longer loop runs its steps again, as it was built to."""


def apply(region: Region) -> None:
    """Apply the rule to every pair of loops of which the later reads rows of the earlier."""
    for at, first in enumerate(region.loops):
        for second in region.loops[at + 1 :]:
            if second.length == first.length and any(given in first.rows for given in second.elements.values()):
                _share(region, first, second)


def _share(region: Region, first: Loop, second: Loop) -> None:
    known: dict[Node, Node] = {given: hole for hole, given in first.elements.items()}
    known |= {port: value for port, value in first.rows.items()}
    constant = {given: hole for hole, given in first.fixed.items()}
    swaps: dict[Node, Node] = {hole: known[given] for hole, given in second.elements.items() if given in known}
    swaps |= {hole: constant[given] for hole, given in second.fixed.items() if given in constant}
    count = len(first.results)
    results = merged([*first.results, *substitute(second.results, swaps)])
    own, later = results[:count], results[count:]

    nodes = order([*own, *first.elements])
    moved = moved_by(nodes, first.starts | first.elements)
    later_nodes = order(later)
    common = moved & set(later_nodes)
    # A part of a loop inside that only the second asks for is there in the first too.
    common.update(node for node in later_nodes if node.op is part and node.inputs[0] in common)
    if not any(not node.is_leaf and not cheap(node) for node in common):
        return
    first.with_results(own)
    wanted = {output for output in later if output in common}
    for node in later_nodes:
        if node not in common:
            wanted.update(source for source in node.inputs if source in common)
    values = [node for node in order([*nodes, *common]) if node in common and isinstance(node.shape, tuple)]
    kept = _cut(region, first, second, values, wanted)
    if sum(memory(node) for node in kept if not _stacked(first, node)) * int(first.length) > KEPT_LIMIT:
        return
    back: dict[Node, Node] = {}
    elements: dict[Node, Node] = dict(first.elements.items())
    for node in kept:
        back[node] = second.element(elements[node] if node in elements else first.row(node), node)
    for hole, given in first.fixed.items():
        back[hole] = second.constant(given)
    second.with_results(substitute(later, back))


def _cut(region: Region, first: Loop, second: Loop, common: Sequence[Node], wanted: set[Node]) -> list[Node]:
    """The values to hand on, in the order in which they are computed.

    Free is what is stacked anyway: the first loop's own elements, and rows that somebody else reads too. Of equal
    memory fewer values are better.
    """
    others = [node for loop in region.loops if loop is not second for node in loop.given]
    read = set(order([*region.outputs, *others]))
    free = {value for port, value in first.rows.items() if port in read} | set(first.elements)
    weights = {node: 0 if node in free else 64 * memory(node) + 1 for node in common}
    operands = {
        node: () if node.is_leaf or not cheap(node) else [source for source in node.inputs if source in weights]
        for node in common
    }
    cut = cheapest_cut(operands, weights, wanted)
    return [node for node in common if node in cut]


def _stacked(loop: Loop, value: Node) -> bool:
    return value in loop.elements or any(value is row for row in loop.rows.values())


# Equal nodes --------------------------------------------------------------------------------------------------------
def merged(outputs: Sequence[Node]) -> list[Node]:
    """The outputs with equal nodes made one, also random ones: equal key and equal step draw equal numbers."""
    image: dict[Node, Node] = {}
    known: dict[Hashable, Node] = {}
    for node in order(outputs):
        if isinstance(node, Leaf):
            image[node] = known.setdefault(_leaf_key(node), node)
            continue
        inputs = tuple([image[source] for source in node.inputs])
        swapped = inputs[::-1] if node.op in (add, mul) and inputs[0].serial > inputs[1].serial else inputs
        key = (node.op, swapped, tuple((name, param_key(value)) for name, value in node.params.items()))
        if key not in known:
            known[key] = node if inputs == node.inputs else rebuild(node, inputs)
        image[node] = known[key]
    return [image[output] for output in outputs]


def _leaf_key(leaf: Leaf) -> Hashable:
    if leaf.role != "constant" or leaf.params or leaf._name is not None:
        return leaf
    return leaf.dtype, tuple(map(int, leaf.shape)), leaf.value.tobytes()


def param_key(value: Any) -> Hashable:
    """What two params have in common exactly when they are equal. Graphs are equal when they say the same over their
    inputs; they are nested only as deep as loops are."""
    if isinstance(value, Graph):
        return _graph_key(value)
    if isinstance(value, Mapping):
        return tuple((key, param_key(each)) for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(param_key(each) for each in value)
    if hasattr(value, "tobytes"):
        return value.dtype, value.shape, value.tobytes()
    return type(value), value


def _graph_key(graph: Graph) -> Hashable:
    numbers: dict[Node, int] = {hole: at for at, hole in enumerate(graph.inputs)}
    lines: list[Hashable] = [(hole.shape, hole.dtype) for hole in graph.inputs]
    for node in order(graph.outputs):
        if node in numbers:
            continue
        numbers[node] = len(numbers)
        if isinstance(node, Leaf):
            lines.append(_leaf_key(node))
            continue
        params = tuple((name, param_key(value)) for name, value in node.params.items())
        lines.append((node.op, tuple(numbers[source] for source in node.inputs), params))
    return tuple(lines), tuple(numbers[output] for output in graph.outputs)
