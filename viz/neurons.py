"""A net as every slide draws it: layers of circles, weights on the arrows. Found from the shape of the formulas, in
two dialects:
sums of weight times value (each weight a number), and products with a weight matrix (a layer at a time).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from ..autograd.graph import order, users
from ..autograd.naming import names as named
from ..autograd.node import Node
from .drawing import Arrow, Box, Drawing, DrawingError
from .labels_of import leaf_label, number, sign, value_text
from .paths import marked_note
from .shapes import legend_words

MOST_ROWS = 8  # a layer with more circles is drawn with ⋮
MOST_LABELS = 30  # with more arrows the weights are not written on them


def neurons(y: Node, highlight: Iterable[Node] = (), language: str = "en") -> Drawing:
    """The net as layers of circles. `highlight`: weights whose paths to the output, along which ∂E/∂w is carried, are
    marked.

    DrawingError when the graph is not made of weighted sums.
    """
    marked = list(highlight)
    drawing = scalar_net(y, marked, language) or layered_net(y, marked, language)
    if drawing is None:
        raise DrawingError(
            "draw: the neurons view needs weighted sums (w1*x1 + w2*x2 …) or products with a weight matrix (x @ W);"
            " this graph has"
            ' neither. view="forward" draws any graph.'
        )
    return drawing


@dataclass
class Neuron:
    """A weighted sum and the activation on it: terms are (weight, source); `output` is the node its readers read."""

    total: Node
    output: Node
    terms: list[tuple[Node, Node]]
    bias: Node | None
    label: str
    sources: list[str] = field(default_factory=list)


def scalar_net(y: Node, marked: Sequence[Node], language: str) -> Drawing | None:
    """The drawing of a net whose weights are single numbers; None when there are no such sums."""
    nodes = order(y)
    readers = users(nodes)
    table = named(y)
    found: dict[Node, Neuron] = {}
    same: dict[Node, Node] = {}
    first_of: dict[tuple[object, ...], Node] = {}
    for node in nodes:
        split = weighted_sum(node, readers)
        if split is None or any(
            weighted_sum(reader, readers) is not None and reader.op.sign == "+" and node in reader.inputs
            for reader in readers[node]
        ):
            continue
        output, label = node, "Σ"
        after = readers[node]
        if (
            len(set(after)) == 1
            and after[0].op.kind in ("activation", "function", "comparison")
            and len(after[0].inputs) == 1
        ):
            output, label = after[0], sign(after[0])
        terms, bias = split
        terms = [(weight, same.get(source, source)) for weight, source in terms]
        # A formula written out repeats a neuron for each of its readers; in the picture it is one circle.
        what = (label, bias, tuple(terms))
        same[output] = first_of.setdefault(what, output)
        if same[output] is output:
            found[output] = Neuron(node, output, terms, bias, label)
    if not found:
        return None
    column: dict[Node, int] = {}
    inputs: dict[Node, None] = {}
    for output, neuron in found.items():  # in topological order, so every source has its column
        for _, source in neuron.terms:
            if source not in found:
                inputs[source] = None
        column[output] = 1 + max([column.get(source, 0) for _, source in neuron.terms])
    rows: dict[int, list[Node]] = {0: list(inputs)}
    for output in found:
        rows.setdefault(column[output], []).append(output)
    boxes, arrows = [], []
    for depth, members in sorted(rows.items()):
        for k, node in enumerate(members):
            place = (float(depth), k - (len(members) - 1) / 2)
            name = table.get(node, "")
            if depth == 0:
                label = leaf_label(node) if node.is_leaf else name
                boxes.append(
                    Box(f"n{node.serial}", (label,), "neuron-input", place=place, note=f"{label} = {value_text(node)}")
                )
            else:
                neuron = found[node]
                offset = f"+{leaf_label(neuron.bias)}" if neuron.bias is not None else ""
                boxes.append(
                    Box(
                        f"n{node.serial}",
                        (neuron.label,),
                        "neuron",
                        above=name,
                        detail=offset,
                        place=place,
                        note=f"{name} = {value_text(node)}",
                    )
                )
    drawn = set(column) | set(inputs)
    lit = _lit(found, marked)
    for output, neuron in found.items():
        for weight, source in neuron.terms:
            on = (weight, output) in lit
            arrows.append(
                Arrow(
                    f"n{source.serial}",
                    f"n{output.serial}",
                    "flow",
                    leaf_label(weight),
                    highlighted=on,
                    note=f"{leaf_label(weight)} = {value_text(weight)}",
                )
            )
    last = max(column.values())
    ends = [
        output
        for output in found
        if not any(output is source for neuron in found.values() for _, source in neuron.terms)
    ]
    if y not in drawn:
        boxes.append(
            Box(
                f"n{y.serial}",
                (table.get(y, sign(y)),),
                "loss",
                place=(last + 1.0, 0.0),
                note=f"{table.get(y, '')} = {value_text(y)}",
            )
        )
        arrows += [Arrow(f"n{end.serial}", f"n{y.serial}", highlighted=bool(lit)) for end in ends]
    return _finish(boxes, arrows, bool(lit), marked, table.get(y, "y"), language)


def weighted_sum(
    node: Node, readers: Mapping[Node, Sequence[Node]]
) -> tuple[list[tuple[Node, Node]], Node | None] | None:
    """The (weight, source) terms and the bias, when a node is a sum of weights times values; None when it is not."""
    terms: list[tuple[Node, Node]] = []
    bias: Node | None = None
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if part.shape != ():
            return None
        if part.is_leaf:
            if part.role == "constant" or bias is not None or part is node:
                return None
            bias = part
        elif part.op.sign == "+" and len(part.inputs) == 2:
            waiting += reversed(part.inputs)
        elif part.op.sign == "*" and len(part.inputs) == 2:
            term = weight_first(part, readers)
            if term is None:
                return None
            terms.append(term)
        else:
            return None
    return (terms, bias) if terms else None


def weight_first(product: Node, readers: Mapping[Node, Sequence[Node]]) -> tuple[Node, Node] | None:
    """Which factor is the weight: the parameter; else the leaf beside something computed; else the one read less often."""
    first, second = product.inputs
    leaves = [source for source in (first, second) if source.is_leaf and source.role != "constant"]
    if first is second or not leaves or any(source.is_leaf and source.role == "constant" for source in (first, second)):
        return None
    parameters = [leaf for leaf in leaves if leaf.role == "parameter"] or leaves
    weight = min(parameters, key=lambda leaf: len(readers[leaf]))
    return weight, second if weight is first else first


def _lit(found: dict[Node, Neuron], marked: Sequence[Node]) -> set[tuple[Node, Node]]:
    """The (weight, neuron) arrows on a path from a marked weight to the output."""
    lit: set[tuple[Node, Node]] = set()
    reached: set[Node] = set()
    for output, neuron in found.items():
        for weight, source in neuron.terms:
            if weight in marked or source in reached:
                lit.add((weight, output))
                reached.add(output)
        if neuron.bias in marked:
            reached.add(output)
    return lit


@dataclass
class Layer:
    """A product with a weight matrix: `matrix[i, j]` goes from input i to output j once turned."""

    weight: Node
    turned: bool
    wide: int
    result: Node
    label: str = "Σ"
    bias: Node | None = None


def layered_net(y: Node, marked: Sequence[Node], language: str) -> Drawing | None:
    """The drawing of a net whose layers are matrix products; None when there are none."""
    nodes = order(y)
    readers = users(nodes)
    table = named(y)
    layers: list[Layer] = []
    first: Node | None = None
    for node in nodes:
        if node.is_leaf or node.op.kind != "linear" or len(node.inputs) != 2:
            continue
        weights = [
            k
            for k, source in enumerate(node.inputs)
            if source.is_leaf and source.role == "parameter" and len(source.shape) == 2
        ]
        if len(weights) != 1:
            continue
        weight, turned = node.inputs[weights[0]], weights[0] == 0
        layer = Layer(weight, turned, int(weight.shape[0 if turned else 1]), node)
        here = node
        for _ in range(3):  # a bias, an activation
            after = list(dict.fromkeys(readers[here]))
            if len(after) != 1 or after[0].is_leaf:
                break
            step = after[0]
            biases = [source for source in step.inputs if source.is_leaf and source.role == "parameter"]
            if step.op.sign == "+" and len(biases) == 1 and layer.bias is None:
                layer.bias, here = biases[0], step
            elif step.op.kind == "activation" and len([s for s in step.inputs if s not in biases]) == 1:
                layer.label, here = sign(step), step
                break
            else:
                break
        layer.result = here
        layers.append(layer)
        first = node.inputs[1 - weights[0]] if first is None else first
    if not layers or first is None:
        return None
    for first_layer, second in pairwise(layers):
        if first_layer.wide != int(second.weight.shape[1 if second.turned else 0]):
            raise DrawingError(
                f"draw: the neurons view needs one layer after the other; {first_layer.wide} circles do not meet"
                " the weights of"
                f' {leaf_label(second.weight)}. view="forward" draws any graph.'
            )
    sizes = [int(layers[0].weight.shape[1 if layers[0].turned else 0]), *(layer.wide for layer in layers)]
    boxes, arrows = [], []
    shown = [_rows(size) for size in sizes]
    input_name = leaf_label(first) if first.is_leaf else table.get(first, "x")
    for depth, rows in enumerate(shown):
        above = layers[depth - 1] if depth else None
        for k, row in enumerate(rows):
            place = (float(depth), k - (len(rows) - 1) / 2)
            if row is None:
                boxes.append(Box(f"c{depth}-gap", ("⋮",), "neuron-gap", detail=str(sizes[depth]), place=place))
            elif above is None:
                boxes.append(Box(f"c0-{row}", (f"{input_name}{subscript(row + 1)}",), "neuron-input", place=place))
            else:
                boxes.append(
                    Box(
                        f"c{depth}-{row}",
                        (above.label,),
                        "neuron",
                        place=place,
                        note=f"{table.get(above.result, '')}{subscript(row + 1)}",
                        above=f"{table.get(above.result, '')}{subscript(row + 1)}" if len(rows) <= 4 else "",
                        detail=f"+{leaf_label(above.bias)}{subscript(row + 1)}"
                        if above.bias is not None and len(rows) <= 4
                        else "",
                    )
                )
    count = sum(len(a) * len(b) for a, b in pairwise(shown))
    reached = False
    for depth, layer in enumerate(layers, 1):
        matrix = _matrix(layer)
        lit = reached or layer.weight in marked
        for a in shown[depth - 1]:
            for b in shown[depth]:
                if a is None or b is None:
                    continue
                i, j = (b, a) if layer.turned else (a, b)
                name = f"{leaf_label(layer.weight)}{subscript(i + 1)}{subscript(j + 1)}"
                note = name if matrix is None else f"{name} = {number(matrix[i, j])}"
                arrows.append(
                    Arrow(
                        f"c{depth - 1}-{a}",
                        f"c{depth}-{b}",
                        "flow",
                        name if count <= MOST_LABELS else "",
                        highlighted=lit,
                        note=note,
                    )
                )
        reached = lit
    return _finish(boxes, arrows, reached, marked, table.get(y, "y"), language)


def _rows(size: int) -> list[int | None]:
    return list(range(size)) if size <= MOST_ROWS else [0, 1, 2, None, size - 2, size - 1]


def _matrix(layer: Layer) -> np.ndarray | None:
    try:
        return np.asarray(layer.weight.value)
    except ValueError:
        return None


def subscript(value: int) -> str:
    """Digits as subscripts.

    >>> subscript(12)
    '₁₂'
    """
    return "".join(chr(0x2080 + int(digit)) for digit in str(value))


def _finish(
    boxes: list[Box], arrows: list[Arrow], lit: bool, marked: Sequence[Node], symbol: str, language: str
) -> Drawing:
    legend: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    if lit:
        legend = (("arrow-highlight", legend_words("arrow-highlight", language)),)
        notes = (marked_note([f"∂{symbol}/∂{leaf_label(weight)}" for weight in marked], language),)
        carriers = {end for arrow in arrows if arrow.highlighted for end in (arrow.source, arrow.target)}
        boxes = [replace(box, highlighted=box.id in carriers and box.kind != "neuron-input") for box in boxes]
    return Drawing(tuple(boxes), tuple(arrows), legend=legend, notes=notes, arrangement="fixed", language=language)
