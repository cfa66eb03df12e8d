"""A net of single numbers as circles: every neuron a sum of weights times values, found in the formulas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..autograd.differentiate import backward as differentiate
from ..autograd.graph import order, users
from ..autograd.language import N_, translate
from ..autograd.naming import names
from ..autograd.node import Node
from .circles import finished
from .drawing import Arrow, Box, Drawing
from .labels_of import equation, leaf_label, sign, value_text

DATA = ("x", "h", "s")  # how the names of inputs and states begin


@dataclass
class Neuron:
    """A weighted sum and the activation on it: terms are (weight, source); `output` is the node its readers read."""

    total: Node
    output: Node
    terms: list[tuple[Node, Node]]
    bias: Node | None
    label: str

    @property
    def shift(self) -> str:
        """What the sum is moved by, with its sign: +b, or −θ for a threshold."""
        if self.bias is None:
            return ""
        said = leaf_label(self.bias)
        return f"−{said}" if self.total.op.sign == "-" else said if said.startswith("−") else f"+{said}"


def scalar_net(y: Node, marked: Sequence[Node], language: str, numbers: bool = True) -> Drawing | None:
    """The drawing of a net whose weights are single numbers; None when there are no such sums. With `numbers`, values
    stand over the circles and on the arrows, gradients under the weights, where they are known."""
    nodes = order(y)
    readers = users(nodes)
    table = names(y)
    found: dict[Node, Neuron] = {}
    same: dict[Node, Node] = {}
    first_of: dict[tuple[object, ...], Node] = {}
    for node in nodes:
        split = weighted_sum(node, readers)
        if split is None or any(
            weighted_sum(reader, readers) is not None and reader.op.sign in ("+", "-") and node in reader.inputs
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
    column, inputs = columns_of(found)
    uses = Counter(weight for neuron in found.values() for weight, _ in neuron.terms)
    known = Numbers(y, [*uses, *(neuron.bias for neuron in found.values() if neuron.bias is not None)], numbers)
    rows: dict[int, list[Node]] = {}
    for node in (*found, *inputs):
        rows.setdefault(column[node], []).append(node)
    boxes, arrows = [], []
    for depth, members in sorted(rows.items()):
        for k, node in enumerate(members):
            place = (float(depth), k - (len(members) - 1) / 2)
            name, note = table.get(node, ""), equation(table.get(node, ""), node)
            if node in inputs:
                label = leaf_label(node) if node.is_leaf else name
                boxes.append(
                    Box(f"n{node.serial}", (label,), "neuron-input", above=known.value(node), place=place, note=note)
                )
                continue
            neuron = found[node]
            boxes.append(
                Box(
                    f"n{node.serial}",
                    (neuron.label,),
                    "neuron",
                    above=f"{name} = {known.value(node)}" if name and known.value(node) else name or known.value(node),
                    below=known.slope_of(neuron.bias) if neuron.bias is not None else "",
                    detail=neuron.shift,
                    place=place,
                    note=note,
                )
            )
    lit, reached = _lit(found, marked)
    for output, neuron in found.items():
        for weight, source in neuron.terms:
            arrows.append(
                Arrow(
                    f"n{source.serial}",
                    f"n{output.serial}",
                    "flow",
                    leaf_label(weight),
                    value=known.value(weight),
                    gradient=known.slope(weight) if uses[weight] == 1 else "",
                    highlighted=(weight, output) in lit,
                    note="  ".join(filter(None, (equation(leaf_label(weight), weight), known.slope_of(weight)))),
                )
            )
    sources = {source for neuron in found.values() for _, source in neuron.terms}
    ends = [output for output in found if output not in sources]
    if y not in column:
        boxes.append(
            Box(
                f"n{y.serial}",
                (table.get(y, sign(y)),),
                "loss",
                above=known.value(y),
                place=(max(column.values()) + 1.0, 0.0),
                note=equation(table.get(y, ""), y),
            )
        )
        arrows += [Arrow(f"n{end.serial}", f"n{y.serial}", highlighted=end in reached) for end in ends]
    notes = tuple(
        translate(N_("{gradient} is the sum over the {count} arrows of {name}."), language, gradient=said,
                  count=count, name=leaf_label(weight))
        for weight, count in uses.items()
        if count > 1 and (said := known.slope_of(weight))
    )  # fmt: skip
    reached_boxes = {f"n{node.serial}" for node in (*reached, *([y] if marked else []))}
    return finished(boxes, arrows, bool(marked), marked, table.get(y, "y"), language, notes, reached_boxes)


def columns_of(found: Mapping[Node, Neuron]) -> tuple[dict[Node, int], dict[Node, None]]:
    """The column of every neuron and input, and the inputs. An input stands just before its first reader, as in a
    recurrence x1, x2 … do."""
    depth: dict[Node, int] = {}
    inputs: dict[Node, None] = {}
    for output, neuron in found.items():  # in topological order, so every source has its column
        for _, source in neuron.terms:
            if source not in found:
                inputs[source] = None
        depth[output] = 1 + max(depth.get(source, 0) for _, source in neuron.terms)
    first = {
        source: min(depth[output] for output, neuron in found.items() if any(source is s for _, s in neuron.terms))
        for source in inputs
    }
    return depth | {source: readers - 1 for source, readers in first.items()}, inputs


class Numbers:
    """The values of a net and the slopes of its output, as text; nothing where not every value is known."""

    def __init__(self, y: Node, weights: Iterable[Node], wished: bool) -> None:
        self.symbol = names(y).get(y, "y")
        self.known = wished and all(leaf._value is not None or leaf.role == "constant" for leaf in order(y) if leaf.is_leaf)
        smooth = [weight for weight in dict.fromkeys(weights) if weight.dtype.kind == "f" and not (weight.is_leaf and weight.role == "constant")]
        differentiable = self.known and smooth and y.shape == () and y.dtype.kind == "f"
        self.adjoints = differentiate(y, smooth).adjoints if differentiable else {}

    def value(self, node: Node) -> str:
        """The value of a node."""
        return value_text(node) if self.known else ""

    def slope(self, weight: Node) -> str:
        """∂E/∂w as a number."""
        return value_text(self.adjoints[weight]) if weight in self.adjoints else ""

    def slope_of(self, weight: Node) -> str:
        """`∂E/∂w = 0.1`."""
        said = self.slope(weight)
        return f"∂{self.symbol}/∂{leaf_label(weight)} = {said}" if said else ""


def weighted_sum(
    node: Node, readers: Mapping[Node, Sequence[Node]]
) -> tuple[list[tuple[Node, Node]], Node | None] | None:
    """The (weight, source) terms and the bias, or what is taken off as a threshold, when a node is a sum of weights times
    values; None when it is not. What is taken off is a threshold only before an activation; elsewhere it is a target."""
    terms: list[tuple[Node, Node]] = []
    bias: Node | None = None
    waiting = [node]
    if not node.is_leaf and node.op.sign == "-" and len(node.inputs) == 2:
        first, last = node.inputs
        fires = {reader.op.kind for reader in readers[node]} == {"activation"}
        if fires and last.is_leaf and last.role in ("parameter", "constant") and last.shape == ():
            waiting, bias = [first], last
    while waiting:
        part = waiting.pop()
        if part.shape != ():
            return None
        if part.is_leaf:
            if part.role == "constant" and part.value == 0:
                continue  # where Python's sum begins
            if bias is not None or part is node:
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
    """Which factor is the weight: the parameter; else the leaf beside something computed; else the one
    whose name is not one of data; else the one read less often."""
    first, second = product.inputs
    leaves = [source for source in (first, second) if source.is_leaf and source.role != "constant"]
    if first is second or not leaves or any(source.is_leaf and source.role == "constant" for source in (first, second)):
        return None
    parameters = [leaf for leaf in leaves if leaf.role == "parameter"] or leaves
    weight = min(parameters, key=lambda leaf: (leaf_label(leaf)[:1] in DATA, len(readers[leaf])))
    return weight, second if weight is first else first


def _lit(found: dict[Node, Neuron], marked: Sequence[Node]) -> tuple[set[tuple[Node, Node]], set[Node]]:
    """The (weight, neuron) arrows on a path from a marked weight, bias, input or neuron to the output, and what the
    paths reach."""
    lit: set[tuple[Node, Node]] = set()
    reached = set(marked)
    for output, neuron in found.items():
        for weight, source in neuron.terms:
            if weight in marked or source in reached:
                lit.add((weight, output))
                reached.add(output)
        if neuron.bias in marked or neuron.total in marked:
            reached.add(output)
    return lit, reached
