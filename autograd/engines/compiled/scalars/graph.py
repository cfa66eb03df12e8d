"""A graph of single numbers as arrays: which template each node has, which nodes its operands are.

Nothing here takes a step of Python per node, unless its op has params: attributes are read by mapped getters, and nodes
of one op are told apart by array arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np

from ....node import Leaf, Node
from .templates import Kind, Template, Unfit, template

_op, _inputs, _serial, _dtype = map(attrgetter, ("op", "inputs", "serial", "dtype"))
_BOOL = np.dtype(bool)
_SEVERAL = 100
"""So many templates may an op have, and one more for every hundred nodes."""


class ScalarGraph:
    """A graph of single numbers of one dtype, and truth values, as arrays. It holds leaves, but no computed node.

    `kinds`: for each node the number of its template, −1 for a leaf. `first`, `operands`: where the operands of each
    node begin, and which nodes they are. `slots`: for each leaf where its value lies: those that vary first, then
    constants. `numbers`: the constants of the templates, in the order of their values; 0, 1 and −1 come first.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        """From nodes in the order they were built; Unfit when one of them is no single number of the common dtype."""
        ops = list(map(_op, nodes))
        found = set(ops)
        for op in found:
            if op is not None and op.scalar is None and op.formula is None:
                raise Unfit(f"{op.name} is not made of words on single numbers")
        distinct = [None, *(op for op in found if op is not None)]
        number = {op: at for at, op in enumerate(distinct)}
        which = np.fromiter(map(number.__getitem__, ops), np.int32, len(ops))
        self.serials = np.fromiter(map(_serial, nodes), np.int64, len(nodes))
        arity = np.array([0 if op is None else len(op.inputs) for op in distinct], np.int32)
        self.first = np.zeros(len(nodes) + 1, np.int32)
        np.cumsum(arity[which], out=self.first[1:])
        sources = chain.from_iterable(map(_inputs, nodes))
        self.operands = self.positions(np.fromiter(map(_serial, sources), np.int64, int(self.first[-1])))
        at_leaves = np.flatnonzero(which == 0)
        leaves: list[Leaf] = [nodes[at] for at in at_leaves.tolist()]  # type: ignore[misc]
        if any(leaf.shape != () for leaf in leaves):
            raise Unfit("a leaf holds more than one number")
        self.dtype, truths = _dtypes(nodes)
        self._place(at_leaves, leaves)
        self.numbers: dict[Any, int] = {"0.0": 0, 1.0: 1, -1.0: 2}
        self.templates: list[Template] = []
        self.kinds = np.full(len(nodes), -1, np.int32)
        for at, op in enumerate(distinct[1:], 1):
            self._choose_templates(nodes, op, np.flatnonzero(which == at), truths)

    def positions(self, serials: np.ndarray) -> np.ndarray:
        """Which nodes these serial numbers belong to."""
        lowest, span = int(self.serials[0]), int(self.serials[-1] - self.serials[0]) + 1
        if span > 8 * len(self.serials) + 1000:
            return np.searchsorted(self.serials, serials).astype(np.int32)
        table = np.empty(span, np.int32)
        table[self.serials - lowest] = np.arange(len(self.serials), dtype=np.int32)
        return table[serials - lowest]

    def _place(self, at: np.ndarray, leaves: Sequence[Leaf]) -> None:
        fixed = np.array([leaf.role == "constant" for leaf in leaves], bool)
        self.varying = [leaf for leaf in leaves if leaf.role != "constant"]
        self.constants = np.array([leaf._value for leaf in leaves if leaf.role == "constant"], self.dtype)
        self.slots = np.full(len(self.serials), -1, np.int32)
        self.slots[at[~fixed]] = np.arange(len(self.varying))
        self.slots[at[fixed]] = np.arange(len(self.varying), len(leaves))

    def _choose_templates(self, nodes: Sequence[Node], op: Any, members: np.ndarray, truths: np.ndarray | None) -> None:
        """A template for all nodes of an op, unless params, truth values or constants tell them apart."""
        operands = self.operands[self.first[members][:, None] + np.arange(len(op.inputs), dtype=np.int32)]
        slots = self.slots[operands]
        marks = np.zeros(len(members), np.int64)
        params: list[Mapping[str, Any]] = [{}]
        if op.params:
            params, marks = _distinct_params(nodes[at] for at in members.tolist())
        for position in range(len(op.inputs)):
            marks = marks << 2 | (slots[:, position] >= len(self.varying))
            if truths is not None:
                marks |= truths[operands[:, position]].astype(np.int64) << 1
        for mark in np.unique(marks).tolist():
            group = np.flatnonzero(marks == mark)
            dtypes = tuple([source.dtype for source in nodes[int(members[group[0]])].inputs])
            self._take(op, params[mark >> 2 * len(op.inputs)], dtypes, members[group], slots[group])

    def _take(self, op: Any, params: Any, dtypes: Any, members: np.ndarray, slots: np.ndarray) -> None:
        """Give nodes with the same operands constant their template, or one for each choice of constants."""
        fixed = slots[0] >= len(self.varying)
        values = self.constants[slots[:, fixed] - len(self.varying)]
        self.kinds[members] = made = self._made(op, params, dtypes, fixed, values[0])
        if self.templates[made].reads_constants:
            choices, which = np.unique(values, axis=0, return_inverse=True)
            if len(choices) > _SEVERAL + len(self.kinds) // 100:
                raise Unfit(f"{op.name} has a gradient of its own for each of {len(choices)} constants")
            table = np.array([self._made(op, params, dtypes, fixed, choice) for choice in choices], np.int32)
            self.kinds[members] = table[which.ravel()]

    def _made(self, op: Any, params: Any, dtypes: Any, fixed: np.ndarray, values: np.ndarray) -> int:
        row = iter(values.tolist())
        constants = tuple([next(row) if each else None for each in fixed.tolist()])
        self.templates.append(template(Kind(op, params, dtypes, constants), self.dtype, self.numbers))
        return len(self.templates) - 1


def _dtypes(nodes: Sequence[Node]) -> tuple[np.dtype, np.ndarray | None]:
    """The common dtype of a graph, and which nodes are true or false (None: no node is); Unfit for other dtypes."""
    # A dtype of plain numbers is a single object, so that its address tells it.
    marks = np.fromiter(map(id, map(_dtype, nodes)), np.int64, len(nodes))
    kinds = {int(mark): nodes[int(at)].dtype for mark, at in zip(*np.unique(marks, return_index=True))}
    floats = {dtype for dtype in kinds.values() if dtype != _BOOL}
    if len(floats) != 1 or not floats <= {np.dtype(np.float32), np.dtype(np.float64)}:
        raise Unfit("not all numbers are float64, nor all float32")
    truths = [mark for mark, dtype in kinds.items() if dtype == _BOOL]
    return floats.pop(), np.isin(marks, truths) if truths else None


def _distinct_params(nodes: Iterable[Node]) -> tuple[list[Mapping[str, Any]], np.ndarray]:
    """The different params of nodes of one op, and for each node which."""
    known: dict[Any, int] = {}
    params: list[Mapping[str, Any]] = []
    which = []
    try:
        for node in nodes:
            at = known.setdefault(tuple(node.params.values()), len(params))
            if at == len(params):
                params.append(node.params)
            which.append(at)
    except TypeError:
        raise Unfit("a param that is no number") from None
    if len(params) > _SEVERAL + len(which) // 100:
        raise Unfit("too many different params")
    return params, np.array(which, np.int64)
