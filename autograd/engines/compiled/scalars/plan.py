"""Graphs of very many single numbers, as scalar neural nets build them: forward and backward as one tape, run compiled.

The gradient is no graph here: the rule of each op is asked once, and written on the tape for every node of that op.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from ....graph import order, without_collector
from ....kernels import tape
from ....kernels.tape_code import tape_code
from ....kernels.tape_words import NUMBER, ROW, TEMPLATE, tape_words
from ....node import Leaf, Node
from ....storage import Clock, at_one_moment
from ....vocabulary import WORDS
from ...numpy import no_value
from ..running.code import ENTRY
from .graph import ScalarGraph
from .templates import Rows, Unfit

FEWEST = 1000
"""Below this many nodes other plans are as good."""


def plan_of(
    outputs: Sequence[Node], wrt: Sequence[Node] = (), fewest: int = FEWEST, nodes: Sequence[Node] | None = None
) -> ScalarPlan | None:
    """The plan, or None where there are fewer nodes, or anything else than single numbers of one dtype. `nodes`: all of
    them in the order they were built, if that is known already."""
    if any(node.shape != () for node in outputs):
        return None
    with without_collector():
        nodes = nodes if nodes is not None else order([*outputs, *wrt])
        if len(nodes) < fewest:
            return None
        try:
            return ScalarPlan(outputs, wrt, ScalarGraph(nodes))
        except Unfit:
            return None


class ScalarPlan:
    """The values of nodes, and the gradients of the first one, as a tape that can be run again and again.

    Called with values for leaves (others are read from the leaves) it gives a list of arrays of rank 0: the value of
    each output, then the gradient of outputs[0] with respect to each of `wrt`. Several threads may call it at once.
    """

    def __init__(self, outputs: Sequence[Node], wrt: Sequence[Node] = (), graph: ScalarGraph | None = None) -> None:
        with without_collector():
            graph = graph if graph is not None else ScalarGraph(order([*outputs, *wrt]))
            if wrt and any(node.dtype != graph.dtype for node in (outputs[0], *wrt)):
                raise Unfit("true and false have no gradient")
            self.dtype, self.varying = graph.dtype, graph.varying
            self._write(graph, [node.serial for node in outputs], [node.serial for node in wrt])
        self.truths = [at for at, node in enumerate(outputs) if node.dtype.kind == "b"]
        self.graph = None if wrt else graph
        """What a plan with gradients can be made from without looking at the nodes again."""
        self._run = _entry(tape.tape(graph.dtype.name))
        self._idle: list[tuple[np.ndarray, np.ndarray, int]] = []

    def _write(self, graph: ScalarGraph, outputs: Sequence[int], wrt: Sequence[int]) -> None:
        """The code, from nodes by their serial numbers."""
        leaves = len(graph.varying) + len(graph.constants)
        self.base = leaves + len(graph.numbers)
        self.fixed = np.array([*graph.constants, *map(float, graph.numbers)], graph.dtype)
        zero, one, minus_one = leaves, leaves + 1, leaves + 2
        words, count, results = self._words(graph, outputs, wrt, leaves)
        results = np.where(results < 0, zero, results).astype(np.int32)
        arity = np.array([tape.ARITY[word] for word in WORDS], np.int32)
        readers, new, code = np.zeros(count, np.int32), np.zeros(count, np.int32), np.empty(5 * count + 1, np.int32)
        block = _block(count, words, readers, new, arity, results, len(results), self.base, one, minus_one, code)
        _entry(tape_code("float64"))(block.ctypes.data, 0, 1)
        size = int(block[0])
        code[size] = tape.END
        self.code, self.results = code[: size + 1].copy(), results
        # The tape trusts its code, so nobody may write to it.
        self.code.flags.writeable = False
        self.length = self.base + int(block[1])

    def _words(
        self, graph: ScalarGraph, outputs: Sequence[int], wrt: Sequence[int], leaves: int
    ) -> tuple[np.ndarray, int, np.ndarray]:
        """Words before they are packed, how many, and the numbers of the results (−1: no gradient reaches it)."""
        table, rows, sends, most = _tables(graph, bool(wrt))
        if self.base + most >= 2**31:
            raise Unfit("more results than an int32 can number")
        nodes, links = len(graph.kinds), len(graph.operands)
        words, value = np.empty((most, 4), np.int32), graph.slots.copy()
        steps = np.empty(len(rows) + 1, np.int32)
        asked, wanted = graph.positions(np.array(outputs, np.int64)), graph.positions(np.array(wrt, np.int64))
        moves, gradient = np.zeros(nodes, np.int32), np.full(nodes, -1, np.int32)
        moves[wanted] = 1
        earliest, latest = np.full(nodes, -1, np.int32), np.empty(nodes, np.int32)
        following, sent = np.empty(links, np.int32), np.empty(links, np.int32)
        block = _block(
            nodes, graph.kinds, graph.first, graph.operands, value, table, rows, sends, words, moves, gradient,
            earliest, latest, following, sent, steps, leaves, self.base, asked[0] if wrt else -1, leaves + 1,
        )  # fmt: skip
        _entry(tape_words("float64"))(block.ctypes.data, 0, 1)
        return words, int(block[0]), np.concatenate([value[asked], gradient[wanted]])

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
        """Put the leaves' values into their places, unless those of that moment still hold; the moment that they are of
        (−1: some were given for this run)."""
        leaves = self.varying
        if not values:
            if moment == Clock.now:
                return moment
            found, moment = at_one_moment(leaves, lambda: ([leaf._value for leaf in leaves], Clock.now))
        else:
            wanted = [leaf for leaf in leaves if leaf not in values]
            found = at_one_moment(wanted, lambda: [values[leaf] if leaf in values else leaf._value for leaf in leaves])
            moment = -1
        if any(value is None for value in found):
            raise no_value([leaf for leaf, value in zip(leaves, found) if value is None])
        numbers[: len(leaves)] = found
        return moment

    def stamp(self) -> int:
        """The latest moment at which any leaf of this plan changed."""
        return max((leaf._stamp for leaf in self.varying), default=0)


def _tables(graph: ScalarGraph, backward: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """The templates as tape_words reads them: table, rows, gradients for operands; and how many words there can be."""
    rows: list[tuple[int, ...]] = []
    sends: list[int] = []
    table = np.zeros((len(graph.templates), TEMPLATE), np.int32)
    most = np.zeros(len(graph.templates) + 1, np.int64)  # the last one, which has none, is for leaves: their kind is −1
    for at, each in enumerate(graph.templates):
        value = _rows(each.value, [1] * len(each.value.words))
        gradient = _rows(each.gradient, each.wanted()) if backward else []
        middle = len(rows) + len(value)
        table[at] = len(rows), middle, each.answer.code, middle, middle + len(gradient), len(sends)
        rows += value + gradient
        sends += [-1 if place is None else place.code for place in each.sent]
        most[at] = len(value) + len(gradient) + len(each.sent) * backward
    return table, np.array(rows, np.int32).reshape(-1, ROW), np.array(sends, np.int32), int(most[graph.kinds].sum())


def _rows(rows: Rows, wanted: Sequence[int]) -> list[tuple[int, ...]]:
    """Rows as whole numbers; places that a word does not have are filled with some constant."""
    return [
        (tape.NUMBERS[word], *[place.code for place in places], *[NUMBER] * (3 - len(places)), bits)
        for (word, places), bits in zip(rows.words, wanted)
    ]


def _block(*words: Any) -> np.ndarray:
    """The arguments of a kernel: arrays by their addresses."""
    return np.array([each.ctypes.data if isinstance(each, np.ndarray) else each for each in words], np.int64)


@cache
def _entry(kernel: Any) -> Any:
    """A kernel as a function of Python's; other threads run meanwhile."""
    return ENTRY(kernel.address)
