"""What a training makes small: a function of a batch, from a loss or the network's own, over parameters that it knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..autograd.errors import ParameterError, ShapeError
from ..autograd.leaves import input as input_leaf
from ..autograd.leaves import is_frozen
from ..autograd.node import Leaf, Node, describe
from ..autograd.of_network import objective_of
from ..autograd.op import LOSS
from ..autograd.sizes import Size
from .module import Module
from .rows import all_fine, whole

__all__ = ["Loss", "answer_of", "check_frozen", "check_parts", "check_targets", "inputs_for", "objective_of", "rows_to_a_step"]

Loss = Callable[..., Node]
"""(what the network gives, target) -> one number."""


def answer_of(net: Module, loss: Loss | None, inputs: Sequence[Node]) -> Node:
    """What the network gives where it is measured: what the loss compares with the target, or without a loss its own
    `answer` to a batch, or to the first array of it."""
    if loss is not None:
        return net(*inputs[: max(1, len(inputs) - 1)])
    own = getattr(net, "answer", None)
    return net(inputs[0]) if own is None else own(*inputs)


def check_parts(net: Module, loss: Node) -> None:
    """ParameterError where there is nothing to learn, or where the loss has parameters that would be left as they are because
    the network does not know them, as when a function of it calls a module that is none of its attributes."""
    if not isinstance(loss, Node):
        raise ParameterError(f"the loss gives {loss!r}; it has to give one number, as a node that depends on what the network gives")
    known = net.parameters()
    if not net.trainable():
        raise ParameterError(f"{net!r} has nothing to learn: " + ("all is frozen" if known else "no parameters"))
    own = set(known.values())
    for node in loss.graph.nodes:
        if isinstance(node, Leaf) and node.role == "parameter" and node not in own and not is_frozen(node):
            raise ParameterError(
                f"the loss depends on {describe(node)}, which is no parameter of {net!r} and would not be learned. Make what it"
                " belongs to an attribute of the network, or freeze it: module.freeze()"
            )


ALIKE = ("cast", "expand_dims", "reshape", "squeeze")
"""Operations that leave the numbers as they are."""
ROUNDING = 1e-3


def check_targets(loss: Node, inputs: Sequence[Leaf], arrays: Sequence[np.ndarray]) -> None:
    """DataError where the targets of a loss are no shares or probabilities. As a formula it is something for any numbers; what
    is learned from them, without an end, is nothing."""
    given = dict(zip(inputs, arrays, strict=True))
    for node in loss.graph.nodes:
        if node.op is None or node.op.kind != LOSS:
            continue
        # What the second input of a loss holds is declared with its examples: shares that sum to 1, or 0 and 1.
        shares = any(1 in example.simplex for example in node.op.examples)
        if not shares and all(example.integers.get(1) != 2 for example in node.op.examples):
            continue
        name, (answer, target) = node.op.name, node.inputs
        numbered = shares and len(target.shape) < len(answer.shape)
        while target not in given and target.op is not None and target.op.name in ALIKE:
            target = target.inputs[0]
        if shares and answer.shape[-1] == 1:
            raise ParameterError(f"{name} of one class is 0 whatever is learned: each class has a number of its own, also where there are two")
        if numbered or target not in given:
            continue  # what comes out of others, or class numbers, which are checked where they are looked up
        values, said = given[target], target.name
        fits = (values >= -ROUNDING) & (values <= 1 + ROUNDING)
        all_fine(values, fits, said, f"the targets of {name} are {'shares of classes' if shares else 'probabilities'}, from 0 to 1")
        if shares:
            sums = values.sum(-1)
            all_fine(sums, abs(sums - 1) <= ROUNDING, f"the sum of {said} over the classes", f"the shares that {name} takes sum to 1")


def check_frozen(net: Module, learned: Mapping[str, Leaf], trainer: str = "Trainer") -> None:
    """ParameterError where other parameters are to be learned than those that the compiled step moves."""
    now = net.trainable()
    if other := sorted(learned.keys() ^ now.keys()):
        what = "unfrozen" if other[0] in now else "frozen"
        raise ParameterError(
            f"{other[0]} was {what} after this {trainer} was made, and its step is compiled already; make a new {trainer}"
        )


def rows_to_a_step(batch: int | None, count: int, least: int = 1) -> int:
    """How many of so many rows make a step, None all of them."""
    return count if batch is None else min(whole(batch, "batch", least), count)


def inputs_for(arrays: Sequence[np.ndarray], batch: int) -> list[Leaf]:
    """Leaves for batches of these arrays."""
    names = ["x", "t"] if len(arrays) == 2 else ["x"] if len(arrays) == 1 else [*(f"x{k}" for k in range(1, len(arrays))), "t"]
    # An axis of 1 cannot be told from one that is repeated, so that a graph for single rows would fit no other batch.
    count = Size("N", max(batch, 2))
    return [input_leaf(name, shape=(count, *array.shape[1:]), dtype=array.dtype) for name, array in zip(names, arrays, strict=True)]


def check_alike(arrays: Sequence[np.ndarray], others: Sequence[np.ndarray] | None) -> None:
    """ShapeError where the rows of other data have other shapes."""
    if others is None:
        return
    shapes, found = [array.shape[1:] for array in arrays], [array.shape[1:] for array in others]
    if shapes != found:
        raise ShapeError(f"a row of validation has shapes {found}, one of data {shapes}")
