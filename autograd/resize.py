"""The same graph for other sizes: every size that has a name is worked out again, from the leaves to the params of
ops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .errors import NngraphError, ShapeError
from .graph import Graph, order
from .leaves import constant
from .node import Leaf, Node, describe
from .sizes import Size, resized


def resize(outputs: Sequence[Node], sizes: Mapping[str, int], given: Mapping[Node, Node]) -> list[Node]:
    """The outputs with sizes named in `sizes` given other values; `given` says what stands for the leaves that change.

    Constants that stand for a size change with it, so 1/N stays 1/N. A leaf that depends on a changed size and has no
    stand-in raises ShapeError.

    >>> import nngraph as ng
    >>> x = ng.input("x", shape=(ng.Size("N", 4), 2))
    >>> (y,) = resize([x.T], {"N": 7}, {x: ng.input("x", shape=(ng.Size("N", 7), 2))})
    >>> y.shape
    (2, 7)
    """
    image: dict[Node, Node] = dict(given)
    for node in order(outputs):
        if node in image:
            continue
        if isinstance(node, Leaf):
            image[node] = _leaf(node, sizes)
            continue
        inputs = tuple([image[source] for source in node.inputs])
        params = _param(node.params, sizes)
        if inputs == node.inputs and params is node.params:
            image[node] = node
            continue
        try:
            copy = node.op.apply(inputs, params)
        except NngraphError as error:
            values = ", ".join(f"{name} = {value}" for name, value in sizes.items())
            raise ShapeError(f"{describe(node)} cannot be built for {values}: {error}") from None
        copy._name, copy.scope, copy.site = node._name, node.scope, node.site
        image[node] = copy
    return [image[output] for output in outputs]


def _leaf(leaf: Leaf, sizes: Mapping[str, int]) -> Leaf:
    if leaf.role == "constant" and leaf.params:
        size = resized(leaf.params["size"], sizes)
        return leaf if size == leaf.params["size"] else constant(size, leaf._name, leaf.dtype)
    if any(resized(size, sizes) != size for size in leaf.shape):
        raise ShapeError(
            f"{describe(leaf)} has a size that changes, but no value of the new size was given for it; list it among"
            " the inputs"
        )
    return leaf


def _param(value: Any, sizes: Mapping[str, int]) -> Any:
    """A param with its sizes worked out again; the very same object when nothing in it changes."""
    if isinstance(value, Size):
        new = resized(value, sizes)
        return value if new == value else new
    if isinstance(value, (tuple, list)):
        parts = [_param(part, sizes) for part in value]
        return value if all(new is old for new, old in zip(parts, value)) else type(value)(parts)
    if isinstance(value, Mapping):
        items = {key: _param(part, sizes) for key, part in value.items()}
        return value if all(items[key] is part for key, part in value.items()) else items
    if isinstance(value, Graph):
        return _graph(value, sizes)
    return value


def _graph(graph: Graph, sizes: Mapping[str, int]) -> Graph:
    """A graph inside a param; graphs are nested only as deep as loops are."""
    given: dict[Node, Node] = {}
    for leaf in graph.inputs:
        shape = _param(leaf.shape, sizes)
        given[leaf] = leaf if shape is leaf.shape else Leaf(leaf.role, leaf._name, None, shape, leaf.dtype)
    outputs = resize(graph.outputs, sizes, given)
    same = all(new is old for new, old in zip(outputs, graph.outputs)) and all(
        given[leaf] is leaf for leaf in graph.inputs
    )
    return graph if same else Graph(tuple(given[leaf] for leaf in graph.inputs), tuple(outputs))
