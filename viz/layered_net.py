"""A net of matrix products as circles: a layer at a time, one circle for each column of the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..autograd.errors import MissingValue, UnknownOp
from ..autograd.graph import order, users
from ..autograd.naming import names
from ..autograd.node import Node
from ..autograd.op import inside
from .circles import finished, subscript
from .drawing import Arrow, Box, Drawing, DrawingError
from .labels_of import equation, leaf_label, number, sign

MOST_ROWS = 8  # a layer with more circles is drawn with ⋮
MOST_LABELS = 30  # with more arrows the weights are not written on them


@dataclass
class Layer:
    """A product with a weight matrix: `matrix[i, j]` goes from input i to output j once turned."""

    weight: Node
    turned: bool
    wide: int
    result: Node
    label: str = "Σ"
    bias: Node | None = None

    @property
    def sizes(self) -> tuple[int, int]:
        """How many circles before and after; a vector of weights makes one circle of them."""
        shape = tuple(int(size) for size in self.weight.shape)
        return (shape[0], 1) if len(shape) == 1 else (shape[1], shape[0]) if self.turned else (shape[0], shape[1])

    def name(self, i: int, j: int) -> str:
        """What the weight from circle i to circle j is called."""
        first, second = (j, i) if self.turned else (i, j)
        one = len(self.weight.shape) == 1
        return leaf_label(self.weight) + (subscript(i + 1) if one else subscript(first + 1) + subscript(second + 1))


def layered_net(y: Node, marked: Sequence[Node], language: str) -> Drawing | None:
    """The drawing of a net whose layers are matrix products; None when there are none."""
    nodes = order(y)
    readers = users(nodes)
    table = names(y)
    layers: list[Layer] = []
    first: Node | None = None
    for node in nodes:
        if node.is_leaf or node.op.kind != "linear" or len(node.inputs) != 2:
            continue
        weights = [
            k
            for k, source in enumerate(node.inputs)
            if source.is_leaf and source.role == "parameter" and len(source.shape) in (1, 2)
        ]
        if len(weights) != 1:
            continue
        weight, turned = node.inputs[weights[0]], weights[0] == 0
        layer = Layer(weight, turned, 1, node)
        layer.wide = layer.sizes[1]
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
        if first_layer.wide != second.sizes[0]:
            raise DrawingError(
                f"draw: the neurons view needs one layer after the other; {first_layer.wide} circles do not meet"
                " the weights of"
                f' {leaf_label(second.weight)}. view="forward" draws any graph.'
            )
    sizes = [layers[0].sizes[0], *(layer.wide for layer in layers)]
    boxes, arrows = [], []
    shown = [rows_of(size) for size in sizes]
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
    touched: set[str] = set()
    for depth, layer in enumerate(layers, 1):
        matrix = matrix_of(layer)
        lit = reached or layer.weight in marked or (depth == 1 and first in marked)
        for a in shown[depth - 1]:
            for b in shown[depth]:
                if a is None or b is None:
                    continue
                name = layer.name(a, b)
                note = name if matrix is None else f"{name} = {number(matrix[a, b])}"
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
        reached = lit or layer.bias in marked or layer.result in marked
        if reached:
            touched |= {f"c{depth}-{b}" for b in shown[depth] if b is not None}
    last = [(f"c{len(layers)}-{row}" if row is not None else f"c{len(layers)}-gap") for row in shown[-1]]
    for depth, (node, said, kind) in enumerate(afterwards(layers[-1].result, y, table), len(layers) + 1):
        boxes.append(Box(f"n{depth}", (said,), kind, place=(float(depth), 0.0), note=equation(table.get(node, ""), node)))
        arrows += [Arrow(source, f"n{depth}", highlighted=reached) for source in last if not source.endswith("-gap")]
        last = [f"n{depth}"]
    if marked:
        touched.add(boxes[-1].id)
    return finished(boxes, arrows, bool(marked), marked, table.get(y, "y"), language, reached=touched)


def afterwards(result: Node, y: Node, table: Mapping[Node, str]) -> list[tuple[Node, str, str]]:
    """(node, label, kind) of what follows the last layer: activations on the way, also those inside a loss, and the
    output."""
    if result is y:
        return []
    after: dict[Node, None] = {result: None}
    for node in order(y):  # in topological order
        if any(source in after for source in node.inputs):
            after[node] = None
    steps: list[tuple[Node, str, str]] = []
    for node in list(after)[1:]:
        if node.op.kind == "activation":
            steps.append((node, sign(node), "activation"))
        elif node.op.kind == "loss":
            steps += [(node, said, "activation") for said in activations_inside(node)]
    named = table.get(y, sign(y))
    return [*steps, (y, named, "loss")] if not steps or steps[-1][0] is not y or y.op.kind == "loss" else steps


def activations_inside(node: Node) -> list[str]:
    """The signs of the activations that a composite op is made of."""
    try:
        graph = inside(node.op, node.inputs, node.params)
    except UnknownOp:
        return []
    return [sign(each) for each in order(graph.outputs) if not each.is_leaf and each.op.kind == "activation"]


def rows_of(size: int) -> list[int | None]:
    """The circles of a layer that are drawn; None stands for ⋮."""
    return list(range(size)) if size <= MOST_ROWS else [0, 1, 2, None, size - 2, size - 1]


def matrix_of(layer: Layer) -> np.ndarray | None:
    """The weights from each circle to each; None when they have no value yet."""
    try:
        value = np.asarray(layer.weight.value)
    except MissingValue:
        return None
    return value.T if layer.turned and value.ndim == 2 else value.reshape(layer.sizes)
