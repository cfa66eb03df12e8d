"""What a kernel computes, as NumPy would be asked for it: a line for every operation."""

from __future__ import annotations

import ast
from typing import Any

from ..engines.compiled.calls import Call
from ..engines.numpy_report import source_of
from ..graph import order
from ..node import Node
from ..vocabulary import WORDS
from .named import Named, own_nodes
from .sums import sum_of

FOLDS = {"+": "sum", "*": "prod", "max": "max", "min": "min"}
"""Words by which numbers along axes are taken together, and NumPy's function for each."""


def numpy_lines(call: Call, named: Named) -> tuple[str, ...]:
    """`Z = X @ W`, `A = np.maximum(Z, 0)`; first what only looks at an array in another way."""
    own = own_nodes(call)
    inside = set(own)
    needed: set[Node] = set(own)
    for node in reversed(order(own)):
        if node in needed:
            needed |= {each for each in node.inputs if not each.is_leaf and each not in named.computed}
    shown = [
        node for node in order(own)
        if node in needed and (node in inside or node not in named.computed) and isinstance(node.shape, tuple)
    ]  # fmt: skip
    lines = [line for node in shown for line in _windows(node, named) or [f"{named.node(node)} = {_said(node, named)}"]]
    pages = dict.fromkeys(source_of(node.op, node) for node in shown if not _is_plain(node) and not _own_name(node) and sum_of(node) is None)
    return (*lines, *(line for page in pages for line in ("", *page.rstrip("\n").split("\n"))))


def _windows(node: Node, named: Named) -> list[str]:
    """A convolution, and its gradient to the weights, as NumPy's windows and a sum of products; none for anything else."""
    if node.is_leaf or node.op.kernel not in ("conv", "conv_weights") or node.params["groups"] != 1:
        return []
    x, other = node.inputs
    settings, axes = node.params, len(node.params["stride"])
    weights = node if node.op.kernel == "conv_weights" else other
    counts = (other if weights is node else node).shape[-axes:]
    dilation, size = settings["dilation"], tuple(map(int, weights.shape[-axes:]))
    lines, source, names = list[str](), named.node(x), [named.node(each) for each in (x, other)]
    if any(map(any, settings["padding"])):
        pads = ((0, 0),) * (len(x.shape) - axes) + tuple(map(_plain, settings["padding"]))
        lines.append(f"padded = np.pad({source}, {pads})")
        source = "padded"
    reach = tuple((each - 1) * int(step) + 1 for each, step in zip(size, dilation))
    along = tuple(range(-axes, 0))
    lines.append(f"windows = np.lib.stride_tricks.sliding_window_view({source}, {reach if axes > 1 else reach[0]}, axis={along if axes > 1 else -1})")
    if any(step != 1 for step in (*settings["stride"], *dilation)) or weights is node:
        steps = [*(f":{int(count) * int(step)}:{int(step)}" for count, step in zip(counts, settings["stride"])), *(f"::{int(step)}" for step in dilation)]
        lines.append(f"windows = windows[..., {', '.join(steps)}]")
    batched, spots, taps = len(x.shape) > axes, "ij"[:axes], "rs"[:axes]
    texts = {"x": ("nc" if batched else "") + spots + taps, "w": ("oc" if batched else "") + taps, "y": ("no" if batched else "") + spots}
    if settings.get("turned"):
        names[1] += f"[..., {', '.join(['::-1'] * axes)}]"
    second, result = ("y", "w") if weights is node else ("w", "y")
    return [*lines, f'{named.node(node)} = np.einsum("{texts["x"]},{texts[second]}->{texts[result]}", windows, {names[1]})']


def _is_plain(node: Node) -> bool:
    """Whether a line says all that NumPy is asked."""
    return node.op.scalar is not None or bool(node.op.fold) or node.op.index is not None


def _own_name(node: Node) -> str:
    """What a function of NumPy's own is called; empty where we wrote one."""
    page = source_of(node.op, node).strip()
    return page.replace("numpy.", "np.", 1) if page.startswith("numpy.") and "\n" not in page else ""


def _said(node: Node, named: Named) -> str:
    op, operands = node.op, [named.node(each) for each in node.inputs]
    if op.scalar is not None:
        return _scalar(op.scalar, dict(zip(op.inputs, operands)) | {name: repr(_plain(value)) for name, value in node.params.items()})
    if op.fold:
        return f"np.{FOLDS[op.fold]}({operands[0]}{_reduced(node)})"
    if op.index is not None:
        return _indexed(node, operands)
    settings = [f"{name}={_plain(value)!r}" for name, value in node.params.items() if not hasattr(value, "outputs")]
    return f"{_own_name(node) or op.name}({', '.join([*operands, *settings])})"


def _reduced(node: Node) -> str:
    axis, kept = node.params.get("axis"), node.params.get("keepdims")
    whole = axis is None or (isinstance(axis, tuple) and len(axis) == len(node.inputs[0].shape))
    axis = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
    return ("" if whole and not kept else f", axis={axis}") + (", keepdims=True" if kept else "")


def _plain(value: Any) -> Any:
    """A setting with sizes as plain numbers."""
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _indexed(node: Node, operands: list[str]) -> str:
    form = node.op.index(*node.inputs, **node.params)
    turned = form.matrix_product()
    if turned is not None:
        swapped, left, right = turned
        one, other = reversed(operands) if swapped else operands
        return f"{one}{'.T' * left} @ {other}{'.T' * right}"
    if len(operands) > 1:
        return f'np.einsum("{form.text}", {", ".join(operands)})'
    (labels,), output = form.operands, form.output
    if sorted(labels) == sorted(output) and len(set(labels)) == len(labels):
        return f"{operands[0]}.T" if labels == output[::-1] else f"np.transpose({operands[0]}, {tuple(labels.index(each) for each in output)})"
    if set(output) <= set(labels) and len(set(labels)) == len(labels):
        return f'np.einsum("{form.text}", {operands[0]})'
    if output.endswith(labels):
        return f"np.broadcast_to({operands[0]}, {tuple(map(int, form.shape))})"
    return f"{node.op.name}({operands[0]})  # {form.text}"


def _scalar(text: str, operands: dict[str, str]) -> str:
    """A scalar text with the operands' own names, in NumPy's words.

    >>> _scalar("where(x > 0, x, slope * x)", {"x": "Z", "slope": "0.1"})
    'np.where(Z > 0, Z, 0.1 * Z)'
    """
    tree = _Spoken(operands).visit(ast.parse(text, mode="eval").body)
    return ast.unparse(tree)


class _Spoken(ast.NodeTransformer):
    def __init__(self, operands: dict[str, str]) -> None:
        self.operands = operands

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """A word of the vocabulary."""
        function = WORDS[node.func.id].numpy  # type: ignore[attr-defined]
        name = function.__name__ if function.__module__ == __name__ or not hasattr(function, "nin") else f"np.{function.__name__}"
        name = "np.where" if name == "where" else name
        return ast.Call(ast.Name(name), [self.visit(each) for each in node.args], [])

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """An operand or a setting."""
        return ast.Name(self.operands.get(node.id, node.id))
