"""Graphs of very many single numbers, as scalar neural nets build them: forward and backward as one tape, run compiled.

Nodes become arrays (which op, which operands) without a step of Python per node; compiled loops write a tape from them
(kernels/taping.py) and run it (kernels/tape.py). The gradient is no graph: each op's rule is asked once, and written on
the tape for every node of that op.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np

from ...graph import order, without_collector
from ...kernels import tape, taping
from ...node import Clock, Leaf, Node
from ...vocabulary import WORDS
from ..numpy import no_value
from .scalar_templates import NUMBER, Kind, Rows, Template, Unfit, template

_op, _inputs, _serial, _dtype = map(attrgetter, ("op", "inputs", "serial", "dtype"))
_BOOL = np.dtype(bool)
FEWEST = 1000
"""Below this many nodes other plans are as good."""


def applies(outputs: Sequence[Node]) -> bool:
    """Whether these nodes are a graph of very many single numbers of one dtype, for which ScalarPlan is made."""
    return plan_of(outputs) is not None


def plan_of(outputs: Sequence[Node], wrt: Sequence[Node] = (), fewest: int = FEWEST) -> ScalarPlan | None:
    """The plan of these nodes, or None where they are fewer, or anything else than single numbers of one dtype."""
    if any(node.shape != () for node in outputs):
        return None
    with without_collector():
        nodes = order([*outputs, *wrt])
        if len(nodes) < fewest:
            return None
        try:
            return ScalarPlan(outputs, wrt, ScalarGraph(nodes))
        except Unfit:
            return None


class ScalarGraph:
    """A graph of single numbers of one dtype as arrays. It holds leaves, but no computed node.

    `kinds`: for each node the number of its template, −1 for a leaf. `first`, `operands`: where the operands of each node
    begin, and which nodes they are. `slots`: for each leaf where its value lies: those that vary first, then constants.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        """From nodes in the order they were built; Unfit when one of them is no single number of the common dtype."""
        count = len(nodes)
        ops = list(map(_op, nodes))
        found = set(ops)
        for op in found:
            if op is not None and op.scalar is None and op.formula is None:
                raise Unfit(f"{op.name} is not made of words on single numbers")
        # Node.op is None for a leaf.
        distinct = [None, *sorted(found - {None}, key=lambda op: op.name)]
        which = {op: at for at, op in enumerate(distinct)}
        of = np.fromiter(map(which.__getitem__, ops), np.int32, count)
        self.serials = np.fromiter(map(_serial, nodes), np.int64, count)
        arity = np.array([0] + [len(op.inputs) for op in distinct[1:]], np.int32)[of]
        self.first = np.zeros(count + 1, np.int32)
        np.cumsum(arity, out=self.first[1:])
        total = int(self.first[-1])
        sources = np.fromiter(map(_serial, chain.from_iterable(map(_inputs, nodes))), np.int64, total)
        self.operands = self.positions(sources).astype(np.int32)
        at_leaves = np.flatnonzero(of == 0)
        leaves: list[Leaf] = [nodes[at] for at in at_leaves.tolist()]  # type: ignore[misc]
        self.dtype, is_bool = _dtypes(nodes, leaves)
        self._place_leaves(count, at_leaves, leaves)
        self.numbers: dict[Any, int] = {"0.0": 0, 1.0: 1, -1.0: 2}
        self._choose_templates(nodes, distinct, of, is_bool)

    def positions(self, serials: np.ndarray) -> np.ndarray:
        """Which nodes these serial numbers belong to."""
        lowest, span = int(self.serials[0]), int(self.serials[-1] - self.serials[0]) + 1
        if span > 8 * len(self.serials) + 1000:
            return np.searchsorted(self.serials, serials)
        table = np.empty(span, np.int32)
        table[self.serials - lowest] = np.arange(len(self.serials), dtype=np.int32)
        return table[serials - lowest]

    def _place_leaves(self, count: int, at: np.ndarray, leaves: list[Leaf]) -> None:
        if any(leaf.shape != () for leaf in leaves):
            raise Unfit("a leaf holds more than one number")
        fixed = np.fromiter((leaf.role == "constant" for leaf in leaves), bool, len(leaves))
        self.varying = [leaf for leaf, still in zip(leaves, fixed.tolist()) if not still]
        constants = [leaf._value for leaf, still in zip(leaves, fixed.tolist()) if still]
        self.constants = np.fromiter(map(float, constants), self.dtype, len(constants))
        self.slots = np.full(count, -1, np.int32)
        self.slots[at[~fixed]] = np.arange(len(self.varying))
        self.slots[at[fixed]] = np.arange(len(self.varying), len(leaves))

    def _choose_templates(self, nodes: Sequence[Node], ops: list[Any], of: np.ndarray, is_bool: np.ndarray | None) -> None:
        """A template for every kind of node; nodes of one op are of one kind unless params, truth values or constants
        tell them apart."""
        self.templates: list[Template] = []
        self.kinds = np.full(len(nodes), -1, np.int32)
        first, operands, varying = self.first, self.operands, len(self.varying)
        for number, op in enumerate(ops[1:], 1):
            members = np.flatnonzero(of == number)
            mine = operands[first[members][:, None] + np.arange(len(op.inputs), dtype=np.int32)]
            slots = self.slots[mine]
            marks = np.zeros(len(members), np.int64)
            for position in range(len(op.inputs)):
                marks = marks << 2 | (slots[:, position] >= varying)
                if is_bool is not None:
                    marks |= is_bool[mine[:, position]].astype(np.int64) << 1
            params: list[Any] = [{}]
            if op.params:
                params, which = _distinct_params(nodes[at] for at in members.tolist())
                marks += which << 8
            for mark in np.unique(marks).tolist():
                group = np.flatnonzero(marks == mark)
                example = nodes[int(members[group[0]])]
                dtypes = tuple([source.dtype for source in example.inputs])
                self._of_kind(op, params[mark >> 8], dtypes, members[group], slots[group])

    def _of_kind(self, op: Any, params: Any, dtypes: Any, members: np.ndarray, slots: np.ndarray) -> None:
        varying = len(self.varying)
        fixed = slots[0] >= varying
        values = self.constants[slots[:, fixed] - varying]
        made = self._template(Kind(op, params, dtypes, _spread(fixed, values[0])))
        self.kinds[members] = made
        if self.templates[made].reads_constants:
            rows, which = np.unique(values, axis=0, return_inverse=True)
            if len(rows) > 100 + len(self.kinds) // 100:
                raise Unfit(f"{op.name} has a gradient of its own for too many constants")
            table = np.array([self._template(Kind(op, params, dtypes, _spread(fixed, row))) for row in rows], np.int32)
            self.kinds[members] = table[which.ravel()]

    def _template(self, kind: Kind) -> int:
        self.templates.append(template(kind, self.dtype, self.numbers))
        return len(self.templates) - 1


