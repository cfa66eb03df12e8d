"""Random graphs over the whole op table: the same seed gives the same graph, in every process.

A graph grows op by op from leaves of random shapes. What an op wants (a domain, a shape, whole numbers) is made from what is
there by other ops, so that planners meet ops in company: views of folds, products of pieces, picks out of loops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import nngraph as ng
import numpy as np
from nngraph.autograd.node import Leaf, Node
from nngraph.autograd.op import OPS, REQUIRED, Example, Op

ng.sum  # noqa: B018 - the first public name fills the op table

MOST_NUMBERS = 1500
"""No array of a graph is larger; a larger one is cut."""
LARGEST = 30.0
"""Values beyond are squeezed, so that long chains neither overflow nor lose all digits."""


@dataclass(frozen=True)
class Case:
    """A graph, and what is to be compared: outputs, among them gradients, and new values for leaves."""

    outputs: list[Node]
    inputs: list[Leaf]
    values: list[np.ndarray]
    """Of the inputs; all other leaves have theirs."""
    updates: dict[Leaf, Node]


def random_case(seed: int, dtype: Any = np.float64) -> Case:
    """The graph of a seed."""
    return _Maker(np.random.default_rng(seed), np.dtype(dtype)).case()


class _Maker:
    """A graph being made."""

    def __init__(self, rng: np.random.Generator, dtype: np.dtype) -> None:
        self.rng, self.dtype = rng, dtype
        self.leaves: list[Leaf] = []
        self.pool: list[Node] = []
        self.whole: list[Node] = []
        """Whole numbers, small."""
        self.truths: list[Node] = []

    def case(self) -> Case:
        """Leaves, 5 to 60 ops, a loss with its gradients, and updates."""
        for _ in range(self.rng.integers(2, 5)):
            self._leaf(self._shape())
        for _ in range(int(self.rng.integers(5, 61))):
            self._grow()
        inputs = [leaf for leaf in self.leaves if leaf.role == "input"]
        parameters = [leaf for leaf in self.leaves if leaf.role == "parameter"]
        outputs = self._some([*self.pool, *self.whole, *self.truths], 4)
        loss = self._loss()
        outputs.append(loss)
        updates: dict[Leaf, Node] = {}
        if parameters:
            slopes = ng.gradient(loss, parameters)
            outputs += self._some(slopes, 2)
            for leaf, slope in zip(parameters, slopes):
                kind = self.rng.integers(4)
                if kind == 0:
                    updates[leaf] = leaf - 0.1 * slope
                elif kind == 1:
                    updates[leaf] = self._fitted(self._one(self.pool), leaf.shape)
                elif kind == 2:
                    updates[leaf] = self._fitted(self._one(parameters), leaf.shape)
        return Case(outputs, inputs, [self._numbers(leaf.shape) for leaf in inputs], updates)

    # Choosing -------------------------------------------------------------------------------------------------------
    def _one(self, among: Sequence[Any]) -> Any:
        return among[int(self.rng.integers(len(among)))]

    def _some(self, among: Sequence[Any], most: int) -> list[Any]:
        count = min(len(among), int(self.rng.integers(1, most + 1)))
        return [among[int(at)] for at in self.rng.choice(len(among), count, replace=False)]

    def _recent(self) -> Node:
        """Any float node, one of the last more often: graphs grow long, not only wide."""
        return self._one(self.pool[-6:] if self.rng.random() < 0.6 else self.pool)

    def _shape(self) -> tuple[int, ...]:
        rank = int(self.rng.integers(0, 5))
        shape = [int(self.rng.integers(1, 8)) for _ in range(rank)]
        if rank and self.rng.random() < 0.3:
            shape[int(self.rng.integers(rank))] = int(self.rng.integers(8, 40))
        while np.prod(shape, dtype=int) > MOST_NUMBERS:
            shape[int(np.argmax(shape))] //= 2
        return tuple(shape)

    def _numbers(self, shape: Sequence[int]) -> np.ndarray:
        return self.rng.uniform(-1.5, 1.5, tuple(map(int, shape))).astype(self.dtype)

    # Growing --------------------------------------------------------------------------------------------------------
    def _leaf(self, shape: tuple[int, ...]) -> Node:
        name, numbers = f"leaf{len(self.leaves)}", self._numbers(shape)
        make = self._one([ng.input, ng.parameter, ng.parameter])
        self.leaves.append(make(name, numbers))
        self.pool.append(self.leaves[-1])
        return self.leaves[-1]

    def _grow(self) -> None:
        ways: list[Callable[[], Any]] = [
            self._from_table, self._from_table, self._elementwise, self._elementwise, self._along_axes, self._moved,
            self._moved, self._joined, self._product, self._rare,
        ]  # fmt: skip
        self._keep(self._one(ways)())

    def _keep(self, node: Any) -> None:
        for each in node if isinstance(node, (tuple, list)) else (node,):
            if each is None or not isinstance(each.shape, tuple):
                continue
            if each.size > MOST_NUMBERS:
                each = self._fitted(each, (MOST_NUMBERS // 50, 40))
            if each.dtype.kind == "f" and each.dtype == self.dtype:
                value = each.value
                if not np.isfinite(value).all():
                    continue
                self.pool.append(each if np.abs(value).max(initial=0.0) < LARGEST else ng.tanh(each * 0.1))
            elif each.dtype.kind == "b":
                self.truths.append(each)
            elif each.dtype.kind in "iu" and np.abs(each.value).max(initial=0) < 1000:
                self.whole.append(each)

    def _from_table(self) -> Any:
        op = self._one([op for op in OPS.values() if op.examples])
        return self._applied(op, self._one(op.examples))

    def _elementwise(self) -> Any:
        """An elementwise op over what is there, broadcast."""
        op = self._one([op for op in OPS.values() if op.scalar is not None])
        example, base = op.example, self._recent()
        inputs = []
        for at in range(len(op.inputs)):
            shape = list(base.shape)
            if at and self.rng.random() < 0.4:
                shape = [1 if self.rng.random() < 0.4 else int(size) for size in shape]
                shape = shape[int(self.rng.integers(len(shape) + 1)) :]
            inputs.append(self._wanted(example, at, shape, base if at == 0 else None))
        return op(*inputs, **example.params)

    def _along_axes(self) -> Any:
        """An op that folds or goes along axes, along any of them."""
        ops = [op for op in OPS.values() if "axis" in op.params and len(op.inputs) == 1 and not op.variadic]
        op = self._one([op for op in ops if op.params["axis"] is not REQUIRED and REQUIRED not in op.params.values()])
        x = self._recent()
        if not x.shape:
            x = self._fitted(x, (1, 1))
        x = self._wanted(op.example, 0, x.shape, x)
        params: dict[str, Any] = {"axis": int(self.rng.integers(-x.ndim, x.ndim))}
        if "keepdims" in op.params:
            params["keepdims"] = bool(self.rng.integers(2))
            if op.fold and self.rng.random() < 0.5:
                count = int(self.rng.integers(0, x.ndim + 1))
                params["axis"] = tuple(sorted(int(at) for at in self.rng.choice(x.ndim, count, replace=False)))
        return op(x, **params)

    def _moved(self) -> Node:
        """The same numbers, or some of them, in another shape."""
        x = self._recent()
        kind = int(self.rng.integers(6))
        if kind == 0:
            return ng.transpose(x, axes=tuple(int(at) for at in self.rng.permutation(x.ndim)))
        if kind == 1:
            sizes = [int(size) for size in x.shape if size > 1]
            at = int(self.rng.integers(len(sizes) + 1))
            return ng.reshape(x, (*sizes[:at], 1, int(np.prod(sizes[at:], dtype=int))))
        if kind == 2 and x.ndim:
            return x[tuple(self._cut(int(size)) for size in x.shape)]
        if kind == 3 and x.ndim:
            return ng.pad(x, width=tuple((int(self.rng.integers(3)), int(self.rng.integers(3))) for _ in x.shape))
        if kind == 4:
            front = tuple(int(self.rng.integers(1, 4)) for _ in range(int(self.rng.integers(1, 3))))
            return ng.broadcast(x, shape=(*front, *x.shape)) if x.ndim + len(front) <= 4 else x
        return ng.flip(x, axis=int(self.rng.integers(x.ndim))) if x.ndim else ng.reshape(x, (1,))

    def _cut(self, size: int) -> Any:
        start = int(self.rng.integers(size))
        stop = int(self.rng.integers(start, size)) + 1
        form = int(self.rng.integers(5))
        if form == 0:
            return start
        if form == 1:
            return slice(None, None, -1)
        return slice(start, stop, int(self.rng.integers(1, 3))) if form < 4 else slice(None)

    def _joined(self) -> Node:
        x = self._recent()
        if not x.ndim:
            return ng.stack([x, self._fitted(self._recent(), ())])
        axis = int(self.rng.integers(x.ndim))
        shape = [int(size) for size in x.shape]
        shape[axis] = int(self.rng.integers(1, 4))
        return ng.concat([x, self._fitted(self._recent(), shape), x][: int(self.rng.integers(2, 4))], axis=axis)

    def _product(self) -> Node:
        """A product of matrices or stacks of them, or any other contraction of two."""
        rows, inner, columns = (int(self.rng.integers(1, 12)) for _ in range(3))
        a, b = self._recent(), self._recent()
        kind = int(self.rng.integers(4))
        if kind == 0:
            return self._fitted(a, (rows, inner)) @ self._fitted(b, (inner, columns))
        if kind == 1:
            return ng.transpose(self._fitted(a, (inner, rows))) @ self._fitted(b, (inner, columns))
        if kind == 2:
            stack = (int(self.rng.integers(1, 4)),)
            return self._fitted(a, (*stack, rows, inner)) @ self._fitted(b, (*stack[: self.rng.integers(2)], inner, columns))
        texts = ["nd,nk->dk", "nd,nd->n", "nd,kd->kn", "bnd,bkd->bnk", "ab,bc->ca", "abc,cd->adb", "ij,ij->", "i,j->ij", "ii,i->i"]
        text = self._one(texts)
        sizes = {label: int(self.rng.integers(1, 7)) for label in "abcdijkn"}
        first, second = text.split("->")[0].split(",")
        return ng.contract(
            self._fitted(a, [sizes[label] for label in first]), self._fitted(b, [sizes[label] for label in second]), text=text
        )  # fmt: skip

    def _rare(self) -> Any:
        """A loop, a convolution of another size than the examples, a loss on labels."""
        kind = int(self.rng.integers(4))
        if kind == 0:
            length, batch, width = (int(self.rng.integers(1, 6)) for _ in range(3))
            steps = self._fitted(self._recent(), (length, batch, width))
            start = self._fitted(self._recent(), (batch, width))
            weight = self._fitted(self._recent(), (width, width))

            def body(carry: Node, row: Node) -> tuple[Node, Node]:
                new = ng.tanh(carry @ weight + row)
                return new, ng.sum(new * row, axis=1)

            return list(ng.scan(body, start, steps, reverse=bool(self.rng.integers(2))))
        if kind == 1:
            images, channels, filters = (int(self.rng.integers(1, 4)) for _ in range(3))
            height, width = (int(self.rng.integers(3, 9)) for _ in range(2))
            x = self._fitted(self._recent(), (images, channels, height, width))
            weight = self._fitted(self._recent(), (filters, channels, *self.rng.integers(1, 4, 2).tolist()))
            return ng.conv2d(x, weight, stride=int(self.rng.integers(1, 3)), padding=int(self.rng.integers(2)))
        if kind == 2:
            rows, classes = (int(self.rng.integers(1, 10)) for _ in range(2))
            labels = ng.constant(self.rng.integers(0, classes, rows))
            return ng.softmax_loss(self._fitted(self._recent(), (rows, classes)), labels)
        x = self._recent()
        return ng.where(self._fitted(x, x.shape) > 0.1, x, self._fitted(self._recent(), x.shape))

    # What an op wants -----------------------------------------------------------------------------------------------
    def _applied(self, op: Op, example: Example) -> Any:
        inputs = [self._wanted(example, at, shape) for at, shape in enumerate(example.shapes)]
        return op(inputs, **example.params) if op.variadic else op(*inputs, **example.params)

    def _wanted(self, example: Example, at: int, shape: Sequence[int], x: Node | None = None) -> Node:
        """An input for an op: of this shape, in the domain of its example, whole or true where that is asked for."""
        shape = tuple(map(int, shape))
        if at in example.integers:
            classes = example.integers[at]
            if self.whole and self.rng.random() < 0.3:
                picked = ng.abs(self._fitted(self._one(self.whole), shape))
                return ng.minimum(picked, ng.constant(np.array(classes - 1, picked.dtype)))
            return ng.constant(self.rng.integers(0, classes, shape))
        if at in example.booleans:
            if self.truths and self.rng.random() < 0.5:
                return self._fitted(self._one(self.truths), shape)
            return self._fitted(self._recent(), shape) > self._fitted(self._recent(), shape)
        low, high = example.domain[at] if isinstance(example.domain[0], tuple) else example.domain
        x = self._fitted(self._recent(), shape) if x is None else x
        if (low, high) != (-2.0, 2.0):
            x = ng.tanh(x) * (0.49 * (high - low)) + 0.5 * (low + high)
        if at in example.simplex:
            x = ng.softmax(x)
        return x

    def _fitted(self, x: Node, shape: Sequence[int]) -> Node:
        """Numbers of x in this shape: cut, or repeated."""
        shape = tuple(map(int, shape))
        if tuple(map(int, x.shape)) == shape:
            return x
        if (twins := [each for each in self.pool if tuple(map(int, each.shape)) == shape]) and self.rng.random() < 0.7:
            return self._one(twins) if x.dtype == self.dtype else self._cut_or_repeated(x, shape)
        return self._cut_or_repeated(x, shape)

    def _cut_or_repeated(self, x: Node, shape: tuple[int, ...]) -> Node:
        size, wanted = int(np.prod(x.shape, dtype=int)), int(np.prod(shape, dtype=int))
        if not wanted or not size:
            return ng.constant(np.zeros(shape, x.dtype))
        flat = ng.reshape(x, (size,))
        if size < wanted:
            flat = ng.tile(flat, reps=-(-wanted // size))
        return ng.reshape(flat[:wanted], shape)

    def _loss(self) -> Node:
        """One number from several nodes, each weighed."""
        parts = [ng.mean(node * float(self.rng.uniform(0.5, 1.5))) for node in self._some(self.pool[-10:], 3)]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total


def values_of(case: Case, engine: str, leaves: Mapping[Leaf, np.ndarray] | None = None) -> list[np.ndarray]:
    """What an engine gives for the outputs and then for the updates; leaves are put back as they were."""
    run = ng.compile(case.outputs, case.inputs, case.updates, engine=engine)
    before = {leaf: leaf.value for leaf in case.updates}
    results = list(run(*case.values))
    results += [leaf.value for leaf in case.updates]
    for leaf, value in before.items():
        leaf.value = value
    return results
