"""The numpy engine: the reference that every other engine is compared with.

A graph becomes a program once: a flat list of (function, operand slots, result slot). Slots are reused as soon as the
last reader has run, so that a value lives no longer than it is needed. The program holds functions and leaves but no
computed node, so keeping it beside a node makes no reference cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from ..errors import MissingValue, NngraphError
from ..graph import Graph, order, without_collector
from ..node import Leaf, Node, abilities, describe
from ..op import Op, inside
from ..storage import at_one_moment
from ..vocabulary import WORDS, spoken

Instruction = tuple[Callable[..., Any], tuple[int, ...], int]


def scalar_function(op: Op) -> Callable[..., Any]:
    """An elementwise op as a function of arrays: its override, or its text spoken in numpy."""
    return op.numpy if op.numpy is not None else meaning(op)


@cache
def meaning(op: Op) -> Callable[..., Any]:
    """A scalar text spoken in numpy, whatever override the op has."""
    assert op.scalar is not None
    return spoken(op.scalar, op.inputs, lambda word: WORDS[word].numpy)


def node_function(node: Node) -> Callable[..., Any]:
    """What computes the value of one node from its operands' values."""
    op = node.op
    if op.numpy is not None:
        return partial(op.numpy, **node.params) if node.params else op.numpy
    if op.scalar is not None:
        function = meaning(op)
        return partial(function, **node.params) if node.params else function
    if op.index is not None:
        return op.index(*node.inputs, **node.params)
    if op.formula is not None:
        return Program.of(inside(op, node.inputs, node.params)).only
    raise NngraphError(f"{op.name} says nowhere what it computes")


class Program:
    """A graph in run order, ready to be run on new leaf values as often as wanted."""

    def __init__(self, outputs: Sequence[Node], keep: Sequence[Node] = ()) -> None:
        with without_collector():
            self._plan(outputs, keep)

    def _plan(self, outputs: Sequence[Node], keep: Sequence[Node]) -> None:
        """One pass: every node gets a slot and, unless it is a leaf, an instruction."""
        nodes = order(outputs)
        kept = {*outputs, *keep}
        last: dict[Node, Node] = {}
        for node in nodes:
            for source in node.inputs:
                last[source] = node
        for node in kept:
            last[node] = node
        slots: dict[Node, int] = {}
        free: list[int] = []
        plain: dict[Op, Callable[..., Any]] = {}
        self.leaves: list[tuple[Leaf, int]] = []
        self.instructions: list[Instruction] = []
        emit = self.instructions.append
        count = 0
        for node in nodes:
            inputs = node.inputs
            if node.is_leaf:
                last[node] = node
                slots[node] = count
                self.leaves.append((node, count))  # type: ignore[arg-type]
                count += 1
                continue
            function = plain.get(node.op)
            if function is None or node.params:
                function = node_function(node)
                if node.op.scalar is not None and not node.params:
                    plain[node.op] = function
            operands = tuple([slots[source] for source in inputs])
            for source, operand in zip(inputs, operands):
                # Leaves and what is asked for never meet their last reader; a node that reads an operand twice frees it
                # once.
                if last[source] is node:
                    last[source] = source
                    free.append(operand)
            if free:
                slot = free.pop()
            else:
                slot = count
                count += 1
            emit((function, operands, slot))
            slots[node] = slot
        self.count = count
        self.results = [slots[output] for output in outputs]

    @classmethod
    def of(cls, graph: Graph) -> Program:
        """The program of a closed graph; `only` then runs it on values for the graph's inputs."""
        program = cls(graph.outputs)
        position = {leaf: index for index, leaf in enumerate(graph.inputs)}
        program.given = [(slot, position[leaf]) for leaf, slot in program.leaves if leaf in position]
        program.fixed = [(slot, leaf) for leaf, slot in program.leaves if leaf not in position]
        return program

    given: list[tuple[int, int]]
    fixed: list[tuple[int, Leaf]]

    def only(self, *values: Any) -> Any:
        """The single result of a closed graph on these input values."""
        memory: list[Any] = [None] * self.count
        for slot, index in self.given:
            memory[slot] = values[index]
        for slot, leaf in self.fixed:
            memory[slot] = leaf.value
        self.run(memory)
        return memory[self.results[0]]

    def run(self, memory: list[Any]) -> None:
        """Run all instructions on a memory whose leaf slots are filled; floating-point warnings stay silent."""
        with np.errstate(all="ignore"):
            for function, operands, slot in self.instructions:
                if len(operands) == 2:
                    a, b = operands
                    memory[slot] = function(memory[a], memory[b])
                elif len(operands) == 1:
                    memory[slot] = function(memory[operands[0]])
                else:
                    memory[slot] = function(*[memory[operand] for operand in operands])

    def load(self, values: Mapping[Leaf, Any] | None = None) -> list[Any]:
        """A fresh memory with every leaf's value in its slot; MissingValue names all leaves that have none."""
        memory: list[Any] = [None] * self.count
        missing = []

        def read() -> None:
            for leaf, slot in self.leaves:
                value = values[leaf] if values is not None and leaf in values else leaf._value
                if value is None:
                    missing.append(leaf)
                memory[slot] = value

        at_one_moment([leaf for leaf, _ in self.leaves], read)
        if missing:
            raise no_value(missing)
        return memory

    def __call__(self, values: Mapping[Leaf, Any] | None = None) -> list[Any]:
        """The outputs' values as arrays."""
        memory = self.load(values)
        self.run(memory)
        return [_array(memory[slot]) for slot in self.results]

    def stamp(self) -> int:
        """The latest moment at which any leaf of this program changed."""
        return max((leaf._stamp for leaf, _ in self.leaves), default=0)


def no_value(missing: Sequence[Leaf]) -> MissingValue:
    """The error that names all leaves whose value is needed and not there."""
    names = ", ".join(describe(leaf) for leaf in missing)
    return MissingValue(f"no value yet for {names}; set {missing[0]._name}.value = …")


def _array(value: Any) -> Any:
    return tuple(np.asarray(part) for part in value) if isinstance(value, tuple) else np.asarray(value)


def evaluate_all(nodes: Sequence[Node], values: Mapping[Leaf, Any] | None = None) -> list[np.ndarray]:
    """The values of many nodes from one run; leaves may be given other values for this run only."""
    return Program(nodes)(values)


abilities["numpy function"] = scalar_function
abilities["program"] = Program.of
