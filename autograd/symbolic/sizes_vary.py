"""Whether a derivation with named sizes holds for other sizes: the graph is built a second time, one larger in every
name."""

from __future__ import annotations

from ..errors import NngraphError, ShapeError
from ..graph import order, rebuild
from ..node import Leaf, Node
from ..sizes import ATOM, Size


def require_same_structure(output: Node) -> None:
    """ShapeError when the graph over other sizes cannot be built or is another graph; nothing when no size has a
    name."""
    nodes = order(output)
    named = {
        size.text: int(size)
        for leaf in nodes
        if leaf.is_leaf
        for size in leaf.shape
        if isinstance(size, Size) and size.binding == ATOM
    }
    if not named:
        return
    larger = {text: Size(text, value + 1) for text, value in named.items()}
    image: dict[Node, Node] = {}
    for node in nodes:
        if node.is_leaf:
            shape = tuple(larger.get(size.text, size) if isinstance(size, Size) else size for size in node.shape)
            image[node] = node if shape == node.shape else Leaf(node.role, node._name, None, shape, node.dtype)
            continue
        try:
            image[node] = rebuild(node, tuple(image[source] for source in node.inputs))
        except NngraphError as error:
            sizes = ", ".join(f"{text} = {int(size)}" for text, size in larger.items())
            raise ShapeError(
                f"the expression does not hold for every {', '.join(named)}: with {sizes} it cannot be built ({error})"
            ) from None
        if isinstance(node.shape, tuple) and len(image[node].shape) != len(node.shape):
            raise ShapeError(
                f"the expression does not hold for every {', '.join(named)}: {node.op.name} changes its number of axes"
            )
