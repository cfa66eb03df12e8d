"""Index forms: multilinear maps in index notation, einsum's language extended by two things numpy's refuses.

`nd,dk->nk` is a matrix product. A label that stands only in the output repeats the values along it (`d->nd` is a
broadcast), and a label that stands twice in the output puts the values on a diagonal (`i->ii`). With these two the
language is closed under differentiation: the derivative of a contraction is a contraction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import ShapeError

LABELS = "ijklmnopqrstuvwxyzabcdefghIJKLMNOPQRSTUVWXYZABCDEFGH"


@dataclass(frozen=True, slots=True, eq=False)
class IndexForm:
    """`operands -> output` with the size of every label.

    >>> form = IndexForm.read("nd,dk->nk", ((2, 3), (3, 4)))
    >>> form.shape, form.derivative(1).text
    ((2, 4), 'nd,nk->dk')
    """

    operands: tuple[str, ...]
    output: str
    sizes: Mapping[str, int]

    @classmethod
    def read(cls, text: str, shapes: Sequence[tuple[int, ...]], extra: Mapping[str, int] | None = None) -> IndexForm:
        """The form from its text and the operands' shapes; `extra` gives sizes of labels only the output has."""
        left, arrow, output = text.replace(" ", "").partition("->")
        operands = tuple(left.split(","))
        if not arrow:
            raise ShapeError(f"{text!r} says no output; write '{left}->…'")
        if len(operands) != len(shapes):
            raise ShapeError(f"{text!r} speaks of {len(operands)} operands; {len(shapes)} were given")
        sizes: dict[str, int] = dict(extra or {})
        for labels, shape in zip(operands, shapes):
            if len(labels) != len(shape):
                raise ShapeError(
                    f"{labels!r} has {len(labels)} labels for an operand of shape {tuple(map(int, shape))}"
                )
            for label, size in zip(labels, shape):
                if not label.isalpha():
                    raise ShapeError(f"{label!r} in {text!r} is not a letter")
                if sizes.setdefault(label, size) != size:
                    raise ShapeError(
                        f"label {label!r} in {text!r} is {int(sizes[label])} in one place and {int(size)} in another"
                    )
        for label in output:
            if label not in sizes:
                raise ShapeError(
                    f"label {label!r} stands only in the output of {text!r}; give its size with sizes={{{label!r}: …}}"
                )
        return cls(operands, output, sizes)

    @property
    def text(self) -> str:
        """The form as text."""
        return ",".join(self.operands) + "->" + self.output

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the output."""
        return tuple(self.sizes[label] for label in self.output)

    @property
    def summed(self) -> str:
        """The labels that are summed over, in order of appearance."""
        return "".join(dict.fromkeys(label for labels in self.operands for label in labels if label not in self.output))

    def derivative(self, position: int) -> IndexForm:
        """The form that maps (operands with g in the place of `position`) to that operand's gradient."""
        operands = self.operands[:position] + (self.output,) + self.operands[position + 1 :]
        return IndexForm(operands, self.operands[position], self.sizes)

    def matrix_product(self) -> tuple[bool, bool, bool] | None:
        """How two operands make a plain matrix product, as (swapped, left is turned, right is turned); None if they do
        not.

        Vectors count: a missing free label is an axis that is not there. `nd,nk->dk` is (False, True, False): Xᵀ·G.
        """
        if len(self.operands) != 2 or any(len(set(labels)) != len(labels) for labels in (*self.operands, self.output)):
            return None
        a, b = self.operands
        shared = [label for label in a if label in b]
        if len(shared) != 1 or shared[0] in self.output or len(a) > 2 or len(b) > 2:
            return None
        free_a, free_b = a.replace(shared[0], ""), b.replace(shared[0], "")
        if self.output == free_a + free_b:
            return False, len(a) == 2 and a[0] == shared[0], len(b) == 2 and b[1] == shared[0]
        if self.output == free_b + free_a:
            return True, len(b) == 2 and b[0] == shared[0], len(a) == 2 and a[1] == shared[0]
        return None

    def __call__(self, *arrays: Any) -> Any:
        """The value on arrays (numbers or SymPy objects)."""
        kept = "".join(
            dict.fromkeys(label for label in self.output if any(label in labels for labels in self.operands))
        )
        value = self._contracted(kept, arrays)
        unique = "".join(dict.fromkeys(self.output))
        if unique != kept:
            position = {label: axis for axis, label in enumerate(kept)}
            if kept:
                value = np.transpose(value, [position[label] for label in unique if label in position])
            value = np.reshape(value, [int(self.sizes[label]) if label in position else 1 for label in unique])
            value = np.broadcast_to(value, [int(self.sizes[label]) for label in unique])
        if unique != self.output:
            value = self._on_diagonals(value, unique)
        return value

    def _contracted(self, kept: str, arrays: Sequence[Any]) -> Any:
        matrix = IndexForm(self.operands, kept, self.sizes).matrix_product()
        if matrix is not None:
            swapped, turn_left, turn_right = matrix
            left, right = (arrays[1], arrays[0]) if swapped else (arrays[0], arrays[1])
            return np.matmul(np.asarray(left).T if turn_left else left, np.asarray(right).T if turn_right else right)
        if len(arrays) == 1 and len(set(self.operands[0])) == len(self.operands[0]):
            labels, array = self.operands[0], np.asarray(arrays[0])
            axes = tuple(axis for axis, label in enumerate(labels) if label not in kept)
            if axes:
                array = np.sum(array, axis=axes, dtype=array.dtype)
            left = [label for label in labels if label in kept]
            return array if "".join(left) == kept else np.transpose(array, [left.index(label) for label in kept])
        return np.einsum(
            ",".join(self.operands) + "->" + kept,
            *arrays,
            optimize=len(arrays) > 1 and np.asarray(arrays[0]).dtype != object,
        )

    def _on_diagonals(self, value: Any, unique: str) -> Any:
        value = np.asarray(value)
        result = np.zeros([int(self.sizes[label]) for label in self.output], value.dtype)
        index = np.ix_(*[np.arange(int(self.sizes[label])) for label in unique])
        result[tuple(index[unique.index(label)] for label in self.output)] = value
        return result