def _dtypes(nodes: Sequence[Node], leaves: Sequence[Leaf]) -> tuple[np.dtype, np.ndarray | None]:
    """The common dtype of a graph, and which nodes are true or false (None: none is); Unfit for other dtypes."""
    # dtypes of plain numbers are single objects, so nearly every node is told by the address of its dtype.
    marks = np.fromiter(map(id, map(_dtype, nodes)), np.int64, len(nodes))
    kinds = [nodes[int(at)].dtype for at in np.unique(marks, return_index=True)[1]]
    if any(dtype is None for dtype in kinds):
        raise Unfit("a leaf without a dtype")
    floats = {dtype for dtype in kinds if dtype != _BOOL}
    if len(floats) != 1 or not floats <= {np.dtype(np.float32), np.dtype(np.float64)}:
        raise Unfit("numbers of several dtypes")
    (dtype,) = floats
    if len(kinds) == len([each for each in kinds if each != _BOOL]):
        return dtype, None
    return dtype, np.isin(marks, [id(each) for each in kinds if each == _BOOL])


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
    if len(params) > 100 + len(which) // 100:
        raise Unfit("too many different params")
    return params, np.array(which, np.int64)


def _spread(fixed: np.ndarray, values: np.ndarray) -> tuple[float | None, ...]:
    """The values at the fixed operands, None at the others."""
    row = iter(values.tolist())
    return tuple([next(row) if each else None for each in fixed.tolist()])


