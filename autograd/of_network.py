"""A network in place of a node: what `ng.explain` and `ng.draw` make of it, knowing only that it can be called and has
parameters by path."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any, Protocol, runtime_checkable

import numpy as np

from .errors import ParameterError
from .leaves import as_node
from .leaves import input as input_leaf
from .node import Node


@runtime_checkable
class Network(Protocol):
    """What a network is to those who explain and draw: a function of nodes, with parameters by path."""

    def __call__(self, *inputs: Any) -> Any:
        """What comes out for these inputs."""

    def parameters(self) -> dict[str, Any]:
        """All parameters, by path."""


def graph_of(network: Network, data: Any, loss: Callable[..., Node] | None = None, *, learned: bool = False) -> Node:
    """What comes out of a network for `data`, X or (X, t); with a `loss`, or where it is asked for what is `learned`, the
    number that a training on these rows makes small.

    A shape stands for rows without numbers: `(8, 64)`, or `((8, 64), (8,))`. Nodes stay what they are.
    """
    if data is None:
        raise ParameterError(f"{network!r} needs data=, rows such as X or (X, t), or their shape, such as (8, 64)")
    inputs = [_input(each, at) for at, each in enumerate(_parts(data))]
    # Without a loss, rows and targets can only be meant for an objective of the network's own.
    whole = learned or loss is not None or (len(inputs) > 1 and hasattr(network, "objective"))
    found = objective_of(network, loss)(*inputs) if whole else network(*inputs)
    if not isinstance(found, Node):
        raise ParameterError(f"{network!r} gives {len(found)} things for this data; take one: explain or draw a node of it")
    return found


def objective_of(network: Network, loss: Callable[..., Node] | None) -> Callable[..., Node]:
    """What a network learns by, as a function of a batch, (x, t), (x,) or (x1, x2, t): the loss of what it gives and of the
    target, which is x itself where there is no other; without a loss its own objective."""
    if loss is None:
        own: Callable[..., Node] | None = getattr(network, "objective", None)
        if own is None:
            raise ParameterError(f"{network!r} has no objective of its own; give a loss, such as ng.softmax_loss")
        return own
    return lambda *batch: loss(network(*batch[: max(1, len(batch) - 1)]), batch[-1])


def chosen(network: Network, wrt: Any) -> list[Node] | None:
    """The parameters that are meant by paths or patterns, "layer1/W" or "layer*/b"; nodes stay what they are."""
    if wrt is None:
        return None
    own, found = network.parameters(), []
    for wish in [wrt] if isinstance(wrt, (str, Node)) else wrt:
        fitting = [wish] if isinstance(wish, Node) else [leaf for path, leaf in own.items() if fnmatchcase(path, wish)]
        if not fitting:
            raise ParameterError(f"{network!r} has no parameter {wish!r}; there are {', '.join(own)}")
        found += [leaf for leaf in fitting if not any(leaf is other for other in found)]
    return found


def _parts(data: Any) -> tuple[Any, ...]:
    return data if isinstance(data, tuple) and data and not _is_shape(data) else (data,)


def _is_shape(data: Any) -> bool:
    return isinstance(data, tuple) and bool(data) and all(isinstance(size, (int, np.integer)) for size in data)


def _input(given: Any, at: int) -> Node:
    if isinstance(given, Node):
        return given
    name = ("x", "t")[at] if at < 2 else f"x{at}"
    if _is_shape(given):
        return input_leaf(name, shape=given, dtype="float32")
    value = as_node(given).value
    return input_leaf(name, value, dtype=value.dtype)
