"""Templates: what an op computes on single numbers, and what its gradient does, as rows of words with places in them.

The value is the op's scalar text or its formula. The gradient is the rule that differentiate.py follows, asked once
with placeholders; no formula of a gradient stands here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ....differentiate import rule
from ....errors import NngraphError
from ....graph import order
from ....kernels.tape_words import ARRIVED, NUMBER, OPERAND, STEP, VALUE
from ....node import Leaf, Node
from ....op import Op, inside
from ....vocabulary import spoken


class Unfit(NngraphError):
    """An op that is more than words on single numbers of one dtype."""


class Place(NamedTuple):
    """Where a number comes from: a row above, an operand of the node, a constant, the gradient that arrives, the value
    of the node."""

    kind: int
    at: int = 0

    @property
    def code(self) -> int:
        """As one whole number."""
        return self.at << 3 | self.kind


@dataclass(slots=True)
class Rows:
    """Words in order: word, places of its operands. Equal ones stand once."""

    numbers: dict[float, int]
    """Constant -> its place in the plan; shared by all templates of a plan."""
    words: list[tuple[str, tuple[Place, ...]]] = field(default_factory=list)
    known: dict[Any, Place] = field(default_factory=dict)

    def apply(self, word: str, *operands: Any) -> Place:
        """The place of a word's result; operands are places or numbers."""
        key = (word, tuple([each if isinstance(each, Place) else self.number(each) for each in operands]))
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = Place(STEP, len(self.words))
            self.words.append(key)
        return found

    def number(self, value: Any) -> Place:
        """The place of a constant."""
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value.item()
        if not isinstance(value, (bool, int, float, np.number, np.bool_)):
            raise Unfit(f"{value!r} is not a number")
        number = float(value)
        # 0.0 and −0.0 are equal as keys but not as numbers.
        key: Any = number if number else str(number)
        return Place(NUMBER, self.numbers.setdefault(key, len(self.numbers)))

    def spoken(self, op: Op, operands: Sequence[Any], params: Mapping[str, Any]) -> Place:
        """The place of an op's value."""
        if op.scalar is not None:
            result = spoken(op.scalar, op.inputs, lambda word: partial(self.apply, word))(*operands, **params)
            return result if isinstance(result, Place) else self.number(result)
        raise Unfit(f"{op.name} is not made of words on single numbers")

    def graph(self, outputs: Sequence[Node], places: dict[Node, Any]) -> list[Place]:
        """The places of nodes whose leaves have places or are constants."""
        for node in order(outputs):
            if node in places:
                continue
            if node.shape != () or node.dtype.kind not in "fb":
                raise Unfit("not a single real number")
            if node.is_leaf:
                if node.role != "constant":
                    raise Unfit("a leaf of its own")
                places[node] = self.number(node._value)
            elif node.op.scalar is None and node.op.formula is not None:
                inner = inside(node.op, node.inputs, node.params)
                holes = dict(zip(inner.inputs, [places[source] for source in node.inputs]))
                (places[node],) = self.graph(inner.outputs, holes)
            else:
                places[node] = self.spoken(node.op, [places[source] for source in node.inputs], node.params)
        return [places[output] for output in outputs]


@dataclass(frozen=True, slots=True)
class Kind:
    """What nodes that share a template have in common: op, params, the dtype of each operand, and its value where it is a
    constant, for a gradient may depend on that (x² sends 2·x)."""

    op: Op
    params: Mapping[str, Any]
    dtypes: tuple[np.dtype, ...]
    constants: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """Rows of the value and where it is; rows of the gradient, and where that for each operand is (None: it gets none).

    `reads_constants`: whether the gradient looked at the value of a constant operand, so that it holds for that only.
    """

    value: Rows
    answer: Place
    gradient: Rows
    sent: tuple[Place | None, ...]
    reads_constants: bool

    def wanted(self) -> list[int]:
        """For every row of the gradient the operands that it is for, as bits."""
        wanted = [0] * len(self.gradient.words)
        for position, place in enumerate(self.sent):
            if place is not None and place.kind == STEP:
                wanted[place.at] |= 1 << position
        for at in range(len(wanted) - 1, -1, -1):
            for place in self.gradient.words[at][1]:
                if place.kind == STEP:
                    wanted[place.at] |= wanted[at]
        return wanted


class _Watched(Leaf):
    """A constant that remembers whether anybody looked at its value."""

    __slots__ = ("seen",)

    @property
    def _value(self) -> Any:
        self.seen = True
        return super()._value


def template(kind: Kind, dtype: np.dtype, numbers: dict[float, int]) -> Template:
    """The template of a kind of node; Unfit when it is no function of single numbers of this dtype."""
    holes: list[Leaf] = []
    for position, (each, constant) in enumerate(zip(kind.dtypes, kind.constants)):
        if constant is None:
            holes.append(Leaf("input", f"x{position}", None, (), each))
        else:
            holes.append(_Watched("constant", None, constant, (), each))
    watched = [hole for hole in holes if isinstance(hole, _Watched)]
    node = kind.op.apply(tuple(holes), kind.params)
    if node.shape != () or node.dtype not in (dtype, np.dtype(bool)):
        raise Unfit(f"{kind.op.name} gives {node.dtype}")
    places: dict[Node, Any] = {hole: Place(OPERAND, position) for position, hole in enumerate(holes)}
    value = Rows(numbers)
    (answer,) = value.graph([node], dict(places))
    for hole in watched:
        hole.seen = False
    gradient = Rows(numbers)
    sent: list[Place | None] = [None] * len(holes)
    if node.dtype == dtype:
        arriving = Leaf("input", "g", None, (), dtype)
        places |= {node: Place(VALUE), arriving: Place(ARRIVED)}
        for position, received in enumerate(rule(node, arriving)):
            if isinstance(received, Node) and holes[position].dtype == dtype:
                if received.dtype != dtype or received.shape != ():
                    raise Unfit(f"the gradient of {kind.op.name} is no single {dtype}")
                (sent[position],) = gradient.graph([received], places)
            elif received is not None and not isinstance(received, Node):
                raise Unfit(f"the gradient of {kind.op.name} is sent in parts")
    return Template(value, answer, gradient, tuple(sent), any(hole.seen for hole in watched))
