"""A network in place of a node: what `ng.explain` and `ng.draw` make of it, knowing only that it can be called and has
parameters by path."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from inspect import signature
from typing import Any, Protocol, runtime_checkable

import numpy as np

from .errors import ParameterError, ShapeError
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
    """What is made small, as a function of a batch: the loss of what the network gives for it and the last array, or without
    a loss its own objective."""
    if loss is None:
        own = getattr(network, "objective", None)
        if own is None:
            raise ParameterError(f"{network!r} has no objective of its own; give a loss, such as ng.softmax_loss")
        return _own(network, own)
    if not _takes(loss, 2):
        raise ParameterError(f"the loss takes ({_arguments(loss)}); it is called with what the network gives and the target")

    forward = getattr(network, "forward", network)

    def objective(*batch: Node) -> Node:
        before, target = batch[: max(1, len(batch) - 1)], batch[-1]
        if not _takes(forward, len(before)):
            what = f"what comes before the target of {len(batch)} arrays of data"
            raise ShapeError(f"{type(network).__name__} takes ({_arguments(forward)}); it was given {what}")
        return loss(network(*before), target)

    return objective


def _own(network: Network, objective: Callable[..., Node]) -> Callable[..., Node]:
    """The same, with an error for a batch that it does not take."""

    def checked(*batch: Node) -> Node:
        if not _takes(objective, len(batch)):
            raise ShapeError(f"{type(network).__name__} learns from ({_arguments(objective)}); data holds {len(batch)} arrays")
        return objective(*batch)

    return checked


def _takes(function: Callable[..., Any], count: int) -> bool:
    """Whether a function can be called with so many arguments, where it says so at all."""
    try:
        signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:
        pass
    return True


def _arguments(function: Callable[..., Any]) -> str:
    return ", ".join(signature(function).parameters)


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