class ScalarPlan:
    """The values of nodes, and the gradients of the first one, as a tape that can be run again and again.

    Called with values for leaves (others are read from the leaves) it gives a list: the value of each output, then the
    gradient of outputs[0] with respect to each of `wrt`, as arrays of rank 0. Threads may call it at once.
    """

    def __init__(self, outputs: Sequence[Node], wrt: Sequence[Node] = (), graph: ScalarGraph | None = None) -> None:
        with without_collector():
            graph = graph if graph is not None else ScalarGraph(order([*outputs, *wrt]))
            if wrt and any(node.dtype != graph.dtype for node in (outputs[0], *wrt)):
                raise Unfit("true and false have no gradient")
            self.dtype, self.varying = graph.dtype, graph.varying
            self._write(graph, [node.serial for node in outputs], [node.serial for node in wrt])
        self.truths = [at for at, node in enumerate(outputs) if node.dtype == _BOOL]
        self.graph = None if wrt else graph
        """What a plan that also gives gradients can be made from, without looking at the nodes again."""

    def _write(self, graph: ScalarGraph, outputs: list[int], wrt: list[int]) -> None:
        leaves = len(graph.varying) + len(graph.constants)
        base = leaves + len(graph.numbers)
        value, table, rows, sends, most = _written(graph, bool(wrt))
        words = np.empty((most, 4), np.int32)
        count, total = len(graph.kinds), len(graph.operands)
        moves, gradient = np.zeros(count, np.int32), np.full(count if wrt else 0, -1, np.int32)
        wanted = graph.positions(np.array(wrt, np.int64)) if wrt else []
        moves[wanted] = 1
        found = graph.positions(np.array(outputs, np.int64))
        earliest, latest = np.full(count if wrt else 0, -1, np.int32), np.empty(count if wrt else 0, np.int32)
        following, sent = np.empty(total if wrt else 0, np.int32), np.empty(total if wrt else 0, np.int32)
        steps = np.empty(max(len(rows), 1), np.int32)
        block = _block(
            count, graph.kinds, graph.first, graph.operands, value, table, rows, sends, words, moves, gradient, earliest,
            latest, following, sent, steps, base, int(found[0]) if wrt else -1, leaves + 1, leaves,
        )  # fmt: skip
        _kernel("unroll")(block.ctypes.data, 0, 1)
        used = int(block[0])
        results = value[found]
        if wrt:
            received = gradient[wanted]
            # What the output does not depend on gets the constant 0.
            results = np.concatenate([results, np.where(received < 0, leaves, received)])
        results = np.ascontiguousarray(results, np.int32)
        readers, new, code = np.zeros(used, np.int32), np.zeros(used, np.int32), np.empty(5 * used + 1, np.int32)
        arity = np.array([tape.ARITY[word] for word in WORDS], np.int32)
        block = _block(used, words, readers, new, arity, results, len(results), base, leaves + 1, leaves + 2, code)
        _kernel("pack")(block.ctypes.data, 0, 1)
        size = int(block[0])
        code[size] = tape.END
        self.code, self.results = code[: size + 1].copy(), results
        self.length = base + int(block[1])
        self.base = base
        self.fixed = np.concatenate([graph.constants, np.array([float(each) for each in graph.numbers], graph.dtype)])
        self._run = _runner(graph.dtype.name)
        self._idle: list[tuple[np.ndarray, np.ndarray, int]] = []

    @property
    def bytes(self) -> int:
        """Memory of the plan: its code and one set of numbers."""
        return self.code.nbytes + self.length * self.dtype.itemsize

    def __call__(self, values: Mapping[Leaf, Any] | None = None) -> list[np.ndarray]:
        """See the class; MissingValue names all leaves that have no value."""
        try:
            numbers, block, moment = self._idle.pop()
        except IndexError:
            numbers, moment = np.empty(self.length, self.dtype), -1
            numbers[len(self.varying) : self.base] = self.fixed
            block = _block(self.code, numbers, self.base)
        moment = self._load(numbers, moment, values)
        self._run(block.ctypes.data, 0, 1)
        results = list(map(np.array, numbers[self.results]))
        self._idle.append((numbers, block, moment))
        for at in self.truths:
            results[at] = results[at].astype(bool)
        return results

    def _load(self, numbers: np.ndarray, moment: int, values: Mapping[Leaf, Any] | None) -> int:
        """Put the leaves' values into their slots; the moment that they are of, −1 when some were given for this run."""
        leaves = self.varying
        with Clock.lock:
            if not values:
                if moment == Clock.now:
                    return moment
                found, moment = [leaf._value for leaf in leaves], Clock.now
            else:
                found, moment = [values[leaf] if leaf in values else leaf._value for leaf in leaves], -1
        missing = [leaf for leaf, value in zip(leaves, found) if value is None]
        if missing:
            raise no_value(missing)
        numbers[: len(leaves)] = found
        return moment

    def stamp(self) -> int:
        """The latest moment at which any leaf of this plan changed."""
        return max((leaf._stamp for leaf in self.varying), default=0)


def _written(graph: ScalarGraph, backward: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """Templates as arrays for taping.py: values of leaves, table, rows, gradients for operands, and how many words there can
    be at most."""
    rows: list[tuple[int, ...]] = []
    sends: list[int] = []
    table = np.zeros((len(graph.templates), taping.TEMPLATE), np.int32)
    most = np.zeros(len(graph.templates) + 1, np.int64)
    for at, each in enumerate(graph.templates):
        value = _rows(each.value, [1] * len(each.value.words))
        gradient = _rows(each.gradient, each.wants()) if backward else []
        middle = len(rows) + len(value)
        table[at] = len(rows), middle, each.answer.code, middle, middle + len(gradient), len(sends)
        rows += value + gradient
        sends += [-1 if place is None else place.code for place in each.sent]
        most[at] = len(value) + len(gradient) + len(each.sent) * backward
    return (
        graph.slots.copy(),
        table,
        np.array(rows, np.int32).reshape(-1, taping.ROW),
        np.array(sends, np.int32),
        int(most[graph.kinds].sum()),
    )


def _rows(rows: Rows, wanted: list[int]) -> list[tuple[int, ...]]:
    return [
        (tape.NUMBERS[word], *[place.code for place in places], *[NUMBER] * (3 - len(places)), bits)
        for (word, places), bits in zip(rows.words, wanted)
    ]


def _block(*words: Any) -> np.ndarray:
    """Arguments of a kernel: arrays by their addresses."""
    return np.array([each.ctypes.data if isinstance(each, np.ndarray) else each for each in words], np.int64)


_SIGNATURE = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)


@cache
def _kernel(name: str) -> Any:
    return _SIGNATURE(getattr(taping, name)("float64").address)


@cache
def _runner(dtype: str) -> Any:
    return _SIGNATURE(tape.address_of(dtype))
